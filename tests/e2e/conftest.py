"""One running set-up of each kind for the tests that do not need their own; a new user for each test.

A test that takes `server`, or `setup` to start one with settings of its own, runs once for each kind: embedded (`wd serve`
over SQLite) and cluster (two of each daemon over MongoDB and Redis). Marked with @pytest.mark.embedded it is about
the former alone. WD_TEST_SETUPS=embedded leaves the other out.
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.cluster import Cluster  # noqa: E402
from harness.server import Server  # noqa: E402
from harness.wire import Imap, Lmtp  # noqa: E402

SETUPS = {"embedded": Server, "cluster": Cluster}
CHOSEN = os.environ.get("WD_TEST_SETUPS", ",".join(SETUPS)).split(",")


def pytest_configure(config):
    config.addinivalue_line("markers", "embedded: about the single-node set-up, not run scaled out")
    config.addinivalue_line("markers", "cluster: needs the scaled-out set-up")


def is_scaled_out(item):
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return item.get_closest_marker("cluster") or any(isinstance(p, str) and "cluster" in p.split() for p in params)


def pytest_collection_modifyitems(config, items):
    out = [i for i in items if is_scaled_out(i) and ("cluster" not in CHOSEN or i.get_closest_marker("embedded"))]
    items[:] = [i for i in items if i not in set(out)]
    config.hook.pytest_deselected(items=out)


@pytest.fixture(scope="session", params=CHOSEN)
def setup(request):
    """Makes a set-up of this kind: setup({"imap.maxMB": 40}).start()."""
    return SETUPS[request.param]


@pytest.fixture(scope="session")
def server(setup):
    s = setup({"imap.enableCompression": "true", "imap.maxMB": "40", "lmtp.maxMB": "40"}).start()
    yield s
    s.close()


@pytest.fixture
def user(server):
    return server.user()


@pytest.fixture
def imap(server, user):
    c = Imap(server.imap, user)
    yield c
    c.close()


@pytest.fixture
def lmtp(server):
    c = Lmtp(server.lmtp)
    yield c
    c.close()
