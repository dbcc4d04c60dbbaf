"""The single-node supervisor: restarts what dies, stops cleanly, keeps its data, says what is wrong."""
import os
import re
import signal
import socket
import subprocess

import pytest
from harness.server import BUILD, Server, listening, until
from harness.wire import Imap, Lmtp


@pytest.fixture
def own():
    s = Server().start()
    yield s
    s.close()


@pytest.mark.parametrize("name", ["wd-store", "wd-imap", "wd-pop3", "wd-lmtp", "wd-http"])
def test_a_daemon_that_dies_is_started_again(own, name):
    user = own.user()
    (pid,) = own.pids(name)
    os.kill(pid, signal.SIGKILL)
    until(f"another {name}", 20, lambda: [p for p in own.pids(name) if p != pid])
    until("the ports", 20, own._ready)
    (reply,) = Lmtp(own.lmtp).deliver(b"Subject: x\r\n\r\nbody\r\n", [f"{user}@example.com"])
    assert reply.startswith(b"250 ")
    imap = Imap(own.imap, user, box="INBOX")
    assert b"Subject: x" in imap.body(1)
    imap.logout()


def test_a_stop_is_clean_and_everything_is_there_after_a_start(own):
    user = own.user()
    imap = Imap(own.imap, user)
    uid = imap.append("INBOX", b"Subject: kept\r\n\r\nbody\r\n")
    pids = own.pids()
    assert own.stop() == 0
    assert imap.closed()
    for pid in pids:
        until("the children to be gone", 5, lambda: not os.path.exists(f"/proc/{pid}"))
    assert not listening(own.imap)
    own.start()
    imap = Imap(own.imap, user, box="INBOX")
    assert imap.body(uid) == b"Subject: kept\r\n\r\nbody\r\n"
    imap.logout()


def test_sessions_hear_bye_at_a_stop(own):
    imap = Imap(own.imap, own.user(), box="INBOX")
    imap.start("IDLE")
    assert imap.line().startswith(b"+")
    own.process.send_signal(signal.SIGTERM)
    assert any(line.startswith(b"* BYE") for line in imap.lines_to_the_end())


def test_a_taken_port_gets_a_clear_line():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        own = Server({"imap.port": s.getsockname()[1]})
        args = [BUILD / "bin/wd-imap", "--set", f"imap.port={s.getsockname()[1]}", "--set", "imap.secure=false",
                "--set", "imap.disableSTARTTLS=true", "--set", "store.url=ipc:///nowhere.ipc"]
        done = subprocess.run(args, capture_output=True, text=True, timeout=20)
        assert done.returncode != 0
        assert re.search(rf"{s.getsockname()[1]}.*(in use|taken)", done.stdout + done.stderr), done.stderr
    own.data.rmdir()


@pytest.mark.parametrize("bad", ["imap.prot=1", "imap.port=x", "imap.port=70000", "imap.port"])
def test_a_bad_setting_is_refused_by_name(bad):
    done = subprocess.run([BUILD / "bin/wd-imap", "--check-config", "--set", bad], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert "imap.p" in done.stderr, done.stderr


def test_a_second_server_on_the_same_data_is_refused(own):
    second = Server(data=own.data)
    second.settings |= {"imap.port": second.imap}
    args = [second.build / "bin/wd", "serve", "--data", own.data, "--set", f"imap.port={second.imap}",
            "--set", f"pop3.port={second.pop3}", "--set", f"lmtp.port={second.lmtp}", "--set", f"api.port={second.http}"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert re.search("in use|already|another", done.stdout + done.stderr), done.stdout + done.stderr
    assert listening(own.imap)
