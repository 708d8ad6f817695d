"""Many short commands: Rowlock beside a bare spawn loop, xargs, ctest and plain make.

Each round runs all of them one after another, so that a busy machine disturbs all alike; printed
are medians and ratios to the spawn loop. Tools that are not installed are left out.

    bench_commands.py --rowlock ./rowlock [--spawn-loop ./spawn_loop] [--count 3000] [--workers 2]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def run(argv, cwd):
    start = time.monotonic()
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{argv[0]} failed with status {done.returncode}")
    return time.monotonic() - start


def prepare(folder, count):
    tests = [{"id": f"t{i}", "command": ["/bin/true"]} for i in range(count)]
    with open(os.path.join(folder, "tests.json"), "w", encoding="utf-8") as f:
        json.dump({"rowlock": 1, "tests": tests}, f)
    with open(os.path.join(folder, "CTestTestfile.cmake"), "w", encoding="utf-8") as f:
        f.writelines(f'add_test(t{i} "/bin/true")\n' for i in range(count))
    with open(os.path.join(folder, "words"), "w", encoding="utf-8") as f:
        f.writelines(f"{i}\n" for i in range(count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--spawn-loop", default="tests/bench/spawn_loop")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    workers, count = str(args.workers), str(args.count)
    tools = {
        "spawn loop": [os.path.abspath(args.spawn_loop), workers, count, "/bin/true"],
        "rowlock": [os.path.abspath(args.rowlock), "parallel", "-q", "-n", workers],
        "xargs": ["xargs", "-a", "words", "-P", workers, "-n", "1", "/bin/true"],
    }
    if shutil.which("ctest"):
        tools["ctest"] = ["ctest", "-j", workers]
    times = {name: [] for name in tools}
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, args.count)
        for _ in range(args.rounds):
            for name, argv in tools.items():
                times[name].append(run(argv, folder))
    floor = statistics.median(times["spawn loop"])
    print(f"{count} x /bin/true, {workers} workers, medians of {args.rounds}")
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:>12} {middle:7.2f} s  {middle / floor:5.2f} of the spawn loop")


if __name__ == "__main__":
    main()
