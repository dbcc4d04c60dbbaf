"""The MongoDB of the tests: where it is, and databases that belong to one set-up."""
import functools
import os
import pathlib
import subprocess
import sys
from urllib.parse import urlsplit

try:
    import pymongo
except ModuleNotFoundError:  # another interpreter than the system's: take Debian's python3-pymongo all the same
    sys.path.append("/usr/lib/python3/dist-packages")
    import pymongo

SERVICE = pathlib.Path(__file__).resolve().parents[2] / "services/mongo"


@functools.cache
def server_uri():
    """WD_TEST_MONGO_URI, else that of tests/services/mongo, which is started."""
    uri = os.environ.get("WD_TEST_MONGO_URI")
    return uri or subprocess.run([SERVICE, "start"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def host_and_port():
    parts = urlsplit(server_uri())
    return parts.hostname, parts.port or 27017


def database_uri(name, address=None):
    """That of a database there; address (host:port) in place of the server's, for a proxy."""
    parts = urlsplit(server_uri())
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=user + at + (address or host), path="/" + name).geturl()


def database(name):
    """For a look at the documents."""
    return pymongo.MongoClient(server_uri(), serverSelectionTimeoutMS=10000)[name]


def drop(*names):
    with pymongo.MongoClient(server_uri(), serverSelectionTimeoutMS=10000) as client:
        for name in names:
            client.drop_database(name)
