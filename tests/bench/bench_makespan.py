"""The makespan of real runs over its lower bound, max(total / workers, longest test).

Suites of sleeping tests: all alike, heavy-tailed, and one test that takes as long as all others do
on the workers. Each runs first without a history, then with that of the run before, both with
--dist load and worksteal. Printed are medians, over the bound: of the time from the first start to
the last end, and of the whole command's time. Durations are those of the journal, so that the bound
has what it costs to start a process, and nothing of what Rowlock does between two. The last column
is what groups cost by themselves: by how much the pauses between two groups are longer than
those between two tests of a group, in percent of the workers' time (--dist load only), the least
of all rounds, since whatever else the machine does only adds to it.

    bench_makespan.py --rowlock ./rowlock [--tests 200] [--workers 4] [--seconds 2] [--rounds 5]
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import journal  # noqa: E402


def durations(kind, count, workers, seconds):
    """Durations of a suite that keeps the workers busy for so many seconds."""
    rng = random.Random(1)
    draw = {"uniform": lambda: rng.uniform(1, 2), "heavy tail": lambda: rng.paretovariate(1.5)}
    values = [draw.get(kind, draw["uniform"])() for _ in range(count)]
    scale = seconds * workers / sum(values)
    values = [v * scale for v in values]
    if kind == "one giant":
        values = [v * (workers - 1) / workers for v in values]
        values[count // 2] = seconds
    return values


def groups_of(makefile):
    """The group of each test, by its index."""
    rules = re.findall(r"^((?:t\d+ ?)+): (g\d+)$", makefile, re.M)
    return {int(test[1:]) - 1: group for tests, group in rules for test in tests.split()}


def cost_of_groups(done, group):
    """Percent of the workers' time that passes because a group ends and another one begins."""
    pauses = {True: [], False: []}
    busy = 0
    for slot in {r.slot for r in done}:
        rows = sorted((r for r in done if r.slot == slot), key=lambda r: r.start)
        busy += rows[-1].end - rows[0].start
        for a, b in zip(rows, rows[1:]):
            pauses[group.get(a.test) == group.get(b.test)].append(b.start - a.end)
    usual = statistics.median(pauses[True]) if pauses[True] else 0
    return sum(pause - usual for pause in pauses[False]) / busy * 100


def run(rowlock, folder, workers, dist):
    """Makespan and whole time of one run over the bound; the cost of its groups."""
    start = time.monotonic()
    subprocess.run(
        [rowlock, "parallel", "-q", "-n", str(workers), "--dist", dist],
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    whole = time.monotonic() - start
    last = pathlib.Path(folder, ".rowlock/last")
    done = journal.records(last / "journal")
    times = [r.end - r.start for r in done]
    bound = max(sum(times) / workers, max(times)) / 1e9
    makespan = (max(r.end for r in done) - min(r.start for r in done)) / 1e9
    own = 0
    if dist == "load":
        own = cost_of_groups(done, groups_of((last / "tests.mk").read_text(errors="replace")))
    return makespan / bound, whole / bound, own


def measure(args, kind, dist):
    rowlock = os.path.abspath(args.rowlock)
    times = durations(kind, args.tests, args.workers, args.seconds)
    tests = [{"id": f"t{i}", "command": ["sleep", f"{t:.4f}"]} for i, t in enumerate(times)]
    results = {"unknown": [], "known": []}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            manifest = json.dumps({"rowlock": 1, "tests": tests})
            pathlib.Path(folder, "tests.json").write_text(manifest)
            for rows in results.values():
                rows.append(run(rowlock, folder, args.workers, dist))
            shutil.rmtree(os.path.join(folder, ".rowlock"))
    for name, rows in results.items():
        makespan, whole, _ = (statistics.median(column) for column in zip(*rows))
        cost = f"{min(own for *_, own in rows):8.2f} %" if dist == "load" else ""
        print(f"{kind:<11} {dist:<10} {name:<8} {makespan:9.3f} {whole:9.3f} {cost}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"{args.tests} sleeping tests, {args.workers} workers, {args.seconds:g} s of work each")
    print(f"{'suite':<11} {'--dist':<10} {'times':<8}  makespan   command   groups")
    for kind in ("uniform", "heavy tail", "one giant"):
        for dist in ("load", "worksteal"):
            measure(args, kind, dist)


if __name__ == "__main__":
    main()
