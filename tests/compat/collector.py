#!/usr/bin/env python3
"""Compares `rowlock collect` with gcov on Lua, zlib and SQLite, from Debian's source packages, and
on random C and C++ programs, with every gcc that is there: every count of a line, a function and a
branch has to be the same, and so have the names of functions that people see.

--systems DIR adds the compilers of other versions of Debian: their systems are made below DIR by
debootstrap and entered with chroot, both as root. With all of them this writes its part of
docs/compatibility.md. Exits 1 if something differs, 2 if something could not be run. Everything
else lies below the work folder.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from typing import NamedTuple

import compilers
from debian import Archive
from environments import Failure
from instrumented import PACKAGES
from page import replace_section
from run import TOP

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from gcov_reference import (  # noqa: E402
    add_up,
    shown_names,
    details,
    details_of_report,
    from_lcov,
    run_gcov,
)
from random_c import Program  # noqa: E402

LEVELS = ("-O0", "-O0", "-O1", "-O2")
CSMITH = "/usr/include/csmith"


class Row(NamedTuple):
    """What came of one comparison."""

    what: str
    lines: int = 0
    functions: int = 0
    arms: int = 0
    differences: int = 0
    asked: bool = False  # rowlock left it to gcov, as it does not know the format

    def __add__(self, other):
        sums = [a + b for a, b in zip(self[1:5], other[1:5])]
        return Row(self.what, *sums, self.asked or other.asked)


def compare(rowlock, gcc, notes, folder, what):
    """Prints what differs, if anything does."""
    with contextlib.ExitStack() as stack:
        temporary = [stack.enter_context(tempfile.NamedTemporaryFile()) for _ in range(3)]
        lcov, cobertura, report = (file.name for file in temporary)
        command = [rowlock, "collect", "-q", "--no-markers", "--lcov", lcov, "--xml", cobertura]
        command += ["--json", report, "--source-root", "/nowhere", "--include", "*", folder]
        env = dict(os.environ, PATH=gcov_in_path(stack, gcc))
        done = subprocess.run(command, check=True, env=env, stderr=subprocess.PIPE, text=True)
        if gcc.root:
            for path in (lcov, report):
                name_as_in_system(gcc.root, path)
        ours = from_lcov(lcov)
        methods = xml.etree.ElementTree.parse(cobertura).iter("method")
        names = {method.get("name") for method in methods}
        ours_more = details_of_report(report)
    gcov = gcc.words("gcov", cwd=folder)
    units = [unit for path in notes for unit in run_gcov(gcov, path, folder)]
    found = ours.differences(add_up(units))
    found += [f"name {name}" for name in sorted(names ^ shown_names(units))]
    if len(units) == 1:
        theirs = details(units[0])
        found += [f"details of {name}" for name in theirs if theirs[name] != ours_more.get(name)]
    for line in found[:20]:
        print(f"  {line}")
    arms = sum(len(counts) for counts in ours.branches.values())
    asked = "gcov is asked" in done.stderr
    return Row(what, len(ours.lines), len(ours.functions), arms, len(found), asked)


def name_as_in_system(root, path):
    """Seen from here, what was compiled in another system was moved to where that lies, and
    collect finds the sources there; gcov in the system does not say so."""
    with open(path, "r+", encoding="utf-8") as file:
        text = file.read().replace(f"{root}/", "/")
        file.seek(0)
        file.truncate()
        file.write(text)


def gcov_in_path(stack, gcc):
    """A PATH on which `gcov-N`, where Rowlock asks it, is the gcov of another system; it is asked
    in a folder of this one, which that does not see: the folder is copied."""
    if not gcc.root:
        return os.environ["PATH"]
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    inside = stack.enter_context(gcc.folder())
    path = os.path.join(folder, f"gcov-{gcc.major}")
    with open(path, "w", encoding="utf-8") as file:
        entered = " ".join(gcc.words("gcov", cwd=inside))
        file.write(f'#!/bin/sh -e\ncp -L object.* {inside}\nexec {entered} "$@"\n')
    os.chmod(path, 0o755)
    return f"{folder}:{os.environ['PATH']}"


def write_program(folder, seed, kind):
    """Returns the source's name and what the compiler is told besides."""
    name = "t.cc" if kind == "C++" else "t.c"
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        if kind != "csmith":
            file.write(Program(seed, kind == "C++").text())
            return name, []
        limits = ["--max-funcs", "5", "--max-block-depth", "3", "--quiet"]
        command = ["csmith", "--seed", str(seed), *limits]  # leaves a file where it runs
        subprocess.run(command, cwd=folder, check=True, stdout=file)
    subprocess.run(["cp", "-r", CSMITH, os.path.join(folder, "csmith")], check=True)
    return name, ["-I", "csmith"]


def random_programs(args, gcc, kind, count, options):
    """The given number of programs; each in a folder that goes again."""
    total = Row(f"{count} random programs, {kind}{' '.join(['', *options])}")
    driver = "g++" if kind == "C++" else "gcc"
    for seed in range(args.seed, args.seed + count):
        with gcc.folder() as folder:
            name, more = write_program(folder, seed, kind)
            level = LEVELS[seed % 4]
            build = [driver, "-w", level, "--coverage", *options]
            gcc.run(*build, *more, "-c", name, "-o", "t.o", cwd=folder)
            gcc.run(*build, "t.o", "-o", "t", cwd=folder)
            with contextlib.suppress(subprocess.TimeoutExpired):  # csmith does not promise an end
                words = gcc.words("timeout", "-s", "INT", "5", "./t", cwd=folder)
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                subprocess.run(words, cwd=folder, timeout=60, check=False, **quiet)
            row = compare(args.rowlock, gcc, [os.path.join(folder, "t.gcno")], folder, "")
            if row.differences:
                print(f"  {gcc}, {kind}, seed {seed}, {level} {options}", flush=True)
            total += row
    return total


def packages(args, gcc, archive):
    for package in PACKAGES:
        if package.package not in (args.packages or [package.package]):
            continue
        source, version = archive.unpack(package.package)
        with gcc.folder() as folder:
            built = package(source, os.path.join(folder, package.package), gcc)
            built.run()
            what = f"{package.package} {version}"
            yield compare(args.rowlock, gcc, built.notes(), built.folder, what)


def all_of(args, gcc, archive):
    """The rows of one gcc."""
    if archive:
        yield from packages(args, gcc, archive)
    if not args.random:
        return
    yield random_programs(args, gcc, "C", args.random, [])
    if args.csmith:
        yield random_programs(args, gcc, "csmith", args.csmith, [])
    if gcc.has("g++"):
        yield random_programs(args, gcc, "C++", args.random, [])
    few = max(args.random // 4, 1)
    if gcc.major >= 14:
        yield random_programs(args, gcc, "C", few, ["-fcondition-coverage"])
    if gcc.major >= 15:
        yield random_programs(args, gcc, "C", few, ["-fpath-coverage"])


HEADING = "## Counts of gcov, with every gcc of Debian"
HEAD = """
`make compat-coverage ARGS="--systems DIR"` builds programs with every gcc that Debian's suites
have, runs them, and compares `rowlock collect` with `gcov --json-format` of the same gcc: the count
of every line, function and branch, the demangled names of functions, and for the random programs
columns, blocks and kinds of branches, too. Formats that are not known are left to the gcov of that
version.
"""


def section(rows):
    lines = [HEADING, *HEAD.splitlines(), ""]
    lines += [
        "| compiler | program | lines | functions | branches | differ |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for gcc, row in rows:
        asked = ", gcov asked" if row.asked else ""
        lines.append(
            f"| {gcc}{asked} | {row.what} | {row.lines} | {row.functions} | {row.arms} "
            f"| {row.differences or 'none'} |"
        )
    return "\n".join(lines) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="lua5.4, zlib, sqlite3")
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--work", default=os.path.join(HERE, "work", "coverage"))
    parser.add_argument("--no-packages", action="store_true", help="random programs only")
    parser.add_argument("--random", type=int, default=200, help="so many random programs")
    parser.add_argument("--csmith", type=int, default=0, help="so many of csmith's programs")
    parser.add_argument("--seed", type=int, default=1000, help="the first one's")
    parser.add_argument("--gcc", type=int, action="append", metavar="N", help="only this version")
    parser.add_argument(
        "--root", action="append", default=[], metavar="DIR", help="a system with other compilers"
    )
    parser.add_argument(
        "--systems", metavar="DIR", help="where Debian's other suites are, or are to be made"
    )
    args = parser.parse_args()
    args.rowlock = os.path.abspath(args.rowlock)
    return args


def main():
    args = parse_arguments()
    rows = []
    try:
        archive = None
        if not args.no_packages:
            archive = Archive(os.path.abspath(args.work))
            archive.prepare()
        found = compilers.find(args.root, args.systems)
        for gcc in found:
            if gcc.major not in (args.gcc or [gcc.major]):
                continue
            for row in all_of(args, gcc, archive):
                rows.append((gcc, row))
                print(
                    f"{gcc}, {row.what}: {row.lines} lines, {row.functions} functions, {row.arms} "
                    f"branches: {row.differences} differences{', gcov asked' * row.asked}",
                    flush=True,
                )
    except Failure as failure:
        print(f"collector: {failure}", file=sys.stderr)
        return 2
    bad = sum(1 for _, row in rows if row.differences or not row.lines)
    if args.systems and not (args.gcc or args.packages or args.no_packages):
        replace_section(os.path.join(TOP, "docs", "compatibility.md"), HEADING, section(rows))
    print(f"collect and gcov: {len(rows) - bad} passed, {bad} failed")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
