"""The code examples of the parallel testing guide, word for word, each below a comment with the
heading that it stands under and the sentence before it; then what the guide says without code.

One example is not as it stands there: that of worker_id, see the comment.
"""

# ruff: noqa: PIE790

import os
import threading

from fqcn_converter import FQCNConverter
from test_parallel_execution import Exclusive, linux_only

import pytest

# The guide's list ends in "...", which Python takes for an element of it: a worker beyond gw2
# would not be found. This is what the dots stand for.
WORKERS = ["master"] + [f"gw{number}" for number in range(1024)]


# "Test Markers", "Example Usage"


@pytest.mark.parallel_safe
def test_safe_for_parallel():
    """This test can run safely in parallel."""
    pass


@pytest.mark.serial
def test_requires_serial_execution():
    """This test must run serially."""
    pass


@pytest.mark.resource_intensive
@pytest.mark.parallel_safe
def test_heavy_computation():
    """This test is resource-intensive but parallel-safe."""
    pass


# "Core Fixtures", "worker_id": "Provides the current worker ID"


def test_worker_identification(worker_id):
    assert worker_id in WORKERS


# "isolated_temp_dir": "Provides worker-specific temporary directory"


def test_file_operations(isolated_temp_dir):
    test_file = isolated_temp_dir / "test.txt"
    test_file.write_text("test content")
    assert test_file.exists()


# "parallel_safe_environment": "Sets up isolated environment variables"


def test_environment_setup(parallel_safe_environment):
    env = parallel_safe_environment
    assert env['worker_id'] == os.environ['FQCN_TEST_WORKER_ID']


# "test_execution_context": "Provides comprehensive execution context"


def test_execution_info(test_execution_context):
    context = test_execution_context
    print(f"Worker: {context['worker_id']}")
    print(f"Thread: {context['thread_id']}")
    print(f"Process: {context['process_id']}")


# "Advanced Fixtures", "serial_test_lock": "Provides a lock for tests that need exclusive access"


@pytest.mark.serial
def test_exclusive_resource(serial_test_lock):
    with serial_test_lock:
        # Code that needs exclusive access
        pass


# "mock_config_manager": "Thread-safe configuration manager mock"


def test_config_operations(mock_config_manager):
    mappings = mock_config_manager.load_default_mappings()
    assert isinstance(mappings, dict)


# "Best Practices", "Example of Parallel-Safe Test"


@pytest.mark.parallel_safe
def test_file_conversion(isolated_temp_dir, mock_config_manager, worker_id):
    """Example of a properly written parallel-safe test."""
    # Use isolated temp directory
    input_file = isolated_temp_dir / f"input_{worker_id}.yml"
    output_file = isolated_temp_dir / f"output_{worker_id}.yml"

    # Create test content
    input_file.write_text("""
    - name: Test task
      copy:
        src: test.txt
        dest: /tmp/test.txt
    """)

    # Perform conversion (using mocked config)
    converter = FQCNConverter(config_manager=mock_config_manager)
    result = converter.convert_file(input_file, output_file)

    # Verify results
    assert result.success
    assert output_file.exists()

    # Cleanup is handled by fixture teardown


# "Tests That Should Be Serial"


@pytest.mark.serial
def test_global_configuration():
    """Test that modifies global configuration."""
    # This test needs exclusive access
    pass


# "Parallel Execution Markers", and those of the commands and the troubleshooting section:
# --markers "unit", --markers "integration", run_tests.py performance, "marking slow tests with
# @pytest.mark.slow"


@pytest.mark.slow
@pytest.mark.unit
@pytest.mark.integration
@pytest.mark.performance
@pytest.mark.parametrize(
    "marker",
    [
        "parallel_safe",
        "serial",
        "resource_intensive",
        "slow",
        "unit",
        "integration",
        "performance",
    ],
)
def test_marker_is_registered(request, marker):
    names = [line.partition(":")[0].partition("(")[0] for line in request.config.getini("markers")]
    assert marker in names


# "Environment Variables"


def test_environment_variables(parallel_safe_environment, worker_id):
    # "FQCN_TEST_WORKER_ID: Current worker ID"
    assert os.environ["FQCN_TEST_WORKER_ID"] == worker_id
    # "FQCN_TEST_MODE: 'parallel' or 'sequential'"
    assert os.environ["FQCN_TEST_MODE"] in ("parallel", "sequential")
    assert (os.environ["FQCN_TEST_MODE"] == "sequential") == (worker_id == "master")
    # "FQCN_TEST_TEMP_DIR: Worker-specific temporary directory", "FQCN_CONFIG_DIR: Worker-specific
    # config directory", "FQCN_CACHE_DIR: Worker-specific cache directory"
    names = ["FQCN_TEST_TEMP_DIR", "FQCN_CONFIG_DIR", "FQCN_CACHE_DIR"]
    folders = {os.environ[name] for name in names}
    assert len(folders) == 3
    for folder in folders:
        assert os.path.isdir(folder)
        assert os.access(folder, os.W_OK)


# "Core Fixtures": what the examples only print


def test_context_is_true(test_execution_context, worker_id):
    assert test_execution_context["worker_id"] == worker_id
    assert test_execution_context["thread_id"] == threading.get_ident()
    assert test_execution_context["process_id"] == os.getpid()


# "serial_test_lock": "Code that needs exclusive access"; without the marker, so that they compete


@linux_only
@pytest.mark.parametrize("number", range(3))
def test_lock_excludes_other_workers(serial_test_lock, number):
    with serial_test_lock, Exclusive("guide"):
        pass


# "mock_config_manager": "Thread-safe"


def test_config_from_threads(mock_config_manager):
    found = []

    def load():
        found.append(mock_config_manager.load_default_mappings()["copy"])

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["ansible.builtin.copy"] * 4


# "Best Practices", "Example of Parallel-Safe Test": that the conversion is a real one


def test_file_conversion_converts(isolated_temp_dir, mock_config_manager):
    path = isolated_temp_dir / "input.yml"
    path.write_text("\n    - name: Test task\n      copy:\n        src: test.txt\n")
    result = FQCNConverter(config_manager=mock_config_manager).convert_file(path)
    assert result.success
    assert "      ansible.builtin.copy:\n" in path.read_text()


# "Best Practices", "Clean Up Resources" and "Cleanup is handled by fixture teardown"

FOLDERS = []


@pytest.mark.xdist_group("cleanup")
class TestCleanUp:
    def test_folder_is_used(self, isolated_temp_dir):
        (isolated_temp_dir / "test.txt").write_text("test content")
        FOLDERS.append(isolated_temp_dir)

    def test_next_folder_is_another_one(self, isolated_temp_dir):
        assert isolated_temp_dir not in FOLDERS
        assert list(isolated_temp_dir.iterdir()) == []
