"""The files of deploy/config: each daemon takes its own as it is and with every option switched on, and it has them all."""
import re
import subprocess
import tomllib

import pytest
from harness.server import BUILD, ROOT

DAEMONS = ["wd-store", "wd-imap", "wd-lmtp", "wd-http"]
FILES = {name: ROOT / "deploy/config" / f"{name}.toml" for name in DAEMONS}


def switched_on(name):
    """The file with what is commented out (a "#" without a blank behind it) as if it were not."""
    return re.sub(r"^#(?=[^ \n])", "", FILES[name].read_text(), flags=re.M)


def check(name, path):
    done = subprocess.run([BUILD / "bin" / name, "--config", path, "--check-config"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
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
    assert found.keys() == wanted.keys()
    for key, (default, kind) in wanted.items():
        if default and kind != "array of tables":
            value = found[key]
            text = ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
            assert text == default, key


def test_one_file_may_serve_all(tmp_path):
    """A front end passes over what is another's."""
    (tmp_path / "all.toml").write_text(switched_on("wd-imap").replace("[log]", "[lmtp]\nport = 2424\n[api]\nport = 8080\n[log]"))
    for name in DAEMONS:
        check(name, tmp_path / "all.toml")
