"""What another reader of the database relies on: every collection's fields with type and condition, as a table, and the check of a row.

The fields of WildDuck are here; those that only we write are the ones that docs/storage.md marks with a plus, and are read from there.
"""
import base64
import datetime
import hashlib
import re

from .mongo import pymongo
from .server import ROOT

import bson

assert pymongo
CHUNK = 255 * 1024
INDEXED = ("to", "cc", "subject", "from", "sender", "reply-to", "message-id", "thread-index", "list-id", "delivered-to")
SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
HASH = re.compile(r"(\$pbkdf2-sha256\$i=\d+\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43})?")

oid, text, date, doc, rows, binary = bson.ObjectId, str, datetime.datetime, dict, list, bytes
NUMBER, BOOL, NO = "number", "bool", "false"
OPTIONAL = True


def is_of(value, kind):
    if kind == NUMBER:
        return type(value) in (int, bson.Int64) or (type(value) is float and value.is_integer())
    if kind in (BOOL, NO):
        return value is False or (kind == BOOL and value is True)
    return isinstance(value, kind)


def texts(values, row=None):
    return all(isinstance(v, str) for v in values)


def dotless(name, label=True):
    local, at, domain = name.partition("@")
    return (local.split("+")[0] if label else local).replace(".", "").lower() + at + domain.lower()


def mirrors(flag, inverse=False):
    return lambda value, row: value == ((flag in row["flags"]) != inverse)


def flags(values, row):
    """System flags in their own spelling, each once."""
    return texts(values) and len({v.lower() for v in values}) == len(values) and all(v in SYSTEM for v in values if v.startswith("\\"))


# ---- the parts of a message ----

def is_tree(node, row, root=True):
    kinds = {"header": rows, "parsedHeader": doc, "body": (binary, NO), "multipart": (text, NO), "boundary": (text, NO), "size": NUMBER,
             "lineCount": NUMBER}
    extra = set(node) - set(kinds) - {"childNodes", "message", "attachmentId"} - ({"attachmentMap"} if root else set())
    assert not extra, extra
    for name, wanted in kinds.items():
        assert any(is_of(node[name], k) for k in (wanted if isinstance(wanted, tuple) else (wanted,))), (name, node[name])
    assert texts(node["header"]) and all(ord(c) < 256 for line in node["header"] for c in line)
    assert all(re.fullmatch("[a-z0-9*-]{1,99}", key) for key in node["parsedHeader"])
    kind = node["parsedHeader"]["content-type"]
    assert texts([kind["value"], kind["type"], kind["subtype"]]) and isinstance(kind["params"], dict) and kind["hasParams"] == bool(kind["params"])
    assert bool(node["multipart"]) == ("childNodes" in node)
    if "attachmentId" in node:
        assert re.fullmatch(r"ATT\d{5}", node["attachmentId"]) and node["body"] is False
        assert len(row["mimeTree"]["attachmentMap"][node["attachmentId"]]) == 32
    if root:
        assert all(isinstance(v, bytes) and len(v) == 32 for v in node["attachmentMap"].values())
    return all(is_tree(child, row, False) for child in node.get("childNodes", []) + ([node["message"]] if "message" in node else []))


def is_string(value):
    """As ENVELOPE and BODYSTRUCTURE have them: text that is not ASCII is binary."""
    return value is None or (isinstance(value, str) and value.isascii()) or isinstance(value, bytes)


def is_people(value):
    return value is None or all(len(row) == 4 and row[1] is None and all(map(is_string, row)) for row in value)


def is_envelope(value, row=None):
    return len(value) == 10 and all(map(is_string, value[:2] + value[8:])) and all(map(is_people, value[2:8]))


def is_structure(part, row=None):
    if isinstance(part[0], list):
        parts = [p for p in part if isinstance(p, list) and p and (isinstance(p[0], list) or (len(p) > 6 and is_of(p[6], NUMBER)))]
        return all(map(is_structure, parts)) and isinstance(part[len(parts)], str)
    assert part[0].isupper() and part[1].isupper() and part[5].isupper() and is_of(part[6], NUMBER), part
    if part[:2] == ["MESSAGE", "RFC822"]:
        return is_envelope(part[7]) and is_structure(part[8]) and is_of(part[9], NUMBER)
    return part[0] != "TEXT" or is_of(part[7], NUMBER)


def is_headers(values, row):
    return all(set(v) == {"key", "value"} and v["key"] in INDEXED and v["value"] == v["value"].lower() and
               len(v["value"].encode()) <= 880 for v in values)


ATTACHMENT = {"id": (text,), "filename": ((text, NO),), "contentType": (text,), "disposition": (text,), "transferEncoding": (text,),
              "cid": (text, None, OPTIONAL), "related": (BOOL,), "sizeKb": (NUMBER,), "size": (NUMBER,), "fileContentHash": (text,)}
META = {"source": (text, lambda v, r: v in ("IMAP", "MX", "API", "AUTO")), "from": (text, None, OPTIONAL), "to": ((text, rows), None, OPTIONAL),
        "origin": (text, None, OPTIONAL), "originhost": (text, None, OPTIONAL), "transhost": (text, None, OPTIONAL),
        "transtype": (text, None, OPTIONAL), "transactionId": (text, None, OPTIONAL), "queueId": (text, None, OPTIONAL), "time": (date,)}
FILE_META = {"c": (NUMBER,), "m": (NUMBER,), "cu": (date,), "esize": (NUMBER,), "transferEncoding": (text,), "decoded": (BOOL, None, OPTIONAL),
             "lineLen": (NUMBER, lambda v, r: 1 <= v <= 998, OPTIONAL), "fileContentHash": (text, lambda v, r: len(base64.b64decode(v)) == 32)}


def each(table, name):
    return lambda values, row: all(check_fields(table, value, name) for value in values)


def one(table, name):
    return lambda value, row: check_fields(table, value, name)


# ---- the collections: field → type (or several), condition, OPTIONAL ----

MESSAGE = {
    "_id": (oid,), "root": (oid,), "v": (text, lambda v, r: v == "1.0"), "user": (oid,), "mailbox": (oid,), "thread": (oid,),
    "uid": (NUMBER, lambda v, r: v > 0), "modseq": (NUMBER, lambda v, r: v > 0), "exp": (BOOL,), "rdate": (NUMBER, lambda v, r: v > 10**12),
    "userDeleted": (BOOL, None, OPTIONAL), "idate": (date,), "hdate": (date,), "flags": (rows, flags), "unseen": (BOOL, mirrors("\\Seen", True)),
    "undeleted": (BOOL, mirrors("\\Deleted", True)), "flagged": (BOOL, mirrors("\\Flagged")), "draft": (BOOL, mirrors("\\Draft")),
    "searchable": (BOOL, lambda v, r: v is True and "\\Deleted" not in r["flags"], OPTIONAL), "junk": (BOOL, lambda v, r: v is True, OPTIONAL),
    "copied": (BOOL, None, OPTIONAL), "size": (NUMBER,), "headers": (rows, is_headers), "mimeTree": (doc, is_tree), "envelope": (rows, is_envelope),
    "bodystructure": (rows, is_structure), "msgid": (text, lambda v, r: re.fullmatch("<[^<>]+>", v)),
    "subject": (text, lambda v, r: v == " ".join(v.split())), "ha": (BOOL, lambda v, r: v == any(a["disposition"] != "inline" for a in r["attachments"])),
    "attachments": (rows, each(ATTACHMENT, "attachments")), "magic": (NUMBER, lambda v, r: 0 <= v <= 65535),
    "text": (text, lambda v, r: len(v) <= 1024 and "\r" not in v), "textFooter": (text, lambda v, r: len(r["text"]) == 1024, OPTIONAL),
    "html": (rows, texts), "intro": (text, lambda v, r: len(v) <= 129), "meta": (doc, one(META, "meta")),
}
OF_MESSAGE = {"uid": (NUMBER, lambda v, r: v > 0), "message": (oid,), "thread": (oid,), "ignore": (text, None, OPTIONAL)}
JOURNAL = {"_id": (oid,), "command": (text,), "user": (oid,), "mailbox": (oid,), "modseq": (NUMBER,), "created": (date,)}
COMMANDS = {
    "EXISTS": OF_MESSAGE | {"unseen": (BOOL,), "idate": (date,), "junk": (NUMBER, lambda v, r: v in (1, -1), OPTIONAL)},
    "EXPUNGE": OF_MESSAGE | {"unseen": (BOOL,)},
    "FETCH": OF_MESSAGE | {"flags": (rows, flags), "unseenChange": (BOOL,)},
    "CREATE": {"path": (text,)}, "RENAME": {"path": (text,)}, "DELETE": {}, "NOOP": {},
}


def authlog_key(value, row):
    """MD5 of what makes two events the same."""
    same = "^".join(row.get(f, "") for f in ("protocol", "ip", "action", "result", "target"))
    return value == hashlib.md5(same.encode()).digest()


def is_thread_ids(values, row):
    return 0 < len(values) and all(len(base64.b64decode(v + "=")) == 20 for v in values)


TABLES = {
    "users": {
        "_id": (oid,), "username": (text,), "unameview": (text, lambda v, r: v == dotless(r["username"], label=False)), "name": (text,),
        "password": (text, lambda v, r: HASH.fullmatch(v)), "tempPassword": ((doc, NO), None, OPTIONAL), "oldPasswords": (rows, None, OPTIONAL),
        "passwordChange": (date, None, OPTIONAL), "authVersion": (NUMBER,), "enabled2fa": (rows, texts), "address": (text,), "language": (text,),
        "retention": (NUMBER,), "storageUsed": (NUMBER, lambda v, r: v >= 0), "quota": (NUMBER,), "recipients": (NUMBER,), "forwards": (NUMBER,),
        "spamLevel": (NUMBER, lambda v, r: 0 <= v <= 100), "disabledScopes": (rows, texts, OPTIONAL), "activated": (BOOL,), "disabled": (BOOL,),
        "suspended": (BOOL,), "created": (date,),
        "lastLogin": (doc, one({"time": (date,), "authEvent": (oid,), "ip": (text,)}, "lastLogin"), OPTIONAL)},
    "addresses": {"_id": (oid,), "user": (oid,), "name": (text, None, OPTIONAL), "address": (text,),
                  "addrview": (text, lambda v, r: v == dotless(r["address"])), "created": (date,)},
    "domainaliases": {"_id": (oid,), "alias": (text,), "domain": (text,), "created": (date,)},
    "mailboxes": {
        "_id": (oid,), "user": (oid,), "path": (text,), "specialUse": (text, lambda v, r: v in ("\\Sent", "\\Trash", "\\Drafts", "\\Junk"), OPTIONAL),
        "uidValidity": (NUMBER, lambda v, r: v > 10**9), "uidNext": (NUMBER, lambda v, r: v > 0), "modifyIndex": (NUMBER,), "subscribed": (BOOL,),
        "flags": (rows, texts), "retention": (NUMBER,), "hidden": (BOOL, None, OPTIONAL)},
    "messages": MESSAGE,
    "archived": MESSAGE | {"archived": (date,), "exp": (BOOL, lambda v, r: v is True)},
    "journal": JOURNAL,
    "threads": {"_id": (oid,), "user": (oid,), "subject": (text,), "ids": (rows, is_thread_ids), "updated": (date,)},
    "authlog": {
        "_id": (oid,), "user": (oid,), "action": (text,), "result": (text,), "protocol": (text, None, OPTIONAL), "ip": (text, None, OPTIONAL),
        "sess": (text, None, OPTIONAL), "requiredScope": (text, None, OPTIONAL), "source": (text, None, OPTIONAL), "asp": (oid, None, OPTIONAL),
        "aname": (text, None, OPTIONAL), "appId": (text, None, OPTIONAL), "key": (binary, authlog_key), "events": (NUMBER,), "created": (date,),
        "last": (date,), "expires": (date,)},
    "settings": {"_id": (oid,), "key": (text,), "value": (text, None, OPTIONAL), "encrypted": (BOOL, None, OPTIONAL), "enumerable": (BOOL,),
                 "created": (date,)},
    "attachments.files": {
        "_id": (binary, lambda v, r: len(v) == 32), "length": (NUMBER,), "chunkSize": (NUMBER, lambda v, r: v == CHUNK), "uploadDate": (date,),
        "contentType": (text,), "metadata": (doc, one(FILE_META, "attachments.files metadata"))},
    "attachments.chunks": {"_id": (oid,), "files_id": (binary,), "n": (NUMBER,), "data": (binary, lambda v, r: 0 < len(v) <= CHUNK)},
}


def ours():
    """What docs/storage.md marks as our own: {section or collection: names}."""
    found, section = {}, ""
    for line in (ROOT / "docs/storage.md").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        for name in re.findall(r"\*\*\+\*\* `([^`]+)`", line):
            row = re.match(r"\| `(\w+)` \|", line) if section == "Others" else None
            for collection in [c for c in TABLES if re.search(rf"\b{re.escape(c)}\b", row[1] if row else section)] or ["others"]:
                found.setdefault(collection, set()).add(name)
    return found


OURS = ours()


def is_ours(name, field):
    """A field of a collection, or of "collection sub-document"."""
    collection, _, path = name.partition(" ")
    return (path + "." + field if path else field) in OURS.get(collection, ())


def check_fields(table, row, name):
    for field, (kinds, *rest) in table.items():
        condition, optional = (rest + [None, False])[:2]
        if field not in row:
            assert optional, f"{name}: no {field} in {row}"
            continue
        assert any(is_of(row[field], k) for k in (kinds if isinstance(kinds, tuple) else (kinds,))), f"{name}: {field} is {row[field]!r}"
        assert condition is None or condition(row[field], row), f"{name}: {field} is {row[field]!r}"
    extra = {f for f in row if f not in table and not is_ours(name, f)}
    assert not extra, f"{name}: {extra} in {row}"
    return True


def check_row(collection, row):
    """One document of a collection."""
    table = TABLES[collection]
    if collection == "journal":
        table = table | COMMANDS[row["command"]]
    if collection in ("messages", "archived"):
        assert ("searchable" in row) == ("\\Deleted" not in row["flags"]), row["flags"]
    return check_fields(table, row, collection)


# ---- a reader that knows nothing of our fields ----

def rebuild(node, body_of, root=None):
    """A message out of its tree alone: header lines, an empty line, the body; blocks joined by CRLF."""
    root = root or node
    head = b"\r\n".join(line.encode("latin-1") for line in node["header"]) + b"\r\n\r\n"
    if "message" in node:
        return head + rebuild(node["message"], body_of, root)
    body = body_of(root["attachmentMap"][node["attachmentId"]]) if "attachmentId" in node else node["body"] or b""
    if not node["multipart"]:
        return head + body
    line = b"--" + node["boundary"].encode()
    blocks = [body] if body else []
    for child in node["childNodes"]:
        blocks += [line, rebuild(child, body_of, root)]
    return head + b"\r\n".join(blocks + [line + b"--"])


def body_of(database):
    """Reads the GridFS bucket as any driver would; decoded ones are encoded in lines, a full last line of one line gets its CRLF."""
    def read(key):
        row = database["attachments.files"].find_one({"_id": key})
        data = b"".join(bytes(c["data"]) for c in database["attachments.chunks"].find({"files_id": key}).sort("n", 1))
        assert len(data) == row["length"] and base64.b64encode(hashlib.sha256(data).digest()).decode() == row["metadata"]["fileContentHash"]
        if not row["metadata"].get("decoded"):
            return data
        digits, length = base64.b64encode(data), int(row["metadata"]["lineLen"])
        lines = [digits[i:i + length] for i in range(0, len(digits), length)]
        return b"\r\n".join(lines) + (b"\r\n" if lines == [digits] and len(digits) == length and length > 76 else b"")
    return read
