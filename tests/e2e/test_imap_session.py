"""wd-imap: greeting, capabilities, login, TLS, compression, small commands, limits of the syntax layer."""
import base64
import re
import zlib

import pytest
from harness.server import Server, until
from harness.wire import Imap, ImapError

AFTER_LOGIN = "APPENDLIMIT=41943040 CHILDREN COMPRESS=DEFLATE CONDSTORE ENABLE ID IDLE LITERAL+ MOVE NAMESPACE QUOTA SPECIAL-USE UIDPLUS UNSELECT UTF8=ACCEPT XLIST"


@pytest.fixture(scope="module")
def starttls():
    """A plain port that offers STARTTLS and wants it."""
    s = Server({"imap.secure": "false"}, plain=False).start()
    yield s
    s.close()


def capabilities(imap):
    (line,) = [w for w in imap.lines("CAPABILITY") if w.startswith(b"* CAPABILITY ")]
    return line.decode()[len("* CAPABILITY "):]


def test_greeting_has_no_capabilities(server):
    imap = Imap(server.imap)
    assert imap.greeting.startswith(b"* OK ") and b"CAPABILITY" not in imap.greeting


def test_capabilities_before_and_after_login(server, user):
    imap = Imap(server.imap)
    assert capabilities(imap) == "IMAP4rev1 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN CHILDREN ENABLE ID IDLE LITERAL+ NAMESPACE QUOTA SASL-IR UNSELECT XLIST"
    assert f"* CAPABILITY IMAP4rev1 {AFTER_LOGIN}".encode() in imap.lines(f"LOGIN {user} pass")
    assert capabilities(imap) == "IMAP4rev1 " + AFTER_LOGIN


@pytest.mark.parametrize("password", ["wrong", ""])
def test_wrong_password(server, user, password):
    imap = Imap(server.imap)
    _, tagged = imap.command(f'LOGIN {user} "{password}"')
    assert tagged.startswith(b"NO [AUTHENTICATIONFAILED]")
    _, again = imap.command('LOGIN nobodyatall "pass"')
    assert again == tagged  # it does not tell which half was wrong


def test_login_by_every_form_of_the_name(server, user):
    for name in (user, user.upper(), ".".join(user), f"{user}@example.com", f"{user}+x@example.com", f"{user}@EXAMPLE.com"):
        Imap(server.imap, name).logout()


def plain(*parts):
    return base64.b64encode("\0".join(parts).encode()).decode()


def test_authenticate_plain_both_ways(server, user):
    imap = Imap(server.imap)
    imap.ok("AUTHENTICATE PLAIN " + plain("", user, "pass"))
    imap = Imap(server.imap)
    imap.start("AUTHENTICATE PLAIN")
    assert imap.line() == b"+ "
    imap.send(plain("", user, "pass").encode() + b"\r\n")
    assert imap.finish()[1].startswith(b"OK")


@pytest.mark.parametrize("answer,status", [("*", b"BAD"), ("!!!", b"BAD"), (plain("a", "b"), b"BAD"), (plain("", "a", "b", "c"), b"BAD"), (plain("", "x", "y"), b"NO [AUTH")])
def test_authenticate_plain_gone_wrong(server, answer, status):
    imap = Imap(server.imap)
    imap.start("AUTHENTICATE PLAIN")
    imap.line()
    imap.send(answer.encode() + b"\r\n")
    assert imap.finish()[1].startswith(status)
    assert imap.command("AUTHENTICATE XYZ")[1].startswith(b"BAD")


def test_failed_logins_are_limited(server):
    name = server.user()
    imap = Imap(server.imap)
    for _ in range(12):
        assert imap.command(f"LOGIN {name} wrong")[1].startswith(b"NO [AUTHENTICATIONFAILED]")
    _, tagged = imap.command(f"LOGIN {name} pass")
    assert tagged.startswith(b"NO") and b"AUTHENTICATIONFAILED" not in tagged


def test_connection_limit(setup):
    s = setup({"imap.maxConnections": "2"}).start()
    try:
        user, port = s.user(), getattr(s, "imap_ports", [s.imap])[0]  # each front end counts its own
        first, second = Imap(port, user), Imap(port, user)
        _, tagged = Imap(port).command(f"LOGIN {user} pass")
        assert tagged.startswith(b"NO [ALERT]")
        first.logout()
        second.logout()
        Imap(port, user).logout()
    finally:
        s.close()


def test_plain_port_wants_starttls(starttls):
    user = starttls.user()
    imap = Imap(starttls.imap)
    assert "LOGINDISABLED" in capabilities(imap) and "STARTTLS" in capabilities(imap)
    assert imap.command(f"LOGIN {user} pass")[1].startswith((b"BAD", b"NO [PRIVACYREQUIRED]"))
    imap.start("STARTTLS")
    assert imap.finish()[1].startswith(b"OK")
    imap.start_tls()
    assert "STARTTLS" not in capabilities(imap)
    imap.ok(f"LOGIN {user} pass")
    assert imap.command("STARTTLS")[1].startswith((b"NO", b"BAD"))
    imap.logout()


def test_starttls_drops_what_was_injected(starttls):
    imap = Imap(starttls.imap)
    imap.send(b"a STARTTLS\r\nb LOGOUT\r\n")
    assert imap.line().startswith(b"a OK")
    imap.start_tls()
    imap.buf.clear()
    assert capabilities(imap)


def test_compress(server, user):
    imap = Imap(server.imap, user)
    imap.ok("COMPRESS DEFLATE")
    sock, inflate, deflate = imap.sock, zlib.decompressobj(-15), zlib.compressobj(wbits=-15)

    class Deflated:
        def sendall(self, data):
            sock.sendall(deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))

        def recv(self, n):
            while True:
                data = sock.recv(n)
                out = inflate.decompress(data)
                if out or not data:
                    return out

        def close(self):
            sock.close()
    imap.sock = Deflated()
    body = b"Subject: x\r\n\r\n" + b"all work and no play\r\n" * 5000
    uid = imap.append("INBOX", body)
    imap.ok("SELECT INBOX")
    assert imap.body(uid) == body
    assert imap.command("COMPRESS DEFLATE")[1].startswith(b"NO [COMPRESSIONACTIVE]")
    assert imap.command("COMPRESS LZW")[1].startswith(b"BAD")
    imap.logout()


def test_id_namespace_enable(imap):
    assert re.match(rb'\* ID \("name" "[^"]+" "version" "[^"]+"', imap.lines('ID ("name" "test" "os" NIL)')[0])
    assert imap.lines("ID NIL")
    assert imap.lines("NAMESPACE") == [b'* NAMESPACE (("" "/")) NIL NIL']
    assert imap.lines("ENABLE XYZ CONDSTORE UTF8=ACCEPT") == [b"* ENABLED CONDSTORE UTF8=ACCEPT"]
    imap.ok("SELECT INBOX")
    assert imap.command("ENABLE CONDSTORE")[1].startswith(b"BAD")


def test_logout(imap):
    untagged, tagged = imap.command("LOGOUT")
    assert untagged[0][0].startswith(b"* BYE") and tagged.startswith(b"OK")
    assert imap.closed()


@pytest.mark.parametrize("line,answer", [
    (b"\r\n", b"* BAD"), (b"x\r\n", b"* BAD"), (b"x \r\n", b"x BAD"), (b"x XYZZY\r\n", b"x BAD"), (b"x NOOP y\r\n", b"x BAD"), (b"x FETCH 1 FLAGS\r\n", b"x BAD"),
    (b"x UID XYZ 1\r\n", b"x BAD"), (b"x LIST \"\"\r\n", b"x BAD"), (b"x SELECT \"unterminated\r\n", b"x BAD"), (b"x LOGIN a b\r\n", b"x BAD"),
    (b"x STATUS INBOX ()\r\n", b"x BAD"), (b"x STATUS INBOX (SIZE)\r\n", b"x BAD"), (b"x SELECT a\x80\r\n", b"x BAD"), (b"+ NOOP\r\n", b"+ OK"), (b"x noop\n", b"x OK")])
def test_odd_lines(imap, line, answer):
    imap.send(line)
    assert imap.line().startswith(answer)


def test_fifty_bad_commands_end_it(imap):
    for _ in range(50):
        imap.send(b"x XYZZY\r\n")
        assert imap.line().startswith(b"x BAD")
    imap.send(b"x XYZZY\r\n")
    assert any(line.startswith(b"* BYE") for line in imap.lines_to_the_end())


def test_literals_of_every_kind(imap):
    imap.start("CREATE {3}")
    assert imap.line().startswith(b"+ ")
    imap.send(b"one\r\n")
    assert imap.finish()[1].startswith(b"OK")
    imap.ok("CREATE {3+}\r\ntwo")
    imap.ok("SUBSCRIBE {3-}\r\ntwo")
    assert imap.command("CREATE {0+}\r\n")[1].startswith(b"NO [CANNOT]")
    imap.start("CREATE {2000}")
    assert imap.finish()[1].startswith(b"NO")
    assert imap.command("CREATE {2000+}\r\n" + "x" * 2000)[1].startswith(b"NO")
    imap.ok("NOOP")


def test_commands_can_be_pipelined(imap):
    imap.send(b"a CREATE p\r\nb SELECT p\r\nc APPEND p {5+}\r\nhello\r\nd FETCH 1 BODY.PEEK[]\r\ne LOGOUT\r\n")
    tags = []
    try:
        while True:
            whole, _ = imap.response()
            tags += [whole[:4]] if whole[:2] in (b"a ", b"b ", b"c ", b"d ", b"e ") else []
    except ConnectionError:
        pass
    assert tags == [b"a OK", b"b OK", b"c OK", b"d OK", b"e OK"]


def test_a_disabled_user_and_a_new_password_end_sessions(server):
    user = server.user()
    imap = Imap(server.imap, user, box="INBOX")
    server.wd("user", "passwd", user, "--password", "another")
    imap.sock.settimeout(10)
    assert any(line.startswith(b"* BYE") for line in imap.lines_to_the_end())
    with pytest.raises(ImapError):
        Imap(server.imap, user)
    Imap(server.imap, user, "another").logout()
