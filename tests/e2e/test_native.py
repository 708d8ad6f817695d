"""Native suites through the driver: verdicts, isolation, selection, grouping, limits."""

import json
import os
import re
import xml.etree.ElementTree as ET


def outcomes(project):
    return {t["id"]: t["outcome"] for t in project.report()["tests"]}


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", script]}, **more)


def manifest(project, *tests, **more):
    project.write("tests.json", json.dumps(dict({"rowlock": 1, "tests": list(tests)}, **more)))


def test_every_verdict(project):
    manifest(
        project,
        sh("ok", "exit 0"),
        sh("fails", "echo to stdout; echo to stderr >&2; exit 3"),
        sh("skips", "echo not on this machine; exit 77"),
        sh("crashes", "kill -SEGV $$"),
        sh("hangs", "sleep 60", timeout=0.3),
        {"id": "absent", "command": ["./no-such-program"]},
    )
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == 1
    assert outcomes(project) == {
        "ok": "passed",
        "fails": "failed",
        "skips": "skipped",
        "crashes": "crashed",
        "hangs": "timeout",
        "absent": "error",
    }
    assert "to stdout" in done.stdout and "to stderr" in done.stdout
    assert "exit status 3" in done.stdout
    assert "SIGSEGV" in done.stdout
    assert "no-such-program" in done.stdout
    last = done.stdout.rstrip().splitlines()[-1]
    assert "1 passed" in last and "1 failed" in last


def test_rules_of_a_verdict(project):
    manifest(
        project,
        sh("turned", "exit 3", will_fail=True),
        sh("turned_pass", "exit 0", will_fail=True),
        sh("off", "exit 3", disabled=True),
        sh("code", "exit 5", skip_code=5),
        sh("says", "echo all good; exit 3", pass_regex="^all g.{2}d"),
        sh("complains", "echo warning: x >&2", fail_regex=["nothing", "warning:"]),
        sh("passes_over", "echo no network; exit 1", skip_regex="no (network|disk)"),
        sh("lacks", "exit 0", required_files=["tests.json", "absent"]),
    )
    project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert outcomes(project) == {
        "turned": "passed",
        "turned_pass": "failed",
        "off": "skipped",
        "code": "skipped",
        "says": "passed",
        "complains": "failed",
        "passes_over": "skipped",
        "lacks": "error",
    }
    manifest(project, sh("broken", "exit 0", pass_regex="("))
    done = project.rowlock("parallel")
    assert done.returncode == 4 and "is no extended regular expression" in done.stderr


def test_all_pass_is_exit_zero(project):
    manifest(project, *[sh(f"t{i}", "exit 0") for i in range(20)])
    done = project.rowlock("parallel", "-n", "3")
    assert done.returncode == 0
    assert "20 passed" in done.stdout


def test_tap_points_are_results(project):
    project.write(
        "t/demo.t",
        "#!/bin/sh\necho 1..4\necho ok 1 - first\necho not ok 2 - second\n"
        "echo 'ok 3 # SKIP no network'\necho 'not ok 4 - later # TODO'\nexit 1\n",
        executable=True,
    )
    project.write(
        "tests.json",
        json.dumps({"rowlock": 1, "suites": [{"name": "shell", "format": "tap", "glob": "t/*.t"}]}),
    )
    done = project.rowlock("parallel", "--report-json", "report.json")
    assert done.returncode == 1
    summary = project.report()["summary"]
    assert (summary["passed"], summary["failed"]) == (1, 1)
    assert (summary["skipped"], summary["xfailed"]) == (1, 1)


def test_each_worker_and_each_test_has_its_own_folders(project):
    script = (
        'test -z "$(ls -A "$TMPDIR")" || exit 9; touch "$TMPDIR/mine"; '
        'touch "$FQCN_TEST_TEMP_DIR/$$" "$FQCN_CONFIG_DIR/$$" "$FQCN_CACHE_DIR/$$"; '
        'test "$PYTEST_XDIST_WORKER" = "$FQCN_TEST_WORKER_ID" || exit 8; '
        'test "$FQCN_TEST_MODE" = parallel || exit 7; '
        'test "$PYTEST_XDIST_WORKER_COUNT" = 3 || exit 6; '
        'test -n "$PYTEST_XDIST_TESTRUNUID" || exit 5; '
        'echo "$FQCN_TEST_WORKER_ID $FQCN_TEST_TEMP_DIR $FQCN_CONFIG_DIR $FQCN_CACHE_DIR" >> seen; '
        'env | grep -E "^(MAKE|ROWLOCK_GOALS)" && exit 4; exit 0'
    )
    manifest(project, *[sh(f"t{i}", script) for i in range(30)])
    done = project.rowlock("parallel", "-n", "3")
    assert done.returncode == 0, done.stdout
    rows = {tuple(line.split()) for line in project.path("seen").read_text().splitlines()}
    workers = {row[0] for row in rows}
    assert workers <= {"gw0", "gw1", "gw2"}
    assert len(rows) == len(workers), "a worker keeps its folders"
    for column in range(1, 4):
        assert len({row[column] for row in rows}) == len(workers)
    assert not any(os.path.exists(row[1]) for row in rows), "the folders are gone after the run"


def test_sequential_mode_is_one_worker_in_order(project):
    script = 'echo "$FQCN_TEST_WORKER_ID $FQCN_TEST_MODE %d ${PYTEST_XDIST_WORKER-none}" >> seen'
    manifest(project, *[sh(f"t{i}", script % i) for i in range(8)])
    assert project.rowlock("sequential").returncode == 0
    assert project.path("seen").read_text().splitlines() == [
        f"master sequential {i} none" for i in range(8)
    ]


def test_env_prefix_of_the_ini(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\nenv_prefix = ACME\n")
    manifest(project, sh("t", 'test -d "$ACME_TEST_TEMP_DIR" && test -z "$FQCN_TEST_TEMP_DIR"'))
    assert project.rowlock("parallel").returncode == 0


def test_serial_tests_run_alone_and_last(project):
    busy = "mkdir running.%d; sleep 0.05; rmdir running.%d; echo parallel >> order"
    alone = 'test -z "$(ls -d running.* 2>/dev/null)" || exit 1; '
    alone += busy.replace("parallel", "serial")
    tests = [sh(f"s{i}", alone % (i, i), markers=["serial"]) for i in range(3)]
    tests += [sh(f"p{i}", busy % (100 + i, 100 + i)) for i in range(9)]
    manifest(project, *tests)
    done = project.rowlock("parallel", "-n", "4")
    assert done.returncode == 0, done.stdout
    order = project.path("order").read_text().split()
    assert order == ["parallel"] * 9 + ["serial"] * 3


def test_locks_are_never_held_twice(project):
    script = "mkdir held-%s || exit 1; sleep 0.03; rmdir held-%s"
    tests = [sh(f"a{i}", script % ("db", "db"), locks=["db"]) for i in range(5)]
    tests += [sh(f"b{i}", script % ("net", "net"), locks=["net", "db"]) for i in range(3)]
    manifest(project, *tests)
    done = project.rowlock("parallel", "-n", "4")
    assert done.returncode == 0, done.stdout


def test_depends_order_and_skip(project):
    manifest(
        project,
        sh("use", "test -e started && echo used > used", depends=["start"]),
        sh("start", "sleep 0.1; touch started", markers=["serial"]),
        sh("bad", "exit 1"),
        sh("after-bad", "touch never", depends=["bad"]),
    )
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == 1
    result = {t["id"]: t for t in project.report()["tests"]}
    assert result["use"]["outcome"] == "passed"
    assert result["after-bad"]["outcome"] == "skipped"
    assert "bad" in result["after-bad"]["message"]
    assert not project.path("never").exists()


def test_a_cycle_is_named_in_full(project):
    manifest(
        project,
        sh("a", "true", depends=["b"]),
        sh("b", "true", depends=["c"]),
        sh("c", "true", depends=["a"]),
    )
    done = project.rowlock("parallel")
    assert done.returncode == 4
    for name in "abc":
        assert name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_marker_and_keyword_selection(project):
    manifest(
        project,
        sh("db/one", "true", markers=["unit", "slow"]),
        sh("db/two", "true", markers=["unit"]),
        sh("net/three", "true", markers=["integration"]),
    )

    def ids(*args):
        done = project.rowlock("list", *args)
        assert done.returncode in (0, 5), done.stderr
        return done.stdout.split()

    assert ids("-m", "unit and not slow") == ["db/two"]
    assert ids("--markers", "unit or integration") == ["db/one", "db/two", "net/three"]
    assert ids("-k", "ONE or three") == ["db/one", "net/three"]
    assert ids("db") == ["db/one", "db/two"]
    assert ids("net/three") == ["net/three"]
    assert ids("-m", "performance") == []


def test_maxfail_starts_nothing_after_the_nth_failure(project):
    manifest(project, *[sh(f"t{i}", f"echo {i} >> ran; exit 1") for i in range(40)])
    done = project.rowlock("sequential", "--maxfail", "3", "--report-json", "report.json")
    assert done.returncode == 1
    assert project.path("ran").read_text().split() == ["0", "1", "2"]
    assert project.report()["summary"]["failed"] == 3
    project.path("ran").unlink()
    assert project.rowlock("parallel", "-n", "2", "-x").returncode == 1
    assert len(project.path("ran").read_text().split()) <= 2


def test_leftover_processes_are_killed_and_named(project, processes_with):
    script = "setsid sh -c 'sleep 3333' & exit 0"
    manifest(project, sh("daemon", script, env={"LEFTOVER_MARK": project.mark}))
    done = project.rowlock("parallel")
    assert done.returncode == 0
    assert "sleep" in done.stdout or "sh" in done.stdout
    assert "daemon" in done.stdout
    assert processes_with(project.mark) == []


def test_flood_is_cut_in_the_middle(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\noutput_limit = 10K\n")
    script = "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last; exit 1"
    manifest(project, sh("flood", script))
    done = project.rowlock("parallel")
    assert done.returncode == 1
    assert "first" in done.stdout and "last" in done.stdout and "left out" in done.stdout
    assert len(done.stdout) < 100_000


def test_junit_and_json_hold_every_test(project):
    manifest(project, *[sh(f"t{i}", f"exit {i % 2}") for i in range(10)])
    done = project.rowlock(
        "parallel", "-n", "2", "--junitxml", "junit.xml", "--report-json", "report.json"
    )
    assert done.returncode == 1
    cases = ET.parse(project.path("junit.xml")).getroot().iter("testcase")
    failed = {c.get("name"): c.find("failure") is not None for c in cases}
    assert failed == {f"t{i}": i % 2 == 1 for i in range(10)}
    summary = project.report()["summary"]
    assert (summary["passed"], summary["failed"]) == (5, 5)


def test_durations_show_peak_memory(project):
    manifest(project, sh("slow", "sleep 0.2"), sh("quick", "true"))
    out = project.rowlock("parallel", "--durations", "1").stdout
    row = next(line for line in out.splitlines() if "slow" in line and "MB" in line)
    assert "quick" not in row


def test_dry_run_writes_and_runs_nothing(project):
    manifest(project, sh("t0", "touch ran"), sh("t1", "true", markers=["serial"], locks=["db"]))
    done = project.rowlock("parallel", "--dry-run", "-n", "2")
    assert done.returncode == 0
    assert "t0" in done.stdout and "one group at a time" in done.stdout and "db" in done.stdout
    assert not project.path("ran").exists()
    assert not project.path(".rowlock").exists()


def test_report_prints_the_last_run_again(project):
    manifest(project, sh("good", "true"), sh("bad", "echo why; exit 1"))
    first = project.rowlock("parallel")
    again = project.rowlock("report")
    assert (first.returncode, again.returncode) == (1, 1)
    assert "why" in again.stdout and "1 failed" in again.stdout
    assert "no run is recorded" in project.other().rowlock("report").stderr


def test_quiet_and_verbose(project):
    manifest(project, sh("good", "true"), sh("bad", "exit 1"))
    quiet = project.rowlock("parallel", "-q").stdout
    assert "bad" in quiet and "good" not in quiet
    verbose = project.rowlock("parallel", "-v").stdout
    assert "PASSED good" in verbose and "FAILED bad" in verbose


def test_old_runs_are_pruned(project):
    manifest(project, sh("t", "true"))
    for _ in range(13):
        assert project.rowlock("parallel", "-q").returncode == 0
    runs = list(project.path(".rowlock/runs").iterdir())
    assert 10 <= len(runs) <= 11
    assert project.path(".rowlock/last/journal").exists()


# Notes what weighs on the machine while a test runs: one folder per unit of its weight.
WEIGH = (
    'n=0; while [ $n -lt {w} ]; do mkdir "on-$$-$n"; n=$((n+1)); done;'
    " sleep 0.05; ls -d on-* | wc -l >> weights; rmdir on-$$-*"
)


def test_weights_never_exceed_the_jobs(project):
    """Heavy tests take tokens of the jobserver, so that N counts weights, not tests."""
    weights = [1, 3, 1, 2, 1, 4, 2, 1, 9, 1, 2, 3, 1, 1]
    project.manifest(
        *(
            {
                "id": f"t{i}",
                "command": ["sh", "-c", WEIGH.format(w=min(w, 4))],
                "weight": w,
                "cwd": ".",
            }
            for i, w in enumerate(weights)
        )
    )
    for command in (
        ("parallel", "-n", "4", "--dist", "load"),
        ("parallel", "-n", "4", "--dist", "worksteal"),
    ):
        done = project.rowlock(*command)
        assert done.returncode == 0 and "14 passed" in done.stdout
        warned = "rowlock: the weight of 't8', 9, is more than the 4 workers; it runs as 4\n"
        assert done.stderr == warned
        seen = [int(line) for line in project.path("weights").read_text().split()]
        project.path("weights").unlink()
        assert len(seen) == 14 and max(seen) == 4


def test_tests_share_the_jobs_of_an_outer_make(project):
    project.manifest(
        *({"id": f"t{i}", "command": ["sh", "-c", WEIGH.format(w=1)]} for i in range(14))
    )
    project.write(
        "Makefile",
        f"all: tests a b c d\n"
        f"tests: ; +{project.program} parallel\n"
        "a b c d: ; @mkdir on-make-$@; sleep 0.3;"
        " ls -d on-* | wc -l >> weights; rmdir on-make-$@\n",
    )
    made = project.make("-j4")
    assert made.returncode == 0 and "14 passed" in made.stdout
    seen = [int(line) for line in project.path("weights").read_text().split()]
    assert len(seen) == 18 and max(seen) <= 4


def test_heavy_tests_under_fewer_jobs_than_planned(project):
    """Two of weight 2 can each hold the token that the other one needs: they go on all the same."""
    project.manifest(
        *({"id": f"t{i}", "command": ["true"], "weight": 2} for i in range(4)),
        *({"id": f"l{i}", "command": ["true"]} for i in range(4)),
    )
    assert project.rowlock("generate", "-n", "4").returncode == 0
    for jobs in ("-j1", "-j2", "-j3"):
        made = project.make("-f", ".rowlock/tests.mk", jobs)
        assert made.returncode == 0 and "8 passed" in made.stdout


def first_of_dry_run(project, *args):
    shown = project.rowlock("parallel", "-n", "2", "--dist", "load", "--dry-run", *args)
    assert shown.returncode == 0
    return re.search(r"\b(quick\d+|slow|other)\b", shown.stdout).group(1)


def test_the_longest_known_test_starts_first(project):
    tests = [{"id": f"quick{i}", "command": ["true"]} for i in range(40)]
    tests.append({"id": "slow", "command": ["sleep", "1.5"]})
    project.manifest(*tests)
    assert first_of_dry_run(project) == "quick0"
    assert project.rowlock("parallel", "-n", "2", "--dist", "load").returncode == 0
    assert first_of_dry_run(project) == "slow"
    # By make alone it is remembered, too.
    project.manifest(*tests, {"id": "other", "command": ["sleep", "4"]})
    assert project.rowlock("generate", "-n", "2").returncode == 0
    assert project.make("-f", ".rowlock/tests.mk", "-j2").returncode == 0
    assert first_of_dry_run(project) == "other"
