"""The HTTP API: listing, reading, changing and deleting messages; their bytes against what was sent."""
import base64
import email
import hashlib
import random

import pytest
from harness import odd_mail
from harness.wire import Imap
from test_http_core import guarded, panel  # noqa: F401
from test_http_mailboxes import NOBODY, Http, ann, boxes, other, root  # noqa: F401
from test_real_mail import corpus

# Broken so that Python's parser sees other parts than ours.
OTHERWISE = {"enmime/low-quality_bad-header-wrap.raw", "enmime/mail_epilogue-sample.raw", "mail-parser/mail_malformed_1", "python/msg_15.txt"}
PLAIN = (b"From: =?utf-8?Q?J=C3=B6rg?= <j@xn--bcher-kva.example>\r\nTo: Ann <ann@example.com>, team: Bob <bob@example.com>;\r\n"
         b"Cc: carol@example.com\r\nReply-To: <reply@example.com>\r\nSubject: =?utf-8?B?w5xidW5n?= one\r\nMessage-ID: <one@example.com>\r\n"
         b"Date: Fri, 02 Feb 2024 10:00:00 +0100\r\nReferences: <a@x>  <b@x>\r\nList-ID: News <news.example.com>\r\n"
         b"List-Unsubscribe: <mailto:off@example.com?subject=x>, <https://example.com/off>\r\nX-Label: blue\r\n\r\nHello\r\nworld\r\n")
PNG = random.Random(3).randbytes(3000)


def mixed():
    text = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>See <img src=\"cid:pic@x\"></p>"
    image = (b"Content-Type: image/png; name=pic.png\r\nContent-ID: <pic@x>\r\nContent-Disposition: inline; filename=pic.png\r\n"
             b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(PNG).replace(b"\n", b"\r\n"))
    other_part = (b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''%C3%BC%20x.pdf\r\n"
                  b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db =\r\nc\r\n")
    parts = b"".join(b"--b\r\n" + p + b"\r\n" for p in (text, image, other_part))
    return b"From: a@example.net\r\nSubject: mixed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" + parts + b"--b--\r\n"


@pytest.fixture
def box(guarded, ann):
    """Fills a new mailbox: box.add(message, flags, date) → uid; box.path of the API."""
    class Box:
        imap = Imap(guarded.imap, ann.name, "correct horse")
        name = "box"
        id = ann.post("/users/me/mailboxes", path="box")["id"]
        path = f"/users/me/mailboxes/{id}/messages"

        def add(self, message=PLAIN, flags="", date=""):
            return self.imap.append("box", message, flags, date)

        def flags(self, uid):
            self.imap.ok("SELECT box")
            return b" ".join(self.imap.lines(f"UID FETCH {uid} FLAGS"))
    b = Box()
    yield b
    b.imap.close()


def no_message(got):
    return got == {"error": "This message does not exist", "code": "MessageNotFound"}


# ---- the listing ----

def test_a_row_of_the_listing(ann, box):
    uid = box.add(PLAIN, "\\Flagged \\Answered")
    got = ann.get(box.path)
    assert (got["total"], got["page"], got["nextCursor"], got["previousCursor"], got["specialUse"]) == (1, 1, False, False, None)
    (row,) = got["results"]
    assert len(row.pop("thread")) == 24 and row.pop("idate").endswith("Z")
    assert row == {
        "id": uid, "mailbox": box.id, "from": {"name": "Jörg", "address": "j@bücher.example"},
        "to": [{"name": "Ann", "address": "ann@example.com"}, {"name": "team", "group": [{"name": "Bob", "address": "bob@example.com"}]}],
        "cc": [{"name": "", "address": "carol@example.com"}], "bcc": [], "messageId": "<one@example.com>", "subject": "Übung one",
        "date": "2024-02-02T09:00:00.000Z", "intro": "Hello world", "attachments": False, "attachmentsList": [], "size": len(PLAIN), "seen": False,
        "deleted": False, "flagged": True, "draft": False, "answered": True, "forwarded": False, "references": ["<a@x>", "<b@x>"],
        "contentType": {"value": "text/plain"}}


def test_what_a_listing_adds_on_request(ann, box):
    first = box.add(PLAIN)
    box.add(PLAIN.replace(b"<one@example.com>", b"<two@example.com>").replace(b"<a@x>  <b@x>", b"<one@example.com>"))
    ann.ask("PUT", f"{box.path}/{first}", metaData={"colour": "red"})
    rows = ann.get(f"{box.path}?metaData=true&threadCounters=1&includeHeaders=X-Label,%20To,None&order=asc")["results"]
    assert [r["metaData"] for r in rows] == [{"colour": "red"}, {}]
    assert {r["threadMessageCount"] for r in rows} == {2} and rows[0]["thread"] == rows[1]["thread"]
    assert rows[0]["headers"]["x-label"] == "blue" and set(rows[0]["headers"]) == {"x-label", "to"}
    assert "metaData" not in ann.get(box.path)["results"][0]


def test_pages_by_date_in_both_orders(ann, box):
    uids = {box.add(PLAIN, "\\Seen" if day % 2 else "", f"{day:02d}-Jan-2024 10:00:00 +0000"): day for day in (3, 1, 5, 2, 4, 7, 6)}
    uids[box.add(PLAIN, "", "06-Jan-2024 10:00:00 +0000")] = 6
    for order, days in (("", [7, 6, 6, 5, 4, 3, 2, 1]), ("&order=desc", [7, 6, 6, 5, 4, 3, 2, 1]), ("&order=asc", [1, 2, 3, 4, 5, 6, 6, 7]),
                        ("&order=other", [7, 6, 6, 5, 4, 3, 2, 1])):
        seen, query, pages = [], "", []
        while True:
            page = ann.get(f"{box.path}?limit=3{order}{query}")
            pages.append(page)
            seen += [uids[r["id"]] for r in page["results"]]
            assert page["total"] == 8
            if not page["nextCursor"]:
                break
            query = f"&page={len(pages) + 1}&next={page['nextCursor']}"
        assert seen == days and [len(p["results"]) for p in pages] == [3, 3, 2] and pages[1]["page"] == 2
        back = ann.get(f"{box.path}?limit=3{order}&page=2&previous={pages[2]['previousCursor']}")
        assert back["results"] == pages[1]["results"]
    unread = ann.get(f"{box.path}?unseen=true")
    assert unread["total"] == 4 == len(unread["results"]) and not any(r["seen"] for r in unread["results"])
    assert ann.get(f"{box.path}?unseen=false&limit=&next=&unknown=1")["total"] == 8


def test_listing_errors(guarded, ann, box, other):
    assert ann.get(f"/users/me/mailboxes/{NOBODY}/messages", 404) == {"error": "This mailbox does not exist", "code": "NoSuchMailbox"}
    assert ann.get("/users/me/mailboxes/xyz/messages", 400)["code"] == "InputValidationError"
    assert ann.get(f"{box.path}?limit=251", 400)["details"] == {"limit": '"limit" must be less than or equal to 250'}
    cursor = base64.urlsafe_b64encode(b'{"$oid":"%s"}' % (b"0" * 24)).decode().rstrip("=")
    assert ann.get(f"{box.path}?next={cursor}", 400)["code"] == "InputValidationError"
    assert ann.get(f"/users/me/mailboxes/{box.id}/messages?unseen=maybe", 400)["details"] == {"unseen": '"unseen" must be a boolean'}


def test_a_page_of_large_rows_is_shorter(ann, box):
    """250 rows with 1,000 recipients each are more than an answer of the store has room for: nothing is lost."""
    big = b"To: " + b",\r\n ".join(b"Somebody with a long name %05d <somebody%05d@example.com>" % (i, i) for i in range(1000)) + b"\r\n\r\nx\r\n"
    uids = {box.add(big) for _ in range(20)}
    seen, query = [], ""
    while True:
        page = ann.get(f"{box.path}?limit=250{query}")
        seen += [r["id"] for r in page["results"]]
        if not page["nextCursor"]:
            break
        query = f"&page=2&next={page['nextCursor']}"
    assert len(seen) == 20 and set(seen) == uids


# ---- one message ----

def test_a_message(ann, box):
    uid = box.add(PLAIN)
    got = ann.get(f"{box.path}/{uid}")
    assert got["id"] == uid and got["user"] == ann.id and got["mailbox"] == box.id and got["text"].replace("\r", "").strip() == "Hello\nworld"
    assert got["from"] == {"name": "Jörg", "address": "j@bücher.example"} and got["replyTo"] == [{"name": "", "address": "reply@example.com"}]
    assert "bcc" not in got and got["to"][1]["group"] and len(got["html"]) == 1 and "Hello" in got["html"][0]
    assert got["list"] == {"id": {"name": "News", "address": "news.example.com"},
                           "unsubscribe": [{"name": "", "address": "off@example.com"}, {"name": "https://example.com/off", "address": ""}]}
    assert got["envelope"]["from"] == "" and got["attachments"] == [] and got["metaData"] == {} and "expires" not in got
    assert got["seen"] is False and got["contentType"] == {"value": "text/plain"} and got["subject"] == "Übung one"


def test_reading_marks_as_seen_on_request(ann, box):
    uid = box.add(PLAIN)
    assert ann.get(f"{box.path}/{uid}")["seen"] is False and b"Seen" not in box.flags(uid)
    assert ann.get(f"{box.path}/{uid}?markAsSeen=true")["seen"] is True and b"\\Seen" in box.flags(uid)
    assert ann.get(f"{box.path}/{uid}")["seen"] is True


def test_attachments_and_embedded_images(ann, box):
    uid = box.add(mixed())
    got = ann.get(f"{box.path}/{uid}")
    assert got["html"] == ['<p>See <img src="attachment:ATT00001"></p>'] or "attachment:ATT00001" in got["html"][0]
    image, pdf = got["attachments"]
    assert (image["id"], image["filename"], image["contentType"], image["disposition"], image["cid"], image["related"]) == (
        "ATT00001", "pic.png", "image/png", "inline", "<pic@x>", True)
    assert (pdf["filename"], pdf["transferEncoding"], pdf["cid"]) == ("ü x.pdf", "quoted-printable", None) and image["sizeKb"] == 3
    encoded = base64.encodebytes(PNG).replace(b"\n", b"\r\n")
    assert image["hash"] == hashlib.sha256(encoded).hexdigest() and image["fileContentHash"] == base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    linked = ann.get(f"{box.path}/{uid}?replaceCidLinks=true")["html"][0]
    assert f"/users/{ann.id}/mailboxes/{box.id}/messages/{uid}/attachments/ATT00001" in linked and "attachment:ATT" not in linked
    r, data = ann.raw("GET", f"{box.path}/{uid}/attachments/att00001")
    assert (r.status, data, r.getheader("Content-Type")) == (200, PNG, "image/png") and r.getheader("Transfer-Encoding") == "chunked"
    assert r.getheader("Content-Disposition") == "attachment; filename*=UTF-8''pic.png"
    r, data = ann.raw("GET", f"{box.path}/{uid}/attachments/ATT00002")
    assert data == b"a=b c\r\n" and r.getheader("Content-Disposition") == "attachment; filename*=UTF-8''%C3%BC%20x.pdf"
    listed = ann.get(box.path)["results"][0]
    assert listed["attachments"] is True and listed["attachmentsList"] == got["attachments"]
    assert listed["contentType"] == {"value": "multipart/related", "params": {"boundary": "b"}}


def test_reading_errors(guarded, ann, root, box, other):
    uid = box.add(mixed())
    theirs = root.get(f"/users/{other}/mailboxes")["results"][0]["id"]
    for tail in ("", "/message.eml", "/attachments/ATT00001"):
        for path in (f"{box.path}/{uid + 1}", f"/users/me/mailboxes/{theirs}/messages/1", f"/users/me/mailboxes/{NOBODY}/messages/1"):
            assert no_message(ann.get(path + tail, 404)), (path, tail)
        # Another account's mailbox by another account's user: the mailbox is not that one's.
        assert no_message(root.get(f"/users/{other}/mailboxes/{box.id}/messages/{uid}{tail}", 404))
        assert ann.get(f"{box.path}/0{tail}", 400)["details"] == {"message": '"message" must be greater than or equal to 1'}
        assert ann.get(f"{box.path}/x{tail}", 400)["details"] == {"message": '"message" must be a number'}
        assert ann.get(f"{box.path}/99999999999{tail}", 404)["code"] == "MessageNotFound"
    assert ann.get(f"{box.path}/{uid}/attachments/ATT00009", 404) == {"error": "This attachment does not exist", "code": "AttachmentNotFound"}
    assert ann.get(f"{box.path}/{uid}/attachments/ATT00001?sendAsString=true", 400)["code"] == "InputValidationError"
    assert ann.raw("GET", f"{box.path}/{uid}/attachments/ATT00001?sendAsString=false")[0].status == 200
    assert ann.get(f"{box.path}/{uid}/attachments/other", 400)["code"] == "InputValidationError"
    assert ann.get(f"{box.path}/{uid}/attachments/ATT00001?sess=x", 400)["details"] == {"sess": '"sess" is not allowed'}


def test_every_route_is_refused_to_other_users(guarded, ann, root, other):
    theirs = root.get(f"/users/{other}/mailboxes")["results"][0]["id"]
    path = f"/users/{other}/mailboxes/{theirs}/messages"
    for method, tail, params in (("GET", "", {}), ("GET", "/1", {}), ("GET", "/1/message.eml", {}), ("GET", "/1/attachments/ATT00001", {}),
                                 ("PUT", "/1", {"seen": True}), ("PUT", "", {"message": "1", "seen": True}), ("DELETE", "/1", {}), ("DELETE", "", {})):
        assert ann.ask(method, path + tail, 403, **params)["code"] == "MissingPrivileges", (method, tail)


def test_roles(panel, ann, box):
    uid = box.add(mixed())
    path = f"/users/{ann.id}/mailboxes/{box.id}/messages/{uid}"
    assert panel("downloader").raw("GET", path + "/message.eml")[1] == mixed()
    panel("downloader").ask("GET", path + "/attachments/ATT00001", 403)
    assert panel("attachments").raw("GET", path + "/attachments/ATT00001")[1] == PNG
    panel("attachments").ask("GET", path, 403)
    panel("manager").ask("GET", path, 403)


# ---- bytes ----

def check_bytes(ann, box, messages, decoded=None):
    for what, sent in messages:
        if not sent:
            continue
        uid = box.add(sent)
        r, got = ann.raw("GET", f"{box.path}/{uid}/message.eml")
        assert (r.status, r.getheader("Content-Type"), got) == (200, "message/rfc822", sent), what
        shown = ann.get(f"{box.path}/{uid}")
        assert shown["size"] == len(sent), what
        for one in shown["attachments"]:
            r, got = ann.raw("GET", f"{box.path}/{uid}/attachments/{one['id']}")
            assert r.status == 200, (what, one)
            if decoded is not None and one["transferEncoding"].lower() in ("base64", "quoted-printable"):
                parts = email.message_from_bytes(sent).walk()
                decoded.append((what, one["id"], got in [p.get_payload(decode=True) for p in parts if not p.is_multipart()]))


def test_the_corpus_comes_back_byte_for_byte(ann, box):
    decoded = []
    check_bytes(ann, box, corpus(), decoded)
    assert len(decoded) >= 50
    assert {what for what, _, same in decoded if not same} == OTHERWISE


def test_odd_messages_come_back_byte_for_byte(ann, box):
    check_bytes(ann, box, odd_mail.messages())


@pytest.mark.parametrize("encoding", ["base64", "odd base64", "quoted-printable", "8bit"])
def test_a_large_attachment_is_decoded_range_by_range(ann, box, encoding):
    data = random.Random(5).randbytes(3_000_000)
    if encoding == "8bit":
        data = bytes(b for b in data if b >= 0xa0)
        coded = b"\r\n".join(data[i:i + 900] for i in range(0, len(data), 900))
        data = coded
    elif encoding == "quoted-printable":
        import quopri
        data = data[:700_000].replace(b"\r", b"").replace(b"\n", b"")
        coded = quopri.encodestring(data).replace(b"\n", b"\r\n")
    else:
        text = base64.b64encode(data)
        width = 61 if encoding == "odd base64" else 76
        coded = b"\r\n".join(text[i:i + width] + (b" " if encoding == "odd base64" and i % 3 == 0 else b"") for i in range(0, len(text), width))
    name = encoding.split()[-1].encode()
    message = (b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n"
               b"Content-Transfer-Encoding: " + name + b"\r\n\r\n" + coded + b"\r\n--b--\r\n")
    uid = box.add(message)
    r, got = ann.raw("GET", f"{box.path}/{uid}/attachments/ATT00001")
    assert r.status == 200 and got == data
    assert ann.raw("GET", f"{box.path}/{uid}/message.eml")[1] == message
    assert ann.get(f"{box.path}/{uid}")["attachments"][0]["filename"].endswith(".bin")


# ---- changes ----

def test_flags_expiry_and_data(ann, box):
    uids = [box.add(PLAIN, "\\Seen") for _ in range(4)]
    assert ann.ask("PUT", f"{box.path}/{uids[0]}", seen=False, flagged=True, deleted="yes", draft=True) == {"success": True, "updated": 1}
    got = ann.get(f"{box.path}/{uids[0]}")
    assert (got["seen"], got["flagged"], got["deleted"], got["draft"]) == (False, True, True, True)
    flags = box.flags(uids[0])
    assert b"\\Flagged" in flags and b"\\Deleted" in flags and b"\\Draft" in flags and b"\\Seen" not in flags
    ann.ask("PUT", f"{box.path}/{uids[0]}", draft=False, deleted=False)
    got = ann.get(f"{box.path}/{uids[0]}")
    assert (got["flagged"], got["deleted"], got["draft"]) == (True, False, False)
    assert ann.ask("PUT", box.path, message=f"{uids[1]}:*", seen=False)["updated"] == 3
    assert ann.ask("PUT", box.path, message=f"{uids[0]},{uids[2]},99999", seen=True)["updated"] == 2
    ann.ask("PUT", f"{box.path}/{uids[1]}:{uids[2]}", expires="2099-01-02T03:04:05.000Z", metaData='{"a": [1]}')
    got = ann.get(f"{box.path}/{uids[2]}")
    assert got["expires"] == "2099-01-02T03:04:05.000Z" and got["metaData"] == {"a": [1]}
    ann.ask("PUT", f"{box.path}/{uids[2]}", expires=False)
    assert "expires" not in ann.get(f"{box.path}/{uids[2]}") and "expires" in ann.get(f"{box.path}/{uids[1]}")
    assert {r["id"]: r["seen"] for r in ann.get(box.path)["results"]} == dict(zip(uids, [True, False, True, False]))


def test_moving(guarded, ann, box):
    uids = [box.add(PLAIN) for _ in range(5)]
    target = ann.post("/users/me/mailboxes", path="target")["id"]
    Imap(guarded.imap, ann.name, "correct horse").append("target", PLAIN)
    got = ann.ask("PUT", box.path, message=f"{uids[1]}:{uids[2]},{uids[4]}", moveTo=target, seen=True, flagged=False)
    assert got == {"success": True, "mailbox": target, "id": [[uids[1], 2], [uids[2], 3], [uids[4], 4]]}
    assert [m["id"] for m in ann.get(f"{box.path}?order=asc")["results"]] == [uids[0], uids[3]]
    assert {m["id"]: m["seen"] for m in ann.get(f"/users/me/mailboxes/{target}/messages")["results"]} == {1: False, 2: True, 3: True, 4: True}
    assert ann.ask("PUT", f"{box.path}/{uids[0]}", moveTo=target)["id"] == [[uids[0], 5]]
    assert no_message(ann.ask("PUT", f"{box.path}/{uids[0]}", 404, moveTo=target))


def test_moving_to_junk_marks_it(ann, box):
    uid = box.add(PLAIN)
    junk = boxes(ann)["Junk"]["id"]
    got = ann.ask("PUT", f"{box.path}/{uid}", moveTo=junk)
    assert got["mailbox"] == junk and ann.get(f"/users/me/mailboxes/{junk}/messages")["specialUse"] == "\\Junk"


def test_changes_that_are_refused(ann, root, box, other):
    uid = box.add(PLAIN)
    theirs = root.get(f"/users/{other}/mailboxes")["results"][0]["id"]
    missing = {"error": "This mailbox does not exist", "code": "NoSuchMailbox"}
    assert ann.ask("PUT", f"{box.path}/{uid}", 500) == {"error": "Nothing was changed"}
    assert no_message(ann.ask("PUT", f"{box.path}/{uid + 1}", 404, seen=True))
    for target in (theirs, NOBODY):
        assert ann.ask("PUT", f"{box.path}/{uid}", 404, moveTo=target) == missing
        assert ann.ask("PUT", f"/users/me/mailboxes/{target}/messages/1", 404, seen=True) == missing
        assert ann.ask("PUT", f"/users/me/mailboxes/{target}/messages/1", 404, moveTo=box.id) == missing
    assert ann.ask("PUT", box.path, 400, seen=True)["details"] == {"message": '"message" is required'}
    for bad in ("a", "1:", "0", ",1"):
        assert ann.ask("PUT", box.path, 400, message=bad, seen=True)["code"] == "InputValidationError", bad
    assert ann.ask("PUT", f"{box.path}/{uid}", 400, seen="maybe", metaData=[1])["code"] == "InputValidationError"
    assert ann.get(f"{box.path}/{uid}")["seen"] is False


# ---- deleting ----

def test_deleting_one(ann, box):
    uids = [box.add(PLAIN) for _ in range(3)]
    assert ann.ask("DELETE", f"{box.path}/{uids[1]}") == {"success": True}
    assert [m["id"] for m in ann.get(f"{box.path}?order=asc")["results"]] == [uids[0], uids[2]]
    assert "code" not in ann.ask("DELETE", f"{box.path}/{uids[1]}", 404)
    assert "code" not in ann.ask("DELETE", f"/users/me/mailboxes/{NOBODY}/messages/1", 404)
    box.imap.ok("SELECT box")
    assert len(box.imap.uids()) == 2


def test_emptying_a_mailbox(ann, box):
    for i in range(7):
        box.add(PLAIN, "\\Deleted" if i == 3 else "")
    used = boxes(ann, "?sizes=true")["box"]["size"]
    assert used == 7 * len(PLAIN)
    assert ann.ask("DELETE", f"{box.path}?skipArchive=true") == {"success": True, "deleted": 7, "errors": 0}
    assert ann.get(box.path)["results"] == [] and "size" not in boxes(ann, "?sizes=true")["box"]
    assert ann.ask("DELETE", box.path) == {"success": True, "deleted": 0, "errors": 0}
    assert ann.ask("DELETE", f"/users/me/mailboxes/{NOBODY}/messages") == {"success": True, "deleted": 0, "errors": 0}
    assert ann.ask("DELETE", f"{box.path}?async=true", 400)["code"] == "InputValidationError"
