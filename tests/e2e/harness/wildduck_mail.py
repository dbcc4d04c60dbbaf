"""Messages as WildDuck stores them: from one description the original bytes and the fields of the document (docs/storage.md).

Nothing here parses: the bytes and the tree are both put together from parts, so that neither is made of the other.
"""
import base64
import hashlib
import re

CRLF = b"\r\n"
CHUNK = 255 * 1024
INLINE = 300 * 1024
SHOWN = ("text/plain", "text/html", "text/rfc822-headers", "message/delivery-status")
INDEXED = ("to", "cc", "subject", "from", "sender", "reply-to", "message-id", "thread-index", "list-id", "delivered-to")
ADDRESSES = ("from", "to", "cc", "bcc", "sender", "reply-to")


class Part:
    """A MIME part. One of body, parts (a multipart) and message (message/rfc822)."""

    def __init__(self, kind="text/plain", body=b"", *, params=(), encoding=None, name=None, disposition=None, cid=None, parts=None,
                 message=None, boundary=None, preamble=b"", kept_preamble=None, store="decoded", fields=()):
        self.kind, self.body, self.parts, self.message = kind, body, parts, message
        self.params, self.encoding, self.disposition, self.cid = dict(params), encoding, disposition, cid
        self.name, self.boundary, self.preamble = name, boundary, preamble
        self.kept_preamble = preamble if kept_preamble is None else kept_preamble  # what the tree has of it
        self.store = store  # "decoded", "raw", "old": raw, and as the first releases described it
        self.fields = list(fields)

    def header(self):
        """Lines, folds joined by CRLF."""
        params = dict(self.params, **({"boundary": self.boundary} if self.boundary else {}))
        lines = list(self.fields)
        lines.append(b"Content-Type: " + self.kind.encode() + b"".join(b";\r\n %s=%s" % (k.encode(), quoted(v)) for k, v in params.items()))
        if self.encoding:
            lines.append(b"Content-Transfer-Encoding: " + self.encoding.encode())
        if self.cid:
            lines.append(b"Content-ID: " + self.cid.encode())
        if self.disposition:
            lines.append(b"Content-Disposition: " + self.disposition.encode() + (b"; filename=" + quoted(self.name) if self.name else b""))
        return lines

    def content(self):
        if self.message:
            return self.message.bytes()
        if self.parts is None:
            return self.body
        line = b"--" + self.boundary.encode()
        return self.preamble + b"".join(line + CRLF + p.bytes() + CRLF for p in self.parts) + line + b"--"

    def bytes(self):
        return CRLF.join(self.header()) + CRLF + CRLF + self.content()

    def walk(self):
        """All parts, a part before what is in it; embedded messages too."""
        yield self
        for p in self.parts or ([self.message] if self.message else []):
            yield from p.walk()

    def is_outside(self):
        """Whether the body is in the attachment store."""
        if self.parts is not None or self.message or not self.body:
            return False
        return self.kind not in SHOWN or self.disposition not in (None, "inline") or len(self.body) > INLINE


class Message(Part):
    """A part with the header of a message. Addresses are lists of (name, address)."""

    def __init__(self, subject, sender, recipients, date, msgid, *part, cc=(), in_reply_to=None, extra=(), raw_subject=None, end=b"", **named):
        super().__init__(*part, **named)
        self.subject, self.sender, self.recipients, self.cc = subject, sender, recipients, list(cc)
        self.date, self.msgid, self.in_reply_to, self.end = date, msgid, in_reply_to, end
        top = [b"Date: " + date.encode(), b"From: " + addresses(sender), b"To: " + addresses(recipients)]
        top += [b"Cc: " + addresses(self.cc)] if self.cc else []
        top += [b"Subject: " + (raw_subject or subject.encode()), b"Message-ID: " + msgid.encode()]
        top += [b"In-Reply-To: " + in_reply_to.encode()] if in_reply_to else []
        self.fields = top + list(extra) + [b"MIME-Version: 1.0"]

    def bytes(self):
        return super().bytes() + self.end


def quoted(value):
    return b'"' + value.encode() + b'"'


def addresses(rows):
    """With names that are not ASCII as encoded words."""
    out = []
    for name, address in rows:
        if name and not name.isascii():
            name = "=?utf-8?B?" + base64.b64encode(name.encode()).decode() + "?="
        out.append(f"{name} <{address}>" if name else address)
    return ", ".join(out).encode()


def text(value):
    """As the envelope has it: None, str, or binary when it is not ASCII."""
    return value if value is None or value.isascii() else value.encode()


# ---- the fields ----

def parsed_header(part):
    """The tree's parsedHeader."""
    parsed = {}
    for line in part.header():
        name, _, value = line.decode("utf-8", "replace").partition(":")
        key, value = name.lower(), re.sub(r"\r\n\s*", " ", value).strip()
        if key in ADDRESSES:
            parsed[key] = [{"address": a, "name": n} for n, a in {"from": part.sender, "to": part.recipients, "cc": part.cc}[key]]
        elif key not in ("content-type", "content-disposition"):
            parsed[key] = value if key not in parsed else [*([parsed[key]] if isinstance(parsed[key], str) else parsed[key]), value]
    kind, subtype = part.kind.split("/")
    params = dict(part.params, **({"boundary": part.boundary} if part.boundary else {}))
    parsed["content-type"] = {"value": part.kind, "type": kind, "subtype": subtype, "params": params, "hasParams": bool(params)}
    if part.disposition:
        named = {"filename": part.name} if part.name else {}
        parsed["content-disposition"] = {"value": part.disposition, "type": None, "subtype": None, "params": named, "hasParams": bool(named)}
    return parsed


def tree(part, n, outside, root=True):
    """mimeTree; n puts numbers, outside gives the parts' ATT ids and keys: {id(part): (name, key)}."""
    node = {"header": [line.decode("latin-1") for line in part.header()], "parsedHeader": parsed_header(part)}
    content = part.kept_preamble if part.parts is not None else b"" if part.message else part.body
    node["body"] = False if id(part) in outside or (not content and (part.parts is not None or part.message)) else content
    node["multipart"] = part.kind.split("/")[1] if part.parts is not None else False
    node["boundary"] = part.boundary or False
    if part.parts is not None:
        node["childNodes"] = [tree(p, n, outside, False) for p in part.parts]
    if part.message:
        node["message"] = tree(part.message, n, outside, False)
    whole = part.content()
    node["size"], node["lineCount"] = n(len(whole)), n(whole.count(b"\n"))
    if id(part) in outside:
        node["attachmentId"] = outside[id(part)][0]
    if root:
        node["attachmentMap"] = dict(outside.values())
    return node


def envelope(m):
    """RFC 3501 §7.4.2; Sender and Reply-To fall back to From."""
    def rows(people):
        return [[text(n or None), None, text(a.split("@")[0]), text(a.split("@")[1])] for n, a in people] or None
    sender = rows(m.sender)
    return [m.date, text(m.subject), sender, sender, sender, rows(m.recipients), rows(m.cc), None, m.in_reply_to, m.msgid]


def structure(part, n):
    kind, subtype = part.kind.upper().split("/")
    params = dict(part.params, **({"boundary": part.boundary} if part.boundary else {}))
    params = [s for k, v in params.items() for s in (k.upper(), v)] or None
    named = ["FILENAME", part.name] if part.name else None
    tail = [[part.disposition.upper(), named] if part.disposition else None, None, None]
    if part.parts is not None:
        return [structure(p, n) for p in part.parts] + [subtype, params] + tail
    whole = part.content()
    out = [kind, subtype, params, part.cid, None, (part.encoding or "7bit").upper(), n(len(whole))]
    if part.message:
        out += [envelope(part.message), structure(part.message, n), n(whole.count(b"\n"))]
    elif kind == "TEXT":
        out.append(n(whole.count(b"\n")))
    return out + [None] + tail


def headers(m):
    """The indexed headers: decoded, lower case."""
    people = {"from": m.sender, "to": m.recipients, "cc": m.cc}
    rows = [(k, ", ".join(f"{n} <{a}>" if n else a for n, a in v)) for k, v in people.items() if v]
    rows += [("subject", m.subject), ("message-id", m.msgid)]
    for line in m.fields:
        key, _, value = line.decode("latin-1").partition(": ")
        if key.lower() in INDEXED and key.lower() not in [r[0] for r in rows]:
            rows.append((key.lower(), value))
    return [{"key": k, "value": v.lower()} for k, v in rows]


def listed(part, name, n):
    """A row of `attachments`; None for a text that only is too long."""
    if part.kind in SHOWN and part.disposition in (None, "inline"):
        return None
    size = len(part.body) * 3 // 4 if part.encoding == "base64" else len(part.body)
    row = {"id": name, "filename": part.name or False, "contentType": part.kind, "disposition": part.disposition or "attachment",
           "transferEncoding": part.encoding or "7bit", "related": False, "sizeKb": n(-(-size // 1024))}
    if part.store != "old":
        row.update({"size": n(size)})
    if part.cid:
        row["cid"] = part.cid
    return row


# ---- the attachment store ----

def decode(body):
    """(stored bytes, length of lines) by the rules of WildDuck, which nothing proves; None when it stores the body as it is."""
    line = re.match(rb"[A-Za-z0-9+/=]{1,998}(?=\r\n|\Z)", body[:1000])
    if not line:
        return None
    length = len(line[0])
    if length < 76 and length == len(body.rstrip(CRLF)):
        length = 76
    lines = body.count(CRLF) + 1
    if abs(lines - -(-len(body) // (length + 2))) > 1:
        return None
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    return base64.b64decode(digits + b"=" * (-len(digits) % 4)), length


def stored(part, n, when):
    """The row of attachments.files, and the chunks as (n, bytes)."""
    made = decode(part.body) if part.store == "decoded" and part.encoding == "base64" else None
    data = made[0] if made else part.body
    meta = {"m": n(0), "c": n(0), "transferEncoding": part.encoding or "7bit"}
    if part.store != "old":
        meta |= {"cu": when, "esize": n(len(part.body)), "fileContentHash": base64.b64encode(hashlib.sha256(data).digest()).decode()}
    if made:
        meta |= {"decoded": True, "lineLen": n(made[1])}
    row = {"_id": hashlib.sha256(part.body).digest(), "length": n(len(data)), "chunkSize": n(CHUNK), "uploadDate": when,
           "contentType": part.kind, "metadata": meta}
    return row, [(i // CHUNK, data[i:i + CHUNK]) for i in range(0, len(data), CHUNK)]
