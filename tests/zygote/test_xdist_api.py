"""What tests, conftest files and plugins ask pytest-xdist for, with it and without it."""

import importlib.util
import json
import textwrap

import pytest

REAL = importlib.util.find_spec("xdist") is not None
without_xdist = pytest.mark.skipif(REAL, reason="pytest-xdist is installed")
LOAD = ("-p", "xdist") if REAL else ()

API = """
    import json
    import xdist
    from xdist.plugin import is_xdist_worker, is_xdist_controller
    from xdist.plugin import is_xdist_master, get_xdist_worker_id

    def answers(obj):
        return [
            xdist.is_xdist_worker(obj), xdist.is_xdist_controller(obj),
            xdist.is_xdist_master(obj), xdist.get_xdist_worker_id(obj),
            is_xdist_worker(obj), is_xdist_controller(obj),
            is_xdist_master(obj), get_xdist_worker_id(obj),
        ]
    def note(name, data):
        with open(name, "w") as f:
            json.dump(data, f)
    def pytest_sessionfinish(session):
        option = session.config.option
        note("finish-" + xdist.get_xdist_worker_id(session),
             [answers(session), option.dist, option.numprocesses, option.tx])
"""
ASK = """
    from conftest import answers, note
    def test_ask(request, worker_id, testrun_uid):
        option = request.config.option
        note("test", [answers(request), worker_id, testrun_uid, option.dist, option.numprocesses,
                      option.usepdb, option.loadgroup, option.distload, option.maxprocesses])
"""


def read(suite, name):
    return json.loads((suite.path / name).read_text())


def test_the_functions_of_the_package_in_workers_and_controller(suite):
    suite(conftest=API, test_m=ASK)
    with suite.zygote(*LOAD, env={"ROWLOCK_DIST": "loadscope"}, workers=3) as zygote:
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    worker = [True, False, False, "gw1"] * 2
    uid = "uid-of-this-run"
    assert read(suite, "test") == [worker, "gw1", uid, "no", None, False, False, False, None]
    assert read(suite, "finish-gw1")[:3] == [worker, "no", None]
    controller = [False, True, True, "master"] * 2
    assert read(suite, "finish-master") == [controller, "loadscope", 3, ["popen"] * 3]


def test_a_sequential_run_has_neither_workers_nor_a_controller(suite):
    text = ASK.replace("option.loadgroup, ", "None, ")
    suite(conftest=API, test_m=text)
    with suite.zygote(*LOAD, sequential=True) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    nobody = [False, False, False, "master"] * 2
    assert read(suite, "test")[:2] == [nobody, "master"]
    assert read(suite, "finish-master")[0] == nobody


@without_xdist
def test_only_an_import_statement_finds_the_stand_in(suite):
    text = """
        import importlib.util
        import sys
        import pytest
        import xdist
        from xdist.scheduler import LoadScopeScheduling
        from xdist.scheduler.loadfile import LoadFileScheduling
        from xdist.workermanage import WorkerController

        def test_version(): assert xdist.__version__.startswith("3.")
        def test_skipped(): pytest.importorskip("xdist")
        def test_skipped_too(): pytest.importorskip("xdist.plugin")
        def test_other(): pytest.importorskip("json")
        def test_spec():
            del sys.modules["xdist"]
            assert importlib.util.find_spec("xdist") is None
        def test_missing():
            with pytest.raises(ModuleNotFoundError):
                import xdist.looponfail
    """
    with suite(test_m=text).zygote() as zygote:
        wanted = ["passed", "skipped", "skipped", "passed", "passed", "passed"]
        assert zygote.run_all().outcomes == wanted


@without_xdist
def test_what_those_who_write_schedulers_import(suite):
    """Names that conftest files of published projects import from modules of pytest-xdist."""
    conftest = """
        from xdist.dsession import DSession, LoadScopeScheduling, TerminalDistReporter
        from xdist.plugin import parse_numprocesses, pytest_xdist_auto_num_workers
        from xdist.remote import Producer
        from xdist.report import report_collection_diff
        from xdist.scheduler import Scheduling
        from xdist.scheduler.protocol import Scheduling as Protocol
        from xdist.workermanage import NodeManager, WorkerController, parse_tx_spec_config

        class Own(LoadScopeScheduling):
            def __init__(self, config, log=None):
                super().__init__(config, log)
                assert parse_tx_spec_config(config) == ["popen", "popen"]
                self.log = Producer("own") if log is None else log.own
                self.log("made")
            def _split_scope(self, nodeid): return "all"

        def pytest_xdist_make_scheduler(config, log):
            return Own(config, log)
        def pytest_testnodedown(node):
            assert isinstance(node, WorkerController)
            assert isinstance(node.nodemanager, NodeManager)
            assert pytest_xdist_auto_num_workers(node.config) == 2
    """
    text = """
        from conftest import Own, Protocol, Scheduling, parse_numprocesses, report_collection_diff
        def test_a():
            assert issubclass(Own, Scheduling) and Protocol is Scheduling
            assert parse_numprocesses("auto") == "auto" and parse_numprocesses("3") == 3
        def test_diff():
            assert report_collection_diff(["a", "b"], ["a", "b"], "gw0", "gw1") is None
            text = report_collection_diff(["a", "b"], ["a", "c"], "gw0", "gw1")
            assert text.splitlines()[-3:] == [" a", "-b", "+c"] and "gw1" in text
    """
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        assert [test["scope"] for test in zygote.json["tests"]] == ["all", "all"]
        assert zygote.run_all().outcomes == ["passed", "passed"]
        assert zygote.finish()[0] == 0, zygote.log


SEEN = """
    import json
    NAMES = "numprocesses dist distload tx maxprocesses looponfail rsyncdir px".split()
    def note(name, config):
        with open(name, "w") as f:
            json.dump([getattr(config.option, n) for n in NAMES], f)
    def pytest_configure(config):
        config.getini("looponfailroots")
        if not config.option.collectonly:
            note("configured", config)
"""
SEE = """
    from conftest import note
    def test_a(request): note("in-test", request.config)
"""
# What pytest-xdist 3.8 shows in its controller: numprocesses, dist, distload, tx.
SHOWN = [
    (["-n0"], True, [0, "no", False, []]),
    ([], True, [None, "no", False, []]),
    (["-d"], True, [None, "load", True, []]),
    (["--dist=loadfile"], True, [None, "loadfile", False, []]),
    (["--tx=popen"], True, [None, "no", False, ["popen"]]),
    (["--tx=2*popen", "-d", "-n0"], True, [0, "no", True, []]),
    (["-n2"], False, [2, "load", False, ["popen"] * 2]),
    (["-n5", "--maxprocesses=2"], False, [5, "load", False, ["popen"] * 2]),
    (["-d", "--tx=2*popen"], False, [None, "load", True, ["2*popen"]]),
]


@pytest.mark.parametrize(("arguments", "alone", "shown"), SHOWN, ids=str)
def test_options_are_left_as_pytest_xdist_leaves_them(suite, arguments, alone, shown):
    most = 2 if "--maxprocesses=2" in arguments else None
    suite(conftest=SEEN, test_m=SEE)
    with suite.zygote(*LOAD, *arguments, sequential=alone) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
    assert read(suite, "configured") == [*shown, most, False, [], []]
    typed = shown[3] if "--tx=2*popen" in arguments else []
    in_test = [*shown, most] if alone else [None, "no", False, typed, None]
    assert read(suite, "in-test") == [*in_test, False, [], []]


ROLES = """
    import json
    import pytest

    def note(role, config):
        manager = config.pluginmanager
        found = manager.get_plugin("dsession")
        answers = [found is not None, manager.hasplugin("dsession"), manager.has_plugin("dsession"),
                   manager.getplugin("terminaldistreporter") is not None]
        assert len(set(answers)) == 1, answers
        with open("roles", "a") as f:
            f.write(role + (" controller\\n" if answers[0] else " other\\n"))
        return found

    @pytest.hookimpl(trylast=True)
    def pytest_configure(config):
        found = note("configure", config)
        config.mine = "controller" if found else "worker"

    def pytest_sessionstart(session): note("start", session.config)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(session):
        found = note("finish", session.config)
        assert session.config.mine == ("controller" if found else "worker")
        if found:
            specs = [spec.id for spec in found.nodemanager.specs]
            assert specs == ["gw0", "gw1"] and found.nodemanager.testrunuid
"""


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_the_plugin_by_which_the_controller_is_told(suite, how):
    """config.pluginmanager.hasplugin("dsession"), at each time when it may be asked: what was
    decided by the answer is decided again in a forked worker."""
    text = "def test_a(request): assert request.config.mine == 'worker'\n"
    suite(conftest=ROLES, test_m=text)
    with suite.zygote(*LOAD, start=how) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0, zygote.log
    lines = (suite.path / "roles").read_text().splitlines()
    assert lines == [
        "configure controller",
        "start controller",
        "configure other",
        "start other",
        "finish other",
        "finish controller",
    ]


def test_a_collection_that_asks_for_the_controller(suite):
    """Under pytest-xdist only workers collect, so a conftest file that does something else to
    the controller's tests needs workers that collect for themselves."""
    conftest = """
        def pytest_collection_modifyitems(config, items):
            if config.pluginmanager.hasplugin("dsession"):
                del items[:]
    """
    suite(conftest=conftest, test_m="def test_a(): pass\n")
    with suite.zygote(*LOAD) as zygote:
        assert zygote.json["worker_start"] == "spawn"
        assert "conftest.py:3 asks for the plugin dsession" in zygote.json["worker_start_note"]
        assert zygote.run(0).outcomes == ["passed"]


def test_the_collection_of_the_zygote_is_a_workers_to_plugins(suite):
    """Nobody minds what an installed plugin asks. It finds no controller while tests are collected,
    as it finds none there under pytest-xdist."""
    plugin = """
        def pytest_collection_modifyitems(config, items):
            if config.pluginmanager.hasplugin("dsession"):
                del items[:]
    """
    folder = suite.path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "someplugin.py").write_text(textwrap.dedent(plugin))
    suite(test_m="def test_a(): pass\n")
    options = [*LOAD, "-p", "someplugin", "test_m.py"]
    with suite.zygote(*options, env={"PYTHONPATH": str(folder)}) as zygote:
        assert zygote.json["worker_start"] == "fork"
        assert zygote.run(0).outcomes == ["passed"]


def test_the_controller_may_end_the_run(suite):
    """dsession.shouldstop, which plugins set that end a run early."""
    conftest = """
        def pytest_runtest_logreport(report):
            if hasattr(report, "node") and report.when == "call":
                session = report.node.config.pluginmanager.get_plugin("dsession")
                session.shouldstop = "enough"
    """
    suite(conftest=conftest, test_m="def test_a(): pass\n")
    with suite.zygote(*LOAD) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 2
        assert "enough" in zygote.log


def test_hooks_that_are_registered_only_for_xdist(suite):
    conftest = """
        class Hooks:
            def pytest_configure_node(self, node): node.workerinput["deferred"] = 1
        def pytest_configure(config):
            if config.pluginmanager.hasplugin("xdist"):
                config.pluginmanager.register(Hooks())
    """
    text = "def test_a(request): assert request.config.workerinput['deferred'] == 1\n"
    with suite(conftest=conftest, test_m=text).zygote(*LOAD) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0


def test_a_plain_run_with_the_plugin_has_it_too(suite):
    from client import run_plain

    suite(conftest=API, test_m=ASK.replace("option.loadgroup, ", "None, "))
    status, text = run_plain(suite.path, *LOAD)
    assert status == 0, text
    assert read(suite, "test")[0] == [False, False, False, "master"] * 2


def test_testrunuid_may_be_given(suite):
    text = """
        import os
        def test_uid(testrun_uid, request):
            assert testrun_uid == "mine"
            assert request.config.workerinput["testrunuid"] == "mine"
            assert os.environ["PYTEST_XDIST_TESTRUNUID"] == "mine"
    """
    conftest = "def pytest_testnodedown(node): print('down', node.nodemanager.testrunuid)\n"
    suite(test_m=text, conftest=conftest)
    with suite.zygote(*LOAD, "--testrunuid=mine") as zygote:
        assert zygote.run_all().outcomes == ["passed"]
        assert zygote.finish()[0] == 0
        assert "down mine" in zygote.log


FILE_LOCK = """
    import fcntl
    import json
    import pytest

    class FileLock:
        def __init__(self, path): self.path = path
        def __enter__(self):
            self.file = open(self.path, "w")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        def __exit__(self, *exc_info): self.file.close()

    def produce_expensive_data():
        with open("produced", "a") as f:
            f.write("x")
        return {"made": "once"}

    @pytest.fixture(scope="session")
    def session_data(tmp_path_factory, worker_id):
        if worker_id == "master":
            return produce_expensive_data()
        root_tmp_dir = tmp_path_factory.getbasetemp().parent
        fn = root_tmp_dir / "data.json"
        with FileLock(str(fn) + ".lock"):
            if fn.is_file():
                data = json.loads(fn.read_text())
            else:
                data = produce_expensive_data()
                fn.write_text(json.dumps(data))
        return data

    @pytest.mark.parametrize("n", range(6))
    def test_data(session_data, n, request):
        assert session_data == {"made": "once"}
        basetemp = request.getfixturevalue("tmp_path_factory").getbasetemp()
        worker = request.config.workerinput["workerid"]
        assert basetemp.name == "popen-" + worker
        assert request.config.option.basetemp == str(basetemp)
"""


def test_the_file_lock_recipe_of_the_documentation(suite):
    with suite(test_m=FILE_LOCK).zygote(workers=3) as zygote:
        conns = [zygote.begin(n, n + 3, slot=n) for n in range(3)]
        for conn in conns:
            assert zygote.collect(conn).outcomes == ["passed", "passed"]
        zygote.finish()
    assert (suite.path / "produced").read_text() == "x"


@pytest.mark.skipif(not REAL, reason="pytest-xdist is not installed")
def test_its_controller_is_imported_only_if_somebody_asks(suite):
    conftest = """
        import sys
        def pytest_sessionstart(session):
            if hasattr(session.config, "workerinput"):
                return
            assert "xdist.dsession" not in sys.modules
            found = session.config.pluginmanager.get_plugin("dsession")
            assert type(found).__module__ == "rowlock_pytest.controller"
            assert session.config.option.dist == "load"
            from xdist.dsession import DSession
            assert DSession.pytest_sessionstart
    """
    with suite(conftest=conftest, test_m="def test_a(): pass\n").zygote(*LOAD) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
