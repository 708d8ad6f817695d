"""The output of a run with pytest tests is what pytest's users know: section by section the same
as that of plain pytest on the same project."""

import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

TESTS = """
    import logging, sys, warnings
    import pytest

    def test_pass(): pass
    def test_pass_output():
        print("passed output")
    def test_fail():
        print("call out"); print("call err", file=sys.stderr)
        logging.getLogger("x").warning("call log")
        assert 1 == 2
    @pytest.fixture
    def noisy():
        print("setup out")
        yield
        print("teardown out")
    class TestC:
        def test_method(self, noisy):
            print("in method")
            raise ValueError("boo")
        @pytest.mark.parametrize("p", ["a::b", "x"])
        def test_param(self, p):
            assert p == "x"
    @pytest.fixture
    def broken():
        print("before break")
        raise RuntimeError("broken fixture")
    def test_setup_error(broken): pass
    @pytest.fixture
    def torn():
        yield
        print("tearing")
        raise OSError("cannot close")
    def test_teardown_error(torn):
        print("before tearing")
    def test_fail_and_teardown(torn):
        assert "a" == "b"
    @pytest.mark.skip(reason="marked")
    def test_skip1(): pass
    @pytest.mark.skip(reason="marked")
    def test_skip2(): pass
    @pytest.mark.parametrize("i", [1, 2])
    def test_skip_call(i):
        pytest.skip("inside")
    @pytest.mark.skipif("sys.version_info > (3,)", reason="cond")
    def test_skipif(): pass
    @pytest.mark.xfail(reason="bug 1")
    def test_xfail(): assert 0
    @pytest.mark.xfail(reason="fixed?")
    def test_xpass(): print("xpass out")
    @pytest.mark.xfail(strict=True, reason="strictly")
    def test_xstrict(): pass
    def test_warns(): warnings.warn("careful")
    def test_warns_too(): warnings.warn("careful")
    def test_left_out(): pass
"""
CONFTEST = """
    def pytest_report_header(config):
        return "header of a conftest"
    def pytest_terminal_summary(terminalreporter):
        terminalreporter.section("section of a conftest")
        terminalreporter.write_line("words of a conftest")
        print("printed by a conftest")
"""
RULE = re.compile(r"^=+ (ERRORS|FAILURES|.*PASSES|warnings summary|short test summary|section) ?")


def dedent(text):
    return "\n".join(line[4:] for line in text.split("\n"))


def write_suite(project):
    project.write("pytest.ini", "[pytest]\n")
    project.write("conftest.py", dedent(CONFTEST))
    project.write("tests/test_a.py", dedent(TESTS))
    project.write("tests/test_b.py", "def test_b(): assert [1] == [2]\ndef test_c(): pass\n")
    for name in ("s", "t"):
        project.write(f"tests/test_{name}.py", "import pytest\npytest.importorskip('no_module')\n")


def sections(out):
    """From the first section to the last line, without what differs from run to run."""
    lines = out.split("\n")
    start = next((i for i, line in enumerate(lines) if RULE.match(line)), len(lines) - 2)
    text = "\n".join(line for line in lines[start:] if not re.match(r"\[gw\d+\] ", line))
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = text.replace(" - [XPASS(strict)] strictly", "")  # only newer ones say it
    return re.sub(r"=* ?(\d+ .*) in [\d.]+s( =+)?", r"= \1", text)


def plain(project, *args):
    return project.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args])


@pytest.mark.skipif(pytest.version_tuple < (8, 0), reason="older ones word some lines otherwise")
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-ra"],
        ["-rA", "--show-capture=no"],
        ["-rsx", "--tb=short"],
        ["-rfs", "--tb=long"],
        ["-rN", "--disable-warnings"],
        ["-rpP", "--show-capture=log"],
        ["--tb=no", "-rE"],
        ["-q", "--show-capture=stderr"],
        ["-qq"],
        ["-v"],
        ["-k", "xpass or b or left_out", "--deselect=tests/test_a.py::test_left_out"],
    ],
    ids=" ".join,
)
def test_the_end_of_a_run_is_pytests(project, options):
    write_suite(project)
    wanted = plain(project, *options)
    done = project.rowlock(
        "parallel", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", *options
    )
    assert sections(done.stdout) == sections(wanted.stdout)
    assert done.returncode == wanted.returncode


STATUS = """
def pytest_report_teststatus(report):
    if report.when == "call" and "special" in report.nodeid:
        return "special", "S", "SPECIAL"
"""


def test_words_of_plugins_count_instead_of_pytests(project):
    project.write("conftest.py", STATUS)
    text = "def test_special(): pass\ndef test_special_fail(): assert 0\ndef test_other(): pass\n"
    project.write("test_m.py", text)
    ends = [
        re.sub(" in .*", "", end.stdout.splitlines()[-1].strip("= "))
        for end in (plain(project), project.rowlock("-n", "2"))
    ]
    assert ends == ["1 passed, 2 special"] * 2


BROKEN = {"tests/test_broken.py": "import no_module\n"}
ALL = "--continue-on-collection-errors"


@pytest.mark.parametrize(
    "options, more",
    [
        ([], {}),
        (["-o", "junit_family=xunit1", "-o", "junit_suite_name=mine"], {}),
        (["-o", "junit_logging=out-err", "-o", "junit_log_passing_tests=false"], {}),
        (["-o", "junit_logging=log"], {}),
        ([ALL], BROKEN),
        ([], BROKEN),
        (["-k", "no_such_test"], {}),
        (["tests/no_such_file.py"], {}),
    ],
    ids=str,
)
def test_the_junit_file_is_pytests(project, options, more):
    """What stands in it, also where no test has run; there pytest itself has written it."""
    write_suite(project)
    for name, text in more.items():
        project.write(name, text)
    wanted = plain(project, "--junit-xml=plain.xml", *options)
    done = project.rowlock("-n", "2", "-p", "no:cacheprovider", "--junit-xml=ours.xml", *options)
    assert done.returncode == wanted.returncode, done
    logging = "junit_logging" in str(options)
    assert junit(project.path("ours.xml"), logging) == junit(project.path("plain.xml"), logging)


def junit(path, logging):
    """Suites, and of each test its names and what is in it."""
    suites, cases = [], {}
    for suite in ET.parse(path).getroot().iter("testsuite"):
        suites.append({k: suite.get(k) for k in ("name", "errors", "failures", "skipped")})
        for case in suite.iter("testcase"):
            key = case.get("classname"), case.get("name"), case.get("file")
            kinds = {c.tag for c in case if c.tag in ("error", "failure", "skipped")}
            if logging:  # by itself pytest writes no output, and we do
                words = "".join(c.text or "" for c in case if c.tag.startswith("system"))
                kinds.update(re.findall("(?:call|passed|xpass) (?:out|err|log)", words))
            cases.setdefault(key, set()).update(kinds)
    for suite in suites:  # a test with two failures is counted once
        suite.pop("failures")
    for kinds in cases.values():
        kinds -= {"failure"} if "error" in kinds else set()
    return suites, cases



def test_every_style_of_traceback(project):
    write_suite(project)
    line = project.rowlock("parallel", "-n", "2", "--tb=line").stdout
    assert "\ntests/test_a.py:11: assert 1 == 2\n" in line
    assert ">       assert" not in line
    native = project.rowlock("parallel", "-n", "2", "--tb=native").stdout
    assert "Traceback (most recent call last):\n" in native
    assert "tests/test_a.py\", line 11, in test_fail" in native


def test_no_summary_and_no_header(project):
    write_suite(project)
    out = project.rowlock("parallel", "-n", "2", "--no-summary", "--no-header").stdout
    for absent in ("FAILURES", "ERRORS", "short test summary", "warnings summary", "workers"):
        assert absent not in out
    assert re.search(r"=+ 6 failed, .* 3 errors in ", out)


def test_the_header_under_v(project):
    write_suite(project)
    out = project.rowlock("parallel", "-n", "2", "-v").stdout
    assert out.count("header of a conftest") == 1
    assert out.index("header of a conftest") < out.index("rowlock ") < out.index("[gw")
    assert "header of a conftest" not in project.rowlock("parallel", "-n", "2").stdout
    verdicts = re.findall(r"^\[gw[01]\] \[ *\d+%\] ([A-Z]+) tests/test_[ab].py::(.*)$", out, re.M)
    assert len(verdicts) == 22
    assert ("SKIPPED", "test_skip1 (marked)") in verdicts
    assert ("XFAIL", "test_xfail (bug 1)") in verdicts
    assert ("FAILED", "TestC::test_param[a::b]") in verdicts


def test_everything_is_counted_over_all_workers(project):
    body = "import warnings\ndef test_w(): warnings.warn('careful')\ndef test_p(): pass\n"
    for i in range(4):
        project.write(f"test_{i}.py", body + f"def test_x{i}(): warnings.warn('number {i}')\n")
    done = project.rowlock("parallel", "-n", "4", "--deselect", "test_0.py::test_p")
    assert re.search(r"=+ 11 passed, 1 deselected, 8 warnings in [\d.]+s =+\n$", done.stdout)
    assert done.stdout.count("warnings summary") == 1
    assert done.stdout.count("UserWarning: number") == 4
    again = project.rowlock("report").stdout
    assert re.search(r"=+ 11 passed, 1 deselected, 8 warnings in ", again)
    assert again.count("warnings summary") == 1


def test_a_mixed_run_has_all_sections_once(project):
    write_suite(project)
    project.manifest(
        {"id": "native/bad", "command": ["sh", "-c", "echo native words; exit 3"]},
        {"id": "native/skip", "command": ["sh", "-c", "exit 77"]},
        {"id": "native/good", "command": ["sh", "-c", "echo good words"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["tests"]}],
    )
    out = project.rowlock("parallel", "-n", "2", "-rA").stdout
    order = [
        "= ERRORS =",
        "= FAILURES =",
        "_ native/bad _",
        "= warnings summary =",
        "= PASSES =",
        "_ native/good _",
        "= section of a conftest =",
        "= short test summary info =",
        "PASSED native/good\n",
        "SKIPPED [1] native/skip",
        "FAILED native/bad - exit status 3",
    ]
    places = [out.find(word) for word in order]
    assert places == sorted(places) and places[0] >= 0, out
    assert all(out.count(word) == 1 for word in order)


def test_files_that_cannot_be_collected(project):
    project.write("test_bad.py", "import nothing_like_that\n")
    project.write("test_good.py", "def test_good(): pass\n")
    done = project.rowlock("parallel", "-n", "2", "--continue-on-collection-errors")
    assert done.returncode == 1
    assert done.stdout.count("No module named 'nothing_like_that'") == 2
    assert re.search(r"_ ERROR collecting test_bad.py _", done.stdout)
    assert "\nERROR test_bad.py - ModuleNotFoundError: " in done.stdout
    assert re.search(r"=+ 1 passed, 1 error in ", done.stdout)


def test_stopped_runs_say_so(project):
    project.write("test_s.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    out = project.rowlock("parallel", "-n", "1", "-x").stdout
    assert re.search(r"^!+ stopping after 1 failures !+$", out, re.M)
    assert "1 failed" in out


# -s and live logs.

PRINTING = """
    import os, subprocess, sys
    import pytest

    @pytest.mark.parametrize("i", range(6))
    def test_lines(i):
        for k in range(200):
            print("test", i, "line", k)
        os.write(1, b"raw from the test")
    def test_child():
        subprocess.run(["sh", "-c", "echo from a child; printf 'without end'"])
    def test_bar():
        sys.stderr.write("\\r10%\\r20%\\n")
"""


def test_output_under_s_is_whole_lines(project):
    project.write("test_s.py", dedent(PRINTING))
    out = project.rowlock("parallel", "-n", "2", "--dist", "load", "-s", "-v").stdout
    start = out.index("workers, pytest")
    lines = [line for line in out[start:].split("\n")[1:] if not line.startswith("=") and line]
    workers = {"gw0": [], "gw1": []}
    for line in lines:
        name, text = re.match(r"\[(gw[01])\] (.*)$", line).groups()
        workers[name].append(text)
    blocks = []
    for texts in workers.values():
        block = []
        for text in texts:
            if re.match(r"\[ *\d+%\] PASSED", text):
                blocks.append((text.split("::")[1], block))
                block = []
            else:
                block.append(text)
        assert not block
    shown = dict(blocks)
    assert len(blocks) == len(shown) == 8
    for i in range(6):
        lines = [f"test {i} line {k}" for k in range(200)]
        assert shown[f"test_lines[{i}]"] == lines + ["raw from the test"]
    assert shown["test_child"] == ["from a child", "without end"]
    assert shown["test_bar"] == ["10%", "20%"]


def test_output_under_s_is_live(project):
    go = project.path("go")
    text = """
        import os, time
        def test_waits():
            print("are you there?")
            while not os.path.exists("go"):
                time.sleep(0.01)
            print("there you are")
    """
    for mode in (("parallel", "-n", "2"), ("sequential",)):
        project.write("test_w.py", dedent(dedent(text)))
        child = project.start(*mode, "-s")
        patience = threading.Timer(120, child.kill)
        patience.start()
        seen = ""
        while "are you there?" not in seen:
            line = child.stdout.readline()
            assert line, seen
            seen += line
        go.touch()
        rest = child.stdout.read()
        assert "there you are" in rest and "1 passed" in rest
        assert child.wait(timeout=120) == 0
        patience.cancel()
        go.unlink()


def test_a_flood_under_s_is_kept_nowhere(project):
    project.write("test_f.py", dedent("""
    import os
    def test_flood():
        block = b"y" * 99 + b"\\n"
        for _ in range(300):
            os.write(1, block * 1000)
    """))
    child = project.spawn([project.program, "parallel", "-n", "1", "-s"])
    size = 0
    while True:
        chunk = child.stdout.read(1 << 20)
        if not chunk:
            break
        size += len(chunk)
    assert child.wait(timeout=120) == 0
    assert size > 30_000_000
    kept = subprocess.run(
        ["du", "-sk", project.path(".rowlock"), project.temp], stdout=subprocess.PIPE, check=True
    )
    assert sum(int(line.split()[0]) for line in kept.stdout.splitlines()) < 4000


def test_native_output_under_s_is_shown_once(project):
    project.manifest(
        {"id": "good", "command": ["sh", "-c", "echo good words"]},
        {"id": "bad", "command": ["sh", "-c", "echo bad words; exit 1"]},
    )
    out = project.rowlock("parallel", "-n", "2", "-s").stdout
    assert len(re.findall(r"^\[gw[01]\] good words$", out, re.M)) == 1
    assert len(re.findall(r"^\[gw[01]\] bad words$", out, re.M)) == 1
    assert out.count("bad words") == 1


def test_live_logs(project):
    project.write("pytest.ini", "[pytest]\nlog_cli = true\nlog_cli_level = INFO\n")
    for i in range(2):
        project.write(f"test_{i}.py", dedent(f"""
    import logging
    def test_log():
        logging.getLogger("a").info("live words {i}")
        print("captured")
    """))
    out = project.rowlock("parallel", "-n", "2").stdout
    for i in range(2):
        assert re.search(rf"^\[gw[01]\] INFO     a:test_{i}.py:4 live words {i}$", out, re.M)
    assert re.search(r"^\[gw[01]\] -+ live log call -+$", out, re.M)
    assert "captured" not in out
    assert max(map(len, out.split("\n"))) <= 80


def test_output_under_s_without_a_driver_goes_to_the_journal(project):
    project.write("pytest.ini", "[pytest]\naddopts = -s\n")
    project.write("test_s.py", "def test_s():\n    print('spoken')\n    assert 0\n")
    assert project.rowlock("generate").returncode == 0
    assert project.make("-f", ".rowlock/tests.mk").returncode != 0
    assert "spoken" in project.rowlock("report").stdout
    log = project.path(".rowlock/last/zygote.log")
    assert not log.exists() or "spoken" not in log.read_text()
    assert os.path.exists(project.path(".rowlock/last/journal"))


def test_names_are_seen_from_where_the_run_was_started(project):
    """As pytest has them: who copies one can type it there."""
    project.write("pytest.ini", "[pytest]\n")
    marked = "import pytest\n@pytest.mark.skip\ndef test_s(): pass\ndef test_f(): assert 0\n"
    for name in ("here/test_a.py", "here/below/test_b.py", "there/test_c.py"):
        project.write(name, marked)
    project.write("there/test_bad.py", "import nope\n")
    words = ("-v", "-rA", "--continue-on-collection-errors", ".", "../there")
    pattern = re.compile(r"^(?:\S+ )*?(\S*test_\w+\.py\S*)", re.M)
    here = project.path("here")

    def named(text):
        lines = [line for line in text.splitlines() if re.search("FAILED|SKIPPED|^ERROR ", line)]
        return {found[1] for found in map(pattern.search, lines) if found}

    ours = project.rowlock("parallel", "-n", "2", *words, cwd=here)
    plain = project.run([sys.executable, "-m", "pytest", "-p", "no:xdist", *words], cwd=here)
    assert named(ours.stdout) == named(plain.stdout)
    assert "../there/test_c.py::test_f" in named(ours.stdout)
    again = project.rowlock("parallel", "-n", "2", "below/test_b.py::test_f", cwd=here)
    assert "FAILED below/test_b.py::test_f" in again.stdout
