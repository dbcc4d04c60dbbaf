"""A database that WildDuck has written is used as it is: logins, mailboxes, messages byte for byte, changes, counters."""
import datetime
import hashlib
import re
import time

import pytest
from harness import mongo, wildduck
from harness.cluster import Cluster
from harness.wildduck import ASP, DAY, HASHES, INDEXES, NOT_TAKEN, NOW, PASSWORD, Installation, numbers
from harness.wildduck_samples import BITS, PICTURE, samples
from harness.wildduck_mail import Part
from harness.wire import Imap, ImapError, Lmtp, Pop3
from test_http_early import Api

pytestmark = pytest.mark.cluster
KINDS = ("js", "double", "long")
FLAGS = {"plain": ["\\Seen", "\\Answered"], "unicode": ["\\Flagged", "Umbrella"], "latin": ["\\Draft", "\\Seen"], "oneline": ["\\Deleted", "\\Seen"]}
DROPPED = {"replied": ("text", "textFooter", "html", "intro", "attachments", "meta"), "nobody": ("text", "html", "intro")}
SENT, TRASH = "Sent Mail", "Trash"


def mailboxes(account, old):
    inbox = account.box("INBOX", old=old)
    account.box(SENT, "\\Sent", old=old)
    account.box(TRASH, "\\Trash", old=old)
    account.box("Junk", "\\Junk", old=old)
    account.box("Projekte/Grüße", old=old)
    account.box("Unseen by clients", old=old, hidden=True)
    account.box("spare", old=old, subscribed=False)
    return inbox


def fill(account, old=False):
    inbox = mailboxes(account, old)
    for name, message in samples().items():
        account.add(inbox, message, FLAGS.get(name, []), DROPPED.get(name, ()), idate=NOW - (30 * DAY if name == "pdf" else DAY))
    inbox.row["flags"] = ["Umbrella"]
    account.archive(inbox, samples()["pdf"])


def accounts(w):
    """One with everything for each way to put numbers, the oldest shapes for doubles."""
    for kind in KINDS:
        old, n = kind == "double", numbers(kind)
        account = (w.oldest_user if old else w.user)("ann." + kind, HASHES["bcrypt 2a"], n, quota=n(10 * 2**30))
        fill(account, old)
        w.asp(account, ["imap", "pop3"])
        fill((w.oldest_user if old else w.user)("bob." + kind, HASHES["pbkdf2-sha256"], n), old)
    w.attach(Part("image/png", BITS, encoding="base64"), 0, n, used=0)
    w.address(account, "s.ales@example.com")
    w.address(account, "*@any.example.com")
    w.address(None, "out@example.com", targets=[{"id": wildduck.oid(), "type": "mail", "value": "x@example.net"}], forwards=100,
              forwardedDisabled=False, autoreply={"status": False})
    w.rows["domainaliases"].append({"_id": wildduck.oid(), "alias": "alias.example", "domain": "example.com", "created": NOW})


def people(w):
    """Accounts for logins only."""
    for i, hash_ in enumerate(HASHES.values()):
        (w.oldest_user if i % 2 else w.user)("hash%d" % i, hash_).box("INBOX")
    for i, hash_ in enumerate(NOT_TAKEN.values()):
        w.user("bad%d" % i, hash_).box("INBOX")
    good = HASHES["bcrypt 2a"]
    temporary = {"validAfter": NOW - DAY / 2, "password": HASHES["md5-crypt"], "created": NOW - DAY / 2}
    for name, named in {"totp.old": {"enabled2fa": True}, "totp": {"enabled2fa": ["totp"]}, "u2f": {"enabled2fa": ["u2f"]},
                        "nofa": {"enabled2fa": False}, "off": {"disabled": True}, "away": {"suspended": True},
                        "noimap": {"disabledScopes": ["imap"]}, "temporary": {"password": "", "tempPassword": temporary}}.items():
        account = w.user(name, named.pop("password", good), **named)
        account.box("INBOX")
        w.asp(account, ["*"])
    account = w.user("popper", "")
    account.box("INBOX")
    w.asp(account, ["pop3"])
    w.asp(account, ["*"], "qrstuvwxyzabcdef", ttl=3600, expires=NOW + DAY / 2)
    w.asp(account, ["*"], "aaaaaaaaaaaaaaaa", ttl=3600, expires=NOW - DAY)


def others(w):
    """Rows that nothing here reads, but that are there."""
    w.rows["settings"] += [{"_id": wildduck.oid(), "key": "const:max:storage", "value": "1073741824", "encrypted": False, "enumerable": True, "created": NOW},
                           {"_id": wildduck.oid(), "key": "acme:account:x", "value": "{}", "encrypted": False, "enumerable": False, "created": NOW}]
    w.rows["authlog"].append({"_id": wildduck.oid(), "user": w.rows["users"][0]["_id"], "action": "authentication", "result": "success", "protocol": "IMAP",
                              "ip": "192.0.2.1", "sess": "abc", "key": b"k" * 16, "events": 2.0, "created": NOW - DAY, "last": NOW, "expires": NOW + 30 * DAY})
    w.rows["filters"].append({"_id": wildduck.oid(), "user": w.rows["users"][0]["_id"], "query": {}, "action": {}, "disabled": False, "created": NOW})
    w.rows["deletedusers"].append(w.rows["users"][0] | {"_id": wildduck.oid(), "username": "gone", "unameview": "gone", "deleteInfo": {"deletedAt": NOW}})


@pytest.fixture(scope="module")
def installed():
    """The cluster on such a database, and what was put into it."""
    c, w = Cluster(), Installation()
    accounts(w)
    people(w)
    others(w)
    w.write(*(mongo.database(name) for name in c.databases()))
    try:
        yield c.start(), w
    finally:
        c.close()


@pytest.fixture
def cluster(installed):
    return installed[0]


@pytest.fixture(params=KINDS)
def ann(request):
    """The name of an account with mail."""
    return "ann." + request.param


def test_the_indexes_that_are_there_are_used(installed):
    """None is built a second time under another name, and none is in the way."""
    c = installed[0]
    for name in c.databases():
        for collection, rows in INDEXES.items():
            if collection in mongo.database(name).list_collection_names():
                built = re.findall(rf'event="index built" collection={re.escape(collection)} index=(\S+)', c.log_path.read_text())
                assert not {row[0] for row in rows} & set(built), collection


def refused(cluster, user, password=PASSWORD):
    with pytest.raises(ImapError) as caught:
        Imap(cluster.imap, user, password)
    return caught.value.line


def rows_of(cluster):
    """Finds rows: collection, filter, and what is wanted of each."""
    main, users, files = (mongo.database(name) for name in cluster.databases())
    where = {name: database for database, names in ((main, Installation.MAIN), (users, Installation.USERS), (files, Installation.FILES)) for name in names}
    return lambda name, **wanted: list(where[name][name].find(wanted))


def uids():
    return {name: i + 1 for i, name in enumerate(samples())}


# ---- logins ----

@pytest.mark.parametrize("i", range(len(HASHES)), ids=list(HASHES))
def test_every_kind_of_hash_logs_in_and_becomes_a_new_one(cluster, installed, i):
    kind, user = list(HASHES)[i], f"hash{i}"
    refused(cluster, user, "wrong")
    Imap(cluster.imap, user).logout()
    row = mongo.database(cluster.databases()[1])["users"].find_one({"unameview": user})
    current = HASHES[kind].startswith(("$pbkdf2-sha256$i=100000$", "$pbkdf2-sha512$i=100000$"))
    assert (row["password"] == HASHES[kind]) == current
    assert row["password"].startswith("$pbkdf2-sha")
    assert row["lastLogin"]["ip"] == "127.0.0.1"
    Imap(cluster.imap, user).logout()


@pytest.mark.parametrize("i", range(len(NOT_TAKEN)), ids=list(NOT_TAKEN))
def test_other_hashes_are_refused(cluster, i):
    assert refused(cluster, f"bad{i}").startswith(b"NO [AUTHENTICATIONFAILED]")


@pytest.mark.parametrize("login", ["ann.js", "annjs", "ANN.JS", "ann.js@example.com", "annjs+label@example.com", "a.n.n.j.s@alias.example"])
def test_names_and_addresses(cluster, login):
    Imap(cluster.imap, login).logout()


def test_second_factors_leave_application_passwords_only(cluster):
    for user in ("totp.old", "totp"):
        assert refused(cluster, user).startswith(b"NO ")
        Imap(cluster.imap, user, ASP).logout()
    for user in ("u2f", "nofa"):
        Imap(cluster.imap, user).logout()


def test_accounts_that_may_not_log_in(cluster):
    for user in ("off", "away", "noimap", "temporary"):
        assert refused(cluster, user).startswith(b"NO "), user
    assert refused(cluster, "off", ASP).startswith(b"NO ")
    Imap(cluster.imap, "temporary", ASP).logout()
    Pop3(cluster.pop3, "noimap").quit()


def test_application_passwords(cluster):
    for typed in (ASP, "ABCD efgh IJKL mnop"):
        Pop3(cluster.pop3, "popper", typed).quit()
    assert refused(cluster, "popper", ASP).startswith(b"NO ")
    Imap(cluster.imap, "popper", "qrst uvwx yzab cdef").logout()
    assert refused(cluster, "popper", "aaaaaaaaaaaaaaaa").startswith(b"NO ")
    row = mongo.database(cluster.databases()[1])["asps"].find_one({"ttl": 3600, "authIp": "127.0.0.1"})
    assert row["used"] and row["authEvent"] and row["expires"].timestamp() < time.time() + 3601


# ---- reading ----

def test_mailboxes(cluster, ann):
    imap = Imap(cluster.imap, ann)
    listed = b"\n".join(imap.lines('LIST "" "*"'))
    for name in (b"INBOX", b'"Sent Mail"', b"Trash", b"Junk", b"Projekte/Gr&APwA3w-e", b"spare"):
        assert name in listed, listed
    assert b"Unseen by clients" not in listed
    assert re.search(rb'\\Sent\b.* "Sent Mail"', listed)
    assert b"spare" not in b"\n".join(imap.lines('LSUB "" "*"'))
    status = imap.status("INBOX", "MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ")
    count = len(samples())
    assert status == {"MESSAGES": count, "UNSEEN": count - 3, "UIDNEXT": count + 2, "UIDVALIDITY": 1500000000, "HIGHESTMODSEQ": count + 2}
    selected = b"\n".join(imap.lines("SELECT INBOX"))
    assert b"Umbrella" in selected and b"* %d EXISTS" % count in selected
    imap.logout()


@pytest.mark.parametrize("name", list(samples()))
def test_messages_come_back_byte_for_byte(cluster, ann, name):
    """Whole, by ranges, and in all that is told of them equal to the same message that was appended here."""
    sent, uid = samples()[name].bytes(), uids()[name]
    imap = Imap(cluster.imap, ann, box="INBOX")
    assert imap.body(uid) == sent
    assert imap.size(uid) == len(sent)
    for at, count in ((0, 100), (len(sent) // 2, 1000), (len(sent) - 5, 100), (300_000, 70_000)):
        assert imap.partial(uid, at, count) == sent[at:at + count]
    items = "(ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[2] BODY.PEEK[2.MIME] BODY.PEEK[2.HEADER] BODY.PEEK[2.2])"
    stored = imap.fetch(uid, items, uid=True)
    copy = imap.append("spare", sent)
    imap.ok("SELECT spare")
    ours = imap.fetch(copy, items, uid=True)
    assert [v.split(b"(", 1)[1].replace(b"UID %d" % uid, b"UID") for v in stored.values()] == \
           [v.split(b"(", 1)[1].replace(b"UID %d" % copy, b"UID") for v in ours.values()]
    imap.logout()


def found(imap, program):
    (line,) = [w for w in imap.lines("UID SEARCH " + program) if w.startswith(b"* SEARCH")]
    return {int(n) for n in line.split(b"(")[0].split()[2:]}


def test_searches(cluster, ann):
    imap, uid = Imap(cluster.imap, ann, box="INBOX"), uids()
    everything = set(uid.values())
    old = {uid["pdf"]}
    for program, expected in {
        "TEXT gooseberry": {uid["plain"]}, "BODY cloudberry": {uid["pdf"]}, "SUBJECT alternative": {uid["alternative"]},
        "HEADER Message-ID <pdf@example.net>": {uid["pdf"]}, "FROM zoe@example.org": {uid["unicode"]},
        "SEEN": {uid["plain"], uid["latin"], uid["oneline"]}, "FLAGGED": {uid["unicode"]}, "DRAFT": {uid["latin"]},
        "DELETED": {uid["oneline"]}, "ANSWERED": {uid["plain"]}, "KEYWORD umbrella": {uid["unicode"]},
        f"SINCE {(NOW - 20 * DAY):%d-%b-%Y}": everything - old, f"BEFORE {(NOW - 20 * DAY):%d-%b-%Y}": old,
        "SENTSINCE 1-May-2019 SENTBEFORE 1-Jun-2019": everything, "LARGER 900000": {uid["pdf"]}, "MODSEQ 3": everything - {1, 2},
        "UID 2:4 NOT DELETED": {3, 4},
    }.items():
        assert {u for u in found(imap, program)} & everything == expected, program
    imap.logout()


def test_pop3_and_http_read_them_too(cluster, installed, ann):
    pop3 = Pop3(cluster.pop3, ann)
    sizes = pop3.list()
    number = min(n for n, size in sizes.items() if size == len(samples()["embedded"].bytes()))
    assert pop3.retr(number) == samples()["embedded"].bytes()
    ids = {str(m["_id"]) for m in installed[1].rows["messages"]}
    assert set(pop3.uidl().values()) <= ids
    pop3.quit()
    shown = Api(cluster.http).get(f"/user?username={ann.replace('.', '')}")
    assert shown["username"] == ann and shown["quota"] == 10 * 2**30 and shown["forwardsSent"] == 0
    assert f"{ann}@example.com" in [row["address"] for row in shown["addresses"]]


# ---- changing ----

class Counters:
    """What is counted: the storage of a user, references to attachments."""

    def __init__(self, cluster, user):
        self.rows = rows_of(cluster)
        (row,) = self.rows("users", username=user)
        self.user, self.used = row["_id"], int(row["storageUsed"])
        self.refs = {bytes(f["_id"]): (int(f["metadata"]["c"]), int(f["metadata"]["m"])) for f in self.rows("attachments.files")}

    def change_since(self, before):
        """(bytes, {key: (references, magic)})"""
        moved = {k: (c - before.refs.get(k, (0, 0))[0], m - before.refs.get(k, (0, 0))[1]) for k, (c, m) in self.refs.items()}
        return self.used - before.used, {k: v for k, v in moved.items() if v != (0, 0)}


def references(document):
    """{key: (references, magic)} of a message."""
    keys = [bytes(k) for k in document["mimeTree"]["attachmentMap"].values()]
    return {k: (keys.count(k), keys.count(k) * int(document["magic"])) for k in keys}


def added(*many, sign=1):
    out = {}
    for refs in many:
        for key, (c, m) in refs.items():
            out[key] = (out.get(key, (0, 0))[0] + sign * c, out.get(key, (0, 0))[1] + sign * m)
    return out


@pytest.fixture(params=KINDS)
def bob(request, cluster):
    """Another account with the same mail, for changes."""
    imap = Imap(cluster.imap, "bob." + request.param, box="INBOX")
    imap.user = "bob." + request.param
    yield imap
    imap.logout()


def message_row(cluster, user, mailbox, uid):
    rows = rows_of(cluster)
    (owner,) = rows("users", username=user)
    (box,) = rows("mailboxes", user=owner["_id"], path=mailbox)
    return next(iter(rows("messages", mailbox=box["_id"], uid=uid)), None)


def test_flags_and_their_mirrors(cluster, bob):
    uid = uids()["nested"]
    bob.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Seen \\Flagged \\Draft Parasol)")
    row = message_row(cluster, bob.user, "INBOX", uid)
    assert (row["unseen"], row["flagged"], row["draft"], row["undeleted"], row["searchable"]) == (False, True, True, True, True)
    assert set(row["flags"]) == {"\\Seen", "\\Flagged", "\\Draft", "Parasol"}
    (box,) = rows_of(cluster)("mailboxes", _id=row["mailbox"])
    assert set(box["flags"]) == {"Umbrella", "Parasol"} and int(box["modifyIndex"]) == int(row["modseq"])
    bob.ok(f"UID STORE {uid} FLAGS.SILENT ()")
    row = message_row(cluster, bob.user, "INBOX", uid)
    assert (row["unseen"], row["flagged"], row["draft"], row["flags"]) == (True, False, False, [])


def test_copy_counts_every_reference(cluster, bob):
    before, sources = Counters(cluster, bob.user), [message_row(cluster, bob.user, "INBOX", uids()[name]) for name in ("pdf", "twice")]
    bob.ok(f"UID COPY {uids()['pdf']},{uids()['twice']} \"Projekte/Gr&APwA3w-e\"")
    sent = [samples()[name].bytes() for name in ("pdf", "twice")]
    used, refs = Counters(cluster, bob.user).change_since(before)
    assert used == sum(map(len, sent))
    assert refs == added(*map(references, sources))
    for uid, source in enumerate(sources, 1):
        copy = message_row(cluster, bob.user, "Projekte/Grüße", uid)
        assert copy["root"] == source["_id"] and copy["magic"] == source["magic"] and copy["mimeTree"] == source["mimeTree"]
        assert message_row(cluster, bob.user, "INBOX", int(source["uid"]))["copied"] is True
    bob.ok('SELECT "Projekte/Gr&APwA3w-e"')
    assert [bob.body(uid) for uid in (1, 2)] == sent


def test_move_counts_nothing_and_takes_on_the_retention(cluster, bob):
    uid, before = uids()["old"], Counters(cluster, bob.user)
    bob.ok(f"UID MOVE {uid} Trash")
    assert Counters(cluster, bob.user).change_since(before) == (0, {})
    assert message_row(cluster, bob.user, "INBOX", uid) is None
    moved = message_row(cluster, bob.user, "Trash", 1)
    assert moved["exp"] is True  # also where the mailbox has no retention: the trash keeps 30 days at most
    assert 29 * DAY < datetime.datetime.fromtimestamp(int(moved["rdate"]) / 1000, datetime.timezone.utc) - NOW < 31 * DAY
    bob.ok("SELECT Trash")
    assert bob.body(1) == samples()["old"].bytes()


def test_expunge_archives_the_document_as_it_was(cluster, bob):
    uid, before = uids()["raw"], Counters(cluster, bob.user)
    row = message_row(cluster, bob.user, "INBOX", uid)
    bob.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
    bob.ok(f"UID EXPUNGE {uid}")
    assert Counters(cluster, bob.user).change_since(before) == (-len(samples()["raw"].bytes()), {})
    (kept,) = rows_of(cluster)("archived", _id=row["_id"])
    changed = {k for k in kept if kept[k] != row.get(k)} | (set(row) - set(kept))
    assert changed == {"archived", "exp", "rdate", "flags", "undeleted", "searchable", "modseq"}, changed
    assert kept["exp"] is True and kept["rdate"] > 1000 * time.time()


def test_what_was_copied_is_not_archived_and_gives_its_references_back(cluster, bob):
    uid = uids()["shared"]
    bob.ok(f"UID COPY {uid} spare")
    before, row = Counters(cluster, bob.user), message_row(cluster, bob.user, "INBOX", uid)
    bob.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
    bob.ok(f"UID EXPUNGE {uid}")
    assert Counters(cluster, bob.user).change_since(before) == (-len(samples()["shared"].bytes()), added(references(row), sign=-1))
    assert not rows_of(cluster)("archived", _id=row["_id"])


@pytest.mark.parametrize("name", ["pdf", "twice", "tail", "unpadded", "short", "line", "old", "base64"])
def test_bodies_of_wildduck_are_used_again(cluster, bob, name):
    """By a message that comes in: nothing is stored twice, and it comes back byte for byte."""
    sent, before = b"X-New: yes\r\n" + samples()[name].bytes(), Counters(cluster, bob.user)
    lmtp = Lmtp(cluster.lmtp)
    (reply,) = lmtp.bdat(sent, [f"{bob.user}@example.com"])
    assert reply.startswith(b"250 ")
    lmtp.close()
    bob.ok("NOOP")
    uid = bob.uids()[-1]
    got = bob.body(uid)
    assert got.endswith(sent)
    used, refs = Counters(cluster, bob.user).change_since(before)
    assert used == len(got)
    assert refs == references(message_row(cluster, bob.user, "INBOX", uid))
    if name not in ("unpadded",):
        assert set(refs) <= set(before.refs)


def test_a_body_that_wildduck_cannot_give_back_is_stored_beside_it(cluster, bob):
    """Its unused bits are lost for the messages that it has; those that come in now are whole."""
    sent = samples()["shared"].bytes().replace(b"again.png", b"bits.png").replace(b"\r\n\r\n" + PICTURE, b"\r\n\r\n" + BITS)
    before = Counters(cluster, bob.user)
    for _ in range(2):
        uid = bob.append("spare", sent)
        row = message_row(cluster, bob.user, "spare", uid)
        assert list(references(row)) != [hashlib.sha256(BITS).digest()]
    _, refs = Counters(cluster, bob.user).change_since(before)
    assert [c for c, m in refs.values()] == [2]
    bob.ok("SELECT spare")
    assert bob.body(uid) == sent


@pytest.mark.parametrize("address", ["s.ales@example.com", "sales+x@alias.example", "whoever@any.example.com"])
def test_addresses_take_mail(cluster, address):
    lmtp, imap = Lmtp(cluster.lmtp), Imap(cluster.imap, "ann.long")
    before = imap.status("INBOX")["MESSAGES"]
    assert lmtp.deliver(b"Subject: x\r\n\r\nx\r\n", [address])[0].startswith(b"250 ")
    assert imap.status("INBOX")["MESSAGES"] == before + 1
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect("RCPT TO:<nobody@example.com>", "550")
    imap.logout()


def test_the_quota_goes_on_from_where_it_was(cluster, installed, ann):
    imap = Imap(cluster.imap, ann)
    text = b" ".join(imap.lines('GETQUOTA ""'))
    used, limit = map(int, re.search(rb"STORAGE (\d+) (\d+)", text).groups())
    (row,) = rows_of(cluster)("users", username=ann)
    assert (used, limit) == (-(-int(row["storageUsed"]) // 1024), 10 * 2**20)
    imap.logout()


def test_the_check_finds_nothing_wrong(cluster):
    """After all of the above."""
    done = cluster.wd("check", "--bodies", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- what is not as it should be ----

def test_a_lost_body_becomes_spaces_of_its_size(cluster, ann):
    """Last, because the check would complain."""
    files = mongo.database(cluster.databases()[2])["attachments.files"]
    part = next(p for p in samples()["72"].walk() if p.kind == "image/png")
    assert files.delete_one({"_id": hashlib.sha256(part.body).digest()}).deleted_count in (0, 1)
    imap = Imap(cluster.imap, ann, box="INBOX")
    sent = samples()["72"].bytes()
    assert imap.body(uids()["72"]) == sent.replace(part.body, b" " * len(part.body))
    imap.logout()


def test_flags_that_wildduck_got_out_of_step_are_mended(cluster):
    """+FLAGS with several system flags set only one of the mirrors."""
    rows, messages = rows_of(cluster), mongo.database(cluster.databases()[0])["messages"]
    row = message_row(cluster, "ann.js", "INBOX", uids()["quoted"])
    messages.update_one({"_id": row["_id"]}, {"$set": {"flags": ["\\Seen", "\\Flagged"], "unseen": False}})
    done = cluster.wd("check", check=False)
    assert "'flagged' disagrees" in done.stdout + done.stderr
    cluster.wd("check", "--repair", check=False)
    (row,) = rows("messages", _id=row["_id"])
    assert row["flagged"] is True and row["unseen"] is False
