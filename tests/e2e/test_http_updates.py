"""GET /users/:user/updates: what happens in an account's mailboxes, exactly as often as it happens."""
import http.client
import json
import socket
import time

import pytest
from harness.wire import Imap, Lmtp
from test_http_core import Api, guarded, store_of  # noqa: F401

MESSAGE = b"From: a@example.net\r\nSubject: hello\r\n\r\nbody\r\n"


class Stream:
    """An EventSource: events() are (id, object), comments the text lines that begin with a colon."""

    def __init__(self, port, user, token=None, last=None, query=""):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.c.request("GET", f"/users/{user}/updates{query}", headers={
            **({"X-Access-Token": token} if token else {}), **({"Last-Event-ID": last} if last else {})})
        self.r = self.c.getresponse()
        self.comments, self.errors = [], []

    def blocks(self):
        lines = []
        while True:
            line = self.r.readline().decode().rstrip("\n")
            if line:
                lines.append(line)
            elif lines:
                yield lines
                lines = []

    def next(self):
        """The next event, or comment as (None, text)."""
        for lines in self.blocks():
            if lines[0].startswith(":"):
                return None, lines[0]
            if lines[0] == "event: error":
                return "error", lines[1][6:]
            ids = [line[4:] for line in lines if line.startswith("id: ")]
            return (ids or [None])[0], json.loads("\n".join(line[6:] for line in lines if line.startswith("data: ")))

    def until(self, check):
        """The events up to the one that check() is true for."""
        got = []
        end = time.monotonic() + 30
        while time.monotonic() < end:
            event = self.next()
            if isinstance(event[1], dict):
                got.append(event)
                if check(event[1]):
                    return got
        raise AssertionError(got)

    def close(self):
        self.c.close()


@pytest.fixture
def account(guarded):  # noqa: F811
    """name, id and token of a new account."""
    name = guarded.user()
    login = Api(guarded, "topsecret").post("/authenticate", username=name, password="pass", token=True)
    return name, login["id"], login["token"]


@pytest.fixture
def imap(guarded, account):  # noqa: F811
    c = Imap(guarded.imap, account[0])
    yield c
    c.close()


@pytest.fixture
def listen(guarded, account):  # noqa: F811
    """Opens a stream; one without a place to resume from has begun on return."""
    streams = []

    def start(last=None, **kw):
        s = Stream(guarded.http, account[1], account[2], last, **kw)
        streams.append(s)
        assert (s.r.status, s.r.getheader("content-type")) == (200, "text/event-stream")
        if not last and not kw:
            assert s.next() == (None, ": idling 1")
        return s
    yield start
    for s in streams:
        s.close()


def all_of(uids):
    """True for the event that is the last of them to be told, in whatever order."""
    missing = set(uids)

    def check(e):
        missing.discard(e.get("uid") if e["command"] == "EXISTS" else None)
        return not missing
    return check


def is_counters(total, unseen):
    return lambda e: e["command"] == "COUNTERS" and (e["total"], e["unseen"]) == (total, unseen)


def commands(events, *without):
    return [e["command"] for _, e in events if e["command"] not in without]


def test_everything_is_told_once(guarded, account, imap, listen):  # noqa: F811
    imap.append("INBOX", MESSAGE)
    s = listen()  # what was before is not told
    imap.ok("CREATE Box")
    created = s.until(lambda e: e["command"] == "CREATE")
    assert len(created) == 1 and created[0][1]["path"] == "Box" and set(created[0][1]) == {"command", "mailbox", "path"}
    imap.append("INBOX", MESSAGE, "\\Flagged")
    got = s.until(is_counters(2, 2))
    assert commands(got) == ["EXISTS", "COUNTERS"]
    exists, counters = got[0][1], got[1][1]
    assert set(exists) == {"command", "uid", "message", "idate", "thread", "mailbox"} and exists["uid"] == 2
    assert exists["idate"].endswith("Z") and len(exists["thread"]) == 24
    assert counters == {"command": "COUNTERS", "mailbox": exists["mailbox"], "total": 2, "unseen": 2} and got[0][0] == got[1][0]
    imap.ok("SELECT INBOX")
    imap.ok("STORE 2 +FLAGS (\\Seen)")
    got = s.until(is_counters(2, 1))
    assert commands(got) == ["FETCH", "COUNTERS"]
    assert got[0][1] == {"command": "FETCH", "uid": 2, "flags": ["\\Flagged", "\\Seen"], "message": exists["message"],
                         "thread": exists["thread"], "mailbox": exists["mailbox"]}
    imap.ok("STORE 2 +FLAGS (\\Deleted)")
    assert commands(s.until(lambda e: e["command"] == "FETCH")) == ["FETCH"]  # no count changes
    imap.ok("EXPUNGE")
    got = s.until(is_counters(1, 1))
    assert commands(got) == ["EXPUNGE", "COUNTERS"]
    assert got[0][1] == {"command": "EXPUNGE", "uid": 2, "message": exists["message"], "thread": exists["thread"],
                         "mailbox": exists["mailbox"]}
    imap.ok("RENAME Box Case")
    assert s.until(lambda e: e["command"] == "RENAME")[-1][1]["path"] == "Case"
    imap.ok("DELETE Case")
    gone = s.until(lambda e: e["command"] == "DELETE")
    assert [e for _, e in gone] == [{"command": "DELETE", "mailbox": created[0][1]["mailbox"]}]


def test_reconnecting_loses_nothing(guarded, account, listen):  # noqa: F811
    lmtp = Lmtp(guarded.lmtp)
    s, told, last = listen(), [], None  # what was told before a connection ended, up to its last id
    for i in range(1, 31):
        lmtp.deliver(MESSAGE, [f"{account[0]}@example.com"])
        if i % 6 == 0:  # in the middle: some of what was delivered is not read yet
            event, got = s.next()
            if event:
                last, told = event, told + [got]
            s.close()
            s = listen(last) if last else s
    s.until(all_of({*range(1, 31)} - {e["uid"] for e in told if e["command"] == "EXISTS"}))
    lmtp.close()


def test_a_change_of_several_stores_is_told_once(guarded, account, imap, listen):  # noqa: F811
    s = listen()
    lmtps = [Lmtp(guarded.lmtp) for _ in range(4)]
    for i in range(40):
        lmtps[i % 4].deliver(MESSAGE, [f"{account[0]}@example.com"])
    got = s.until(all_of(range(1, 41)))
    imap.ok("CREATE End")
    got += s.until(lambda e: e["command"] == "CREATE")
    assert sorted(e["uid"] for _, e in got if e["command"] == "EXISTS") == list(range(1, 41))
    for c in lmtps:
        c.close()


def test_a_place_that_is_too_old(account, imap, listen):
    s = listen("5a0000000000000000000001")
    assert s.next() == ("error", "the journal does not reach back so far")
    imap.append("INBOX", MESSAGE)
    assert commands(s.until(is_counters(1, 1)))[-2:] == ["EXISTS", "COUNTERS"]


def test_who_may_listen(guarded, account):  # noqa: F811
    other = store_of(guarded).call("wd.v1.Users.Get", user={"username": guarded.user().encode()}).id
    s = Stream(guarded.http, other, account[2])
    assert (s.r.status, json.loads(s.r.read())["code"]) == (403, "MissingPrivileges")
    s = Stream(guarded.http, "1" * 24, "topsecret")
    assert (s.r.status, json.loads(s.r.read())["code"]) == (404, "UserNotFound")
    s = Stream(guarded.http, account[1], account[2], "nonsense")
    assert (s.r.status, json.loads(s.r.read())["code"]) == (400, "InputValidationError")
    s = Stream(guarded.http, account[1], account[2], query="?Last-Event-ID=nonsense")
    assert (s.r.status, json.loads(s.r.read())["code"]) == (400, "InputValidationError")


def test_a_slow_reader_is_bounded_and_misses_nothing(guarded, account, imap):  # noqa: F811
    imap.append("INBOX", MESSAGE)
    slow = socket.create_connection(("127.0.0.1", guarded.http))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(f"GET /users/{account[1]}/updates HTTP/1.1\r\nHost: a\r\nX-Access-Token: {account[2]}\r\n\r\n".encode())
    assert b"200" in slow.recv(4096)
    imap.ok("SELECT INBOX")
    for i in range(400):
        imap.ok(f"STORE 1 {'+-'[i % 2]}FLAGS (\\Flagged)")
    imap.ok("STORE 1 +FLAGS (last)")
    slow.settimeout(30)
    got = b""
    while b'"last"' not in got:
        more = slow.recv(65536)
        assert more
        got += more
    assert got.count(b'"command": "FETCH"') == 401
    slow.close()
