"""The core of the HTTP API: conventions, tokens and roles, authentication, the authlog, its description."""
import base64
import http.client
import json
import os
import re
import socket
import subprocess
import venv

import pytest
from harness import wdrpc
from harness.server import ROOT
from harness.wire import Imap, ImapError


class Api:
    """Requests with a token (None: without one)."""

    def __init__(self, server, token=None):
        self.port, self.token = server.http, token

    def raw(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, body, {**({"X-Access-Token": self.token} if self.token else {}), **(headers or {})})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r, data

    def ask(self, method, path, status=200, **params):
        """The JSON of the answer, whose status must be this."""
        body, headers = (json.dumps(params), {"Content-Type": "application/json"}) if params else (None, {})
        r, data = self.raw(method, path, body, headers)
        assert r.status == status, (r.status, data)
        return json.loads(data)

    def get(self, path, status=200):
        return self.ask("GET", path, status)

    def post(self, path, status=200, **params):
        return self.ask("POST", path, status, **params)


def store_of(server):
    token = (server.data / "tokens/admin").read_text().strip()
    return wdrpc.Client(f"ipc://{server.data}/run/store.ipc", service_token=token)


@pytest.fixture(scope="session")
def guarded(setup):
    """A server that asks for tokens."""
    s = setup({"api.accessControl.enabled": "true", "api.accessToken": "topsecret"}).start()
    yield s
    s.close()


@pytest.fixture
def root(guarded):
    return Api(guarded, "topsecret")


@pytest.fixture
def panel(guarded):
    """Makes an Api with a token of a role."""
    store = store_of(guarded)
    return lambda role: Api(guarded, store.call("wd.v1.Auth.CreateAccessToken", name="panel", role=role).token)


@pytest.fixture
def account(guarded):
    """name, password and id of a new account."""
    name = guarded.user(password="correct horse")
    return name, "correct horse", store_of(guarded).call("wd.v1.Users.Get", user={"username": name.encode()}).id


def login(root, account, **more):
    return root.post("/authenticate", username=account[0], password=account[1], **more)


# ---- POST /authenticate ----

def test_a_login_answers_exactly_this(root, account):
    name, password, user = account
    assert login(root, account) == {"success": True, "id": user, "username": name, "address": f"{name}@example.com", "scope": "master",
                                    "require2fa": False, "requirePasswordChange": False}
    got = root.post("/authenticate", username=f"{name}+label@example.com", password=password, scope="imap", protocol="IMAP",
                    sess="s1", ip="192.0.2.7", appId="https://app.example/")
    assert got["id"] == user and got["scope"] == "imap"


def test_a_wrong_password_tells_the_id_and_an_unknown_name_nothing(root, account):
    got = root.post("/authenticate", 403, username=account[0], password="wrong")
    assert got == {"error": "Authentication failed", "code": "AuthFailed", "id": account[2]}
    got = root.post("/authenticate", 403, username="nobodyatall", password="wrong")
    assert got == {"error": "Authentication failed", "code": "AuthFailed"}


def test_a_dozen_failures_lock_the_account_for_a_while(root, account):
    for _ in range(12):
        root.post("/authenticate", 403, username=account[0], password="wrong")
    got = root.post("/authenticate", 403, username=account[0], password=account[1])
    assert got["code"] == "RateLimitedError" and "Try again in" in got["error"]


def test_a_disabled_scope_is_told(guarded, root, account):
    store_of(guarded).call("wd.v1.Users.Update", user={"id": account[2]}, disabled_scopes=["imap"], set_disabled_scopes=True)
    assert root.post("/authenticate", 403, username=account[0], password=account[1], scope="imap")["code"] == "InvalidAuthScope"
    assert root.post("/preauth", 403, username=account[0], scope="imap")["code"] == "InvalidAuthScope"
    assert root.post("/preauth", username=account[0])["require2fa"] is False


@pytest.mark.parametrize("params,details", [
    ({}, {"username": '"username" is required', "password": '"password" is required'}),
    ({"username": "a b", "password": ""}, {"username": '"username" does not match any of the allowed types',
                                           "password": '"password" is not allowed to be empty'}),
    ({"username": "ann", "password": "x", "scope": "ftp"}, {"scope": '"scope" must be one of [master, imap, pop3, smtp]'}),
    ({"username": "ann", "password": "x", "token": "maybe", "other": 1}, {"token": '"token" must be a boolean', "other": '"other" is not allowed'}),
    ({"username": "ann", "password": "x" * 257}, {"password": '"password" length must be less than or equal to 256 characters long'}),
    ({"username": "ann", "password": "x", "sess": "s" * 256, "ip": "no"}, {
        "sess": '"Session identifier" length must be less than or equal to 255 characters long',
        "ip": '"Client IP" must be a valid ip address of one of the following versions [ipv4, ipv6] with a forbidden CIDR'})])
def test_everything_that_is_wrong_is_told_at_once(root, params, details):
    got = root.post("/authenticate", 400, **params) if params else root.ask("POST", "/authenticate", 400)
    assert got == {"error": ". ".join(details.values()), "code": "InputValidationError", "details": details}


# ---- tokens ----

def test_a_users_token_is_good_for_its_user_only(guarded, root, account):
    token = login(root, account, token=True)["token"]
    assert re.fullmatch("[0-9a-f]{40}", token)
    ann = Api(guarded, token)
    assert ann.get("/users/me/authlog") == ann.get(f"/users/{account[2]}/authlog") == root.get(f"/users/{account[2]}/authlog")
    other = guarded.user()
    other_id = store_of(guarded).call("wd.v1.Users.Get", user={"username": other.encode()}).id
    for path in (f"/users/{other_id}/authlog", f"/users/{'0' * 24}/authlog"):
        assert ann.get(path, 403) == {"error": "Not enough privileges", "code": "MissingPrivileges"}
    assert ann.post("/user/create", 200, username="x" * 8, password="secret")["error"] == "Not enough privileges"
    assert ann.post("/authenticate", 403, username=account[0], password=account[1])["code"] == "MissingPrivileges"
    # Another user in the body or the query string does not help.
    assert ann.get(f"/users/{other_id}/authlog?user={account[2]}", 403)["code"] == "MissingPrivileges"


def test_only_a_login_with_scope_master_makes_a_token(root, account):
    assert root.post("/authenticate", 400, username=account[0], password=account[1], scope="imap", token=True)["code"] == "InputValidationError"


def test_a_token_is_forgotten_on_request(guarded, root, account):
    ann = Api(guarded, login(root, account, token=True)["token"])
    other = Api(guarded, login(root, account, token=True)["token"])
    assert ann.ask("DELETE", "/authenticate") == {"success": True}
    assert ann.get("/users/me/authlog", 403) == {"code": "InvalidToken", "message": "Invalid accessToken value"}
    assert other.get("/users/me/authlog")["success"]
    assert root.ask("DELETE", "/authenticate") == {"success": True}
    assert root.get("/health")["success"]


def test_a_new_password_ends_the_tokens(guarded, root, account):
    ann = Api(guarded, login(root, account, token=True)["token"])
    assert ann.get("/users/me/authlog")["success"]
    root.post("/user/password", username=account[0], password="another secret")
    assert ann.get("/users/me/authlog", 403)["code"] == "InvalidToken"


def test_tokens_survive_a_restart(setup):
    s = setup({"api.accessControl.enabled": "true"}).start()
    try:
        token = store_of(s).call("wd.v1.Auth.CreateAccessToken", name="panel", role="manager").token
        panel = Api(s, token)
        panel.post("/user/create", username="annabel", password="secret")
        user = Api(s, panel.post("/authenticate", username="annabel", password="secret", token=True)["token"])
        s.stop()
        s.start()
        assert panel.get("/health")["success"]
        assert user.get("/users/me/authlog")["success"]
    finally:
        s.close()


def test_a_wrong_token_fails_on_an_open_server_too(server):
    assert Api(server).get("/health")["success"]
    for token in ("wrong", "0" * 40, "topsecret"):
        r, data = Api(server).raw("GET", f"/health?accessToken={token}")
        assert r.status == 403 and json.loads(data)["code"] == "InvalidToken"


def test_without_a_token_nothing_is_told(guarded):
    for method, path in (("GET", "/health"), ("POST", "/authenticate"), ("GET", "/user?username=ann"), ("GET", f"/users/{'1' * 24}/authlog")):
        r, data = Api(guarded).raw(method, path)
        assert r.status == 403 and json.loads(data)["code"] == "InvalidToken", path
    assert Api(guarded).get("/nothing", 404)["code"] == "ResourceNotFound"


@pytest.mark.parametrize("role,what,status", [
    ("root", "authenticate", 200), ("manager", "authenticate", 200), ("webmail", "authlog", 200), ("auth", "authenticate", 200),
    ("auth", "authlog", 403), ("tokenAuth", "authenticate", 200), ("audit", "authenticate", 403), ("settings", "authlog", 403),
    ("downloader", "authenticate", 403), ("auth", "create", 403), ("webmail", "create", 403), ("manager", "create", 200)])
def test_roles_may_what_they_may(panel, account, role, what, status):
    api = panel(role)
    if what == "authenticate":
        got = api.post("/authenticate", status, username=account[0], password=account[1], token=True)
        assert ("token" in got) == (status == 200 and role != "auth")
    elif what == "authlog":
        api.get(f"/users/{account[2]}/authlog", status)
    else:
        got = api.post("/user/create", 200, username="p" + os.urandom(4).hex(), password="secret")
        assert ("success" in got) == (status == 200)


def test_a_role_that_nobody_knows_is_no_token(panel):
    assert panel("emperor").get("/health", 403)["code"] == "InvalidToken"


# ---- POST /preauth, the authlog ----

def test_preauth(root, account):
    name, _, user = account
    assert root.post("/preauth", username=name) == {"success": True, "id": user, "username": name, "address": f"{name}@example.com",
                                                    "scope": "master", "require2fa": False}
    assert root.post("/preauth", 403, username="nobodyatall") == {"error": "Authentication failed", "code": "AuthFailed"}


def test_the_authlog_tells_what_happened(root, account):
    user = account[2]
    root.post("/authenticate", 403, username=account[0], password="wrong", ip="192.0.2.1", sess="s1")
    for _ in range(2):
        root.post("/authenticate", username=account[0], password=account[1], ip="192.0.2.2", protocol="PANEL", appId="https://a.example")
    root.post("/user/password", username=account[0], password="another secret")
    got = root.get(f"/users/{user}/authlog")
    assert got["total"] == len(got["results"]) >= 3 and got["page"] == 1 and got["nextCursor"] is False and got["previousCursor"] is False
    assert "action" not in got
    rows = [r for r in got["results"] if r["action"] == "authentication"]
    assert [(r["result"], r["ip"], r["events"]) for r in rows] == [("success", "192.0.2.2", 2), ("fail", "192.0.2.1", 1)]
    assert rows[0]["protocol"] == "PANEL" and rows[0]["source"] == "master" and rows[0]["requiredScope"] == "master" and rows[0]["appId"] == "https://a.example"
    assert rows[1]["protocol"] == "API" and rows[1]["sess"] == "s1"
    for row in got["results"]:
        assert re.fullmatch("[0-9a-f]{24}", row["id"]) and len(base64.b64decode(row["key"])) == 16
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row[f]) for f in ("created", "last", "expires"))
    assert root.get(f"/users/{user}/authlog/{rows[0]['id']}") == {"success": True, **rows[0]}
    assert root.get(f"/users/{user}/authlog/{rows[0]['id'].upper()}")["id"] == rows[0]["id"]


def test_the_authlog_is_filtered(root, account):
    user = account[2]
    for ip in ("192.0.2.1", "192.0.2.2"):
        root.post("/authenticate", username=account[0], password=account[1], ip=ip)
    root.post("/user/password", username=account[0], password="another secret")
    got = root.get(f"/users/{user}/authlog?action=%20AUTHENTICATION")
    assert got["action"] == "authentication" and got["total"] == 2 and {r["action"] for r in got["results"]} == {"authentication"}
    assert [r["ip"] for r in root.get(f"/users/{user}/authlog?filterip=192.0.2.1")["results"]] == ["192.0.2.1"]
    assert root.get(f"/users/{user}/authlog?action=")["total"] >= 3
    assert root.get(f"/users/{user}/authlog?filterip=", 400)["details"] == {"filterip": '"Client IP" is not allowed to be empty'}


def test_the_authlog_is_paged_both_ways(root, account):
    user = account[2]
    for i in range(5):
        root.post("/authenticate", username=account[0], password=account[1], ip=f"192.0.2.{i}")
    path = f"/users/{user}/authlog?action=authentication&limit=2"
    first = root.get(path)
    second = root.get(f"{path}&page=2&next={first['nextCursor']}")
    third = root.get(f"{path}&page=3&next={second['nextCursor']}")
    ips = [[r["ip"][-1] for r in p["results"]] for p in (first, second, third)]
    assert [len(page) for page in ips] == [2, 2, 1]
    assert sorted(sum(ips, [])) == list("01234")  # replicas that write in the same second have no order
    assert (first["page"], second["page"], third["page"]) == (1, 2, 3)
    assert first["previousCursor"] is False and third["nextCursor"] is False and {p["total"] for p in (first, second, third)} == {5}
    back = root.get(f"{path}&page=2&previous={third['previousCursor']}")
    assert back["results"] == second["results"] and back["page"] == 2
    again = root.get(f"{path}&page=1&previous={back['previousCursor']}")
    assert again["results"] == first["results"] and again["page"] == 1 and again["previousCursor"] is False
    padded = second["nextCursor"] + "=" * (-len(second["nextCursor"]) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded)) == {"$oid": second["results"][-1]["id"]}
    pair = base64.urlsafe_b64encode(b'["x",{"$oid":"%s"}]' % (b"0" * 24)).decode().rstrip("=")
    for bad in ("a.b", "abc", pair):
        assert root.get(f"{path}&next={bad}", 400)["code"] == "InputValidationError"
    assert root.get(f"{path}0&limit=251", 400)["code"] == "InputValidationError"


def test_authlog_errors(root, account):
    nobody = "1" * 24
    gone = {"error": "This user does not exist", "code": "UserNotFound"}
    assert root.get(f"/users/{nobody}/authlog", 404) == gone
    assert root.get(f"/users/{nobody}/authlog/{nobody}", 404) == gone
    assert root.get(f"/users/{account[2]}/authlog/{nobody}", 404) == {"error": "Event was not found", "code": "EventNotFound"}
    assert root.get("/users/xyz/authlog", 400)["details"] == {"user": '"user" must only contain hexadecimal characters'}
    assert root.get(f"/users/{account[2]}/authlog/", 400)["details"] == {"event": '"event" is not allowed to be empty'}
    assert root.get(f"/users/{account[2]}/authlog?x=1", 400)["details"] == {"x": '"x" is not allowed'}
    assert root.get("/users/me/authlog", 400)["code"] == "InputValidationError"  # no account is behind this token


def test_another_users_event_is_not_there(guarded, root, account):
    other = guarded.user(password="secret")
    other_id = store_of(guarded).call("wd.v1.Users.Get", user={"username": other.encode()}).id
    root.post("/authenticate", username=other, password="secret")
    event = root.get(f"/users/{other_id}/authlog")["results"][0]["id"]
    assert root.get(f"/users/{account[2]}/authlog/{event}", 404)["code"] == "EventNotFound"


# ---- the wire ----

def exchange(port, request):
    """Everything that is answered until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(request)
        data = b""
        while piece := s.recv(65536):
            data += piece
    return data


@pytest.mark.parametrize("request_bytes,status,code", [
    (b"nonsense\r\n\r\n", 400, "BadRequest"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "BadRequest"),
    (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "HttpVersionNotSupported"),
    (b"BREW /health HTTP/1.1\r\nHost: a\r\n\r\n", 501, "NotImplemented"),
    (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "RequestHeaderFieldsTooLarge"),
    (b"POST /preauth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n", 413, "RequestEntityTooLarge"),
    (b"GET /users/%zz/authlog HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404, "ResourceNotFound"),
    (b"GET /health?%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, None),
    (b"POST /preauth?a=%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400, "InvalidContent")])
def test_every_refusal_is_json(server, request_bytes, status, code):
    head, _, body = exchange(server.http, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert json.loads(body).get("code") == code
    assert b"Content-Type: application/json" in head


def test_methods_paths_and_cors(server):
    api = Api(server)
    r, data = api.raw("HEAD", "/health")
    assert r.status == 405 and r.getheader("Allow") == "GET" and data == b""
    r, _ = api.raw("OPTIONS", "/health")
    assert r.status == 405
    r, data = api.raw("OPTIONS", "/any/path", headers={"Origin": "https://mail.example", "Access-Control-Request-Method": "PUT"})
    assert (r.status, data) == (204, b"")
    assert r.getheader("Access-Control-Allow-Origin") == "https://mail.example" and r.getheader("Access-Control-Allow-Methods") == "PUT,OPTIONS"
    r, _ = api.raw("GET", "/health", headers={"Origin": "https://mail.example"})
    assert r.getheader("Access-Control-Allow-Origin") == "https://mail.example" and "origin" in r.getheader("Vary")
    assert api.get("/health/", 404)["code"] == "ResourceNotFound"


def test_a_connection_is_used_again(server):
    c = http.client.HTTPConnection("127.0.0.1", server.http, timeout=30)
    c.connect()
    port = c.sock.getsockname()[1]
    for path, body in (("/health", None), ("/preauth", "{}"), ("/nothing", "x" * 5000), ("/health", None)):
        c.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"} if body else {})
        r = c.getresponse()
        r.read()
        assert c.sock and c.sock.getsockname()[1] == port, path
    c.close()


def test_https(setup):
    import ssl
    s = setup({"api.secure": "true"}).start()
    try:
        context = ssl._create_unverified_context()
        c = http.client.HTTPSConnection("127.0.0.1", s.http, timeout=30, context=context)
        c.request("GET", "/health")
        assert json.loads(c.getresponse().read()) == {"success": True}
        c.close()
    finally:
        s.close()


# ---- the description ----

def validator():
    """An interpreter that has openapi-spec-validator, in a virtual environment under build/."""
    if os.environ.get("WD_OPENAPI_PYTHON"):
        return os.environ["WD_OPENAPI_PYTHON"]
    home = ROOT / "build/venv-openapi"
    python = home / "bin/python"
    if not python.exists() or subprocess.run([python, "-c", "import openapi_spec_validator"], capture_output=True).returncode:
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "openapi-spec-validator==0.7.1"], check=True, timeout=300)
    return python


def test_the_description_is_valid_openapi(server, tmp_path):
    r, data = Api(server).raw("GET", "/openapi.json")
    assert r.status == 200 and r.getheader("Content-Type") == "application/json; charset=utf-8"
    described = json.loads(data)
    assert described["paths"]["/users/{user}/authlog"]["get"]["operationId"] == "getAuthlog"
    file = tmp_path / "openapi.json"
    file.write_bytes(data)
    done = subprocess.run([validator(), "-m", "openapi_spec_validator", str(file)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "OK" in done.stdout, done.stdout + done.stderr


def test_the_description_needs_no_token(guarded):
    assert Api(guarded).raw("GET", "/openapi.json")[0].status == 200


def test_imap_sessions_end_with_the_password(guarded, root, account):
    Imap(guarded.imap, account[0], account[1]).logout()
    root.post("/user/password", username=account[0], password="another secret")
    with pytest.raises(ImapError):
        Imap(guarded.imap, account[0], account[1])
