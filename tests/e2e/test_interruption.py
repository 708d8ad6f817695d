"""Ctrl-C and kill -9 of every process of a run: nothing stays behind, what is known is kept."""

import json
import os
import re
import signal
import time


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", script]}, **more)


def long_suite(project):
    """Ten quick tests, and when they are recorded two that start a daemon and stay."""
    stay = "setsid sleep 3333 & touch up.$$; exec sleep 3333"
    tests = [sh(f"quick{i}", "true") for i in range(10)]
    more = {"env": {"STAY": project.mark}, "timeout": 120, "depends": [t["id"] for t in tests]}
    tests += [sh(f"stay{i}", stay, **more) for i in range(2)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))


def long_pytest(project):
    project.write(
        "test_long.py",
        "import os, subprocess, time, pytest\n"
        "@pytest.fixture(scope='module')\n"
        "def server():\n"
        "    p = subprocess.Popen(['sleep', '3333'], start_new_session=True)\n"
        "    yield\n"
        "    p.kill()\n"
        "    open('torn-down', 'w').close()\n"
        "@pytest.mark.parametrize('i', range(10))\n"
        "def test_quick(i): pass\n"
        "def test_stay(server):\n"
        "    open(f'up.{os.getpid()}', 'w').close()\n"
        "    time.sleep(3333)\n",
    )


def is_up(project):
    return any(p.name.startswith("up.") for p in project.path(".").iterdir())


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
        return f.read().strip()


def start(project, wait_until, *args):
    child = project.start("parallel", "-n", "2", *args, env={"RUN_MARK": project.mark})
    assert wait_until(lambda: is_up(project)), "the long test starts"
    return child


def gone(project, processes_with, wait_until):
    return wait_until(lambda: processes_with(project.mark) == [])


def test_ctrl_c_keeps_what_is_known(project, processes_with, wait_until):
    long_suite(project)
    child = start(project, wait_until, "--report-json", "report.json")
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "interrupted" in out
    summary = project.report()["summary"]
    assert summary["passed"] == 10
    assert gone(project, processes_with, wait_until)


def test_ctrl_c_tears_pytest_fixtures_down(project, processes_with, wait_until):
    long_pytest(project)
    child = start(project, wait_until)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "10 passed" in out
    assert project.path("torn-down").exists()
    assert gone(project, processes_with, wait_until)


def test_ctrl_c_while_several_processes_collect(project, processes_with, wait_until):
    project.write("test_0.py", "def test(): pass\n")
    for i in range(1, 3):
        text = f"import time\nopen('in.{i}', 'w').close()\ntime.sleep(3333)\ndef test(): pass\n"
        project.write(f"test_{i}.py", text)
    # Plugins that are installed may want to see the list as a whole: then one process collects.
    env = {"RUN_MARK": project.mark, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    child = project.start("parallel", "-n", "2", "--parallel-collect", env=env)
    assert wait_until(lambda: all(project.path(f"in.{i}").exists() for i in range(1, 3)))
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "interrupted while pytest collected" in err
    assert gone(project, processes_with, wait_until)


def test_second_ctrl_c_kills(project, processes_with, wait_until):
    script = "trap '' TERM INT; touch up.$$; while :; do sleep 1; done"
    project.write("pytest.ini", "[pytest]\n[rowlock]\ngrace = 60\n")
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [sh("stubborn", script)]}))
    child = start(project, wait_until)
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 2
    assert gone(project, processes_with, wait_until)


def session_whose_end_hangs(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\ngrace = 0.5\n")
    project.write(
        "conftest.py",
        "import os, time\n"
        "def pytest_sessionfinish(session):\n"
        "    if not hasattr(session.config, 'workerinput'):\n"
        "        open(f'up.{os.getpid()}', 'w').close()\n"
        "        time.sleep(3333)\n",
    )
    project.write("test_quick.py", "def test_quick(): pass\n")


def test_second_ctrl_c_ends_a_session_whose_end_hangs(project, processes_with, wait_until):
    session_whose_end_hangs(project)
    child = start(project, wait_until, "--report-json", "report.json")
    # Two that differ: a second one of the same kind may be lost while the first is pending.
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 2, out
    assert project.report()["summary"]["passed"] == 1
    assert gone(project, processes_with, wait_until)


def test_sigterm_ends_a_session_whose_end_hangs(project, processes_with, wait_until):
    session_whose_end_hangs(project)
    child = start(project, wait_until, "--report-json", "report.json")
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 2, out
    assert "more than 0.5 s after the signal or" in out
    assert project.report()["summary"]["passed"] == 1
    assert gone(project, processes_with, wait_until)


def kill_one(project, wait_until, name, inner=False, count=2):
    """Kills what stands above a test that stays: make, its outer or inner rowlock-exec, or, of
    a worker, the zygote or its guard, a rowlock-exec.

    Found upwards from the test's own process, which its up.PID names, so that it cannot
    be a process that is just about to end.
    """
    child = start(project, wait_until, "--report-json", "report.json")
    pid = int(next(p.name for p in project.path(".").glob("up.*"))[3:])
    above = []
    while pid != child.pid:
        pid = parent_of(pid)
        above.append(pid)
    victims = [p for p in above if name_of(p).startswith(name)]
    assert len(victims) == count
    os.kill(victims[0 if inner else -1], signal.SIGKILL)
    return child


def finish_with_interrupt(child):
    """What was killed is crashed; the tests that stay are ended by Ctrl-C."""
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    return out


def next_run_is_clean(project):
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [sh("t", "true")]}))
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == 0 and "1 passed" in done.stdout


def test_kill_9_of_the_driver(project, processes_with, wait_until):
    long_suite(project)
    child = start(project, wait_until)
    child.kill()
    child.communicate(timeout=60)
    assert gone(project, processes_with, wait_until)
    report = project.rowlock("report", "--report-json", "report.json")
    assert "10 passed" in report.stdout
    next_run_is_clean(project)


def test_kill_9_of_the_driver_of_a_pytest_suite(project, processes_with, wait_until):
    long_pytest(project)
    child = start(project, wait_until)
    child.kill()
    child.communicate(timeout=60)
    assert gone(project, processes_with, wait_until)


def test_kill_9_of_make(project, processes_with, wait_until):
    long_suite(project)
    child = kill_one(project, wait_until, "make", count=1)
    out = finish_with_interrupt(child)
    assert project.report()["summary"]["passed"] == 10, out
    assert gone(project, processes_with, wait_until)
    next_run_is_clean(project)


def test_kill_9_of_outer_and_inner_rowlock_exec(project, processes_with, wait_until):
    for inner in (False, True):
        long_suite(project)
        child = kill_one(project, wait_until, "rowlock-exec", inner)
        out = finish_with_interrupt(child)
        assert project.report()["summary"]["passed"] == 10, out
        assert gone(project, processes_with, wait_until)
        for p in project.path(".").glob("up.*"):
            p.unlink()
    next_run_is_clean(project)


def status_of(pid):
    """State, parent and what else stands behind the name in /proc/PID/stat."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()


def parent_of(pid):
    return int(status_of(pid)[1])


def test_kill_9_of_rowlock_exec_marks_the_test_crashed(project, wait_until):
    """The test that ran is crashed, the rest of its group runs all the same."""
    tests = [sh("first", "touch up.$$; exec sleep 3333", timeout=120)]
    tests += [sh(f"t{i}", "true") for i in range(20)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    child = kill_one(project, wait_until, "rowlock-exec", inner=True)
    child.communicate(timeout=60)
    assert child.returncode == 1
    outcomes = {t["id"]: t["outcome"] for t in project.report()["tests"]}
    assert outcomes.pop("first") == "crashed"
    assert set(outcomes.values()) == {"passed"} and len(outcomes) == 20


def test_kill_9_of_the_zygote_and_its_guard(project, processes_with, wait_until):
    for name in ("python", "rowlock-exec"):
        long_pytest(project)
        child = kill_one(project, wait_until, name, count=1)
        out, _ = child.communicate(timeout=60)
        assert child.returncode != 0
        assert gone(project, processes_with, wait_until), out
        for p in project.path(".").glob("up.*"):
            p.unlink()


def standalone(project, wait_until, tests):
    """A make without driver, once so many tests stay. All recipes have been started then: one that
    gets a signal before its first instruction just dies, and may be too quick for make."""
    project.rowlock("generate", "-n", "2")
    child = project.start_make("-f", ".rowlock/tests.mk", "-j2", env={"RUN_MARK": project.mark})
    assert wait_until(lambda: len(list(project.path(".").glob("up.*"))) == tests)
    return child


def stop_standalone(project, wait_until, tests, stop):
    """Stops a make without driver; make's own exit code."""
    child = standalone(project, wait_until, tests)
    stop(child.pid)
    child.communicate(timeout=60)
    return child.returncode


def test_make_hears_ctrl_c_before_its_recipes_end(project, processes_with, wait_until):
    """A make that reaped them first would find none left to wait for, and exit with 2."""
    long_suite(project)
    child = standalone(project, wait_until, 2)
    os.kill(child.pid, signal.SIGSTOP)
    assert wait_until(lambda: status_of(child.pid)[0] == "T")
    os.killpg(child.pid, signal.SIGINT)
    names = ["make", "rowlock", "rowlock-exec", "rowlock-exec"]  # rowlock: tidies up behind make
    left = wait_until(lambda: sorted(p.split()[1] for p in processes_with(project.mark)) == names)
    os.kill(child.pid, signal.SIGCONT)
    child.communicate(timeout=60)
    assert left and child.returncode == -signal.SIGINT


def test_signals_that_are_ignored(project, wait_until):
    """Below nohup, and in a shell's background, a run goes on after a hangup and Ctrl-C."""
    script = "touch up.$$; while [ ! -e go ]; do sleep 0.02; done"
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [sh("t", script)]}))
    project.rowlock("generate", "-n", "1")
    for command in ("make -f .rowlock/tests.mk -j2", f"{project.program} parallel -n 1"):
        child = project.spawn(["sh", "-c", f"trap '' HUP INT; exec {command}"], encoding="utf-8")
        assert wait_until(lambda: is_up(project))
        os.killpg(child.pid, signal.SIGHUP)
        os.killpg(child.pid, signal.SIGINT)
        project.write("go", "")
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0 and "1 passed" in out, (command, out, err)
        for p in [project.path("go"), *project.path(".").glob("up.*")]:
            p.unlink()


# As a terminal does it, and a supervisor; and kill -9.
STOPS = {
    -signal.SIGINT: lambda pid: os.killpg(pid, signal.SIGINT),
    -signal.SIGTERM: lambda pid: os.kill(pid, signal.SIGTERM),
    -signal.SIGKILL: lambda pid: os.kill(pid, signal.SIGKILL),
}


def is_guard(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return b"--guard" in file.read().split(b"\0")


def test_kill_9_of_a_guard_without_a_driver(project, processes_with, wait_until):
    """Nobody above adopts what it leaves, so there are two of them, and each ends the rest."""
    for place in (0, 1):
        one = project.other()
        long_pytest(one)
        child = standalone(one, wait_until, 1)
        found = [int(line.split()[0]) for line in processes_with(one.mark)]
        guards = sorted(pid for pid in found if is_guard(pid))
        assert len(guards) == 2, guards
        os.kill(guards[place], signal.SIGKILL)
        child.communicate(timeout=60)
        assert child.returncode != 0
        assert gone(one, processes_with, wait_until), place


def test_stops_of_a_standalone_make(project, processes_with, wait_until):
    for write, tests in ((long_suite, 2), (long_pytest, 1)):
        for code, stop in STOPS.items():
            one = project.other()
            write(one)
            assert stop_standalone(one, wait_until, tests, stop) == code
            assert gone(one, processes_with, wait_until), (write, code)
            assert wait_until(lambda temp=one.temp: not list(temp.glob("rl-*"))), (write, code)
            report = one.rowlock("report")
            assert re.search(r"10 passed, [12] did not run", report.stdout), report
            if write is long_pytest:
                assert wait_until(one.path("torn-down").exists)
            else:
                next_run_is_clean(one)
