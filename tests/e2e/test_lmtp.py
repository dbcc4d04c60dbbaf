"""wd-lmtp on the wire: RFC 2033, RFC 5321, RFC 3030, RFC 2034, and what the store answers about recipients."""


import os
import signal


import pytest
from harness.server import Server
from harness.wire import Imap, Line, Lmtp


MESSAGE = b"From: a@example.net\r\nSubject: hello\r\n\r\nbody\r\n"


def test_greeting_and_extensions(lmtp):
    words = {line[4:].split()[0] for line in lmtp.extensions[1:]}
    assert {b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"SIZE", b"ENHANCEDSTATUSCODES", b"CHUNKING"} <= words
    assert b"STARTTLS" not in words  # hidden unless lmtp.disableSTARTTLS is false
    assert b"250-SIZE 41943040" in lmtp.extensions or b"250 SIZE 41943040" in lmtp.extensions


@pytest.mark.parametrize("command,code", [
    ("HELO x", "500"), ("EHLO x", "500"), ("NOOP", "250"), ("NOOP x", "250"), ("RSET", "250"), ("VRFY x", "252"), ("HELP", "214"),
    ("MAIL FROM:<a@b.c", "501"), ("MAIL FROM a@b.c", "501"), ("RCPT TO:<a@example.com>", "503"), ("DATA", "503"), ("XYZZY", "500"),
    ("LHLO", "501"), ("mail from:<>", "250"), ("MAIL FROM:<a@example.net> SIZE=99999999999", "552"), ("MAIL FROM:<a@example.net> SIZE=x", "501"),
    ("MAIL FROM:<ä@exämple.net> SMTPUTF8", "250"), ("MAIL FROM:<a@example.net> BODY=8BITMIME", "250")])
def test_one_command(lmtp, command, code):
    lmtp.expect(command, code)


def test_sequence_is_enforced(server, user):
    lmtp = Lmtp(server.lmtp, lhlo=None)
    lmtp.expect("MAIL FROM:<a@example.net>", "503")
    lmtp.expect("LHLO x", "250")
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect("MAIL FROM:<a@example.net>", "503")
    lmtp.expect("DATA", "503")
    lmtp.expect("RCPT TO:<>", "501")
    lmtp.expect(f"RCPT TO:<{user}@example.com>", "250")
    lmtp.expect("RSET", "250")
    lmtp.expect("DATA", "503")
    lmtp.expect("QUIT", "221")
    assert lmtp.closed()


def test_ten_unknown_commands_end_it(lmtp):
    for _ in range(9):
        lmtp.expect("XYZZY", "500")
    lmtp.expect("XYZZY", "421")
    assert lmtp.closed()


def test_http_is_shown_the_door(server):
    lmtp = Lmtp(server.lmtp, lhlo=None)
    lmtp.expect("GET / HTTP/1.1", "421")
    assert lmtp.closed()


@pytest.mark.parametrize("form", ["{u}@example.com", "{U}@EXAMPLE.COM", "{u}+label@example.com", "{u}+ярлык@example.com", "{d}@example.com"])
def test_one_address_in_all_its_forms(server, user, lmtp, form):
    address = form.format(u=user, U=user.upper(), d=".".join(user))
    lmtp.expect("MAIL FROM:<a@example.net> SMTPUTF8", "250")
    lmtp.send(f"RCPT TO:<{address}>\r\n".encode())
    assert lmtp.reply()[-1].startswith(b"250"), address
    assert lmtp.data(MESSAGE, 1)[0].startswith(b"250 2.")
    imap = Imap(server.imap, user, box="INBOX")
    assert imap.body(1) == b"Delivered-To: " + address.lower().encode() + b"\r\nReturn-Path: <a@example.net>\r\n" + MESSAGE
    imap.logout()


def test_wildcards_and_aliases(server, lmtp, user):
    domain = f"{user}.example.org"
    server.wd("address", "add", user, f"sales*@{domain}")
    server.wd("address", "add", user, f"*@any.{domain}")
    server.wd("alias", "add", f"alias.{domain}", domain)
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    for good in (f"sales@{domain}", f"sales-eu@{domain}", f"x.y@any.{domain}", f"sales1@alias.{domain}"):
        lmtp.expect(f"RCPT TO:<{good}>", "250")
    for bad in (f"support@{domain}", f"x@other.{domain}", f"sales*@{domain}"):
        lmtp.expect(f"RCPT TO:<{bad}>", "550 5.1.1")


def test_unknown_and_disabled(server, lmtp):
    off = server.user()
    server.wd("user", "disable", off)
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect("RCPT TO:<nobody-at-all@example.com>", "550 5.1.1")
    lmtp.expect(f"RCPT TO:<{off}@example.com>", "550 5.2.1")


def test_over_quota_is_permanent(server, lmtp):
    small = server.user(quota=len(MESSAGE))
    Imap(server.imap, small).append("INBOX", MESSAGE)
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect(f"RCPT TO:<{small}@example.com>", "552 5.2.2")


def test_one_reply_for_each_recipient_and_one_copy_for_each_user(server, lmtp):
    users = [server.user() for _ in range(3)]
    recipients = [f"{users[0]}@example.com", f"{users[1]}@example.com", f"{users[0]}+again@example.com", f"{users[2]}@example.com"]
    replies = lmtp.deliver(MESSAGE, recipients)
    assert len(replies) == 4 and all(r.startswith(b"250 2.") for r in replies)
    for u in users:
        imap = Imap(server.imap, u)
        assert imap.status("INBOX")["MESSAGES"] == 1
        imap.logout()


def test_pipelined_in_one_packet(server, user, lmtp):
    lmtp.send(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<%s@example.com>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n" % user.encode())
    assert [lmtp.reply()[-1][:3] for _ in range(4)] == [b"250", b"250", b"550", b"354"]
    lmtp.send(MESSAGE + b".\r\nQUIT\r\n")
    assert lmtp.reply()[-1].startswith(b"250")
    assert lmtp.reply()[-1].startswith(b"221")
    assert lmtp.closed()


def test_bdat_in_pieces_and_mixed_with_rset(server, user, lmtp):
    (reply,) = lmtp.bdat(MESSAGE, [f"{user}@example.com"], chunk=7)
    assert reply.startswith(b"250 2.")
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect(f"RCPT TO:<{user}@example.com>", "250")
    lmtp.send(b"BDAT 5\r\nhello")
    assert lmtp.reply()[-1].startswith(b"250")
    lmtp.expect("DATA", "503")
    lmtp.expect("RSET", "250")
    imap = Imap(server.imap, user)
    assert imap.status("INBOX")["MESSAGES"] == 1
    imap.logout()


def test_bdat_without_recipients_swallows_its_bytes(lmtp):
    lmtp.send(b"BDAT 11 LAST\r\nXYZZY\r\nNOOP")
    assert lmtp.reply()[-1].startswith(b"503")
    lmtp.expect("NOOP", "250")


@pytest.mark.parametrize("header", [b"X-Spam-Status: Yes, score=9", b"x-rspamd-spam: yes", b"X-Rspamd-Bar: ++++++++", b"X-Haraka-Virus: Eicar"])
def test_spam_headers_lead_to_junk(server, user, lmtp, header):
    assert lmtp.deliver(header + b"\r\n" + MESSAGE, [f"{user}@example.com"])[0].startswith(b"250")
    imap = Imap(server.imap, user)
    assert (imap.status("INBOX")["MESSAGES"], imap.status("Junk")["MESSAGES"]) == (0, 1)
    imap.logout()


@pytest.mark.parametrize("header", [b"X-Spam-Status: No", b"X-Rspamd-Bar: +++++", b"X-Other: yes"])
def test_other_headers_do_not(server, user, lmtp, header):
    lmtp.deliver(header + b"\r\n" + MESSAGE, [f"{user}@example.com"])
    imap = Imap(server.imap, user)
    assert imap.status("INBOX")["MESSAGES"] == 1
    imap.logout()


@pytest.fixture(scope="module")
def special():
    s = Server({"lmtp.disableSTARTTLS": "false", "lmtp.useProxy": "127.0.0.1", "imap.useProxy": "127.0.0.1", "lmtp.timeout": "2"}).start()
    yield s
    s.close()


def proxied(port, header):
    line = Line(port)
    line.send(header)
    return line


def test_proxy_header_and_starttls(special):
    user = special.user()
    lmtp = Lmtp.__new__(Lmtp)
    Line.__init__(lmtp, special.lmtp)
    lmtp.send(b"PROXY TCP4 192.0.2.7 127.0.0.1 4000 24\r\n")
    assert lmtp.reply()[0].startswith(b"220 ")
    assert any(b"STARTTLS" in line for line in lmtp.command("LHLO x"))
    lmtp.send(b"STARTTLS\r\nMAIL FROM:<injected@example.net>\r\n")
    assert lmtp.reply()[-1].startswith(b"220")
    lmtp.start_tls()
    lmtp.buf.clear()
    lmtp.expect("MAIL FROM:<a@example.net>", "503")  # LHLO is needed anew, and nothing of before the handshake is left
    lmtp.expect("LHLO x", "250")
    assert lmtp.deliver(MESSAGE, [f"{user}@example.com"])[0].startswith(b"250")


def test_a_bad_proxy_header_is_refused(special):
    line = proxied(special.lmtp, b"MAIL FROM:<a@example.net>\r\n")
    assert line.closed()


def test_an_idle_connection_hears_421(special):
    line = proxied(special.lmtp, b"PROXY UNKNOWN\r\n")
    assert line.line().startswith(b"220")
    assert line.line().startswith(b"421")
    assert line.closed()


def test_store_trouble_is_temporary():
    s = Server({"lmtp.callTimeout": "2"}).start()
    try:
        user = s.user()
        lmtp = Lmtp(s.lmtp)
        (pid,) = s.pids("wd-store")


        os.kill(pid, signal.SIGSTOP)
        try:
            lmtp.expect("MAIL FROM:<a@example.net>", "250")
            assert lmtp.command(f"RCPT TO:<{user}@example.com>")[-1].startswith(b"451 4.")
        finally:
            os.kill(pid, signal.SIGCONT)
    finally:
        s.close()
