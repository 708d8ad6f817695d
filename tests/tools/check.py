#!/usr/bin/env python3
"""Runs all tests with plain runners: the cmocka programs, and one pytest for each folder.

Nothing of Rowlock decides a verdict here, so a broken Rowlock cannot report itself green.
`make check` calls it. The last line is "N passed, N failed", counted in single test cases; the
exit status is 0 only if nothing failed, nothing crashed and every program and every pytest run
did run tests. --results FILE gets {"tests": {id: outcome}, "cases": {id: outcome}}: tests as
Rowlock names them (a cmocka program is one test), and the cases of the programs.
"""

import argparse
import collections
import concurrent.futures
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

PROGRAM_TIMEOUT = 300
# Tests start make and pytest themselves and must not meet the make that started us.
DROPPED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEFILES", "GNUMAKEFLAGS", "MAKEOVERRIDES",
           "MAKE_RESTARTS", "MAKE_TERMOUT", "MAKE_TERMERR")
FAILURES = ("failed", "error", "crashed", "timeout")

RUN = re.compile(r"\[ RUN      \] (.+)$")
VERDICT = re.compile(r"\[\s+(OK|FAILED|SKIPPED|ERROR)\s+\] (.+)$")
TOTAL = re.compile(r"\[==========\].* (\d+) test\(s\) run\.$")
OUTCOMES = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped", "ERROR": "error"}


def clean_environment():
    env = {k: v for k, v in os.environ.items() if k not in DROPPED}
    env.setdefault("ROWLOCK_SRCDIR", ".")
    env.setdefault("ROWLOCK_BUILDDIR", ".")
    return env


def parse_cmocka(output):
    """The cases that cmocka's text output tells of, and how many it says it ran."""
    cases = collections.OrderedDict()
    running = key = None
    total = 0
    for line in output.splitlines():
        started, verdict, summed = RUN.search(line), VERDICT.search(line), TOTAL.search(line)
        if started:
            running = key = started.group(1)
            while key in cases:  # groups of one program may use a name again
                key += "'"
            cases[key] = "crashed"
        elif verdict and verdict.group(2) == running:
            cases[key] = OUTCOMES[verdict.group(1)]
            running = None
        elif summed:
            total += int(summed.group(1))
    return cases, total


def contradiction(status, outcomes):
    """What is wrong with a run that ended so, whatever its single tests say; None if nothing."""
    failed = any(outcome in FAILURES for outcome in outcomes.values())
    if not outcomes:
        return f"ran no tests (exit {status})"
    if status != 0 and not failed:
        return f"exited with {status} though no test failed"
    if status == 0 and failed:
        return "exited with 0 though a test failed"
    return None


class Part:
    """What one run of a program or of pytest had to say, and its results."""

    def __init__(self, name):
        self.name = name
        self.text = ""  # what is shown before the summary
        self.problem = None
        self.outcomes = {}
        self.tests = {}  # as Rowlock names them
        self.cases = {}

    def show(self):
        counts = collections.Counter(self.outcomes.values())
        words = ", ".join(f"{n} {outcome}" for outcome, n in counts.items()) or "no tests"
        end = f"; {self.problem}" if self.problem else ""
        print(f"{self.text}{self.name}: {words}{end}", flush=True)


def run_program(program, env):
    """Runs one cmocka program.

    Returns its cases, what is wrong with the program as a whole (or None), the verdict on it as
    Rowlock would put it, and what it printed."""
    path = program if os.sep in program else os.path.join(".", program)
    env = dict(env, CMOCKA_MESSAGE_OUTPUT="STDOUT")
    try:
        child = subprocess.Popen([path], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, start_new_session=True)
    except OSError as error:
        return {}, f"cannot be started: {error}", "error", ""
    problem = None
    verdict = "passed"
    try:
        raw, _ = child.communicate(timeout=PROGRAM_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raw, _ = child.communicate()
        problem = f"did not end within {PROGRAM_TIMEOUT} s"
        verdict = "timeout"
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    output = raw.decode("utf-8", "replace")
    cases, total = parse_cmocka(output)
    if problem is None and child.returncode < 0:
        problem = f"was killed by signal {-child.returncode}"
        verdict = "crashed"
    elif problem is None and cases and total != len(cases):
        problem = f"says it ran {total} tests, but shows {len(cases)}"
    elif problem is None:
        problem = contradiction(child.returncode, cases)
    if verdict == "passed" and (problem or child.returncode != 0):
        verdict = "failed"
    return cases, problem, verdict, output


def check_program(program, env):
    part = Part(program)
    part.outcomes, part.problem, verdict, output = run_program(program, env)
    if verdict != "passed":
        part.text = output
    part.tests[program] = verdict
    for name, outcome in part.outcomes.items():
        part.cases[f"{program}::{name}"] = outcome
    if part.problem and not any(outcome in FAILURES for outcome in part.outcomes.values()):
        part.cases[f"{program} (the program)"] = "failed"
    return part


def check_pytest(name, arguments, cwd, prefix, env):
    """One run of pytest."""
    part = Part(name)
    tools = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory(prefix="rowlock-check-") as folder:
        answer = os.path.join(folder, "results.json")
        path = os.pathsep.join(filter(None, [tools, env.get("PYTHONPATH")]))
        env = dict(env, PYTHONPATH=path, ROWLOCK_CHECK_RESULTS=answer)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_results",
                   "-p", "no:cacheprovider"] + arguments
        done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        part.text = done.stdout.decode("utf-8", "replace")
        if os.path.exists(answer):
            with open(answer, encoding="utf-8") as stream:
                part.outcomes = json.load(stream)
    part.problem = contradiction(done.returncode, part.outcomes)
    for nodeid, outcome in part.outcomes.items():
        part.tests[prefix + nodeid] = part.cases[prefix + nodeid] = outcome
    if part.problem:
        part.cases[f"{name} (the run)"] = "failed"
    return part


def pytest_missing():
    part = Part("pytest")
    part.problem = (f"it is missing for {sys.executable}; install it (Debian: apt-get install "
                    "python3-pytest) and run ./configure again")
    part.cases["pytest (missing)"] = "failed"
    return part


def suites(args, env):
    """The runs of pytest, as functions without arguments, the longest first."""
    try:
        import pytest  # noqa: F401
    except ImportError:
        return [pytest_missing]
    tests = os.path.join(env["ROWLOCK_SRCDIR"], "tests")
    runs = []
    for name in ("e2e", "zygote"):
        words = [os.path.join(tests, name), *args.pytest_arg]
        runs.append(functools.partial(check_pytest, f"pytest {name}", words, None, "", env))
    if args.sample:
        runs.append(functools.partial(check_pytest, "the sample project", ["-c", "pytest.ini"],
                                      args.sample, "sample:", env))
    return runs


def run_all(runs, results):
    """As many at a time as there are processors; each is shown when it has ended."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run) for run in runs]):
            part = future.result()
            part.show()
            results["tests"].update(part.tests)
            results["cases"].update(part.cases)


def main():
    parser = argparse.ArgumentParser(description="Runs all tests with plain runners.")
    parser.add_argument("--results", help="file for the verdict of each test (JSON)")
    parser.add_argument("--sample", help="folder of the sample project")
    parser.add_argument("--no-pytest", action="store_true", help="the programs only")
    parser.add_argument("--pytest-arg", action="append", default=[],
                        help="one more argument for the pytest run of the project's own tests")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    args = parser.parse_args()

    env = clean_environment()
    results = {"tests": {}, "cases": {}}
    runs = [] if args.no_pytest else suites(args, env)
    runs += [functools.partial(check_program, program, env) for program in args.programs]
    run_all(runs, results)
    if args.results:
        with open(args.results + ".new", "w", encoding="utf-8") as stream:
            json.dump(results, stream, indent=1)
            stream.write("\n")
        os.replace(args.results + ".new", args.results)

    outcomes = collections.Counter(results["cases"].values())
    failed = sum(outcomes[o] for o in FAILURES)
    skipped = outcomes["skipped"] + outcomes["xfailed"]
    passed = sum(outcomes.values()) - failed - skipped
    if failed:
        print("\nfailed:")
        for name, outcome in results["cases"].items():
            if outcome in FAILURES:
                print(f"  {outcome}: {name}")
        print()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
