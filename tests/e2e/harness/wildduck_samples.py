"""The messages of the WildDuck fixture: one for each shape that the storage model has, with a word to search for."""
import base64
import random

from .wildduck_mail import Message, Part

ANN, BOB, ZOE = ("Ann", "ann@example.com"), ("Bob", "bob@example.net"), ("Zoë Ünicode", "zoe@example.org")
DATE = "Sat, 04 May 2019 12:00:00 +0000"


def lines_of(data, length=76):
    digits = base64.b64encode(data)
    return b"\r\n".join(digits[i:i + length] for i in range(0, len(digits), length))


def data_of(size, seed):
    return random.Random(seed).randbytes(size)


def shown(word, **named):
    return Part("text/plain", f"see the {word}\r\nand so on".encode(), params={"charset": "utf-8"}, **named)


def file(kind, body, name, encoding="base64", **named):
    return Part(kind, body, encoding=encoding, name=name, disposition=named.pop("disposition", "attachment"), **named)


def mixed(subject, *parts, kind="multipart/mixed", end=b"\r\n", **named):
    word = subject.replace(" ", "-").lower()
    return Message(subject, [BOB], [ANN], DATE, f"<{word}@example.net>", kind, parts=list(parts), boundary=f"=-{word}", end=end, **named)


def single(subject, body, sender=BOB, **named):
    word = f"{len(subject)}.{len(body)}.{sum(body) % 9973}"
    return Message(subject, [sender], [ANN], DATE, f"<{word}@example.net>", named.pop("kind", "text/plain"), body, **named)


PDF = lines_of(data_of(700_000, 1))  # three chunks
PICTURE = lines_of(data_of(3000, 2))
BITS = lines_of(data_of(1000, 13))[:-3] + b"B=="  # the last digit has bits that no byte takes


def samples():
    """{name: message}; each has its name as a word of its subject."""
    inner = mixed("inner", shown("inside"), file("image/png", lines_of(data_of(500, 3)), "i.png"), end=b"")
    last = lines_of(data_of(1000, 4))
    return {
        "plain": single("plain", b"one line\r\nanother gooseberry\r\n.\r\nlast\r\n", encoding="7bit", params={"charset": "us-ascii"}),
        "oneline": single("oneline", b"only one\r\n"),
        "unended": single("unended", b"no line end at the end"),
        "nobody": single("nobody", b""),
        "unicode": single("unicode ärger 漢字", "größe und blåbær\r\nzwei\r\n".encode(), ZOE, encoding="8bit", params={"charset": "utf-8"},
                          raw_subject="unicode ärger 漢字".encode()),
        "latin": single("latin", b"caf\xe9 cr\xe8me\r\n", encoding="8bit", params={"charset": "iso-8859-1"},
                        extra=[b"X-Latin: caf\xe9 \xff", b"X-Folded: one\r\n\ttwo\r\n three"]),
        "alternative": mixed("alternative", Part("text/plain", b"plain whortleberry", params={"charset": "utf-8"}),
                             Part("text/html", b"<p>html <b>whortleberry</b></p>\r\n", params={"charset": "utf-8"}), kind="multipart/alternative"),
        "pdf": mixed("pdf", shown("cloudberry"), file("application/pdf", PDF, "big.pdf")),
        "raw": mixed("raw", shown("raw"), file("application/octet-stream", b"not\x01 base64\r\nat all", "x.bin", "8bit", store="raw"),
                     file("image/gif", PICTURE[:-8], "cut.gif", store="raw")),
        "old": mixed("old", shown("old"), file("image/gif", lines_of(data_of(90, 5)), "old.gif", store="old"),
                     file("application/zip", lines_of(data_of(300_000, 6)), "old.zip", store="old")),
        "embedded": mixed("embedded", shown("embedded"), Part("message/rfc822", message=inner, disposition="attachment", name="inner.eml")),
        "long": mixed("long", Part("text/plain", b"all work and no play\r\n" * 16000, params={"charset": "utf-8"})),
        "twice": mixed("twice", shown("twice"), file("image/png", PICTURE, "a.png", cid="<a@x>", disposition="inline"),
                       file("image/png", PICTURE, "b.png", cid="<b@x>"), kind="multipart/related"),
        "shared": mixed("shared", shown("shared"), file("image/png", PICTURE, "again.png")),
        "tail": mixed("tail", shown("tail"), file("image/png", last + b"\r\n", "tail.png"), file("image/png", lines_of(data_of(57, 8)) + b"\r\n\r\n", "57.png")),
        "unpadded": mixed("unpadded", shown("unpadded"), file("image/png", lines_of(data_of(1000, 9)).rstrip(b"="), "unpadded.png")),
        "72": mixed("72", shown("72"), file("image/png", lines_of(data_of(1000, 10), 72), "72.png")),
        "short": mixed("short", shown("short"), file("image/png", lines_of(b"abc"), "short.png")),
        "line": mixed("line", shown("line"), file("image/png", lines_of(data_of(210, 11), 998), "line.png")),
        "quoted": mixed("quoted", shown("quoted"), file("text/csv", b"a=3Db\r\nc", "q.csv", "quoted-printable")),
        "preamble": mixed("preamble", shown("preamble"), preamble=b"This is MIME\r\n"),
        "preamble2": mixed("preamble2", shown("preamble2"), preamble=b"This is MIME\r\n", kept_preamble=b"This is MIME"),
        "nested": mixed("nested", mixed_part(), shown("nested")),
        "base64": single("base64", lines_of(data_of(900, 12)), kind="application/pdf", encoding="base64", disposition="attachment", name="alone.pdf"),
        "replied": single("Re: plain", b"yes\r\n", in_reply_to="<5.46.0@example.net>"),
    }


def mixed_part():
    return Part("multipart/alternative", parts=[shown("first"), Part("text/html", b"<i>first</i>", params={"charset": "utf-8"})], boundary="inner-b")
