"""Several callers change the same mailboxes at once; what was acknowledged is there, and every counter is exact."""
import random
import threading

import pytest
from harness import wdrpc
from harness.cluster import Cluster
from harness.server import BUILD_ASAN, Server

ATTACHED = b"Subject: %d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n" \
           b"Content-Type: application/x-a\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n"
EXPECTED = {"MAILBOX_NOT_FOUND", "MAILBOX_EXISTS", "OVER_QUOTA", "MAILBOX_REFUSED"}


@pytest.fixture(scope="module", params=["release", "sanitized", "cluster", "sanitized cluster"])
def running(request):
    kind = Cluster if "cluster" in request.param else Server
    s = kind(build=BUILD_ASAN).start(seconds=120) if "sanitized" in request.param else kind().start()
    yield s
    s.close()


def test_callers_in_each_others_way(running):
    name = running.user(quota=150000)

    def client(role="admin"):
        return wdrpc.Client(running.store_url(), service_token=(running.data / "tokens" / role).read_text().strip(), timeout=60)
    first = client()
    user = first.call("wd.v1.Users.Get", user=wdrpc.modules()["users"].UserRef(username=name.encode())).id
    everything = wdrpc.modules()["mailboxes"].UidRanges(deltas=[1, 100000])
    stop, bad, done = threading.Event(), [], {}

    def message(rnd):
        return ATTACHED % (rnd.randrange(5), b"QUFB" * rnd.choice([1, 500, 2000]))

    def run(seed, role, step):
        rnd, c = random.Random(seed), client(role)
        while not stop.is_set():
            try:
                step(c, rnd)
                done[step.__name__] = done.get(step.__name__, 0) + 1
            except wdrpc.RpcError as error:
                if error.name not in EXPECTED:
                    bad.append(error)
                    stop.set()

    def box(c, path):
        return c.call("wd.v1.Mailboxes.Status", user=user, path=path).id

    def append(c, rnd):
        c.call("wd.v1.Messages.Append", user=user, path=rnd.choice([b"INBOX", b"Box", b"Trash"]), raw=message(rnd))

    def deliver(c, rnd):
        c.call("wd.v1.Delivery.Deliver", sender=b"", recipients=[f"{name}@example.com".encode()], raw=message(rnd))

    def expunge(c, rnd):
        at = box(c, rnd.choice([b"INBOX", b"Box", b"Trash"]))
        c.call("wd.v1.Messages.Store", user=user, mailbox=at, uids=everything, mode=1, system_flags=rnd.choice([4, 8, 2]))
        c.call("wd.v1.Messages.Expunge", user=user, mailbox=at)

    def transfer(c, rnd):
        c.call("wd.v1.Messages." + rnd.choice(["Copy", "Move"]), user=user, mailbox=box(c, b"INBOX"), uids=everything, target_path=rnd.choice([b"Box", b"Trash", b"INBOX"]))

    def rebuild(c, rnd):
        for method, fields in (("Create", {"path": b"Box"}), ("Rename", {"path": b"Box", "new_path": b"Other"}), ("Rename", {"path": b"Other", "new_path": b"Box"}), ("Delete", {"path": b"Box"})):
            c.call("wd.v1.Mailboxes." + method, user=user, **fields)

    def collect(c, rnd):
        c.call("wd.v1.Admin.Collect", everything=True)
    steps = [("admin", append), ("admin", append), ("lmtp", deliver), ("lmtp", deliver), ("admin", expunge), ("admin", transfer), ("admin", rebuild), ("admin", collect)]
    threads = [threading.Thread(target=run, args=(n, role, step)) for n, (role, step) in enumerate(steps)]
    for t in threads:
        t.start()
    stop.wait(6)
    stop.set()
    for t in threads:
        t.join()
    assert not bad, (bad[0], running.log())
    assert {step.__name__ for _, step in steps} == set(done), done
    report = first.call("wd.v1.Admin.Check", bodies=True, timeout=60)
    assert report.problem_count == 0, list(report.problems)[:10]
