#!/usr/bin/env python3
"""Runs the test suites of published Python packages with plain pytest, with pytest-xdist and
with Rowlock, under several versions of pytest, and compares verdict by verdict.

The packages' source archives come from the package index through pip; they, a virtual
environment per package and pytest version, and the results are kept in the work folder. A
result counts until the program, the plugin or the package's entry change, so a run that was
interrupted goes on where it was. A run of everything writes docs/compatibility.md. Exits 0 if
every difference between plain pytest and Rowlock is explained, 1 if one is not or nothing was
compared, 2 if something could not be run.
"""

import argparse
import hashlib
import json
import os
import platform
import signal
import sys

from cell import Cell, Runner
from environments import Failure
from packages import CI, PACKAGES, PYTESTS, XDIST
from page import print_cell, write_page

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def main():
    # What runs has process groups of its own, and Python ends them on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    args = parse_arguments()
    packages = select(args.only or (CI if args.ci else None))
    versions = select_versions(args)
    whole = packages == PACKAGES and versions == PYTESTS and not args.dist
    rowlock = None if args.plain_only else find_rowlock(args.rowlock)
    runner = Runner(rowlock, XDIST, args.work, args.n, args.dist, args.keep)
    cells, broken = [], 0
    for package in packages:
        for version in versions:
            try:
                cell = cached(runner, package, version, args)
            except Failure as failure:
                broken += 1
                print(f"{package.name} with pytest {version}: {failure}", file=sys.stderr)
                continue
            cells.append(cell)
            print_cell(cell)
    if whole and rowlock and not broken:
        write_page(os.path.join(TOP, "docs", "compatibility.md"), cells, args.n, XDIST)
    return tell(cells, broken) if rowlock else 2 if broken else 0


def tell(cells, broken):
    compared = [cell for cell in cells if not cell.broken]
    bad = [c for c in compared if c.runs["rowlock"].failure or c.unexplained()]
    print(f"compatibility: {len(compared) - len(bad)} passed, {len(bad) + broken} failed")
    if broken or compared:
        return 2 if broken else 1 if bad else 0
    print(
        "nothing was compared: no suite runs under plain pytest, for the reasons above; name "
        "another version with --pytest, or try again with --fresh --keep and read plain.log",
        file=sys.stderr,
    )
    return 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ci", action="store_true", help=f"only {', '.join(CI)}, one pytest")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this package")
    parser.add_argument(
        "--pytest",
        metavar="VERSION",
        action="append",
        help=f"with this pytest, or the one of {', '.join(PYTESTS)} that begins so; "
        "may be repeated (default: all of them)",
    )
    parser.add_argument("--dist", metavar="NAME", help="hand --dist NAME to both")
    parser.add_argument("-n", metavar="N", default="2", help="workers (default: 2)")
    parser.add_argument("--rowlock", metavar="FILE", help="the program (default: the built one)")
    parser.add_argument("--plain-only", action="store_true", help="leave Rowlock out")
    parser.add_argument("--keep", action="store_true", help="keep the copies that were run")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument(
        "--work",
        metavar="DIR",
        default=work_dir(),
        help="folder for archives, environments and results (default: %(default)s)",
    )
    args = parser.parse_args()
    args.work = os.path.abspath(args.work)
    return args


def select(names):
    """The packages with these names; all of them where none is named."""
    if not names:
        return PACKAGES
    unknown = sorted(set(names) - {package.name for package in PACKAGES})
    if unknown:
        known = ", ".join(package.name for package in PACKAGES)
        sys.exit(f"no package called {unknown[0]} is listed; there are: {known}")
    return [package for package in PACKAGES if package.name in names]


def select_versions(args):
    """Full version numbers; the newest pytest of CI is one that this Python can run."""
    if not args.pytest:
        usable = PYTESTS if sys.version_info >= (3, 10) else PYTESTS[:1]
        return usable[-1:] if args.ci else usable
    versions = []
    for asked in args.pytest:
        matching = [v for v in PYTESTS if v == asked or v.startswith(asked + ".")]
        versions += matching[-1:] or [asked]
    return versions


def build_dir():
    return os.path.abspath(os.environ.get("ROWLOCK_BUILDDIR") or TOP)


def work_dir():
    """In a build tree of its own, or where git does not see it."""
    build = build_dir()
    if os.path.realpath(build) == os.path.realpath(TOP):
        return os.path.join(HERE, "work")
    return os.path.join(build, "compat-work")


def find_rowlock(given):
    path = os.path.abspath(given) if given else os.path.join(build_dir(), "rowlock")
    if not os.access(path, os.X_OK):
        sys.exit(f"{path}: no such program; build it with 'make', or name it with --rowlock")
    return path


# Results that are kept.


def fingerprint(rowlock, package, *asked):
    """Of all that a result depends on, except the machine's mood."""
    said = [list(package), *asked, rowlock, platform.python_version()]
    digest = hashlib.sha256(json.dumps(said).encode())
    for path in programs(rowlock):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def programs(rowlock):
    """The files that decide how tests run."""
    paths = [os.path.join(HERE, "plugin", "rowlock_verdicts.py"), os.path.join(HERE, "cell.py")]
    if rowlock is None:
        return paths
    beside = os.path.join(os.path.dirname(rowlock), "rowlock-exec")
    paths += [path for path in (rowlock, beside) if os.path.exists(path)]
    for folder, folders, names in os.walk(os.path.join(TOP, "src", "pytest")):
        folders.sort()
        paths += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".py")]
    return paths


def cached(runner, package, version, args):
    """A cell from the work folder, or run now and put there."""
    path = os.path.join(args.work, "results", f"{package.name}-pytest-{version}.json")
    mark = fingerprint(
        runner.rowlock, package, version, runner.xdist, runner.workers, runner.dist
    )
    if not args.fresh and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data["fingerprint"] == mark:
            return Cell.from_json(package, version, data)
    cell = runner.run(package, version)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"fingerprint": mark, **cell.to_json()}, file, indent=1)
    os.replace(path + ".new", path)
    return cell


if __name__ == "__main__":
    sys.exit(main())
