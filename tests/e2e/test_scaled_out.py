"""Several stores, one mailbox: what sessions on all front ends are told is in order and complete; who writes through which replica makes no
difference; Redis and a replica may go at any moment."""
import collections
import functools
import random
import threading
import time

import pytest
from harness import mongo, wdrpc
from harness.cluster import Cluster
from harness.server import free_port, listening, until
from harness.watch import Follower, Watcher, picture
from harness.wire import Imap, ImapError, Line, Lmtp

pytestmark = pytest.mark.cluster
MESSAGE = b"Subject: x\r\n\r\nbody\r\n"
POLL_SECONDS = 2
MEND_SECONDS = 15
KEYWORDS = ["\\Seen", "\\Flagged", "\\Answered", "work", "later", "$Label1"]


@pytest.fixture(scope="module")
def cluster():
    c = Cluster({"imap.pollInterval": POLL_SECONDS, "imap.maxConnections": 100, "limits.received": 0}).start()
    yield c
    c.close()


@pytest.fixture
def user(cluster):
    return cluster.user()


class Crowd:
    """Threads that do their work again and again until they are told to end. Each has its own random numbers."""

    def __init__(self, seed):
        self.seed, self.over, self.threads, self.error = seed, threading.Event(), [], None
        self.done, self.refused, self.longest = collections.Counter(), collections.Counter(), 0

    def add(self, make):
        """make(rnd) gives the function that is called again and again; ImapError with NO is counted, all else ends the test."""
        rnd = random.Random(self.seed * 1000 + len(self.threads))
        self.threads.append(threading.Thread(target=self.work, args=(make, rnd), daemon=True))

    def work(self, make, rnd):
        try:
            step = make(rnd)
            while not self.over.is_set():
                start = time.monotonic()
                try:
                    step()
                    self.done[step.__qualname__.split(".")[0]] += 1
                except ImapError as e:
                    if not e.line.startswith(b"NO"):
                        raise
                    self.refused[e.line] += 1
                self.longest = max(self.longest, time.monotonic() - start)
        except Exception as e:
            self.error = self.error or e

    def run(self, seconds, meanwhile=lambda: None):
        for t in self.threads:
            t.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.error:
            meanwhile()
            time.sleep(0.01)
        self.end()

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive()
        if self.error:
            raise self.error


# ---- writers; each with a connection of its own ----

def appending(port, user):
    def make(rnd):
        imap = Imap(port, user)
        return lambda: imap.append("INBOX", MESSAGE, flags=rnd.choice(["", "\\Seen", "work"]))
    return make


def delivering(port, user):
    def make(rnd):
        lmtp = Lmtp(port, timeout=60)

        def step():
            (reply,) = lmtp.deliver(MESSAGE, [f"{user}@example.com"])
            assert reply.startswith(b"250"), reply
        return step
    return make


def some(imap, rnd, most):
    """A few UIDs that are there just now, as a set."""
    uids = imap.uids()
    first = rnd.randrange(len(uids) or 1)
    return ",".join(map(str, uids[first:first + rnd.randrange(1, most)]))


def storing(port, user, box="INBOX"):
    def make(rnd):
        imap = Imap(port, user, box=box)

        def step():
            if uids := some(imap, rnd, 8):
                imap.ok(f"UID STORE {uids} {rnd.choice(['+', '-', ''])}FLAGS ({' '.join(rnd.sample(KEYWORDS, rnd.randrange(1, 3)))})")
        return step
    return make


def carrying(command, port, user, source, target):
    def make(rnd):
        imap = Imap(port, user, box=source)

        def step():
            if uids := some(imap, rnd, 6):
                imap.ok(f"UID {command} {uids} {target}")
            else:
                time.sleep(0.05)
        return step
    return make


def expunging(port, user):
    def make(rnd):
        imap = Imap(port, user, box="INBOX")

        def step():
            if len(imap.uids()) > 20:
                imap.ok(f"UID STORE {some(imap, rnd, 10)} +FLAGS.SILENT (\\Deleted)")
                imap.ok("EXPUNGE")
        return step
    return make


# ---- order ----

@pytest.mark.parametrize("seed", [1])
def test_all_who_watch_see_the_same_in_order(cluster, user, seed):
    (a, b), (lmtp_a, lmtp_b) = cluster.imap_ports, cluster.lmtp_ports
    imap = Imap(a, user)
    imap.ok("CREATE other")
    for box in ("INBOX", "other"):
        for _ in range(10):
            imap.append(box, MESSAGE)
    crowd = Crowd(seed)
    for make in (appending(a, user), appending(b, user), delivering(lmtp_a, user), delivering(lmtp_b, user), storing(a, user),
                 carrying("COPY", b, user, "other", "INBOX"), carrying("MOVE", a, user, "INBOX", "other"), expunging(b, user)):
        crowd.add(make)
    watchers = [Watcher(port, user, idle=idle) for port in (a, b) for idle in (True, False)]
    follower = Follower(cluster.imap_ports, user)
    rnd, missed = random.Random(seed), set()

    def follow():
        uid = rnd.choice(sorted(follower.mine)) if follower.mine else 0
        missed.update(follower.follow((uid, f"{rnd.choice('+-')}FLAGS (mine)")))

    crowd.run(12, follow)
    print(f"writers: {dict(crowd.done)} refused {dict(crowd.refused)}; rounds of the follower: {follower.rounds};",
          f"told: {[w.told for w in watchers]}; highest UIDs {[w.highest for w in watchers]}")
    assert not missed
    follower.follow()
    last = picture(a, user)
    assert picture(b, user) == last
    for w in watchers:
        w.wait_for(last)
        w.stop()
    assert follower.mine == last
    assert all(crowd.done[kind] > 5 for kind in ("appending", "delivering", "storing", "carrying", "expunging")), crowd.done


# ---- notification ----

def deliver_at(cluster, node, user):
    """Through this replica and no other."""
    token = (cluster.data / "tokens/lmtp").read_text().strip()
    with wdrpc.Client(f"ipc://{node}/run/store.ipc", service_token=token) as store:
        (outcome,) = store.call("wd.v1.Delivery.Deliver", raw=MESSAGE, sender=b"a@example.net",
                                recipients=[f"{user}@example.com".encode()], transport="LMTP").outcomes
    assert outcome.accepted, outcome
    return outcome.uid


def beacon_for(subscriber, user_id, seconds):
    end = time.monotonic() + seconds
    while True:
        _, frame = subscriber.receive(timeout=max(0.01, end - time.monotonic()))
        for beacon in frame.beacons:
            if beacon.user == user_id:
                return beacon


def id_of(cluster, user):
    return str(mongo.database(cluster.name + "_users").users.find_one({"username": user})["_id"])


@pytest.fixture(scope="module")
def apart(cluster):
    """Ports of two more wd-imap, each of which knows one store alone: what the other one stores comes to it through Redis."""
    ports = []
    for node in cluster.nodes:
        ports.append(free_port())
        daemon = cluster.daemon("wd-imap", {
            "store.url": f"ipc://{node}/run/store.ipc", "store.events": f"ipc://{node}/run/events.ipc",
            "store.tokenFile": cluster.data / "tokens/imap", "imap.host": "127.0.0.1", "imap.port": ports[-1]},
            functools.partial(listening, ports[-1]))
        cluster.daemons.append(daemon)
        cluster.run_all([daemon], 20)
    return ports


@pytest.mark.parametrize("here, there", [(0, 1), (1, 0)])
def test_what_one_replica_stores_is_heard_through_the_other(cluster, apart, user, here, there):
    watchers = [Watcher(port, user) for port in (apart[there], *cluster.imap_ports)]
    subscriber = wdrpc.Subscriber(f"ipc://{cluster.nodes[there]}/run/events.ipc")
    took = []
    for n in range(5):
        start = time.monotonic()
        deliver_at(cluster, cluster.nodes[here], user)
        beacon_for(subscriber, id_of(cluster, user), 2)
        for w in watchers:
            w.wait_for_count(n + 1, 2)
        took.append(time.monotonic() - start)
    print("a delivery was heard after", [f"{t * 1000:.0f} ms" for t in took])
    assert sorted(took)[2] < 1
    subscriber.close()
    for w in watchers:
        w.stop()


def redis_port(cluster):
    return int(cluster.redis.args[cluster.redis.args.index("--port") + 1])


def stop_redis(cluster):
    cluster.redis.kill()
    cluster.redis.wait()


def start_redis(cluster):
    if cluster.redis.poll() is not None:
        cluster.redis = cluster.spawn(cluster.redis.args)
        until("redis-server", 20, lambda: listening(redis_port(cluster)))


@pytest.fixture
def redis(cluster):
    """Says a command to Redis; runs again afterwards, whatever the test did to it."""
    def command(text):
        line = Line(redis_port(cluster))
        line.send(text.encode() + b"\r\n")
        reply = line.line()
        line.close()
        assert reply.startswith(b"+OK"), reply
    yield command
    start_redis(cluster)


def test_redis_restarted_delays_a_notification_and_loses_none(cluster, apart, user, redis):
    watchers = [Watcher(port, user) for port in (*apart, *cluster.imap_ports)]
    took, count = [], 0

    def deliver_and_wait():
        """Through one replica, then the other; seconds until all sessions have heard of it."""
        nonlocal count
        start = time.monotonic()
        deliver_at(cluster, cluster.nodes[count % 2], user)
        count += 1
        for w in watchers:
            w.wait_for_count(count, POLL_SECONDS + 2)
        took.append(time.monotonic() - start)
        return took[-1]

    for change in (None, None, stop_redis, None, None, start_redis, None):
        if change:
            change(cluster)
        deliver_and_wait()
    until("beacons to come through Redis again", 20, lambda: deliver_and_wait() < 1)
    print("seconds until all sessions had heard: twice before, three times without Redis, after:", [f"{t:.2f}" for t in took])
    last = picture(cluster.imap, user)
    for w in watchers:
        w.wait_for(last)
        w.stop()


def fill(imap, box, n):
    """n messages, by doubling."""
    first = 20
    for _ in range(first):
        imap.append(box, MESSAGE)
    imap.ok(f'SELECT "{box}"')
    while (there := len(imap.uids())) < n:
        imap.ok(f'COPY 1:{min(there, n - there)} "{box}"')
    imap.ok("CLOSE")


# ---- Redis is expendable ----

def settings_of(cluster, user):
    """What the account is, apart from its counters."""
    doc = mongo.database(cluster.name + "_users").users.find_one({"username": user})
    return {k: v for k, v in doc.items() if k not in ("storageUsed", "lastLogin", "lastUse")}


class Kept:
    """A mailbox in which one session alone sets flags, and what they must be."""

    def __init__(self, port, user, box="kept", n=20):
        self.imap, self.box, self.flags = Imap(port, user, timeout=60), box, {}
        self.imap.ok(f"CREATE {box}")
        for _ in range(n):
            self.flags[self.imap.append(box, MESSAGE)] = frozenset()
        self.imap.ok(f"SELECT {box}")

    def storing(self, rnd):
        def step():
            uid, flag, add = rnd.choice(sorted(self.flags)), rnd.choice(KEYWORDS), rnd.random() < 0.6
            self.imap.ok(f"UID STORE {uid} {'+' if add else '-'}FLAGS.SILENT ({flag})")
            self.flags[uid] = self.flags[uid] | {flag.encode()} if add else self.flags[uid] - {flag.encode()}
        return step


def logging_in(cluster, user):
    def make(rnd):
        def step():
            Imap(cluster.imap, user).logout()
        return step
    return make


def test_redis_flushed_at_any_moment_loses_nothing(cluster, user, redis):
    crowd, kept = Crowd(2), Kept(cluster.imap_ports[0], user)
    watchers = [Watcher(port, user) for port in cluster.imap_ports]
    before, rnd, flushed = settings_of(cluster, user), random.Random(2), 0
    for make in (*(delivering(port, user) for port in cluster.lmtp_ports), kept.storing, logging_in(cluster, user)):
        crowd.add(make)

    def flush():
        nonlocal flushed
        redis("FLUSHALL")
        flushed += 1
        time.sleep(rnd.random() * 0.1)

    crowd.run(5, flush)
    print(f"{flushed} times FLUSHALL during {dict(crowd.done)}")
    assert not crowd.refused and flushed > 20
    assert picture(cluster.imap, user, "kept") == kept.flags
    last = picture(cluster.imap, user)
    assert len(last) == crowd.done["delivering"]
    for w in watchers:
        w.wait_for(last, POLL_SECONDS + 2)
        w.stop()
    assert settings_of(cluster, user) == before
    cluster.wd("check")


def everything(cluster, user, n):
    """A delivery, a login, and every IMAP command that changes something, on each front end; the longest of them in seconds."""
    longest = 0

    def timed(what, *args, **kw):
        nonlocal longest
        start = time.monotonic()
        result = what(*args, **kw)
        longest = max(longest, time.monotonic() - start)
        return result

    for imap_port, lmtp_port in zip(cluster.imap_ports, cluster.lmtp_ports):
        assert timed(Lmtp(lmtp_port, timeout=60).deliver, MESSAGE, [f"{user}@example.com"])[0].startswith(b"250 ")
        imap = timed(Imap, imap_port, user, box="INBOX", timeout=60)
        uids = [timed(imap.append, "INBOX", MESSAGE) for _ in range(3)]
        imap.ok("NOOP")
        assert timed(imap.body, uids[0]) == MESSAGE
        timed(imap.ok, f"UID STORE {uids[0]} +FLAGS (round{n})")
        timed(imap.ok, f"UID COPY {uids[0]} Archive")
        timed(imap.ok, f"UID MOVE {uids[1]} Archive")
        timed(imap.ok, f"UID STORE {uids[2]} +FLAGS (\\Deleted)")
        timed(imap.ok, "EXPUNGE")
        imap.logout()
    return longest


def test_mail_goes_on_without_redis_for_good(cluster, user, redis):
    Imap(cluster.imap, user).ok("CREATE Archive")
    watchers = [Watcher(port, user) for port in cluster.imap_ports]
    before = settings_of(cluster, user)
    took = [everything(cluster, user, 0)]
    stop_redis(cluster)
    took += [everything(cluster, user, n) for n in range(1, 4)]
    start_redis(cluster)
    took.append(everything(cluster, user, 4))
    print("the longest command, in seconds: before, three rounds without Redis, after:", [f"{t:.2f}" for t in took])
    inbox, archive = picture(cluster.imap, user), picture(cluster.imap, user, "Archive")
    rounds = sorted(f"round{n}".encode() for n in range(5) for _ in (1, 2))
    assert sorted(flag for flags in inbox.values() for flag in flags) == rounds and len(inbox) == 20
    assert sorted(flag for flags in archive.values() for flag in flags) == rounds and len(archive) == 20
    for w in watchers:
        w.wait_for(inbox, POLL_SECONDS + 2)
        w.stop()
    assert settings_of(cluster, user) == before
    assert max(took) < 10
    cluster.wd("check")


def guess(cluster, user):
    """A wrong password; whether the account is guarded by now."""
    with pytest.raises(ImapError) as caught:
        Imap(cluster.imap, user, "wrong")
    return b"AUTHENTICATIONFAILED" not in caught.value.line


def may_log_in(cluster, user):
    try:
        Imap(cluster.imap, user).logout()
        return True
    except ImapError:
        return False


def test_limits_start_anew_with_redis(cluster, user, redis):
    def guess_until_guarded():
        return next((n for n in range(1, 30) if guess(cluster, user)), None)

    first = guess_until_guarded()
    assert first and not may_log_in(cluster, user)
    redis("FLUSHALL")
    assert may_log_in(cluster, user)
    assert guess_until_guarded() == first
    stop_redis(cluster)
    until("logins without Redis", 10, lambda: may_log_in(cluster, user))
    assert guess_until_guarded() is None and may_log_in(cluster, user)
    start_redis(cluster)
    until("the limit to hold again", 20, lambda: guess(cluster, user))
    assert not may_log_in(cluster, user)


# ---- a replica dies ----

def stores(cluster):
    return [d for d in cluster.daemons if d.program == "wd-store"]


def marked(cluster):
    """The changes that are under way or were left."""
    rows = mongo.database(cluster.name).mailboxes.find({"pending.op": {"$exists": True}}, {"pending.op": 1})
    return {mark["op"] for row in rows for mark in row["pending"]}


class Killing:
    """Kills a store, and starts and kills it again until it has left a change half-way. Then it stays dead."""

    def __init__(self, cluster, victim):
        self.cluster, self.victim, self.kills, self.left = cluster, victim, 0, set()

    def step(self):
        time.sleep(0.5)
        self.cluster.kill_these([self.victim])
        self.kills += 1
        at_once = marked(self.cluster)
        time.sleep(1.5)
        self.left = at_once & marked(self.cluster)  # those of the other store are settled and cleared by now
        if not self.left:
            self.cluster.run_all([self.victim], 20)

    def __call__(self):
        if not self.left:
            self.step()


@pytest.mark.parametrize("which", [0, 1])
def test_the_other_replica_goes_on_and_mends(cluster, user, which):
    Imap(cluster.imap, user).ok("CREATE other")
    fill(Imap(cluster.imap, user, timeout=60), "INBOX", 400)
    fill(Imap(cluster.imap, user, timeout=60), "other", 200)
    crowd, kept = Crowd(3 + which), Kept(cluster.imap_ports[which], user)
    killing = Killing(cluster, stores(cluster)[which])
    for port in cluster.imap_ports:
        for make in (appending(port, user), storing(port, user), carrying("COPY", port, user, "other", "INBOX"),
                     carrying("MOVE", port, user, "INBOX", "other")):
            crowd.add(make)
    crowd.add(kept.storing)
    crowd.add(delivering(cluster.lmtp_ports[which], user))
    watchers = [Watcher(port, user) for port in cluster.imap_ports]
    try:
        crowd.run(10, killing)
        assert killing.left, f"nothing was left half-way by {killing.kills} kills"
        until("marks to be mended", MEND_SECONDS, lambda: not marked(cluster))
        print(f"{killing.kills} kills left {len(killing.left)} changes; commands {dict(crowd.done)}, refused {dict(crowd.refused)};",
              f"the longest {crowd.longest:.1f} s")
        assert sum(crowd.refused.values()) < 10, crowd.refused
    finally:
        cluster.start()
    assert picture(cluster.imap, user, "kept") == kept.flags
    last = picture(cluster.imap, user)
    for w in watchers:
        w.wait_for(last, POLL_SECONDS + 2)
        w.stop()
    cluster.wd("check", "--repair")
    cluster.wd("check")


# ---- a burst ----

def test_a_burst_of_20000_changes_ends_with_the_exact_state(cluster, user):
    """The last test of this file: `wd check` would look at all of these messages, too."""
    many = 20000
    imap = Imap(cluster.imap_ports[0], user, timeout=120)
    start = time.monotonic()
    fill(imap, "INBOX", many)
    imap.ok("SELECT INBOX")
    watchers = [Watcher(port, user, idle=idle) for port in cluster.imap_ports for idle in (True, False)]
    filled, told = time.monotonic() - start, [w.told for w in watchers]
    for n in range(20):
        imap.ok(f"STORE {n * many // 20 + 1}:{(n + 1) * many // 20} {'+' if n % 3 else ''}FLAGS.SILENT (burst{n % 7} \\Flagged)")
    imap.ok("STORE 19001:19010 +FLAGS.SILENT (\\Deleted)")
    imap.ok("EXPUNGE")
    stored = time.monotonic() - start - filled
    last = picture(cluster.imap_ports[1], user)
    assert len(last) == many - 10
    took = [w.wait_for(last, 60) for w in watchers]
    print(f"filled in {filled:.1f} s, changed in {stored:.1f} s, known to all {sum(took):.1f} s later;",
          f"told: {[w.told - t for w, t in zip(watchers, told)]}")
    for w in watchers:
        w.stop()
    imap.logout()
