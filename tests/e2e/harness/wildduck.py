"""A WildDuck installation as its database has it, older and newer shapes: accounts, addresses, mailboxes, messages, journal.

Made of what docs/storage.md says is stored; every message's original bytes are kept beside it, as what has to come back.
"""
import datetime
import hashlib
import time

from . import wildduck_mail as mail
from .mongo import pymongo

import bson

assert pymongo
oid = bson.ObjectId
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
SHORT_LIVED = 30 * 24 * 3600 * 1000
PASSWORD = "pass"  # of all hashes
HASHES = {
    "pbkdf2-sha256": "$pbkdf2-sha256$i=100000$c2l4dGVlbiBieXRlIHNhbA$1A/CMh5ekOER6yuMGbAy/XHQB56D9QN3/6lycjeeszE",
    "pbkdf2-sha256 of 25000": "$pbkdf2-sha256$i=25000$c2l4dGVlbiBieXRlIHNhbA$3s8ZBXiZP8xQ9H+n0hRJ1NTpxeeLfc5JUIIcyHVbBnQ",
    "pbkdf2-sha512": "$pbkdf2-sha512$i=100000$c2l4dGVlbiBieXRlIHNhbA$TftEJOzR0RqlrRsMNJuNPrPdI7FHPQbZ+gWtg5rJewQKK6Gt7hwF8vo8uZFymBMAuu/MG66JyvkbjX/LkBxy2A",
    "pbkdf2-sha1": "$pbkdf2-sha1$i=25000$c2l4dGVlbiBieXRlIHNhbA$001y27TXKFRjYYKucIyPoF5hQZs",
    "bcrypt 2a": "$2a$05$abcdefghijklmnopqrstuuZFBUbfXoM8LFiPx8LYlO/sXZB/Cwk3K",
    "bcrypt 2b": "$2b$05$abcdefghijklmnopqrstuuZFBUbfXoM8LFiPx8LYlO/sXZB/Cwk3K",
    "bcrypt 2y": "$2y$05$abcdefghijklmnopqrstuuZFBUbfXoM8LFiPx8LYlO/sXZB/Cwk3K",
    "sha512-crypt": "$6$saltsalt$KN.twvCyfwE67paW76hS2/bacYkY9PxIhxqYG9vL5bZmIwWBGDJ6mu4HlCosKUBfQwVXKXxXVXPcqdwd1Ip0X/",
    "sha256-crypt": "$5$saltsalt$9k0iflfLhuazVMAUTm0egnVlpP5ays5xBLqSJuoPfB9",
    "md5-crypt": "$1$saltsalt$hZR.9zfJXcVTsa9iTxnQR1",
    "argon2d": "$argon2d$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$/XwKbZ3x26FzGwK2rRX7vRYbf4bLXsq/yxgplDlp/M8",
    "argon2i": "$argon2i$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$//jxRKdGXnWmS12W0TARyfgu4hW5nXOuZJ0S+m6Q6ko",
    "argon2id": "$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHQ$kEPpE/5nhZv1qV/+C+Tb3FkR1zdASb+kN4xvj4+0PwA",
    "des-crypt": "abccBcrPOxnLU",
}
NOT_TAKEN = {
    "yescrypt": "$y$j9T$abcdefghijklmnop$tPZHPt2RDskBwX0BzpdM161VbNQjHixSpBm9bcbRNt7",
    "plain": PASSWORD,
    "none": "",
}
ASP = "abcdefghijklmnop"  # an application password; what people type has blanks and capitals

UNIQUE, SPARSE, EXPIRING = {"unique": True}, {"sparse": True}, {"partialFilterExpression": {"exp": True}}
SEARCHABLE = {"partialFilterExpression": {"searchable": True}}
INDEXES = {  # name, keys, options: those of WildDuck that wd-store wants too, and some that it does not
    "users": [("users", "username 1", {}), ("users_dotless", "unameview 1", UNIQUE), ("show_new", "created -1", {}), ("users_tags", "tagsview 1", SPARSE)],
    "addresses": [("address_dotless", "addrview 1", UNIQUE), ("address_tags", "tagsview 1", SPARSE), ("address_paging", "addrview 1, _id 1", {}),
                  ("user", "user 1", {})],
    "domainaliases": [("domainalias", "alias 1", UNIQUE), ("domainlist", "domain 1", {})],
    "asps": [("asps_user", "user 1", {}), ("entry_autoexpire", "expires 1", {"expireAfterSeconds": 0})],
    "authlog": [("user", "user 1, _id -1", {}), ("insert", "user 1, created 1, key 1", {}), ("by_ip", "ip 1", SPARSE),
                ("entry_autoexpire", "expires 1", {"expireAfterSeconds": 0})],
    "mailboxes": [("user_path", "user 1, path 1", UNIQUE), ("user_subscribed", "user 1, subscribed 1", {}), ("find_by_type", "user 1, specialUse 1", {})],
    "messages": [("mailbox_uid_shard", "_id 1, mailbox 1, uid 1", {}), ("user_messages_by_thread", "user 1, thread 1", {}),
                 ("mailbox_uid", "mailbox 1, uid 1, _id 1", {}), ("mailbox_uid_reverse", "mailbox 1, uid -1, _id -1", {}),
                 ("mailbox_modseq_uid", "mailbox 1, modseq 1, uid 1", {}), ("mailbox_flags", "mailbox 1, flags 1", {}),
                 ("by_idate", "mailbox 1, idate 1", {}), ("by_hdate", "mailbox 1, hdate 1, msgid 1", {}), ("by_size", "mailbox 1, size 1", {}),
                 ("by_headers", "mailbox 1, headers.key 1, headers.value 1", {}),
                 ("fulltext", "user 1, headers.value text, text text", SEARCHABLE), ("mailbox_unseen_flag", "mailbox 1, unseen 1", {}),
                 ("user_unseen_flag", "user 1, unseen 1", SEARCHABLE), ("mailbox_undeleted_flag", "mailbox 1, undeleted 1", {}),
                 ("mailbox_flagged_flag", "mailbox 1, flagged 1", {}), ("mailbox_draft_flag", "mailbox 1, draft 1", {}),
                 ("has_attachment", "mailbox 1, ha 1", {}), ("retention_time", "exp 1, rdate 1", EXPIRING)],
    "archived": [("user_messages", "user 1, _id 1", {}), ("user_messages_archived", "user 1, archived 1", {}), ("retention_time", "exp 1, rdate 1", EXPIRING)],
    "attachments.files": [("related_attachments_cu", "metadata.c 1, metadata.m 1, metadata.cu 1", {})],
    "attachments.chunks": [("files_id_1_n_1", "files_id 1, n 1", UNIQUE)],
    "journal": [("mailbox_modseq", "mailbox 1, modseq 1", {}), ("user_limit_id", "user 1, _id 1", {}), ("user_limit_id_reverse", "user 1, _id -1", {}),
                ("journal_autoexpire", "created 1", {"expireAfterSeconds": 10800})],
    "threads": [("thread", "user 1, ids 1", {}), ("thread_autoexpire", "updated 1", {"expireAfterSeconds": 15552000})],
    "settings": [("key_unique", "key 1, enumerable 1", UNIQUE)],
    "addressregister": [("by_address", "user 1, addrview 1, updated -1", {}), ("by_name", "user 1, name 1, updated -1", {})],
}


def numbers(kind):
    """How a writer puts a number: JavaScript as int32 or double, others all as double or all as long."""
    if kind == "double":
        return float
    if kind == "long":
        return bson.Int64
    return lambda value: value if -2**31 <= value < 2**31 else float(value)


def selector(password):
    return "%x" % (sum(hashlib.sha1(password.encode()).digest()) % 32)


def pbkdf2(password, iterations=1000):
    salt = b"sixteen byte sal"
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return f"$pbkdf2-sha256$i={iterations}${base64_of(salt)}${base64_of(digest)}"


def base64_of(data):
    return mail.base64.b64encode(data).decode().rstrip("=")


def dotless(address):
    local, at, domain = address.partition("@")
    return local.split("+")[0].replace(".", "").lower() + at + domain.lower()


class Box:
    def __init__(self, row):
        self.row, self.messages = row, []  # (uid, Message, document)


class Account:
    """A user with mailboxes; `n` puts its numbers."""

    def __init__(self, installation, row, n):
        self.installation, self.row, self.n, self.boxes = installation, row, n, {}
        self.id, self.name, self.used = row["_id"], row["username"], 0

    def box(self, path, special=None, old=False, **named):
        """A mailbox; an old one has neither flags nor retention."""
        n = self.n
        row = {"_id": oid(), "user": self.id, "path": path, "uidValidity": n(1500000000 + len(self.boxes)), "uidNext": n(1),
               "modifyIndex": n(0), "subscribed": True}
        row |= {} if old else {"flags": [], "retention": n(SHORT_LIVED if special in ("\\Trash", "\\Junk") else 0)}
        row |= {"specialUse": special} if special else {}
        self.installation.rows["mailboxes"].append(row | named)
        self.boxes[path] = Box(self.installation.rows["mailboxes"][-1])
        return self.boxes[path]

    def bump(self, box, field):
        box.row[field] = self.n(int(box.row[field]) + 1)
        return int(box.row[field])

    def add(self, box, message, flags=(), drop=(), idate=None, journal=True):
        """Stores a message; `drop`: fields that its release did not write."""
        i, n = self.installation, self.n
        uid, modseq = self.bump(box, "uidNext") - 1, self.bump(box, "modifyIndex")
        magic = (uid * 7919 + len(i.rows["messages"]) * 31) % 65536
        raw = message.bytes()
        outside = {}
        for part in message.walk():
            if part.is_outside():
                outside[id(part)] = ("ATT%05d" % (len(outside) + 1), i.attach(part, magic, n))
        listed = [row for p in message.walk() if id(p) in outside and (row := mail.listed(p, outside[id(p)][0], n))]
        plain = next((p.body.decode("utf-8", "replace").replace("\r\n", "\n") for p in message.walk() if p.kind == "text/plain"), "")
        key, deleted = oid(), "\\Deleted" in flags
        doc = {"_id": key, "root": key, "v": "1.0", "exp": False, "rdate": n(int(time.time() * 1000)), "idate": idate or NOW - DAY,
               "userDeleted": False, "hdate": datetime.datetime(2019, 5, 4, 12, 0, tzinfo=datetime.timezone.utc), "flags": list(flags),
               "size": n(len(raw)), "headers": mail.headers(message), "mimeTree": mail.tree(message, n, outside),
               "envelope": mail.envelope(message), "bodystructure": mail.structure(message, n), "msgid": message.msgid,
               "user": self.id, "mailbox": box.row["_id"], "uid": n(uid), "modseq": n(modseq), "thread": oid(),
               "unseen": "\\Seen" not in flags, "undeleted": not deleted, "flagged": "\\Flagged" in flags, "draft": "\\Draft" in flags,
               "magic": n(magic), "subject": message.subject, "ha": bool(listed), "attachments": listed, "copied": False,
               "text": plain[:1024], "html": ["<p>" + plain[:100] + "</p>"], "intro": plain[:100],
               "meta": {"source": "MX", "from": message.sender[0][1], "to": [self.row["address"]], "origin": "192.0.2.1",
                        "originhost": "mx.example.net", "transhost": "mx.example.net", "transtype": "ESMTPS", "time": NOW - DAY}}
        doc |= {} if deleted else {"searchable": True}
        doc |= {"textFooter": plain[1024:102400]} if len(plain) > 1024 else {}
        for field in drop:
            doc.pop(field, None)
        i.rows["messages"].append(doc)
        i.rows["threads"].append({"_id": doc["thread"], "user": self.id, "subject": message.subject.lower(),
                                  "ids": [base64_of(hashlib.sha1(message.msgid.strip("<>").encode()).digest())], "updated": NOW})
        if journal:
            i.rows["journal"].append({"_id": oid(), "command": "EXISTS", "uid": n(uid), "message": key, "thread": doc["thread"],
                                      "unseen": doc["unseen"], "idate": doc["idate"], "user": self.id, "mailbox": box.row["_id"],
                                      "modseq": n(modseq), "created": NOW})
        self.used += len(raw)
        self.row["storageUsed"] = n(self.used)
        box.messages.append((uid, message, doc))
        return uid

    def archive(self, box, message):
        """One that was removed: a message's document with the time of it."""
        self.add(box, message, journal=False)
        uid, _, doc = box.messages.pop()
        i, n = self.installation, self.n
        i.rows["messages"].remove(doc)
        self.used -= len(message.bytes())
        self.row["storageUsed"] = n(self.used)
        i.rows["archived"].append(doc | {"archived": NOW, "exp": True, "rdate": n(int(time.time() * 1000) + 25 * 24 * 3600 * 1000)})
        i.rows["journal"].append({"_id": oid(), "command": "EXPUNGE", "uid": n(uid), "message": doc["_id"], "thread": doc["thread"],
                                  "unseen": doc["unseen"], "user": self.id, "mailbox": box.row["_id"],
                                  "modseq": n(self.bump(box, "modifyIndex")), "created": NOW})


class Installation:
    """Rows by collection until write() puts them into a database."""

    USERS = ("users", "deletedusers", "addresses", "domainaliases", "asps", "authlog")
    MAIN = ("mailboxes", "messages", "archived", "journal", "threads", "settings", "filters", "autoreplies", "addressregister", "tasks")
    FILES = ("attachments.files", "attachments.chunks")

    def __init__(self):
        self.rows = {name: [] for name in (*self.USERS, *self.MAIN, *self.FILES)}
        self.files = {}

    def attach(self, part, magic, n, used=1):
        """One more reference (none: a body that was used until lately); the key."""
        row, chunks = mail.stored(part, n, NOW - DAY)
        key = bytes(row["_id"])
        if key not in self.files:
            self.files[key] = row
            self.rows["attachments.files"].append(row)
            self.rows["attachments.chunks"] += [{"_id": oid(), "files_id": key, "n": n(i), "data": data} for i, data in chunks]
        meta = self.files[key]["metadata"]
        meta["c"], meta["m"] = n(int(meta["c"]) + used), n(int(meta["m"]) + magic)
        return key

    def oldest_user(self, name, password, n=float, **named):
        """As the first releases made them."""
        row = {"_id": oid(), "username": name, "unameview": dotless(name), "password": password, "address": "", "storageUsed": n(0),
               "quota": n(0), "recipients": n(0), "forwards": n(0), "retention": n(0), "filters": [], "created": NOW - 400 * DAY}
        return self.enter(row | named, n)

    def user(self, name, password, n=numbers("js"), **named):
        """As the latest releases make them."""
        row = {"_id": oid(), "username": name, "unameview": dotless(name), "name": "Ann Ünicode", "password": password, "address": "",
               "language": "en", "storageUsed": n(0), "quota": n(10 * 2**30), "recipients": n(2000), "forwards": n(0), "filters": n(0),
               "retention": n(0), "imapMaxUpload": n(0), "imapMaxDownload": n(0), "pop3MaxDownload": n(0), "pop3MaxMessages": n(0),
               "imapMaxConnections": n(0), "receivedMax": n(0), "targets": [], "autoreply": False, "uploadSentMessages": False,
               "pubKey": "", "encryptMessages": False, "encryptForwarded": False, "spamLevel": n(50), "disabledScopes": [],
               "fromWhitelist": [], "tags": ["Staff"], "tagsview": ["staff"], "metaData": "{}", "internalData": "{}", "featureFlags": {},
               "enabled2fa": [], "seed": "", "pendingSeed": "", "pendingSeedChanged": False, "authVersion": n(3), "tempPassword": False,
               "oldPasswords": [{"date": NOW - 30 * DAY, "hash": HASHES["bcrypt 2b"]}], "passwordChange": NOW - 30 * DAY, "activated": True,
               "disabled": False, "suspended": False, "created": NOW - 90 * DAY,
               "lastLogin": {"time": NOW - DAY, "authEvent": oid(), "ip": "192.0.2.7"}}
        return self.enter(row | named, n)

    def enter(self, row, n):
        self.rows["users"].append(row)
        account = Account(self, row, n)
        self.address(account, row["username"] + "@example.com")
        row["address"] = row["address"] or row["username"] + "@example.com"
        return account

    def address(self, account, address, **named):
        """With no account a forwarding address."""
        owner = {"user": account.id} if account else {}
        self.rows["addresses"].append({"_id": oid(), "address": address, "addrview": dotless(address), "created": NOW} | owner | named)

    def asp(self, account, scopes, password=ASP, **named):
        self.rows["asps"].append({"_id": oid(), "user": account.id, "description": "phone", "scopes": scopes, "password": pbkdf2(password),
                                  "selector": selector(password), "used": False, "authEvent": False, "authIp": False, "created": NOW} | named)

    def write(self, main, users, files):
        """Into three databases (which may be one)."""
        for database, names in ((main, self.MAIN), (users, self.USERS), (files, self.FILES)):
            for name in names:
                for index, keys, options in INDEXES.get(name, []):
                    split = [(k.split()[0], {"1": 1, "-1": -1}.get(k.split()[1], k.split()[1])) for k in keys.split(", ")]
                    database[name].create_index(split, name=index, **options)
                if self.rows[name]:
                    database[name].insert_many(self.rows[name])
