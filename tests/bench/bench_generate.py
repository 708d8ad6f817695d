"""Time and memory of `rowlock generate`, and of GNU Make on the file that it writes.

For each size a project with that many native tests is made in a temporary folder. Printed are
medians of the rounds: seconds and peak memory of generate, seconds and peak memory of `make -n` on
the result, and how both grow from one size to the next (10.0 is linear for ten times the tests).

    bench_generate.py --rowlock ./rowlock [--sizes 1000,10000,100000] [--rounds 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def measure(argv, cwd):
    """Runs argv; returns wall seconds and peak resident MiB."""
    start = time.monotonic()
    child = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"{argv[0]} failed with status {status}")
    return seconds, usage.ru_maxrss / 1024


def write_project(folder, size):
    """tests.json with as many tests, of a hundred markers and scopes, as a large project has."""
    tests = [
        {
            "id": f"module{i // 100}/test_{i}",
            "command": ["/bin/true", str(i)],
            "markers": ["unit", f"area{i // 100 % 100}"],
        }
        for i in range(size)
    ]
    with open(os.path.join(folder, "tests.json"), "w", encoding="utf-8") as f:
        json.dump({"rowlock": 1, "tests": tests}, f)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rowlock = os.path.abspath(args.rowlock)
    last = None
    print(f"{'tests':>8} {'generate':>10} {'memory':>9} {'make -n':>10} {'memory':>9}  growth")
    for size in (int(s) for s in args.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write_project(folder, size)
            generate, make = [], []
            for _ in range(args.rounds):
                generate.append(measure([rowlock, "generate", "-q", "-n", "2"], folder))
                make.append(measure(["make", "-n", "-f", ".rowlock/tests.mk"], folder))
        row = [statistics.median(x[k] for x in runs) for runs in (generate, make) for k in (0, 1)]
        growth = f"{row[0] / last[0]:.1f} {row[2] / last[2]:.1f}" if last else ""
        print(f"{size:>8} {row[0]:>8.3f} s {row[1]:>5.0f} MiB {row[2]:>8.3f} s {row[3]:>5.0f} MiB"
              f"  {growth}", flush=True)
        last = row


if __name__ == "__main__":
    main()
