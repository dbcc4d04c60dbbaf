"""kill -9 at random moments under load, then a count of everything.

    python3 -m harness.torture --seed 7 --rounds 10 [--cluster]      (from tests/e2e)

8 connections deliver by LMTP and 4 connections append, store flags, copy and move by IMAP, each writing down what it asked
for and what was acknowledged. Meanwhile wd-store alone, or every process at once, is killed; scaled out also a front end, and
the connections to MongoDB and Redis are cut, refused and slow. Afterwards: everything that was acknowledged is there once,
what was never answered is there once or not at all, nothing is half, flags are as acknowledged, and `wd check` finds
quota, journal and attachment counters equal to a recount: on a single node as it is, scaled out after a `wd check --repair`.
"""
import argparse
import base64
import collections
import contextlib
import os
import random
import re
import signal
import threading
import time

from .cluster import FRONTS, Cluster
from .server import BUILD, Server, until
from .wire import Imap, ImapError, Lmtp

BOXES = ["INBOX", "box1", "box2"]


def message(key, rnd, shared):
    """A small or middling message; half of them carry one of a few attachments that others carry too."""
    head = f"From: a@example.net\r\nTo: b@example.com\r\nSubject: {key}\r\nMessage-ID: <{key}@torture>\r\nMIME-Version: 1.0\r\n".encode()
    if rnd.random() < 0.5:
        return head + b"\r\n" + b"text of %s\r\n" % key.encode() * rnd.randrange(1, 50)
    blob = rnd.choice(shared) if rnd.random() < 0.7 else rnd.randbytes(rnd.randrange(1000, 400000))
    part = (b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(blob).replace(b"\n", b"\r\n") + b"\r\n")
    return (head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n" + part * rnd.choice([1, 1, 2]) + b"--b--\r\n")


class Fate:
    """What is known of one message: copies per mailbox as (least, most), flags that must be set or must not."""

    def __init__(self, size):
        self.size = size
        self.least, self.most = dict.fromkeys(BOXES, 0), dict.fromkeys(BOXES, 0)
        self.flagged = {}  # mailbox: True, False, or None when an answer was lost
        self.moving = None


class Worker(threading.Thread):
    def __init__(self, torture, n):
        super().__init__(daemon=True)
        self.t, self.n, self.rnd = torture, n, random.Random(torture.seed * 1000 + n)
        self.user = torture.server.user()
        self.fates, self.acknowledged, self.error = {}, 0, None
        self.count = 0

    def run(self):
        while not self.t.over.is_set():
            try:
                self.session()
            except (OSError, ConnectionError, ImapError, TimeoutError, AssertionError) as e:
                self.t.lost[repr(e)[:100]] += 1
                time.sleep(0.02)
            except Exception as e:
                self.error = e
                return

    def new_message(self):
        self.count += 1
        key = f"w{self.n}m{self.count}"
        return key, message(key, self.rnd, self.t.shared)


class Deliverer(Worker):
    def session(self):
        lmtp = Lmtp(self.t.server.lmtp, timeout=20)
        try:
            while not self.t.over.is_set():
                key, sent = self.new_message()
                fate = Fate(len(sent))
                fate.most["INBOX"] = 1
                self.fates[key] = fate
                (reply,) = lmtp.deliver(sent, [f"{self.user}@example.com"])
                if reply.startswith(b"250"):
                    fate.least["INBOX"] = 1
                    self.acknowledged += 1
                elif reply.startswith(b"5"):
                    raise RuntimeError(f"permanent error: {reply}")
        finally:
            lmtp.close()


class Changer(Worker):
    def session(self):
        self.imap = imap = Imap(self.t.server.imap, self.user, timeout=20)
        try:
            for box in BOXES[1:]:
                try:
                    imap.ok(f"CREATE {box}")
                except ImapError as e:
                    if b"ALREADYEXISTS" not in e.line:
                        raise
            imap.ok("SELECT INBOX")
            while not self.t.over.is_set():
                self.rnd.choice([self.append, self.flag, self.copy, self.move])()
        finally:
            imap.close()

    def append(self):
        key, sent = self.new_message()
        fate = self.fates[key] = Fate(len(sent))
        fate.most["INBOX"] = 1
        fate.flagged["INBOX"] = False
        self.imap.append("INBOX", sent)
        fate.least["INBOX"] = 1
        self.acknowledged += 1

    def one(self):
        """A message that is surely and only once in INBOX, with its UID."""
        sure = [k for k, f in self.fates.items() if f.least["INBOX"] == f.most["INBOX"] == 1]
        if not sure:
            return None, None, None
        key = self.rnd.choice(sure)
        end = time.monotonic() + 15
        while not (uids := self.find(key)) and time.monotonic() < end:
            time.sleep(0.05)
        if len(uids) != 1:
            raise RuntimeError(f"{key} is {len(uids)} times in INBOX")
        return key, self.fates[key], int(uids[0])

    def find(self, key):
        """A NOOP may pass although the store could not be asked what is new: then the next one tells."""
        self.imap.ok("NOOP")
        (line,) = [w for w in self.imap.lines(f'UID SEARCH HEADER MESSAGE-ID "{key}@torture"') if w.startswith(b"* SEARCH")]
        return line.split()[2:]

    def flag(self):
        key, fate, uid = self.one()
        if not key:
            return
        want = self.rnd.random() < 0.5
        fate.flagged["INBOX"] = None
        self.imap.ok(f"UID STORE {uid} {'+' if want else '-'}FLAGS.SILENT (\\Flagged)")
        fate.flagged["INBOX"] = want
        self.acknowledged += 1

    def copy(self):
        key, fate, uid = self.one()
        if not key:
            return
        fate.most["box1"] += 1
        self.transfer(f"UID COPY {uid} box1", key)
        fate.least["box1"] += 1
        self.acknowledged += 1

    def transfer(self, command, key):
        """OK without COPYUID would say that there was no such message, and this one was just found."""
        answers = self.imap.ok(command)
        if not any(b"COPYUID" in line for line in [self.imap.tagged, *(whole for whole, *_ in answers)]):
            raise RuntimeError(f"{command} of {key} did nothing: {self.imap.tagged}")

    def move(self):
        key, fate, uid = self.one()
        if not key:
            return
        fate.most["box2"] += 1
        fate.least["INBOX"], fate.moving = 0, True
        self.transfer(f"UID MOVE {uid} box2", key)
        fate.most["INBOX"], fate.moving = 0, None
        fate.least["box2"] += 1
        fate.flagged["box2"] = fate.flagged.pop("INBOX")
        self.acknowledged += 1


class SingleTrouble:
    """What befalls `wd serve`."""

    def __init__(self, server, rnd):
        self.server, self.rnd = server, rnd
        self.kinds = [self.store, self.everything]

    def strike(self):
        kind = self.rnd.choice(self.kinds)
        kind()
        return kind.__name__

    def store(self):
        (pid,) = until("wd-store to run", 30, lambda: self.server.pids("wd-store"))
        with contextlib.suppress(ProcessLookupError):  # it may be on its way out from the last time
            os.kill(pid, signal.SIGKILL)

    def everything(self):
        self.server.kill()
        self.server.start()


class ClusterTrouble(SingleTrouble):
    """What befalls a cluster, and the ways to its databases. Whoever was killed is away for a moment."""

    def __init__(self, server, rnd):
        super().__init__(server, rnd)
        self.kinds = [self.store, self.store, self.both_stores, self.front, self.everything, self.mongo_cut, self.mongo_away, self.redis_cut,
                      self.redis_away, self.mongo_slow]

    def absence(self):
        time.sleep(self.rnd.uniform(0, 0.8))
        self.server.start()

    def store(self):
        self.server.kill_one(self.rnd, "wd-store")
        self.absence()

    def both_stores(self):
        self.server.kill_these([d for d in self.server.daemons if d.program == "wd-store"])
        self.absence()

    def front(self):
        self.server.kill_one(self.rnd, *FRONTS)
        self.absence()

    def mongo_cut(self):
        self.server.mongo_proxy.cut()

    def mongo_away(self):
        self.server.mongo_proxy.refuse(self.rnd.uniform(0.2, 1.5))

    def redis_cut(self):
        self.server.redis_proxy.cut()

    def redis_away(self):
        self.server.redis_proxy.refuse(self.rnd.uniform(0.2, 1.5))

    def mongo_slow(self):
        """What passes late is cut at a moment when more is on its way."""
        self.server.mongo_proxy.delay(0.02)
        time.sleep(self.rnd.uniform(0.2, 0.6))
        self.server.mongo_proxy.cut()
        self.server.mongo_proxy.delay(0)


class Torture:
    def __init__(self, seed, rounds=6, build=BUILD, deliverers=8, changers=4, pause=(0.3, 1.5), cluster=False, tell=lambda line: None):
        self.seed, self.rounds, self.pause, self.cluster, self.tell = seed, rounds, pause, cluster, tell
        self.rnd = random.Random(seed)
        self.shared = [self.rnd.randbytes(self.rnd.randrange(1000, 600000)) for _ in range(6)]
        self.server = Cluster(build=build, proxy=True) if cluster else Server(build=build)
        self.trouble = (ClusterTrouble if cluster else SingleTrouble)(self.server, self.rnd)
        self.over, self.lost = threading.Event(), collections.Counter()  # what the workers' sessions ended with
        self.counts = deliverers, changers

    def run(self):
        try:
            return self.all_of_it()
        except BaseException:
            self.server.abandon()
            raise

    def all_of_it(self):
        self.server.start()
        deliverers, changers = self.counts
        workers = [Deliverer(self, i) for i in range(deliverers)] + [Changer(self, 100 + i) for i in range(changers)]
        for w in workers:
            w.start()
        for _ in range(self.rounds):
            until_next = time.monotonic() + self.rnd.uniform(*self.pause)
            while time.monotonic() < until_next and not any(w.error for w in workers):
                time.sleep(0.01)
            self.tell(self.trouble.strike())
        time.sleep(1)
        self.over.set()
        for w in workers:
            w.join(60)
            if w.error:
                raise AssertionError(f"worker {w.n}: {w.error!r}")
        self.acknowledged = sum(w.acknowledged for w in workers)
        self.server.kill()
        self.server.start()
        if self.cluster:  # without transactions a kill may leave counters to be mended, never mail
            self.tell(self.server.wd("check", "--repair", "--bodies", check=False).stdout)
        for w in workers:
            self.verify(w)
        done = self.server.wd("check", "--bodies", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.server.close()
        return self.acknowledged

    def verify(self, worker):
        imap = Imap(self.server.imap, worker.user, timeout=60)
        seen = {}
        for box in BOXES:
            try:
                imap.ok(f"SELECT {box}")
            except ImapError:
                continue
            last = 0
            for whole, literals in imap.ok("UID FETCH 1:* (FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):
                m = re.search(rb"UID (\d+)", whole)
                if not m:
                    continue
                assert int(m.group(1)) > last, "UIDs do not ascend"
                last = int(m.group(1))
                key = literals[0].split()[1].decode()
                seen.setdefault((key, box), []).append((b"\\Flagged" in whole, int(re.search(rb"RFC822.SIZE (\d+)", whole).group(1))))
        for key, fate in worker.fates.items():
            here = {}
            for box in BOXES:
                found = seen.pop((key, box), [])
                here[box] = len(found)
                assert fate.least[box] <= len(found) <= fate.most[box], \
                    f"{worker.user} {key}: {len(found)} in {box}, {fate.least[box]} to {fate.most[box]} expected"
                for flagged, size in found:
                    assert size >= fate.size, f"{key}: {size} bytes of {fate.size}"
                    if fate.flagged.get(box) is not None:
                        assert flagged == fate.flagged[box], f"{key} in {box}: \\Flagged is {flagged}"
            if fate.moving:  # the answer was lost: it is in one of the two, never in both or in none
                assert here["INBOX"] + here["box2"] == 1, f"{key}: half moved, {here}"
        assert not seen, f"messages that nobody sent: {list(seen)[:5]}"
        imap.logout()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--rounds", type=int, default=10)
    ap.add_argument("--cluster", action="store_true", help="scaled out, over MongoDB and Redis")
    a = ap.parse_args()
    print(f"seed {a.seed}", flush=True)
    done = Torture(a.seed, a.rounds, cluster=a.cluster, tell=lambda line: print(line, flush=True)).run()
    print(f"{done} operations were acknowledged in {a.rounds} disasters, and all of them are there")


if __name__ == "__main__":
    main()
