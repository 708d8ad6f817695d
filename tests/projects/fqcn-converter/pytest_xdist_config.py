"""What parallel runs need beyond pytest-parallel.ini; conftest.py loads it as a plugin.

It needs no pytest-xdist: the hooks of that plugin are optional and are called only by it or by
what stands in for it.
"""

import logging
import os
import shutil
import tempfile

import pytest

_previous_factory = None


def current_worker():
    """The name of the worker that runs this process. Asked for anew every time: workers may be
    forked from a process that has imported this module already."""
    return os.environ.get("PYTEST_XDIST_WORKER", "master")


def _record_with_worker(*args, **kwargs):
    record = _previous_factory(*args, **kwargs)
    record.worker_id = current_worker()
    return record


def pytest_configure(config):
    global _previous_factory
    if _previous_factory is None:
        _previous_factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(_record_with_worker)


def pytest_unconfigure(config):
    global _previous_factory
    if _previous_factory is not None:
        logging.setLogRecordFactory(_previous_factory)
        _previous_factory = None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """The number of workers for -n auto. None leaves it to the runner, which counts processors;
    FQCN_TEST_WORKERS sets it for machines with little memory."""
    wanted = os.environ.get("FQCN_TEST_WORKERS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Worker set-up: a folder for what the tests of one worker share, sent to it as part of its
    workerinput."""
    node.workerinput["fqcn_scratch"] = tempfile.mkdtemp(prefix="fqcn-")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Worker teardown: the folder goes, whether the worker ended well or crashed."""
    scratch = getattr(node, "workerinput", {}).get("fqcn_scratch")
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    if error:
        logging.getLogger(__name__).warning("a worker went down: %s", error)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """No scheduler of our own: --dist decides."""
