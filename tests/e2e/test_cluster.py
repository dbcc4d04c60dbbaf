"""Scaled out: replicas die, MongoDB and Redis go away and come back, and clients see a delay or a temporary error."""
import time

import pytest
from harness.cluster import Cluster
from harness.server import until
from harness.wire import Imap, ImapError, Lmtp

pytestmark = pytest.mark.cluster
MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


@pytest.fixture(scope="module")
def cluster():
    c = Cluster({"store.timeoutMs": 2000}, proxy=True).start()
    yield c
    c.close()


@pytest.fixture
def user(cluster):
    return cluster.user()


@pytest.fixture
def imap(cluster, user):
    c = Imap(cluster.imap, user, box="INBOX")
    yield c
    c.close()


def deliver(cluster, user):
    """The reply, which is there soon whatever happens."""
    lmtp, start = Lmtp(cluster.lmtp, timeout=60), time.monotonic()
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    reply = lmtp.command(f"RCPT TO:<{user}@example.com>")[-1]
    if reply.startswith(b"250"):
        (reply,) = lmtp.data(MESSAGE, 1)
    lmtp.close()
    assert time.monotonic() - start < 45
    return reply


def stores(cluster):
    return [d for d in cluster.daemons if d.program == "wd-store"]


@pytest.mark.parametrize("which", [0, 1])
def test_sessions_go_on_when_a_replica_dies(cluster, user, which):
    sessions = [Imap(port, user, box="INBOX") for port in cluster.imap_ports * 2]
    cluster.kill_these([stores(cluster)[which]])
    try:
        for n, imap in enumerate(sessions):
            uid = imap.append("INBOX", MESSAGE)
            imap.ok("NOOP")
            assert imap.body(uid) == MESSAGE
            assert deliver(cluster, user).startswith(b"250 ")
        for imap in sessions:
            until("all messages", 10, lambda: imap.ok("NOOP") is not None and len(imap.uids()) == 2 * len(sessions))
    finally:
        cluster.start()
    assert deliver(cluster, user).startswith(b"250 ")
    for imap in sessions:
        imap.logout()


def test_what_a_replica_stored_before_it_died_is_heard_on_all_front_ends(cluster, user):
    idlers = [Imap(port, user, box="INBOX") for port in cluster.imap_ports]
    for imap in idlers:
        imap.start("IDLE")
        assert imap.line().startswith(b"+")
    for n, replica in enumerate(stores(cluster)):
        assert deliver(cluster, user).startswith(b"250 ")
        for imap in idlers:
            while imap.line() != b"* %d EXISTS" % (n + 1):
                pass
        cluster.kill_these([replica])
        cluster.start()
    for imap in idlers:
        imap.close()


def test_a_front_end_that_died_takes_nobody_along(cluster, user):
    here, there = (Imap(port, user, box="INBOX") for port in cluster.imap_ports)
    cluster.kill_these([d for d in cluster.daemons if d.program == "wd-imap" and str(cluster.imap_ports[0]) in " ".join(map(str, d.arguments))])
    assert here.closed()
    there.ok("NOOP")
    cluster.start()
    Imap(cluster.imap_ports[0], user).logout()
    there.logout()


def test_mongodb_away_is_a_temporary_error_and_passes(cluster, user, imap):
    cluster.mongo_proxy.refuse(3600)
    pids = cluster.pids()
    try:
        assert deliver(cluster, user).startswith(b"4")
        with pytest.raises(ImapError) as caught:
            imap.append("INBOX", MESSAGE)
        assert caught.value.line.startswith(b"NO "), caught.value.line
    finally:
        cluster.mongo_proxy.refuse(0)
    until("mail to flow again", 30, lambda: deliver(cluster, user).startswith(b"250 "))
    imap.append("INBOX", MESSAGE)
    assert cluster.pids() == pids
    cluster.wd("check")


def test_redis_away_stops_no_mail(cluster, user, imap):
    cluster.redis_proxy.refuse(3600)
    try:
        assert deliver(cluster, user).startswith(b"250 ")
        uid = imap.append("INBOX", MESSAGE)
        imap.ok(f"UID STORE {uid} +FLAGS (\\Seen)")
        Imap(cluster.imap, user, box="INBOX").logout()
    finally:
        cluster.redis_proxy.refuse(0)
    assert deliver(cluster, user).startswith(b"250 ")


def test_cut_connections_are_made_again_unnoticed(cluster, user, imap):
    for cut in (cluster.mongo_proxy.cut, cluster.redis_proxy.cut) * 3:
        cut()
        assert deliver(cluster, user).startswith((b"250 ", b"451 "))
        imap.ok("NOOP")
    until("mail to flow", 10, lambda: deliver(cluster, user).startswith(b"250 "))
