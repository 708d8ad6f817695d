"""A pytest suite of trivial tests: Rowlock beside pytest-xdist and plain pytest.

Each round runs all of them one after another, so that a busy machine disturbs all alike; printed
are medians of wall time and CPU time and their ratios to pytest-xdist. The Python that is named
needs pytest and, for the comparison, pytest-xdist.

    bench_pytest.py --rowlock ./rowlock --python venv/bin/python [--tests 10000] [--workers 2]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def write_suite(folder, tests, files):
    for i in range(files):
        with open(os.path.join(folder, f"test_{i:03}.py"), "w", encoding="utf-8") as f:
            f.writelines(f"def test_{k}():\n    assert True\n\n" for k in range(tests // files))
    with open(os.path.join(folder, "pytest.ini"), "w", encoding="utf-8") as f:
        f.write("[pytest]\n")


def measure(argv, cwd):
    """Wall seconds and CPU seconds, the children's too."""
    before, start = os.times(), time.monotonic()
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    wall, after = time.monotonic() - start, os.times()
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)} failed with status {done.returncode}:\n{done.stdout[-2000:]!r}")
    cpu = after.children_user + after.children_system - before.children_user
    return wall, cpu - before.children_system


def has_xdist(python):
    return subprocess.run([python, "-c", "import xdist"], stderr=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--tests", type=int, default=10000)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    workers = str(args.workers)
    python = os.path.abspath(args.python) if os.sep in args.python else args.python
    plain = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    tools = {
        "rowlock": [os.path.abspath(args.rowlock), "parallel", "-q", "--dist", "load",
                    "-n", workers, "--python", python, "-p", "no:cacheprovider"],
        "pytest": [*plain, "-p", "no:xdist"],
    }
    if has_xdist(python):
        tools["pytest-xdist"] = [*plain, "-n", workers]
    times = {name: [] for name in tools}
    with tempfile.TemporaryDirectory() as folder:
        write_suite(folder, args.tests, args.files)
        for _ in range(args.rounds):
            for name, argv in tools.items():
                times[name].append(measure(argv, folder))
    middle = {n: [statistics.median(t[k] for t in v) for k in (0, 1)] for n, v in times.items()}
    base = middle.get("pytest-xdist", middle["pytest"])
    print(f"{args.tests} tests in {args.files} files, {workers} workers, medians of {args.rounds}")
    for name, (wall, cpu) in middle.items():
        print(f"{name:>14}  wall {wall:6.2f} s ({wall / base[0]:.2f})  cpu {cpu:6.2f} s"
              f" ({cpu / base[1]:.2f})")


if __name__ == "__main__":
    main()
