"""POP3: every command and every promise, over real sockets."""
import base64
import concurrent.futures
import os
import pathlib
import poplib
import random
import re
import signal
import socket
import ssl
import subprocess

import pytest
from harness import odd_mail, wdrpc
from harness.server import Server, until
from harness.wire import Imap, Line, Lmtp, Pop3
from test_memory import Peak
from test_real_mail import corpus


def message(n, size=0):
    return f"Subject: message {n}\r\n\r\nline 1 of {n}\r\nline 2\r\n.line 3\r\n..\r\n".encode() + b"x" * size + b"\r\n"


def fill(server, user, messages, box="INBOX", **login):
    """Stores them; the UIDs."""
    imap = Imap(server.imap, user, **login)
    uids = [imap.append(box, m) for m in messages]
    imap.logout()
    return uids


def flags(server, user, box="INBOX"):
    """{UID: flags} of a mailbox, without touching it."""
    imap = Imap(server.imap, user)
    imap.ok(f'EXAMINE "{box}"')
    rows = [re.search(rb"UID (\d+) FLAGS \((.*?)\)|FLAGS \((.*?)\) UID (\d+)", w) for w in imap.lines("UID FETCH 1:* (UID FLAGS)") if b"FETCH" in w]
    imap.logout()
    return {int(m.group(1) or m.group(4)): set((m.group(2) if m.group(1) else m.group(3)).split()) - {b"\\Recent"} for m in rows}


def subjects(server, user, box):
    imap = Imap(server.imap, user)
    imap.ok(f'EXAMINE "{box}"')
    got = [literals[0].strip() for _, literals in imap.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if literals]
    imap.logout()
    return got


def plain(authzid, authcid, password):
    return base64.b64encode("\0".join((authzid, authcid, password)).encode()).decode()


@pytest.fixture
def pop(server, user):
    fill(server, user, [message(n) for n in range(1, 4)])
    c = Pop3(server.pop3, user)
    yield c
    c.close()


@pytest.fixture(scope="module")
def special():
    """A plain port that wants STLS, few messages, small limits."""
    s = Server({"pop3.disableSTARTTLS": "false", "pop3.maxMessages": "5", "pop3.maxDownloadMB": "1", "pop3.timeout": "2", "pop3.name": "Test Server",
                "pop3.disableVersionString": "true"}).start()
    yield s
    s.close()


@pytest.fixture(scope="module")
def proxied():
    """Behind a proxy that ends TLS."""
    s = Server({"pop3.disableSTARTTLS": "false", "pop3.secured": "true", "pop3.useProxy": "127.0.0.1"}).start()
    yield s
    s.close()


@pytest.fixture(scope="module")
def secure():
    """As shipped: TLS from the first byte."""
    s = Server(plain=False).start()
    yield s
    s.close()


# ---- the session ----

def test_greeting(server, special):
    assert re.fullmatch(rb"\+OK wd POP3 Server ready for 127\.0\.0\.1 \([A-Z0-9a-z]{16}\)", Pop3(server.pop3).greeting)
    assert Pop3(special.pop3).greeting.startswith(b"+OK Test Server ready")


def test_capabilities_are_listed_in_order(server, user, special):
    c = Pop3(server.pop3)
    version = c.lines("CAPA")[-1]
    assert re.fullmatch(r"IMPLEMENTATION wd-v\S+", version)
    assert c.lines("CAPA") == ["TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE", "SASL PLAIN", "PIPELINING", "UTF8", version]
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    assert c.lines("CAPA") == ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8", version]
    c = Pop3(special.pop3)
    assert c.lines("CAPA") == ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8", "STLS"]
    c.ok("STLS")
    c.start_tls()
    assert c.lines("CAPA") == ["TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE", "SASL PLAIN", "PIPELINING", "UTF8"]


def test_commands_in_a_wrong_state_are_refused_and_the_session_goes_on(server, user):
    c = Pop3(server.pop3)
    for command in ("STAT", "LIST", "LIST 1", "UIDL", "RETR 1", "TOP 1 1", "DELE 1", "RSET", "NOOP"):
        c.err(command)
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    for command in ("USER x", "PASS x", "AUTH", "AUTH PLAIN"):
        c.err(command)
    c.ok("NOOP")
    assert c.quit().startswith(b"+OK")


@pytest.mark.parametrize("command", ["XYZ", "APOP user 00112233445566778899aabbccddeeff", "LANG", "LAST", "", "GET / HTTP/1.1", "\0\xff", "RETR1"])
def test_an_unknown_command_ends_the_session(server, command):
    c = Pop3(server.pop3)
    c.err(command.encode("latin1"))
    assert c.closed()


@pytest.mark.parametrize("command", ["LIST x", "LIST 1 2", "LIST -1", "UIDL 99999999999", "RETR", "RETR x", "RETR 1x", "DELE", "DELE 0x1", "TOP", "TOP 1", "TOP 1 x", "TOP 1 1 1",
                                     "STAT 1", "RSET x", "NOOP x", "CAPA x", "QUIT x"])
def test_malformed_arguments_are_refused_and_the_session_goes_on(pop, command):
    pop.err(command)
    assert pop.ok("STAT").startswith(b"+OK 3 ")


@pytest.mark.parametrize("number", ["0", "4", "4294967295"])
def test_a_number_out_of_range_is_told_the_count(pop, number):
    for command in ("LIST", "UIDL", "RETR", "DELE"):
        assert b"there are 3" in pop.err(f"{command} {number}")
    assert b"there are 3" in pop.err(f"TOP {number} 0")


def test_lines_may_end_with_lf_and_have_blanks_around(pop):
    pop.send(b"stat\n  Stat  \r\n\tlist \t 1 \n")
    first, second, third = pop.line(), pop.line(), pop.line()
    assert first == second and first.startswith(b"+OK 3 ") and third.startswith(b"+OK 1 ")


def test_long_lines_are_refused(server, user):
    c = Pop3(server.pop3)
    c.send(b"USER " + b"x" * 300000 + b"\r\nCAPA\r\n")
    assert c.line().startswith(b"-ERR ")
    assert c.line().startswith(b"+OK")
    c.body()
    c.send(b"AUTH PLAIN\r\n")
    assert c.line() == b"+ "
    c.send(b"A" * 100000 + b"\r\nUSER a\r\n")
    assert c.line().startswith(b"-ERR ")
    assert c.line().startswith(b"+OK")


def test_too_many_errors_end_the_session(server):
    c = Pop3(server.pop3)
    c.send(b"STAT\r\n" * 60)
    lines = c.lines_to_the_end()
    assert len(lines) == 51 and all(line.startswith(b"-ERR ") for line in lines)


def test_silence_ends_the_session_and_changes_nothing(special):
    user = special.user()
    fill(special, user, [message(1)])
    c = Pop3(special.pop3)
    c.ok("STLS")
    c.start_tls()
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    c.retr(1)
    c.ok("DELE 1")
    assert c.line().startswith(b"-ERR ")
    assert c.closed()
    assert flags(special, user) == {1: set()}


# ---- logins ----

def test_user_and_pass(server):
    user = server.user(password="a  b")
    fill(server, user, [b"x" * 10, b"y" * 20], password="a  b")
    c = Pop3(server.pop3)
    c.err("PASS a  b")
    c.err("USER")
    c.ok(f"USER {user}@EXAMPLE.com")
    c.err("PASS")
    assert c.ok("PASS a  b  ") == b"+OK 2 messages (30 octets)"


def test_a_refused_login_leaves_the_session_where_it_was(server, user):
    c = Pop3(server.pop3)
    for name, password in ((user, "wrong"), ("nobody" + user, "pass")):
        c.ok(f"USER {name}")
        assert c.err(f"PASS {password}").startswith(b"-ERR [AUTH] ")
        c.err("PASS pass")  # the name was good for one PASS
    c.ok(f"USER {user}")
    c.ok("PASS pass")


def test_too_many_wrong_passwords(server, user):
    c = Pop3(server.pop3)
    for _ in range(12):
        c.ok(f"USER {user}")
        c.err("PASS wrong")
    c.ok(f"USER {user}")
    assert c.err("PASS pass").startswith(b"-ERR [AUTH] ")


def test_a_disabled_scope_and_a_suspended_user(server, user):
    admin = wdrpc.Client(server.store_url(), service_token=(server.node() / "tokens/admin").read_text().strip())
    fill(server, user, [message(1)])
    c = Pop3(server.pop3, user)
    ref = {"username": user.encode()}
    admin.call("wd.v1.Users.Update", user=ref, set_disabled_scopes=True, disabled_scopes=["pop3"])
    late = Pop3(server.pop3)
    late.ok(f"USER {user}")
    assert late.err("PASS pass").startswith(b"-ERR [AUTH] ")
    Imap(server.imap, user).logout()
    admin.call("wd.v1.Users.Update", user=ref, suspended=True)
    admin.close()
    until("the end of the session", 10, lambda: ended(c))


def ended(c):
    """RETR is refused, and with it the session."""
    line = c.command("RETR 1")
    if line.startswith(b"+OK"):
        c.body()
        return False
    assert line.startswith(b"-ERR [AUTH] "), line
    return c.closed()


def test_auth_plain(server, user):
    c = Pop3(server.pop3)
    assert c.lines("AUTH") == ["PLAIN"]
    c.err("AUTH CRAM-MD5")
    c.err("AUTH LOGIN")
    c.ok(f"AUTH PLAIN {plain('', user, 'pass')}")
    c = Pop3(server.pop3)
    assert c.command("auth plain") == b"+ "
    c.ok(plain("somebody", user, "pass"))
    c = Pop3(server.pop3)
    c.ok(f"AUTH PLAIN {plain(user, '', 'pass')}")
    c.ok("STAT")


@pytest.mark.parametrize("answer", ["*", "=", "!!!", base64.b64encode(b"a\0b").decode(), base64.b64encode(b"\0a\0b\0c").decode(), ""])
def test_auth_plain_gone_wrong(server, user, answer):
    c = Pop3(server.pop3)
    assert c.command("AUTH PLAIN") == b"+ "
    c.err(answer)
    c.err(f"AUTH PLAIN {answer or '='}")
    assert c.err(f"AUTH PLAIN {plain('', user, 'wrong')}").startswith(b"-ERR [AUTH] ")
    c.ok(f"AUTH PLAIN {plain('', user, 'pass')}")


def test_a_plain_port_wants_stls(special):
    user = special.user()
    c = Pop3(special.pop3)
    c.err(f"USER {user}")
    c.err(f"AUTH PLAIN {plain('', user, 'pass')}")
    assert c.lines("AUTH") == []
    c.send(b"STLS\r\nQUIT\r\n")
    assert c.line().startswith(b"+OK")
    c.start_tls()
    c.buf.clear()
    c.err("STLS")
    c.err("PASS pass")
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    c.err("STLS")
    assert c.quit().startswith(b"+OK")


def test_stls_works_where_it_is_not_offered_and_forgets_the_name(server, user):
    c = Pop3(server.pop3)
    c.ok(f"USER {user}")
    c.ok("STLS")
    c.start_tls()
    c.err("PASS pass")
    c.ok(f"USER {user}")
    c.ok("PASS pass")


def test_a_proxy_ends_tls(proxied):
    user = proxied.user()
    c = Pop3.__new__(Pop3)
    Line.__init__(c, proxied.pop3)
    c.send(b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 110\r\n")
    assert b" ready for 192.0.2.7 " in c.line()
    assert "USER" in c.lines("CAPA") and "STLS" not in c.lines("CAPA")
    c.err("STLS")
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    assert c.quit().startswith(b"+OK")
    bad = Line(proxied.pop3)
    bad.send(b"CAPA\r\n")
    assert bad.lines_to_the_end() == [b"-ERR Bad PROXY header"]


def test_limits_on_connections():
    s = Server({"pop3.maxConnectionsPerIP": "2"}).start()
    try:
        def welcome():
            c = Pop3(s.pop3)
            return c if c.greeting.startswith(b"+OK") else None
        first, second = (until("a place", 10, welcome) for _ in range(2))  # the look whether the port is there had one
        assert Pop3(s.pop3).greeting.startswith(b"-ERR [SYS/TEMP] ")
        first.quit()
        second.close()
        until("a place", 10, welcome)
    finally:
        s.close()


# ---- the listing ----

def test_stat_list_uidl_and_dele(server, user):
    uids = fill(server, user, [b"a" * 10, b"b" * 200, b"c" * 3000])
    imap = Imap(server.imap, user, box="INBOX")
    c = Pop3(server.pop3, user)
    imap.append("INBOX", b"later")  # is not seen by this session
    assert c.ok("STAT") == b"+OK 3 3210"
    assert c.list() == {1: 10, 2: 200, 3: 3000}
    ids = c.uidl()
    assert list(ids) == [1, 2, 3] and all(re.fullmatch("[0-9a-f]{24}", i) for i in ids.values()) and len(set(ids.values())) == 3
    assert c.ok("LIST 2") == b"+OK 2 200"
    assert c.ok("UIDL 3") == f"+OK 3 {ids[3]}".encode()
    c.ok("DELE 2")
    assert c.ok("STAT") == b"+OK 2 3010"
    assert c.list() == {1: 10, 3: 3000} and list(c.uidl()) == [1, 3]
    for command in ("DELE 2", "LIST 2", "UIDL 2", "RETR 2", "TOP 2 0"):
        assert b"deleted" in c.err(command)
    c.ok("RSET")
    assert c.ok("STAT") == b"+OK 3 3210"
    assert c.uidl() == ids
    c.ok("DELE 1")
    assert c.quit().startswith(b"+OK")
    assert set(flags(server, user)) == {uids[1], uids[2], uids[2] + 1}
    assert list(Pop3(server.pop3, user).uidl().values())[:2] == [ids[2], ids[3]]


def test_an_empty_maildrop(server, user):
    c = Pop3(server.pop3, user)
    assert c.ok("STAT") == b"+OK 0 0"
    assert c.list() == {} and c.uidl() == {}
    c.err("RETR 1")
    assert c.quit().startswith(b"+OK")


def login(server, user):
    """On a port that wants STLS."""
    c = Pop3(server.pop3)
    c.ok("STLS")
    c.start_tls()
    c.ok(f"USER {user}")
    c.ok("PASS pass")
    return c


def test_the_newest_are_listed_and_older_ones_do_not_slide_into_view(special):
    user = special.user()
    fill(special, user, [b"%d" % n * n for n in range(1, 9)])
    c = login(special, user)
    assert c.list() == {1: 4, 2: 5, 3: 6, 4: 7, 5: 8}
    c.ok("DELE 4")
    c.ok("DELE 5")
    c.quit()
    c = login(special, user)
    assert c.list() == {1: 4, 2: 5, 3: 6}
    fill(special, user, [b"z" * 9] * 3)
    c = login(special, user)
    assert c.list() == {1: 5, 2: 6, 3: 9, 4: 9, 5: 9}


def test_a_moved_message_gets_another_unique_id(server, user):
    (uid,) = fill(server, user, [message(1)])
    before = Pop3(server.pop3, user).uidl()
    imap = Imap(server.imap, user, box="INBOX")
    imap.ok(f'UID MOVE {uid} "Trash"')
    imap.ok('SELECT "Trash"')
    imap.ok('UID MOVE 1 "INBOX"')
    assert Pop3(server.pop3, user).uidl() != before


# ---- RETR, TOP ----

def test_retr_and_top(pop):
    assert pop.ok("RETR 2") == b"+OK %d octets" % len(message(2))
    assert pop.body() == message(2)
    head = b"Subject: message 2\r\n\r\n"
    for lines, rest in ((0, b""), (1, b"line 1 of 2\r\n"), (3, b"line 1 of 2\r\nline 2\r\n.line 3\r\n"), (4294967295, message(2)[len(head):])):
        pop.ok(f"TOP 2 {lines}")
        assert pop.body() == head + rest
    assert pop.retr(3) == message(3)


def test_dots_on_the_wire(server, user):
    fill(server, user, [b".\r\n..\r\n\r\n.a\r\n..b\r\n.", b"a\r\n.\r\n", b"\n.\r.\r\n.x\n"])
    c = Pop3(server.pop3, user)
    for n, wire in ((1, b"..\r\n...\r\n\r\n..a\r\n...b\r\n..\r\n.\r\n"), (2, b"a\r\n..\r\n.\r\n"), (3, b"\n..\r.\r\n..x\n\r\n.\r\n")):
        c.ok(f"RETR {n}")
        assert c.exactly(len(wire)) == wire
    c.ok("NOOP")


def same_by_retr(server, messages):
    user = server.user()
    for at in range(0, len(messages), 200):
        fill(server, user, [sent for _, sent in messages[at:at + 200]])
        c = Pop3(server.pop3, user, timeout=120)
        sizes = c.list()
        assert len(sizes) == len(messages[at:at + 200])
        for n, (what, sent) in enumerate(messages[at:at + 200], 1):
            assert sizes[n] == len(sent), what
            assert c.retr(n) == sent, what
            c.ok(f"TOP {n} 3")
            c.body()
            c.ok(f"DELE {n}")
        assert c.quit().startswith(b"+OK")


def test_the_corpus_by_retr(server):
    same_by_retr(server, list(corpus()))


def test_odd_and_large_messages_by_retr(server):
    same_by_retr(server, [m for m in odd_mail.messages() if m[1]])
    same_by_retr(server, list(odd_mail.large()))


def test_a_message_that_went_away_meanwhile(server, user, pop):
    imap = Imap(server.imap, user, box="INBOX")
    imap.ok("STORE 1 +FLAGS (\\Deleted)")
    imap.ok("EXPUNGE")
    pop.err("RETR 1")
    pop.err("TOP 1 0")
    assert pop.retr(2) == message(2)
    pop.ok("DELE 1")
    pop.ok("DELE 3")
    assert pop.quit().startswith(b"+OK")
    assert flags(server, user) == {2: {b"\\Seen"}}


def test_pipelining(server, user):
    fill(server, user, [message(n, 100000 * n) for n in range(1, 4)])
    c = Pop3(server.pop3)
    c.send(f"CAPA\r\nUSER {user}\r\nPASS pass\r\nSTAT\r\nRETR 3\r\nTOP 1 0\r\nRETR 1\r\nDELE 2\r\nNOOP\r\nQUIT\r\n".encode())
    assert c.line().startswith(b"+OK") and b"PIPELINING" in c.body()
    for start in (b"+OK", b"+OK 3 ", b"+OK 3 "):
        assert c.line().startswith(start)
    assert c.line().startswith(b"+OK") and c.body() == message(3, 300000)
    assert c.line().startswith(b"+OK") and c.body() == b"Subject: message 1\r\n\r\n"
    assert c.line().startswith(b"+OK") and c.body() == message(1, 100000)
    assert all(line.startswith(b"+OK") for line in c.lines_to_the_end())
    assert flags(server, user) == {1: {b"\\Seen"}, 3: {b"\\Seen"}}


def test_the_download_limit(special):
    user = special.user()
    fill(special, user, [message(1, 1 << 20), message(2)])
    c = login(special, user)
    assert c.retr(2) == message(2)
    assert c.retr(1) == message(1, 1 << 20)  # one may pass the line
    assert re.match(rb"-ERR \[SYS/TEMP\] .*try again", c.err("RETR 2"))
    assert c.closed()
    assert b"try again" in login(special, user).err("TOP 1 0")


# ---- UPDATE ----

def test_quit_marks_what_was_read_and_moves_what_was_deleted(server, user):
    fill(server, user, [message(n) for n in range(1, 6)])
    watcher = Imap(server.imap, user, box="INBOX")
    c = Pop3(server.pop3, user)
    c.retr(1)
    c.retr(2)
    c.ok("TOP 3 100")
    c.body()
    c.ok("DELE 2")
    c.ok("DELE 4")
    c.ok("DELE 5")
    c.ok("RSET")
    c.ok("DELE 2")
    c.ok("DELE 4")
    assert flags(server, user) == {n: set() for n in range(1, 6)}
    watcher.start("IDLE")
    watcher.line()
    assert c.quit().startswith(b"+OK")
    told = [b""]
    while sum(b"EXPUNGE" in line for line in told) < 2 or not any(re.match(rb"\* 1 FETCH .*\\Seen", line) for line in told):
        told.append(watcher.line())
    assert flags(server, user) == {1: {b"\\Seen"}, 3: set(), 5: set()}
    assert set().union(*flags(server, user, "Trash").values()) == {b"\\Seen"}
    assert subjects(server, user, "Trash") == [b"Subject: message 2", b"Subject: message 4"]


def test_a_dropped_connection_changes_nothing(server, user, pop):
    pop.retr(1)
    pop.ok("DELE 2")
    pop.close()
    c = Pop3(server.pop3, user)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.ok("DELE 3")
    c.close()
    assert Pop3(server.pop3, user).ok("STAT").startswith(b"+OK 3 ")
    assert flags(server, user) == {n: set() for n in (1, 2, 3)}


def test_quit_counts_although_the_client_does_not_wait(server, user, pop):
    pop.ok("DELE 1")
    pop.send(b"QUIT\r\n")
    pop.close()
    until("the update", 10, lambda: set(flags(server, user)) == {2, 3})


def quit_under_fire(server, user, delay, name, answer):
    """RETR of all, DELE of every other one, QUIT, and a SIGKILL a moment later."""
    c = Pop3(server.pop3, user, timeout=60)
    n = len(c.list())
    for i in range(1, n + 1):
        c.retr(i)
    for i in range(1, n + 1, 2):
        c.ok(f"DELE {i}")
    (pid,) = server.pids(name)
    c.send(b"QUIT\r\n")
    c.sock.settimeout(delay)
    try:
        early = c.line()
    except TimeoutError:
        early = None
    os.kill(pid, signal.SIGKILL)
    c.sock.settimeout(60)
    try:
        answer.append(early or c.line())
    except ConnectionError:
        answer.append(b"")
    c.close()
    until(f"another {name}", 20, lambda: [p for p in server.pids(name) if p != pid])
    until("the ports", 20, server._ready)
    return n


@pytest.mark.parametrize("delay", [0.0005, 0.002, 0.005, 0.01, 0.02])
def test_a_store_that_dies_at_quit_changes_everything_once(delay):
    s = Server().start()
    try:
        user, answer = s.user(), []
        fill(s, user, [message(n, 2000) for n in range(60)])
        n = quit_under_fire(s, user, delay, "wd-store", answer)
        assert n == 60 and answer[0].startswith(b"+OK"), answer
        assert flags(s, user) == {uid: {b"\\Seen"} for uid in range(2, 61, 2)}
        assert subjects(s, user, "Trash") == [b"Subject: message %d" % i for i in range(0, 60, 2)]
        s.wd("check")
    finally:
        s.close()


@pytest.mark.parametrize("delay", [0.0005, 0.003])
def test_a_front_end_that_dies_at_quit_leaves_all_or_nothing(delay):
    s = Server().start()
    try:
        user = s.user()
        fill(s, user, [message(n) for n in range(20)])
        quit_under_fire(s, user, delay, "wd-pop3", [])
        whole, none = {uid: {b"\\Seen"} for uid in range(2, 21, 2)}, {uid: set() for uid in range(1, 21)}
        until("one of the two", 10, lambda: flags(s, user) in (whole, none))
    finally:
        s.close()


# ---- the process ----

def test_a_stop_ends_sessions_with_a_notice(server):
    s = Server().start()
    try:
        user = s.user()
        fill(s, user, [message(1)])
        c = Pop3(s.pop3, user)
        c.ok("DELE 1")
        s.process.send_signal(signal.SIGTERM)
        assert c.line().startswith(b"-ERR [SYS/TEMP] ")
        assert c.closed()
        assert s.process.wait(20) == 0
        s.start()
        assert flags(s, user) == {1: set()}
    finally:
        s.close()


def test_sighup_loads_the_certificate_again(secure):
    def serial():
        with socket.create_connection(("127.0.0.1", secure.pop3)) as sock:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(sock) as tls:
                return tls.getpeercert(binary_form=True)
    before = serial()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other.example", "-keyout", secure.data / "key.tmp", "-out",
                    secure.data / "cert.tmp"], check=True, capture_output=True)
    (secure.data / "tls.pem").write_bytes((secure.data / "cert.tmp").read_bytes() + (secure.data / "key.tmp").read_bytes())
    (pid,) = secure.pids("wd-pop3")
    os.kill(pid, signal.SIGHUP)
    until("the new certificate", 10, lambda: serial() != before)


def test_trouble_of_the_store_is_temporary():
    s = Server({"pop3.callTimeout": "1"}).start()
    try:
        user = s.user()
        fill(s, user, [message(1)])
        c = Pop3(s.pop3, user)
        (pid,) = s.pids("wd-store")
        os.kill(pid, signal.SIGSTOP)
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        until("the store to stand still", 10, lambda: all(b") T " in (t / "stat").read_bytes() for t in tasks))
        try:
            assert c.err("RETR 1").startswith(b"-ERR [SYS/TEMP] ")
            late = Pop3(s.pop3)
            late.ok(f"USER {user}")
            assert late.err("PASS pass").startswith(b"-ERR [SYS/TEMP] ")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert c.retr(1) == message(1)
    finally:
        s.close()


def test_8_slow_readers_of_35_mb_cost_one_range_each():
    s = Server({"imap.maxMB": "64"}).start()
    try:
        users, big = [s.user() for _ in range(8)], odd_mail.huge()
        fill(s, users[0], [b"warm"])
        for user in users:
            fill(s, user, [big])
        clients = [Pop3(s.pop3, user, timeout=300) for user in users]
        clients[0].retr(1)
        with Peak(s, "wd-pop3", "wd-store") as peak:
            for c in clients:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                c.send(b"RETR %d\r\n" % (2 if c is clients[0] else 1))
            assert not peak.end.wait(1.5)
            for _ in range(100):
                for c in clients:
                    c.exactly(30000)
        assert peak.grown["wd-pop3"] < 16 * 1024 and peak.grown["wd-store"] < 64 * 1024, peak.grown
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for c in clients:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            rest = list(pool.map(lambda c: c.body(), clients[:2]))
        assert all(big.endswith(r.removesuffix(b"\r\n")[-100000:]) or big.endswith(r[-100000:]) for r in rest)
        for c in clients:
            c.close()
    finally:
        s.close()


# ---- other people's clients ----

def test_poplib(special, secure):
    user = secure.user()
    fill(secure, user, [message(1), message(2)], tls=True)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = poplib.POP3_SSL("127.0.0.1", secure.pop3, context=context)
    assert c.capa()["SASL"] == ["PLAIN"]
    c.user(user)
    c.pass_("pass")
    assert c.stat() == (2, len(message(1)) + len(message(2)))
    assert c.retr(1)[1] == message(1).split(b"\r\n")[:-1]
    assert c.top(2, 1)[1] == message(2).split(b"\r\n")[:3]
    assert len(c.uidl()[1]) == 2 and len(c.list()[1]) == 2
    c.dele(1)
    c.noop()
    c.quit()
    c = poplib.POP3("127.0.0.1", special.pop3)
    c.stls(context)
    c.user(special.user())
    c.pass_("pass")
    assert c.stat() == (0, 0)
    c.quit()


def curl(server, user, path, *args, scheme="pop3s"):
    done = subprocess.run(["curl", "-sS", "-k", "--max-time", "60", "-u", f"{user}:pass", f"{scheme}://127.0.0.1:{server.pop3}/{path}", *args], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(server, special, secure):
    user = secure.user()
    messages = [message(1), message(2, 500000)]
    fill(secure, user, messages, tls=True)
    assert curl(secure, user, "") == b"1 %d\r\n2 %d\r\n" % tuple(map(len, messages))
    assert curl(secure, user, "2") == messages[1]
    assert curl(secure, user, "1", "--login-options", "AUTH=PLAIN") == messages[0]
    curl(secure, user, "1", "-X", "DELE", "--list-only")
    plain_user = server.user()
    fill(server, plain_user, messages)
    assert curl(server, plain_user, "2", scheme="pop3") == messages[1]
    stls_user = special.user()
    fill(special, stls_user, messages[:1])
    assert curl(special, stls_user, "1", "--ssl-reqd", scheme="pop3") == messages[0]
    curl(server, plain_user, "2", "-X", "DELE", "-I", scheme="pop3")
    assert list(flags(server, plain_user)) == [1]


@pytest.mark.parametrize("delete", [False, True])
def test_getmail(secure, tmp_path, delete):
    """Which hands to LMTP what it fetches; its other ways fork, and lose the child's end now and then."""
    user, target = secure.user(), secure.user()
    messages = [message(n, random.Random(n).randrange(5000)) for n in range(30)]
    fill(secure, user, [b"Return-Path: <sender@example.net>\r\n" + m for m in messages], tls=True)
    (tmp_path / "getmailrc").write_text(f"""[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {secure.pop3}
username = {user}
password = pass
[destination]
type = MDA_lmtp
host = 127.0.0.1
port = {secure.lmtp}
override = {target}@example.com
[options]
read_all = false
delete = {str(delete).lower()}
delivered_to = false
received = false
""")
    for _ in range(2):  # the second run finds nothing new
        done = subprocess.run(["getmail", "--getmaildir", tmp_path], capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == 0, done.stdout + done.stderr
    imap = Imap(secure.imap, user, tls=True)
    assert imap.status("INBOX", "MESSAGES UNSEEN") == {"MESSAGES": 0 if delete else 30, "UNSEEN": 0}
    assert imap.status("Trash") == {"MESSAGES": 30 if delete else 0}
    imap.logout()
    imap = Imap(secure.imap, target, tls=True, box="INBOX")
    assert imap.uids() == list(range(1, 31))
    assert all(imap.body(n + 1).endswith(sent) for n, sent in enumerate(messages))
    imap.logout()
