#!/usr/bin/env python3
"""Builds projects of the distribution's source packages, runs their tests with the tool that they
are made for (ctest, meson test, prove, Google Test itself) and with Rowlock, and compares test by
test.

Everything lies in the work folder and is kept there: what was fetched, built and compared is not
done again until the program or the project's entry changes. A run of all projects writes its part
of docs/compatibility.md. Exits 0 if every difference is explained, 1 if one is not, 2 if something
could not be run.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import NamedTuple

from debian import Archive
from environments import Failure, clean_environment
from page import replace_section
from run import TOP, find_rowlock, work_dir
from tools import LIMIT, TOOLS, WORDS


class Project(NamedTuple):
    """A source package. needs: packages that building it takes, besides the tool's own.
    explained: {test: why Rowlock's verdict differs}."""

    package: str
    tool: str
    kind: str  # what is particular about its suite
    options: list = []
    needs: list = []
    explained: dict = {}


PROJECTS = [
    Project("cjson", "ctest", "Unity programs", ["-DENABLE_CJSON_UTILS=On"]),
    Project(
        "json-c",
        "ctest",
        "shell scripts that compare outputs, with a folder each",
        ["-DBUILD_SHARED_LIBS=ON"],
    ),
    Project("cmark", "ctest", "Python scripts that start the program on whole specifications"),
    Project(
        "libzip",
        "ctest",
        "a Perl runner that starts a program per case, SKIP_RETURN_CODE",
        ["-DENABLE_OPENSSL=OFF", "-DENABLE_BZIP2=OFF", "-DENABLE_LZMA=OFF"],
        ["zlib1g-dev"],
    ),
    Project("fribidi", "meson", "one program on many data files", ["-Ddocs=false"]),
    Project("serd", "meson", "Python scripts over suites of files, nested suites"),
    Project(
        "wayland",
        "meson",
        "forks, signals, file descriptors",
        ["-Ddocumentation=false", "-Ddtd_validation=false"],
        ["libexpat1-dev", "libffi-dev"],
    ),
    Project(
        "googletest",
        "gtest",
        "Google Test's own tests, which print what looks like results",
        [
            f"googletest/test/{name}.cc"
            for name in (
                "gtest_unittest",
                "gtest-typed-test_test",
                "googletest-port-test",
                "googletest-death-test-test",
                "googletest-message-test",
                "googletest-options-test",
            )
        ],
        ["libgtest-dev"],
    ),
    Project("libtry-tiny-perl", "prove", "skipped as a whole where a module is missing"),
    Project("libpath-tiny-perl", "prove", "files, locks, forks"),
    Project("libyaml-tiny-perl", "prove", "points from data files, TODO"),
    Project("libtest-deep-perl", "prove", "tests of a testing module"),
    Project("liburi-perl", "prove", "many small scripts, of which three lack a module and fail"),
]


class Row(NamedTuple):
    """What came of one project."""

    project: Project
    version: str
    theirs: dict
    ours: dict
    seconds: tuple

    def differences(self):
        """[(test, the tool's verdict, Rowlock's)]; None: it does not know the test."""
        names = sorted(set(self.theirs) | set(self.ours))
        both = [(n, self.theirs.get(n), self.ours.get(n)) for n in names]
        return [(n, a, b) for n, a, b in both if a != b]

    def unexplained(self):
        return [d for d in self.differences() if d[0] not in self.project.explained]


def worse(a, b):
    order = ["failed", "passed", "skipped"]
    return order[min(order.index(a), order.index(b))]


def run_rowlock(program, tool, folder, options):
    """{the tool's name of a test: verdict}"""
    words, env = tool.rowlock(folder, options)
    report = os.path.join(folder, "rowlock-report.json")
    if os.path.exists(report):
        os.remove(report)
    with open(os.path.join(folder, "pytest.ini"), "w", encoding="utf-8") as file:
        file.write("[pytest]\n")  # or that of a folder above would count
    command = [program, "parallel", "-n", "2", "-q", "--report-json", report, *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=clean_environment(LC_ALL="C.UTF-8", **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"rowlock: {error}") from error
    if done.returncode not in (0, 1) or not os.path.exists(report):
        raise Failure(f"rowlock: exit code {done.returncode}: {done.stderr.strip()}")
    with open(report, encoding="utf-8", errors="surrogateescape") as file:
        tests = json.load(file)["tests"]
    known = {}
    for test in tests:
        name, word = tool.own_name(test["id"]), WORDS.get(test["outcome"], test["outcome"])
        known[name] = worse(known[name], word) if name in known else word
    return known


def fingerprint(project, version, program):
    """Of all that a row depends on, except the machine's mood."""
    digest = hashlib.sha256(json.dumps([list(project), version]).encode())
    for path in (program, os.path.join(os.path.dirname(program), "rowlock-exec"), __file__):
        if os.path.exists(path):
            with open(path, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()


def cached(project, archive, program, args):
    """A row from the work folder, or compared now and put there."""
    folder, version = archive.unpack(project.package)
    path = os.path.join(archive.folder, "results", f"{project.package}.json")
    mark = fingerprint(project, version, program)
    if not args.fresh and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data.pop("fingerprint") == mark:
            return Row(project, version, **data)
    row = compare(project, folder, version, program, args.j)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        data = {"theirs": row.theirs, "ours": row.ours, "seconds": row.seconds}
        json.dump({"fingerprint": mark, **data}, file, indent=1)
    os.replace(path + ".new", path)
    return row


def compare(project, folder, version, program, jobs):
    tool = TOOLS[project.tool]
    try:
        tool.build(folder, project.options, jobs)
    except Failure as failure:
        more = f"; it needs {' '.join(project.needs)}" if project.needs else ""
        raise Failure(f"{failure}{more}") from failure
    times = [time.monotonic()]
    theirs = tool.verdicts(folder, project.options)
    times.append(time.monotonic())
    ours = run_rowlock(program, tool, folder, project.options)
    times.append(time.monotonic())
    shutil.rmtree(os.path.join(folder, ".rowlock"), ignore_errors=True)
    return Row(project, version, theirs, ours, (times[1] - times[0], times[2] - times[1]))


def print_row(row):
    total, differences = len(row.theirs), row.differences()
    print(
        f"{row.project.package} {row.version}: {total} tests, {row.project.tool} "
        f"{row.seconds[0]:.1f} s, rowlock {row.seconds[1]:.1f} s, {len(differences)} differ",
        flush=True,
    )
    for test, before, after in differences:
        known = row.project.explained.get(test)
        print(
            f"    {test}: {row.project.tool} {before}, rowlock {after}"
            f"{f'  ({known})' if known else ''}",
            flush=True,
        )


HEADING = "## Native suites against ctest, meson test and prove"
HEAD = """
The suites of source packages of the distribution, built and run by `make compat-native` with the
tool that they are made for and with Rowlock, two tests at a time each. Every test's verdict is
compared: passed, failed or skipped; an expected failure counts as passed. Times are of one run
each, without any knowledge of how long tests took before, on a machine that did other things as
well.
"""


def count_words(verdicts):
    words = ["passed", "failed", "skipped"]
    counts = [(list(verdicts.values()).count(word), word) for word in words]
    return ", ".join(f"{n} {word}" for n, word in counts if n)


def section(rows):
    lines = [HEADING, *HEAD.splitlines(), ""]
    lines += [
        "| package | tool | what is particular about its suite | tests | verdicts |"
        " Rowlock differs | tool s | Rowlock s |",
        "|---|---|---|---:|---|---:|---:|---:|",
    ]
    for row in rows:
        project, differ = row.project, len(row.differences())
        lines.append(
            f"| {project.package} {row.version} | {TOOLS[project.tool].command} | {project.kind} "
            f"| {len(row.theirs)} | {count_words(row.theirs)} | {differ or 'none'} "
            f"| {row.seconds[0]:.1f} | {row.seconds[1]:.1f} |"
        )
    lines += ["", "Where Rowlock differs:", ""]
    found = [
        f"- {row.project.package}: `{test}` is {after} instead of {before}: "
        f"{row.project.explained.get(test, 'not explained')}."
        for row in rows
        for test, before, after in row.differences()
    ]
    return "\n".join(lines + (found or ["Nowhere."])) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument("--rowlock", metavar="FILE", help="the program (default: the built one)")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("-j", metavar="N", default="2", help="jobs of a build (default: 2)")
    parser.add_argument("--work", metavar="DIR", default=work_dir(), help="(default: %(default)s)")
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    args = parse_arguments()
    known = [project.package for project in PROJECTS]
    for name in args.only or []:
        if name not in known:
            sys.exit(f"no project called {name} is listed; there are: {', '.join(known)}")
    program = find_rowlock(args.rowlock)
    archive = Archive(os.path.join(os.path.abspath(args.work), "native"))
    rows, broken = [], 0
    archive.prepare()
    for project in PROJECTS:
        if args.only and project.package not in args.only:
            continue
        try:
            row = cached(project, archive, program, args)
        except Failure as failure:
            broken += 1
            print(f"{project.package}: {failure}", file=sys.stderr, flush=True)
            continue
        rows.append(row)
        print_row(row)
    if not broken and not args.only:
        replace_section(os.path.join(TOP, "docs", "compatibility.md"), HEADING, section(rows))
    bad = [row for row in rows if row.unexplained() or not row.theirs]
    print(f"native suites: {len(rows) - len(bad)} passed, {len(bad) + broken} failed")
    return 2 if broken else 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as problem:
        sys.exit(f"{problem}")
