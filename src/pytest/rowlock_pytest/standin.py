"""Stands in pytest-cov's place while Rowlock measures (measuring.py).

Under pytest-cov's name, so that neither its entry point nor `-p pytest_cov` in addopts starts it
beside us, and so that `required_plugins = pytest-cov` finds what is installed. It serves the marker
and the fixtures that a suite made for pytest-cov may use.
"""

import importlib.metadata
import types

import pytest

from rowlock_pytest import measuring

# The name of its entry point, and the module that this leads to.
NAMES = ("pytest_cov", "pytest_cov.plugin")


@pytest.fixture
def no_cover():
    """As in pytest-cov, under --coverage: the test is not measured."""


@pytest.fixture
def cov():
    """As in pytest-cov, under --coverage: the coverage.Coverage that measures the test."""
    return measuring.current


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    fixtures = getattr(item, "fixturenames", ())
    unwanted = "no_cover" in fixtures or item.get_closest_marker("no_cover")
    measured = measuring.current if unwanted else None
    if measured is not None:
        measured.stop()
    yield
    if measured is not None:
        measured.start()


def pytest_configure(config):
    config.addinivalue_line("markers", "no_cover: the test is not measured")


class _Installed:
    """pytest-cov's distribution: old versions of pluggy ask for its project_name, newer ones for
    its metadata."""

    project_name = "pytest-cov"

    def __init__(self, distribution):
        self.version = distribution.version
        self.metadata = distribution.metadata


@pytest.hookimpl(tryfirst=True)
def pytest_addoption(pluginmanager):
    try:
        found = importlib.metadata.distribution("pytest-cov")
    except importlib.metadata.PackageNotFoundError:
        return  # and required_plugins may say so
    pluginmanager._plugin_distinfo.append((modules[0], _Installed(found)))


def _module(name, content):
    module = types.ModuleType(name, __doc__)
    vars(module).update(content)
    return module


# One plugin, and an empty one, as one plugin cannot have two names.
modules = [
    _module(
        NAMES[0],
        {
            "no_cover": no_cover,
            "cov": cov,
            "pytest_runtest_call": pytest_runtest_call,
            "pytest_configure": pytest_configure,
            "pytest_addoption": pytest_addoption,
        },
    ),
    _module(NAMES[1], {}),
]
