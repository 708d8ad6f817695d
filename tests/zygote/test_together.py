"""Several workers collect: the list is that of a plain run, or one process makes it."""

import os
import signal
from collections import Counter

from client import PATIENCE, run_plain

import pytest

pytestmark = pytest.mark.slow  # each case runs whole sessions, more than once

PLAIN = """
    import pytest

    @pytest.fixture(params=["x", "y"])
    def letter(request): return request.param

    @pytest.mark.parametrize("n", [1, 2])
    def test_both(n, letter): pass

    class TestClass:
        @pytest.fixture(scope="class", params=[1, 2])
        def wide(self, request): return request.param
        def test_a(self, wide): pass
        def test_b(self, wide): pass
        @pytest.mark.skip(reason="why not")
        def test_skipped(self): pass

    @pytest.fixture(scope="module", params=["p", "q"])
    def module_wide(request): return request.param
    def test_one(module_wide): pass
    def test_two(): pass
    def test_three(module_wide): assert module_wide == "p"
"""
SKIPPED = """
    import pytest
    pytest.skip("not here", allow_module_level=True)
"""
UNITTEST = """
    import unittest
    class TestCase(unittest.TestCase):
        def test_m(self): pass
        @unittest.expectedFailure
        def test_x(self): assert 0
"""
DOUBLE = """
    import pytest
    class Item(pytest.Item):
        def runtest(self): pass
    @pytest.mark.parametrize("n", ["a", "a"], ids=["same", "same2"])
    def test_n(n): pass
"""
FILES = {
    "test_a": PLAIN,
    "test_b": UNITTEST,
    "sub__conftest": """
        import pytest
        @pytest.fixture(autouse=True)
        def always(): return 1
        def pytest_generate_tests(metafunc):
            if "made" in metafunc.fixturenames:
                metafunc.parametrize("made", [3, 4])
    """,
    "sub__test_c": "def test_made(made, always): assert always",
    "sub__test_d": SKIPPED,
    "sub__test_e": "import helper\ndef test_helper(): assert helper.X",
    "sub__helper": "X = 1",
    "pkg____init__": "",
    "pkg__test_f": PLAIN,
    "pkg__test_empty": "X = 1",
    "test_z": DOUBLE,
}


def zygote(suite, *args, **options):
    env = dict(options.pop("env", {}), ROWLOCK_COLLECTORS="2")
    return suite.zygote(*args, env=env, **options)


def plain_ids(suite, *args):
    status, text = run_plain(suite.path, "--collect-only", "-q", *args)
    return [line for line in text.splitlines() if "::" in line and " " not in line]


def run_everything(process, slots=(0, 1)):
    """{id: outcome}; each worker gets every other test, whoever has collected it."""
    ids = process.ids
    outcomes = {}
    for slot in slots:
        group = process.run(*range(slot, len(ids), len(slots)), slot=slot)
        outcomes.update((ids[r.index], r.outcome) for r in group.results.values())
    return outcomes


@pytest.mark.parametrize(
    "args, exit_status",
    [
        ((), 1),
        (("--import-mode=importlib", "test_a.py", "sub/test_c.py", "pkg"), 1),
        (("-s", "-k", "o"), 0),
    ],
)
def test_ids_and_verdicts_are_those_of_a_plain_run(suite, args, exit_status):
    suite(**FILES)
    with zygote(suite, *args) as together:
        data = together.json
        assert data["collect_note"] is None
        # The zygote has the first file; which worker is faster with the others, nobody knows.
        slots = {slot for _, slot in data["collected_by"]}
        assert slots & {0, 1} and slots <= {-1, 0, 1}
        assert sum(n for n, _ in data["collected_by"]) == len(data["tests"])
        outcomes = run_everything(together)
        status, _ = together.finish()
    assert [t["id"] for t in data["tests"]] == plain_ids(suite, *args)
    with suite.zygote(*args) as alone:
        assert alone.json["tests"] == data["tests"]
        assert alone.json["deselected"] == data["deselected"]
        assert run_everything(alone) == outcomes
        assert alone.finish()[0] == status == exit_status


def test_a_short_collection_is_one_process_s(suite):
    suite(**FILES)
    with zygote(suite, env={"ROWLOCK_COLLECT_ALONE": "1000"}) as alone:
        assert alone.json["collect_note"] == "that took less than 1000 s"
        assert "collected_by" not in alone.json
        assert alone.ids == plain_ids(suite)
    with zygote(suite, env={"ROWLOCK_COLLECT_ALONE": "1e-6"}) as together:
        assert "collected_by" in together.json


def write_pair(suite, first="def test_1(): pass", second="def test_2(): pass", **more):
    suite(test_a="def test_0(): pass", test_b=first, test_c=second, **more)
    return suite


def meet(own, other):
    """Code for two modules that are to be imported by one collector each: the first to come
    waits for the other, where the file "armed" is there, and only once."""
    return f"""
import os, time
if os.path.exists("armed"):
    open("met_{own}", "w").close()
    end = time.monotonic() + {PATIENCE}
    while not os.path.exists("met_{other}") and time.monotonic() < end:
        time.sleep(0.01)
"""


MODIFY = """
    def pytest_collection_modifyitems(items): items.reverse()
"""
REASONS = {
    "modifyitems": (
        {"conftest": MODIFY},
        (),
        "conftest.py implements pytest_collection_modifyitems",
    ),
    "modifyitems below": (
        {"sub__conftest": MODIFY, "sub__test_d": "def test_3(): pass"},
        (),
        "conftest.py implements pytest_collection_modifyitems",
    ),
    "finish": (
        {"conftest": "def pytest_collection_finish(): pass"},
        (),
        "conftest.py implements pytest_collection_finish",
    ),
    "last failed": ({}, ("--ff",), "--ff chooses among all tests"),
    "named": ({}, ("test_a.py", "test_b.py::test_1", "test_c.py"), "single tests were named"),
    "random": (
        {"first": "import random\nN = random.random()\ndef test_1(): pass"},
        (),
        "random numbers were used or seeded",
    ),
    "wide parameter": (
        {
            "conftest": "import pytest\n@pytest.fixture(scope='session', params=[1, 2])\n"
            "def wide(request): return request.param",
            "first": "def test_1(wide): pass",
            "second": "def test_2(wide): pass",
        },
        (),
        "has a parameter of a scope wider than its file",
    ),
    "crash": (
        {
            "first": "import os\nif os.path.exists('armed'):\n    os.remove('armed')\n"
            "    os.abort()\ndef test_1(): pass",
            "armed": 1,
        },
        (),
        "ended while it collected",
    ),
    "exit": (
        {
            "first": "import sys, os\nif os.path.exists('armed'):\n    os.remove('armed')\n"
            "    sys.exit(3)\ndef test_1(): pass",
            "armed": 1,
        },
        (),
        "3" if pytest.version_tuple >= (8,) else "could not be collected",
    ),
    "helpers": (
        {
            "x__helper": "X = 1",
            "y__helper": "X = 2",
            "x__test_x": meet("x", "y") + "import helper\ndef test_x(): pass",
            "y__test_y": meet("y", "x") + "import helper\ndef test_y(): pass",
            "armed": 1,
        },
        (),
        "helper is the name of two modules",
    ),
}


@pytest.mark.parametrize("name", sorted(REASONS))
def test_one_process_collects_where_several_would_show(suite, name):
    files, args, reason = REASONS[name]
    files = dict(files)
    armed = files.pop("armed", 0)
    write_pair(suite, **files)
    expected = plain_ids(suite, *[arg for arg in args if arg != "--ff"])
    if armed:
        (suite.path / "armed").touch()
    with zygote(suite, *args) as process:
        assert reason in process.json["collect_note"]
        assert "collected_by" not in process.json
        assert process.ids == expected
        assert set(run_everything(process).values()) == {"passed"}
        assert process.finish()[0] == 0


REASON = """
    import pytest
    from rowlock_pytest.together import Unshared, reason_of

    def test_reason():
        with pytest.raises(UserWarning) as caught:
            try:
                raise Unshared("why")
            except Unshared:
                raise UserWarning("a plugin raised an exception\\nUnshared: why")
        assert reason_of(caught.value) == "why"
        assert reason_of(ValueError("\\n one line\\n more")) == "one line"
        assert reason_of(KeyboardInterrupt()) == "KeyboardInterrupt"
"""


def test_a_reason_survives_the_wrappers_of_hooks(suite):
    """Those of pytest 7 made warnings of it, and a project may have errors made of warnings."""
    with suite(test_x=REASON).zygote() as process:
        assert process.run(0).outcomes == ["passed"]


@pytest.mark.parametrize("more", [(), ("--continue-on-collection-errors",), ("-x",)])
def test_a_file_that_cannot_be_imported_ends_the_run_as_in_pytest(suite, more):
    write_pair(suite, first="import nothing_of_that_name", second="def test_2(): pass")
    with zygote(suite, *more) as together:
        if together.ready:
            assert [e["id"] for e in together.json["errors"]] == ["test_b.py"]
            assert together.ids == ["test_a.py::test_0", "test_c.py::test_2"]
            return
        status, log = together.status(), together.log
    with suite.zygote(*more) as alone:
        assert alone.status() == status

        def words(text):
            return [line.split(" in ")[0].strip("=") for line in text.splitlines()]

        assert words(alone.log) == words(log)


def test_warnings_of_a_shared_import_come_once(suite):
    write_pair(
        suite,
        first="import old\ndef test_1(): pass",
        second="import old\ndef test_2(): pass",
        old="import warnings\nwarnings.warn('old is old', DeprecationWarning)",
    )
    with zygote(suite, env={"ROWLOCK_COLUMNS": "80"}) as process:
        assert "collected_by" in process.json
        run_everything(process)
        assert process.finish()[0] == 0
        text = (process.rundir / "summary").read_text()
    assert text.count("DeprecationWarning: old is old") == 1


def owners_of(data):
    return [slot for n, slot in data["collected_by"] for _ in range(n)]


def write_met(suite, first, second):
    """Two files that different workers collect, after one that the zygote does."""
    write_pair(suite, first=meet(1, 2) + first, second=meet(2, 1) + second)
    (suite.path / "armed").touch()
    return suite


SPOIL = """
import pytest
@pytest.fixture(scope="session", autouse=True)
def session():
    yield
    assert "SPOILT" not in os.environ
def test_spoil():
    os.makedirs("gone")
    os.chdir("gone")
    os.rmdir("../gone")
    os.environ["SPOILT"] = "yes"
    raise ValueError
"""
CLEAN = """
assert "SPOILT" not in os.environ
def test_clean():
    assert os.path.exists("conftest.py") and "SPOILT" not in os.environ
"""


def test_a_worker_that_has_run_tests_collects_nothing_more(suite):
    """It tears down, which is charged to its last test, and another takes over."""
    write_met(suite, SPOIL, CLEAN)
    (suite.path / "conftest.py").touch()
    with zygote(suite) as process:
        _, one, other = owners_of(process.json)
        assert {one, other} == {0, 1}
        first = process.run("test_spoil", slot=one)
        assert first.outcomes == ["failed"]
        group = process.run("test_clean", slot=one)
        assert group.outcomes == ["passed"]
        assert group.order == "DJWWSJE"
        assert [(a.index, a.outcome) for a in group.amends] == [(1, "error")]
        assert group.pid != first.pid
        # The slot stays with what that worker has.
        assert process.run("test_clean", slot=one).pid == group.pid
        back = process.run("test_spoil", "test_0", slot=one)
        assert back.order == "DWWSJSJE"
        assert back.outcomes == ["passed", "failed"]
        assert process.finish()[0] == 1


LOG = "open('log', 'a').write(f'{__name__} {os.getpgrp()}\\n')\n"
DIES = "def test_1(): os.kill(os.getpid(), 9)\ndef test_3(): pass\n"
MANY = "exec(''.join(f'def test_many_{k}(): pass\\n' for k in range(2000)))\n"
PARAMETER = """
import pytest
@pytest.mark.parametrize("n", [1])
def test_n(n): pass
"""


def read_log(suite):
    """[(module, who has imported it), ...]"""
    return [tuple(line.split()) for line in (suite.path / "log").read_text().splitlines()]


@pytest.mark.parametrize("more", ["", MANY, MANY + PARAMETER])
def test_a_worker_that_died_is_replaced_by_one_that_has_its_files(suite, more):
    """Of the template that has collected them, or, if that has ended, of the zygote."""
    write_met(suite, LOG + DIES, LOG + more + "def test_2(): pass")
    stays = more != MANY
    with zygote(suite) as process:
        slot = owners_of(process.json)[1]
        assert process.run("test_1", slot=slot).wait_status == signal.SIGKILL
        group = process.run("test_3", "test_0", slot=slot)
        assert group.outcomes == ["passed", "passed"]
        assert group.order == "SJSJE" if stays else "WWSJSJE"
        again = Counter(name for name, _ in read_log(suite))
        assert again == {"test_b": 1 if stays else 2, "test_c": 1}
        assert process.finish()[0] == 1


def test_a_share_is_collected_again_at_once_but_for_what_has_run(suite):
    count = 8
    test = "import os\n" + LOG + "def test_%d():\n    if os.path.exists('armed'): "
    test += "os.remove('armed'); os.kill(os.getpid(), 9)\n"
    suite(conftest="", **{f"test_{k}": test % k + MANY * (k == 0) for k in range(count)})
    (suite.path / "armed").touch()
    with zygote(suite) as process:
        owners = owners_of(process.json)[-count:]
        one = max((0, 1), key=owners.count)
        first, *rest = [k for k in range(count) if owners[k] == one]
        assert process.run(f"test_{first}", slot=one).wait_status == signal.SIGKILL
        for k in rest:
            assert process.run(f"test_{k}", slot=one).outcomes == ["passed"]
        again = [name for name, _ in read_log(suite)][count:]
        assert again == [f"test_{k}" for k in rest]
        # What was left out is collected by one more worker, then with all the others.
        assert process.run(f"test_{first}", slot=one).order == "DWWWWSJE"
        for k in rest:
            assert "W" not in process.run(f"test_{k}", slot=one).order
        assert process.finish()[0] == 1


KEPT = {"deep": "[" * 100000, "no text": "\udcff", "a list": "[1]"}
KEPT["no digest"] = '{"test_b.py": {}}'


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_what_the_run_before_has_left_is_not_believed(suite, kept):
    write_pair(suite, PARAMETER)
    with zygote(suite) as before:
        text = kept.encode("utf-8", "surrogateescape")
        (before.rundir / "test-ids").write_bytes(text)
        with zygote(suite, last=before) as process:
            assert "collected_by" in process.json
            assert process.run("test_n[1]", slot=owners_of(process.json)[1]).outcomes == ["passed"]


def test_tests_are_found_again(suite):
    """By their ids, or in the place of another one; one for which there is none is an error, and
    no others."""
    changing = """
import pytest
@pytest.mark.parametrize("n", ["b", "d"] if os.path.exists("flip") else ["a", "b", "c"])
def test_4(n, request):
    with open("ran", "a") as f: f.write(n)
"""
    write_met(suite, DIES + changing, MANY + "def test_2(): pass")
    with zygote(suite) as before, zygote(suite, last=before) as process:
        slot = owners_of(process.json)[1]
        (suite.path / "flip").touch()
        assert process.run("test_1", slot=slot).wait_status == signal.SIGKILL
        group = process.run("test_4[a]", "test_4[b]", "test_4[c]", "test_3", slot=slot)
        assert sorted(group.outcomes) == ["error", "passed", "passed", "passed"]
        (error,) = [r for r in group.results.values() if r.outcome == "error"]
        assert "'test_b.py::test_4[c]' was not found when its file was" in error.message
        assert "its tests have other ids here" in error.message
        assert (suite.path / "ran").read_text() == "db"
        assert process.finish()[0] == 1
        assert "test_b.py::test_4[a] runs as test_b.py::test_4[d]\n" in process.log


def test_a_process_that_has_collected_and_died_is_done_without(suite):
    """The zygote has a worker collect what it needs, before anything runs in it."""
    write_met(suite, LOG + PARAMETER, LOG + "def test_2(): pass")
    with zygote(suite) as process:
        _, one, other = owners_of(process.json)
        for slot in (one, other):
            assert process.run("test_0", slot=slot).outcomes == ["passed"]
        for _, pid in read_log(suite):
            os.kill(int(pid), signal.SIGKILL)
        # The workers are no children of theirs.
        assert process.run("test_n[1]", slot=one).order == "DSJE"
        group = process.run("test_2", slot=one)
        assert group.order == "DWWWWSJE"
        assert group.outcomes == ["passed"]
        assert process.run("test_n[1]", "test_0", slot=one).outcomes == ["passed", "passed"]
        assert process.finish()[0] == 0


def test_modules_are_imported_once(suite):
    files = {f"test_{k}": f"import os\n{LOG}def test(): pass" for k in range(7)}
    suite(**files, test_7="import os\n" + LOG + PARAMETER)
    with zygote(suite) as process:
        lines = read_log(suite)
        assert Counter(name for name, _ in lines) == {f"test_{k}": 1 for k in range(8)}
        owners = owners_of(process.json)
        pids = [int(pid) for _, pid in sorted(lines)]
        assert len(set(zip(owners, pids))) == len(set(owners))
        for number in range(8):
            assert process.run(number, slot=number % 3 % 2).outcomes == ["passed"]
        assert len(read_log(suite)) == 8
        assert process.finish()[0] == 0


def test_ids_that_change(suite):
    """They do no harm: a worker that has others runs what stands in their place."""
    test = """
import pytest
@pytest.mark.parametrize("n", [os.getpgrp()])
def test_%d(n): pass
"""
    write_met(suite, test % 1, test % 2)
    with zygote(suite) as process:
        _, one, other = owners_of(process.json)
        for number in (1, 2, 1):
            assert process.run(number, slot=one).outcomes == ["passed"]
        assert process.run(1, 2, slot=other).outcomes == ["passed", "passed"]
        assert process.finish()[0] == 0
        assert process.log.count("tests have other ids when they are collected again") == 1


def test_what_all_share_stays_frozen(suite):
    """A collector freezes what it has added, and does not look at the rest for that."""
    drop = """
import gc, holder
holder.held.clear()
def test_%d():
    assert holder.ref() is not None
    gc.collect()
    assert holder.ref() is None
"""
    held = """
import weakref
class Ring: pass
ring = Ring()
ring.itself = ring
ref, held = weakref.ref(ring), [ring]
del ring
"""
    write_pair(suite, first=drop % 1, second=drop % 2, holder=held, conftest="import holder")
    with zygote(suite) as process:
        assert "collected_by" in process.json
        for number in (1, 2):
            assert process.run(number, slot=number).outcomes == ["passed"]
        assert process.finish()[0] == 0
