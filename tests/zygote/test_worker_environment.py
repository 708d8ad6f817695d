"""What a test finds around itself."""

import gc
import json
import os
import sys

import pytest

REPORT = """
    import json, os, random, sys, tempfile
    AT_IMPORT = {"path0": sys.path[0], "argv": sys.argv[:], "environ": dict(os.environ),
                 "modules": [m for m in sys.modules if m.startswith("rowlock")]}

    def test_report(request, tmp_path_factory, tmp_path):
        config = request.config
        data = {
            "import": AT_IMPORT,
            "environ": dict(os.environ),
            "pid": os.getpid(), "pgid": os.getpgid(0),
            "input": getattr(config, "workerinput", None),
            "option": {name: getattr(config.option, name, "absent")
                       for name in ("dist", "numprocesses", "usepdb")},
            "basetemp": str(tmp_path_factory.getbasetemp()),
            "tmp_path": str(tmp_path),
            "tempdir": tempfile.gettempdir(),
            "mkdtemp": tempfile.mkdtemp(),
            "random": random.random(),
            "cwd": os.getcwd(),
            "fds": sorted(os.listdir("/proc/self/fd"), key=int),
        }
        with open("report-%s.json" % os.environ["FQCN_TEST_WORKER_ID"], "w") as f:
            json.dump(data, f)
"""


def _report(suite, name):
    return json.loads((suite.path / f"report-{name}.json").read_text())


def test_environment_of_parallel_workers(suite):
    env = {"PYTEST_XDIST_WORKER": "gw9", "ROWLOCK_SOMETHING": "x", "MFLAGS": "-j"}
    with suite(test_x=REPORT).zygote(workers=3, env=env, start="fork") as zygote:
        assert zygote.run(0, slot=2).outcomes == ["passed"]
        report = _report(suite, "gw2")
        environ = report["environ"]
        folder = str(zygote.temp / "gw2")
        expected = {
            "PYTEST_XDIST_WORKER": "gw2",
            "PYTEST_XDIST_WORKER_COUNT": "3",
            "PYTEST_XDIST_TESTRUNUID": "uid-of-this-run",
            "FQCN_TEST_WORKER_ID": "gw2",
            "FQCN_TEST_MODE": "parallel",
            "FQCN_TEST_TEMP_DIR": folder + "/tmp",
            "FQCN_CONFIG_DIR": folder + "/config",
            "FQCN_CACHE_DIR": folder + "/cache",
            "TMPDIR": folder + "/tmp",
            "ROWLOCK_TEST_PREFIX": "FQCN",
            "ROWLOCK_SHARED_DIR": str(zygote.temp),
        }
        assert {name: environ.get(name) for name in expected} == expected
        assert all(os.path.isdir(expected[n]) for n in expected if n.endswith("_DIR"))
        assert report["tempdir"] == folder + "/tmp"
        assert report["mkdtemp"].startswith(folder + "/tmp/")
        for seen in (environ, report["import"]["environ"]):
            told = ["MODE", "WORKERS", "RUN_UID", "GRACE", "ENV_PREFIX", "RUN", "GOALS"]
            ours = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", *("ROWLOCK_" + name for name in told)}
            assert ours.isdisjoint(seen)
        assert "PYTEST_XDIST_WORKER" not in report["import"]["environ"]
        assert report["pgid"] == report["pid"]
        assert report["cwd"] == str(suite.path)


def test_the_process_looks_like_pytest(suite):
    with suite(test_x=REPORT).zygote("-q", "test_x.py") as zygote:
        zygote.run(0)
        at_import = _report(suite, "gw0")["import"]
        assert at_import["argv"] == ["pytest", "-q", "test_x.py"]
        assert not at_import["path0"].endswith("src/pytest")
        assert "PYTHONPATH" not in at_import["environ"] or "PYTHONPATH" in os.environ
        assert "rowlock_pytest" in at_import["modules"]


def test_worker_input_and_options(suite):
    with suite(test_x=REPORT).zygote(workers=2) as zygote:
        zygote.run(0, slot=1)
        report = _report(suite, "gw1")
        assert report["input"] == {
            "workerid": "gw1",
            "workercount": 2,
            "testrunuid": "uid-of-this-run",
            "mainargv": ["pytest"],
        }
        assert report["option"] == {"dist": "no", "numprocesses": None, "usepdb": False}


def test_basetemp_lies_below_the_controllers(suite):
    with suite(test_x=REPORT).zygote() as zygote:
        zygote.run(0, slot=0)
        zygote.run(0, slot=1)
        bases = [_report(suite, name)["basetemp"] for name in ("gw0", "gw1")]
        assert [os.path.basename(base) for base in bases] == ["popen-gw0", "popen-gw1"]
        assert os.path.dirname(bases[0]) == os.path.dirname(bases[1])
        assert _report(suite, "gw0")["tmp_path"].startswith(bases[0] + "/")
        zygote.finish()
        assert os.path.isdir(_report(suite, "gw0")["tmp_path"])


def test_a_given_basetemp(suite, tmp_path):
    with suite(test_x=REPORT).zygote("--basetemp", str(tmp_path / "base")) as zygote:
        zygote.run(0)
        assert _report(suite, "gw0")["basetemp"] == str(tmp_path / "base" / "popen-gw0")


def test_the_prefix_is_an_option(suite):
    text = """
        import os
        def test_prefix():
            assert os.environ["ACME_TEST_WORKER_ID"] == "gw0"
            assert os.environ["ACME_CONFIG_DIR"].endswith("/gw0/config")
            assert not any(name.startswith("FQCN_") for name in os.environ)
    """
    with suite(test_x=text).zygote(env={"ROWLOCK_ENV_PREFIX": "ACME"}) as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_sequential_mode_is_a_plain_run(suite):
    with suite(test_x=REPORT).zygote(sequential=True) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        report = _report(suite, "master")
        assert report["input"] is None
        assert report["environ"]["FQCN_TEST_MODE"] == "sequential"
        assert not any(name.startswith("PYTEST_XDIST") for name in report["environ"])
        assert os.path.basename(report["basetemp"]).startswith("pytest-")
        assert zygote.finish()[0] == 0


def test_random_numbers_differ_between_workers(suite):
    with suite(test_x=REPORT).zygote() as zygote:
        zygote.run(0, slot=0)
        zygote.run(0, slot=1)
        assert _report(suite, "gw0")["random"] != _report(suite, "gw1")["random"]


def test_random_numbers_seeded_at_import_stay_seeded(suite):
    text = REPORT + "    random.seed(42)\n"
    with suite(test_x=text).zygote() as zygote:
        zygote.run(0, slot=0)
        zygote.run(0, slot=1)
        import random

        expected = random.Random(42).random()
        assert _report(suite, "gw0")["random"] == expected
        assert _report(suite, "gw1")["random"] == expected


def test_standard_input_is_empty(suite):
    text = """
        import os
        def test_fd(): assert os.read(0, 10) == b""
    """
    with suite(test_x=text).zygote("-s") as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_a_worker_holds_no_descriptor_of_its_siblings(suite):
    text = """
        import os
        def sockets():
            links = [os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd")
                     if os.path.islink("/proc/self/fd/" + fd)]
            return [link for link in links if link.startswith("socket:")]
        def test_sockets():
            # one to the zygote, one to the client
            assert len(sockets()) == 2, sockets()
    """
    with suite(test_x=text).zygote(workers=3) as zygote:
        idle = zygote.connect()
        for slot in (0, 1, 2, 1, 0):
            assert zygote.run(0, slot=slot).outcomes == ["passed"]
        idle.close()


def test_exit_handlers_run_in_the_process_that_registered_them(suite):
    text = """
        import atexit, os, tempfile, weakref
        def note(word):
            with open("notes", "a") as f:
                f.write("%s %d\\n" % (word, os.getpid()))
        atexit.register(note, "early")
        class Thing: pass
        EARLY = Thing()
        weakref.finalize(EARLY, note, "early-finalizer")
        KEEP = []
        def test_a():
            atexit.register(note, "late")
            KEEP.append(Thing())
            weakref.finalize(KEEP[0], note, "late-finalizer")
    """
    with suite(test_x=text).zygote() as zygote:
        pid = zygote.run(0).pid
        zygote.finish()
        notes = [line.split() for line in (suite.path / "notes").read_text().splitlines()]
        by_worker = sorted(word for word, who in notes if int(who) == pid)
        by_zygote = sorted(word for word, who in notes if int(who) != pid)
        assert by_worker == ["late", "late-finalizer"]
        assert by_zygote == ["early", "early-finalizer"]


def test_garbage_of_the_collection_is_frozen(suite):
    text = """
        import gc
        def test_frozen():
            assert gc.isenabled()
            assert gc.get_freeze_count() > 1000
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("wanted", [None, (400, 5, 5)])
def test_tests_find_the_usual_thresholds_for_garbage(suite, start, wanted):
    conftest = f"import gc\nif {wanted}: gc.set_threshold(*{wanted})\n"
    text = f"""
        import gc
        def test_it(): assert gc.get_threshold() == {wanted or gc.get_threshold()}
    """
    with suite(conftest=conftest, test_x=text).zygote(start=start) as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_who_asks_for_all_objects_finds_the_frozen_ones(suite):
    text = """
        import gc, weakref
        class Thing: pass
        OLD = Thing()
        HOLDER = [OLD]
        CYCLE = Thing()
        CYCLE.itself = CYCLE

        def test_referrers():
            assert any(found is HOLDER for found in gc.get_referrers(OLD))
        def test_objects():
            assert any(found is OLD for found in gc.get_objects())
        def test_collect():
            global CYCLE
            gone = weakref.ref(CYCLE)
            CYCLE = None
            gc.collect(0)
            assert gone() is not None
            gc.collect()
            assert gone() is None
    """
    with suite(test_x=text).zygote(workers=3) as zygote:
        for slot, number in enumerate((0, 1, 2)):
            group = zygote.run(number, slot=slot)
            assert group.outcomes == ["passed"], group.records


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_calls_map_no_memory(suite, start):
    """In a plain run of CPython 3.11 or later they do at some depths."""
    text = f"""
        import resource
        def leaf(*, {", ".join(f"a{i}=0" for i in range(50))}): pass  # needs more than faults()
        def faults(depth):
            if depth:
                return faults(depth - 1)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for _ in range(2000):
                leaf()
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        def test_it():
            assert max(map(faults, range(200))) < 1000
    """
    with suite(test_x=text).zygote(start=start) as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_hooks_of_a_session_end_find_the_frozen_ones(suite):
    conftest = """
        import gc
        OLD = object()
        HOLDER = [OLD]
        def pytest_terminal_summary():
            assert any(found is HOLDER for found in gc.get_referrers(OLD))
    """
    with suite(conftest=conftest, test_x="def test_a(): pass").zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        status, _ = zygote.finish()
        assert status == 0


def test_hooks_of_a_workers_end_see_a_worker(suite):
    text = """
        import os
        def note(word, config):
            role = getattr(config, "workerinput", {}).get("workerid", "controller")
            with open("notes", "a") as f:
                f.write("%s %s\\n" % (word, role))
        def pytest_sessionstart(session): note("start", session.config)
        def pytest_sessionfinish(session): note("finish", session.config)
        def pytest_unconfigure(config): note("unconfigure", config)
    """
    suite(conftest=text, test_x="def test_a(): pass\n")
    with suite.zygote(start="fork") as zygote:
        zygote.run(0)
        zygote.finish()
        notes = (suite.path / "notes").read_text().splitlines()
        assert notes == [
            "start controller",
            # It has asked for workerinput, so it runs again where there is one.
            "start gw0",
            "finish gw0",
            "unconfigure gw0",
            "finish controller",
            "unconfigure controller",
        ]


def test_no_worker_ends_its_session_while_fixtures_are_torn_down(suite):
    conftest = """
        import os, pytest, time
        @pytest.fixture(scope="session")
        def slow(worker_id):
            yield
            if worker_id == "gw1":
                time.sleep(0.3)
            assert not os.path.exists("finished")
        def pytest_sessionfinish(session):
            open("finished", "w").close()
    """
    suite(conftest=conftest, test_x="def test_a(slow): pass\n")
    with suite.zygote() as zygote:
        zygote.run(0, slot=0)
        zygote.run(0, slot=1)
        status, group = zygote.finish()
        assert (status, group.amends) == (0, [])


def test_sequential_hooks_run_once(suite):
    text = """
        import os
        def note(word):
            with open("notes", "a") as f:
                f.write(word + "\\n")
        def pytest_sessionstart(session): note("start")
        def pytest_runtest_makereport(item, call):
            if call.when == "call": item.config.seen = item.name
        def pytest_sessionfinish(session): note("finish " + session.config.seen)
        def pytest_unconfigure(config): note("unconfigure")
    """
    suite(conftest=text, test_x="def test_a(): pass\n")
    with suite.zygote(sequential=True) as zygote:
        zygote.run(0)
        zygote.finish()
        notes = (suite.path / "notes").read_text().splitlines()
        assert notes == ["start", "finish test_a", "unconfigure"]


def test_a_deleted_temporary_folder_comes_back(suite):
    text = """
        import os, shutil, tempfile
        def test_delete(): shutil.rmtree(os.environ["TMPDIR"])
        def test_use(): tempfile.mkdtemp()
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run(0, 1).outcomes == ["passed", "passed"]


def test_python_of_the_zygote_is_the_one_that_was_asked(suite):
    text = """
        import subprocess, sys
        def test_a(): assert subprocess.check_output([sys.executable, "-c", "print(1)"])
        def test_spawn():
            import multiprocessing
            context = multiprocessing.get_context("spawn")
            process = context.Process(target=print, args=(1,))
            process.start()
            process.join()
            assert process.exitcode == 0
    """
    with suite(test_x=text).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.outcomes == ["passed", "passed"]
        assert group.records[1].leftover == []
        assert sys.executable


def test_the_usage_of_child_processes_counts(suite):
    text = """
        import subprocess, sys
        def test_burn():
            code = "import time\\nwhile time.process_time() < 0.2: pass"
            subprocess.check_call([sys.executable, "-c", code])
        def test_idle(): pass
        def test_memory():
            assert len(bytearray(64 << 20)) > 0
        def test_after(): pass
    """
    with suite(test_x=text).zygote() as zygote:
        burn, idle, memory, after = zygote.run(0, 1, 2, 3).records
        assert burn.user_ns + burn.sys_ns >= 150_000_000
        assert idle.user_ns + idle.sys_ns < 150_000_000
        assert memory.peak > 64 << 20
        if os.access("/proc/self/clear_refs", os.W_OK):
            assert after.peak < memory.peak - (32 << 20)
