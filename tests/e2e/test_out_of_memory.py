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


# Takes half of the group's memory, says so a while later, and waits for a test that was not
# let in.
HOG = f"""
import os, time
eaten = b"x" * {LIMIT // 2}
time.sleep(1)
open("full", "w").close()
time.sleep(1)
os.remove("full")
"""


def test_the_floor_is_one_of_the_control_group(project, enter):
    """The machine has memory to spare, the group has not: nothing starts beside what fills it."""
    project.write("hog.py", HOG)
    project.manifest(
        {"id": "hog", "command": ["python3", "hog.py"]},
        *({"id": f"n{i}", "command": ["sh", "-c", "sleep 0.3; ! test -e full"]} for i in range(9)),
    )
    words = ["parallel", "-n", "2", "--dist", "load", "--report-json", "report.json"]
    done = project.run([*enter, project.program, *words, "--memory-floor", "60%"])
    assert done.returncode == 0, done
    assert "1 worker waits for memory: " in done.stdout
    done = project.run([*enter, project.program, *words, "--memory-floor", "1M"])
    assert done.returncode == 1 and "for memory" not in done.stdout, done
