"""Who may do what over the RPC: roles of service tokens, session tokens, and that no id opens another user's mail."""
import pytest
from harness import wdrpc

MAIL_CALLS = ["Mailboxes.List", "Mailboxes.Create", "Mailboxes.Rename", "Mailboxes.Delete", "Mailboxes.Subscribe", "Mailboxes.Status", "Mailboxes.Open",
              "Mailboxes.Changes", "Mailboxes.Quota", "Messages.Append", "Messages.Fetch", "Messages.ReadBody", "Messages.Store", "Messages.Copy",
              "Messages.Move", "Messages.Expunge", "Messages.Search", "Events.Changes"]
ADMIN_CALLS = ["Users.Create", "Users.Get", "Users.List", "Users.Update", "Users.ResetQuota", "Users.CreateAddress", "Users.ListAddresses", "Users.DeleteAddress",
               "Users.CreateDomainAlias", "Users.ListDomainAliases", "Users.DeleteDomainAlias", "Admin.Check", "Admin.Collect"]
DELIVERY_CALLS = ["Delivery.Resolve", "Delivery.Deliver"]
MESSAGE = b"Subject: secret\r\n\r\nbody\r\n"


@pytest.fixture(scope="module")
def connect(server):
    """connect(role): a client with the role's service token."""
    clients = []

    def client(role, token=None):
        token = (server.data / "tokens" / role).read_text().strip() if role else token
        clients.append(wdrpc.Client(server.store_url(), service_token=token, timeout=20))
        return clients[-1]
    yield client
    for c in clients:
        c.close()


def messages():
    return wdrpc.modules()["messages"]


def ranges(*deltas):
    return wdrpc.modules()["mailboxes"].UidRanges(deltas=deltas)


def request(method, user=None, mailbox="0" * 24, path=b"INBOX"):
    """A well-formed request of a method about one user's mail."""
    m = {"Mailboxes.Create": {"path": b"new"}, "Mailboxes.Rename": {"path": path, "new_path": b"other"}, "Mailboxes.Subscribe": {"path": path, "subscribed": True},
         "Mailboxes.Changes": {"mailbox": mailbox, "after_modseq": 0}, "Messages.Append": {"path": path, "raw": MESSAGE}, "Messages.Fetch": {"mailbox": mailbox, "uids": ranges(1, 9), "flags": True},
         "Messages.ReadBody": {"mailbox": mailbox, "uid": 1, "section": messages().Section()}, "Messages.Store": {"mailbox": mailbox, "uids": ranges(1, 9), "mode": 1, "system_flags": 8},
         "Messages.Copy": {"mailbox": mailbox, "uids": ranges(1, 9), "target_path": b"Trash"}, "Messages.Move": {"mailbox": mailbox, "uids": ranges(1, 9), "target_path": b"Trash"},
         "Messages.Expunge": {"mailbox": mailbox}, "Messages.Search": {"mailbox": mailbox, "program": [messages().SearchNode(key=4)]},
         "Mailboxes.Status": {"path": path}, "Mailboxes.Open": {"path": path}, "Mailboxes.Delete": {"path": path},
         "Users.Create": {"username": b"x"}, "Users.CreateDomainAlias": {"alias": b"a.b", "domain": b"c.d"}, "Users.DeleteDomainAlias": {"alias": b"a.b"},
         "Users.CreateAddress": {"address": b"a@b.c"}, "Delivery.Deliver": {"raw": MESSAGE, "sender": b"", "recipients": [b"a@b.c"]}, "Delivery.Resolve": {"recipients": [b"a@b.c"]}}.get(method, {})
    if method.startswith("Users.") and method not in ("Users.Create", "Users.List", "Users.CreateDomainAlias", "Users.ListDomainAliases", "Users.DeleteDomainAlias"):
        m = m | {"user": wdrpc.modules()["users"].UserRef(username=b"nobody")}
    if user and method in MAIL_CALLS:
        m = m | {"user": user}
    return m


def refused(client, method, names, session=None, **fields):
    with pytest.raises(wdrpc.RpcError) as caught:
        client.call("wd.v1." + method, session_token=session, **fields)
    assert caught.value.name in names, (method, caught.value)


def login(client, name):
    reply = client.call("wd.v1.Auth.Authenticate", username=name.encode(), password=b"pass", scope="imap")
    return reply.user, reply.session_token


@pytest.mark.parametrize("method", MAIL_CALLS + ADMIN_CALLS + DELIVERY_CALLS)
@pytest.mark.parametrize("token", [None, "", "imap", "wds1.admin.0.0.0", "x" * 900], ids=["none", "empty", "word", "forged", "long"])
def test_no_call_without_a_service_token(connect, method, token):
    refused(connect(None, token), method, ("UNAUTHENTICATED",), **request(method))


@pytest.mark.parametrize("role,method", [("imap", m) for m in ADMIN_CALLS + DELIVERY_CALLS] + [("lmtp", m) for m in ADMIN_CALLS + MAIL_CALLS + ["Auth.Authenticate"]])
def test_a_role_ends_at_its_calls(connect, role, method):
    fields = request(method) if method != "Auth.Authenticate" else {"username": b"x", "password": b"y", "scope": "imap"}
    refused(connect(role), method, ("FORBIDDEN",), **fields)


@pytest.mark.parametrize("method", MAIL_CALLS)
def test_the_imap_role_reads_nothing_without_a_session(server, connect, method):
    user, _ = login(connect("imap"), server.user())
    client = connect("imap")
    refused(client, method, ("UNAUTHENTICATED",), **request(method))
    refused(client, method, ("UNAUTHENTICATED", "FORBIDDEN"), **request(method, user=user))


@pytest.fixture(scope="module")
def two(server, connect):
    """Ann with a message, and Bob's session."""
    client = connect("imap")
    ann, ann_token = login(client, server.user())
    bob, bob_token = login(client, server.user())
    client.call("wd.v1.Messages.Append", path=b"INBOX", raw=MESSAGE, session_token=ann_token)
    box = client.call("wd.v1.Mailboxes.Open", path=b"INBOX", session_token=ann_token).mailbox.id
    return client, ann, ann_token, bob, bob_token, box


@pytest.mark.parametrize("method", [m for m in MAIL_CALLS if m.startswith("Messages.") and m != "Messages.Append"])
def test_anothers_mailbox_is_not_found_by_its_id(two, method):
    client, ann, ann_token, bob, bob_token, box = two
    refused(client, method, ("MAILBOX_NOT_FOUND", "MESSAGE_NOT_FOUND"), bob_token, **request(method, mailbox=box))
    refused(client, method, ("FORBIDDEN",), bob_token, **request(method, user=ann, mailbox=box))
    # To a session, another's mailbox is as one that was deleted.
    changes = client.call("wd.v1.Mailboxes.Changes", session_token=bob_token, **request("Mailboxes.Changes", mailbox=box)).changes
    assert {c.kind for c in changes} <= {wdrpc.modules()["mailboxes"].MailboxChange.DELETED}
    got = client.call("wd.v1.Messages.Fetch", session_token=ann_token, **request("Messages.Fetch", mailbox=box))
    assert [(m.uid, m.system_flags) for m in got.messages] == [(1, 0)]


@pytest.mark.parametrize("method", MAIL_CALLS)
def test_a_session_acts_for_its_user_only(two, method):
    client, ann, _, _, bob_token, box = two
    refused(client, method, ("FORBIDDEN",), bob_token, **request(method, user=ann, mailbox=box))


def test_tokens_cannot_be_changed(two):
    client, _, token, _, _, box = two
    for n in range(0, len(token), 3):
        bad = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1:]
        refused(client, "Mailboxes.List", ("UNAUTHENTICATED", "TOKEN_EXPIRED"), bad)
    refused(client, "Mailboxes.List", ("UNAUTHENTICATED", "TOKEN_EXPIRED"), token[:-1])


def test_a_session_token_is_no_service_token(connect, two):
    _, _, token, _, _, _ = two
    refused(connect(None, token), "Mailboxes.List", ("UNAUTHENTICATED",), token)


def test_a_new_password_ends_sessions(server, connect):
    client, admin = connect("imap"), connect("admin")
    name = server.user()
    user, token = login(client, name)
    client.call("wd.v1.Mailboxes.List", session_token=token)
    admin.call("wd.v1.Users.Update", user=wdrpc.modules()["users"].UserRef(id=user), password=b"another")
    refused(client, "Mailboxes.List", ("TOKEN_EXPIRED", "UNAUTHENTICATED"), token)


def test_a_repeat_with_the_same_key_gets_the_first_outcome(two):
    client, _, token, _, _, _ = two
    first = client.call("wd.v1.Messages.Append", path=b"Drafts", raw=MESSAGE, session_token=token, key="once")
    again = client.call("wd.v1.Messages.Append", path=b"Drafts", raw=MESSAGE, session_token=token, key="once")
    assert first == again
    assert client.call("wd.v1.Mailboxes.Status", path=b"Drafts", session_token=token).messages == 1


def test_a_service_reads_for_a_user_with_the_http_role(two, connect):
    _, ann, _, _, _, box = two
    http = connect("http")
    got = http.call("wd.v1.Messages.ReadBody", user=ann, **request("Messages.ReadBody", mailbox=box))
    assert got.data == MESSAGE
    feed = http.call("wd.v1.Events.Changes", user=ann)
    assert feed.next_cursor


def test_a_foreign_user_cannot_connect_to_the_sockets(server):
    for socket in (server.data / "run").glob("*.ipc"):
        assert socket.stat().st_mode & 0o077 == 0
    assert (server.data.stat().st_mode & 0o077) == 0
