"""Rowlock's pytest plugin: its fixtures, its markers, and options that a project's addopts
may hold for pytest-xdist, pytest-cov or Rowlock itself.

The zygote registers it in every run under Rowlock; `pytest -p rowlock_pytest` serves the
same in a plain run of pytest, and hands one that asks for workers to Rowlock.

PYTEST_DONT_REWRITE: the zygote imports this package before pytest does.
"""

import pytest
from rowlock_pytest import handover, options, runonce, shim, xdisthooks
from rowlock_pytest.fixtures import (  # noqa: F401  (pytest finds fixtures by name here)
    isolated_temp_dir,
    mock_config_manager,
    parallel_safe_environment,
    serial_test_lock,
    test_execution_context,
    testrun_uid,
    worker_id,
)
from rowlock_pytest.runonce import run_once  # noqa: F401

shim.install()


def pytest_addoption(parser):
    options.add_early_options(parser)
    if globals().get("under_rowlock"):
        parser.prog = "pytest"  # in its messages, instead of "pytest.main()"


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config, parser):
    handover.become_rowlock(early_config)
    yield
    options.add_late_options(parser)
    xdisthooks.add_missing(early_config.pluginmanager)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    return handover.call_rowlock(config)


def pytest_configure(config):
    options.add_markers(config)
    runonce.configure(config)
