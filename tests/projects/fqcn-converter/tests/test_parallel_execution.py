"""What the guide promises about workers: names, isolation, exclusive access."""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from fqcn_converter import ConfigManager, FQCNConverter

import pytest

VARIABLES = [
    "FQCN_TEST_WORKER_ID",
    "FQCN_TEST_TEMP_DIR",
    "FQCN_TEST_MODE",
    "FQCN_CONFIG_DIR",
    "FQCN_CACHE_DIR",
]


class Exclusive:
    """A resource that only one process at a time can have: an abstract socket address, named
    after the run. Whoever comes second fails at once, and nothing is left of it afterwards."""

    def __init__(self, name):
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        self.address = f"\0fqcn-{run}-{name}"

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.address)
        time.sleep(0.02)  # long enough to be noticed by another one
        return self

    def __exit__(self, *exception):
        self.socket.close()


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")


@pytest.mark.parallel_safe
class TestWorker:
    def test_name(self, worker_id):
        assert worker_id == "master" or (worker_id[:2] == "gw" and worker_id[2:].isdigit())

    def test_name_is_that_of_xdist(self, worker_id):
        assert worker_id == os.environ.get("PYTEST_XDIST_WORKER", "master")

    def test_context(self, test_execution_context, worker_id):
        assert test_execution_context["worker_id"] == worker_id
        assert test_execution_context["process_id"] == os.getpid()
        assert test_execution_context["thread_id"] == threading.get_ident()

    def test_runs_in_the_main_thread(self):
        assert threading.current_thread() is threading.main_thread()

    @pytest.mark.parametrize("variable", VARIABLES)
    def test_variable_is_set(self, parallel_safe_environment, variable):
        assert os.environ[variable]

    @pytest.mark.parametrize(
        "variable", ["FQCN_TEST_TEMP_DIR", "FQCN_CONFIG_DIR", "FQCN_CACHE_DIR"]
    )
    def test_folder_exists_and_is_writable(self, parallel_safe_environment, variable):
        folder = Path(os.environ[variable])
        assert folder.is_dir()
        probe = folder / f"probe-{os.getpid()}"
        probe.write_text("x")
        probe.unlink()

    def test_mode(self, parallel_safe_environment, worker_id):
        expected = "sequential" if worker_id == "master" else "parallel"
        assert os.environ["FQCN_TEST_MODE"] == expected

    def test_config_manager_uses_the_worker_folder(self, parallel_safe_environment):
        assert ConfigManager().config_dir == Path(os.environ["FQCN_CONFIG_DIR"])


@pytest.mark.parallel_safe
@pytest.mark.parametrize("number", range(6))
def test_temp_dir_is_fresh(isolated_temp_dir, number):
    """All write the same name; none sees the file of another."""
    path = isolated_temp_dir / "same-name.yml"
    assert not path.exists()
    path.write_text(f"- copy: {number}\n")
    assert path.read_text() == f"- copy: {number}\n"


@pytest.mark.parallel_safe
@pytest.mark.parametrize("number", range(3))
def test_temp_dir_changes_do_not_leak(tmp_path, isolated_temp_dir, number, monkeypatch):
    monkeypatch.chdir(isolated_temp_dir)
    monkeypatch.setenv("FQCN_PROBE", str(number))
    assert os.listdir(".") == []
    assert os.environ["FQCN_PROBE"] == str(number)


@pytest.mark.parametrize("attempt", range(2))
def test_environment_does_not_leak(attempt):
    assert "FQCN_PROBE" not in os.environ


@pytest.mark.parallel_safe
@pytest.mark.resource_intensive
def test_mock_config_manager_serves_threads(mock_config_manager):
    results = []

    def work():
        converter = FQCNConverter(config_manager=mock_config_manager)
        results.append(len(converter.mappings))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and len(set(results)) == 1


@pytest.mark.serial
class TestSerial:
    @linux_only
    @pytest.mark.parametrize("number", range(3))
    def test_runs_alone(self, serial_test_lock, number):
        with serial_test_lock, Exclusive("serial"):
            pass

    def test_lock_can_be_taken_again(self, serial_test_lock):
        with serial_test_lock:
            pass
        with serial_test_lock:
            pass

    def test_environment_of_the_process(self, monkeypatch):
        monkeypatch.setenv("FQCN_PROBE", "serial")
        assert os.environ["FQCN_PROBE"] == "serial"


SEEN = []


@pytest.mark.xdist_group("registry")
class TestGroup:
    """Each test of a group runs once on the worker that has the group."""

    @pytest.mark.parametrize("number", range(3))
    def test_member(self, number):
        assert number not in SEEN
        SEEN.append(number)


@linux_only
@pytest.mark.lock("registry")
@pytest.mark.parametrize("number", range(3))
def test_lock_is_exclusive(number, locks_are_kept):
    with Exclusive("registry"):
        pass
