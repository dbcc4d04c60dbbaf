"""The files of deploy/config: each daemon takes its own as it is and with every option switched on, and it has them all."""
import re
import subprocess
import tomllib

import pytest
from harness.server import BUILD, ROOT, Server
from harness.wire import Imap

DAEMONS = ["wd-store", "wd-imap", "wd-pop3", "wd-lmtp", "wd-http"]
FILES = {name: ROOT / "deploy/config" / f"{name}.toml" for name in DAEMONS}
# Instead of another key, so a file cannot have both; behind "# " in ours.
ALTERNATIVES = {"dbs.redis", "store.secret"}


def switched_on(name):
    """The file with what is commented out (a "#" without a blank behind it) as if it were not."""
    return re.sub(r"^#(?=[^ \n])", "", FILES[name].read_text(), flags=re.M)


def check(name, path):
    """Of wd-store what it reads, not what it connects to: test_drivers_config.py does that."""
    how = "--print-config" if name == "wd-store" else "--check-config"
    done = subprocess.run([BUILD / "bin" / name, "--config", path, how], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    assert done.returncode == 0, done.stdout


def options(name):
    """key: (default, type) of the --help; without other sections' marks and what only other daemons read."""
    text = subprocess.run([BUILD / "bin" / name, "--help"], stdout=subprocess.PIPE, text=True, check=True, timeout=20).stdout
    rows = re.findall(r"^  ([A-Za-z][\w.]*) +(.*?)(?: \[(.*)\])? \((string|number|true or false|list|array of tables)\)$", text, flags=re.M)
    return {key: (default, kind) for key, words, default, kind in rows if not key.endswith(".") and f"not used by {name}" not in words}


def flat(table, at=""):
    """{"imap.port": 9993}; an array of tables is one key."""
    out = {}
    for key, value in table.items():
        if isinstance(value, dict):
            out |= flat(value, f"{at}{key}.")
        else:
            out[at + key] = value
    return out


@pytest.mark.parametrize("name", DAEMONS)
def test_the_file_as_it_is_sets_nothing(name):
    check(name, FILES[name])
    assert flat(tomllib.loads(FILES[name].read_text())) == {}


@pytest.mark.parametrize("name", DAEMONS)
def test_every_option_can_be_switched_on(name, tmp_path):
    (tmp_path / "all.toml").write_text(switched_on(name))
    check(name, tmp_path / "all.toml")


@pytest.mark.parametrize("name", DAEMONS)
def test_every_option_is_there_with_its_default(name):
    wanted, found = options(name), flat(tomllib.loads(switched_on(name)))
    assert found.keys() == wanted.keys() - ALTERNATIVES
    for key, (default, kind) in wanted.items():
        if default and key not in ALTERNATIVES and kind != "array of tables":
            value = found[key]
            text = ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
            assert text == default, key


def test_one_file_may_serve_all(tmp_path):
    """A front end passes over what is another's."""
    (tmp_path / "all.toml").write_text(switched_on("wd-imap").replace("[log]", "[lmtp]\nport = 2424\n[api]\nport = 8080\n[log]"))
    for name in DAEMONS:
        check(name, tmp_path / "all.toml")


def everything(only=None):
    """One file with the keys of all daemons at their defaults; or of some."""
    sections = {}
    for name in DAEMONS:
        for key, (default, kind) in options(name).items():
            section, _, rest = key.partition(".") if "." in key else ("", "", key)
            if kind == "array of tables" or key in ALTERNATIVES or (only and key not in only):
                continue  # a row of each table follows
            value = {"number": default or "1", "true or false": default or "false"}.get(kind, f'"{default or "x"}"')
            sections.setdefault(section, {})[rest] = f"[{value}]" if kind == "list" else value
    tops = "".join(f"{key} = {value}\n" for key, value in sections.pop("", {}).items())
    text = "".join(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for section, keys in sections.items())
    return tops + text + '[[imap.interface]]\nenabled = false\nport = 1\n[[dbs.redis.sentinels]]\nhost = "x"\n[[spamHeader]]\nkey = "X"\nvalue = "Y"\ntarget = "Z"\n'


@pytest.mark.parametrize("name", DAEMONS)
def test_one_file_with_every_key_of_every_daemon(name, tmp_path):
    """Which none of them refuses, and which still finds a wrong one of its own."""
    (tmp_path / "all.toml").write_text(everything())
    check(name, tmp_path / "all.toml")
    own = {"wd-store": "archive.day", "wd-imap": "imap.prot", "wd-pop3": "pop3.prot", "wd-lmtp": "lmtp.prot", "wd-http": "api.prot"}[name]
    section, key = own.split(".")
    (tmp_path / "wrong.toml").write_text(everything().replace(f"[{section}]\n", f"[{section}]\n{key} = 1\n"))
    with pytest.raises(AssertionError, match=f"{own}: unknown key; did you mean"):
        check(name, tmp_path / "wrong.toml")


def test_a_node_knows_every_key_of_every_daemon(tmp_path):
    """The last --set is wrong, so that nothing is started."""
    sets = [f"{key}={default or '1'}" for name in DAEMONS for key, (default, kind) in options(name).items() if kind != "array of tables"]
    done = subprocess.run([BUILD / "bin/wd", "serve", "--data", tmp_path, *(word for s in [*sets, "no"] for word in ("--set", s))], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=20)
    assert "--set wants KEY=VALUE, not 'no'" in done.stdout


def test_a_node_runs_with_every_default_said_aloud(tmp_path):
    """In the file and as --set; less what says where this node is."""
    places = ("imap.port", "pop3.port", "lmtp.port", "api.port", "imap.secure", "pop3.secure", "imap.disableSTARTTLS", "pop3.disableSTARTTLS",
              "store.dataDir", "store.events", "store.url")
    settings = {key: default for name in DAEMONS for key, (default, kind) in options(name).items() if default and key not in places}
    assert {"imap.enabled", "pop3.enabled", "lmtp.enabled", "api.enabled", "imap.maxUploadMB"} <= settings.keys()
    (tmp_path / "all.toml").write_text(everything(settings))
    server = Server(settings, config=tmp_path / "all.toml").start()
    try:
        imap = Imap(server.imap, server.user(), box="INBOX")
        imap.append("INBOX", b"Subject: x\r\n\r\nbody\r\n")
        imap.logout()
    finally:
        server.close()
