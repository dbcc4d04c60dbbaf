#!/usr/bin/env python3
"""Installs libwdclient to a temporary prefix, builds program.c against that with pkg-config only, and runs it.

usage: installed_client.py BUILD-DIR RPC-STORE CC SANITIZERS
"""
import os
import shlex
import subprocess
import sys
import tempfile

build, store_program, compiler, sanitize = sys.argv[1:5]
here = os.path.dirname(os.path.abspath(__file__))


def run(command, **options):
    return subprocess.run(command, check=True, timeout=100, **options)


with tempfile.TemporaryDirectory(prefix="wd-client.") as root:
    prefix = os.path.join(root, "prefix")
    run(["cmake", "--install", build, "--prefix", prefix, "--component", "client"], stdout=subprocess.DEVNULL)
    pc = [os.path.join(d, "wdclient.pc") for d, _, files in os.walk(prefix) if "wdclient.pc" in files][0]
    libdir = os.path.dirname(os.path.dirname(pc))
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc), LD_LIBRARY_PATH=libdir)

    def pkg(*arguments):
        out = run(["pkg-config", f"--define-variable=prefix={prefix}", *arguments, "wdclient"], env=environment,
                  stdout=subprocess.PIPE, text=True).stdout
        return shlex.split(out)

    flags = [f"-fsanitize={sanitize}"] if sanitize else []
    strict = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror"]
    source = os.path.join(here, "program.c")
    shared, static = os.path.join(root, "shared"), os.path.join(root, "static")
    run([compiler, *strict, *flags, source, "-o", shared, *pkg("--cflags", "--libs")])
    archive = os.path.join(libdir, "libwdclient.a")
    libs = [archive if a == "-lwdclient" else a for a in pkg("--static", "--libs")]
    run([compiler, *strict, *flags, source, "-o", static, *pkg("--cflags"), *libs])

    store = subprocess.Popen([store_program, f"ipc://{root}/store", f"ipc://{root}/events"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert store.stdout.readline().startswith("ready")
    # nng 1.5 loses memory of its own when sockets are closed (tests/unit/common/rpc/nng_leaks.c).
    environment["LSAN_OPTIONS"] = "detect_leaks=0"
    try:
        for program in (shared, static):
            run([program, f"ipc://{root}/store"], env=environment)
    finally:
        store.stdin.close()
        store.wait(timeout=20)
