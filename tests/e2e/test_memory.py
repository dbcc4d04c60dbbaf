"""Large messages pass through; they are not held. Measured on the release build, because a sanitizer keeps what is freed."""
import threading

import pytest
from harness import odd_mail
from harness.server import Server
from harness.wire import Imap, Lmtp


@pytest.fixture(scope="module")
def loaded():
    s = Server({"imap.maxMB": "64", "lmtp.maxMB": "64"}).start()
    yield s
    s.close()


def in_threads(n, work):
    errors = []

    def run(i):
        try:
            work(i)
        except Exception as e:
            errors.append(e)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


class Peak:
    """The largest resident memory of each daemon while the block runs."""

    def __init__(self, server, *names):
        self.server, self.names = server, names

    def __enter__(self):
        self.before = {n: self.server.memory_kb(n) for n in self.names}
        self.most, self.end = dict(self.before), threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self):
        while not self.end.wait(0.02):
            for n in self.names:
                self.most[n] = max(self.most[n], self.server.memory_kb(n))

    def __exit__(self, *e):
        self.end.set()
        self.thread.join()
        self.grown = {n: self.most[n] - self.before[n] for n in self.names}


@pytest.fixture(scope="module")
def filled(loaded):
    """8 users that each were sent 35 MB at once."""
    users = [loaded.user() for _ in range(8)]
    for u in users:  # caches and thread arenas are filled before it counts
        Lmtp(loaded.lmtp).deliver(b"Subject: warm\r\n\r\nx\r\n", [f"{u}@example.com"])

    def deliver(i):
        lmtp = Lmtp(loaded.lmtp, timeout=300)
        (reply,) = lmtp.deliver(odd_mail.huge(seed=i), [f"{users[i]}@example.com"])
        assert reply.startswith(b"250 "), reply
        lmtp.close()
    with Peak(loaded, "wd-lmtp", "wd-store") as peak:
        in_threads(8, deliver)
    return users, peak.grown


def test_delivering_8_times_35_mb_grows_no_daemon_by_64_mb(filled):
    _, grown = filled
    assert all(kb < 64 * 1024 for kb in grown.values()), grown


def test_8_slow_readers_of_35_mb_grow_wd_imap_by_less_than_16_mb(loaded, filled):
    users, _ = filled
    clients = [Imap(loaded.imap, u, box="INBOX", timeout=300) for u in users]
    with Peak(loaded, "wd-imap") as peak:
        for c in clients:
            c.start("FETCH 2 (BODY.PEEK[])")
        # Nobody reads for a while, then everybody slowly.
        assert not peak.end.wait(1.5)
        for _ in range(100):
            for c in clients:
                c.exactly(30000)
    assert peak.grown["wd-imap"] < 16 * 1024, peak.grown
    for c in clients:
        c.close()
