"""What a start of rowlock-exec costs, linked as it is and dynamically.

It starts once for each group of tests. Printed are its dynamic relocations (readelf), and of starts
with --version, one after another in turns, the page faults of a start and the medians of its time,
from before posix_spawn to after wait.

    bench_start.py [--starts 1000] PROGRAM...
"""

import argparse
import os
import statistics
import subprocess
import sys
import time


def relocations(path):
    """How many the program loader, or the program itself, has to apply before main."""
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        ["readelf", "--relocs", "--wide", path], capture_output=True, text=True, env=env
    )
    if done.returncode != 0:
        sys.exit(f"readelf: {done.stderr.strip()}")
    return sum(" R_" in line for line in done.stdout.splitlines())


def start(path, null):
    """Seconds and page faults of one start."""
    actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    begin = time.monotonic()
    pid = os.posix_spawn(path, [path, "--version"], os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    passed = time.monotonic() - begin
    if status != 0:
        sys.exit(f"{path} --version failed with status {status}")
    return passed, usage.ru_minflt + usage.ru_majflt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=1000)
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    args = parser.parse_args()
    null = os.open(os.devnull, os.O_WRONLY)
    seen = {path: [] for path in args.programs}
    for _ in range(args.starts):
        for path, rows in seen.items():
            rows.append(start(path, null))
    print(f"{args.starts} starts each, medians")
    print(f"{'program':<40} relocations  page faults      time")
    for path, rows in seen.items():
        seconds, faults = (statistics.median(column) for column in zip(*rows))
        print(f"{path:<40} {relocations(path):11} {faults:12.0f} {seconds * 1e6:6.0f} us")


if __name__ == "__main__":
    main()
