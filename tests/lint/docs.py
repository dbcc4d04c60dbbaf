#!/usr/bin/env python3
"""Makes the pages of docs/ that say what a table of the source or a built program says: errors.md from
common/base/reasons.def, config.md from the programs' --help, and the command tables of rfc.md from the .def files.

usage: docs.py --check BUILD [ROOT]    prints each page that is out of date and exits 1 when there is one
       docs.py --write BUILD [ROOT]    writes them again
BUILD is a build directory with bin/wd-store and the others in it. The pages are committed.
"""
import difflib
import glob
import os
import re
import subprocess
import sys

DAEMONS = ("wd-store", "wd-imap", "wd-pop3", "wd-lmtp", "wd-http")
FRONT_ENDS = DAEMONS[1:]

# Where a command is defined. The .def files say the rest.
IMAP_RFC = {
    "append": "3501 §6.3.11; 4315, 6855, 7889", "authenticate": "3501 §6.2.2; 4616, 4959", "capability": "3501 §6.1.1",
    "close": "3501 §6.4.2", "compress": "4978", "copy": "3501 §6.4.7; 4315", "create": "3501 §6.3.3",
    "delete": "3501 §6.3.4", "enable": "5161", "examine": "3501 §6.3.2; 7162 §3.1", "expunge": "3501 §6.4.3; 4315 §2.1",
    "fetch": "3501 §6.4.5; 7162 §3.1.4", "getquota": "2087 §4.2", "getquotaroot": "2087 §4.3", "id": "2971",
    "idle": "2177", "list": "3501 §6.3.8; 3348, 6154", "login": "3501 §6.2.3", "logout": "3501 §6.1.3",
    "lsub": "3501 §6.3.9", "move": "6851; 4315", "namespace": "2342", "noop": "3501 §6.1.2, §6.4.1",
    "rename": "3501 §6.3.5", "search": "3501 §6.4.4; 7162 §3.1.5", "select": "3501 §6.3.1; 7162 §3.1",
    "setquota": "2087 §4.1", "starttls": "3501 §6.2.1", "status": "3501 §6.3.10; 7162 §3.1.6",
    "store": "3501 §6.4.6; 7162 §3.1.3", "subscribe": "3501 §6.3.6", "unselect": "3691",
    "unsubscribe": "3501 §6.3.7", "xlist": "none (before 6154)",
}
LMTP_RFC = {
    "bdat": "3030 §2", "data": "5321 §4.1.1.4, 2033 §4.2", "not_lmtp": "2033 §4.1", "help": "5321 §4.1.1.8",
    "lhlo": "2033 §4.1", "mail": "5321 §4.1.1.2; 1870, 6152, 6531", "noop": "5321 §4.1.1.9", "quit": "5321 §4.1.1.10",
    "rcpt": "5321 §4.1.1.3", "rset": "5321 §4.1.1.5", "starttls": "3207", "vrfy": "5321 §4.1.1.6",
}
POP3_RFC = {
    "auth": "5034; 4616", "capa": "2449 §5", "dele": "1939 §5", "list": "1939 §5", "noop": "1939 §5", "pass": "1939 §7",
    "quit": "1939 §5, §6", "retr": "1939 §5", "rset": "1939 §5", "stat": "1939 §5", "stls": "2595 §4", "top": "1939 §7",
    "uidl": "1939 §7", "user": "1939 §7", "utf8": "6856"}
STATES = {"ST_ANY": "any", "ST_OUT": "before login", "ST_IN": "after login", "ST_AUTH": "after login, nothing selected",
          "ST_SELECTED": "selected"}
NEEDS = {"NEED_LHLO": "LHLO", "NEED_MAIL": "MAIL", "NEED_NO_MAIL": "no MAIL", "NEED_ARGS": "arguments",
         "NEED_NO_ARGS": "no arguments"}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def rows_of(root, path, macro):
    """The arguments of each row MACRO(…) of a .def file, strings without their quotes."""
    text = re.sub(r"/\*.*?\*/", "", read(root, path), flags=re.S)
    for line in re.findall(rf"^{macro}\((.*)\)\s*$", text, flags=re.M):
        yield [word.strip().strip('"') for word in re.findall(r'(?:"[^"]*"|[^,"])+', line)]


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"


def code(text):
    return f"`{text}`" if text else ""


# ---- errors.md ----

def statuses(root):
    return dict(re.findall(r"WD_STATUS_(\w+) = (\d+)", read(root, "common/base/error.h")))


def errors_page(root, _build):
    numbers = statuses(root)
    rows = list(rows_of(root, "common/base/reasons.def", "REASON"))
    yield "<!-- Made by `tests/lint/docs.py --write BUILD` from common/base/reasons.def. Do not edit. -->"
    yield "# Errors"
    yield ""
    yield "Every failure has a **reason**. The store chooses it; each protocol says it in its own words by this one table."
    yield "An RPC reply carries the status, the reason's number and its name; branch on the reason, and on the status when the"
    yield "reason is not known to you. Numbers are never used again. A reason that a front end does not know is answered as `INTERNAL`."
    yield ""
    yield from table(("status", "name"), [(number, code(name)) for name, number in numbers.items()])
    yield ""
    yield "Status 8 (`UNAVAILABLE`) may be repeated with the same idempotency key, elsewhere or later; the client library does."
    yield ""
    yield from table(("no", "reason", "RPC status", "IMAP `NO [code]`", "POP3 `-ERR [code]`", "LMTP"),
                     [(no, code(name), f"{numbers[status]} {status}", code(imap), code("" if pop3 == "NULL" else pop3), f"{lmtp} {enhanced}")
                      for name, no, status, imap, pop3, lmtp, enhanced, _http, _code in rows])
    yield ""
    yield "Where a protocol deviates from the table, because the moment says more than the reason:"
    yield ""
    yield "- IMAP COPY, MOVE and APPEND answer `[TRYCREATE]` when the target mailbox is missing."
    yield "- IMAP LOGIN answers `[InvalidAuthScope]` for `AUTH_SCOPE`; commands that cannot be understood are `BAD` and never reach the store."
    yield "- A session of IMAP whose token is refused ends with `* BYE`."
    yield "- POP3 answers `[SYS/TEMP]` when it is going down or has too many connections, and never tells which half of a login was wrong."
    yield "- A call of LMTP that fails as a whole is always `451`; the table is for outcomes of single recipients."
    yield "- The early HTTP API answers status 200 and the text as `\"error\"` (docs/api-http.md)."


# ---- config.md ----

def help_of(build, program):
    return subprocess.run([os.path.join(build, "bin", program), "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


HELP_LINE = re.compile(r"^  (\S+) +(.*?)(?: \[(.*)\])? \((string|number|true or false|list|array of tables)\)$")


def keys_of(build, program):
    """(key, help, default, type) for every option of a daemon; what marks other daemons' sections is left out."""
    listed = help_of(build, program).split("Options in the file", 1)[1].splitlines()[2:]
    for line in filter(None, listed):
        found = HELP_LINE.match(line)
        assert found, f"{program} --help: {line}"
        key, text, default, kind = found.groups()
        if not key.endswith("."):
            yield key, text, default or "", kind


def key_table(keys):
    yield from table(("key", "default", "type", "what it is"),
                     [(code(key), code(default), kind, text) for key, text, default, kind in keys])


def config_page(root, build):
    keys = {program: list(keys_of(build, program)) for program in DAEMONS}
    common = [k for k in keys["wd-imap"] if all(k in keys[program] for program in FRONT_ENDS)]
    yield "<!-- Made by `tests/lint/docs.py --write BUILD` from the --help of the programs. Do not edit. -->"
    yield "# Configuration"
    yield ""
    yield "Sources, a later one wins: the defaults below, the file of `--config FILE` (TOML), the environment, `--set KEY=VALUE`."
    yield "`imap.port` is `port = 9993` under `[imap]` in the file, `WD_IMAP_PORT=9993` in the environment, `--set imap.port=9993`"
    yield "on the command line. A list is `[\"a\", \"b\"]` in the file and `a,b` elsewhere. Arrays of tables exist in the file only."
    yield "A key that no daemon knows is an error that names the nearest one."
    yield ""
    yield "One file may serve all daemons: each passes over the sections of the others. `wd serve` hands its file and its `--set`"
    yield "options to the daemons whose keys they are; it listens on loopback unless a `host` is set, and makes a certificate"
    yield "(`tls.pem` in its data directory) when `tls.cert` is not set."
    yield ""
    yield "`--check-config` reads everything and exits; wd-store also connects to its databases, and says what it found or the one"
    yield "thing that is wrong. `--print-config` connects to nothing and prints the merged configuration, passwords as `***`."
    yield "SIGHUP loads certificates of IMAP, POP3, LMTP and HTTP again; everything else is read at the start."
    yield "deploy/config has a commented file for each daemon."
    for program in DAEMONS:
        own = [k for k in keys[program] if program == "wd-store" or k not in common]
        yield ""
        yield f"## {program}"
        yield ""
        yield from key_table(own)
    yield ""
    yield "## wd-imap, wd-pop3, wd-lmtp and wd-http"
    yield ""
    yield from key_table(common)
    yield ""
    yield "## Command lines"
    yield ""
    yield "```"
    yield from help_of(build, "wd").rstrip("\n").splitlines()
    yield "```"
    yield ""
    yield "`wd-store --token ROLE` prints a new service token for imap, pop3, lmtp, http or admin and exits; it reads the key as"
    yield "wd-store does: `store.secret`, `store.secretFile`, the database of the replicas, or `secret.key` of `store.dataDir`."


# ---- rfc.md ----

def file_of(root, folder, function):
    """The file that defines a command's function."""
    for path in sorted(glob.glob(os.path.join(root, folder, "*.c"))):
        if re.search(rf"^{function}\(", read(root, path), flags=re.M):
            return os.path.relpath(path, root)
    raise AssertionError(f"{function} is in no file of {folder}")


def words(text, names):
    return ", ".join(names[word.strip()] for word in text.split("|") if word.strip() in names)


def imap_table(root):
    rows = [(code(name), words(states, STATES), code(grammar), "RFC " + IMAP_RFC[function] if IMAP_RFC[function][0].isdigit()
             else IMAP_RFC[function], file_of(root, "frontends/imap", f"imap_cmd_{function}"))
            for name, states, grammar, function, _tells, _flags in rows_of(root, "frontends/imap/commands.def", "COMMAND")]
    return table(("command", "when", "arguments", "where defined", "file"), rows)


def lmtp_table(root):
    rows = [(code(name), words(needs, NEEDS), "RFC " + LMTP_RFC[handler], file_of(root, "frontends/lmtp", f"lmtp_cmd_{handler}"))
            for name, handler, needs, _help in rows_of(root, "frontends/lmtp/commands.def", "COMMAND")]
    return table(("command", "needs", "where defined", "file"), rows)


def http_table(root):
    rows = [(f"`{method} {path}`", code(f"{service[len('wd__v1__'):].capitalize()}.{rpc}") if rpc != "NULL" else "", code(run),
             file_of(root, "frontends/http", run))
            for method, path, _id, _tag, service, rpc, _params, _fields, _needs, _resource, _action, _flags, run, _summary
            in rows_of(root, "frontends/http/routes.def", "ROUTE")]
    return table(("endpoint", "RPC", "function", "file"), rows)


def pop3_table(root):
    arguments = {"ARGS_NONE": "", "ARGS_TEXT": "`text`", "ARGS_MAY_TEXT": "`[text]`", "ARGS_NUMBER": "`message`",
                 "ARGS_MAY_NUMBER": "`[message]`", "ARGS_NUMBER_LINES": "`message lines`"}
    rows = [(code(name), words(states, STATES), arguments[grammar], "RFC " + POP3_RFC[handler],
             file_of(root, "frontends/pop3", f"pop3_cmd_{handler}"))
            for name, states, grammar, handler in rows_of(root, "frontends/pop3/commands.def", "COMMAND")]
    return table(("command", "when", "arguments", "where defined", "file"), rows)


TABLES = {"imap": imap_table, "pop3": pop3_table, "lmtp": lmtp_table, "http": http_table}


def rfc_page(root, _build):
    """The page as it is, with its tables made again."""
    text = read(root, "docs/rfc.md")
    for name, make in TABLES.items():
        begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
        assert begin in text and end in text, f"docs/rfc.md has no place for the table {name}"
        text = text[:text.index(begin) + len(begin)] + "\n".join(make(root)) + "\n" + text[text.index(end):]
    return text.rstrip("\n").splitlines()


PAGES = {"docs/errors.md": errors_page, "docs/config.md": config_page, "docs/rfc.md": rfc_page}


def main(mode, build, root=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")):
    stale = 0
    for path, make in PAGES.items():
        text = "\n".join(make(root, build)) + "\n"
        full = os.path.join(root, path)
        old = read(root, path) if os.path.exists(full) else ""
        if text == old:
            continue
        if mode == "--write":
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
            continue
        stale += 1
        print(f"{path}: out of date; run tests/lint/docs.py --write {build}")
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), "committed", "made now", n=0))
    return 1 if stale else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("--check", "--write"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
