"""A plain `pytest -n 4`, with this plugin and without pytest-xdist, becomes a run of Rowlock.

The process is replaced before any conftest file is loaded, so that nothing happens twice.
pytest-xdist, where it is installed, is left alone, and so is all that runs without workers.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

# What Python had found its modules in, for the zygote (src/pytest/zygote.py).
PATH_VARIABLE = "ROWLOCK_SYS_PATH"
# The process that has handed over already; one that comes back here would do so for ever.
GUARD_VARIABLE = "ROWLOCK_HANDED_OVER"

# Options with which pytest prints something and ends, or talks with its user.
ALONE = (
    "cacheshow",
    "collectonly",
    "help",
    "markers",
    "setuponly",
    "setupplan",
    "show_fixtures_per_test",
    "showfixtures",
    "trace",
    "usepdb",
    "version",
)


def wants_workers(option):
    """Would pytest-xdist distribute?"""
    number = getattr(option, "numprocesses", None)
    spread = getattr(option, "dist", "no") != "no" or getattr(option, "distload", False)
    if number in ("auto", "logical"):
        return not getattr(option, "usepdb", False)
    if number is None:
        return bool(spread and getattr(option, "tx", None))
    return isinstance(number, int) and number > 0


def has_xdist(config):
    """Under PYTEST_DISABLE_PLUGIN_AUTOLOAD it has to be asked for by the name of its module."""
    return any(map(config.pluginmanager.has_plugin, ("xdist", "xdist.plugin")))


def is_wanted(config, option):
    """Is this a run for Rowlock? A usage error if it asks for a debugger in workers."""
    if getattr(sys.modules["rowlock_pytest"], "under_rowlock", False):
        return False
    if has_xdist(config) or not wants_workers(option):
        return False
    if os.environ.get(GUARD_VARIABLE) == str(os.getpid()):
        return False
    if getattr(option, "usepdb", False) and not getattr(option, "collectonly", False):
        raise pytest.UsageError(
            "--pdb is incompatible with distributing tests; try using -n0 or -nauto."
        )
    # Somebody who brings plugins as objects wants to hear of the tests in this process.
    return not config.invocation_params.plugins and not any(
        getattr(option, name, False) for name in ALONE
    )


def find_program():
    """rowlock: three folders up in a build tree, else as installed, else on PATH."""
    package = os.path.dirname(os.path.abspath(__file__))
    # In site-packages it is a link that install.py has made.
    linked = os.readlink(package) if os.path.islink(package) else package
    for folder in (linked, os.path.realpath(package)):
        for path in ("../../../rowlock", "../../../../bin/rowlock"):
            program = os.path.normpath(os.path.join(folder, path))
            if os.path.isfile(program) and os.access(program, os.X_OK):
                return program
    program = shutil.which("rowlock")
    if program is None:
        raise pytest.UsageError(
            "rowlock is neither beside its pytest plugin ({}) nor on PATH;"
            " install it, or run pytest without -n".format(package)
        )
    return program


def command(config):
    """The same words for rowlock. --python goes first: whatever follows is no command of it."""
    arguments = [str(argument) for argument in config.invocation_params.args]
    return [find_program(), "--python", sys.executable, *arguments]


def environment():
    return dict(
        os.environ, **{PATH_VARIABLE: json.dumps(sys.path), GUARD_VARIABLE: str(os.getpid())}
    )


def is_pytests_own(config):
    """Is this process the program pytest, or python -m pytest? Any other one goes on when
    pytest has ended."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    module = spec is not None and spec.name in ("pytest", "pytest.__main__")
    script = os.path.basename(sys.argv[0]) in ("pytest", "py.test")
    return (module or script) and list(config.invocation_params.args) == sys.argv[1:]


def become_rowlock(config):
    """Replaces this process if the run is Rowlock's and the process is pytest's."""
    if is_wanted(config, config.known_args_namespace) and is_pytests_own(config):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        words = command(config)
        os.execve(words[0], words, environment())


def call_rowlock(config):
    """The exit code of Rowlock, if the run is its own; else None."""
    if is_wanted(config, config.option):
        return subprocess.run(command(config), env=environment(), check=False).returncode
    return None
