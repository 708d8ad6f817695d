"""Coverage of published packages: are the figures of `rowlock parallel --coverage` those of
coverage.py after a plain, sequential run?

    pycoverage.py [--only NAME] [-n N] [--rowlock FILE] [--work DIR]

Each package runs with its newest pytest: under coverage.py, whose data file `rowlock collect`
has to report with the same JSON and XML; then under Rowlock, whose JSON has to be the same. A
suite whose own coverage differs between two plain runs is told so.
"""

import argparse
import os
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
from python_coverage import json_differences, xml_differences  # noqa: E402
from run import find_rowlock, select, work_dir  # noqa: E402

COVERAGE = "coverage==7.*"
SUITE = ["-q", "-p", "no:cacheprovider"]


def call(command, folder, accept=(0, 1)):
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(NO_COLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode not in accept:
        text = done.stdout.decode(errors="replace")
        raise Failure(f"{' '.join(command[:6])}: status {done.returncode}\n{text[-1500:]}")


def measure(python, module, args, folder, name):
    """A plain run under coverage.py, and its reports."""
    here = [python, "-m", "coverage"]
    data = f"--data-file=.coverage-{name}"
    run = [*here, "run", data, "--branch", f"--source={module}"]
    call([*run, "-m", "pytest", *SUITE, *args], folder)
    call([*here, "json", data, "-q", "-o", f"{name}.json"], folder)
    call([*here, "xml", data, "-q", "-o", f"{name}.xml"], folder)


def compare(package, args):
    """Lines that say what differs."""
    pytest = PYTESTS[-1]
    python = environment(package, pytest, XDIST, args.work)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
    run_checked([*pip, "--disable-pip-version-check", COVERAGE], "cannot install coverage.py")
    archive = archive_of(package, args.work)
    folder = extract(archive, os.path.join(args.work, "coverage", package.name))
    module = package.name.replace("-", "_")
    measure(python, module, package.args, folder, "plain")
    measure(python, module, package.args, folder, "again")
    path = os.path.join(folder, "{}.{}").format
    words = ["-q", "--python", python, "--json", "read.json", "--xml", "read.xml"]
    call([args.rowlock, "collect", *words, ".coverage-plain"], folder, accept=(0,))
    found = [f"collect: {d}" for d in json_differences(path("plain", "json"), path("read", "json"))]
    found += [f"collect: {d}" for d in xml_differences(path("plain", "xml"), path("read", "xml"))]
    words = ["--python", python, "--coverage", f"--cov={module}", "--cov-branch"]
    words += ["--cov-report=json:run.json", "-p", "no:cacheprovider", *package.args]
    call([args.rowlock, "parallel", "-n", args.n, *words], folder)
    run = json_differences(path("plain", "json"), path("run", "json"))
    unsteady = set(json_differences(path("plain", "json"), path("again", "json")))
    places = {line.split(": ")[0] for line in unsteady}
    found += [f"run: {d}" for d in run if d.split(": ")[0] not in places]
    return found, len(unsteady)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument("-n", metavar="N", default="2", help="workers (default: 2)")
    parser.add_argument("--rowlock", metavar="FILE", help="the program (default: the built one)")
    parser.add_argument("--work", metavar="DIR", default=work_dir())
    args = parser.parse_args()
    args.rowlock, args.work = find_rowlock(args.rowlock), os.path.abspath(args.work)
    bad = 0
    packages = select(args.only)
    for package in packages:
        try:
            found, unsteady = compare(package, args)
        except Failure as failure:
            found, unsteady = [str(failure)], 0
        bad += bool(found)
        note = f" ({unsteady} figures differ between two plain runs)" if unsteady else ""
        print(f"{package.name}: {'different' if found else 'equal'}{note}", flush=True)
        print("".join(f"  {line}\n" for line in found[:20]), end="")
    print(f"compat-coverage: {len(packages) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
