"""Other people's programs: mbsync both ways, curl, imaplib, mutt, swaks."""
import imaplib
import os
import subprocess
import time

import pytest
from harness.server import Server, until
from harness.wire import Imap


@pytest.fixture(scope="module")
def secure():
    """TLS on the IMAP port, as shipped."""
    s = Server(plain=False).start()
    yield s
    s.close()


def message(n):
    return (f"From: sender{n}@example.net\r\nTo: someone@example.com\r\nSubject: message {n}\r\n"
            f"Message-ID: <m{n}@example.net>\r\nDate: Sun, 1 Nov 2026 10:{n // 60 % 60:02}:{n % 60:02} +0000\r\n\r\nbody {n}\r\n").encode()


def mbsync(server, user, where):
    config = where / "mbsyncrc"
    config.write_text(f"""
IMAPAccount wd
Host localhost
Port {server.imap}
User {user}
Pass pass
SSLType IMAPS
CertificateFile {server.data}/tls.pem
SSLVersions TLSv1.2 TLSv1.3

IMAPStore far
Account wd

MaildirStore near
SubFolders Verbatim
Path {where}/mail/
Inbox {where}/mail/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
SyncState *
""")
    (where / "mail").mkdir(exist_ok=True)
    done = subprocess.run(["mbsync", "-c", config, "all"], capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(where)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_mbsync_500_messages_both_ways(secure, tmp_path):
    user = secure.user()
    imap = Imap(secure.imap, user, tls=True, box="INBOX")
    for n in range(250):
        imap.append("INBOX", message(n), flags="\\Seen" if n % 2 else "")
    new = tmp_path / "mail/INBOX/new"
    for d in ("cur", "new", "tmp"):
        (tmp_path / "mail/INBOX" / d).mkdir(parents=True)
    for n in range(250, 500):
        (new / f"{n}.M{n}.host").write_bytes(message(n).replace(b"\r\n", b"\n"))
    mbsync(secure, user, tmp_path)
    imap.ok("NOOP")
    uids = imap.uids()
    assert len(uids) == 500
    here = [p for d in ("cur", "new") for p in (tmp_path / "mail/INBOX" / d).iterdir()]
    assert len(here) == 500
    bodies = {imap.body(u).split(b"body ")[1].strip() for u in uids}
    assert bodies == {b"%d" % n for n in range(500)}
    # A flag from here, a deletion from there.
    imap.ok("UID STORE 1 +FLAGS (\\Flagged)")
    victim = next(p for p in here if b"body 7\n" in p.read_bytes())
    victim.unlink()
    mbsync(secure, user, tmp_path)
    imap.ok("NOOP")
    assert len(imap.uids()) == 499
    assert any("F" in p.name.split(":2,")[-1] for p in (tmp_path / "mail/INBOX/cur").iterdir() if ":2," in p.name)
    imap.logout()


def curl(server, user, path, *more):
    done = subprocess.run(["curl", "-sS", "--insecure", "--user", f"{user}:pass", f"imaps://127.0.0.1:{server.imap}/{path}", *more],
                          capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_imaps(secure, tmp_path):
    user = secure.user()
    file = tmp_path / "m.eml"
    file.write_bytes(message(1))
    curl(secure, user, "INBOX", "--upload-file", str(file))
    assert b"INBOX" in curl(secure, user, "")
    assert curl(secure, user, "INBOX;MAILINDEX=1") == message(1)
    assert b"* SEARCH 1" in curl(secure, user, "INBOX?SUBJECT%20message")


def test_imaplib(secure):
    user = secure.user()
    with imaplib.IMAP4_SSL("127.0.0.1", secure.imap, ssl_context=__import__("ssl")._create_unverified_context()) as c:
        assert c.login(user, "pass")[0] == "OK"
        assert c.create("box")[0] == "OK"
        assert c.append("box", "\\Seen", imaplib.Time2Internaldate(time.time()), message(5))[0] == "OK"
        assert c.select("box") == ("OK", [b"1"])
        typ, data = c.fetch("1", "(FLAGS RFC822)")
        assert typ == "OK" and data[0][1] == message(5)
        assert c.search(None, "SEEN") == ("OK", [b"1"])
        assert c.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
        assert c.expunge() == ("OK", [b"1"])
        assert c.close()[0] == "OK"


def test_mutt_opens_a_mailbox(secure, tmp_path):
    user = secure.user()
    imap = Imap(secure.imap, user, tls=True)
    imap.append("INBOX", message(77))
    imap.logout()
    (tmp_path / "muttrc").write_text(f"""
set ssl_verify_dates=no
set ssl_verify_host=no
set certificate_file={secure.data}/tls.pem
set imap_user={user}
set imap_pass=pass
set folder=imaps://127.0.0.1:{secure.imap}
set spoolfile=+INBOX
set header_cache=
""")
    name = f"wd{os.getpid()}"
    tmux = ["tmux", "-L", name]
    env = {**os.environ, "TERM": "xterm", "HOME": str(tmp_path)}
    subprocess.run([*tmux, "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", f"mutt -F {tmp_path}/muttrc; sleep 1"], check=True, env=env)
    screen = lambda: subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, env=env).stdout  # noqa: E731
    try:
        answered = []

        def shown():
            text = screen()
            if "(r)eject" in text and len(answered) < 5:
                answered.append(subprocess.run([*tmux, "send-keys", "o"], env=env))
            return "message 77" in text and text
        until("mutt to list the message", 20, shown)
        subprocess.run([*tmux, "send-keys", "Enter"], env=env)
        until("mutt to show the message", 20, lambda: "body 77" in screen())
    finally:
        subprocess.run([*tmux, "kill-server"], env=env)


def test_swaks_delivers(secure):
    user = secure.user()
    done = subprocess.run(["swaks", "--protocol", "LMTP", "--server", f"127.0.0.1:{secure.lmtp}", "--to", f"{user}@example.com",
                           "--from", "a@example.net", "--header", "Subject: by swaks", "--body", "hello"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    imap = Imap(secure.imap, user, tls=True, box="INBOX")
    assert b"Subject: by swaks" in imap.body(1)
    imap.logout()
