"""Coverage of published packages: are the figures of `rowlock parallel --coverage` those of
coverage.py after a plain, sequential run?

    pycoverage.py [--only NAME]... [-n N] [--rowlock FILE] [--work DIR]

Each package runs with the newest pytest that its suite passes with: under coverage.py, whose data
file `rowlock collect` has to report with the same JSON and XML; then under Rowlock, whose JSON has
to be the same. A file of which two plain runs say different things is named and not compared. A
run of all packages writes its section of docs/compatibility.md.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# What compares reports lies with the end-to-end tests.
sys.path.append(os.path.join(os.path.dirname(HERE), "e2e"))

from environments import (  # noqa: E402
    Failure,
    archive_of,
    clean_environment,
    environment,
    extract,
    run_checked,
)
from packages import PYTESTS, XDIST  # noqa: E402
from page import replace_section  # noqa: E402
from python_coverage import json_differences, xml_differences  # noqa: E402
from run import TOP, find_rowlock, select, work_dir  # noqa: E402

COVERAGE = "coverage==7.*"
HEADING = "## Coverage of Python suites against coverage.py"
SUITE = ["-q", "-p", "no:cacheprovider"]


class Compared:
    """What came of one package. found: lines that say what differs."""

    def __init__(self, package, found, pytest="", covered=0, coverable=0, unsteady=()):
        self.package = package
        self.found = found
        self.pytest = pytest
        self.covered = covered
        self.coverable = coverable
        self.unsteady = sorted(unsteady)  # files of which two plain runs say different things


def call(command, folder, accept=(0, 1)):
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(NO_COLOR="1", PYTHONHASHSEED="0"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode not in accept:
        text = done.stdout.decode(errors="replace")
        raise Failure(f"{' '.join(command[:6])}: status {done.returncode}\n{text[-1500:]}")


def sources(python, package, folder):
    """What is measured: the package as it is installed, and that of the archive, if a suite
    prefers it."""
    module = package.name.replace("-", "_")
    code = f"import importlib.util as u; print(u.find_spec({module!r}).origin)"
    done = subprocess.run(
        [python, "-I", "-c", code], stdout=subprocess.PIPE, check=True, env=clean_environment()
    )
    installed = done.stdout.decode().strip()
    if os.path.basename(installed) == "__init__.py":
        installed = os.path.dirname(installed)
    else:
        installed = module
    return [installed, *([module] if os.path.isdir(os.path.join(folder, module)) else [])]


def has_module(python, name):
    command = [python, "-I", "-c", f"import {name}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def measure(python, source, args, folder, name):
    """A plain run under coverage.py, and its reports."""
    here = [python, "-m", "coverage"]
    data = f"--data-file=.coverage-{name}"
    run = [*here, "run", data, "--branch", f"--source={','.join(source)}"]
    # The script, as -m would put the archive's folder before what is installed.
    script = os.path.join(os.path.dirname(python), "pytest")
    # An addopts may ask for pytest-cov, which would measure instead.
    alone = ["--no-cov"] if has_module(python, "pytest_cov") else []
    call([*run, script, *SUITE, *alone, *args], folder)
    call([*here, "json", data, "-q", "-o", f"{name}.json"], folder)
    call([*here, "xml", data, "-q", "-o", f"{name}.xml"], folder)


def arguments(package):
    return [*package.args, *package.coverage_args]


def prepare(package, args):
    """(pytest, python, folder, source), with the reports of a plain run in the folder."""
    for pytest in reversed(PYTESTS):
        try:
            python = environment(package, pytest, XDIST, args.work)
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
            pip += ["--disable-pip-version-check", COVERAGE]
            run_checked(pip, "cannot install coverage.py")
            archive = archive_of(package, args.work)
            folder = extract(archive, os.path.join(args.work, "coverage", package.name))
            source = sources(python, package, folder)
            measure(python, source, arguments(package), folder, "plain")
            return pytest, python, folder, source
        except Failure as failure:
            last = failure
    raise last


def file_of(difference):
    """The file that a line of json_differences() is about; "" for the totals of all."""
    place = difference.split(": ")[0]
    if not place.startswith("/files/"):
        return ""
    return place[len("/files/") :].split(".py/")[0] + ".py"


def is_explained(package, file):
    return any(re.search(pattern, file) for pattern in package.coverage_explained)


def compare(package, args):
    pytest, python, folder, source = prepare(package, args)
    path = os.path.join(folder, "{}.{}").format
    measure(python, source, arguments(package), folder, "again")
    words = ["-q", "--python", python, "--json", "read.json", "--xml", "read.xml"]
    call([args.rowlock, "collect", *words, ".coverage-plain"], folder, accept=(0,))
    found = [f"collect: {d}" for d in json_differences(path("plain", "json"), path("read", "json"))]
    found += [f"collect: {d}" for d in xml_differences(path("plain", "xml"), path("read", "xml"))]
    words = ["--python", python, "--coverage", *(f"--cov={path}" for path in source)]
    words += ["--cov-branch", "--cov-report=json:run.json", "-p", "no:cacheprovider"]
    words += arguments(package)
    call([args.rowlock, "parallel", "-n", args.n, *words], folder)
    run = json_differences(path("plain", "json"), path("run", "json"))
    unsteady = {file_of(d) for d in json_differences(path("plain", "json"), path("again", "json"))}
    known = {file_of(d) for d in run if is_explained(package, file_of(d))}
    left_out = unsteady | known | ({""} if known else set())  # and with these the totals
    found += [f"run: {d}" for d in run if file_of(d) not in left_out]
    with open(path("plain", "json"), encoding="utf-8") as file:
        totals = json.load(file)["totals"]
    if not totals["covered_lines"]:
        raise Failure("nothing was covered, so nothing was compared")
    covered = totals["covered_lines"] + totals["covered_branches"]
    coverable = totals["num_statements"] + totals["num_branches"]
    files = {os.path.basename(file) for file in unsteady if file}
    return Compared(package, found, pytest, covered, coverable, files)


SECTION = """\
{heading}

The same suites, measured: what coverage.py {coverage} reports after a plain run of each under
`coverage run --branch`, beside what `rowlock collect` makes of the same data file (JSON and XML),
and beside what `rowlock parallel -n {workers} --coverage` reports after a run of its own (JSON).
Every statement, missing line, excluded line, branch, percentage, function and class is compared,
with the newest pytest that the suite runs with. `make compat-coverage-python` does it again and
writes this section.

"Covered" counts statements and branches; a file of which two plain runs say different things is
named in the last column and not compared between runs.

| package | pytest | covered | collect differs | run differs | two plain runs differ in |
|---|---|---:|---:|---:|---|
"""
# What is said below the table.
EXPLAINED = """
- In the XML of anyio (`relative_files`, but measured where it is installed), coverage.py takes the
  first slash from the names of all files but one; `rowlock collect` leaves it. These names are
  compared without it.
- Of psutil, the tests are left out that want their process to have no sockets but its own (see
  above).
"""


def count(result, kind):
    number = sum(line.startswith(kind) for line in result.found)
    return str(number) if number else "none"


def section(results, workers):
    text = SECTION.format(heading=HEADING, workers=workers, coverage=COVERAGE[10:-2])
    for r in results:
        package = f"{r.package.name} {r.package.version}"
        if not r.pytest:
            text += f"| {package} | not run: {r.found[0].splitlines()[0]} | | | | |\n"
            continue
        text += (
            f"| {package} | {r.pytest} | {r.covered} of {r.coverable} | {count(r, 'collect')} "
            f"| {count(r, 'run')} | {', '.join(r.unsteady) or 'nothing'} |\n"
        )
    text += EXPLAINED
    for r in results:
        for pattern, why in r.package.coverage_explained.items():
            text += f"- {r.package.name}, files that match `{pattern}`: {why}; not compared.\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument("-n", metavar="N", default="2", help="workers (default: 2)")
    parser.add_argument("--rowlock", metavar="FILE", help="the program (default: the built one)")
    parser.add_argument("--work", metavar="DIR", default=work_dir())
    args = parser.parse_args()
    args.rowlock, args.work = find_rowlock(args.rowlock), os.path.abspath(args.work)
    # In the background of a script it is ignored, and asyncio does other things then.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    results = []
    for package in select(args.only):
        try:
            result = compare(package, args)
        except Failure as failure:
            result = Compared(package, [str(failure)])
        results.append(result)
        note = f"; two plain runs differ in {', '.join(result.unsteady)}" if result.unsteady else ""
        print(
            f"{package.name}, pytest {result.pytest or 'none'}: {result.covered} of "
            f"{result.coverable} covered, {'different' if result.found else 'equal'}{note}",
            flush=True,
        )
        print("".join(f"  {line}\n" for line in result.found[:20]), end="")
    bad = sum(bool(result.found) for result in results)
    print(f"compat-coverage: {len(results) - bad} passed, {bad} failed")
    if not args.only:
        page = os.path.join(TOP, "docs", "compatibility.md")
        replace_section(page, HEADING, section(results, args.n))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
