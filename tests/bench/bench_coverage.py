#!/usr/bin/env python3
"""How long it takes to turn the coverage data of many test processes into one tracefile: rowlock,
and beside it lcov, gcovr, fastcov, grcov and bare gcov, where they are there. Lua, from Debian's
source package, built with --coverage, is run once for each fragment with a GCOV_PREFIX of its own.
The others are far slower, so they get fewer fragments; what counts is the time for each. Prints
medians and peak memory.
"""

import argparse
import glob
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMPAT = os.path.join(os.path.dirname(HERE), "compat")
sys.path.insert(0, COMPAT)

from compilers import Gcc  # noqa: E402
from debian import Archive  # noqa: E402
from instrumented import Lua  # noqa: E402

PIP = ["gcovr", "fastcov"]


def make_fragments(built, folder, count):
    """A tree of GCOV_PREFIX for each process, with links to the notes beside the data, as the
    others need them there."""
    shutil.rmtree(folder, ignore_errors=True)
    for n in range(count):
        tree = os.path.join(folder, f"{n:04}")
        built.run(env=dict(os.environ, GCOV_PREFIX=tree))
        for notes in built.notes():
            os.symlink(notes, tree + notes)


def measure(command, repeat, cwd):
    """The median time of a command in seconds, and the most memory in MB of its largest process."""
    times = []
    for _ in range(repeat):
        start = time.monotonic()
        child = subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        times.append(time.monotonic() - start)
        if child.returncode:
            raise SystemExit(f"{command} failed: {said.decode(errors='replace')[-500:]}")
    return statistics.median(times), usage.ru_maxrss / 1024


def tools(work, source):
    """Name and command of each of the others; {tree} stands for the folder of the fragments."""
    found = {}
    gcov = "for d in {tree}/*; do find $d -name '*.gcda' | xargs gcov -j -t -b >/dev/null; done"
    found["gcov -j, batched"] = ["sh", "-c", gcov]
    if shutil.which("lcov"):
        found["lcov"] = [
            "lcov",
            "-q",
            "-c",
            "-d",
            "{tree}",
            "-o",
            f"{work}/lcov.info",
            "--rc",
            "lcov_branch_coverage=1",
        ]
    if shutil.which("grcov"):
        found["grcov"] = ["grcov", "{tree}", "-t", "lcov", "--branch", "-o", f"{work}/grcov.info"]
    target = os.path.join(work, "pip")
    if not os.path.isdir(target):
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--target", target, *PIP]).returncode:
            return found
    os.environ["PYTHONPATH"] = target
    jobs = str(os.cpu_count())
    found["gcovr"] = [sys.executable, "-m", "gcovr", "-j", jobs, "-r", f"{source}/src", "--lcov"]
    found["gcovr"] += [f"{work}/gcovr.info", "--gcov-ignore-errors=all", "{tree}"]
    found["fastcov"] = [
        sys.executable,
        "-m",
        "fastcov",
        "-j",
        jobs,
        "-b",
        "-d",
        "{tree}",
        "--lcov",
        "-o",
        f"{work}/fastcov.info",
    ]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--work", default=os.path.join(COMPAT, "work", "coverage"))
    parser.add_argument("--fragments", type=int, default=100)
    parser.add_argument("--few", type=int, default=4, help="fragments for the others")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    rowlock, work = os.path.abspath(args.rowlock), os.path.abspath(args.work)
    archive = Archive(work)
    archive.prepare()
    source, version = archive.unpack("lua5.4")
    built = Lua(source, f"{source}-bench", Gcc())
    many, few = os.path.join(work, "many"), os.path.join(work, "few")
    make_fragments(built, many, args.fragments)
    make_fragments(built, few, args.few)
    data = len(glob.glob(f"{many}/**/*.gcda", recursive=True))
    print(
        f"lua5.4 {version}: {args.fragments} fragments, {data} .gcda files; the others "
        f"{args.few} fragments; {os.cpu_count()} processors, {args.repeat} times each"
    )
    ours = [rowlock, "collect", "-q", "--lcov", f"{work}/rowlock.info"]
    whole, memory = measure([*ours, "--objects", built.folder, many], args.repeat, work)
    one, _ = measure([*ours, "--objects", built.folder, f"{many}/0000"], args.repeat, work)
    each = (whole - one) / (args.fragments - 1)
    print(f"{'':20} {'total':>9}  {'each':>9}  {'memory':>7}")
    print(
        f"{'rowlock collect':20} {whole:7.3f} s  {whole / args.fragments * 1000:6.2f} ms  "
        f"{memory:4.0f} MB   (one fragment {one * 1000:.1f} ms, each further one "
        f"{each * 1000:.2f} ms)"
    )
    for name, command in tools(work, built.folder).items():
        words = [word.replace("{tree}", few) for word in command]
        cost, memory = measure(words, args.repeat, f"{built.folder}/src")
        per = cost / args.few
        print(
            f"{name:20} {cost:7.3f} s  {per * 1000:6.0f} ms  {memory:4.0f} MB   "
            f"{per / (whole / args.fragments):.0f} times as long",
            flush=True,
        )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
