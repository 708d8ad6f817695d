"""--random-order: the order that is listed is the one that runs, and its seed brings it back."""

import re

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

NOTE = """
import pytest
@pytest.fixture(autouse=True)
def note(request):
    with open("order", "a") as f: f.write(request.node.nodeid + "\\n")
"""
SCOPES = """
import pytest
@pytest.fixture(scope="module", params=["x", "y"])
def wide(request):
    with open("set-up", "a") as f: f.write(request.param)
    return request.param
@pytest.mark.parametrize("i", range(4))
def test_wide(wide, i): pass
class TestA:
    def test_1(self): pass
    def test_2(self): pass
def test_plain(): pass
@pytest.mark.serial
def test_serial(): pass
"""


@pytest.fixture
def mixed(project):
    """Native tests, of which some wait for others, and two files of pytest's."""

    def native(name, **more):
        return dict({"id": name, "command": ["sh", "-c", f"echo {name} >> order"]}, **more)

    project.manifest(
        *(native(f"n{i}") for i in range(8)),
        native("first", weight=2),
        native("second", depends=["first"], locks=["db"]),
        native("third", depends=["second"], locks=["db"]),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py", "test_b.py"]}],
    )
    project.write("conftest.py", NOTE)
    project.write("test_a.py", SCOPES)
    project.write("test_b.py", "".join(f"def test_{i}(): pass\n" for i in range(5)))
    return project


def listed(project, *options):
    done = project.rowlock("list", *options)
    assert done.returncode == 0, done
    return done.stdout.split(), done.stderr


def run(project, *options):
    """The order in which the tests ran, and the seed that the heading names."""
    for name in ("order", "set-up"):
        project.path(name).unlink(missing_ok=True)
    done = project.rowlock(*options)
    assert done.returncode == 0, done
    seed = re.search(r"^random order: --random-order=(\d+) repeats it$", done.stdout, re.M)
    return project.path("order").read_text().split(), seed.group(1) if seed else None


def test_replay(mixed):
    plain, _ = listed(mixed)
    order, note = listed(mixed, "--random-order=5")
    assert order != plain and sorted(order) == sorted(plain)
    assert note == "random order: --random-order=5 repeats it\n"
    assert order == listed(mixed, "--random-order=5")[0]
    assert order != listed(mixed, "--random-order=6")[0]
    # Fewer tests, in the same order.
    assert listed(mixed, "--random-order=5", "-k", "n1 or test_b")[0] == [
        name for name in order if name == "n1" or name.startswith("test_b")
    ]
    seeds = {re.findall(r"=(\d+) ", listed(mixed, "--random-order")[1])[0] for _ in range(3)}
    assert len(seeds) == 3

    first, seed = run(mixed, "sequential", "--random-order")
    again, same = run(mixed, "sequential", f"--random-order={seed}", "-q")
    assert (again, same) == (first, seed)
    for start in "n", "test_":  # only tests that wait for others may run behind their place
        assert [n for n in listed(mixed, f"--random-order={seed}")[0] if n.startswith(start)] == [
            n for n in first if n.startswith(start)
        ]
    places = [first.index(name) for name in ("first", "second", "third")]
    assert places == sorted(places)
    assert len(mixed.path("set-up").read_text()) == 2  # each parameter once
    assert "--random-order=" + seed in mixed.rowlock(f"--random-order={seed}", "--dry-run").stdout


def test_one_worker(mixed):
    """Earlier runs, and thus known durations, change nothing; serial tests come last."""
    plain, _ = run(mixed, "parallel", "-n", "1")
    orders = []
    for _ in range(2):
        order, _ = run(mixed, "parallel", "-n", "1", "--dist", "load", "--random-order=7")
        orders.append(order)
        assert sorted(order) == sorted(plain)
        assert order[-1] == "test_a.py::test_serial"
        places = [order.index(name) for name in ("first", "second", "third")]
        assert places == sorted(places)
    assert orders[0] == orders[1] != plain
    assert len(mixed.path("set-up").read_text()) == 2
    natives = [name for name in listed(mixed, "--random-order=7")[0] if name[0] == "n"]
    assert natives == [name for name in orders[0] if name[0] == "n"]


def test_many_workers(mixed):
    for options in (["-n", "3"], ["-n", "2", "--dist", "worksteal"], ["-n", "2", "--forked"]):
        order, seed = run(mixed, "parallel", "--random-order", *options)
        assert sorted(order) == sorted(listed(mixed)[0]), seed


def test_words(project):
    project.manifest({"id": "a", "command": ["true"]})
    for bad in ("x", "", "-1", "18446744073709551616"):
        done = project.rowlock("parallel", f"--random-order={bad}")
        assert done.returncode == 4
        assert "give a number from 0" in done.stderr
    # A word behind it is a path or an id, no seed.
    assert listed(project, "--random-order", "a")[0] == ["a"]
    done = project.rowlock("generate", "--random-order=18446744073709551615")
    assert "random order: --random-order=18446744073709551615 repeats it" in done.stdout
