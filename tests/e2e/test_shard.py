"""--shard: machines that know nothing of each other run every test once."""

import json
import re
from xml.etree import ElementTree

import pytest

USAGE = 4
SUITE = """
import pytest, time
@pytest.fixture(scope="module")
def costly(request):
    with open("set-ups", "a") as f: f.write(request.node.name + "\\n")
@pytest.mark.parametrize("i", range(4))
def test_many(costly, i): time.sleep(i * 0.01)
class TestA:
    def test_1(self): pass
    @pytest.mark.slow
    def test_2(self): pass
@pytest.mark.serial
def test_serial(): pass
@pytest.mark.xdist_group("g")
def test_group(): pass
"""


def fill(project):
    def native(name, **more):
        return dict({"id": name, "command": ["true"]}, **more)

    project.manifest(
        *(native(f"n{i}", markers=["slow"] * (i % 2)) for i in range(5)),
        native("db/start", command=["sh", "-c", "sleep 0.1; touch started"]),
        native("db/use", depends=["db/start"], command=["test", "-e", "started"]),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py", "test_b.py"]}],
    )
    for name in "test_a.py", "test_b.py":
        project.write(name, SUITE)
    return project


@pytest.fixture
def machines(project):
    """One project on three machines, which have seen different runs of it."""
    found = [fill(project), fill(project.other()), fill(project.other())]
    found[1].rowlock("parallel", "-n", "2")
    found[2].rowlock("parallel", "-k", "n1 or test_a")
    return found


SAID = re.compile(r"^shard \d/\d: (\d+) of (\d+) tests, (?:.* of .*, )?partition (\w+)$", re.M)


def shards(machines, *options, command=("list",)):
    """The tests of each machine, and the partition, which all have to see alike."""
    parts, partitions = [], set()
    for i, machine in enumerate(machines, 1):
        done = machine.rowlock(*command, "--shard", f"{i}/{len(machines)}", *options)
        assert done.returncode == 0, done
        names = list(machine.outcomes()) if command[0] != "list" else done.stdout.split()
        n, total, partition = SAID.search(done.stdout + done.stderr).groups()
        assert int(n) == len(names)
        partitions.add((total, partition))
        parts.append(names)
    assert len(partitions) == 1
    return parts, partitions.pop()


def check_whole(machine, parts, *options):
    together = sorted(name for part in parts for name in part)
    assert together == sorted(machine.rowlock("list", *options).stdout.split())


@pytest.mark.slow
def test_all_parts_are_the_suite(machines):
    parts, first = shards(machines)
    check_whole(machines[0], parts)
    assert max(map(len, parts)) - min(map(len, parts)) <= 2
    options = ["--report-json", "report.json"]
    for machine in machines:
        machine.path("set-ups").unlink(missing_ok=True)
    run, there = shards(machines, *options, command=("parallel", "-n", "2", "--random-order"))
    assert [sorted(part) for part in run] == [sorted(part) for part in parts]
    assert there == first
    # No fixture was set up on two machines, no test went without the one that it depends on.
    notes = [m.path("set-ups").read_text() for m in machines if m.path("set-ups").exists()]
    assert sorted("".join(notes).split()) == ["test_a.py", "test_b.py"]
    # The runs have made the histories even more different.
    assert shards(machines, "--ff")[1] == first
    for options in (["-m", "slow"], ["test_b.py", "db"]):
        parts, other = shards(machines, *options)
        check_whole(machines[0], parts, *options)
        assert other != first


@pytest.mark.slow
def test_times_of_a_file(machines):
    machines = machines[:2]
    first = machines[1]
    first.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    heavy = {"n0": 5, "test_a.py::test_many[0]": 5.1}
    times = {
        "list.json": first.rowlock("list", "--json").stdout,
        "report.json": first.path("report.json").read_text(),
        "plain.json": json.dumps({**dict.fromkeys(first.outcomes(), 0.001), **heavy, "gone": 9}),
    }
    for name, text in times.items():
        for machine in machines:
            machine.write(name, text)
        check_whole(first, shards(machines, "--shard-times", name)[0])
    by_option = shards(machines, "--shard-times", "plain.json")
    for machine in machines:
        machine.write("pytest.ini", "[rowlock]\nshard_times = plain.json\n")
    assert shards(machines) == by_option
    assert [len(heavy.keys() & set(part)) for part in by_option[0]] == [1, 1]


def test_words(project):
    fill(project)
    for bad in ("0/2", "3/2", "1", "1/", "/2", "a/b", "1/70000", "-1/2", "1/2/3"):
        done = project.rowlock("parallel", f"--shard={bad}")
        assert done.returncode == USAGE
        assert "--shard: " in done.stderr and "give a part of how many" in done.stderr
    for option in "--lf", "--sw":
        done = project.rowlock("parallel", "--shard=1/2", option)
        assert done.returncode == USAGE
        assert "each machine remembers what has failed there" in done.stderr
    for text, words in ("[]", "t.json:1:1: this is no list of durations"), ("{", "t.json:1:1: "):
        project.write("t.json", text)
        done = project.rowlock("list", "--shard=1/2", "--shard-times=t.json")
        assert (done.returncode, done.stdout) == (USAGE, "")
        assert words in done.stderr


def test_more_parts_than_tests(project):
    """A part without tests is no failure: its machine has nothing to do but to say so."""
    project.manifest({"id": "a", "command": ["true"]}, {"id": "b", "command": ["true"]})
    reports = ["--report-json", "report.json", "--junitxml", "junit.xml"]
    done = [project.rowlock("parallel", "-n2", f"--shard={i}/3", *reports) for i in (1, 2, 3)]
    assert [d.returncode for d in done] == [0, 0, 0]
    assert ["1 passed" in d.stdout for d in done] == [True, True, False]
    assert "shard 3/3: 0 of 2 tests, partition " in done[2].stdout
    report = json.loads(project.path("report.json").read_text())
    assert (report["tests"], report["summary"]["total"]) == ([], 0)
    assert ElementTree.parse(project.path("junit.xml")).getroot().get("tests") == "0"
    assert "no tests ran" in project.rowlock("report").stdout
    project.rowlock("generate", "--shard=3/3")
    assert project.make("-f", ".rowlock/tests.mk").returncode == 0
    done = project.rowlock("parallel", "-n2", "--dist=worksteal", "--coverage", "--shard=3/3")
    assert (done.returncode, done.stderr) == (0, "")
    empty = project.rowlock("list", "--json", "--shard=3/3")
    assert (empty.returncode, json.loads(empty.stdout)["tests"]) == (0, [])
    assert project.rowlock("parallel", "--shard=3/3", "-k", "nothing").returncode == 5
    made = project.rowlock("generate", "--shard=1/2")
    assert "shard 1/2: 1 of 2 tests" in made.stdout
    # What is too long for any balance is named.
    project.write("test_a.py", "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n")
    project.manifest(suites=[{"name": "py", "format": "pytest", "paths": ["."]}])
    done = project.rowlock("parallel", "--dry-run", "--shard=1/2")
    assert "shard: 'test_a.py::test_1' and what stays with it would fill 2.0 shards" in done.stdout
    done = project.rowlock("parallel", "--dry-run", "--shard=1/2", "--dist=load")
    assert "would fill" not in done.stdout
    done = project.rowlock("parallel", "--shard=2/2", "--report-json", "report.json")
    assert (done.returncode, project.outcomes()) == (0, {})
