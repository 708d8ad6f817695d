"""librowlock in the sample project tests/projects/native-fixtures: a program in C, the same as C++,
run in parallel, in sequence and by itself."""

import os
import re
import shutil
import subprocess

import pytest

from support import HERE, find_program

SOURCE = HERE.parent / "projects" / "native-fixtures" / "test_all.c"
PARTS = ["identity", "files", "environment", "lock", "ports", "config"]


def is_sanitized():
    makefile = find_program().parent / "Makefile"
    return makefile.is_file() and "-fsanitize" in makefile.read_text()


def compile_sample(folder, compiler, flags, output):
    """Builds the sample against the library of the build folder."""
    build = find_program().parent
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", *flags]
    command += ["-I", str(build / "obj/include"), "-o", output]
    command += [str(build / "librowlock.a"), "-pthread"]
    if is_sanitized():
        command.append("-fsanitize=address,undefined")
    subprocess.run(command, cwd=folder, check=True)


@pytest.fixture
def sample(project):
    shutil.copy(SOURCE, project.root)
    compile_sample(project.root, "cc", ["-std=gnu11", "test_all.c"], "test_c")
    programs = ["test_c"]
    if shutil.which("c++"):
        compile_sample(project.root, "c++", ["-x", "c++", "test_all.c", "-x", "none"], "test_cc")
        programs.append("test_cc")
    project.programs = programs
    tests = [
        {"id": f"{program}/{part}/{i}", "command": [f"./{program}", part]}
        for program in programs
        for part in PARTS
        for i in range(3)
    ]
    project.manifest(*tests)
    project.env["COUNTER"] = str(project.root / "counter")
    project.tests = len(tests)
    return project


def test_in_parallel_and_in_sequence(sample):
    """Every fixture does its work on each worker, and the lock loses no increment."""
    for how in (["parallel", "-n", "4", "--dist", "load"], ["sequential"]):
        (sample.root / "counter").unlink(missing_ok=True)
        result = sample.rowlock(*how, "--report-json=report.json")
        assert result.returncode == 0, result
        assert sample.report("report.json")["summary"]["passed"] == sample.tests
        count = int((sample.root / "counter").read_text())
        assert count == 3 * len(sample.programs), how


def test_alone(sample):
    """Outside of Rowlock it is the worker master, and leaves nothing in TMPDIR."""
    temp = sample.root / "temp"
    temp.mkdir()
    env = {**sample.env, "TMPDIR": str(temp)}
    for program in sample.programs:
        # The user's own folder stays, with the lock; no folder of a process does.
        ran = subprocess.run(
            [f"./{program}"], cwd=sample.root, env=env, capture_output=True, text=True, check=True
        )
        assert ran.stdout.startswith("worker master of 1, sequential\n"), ran.stdout
        left = [entry for entry in temp.rglob("*") if not entry.name.endswith(".lock")]
        assert [entry.name for entry in left] == [f"rowlock-{os.geteuid()}"]


def test_the_same_mappings_as_in_python(sample):
    """The default mappings are those of the pytest plugin's mock_config_manager."""
    env = {**sample.env, "LIST_MAPPINGS": "1"}
    ran = subprocess.run(
        ["./test_c", "config"], cwd=sample.root, env=env, capture_output=True, text=True, check=True
    )
    in_c = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
    sample.write(
        "test_map.py",
        "def test_it(mock_config_manager):\n"
        "    for pair in mock_config_manager.load_default_mappings().items():\n"
        "        print('MAP', *pair)\n",
    )
    plugin = sample.rowlock("pytest-plugin", "path").stdout.strip()
    python = subprocess.run(
        ["python3", "-m", "pytest", "-q", "-s", "-p", "rowlock_pytest", "test_map.py"],
        cwd=sample.root,
        env={**sample.env, "PYTHONPATH": plugin},
        capture_output=True,
        text=True,
        check=True,
    )
    in_python = dict(re.findall(r"^MAP (\S+) (\S+)$", python.stdout, re.M))
    assert in_c == in_python and len(in_c) > 10


def test_one_lock_for_c_and_python(sample):
    """Tests of both languages that change one file under the lock lose no change."""
    sample.write(
        "test_lock.py",
        "import os, pathlib, pytest\n"
        "@pytest.mark.parametrize('i', range(6))\n"
        "def test_it(serial_test_lock, i):\n"
        "    counter = pathlib.Path(os.environ['COUNTER'])\n"
        "    with serial_test_lock:\n"
        "        n = int(counter.read_text()) if counter.exists() else 0\n"
        "        counter.write_text(f'{n + 1}\\n')\n",
    )
    tests = [{"id": f"c/{i}", "command": ["./test_c", "lock"]} for i in range(6)]
    sample.manifest(*tests, suites=[{"name": "py", "format": "pytest", "paths": ["test_lock.py"]}])
    result = sample.rowlock("parallel", "-n", "4", "--dist", "load")
    assert result.returncode == 0, result
    assert int((sample.root / "counter").read_text()) == 12
