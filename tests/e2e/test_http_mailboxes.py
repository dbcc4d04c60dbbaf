"""The HTTP API: mailboxes."""
import json

import pytest
from harness.wire import Imap
from test_http_core import Api, guarded, panel  # noqa: F401

NOBODY = "1" * 24


class Http(Api):
    """Parameters may have any name."""

    def ask(self, method, url, status=200, /, **params):
        body, headers = (json.dumps(params), {"Content-Type": "application/json"}) if params else (None, {})
        r, data = self.raw(method, url, body, headers)
        assert r.status == status, (r.status, data)
        return json.loads(data)

    def post(self, url, status=200, /, **params):
        return self.ask("POST", url, status, **params)


@pytest.fixture
def root(guarded):  # noqa: F811
    return Http(guarded, "topsecret")


@pytest.fixture
def ann(guarded, root):
    """An account: its API with its own token, name and id."""
    name = guarded.user(password="correct horse")
    login = root.post("/authenticate", username=name, password="correct horse", token=True)
    api = Http(guarded, login["token"])
    api.name, api.id = name, login["id"]
    return api


@pytest.fixture
def other(guarded, root):
    name = guarded.user(password="correct horse")
    return root.post("/authenticate", username=name, password="correct horse")["id"]


def boxes(api, query=""):
    return {m["path"]: m for m in api.get(f"/users/me/mailboxes{query}")["results"]}


def refused(operation, code, told):
    return {"error": f"Mailbox {operation} failed with code {told}", "code": code}


def test_the_list_of_a_new_account(ann):
    got = ann.get("/users/me/mailboxes")
    assert [m["path"] for m in got["results"]] == ["INBOX", "Drafts", "Junk", "Sent Mail", "Trash"]
    by_path = boxes(ann)
    assert {p: m.get("specialUse", "absent") for p, m in by_path.items()} == {
        "INBOX": None, "Drafts": "\\Drafts", "Junk": "\\Junk", "Sent Mail": "\\Sent", "Trash": "\\Trash"}
    inbox = by_path["INBOX"]
    assert {k: v for k, v in inbox.items() if k != "id"} == {
        "name": "INBOX", "path": "INBOX", "specialUse": None, "modifyIndex": 0, "subscribed": True, "hidden": False, "encryptMessages": False}
    assert ann.get("/users/me/mailboxes?sess=s&ip=192.0.2.1") == got


def test_the_order_and_the_choices_of_the_list(guarded, ann):
    for path in ("b", "A", "Ämter", "inbox/work", "INBOX/Zoo", "deep/er/one", "c"):
        ann.post("/users/me/mailboxes", path=path)
    ids = {p: m["id"] for p, m in boxes(ann).items()}
    ann.ask("PUT", f"/users/me/mailboxes/{ids['A']}", subscribed=False)
    ann.post("/users/me/mailboxes", path="secret", hidden=True)
    got = ann.get("/users/me/mailboxes")["results"]
    assert [m["path"] for m in got] == ["INBOX", "INBOX/work", "INBOX/Zoo", "b", "c", "deep/er/one", "Drafts", "Junk", "Sent Mail", "Trash", "Ämter", "A"]
    assert {m["path"]: m["name"] for m in got}["deep/er/one"] == "one" and "specialUse" not in boxes(ann)["b"]
    assert boxes(ann, "?showHidden=true")["secret"]["hidden"] is True and "secret" not in boxes(ann)
    assert list(boxes(ann, "?specialUse=yes")) == ["INBOX", "Drafts", "Junk", "Sent Mail", "Trash"]


def test_counters_and_sizes(guarded, ann):
    imap = Imap(guarded.imap, ann.name, "correct horse")
    sizes = []
    for i, flags in enumerate(("", "\\Seen", "")):
        message = b"Subject: x\r\n\r\n" + b"y" * 100 * (i + 1) + b"\r\n"
        imap.append("INBOX", message, flags)
        sizes.append(len(message))
    imap.logout()
    got = boxes(ann, "?counters=true&sizes=1")
    assert (got["INBOX"]["total"], got["INBOX"]["unseen"], got["INBOX"]["size"]) == (3, 2, sum(sizes))
    assert (got["Trash"]["total"], got["Trash"]["unseen"]) == (0, 0) and "size" not in got["Trash"]
    assert "total" not in boxes(ann)["INBOX"] and got["INBOX"]["modifyIndex"] >= 3
    shown = ann.get(f"/users/me/mailboxes/{got['INBOX']['id']}")
    assert shown == {"success": True, **{k: v for k, v in got["INBOX"].items() if k != "size"}}


def test_creating(guarded, ann, root):
    made = ann.post("/users/me/mailboxes", path="/Work/Plans", retention=86400000, hidden=False, encryptMessages=True)
    assert set(made) == {"success", "id"}
    row = boxes(ann)["Work/Plans"]
    assert row["id"] == made["id"] and row["retention"] == 86400000 and row["encryptMessages"] is True and row["subscribed"] is True
    imap = Imap(guarded.imap, ann.name, "correct horse")
    imap.ok("SELECT Work/Plans")
    imap.logout()
    for path in ("Work/Plans", "Trash", "inbox", "INBOX"):
        assert ann.post("/users/me/mailboxes", 400, path=path) == refused("creation", "MailboxExistsError", "MailboxAlreadyExists")
    assert root.post(f"/users/{NOBODY}/mailboxes", 404, path="x") == {"error": "This user does not exist", "code": "UserNotFound"}
    ann.post("/users/me/mailboxes", path="none", retention=0)
    assert "retention" not in boxes(ann)["none"]


@pytest.mark.parametrize("path,text", [
    ("a//b", "\"path\" with value \"a//b\" matches the inverted pattern: /\\/{2,}|\\/$/"),
    ("a/", "\"path\" with value \"a/\" matches the inverted pattern: /\\/{2,}|\\/$/"),
    ("/".join("a" * 129), "The mailbox path cannot be more than 128 levels deep"),
    ("a/" + "ä" * 513, "Any part of the mailbox path cannot be longer than 512 chars long"),
    ("", '"path" is not allowed to be empty')])
def test_paths_that_no_mailbox_may_have(ann, path, text):
    told = {"error": text, "code": "InputValidationError", "details": {"path": text}}
    assert ann.post("/users/me/mailboxes", 400, path=path) == told
    inbox = boxes(ann)["INBOX"]["id"]
    assert ann.ask("PUT", f"/users/me/mailboxes/{inbox}", 400, path=path) == told


def test_the_longest_names(ann):
    ann.post("/users/me/mailboxes", path="ä" * 512)
    ann.post("/users/me/mailboxes", path="/".join("a" * 128))
    assert {"ä" * 512, "/".join("a" * 128)} <= set(boxes(ann))


def test_showing(ann, root):
    made = ann.post("/users/me/mailboxes", path="one/two")["id"]
    got = ann.get(f"/users/me/mailboxes/{made.upper()}")
    assert got == {"success": True, "id": made, "name": "two", "path": "one/two", "modifyIndex": 0, "subscribed": True, "hidden": False,
                   "encryptMessages": False, "total": 0, "unseen": 0}
    assert ann.get("/users/me/mailboxes/resolve?path=one/two") == got
    assert ann.get("/users/me/mailboxes/resolve?path=INBOX")["specialUse"] is None
    gone = {"error": "This mailbox does not exist", "code": "NoSuchMailbox"}
    assert ann.get("/users/me/mailboxes/resolve?path=inbox", 404) == gone
    assert ann.get("/users/me/mailboxes/resolve?path=nothing", 404) == gone
    assert ann.get(f"/users/me/mailboxes/{NOBODY}", 404) == gone
    assert ann.get("/users/me/mailboxes/resolve", 400)["details"] == {"path": '"path" is required'}
    assert ann.get("/users/me/mailboxes/xyz", 400)["code"] == "InputValidationError"
    assert root.get(f"/users/{NOBODY}/mailboxes/{made}", 404)["code"] == "UserNotFound"
    assert root.get(f"/users/{NOBODY}/mailboxes", 404)["code"] == "UserNotFound"


def test_changing(guarded, ann):
    box = ann.post("/users/me/mailboxes", path="old")["id"]
    ann.post("/users/me/mailboxes", path="old/child")
    path = f"/users/me/mailboxes/{box}"
    assert ann.ask("PUT", path, path="new", retention=1000, subscribed=False, hidden=False, encryptMessages=True) == {"success": True}
    row = boxes(ann)["new"]
    assert (row["id"], row["retention"], row["subscribed"], row["encryptMessages"]) == (box, 1000, False, True)
    assert "old/child" in boxes(ann) and "old" not in boxes(ann)
    ann.ask("PUT", path, retention="")
    assert "retention" not in boxes(ann)["new"]
    ann.ask("PUT", path, path="new")  # its own name
    ann.ask("PUT", path, hidden=True)
    assert ann.ask("PUT", path, 400, path="other") == refused("rename", "DisallowedMailboxMethod", "DisallowedMailboxMethod")
    ids = {p: m["id"] for p, m in boxes(ann).items()}
    ann.ask("PUT", f"/users/me/mailboxes/{ids['Trash']}", path="Bin")
    assert boxes(ann)["Bin"]["specialUse"] == "\\Trash"
    imap = Imap(guarded.imap, ann.name, "correct horse")
    imap.ok("SELECT Bin")
    imap.logout()


def test_changes_that_are_refused(ann):
    ids = {p: m["id"] for p, m in boxes(ann).items()}
    inbox = f"/users/me/mailboxes/{ids['INBOX']}"
    assert ann.ask("PUT", inbox, 400) == {"error": "Nothing was changed"}
    assert ann.ask("PUT", inbox, 400, path="other") == refused("rename", "DisallowedMailboxMethod", "DisallowedMailboxMethod")
    assert ann.ask("PUT", inbox, 400, subscribed=False) == refused("update", "DisallowedMailboxMethod", "DisallowedMailboxMethod")
    assert ann.ask("PUT", f"/users/me/mailboxes/{ids['Trash']}", 400, path="Junk") == refused("rename", "MailboxExistsError", "MailboxAlreadyExists")
    assert ann.ask("PUT", f"/users/me/mailboxes/{NOBODY}", 404, path="x") == refused("rename", "NoSuchMailbox", "NoSuchMailbox")
    assert ann.ask("PUT", f"/users/me/mailboxes/{NOBODY}", 404, subscribed=True) == refused("update", "NoSuchMailbox", "NoSuchMailbox")
    assert ann.ask("PUT", inbox, 400, retention=-1, other=1)["details"] == {
        "retention": '"retention" must be greater than or equal to 0', "other": '"other" is not allowed'}


def test_another_accounts_mailbox_is_not_there(guarded, ann, root, other):
    theirs = root.get(f"/users/{other}/mailboxes")["results"]
    box = next(m["id"] for m in theirs if m["path"] == "Trash")
    assert ann.get(f"/users/me/mailboxes/{box}", 404)["code"] == "NoSuchMailbox"
    for method, params in (("PUT", {"subscribed": False}), ("PUT", {"path": "x"}), ("DELETE", {})):
        assert ann.ask(method, f"/users/me/mailboxes/{box}", 404, **params)["code"] == "NoSuchMailbox"
    assert root.get(f"/users/{other}/mailboxes")["results"] == theirs
    # And with the other account in the path it is not permitted.
    for method, path, params in (("GET", "", {}), ("POST", "", {"path": "x"}), ("GET", f"/{box}", {}), ("PUT", f"/{box}", {"path": "x"}),
                                 ("DELETE", f"/{box}", {})):
        assert ann.ask(method, f"/users/{other}/mailboxes{path}", 403, **params)["code"] == "MissingPrivileges"


@pytest.mark.parametrize("role,status", [("root", 200), ("webmail", 200), ("manager", 403), ("downloader", 403), ("audit", 403)])
def test_roles(panel, ann, role, status):
    panel(role).get(f"/users/{ann.id}/mailboxes", status)


def test_deleting(guarded, ann):
    box = ann.post("/users/me/mailboxes", path="going")["id"]
    ann.post("/users/me/mailboxes", path="going/child")
    imap = Imap(guarded.imap, ann.name, "correct horse")
    imap.append("going", b"Subject: x\r\n\r\ny\r\n")
    assert ann.ask("DELETE", f"/users/me/mailboxes/{box}") == {"success": True}
    assert "going" not in boxes(ann) and "going/child" in boxes(ann)
    assert ann.ask("DELETE", f"/users/me/mailboxes/{box}", 404) == refused("deletion", "NoSuchMailbox", "NoSuchMailbox")
    ids = {p: m["id"] for p, m in boxes(ann).items()}
    hidden = ann.post("/users/me/mailboxes", path="hidden", hidden=True)["id"]
    for one in (ids["INBOX"], ids["Trash"], hidden):
        assert ann.ask("DELETE", f"/users/me/mailboxes/{one}", 400) == refused("deletion", "DisallowedMailboxMethod", "DisallowedMailboxMethod")
    imap.logout()
