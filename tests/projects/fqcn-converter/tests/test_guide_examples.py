"""The code examples of the parallel testing guide, as they stand there."""

# ruff: noqa: PIE790

import os

from fqcn_converter import FQCNConverter

import pytest

WORKERS = ["master"] + [f"gw{number}" for number in range(1024)]


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


def test_worker_identification(worker_id):
    assert worker_id in WORKERS


def test_file_operations(isolated_temp_dir):
    test_file = isolated_temp_dir / "test.txt"
    test_file.write_text("test content")
    assert test_file.exists()


def test_environment_setup(parallel_safe_environment):
    env = parallel_safe_environment
    assert env['worker_id'] == os.environ['FQCN_TEST_WORKER_ID']


def test_execution_info(test_execution_context):
    context = test_execution_context
    print(f"Worker: {context['worker_id']}")
    print(f"Thread: {context['thread_id']}")
    print(f"Process: {context['process_id']}")


@pytest.mark.serial
def test_exclusive_resource(serial_test_lock):
    with serial_test_lock:
        # Code that needs exclusive access
        pass


def test_config_operations(mock_config_manager):
    mappings = mock_config_manager.load_default_mappings()
    assert isinstance(mappings, dict)


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


@pytest.mark.serial
def test_global_configuration():
    """Test that modifies global configuration."""
    # This test needs exclusive access
    pass
