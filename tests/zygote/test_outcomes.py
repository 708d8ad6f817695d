"""Verdicts and what a record says about them."""

import pytest

CASES = """
    import sys, unittest, warnings
    import pytest

    @pytest.fixture
    def bad_setup(): raise ValueError("set-up broke")
    @pytest.fixture
    def bad_teardown():
        yield
        raise ValueError("teardown broke")
    @pytest.fixture
    def skipping(): pytest.skip("from a fixture")

    def test_pass(): pass
    def test_fail(): assert 1 == 2
    def test_raise(): raise KeyError("a\\nb")
    def test_setup(bad_setup): pass
    def test_missing(no_such_fixture): pass
    def test_teardown(bad_teardown): pass
    def test_fail_and_teardown(bad_teardown): assert 0, "the call"
    def test_skip(): pytest.skip("not today")
    def test_skip_fixture(skipping): pass
    @pytest.mark.skip(reason="marked")
    def test_skip_mark(): pass
    @pytest.mark.skipif(True, reason="if")
    def test_skipif(): pass
    def test_skip_teardown(bad_teardown): pytest.skip("then it broke")
    @pytest.mark.xfail(reason="known bug")
    def test_xfail(): assert 0
    def test_xfail_call(): pytest.xfail("from inside")
    @pytest.mark.xfail(run=False, reason="never run")
    def test_xfail_norun(): raise SystemExit
    @pytest.mark.xfail(reason="was a bug")
    def test_xpass(): pass
    @pytest.mark.xfail(strict=True, reason="must fail")
    def test_xpass_strict(): pass
    def test_exit(): sys.exit(3)
    def test_fail_plain(): pytest.fail("plainly", pytrace=False)
    def test_importorskip(): pytest.importorskip("no_such_module")

    class TestCase(unittest.TestCase):
        def test_pass(self): pass
        def test_fail(self): self.assertEqual(1, 2)
        @unittest.skip("unittest's own")
        def test_skip(self): pass
        @unittest.expectedFailure
        def test_expected(self): self.fail()
        @unittest.expectedFailure
        def test_unexpected(self): pass
"""

EXPECTED = {
    "test_pass": ("passed", ""),
    "test_fail": ("failed", "assert 1 == 2"),
    "test_raise": ("failed", "KeyError: 'a\\nb'"),
    "test_setup": ("error", "ValueError: set-up broke"),
    "test_missing": ("error", "fixture 'no_such_fixture' not found"),
    "test_teardown": ("error", "ValueError: teardown broke"),
    "test_fail_and_teardown": ("error", "AssertionError: the call"),
    "test_skip": ("skipped", "not today"),
    "test_skip_fixture": ("skipped", "from a fixture"),
    "test_skip_mark": ("skipped", "marked"),
    "test_skipif": ("skipped", "if"),
    "test_skip_teardown": ("error", "ValueError: teardown broke"),
    "test_xfail": ("xfailed", "known bug"),
    "test_xfail_call": ("xfailed", "from inside"),
    "test_xfail_norun": ("xfailed", "[NOTRUN] never run"),
    "test_xpass": ("xpassed", "was a bug"),
    "test_xpass_strict": ("failed", "[XPASS(strict)] must fail"),
    "test_exit": ("failed", "SystemExit: 3"),
    "test_fail_plain": ("failed", "plainly"),
    "test_importorskip": ("skipped", "could not import 'no_such_module'"),
    "TestCase::test_pass": ("passed", ""),
    "TestCase::test_fail": ("failed", "AssertionError: 1 != 2"),
    "TestCase::test_skip": ("skipped", "unittest's own"),
    "TestCase::test_expected": ("xfailed", ""),
    "TestCase::test_unexpected": ("failed", "Unexpected success"),
}


def test_outcomes_and_messages(suite):
    with suite(test_m=CASES).zygote() as zygote:
        group = zygote.run_all()
        names = [name[len("test_m.py::") :] for name in zygote.ids]
        outcomes = {names[i]: r.outcome for i, r in group.results.items()}
        assert outcomes == {name: outcome for name, (outcome, _) in EXPECTED.items()}
        records = {names[i]: r for i, r in group.results.items()}
        for name, (_, words) in EXPECTED.items():
            assert words in records[name].message, name
            assert "\n" not in records[name].message
        assert records["test_teardown"].call == "passed"
        assert records["test_fail_and_teardown"].call == "failed"
        assert records["test_skip_teardown"].call == "skipped"
        assert "the call" in records["test_fail_and_teardown"].detail
        assert "teardown broke" in records["test_fail_and_teardown"].detail
        for name in ("test_pass", "test_skip", "test_skip_mark", "TestCase::test_skip"):
            assert records[name].detail == ""
        assert records["test_fail"].location == "test_m.py:15"
        assert records["test_skip"].location == "test_m.py:21"
        assert records["test_fail"].detail.count("assert 1 == 2") == 2


def test_captured_output_of_all_phases(suite):
    text = """
        import logging, sys, os, pytest
        LOG = logging.getLogger("my.logger")
        @pytest.fixture
        def noisy():
            print("set up")
            LOG.warning("log of set-up")
            yield
            print("torn down")
        def test_pass(noisy):
            print("in the call")
            print("to stderr", file=sys.stderr)
            os.write(1, b"raw bytes\\n")
        def test_fail(noisy):
            LOG.error("log of the call")
            assert 0
        def test_quiet(): pass
    """
    with suite(test_m=text).zygote() as zygote:
        passed, failed, quiet = zygote.run_all().records
        assert passed.stdout == "set up\nin the call\nraw bytes\ntorn down\n"
        assert passed.stderr == "to stderr\n"
        assert "log of set-up" in passed.log
        assert failed.stdout == "set up\ntorn down\n"
        assert "log of set-up" in failed.log
        assert "log of the call" in failed.log
        assert (quiet.stdout, quiet.stderr, quiet.log) == ("", "", "")


@pytest.mark.parametrize("method", ["fd", "sys", "tee-sys"])
def test_output_stays_with_its_worker(suite, method):
    text = """
        import os, pytest, time
        @pytest.mark.parametrize("n", range(2))
        def test_talk(n, worker_id):
            open("here%d" % n, "w").close()
            while not os.path.exists("here%d" % (1 - n)): time.sleep(0.001)
            for i in range(200): print(worker_id, i)
    """
    with suite(test_m=text).zygote("--capture=" + method) as zygote:
        conns = [zygote.begin(n, slot=n) for n in range(2)]
        for name, conn in zip(("gw0", "gw1"), conns):
            (record,) = zygote.collect(conn).records
            assert record.outcome == "passed"
            assert record.stdout == "".join(f"{name} {i}\n" for i in range(200))


def test_without_capture_and_driver_output_goes_to_the_record(suite):
    with suite(test_m="def test_a(): print('spoken aloud')\n").zygote("-s") as zygote:
        (record,) = zygote.run(0).records
        assert (record.outcome, record.stdout) == ("passed", "spoken aloud\n")
        assert "spoken aloud" not in zygote.log


def test_capture_fixtures_and_caplog(suite):
    text = """
        import logging, os
        def test_capsys(capsys):
            print("x")
            assert capsys.readouterr().out == "x\\n"
        def test_capfd(capfd):
            os.write(1, b"y")
            assert capfd.readouterr().out == "y"
        def test_caplog(caplog):
            logging.warning("z")
            assert caplog.messages == ["z"]
    """
    with suite(test_m=text).zygote() as zygote:
        for index in range(3):
            assert zygote.run(index).outcomes == ["passed"]


def test_too_much_output_is_cut_in_the_middle(suite):
    text = """
        def test_flood():
            print("begin")
            for i in range(30000): print("x" * 99)
            print("end")
        def test_long_message(): raise ValueError("y" * 3000000)
    """
    with suite(test_m=text).zygote("--tb=short") as zygote:
        flood, long = zygote.run_all().records
        assert len(flood.stdout) <= 1 << 20
        assert flood.stdout.startswith("begin\n")
        assert flood.stdout.endswith("end\n")
        assert "bytes left out ...]" in flood.stdout
        assert long.outcome == "failed"
        assert len(long.detail) <= 1 << 20
        assert len(long.message) <= 1 << 20


def test_odd_text(suite):
    text = """
        import sys
        def test_bytes(): sys.stdout.buffer.write(b"\\xff\\xfe\\0 end")
        def test_surrogate(): assert 0, "lone \\udc80"
        def test_newline(): assert 0, "\\n\\n  second line"
    """
    with suite(test_m=text).zygote() as zygote:
        raw, surrogate, newline = zygote.run_all().records
        assert raw.stdout.endswith(" end")
        assert surrogate.outcome == "failed"
        assert "lone \\udc80" in surrogate.detail
        assert "\n" not in newline.message


def test_properties(suite):
    text = """
        def test_a(record_property):
            record_property("key", "value")
            record_property("number", 7)
    """
    with suite(test_m=text).zygote() as zygote:
        (record,) = zygote.run(0).records
        assert record.property == ["key\0value", "number\x007"]


def test_subtests_of_unittest(suite):
    text = """
        import unittest
        class TestCase(unittest.TestCase):
            def test_subs(self):
                for i in range(4):
                    with self.subTest("part", i=i):
                        self.assertNotEqual(i, 2)
            def test_good(self):
                for i in range(4):
                    with self.subTest(i=i):
                        pass
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run("test_subs", "test_good")
        records = list(group.results.values())
        assert [r.outcome for r in records] == ["failed", "passed"]
        assert "2 == 2" in records[0].message
        assert "2 == 2" in records[0].detail
        assert zygote.finish()[0] == 1


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests since 9.0")
def test_subtests_of_pytest(suite):
    text = """
        def test_subs(subtests):
            for i in range(4):
                with subtests.test(msg="part", i=i):
                    print("number", i)
                    assert i % 2 == 0
        def test_good(subtests):
            with subtests.test("fine"): print("inside")
        def test_own(subtests):
            with subtests.test("fine"): assert 0, "sub"
            assert 0, "main"
    """
    with suite(test_m=text).zygote() as zygote:
        subs, good, own = zygote.run_all().records
        assert subs.outcome == "failed"
        assert "part" in subs.message and "(i=1)" in subs.message
        assert subs.detail.count("assert (") >= 2 or subs.detail.count("assert") >= 2
        assert "number 1" in subs.stdout
        assert good.outcome == "passed"
        assert own.outcome == "failed"
        assert "AssertionError: main" in own.message
        assert "sub" in own.detail
        assert zygote.finish()[0] == 1
        assert "contains 2 failed subtests" in zygote.log


def test_rerun_by_a_plugin_counts_the_last_run(suite):
    conftest = """
        import pytest
        from _pytest.runner import runtestprotocol
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for attempt in range(3):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                again = attempt < 2 and any(r.failed for r in reports)
                for report in reports:
                    if report.failed and again: report.outcome = "rerun"
                    item.ihook.pytest_runtest_logreport(report=report)
                if not again: break
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
        def pytest_report_teststatus(report):
            if report.outcome == "rerun": return "rerun", "R", "RERUN"
    """
    text = """
        TRIES = []
        def test_flaky():
            TRIES.append(1)
            assert len(TRIES) == 3
        def test_never(): assert 0
    """
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        group = zygote.run_all()
        assert group.outcomes == ["passed", "failed"]
        attempts = [(r.index, r.outcome) for r in group.records if r.kind == "attempt"]
        assert attempts == [(0, "failed")] * 2 + [(1, "failed")] * 2
        zygote.finish()
        assert "1 failed, 1 passed, 4 rerun" in zygote.log


def test_a_plugin_that_takes_a_test_over_without_a_report(suite):
    conftest = """
        def pytest_runtest_protocol(item):
            return True if item.name == "test_gone" else None
    """
    text = "def test_gone(): pass\ndef test_here(): pass\n"
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        gone, here = zygote.run_all().records
        assert gone.outcome == "skipped"
        assert "no report" in gone.message
        assert here.outcome == "passed"


def test_doctests(suite):
    text = '''
        def double(x):
            """
            >>> double(2)
            4
            """
            return x + x
        def triple(x):
            """
            >>> triple(2)
            7
            """
            return 3 * x
    '''
    with suite(mod=text).zygote("--doctest-modules") as zygote:
        group = zygote.run("mod.double", "mod.triple")
        assert group.outcomes == ["passed", "failed"]
        assert "Expected:" in group.records[1].detail
