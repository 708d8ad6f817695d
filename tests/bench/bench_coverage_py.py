"""Many data files of coverage.py, added up and reported as XML and JSON: `rowlock collect` beside
`coverage combine && coverage xml && coverage json`, one after the other in each round. "At first"
is collect without what it keeps of the sources, so that it has to ask Python. Prints medians.

    bench_coverage_py.py --rowlock ./rowlock [--python PYTHON] [--files 200] [--modules 60]
        [--rounds 5]

Where PYTHON has no coverage.py, nothing is measured.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import run

FUNCTION = """
def f{0}(value, other=None):
    if value > {0}:
        for item in range(value):
            if item == other:
                break
        else:
            other = value
    elif value == 3:
        return [
            x for x in range(value)
        ]
    with open(__file__) as source:
        try:
            return len(source.readline()) or value
        finally:
            value = other
"""
# One data file: an offset decides which functions run, so that no two files are alike.
PROGRAM = """
import importlib, sys
import coverage
for number in range(int(sys.argv[1])):
    cov = coverage.Coverage(data_file=f"parts/.coverage.{number}", branch=True, source=["package"])
    cov.start()
    for name in [name for name in sys.modules if name.startswith("package")]:
        del sys.modules[name]
    for module in range(int(sys.argv[2])):
        loaded = importlib.import_module(f"package.m{module}")
        for i in range(number % 7, 40, 7):
            getattr(loaded, f"f{i}")(number % 11, 2)
    cov.stop()
    cov.save()
"""


def prepare(folder, python, files, modules):
    os.makedirs(os.path.join(folder, "package"))
    os.makedirs(os.path.join(folder, "parts"))
    for module in range(modules):
        path = os.path.join(folder, "package", f"m{module}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(FUNCTION.format(i) for i in range(40))
    open(os.path.join(folder, "package", "__init__.py"), "w", encoding="utf-8").close()
    with open(os.path.join(folder, "make_data.py"), "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    run([python, "make_data.py", str(files), str(modules)], folder)
    return sorted(os.path.join("parts", name) for name in os.listdir(os.path.join(folder, "parts")))


def theirs(folder, python, parts):
    run([python, "-m", "coverage", "erase"], folder)
    cost = 0
    for words in (["combine", "--keep", "-q", *parts], ["xml", "-q"], ["json", "-q"]):
        cost += run([python, "-m", "coverage", *words], folder).wall
    return cost


def ours(folder, rowlock, python, parts, first=False):
    if first:
        shutil.rmtree(os.path.join(folder, ".rowlock"), ignore_errors=True)
    words = ["collect", "-q", "--python", python, "--xml", "our.xml", "--json", "our.json"]
    return run([rowlock, *words, *parts], folder).wall


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--modules", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rowlock = os.path.abspath(args.rowlock)
    has = subprocess.run([args.python, "-c", "import coverage"], stderr=subprocess.DEVNULL)
    if has.returncode:
        print(f"{'coverage.py':20} not there (./bootstrap --ci, or pip install coverage)")
        return
    folder = tempfile.mkdtemp(prefix="bench-coverage-")
    try:
        parts = prepare(folder, args.python, args.files, args.modules)
        rounds = [
            (
                theirs(folder, args.python, parts),
                ours(folder, rowlock, args.python, parts, first=True),
                ours(folder, rowlock, args.python, parts),
            )
            for _ in range(args.rounds)
        ]
    finally:
        shutil.rmtree(folder)
    columns = list(zip(*rounds))
    print(f"{len(parts)} data files of coverage.py, {args.modules} modules, xml and json:")
    print(f"  coverage combine, xml, json  {statistics.median(columns[0]):8.2f} s")
    for name, column in (("rowlock collect, at first", 1), ("rowlock collect", 2)):
        ratio = statistics.median(row[0] / row[column] for row in rounds)
        cost = statistics.median(columns[column])
        print(f"  {name:28} {cost:8.2f} s  {ratio:6.1f} times faster")


if __name__ == "__main__":
    main()
