"""The early HTTP API, byte shapes included, and GET /health."""
import http.client
import json
import os
import re

import pytest
from harness.server import Server
from harness.wire import Imap, ImapError, Lmtp


class Api:
    def __init__(self, port):
        self.port = port

    def request(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r, data

    def post(self, path, **params):
        r, data = self.request("POST", path, json.dumps(params), {"Content-Type": "application/json"})
        assert r.status == 200, (r.status, data)
        return json.loads(data)

    def get(self, path):
        r, data = self.request("GET", path)
        assert r.status == 200, (r.status, data)
        return json.loads(data)


@pytest.fixture
def api(server):
    return Api(server.http)


@pytest.fixture
def name():
    return "ann" + os.urandom(5).hex()


def test_create_answers_the_name_and_no_more(api, name):
    assert api.post("/user/create", username=name.upper(), password="secret") == {"success": True, "username": name}


def test_answers_are_pretty_json_with_a_final_line_end(api, name):
    r, data = api.request("POST", "/user/create", json.dumps({"username": name, "password": "secret"}), {"Content-Type": "application/json"})
    assert r.getheader("Content-Type") == "application/json; charset=utf-8"
    assert int(r.getheader("Content-Length")) == len(data)
    assert data == b'{\n  "success": true,\n  "username": "%s"\n}\n' % name.encode()


def test_forms_and_query_parameters_work_too(api, name):
    r, data = api.request("POST", f"/user/create?username={name}", "password=se+cret&username=other", {"Content-Type": "application/x-www-form-urlencoded"})
    assert json.loads(data) == {"success": True, "username": name}
    assert api.get(f"/user?username={name}")["username"] == name


def test_a_taken_name_is_an_error_with_status_200(api, name):
    api.post("/user/create", username=name, password="secret")
    got = api.post("/user/create", username=name, password="secret")
    assert "success" not in got and got["error"] and got["username"] == name


def test_the_account_logs_in_at_once_and_gets_mail_after_its_address(server, api, name):
    api.post("/user/create", username=name, password="secret")
    imap = Imap(server.imap, name, "secret")
    assert {b"INBOX", b"Sent Mail", b"Trash", b"Drafts", b"Junk"} == {
        re.search(rb'"([^"]*)"$', line).group(1) for line in imap.lines('LIST "" "*"') if line.startswith(b"* LIST")}
    lmtp = Lmtp(server.lmtp)
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect(f"RCPT TO:<{name}@example.org>", "550")
    assert api.post("/user/address/create", username=name, address=f"{name}@example.org") == {
        "success": True, "username": name, "address": f"{name}@example.org"}
    lmtp.expect(f"RCPT TO:<{name}@example.org>", "250")
    assert lmtp.data(b"Subject: first\r\n\r\nbody\r\n", 1)[0].startswith(b"250 ")
    assert imap.status("INBOX")["MESSAGES"] == 1
    imap.logout()


def test_the_oldest_form_makes_account_and_address(server, api, name):
    got = api.post("/user/create", username=f"{name}@example.com", password="secret")
    assert re.fullmatch("[0-9a-f]{24}", got.pop("id"))
    assert got == {"success": True, "username": f"{name}@example.com"}
    assert Lmtp(server.lmtp).deliver(b"Subject: x\r\n\r\nx\r\n", [f"{name}@example.com"])[0].startswith(b"250 ")
    Imap(server.imap, f"{name}@example.com", "secret").logout()


def test_addresses_main_and_unicode(api, name):
    api.post("/user/create", username=name, password="secret")
    api.post("/user/address/create", username=name, address=f"{name}@example.com")
    api.post("/user/address/create", username=name, address=f"почта{name}@пример.рф")
    api.post("/user/address/create", username=name, address=f"z{name}@example.com", main="Y")
    rows = api.get(f"/user?username={name}")["addresses"]
    assert {r["address"]: r["main"] for r in rows} == {
        f"{name}@example.com": False, f"почта{name}@пример.рф": False, f"z{name}@example.com": True}
    for row in rows:
        assert re.fullmatch("[0-9a-f]{24}", row["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["created"])


def test_an_address_in_use_is_refused_whatever_its_dots_and_case(api, name):
    api.post("/user/create", username=name, password="secret")
    api.post("/user/create", username=name + "x", password="secret")
    api.post("/user/address/create", username=name, address=f"{name}@example.com")
    for again in (f"{name}@example.com", f"a.n{name[2:]}@EXAMPLE.com"):
        got = api.post("/user/address/create", username=name + "x", address=again)
        assert "success" not in got and got["username"] == name + "x" and got["address"] == again
    assert "error" in api.post("/user/address/create", username=name, address=f"{name}+label@example.com")


def test_quota_applies_at_once(server, api, name):
    api.post("/user/create", username=name, password="secret")
    api.post("/user/address/create", username=name, address=f"{name}@example.com")
    assert api.post("/user/quota", username=name, quota=3000, recipients="500") == {
        "success": True, "username": name, "quota": 3000, "recipients": 500, "forwards": 0}
    lmtp = Lmtp(server.lmtp)
    assert lmtp.deliver(b"Subject: x\r\n\r\n" + b"y" * 1000 + b"\r\n", [f"{name}@example.com"])[0].startswith(b"250 ")
    lmtp.command("RSET")
    imap = Imap(server.imap, name, "secret")
    imap.append("INBOX", b"Subject: x\r\n\r\n" + b"y" * 3000 + b"\r\n")
    lmtp.expect("MAIL FROM:<a@example.net>", "250")
    lmtp.expect(f"RCPT TO:<{name}@example.com>", "552")
    with pytest.raises(ImapError, match="OVERQUOTA"):
        imap.append("INBOX", b"Subject: y\r\n\r\n\r\n")
    got = api.get(f"/user?username={name}")
    assert got["quota"] == 3000 and got["storageUsed"] >= 3000
    assert "error" in api.post("/user/quota", username=name, quota=0)
    assert "error" in api.post("/user/quota", username=name)
    imap.logout()


def test_quota_reset_recounts(server, api, name):
    api.post("/user/create", username=name, password="secret")
    imap = Imap(server.imap, name, "secret")
    imap.append("INBOX", b"Subject: x\r\n\r\nbody\r\n")
    size = len(b"Subject: x\r\n\r\nbody\r\n")
    assert api.post("/user/quota/reset", username=name) == {
        "success": True, "username": name, "previousStorageUsed": size, "storageUsed": size}
    imap.logout()


def test_a_new_password_counts_at_once(server, api, name):
    api.post("/user/create", username=name, password="secret")
    assert api.post("/user/password", username=name, password="another") == {"success": True, "username": name}
    Imap(server.imap, name, "another").logout()
    with pytest.raises(ImapError, match="AUTHENTICATIONFAILED"):
        Imap(server.imap, name, "secret")


def test_account_data(api, name):
    api.post("/user/create", username=name, password="secret", quota=1234567)
    got = api.get(f"/user?username={name}")
    assert got == {"success": True, "username": name, "quota": 1234567, "storageUsed": 0, "recipients": 0, "recipientsSent": 0,
                   "recipientsLimited": False, "recipientsTtl": False, "forwards": 0, "forwardsSent": 0, "forwardsLimited": False,
                   "forwardsTtl": False, "addresses": []}


@pytest.mark.parametrize("path,params", [
    ("/user/create", {}), ("/user/create", {"username": "ab", "password": "secret"}), ("/user/create", {"username": "a.b", "password": "secret"}),
    ("/user/create", {"username": "x" * 31, "password": "secret"}), ("/user/create", {"username": "abcd", "password": "xy"}),
    ("/user/create", {"username": "abcd", "password": "secret", "quota": "many"}), ("/user/password", {"username": "nobodyatall", "password": "secret"}),
    ("/user/address/create", {"username": "nobodyatall", "address": "a@example.com"}), ("/user/quota", {"username": "nobodyatall", "quota": 1}),
    ("/user/quota/reset", {"username": "nobodyatall"})])
def test_errors_are_texts_with_status_200(api, path, params):
    got = api.post(path, **params)
    assert got["error"] and "success" not in got and "code" not in got


def test_framework_errors(api):
    r, data = api.request("GET", "/nothing")
    assert r.status == 404 and json.loads(data)["code"] == "ResourceNotFound"
    r, data = api.request("DELETE", "/user/create")
    assert r.status == 405 and json.loads(data)["code"] == "MethodNotAllowed"
    r, data = api.request("POST", "/user/create", b"{", {"Content-Type": "application/json"})
    assert r.status == 400 and json.loads(data)["code"] == "InvalidContent"


def test_health(api):
    assert api.get("/health") == {"success": True}


def test_a_configured_token_is_asked_for():
    s = Server({"api.accessToken": "topsecret"}).start()
    try:
        api = Api(s.http)
        for path, headers, status in (("/health", {}, 403), ("/health?accessToken=wrong", {}, 403), ("/health?accessToken=topsecret", {}, 200),
                                      ("/health", {"X-Access-Token": "topsecret"}, 200), ("/health", {"Authorization": "Bearer topsecret"}, 200)):
            r, data = api.request("GET", path, None, headers)
            assert r.status == status, (path, headers)
            if status == 403:
                assert json.loads(data)["code"] == "InvalidToken"
    finally:
        s.close()
