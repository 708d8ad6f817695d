"""The published suites of tests/compat: Rowlock's cost beside that of pytest-xdist.

For each package, with the newest pytest under which its suite runs: medians of wall time and CPU
time, the overhead (the CPU time of the run without the tests' own time, as a plain run reports it;
a suite whose tests mostly wait has none that can be told) and the peak memory of all processes, as
ratios to pytest-xdist; beside them pytest-zygote's wall time. At the end the geometric means.
Archives and environments are kept in the work folder of tests/compat.

    bench_suites.py [--only NAME] [--workers 2] [--rounds 5]
"""

import argparse
import math
import os
import sys
import tempfile

import measure
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "compat"))

from environments import Failure, archive_of, environment, extract  # noqa: E402
from packages import PYTESTS, XDIST  # noqa: E402
from run import find_rowlock, select, work_dir  # noqa: E402

COLUMNS = ("wall", "cpu", "overhead", "memory", "zygote wall")


def ratio(value, reference):
    return value / reference if value > 0 and reference > 0 else None


def prepare(package, args, workers, suite):
    """(version of pytest, tools): the newest one under which a plain run of the suite ends well.
    That run fills caches, too."""
    problem = Failure(f"{package.name} runs under no version of pytest")
    for version in reversed(PYTESTS):
        if package.cannot_install(version):
            continue
        python = environment(package, version, XDIST, args.work)
        tools = peers.runners(
            args.rowlock, python, workers, package.args, package.dist or "load", args.zygote
        )
        try:
            measure.run(tools["pytest"][0], suite, tools["pytest"][1], allowed=(0, 1))
        except measure.Failure as failure:
            problem = failure
            continue
        return version, tools
    raise problem


def measure_package(package, args, workers, work):
    """(version of pytest, {column: ratio to pytest-xdist, None where it cannot be told})"""
    suite = extract(archive_of(package, args.work), os.path.join(work, "copy"))
    version, tools = prepare(package, args, workers, suite)
    own = peers.own_seconds(*tools["pytest"], suite, os.path.join(work, "own.xml"))
    del tools["pytest"], tools["one collector"]
    if "pytest-zygote" in tools and not works(*tools["pytest-zygote"], suite):
        del tools["pytest-zygote"]
    costs = measure.medians(tools, args.rounds, suite, allowed=(0, 1))
    compared = [tools[name] for name in ("rowlock", "pytest-xdist")]
    memory = [measure.peak_memory(argv, suite, env) for argv, env in compared]
    ours, theirs = costs["rowlock"], costs["pytest-xdist"]
    result = {
        "wall": ratio(ours.wall, theirs.wall),
        "cpu": ratio(ours.cpu, theirs.cpu),
        "overhead": ratio(ours.cpu - own, theirs.cpu - own),
        "memory": ratio(*memory),
    }
    if "pytest-zygote" in costs:
        result["zygote wall"] = ratio(costs["pytest-zygote"].wall, theirs.wall)
    return version, result


def works(argv, env, suite):
    """Whether pytest-zygote can run the suite at all."""
    try:
        measure.run(argv, suite, env, allowed=(0, 1))
    except measure.Failure as failure:
        print(f"  pytest-zygote: {str(failure).splitlines()[0]}", file=sys.stderr)
        return False
    return True


def show(title, result):
    cells = (f"{result[c]:11.2f}" if result.get(c) else " " * 10 + "-" for c in COLUMNS)
    print(f"{title:26}{''.join(cells)}", flush=True)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def compare(args, packages, workers):
    """Prints a table for one number of workers. How many suites could not be run."""
    broken, results = 0, []
    print(f"{workers} workers, medians of {args.rounds}, ratios to pytest-xdist {XDIST}")
    print(f"{'':26}{''.join(f'{name:>11}' for name in COLUMNS)}")
    for package in packages:
        with tempfile.TemporaryDirectory(prefix="bench-") as work:
            try:
                version, result = measure_package(package, args, workers, work)
            except (Failure, measure.Failure) as failure:
                broken += 1
                print(f"{package.name:26}{str(failure).splitlines()[0]}", flush=True)
                continue
        older = "" if version == PYTESTS[-1] else f" (pytest {version.split('.')[0]})"
        show(f"{package.name} {package.version}{older}", result)
        results.append(result)
    show(
        "geometric mean",
        {c: geometric_mean([r[c] for r in results if r.get(c)]) for c in COLUMNS},
    )
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", help="the program (default: the built one)")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument("--workers", default="2,8", help="numbers, with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default=work_dir(), help="folder of tests/compat's downloads")
    args = parser.parse_args()
    args.rowlock = find_rowlock(args.rowlock)
    args.work = os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    args.zygote = peers.zygote_folder(args.work)
    packages = select(args.only)
    measure.adopt_orphans()
    return 2 if sum([compare(args, packages, n) for n in map(int, args.workers.split(","))]) else 0


if __name__ == "__main__":
    sys.exit(main())
