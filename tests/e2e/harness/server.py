"""Starts and stops a whole single-node set-up on free ports; what every kind of set-up has in common."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .processes import kill_session

HARNESS = pathlib.Path(__file__).resolve().parent
ROOT = HARNESS.parents[2]
BUILD = pathlib.Path(os.environ.get("WD_BUILD", ROOT / "build/release"))
BUILD_ASAN = pathlib.Path(os.environ.get("WD_BUILD_ASAN", ROOT / "build/dev"))
os.environ.setdefault("MONGOC_DISABLE_SHM", "1")  # libmongoc's counters in /dev/shm stay behind after every SIGKILL
PLAIN = {"imap.secure": "false", "imap.disableSTARTTLS": "true", "pop3.secure": "false", "pop3.disableSTARTTLS": "true"}


def free_port():
    """A port that nothing listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds, check):
    """The first true result of check(), or an AssertionError that names what was waited for."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.01)


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Setup:
    """What tests ask of a running set-up, however many processes it has. `data` is the directory with its tokens and sockets."""

    def __init__(self, data, build):
        self.build = pathlib.Path(build)
        self.data = pathlib.Path(data)
        self.log_path = self.data.parent / (self.data.name + ".log")
        self.users = 0

    def spawn(self, args):
        """A process whose output goes to the log, in a session of its own."""
        env = {**os.environ, "LSAN_OPTIONS": f"suppressions={HARNESS / 'lsan.supp'}:print_suppressions=0"}
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)

    def log(self):
        return self.log_path.read_text(errors="replace")[-8000:]

    def forget(self):
        """Removes the data, and checks that no sanitizer spoke."""
        log = self.log_path.read_text(errors="replace")
        shutil.rmtree(self.data, ignore_errors=True)
        self.log_path.unlink()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"):
            assert word not in log, log[max(0, log.index(word) - 2000):][:8000]

    def memory_kb(self, name):
        """Resident memory of the daemons of that name, now."""
        return sum(int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) for pid in self.pids(name))

    def wd(self, *args, check=True, **kw):
        """The command line against this server."""
        done = subprocess.run([self.build / "bin/wd", *args, "--data", self.node()], capture_output=True, text=True, timeout=120, **kw)
        if check:
            assert done.returncode == 0, f"wd {' '.join(map(str, args))}: {done.stdout}{done.stderr}"
        return done

    def node(self):
        """The directory of a store."""
        return self.data

    def store_url(self):
        """Where a store takes calls: of several, another one each time."""
        return f"ipc://{self.node()}/run/store.ipc"

    def user(self, name=None, password="pass", quota=None):
        """A new account with name@example.com; returns its name."""
        self.users += 1
        name = name or f"user{self.users}{os.urandom(3).hex()}"
        args = ["user", "create", name, "--password", password, "--address", f"{name}@example.com"]
        self.wd(*args, *(["--quota", str(quota)] if quota is not None else []))
        return name


class Server(Setup):
    """`wd serve` with a data directory of its own. Settings are those of --set: {"imap.maxMB": 40}."""

    def __init__(self, settings=None, build=BUILD, data=None, plain=True, config=None):
        super().__init__(data or tempfile.mkdtemp(prefix="wd-e2e-"), build)
        self.config = config
        self.imap, self.pop3, self.lmtp, self.http = free_port(), free_port(), free_port(), free_port()
        self.settings = {"imap.port": self.imap, "pop3.port": self.pop3, "lmtp.port": self.lmtp, "api.port": self.http}
        self.settings |= (PLAIN if plain else {}) | (settings or {})
        self.process = None

    def start(self, seconds=60):
        args = [self.build / "bin/wd", "serve", "--data", self.data, *(["--config", self.config] if self.config else [])]
        for key, value in self.settings.items():
            args += ["--set", f"{key}={value}"]
        self.process = self.spawn(args)
        until(f"the ports of wd serve; its log is {self.log_path}:\n", seconds, self._ready)
        return self

    def _ready(self):
        assert self.process.poll() is None, f"wd serve ended with {self.process.returncode}:\n{self.log()}"
        return all(listening(p) for p in (self.imap, self.pop3, self.lmtp, self.http))

    def stop(self, seconds=20):
        """A clean stop; returns the exit code."""
        if not self.process or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    def kill(self):
        """SIGKILL to everything at once, as a power cut would; all of it is gone on return."""
        if self.process:
            kill_session(self.process.pid)
            self.process.wait()

    def abandon(self):
        """Ends it at once after a failure; data and log stay for whoever looks."""
        self.kill()

    def close(self):
        """Stops, checks that no sanitizer spoke, and removes the data."""
        self.stop()
        self.forget()

    def pids(self, name=None):
        """The processes under the supervisor, or the one that is called name."""
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        rows = [line.split(None, 1) for line in out.splitlines()]
        return [int(pid) for pid, comm in rows if name is None or comm.strip() == name]
