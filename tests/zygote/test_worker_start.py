"""Workers with an interpreter of their own: when they are used, and that they are like the
workers of pytest-xdist."""

import json
import os
import signal
import sys

import pytest
from client import is_alive, wait_for

pytestmark = pytest.mark.slow  # each case runs whole sessions, more than once

SAY = """
    import os
    def say(word):
        with open("notes", "a") as f:
            f.write(word + "\\n")
"""
PLAIN = "def test_a(): pass\ndef test_b(): pass\n"


def _how(zygote):
    return zygote.json["worker_start"], zygote.json["worker_start_note"]


def _notes(suite):
    return sorted((suite.path / "notes").read_text().splitlines())


# What makes auto spawn.

READS = {
    "item": "VALUE = os.environ['PYTEST_XDIST_WORKER']",
    "get": "VALUE = os.environ.get('PYTEST_XDIST_WORKER')",
    "getenv": "VALUE = os.getenv('PYTEST_XDIST_WORKER', 'master')",
    "in": "VALUE = os.getenv('FQCN_TEST_WORKER_ID') if 'PYTEST_XDIST_WORKER' in os.environ else 0",
    "environb": "VALUE = os.environb[b'PYTEST_XDIST_WORKER'].decode()",
    "imported": "from os import environ\nVALUE = environ['PYTEST_XDIST_WORKER']",
    "caught": "try:\n    VALUE = os.environ['PYTEST_XDIST_WORKER']\nexcept:\n    VALUE = 'none'",
    "copy": "VALUE = dict(os.environ).get('PYTEST_XDIST_WORKER', '')",
    "prefix": "VALUE = os.environ['FQCN_TEST_WORKER_ID']",
    "folder": "VALUE = os.environ['FQCN_TEST_TEMP_DIR'].split('/')[-2]",
}


@pytest.mark.parametrize("name", READS)
def test_a_module_that_reads_its_identity_has_its_own(suite, name):
    text = "import os\n" + READS[name] + "\n"
    text += "def test_value(worker_id): assert VALUE == worker_id\n"
    text += "def test_identity(): assert os.environ['PYTEST_XDIST_WORKER'] == VALUE\n"
    suite(test_x=text)
    with suite.zygote() as zygote:
        how, note = _how(zygote)
        assert how == "spawn"
        line = 3 if name in ("imported", "caught") else 2
        assert note.startswith(f"test_x.py:{line} "), note
        first, second = zygote.run(0, 1, slot=0), zygote.run(0, 1, slot=1)
        assert first.outcomes == second.outcomes == ["passed", "passed"]
        assert first.pid != second.pid
        assert zygote.finish()[0] == 0


def test_the_prefix_of_the_variables_is_an_option(suite):
    text = "import os\nVALUE = os.environ['ACME_TEST_WORKER_ID']\n"
    text += "def test_value(worker_id): assert VALUE == worker_id\n"
    suite(test_x=text)
    with suite.zygote(env={"ROWLOCK_ENV_PREFIX": "ACME"}) as zygote:
        assert _how(zygote)[0] == "spawn"
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_nothing_of_the_collection_is_done_twice_with_one_identity(suite):
    text = SAY + """
    say("started")
    NAME = os.environ.get("PYTEST_XDIST_WORKER", "master")
    os.mkdir("folder-" + NAME)
    def test_a(): assert os.path.isdir("folder-" + NAME)
    """
    suite(test_x=text)
    with suite.zygote() as zygote:
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert sorted(p.name for p in suite.path.glob("folder-*")) == ["folder-gw0", "folder-gw1"]
        # once in the zygote, up to the question
        assert _notes(suite) == ["started"] * 3


CONFTEST = {
    "workerinput": "def pytest_configure(config): config.x = hasattr(config, 'workerinput')\n",
    "getattr": "def pytest_configure(config): config.x = getattr(config, 'workerinput', None)\n",
    "collection": "def pytest_collection_modifyitems(config):\n"
    "    config.x = hasattr(config, 'workerinput')\n",
    "variable": "import os\n"
    "def pytest_configure(config): config.x = os.environ.get('PYTEST_XDIST_WORKER')\n",
}


@pytest.mark.parametrize("name", CONFTEST)
def test_a_conftest_that_asks_is_told(suite, name):
    text = "def test_told(request): assert request.config.x\n"
    suite(conftest=CONFTEST[name], test_x=text)
    with suite.zygote() as zygote:
        how, note = _how(zygote)
        if name == "collection":
            assert how == "spawn"
            assert note.startswith("conftest.py:2 ")
        else:
            # It is asked again in each fork.
            assert how == "fork"
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_a_helper_below_the_root_counts_wherever_it_lies(suite):
    helper = "import os\ndef name(): return os.environ.get('PYTEST_XDIST_WORKER')\n"
    suite(src__helper=helper, tests__test_x="import helper\nNAME = helper.name()\n" + PLAIN)
    with suite.zygote("tests", env={"PYTHONPATH": str(suite.path / "src")}) as zygote:
        assert _how(zygote)[0] == "spawn"
        assert "src/helper.py:2 " in _how(zygote)[1]


def test_an_installed_library_asks_for_the_project(suite):
    library = "import os\nNAME = os.environ.get('PYTEST_XDIST_WORKER')\n"
    suite(test_x="import lib\n" + PLAIN)
    folder = suite.path / "venv" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "lib.py").write_text(library)
    with suite.zygote("test_x.py", env={"PYTHONPATH": str(folder)}) as zygote:
        assert _how(zygote)[0] == "spawn"
        assert _how(zygote)[1].startswith("test_x.py:1 ")


# What does not.

PLUGIN = """
import os
NAME = os.environ.get("PYTEST_XDIST_WORKER")
def pytest_configure(config):
    config.told = hasattr(config, "workerinput")
def pytest_collection_modifyitems(config):
    os.environ.get("PYTEST_XDIST_WORKER"), hasattr(config, "workerinput"), dict(os.environ)
"""


def test_an_installed_plugin_may_ask_what_it_likes(suite):
    suite(test_x=PLAIN)
    folder = suite.path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "someplugin.py").write_text(PLUGIN)
    env = {"PYTHONPATH": str(folder)}
    with suite.zygote("-p", "someplugin", "test_x.py", env=env) as zygote:
        assert _how(zygote) == ("fork", None)


def test_what_is_asked_while_tests_run_does_not_count(suite):
    conftest = """
        import os, pytest, tempfile, uuid
        @pytest.fixture(scope="session")
        def database(worker_id, request, testrun_uid):
            assert request.config.workerinput["workerid"] == worker_id
            return "db_" + os.environ["PYTEST_XDIST_WORKER"]
        def pytest_runtest_setup(item): os.environ["PYTEST_XDIST_WORKER_COUNT"]
        def pytest_sessionfinish(session): hasattr(session.config, "workerinput")
    """
    text = """
        import os, tempfile, uuid
        HOME = os.environ.get("HOME")
        NAMES = [name for name in os.environ if name.startswith("APP_")]
        FOLDER = tempfile.gettempdir()
        def test_a(database):
            assert database == "db_gw1"
            assert tempfile.mkdtemp() and uuid.uuid4() and os.getpid()
    """
    suite(conftest=conftest, test_x=text)
    with suite.zygote() as zygote:
        assert _how(zygote) == ("fork", None)
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_after_the_collection_nothing_is_watched(suite):
    text = """
        import os, socket, tempfile
        from _pytest.config import Config
        def test_a():
            for function in (type(os.environ).__getitem__, type(os.environ).__iter__):
                assert "rowlock" not in function.__code__.co_filename
            assert type(os.getpid).__name__ == type(os.urandom).__name__ == (
                "builtin_function_or_method")
            assert "bind" not in vars(socket.socket)
            assert "rowlock" not in tempfile._RandomNameSequence.__next__.__code__.co_filename
            assert not hasattr(Config, "__getattr__")
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]


# fork and spawn override.


def test_fork_forks_whatever_is_asked(suite):
    text = "import os\nNAME = os.environ.get('PYTEST_XDIST_WORKER', 'none')\n"
    text += "def test_a(worker_id): assert (NAME, worker_id) == ('none', 'gw1')\n"
    with suite(test_x=text).zygote(start="fork") as zygote:
        assert _how(zygote) == ("fork", None)
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_spawn_spawns_without_a_reason(suite):
    text = SAY + """
    say("imported " + os.environ.get("PYTEST_XDIST_WORKER", "none"))
    def test_a(): pass
    """
    with suite(test_x=text).zygote(start="spawn") as zygote:
        assert _how(zygote) == ("spawn", None)
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert _notes(suite) == ["imported gw0", "imported gw1"]


def test_an_unknown_start_is_a_usage_error(suite):
    with suite(test_x=PLAIN).zygote(start="never") as zygote:
        assert not zygote.ready
        assert zygote.status() == 4


# A spawned worker is like one of pytest-xdist's.


def test_a_spawned_worker_is_one_from_the_start(suite):
    conftest = SAY + """
    def note(word, config):
        told = getattr(config, "workerinput", {"workerid": "controller"})
        say("%s %s %s" % (told["workerid"], word, os.environ.get("PYTEST_XDIST_WORKER")))
    say("conftest " + str(os.environ.get("PYTEST_XDIST_WORKER")))
    def pytest_configure(config): note("configure", config)
    def pytest_sessionstart(session): note("sessionstart", session.config)
    def pytest_collection_finish(session): note("collection", session.config)
    def pytest_sessionfinish(session): note("sessionfinish", session.config)
    def pytest_unconfigure(config): note("unconfigure", config)
    """
    suite(conftest=conftest, test_x=PLAIN)
    with suite.zygote(start="spawn") as zygote:
        zygote.run(0, slot=0)
        zygote.run(0, slot=1)
        zygote.finish()
    words = ("configure", "sessionstart", "collection", "sessionfinish", "unconfigure")
    expected = [f"{name} {word} {name}" for name in ("gw0", "gw1") for word in words]
    # As under pytest-xdist, whose controller does not collect.
    expected += [f"controller {word} None" for word in words if word != "collection"]
    expected += ["conftest None", "conftest gw0", "conftest gw1"]
    assert _notes(suite) == sorted(expected)


def test_what_a_spawned_worker_finds_around_itself(suite):
    text = """
        import json, os, sys, tempfile
        AT_IMPORT = dict(os.environ), sys.path[0], sys.argv[:], tempfile.gettempdir()
        def test_report(request, tmp_path_factory, worker_id):
            config = request.config
            with open("report-" + worker_id, "w") as f:
                json.dump([*AT_IMPORT, config.workerinput, str(tmp_path_factory.getbasetemp()),
                           config.option.numprocesses, os.getcwd(), os.getpgid(0) == os.getpid(),
                           config.pluginmanager.hasplugin("terminalreporter")], f)
    """
    suite(test_x=text)
    with suite.zygote("-q", "test_x.py", start="spawn", workers=3) as zygote:
        assert zygote.run(0, slot=2).outcomes == ["passed"]
        report = json.loads((suite.path / "report-gw2").read_text())
        environ, path0, argv, tempdir, told, base, processes, cwd, leads, _ = report
        folder = str(zygote.temp / "gw2")
        assert environ["PYTEST_XDIST_WORKER"] == environ["FQCN_TEST_WORKER_ID"] == "gw2"
        assert environ["PYTEST_XDIST_WORKER_COUNT"] == "3"
        assert environ["PYTEST_XDIST_TESTRUNUID"] == "uid-of-this-run"
        assert environ["FQCN_TEST_TEMP_DIR"] == environ["TMPDIR"] == tempdir == folder + "/tmp"
        assert {"ROWLOCK_MODE", "ROWLOCK_RUN_UID", "MAKEFLAGS", "MAKELEVEL"}.isdisjoint(environ)
        assert not path0.endswith("src/pytest")
        assert argv == ["pytest", "-q", "test_x.py"]
        assert (told["workerid"], told["workercount"]) == ("gw2", 3)
        assert os.path.basename(base) == "popen-gw2"
        assert (processes, cwd, leads) == (None, str(suite.path), True)


def test_the_controllers_environment_is_inherited(suite):
    conftest = """
        import os
        def pytest_sessionstart(session):
            if not hasattr(session.config, "workerinput"):
                os.environ["SERVER"] = "http://localhost"
    """
    text = "import os\nSERVER = os.environ['SERVER']\ndef test_a(): assert SERVER\n"
    with suite(conftest=conftest, test_x=text).zygote() as zygote:
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_hooks_of_the_controller_hear_of_spawned_workers(suite):
    text = """
        import os, pytest, warnings
        NAME = os.environ["PYTEST_XDIST_WORKER"]
        warnings.warn("at import")
        def test_pass(record_property): record_property("worker", NAME)
        def test_fail():
            print("some output")
            assert 0, "on purpose"
        @pytest.mark.skip(reason="why not")
        def test_skip(): pass
    """
    suite(test_x=text)
    with suite.zygote("--junitxml=x.xml", "-rs", "--durations=2", "-vv") as zygote:
        zygote.run(0, 1, 2, slot=0)
        zygote.run(0, 1, 2, slot=1)
        assert zygote.finish()[0] == 1
        assert "2 failed, 2 passed, 2 skipped, 1 warning" in zygote.log
        assert "slowest 2 durations" in zygote.log
    junit = (suite.path / "x.xml").read_text()
    assert 'tests="6"' in junit
    assert 'value="gw0"' in junit
    assert 'value="gw1"' in junit
    cache = suite.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    assert list(json.loads(cache.read_text())) == ["test_x.py::test_fail"]


def test_fixtures_of_spawned_workers_live_as_in_forked_ones(suite):
    conftest = SAY + """
    import pytest
    @pytest.fixture(scope="session")
    def wide(worker_id):
        say("+" + worker_id)
        yield
        say("-" + worker_id)
        assert worker_id != "gw1", "too late"
    """
    text = "def test_a(wide): pass\ndef test_b(wide): pass\n"
    suite(conftest=conftest, test_x=text)
    with suite.zygote(start="spawn") as zygote:
        zygote.run(0, slot=0)
        zygote.run(1, slot=0)
        zygote.run(0, slot=1)
        status, group = zygote.finish()
        assert _notes(suite) == sorted(["+gw0", "-gw0", "+gw1", "-gw1"])
        assert [r.message for r in group.amends] == ["AssertionError: too late"]
        assert status == 1


# What may go wrong.


def test_tests_are_found_by_their_ids(suite):
    text = """
        import os, pytest
        NAME = os.environ["PYTEST_XDIST_WORKER"]
        ORDER = [1, 2] if NAME == "gw0" else [2, 1]
        @pytest.mark.parametrize("n", ORDER)
        def test_n(n, request): assert request.node.name == "test_n[%d]" % n
        @pytest.mark.parametrize("name", [NAME])
        def test_name(name): pass
        if NAME == "gw0":
            def test_gone(): pass
        def test_die(worker_id):
            if worker_id == "gw1": os._exit(3)
    """
    with suite(test_x=text).zygote("-rA") as zygote:
        assert [i.rpartition("::")[2] for i in zygote.ids] == [
            "test_n[1]",
            "test_n[2]",
            "test_name[gw0]",
            "test_gone",
            "test_die",
        ]
        assert zygote.run_all(slot=0).outcomes == ["passed"] * 5
        group = zygote.run(0, 1, 2, 3, slot=1)
        assert group.outcomes == ["passed", "passed", "passed", "error"]
        message = group.results[3].message
        assert "gw1 collected by itself and did not find this test" in message
        assert "test_gone" in message
        assert os.WEXITSTATUS(zygote.run(4, slot=1).wait_status) == 3
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 1
        assert "PASSED test_x.py::test_n[1]" in zygote.log
        assert "test_name[gw0] runs as test_x.py::test_name[gw1]" in zygote.log
        assert "ERROR test_x.py::test_gone" in zygote.log
        assert "test_x.py::test_die" in zygote.log


def test_collection_errors_of_the_first_worker_end_the_session(suite):
    text = "import os\nNAME = os.environ['PYTEST_XDIST_WORKER']\nraise ValueError(NAME + '!')\n"
    suite(test_x=text, test_y=PLAIN)
    with suite.zygote() as zygote:
        assert not zygote.ready
        assert zygote.status() == 2
        assert "ValueError: gw0!" in zygote.log
        assert "1 error during collection" in zygote.log
        assert "Traceback (most recent" not in zygote.log
    with suite.zygote("--continue-on-collection-errors") as zygote:
        assert zygote.json["errors"][0]["message"] == "ValueError: gw0!"
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 1


def test_collection_errors_of_another_worker_are_its_own(suite):
    text = "import os\nif os.environ['PYTEST_XDIST_WORKER'] == 'gw1': raise ValueError('only I')\n"
    suite(test_x=text + PLAIN, test_y=PLAIN)
    with suite.zygote() as zygote:
        group = zygote.run_all(slot=1)
        assert group.outcomes == ["error", "error", "passed", "passed"]
        assert "test_x.py: ValueError: only I" in group.results[0].message
        assert zygote.run_all(slot=0).outcomes == ["passed"] * 4
        assert zygote.finish()[0] == 1


def test_no_tests(suite):
    with suite(test_x="X = 1\n").zygote(start="spawn") as zygote:
        assert not zygote.ready
        assert zygote.status() == 5


STARTS = {
    "exit": ("os._exit(7)", "exit status 7"),
    "signal": ("os.kill(os.getpid(), 9)", "signal 9, SIGKILL"),
    "raise": ("raise ValueError('no worker today')", "exit status "),
}


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("slot", [0, 1])
def test_a_worker_that_does_not_start(suite, name, slot):
    code, ends = STARTS[name]
    conftest = f"""
        import os, sys
        def pytest_configure(config):
            if os.environ.get("PYTEST_XDIST_WORKER") == "gw{slot}":
                print("last words")
                sys.stdout.flush()
                {code}
    """
    suite(conftest=conftest, test_x=PLAIN)
    with suite.zygote(start="spawn") as zygote:
        if slot == 0:
            # It is the one that collects.
            assert not zygote.ready
            assert zygote.status() not in (0, 5)
            assert f"worker gw0 did not start: {ends}" in zygote.log
            assert "last words" in zygote.log
            return
        for _ in range(4):
            group = zygote.run(0, 1, slot=1)
            assert group.outcomes == ["error", "error"]
            assert group.left_out == 0
        result = group.results[1]
        assert f"worker gw1 did not start: {ends}" in result.message
        assert "last words" in result.detail
        assert zygote.run(0, 1, slot=0).outcomes == ["passed", "passed"]
        assert zygote.finish()[0] == 1


def test_a_client_is_told_to_wait_for_a_start(suite):
    suite(test_x=PLAIN)
    with suite.zygote(start="spawn") as zygote:
        assert zygote.run(0, slot=1).order == "WWSJE"
        assert zygote.run(0, slot=1).order == "SJE"


def test_a_worker_may_start_while_another_runs(suite):
    text = """
        import os, time
        def test_wait():
            while not os.path.exists("go"): time.sleep(0.01)
        def test_go(): open("go", "w").close()
    """
    with suite(test_x=text).zygote(start="spawn") as zygote:
        waiting = zygote.begin(0, slot=0)
        assert zygote.run(1, slot=1).outcomes == ["passed"]
        assert zygote.collect(waiting).outcomes == ["passed"]


SLOW_START = """
    import os, subprocess, sys, time
    NAME = os.environ.get("PYTEST_XDIST_WORKER")
    if NAME == "gw1":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                                 start_new_session=True)
        with open("pids.new", "w") as f:
            f.write("%d %d" % (os.getpid(), child.pid))
        os.rename("pids.new", "pids")
        time.sleep(600)
"""


def _pids_of_the_slow_start(suite, zygote):
    conn = zygote.begin(0, slot=1)
    wait_for(lambda: (suite.path / "pids").exists(), "the worker's import")
    pids = [int(pid) for pid in (suite.path / "pids").read_text().split()]
    assert all(is_alive(pid) for pid in pids)
    return conn, pids


def test_the_end_of_the_run_does_not_wait_for_a_start(suite):
    suite(test_x=SLOW_START + "    def test_a(): pass\n")
    with suite.zygote() as zygote:
        conn, pids = _pids_of_the_slow_start(suite, zygote)
        zygote.finish()
        assert not any(is_alive(pid) for pid in pids)
        conn.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_starting_worker_dies_with_the_zygote(suite, number):
    suite(test_x=SLOW_START + "    def test_a(): pass\n")
    with suite.zygote() as zygote:
        conn, pids = _pids_of_the_slow_start(suite, zygote)
        (child,) = _children(zygote.process.pid)
        os.kill(child, number)
        zygote.status()
        wait_for(lambda: not any(is_alive(pid) for pid in pids), "their end")
        conn.close()


def test_a_spawned_worker_dies_with_the_zygote(suite):
    text = "import os, time\ndef test_a():\n    open('runs', 'w').close()\n    time.sleep(600)\n"
    suite(test_x=text)
    with suite.zygote(start="spawn") as zygote:
        conn = zygote.begin(0, slot=1)
        frames = conn.read_until("S")
        pid = int.from_bytes(frames[-1][1][4:8], "little")
        (child,) = _children(zygote.process.pid)
        os.kill(child, signal.SIGKILL)
        zygote.status()
        wait_for(lambda: not is_alive(pid), "its end")
        conn.close()


def _children(pid):
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as f:
            found.update(int(word) for word in f.read().split())
    return found


def test_a_client_that_closes_ends_a_spawned_worker(suite):
    text = """
        import pytest, time
        @pytest.fixture
        def thing():
            yield
            open("torn-down", "w").close()
        def test_slow(thing):
            open("up", "w").close()
            time.sleep(600)
        def test_next(): pass
    """
    with suite(test_x=text).zygote(start="spawn") as zygote:
        conn = zygote.begin(0)
        frames = conn.read_until("S")
        pid = int.from_bytes(frames[-1][1][4:8], "little")
        wait_for((suite.path / "up").exists, "the test")
        conn.close()
        group = zygote.run(1)
        assert group.outcomes == ["passed"]
        assert group.pid != pid
        assert (suite.path / "torn-down").exists()


def test_an_interrupt_stops_spawned_workers(suite):
    text = "import os\nN = os.environ['PYTEST_XDIST_WORKER']\ndef test_a(): pass\n"
    text += "def test_b(): raise KeyboardInterrupt\ndef test_c(): pass\n"
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        group = zygote.run(0, 1, 2, slot=0)
        assert group.left_out == 1
        # The flag that stops all is shared with them.
        assert zygote.run(0, slot=1).left_out == 1
        assert zygote.finish()[0] == 2


def test_collect_only_collects_in_the_zygote(suite):
    with suite(test_x=PLAIN).zygote("--collect-only", "-q", start="spawn") as zygote:
        assert not zygote.ready
        assert zygote.status() == 0
        assert "test_x.py::test_a" in zygote.log


def test_sequential_tests_know_their_worker_at_import(suite):
    text = """
        import os
        NAME = os.environ["FQCN_TEST_WORKER_ID"], os.environ["FQCN_TEST_MODE"]
        FILE = os.environ["FQCN_TEST_TEMP_DIR"] + "/made-at-import"
        open(FILE, "w").close()
        def test_a():
            assert NAME == ("master", "sequential")
            assert os.path.exists(FILE)
    """
    with suite(test_x=text).zygote(sequential=True) as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_the_python_of_spawned_workers_is_the_zygotes(suite):
    text = f"import sys\ndef test_a(): assert sys.executable == {sys.executable!r}\n"
    with suite(test_x=text).zygote(start="spawn") as zygote:
        assert zygote.run(0).outcomes == ["passed"]


NODES = """
    import logging, os
    def pytest_configure_node(node):
        node.workerinput["token"] = {"of": node.gateway.id}
    def pytest_testnodeready(node):
        with open("ready", "a") as f: f.write(node.gateway.id + "\\n")
    def pytest_testnodedown(node, error):
        with open("down", "a") as f: f.write("%s %s\\n" % (node.workeroutput["left"], error))
    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            assert config.workerinput["token"]["of"] == config.workerinput["workerid"]
    def pytest_sessionfinish(session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["left"] = session.config.workerinput["workerid"]
"""


def test_spawned_workers_are_nodes(suite):
    text = """
        import logging
        def test_a(request, worker_id):
            assert request.config.workerinput["token"] == {"of": worker_id}
            logging.error("from " + worker_id)
    """
    suite(conftest=NODES, test_x=text)
    with suite.zygote("--log-file=run.log", start="spawn") as zygote:
        for slot in (0, 1):
            assert zygote.run(0, slot=slot).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    assert sorted((suite.path / "ready").read_text().split()) == ["gw0", "gw1"]
    assert sorted((suite.path / "down").read_text().splitlines()) == ["gw0 None", "gw1 None"]
    for name in ("gw0", "gw1"):
        assert f"from {name}" in (suite.path / f"run-{name}.log").read_text()


# The second worker collects the tests in another order, so it knows them by other numbers.
REVERSED = """
    import os
    def pytest_collection_modifyitems(items):
        if os.environ["PYTEST_XDIST_WORKER"] == "gw1":
            items.reverse()
"""


def test_forks_of_spawned_workers(suite):
    text = """
        import os, random
        random.seed(7)
        FIRST = random.random()
        NEXT = random.Random()
        NEXT.setstate(random.getstate())
        NEXT = NEXT.random()
        def test_a(): assert random.random() == NEXT
        def test_b(): os._exit(3)
        def test_c(): assert random.random() == NEXT
        def test_d(): pass
    """
    suite(conftest=REVERSED, test_x=text)
    with suite.zygote("--forked", start="spawn") as zygote:
        group = zygote.run(0, 1, 2, slot=1)
        assert group.outcomes == ["passed", "crashed", "passed"]
        assert len({pid for _, pid in group.started}) == 3
        assert zygote.finish()[0] == 1
        assert "test_x.py::test_b" in zygote.log
        assert "1 failed, 2 passed" in zygote.log


def test_spawned_workers_share_what_runs_once(suite):
    text = """
        import os
        def make():
            with open("made", "a") as f: f.write("x")
            yield 5
            raise OSError("does not stop")
        def test_a(run_once): assert run_once("n", make) == 5
        def test_b(run_once): assert run_once("n", make) == 5
        def test_c(): os._exit(1)
    """
    suite(conftest=REVERSED, test_x=text)
    with suite.zygote(start="spawn") as zygote:
        assert zygote.run("test_a", slot=1).outcomes == ["passed"]
        assert zygote.run("test_b", slot=2).outcomes == ["passed"]
        for slot in (1, 2):
            assert zygote.run("test_c", slot=slot).wait_status == 1 << 8
        status, group = zygote.finish()
        assert (suite.path / "made").read_text() == "x"
        # No worker that has run a test is left: it is an error of who asked first.
        (amend,) = group.amends
        assert (amend.index, amend.outcome) == (0, "error")
        assert status == 1
        assert "ERROR at teardown of test_a" in zygote.log
