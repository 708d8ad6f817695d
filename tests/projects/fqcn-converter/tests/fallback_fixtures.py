"""Simple versions of the guide's fixtures, for runs in which no plugin provides them."""

import fcntl
import os
import threading
import types
from unittest import mock

from fqcn_converter import ConfigManager

import pytest


@pytest.fixture(scope="session")
def worker_id():
    return os.environ.get("PYTEST_XDIST_WORKER", "master")


@pytest.fixture
def isolated_temp_dir(tmp_path, worker_id):
    path = tmp_path / f"isolated_{worker_id}"
    path.mkdir()
    return path


@pytest.fixture
def parallel_safe_environment(isolated_temp_dir, worker_id, monkeypatch):
    folders = {name: isolated_temp_dir / f".{name}" for name in ("temp", "config", "cache")}
    for folder in folders.values():
        folder.mkdir()
    mode = "sequential" if worker_id == "master" else "parallel"
    monkeypatch.setenv("FQCN_TEST_WORKER_ID", worker_id)
    monkeypatch.setenv("FQCN_TEST_MODE", mode)
    monkeypatch.setenv("FQCN_TEST_TEMP_DIR", str(folders["temp"]))
    monkeypatch.setenv("FQCN_CONFIG_DIR", str(folders["config"]))
    monkeypatch.setenv("FQCN_CACHE_DIR", str(folders["cache"]))
    return {
        "worker_id": worker_id,
        "mode": mode,
        "temp_dir": folders["temp"],
        "config_dir": folders["config"],
        "cache_dir": folders["cache"],
    }


@pytest.fixture
def test_execution_context(worker_id, isolated_temp_dir):
    return {
        "worker_id": worker_id,
        "thread_id": threading.get_ident(),
        "process_id": os.getpid(),
        "temp_dir": isolated_temp_dir,
    }


class FileLock:
    """A lock between processes; it ends with the process that holds it."""

    def __init__(self, path):
        self.path = path
        self.file = None

    def __enter__(self):
        self.file = open(self.path, "a")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *exception):
        self.file.close()
        self.file = None


@pytest.fixture
def serial_test_lock(tmp_path_factory):
    return FileLock(tmp_path_factory.getbasetemp().parent / "fqcn-serial-test.lock")


@pytest.fixture
def mock_config_manager():
    manager = mock.create_autospec(ConfigManager, instance=True)
    real = ConfigManager(config_dir="")
    manager.load_default_mappings.side_effect = real.load_default_mappings
    manager.load_mappings.side_effect = real.load_mappings
    return manager


FIXTURES = {
    "worker_id": worker_id,
    "isolated_temp_dir": isolated_temp_dir,
    "parallel_safe_environment": parallel_safe_environment,
    "test_execution_context": test_execution_context,
    "serial_test_lock": serial_test_lock,
    "mock_config_manager": mock_config_manager,
}


def register_missing(config):
    """Registers those that no plugin has: a fixture of a conftest file would take precedence
    over a plugin's, so they stand in a plugin of their own."""
    plugins = config.pluginmanager.get_plugins()
    missing = types.ModuleType("fqcn_fallback_fixtures")
    for name, fixture in FIXTURES.items():
        if not any(hasattr(plugin, name) for plugin in plugins):
            setattr(missing, name, fixture)
    config.pluginmanager.register(missing, "fqcn_fallback_fixtures")
