"""Processes of a test: those of a session, whether they are gone, and how all of them are ended at once."""
import os
import signal
import time


def _stat(pid):
    """(state, session) of a process, or None when there is none."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[3])


def gone(pid):
    """Whether a process is over with all its threads: the first thread of a killed one may be a zombie while others still hold its sockets."""
    stat = _stat(pid)
    if stat is None:
        return True
    if stat[0] not in "ZX":
        return False
    try:
        return len(os.listdir(f"/proc/{pid}/task")) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return True


def session_members(session):
    """The processes of a session that are not over."""
    members = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(name)
            if stat and stat[1] == session and not gone(name):
                members.append(int(name))
    return members


def signal_pid(pid, number):
    """Sends a signal; False when there is no such process any more."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def kill_session(session, seconds=20):
    """SIGKILL to every process of a session, and none of them is left on return. Its leader, who may be forking, is stopped first."""
    end = time.monotonic() + seconds
    leader = _stat(session)
    if leader and leader[1] == session and signal_pid(session, signal.SIGSTOP):
        while (_stat(session) or "Z")[0] not in "TtZX" and time.monotonic() < end:
            time.sleep(0.001)
    while members := session_members(session):
        for pid in members:
            signal_pid(pid, signal.SIGKILL)
        assert time.monotonic() < end, f"processes {members} do not end"
        time.sleep(0.002)
