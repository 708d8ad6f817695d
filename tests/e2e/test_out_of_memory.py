"""The kernel ends a process for want of memory: a real memory control group, a real OOM kill."""

import os
import pathlib

import pytest

# The kernel counts for the whole machine: no other test should be killed at the same time.
pytestmark = pytest.mark.serial
LIMIT = 300 << 20  # bytes, for all processes of a run
EATS = """
def test_before(): pass

def test_eats():
    eaten = []
    while True:
        eaten.append(b"x" * (10 << 20))

def test_after(): pass
"""
NATIVE = """
eaten = []
while True:
    eaten.append(b"x" * (10 << 20))
"""


def parent_group():
    """The folder of our own memory control group and the name of its limit's file
    (cgroups(7): version 1 names controllers, version 2 has a line that begins with 0::)."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes"
    for number, _, path in lines:
        if number == "0":
            return pathlib.Path(f"/sys/fs/cgroup{path}"), "memory.max"
    raise OSError("no control group")


@pytest.fixture
def enter(tmp_path):
    """The words that start a command below the limit."""
    try:
        parent, limit = parent_group()
        group = parent / f"rowlock-{os.getpid()}"
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory control group can be made: {error}")
    try:
        try:
            (group / limit).write_text(str(LIMIT))
        except OSError as error:
            pytest.skip(f"the memory of a control group cannot be limited: {error}")
        script = f'echo $$ >"{group}/cgroup.procs" && exec "$@"'
        yield ["sh", "-c", script, "sh"]
    finally:
        group.rmdir()


def test_the_verdict_says_so(project, enter):
    project.write("test_eats.py", EATS)
    project.write("eats.py", NATIVE)
    project.manifest(
        {"id": "native", "command": ["python3", "eats.py"]},
        {"id": "other", "command": ["true"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["test_eats.py"]}],
    )
    done = project.run(
        [*enter, project.program, "parallel", "-n", "1", "--report-json", "report.json"]
    )
    assert done.returncode == 1, done
    outcomes = {test["id"].split("::")[-1]: test for test in project.report()["tests"]}
    assert {name: test["outcome"] for name, test in outcomes.items()} == {
        "test_before": "passed",
        "test_eats": "crashed",
        "test_after": "passed",
        "native": "crashed",
        "other": "passed",
    }
    for name in ("test_eats", "native"):
        assert "killed by SIGKILL, most likely by the kernel" in outcomes[name]["message"]
