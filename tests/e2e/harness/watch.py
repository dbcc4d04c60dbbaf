"""Clients that watch a mailbox and keep a picture of it, from nothing but what they are told.

    w = Watcher(port, user, idle=True)     # a session in a thread of its own, by IDLE, or by NOOP
    w.wait_for(picture(port, user))        # until it has the same picture as a fresh session
    w.stop()

A Watcher raises, at stop() or wait_for(), what it met in its thread: a new message whose UID is not above all that it had
seen, a number that does not fit, an answer that is not OK. A Follower keeps its picture from one connection to the next, by
HIGHESTMODSEQ (CONDSTORE), as a client does that was offline meanwhile.
"""
import re
import threading
import time

from .server import until
from .wire import Imap, ImapError

RECENT = b"\\Recent"


def flags_of(response):
    """The flags of a FETCH response, or None."""
    m = re.search(rb"FLAGS \(([^)]*)\)", response)
    return frozenset(m.group(1).split()) - {RECENT} if m else None


def number_of(response, item):
    m = re.search(rb"\b%s \(?(\d+)" % item, response)
    return int(m.group(1)) if m else None


def picture(port, user, box="INBOX"):
    """{UID: flags} of a fresh session."""
    imap = Imap(port, user, timeout=120)
    imap.ok(f'EXAMINE "{box}"')
    rows = [w for w in imap.lines("FETCH 1:* (UID FLAGS)") if b" FETCH " in w] if imap.status(box)["MESSAGES"] else []
    imap.logout()
    return {number_of(w, b"UID"): flags_of(w) for w in rows}


class Watcher(threading.Thread):
    def __init__(self, port, user, box="INBOX", idle=True, pace=0.05):
        super().__init__(daemon=True)
        self.port, self.user, self.box, self.idle, self.pace = port, user, box, idle, pace
        self.rows = []          # [UID or None, flags] by sequence number; None: it was gone before we could ask
        self.exists = 0         # as told last
        self.highest = 0        # of all UIDs seen
        self.told = 0           # untagged responses
        self.ending = threading.Event()
        self.error = None
        self.imap = Imap(port, user, timeout=120)
        for line in self.imap.lines(f'SELECT "{box}"'):
            self.hear(line)
        self.look()
        self.start()

    # ---- what is asked of it, from another thread ----

    def picture(self):
        """{UID: flags}; None while something is missing."""
        rows = list(self.rows)
        return None if len(rows) != self.exists or any(uid is None for uid, _ in rows) else {uid: flags for uid, flags in rows}

    def check(self):
        if self.error:
            raise self.error

    def wait_for(self, wanted, seconds=30):
        """Until its picture is the wanted one; seconds that it took."""
        start = time.monotonic()
        while (mine := self.picture()) != wanted:
            self.check()
            assert time.monotonic() - start < seconds, self.difference(mine, wanted)
            time.sleep(0.005)
        return time.monotonic() - start

    def wait_for_count(self, n, seconds=30):
        def there():
            self.check()
            return len(self.rows) == self.exists == n
        until(f"{n} messages in {self}; it has {len(self.rows)}", seconds, there)

    def difference(self, mine, wanted):
        who = f"{'IDLE' if self.idle else 'NOOP'} session on {self.port}"
        if mine is None:
            return f"{who}: {self.exists} messages, {len(self.rows)} known, gone {[n for n, (uid, _) in enumerate(self.rows, 1) if uid is None][:9]}"
        lost, more = sorted(wanted.keys() - mine.keys()), sorted(mine.keys() - wanted.keys())
        other = [(u, mine[u], wanted[u]) for u in sorted(wanted.keys() & mine.keys()) if mine[u] != wanted[u]]
        return f"{who}: misses UIDs {lost[:9]} ({len(lost)}), has {more[:9]} ({len(more)}) that are gone; flags differ: {other[:5]} ({len(other)})"

    def stop(self):
        """Ends the session; raises what went wrong."""
        self.ending.set()
        if self.idle:
            try:
                self.imap.send(b"DONE\r\n")
            except OSError:
                pass
        self.join(60)
        self.imap.close()
        self.check()

    # ---- its thread ----

    def run(self):
        try:
            while not self.ending.is_set():
                if self.idle:
                    self.wait_idle()
                else:
                    for line in self.imap.lines("NOOP"):
                        self.hear(line)
                    self.ending.wait(self.pace)
                self.look()
        except Exception as e:
            if not self.ending.is_set() or isinstance(e, (AssertionError, ImapError)):
                self.error = e

    def wait_idle(self):
        """IDLE until a message is new."""
        self.imap.start("IDLE")
        while not (line := self.imap.response()[0]).startswith(b"+"):
            self.hear(line)
        while self.exists == len(self.rows):
            line = self.imap.response()[0]
            if line.startswith(self.imap.tag + b" "):
                return  # stop() has said DONE
            self.hear(line)
        if not self.ending.is_set():
            self.imap.send(b"DONE\r\n")
        untagged, tagged = self.imap.finish()
        assert tagged.startswith(b"OK"), tagged
        for line, _ in untagged:
            self.hear(line)

    def hear(self, line):
        m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH)", line)
        if not m:
            return
        self.told += 1
        n, what = int(m.group(1)), m.group(2)
        if what == b"EXISTS":
            assert n >= len(self.rows), f"{line} although {len(self.rows)} are known"
            self.exists = n
        elif what == b"EXPUNGE":
            assert 1 <= n <= self.exists, f"{line} of {self.exists}"
            if n <= len(self.rows):
                del self.rows[n - 1]
            self.exists -= 1
        elif n <= len(self.rows):
            flags = flags_of(line)
            if flags is not None:
                self.rows[n - 1] = (self.rows[n - 1][0], flags)

    def look(self):
        """Asks for what is new, by sequence number: their UIDs must ascend, and be above all that was ever seen."""
        while self.exists > len(self.rows) and not self.ending.is_set():
            first, last = len(self.rows) + 1, self.exists
            self.rows += [(None, None)] * (last - first + 1)
            for line in self.imap.lines(f"FETCH {first}:{last} (UID FLAGS)"):
                if b" FETCH " in line and b"UID " in line:
                    self.take(int(line.split()[1]), number_of(line, b"UID"), flags_of(line))
                else:
                    self.hear(line)

    def take(self, n, uid, flags):
        known = self.rows[n - 1][0]
        if known is None:
            assert uid > self.highest, f"new message {n} has UID {uid}, but {self.highest} was there before"
            self.highest = uid
        assert known in (None, uid), f"message {n} had UID {known} and has {uid}"
        self.rows[n - 1] = (uid, flags)


class Follower:
    """A client that is mostly offline: it remembers UIDs, flags, and the highest MODSEQ that it was told."""

    def __init__(self, ports, user, box="INBOX"):
        self.ports, self.user, self.box = ports, user, box
        self.mine, self.modseq, self.told, self.rounds = {}, 0, 0, 0

    def hear(self, modseq):
        self.told = max(self.told, modseq or 0)

    def connect(self):
        """The other front end each time. STATUS and SELECT tell a MODSEQ; what is asked after it must hold all up to there."""
        imap = Imap(self.ports[self.rounds % len(self.ports)], self.user, timeout=60)
        self.rounds += 1
        if self.rounds % 3 == 0:
            self.hear(imap.status(self.box, "HIGHESTMODSEQ")["HIGHESTMODSEQ"])
        for line in imap.lines(f'SELECT "{self.box}" (CONDSTORE)'):
            self.hear(number_of(line, b"HIGHESTMODSEQ"))
        return imap

    def follow(self, store=None):
        """One round: what changed since the last one, and what is gone. Then store, (UID, "+FLAGS (x)"), whose MODSEQ counts as well."""
        imap = self.connect()
        told = self.told
        for line in imap.lines(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {self.modseq})") if self.modseq else imap.lines("UID FETCH 1:* (FLAGS)"):
            if b" FETCH " in line:
                self.mine[number_of(line, b"UID")] = flags_of(line)
        self.modseq = told
        there = set(imap.uids())
        self.mine = {uid: flags for uid, flags in self.mine.items() if uid in there}
        missed = {u for u in there - self.mine.keys() if u <= max(self.mine, default=0)}
        if store and store[0] in self.mine:
            for line in imap.lines(f"UID STORE {store[0]} {store[1]}"):
                self.hear(number_of(line, b"MODSEQ"))
        imap.logout()
        return missed
