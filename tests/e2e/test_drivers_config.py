"""The databases by configuration: each mistake has its line and exit code, passwords are not shown, replicas share a key."""
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from harness import mongo as mongodb
from harness.fakemongo import fake
from harness.proxy import Proxy
from harness.server import BUILD, HARNESS, free_port, listening, until

ENV = {**os.environ, "LSAN_OPTIONS": f"suppressions={HARNESS / 'lsan.supp'}:print_suppressions=0"}


def flags(settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def wd_store(settings, *args, file=None, seconds=30):
    """A run that ends by itself: (exit code, lines of stdout, lines of stderr)."""
    config = ["--config", file] if file else []
    done = subprocess.run([BUILD / "bin/wd-store", *config, *flags(settings), *args], capture_output=True, text=True, timeout=seconds, env=ENV)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


class Store:
    """A wd-store that runs."""

    def __init__(self, tmp_path, settings, name="store"):
        self.dir, self.admin = tmp_path / name, free_port()
        self.log_path = tmp_path / f"{name}.log"
        self.settings = {"store.dataDir": self.dir, "store.adminPort": self.admin, **settings}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BUILD / "bin/wd-store", *flags(self.settings)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENV)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        log = self.log()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"):
            assert word not in log, log
        assert code in (0, 1), log

    def log(self):
        return self.log_path.read_text(errors="replace")

    def ask(self, path):
        """The status and text of the admin port; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def ready(self, seconds=60):
        def look():
            assert self.process.poll() is None, self.log()
            return self.ask("/readyz")[0] == 200
        until("readiness of wd-store", seconds, look)
        return self

    def wd(self, *args, token=None):
        return subprocess.run([BUILD / "bin/wd", *args, "--store", f"ipc://{self.dir}/run/store.ipc", "--token-file", token or self.dir / "tokens/admin"],
                              capture_output=True, text=True, timeout=60)


class Redis:
    def __init__(self, *args):
        self.port = free_port()
        self.args = args
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--save", "", "--daemonize", "no", *self.args], cwd="/",
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("redis-server", 10, lambda: listening(self.port))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def redis():
    with Redis() as server:
        yield server


@pytest.fixture
def database():
    """The name of one that is dropped afterwards."""
    name = f"wd_config_{os.getpid()}_{time.monotonic_ns()}"
    yield name
    mongodb.drop(name)


def mongo(uri):
    return {"store.driver": "mongo", "dbs.mongo": uri, "store.timeoutMs": 1000}


def on_mongo(database):
    return {**mongo(mongodb.database_uri(database)), "store.timeoutMs": 10000}


def on_redis(**keys):
    return {"store.bus": "redis", "store.timeoutMs": 1000, **{f"dbs.redis.{key}": value for key, value in keys.items()}}


def refused(settings, expected, tmp_path):
    """--check-config and a start both end with 1 and one line, and it has no password in it."""
    settings = {"store.dataDir": tmp_path / "data", "store.connectWaitSeconds": 20, **settings}
    code, _, errors = wd_store(settings, "--check-config")
    assert (code, len(errors)) == (1, 1), errors
    assert errors[0].startswith("wd-store: ") and re.search(expected, errors[0]), errors[0]
    begin = time.monotonic()
    code, _, log = wd_store(settings)
    assert code == 1 and re.search(expected, log[-1]), log
    assert time.monotonic() - begin < 15, "a mistake is not waited for"
    assert not any("hunter2" in line for line in [*errors, *log])


# ---- mistakes ----

MISTAKES = {
    "driver": ({"store.driver": "postgres"}, "store.driver: there is no driver 'postgres'; there are embedded and mongo"),
    "bus": ({"store.bus": "nats"}, "store.bus: there is no bus 'nats'; there are embedded and redis"),
    "scheme": (mongo("http://127.0.0.1/wd"), "dbs.mongo: must be mongodb://"),
    "no database": (mongo("mongodb://me:hunter2@127.0.0.1:27017"), "dbs.mongo: the URI names no database"),
    "broken URI": (mongo("mongodb://me:hunter2@:port/wd"), "dbs.mongo: not a MongoDB URI"),
    "users": ({**mongo("mongodb://127.0.0.1:9/wd"), "dbs.users": "a b"}, "dbs.users: 'a b' is neither a name of a database nor a URI"),
    "tls": ({"store.bus": "redis", "dbs.redis": "rediss://:hunter2@127.0.0.1/3"}, "dbs.redis: rediss:// is not possible"),
    "redis port": ({"store.bus": "redis", "dbs.redis": "redis://:hunter2@127.0.0.1:x"}, "dbs.redis: the port is not a number"),
    "sentinels": (on_redis(name="main"), "dbs.redis.name is the name of a Sentinel's master, but no sentinels are set"),
    "secret": ({"store.secret": "hunter2"}, "store.secret does not hold 64 hexadecimal digits"),
    "secret file": ({"store.secretFile": "/nowhere/key"}, "store.secretFile: there is no file /nowhere/key"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_one_line(name, tmp_path):
    refused(*MISTAKES[name], tmp_path)


def test_a_server_that_is_too_old(tmp_path):
    with fake(maxWireVersion=6) as port:
        refused(mongo(f"mongodb://127.0.0.1:{port}/wd"), r"dbs.mongo \(127.0.0.1:\d+\): the server is too old", tmp_path)


def test_a_wrong_password(tmp_path):
    with fake() as port:
        refused(mongo(f"mongodb://me:hunter2@127.0.0.1:{port}/wd"), r"dbs.mongo \(127.0.0.1:\d+\): .*refuses the user or the password", tmp_path)


def test_a_wrong_password_of_redis(tmp_path):
    with Redis("--requirepass", "right") as server:
        refused(on_redis(port=server.port, password="hunter2"), "redis: log in: .*password", tmp_path)
        refused(on_redis(port=server.port), "redis: .*NOAUTH", tmp_path)


def test_a_read_only_redis(tmp_path):
    with Redis("--replicaof", "127.0.0.1", "9") as server:
        refused(on_redis(port=server.port), "redis: this server is a slave: it takes no writes", tmp_path)


def test_a_redis_cluster(tmp_path):
    with Redis("--cluster-enabled", "yes", "--cluster-config-file", str(tmp_path / "nodes.conf")) as server:
        refused(on_redis(port=server.port), "redis: this server is a node of a cluster", tmp_path)


def test_an_index_that_conflicts(database, tmp_path):
    mongodb.database(database).users.create_index("unameview", name="users_dotless")  # not unique
    refused(on_mongo(database), "index 'users_dotless' of users: there is one of that name with other keys or options", tmp_path)


# ---- a server that does not answer ----

def silent():
    return {"mongo": mongo(f"mongodb://127.0.0.1:{free_port()}/wd"), "redis": on_redis(port=free_port())}


@pytest.mark.parametrize("kind", ["mongo", "redis"])
def test_nobody_there_fails_the_check_at_once(kind, tmp_path):
    begin = time.monotonic()
    code, _, errors = wd_store({"store.dataDir": tmp_path, **silent()[kind]}, "--check-config")
    assert (code, len(errors)) == (1, 1), errors
    assert re.search(rf"{kind}.*127.0.0.1:\d+", errors[0]), errors[0]
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("kind", ["mongo", "redis"])
def test_nobody_there_is_waited_for_as_long_as_was_said(kind, tmp_path):
    code, _, log = wd_store({"store.dataDir": tmp_path, "store.connectWaitSeconds": 2, **silent()[kind]})
    assert code == 1
    assert any("waiting for a database" in line for line in log[:-1]), log
    assert log[-1].startswith("wd-store: "), log[-1]


def test_meanwhile_it_is_alive_and_not_ready_and_can_be_stopped(tmp_path):
    with Store(tmp_path, {"store.connectWaitSeconds": 100, **silent()["mongo"]}) as store:
        until("the reason in /readyz", 30, lambda: "no server" in store.ask("/readyz")[1])
        assert store.ask("/readyz")[0] == 503
        assert store.ask("/healthz")[0] == 200
        store.process.send_signal(signal.SIGTERM)
        assert store.process.wait(10) == 0


def test_a_server_that_comes_up_later(tmp_path):
    late = Redis()
    with Store(tmp_path, {**on_redis(port=late.port), "store.connectWaitSeconds": 60}) as store:
        until("a try that failed", 30, lambda: "waiting for a database" in store.log())
        with late:
            store.ready()
            assert store.wd("user", "create", "ann", "--password", "x", "--address", "ann@example.com").returncode == 0


def test_a_database_that_hangs_makes_the_store_unready_and_not_dead(database, tmp_path):
    """The admin port never waits for the database: a probe that hangs would get the process killed."""
    proxy = Proxy(*mongodb.host_and_port())
    settings = {**on_mongo(database), "dbs.mongo": mongodb.database_uri(database, f"127.0.0.1:{proxy.port}"), "store.timeoutMs": 3000}
    try:
        with Store(tmp_path, settings) as store:
            store.ready()
            proxy.delay(5)

            def said():
                begin = time.monotonic()
                health, ready = store.ask("/healthz")[0], store.ask("/readyz")[0]
                assert time.monotonic() - begin < 2, "the admin port hangs"
                assert health == 200
                return ready == 503
            until("readiness to end", 30, said)
            proxy.delay(0)
            store.ready()
    finally:
        proxy.close()


# ---- what is well ----

def test_the_check_says_what_is_there(redis, tmp_path):
    code, lines, _ = wd_store({"store.dataDir": tmp_path / "new", **on_redis(port=redis.port)}, "--check-config")
    assert code == 0
    assert f"data: {tmp_path}/new, made at the first start" in lines
    assert any(re.fullmatch(rf"redis: connected to 127.0.0.1:{redis.port}, version [\d.]+, database 3", line) for line in lines), lines
    assert not (tmp_path / "new").exists()


def test_the_check_of_a_node_that_runs(tmp_path):
    with Store(tmp_path, {}) as store:
        store.ready()
        code, lines, errors = wd_store(store.settings, "--check-config")
        assert code == 0, errors
        assert lines == [f"data: {store.dir}", f"key: {store.dir}/secret.key", "bus: in the process"]


def test_the_check_of_mongo_changes_nothing(database, redis, tmp_path):
    settings = {**on_mongo(database), "dbs.redis": f"redis://127.0.0.1:{redis.port}/5", "store.dataDir": tmp_path / "new"}
    code, lines, errors = wd_store(settings, "--check-config")
    assert code == 0, errors
    assert "mongo: may read and write" in lines and "key: in the database" in lines
    assert any(re.match(rf"mongo: connected to [\w.:]+, version [\d.]+.*, database {database}$", line) for line in lines), lines
    assert any(re.match(rf"redis: connected to 127.0.0.1:{redis.port}, version [\d.]+, database 5$", line) for line in lines), lines
    assert mongodb.database(database).list_collection_names() == []


# ---- secrets ----

def test_passwords_are_not_printed(tmp_path):
    (tmp_path / "c.toml").write_text('[store]\ndriver = "mongo"\nsecret = "' + "5ec2e7" * 10 + '0000"\n'
                                     '[dbs]\nmongo = "mongodb://me:hunter2@db1,db2/wd?tls=true&tlsCertificateKeyFilePassword=hunter2"\n'
                                     'users = "mongodb://me:hunter2@db3/users"\n[dbs.redis]\nhost = "cache"\npassword = "hunter2"\nname = "main"\n'
                                     'sentinelPassword = "hunter2"\n[[dbs.redis.sentinels]]\nhost = "s1"\n')
    code, lines, errors = wd_store({}, "--print-config", file=tmp_path / "c.toml")
    text = "\n".join(lines)
    assert code == 0, errors
    assert "hunter2" not in text and "5ec2e7" not in text
    assert 'dbs.mongo = "mongodb://me:***@db1,db2/wd?tls=true&tlsCertificateKeyFilePassword=***"' in lines
    assert 'dbs.redis.password = "***"' in lines
    for url, shown in (("redis://hunter2@h/3", "redis://***@h/3"), ("redis://h/3?password=hunter2&db=1", "redis://h/3?password=***&db=1")):
        lines = wd_store({"store.bus": "redis", "dbs.redis": url}, "--print-config")[1]
        assert f'dbs.redis = "{shown}"' in lines


def test_replicas_that_start_at_once_share_one_key(database, redis, tmp_path):
    settings = {**on_mongo(database), "dbs.redis.port": redis.port}
    with Store(tmp_path, settings, "a") as a, Store(tmp_path, settings, "b") as b:
        a.ready(), b.ready()
        made = a.wd("user", "create", "ann", "--password", "x", "--address", "ann@example.com", token=b.dir / "tokens/admin")
        assert made.returncode == 0, made.stderr
        assert "ann" in b.wd("user", "list", token=a.dir / "tokens/admin").stdout
        assert not (a.dir / "secret.key").exists()
        (tmp_path / "token").write_text(wd_store({**settings, "store.dataDir": tmp_path / "none"}, "--token", "admin")[1][0])
        assert "ann" in a.wd("user", "list", token=tmp_path / "token").stdout
        rows = list(mongodb.database(database).settings.find({"key": "wd:secret"}))
        assert len(rows) == 1 and rows[0]["enumerable"] is False
        assert re.fullmatch(r'"[0-9a-f]{64}"', rows[0]["value"])


def test_a_key_of_our_own_is_not_put_into_the_database(database, redis, tmp_path):
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    settings = {**on_mongo(database), "dbs.redis.port": redis.port, "store.secretFile": tmp_path / "key"}
    with Store(tmp_path, settings) as store:
        store.ready()
        assert store.wd("user", "list").returncode == 0
    assert mongodb.database(database).settings.count_documents({"key": "wd:secret"}) == 0


def test_mongo_with_the_bus_in_the_process(database, tmp_path):
    with Store(tmp_path, on_mongo(database)) as store:
        store.ready()
        assert "run one replica only" in store.log()
        assert store.wd("user", "create", "ann", "--password", "x", "--address", "ann@example.com").returncode == 0
        assert not (store.dir / "mail.db").exists()


def test_redis_for_a_node(redis, tmp_path):
    with Store(tmp_path, on_redis(port=redis.port)) as store:
        store.ready()
        assert store.wd("user", "create", "ann", "--password", "x", "--address", "ann@example.com").returncode == 0
        assert (store.dir / "mail.db").exists()


assert shutil.which("redis-server"), "the package redis-server is missing"
