"""Replies that could become too large for one message, and what belongs to whom beyond mailboxes: straight to the store."""
import pytest
from harness import wdrpc

DEEP = "/".join(["€" * 500] * 120).encode()  # 180 kB


@pytest.fixture(scope="module")
def store(server):
    """store(role): a client; store.login(name): a session token of scope imap and the user's id."""
    clients = []

    def client(role):
        clients.append(wdrpc.Client(server.store_url(), service_token=(server.data / "tokens" / role).read_text().strip(), timeout=60))
        return clients[-1]

    def login(name):
        reply = client("imap").call("wd.v1.Auth.Authenticate", username=name.encode(), password=b"pass", scope="imap", protocol="IMAP")
        return reply.session_token, reply.user
    client.login = login
    yield client
    for c in clients:
        c.close()


def refused(client, method, reason, **fields):
    with pytest.raises(wdrpc.RpcError) as caught:
        client.call("wd.v1." + method, **fields)
    assert caught.value.name == reason, caught.value


def list_all(client, session):
    found, cursor = [], {}
    while True:
        page = client.call("wd.v1.Mailboxes.List", session_token=session, **cursor)
        found += [m.path for m in page.mailboxes]
        if not page.HasField("next_cursor"):
            return found
        cursor = {"cursor": page.next_cursor}


def test_mailboxes_of_the_longest_names(server, store):
    client = store("imap")
    session, _ = store.login(server.user())
    made = [b"%s/%d" % (DEEP, n) for n in range(12)]
    for path in made:
        client.call("wd.v1.Mailboxes.Create", session_token=session, path=path)
    found = list_all(client, session)
    assert len(found) == len(set(found)) == 17 and set(made) <= set(found)


def test_rename_of_a_large_tree_answers(server, store):
    client = store("imap")
    session, _ = store.login(server.user())
    client.call("wd.v1.Mailboxes.Create", session_token=session, path=b"top")
    for n in range(9):
        client.call("wd.v1.Mailboxes.Create", session_token=session, path=b"top/%s/%d" % (DEEP, n))
    reply = client.call("wd.v1.Mailboxes.Rename", session_token=session, path=b"top", new_path=b"new", with_children=True)
    assert reply.renamed[0].path == b"new"
    found = list_all(client, session)
    assert sum(p.startswith(b"new") for p in found) == 10 and not any(p.startswith(b"top") for p in found)


def test_1500_mailboxes_in_pages(server, store):
    client = store("imap")
    session, _ = store.login(server.user())
    for n in range(1495):
        client.call("wd.v1.Mailboxes.Create", session_token=session, path=b"%04d" % n + b"x" * 508)
    found = list_all(client, session)
    assert len(found) == len(set(found)) == 1500
    refused(client, "Mailboxes.Create", "MAILBOX_LIMIT", session_token=session, path=b"one more")


def test_delivery_to_junk_mailboxes_of_long_names(server, store):
    """The reply names the mailbox of each copy; too much of that must not make stored mail look refused."""
    client, names = store("lmtp"), [server.user() for _ in range(8)]
    for name in names:
        session, _ = store.login(name)
        store("imap").call("wd.v1.Mailboxes.Rename", session_token=session, path=b"Junk", new_path=DEEP)
    reply = client.call("wd.v1.Delivery.Deliver", raw=b"X-Rspamd-Spam: yes\r\nSubject: x\r\n\r\nx\r\n", sender=b"", recipients=[f"{n}@example.com".encode() for n in names])
    assert [o.accepted for o in reply.outcomes] == [True] * 8


def test_upload_is_its_callers_own(server, store):
    """The same name, chosen by two users and by another front end, is three uploads."""
    imap, lmtp, name = store("imap"), store("lmtp"), "ab" * 12
    (mine, _), (other, _) = store.login(server.user()), store.login(server.user())
    text = {mine: b"Subject: mine\r\n\r\nmine\r\n", other: b"Subject: other\r\n\r\nother\r\n"}
    for session, data in text.items():
        imap.call("wd.v1.Messages.Upload", session_token=session, upload=name, offset=0, data=data)
    refused(lmtp, "Delivery.Deliver", "UPLOAD_NOT_FOUND", upload=name, upload_size=9, sender=b"", recipients=[f"{server.user()}@example.com".encode()])
    lmtp.call("wd.v1.Messages.DropUpload", upload=name)
    for session, data in text.items():
        made = imap.call("wd.v1.Messages.Append", session_token=session, path=b"INBOX", upload=name, upload_size=len(data))
        got = imap.call("wd.v1.Messages.ReadBody", session_token=session, mailbox=made.mailbox, uid=made.uid, section=wdrpc.modules()["messages"].Section())
        assert got.data == data


def test_mailbox_of_nobody(store):
    refused(store("admin"), "Mailboxes.Create", "USER_NOT_FOUND", user="f" * 24, path=b"x", retention_ms=0)
    refused(store("admin"), "Mailboxes.Create", "USER_NOT_FOUND", user="f" * 24, path=b"x")


def test_limits_are_the_users_own(server, store):
    client = store("admin")
    who = wdrpc.modules()["users"].UserRef(username=server.user().encode())
    got = client.call("wd.v1.Users.Get", user=who)
    assert (got.recipients, got.forwards, got.quota_own) == (0, 0, 0) and got.quota > 0
    got = client.call("wd.v1.Users.Update", user=who, recipients=7)
    assert (got.recipients, got.forwards) == (7, 0)


def test_many_recipients_in_one_call(server, store):
    name = server.user()
    reply = store("lmtp").call("wd.v1.Delivery.Resolve", recipients=[b"%s@example.com" % (b"n" * 60)] * 9999 + [f"{name}@example.com".encode()])
    assert len(reply.outcomes) == 10000 and reply.outcomes[-1].accepted


def test_100_000_ranges_of_uids(server, store):
    """Every second one of many messages: sets in requests and replies."""
    client = store("imap")
    session, _ = store.login(server.user())
    box = client.call("wd.v1.Messages.Append", session_token=session, path=b"INBOX", raw=b"Subject: x\r\n\r\nx\r\n").mailbox
    sparse = wdrpc.modules()["mailboxes"].UidRanges(deltas=[1] * 400000)
    node = wdrpc.modules()["messages"].SearchNode(key=5, uids=sparse)
    assert list(client.call("wd.v1.Messages.Search", session_token=session, mailbox=box, program=[node]).uids.deltas) == [1, 1]
    reply = client.call("wd.v1.Messages.Store", session_token=session, mailbox=box, uids=sparse, mode=1, system_flags=2)
    assert len(reply.changed) == 1
    reply = client.call("wd.v1.Messages.Copy", session_token=session, mailbox=box, uids=sparse, target_path=b"Trash")
    assert list(reply.target_uids.deltas) == [1, 1]
    reply = client.call("wd.v1.Messages.Expunge", session_token=session, mailbox=box, uids=sparse)
    assert not reply.expunged.deltas


def test_changes_with_large_keywords(server, store):
    client = store("imap")
    session, _ = store.login(server.user())
    words = [b"%02d" % n + b"k" * 250 for n in range(90)]
    for _ in range(200):
        box = client.call("wd.v1.Messages.Append", session_token=session, path=b"INBOX", raw=b"Subject: x\r\n\r\nx\r\n", keywords=words).mailbox
    after, seen = 0, 0
    while True:
        reply = client.call("wd.v1.Mailboxes.Changes", session_token=session, mailbox=box, after_modseq=after)
        seen, after = seen + len(reply.changes), reply.modseq
        if not reply.more:
            break
    assert seen == 200
    uids, left = wdrpc.modules()["mailboxes"].UidRanges(deltas=[1, 200]), 1
    while left:  # one MODSEQ for all of them, 4 MB of keywords
        if left > 1:
            uids = wdrpc.modules()["mailboxes"].UidRanges(deltas=[left, 201 - left])
        reply = client.call("wd.v1.Messages.Store", session_token=session, mailbox=box, uids=uids, mode=1, system_flags=1)
        left = reply.continue_from if reply.HasField("continue_from") else 0
    while True:
        reply = client.call("wd.v1.Mailboxes.Changes", session_token=session, mailbox=box, after_modseq=after)
        seen, after = seen + len(reply.changes), reply.modseq
        if not reply.more:
            break
    assert seen == 400
    found, cursor = 0, {}
    while True:
        page = client.call("wd.v1.Messages.Fetch", session_token=session, mailbox=box, uids=wdrpc.modules()["mailboxes"].UidRanges(deltas=[1, 200]), flags=True, **cursor)
        found += len(page.messages)
        if not page.HasField("next_cursor"):
            break
        cursor = {"cursor": page.next_cursor}
    assert found == 200
