"""tests.mk without the driver, inside other Makefiles, and under an outer jobserver."""

import json
import re


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", script]}, **more)


def manifest(project, *tests):
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": list(tests)}))


def target(project, test_id):
    """The target that stands for a test in tests.mk."""
    text = project.path(".rowlock/tests.mk").read_text()
    return re.search(rf"^# (t\d+) {re.escape(test_id)}$", text, re.M).group(1)


def test_alone_it_runs_the_suite(project):
    manifest(project, *[sh(f"ok{i}", "exit 0") for i in range(9)], sh("bad", "echo why; exit 1"))
    assert project.rowlock("generate").returncode == 0
    done = project.make("-f", ".rowlock/tests.mk", "-j4")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert sum(line.startswith("PASSED ok") for line in lines) == 9
    assert sum(line.startswith("FAILED bad") for line in lines) >= 1
    assert "why" in done.stdout
    assert re.search("9 passed, 1 failed|1 failed, 9 passed", done.stdout)
    project.write("tests.json", project.path("tests.json").read_text().replace("exit 1", "exit 0"))
    assert project.rowlock("generate").returncode == 0
    again = project.make("-f", ".rowlock/tests.mk", "-j4")
    assert again.returncode == 0, again.stdout + again.stderr


def test_it_can_run_again_and_again(project):
    manifest(project, sh("t", "echo x >> ran"))
    project.rowlock("generate")
    for _ in range(3):
        assert project.make("-f", ".rowlock/tests.mk").returncode == 0
    assert project.path("ran").read_text() == "x\n" * 3


def test_generate_writes_the_makefile_elsewhere_too(project):
    manifest(project, sh("t", "echo x >> ran"))
    done = project.rowlock("generate", "--output", "suite.mk")
    assert done.returncode == 0 and "make -f suite.mk" in done.stdout
    assert project.make("-f", "suite.mk").returncode == 0
    assert project.path("ran").read_text() == "x\n"


def test_a_named_goal_runs_that_test_only(project):
    tests = [sh(f"t{i}", f"echo t{i} >> ran; exit {i % 2}") for i in range(6)]
    manifest(project, *tests, sh("alone", "echo alone >> ran", markers=["serial"]))
    project.rowlock("generate")
    good, bad = target(project, "t2"), target(project, "t3")
    assert project.make("-f", ".rowlock/tests.mk", good).returncode == 0
    assert project.make("-f", ".rowlock/tests.mk", bad).returncode == 2
    assert project.make("-f", ".rowlock/tests.mk", target(project, "alone")).returncode == 0
    assert project.path("ran").read_text().split() == ["t2", "t3", "alone"]


def test_outside_its_root_it_says_so(project):
    manifest(project, sh("t", "true"))
    project.rowlock("generate")
    project.path("sub").mkdir()
    done = project.make("-C", "sub", "-f", "../.rowlock/tests.mk")
    assert done.returncode == 2
    assert "***" in done.stderr and "root" in done.stderr.lower() or "folder" in done.stderr


def test_dry_make_runs_nothing(project):
    manifest(project, sh("t", "touch ran"))
    project.rowlock("generate")
    assert project.make("-n", "-f", ".rowlock/tests.mk").returncode == 0
    project.write("Makefile", "check:\n\t+rowlock parallel\n")
    assert project.make("-n", "check").returncode == 0
    assert not project.path("ran").exists()


def test_a_test_starts_when_its_own_binary_is_built(project):
    """`needs` are real prerequisites where a project includes tests.mk."""
    manifest(
        project,
        dict(sh("one", "test -e prog-one"), needs=["prog-one"]),
        dict(sh("two", "test -e prog-two"), needs=["prog-two"]),
    )
    project.rowlock("generate")
    project.write(
        "Makefile",
        "all: prog-one prog-two\nprog-%:\n\ttouch $@\n"
        "check: rowlock-all\ninclude .rowlock/tests.mk\n",
    )
    assert project.make().returncode == 0
    journal = project.path(".rowlock/last/journal")
    assert not journal.exists(), "the default goal stays the project's"
    project.path("prog-one").unlink()
    project.path("prog-two").unlink()
    done = project.make("-j2", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED one" in done.stdout and "PASSED two" in done.stdout


COUNT = (
    "mkdir -p jobs; touch jobs/$$; ls jobs | wc -l >> peak; sleep 0.05; rm jobs/$$"
)


def test_an_outer_make_shares_its_tokens(project):
    """make -j3 that builds and tests at once never has more than 3 jobs."""
    manifest(project, *[sh(f"t{i}", COUNT) for i in range(24)])
    project.write(
        "Makefile",
        "all: check $(foreach i,1 2 3 4 5 6 7 8 9 10 11 12,build-$i)\n"
        f"build-%:\n\t@{COUNT.replace('$$', '$$$$')}\n"
        "check:\n\t+rowlock parallel\n",
    )
    done = project.make("-j3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 passed" in done.stdout
    assert max(int(n) for n in project.path("peak").read_text().split()) <= 3


def test_without_plus_it_says_what_is_missing(project):
    manifest(project, sh("t", "true"))
    project.write("Makefile", "check:\n\trowlock parallel -n 2\n")
    done = project.make("-j2", "check")
    assert done.returncode == 0
    assert "'+'" in done.stderr


def test_two_runs_side_by_side_have_their_own_verdicts(project):
    tests = [sh(f"u{i}", "sleep 0.02", markers=["unit"]) for i in range(10)]
    tests += [sh(f"i{i}", "sleep 0.02; exit 1", markers=["integration"]) for i in range(10)]
    manifest(project, *tests)
    project.write(
        "Makefile",
        "%-parallel:\n\t+rowlock parallel -m $* --report-json $*.json > $*.out\n",
    )
    done = project.make("-k", "-j4", "unit-parallel", "integration-parallel")
    assert done.returncode == 2
    unit = json.loads(project.path("unit.json").read_text())["summary"]
    integration = json.loads(project.path("integration.json").read_text())["summary"]
    assert (unit["passed"], unit["failed"]) == (10, 0)
    assert (integration["passed"], integration["failed"]) == (0, 10)
