"""Starts and stops a scaled-out set-up: two of every daemon, over MongoDB and a Redis of its own. To be used like a Server.

imap, pop3, lmtp and http are another front end's port each time they are read, so that a test with two connections is on two
front ends; imap_ports and the others have all. Each front end knows both stores. The command line takes turns as well.
"""
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

from . import mongo
from .proxy import Proxy
from .server import BUILD, PLAIN, Setup, free_port, listening, until

REPLICAS = 2
FRONTS = {"wd-imap": "imap", "wd-pop3": "pop3", "wd-lmtp": "lmtp", "wd-http": "http"}  # program: its token, and its attribute here
SECTIONS = {"wd-imap": "imap", "wd-pop3": "pop3", "wd-lmtp": "lmtp", "wd-http": "api"}
EVERYBODY, FRONT_ENDS = ("log", "user", "group"), ("tls",)
OF_THE_STORE = ("imap.maxConnections", "imap.maxUploadMB", "imap.maxDownloadMB", "pop3.maxMessages", "pop3.maxDownloadMB")


def takes(program, key):
    """Whether a setting is that program's, as `wd serve` would hand it out."""
    section = key.split(".")[0]
    if section in EVERYBODY:
        return True
    if program in SECTIONS:
        return (section == SECTIONS[program] and key not in OF_THE_STORE) or section in FRONT_ENDS
    return key in OF_THE_STORE or section not in (*SECTIONS.values(), *FRONT_ENDS)


def certificate(path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", path.with_suffix(".crt")],
                   check=True, capture_output=True)
    with open(path, "ab") as both:
        both.write(path.with_suffix(".crt").read_bytes())


class Daemon:
    """One process, which ends only when it is told to."""

    def __init__(self, program, arguments, ready):
        self.program, self.arguments, self.ready = program, arguments, ready
        self.process = None

    def running(self):
        return self.process is not None and self.process.poll() is None


class Cluster(Setup):
    def __init__(self, settings=None, build=BUILD, plain=True, proxy=False):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="wd-e2e-"))
        self.nodes = [self.root / "ab"[i] for i in range(REPLICAS)]
        super().__init__(self.nodes[0], build)
        self.log_path = self.root.parent / (self.root.name + ".log")
        for node in self.nodes:
            (node / "run").mkdir(parents=True, mode=0o700)
            node.chmod(0o700)
        certificate(self.data / "tls.pem")
        self.settings = (PLAIN if plain else {}) | (settings or {})
        self.name = "wd_e2e_" + self.root.name[-8:].lower()
        self.with_proxy = proxy
        self.redis = self.mongo_proxy = self.redis_proxy = None
        self.lock = threading.Lock()
        self.turns = {}

    # ---- what runs ----

    def services(self):
        """Redis is a process of ours; its port, and MongoDB's address, as the daemons shall know them."""
        port = free_port()
        self.redis = self.spawn(["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
                                 "--dir", self.root, "--daemonize", "no", "--loglevel", "warning"])
        until("redis-server", 20, lambda: listening(port))
        address = None
        if self.with_proxy:
            self.mongo_proxy, self.redis_proxy = Proxy(*mongo.host_and_port()), Proxy("127.0.0.1", port)
            address, port = f"127.0.0.1:{self.mongo_proxy.port}", self.redis_proxy.port
        return address, port

    def databases(self):
        return [self.name, self.name + "_users", self.name + "_gridfs"]

    def store(self, node, address, redis_port):
        main, users, gridfs = self.databases()
        return self.daemon("wd-store", {
            "store.dataDir": node, "store.driver": "mongo", "store.bus": "redis", "dbs.mongo": mongo.database_uri(main, address),
            "dbs.users": users, "dbs.gridfs": gridfs, "dbs.redis": f"redis://127.0.0.1:{redis_port}/3"},
            lambda: all((node / "run" / s).exists() for s in ("store.ipc", "events.ipc")) and (node / "tokens/admin").exists())

    def front(self, program, node):
        port, section = free_port(), SECTIONS[program]
        getattr(self, FRONTS[program] + "_ports").append(port)
        own = {"store.url": self.everywhere("store.ipc"), "store.events": self.everywhere("events.ipc"), "tls.cert": self.data / "tls.pem",
               "store.tokenFile": self.data / "tokens" / FRONTS[program], f"{section}.port": port, f"{section}.host": "127.0.0.1"}
        if program != "wd-http":
            own[f"{section}.portFile"] = node / "run" / f"{section}.port"
        return self.daemon(program, own, lambda: listening(port))

    def everywhere(self, socket):
        return ",".join(f"ipc://{node}/run/{socket}" for node in self.nodes)

    def daemon(self, program, own, ready):
        arguments = []
        for key, value in (own | {k: v for k, v in self.settings.items() if takes(program, k)}).items():
            arguments += ["--set", f"{key}={value}"]
        return Daemon(program, [self.build / "bin" / program, *arguments], ready)

    # ---- start and end ----

    def start(self, seconds=60):
        """Whatever does not run. At the very first start one store makes databases, key and tokens before there is another."""
        if self.redis is None:
            self.imap_ports, self.pop3_ports, self.lmtp_ports, self.http_ports = [], [], [], []
            where = self.services()
            self.daemons = [self.store(node, *where) for node in self.nodes]
            self.daemons += [self.front(program, node) for program in FRONTS for node in self.nodes]
            self.run_all(self.daemons[:1], seconds)
        for programs in (("wd-store",), FRONTS):
            self.run_all([d for d in self.daemons if d.program in programs and not d.running()], seconds)
        return self

    def run_all(self, daemons, seconds):
        for d in daemons:
            self.run(d)
        for d in daemons:
            self.wait_for(d, seconds)

    def run(self, daemon):
        for path in self.sockets(daemon):
            path.unlink(missing_ok=True)
        daemon.process = self.spawn(daemon.arguments)

    def sockets(self, daemon):
        """The files that say that a store is there; of one that was killed they may still lie about."""
        for node in self.nodes:
            if daemon.program == "wd-store" and f"store.dataDir={node}" in map(str, daemon.arguments):
                yield from (node / "run" / s for s in ("store.ipc", "events.ipc"))

    def wait_for(self, daemon, seconds=60):
        def check():
            assert daemon.running(), f"{daemon.program} ended with {daemon.process.returncode}:\n{self.log()}"
            return daemon.ready()
        until(f"{daemon.program}; its log is {self.log_path}:\n", seconds, check)

    def unexpected_ends(self):
        return [f"{d.program} ended with {d.process.returncode}" for d in self.daemons if d.process and d.process.poll() not in (None, 0)]

    def stop(self, seconds=20):
        """A clean stop, front ends first; the first exit code that is not 0."""
        codes = []
        for fronts in (True, False):
            running = [d for d in self.daemons if d.running() and (d.program in FRONTS) == fronts]
            for d in running:
                d.process.send_signal(signal.SIGTERM)
            try:
                codes += [d.process.wait(seconds) for d in running]
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return next((c for c in codes if c != 0), 0)

    def kill(self):
        """SIGKILL to every daemon at once; MongoDB and Redis, which are on other machines in real life, go on."""
        self.kill_these(self.daemons)

    def kill_these(self, daemons):
        """All of them are gone on return."""
        running = [d for d in daemons if d.running()]
        for d in running:
            d.process.kill()
        for d in running:
            d.process.wait()
            d.process = None

    def kill_one(self, rnd, *programs):
        """SIGKILL to one daemon, at random among those of the programs; start() starts it again."""
        self.kill_these([rnd.choice([d for d in self.daemons if d.program in programs])])

    def abandon(self):
        """Ends it at once after a failure; directories, log and databases stay for whoever looks."""
        self.kill()
        self.end_services()

    def end_services(self):
        for proxy in (self.mongo_proxy, self.redis_proxy):
            if proxy:
                proxy.close()
        self.redis.kill()
        self.redis.wait()

    def close(self):
        """Stops, checks that nothing ended by itself and no sanitizer spoke, and removes the data."""
        ended = self.unexpected_ends()
        try:
            self.stop()
            assert not ended, f"{ended}:\n{self.log()}"
        finally:
            self.end_services()
            mongo.drop(*self.databases())
            shutil.rmtree(self.root, ignore_errors=True)
            self.forget()

    # ---- what is asked of a Server ----

    def _ready(self):
        return all(d.running() and d.ready() for d in self.daemons)

    def pids(self, name=None):
        return [d.process.pid for d in self.daemons if d.running() and name in (None, d.program)]

    def turn(self, what, among):
        """Each in turn, from any thread."""
        with self.lock:
            self.turns[what] = self.turns.get(what, -1) + 1
            return among[self.turns[what] % len(among)]

    def node(self):
        return self.turn("node", self.nodes)

    imap = property(lambda self: self.turn("imap", self.imap_ports))
    pop3 = property(lambda self: self.turn("pop3", self.pop3_ports))
    lmtp = property(lambda self: self.turn("lmtp", self.lmtp_ports))
    http = property(lambda self: self.turn("http", self.http_ports))
