#!/usr/bin/env python3
"""Checks what a reader meets first: tabs, trailing blanks, long lines, long files, long functions, unfinished work.

usage: tree.py [ROOT]
Prints one line per problem and exits 1 when there is one.
"""
import os
import re
import sys

LINE_MAX = 120
FILE_MAX = 800
FUNCTION_MAX = 80
TOPS = ("common", "frontends", "store-svc", "proto", "tests")
SOURCES = (".c", ".h", ".cpp", ".def", ".proto", ".py", ".sh", ".cmake")
C_LIKE = (".c", ".h", ".cpp", ".proto")  # what the line length holds for; .def tables keep their columns
SKIPPED = ("tests/fuzz/corpus", "tests/data", "__pycache__")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def sources(root):
    for top in TOPS:
        for here, folders, names in sorted(os.walk(os.path.join(root, top))):
            folders.sort()
            if any(s in os.path.relpath(here, root) for s in SKIPPED):
                continue
            for name in sorted(names):
                if name.endswith(SOURCES) or name == "CMakeLists.txt":
                    yield os.path.relpath(os.path.join(here, name), root)


def check_lines(path, lines):
    """(line, problem) of every line. What stands between clang-format off and on is a table: it keeps its columns."""
    in_table = False
    for number, line in enumerate(lines, 1):
        if "clang-format o" in line:
            in_table = "clang-format off" in line
        if line.startswith("\t") or (path.endswith(C_LIKE) and "\t" in line):
            yield number, "tab"
        if line != line.rstrip():
            yield number, "trailing blanks"
        if len(line) > LINE_MAX and path.endswith(C_LIKE) and not in_table:
            yield number, f"{len(line)} columns; {LINE_MAX} are allowed"
        if UNFINISHED.search(line):
            yield number, "unfinished work"


def check_functions(path, lines):
    """Functions open and close with a brace in column 0 (the style's own rule), after a line that is no data."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start - 1 > FUNCTION_MAX:
                yield start, f"a function of {number - start - 1} lines; {FUNCTION_MAX} are allowed"
            start = None


def check(path, text):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif text:
        yield len(lines), "no line end at the end of the file"
    if len(lines) > FILE_MAX:
        yield len(lines), f"a file of {len(lines)} lines; {FILE_MAX} are allowed"
    yield from check_lines(path, lines)
    if path.endswith((".c", ".cpp")):
        yield from check_functions(path, lines)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    bad = 0
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
            text = f.read()
        for number, what in check(path, text):
            print(f"{path}:{number}: {what}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
