"""The zygote: one Python process that starts pytest, collects once, and forks the workers.

    PYTHON zygote.py --rowlock-temp TEMP --rowlock-run RUNDIR --rowlock-ready FD
           [--rowlock-start auto|fork|spawn] [--rowlock-coverage JSON] -- PYTEST_ARGS...

JSON says what to measure: {"asked": whether by --coverage, not only --cov, "source": [PATH...],
"branch": true|false, "config": FILE|null, "context": "test"|null}.

Or, by the zygote, one worker with an interpreter of its own:

    PYTHON zygote.py --rowlock-spawned FD

What is said over TEMP/zygote is specified in src/run/zygote.h. This file is only the entry:
it puts the process into the state in which `pytest PYTEST_ARGS` would find itself, and the
package rowlock_pytest beside it does the rest.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OLDEST_PYTEST = (7, 0)
EXIT_INTERNAL = 3
EXIT_USAGE = 4


def parse_arguments(argv):
    """Splits argv into our own values and pytest's arguments; None if they are wrong."""
    values = {}
    rest = list(argv)
    while rest and rest[0] != "--":
        name = rest.pop(0)
        if not name.startswith("--rowlock-") or not rest:
            return None
        values[name[len("--rowlock-") :]] = rest.pop(0)
    how = values.setdefault("start", "auto")
    coverage = values.pop("coverage", "null")
    if not rest or set(values) != {"temp", "run", "ready", "start"}:
        return None
    if how not in ("auto", "fork", "spawn"):
        return None
    try:
        values["ready"] = int(values["ready"])
        values["coverage"] = json.loads(coverage)
    except ValueError:
        return None
    return values, rest[1:]


def redirect_output(path):
    """Everything that this process prints goes to path; it reads nothing."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for fd in (log, null):
        if fd > 2:
            os.close(fd)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)


class OwnLoader(importlib.machinery.SourceFileLoader):
    """Keeps the bytecode of our own files under PYTHONDONTWRITEBYTECODE, too: to compile them
    takes a third of a second, and nothing appears among the project's files."""

    def get_code(self, fullname):
        asked = sys.dont_write_bytecode
        sys.dont_write_bytecode = False
        try:
            return super().get_code(fullname)
        finally:
            sys.dont_write_bytecode = asked


def make_package():
    """Makes rowlock_pytest importable without a change to sys.path.

    Its submodules can be imported from here on; its own code, which needs pytest, runs when
    finish_package is called.
    """
    folder = os.path.join(HERE, "rowlock_pytest")
    spec = importlib.util.spec_from_file_location(
        "rowlock_pytest",
        os.path.join(folder, "__init__.py"),
        loader=OwnLoader("rowlock_pytest", os.path.join(folder, "__init__.py")),
        submodule_search_locations=[folder],
    )
    suffixes = importlib.machinery.SOURCE_SUFFIXES
    finder = importlib.machinery.FileFinder(folder, (OwnLoader, suffixes))
    sys.path_importer_cache[folder] = finder
    package = importlib.util.module_from_spec(spec)
    package.under_rowlock = True
    sys.modules["rowlock_pytest"] = package
    return package


def finish_package(package):
    package.__spec__.loader.exec_module(package)


def find_pytest():
    """The pytest module, or None after a message that says what is wrong with it."""
    try:
        import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        print(f"{sys.executable}: No module named pytest", file=sys.stderr)
        return None
    version = tuple(int(part) for part in pytest.__version__.split(".")[:2] if part.isdigit())
    if version < OLDEST_PYTEST:
        oldest = ".".join(str(part) for part in OLDEST_PYTEST)
        print(
            f"pytest {pytest.__version__} of {sys.executable} is too old;"
            f" Rowlock needs {oldest} or newer",
            file=sys.stderr,
        )
        return None
    return pytest


def look_like_pytest(pytest_args):
    """Python put our folder into sys.path and our name into sys.argv: undo both. A pytest that
    handed its run over had a sys.path of its own."""
    path = os.environ.pop("ROWLOCK_SYS_PATH", None)
    os.environ.pop("ROWLOCK_HANDED_OVER", None)
    if path is not None:
        sys.path[:] = json.loads(path)
    elif sys.path and os.path.realpath(sys.path[0] or ".") == os.path.realpath(HERE):
        del sys.path[0]
    sys.argv[:] = ["pytest"] + pytest_args


def measure(settings):
    """Under --coverage, begins before anything of the project is imported. False after a message
    that says why it cannot."""
    from rowlock_pytest import measuring

    message = measuring.start(settings.coverage, settings.rundir)
    if message is not None:
        print(f"rowlock: {message}", file=sys.stderr)
    return message is None


STACK_WORDS = 65000


def in_one_piece(run, *arguments):
    """run(*arguments), with all that it calls on one piece of Python's stack.

    CPython 3.11 and later take that in pieces of 16 KiB (Python/pystate.c, push_chunk), and give
    back a piece as soon as it is empty: where the calls of a loop are the first ones in a piece,
    each of them maps memory and unmaps it. A function that says that it needs STACK_WORDS gets a
    piece of 1 MiB, of which 516 KiB are left for others. Nobody touches the rest.
    """
    return run(*arguments)


if sys.implementation.name == "cpython" and sys.version_info >= (3, 11):
    in_one_piece.__code__ = in_one_piece.__code__.replace(co_stacksize=STACK_WORDS)


def become_spawned(fd):
    """Runs one worker; its orders come over fd."""
    package = make_package()
    from rowlock_pytest import garbage, spawn

    garbage.relax()
    orders = spawn.take_orders(fd)
    if orders is None:
        return EXIT_INTERNAL
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    look_like_pytest(orders.arguments)
    sys.path[:] = orders.settings.sys_path
    measure(orders.settings)
    from rowlock_pytest import isolate  # which needs pytest

    isolate.set_environment(orders.settings, orders.slot)
    finish_package(package)
    from rowlock_pytest.spawned import run_worker

    return in_one_piece(run_worker, orders)


def main():
    if sys.argv[1:2] == ["--rowlock-spawned"] and len(sys.argv) == 3:
        return become_spawned(int(sys.argv[2]))
    parsed = parse_arguments(sys.argv[1:])
    if parsed is None:
        print(
            "usage: zygote.py --rowlock-temp TEMP --rowlock-run RUNDIR --rowlock-ready FD"
            " -- PYTEST_ARGS...",
            file=sys.stderr,
        )
        return EXIT_USAGE
    values, pytest_args = parsed
    package = make_package()
    from rowlock_pytest import again, garbage
    from rowlock_pytest.settings import Settings

    garbage.relax()
    again.keep(sys.argv, os.environb)
    settings = Settings(values["temp"], values["run"], values["ready"], os.environ)
    settings.worker_start = values["start"]
    try:
        redirect_output(os.path.join(settings.rundir, "zygote.log"))
    except OSError as error:
        print("{}: {}".format(error.filename or "zygote.log", error.strerror), file=sys.stderr)
        return EXIT_INTERNAL
    look_like_pytest(pytest_args)
    settings.sys_path = list(sys.path)
    settings.coverage = values["coverage"]
    if not measure(settings) or find_pytest() is None:
        return EXIT_USAGE
    finish_package(package)
    from rowlock_pytest.plugin import run_session

    return in_one_piece(run_session, settings, pytest_args)


if __name__ == "__main__":
    sys.exit(main())
