"""The published suites of tests/compat: Rowlock's cost beside that of pytest-xdist.

For each package, with the newest pytest under which its suite runs: medians of wall time and CPU
time, the overhead (the CPU time of the run without the tests' own time, as a plain run reports it;
a suite whose tests mostly wait has none that can be told) and the peak memory of all processes, as
ratios to pytest-xdist; beside them pytest-zygote's wall and CPU time, and who has collected under
Rowlock. Where pytest-zygote ends with other counts than a plain run, a line below says so. At the
end, and where it is interrupted, the geometric means. Archives, environments and the results are
kept in the work folder of tests/compat; --resume goes on where it was stopped.

    bench_suites.py [--only NAME] [--workers 2] [--rounds 5] [--shortest-first] [--resume]
"""

import argparse
import contextlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import measure
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "compat"))

from cell import how_collected  # noqa: E402
from environments import Failure, archive_of, environment, extract  # noqa: E402
from packages import PYTESTS, XDIST  # noqa: E402
from run import find_rowlock, fingerprint, select, work_dir  # noqa: E402

COLUMNS = ("wall", "cpu", "overhead", "memory", "zygote wall", "zygote cpu")


def ratio(value, reference):
    return value / reference if value > 0 and reference > 0 else None


def say(text):
    """What it is at, for whoever watches."""
    print(f"  {text}", file=sys.stderr, flush=True)


def prepare(package, args, workers, suite):
    """(version of pytest, tools): the newest one under which a plain run of the suite ends well.
    That run fills caches, too."""
    problem = Failure(f"{package.name} runs under no version of pytest")
    options = [*package.args, *package.coverage_args]  # without what differs under Rowlock
    for version in reversed(PYTESTS):
        if package.cannot_install(version):
            continue
        python = environment(package, version, XDIST, args.work)
        tools = peers.runners(
            args.rowlock, python, workers, options, package.dist or "load", args.zygote
        )
        try:
            measure.run(tools["pytest"][0], suite, tools["pytest"][1], allowed=(0, 1))
        except measure.Failure as failure:
            problem = failure
            continue
        return version, tools
    raise problem


def measure_package(package, args, workers, work):
    """What is kept of a package: {column: ratio to pytest-xdist, None where it cannot be told},
    and "pytest", "seconds" (pytest-xdist's wall time), "collected by"."""
    suite = extract(archive_of(package, args.work), os.path.join(work, "copy"))
    version, tools = prepare(package, args, workers, suite)
    for _, env in tools.values():
        env["TMPDIR"] = os.path.join(work, "t")  # what others have left in /tmp costs time
    os.mkdir(os.path.join(work, "t"))
    own = peers.own_seconds(*tools["pytest"], suite, os.path.join(work, "own.xml"))
    differs = None
    if "pytest-zygote" in tools:
        plain, theirs = (counts(*tools[name], suite) for name in ("pytest", "pytest-zygote"))
        if theirs != plain:
            differs = f"pytest-zygote says {theirs!r}, pytest {plain!r}"
            say(differs)
            if not theirs[0].isdigit():
                del tools["pytest-zygote"]
    del tools["pytest"], tools["one collector"]
    costs = measure.medians(tools, args.rounds, suite, allowed=(0, 1), tell=say)
    collected = how_collected(suite)
    compared = [tools[name] for name in ("rowlock", "pytest-xdist")]
    memory = [measure.peak_memory(argv, suite, env) for argv, env in compared]
    ours, theirs = costs["rowlock"], costs["pytest-xdist"]
    result = {
        "wall": ratio(ours.wall, theirs.wall),
        "cpu": ratio(ours.cpu, theirs.cpu),
        "overhead": ratio(ours.cpu - own, theirs.cpu - own),
        "memory": ratio(*memory),
        "pytest": version,
        "seconds": theirs.wall,
        "collected by": collected,
    }
    if "pytest-zygote" in costs:
        result["zygote wall"] = ratio(costs["pytest-zygote"].wall, theirs.wall)
        result["zygote cpu"] = ratio(costs["pytest-zygote"].cpu, theirs.cpu)
    if differs:
        result["zygote differs"] = differs
    return result


def counts(argv, env, suite):
    """What the last line of a run says, but for its time: "3 passed, 1 skipped"."""
    done = subprocess.run(
        argv, cwd=suite, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    lines = done.stdout.decode(errors="replace").split("\n")
    ends = [line for line in lines if re.search(r" in [\d.]+s", line)]
    return ends[-1].strip("= ").partition(" in ")[0] if ends else f"exit status {done.returncode}"


class Kept:
    """The results of earlier runs: WORK/bench.json."""

    def __init__(self, args):
        self.path = os.path.join(args.work, "bench.json")
        self.args = args
        self.all = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.all = json.load(file)

    def key(self, package, workers):
        return f"{package.name} {package.version}, {workers} workers"

    def mark(self, package, workers):
        """Of all that the figures depend on."""
        return fingerprint(self.args.rowlock, package, XDIST, workers, self.args.rounds)

    def seconds(self, package, workers):
        """What pytest-xdist took, here or else in tests/compat."""
        result = self.all.get(self.key(package, workers))
        return result["seconds"] if result else self.compared_seconds(package)

    def compared_seconds(self, package):
        for version in reversed(PYTESTS):
            name = f"{package.name}-pytest-{version}.json"
            with contextlib.suppress(OSError, KeyError):
                with open(os.path.join(self.args.work, "results", name), encoding="utf-8") as file:
                    return json.load(file)["runs"]["xdist"]["seconds"]
        return math.inf

    def get(self, package, workers):
        """The result, if it is still one of this program, this plugin and so many rounds."""
        result = self.all.get(self.key(package, workers))
        return result if result and result["mark"] == self.mark(package, workers) else None

    def put(self, package, workers, result):
        self.all[self.key(package, workers)] = {**result, "mark": self.mark(package, workers)}
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.all, file, indent=1)
        os.replace(self.path + ".new", self.path)


def show(title, result):
    cells = (f"{result[c]:12.2f}" if result.get(c) else " " * 11 + "-" for c in COLUMNS)
    seconds = f"{result['seconds']:10.1f}" if "seconds" in result else " " * 10
    print(f"{title:26}{seconds}{''.join(cells)}  {result.get('collected by') or ''}", flush=True)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def show_package(package, result):
    older = "" if result["pytest"] == PYTESTS[-1] else f" (pytest {result['pytest'][0]})"
    show(f"{package.name} {package.version}{older}", result)
    if "zygote differs" in result:
        print(f"    {result['zygote differs']}", flush=True)


def show_end(results):
    """What holds for all of them, and for the worst."""
    columns = {c: [r[c] for r in results if r.get(c)] for c in COLUMNS}
    show("geometric mean", {c: geometric_mean(values) for c, values in columns.items()})
    show("largest", {c: max(values, default=None) for c, values in columns.items()})
    same = [r for r in results if r.get("zygote wall") and "zygote differs" not in r]
    if same and len(same) < len(results):
        print(f"The {len(same)} suites of which pytest-zygote counts what pytest does:")
        columns = {c: [r[c] for r in same if r.get(c)] for c in COLUMNS}
        show("geometric mean", {c: geometric_mean(values) for c, values in columns.items()})


def take(package, args, workers, kept):
    """The result for a package, an earlier one under --resume."""
    result = kept.get(package, workers) if args.resume else None
    if result is None:
        say(f"{package.name} …")
        work = tempfile.mkdtemp(prefix="bench-")
        try:
            result = measure_package(package, args, workers, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        kept.put(package, workers, result)
    return result


def compare(args, packages, workers):
    """Prints a table for one number of workers. How many suites could not be run."""
    broken, results, kept = 0, [], Kept(args)
    if args.shortest_first:
        packages = sorted(packages, key=lambda package: kept.seconds(package, workers))
    print(f"{workers} workers, medians of {args.rounds}, ratios to pytest-xdist {XDIST}")
    titles = "".join(f"{name:>12}" for name in COLUMNS)
    print(f"{'':26}{'xdist s':>10}{titles}  collected by", flush=True)
    try:
        for package in packages:
            try:
                result = take(package, args, workers, kept)
            except (Failure, measure.Failure) as failure:
                broken += 1
                print(f"{package.name:26}{str(failure).splitlines()[0]}", flush=True)
                continue
            show_package(package, result)
            results.append(result)
    finally:
        if len(results) < len(packages):
            print(f"{len(results)} of {len(packages)} suites:")
        show_end(results)
    return broken


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", help="the program (default: the built one)")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument("--workers", default="2,8", help="numbers, with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default=work_dir(), help="folder of tests/compat's downloads")
    parser.add_argument(
        "--shortest-first", action="store_true", help="in the order of the times measured before"
    )
    parser.add_argument(
        "--resume", action="store_true", help="measure only what this build has no result for"
    )
    args = parser.parse_args()
    args.rowlock = find_rowlock(args.rowlock)
    args.work = os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    return args


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args.zygote = peers.zygote_folder(args.work)
    packages = select(args.only)
    measure.adopt_orphans()
    try:
        broken = sum([compare(args, packages, n) for n in map(int, args.workers.split(","))])
    except KeyboardInterrupt:
        return 130
    return 2 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
