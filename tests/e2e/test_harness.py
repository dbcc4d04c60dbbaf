"""What the other tests rely on: a kill leaves nothing behind, and the proxy does what it is told."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from harness.processes import gone, kill_session, session_members
from harness.proxy import Proxy
from harness.server import until

FORKS = "import os, time\nfor _ in range(1000000):\n    if os.fork() == 0:\n        os.setpgid(0, 0)\n        time.sleep(1)\n        os._exit(0)\n    time.sleep(0.0005)\n"


def test_a_kill_leaves_nobody_though_the_leader_forks_all_the_time():
    for _ in range(5):
        leader = subprocess.Popen([sys.executable, "-c", FORKS], start_new_session=True)
        until("children", 10, lambda: len(session_members(leader.pid)) > 20)
        kill_session(leader.pid)
        assert session_members(leader.pid) == [] and gone(leader.pid)
        leader.wait()


def test_a_kill_of_what_is_not_there_is_none():
    done = subprocess.Popen(["true"], start_new_session=True)
    done.wait()
    kill_session(done.pid)


@pytest.fixture
def echo():
    """A port that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(peer):
        with contextlib.suppress(ConnectionError):
            while data := peer.recv(65536):
                peer.sendall(data)

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(peer,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def proxy(echo):
    p = Proxy("127.0.0.1", echo)
    yield p
    p.close()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def passes(s, data=b"x"):
    s.sendall(data)
    got = b""
    while len(got) < len(data) and (more := s.recv(65536)):
        got += more
    return got == data


def broken(s):
    try:
        return not passes(s)
    except ConnectionError:
        return True


def test_the_proxy_passes_bytes_and_cuts_all_at_once(proxy):
    several = [connect(proxy.port) for _ in range(20)]
    assert all(passes(s, os.urandom(10000)) for s in several)
    assert proxy.cut() == 20
    assert all(broken(s) for s in several)
    assert passes(connect(proxy.port))


def test_the_proxy_refuses_for_a_while(proxy):
    old = connect(proxy.port)
    assert passes(old)
    proxy.refuse(0.3)
    assert broken(old) and broken(connect(proxy.port))
    until("the proxy to accept again", 10, lambda: not broken(connect(proxy.port)))


def test_the_proxy_holds_what_passes(proxy):
    s = connect(proxy.port)
    proxy.delay(0.1)
    start = time.monotonic()
    assert passes(s) and time.monotonic() - start >= 0.2  # there and back
    proxy.delay(0)
    start = time.monotonic()
    assert passes(s) and time.monotonic() - start < 0.1


def test_the_proxy_tells_that_nobody_is_behind_it(proxy):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = taken.getsockname()[1]
    p = Proxy("127.0.0.1", dead)
    assert broken(connect(p.port))
    p.process.send_signal(signal.SIGTERM)
    p.process.wait()
