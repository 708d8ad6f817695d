"""A pytest suite of trivial tests: Rowlock beside pytest-xdist, pytest-zygote and plain pytest.

Printed are medians of wall time and CPU time, the overhead (the CPU time of the run without the
tests' own time, as a plain run reports it), and the peak memory of all processes together, each
with its ratio to pytest-xdist. The Python that is named needs pytest and pytest-xdist;
pytest-zygote is fetched with pip and left out where there is no network.

    bench_pytest.py --rowlock ./rowlock --python venv/bin/python [--tests 10000] [--workers 2,8]
                    [--processes]
"""

import argparse
import os
import sys
import tempfile

import measure
import peers


def write_suite(folder, tests, files):
    for i in range(files):
        with open(os.path.join(folder, f"test_{i:03}.py"), "w", encoding="utf-8") as f:
            f.writelines(f"def test_{k}():\n    assert True\n\n" for k in range(tests // files))
    with open(os.path.join(folder, "pytest.ini"), "w", encoding="utf-8") as f:
        f.write("[pytest]\n")


def print_table(costs, memory, own):
    """Rows of medians; in brackets the ratio to pytest-xdist, or to pytest where that is not."""
    base = "pytest-xdist" if "pytest-xdist" in costs else "pytest"

    def figure(value, reference, unit):
        return f"{value:8.2f} {unit} ({value / reference:4.2f})" if reference > 0 else " " * 18

    for name, cost in costs.items():
        print(
            f"{name:>14}  wall {figure(cost.wall, costs[base].wall, 's')}"
            f"  cpu {figure(cost.cpu, costs[base].cpu, 's')}"
            f"  overhead {figure(cost.cpu - own, costs[base].cpu - own, 's')}"
            f"  memory {figure(memory[name] / 1e6, memory[base] / 1e6, 'MB')}",
            flush=True,
        )


def print_processes(name, peak):
    """What each process had when all of them together had most."""
    print(f"{name}'s processes at the peak:")
    for size, pid, parent, command in sorted(peak, reverse=True):
        print(f"{size / 1e6:12.2f} MB  {pid:>8} of {parent:<8} {command}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rowlock", default="./rowlock")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--tests", type=int, default=10000)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--workers", default="2,8", help="numbers, with commas between")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--processes", action="store_true", help="print what each process has at the peak, too"
    )
    args = parser.parse_args()
    python = peers.python_path(args.python)
    measure.adopt_orphans()
    with tempfile.TemporaryDirectory() as work:
        zygote = peers.zygote_folder(work)
        folder = os.path.join(work, "suite")
        os.mkdir(folder)
        write_suite(folder, args.tests, args.files)
        for workers in map(int, args.workers.split(",")):
            tools = peers.runners(args.rowlock, python, workers, zygote=zygote)
            own = peers.own_seconds(*tools["pytest"], folder, os.path.join(work, "own.xml"))
            costs = measure.medians(tools, args.rounds, folder)
            peaks = {
                n: measure.peak_processes(argv, folder, env) for n, (argv, env) in tools.items()
            }
            memory = {name: measure.total(peak) for name, peak in peaks.items()}
            print(
                f"{args.tests} tests in {args.files} files, {workers} workers, medians of"
                f" {args.rounds}; the tests' own time {own:.2f} s"
            )
            print_table(costs, memory, own)
            for name, peak in peaks.items() if args.processes else ():
                print_processes(name, peak)


if __name__ == "__main__":
    try:
        main()
    except measure.Failure as failure:
        sys.exit(str(failure))
