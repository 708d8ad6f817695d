"""What plugins decide with a look at workerinput, they decide again in each worker."""

import json

NOTE = """
    import json
    import os
    def note(*words):
        with open("notes", "a") as f:
            f.write(json.dumps(words) + "\\n")
"""
TEST = "def test_a(): pass\ndef test_b(): pass\n"


def notes(suite):
    return [json.loads(line) for line in (suite.path / "notes").read_text().splitlines()]


def run(suite, *args, **files):
    suite(**files)
    with suite.zygote(*args) as zygote:
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        status = zygote.finish()[0]
        return status, zygote.log


REPORTER = (
    NOTE
    + """
    class Reporter:
        def __init__(self): self.reports = []
        def pytest_addhooks(self, pluginmanager): pluginmanager.add_hookspecs(Specs)
        def pytest_runtest_logreport(self, report): self.reports.append(report.when)
        def pytest_sessionfinish(self): note("written", self.reports)
    class Quiet(Reporter):
        def pytest_sessionstart(self, session):
            note("start", session.config.workerinput["workerid"])
        def pytest_sessionfinish(self): note("quiet", self.reports)
    class Specs:
        def pytest_of_this_reporter(self): pass

    def pytest_configure(config):
        config.reporter = Quiet() if hasattr(config, "workerinput") else Reporter()
        config.pluginmanager.register(config.reporter)
        if not hasattr(config, "workerinput"):
            config.add_cleanup(lambda: note("cleaned", os.path.exists("notes")))
            config.only_here = True
    def pytest_unconfigure(config):
        note("unconfigure", type(config.reporter).__name__, hasattr(config, "only_here"))
        config.pluginmanager.unregister(config.reporter)
"""
)


def test_a_reporter_writes_in_the_controller_only(suite):
    status, log = run(suite, conftest=REPORTER, test_m=TEST)
    assert status == 0, log
    phases = ["setup", "call", "teardown"]
    assert notes(suite) == [
        ["start", "gw0"],
        ["quiet", phases],
        ["unconfigure", "Quiet", False],
        ["written", phases],
        ["unconfigure", "Reporter", True],
        ["cleaned", True],
    ]


def test_who_does_not_look_decides_once(suite):
    conftest = (
        NOTE
        + """
    class Plugin:
        def pytest_sessionfinish(self, session):
            note("finish", hasattr(session.config, "workerinput"))
    def pytest_configure(config):
        note("configure")
        config.pluginmanager.register(Plugin())
    def pytest_sessionstart(session): note("start")
"""
    )
    assert run(suite, conftest=conftest, test_m=TEST)[0] == 0
    assert notes(suite) == [["configure"], ["start"], ["finish", True], ["finish", False]]


def test_the_class_of_config_is_left_as_it_was(suite):
    text = """
        def test_a(request):
            assert not hasattr(type(request.config), "__getattr__")
            assert "add_cleanup" not in vars(request.config)
    """
    conftest = "def pytest_configure(config): hasattr(config, 'workerinput')\n"
    run(suite, conftest=conftest, test_m=text)


def test_a_plugin_that_fails_in_a_worker_ends_the_run(suite):
    conftest = """
        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                raise ValueError("not in a worker")
    """
    suite(conftest=conftest, test_m=TEST)
    with suite.zygote() as zygote:
        group = zygote.run_all()
        assert group.left_out == 1
        assert not group.results
        assert zygote.finish()[0] == 3
        assert "ValueError: not in a worker" in zygote.log


TWICE = """
    import os
    import shutil
    def pytest_configure(config): os.makedirs("scratch", exist_ok=True)
    def pytest_HOOK: shutil.rmtree("scratch")
"""


def test_an_end_that_does_not_bear_to_run_twice(suite):
    for hook in ("sessionfinish()", "unconfigure()"):
        status, log = run(suite, conftest=TWICE.replace("HOOK", hook), test_m=TEST)
        assert status == 0, log
        assert "INTERNALERROR" not in log
        assert "FileNotFoundError" in log


def log_of_bad_end(zygote):
    """Like plain pytest, it ends with a traceback instead of an exit status."""
    assert zygote.run(0).outcomes == ["passed"]
    with zygote.connect() as conn:
        conn.send("F")
        assert conn.read() is None
    assert zygote.status() == 1
    return zygote.log


def test_an_end_that_always_fails_is_an_internal_error(suite):
    suite(conftest="def pytest_sessionfinish(): raise ValueError('always')\n", test_m=TEST)
    with suite.zygote() as zygote:
        assert "ValueError: always" in log_of_bad_end(zygote)


def test_an_end_that_fails_in_the_controller_only(suite):
    """It belongs to a plugin that workers do not have, so nobody has run it before."""
    conftest = """
        class Reporter:
            def pytest_sessionfinish(self): raise ValueError("disk full")
        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.pluginmanager.register(Reporter())
    """
    with suite(conftest=conftest, test_m=TEST).zygote() as zygote:
        assert "ValueError: disk full" in log_of_bad_end(zygote)


TERMINAL = """
    import pytest
    from _pytest.terminal import TerminalReporter
    class Other(TerminalReporter): pass
    @pytest.hookimpl(trylast=True)
    def pytest_configure(config):
        manager = config.pluginmanager
        before = manager.get_plugin("terminalreporter")
        assert type(before) is TerminalReporter
        manager.unregister(before)
        manager.register(Other(config), "terminalreporter")
        assert not manager.get_plugin("dsession")
"""


def test_a_terminal_of_its_own(suite):
    """Its plugin decides once. pytest-xdist comes behind it, too, with its own "dsession"."""
    suite(plugin=TERMINAL, test_m=TEST)
    with suite.zygote("-p", "plugin", env={"PYTHONPATH": str(suite.path)}) as zygote:
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
