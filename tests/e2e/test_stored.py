"""What we write has the shapes that WildDuck reads: every document of every collection, field by field, after a bit of everything."""
import hashlib

import pytest
from harness import mongo, odd_mail, stored
from harness.cluster import Cluster
from harness.wildduck import PASSWORD
from harness.wildduck_samples import samples
from harness.wire import Imap, ImapError, Lmtp

pytestmark = pytest.mark.cluster
WITHOUT_LAYOUT = [n for n in samples() if n not in ("preamble", "preamble2")]


def work(c):
    """Appends, deliveries, flags, copies, moves, removals, mailboxes, accounts, logins."""
    c.user("ann", PASSWORD)
    c.wd("user", "create", "Bo.b@Example.com", "--password", "other", "--quota", str(20 * 2**30))
    c.user("off", "")
    c.wd("address", "add", "ann", "S.ales@Example.com")
    c.wd("address", "add", "ann", "*@any.example.org")
    c.wd("alias", "add", "alias.example", "example.com")
    imap = Imap(c.imap, "ann", PASSWORD)
    for user, password in (("ann", "wrong"), ("nobody", "x")):
        with pytest.raises(ImapError):
            Imap(c.imap, user, password)
    for path in ("box", "box/Gr&APwA3w-e", "gone", "old"):
        imap.ok(f'CREATE "{path}"')
    imap.ok("RENAME old new")
    for message in samples().values():
        imap.append("box", message.bytes(), "\\Seen keyword" if message.kind == "text/plain" else "")
    for what, message in odd_mail.messages():
        if message:
            imap.append("box/Gr&APwA3w-e", message)
    imap.append("gone", b"Subject: x\r\n\r\nx\r\n", "\\Flagged \\Draft", "01-Jan-2020 10:00:00 +0000")
    imap.append("Junk", b"Subject: junk\r\n\r\nx\r\n")
    imap.ok("DELETE gone")
    lmtp = Lmtp(c.lmtp)
    for name in ("unicode", "pdf", "twice"):
        assert all(r.startswith(b"250 ") for r in lmtp.bdat(samples()[name].bytes(), ["ann@example.com", "bob@example.com"]))
    lmtp.close()
    imap.ok("SELECT box")
    imap.ok("UID STORE 1:4 +FLAGS (\\Answered \\Flagged more)")
    imap.ok("UID STORE 2 -FLAGS (\\Seen)")
    imap.ok("UID COPY 5:9 INBOX")
    imap.ok("UID COPY 5 Junk")
    imap.ok("UID MOVE 9:12 Trash")
    imap.ok("UID STORE 3:8 +FLAGS (\\Deleted)")
    imap.ok("UID EXPUNGE 3:7")
    imap.ok("UID FETCH 1:* (BODY[TEXT]<0.10>)")
    imap.logout()
    c.wd("user", "passwd", "ann", "--password", "new")


@pytest.fixture(scope="module")
def cluster():
    c = Cluster()
    try:
        c.start()
        work(c)
        yield c
    finally:
        c.close()


@pytest.fixture
def databases(cluster):
    return [mongo.database(name) for name in cluster.databases()]


def rows_of(databases, collection):
    return [row for d in databases for row in d[collection].find()]


@pytest.mark.parametrize("collection", list(stored.TABLES))
def test_every_document_is_as_others_read_it(databases, collection):
    found = rows_of(databases, collection)
    assert found
    for row in found:
        assert stored.check_row(collection, row)


def test_every_command_of_the_journal_was_looked_at(databases):
    assert {row["command"] for row in rows_of(databases, "journal")} >= set(stored.COMMANDS) - {"NOOP"}


def test_no_collection_is_unknown(databases):
    ours = {name for names in stored.OURS.values() for name in names}
    for database in databases:
        unknown = set(database.list_collection_names()) - set(stored.TABLES) - ours
        empty = {name for name in unknown if not database[name].count_documents({})}
        assert unknown == empty


def test_references_are_those_of_the_messages(databases):
    wanted = {}
    for row in rows_of(databases, "messages") + rows_of(databases, "archived"):
        for key in row["mimeTree"]["attachmentMap"].values():
            c, m = wanted.get(key, (0, 0))
            wanted[key] = (c + 1, m + row["magic"])
    have = {row["_id"]: (row["metadata"]["c"], row["metadata"]["m"]) for row in rows_of(databases, "attachments.files")}
    assert {k: v for k, v in have.items() if v != (0, 0)} == wanted


@pytest.mark.parametrize("name", WITHOUT_LAYOUT)
def test_the_tree_alone_gives_the_message(databases, name):
    """To a reader that knows none of our fields; it cannot know whether the last line has its end, nor a blank line behind an attachment."""
    sent = samples()[name].bytes()
    for row in rows_of(databases, "messages"):
        if row["size"] == len(sent) and row["subject"] == samples()[name].subject and row["hash"]["sha256"] == hashlib.sha256(sent).digest():
            break
    else:
        row = next(r for r in rows_of(databases, "archived") if r["subject"] == samples()[name].subject)
    assert "layout" not in row
    got = stored.rebuild(row["mimeTree"], stored.body_of(databases[2]))
    if name == "tail":
        assert [line for line in got.splitlines() if line] == [line for line in sent.splitlines() if line]
    else:
        assert got == sent.removesuffix(b"\r\n") or got == sent


def test_a_thread_has_the_hashes_of_its_messages(databases):
    plain, replied = samples()["plain"], samples()["replied"]
    ids = {stored.base64.b64encode(hashlib.sha1(m.msgid.strip("<>").encode()).digest()).decode().rstrip("=") for m in (plain, replied)}
    assert any(ids & set(row["ids"]) for row in rows_of(databases, "threads"))
