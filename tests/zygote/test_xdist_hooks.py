"""The hooks of pytest-xdist, which the zygote calls as its controller does."""

import importlib.util
import json
import os
import subprocess
import sys

import plugins

import pytest

REAL = importlib.util.find_spec("xdist") is not None
LOAD = ("-p", "xdist") if REAL else ()

HOOKS = """
    import json
    import os

    NOTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "notes")
    def note(*words):
        with open(NOTES, "a") as f:
            f.write(json.dumps(words) + "\\n")

    def pytest_xdist_setupnodes(config, specs):
        note("setupnodes", [(spec.id, spec.popen, spec.chdir, spec.python) for spec in specs])
    def pytest_xdist_newgateway(gateway): note("newgateway", gateway.id)
    def pytest_configure_node(node):
        keys = sorted(k for k in node.workerinput if not k.startswith("cov_"))
        note("configure_node", node.gateway.id, keys, node.workerinput["workercount"],
             hasattr(node, "workerinfo"), hasattr(node.config, "workerinput"))
        node.workerinput["extra"] = {"list": [1, 2], "for": node.gateway.id}
    def pytest_testnodeready(node):
        note("testnodeready", node.gateway.id, node.workerinfo["id"],
             node.workerinfo["sysplatform"], len(node.workerinfo["version_info"]) >= 3,
             node.gateway._rinfo().platform)
    def pytest_xdist_node_collection_finished(node, ids):
        note("collection_finished", node.gateway.id, list(ids))
    def pytest_testnodedown(node, error):
        note("testnodedown", node.gateway.id, None if error is None else str(error),
             repr(getattr(node, "workeroutput", {}).get("mine")),
             getattr(node, "workeroutput", {}).get("exitstatus"))
    def pytest_runtest_logreport(report):
        if hasattr(report, "node") and report.when == "call":
            note("report", report.node.gateway.id, report.worker_id, report.item_index,
                 report.testrun_uid == report.node.workerinput["testrunuid"])
    def pytest_handlecrashitem(crashitem, report, sched):
        note("crash", crashitem, report.when, report.node.gateway.id, sched.config is not None)

    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            assert config.workerinput["extra"]["for"] == config.workerinput["workerid"]
            config.workeroutput["mine"] = {"tuple": (1, b"2"), 3: {4.5}}
    def pytest_sessionfinish(session):
        if not hasattr(session.config, "workerinput"):
            note("finish")
"""
ONE = """
    def test_one(request):
        given = request.config.workerinput
        assert given["extra"] == {"list": [1, 2], "for": given["workerid"]}
"""
MINE = repr({"tuple": (1, b"2"), 3: {4.5}})


def notes(suite):
    lines = (suite.path / "notes").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_all_hooks_are_called_in_their_order(suite):
    suite(conftest=HOOKS, test_m=ONE)
    with suite.zygote(*LOAD) as zygote:
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    ids = ["test_m.py::test_one"]
    given = ["mainargv", "testrunuid", "workercount", "workerid"]
    assert notes(suite) == [
        ["setupnodes", [["gw0", True, None, None], ["gw1", True, None, None]]],
        ["newgateway", "gw1"],
        ["configure_node", "gw1", given, 2, False, False],
        ["testnodeready", "gw1", "gw1", "linux", True, "linux"],
        ["collection_finished", "gw1", ids],
        ["report", "gw1", "gw1", 0, True],
        ["testnodedown", "gw1", None, MINE, 0],
        ["finish"],
    ]


def test_pytest_xdist_itself_calls_them_so(suite):
    """With one worker, for an order to compare."""
    plugins.need("pytest-xdist", 3)
    suite(conftest=HOOKS, test_m=ONE)
    with suite.zygote("-p", "xdist.plugin", workers=1, env=plugins.environment()) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    ours = notes(suite)
    (suite.path / "notes").unlink()
    command = [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-p", "no:cacheprovider"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env.update(plugins.environment(), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    done = subprocess.run([*command, "-n1"], cwd=str(suite.path), env=env, check=False)
    assert done.returncode == 0
    assert notes(suite) == ours


def test_a_dead_worker_and_its_replacement(suite):
    text = """
        import os
        def test_dies(): os._exit(7)
        def test_lives(): pass
    """
    suite(conftest=HOOKS, test_m=text)
    with suite.zygote(*LOAD) as zygote:
        zygote.run(0)
        assert zygote.run(1).outcomes == ["passed"]
        assert zygote.finish()[0] == 1
    found = [n for n in notes(suite) if n[0] not in ("collection_finished", "testnodeready")]
    given = ["mainargv", "testrunuid", "workercount", "workerid"]
    configured = ["configure_node", "gw0", given, 2, False, False]
    assert found[1:] == [
        ["newgateway", "gw0"],
        configured,
        ["crash", "test_m.py::test_dies", "???", "gw0", True],
        ["testnodedown", "gw0", "Not properly terminated", "None", None],
        ["newgateway", "gw0"],
        configured,
        ["report", "gw0", "gw0", 1, True],
        ["testnodedown", "gw0", None, MINE, 0],
        ["finish"],
    ]


def test_a_crash_report_may_be_changed(suite):
    conftest = """
        def pytest_handlecrashitem(crashitem, report):
            report.longrepr = "changed: " + crashitem
    """
    text = "import os\ndef test_dies(): os._exit(7)\n"
    with suite(conftest=conftest, test_m=text).zygote("--junitxml=x.xml") as zygote:
        zygote.run(0)
        assert zygote.finish()[0] == 1
    assert "changed: test_m.py::test_dies" in (suite.path / "x.xml").read_text()


def test_a_hook_that_fails_ends_the_run_with_its_words(suite):
    conftest = "def pytest_configure_node(node): raise ValueError('no such node')\n"
    with suite(conftest=conftest, test_m="def test_a(): pass\n").zygote() as zygote:
        assert zygote.run(0).left_out == 1
        assert zygote.finish()[0] == 3
        assert "no such node" in zygote.log


def test_a_sequential_run_calls_none_of_them(suite):
    with suite(conftest=HOOKS, test_m="def test_a(): pass\n").zygote(sequential=True) as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    assert notes(suite) == [["finish"]]


AUTO = """
    def pytest_xdist_auto_num_workers(config):
        return {"auto": 5, "logical": 0}[config.option.numprocesses]
"""


@pytest.mark.parametrize(
    ("wanted", "workers", "arguments"), [("auto", 5, ()), ("auto", 3, ("--maxprocesses=3",))]
)
def test_auto_num_workers(suite, wanted, workers, arguments):
    text = f"def test_n(request): assert request.config.workerinput['workercount'] == {workers}\n"
    suite(conftest=AUTO, test_m=text)
    with suite.zygote(*LOAD, *arguments, env={"ROWLOCK_AUTO": wanted}) as zygote:
        assert zygote.json["workers"] == workers
        assert zygote.run(0).outcomes == ["passed"]


def test_auto_num_workers_of_none_means_no_workers(suite):
    text = "def test_n(request, worker_id): assert worker_id == 'master'\n"
    suite(conftest=AUTO, test_m=text)
    with suite.zygote(*LOAD, env={"ROWLOCK_AUTO": "logical"}) as zygote:
        assert zygote.json["workers"] == 0
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0


def test_a_given_number_is_not_asked_for(suite):
    conftest = "def pytest_xdist_auto_num_workers(config): assert 0\n"
    with suite(conftest=conftest, test_m="def test_a(): pass\n").zygote() as zygote:
        assert "workers" not in zygote.json


SCHEDULER = """
    from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling, LoadScheduling

    class ByName(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return self.first_letter(nodeid)
        def first_letter(self, nodeid):
            return nodeid.rsplit("::", 1)[1][len("test_")]

    class Greedy(LoadScheduling):
        def schedule(self):
            pass

    class Foreign:
        pass

    def pytest_xdist_make_scheduler(config, log):
        log("made")
        log.more("made")
        assert config.getoption("dist") == "load"
        return RESULT
"""
TESTS = "def test_a1(): pass\ndef test_b1(): pass\ndef test_a2(): pass\n"


def schedule(suite, result):
    suite(conftest=SCHEDULER.replace("RESULT", result), test_m=TESTS)
    with suite.zygote(*LOAD) as zygote:
        return zygote.json


def test_a_known_scheduler_is_a_dist(suite):
    data = schedule(suite, "LoadFileScheduling(config, log)")
    assert data["dist"] == "loadfile"
    assert "notes" not in data


def test_scopes_of_a_scheduler_are_used(suite):
    data = schedule(suite, "ByName(config, log)")
    assert data["dist"] == "loadscope"
    assert [test["scope"] for test in data["tests"]] == ["a", "b", "a"]
    assert "notes" not in data


def test_what_a_scheduler_cannot_change_is_named(suite):
    data = schedule(suite, "Greedy(config, log)")
    assert data["dist"] == "load"
    (note,) = data["notes"]
    assert "conftest.Greedy" in note
    assert "schedule" in note


def test_a_foreign_scheduler_is_named(suite):
    data = schedule(suite, "Foreign()")
    assert "dist" not in data
    (note,) = data["notes"]
    assert "conftest.Foreign" in note


def test_no_scheduler_of_its_own(suite):
    data = schedule(suite, "None")
    assert "dist" not in data
    assert "notes" not in data
