"""One package with one pytest: its suite under plain pytest, pytest-xdist and Rowlock, and
where the verdicts of the last two differ from those of the first."""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from xml.etree import ElementTree

from environments import Failure, archive_of, clean_environment, environment, extract, run_limited

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
NOT_RUN = "not run"
RUN_TIMEOUT = 900  # seconds for one run of a suite
ALONE_LIMIT = 12  # so many of the tests that differ are run alone


class Run:
    """One run of a suite; failure: why it came to nothing."""

    def __init__(self, verdicts=None, seconds=0.0, failure=None, collected=None):
        self.verdicts = verdicts or {}
        self.seconds = seconds
        self.failure = failure
        self.collected = collected  # under Rowlock: how, in words


class Cell:
    def __init__(self, package, pytest):
        self.package = package
        self.pytest = pytest
        self.broken = None  # why not even plain pytest runs it
        self.runs = {}  # "plain", "xdist", "rowlock", "again" (plain once more) → Run
        self.alone = {}  # id → the verdict of that test alone under plain pytest

    def differences(self, name):
        """[(id, plain verdict, verdict of that run)], in plain pytest's order."""
        plain = self.runs["plain"].verdicts
        other = match_groups(plain, self.runs[name].verdicts)
        ids = [*plain, *(test for test in other if test not in plain)]
        pairs = [(test, plain.get(test, NOT_RUN), other.get(test, NOT_RUN)) for test in ids]
        return [pair for pair in pairs if pair[1] != pair[2]]

    def explanation(self, difference):
        """The package's own words for a difference, or None."""
        test, before, after = difference
        for pattern, text in self.package.explained:
            if re.search(pattern, test):
                return text
        return None

    def is_unstable(self, test):
        """Whether two plain runs disagree."""
        again = self.runs.get("again")
        return again is not None and again.verdicts.get(test, NOT_RUN) != self.runs[
            "plain"
        ].verdicts.get(test, NOT_RUN)

    def unexplained(self):
        """What of Rowlock's differences is a bug until somebody says why it is not."""
        differences = self.differences("rowlock")
        return [d for d in differences if not self.explanation(d) and not self.is_unstable(d[0])]

    def in_doubt(self):
        """Whether a second plain run may tell something."""
        compared = [name for name in ("xdist", "rowlock") if name in self.runs]
        return any(
            self.explanation(difference) is None
            for name in compared
            if not self.runs[name].failure
            for difference in self.differences(name)
        )

    def to_json(self):
        return {
            "broken": self.broken,
            "runs": {name: vars(run) for name, run in self.runs.items()},
            "alone": self.alone,
        }

    @classmethod
    def from_json(cls, package, pytest, data):
        cell = cls(package, pytest)
        cell.broken = data["broken"]
        cell.runs = {name: Run(**run) for name, run in data["runs"].items()}
        cell.alone = data["alone"]
        return cell


def match_groups(plain, other):
    """Verdicts by plain ids: pytest-xdist's loadgroup appends "@group" to them."""
    return {
        test if test in plain or test.rsplit("@", 1)[0] not in plain else test.rsplit("@", 1)[0]: v
        for test, v in other.items()
    }


class Runner:
    """Runs cells. rowlock: the program; xdist: the version of pytest-xdist."""

    def __init__(self, rowlock, xdist, work, workers, dist, keep):
        self.rowlock = rowlock
        self.xdist = xdist
        self.work = work
        self.workers = workers
        self.dist = dist
        self.keep = keep

    def run(self, package, pytest):
        cell = Cell(package, pytest)
        try:
            python = environment(package, pytest, self.xdist, self.work)
        except Failure as failure:
            if package.cannot_install(pytest):
                cell.broken = package.cannot_install(pytest)
                return cell
            raise failure
        # Not in the work folder: a suite without an ini file would find ours above it.
        folder = tempfile.mkdtemp(prefix=f"compat-{package.name}-")
        job = Job(package, python, archive_of(package, self.work), folder)
        try:
            self.fill(cell, job)
        finally:
            if self.keep:
                print(f"  kept: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return cell

    def fill(self, cell, job):
        plain = cell.runs["plain"] = job.run("plain", job.pytest())
        if plain.failure:
            cell.broken = plain.failure
            return
        dist = self.dist or cell.package.dist
        options = ["-n", self.workers, *(["--dist", dist] if dist else [])]
        xdist = job.pytest(*options)
        cell.runs["xdist"] = job.run("xdist", xdist)
        if self.rowlock:
            # However short it takes, as there is more to go wrong.
            command = [self.rowlock, *options, "--python", job.python, "--parallel-collect"]
            cell.runs["rowlock"] = job.run_rowlock(command)
        if cell.in_doubt():
            cell.runs["again"] = job.run("again", job.pytest())
            for test, _, _ in cell.unexplained()[:ALONE_LIMIT]:
                verdicts = job.run("alone", job.pytest(ids=[test])).verdicts
                cell.alone[test] = verdicts.get(test, NOT_RUN)


class Job:
    """The runs of one cell, each in a fresh copy of the archive, all at the same path."""

    def __init__(self, package, python, archive, folder):
        self.package = package
        self.python = python
        self.archive = archive
        self.folder = folder
        self.copy = None  # of the archive, where the last run was

    def file(self, name):
        return os.path.join(self.folder, name)

    def pytest(self, *options, ids=None):
        program = os.path.join(os.path.dirname(self.python), "pytest")
        what = self.package.args
        if ids is not None:
            what = [arg for arg in what if arg.startswith("-")] + ids
        return [program, "-p", "rowlock_verdicts", *options, *what]

    def call(self, name, command, env):
        """Runs one suite. (exit code, seconds, what it printed last)."""
        copy = self.copy = extract(self.archive, self.file("copy"))
        log = self.file(name + ".log")
        with open(log, "wb") as file:
            begin = time.monotonic()
            code = run_limited(
                command,
                RUN_TIMEOUT,
                cwd=copy,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            seconds = time.monotonic() - begin
        with open(log, errors="replace", encoding="utf-8") as file:
            return code, seconds, file.read()

    def run(self, name, command):
        output = self.file(name + ".json")
        env = clean_environment(ROWLOCK_VERDICTS=output)
        code, seconds, text = self.call(name, command, env)
        if code not in (0, 1) or not os.path.exists(output):
            return Run(failure=reason(code, text))
        with open(output, encoding="utf-8") as file:
            verdicts = json.load(file)
        failure = None
        if "Different tests were collected between" in text:
            failure = "different tests were collected by its workers"
        return Run(verdicts, seconds, failure)

    def run_rowlock(self, command):
        output, junit = self.file("rowlock.json"), self.file("rowlock.xml")
        reports = ["--report-json", output, "--junitxml", junit]
        code, seconds, text = self.call(
            "rowlock", [*command, *reports, *self.package.args], clean_environment()
        )
        if code not in (0, 1):
            return Run(failure=reason(code, text))
        with open(output, encoding="utf-8") as file:
            report = json.load(file)
        verdicts = {test["id"]: test["outcome"] for test in report["tests"]}
        failure = disagreement(report, verdicts, junit, code)
        return Run(verdicts, seconds, failure, how_collected(self.copy))


def reason(code, text):
    """Why a run came to nothing: the last line that says so."""
    if code is None:
        return f"ran for more than {RUN_TIMEOUT} s"
    lines = [line.strip() for line in text.splitlines() if line.strip(" =!-")]
    for pattern in (r"E  ", r"\w*Error\b|ERROR|rowlock:|error:", ""):
        told = [line for line in lines if re.match(pattern, line)]
        if told:
            said = re.sub("^E +| *[(]?/[^ ]+", "", told[-1])  # paths differ each time
            return f"exit code {code}: {said[:160]}"
    return f"exit code {code}, no output"


def how_collected(folder):
    """How many processes have collected a suite, or why it was one."""
    path = os.path.join(folder, ".rowlock", "last", "pytest.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    if "collected_by" in data:
        return f"{len({slot for _, slot in data['collected_by'] if slot >= 0})} workers"
    note = data.get("collect_note") or data.get("worker_start_note") or "a single file"
    return "one process: " + note.partition(": workers start")[0]


def disagreement(report, verdicts, junit, code):
    """The report has to agree with itself, with the JUnit file and with the exit code."""
    if len(verdicts) != len(report["tests"]):
        return "the JSON report names a test twice"
    counts = collections.Counter(verdicts.values())
    summary = {name: n for name, n in report["summary"].items() if name in OUTCOMES and n}
    if summary != dict(counts):
        return f"the summary says {summary}, but the tests are {dict(counts)}"
    cases = sum(1 for _ in ElementTree.parse(junit).getroot().iter("testcase"))
    if cases != len(verdicts):
        return f"the JUnit file has {cases} test cases, the JSON report {len(verdicts)}"
    bad = sum(counts[name] for name in ("failed", "error", "crashed", "timeout"))
    if code != (1 if bad else 0):
        return f"exit code {code} with {bad} failures"
    return None
