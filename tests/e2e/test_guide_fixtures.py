"""The parallel testing guide on the sample project: its examples and its fixtures, with the same
verdicts in parallel, in sequence, and in plain runs of pytest."""

import pathlib
import shutil

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "projects" / "fqcn-converter"
PLUGIN = {"PYTHONPATH": str(ROOT / "src" / "pytest")}
FILES = ["tests/test_guide_examples.py", "tests/test_parallel_execution.py"]


@pytest.fixture
def sample(project):
    ignored = shutil.ignore_patterns(".rowlock", "__pycache__", ".pytest_cache")
    shutil.copytree(SAMPLE, project.root, ignore=ignored, dirs_exist_ok=True)
    return project


def test_same_verdicts_in_every_way_to_run_them(sample):
    plain = sample.pytest_plain("-c", "pytest.ini", *FILES)
    assert plain.returncode == 0, plain
    assert len(plain.outcomes) > 50
    assert set(plain.outcomes.values()) == {"passed"}
    ours = sample.pytest_plain("-c", "pytest.ini", "-p", "rowlock_pytest", *FILES, env=PLUGIN)
    assert ours.returncode == 0, ours
    assert ours.outcomes == plain.outcomes
    for command in (
        ["parallel", "--workers", "3"],
        ["parallel", "--workers", "3", "--dist", "load"],
        ["sequential"],
        ["-c", "pytest-parallel.ini", "--numprocesses=2"],
    ):
        done = sample.rowlock(*command, "--report-json", "report.json", *FILES)
        assert done.returncode == 0, done
        assert sample.outcomes() == plain.outcomes


# A fixture for each of the plugin's, in the project's own conftest.
OVERRIDES = {
    "worker_id": '"mine"',
    "testrun_uid": '"my run"',
    "isolated_temp_dir": "tmp_path",
    "parallel_safe_environment": '{"mine": 1}',
    "test_execution_context": '{"mine": 2}',
    "serial_test_lock": '"my lock"',
    "mock_config_manager": '"my manager"',
    "run_once": '"my once"',
}


def test_a_projects_own_fixtures_take_precedence(project):
    project.write(
        "conftest.py",
        "import pytest\n"
        + "".join(
            f"@pytest.fixture\ndef {name}({'tmp_path' if value == 'tmp_path' else ''}):\n"
            f"    return {value}\n"
            for name, value in OVERRIDES.items()
        ),
    )
    project.write(
        "test_own.py",
        "".join(
            f"def test_of_{name}({name}, tmp_path): assert {name} == {value}\n"
            for name, value in OVERRIDES.items()
        ),
    )
    # One that builds on the plugin's, in a module.
    project.write(
        "lower/test_extends.py",
        """
import pytest

@pytest.fixture
def parallel_safe_environment(parallel_safe_environment):
    return dict(parallel_safe_environment, more=3)

def test_a(parallel_safe_environment):
    assert parallel_safe_environment == {"mine": 1, "more": 3}

class TestB:
    @pytest.fixture
    def worker_id(self, worker_id):
        return worker_id + " and more"
    def test_b(self, worker_id):
        assert worker_id == "mine and more"
""",
    )
    plain = project.pytest_plain("-p", "rowlock_pytest", env=PLUGIN)
    assert plain.returncode == 0, plain
    assert len(plain.outcomes) == len(OVERRIDES) + 2
    for command in (["parallel", "-n", "2"], ["sequential"]):
        done = project.rowlock(*command, "--report-json", "report.json")
        assert done.returncode == 0, done
        assert project.outcomes() == plain.outcomes


def test_ours_are_extended(project):
    project.write(
        "conftest.py",
        """
import pytest

@pytest.fixture
def isolated_temp_dir(isolated_temp_dir):
    (isolated_temp_dir / "seed").write_text("x")
    return isolated_temp_dir

@pytest.fixture
def mock_config_manager(mock_config_manager):
    mock_config_manager.set_mapping("mine", "a.b.c")
    return mock_config_manager
""",
    )
    project.write(
        "test_it.py",
        """
def test_a(isolated_temp_dir, mock_config_manager, test_execution_context):
    assert (isolated_temp_dir / "seed").exists()
    assert test_execution_context["temp_dir"] == isolated_temp_dir
    assert mock_config_manager.get_mapping("mine") == "a.b.c"
""",
    )
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == 0, done
    plain = project.pytest_plain("-p", "rowlock_pytest", env=PLUGIN)
    assert plain.returncode == 0, plain
