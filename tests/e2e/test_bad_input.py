"""Every port is fed rubbish: it answers with an error or closes, stays alive, stays small. On the sanitized build."""

import random
import socket

import pytest
from harness.server import BUILD_ASAN, Server
from harness.wire import Imap, Lmtp


@pytest.fixture(scope="module")
def sanitized():
    s = Server(build=BUILD_ASAN).start(seconds=120)
    s.names = [s.user(), s.user()]
    yield s
    s.close()  # looks for what a sanitizer said, leaks included


@pytest.fixture(autouse=True)
def nothing_died(sanitized):
    before = sorted(sanitized.pids())
    yield
    assert sorted(sanitized.pids()) == before, sanitized.log()


def feed(port, data, half_close=True):
    """Sends, half-closes (which ends a session) or not, reads what comes until the end; None when that takes long."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            got = b""
            while d := s.recv(65536):
                got += d
            return got
        except OSError:
            return None


def ports(s):
    return {"imap": s.imap, "pop3": s.pop3, "lmtp": s.lmtp, "http": s.http}


IMAP_TALK = b"a LOGIN %s pass\r\nb SELECT INBOX\r\nc FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.10>)\r\nd APPEND INBOX (\\Seen) {5+}\r\nhello\r\n" \
            b"e UID SEARCH OR (FROM \"x\" NOT SEEN) UID 1:*\r\nf STORE 1 +FLAGS (\\Deleted x)\r\ng LIST \"\" (%%*)\r\nh IDLE\r\nDONE\r\ni LOGOUT\r\n"
POP3_TALK = b"CAPA\r\nUSER %s\r\nPASS pass\r\nSTAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nTOP 1 10\r\nDELE 1\r\nRSET\r\nAUTH PLAIN AGEAYg==\r\nNOOP\r\nQUIT\r\n"
LMTP_TALK = b"LHLO x\r\nMAIL FROM:<a@example.net> SIZE=10\r\nRCPT TO:<%s@example.com>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nBDAT 3 LAST\r\nabcQUIT\r\n"
HTTP_TALK = b"POST /user/password?a=b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"username\":\"%s\",\"password\":\"pass\"}  "


def talk(kind, user):
    return {"imap": IMAP_TALK, "pop3": POP3_TALK, "lmtp": LMTP_TALK, "http": HTTP_TALK}[kind] % user.encode()


@pytest.mark.parametrize("kind", ["imap", "pop3", "lmtp", "http"])
def test_random_bytes(sanitized, kind):
    rnd = random.Random(11)
    for _ in range(60):
        feed(ports(sanitized)[kind], rnd.randbytes(rnd.randrange(1, 5000)))


@pytest.mark.parametrize("kind", ["imap", "pop3", "lmtp", "http"])
def test_truncated_and_mutated_conversations(sanitized, kind):
    rnd = random.Random(12)
    whole = talk(kind, sanitized.names[0])
    for _ in range(80):
        data = bytearray(whole[:rnd.randrange(1, len(whole) + 1)])
        for _ in range(rnd.randrange(4)):
            at = rnd.randrange(len(data))
            choice = rnd.randrange(3)
            if choice == 0:
                data[at] = rnd.randrange(256)
            elif choice == 1:
                data[at:at] = rnd.choice([b"(", b")", b"{", b"{9999999999}", b"\"", b"\0", b"\r", b"\n", b"*", b"\\", b"[", b"<", b"~{1}\r\n", b"4294967296"])
            elif len(data) > 20:
                del data[at:at + rnd.randrange(1, 20)]
        feed(ports(sanitized)[kind], bytes(data))


@pytest.mark.parametrize("kind", ["imap", "pop3", "lmtp", "http"])
def test_one_giant_line(sanitized, kind):
    got = feed(ports(sanitized)[kind], b"a" * (8 << 20))
    assert got is None or b"BAD" in got or b"500" in got or b"400" in got or b"421" in got or b"413" in got or b"431" in got or b"-ERR" in got, got[:200]


def test_imap_literals(sanitized):
    user = sanitized.names[0].encode()
    login = b"a LOGIN %s pass\r\n" % user
    for literal in (b"{99999999999999999999}", b"{-1}", b"{}", b"{1", b"{4294967295}", b"{2000000+}\r\n" + b"x" * 2000000, b"{1x}", b"~{5}"):
        got = feed(sanitized.imap, login + b"b SELECT " + literal + b"\r\nc NOOP\r\nd LOGOUT\r\n", half_close=False)
        assert b"b NO" in got or b"b BAD" in got or b"* BAD" in got or b"* BYE" in got, (literal, got[-300:])


def test_imap_deep_nesting(sanitized):
    login = b"a LOGIN %s pass\r\nb SELECT INBOX\r\n" % sanitized.names[0].encode()
    for deep in (b"(" * 20000, b"NOT " * 15000 + b"ALL", b"OR ALL " * 8000 + b"ALL", b"(" * 9000 + b"ALL" + b")" * 9000):
        got = feed(sanitized.imap, login + b"c SEARCH " + deep + b"\r\nd LOGOUT\r\n", half_close=False)
        assert b"c BAD" in got or b"c NO" in got or b"c OK" in got, got[-200:]


def test_http_headers(sanitized):
    many = b"".join(b"X-%d: y\r\n" % i for i in range(20000))
    assert b" 431 " in (feed(sanitized.http, b"GET /health HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n") or b" 431 ")
    assert b" 413 " in (feed(sanitized.http, b"POST /preauth HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n") or b" 413 ")
    for bad in (b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"POST /preauth HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                b"POST /preauth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                b"GET /user?username=%00 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%ff%fe?%=& HTTP/1.1\r\nHost: a\r\n\r\n"):
        feed(sanitized.http, bad)


def test_rpc_port(sanitized):
    """The store's own socket: SP headers, lengths and envelopes gone wrong."""
    rnd = random.Random(13)
    path = next(p for p in sanitized.data.rglob("*.ipc") if "event" not in p.name)
    greeting = b"\0SP\0\0\x30\0\0"
    for n in range(80):
        body = rnd.randbytes(rnd.randrange(200))
        if n % 2:
            body = b"\x80\0\0\1" + rnd.choice([0, 5, 200, 2**31, 2**32 - 1]).to_bytes(4, "big") + body
        length = rnd.choice([len(body), len(body), 2**40, 2**63, 0])
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(2)
            s.connect(str(path))
            try:
                s.sendall(rnd.choice([greeting, greeting, rnd.randbytes(8)]) + b"\x01" + length.to_bytes(8, "big") + body)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass


def test_memory_stays_bounded(sanitized):
    """Many connections that each hold an unfinished line, literal or body."""
    before = {n: sanitized.memory_kb(n) for n in ("wd-imap", "wd-pop3", "wd-lmtp", "wd-http")}
    open_ones = []
    for _ in range(60):
        for port, data in ((sanitized.imap, b"a SELECT " + b"x" * 60000), (sanitized.pop3, b"USER " + b"x" * 60000), (sanitized.lmtp, b"LHLO " + b"x" * 60000),
                           (sanitized.http, b"POST /user HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 60000)):
            s = socket.create_connection(("127.0.0.1", port), timeout=2)
            s.sendall(data)
            open_ones.append(s)
    for n, kb in before.items():
        assert sanitized.memory_kb(n) - kb < 60 * 1024, n
    for s in open_ones:
        s.close()


def test_everything_still_works(sanitized):
    user = sanitized.names[1]
    assert Lmtp(sanitized.lmtp).deliver(b"Subject: x\r\n\r\nx\r\n", [f"{user}@example.com"])[0].startswith(b"250")
    imap = Imap(sanitized.imap, user, box="INBOX")
    assert b"Subject: x" in imap.body(1)
    imap.logout()
