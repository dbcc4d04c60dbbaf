#!/usr/bin/env python3
"""Checks every #include of our sources against the table of what each directory may use.

usage: includes.py [ROOT]
Prints one line per problem and exits 1 when there is one.
"""
import os
import re
import sys

FRONT_END = ["common/", "proto/"]

# directory (the longest that fits counts): (our own headers it may include, outside headers of the table below)
TABLE = {
    "common/base": ([], []),
    "common/mail": (["common/base/"], ["idn2", "icu"]),
    "common/config": (["common/base/"], ["toml"]),
    "common/log": (["common/base/"], []),
    "common/net": (["common/base/", "common/config/", "common/log/"], ["libevent", "openssl", "zlib"]),
    "common/admin": (["common/base/", "common/log/", "common/net/"], ["libevent", "evhttp"]),
    "common/rpc": (["common/base/", "common/log/", "proto/"], ["nng", "protobuf-c", "libevent", "openssl"]),
    "common/daemon": (["common/"], ["libevent"]),
    "common/client": (["common/base/", "common/log/", "common/rpc/", "proto/"], ["nng", "protobuf-c", "libevent", "openssl"]),
    "frontends/imap": (FRONT_END, ["libevent", "openssl", "protobuf-c"]),
    "frontends/pop3": (FRONT_END, ["libevent", "openssl", "protobuf-c"]),
    "frontends/lmtp": (FRONT_END, ["libevent", "openssl", "protobuf-c"]),
    "frontends/http": (FRONT_END, ["libevent", "openssl", "protobuf-c", "jansson", "zlib"]),
    "frontends/wd": (FRONT_END, ["libevent", "openssl", "protobuf-c"]),
    "store-svc/port": (["common/base/"], ["bson"]),
    "store-svc/mime": (["common/base/", "common/mail/"], ["libxml2", "iconv"]),
    "store-svc/domain": (["common/base/", "common/mail/", "store-svc/port/", "store-svc/mime/"],
                         ["bson", "openssl", "crypt", "argon2"]),
    "store-svc/driver/mongo": (["common/base/", "common/log/", "store-svc/port/"], ["bson", "mongoc"]),
    "store-svc/driver/redis": (["common/base/", "common/log/", "store-svc/port/"], ["bson", "hiredis"]),
    "store-svc/driver/embedded": (["common/base/", "common/log/", "store-svc/port/"], ["bson", "sqlite3"]),
    "store-svc/driver/fault": (["common/base/", "common/log/", "store-svc/port/"], ["bson"]),
    "store-svc/rpc": (["common/base/", "common/mail/", "common/rpc/", "common/log/", "store-svc/domain/", "proto/"],
                      ["protobuf-c", "bson"]),
    "store-svc": (["common/", "store-svc/", "proto/"], ["libevent"]),
    "proto": ([], []),
}

# Headers of other people, by library. What none of these patterns fits is the C library's or the system's.
LIBRARIES = [
    ("evhttp", r"(event2/http|evhttp)"),
    ("libevent", r"(event2/|event\.h|evutil\.h)"),
    ("openssl", r"openssl/"),
    ("zlib", r"zlib\.h"),
    ("nng", r"nng/"),
    ("protobuf-c", r"(protobuf-c/|google/protobuf-c)"),
    ("mongoc", r"(mongoc/|mongoc\.h|libmongoc)"),
    ("bson", r"(bson/|bson\.h|libbson)"),
    ("hiredis", r"(hiredis/|hiredis\.h)"),
    ("sqlite3", r"sqlite3"),
    ("jansson", r"jansson"),
    ("libxml2", r"(libxml/|libxml2/)"),
    ("iconv", r"iconv\.h"),
    ("idn2", r"(idn2|idna)\.h"),
    ("icu", r"unicode/"),
    ("crypt", r"crypt\.h"),
    ("argon2", r"argon2\.h"),
    ("toml", r"toml(\+\+|11)?[/.]"),
    ("curl", r"curl/"),
    ("gpgme", r"gpgme"),
    ("fido", r"(fido|cbor)"),
    ("qrencode", r"qrencode"),
    ("gumbo", r"gumbo"),
    ("mbedtls", r"mbedtls/"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def row_of(path):
    """The longest directory of the table that holds the file."""
    part = os.path.dirname(path)
    while part and part not in TABLE:
        part = os.path.dirname(part)
    return part or None


def library_of(header):
    for name, pattern in LIBRARIES:
        if re.match(pattern, header):
            return name
    return None


def problem_with(path, row, quoted, header):
    """What is wrong with one #include, or None."""
    ours, outside = TABLE[row]
    library = library_of(header)
    if header.endswith(".pb-c.h"):
        return None if "proto/" in ours else f"{row} may not use the generated protocol"
    if library:
        return None if library in outside else f"{row} may not use {library}"
    if not quoted:
        return None
    if not header.startswith(tuple(d + "/" for d in ("common", "frontends", "store-svc", "proto", "tests"))):
        return "is not written from the root"
    if header.endswith("_priv.h") and os.path.dirname(header) != os.path.dirname(path):
        return "is private to its directory"
    if header.startswith(row + "/") or header.startswith(tuple(ours)):
        return None
    return f"{row} may not use it"


def sources(root):
    for top in ("common", "frontends", "store-svc", "proto"):
        for here, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".cpp", ".def")):
                    yield os.path.relpath(os.path.join(here, name), root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    bad = 0
    for path in sources(root):
        row = row_of(path)
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
            lines = f.readlines()
        if row is None:
            print(f"{path}:1: its directory is not in the table of {os.path.basename(__file__)}")
            bad += 1
            continue
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            what = found and problem_with(path, row, found.group(1) == '"', found.group(2))
            if what:
                print(f"{path}:{number}: {found.group(2)}: {what}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
