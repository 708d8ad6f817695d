"""Many short tests: Rowlock beside a bare spawn loop and what else runs commands or TAP scripts.

Each round runs all tools one after another, so that a busy machine disturbs all alike. The ratios
are medians of the rounds' own ratios. Tools that are not installed are left out.

    bench_commands.py --rowlock ./rowlock [--spawn-loop ./spawn_loop] [--count 3000] [--tap 1000]
        [--workers 2] [--rounds 5]
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

TAP_SCRIPT = """#!/bin/sh
echo 1..3
echo ok 1 - opens
echo ok 2 - reads
echo ok 3 - closes
"""


def run(argv, cwd):
    start = time.monotonic()
    done = subprocess.run(
        argv,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        sys.exit(f"{argv[0]} failed with status {done.returncode}")
    return time.monotonic() - start


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.writelines(f"{line}\n" for line in lines)


def prepare_commands(folder, count):
    """The same commands for every tool."""
    tests = [{"id": f"t{i}", "command": ["/bin/true"]} for i in range(count)]
    write(folder, "tests.json", [json.dumps({"rowlock": 1, "tests": tests})])
    write(folder, "CTestTestfile.cmake", (f'add_test(t{i} "/bin/true")' for i in range(count)))
    write(folder, "words", range(count))
    # Nothing makes these files, so that all have to be made every time.
    rules = ["rule run", "  command = /bin/true"]
    write(folder, "build.ninja", rules + [f"build t{i}: run" for i in range(count)])


def prepare_scripts(folder, count):
    os.mkdir(os.path.join(folder, "t"))
    for i in range(count):
        path = os.path.join(folder, "t", f"{i}.t")
        with open(path, "w", encoding="utf-8") as f:
            f.write(TAP_SCRIPT)
        os.chmod(path, 0o755)
    suite = {"name": "scripts", "format": "tap", "glob": "t/*.t"}
    write(folder, "tests.json", [json.dumps({"rowlock": 1, "suites": [suite]})])


def compare(title, tools, prepare, count, rounds, limits):
    """Prints a table. limits: what Rowlock is to stay below, as a share of that tool's time."""
    tools = {name: argv for name, argv in tools.items() if shutil.which(argv[0])}
    times = {name: [] for name in tools}
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, count)
        for _ in range(rounds):
            for name, argv in tools.items():
                times[name].append(run(argv, folder))
    print(f"{title}, medians of {rounds}")
    for name, values in times.items():
        ratios = [a / b for a, b in zip(times["rowlock"], values)]
        limit = f" (at most {limits[name]:.2f})" if name in limits else ""
        share = f"  rowlock takes {statistics.median(ratios):.2f} of it{limit}"
        print(f"{name:>12} {statistics.median(values):7.2f} s{'' if name == 'rowlock' else share}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--spawn-loop", default="tests/bench/spawn_loop")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--tap", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    workers = str(args.workers)
    rowlock = [os.path.abspath(args.rowlock), "parallel", "-q", "-n", workers]
    commands = {
        "spawn loop": [os.path.abspath(args.spawn_loop), workers, str(args.count), "/bin/true"],
        "rowlock": rowlock,
        "xargs": ["xargs", "-a", "words", "-P", workers, "-n", "1", "/bin/true"],
        "ninja": ["ninja", "-j", workers],
        "ctest": ["ctest", "-j", workers],
    }
    compare(
        f"{args.count} x /bin/true, {workers} workers",
        commands,
        prepare_commands,
        args.count,
        args.rounds,
        {"spawn loop": 1.15, "xargs": 1.0, "ctest": 0.6},
    )
    compare(
        f"{args.tap} TAP scripts of /bin/sh, {workers} workers",
        {"rowlock": rowlock, "prove": ["prove", "-j", workers, "t"]},
        prepare_scripts,
        args.tap,
        args.rounds,
        {"prove": 0.7},
    )


if __name__ == "__main__":
    main()
