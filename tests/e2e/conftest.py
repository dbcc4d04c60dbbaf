"""One running server for the tests that do not need their own; a new user for each test."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.server import Server  # noqa: E402
from harness.wire import Imap, Lmtp  # noqa: E402


@pytest.fixture(scope="session")
def server():
    s = Server({"imap.enableCompression": "true", "imap.maxMB": "40", "lmtp.maxMB": "40"}).start()
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
