"""wd-imap: APPEND, FETCH, STORE, COPY, MOVE, EXPUNGE, SEARCH, CONDSTORE."""
import re

import pytest
from harness.wire import Imap, ImapError

HEAD = b"From: Ann Example <ann@example.net>\r\nTo: bob@example.com\r\nSubject: %s\r\nDate: Sun, 1 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@example.net>\r\n"


def message(word, body=b"body\r\n", extra=b""):
    return HEAD % (word, word) + extra + b"\r\n" + body


@pytest.fixture
def box(imap):
    """INBOX with five messages, selected."""
    for n, word in enumerate((b"one", b"two", b"three", b"four", b"five")):
        imap.append("INBOX", message(word, b"text of %s\r\n" % word * (n + 1)), flags="\\Seen" if n < 2 else "")
    imap.ok("SELECT INBOX")
    return imap


def search(imap, key):
    (line,) = [w for w in imap.lines("SEARCH " + key) if w.startswith(b"* SEARCH")]
    return [int(n) for n in re.sub(rb"\(MODSEQ \d+\)", b"", line).split()[2:]]


def flags(imap, n):
    (line,) = imap.fetch(n, "(FLAGS)").values()
    return set(re.search(rb"FLAGS \(([^)]*)\)", line).group(1).split())


def test_append_with_flags_and_date(imap):
    uid = imap.append("INBOX", message(b"x"), flags="\\Flagged \\Draft word", date=" 1-Jan-2020 12:00:00 +0200")
    imap.ok("SELECT INBOX")
    (line,) = imap.fetch(uid, "(FLAGS INTERNALDATE RFC822.SIZE)").values()
    assert re.search(rb'INTERNALDATE "[ 0]1-Jan-2020 10:00:00 \+0000"', line)
    assert flags(imap, 1) == {b"\\Flagged", b"\\Draft", b"word"}
    assert b"RFC822.SIZE %d" % len(message(b"x")) in line


@pytest.mark.parametrize("head,answer", [
    ("APPEND nothing {3+}\r\nabc", b"NO [TRYCREATE]"), ('APPEND INBOX "32-Jan-2020 00:00:00 +0000" {3+}\r\nabc', b"BAD"),
    ("APPEND INBOX (\\Recent) {3+}\r\nabc", b"BAD"), ("APPEND INBOX (\\Xyz) {3+}\r\nabc", b"BAD"), ('APPEND INBOX "01-Jan-2099 00:00:00 +0000" {3+}\r\nabc', b"BAD")])
def test_append_refusals(imap, head, answer):
    assert imap.command(head)[1].startswith(answer)
    imap.ok("NOOP")


def test_append_with_a_synchronising_literal(imap):
    assert imap.append("INBOX", message(b"sync"), plus=False) == 1


def test_append_to_the_selected_mailbox_is_seen_at_once(box):
    box.append("INBOX", message(b"six"))
    assert b"* 6 EXISTS" in [w for w, _ in box.untagged]


def test_append_utf8(imap):
    imap.ok("ENABLE UTF8=ACCEPT")
    body = "Subject: ünïcode\r\n\r\nx\r\n".encode()
    imap.ok(b"APPEND INBOX UTF8 (~{%d+}\r\n" % len(body) + body + b")")
    imap.ok("SELECT INBOX")
    assert imap.body(1) == body
    assert "ünïcode".encode() in imap.fetch(1, "(ENVELOPE)")[1]


def test_fetch_items_in_request_order(box):
    (line,) = box.fetch(3, "(UID RFC822.SIZE FLAGS INTERNALDATE)").values()
    assert re.match(rb'\* 3 FETCH \(UID 3 RFC822.SIZE \d+ FLAGS \(\) INTERNALDATE "[^"]{26}"\)$', line)
    assert re.match(rb"\* 3 FETCH \(FLAGS \(\) INTERNALDATE .* RFC822.SIZE \d+ ENVELOPE \(.*\)\)$", box.fetch(3, "ALL")[3])
    assert b"UID 4" in box.fetch(4, "(FLAGS)", uid=True)[4]


def test_envelope(imap):
    imap.append("INBOX", b"From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.net>\r\nTo: A <a@b.c>, group: x@y.z, w@v.u;, \"q, r\" <q@r.s>\r\nCc: \r\n"
                         b"Subject: =?iso-8859-1?Q?sch=F6n?=\r\nDate: Sun, 1 Nov 2026 10:00:00 +0000\r\nMessage-ID: <id@x>\r\nIn-Reply-To: <p@x>\r\n\r\nx")
    imap.ok("SELECT INBOX")
    (line,) = imap.fetch(1, "(ENVELOPE)").values()
    assert line.startswith(b'* 1 FETCH (ENVELOPE ("Sun, 1 Nov 2026 10:00:00 +0000" "=?')
    assert line.count(b'NIL "joerg" "example.net"') == 3  # From, Sender, Reply-To
    assert b'(("A" NIL "a" "b.c")(NIL NIL "group" NIL)(NIL NIL "x" "y.z")(NIL NIL "w" "v.u")(NIL NIL NIL NIL)("q, r" NIL "q" "r.s"))' in line
    assert line.endswith(b'NIL NIL "<p@x>" "<id@x>"))')


def test_bodystructure(imap):
    body = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"o\"\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
            b"--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\r\ntwo\r\n--i\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>\r\n--i--\r\n"
            b"--o\r\nContent-Type: application/pdf; name=\"a b.pdf\"\r\nContent-Disposition: attachment; filename=\"a b.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <c@d>\r\n\r\nQUJD\r\n"
            b"--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: a@b.c\r\n\r\ninner body\r\n--o--\r\n")
    imap.append("INBOX", body)
    imap.ok("SELECT INBOX")
    (line,) = imap.fetch(1, "(BODYSTRUCTURE)").values()
    for piece in (b'("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 8 1 NIL NIL NIL NIL)', b'"ALTERNATIVE" ("BOUNDARY" "i")',
                  b'("APPLICATION" "PDF" ("NAME" "a b.pdf") "<c@d>" NIL "BASE64" 4 NIL ("ATTACHMENT" ("FILENAME" "a b.pdf")) NIL NIL)',
                  b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT"', b'"inner"', b'"MIXED" ("BOUNDARY" "o")'):
        assert piece in line, (piece, line)
    assert imap.body(1, "1.1") == b"one\r\ntwo"
    assert imap.body(1, "2") == b"QUJD"
    assert imap.body(1, "3.HEADER") == b"Subject: inner\r\nFrom: a@b.c\r\n\r\n"
    assert imap.body(1, "3.TEXT") == b"inner body"
    assert imap.body(1, "3.1") == b"inner body"
    assert imap.body(1, "3.HEADER.FIELDS (SUBJECT)") == b"Subject: inner\r\n\r\n"
    assert imap.body(1, "9") == b""


def test_reading_sets_seen_and_says_so(box):
    (line,) = box.fetch(5, "(BODY[TEXT])").values()
    assert b"FLAGS (\\Seen)" in line
    assert flags(box, 5) == {b"\\Seen"}
    box.fetch(4, "(RFC822.TEXT)")
    assert flags(box, 4) == {b"\\Seen"}
    box.fetch(3, "(RFC822.HEADER BODY.PEEK[])")
    assert flags(box, 3) == set()
    box.ok("EXAMINE INBOX")
    box.fetch(3, "(BODY[])")
    assert flags(box, 3) == set()


def test_partials(box):
    whole = box.body(2)
    assert box.fetch(2, "(BODY.PEEK[]<0.10>)")[2].startswith(b"* 2 FETCH (BODY[]<0> {10}\r\n" + whole[:10])
    assert box.partial(2, len(whole) - 3, 100) == whole[-3:]
    assert box.partial(2, len(whole), 5) == b""
    assert b'{0}' in box.fetch(2, "(BODY.PEEK[]<0.0>)")[2] or b'""' in box.fetch(2, "(BODY.PEEK[]<0.0>)")[2]


def test_sets(box):
    assert list(box.fetch("2,4:*,1:1", "(UID)")) == [1, 2, 4, 5]
    assert list(box.fetch("*:4", "(UID)")) == [4, 5]
    assert list(box.fetch("999:*", "(UID)", uid=True)) == [5]
    assert list(box.fetch("7:9", "(UID)", uid=True)) == []
    assert box.command("FETCH 0 FLAGS")[1].startswith(b"BAD")
    assert box.command("FETCH 1:x FLAGS")[1].startswith(b"BAD")
    assert box.command("FETCH 1 (XYZ)")[1].startswith(b"BAD")


def test_store_forms(box):
    assert box.lines("STORE 1 +FLAGS (\\Flagged Word)") == [b"* 1 FETCH (FLAGS (\\Flagged \\Seen Word))"] or flags(box, 1) == {b"\\Seen", b"\\Flagged", b"Word"}
    assert box.lines("STORE 1 +FLAGS.SILENT \\Answered") == []
    assert flags(box, 1) == {b"\\Seen", b"\\Flagged", b"\\Answered", b"Word"}
    box.ok("STORE 1 -FLAGS (word \\Answered)")
    assert flags(box, 1) == {b"\\Seen", b"\\Flagged"}
    box.ok("STORE 1 FLAGS (other)")
    assert flags(box, 1) == {b"other"}
    box.ok("UID STORE 1:3 FLAGS ()")
    assert flags(box, 2) == set()
    assert box.command("STORE 1 FLAGS (\\Recent)")[1].startswith(b"BAD")
    assert box.lines("STORE 4 -FLAGS (\\Seen)") == []  # nothing changed
    box.ok("STORE 4 +FLAGS (\\Seen \\Deleted \\Flagged)")
    assert search(box, "SEEN DELETED FLAGGED") == [4]
    box.ok("SELECT INBOX")
    assert any(b"other" in w and w.startswith(b"* FLAGS") for w in box.lines("SELECT INBOX"))


def test_copy_and_move(box):
    box.ok("CREATE target")
    assert box.command("COPY 1 nothing")[1].startswith(b"NO [TRYCREATE]")
    box.ok("STORE 2 +FLAGS.SILENT (kept)")
    box.ok("COPY 2:3 target")
    assert re.search(rb"\[COPYUID \d+ 2:3 1:2\]", box.tagged)
    lines = box.lines("UID MOVE 1,4 target")
    assert [w for w in lines if w.endswith(b"EXPUNGE")] == [b"* 1 EXPUNGE", b"* 3 EXPUNGE"] and b"* 3 EXISTS" in lines
    assert re.search(rb"\[COPYUID \d+ 1,4 3:4\]", box.tagged)
    assert box.uids() == [2, 3, 5]
    box.ok("SELECT target")
    assert [box.body(u).split(b"Subject: ")[1].split(b"\r\n")[0] for u in box.uids()] == [b"two", b"three", b"one", b"four"]
    assert b"kept" in flags(box, 1)
    assert b"COPYUID" not in (box.ok("COPY 99 INBOX"), box.tagged)[1]
    box.ok("EXAMINE target")
    assert box.command("MOVE 1 INBOX")[1].startswith(b"NO [READ-ONLY]")


def test_expunge(box):
    box.ok("STORE 1,3,5 +FLAGS.SILENT (\\Deleted)")
    assert [w for w in box.lines("UID EXPUNGE 1:3") if w.endswith(b"EXPUNGE")] == [b"* 1 EXPUNGE", b"* 2 EXPUNGE"]
    assert box.uids() == [2, 4, 5]
    lines = box.lines("EXPUNGE")
    assert b"* 3 EXPUNGE" in lines and b"* 2 EXISTS" in lines
    box.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    box.ok("UNSELECT")
    assert box.status("INBOX")["MESSAGES"] == 2
    box.ok("SELECT INBOX")
    assert box.lines("CLOSE") == []
    assert box.status("INBOX")["MESSAGES"] == 1
    used = int(re.search(rb"STORAGE (\d+) ", box.lines('GETQUOTA ""')[0]).group(1))
    assert used == 1


@pytest.mark.parametrize("key,want", [
    ("ALL", [1, 2, 3, 4, 5]), ("SEEN", [1, 2]), ("UNSEEN", [3, 4, 5]), ("NOT SEEN", [3, 4, 5]), ("2:3", [2, 3]), ("UID 4:*", [4, 5]), ("1,4:*", [1, 4, 5]),
    ("SUBJECT two", [2]), ("SUBJECT TWO", [2]), ("FROM ann", [1, 2, 3, 4, 5]), ("FROM nobody", []), ("HEADER message-id <four@", [4]), ("HEADER X-None x", []),
    ("NOT SUBJECT two", [1, 3, 4, 5]), ("OR SUBJECT one SUBJECT five", [1, 5]), ("OR (SUBJECT one SEEN) (SUBJECT five SEEN)", [1]),
    ("NOT (OR SUBJECT one SUBJECT two)", [3, 4, 5]), ("(SEEN (NOT (SUBJECT one)))", [2]), ("BODY three", [3]), ("TEXT four", [4]), ("NOT BODY three", [1, 2, 4, 5]),
    ("OR BODY three SUBJECT one", [1, 3]), ("OR BODY three BODY four", [3, 4]), ("BODY nothingatall", []), ("KEYWORD x", []), ("UNKEYWORD x", [1, 2, 3, 4, 5]),
    ("SENTON 1-Nov-2026", [1, 2, 3, 4, 5]), ("SENTBEFORE 1-Nov-2026", []), ("SENTSINCE 2-Nov-2026", []), ("SINCE 1-Jan-2000", [1, 2, 3, 4, 5]), ("BEFORE 1-Jan-2000", []),
    ("LARGER 1", [1, 2, 3, 4, 5]), ("SMALLER 10", []), ("NEW", []), ("RECENT", []), ("OLD", [1, 2, 3, 4, 5]), ("CHARSET UTF-8 SUBJECT two", [2]),
    ("OR 9:10 SEEN", [1, 2]), ("NOT 1:3", [4, 5]), ("MODSEQ 3", [3, 4, 5]), ('MODSEQ "/flags/\\\\draft" all 3', [3, 4, 5]), ("UNDELETED UNDRAFT UNANSWERED UNFLAGGED", [1, 2, 3, 4, 5])])
def test_search(box, key, want):
    assert search(box, key) == want


@pytest.mark.parametrize("key", ["XYZ", "BEFORE 99-Jan-2020", "LARGER x", "OR SEEN", "NOT", "(SEEN", "UID x", ""])
def test_search_refusals(box, key):
    assert box.command("SEARCH " + key)[1].startswith(b"BAD")


def test_search_keyword_ignores_case(box):
    box.ok("STORE 2 +FLAGS.SILENT (MyWord)")
    assert search(box, "KEYWORD myword") == [2]
    assert search(box, "UNKEYWORD MYWORD") == [1, 3, 4, 5]


def test_condstore(box):
    (line,) = box.fetch(5, "(MODSEQ)").values()
    before = int(re.search(rb"MODSEQ \((\d+)\)", line).group(1))
    box.ok("STORE 2 +FLAGS (\\Flagged)")
    got = box.fetch("1:*", f"(FLAGS) (CHANGEDSINCE {before})")
    assert list(got) == [2] and b"MODSEQ (%d)" % (before + 1) in got[2]
    box.ok(f"STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS (x)")
    assert b"[MODIFIED 2]" in box.tagged
    assert b"x" in flags(box, 1) and b"x" not in flags(box, 2)
    box.ok("UID STORE 4 (UNCHANGEDSINCE 0) +FLAGS (y)")
    assert b"[MODIFIED 4]" in box.tagged
    (line,) = [w for w in box.lines(f"SEARCH MODSEQ {before + 1}") if w.startswith(b"* SEARCH")]
    assert re.match(rb"\* SEARCH 1 2 3 \(MODSEQ %d\)$" % (before + 2), line)
    assert box.status("INBOX", "HIGHESTMODSEQ")["HIGHESTMODSEQ"] == before + 2


def test_one_modseq_for_one_store(box):
    box.ok("STORE 1:* +FLAGS.SILENT (z)")
    values = {re.search(rb"MODSEQ \((\d+)\)", line).group(1) for line in box.fetch("1:*", "(MODSEQ)").values()}
    assert len(values) == 1


def test_read_only_changes_nothing(box):
    box.ok("EXAMINE INBOX")
    box.command("STORE 1 +FLAGS (\\Deleted)")
    box.command("EXPUNGE")
    box.ok("CLOSE")
    assert box.status("INBOX")["MESSAGES"] == 5


def test_over_quota_stores_nothing(server):
    user = server.user(quota=1000)
    imap = Imap(server.imap, user)
    imap.append("INBOX", message(b"x", b"y" * 2000))  # one message may pass the line
    for command in ("COPY 1 Trash",):
        imap.ok("SELECT INBOX")
        assert imap.command(command)[1].startswith(b"NO [OVERQUOTA]")
    with pytest.raises(ImapError, match="OVERQUOTA"):
        imap.append("INBOX", message(b"y"))
    imap.ok("MOVE 1 Trash")
    imap.logout()
