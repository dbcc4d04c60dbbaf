"""wd-imap: what sessions are told, when, and how soon; the journal behind it."""
import re
import time

import pytest
from harness.server import until
from harness.wire import Imap, Lmtp

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


@pytest.fixture
def pair(server, user):
    """Two sessions on the same INBOX with three messages."""
    first = Imap(server.imap, user)
    for _ in range(3):
        first.append("INBOX", MESSAGE)
    first.ok("SELECT INBOX")
    second = Imap(server.imap, user, box="INBOX")
    yield first, second
    first.close()
    second.close()


def idle(imap):
    imap.start("IDLE")
    while not imap.line().startswith(b"+"):
        pass


def done(imap):
    imap.send(b"DONE\r\n")
    return imap.finish()


def test_idle_hears_a_delivery_at_once(server, user, pair):
    _, second = pair
    idle(second)
    Lmtp(server.lmtp).deliver(MESSAGE, [f"{user}@example.com"])
    start = time.monotonic()
    assert second.line() == b"* 4 EXISTS"
    assert time.monotonic() - start < 2
    assert done(second)[1].startswith(b"OK")


def test_idle_hears_flags_and_expunges(pair):
    first, second = pair
    idle(second)
    first.ok("STORE 2 +FLAGS (\\Flagged)")
    assert second.line() == b"* 2 FETCH (FLAGS (\\Flagged))"
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert second.line() == b"* 1 FETCH (FLAGS (\\Deleted))"
    first.ok("EXPUNGE")
    assert second.line() == b"* 1 EXPUNGE"
    assert second.line() == b"* 2 EXISTS"
    done(second)


def test_noop_tells_what_happened_without_a_beacon_being_waited_for(pair):
    first, second = pair
    first.append("INBOX", MESSAGE)
    assert b"* 4 EXISTS" in second.lines("NOOP")
    first.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
    assert b"* 3 FETCH (FLAGS (\\Seen))" in second.lines("CHECK")


def test_expunge_waits_during_fetch_store_and_search(pair):
    first, second = pair
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    for command in ("FETCH 1:* (FLAGS)", "STORE 3 +FLAGS (x)", "SEARCH ALL", "FETCH 2 (UID)"):
        assert not [w for w in second.lines(command) if w.endswith(b"EXPUNGE")], command
    assert list(second.fetch("1:*", "(UID)")) == [2, 3]  # the gone one is left out, numbers stay
    assert b"* 1 EXPUNGE" in second.lines("NOOP")
    assert [re.search(rb"UID (\d+)", w).group(1) for w in second.fetch("1:*", "(UID)").values()] == [b"2", b"3"]


def test_store_says_no_when_another_session_expunged(pair):
    first, second = pair
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    _, tagged = second.command("STORE 1:2 +FLAGS (y)")
    assert tagged.startswith(b"NO")
    second.ok("NOOP")
    assert b"y" in second.fetch(1, "(FLAGS)")[1]


def test_own_changes_are_told_once(pair):
    first, _ = pair
    assert len([w for w in first.lines("STORE 1 +FLAGS (q)") if b"FETCH" in w]) == 1
    assert first.lines("NOOP") == []
    assert b"* 4 EXISTS" in [w for w, _ in (first.append("INBOX", MESSAGE), first.untagged)[1]]
    assert first.lines("NOOP") == []
    first.ok("STORE 4 +FLAGS.SILENT (\\Deleted)")
    assert len([w for w in first.lines("EXPUNGE") if w.endswith(b"EXPUNGE")]) == 1
    assert first.lines("NOOP") == []


def test_a_message_that_came_and_went_is_not_told(pair):
    first, second = pair
    uid = first.append("INBOX", MESSAGE)
    first.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    assert not [w for w in second.lines("NOOP") if b"EXPUNGE" in w or b"* 4 EXISTS" in w]


def test_modseq_is_told_to_condstore_sessions(pair):
    first, second = pair
    second.ok("STATUS INBOX (HIGHESTMODSEQ)")
    first.ok("STORE 2 +FLAGS (\\Flagged)")
    (line,) = [w for w in second.lines("NOOP") if b"FETCH" in w]
    assert re.match(rb"\* 2 FETCH \(FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)$", line)


def test_idle_ends_only_with_done(pair):
    first, _ = pair
    idle(first)
    first.send(b"xyz\r\n")
    assert first.finish()[1].startswith(b"BAD")
    first.ok("NOOP")


def test_moves_between_sessions(server, user, pair):
    first, second = pair
    third = Imap(server.imap, user, box="Trash")
    idle(third)
    first.ok("MOVE 1:2 Trash")
    assert third.line() == b"* 2 EXISTS"
    assert [w for w in second.lines("NOOP") if w.endswith(b"EXPUNGE")] == [b"* 1 EXPUNGE", b"* 1 EXPUNGE"]
    third.close()


def test_a_flood_reaches_everybody(server, user, pair):
    """500 changes while two sessions idle: both end with the same picture."""
    first, second = pair
    third = Imap(server.imap, user, box="INBOX")
    idle(second)
    idle(third)
    for n in range(500):
        first.ok(f"STORE {n % 3 + 1} {'+' if n % 2 else '-'}FLAGS.SILENT (\\Flagged)")
    want = {n: re.search(rb"FLAGS \(.*?\)", w).group(0) for n, w in first.fetch("1:*", "(FLAGS)").items()}
    for c in (second, third):
        told, tagged = done(c)
        assert tagged.startswith(b"OK")
        told = [w for w, _ in told] + c.lines("NOOP")
        for n in want:
            mine = [w for w in told if w.startswith(b"* %d FETCH" % n)]
            assert want[n] in mine[-1]


def test_no_exchange_waits_for_a_delayed_ack(server, user):
    """100 exchanges with delayed ACKs on: a server that leaves Nagle's algorithm on needs 40 ms for many of them."""
    imap = Imap(server.imap, user, box="INBOX")
    took = []
    for _ in range(60):
        start = time.monotonic()
        imap.ok("NOOP")
        took.append(time.monotonic() - start)
    assert sorted(took)[len(took) // 2] < 0.03
    imap.logout()


@pytest.fixture(scope="module")
def auto(setup):
    """A server with imap.autoExpunge."""
    s = setup({"imap.autoExpunge": "true"}).start()
    yield s
    s.close()


def hears(imap, wanted):
    """Asks until an untagged answer is the wanted one."""
    return until(wanted.decode(), 10, lambda: wanted in [line for line, *_ in imap.command("NOOP")[0]])


@pytest.mark.parametrize("command", ["STORE 2 +FLAGS (\\Deleted)", "UID STORE 2 +FLAGS.SILENT (\\Deleted)", "STORE 2 FLAGS (\\Seen \\Deleted)"])
def test_autoexpunge_is_told_to_all_sessions_after_the_answer(auto, command):
    name = auto.user()
    first = Imap(auto.imap, name)
    for _ in range(3):
        first.append("INBOX", MESSAGE)
    first.ok("SELECT INBOX")
    second = Imap(auto.imap, name, box="INBOX")
    idle(second)
    untagged, tagged = first.command(command)
    assert tagged.startswith(b"OK") and not any(b"EXPUNGE" in line for line, *_ in untagged)
    while (line := second.line()) != b"* 2 EXPUNGE":
        assert b"FETCH" in line
    assert second.line() == b"* 2 EXISTS"
    done(second)
    hears(first, b"* 2 EXPUNGE")
    assert first.lines("UID SEARCH ALL") == [b"* SEARCH 1 3"]
    first.close()
    second.close()


def test_autoexpunge_leaves_what_is_not_deleted(auto):
    name = auto.user()
    imap = Imap(auto.imap, name)
    for _ in range(3):
        imap.append("INBOX", MESSAGE)
    imap.ok("SELECT INBOX")
    imap.ok("STORE 1:2 +FLAGS (\\Seen)")
    imap.ok("STORE 1 -FLAGS (\\Deleted)")
    imap.send(b"a STORE 3 +FLAGS (\\Deleted)\r\nb LOGOUT\r\n")  # it goes on when the session is gone
    assert imap.closed()
    imap = Imap(auto.imap, name, box="INBOX")
    until("the third message to go", 10, lambda: imap.lines("UID SEARCH ALL") == [b"* SEARCH 1 2"])
    imap.close()


def test_nothing_is_expunged_without_the_option(pair):
    first, second = pair
    first.ok("STORE 1 +FLAGS (\\Deleted)")
    for imap in pair:
        for _ in range(3):
            assert not any(b"EXPUNGE" in line for line, *_ in imap.command("NOOP")[0])
    assert second.lines("UID SEARCH DELETED") == [b"* SEARCH 1"]
