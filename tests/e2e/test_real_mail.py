"""Real-world and pathological messages come back byte for byte, whole and by ranges, and every count agrees."""
import random
import re

import pytest
from harness import odd_mail
from harness.server import ROOT
from harness.wire import Imap, Lmtp

CORPUS = sorted(p for p in (ROOT / "tests/data/mail").rglob("*") if p.is_file())


def corpus():
    for path in CORPUS:
        yield f"{path.parent.name}/{path.name}", path.read_bytes()


def expect_same(imap, uid, sent, what, rnd, trace=0):
    """The stored message is `trace` bytes of trace header and then what was sent; by whole, ranges and sections."""
    size = imap.size(uid)
    got = imap.body(uid)
    assert got[trace:] == sent, f"{what}: {len(got)} bytes came back, {len(sent)} were sent"
    assert size == len(got), what
    for _ in range(4):
        at = rnd.randrange(len(got) + 2)
        count = rnd.choice([1, 7, 100, 5000, len(got) + 5])
        assert imap.partial(uid, at, count) == got[at:at + count], f"{what}: <{at}.{count}>"
    header, text = imap.body(uid, "HEADER"), imap.body(uid, "TEXT")
    assert header + text == got or header[:-2] + text == got, what  # a header without an empty line gets one
    return len(got)


def append_all(server, messages):
    user = server.user()
    imap = Imap(server.imap, user)
    rnd = random.Random(1)
    imap.ok("CREATE box")
    uids = [(imap.append("box", sent), what, sent) for what, sent in messages]
    imap.ok("SELECT box")
    total = sum(expect_same(imap, uid, sent, what, rnd) for uid, what, sent in uids)
    used = int(re.search(rb"STORAGE (\d+) ", b" ".join(imap.lines('GETQUOTA ""'))).group(1))
    assert used == -(-total // 1024)
    for uid, what, _ in uids:  # whatever it is, its structure can be asked for
        assert imap.fetch(uid, "(ENVELOPE BODYSTRUCTURE BODY)", uid=True), what
    imap.logout()
    return len(uids)


def deliver_all(server, messages):
    user = server.user()
    imap, lmtp = Imap(server.imap, user, box="INBOX"), Lmtp(server.lmtp)
    rnd = random.Random(2)
    for n, (what, sent) in enumerate(messages):
        (reply,) = lmtp.bdat(sent, [f"{user}@example.com"], chunk=rnd.choice([None, 1000, 65536]))
        assert reply.startswith(b"250 "), (what, reply)
        imap.ok("NOOP")
        uid = n + 1
        got = imap.body(uid)
        trace = re.match(rb"Delivered-To: [^\r\n]*\r\nReturn-Path: <[^\r\n]*>\r\n", got)
        assert trace, (what, got[:100])
        expect_same(imap, uid, sent, what, rnd, trace.end())
    imap.logout()
    lmtp.close()


def test_the_corpus_is_large_enough():
    assert len(CORPUS) >= 200


def test_corpus_by_append(server):
    append_all(server, corpus())


def test_corpus_by_lmtp(server):
    deliver_all(server, corpus())


def test_odd_messages_by_append(server):
    append_all(server, [m for m in odd_mail.messages() if m[1]])


def test_odd_messages_by_lmtp(server):
    deliver_all(server, odd_mail.messages())


def test_data_keeps_every_line(server, user, lmtp):
    """DATA with dot-stuffing, for everything that ends a line at its end."""
    imap = Imap(server.imap, user)
    sent = [(w, m) for w, m in odd_mail.messages() if m.endswith(b"\r\n") and b"\n." not in m.replace(b"\r\n.", b"")]
    for what, message in sent:
        (reply,) = lmtp.deliver(message, [f"{user}@example.com"])
        assert reply.startswith(b"250 "), (what, reply)
    imap.ok("SELECT INBOX")
    for uid, (what, message) in zip(imap.uids(), sent):
        got = imap.body(uid)
        assert got.endswith(message) and got.count(b"Delivered-To: ") >= 1, what
    imap.logout()


def test_large_messages(server):
    append_all(server, odd_mail.large())
    deliver_all(server, odd_mail.large())


def test_35_megabytes(server, user):
    message = odd_mail.huge()
    imap, lmtp = Imap(server.imap, user, timeout=120), Lmtp(server.lmtp, timeout=120)
    (reply,) = lmtp.deliver(message, [f"{user}@example.com"])
    assert reply.startswith(b"250 "), reply
    uid = imap.append("INBOX", message)
    imap.ok("SELECT INBOX")
    rnd = random.Random(5)
    assert expect_same(imap, uid, message, "35 MB", rnd) == len(message)
    assert imap.body(imap.uids()[0]).endswith(message)
    imap.logout()


@pytest.mark.parametrize("section", ["1", "2", "1.MIME", "2.MIME", "HEADER.FIELDS (SUBJECT)", "HEADER.FIELDS.NOT (SUBJECT)"])
def test_sections_are_ranges_of_the_message(server, imap, section):
    head = b"Subject: sections\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    one, two = b"Content-Type: text/plain\r\n\r\n", b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    picture = odd_mail.lines_of(random.Random(9).randbytes(700000), 76)
    message = head + b"--b\r\n" + one + b"first\r\nlines\r\n--b\r\n" + two + picture + b"\r\n--b--\r\n"
    want = {"1": b"first\r\nlines", "2": picture, "1.MIME": one, "2.MIME": two, "HEADER.FIELDS (SUBJECT)": b"Subject: sections\r\n\r\n",
            "HEADER.FIELDS.NOT (SUBJECT)": head.replace(b"Subject: sections\r\n", b"")}
    uid = imap.append("INBOX", message)
    imap.ok("SELECT INBOX")
    assert imap.body(uid, section) == want[section]


def test_what_a_limit_refuses_gets_a_clear_permanent_error(server, user, lmtp, imap):
    too_big = b"Subject: x\r\n\r\n" + b"y" * (41 << 20)
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect(f"RCPT TO:<{user}@example.com>", "250")
    (reply,) = lmtp.data(too_big, 1)
    assert reply.startswith(b"552 5.3.4 "), reply
    assert lmtp.command(f"MAIL FROM:<a@example.net> SIZE={41 << 20}")[-1].startswith(b"552 5.3.4 ")
    imap.start("APPEND INBOX {%d}" % (41 << 20))
    _, tagged = imap.finish()
    assert tagged.startswith(b"NO [TOOBIG]"), tagged
