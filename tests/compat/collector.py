#!/usr/bin/env python3
"""Compares `rowlock collect` with gcov on Lua, zlib and SQLite, from Debian's source packages, and
on random C programs, with every gcc that is there: every count of a line, a function and a
branch has to be the same. Exits 1 if one is not. Everything lies below the work folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from debian import Archive
from environments import Failure
from instrumented import PACKAGES

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from gcov_reference import from_gcov, from_lcov  # noqa: E402
from random_c import Program  # noqa: E402


def compare(rowlock, gcov, notes, folder, what):
    """Prints what differs, or how much is the same; returns whether all is."""
    with tempfile.NamedTemporaryFile(suffix=".info") as out:
        command = [rowlock, "collect", "-q", "--no-markers", "--lcov", out.name]
        command += ["--source-root", "/nowhere", "--include", "*", folder]
        subprocess.run(command, check=True)
        ours = from_lcov(out.name)
    found = ours.differences(from_gcov(gcov, notes, folder))
    for line in found[:20]:
        print(f"  {line}")
    arms = sum(len(counts) for counts in ours.branches.values())
    if what or found:
        print(
            f"{what}: {len(ours.lines)} lines, {len(ours.functions)} functions, {arms} branches: "
            f"{len(found)} differences",
            flush=True,
        )
    return not found, len(ours.lines)


def random_programs(args, ending):
    """The given number of programs; each in a folder that goes again."""
    same, lines = True, 0
    for seed in range(args.seed, args.seed + args.random):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "t.c"), "w", encoding="utf-8") as file:
                file.write(Program(seed).text())
            level = ("-O0", "-O0", "-O1", "-O2")[seed % 4]
            build = [f"gcc{ending}", "-w", level, "--coverage"]
            subprocess.run([*build, "-c", "t.c"], cwd=folder, check=True)
            subprocess.run([*build, "t.o", "-o", "t"], cwd=folder, check=True)
            subprocess.run(["./t"], cwd=folder, timeout=60)
            notes = [os.path.join(folder, "t.gcno")]
            good, n = compare(args.rowlock, f"gcov{ending}", notes, folder, "")
            if not good:
                print(f"  seed {seed}, {level}")
            same, lines = same and good, lines + n
    print(f"gcc{ending}: {args.random} random programs, {lines} lines: {'same' if same else 'not'}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="lua5.4, zlib, sqlite3")
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--work", default=os.path.join(HERE, "work", "coverage"))
    parser.add_argument("--random", type=int, default=200, help="so many random programs")
    parser.add_argument("--seed", type=int, default=1000, help="the first one's")
    args = parser.parse_args()
    args.rowlock = os.path.abspath(args.rowlock)
    endings = [
        e
        for e in ("-9", "-10", "-11", "-12", "-13", "-14", "-15")
        if shutil.which(f"gcc{e}") and shutil.which(f"gcov{e}")
    ]
    same = bool(endings)
    try:
        archive = Archive(os.path.abspath(args.work))
        chosen = [p for p in PACKAGES if p.package in (args.packages or [p.package])]
        if chosen:
            archive.prepare()
        for package in chosen:
            source, version = archive.unpack(package.package)
            for ending in endings:
                built = package(source, f"{source}-built{ending}", f"gcc{ending}")
                built.run()
                what = f"{package.package} {version}, gcc{ending}"
                good, _ = compare(args.rowlock, f"gcov{ending}", built.notes(), built.folder, what)
                same = same and good
    except Failure as failure:
        print(f"collector: {failure}", file=sys.stderr)
        return 2
    for ending in endings if args.random else []:
        same = random_programs(args, ending) and same
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
