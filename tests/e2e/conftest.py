"""Fixtures of the end-to-end tests; what they are made of stands in support.py."""

import support

import pytest


def pytest_configure():
    support.hear_signals()


@pytest.fixture(scope="session")
def program():
    """The built rowlock."""
    path = support.find_program()
    if path is None:
        pytest.fail("no built program; run make first, or set ROWLOCK_BUILDDIR to its folder")
    return path


@pytest.fixture
def project(program, tmp_path):
    """An empty project; what it started and its temporary files go with it."""
    created = support.Project(tmp_path / "project", program)
    yield created
    created.close()


@pytest.fixture
def processes_with():
    return support.processes_with


@pytest.fixture
def wait_until():
    return support.wait_until
