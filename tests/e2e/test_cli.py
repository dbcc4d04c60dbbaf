"""The command line: accounts, addresses, mailboxes, push, import of a maildir, checks; and its errors."""
import os
import re
import subprocess

import pytest
from harness.server import BUILD
from harness.wire import Imap, ImapError


def inbox(server, user, password="pass"):
    return Imap(server.imap, user, password, box="INBOX")


def test_an_account_from_its_creation_to_its_end(server):
    name = "cli" + os.urandom(4).hex()
    server.wd("user", "create", name, "--password", "first", "--address", f"{name}@example.com", "--quota", "5M")
    shown = server.wd("user", "show", name).stdout
    assert f"{name}@example.com" in shown and re.search(r"5(\.0+)? ?M|5242880", shown), shown
    assert name in server.wd("user", "list", name).stdout
    inbox(server, name, "first").logout()
    server.wd("user", "passwd", name, "--password", "second")
    inbox(server, name, "second").logout()
    server.wd("user", "disable", name)
    with pytest.raises(ImapError):
        inbox(server, name, "second")
    server.wd("user", "enable", name)
    inbox(server, name, "second").logout()


def test_a_password_is_read_from_the_input(server):
    name = "cli" + os.urandom(4).hex()
    server.wd("user", "create", name, input="typed\n")
    inbox(server, name, "typed").logout()


def test_addresses(server, user):
    server.wd("address", "add", user, f"other-{user}@example.org", "--main")
    listed = server.wd("address", "list", user).stdout
    assert f"{user}@example.com" in listed and f"other-{user}@example.org" in listed
    assert server.wd("address", "remove", user, f"other-{user}@example.org", check=False).returncode != 0  # the main one
    server.wd("address", "remove", user, f"{user}@example.com")
    assert f"{user}@example.com" not in server.wd("address", "list", user).stdout


def test_mailboxes(server, user):
    server.wd("mailbox", "create", user, "Archive/Ünï")
    server.wd("mailbox", "create", user, "Archive")
    server.wd("mailbox", "rename", user, "Archive", "Old")
    listed = server.wd("mailbox", "list", user).stdout
    assert "Old/Ünï" in listed and "Archive" not in listed and "INBOX" in listed
    server.wd("mailbox", "delete", user, "Old/Ünï")
    assert "Ünï" not in server.wd("mailbox", "list", user).stdout


def test_push_a_sample_and_files(server, user, tmp_path):
    files = []
    for n in range(3):
        files.append(tmp_path / f"{n}.eml")
        files[-1].write_bytes(b"Subject: file %d\n\n.dot\nbody\n" % n)
    lmtp = f"127.0.0.1:{server.lmtp}"
    server.wd("push", f"{user}@example.com", "--lmtp", lmtp)
    server.wd("push", f"{user}@example.com", *files, "--lmtp", lmtp)
    imap = inbox(server, user)
    bodies = [imap.body(u) for u in imap.uids()]
    assert len(bodies) == 4
    assert all(b"Subject: file %d\r\n\r\n.dot\r\nbody\r\n" % n in bodies[n + 1] for n in range(3))
    imap.logout()


def test_push_finds_the_port_of_its_server_and_says_what_went_wrong(server, user):
    server.wd("push", f"{user}@example.com")
    done = server.wd("push", "nobody-at-all@example.com", check=False)
    assert done.returncode != 0 and "550" in done.stdout + done.stderr


def test_import_of_a_maildir(server, user, tmp_path):
    for folder in ("", ".Work", ".Work.2026", ".&ZeVnLIqe-"):
        for d in ("cur", "new", "tmp"):
            (tmp_path / folder / d).mkdir(parents=True)
    (tmp_path / "new/1.a.host").write_bytes(b"Subject: new\n\nx\n")
    (tmp_path / "cur/2.b.host:2,SF").write_bytes(b"Subject: seen and flagged\r\n\r\nx\r\n")
    (tmp_path / ".Work/cur/3.c.host:2,RT").write_bytes(b"Subject: answered\n\nx\n")
    (tmp_path / ".Work.2026/cur/4.d.host:2,").write_bytes(b"Subject: below\n\nx\n")
    (tmp_path / ".&ZeVnLIqe-/new/5.e.host").write_bytes(b"Subject: name\n\nx\n")
    (tmp_path / "tmp/6.f.host").write_bytes(b"Subject: unfinished\n\nx\n")
    for _ in range(2):  # a second run adds nothing
        server.wd("import-maildir", user, tmp_path)
    imap = inbox(server, user)
    got = {imap.body(u).split(b"\r\n")[0]: re.search(rb"FLAGS \((.*?)\)", imap.fetch(u, "(FLAGS)", uid=True)[n + 1]).group(1) for n, u in enumerate(imap.uids())}
    assert got == {b"Subject: new": b"", b"Subject: seen and flagged": b"\\Flagged \\Seen"}
    assert imap.status("Work")["MESSAGES"] == 1 and imap.status("Work/2026")["MESSAGES"] == 1 and imap.status("&ZeVnLIqe-")["MESSAGES"] == 1
    imap.logout()


def test_check_finds_nothing_wrong(server):
    assert server.wd("check", "--bodies").returncode == 0


def test_version():
    done = subprocess.run([BUILD / "bin/wd", "version"], capture_output=True, text=True)
    assert re.match(r"wd \d+\.\d+\.\d+", done.stdout)


@pytest.mark.parametrize("args,word", [
    (("xyz",), "xyz"), (("user",), "usage"), (("user", "show", "nobodyatall"), "nobodyatall"), (("user", "create", "a b", "--password", "x"), "username"),
    (("user", "quota", "nobodyatall", "many"), "many"), (("mailbox", "create", "nobodyatall", "x"), "nobodyatall"), (("user", "list", "--xyz"), "--xyz")])
def test_errors_say_what_is_wrong(server, args, word):
    done = server.wd(*args, check=False)
    assert done.returncode != 0
    assert word in done.stdout + done.stderr, done


def test_a_store_that_is_not_there_is_named(tmp_path):
    done = subprocess.run([BUILD / "bin/wd", "user", "list", "--data", tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and str(tmp_path) in done.stderr
