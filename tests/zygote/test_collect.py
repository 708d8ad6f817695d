"""pytest.json, and collections that never get that far."""

import json

from client import Zygote

import pytest

MARKED = """
    import pytest
    BIG = list(range(1000))

    @pytest.mark.serial
    def test_serial(): pass

    @pytest.mark.lock("db", "port")
    @pytest.mark.lock("cache")
    def test_locks(): pass

    @pytest.mark.resource_intensive
    def test_heavy(): pass

    @pytest.mark.resource_intensive
    @pytest.mark.weight(4)
    def test_weight(): pass

    @pytest.mark.timeout(2.5)
    def test_timeout(): pass

    @pytest.mark.timeout(seconds=3)
    def test_timeout_by_name(): pass

    @pytest.mark.xdist_group("b")
    @pytest.mark.xdist_group(name="a")
    def test_group(): pass

    @pytest.mark.xdist_group
    def test_group_default(): pass

    @pytest.mark.flaky(reruns=3, only=ValueError, ratio=float("nan"), quick=True, why=None)
    def test_kwargs(): pass

    @pytest.mark.parametrize("n", BIG[:2])
    def test_param(n): pass

    class TestClass:
        def test_method(self): pass
"""


def test_what_the_file_says_of_a_session(suite):
    ini = "[pytest]\nmarkers =\n    mine(x): my own\n    slow: my words\n"
    suite(test_x="def test_a(): pass\ndef test_b(): pass\n", pytest_ini=ini)
    with suite.zygote("-k", "test_a", "--maxfail=3") as zygote:
        data = zygote.json
        assert data["pytest"] == pytest.__version__
        assert data["rootdir"] == str(suite.path)
        assert data["inipath"] == str(suite.path / "pytest.ini")
        assert data["deselected"] == 1
        assert data["options"]["keyword"] == "test_a"
        assert data["options"]["maxfail"] == 3
        assert data["threads"] == []
        assert data["errors"] == []
        assert {"mine", "slow", "serial", "xdist_group", "lock", "parametrize"} <= set(
            data["markers"]
        )
        assert len(data["markers"]) == len(set(data["markers"]))
        assert [test["id"] for test in data["tests"]] == ["test_x.py::test_a"]


def test_what_the_file_says_of_a_test(suite):
    with suite(sub__test_x=MARKED).zygote() as zygote:
        plain = zygote.test("TestClass::test_method")
        assert plain == {
            "id": "sub/test_x.py::TestClass::test_method",
            "file": "sub/test_x.py",
            "scope": "sub/test_x.py::TestClass",
            "group": None,
            "markers": [],
            "keywords": plain["keywords"],
            "serial": False,
            "locks": [],
            "weight": 1,
            "timeout": None,
            "reruns": None,
        }
        assert {"TestClass", "test_method", "test_x.py"} <= {
            word.split("/")[-1] for word in plain["keywords"]
        }
        assert zygote.test("test_serial")["serial"] is True
        assert zygote.test("test_locks")["locks"] == ["cache", "db", "port"]
        assert zygote.test("test_heavy")["weight"] == 2
        assert zygote.test("test_weight")["weight"] == 4
        assert zygote.test("test_timeout")["timeout"] == 2.5
        assert zygote.test("test_timeout_by_name")["timeout"] == 3
        assert zygote.test("test_group")["group"] == "a_b"
        assert zygote.test("test_group_default")["group"] == "default"
        assert zygote.test("test_param[1]")["scope"] == "sub/test_x.py"


def test_markers_keep_what_expressions_can_compare(suite):
    with suite(test_x=MARKED).zygote() as zygote:
        (flaky,) = zygote.test("test_kwargs")["markers"]
        assert flaky == {
            "name": "flaky",
            "args": [],
            "kwargs": {
                "reruns": 3,
                "only": {"type": "type"},
                "ratio": {"type": "float"},
                "quick": True,
                "why": None,
            },
        }
        (parametrize,) = zygote.test("test_param[0]")["markers"]
        assert parametrize == {"name": "parametrize", "args": [], "kwargs": {}}


def test_equal_ids_get_a_number(suite):
    text = """
        import pytest
        def pytest_collection_modifyitems(items):
            items.extend(items[:])
            items.append(items[0])
    """
    suite(conftest=text, test_x="def test_a(): pass\ndef test_b(): pass\n")
    with suite.zygote() as zygote:
        a, b = "test_x.py::test_a", "test_x.py::test_b"
        assert zygote.ids == [a, b, a + "@2", b + "@2", a + "@3"]
        assert zygote.run(0, 2, 4).outcomes == ["passed"] * 3


def test_names_that_are_not_utf8_are_escaped(suite):
    text = """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if hasattr(item, "_nodeid"):
                    item._nodeid = item.nodeid.replace("test_a", "test_\\udcff")
                else:
                    type(item).nodeid = "test_x.py::test_\\udcff"
    """
    suite(conftest=text, test_x="def test_a(): pass\n")
    with suite.zygote() as zygote:
        raw = (zygote.rundir / "pytest.json").read_bytes()
        data = json.loads(raw.decode("utf-8"))
        assert data["tests"][0]["id"] == "test_x.py::test_\\udcff"
        assert zygote.run(0).outcomes == ["passed"]


def test_threads_alive_after_collection_are_named(suite):
    text = """
        import threading, time
        threading.Thread(target=time.sleep, args=(1000,), name="ticker", daemon=True).start()
        def test_a(): pass
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.json["threads"] == ["ticker"]
        assert zygote.run(0).outcomes == ["passed"]


ENDS = {
    "usage": (4, ("--no-such-option",), "def test_a(): pass\n", "--no-such-option"),
    "path": (4, ("no_such_file.py",), "def test_a(): pass\n", "not found: "),
    "collection": (2, (), "import no_such_module\n", "No module named 'no_such_module'"),
    "syntax": (2, (), "def test_a(:\n", "SyntaxError"),
    "none": (5, (), "def helper(): pass\n", "no tests ran"),
    "deselected": (5, ("-k", "nothing"), "def test_a(): pass\n", "1 deselected"),
    "version": (0, ("--version",), "def test_a(): pass\n", pytest.__version__),
    "fixtures": (0, ("--fixtures",), "def test_a(): pass\n", "isolated_temp_dir"),
    "strict": (2, ("--strict-markers",), "import pytest\n@pytest.mark.oops\ndef test_a(): pass\n",
               "'oops' not found in `markers` configuration option"),
}


@pytest.mark.parametrize("name", sorted(ENDS))
def test_pytest_ends_with_its_own_status_and_message(suite, name):
    status, arguments, text, words = ENDS[name]
    with suite(test_x=text).zygote(*arguments) as zygote:
        assert not zygote.ready
        assert zygote.status() == status
        assert words in zygote.log
        assert not (zygote.rundir / "pytest.json").exists()


def test_a_conftest_that_cannot_be_imported(suite):
    with suite(conftest="import oops_missing", test_x="def test_a(): pass").zygote() as zygote:
        assert not zygote.ready
        assert zygote.status() == 4
        assert "ImportError while loading conftest" in zygote.log
        assert "No module named 'oops_missing'" in zygote.log


def test_a_missing_plugin(suite):
    with suite(test_x="def test_a(): pass").zygote("-p", "no_such_plugin") as zygote:
        assert not zygote.ready
        assert zygote.status() != 0
        assert "no_such_plugin" in zygote.log


def test_collection_errors_may_be_continued_after(suite):
    suite(test_bad="import no_such_module\n", test_good="def test_a(): pass\n")
    with suite.zygote("--continue-on-collection-errors") as zygote:
        (error,) = zygote.json["errors"]
        assert error["id"] == "test_bad.py"
        assert "No module named 'no_such_module'" in error["detail"]
        assert zygote.run_all().outcomes == ["passed"]
        assert zygote.finish()[0] == 1


def test_hooks_of_collection_run_as_usual(suite):
    text = """
        import pytest
        def pytest_collection_modifyitems(config, items):
            items.reverse()
            items[0].add_marker(pytest.mark.serial)
        def pytest_itemcollected(item):
            item.add_marker("seen")
    """
    suite(conftest=text, test_x="def test_a(): pass\ndef test_b(): pass\n")
    with suite.zygote() as zygote:
        assert zygote.ids == ["test_x.py::test_b", "test_x.py::test_a"]
        assert zygote.test("test_b")["serial"]
        assert [m["name"] for m in zygote.test("test_a")["markers"]] == ["seen"]


def test_python_without_pytest(suite, tmp_path):
    suite(test_x="def test_a(): pass\n")
    (tmp_path / "bare").mkdir()
    import subprocess
    import sys

    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True
    )
    with Zygote(suite.path, python=str(python)) as zygote:
        assert not zygote.ready
        assert zygote.status() == 4
        assert zygote.log == f"{python}: No module named pytest\n"
