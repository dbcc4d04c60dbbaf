"""deploy/compose, deploy/docker and deploy/config/scaled-out fit together and fit the programs: the services of compose.yaml are started
without Docker, from its own commands and configuration files, on loopback addresses of their own."""
import contextlib
import imaplib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tomllib

import pytest
import yaml
from harness import mongo
from harness.server import BUILD, HARNESS, ROOT, free_port, until

COMPOSE = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: s for name, s in SERVICES.items() if s["image"] == "wd:local"}
SCRIPTS = ROOT / "deploy/compose"
CONFIG = ROOT / "deploy/config/scaled-out"
SECTION = {"wd-store": "store", "wd-imap": "imap", "wd-pop3": "pop3", "wd-lmtp": "lmtp", "wd-http": "api"}
DAEMONS = {name: s for name, s in OURS.items() if s["command"][0] in SECTION}


def program(name):
    return OURS[name]["command"][0]


def config(name):
    """The file that a service is told to read."""
    return CONFIG / OURS[name]["command"][2].removeprefix("/etc/wd/")


# ---- what is written down ----

def test_there_are_two_of_each_program_behind_one_database():
    count = {p: sum(program(name) == p for name in DAEMONS) for p in SECTION}
    assert count == {"wd-store": 2, "wd-imap": 2, "wd-pop3": 2, "wd-lmtp": 2, "wd-http": 1}
    assert {"mongo", "redis", "certs", "tokens"} <= SERVICES.keys()


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_names_exists(name):
    service = OURS[name]
    assert (BUILD / "bin" / program(name)).exists() or (SCRIPTS / program(name)).exists()
    assert (SCRIPTS / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).exists()
    for other, when in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert (when["condition"] == "service_healthy") == (other not in ("certs", "tokens"))
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        assert (SCRIPTS / source).is_dir() if "/" in source else source in COMPOSE["volumes"]
    for network in service["networks"]:
        assert network in COMPOSE["networks"]


@pytest.mark.parametrize("name", DAEMONS)
def test_ports_and_health_agree_with_the_configuration(name):
    settings = tomllib.loads(config(name).read_text())
    own = settings[SECTION[program(name)]]
    for mapping in DAEMONS[name].get("ports", []):
        assert int(mapping.rsplit(":", 1)[1]) == own["port"]
        assert "outer" in DAEMONS[name]["networks"], "only a network that is not internal publishes ports"
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    assert f"127.0.0.1:{own['adminPort']}/readyz" in dockerfile
    assert DAEMONS[name]["command"][1:] == ["--config", f"/etc/wd/{program(name)}.toml"]


def test_the_image_has_every_library_that_the_programs_load():
    packages = set(re.findall(r"\blib[\w.+-]+|\bzlib1g\b", (ROOT / "deploy/docker/Dockerfile").read_text().split("FROM debian:12-slim")[1]))
    needed = set()
    for name in ("wd", *SECTION):
        listed = subprocess.run(["objdump", "-p", BUILD / "bin" / name], capture_output=True, text=True, check=True).stdout
        loaded = dict(re.findall(r"(\S+) => (/\S+)", subprocess.run(["ldd", BUILD / "bin" / name], capture_output=True, text=True, check=True).stdout))
        needed |= {os.path.realpath(loaded[lib]) for lib in re.findall(r"NEEDED +(\S+)", listed) if lib in loaded}
    for path in needed:
        found = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True).stdout or \
            subprocess.run(["dpkg", "-S", path.removeprefix("/usr")], capture_output=True, text=True, check=True).stdout
        package = found.split(":")[0]
        assert package in packages or package in ("libc6", "libgcc-s1") or re.match(r"lib(asan|ubsan|tsan)", package), f"{path} is of {package}"


# ---- started ----

class Started:
    """The services as processes: each daemon has an address of its own; "store" and the databases are named by the environment."""

    def __init__(self, tmp_path):
        self.dir = tmp_path
        self.database = f"wd_compose_{os.getpid()}"
        net = f"127.{os.getpid() >> 8 & 127 | 64}.{os.getpid() & 255}"
        self.address = {name: f"{net}.{i + 1}" for i, name in enumerate(DAEMONS)}
        self.redis_port = free_port()
        self.processes = {}

    def environment(self, name):
        stores = [self.address[n] for n in DAEMONS if program(n) == "wd-store"]
        env = {**os.environ, "LSAN_OPTIONS": f"suppressions={HARNESS / 'lsan.supp'}:print_suppressions=0", "PATH": f"{BUILD}/bin:{os.environ['PATH']}",
               "WD_DBS_MONGO": mongo.database_uri(self.database), "WD_DBS_REDIS_HOST": "127.0.0.1", "WD_DBS_REDIS_PORT": str(self.redis_port)}
        env |= {key: "a token" for key in OURS[name].get("environment", {})}
        if program(name) == "wd-store":
            return env | {"WD_STORE_ADMINHOST": self.address[name]}
        if name in DAEMONS:
            env |= {"WD_STORE_URL": ",".join(f"tls+tcp://{a}:2601" for a in stores), "WD_STORE_EVENTS": ",".join(f"tls+tcp://{a}:2602" for a in stores),
                    "WD_STORE_TLS_SERVERNAME": "store", f"WD_{SECTION[program(name)].upper()}_ADMINPORT": str(free_port())}
        return env

    def text(self, name, words):
        """With our places instead of the container's."""
        for place in ("/certs", "/tokens", "/etc/wd"):
            words = re.sub(rf"(?<![\w/]){place}(?![\w-])", str(self.dir / name / place[1:] if place == "/etc/wd" else self.dir / place[1:]), words)
        return words.replace("/var/lib/wd", str(self.dir / name / "data")).replace("0.0.0.0", self.address.get(name, "127.0.0.1"))

    def command(self, name):
        (self.dir / name / "etc/wd").mkdir(parents=True, exist_ok=True)
        for file in CONFIG.glob("*.toml"):
            (self.dir / name / "etc/wd" / file.name).write_text(self.text(name, file.read_text()))
        words = [self.text(name, word) for word in OURS[name]["command"]]
        return [SCRIPTS / words[0] if (SCRIPTS / words[0]).exists() else BUILD / "bin" / words[0], *words[1:]]

    def once(self, name, *more):
        done = subprocess.run([*self.command(name), *more], env=self.environment(name), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def log(self, name):
        return (self.dir / f"{name}.log").read_text(errors="replace")

    def start(self, name):
        with open(self.dir / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(self.command(name), env=self.environment(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listening(self, name, port):
        def look():
            assert self.processes[name].poll() is None, self.log(name)
            with contextlib.suppress(OSError):
                socket.create_connection((self.address[name], port), timeout=1).close()
                return True
        until(f"port {port} of {name}", 60, look)

    def up(self):
        redis = SERVICES["redis"]["command"]
        self.processes["redis"] = subprocess.Popen([*redis, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.dir)],
                                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.once("certs")
        self.once("certs")  # again: what is there is left alone
        self.once("tokens")
        for name in DAEMONS:
            self.start(name)
        for name in DAEMONS:
            self.listening(name, 2601 if program(name) == "wd-store" else tomllib.loads(config(name).read_text())[SECTION[program(name)]]["port"])

    def down(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(30)
        mongo.drop(self.database)

    def wd(self, store, *args):
        data = self.dir / store / "data"
        done = subprocess.run([BUILD / "bin/wd", *args, "--store", f"ipc://{data}/run/store.ipc", "--token-file", data / "tokens/admin"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def subjects(self, name):
        """What a mail client sees there, over TLS whose certificate it checks."""
        trust = ssl.create_default_context(cafile=self.dir / "certs/ca.pem")
        trust.check_hostname = False
        with imaplib.IMAP4_SSL(self.address[name], 9993, ssl_context=trust) as client:
            client.login("ann", "secret")
            client.select("INBOX")
            rows = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            return [row[1].decode().split(":", 1)[1].strip() for row in rows if isinstance(row, tuple)]

    def deliver(self, name, subject):
        path = self.dir / "mail"
        path.write_text(f"Subject: {subject}\r\n\r\nbody\r\n")
        done = subprocess.run([BUILD / "bin/wd", "push", "ann@example.com", path, "--lmtp", f"{self.address[name]}:2424"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_start_check_and_work_together(tmp_path):
    run = Started(tmp_path)
    try:
        run.up()
        for name in DAEMONS:  # --check-config of the same command, while they run
            run.once(name, "--check-config")
        run.wd("store1", "user", "create", "ann", "--address", "ann@example.com", "--password", "secret")
        run.deliver("lmtp1", "one")
        run.deliver("lmtp2", "two")
        assert run.subjects("imap1") == run.subjects("imap2") == ["one", "two"]
        run.processes["store1"].kill()  # a replica is lost, and nobody notices
        run.processes["store1"].wait()
        run.deliver("lmtp1", "three")
        assert run.subjects("imap1") == ["one", "two", "three"]
        shutil.rmtree(tmp_path / "store1/data")  # nothing in it had to survive
        run.start("store1")
        run.listening("store1", 2601)
        assert "0 problems" in run.wd("store1", "check", "--bodies")
    finally:
        run.down()
    for name in DAEMONS:
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert word not in run.log(name), run.log(name)
