#!/usr/bin/env python3
"""How long it takes to turn the coverage data of many test processes into one tracefile: rowlock,
and beside it lcov, gcovr, fastcov, grcov and bare gcov, where they are there. Lua, from Debian's
source package, built with --coverage, is run once for each fragment with a GCOV_PREFIX of its own.
The others are far slower, so they get fewer fragments; what counts is the time for each. Those
that are not there are named. Prints medians, how many processors were busy, and peak memory.
At the end ten thousand data files of one object alone, on one processor and on all of them.
"""

import argparse
import glob
import os
import resource
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMPAT = os.path.join(os.path.dirname(HERE), "compat")
sys.path.insert(0, COMPAT)

from compilers import Gcc  # noqa: E402
from debian import Archive  # noqa: E402
from instrumented import Lua  # noqa: E402
from measure import medians, peak_memory  # noqa: E402

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
    """The median Cost of a command."""
    return medians({"": (command, None)}, repeat, cwd)[""]


def tools(work, source):
    """Name and command of each of the others; {tree} stands for the folder of the fragments."""
    found = {}
    gcov = "for d in {tree}/*; do find $d -name '*.gcda' | xargs gcov -j -t -b >/dev/null; done"
    found["gcov -j, batched"] = ["sh", "-c", gcov]
    for name, how in (("lcov", "apt-get install lcov"), ("grcov", "cargo install grcov")):
        if not shutil.which(name):
            print(f"{name:20} not there ({how})")
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
            print(f"{', '.join(PIP):20} not there (pip cannot install them)")
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
    ours += ["--objects", built.folder]
    whole = measure([*ours, many], args.repeat, work)
    print_ours(whole, measure([*ours, f"{many}/0000"], args.repeat, work), args.fragments)
    memory = max(peak_memory([*ours, many], work, every=0.001) for _ in range(args.repeat))
    read = read_seconds(many)
    print(f"{'':20} {memory / 1e6:.1f} MB of memory; reading all files: {read:.3f} s")
    print_one_object(ours[:-2], many, os.path.join(work, "one"), args.repeat)
    for name, command in tools(work, built.folder).items():
        words = [word.replace("{tree}", few) for word in command]
        per = measure(words, args.repeat, f"{built.folder}/src").wall / args.few
        print(
            f"{name:20} {per * args.few:7.3f} s  {per * 1000:6.0f} ms   "
            f"{per / (whole.wall / args.fragments):.0f} times as long",
            flush=True,
        )
    return 0


def print_ours(whole, one, fragments):
    each = (whole.wall - one.wall) / max(fragments - 1, 1)
    print(f"{'':20} {'total':>9}  {'each':>9}")
    print(
        f"{'rowlock collect':20} {whole.wall:7.3f} s  {whole.wall / fragments * 1000:6.2f} ms   "
        f"(one fragment {one.wall * 1000:.1f} ms, each further one {each * 1000:.2f} ms; "
        f"{whole.cpu / whole.wall:.1f} processors busy)",
        flush=True,
    )


def print_one_object(command, many, folder, repeat):
    """Ten thousand links to data of Lua's interpreter loop, which threads have to share."""
    shutil.rmtree(folder, ignore_errors=True)
    found = sorted(glob.glob(f"{many}/**/lvm.gcda", recursive=True))
    for n in range(10000):
        os.makedirs(f"{folder}/data/{n:04}")
        os.symlink(found[n % len(found)], f"{folder}/data/{n:04}/lvm.gcda")
    os.mkdir(f"{folder}/notes")
    os.symlink(os.path.realpath(found[0][:-4] + "gcno"), f"{folder}/notes/lvm.gcno")
    processors = sorted(os.sched_getaffinity(0))
    command = [*command, "--objects", f"{folder}/notes", f"{folder}/data"]
    alone = ["taskset", "-c", str(processors[0]), *command]
    for name, words in (("1 processor", alone), (f"{len(processors)} processors", command)):
        cost = measure(words, repeat, folder)
        print(
            f"{'one object':20} {cost.wall:7.3f} s  {cost.wall / 10:6.2f} ms   on {name} "
            f"({cost.cpu / cost.wall:.1f} busy)",
            flush=True,
        )


def read_seconds(folder):
    """How long it takes one process to read the data files, without looking at them."""
    start = time.monotonic()
    for path in glob.iglob(f"{folder}/**/*.gcda", recursive=True):
        with open(path, "rb", buffering=0) as file:
            file.read()
    return time.monotonic() - start


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
