"""Options and markers that ini files made for pytest-xdist and pytest-cov hold."""

import importlib.util

from client import run_plain

import pytest

HAS_XDIST = importlib.util.find_spec("xdist") is not None
ONE = "def test_a(worker_id, testrun_uid): assert (worker_id, testrun_uid) == (%r, %r)\n"
COVERAGE = (
    "--cov=src --cov --cov-report=term --cov-report xml:x.xml --cov-config=x --no-cov"
    " --cov-branch --cov-append --cov-fail-under=80 --no-cov-on-fail --cov-context=test"
)


def _run(suite, addopts, *args, uid="uid-of-this-run"):
    suite(test_m=ONE % ("gw0", uid), pytest_ini=f"[pytest]\naddopts = {addopts}\n")
    with suite.zygote(*args) as zygote:
        assert zygote.ready, zygote.log
        assert zygote.run(0).outcomes == ["passed"]
        options = zygote.json["options"]
        assert zygote.finish()[0] == 0
        return options


def test_options_of_xdist(suite):
    addopts = (
        "-n auto --dist loadscope --maxprocesses=3 --tx popen --max-worker-restart=2"
        " --testrunuid x --no-loadscope-reorder --maxschedchunk 5"
    )
    options = _run(suite, addopts, uid="x")
    assert options["numprocesses"] == "auto"
    assert options["dist"] == "loadscope"
    assert options["maxprocesses"] == 3
    assert options["loadscopereorder"] is False


@pytest.mark.parametrize("addopts", ["-n4", "-n 4", "--numprocesses=4 -d", "--dist=load -n 2"])
def test_forms_of_the_number_of_workers(suite, addopts):
    options = _run(suite, addopts)
    assert options["numprocesses"] in (2, 4)


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_forked") is not None, reason="pytest-forked is there"
)
def test_forked(suite):
    assert _run(suite, "--forked -n 2")["forked"] is True


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_cov") is not None, reason="pytest-cov is there"
)
def test_options_of_pytest_cov(suite):
    options = _run(suite, COVERAGE)
    assert options["cov_source"] == ["src", True]
    assert options["cov_report"] == ["term", "xml:x.xml"]
    assert options["cov_fail_under"] == 80


def test_a_bare_cov_before_a_path_takes_it_as_pytest_cov_does(suite):
    if importlib.util.find_spec("pytest_cov") is not None:
        pytest.skip("pytest-cov is there")
    options = _run(suite, "--cov -q")
    assert options["cov_source"] == [True]


def test_options_of_rowlock(suite):
    addopts = "--report-json=x.json --shard 1/3 --random-order --dry-run --timeout=60 --reruns 2"
    options = _run(suite, addopts)
    assert options["rowlock_report_json"] == "x.json"
    assert options["rowlock_shard"] == "1/3"


def test_a_conftest_may_have_options_of_the_same_name(suite):
    conftest = """
        def pytest_addoption(parser):
            parser.addoption("--timeout", type=int)
            parser.addoption("--shard", action="store_true")
            parser.addoption("--workers", default="many")
    """
    text = """
        def test_a(request):
            assert request.config.getoption("--timeout") == 5
            assert request.config.getoption("--shard") is True
            assert request.config.getoption("workers") == "many"
    """
    suite(conftest=conftest, test_m=text)
    with suite.zygote("--timeout=5", "--shard") as zygote:
        assert zygote.run(0).outcomes == ["passed"]


def test_conftests_of_testpaths_load_early_in_spite_of_values(suite):
    """`auto` of `-n auto` must not be taken for a path: testpaths would be ignored."""
    conftest = "def pytest_addoption(parser): parser.addoption('--mine')\n"
    ini = "[pytest]\ntestpaths = tests\naddopts = -n auto --mine=x\n"
    suite(tests__conftest=conftest, tests__test_m="def test_a(): pass\n", pytest_ini=ini)
    with suite.zygote() as zygote:
        assert zygote.ready, zygote.log
        assert zygote.ids == ["tests/test_m.py::test_a"]


def test_strict_markers_know_rowlocks(suite):
    text = """
        import pytest
        pytestmark = [pytest.mark.parallel_safe, pytest.mark.unit, pytest.mark.integration]
        @pytest.mark.serial
        @pytest.mark.resource_intensive
        @pytest.mark.slow
        @pytest.mark.performance
        @pytest.mark.xdist_group("a")
        @pytest.mark.lock("x")
        @pytest.mark.weight(2)
        @pytest.mark.timeout(3)
        @pytest.mark.flaky(reruns=2)
        def test_a(): pass
    """
    with suite(test_m=text).zygote("--strict-markers") as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0


def test_marker_and_keyword_expressions(suite):
    text = """
        import pytest
        @pytest.mark.slow
        def test_slow(): pass
        def test_fast(): pass
        def test_other(): pass
    """
    suite(test_m=text)
    with suite.zygote("-m", "not slow", "--deselect", "test_m.py::test_other") as zygote:
        assert zygote.ids == ["test_m.py::test_fast"]
        assert zygote.json["deselected"] == 2


def test_the_plugin_may_be_named_in_addopts(suite):
    _run(suite, "-p rowlock_pytest -n 2")


def test_a_plugin_that_is_installed_but_not_in_use(suite):
    _run(suite, "-n 2 --dist loadfile --cov=x --forked", "-p", "no:xdist", "-p", "no:pytest_cov")


@pytest.mark.skipif(not HAS_XDIST, reason="pytest-xdist is not installed")
class TestWithXdist:
    def test_it_starts_nothing_and_its_fixtures_know_the_worker(self, suite):
        text = ONE % ("gw0", "uid-of-this-run") + (
            "def test_api(request):\n"
            "    import xdist\n"
            "    assert request.config.pluginmanager.has_plugin('xdist')\n"
            "    assert xdist.is_xdist_worker(request)\n"
            "    assert not xdist.is_xdist_controller(request)\n"
            "    assert xdist.get_xdist_worker_id(request) == 'gw0'\n"
        )
        ini = "[pytest]\naddopts = -n 3 --dist loadfile\n"
        suite(test_m=text, pytest_ini=ini)
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": None}
        with suite.zygote("-p", "no:randomly", env=env) as zygote:
            assert zygote.ready, zygote.log
            assert zygote.run(0, 1).outcomes == ["passed", "passed"]
            assert zygote.json["options"]["numprocesses"] == 3
            assert zygote.json["options"]["dist"] == "loadfile"
            assert zygote.finish()[0] == 0
            assert "gw1" not in zygote.log

    def test_sequential(self, suite):
        suite(test_m="def test_a(worker_id): assert worker_id == 'master'\n")
        env = {"PYTEST_PLUGINS": "xdist.plugin"}
        with suite.zygote("-n", "2", sequential=True, env=env) as zygote:
            assert zygote.run(0).outcomes == ["passed"]


def test_a_plain_run_with_the_plugin_accepts_the_options(suite):
    text = "def test_a(worker_id): assert worker_id == 'master'\n"
    ini = f"[pytest]\naddopts = -n auto --dist loadscope {COVERAGE} --strict-markers\n"
    suite(test_m=text, pytest_ini=ini)
    status, output = run_plain(suite.path, "-n0")  # with workers it is Rowlock's
    assert status == 0, output


def test_a_plain_run_with_the_plugin_warns_of_nothing(suite):
    suite(test_m="def test_a(isolated_temp_dir): assert isolated_temp_dir.is_dir()\n")
    status, output = run_plain(suite.path, "-W", "error")
    assert (status, "1 passed in" in output) == (0, True), output
