"""What all of Rowlock's own pytest tests have in common."""

import os
import pathlib
import signal

import pytest

UNIT = pathlib.Path(__file__).parent / "zygote"

# Rowlock keeps ROWLOCK_* variables from tests; `make test-*` runs it in the build folder.
if os.access("rowlock", os.X_OK):
    os.environ.setdefault("ROWLOCK_BUILDDIR", os.getcwd())

# A shell has what it starts in the background ignore SIGINT, and so would the programs that tests
# start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """The folder says what a test is: -m unit and -m integration need no marks of their own."""
    for item in items:
        item.add_marker(pytest.mark.unit if UNIT in item.path.parents else pytest.mark.integration)
