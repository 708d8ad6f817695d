#!/usr/bin/env python3
"""Runs the test suites of published Python packages with plain pytest and with Rowlock, and
compares the two verdict by verdict.

The packages' source archives come from the package index through pip; they and a virtual
environment per package and pytest version are kept in the work folder. Each run gets a fresh
copy of the archive. Exits 0 if no verdict differs, 1 if one does, 2 if something could not be
run.
"""

import argparse
import collections
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from xml.etree import ElementTree

from packages import CI, PACKAGES

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DEFAULT_PYTEST = "9.2.0" if sys.version_info >= (3, 10) else "8.3.5"
OUTCOMES = [
    "passed",
    "failed",
    "skipped",
    "xfailed",
    "xpassed",
    "error",
    "crashed",
    "timeout",
    "flaky",
]
RUN_TIMEOUT = 1800  # seconds for one run of a suite


class Failure(Exception):
    """Something could not be run; the message says what and why."""


class Comparison:
    """Both runs of one suite."""

    def __init__(self, package, pytest):
        self.package = package
        self.pytest = pytest
        self.plain = {}  # id → verdict
        self.rowlock = {}
        self.plain_seconds = self.rowlock_seconds = 0.0
        self.differences = []  # lines


def main():
    args = parse_arguments()
    wanted = select(args)
    rowlock = None if args.plain_only else find_rowlock(args.rowlock)
    done, broken = [], []
    for version in args.pytest or [DEFAULT_PYTEST]:
        for package in wanted:
            print(f"{package.name} {package.version} with pytest {version} …", flush=True)
            try:
                done.append(compare(package, version, rowlock, args))
            except Failure as failure:
                broken.append(package.name)
                print(f"  {failure}", file=sys.stderr)
    print_table(done, rowlock)
    if args.write_docs and done and rowlock:
        write_docs(done)
    differ = [c for c in done if c.differences]
    equal = len(done) - len(differ)
    if rowlock:
        print(f"compatibility: {equal} passed, {len(differ) + len(broken)} failed")
    return 2 if broken else 1 if differ else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ci", action="store_true", help=f"only {', '.join(CI)}")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument(
        "--pytest",
        metavar="VERSION",
        action="append",
        help=f"with this pytest; may be repeated (default: {DEFAULT_PYTEST})",
    )
    parser.add_argument("--dist", metavar="NAME", help="hand --dist NAME to rowlock")
    parser.add_argument("-n", metavar="N", default="2", help="workers (default: 2)")
    parser.add_argument("--rowlock", metavar="FILE", help="the program (default: the built one)")
    parser.add_argument("--plain-only", action="store_true", help="run plain pytest alone")
    parser.add_argument("--keep", action="store_true", help="keep the copies that were run")
    parser.add_argument("--write-docs", action="store_true", help="write docs/compatibility.md")
    parser.add_argument(
        "--work",
        metavar="DIR",
        default=work_dir(),
        help="folder for archives and environments (default: %(default)s)",
    )
    args = parser.parse_args()
    args.work = os.path.abspath(args.work)
    return args


def select(args):
    names = args.only or (CI if args.ci else [package.name for package in PACKAGES])
    unknown = sorted(set(names) - {package.name for package in PACKAGES})
    if unknown:
        known = ", ".join(package.name for package in PACKAGES)
        sys.exit(f"no package called {unknown[0]} is listed; there are: {known}")
    return [package for package in PACKAGES if package.name in names]


def build_dir():
    return os.path.abspath(os.environ.get("ROWLOCK_BUILDDIR") or TOP)


def work_dir():
    """In a build tree of its own, or where git does not see it."""
    build = build_dir()
    if os.path.realpath(build) == os.path.realpath(TOP):
        return os.path.join(HERE, "work")
    return os.path.join(build, "compat-work")


def find_rowlock(given):
    path = os.path.abspath(given) if given else os.path.join(build_dir(), "rowlock")
    if not os.access(path, os.X_OK):
        sys.exit(f"{path}: no such program; build it with 'make', or name it with --rowlock")
    return path


# Getting what is run.


def compare(package, version, rowlock, args):
    archive = download(package, args.work)
    python = environment(package, version, archive, args.work)
    comparison = Comparison(package, version)
    runs = os.path.join(args.work, "runs", f"{package.name}-pytest-{version}")
    shutil.rmtree(runs, ignore_errors=True)
    try:
        folder = extract(archive, os.path.join(runs, "plain"))
        begin = time.monotonic()
        comparison.plain = run_plain(package, python, folder, runs)
        comparison.plain_seconds = time.monotonic() - begin
        if rowlock:
            folder = extract(archive, os.path.join(runs, "rowlock"))
            begin = time.monotonic()
            comparison.rowlock = run_rowlock(package, python, folder, runs, rowlock, args)
            comparison.rowlock_seconds = time.monotonic() - begin
            find_differences(comparison)
    finally:
        if not args.keep:
            shutil.rmtree(runs, ignore_errors=True)
    return comparison


def download(package, work):
    """The source archive, from the work folder or through pip."""
    folder = os.path.join(work, "archives", f"{package.name}-{package.version}")
    if not os.path.isdir(folder):
        temporary = folder + ".partial"
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        requirement = f"{package.name}=={package.version}"
        run_checked(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--dest",
                temporary,
                requirement,
            ],
            f"cannot download {requirement}",
        )
        os.rename(temporary, folder)
    archives = [name for name in os.listdir(folder) if name.endswith(".tar.gz")]
    if len(archives) != 1:
        raise Failure(f"{folder}: expected one .tar.gz, found {len(archives)}")
    return os.path.join(folder, archives[0])


def environment(package, version, archive, work):
    """The python of a virtual environment with the package, pytest and what its tests need."""
    tag = f"{package.name}-{package.version}-pytest-{version}-py{platform.python_version()}"
    folder = os.path.join(work, "environments", tag)
    python = os.path.join(folder, "bin", "python")
    stamp = os.path.join(folder, "complete")
    wanted = " ".join([f"pytest=={version}", *package.needs])
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return python
    shutil.rmtree(folder, ignore_errors=True)
    run_checked([sys.executable, "-m", "venv", folder], "cannot make a virtual environment")
    run_checked(
        [python, "-m", "pip", "install", "--quiet", archive, *wanted.split()],
        f"cannot install {package.name} {package.version} with {wanted}",
    )
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return python


def extract(archive, target):
    """A fresh copy of the archive's only folder."""
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(target, filter="data")
        else:
            tar.extractall(target)
    (name,) = os.listdir(target)
    return os.path.join(target, name)


def run_checked(command, what):
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env=clean_environment(),
    )
    if done.returncode:
        tail = done.stdout.decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise Failure(f"{what}: {tail[0]}")


# Running.


def clean_environment(**more):
    """This process's environment without what would change how pytest runs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "ROWLOCK_"))}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    env.update(more)
    return env


def run_suite(command, folder, log, env):
    """Runs one suite. Its exit code; failed tests (1) and no tests (5) are fine."""
    with open(log, "wb") as file:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=RUN_TIMEOUT,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} ran for more than {RUN_TIMEOUT} s; see {log}") from None
    if code not in (0, 1):
        with open(log, errors="replace", encoding="utf-8") as file:
            tail = "".join("    " + line for line in file.readlines()[-15:])
        raise Failure(f"{command[0]} exited with {code}:\n{tail}")
    return code


def run_plain(package, python, folder, runs):
    output = os.path.join(runs, "plain.json")
    pytest = os.path.join(os.path.dirname(python), "pytest")
    run_suite(
        [pytest, "-p", "rowlock_verdicts", f"--junitxml={runs}/plain.xml", *package.args],
        folder,
        os.path.join(runs, "plain.log"),
        clean_environment(PYTHONPATH=os.path.join(HERE, "plugin"), ROWLOCK_VERDICTS=output),
    )
    with open(output, encoding="utf-8") as file:
        return json.load(file)


def run_rowlock(package, python, folder, runs, rowlock, args):
    output = os.path.join(runs, "rowlock.json")
    junit = os.path.join(runs, "rowlock.xml")
    more = ["--dist", args.dist] if args.dist else []
    code = run_suite(
        [
            rowlock,
            "parallel",
            "-n",
            args.n,
            "--python",
            python,
            "--report-json",
            output,
            "--junitxml",
            junit,
            *more,
            *package.args,
        ],
        folder,
        os.path.join(runs, "rowlock.log"),
        clean_environment(),
    )
    with open(output, encoding="utf-8") as file:
        report = json.load(file)
    verdicts = {test["id"]: test["outcome"] for test in report["tests"]}
    check_report(report, verdicts, junit, code)
    return verdicts


def check_report(report, verdicts, junit, code):
    """The report has to agree with itself, with the JUnit file and with the exit code."""
    if len(verdicts) != len(report["tests"]):
        raise Failure("the JSON report names a test twice")
    counts = collections.Counter(verdicts.values())
    summary = {name: n for name, n in report["summary"].items() if name in OUTCOMES and n}
    if summary != dict(counts):
        raise Failure(f"the summary says {summary}, but the tests are {dict(counts)}")
    cases = sum(1 for _ in ElementTree.parse(junit).getroot().iter("testcase"))
    if cases != len(verdicts):
        raise Failure(f"the JUnit file has {cases} test cases, the JSON report {len(verdicts)}")
    bad = sum(counts[name] for name in ("failed", "error", "crashed", "timeout"))
    if code != (1 if bad else 0):
        raise Failure(f"exit code {code} with {bad} failures")


def find_differences(comparison):
    plain, rowlock = comparison.plain, comparison.rowlock
    for name in [*plain, *(name for name in rowlock if name not in plain)]:
        before, after = plain.get(name, "not run"), rowlock.get(name, "not run")
        if before != after:
            comparison.differences.append(f"{name}: pytest {before}, rowlock {after}")


# Telling.


def counts_text(verdicts):
    counts = collections.Counter(verdicts.values())
    return ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name]) or "none"


def print_table(done, rowlock):
    for comparison in done:
        package = comparison.package
        print(f"\n{package.name} {package.version}, pytest {comparison.pytest}: {package.kind}")
        print(f"  pytest   {comparison.plain_seconds:6.1f} s  {counts_text(comparison.plain)}")
        if not rowlock:
            continue
        print(f"  rowlock  {comparison.rowlock_seconds:6.1f} s  {counts_text(comparison.rowlock)}")
        print(f"  differences: {len(comparison.differences) or 'none'}")
        for line in comparison.differences[:20]:
            print(f"    {line}")
        if len(comparison.differences) > 20:
            print(f"    and {len(comparison.differences) - 20} more")
    print()


def write_docs(done):
    lines = [
        "# Compatibility with published suites",
        "",
        "The test suites of these packages, as their source archives ship them, were run with",
        "plain pytest and with `rowlock parallel -n 2`, each from a fresh copy. The verdict of",
        "every single test was compared. `make compat` does it again; with ARGS=--write-docs",
        "it rewrites this page.",
        "",
        f"Python {platform.python_version()}, {platform.system()}.",
        "",
        "| package | version | pytest | kind | tests | pytest says | Rowlock says | differences |",
        "|---|---|---|---|---:|---|---|---:|",
    ]
    for c in done:
        lines.append(
            f"| {c.package.name} | {c.package.version} | {c.pytest} | {c.package.kind} "
            f"| {len(c.plain)} | {counts_text(c.plain)} | {counts_text(c.rowlock)} "
            f"| {len(c.differences) or 'none'} |"
        )
    differing = [c for c in done if c.differences]
    for c in differing:
        lines += ["", f"## Differences in {c.package.name} {c.package.version}", ""]
        lines += [f"- `{line}`" for line in c.differences]
    path = os.path.join(TOP, "docs", "compatibility.md")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(path + ".new", path)
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
