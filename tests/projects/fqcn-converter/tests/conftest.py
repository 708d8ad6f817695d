"""Fixtures of the whole suite, and those of the parallel testing guide where no plugin
provides them."""

import fcntl
import os

import fallback_fixtures
from fqcn_converter import ConfigManager, FQCNConverter

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    fallback_fixtures.register_missing(config)


@pytest.fixture(scope="session")
def default_mappings():
    return ConfigManager(config_dir="").load_default_mappings()


@pytest.fixture
def converter(default_mappings):
    return FQCNConverter(mappings=default_mappings)


@pytest.fixture
def convert(converter):
    """Converts a text and returns the new one; errors fail the test."""

    def run(text):
        result = converter.convert_content(text)
        assert result.errors == []
        return result.content

    return run


@pytest.fixture
def playbook(tmp_path):
    path = tmp_path / "site.yml"
    path.write_text(
        "---\n- hosts: all\n  tasks:\n    - name: Copy a file\n"
        "      copy:\n        src: a\n        dest: /tmp/a\n"
    )
    return path


def exclusive_runs(config):
    """True where the runner promises that serial tests run alone: everywhere but under
    pytest-xdist, which spreads them like any other test."""
    return not hasattr(config, "workerinput") or "FQCN_TEST_MODE" in os.environ


@pytest.fixture
def locks_are_kept(request):
    if not exclusive_runs(request.config):
        pytest.skip("pytest-xdist knows no locks")


@pytest.fixture(autouse=True)
def serial_runs_alone(request, tmp_path_factory):
    """Every test holds a shared lock while it runs and a serial one an exclusive lock, so a
    serial test that runs beside any other one fails."""
    if not exclusive_runs(request.config):
        yield
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    path = tmp_path_factory.getbasetemp().parent / f"fqcn-run-{run}.lock"
    serial = request.node.get_closest_marker("serial") is not None
    with open(path, "a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if serial else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            who = "another test" if serial else "a serial test"
            pytest.fail(f"{who} runs at the same time")
        yield
