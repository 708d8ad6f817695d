"""The tests of CMake and Meson build folders: the verdicts of ctest and Meson, test by test."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET

import meson_points
import needs
import pytest

CMAKE_HEAD = """cmake_minimum_required(VERSION 3.20)
project(p LANGUAGES NONE)
enable_testing()
function(t name script)
  add_test(NAME "${name}" COMMAND sh -c "${script}")
  set(i 2)
  while(i LESS ARGC)
    math(EXPR v "${i} + 1")
    set_property(TEST "${name}" PROPERTY "${ARGV${i}}" "${ARGV${v}}")
    math(EXPR i "${i} + 2")
  endwhile()
endfunction()
"""

# Everything that decides a verdict, each with WILL_FAIL off and on.
VERDICTS = r"""
foreach(w OFF ON)
  t(pass_${w} "echo hello" WILL_FAIL ${w})
  t(fail_${w} "echo hello; false" WILL_FAIL ${w})
  t(term_${w} "kill -TERM $$" WILL_FAIL ${w})
  t(timeout_${w} "sleep 30" WILL_FAIL ${w} TIMEOUT 0.2)
  t(skip_${w} "(exit 7)" WILL_FAIL ${w} SKIP_RETURN_CODE 7)
  t(skip_zero_${w} "true" WILL_FAIL ${w} SKIP_RETURN_CODE 0)
  t(skip_signal_${w} "kill -SEGV $$" WILL_FAIL ${w} SKIP_RETURN_CODE 11)
  t(seventy_seven_${w} "(exit 77)" WILL_FAIL ${w})
  t(no_folder_${w} "true" WILL_FAIL ${w} WORKING_DIRECTORY /nonexistent)
  t(no_file_${w} "true" WILL_FAIL ${w} REQUIRED_FILES /nonexistent)
  t(disabled_${w} "false" WILL_FAIL ${w} DISABLED ON)
  foreach(k PASS FAIL SKIP)
    foreach(m hello nomatch)
      t(echo_${w}_${k}_${m} "echo hello" WILL_FAIL ${w} ${k}_REGULAR_EXPRESSION ${m})
      t(false_${w}_${k}_${m} "echo hello; false" WILL_FAIL ${w} ${k}_REGULAR_EXPRESSION ${m})
      t(crash_${w}_${k}_${m} "echo hello; kill -SEGV $$" WILL_FAIL ${w}
        ${k}_REGULAR_EXPRESSION ${m})
      t(clock_${w}_${k}_${m} "echo hello; sleep 30" WILL_FAIL ${w} ${k}_REGULAR_EXPRESSION ${m}
        TIMEOUT 0.2)
    endforeach()
  endforeach()
  t(pass_and_fail_${w} "echo hello" WILL_FAIL ${w}
    PASS_REGULAR_EXPRESSION hello FAIL_REGULAR_EXPRESSION hello)
  t(pass_and_skip_${w} "echo hello" WILL_FAIL ${w}
    PASS_REGULAR_EXPRESSION hello SKIP_REGULAR_EXPRESSION hello)
  t(fail_and_skip_${w} "echo hello" WILL_FAIL ${w}
    FAIL_REGULAR_EXPRESSION hello SKIP_REGULAR_EXPRESSION hello)
  t(pass_and_code_${w} "echo hello; (exit 4)" WILL_FAIL ${w}
    PASS_REGULAR_EXPRESSION hello SKIP_RETURN_CODE 4)
  t(standard_error_${w} "echo hello >&2" WILL_FAIL ${w} PASS_REGULAR_EXPRESSION hello)
endforeach()
"""

# Each line: the output, the expression. A match is a pass.
EXPRESSIONS = [
    ("a{2}", "a{2}"),
    ("aa", "a{2}"),
    ("x.y", r"x\\.y"),
    ("xzy", r"x\\.y"),
    ("w", r"\\w"),
    ("n", r"\\n"),
    ("b1", "^[a-c][0-9]$"),
    ("b1 ", "^[a-c][0-9].$"),
    ("]", "^[]].$"),
    ("a-b", "a[-x]b"),
    ("a^b", "a[x^]b"),
    ("a^b", "a[^^]b"),
    ("q^b", "q[\\^]b"),
    ("word", "[[:alpha:]]"),
    ("a:]", "[[:alpha:]]"),
    ("abab", "^(ab)+.$"),
    ("one\\ntwo", "one.two"),
    ("one\\ntwo", "^two"),
    ("one\\ntwo", "one$"),
    ("one\\ntwo", "one[^x]two"),
    ("gray", "gr(a|e)y"),
    ("grey", "gr(a|e)y"),
    ("gry", "gr[ae]?y"),
    ("a|b", r"a\\|b"),
    ("(x)", r"\\(x\\)"),
    ("ä", "^ä.$"),
    ("path/to", "path\\/to"),
]

GRAPH = """
t(set_fails false FIXTURES_SETUP F1)
t(use_failed true FIXTURES_REQUIRED F1)
t(clean_failed true FIXTURES_CLEANUP F1)
t(set_skips "(exit 4)" FIXTURES_SETUP F2 SKIP_RETURN_CODE 4)
t(use_skipped true FIXTURES_REQUIRED F2)
t(set_disabled true FIXTURES_SETUP F3 DISABLED ON)
t(use_disabled true FIXTURES_REQUIRED F3)
t(set_lacks true FIXTURES_SETUP F4 REQUIRED_FILES /nonexistent)
t(use_lacking true FIXTURES_REQUIRED F4)
t(depends_on_failed true DEPENDS set_fails)
t(depends_on_nothing true DEPENDS nobody)
t(file_in_folder true WORKING_DIRECTORY /etc REQUIRED_FILES passwd)
t(file_elsewhere true WORKING_DIRECTORY /etc REQUIRED_FILES CMakeCache.txt)
t(use_unknown true FIXTURES_REQUIRED NOBODY)
t(chained true FIXTURES_REQUIRED F5)
t(set_chained true FIXTURES_SETUP F5 FIXTURES_REQUIRED F1)
t(set_env [=[test "$A:$B:${C-none}:$D" = "1:x y:none:pre:mid:post"]=]
  ENVIRONMENT "A=1;B=x y;C=3;D=mid"
  ENVIRONMENT_MODIFICATION "C=unset:;D=path_list_append:post;D=path_list_prepend:pre")
t(reset_env [=[test "$A:$L:$S" = "1:b;a:ab"]=] ENVIRONMENT "A=1;L=a"
  ENVIRONMENT_MODIFICATION
  "A=set:9;A=reset:;L=cmake_list_prepend:b;S=string_append:b;S=string_prepend:a"
)
t(not_interactive [=[test "$CTEST_INTERACTIVE_DEBUG_MODE" = 1]=])
t(interactive [=[test "$CTEST_INTERACTIVE_DEBUG_MODE" = 0]=]
  ENVIRONMENT "CTEST_INTERACTIVE_DEBUG_MODE=0")
t(never_interactive [=[test "${CTEST_INTERACTIVE_DEBUG_MODE-none}" = none]=]
  ENVIRONMENT_MODIFICATION "CTEST_INTERACTIVE_DEBUG_MODE=unset:")
t(path_is_kept "ls >/dev/null" ENVIRONMENT_MODIFICATION "PATH=path_list_prepend:/nonexistent")
t(folder_is_build [=[test -f CMakeCache.txt]=])
"""

# What ctest says (status in its JUnit report, which tells failures apart by nothing else).
AS_CTEST = {
    "passed": "run",
    "failed": "fail",
    "crashed": "fail",
    "timeout": "fail",
    "error": "fail",
    "skipped": "notrun",
}


def build(project, text, folder="build"):
    project.write("CMakeLists.txt", CMAKE_HEAD + text)
    where = project.path(folder)
    done = subprocess.run(
        ["cmake", "-S", project.path("."), "-B", where], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return where


def ctest_verdicts(where):
    """Name: run, fail, notrun; a test that ctest could not run counts as failed, as it does."""
    log = subprocess.run(
        ["ctest", "-j8", "--output-junit", "junit.xml"], cwd=where, capture_output=True, text=True
    ).stdout
    failed = {
        line.split(" - ")[1].split(" (")[0]
        for line in log.partition("The following tests FAILED:")[2].splitlines()
        if " - " in line
    }
    known = {}
    for case in ET.parse(where / "junit.xml").getroot().iter("testcase"):
        status = case.get("status")
        name = case.get("name")
        known[name] = "fail" if name in failed else "notrun" if status == "disabled" else status
    return known


def our_verdicts(project, *words):
    done = project.rowlock("parallel", "-n", "4", "--report-json", "report.json", *words)
    return {t["id"]: t["outcome"] for t in project.report()["tests"]}, done


@needs.cmake
@pytest.mark.parametrize("text", [VERDICTS, GRAPH], ids=["verdicts", "graph"])
def test_verdicts_are_those_of_ctest(project, text):
    where = build(project, text.replace("$$", r"\$\$"))
    theirs = ctest_verdicts(where)
    ours, done = our_verdicts(project, "--ctest", "build")
    assert len(theirs) > 15
    assert {name: AS_CTEST[o] for name, o in ours.items()} == theirs
    assert done.returncode == 1
    if text is VERDICTS:
        assert ours["term_ON"] == "crashed" and ours["timeout_ON"] == "timeout"
        assert ours["no_file_OFF"] == "error"
    else:
        assert "1 test has a name in DEPENDS that no test bears" in done.stderr


@needs.cmake
def test_expressions_are_those_of_cmake(project):
    lines = [
        f"t({i} \"printf '%b\\\\n' '{out}'\" PASS_REGULAR_EXPRESSION [=[{rx}]=])".replace(
            "\\\\\\\\", "\\\\"
        )
        for i, (out, rx) in enumerate(EXPRESSIONS)
    ]
    where = build(project, "\n".join(lines))
    theirs = ctest_verdicts(where)
    ours, _ = our_verdicts(project, "--ctest", "build")
    assert {name: AS_CTEST[o] for name, o in ours.items()} == theirs
    assert set(theirs.values()) == {"run", "fail"}


@needs.cmake
def test_an_expression_that_cmake_refuses_is_named(project):
    build(project, "t(a true PASS_REGULAR_EXPRESSION [=[a**]=])\nt(b true)")
    ours, done = our_verdicts(project, "--ctest", "build")
    assert ours == {"a": "error", "b": "passed"}
    assert "its PASS_REGULAR_EXPRESSION 'a**' cannot be used" in done.stdout


@needs.cmake
def test_output_is_matched_however_long_it_is(project):
    flood = "yes xxxxxxxxxxxxxxx | head -c 5000000"
    build(
        project,
        f't(middle "{flood}; echo needle; {flood}" PASS_REGULAR_EXPRESSION needle)\n'
        f't(start "echo needle; {flood}" PASS_REGULAR_EXPRESSION "^needle")\n'
        f't(not_start "{flood}; echo needle; {flood}" PASS_REGULAR_EXPRESSION "^needle")\n',
    )
    ours, _ = our_verdicts(project, "--ctest", "build")
    assert ours == {"middle": "passed", "start": "passed", "not_start": "failed"}


@needs.cmake
def test_choosing_a_test_brings_its_fixtures(project):
    build(
        project,
        """
t(up "echo up >>log" FIXTURES_SETUP F)
t(use "test -f log" FIXTURES_REQUIRED F LABELS "nightly;net")
t(down "rm log" FIXTURES_CLEANUP F)
t(other true LABELS net)
""",
    )
    for words, chosen in [
        (["-k", "use"], {"up", "use", "down"}),
        (["use"], {"up", "use", "down"}),
        (["-m", "net and not nightly"], {"other"}),
        (["-m", "nightly"], {"up", "use", "down"}),
    ]:
        ours, done = our_verdicts(project, "--ctest", "build", *words)
        assert set(ours) == chosen and done.returncode == 0


@needs.cmake
def test_what_cannot_be_honoured_is_named(project):
    build(
        project,
        """
t(a true PROCESSOR_AFFINITY ON MEASUREMENT "m=1" ATTACHED_FILES f)
t(b true TIMEOUT_AFTER_MATCH "5;x" RESOURCE_GROUPS "gpus:1")
""",
    )
    _, done = our_verdicts(project, "--ctest", "build")
    for word in (
        "PROCESSOR_AFFINITY",
        "MEASUREMENT",
        "ATTACHED_FILES",
        "TIMEOUT_AFTER_MATCH",
        "RESOURCE_GROUPS",
    ):
        assert f"1 test has {word}" in done.stderr


@needs.cmake
def test_bad_build_folders(project):
    def refused(*words):
        done = project.rowlock("parallel", "--ctest", *words)
        assert done.returncode == 4
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    project.write("empty/file", "")
    assert "no CTestTestfile.cmake there" in refused("empty")
    project.write("broken/CTestTestfile.cmake", "add_test(a")
    assert "Parse error" in refused("broken")
    project.write(
        "circle/CTestTestfile.cmake",
        "add_test(a true)\nadd_test(b true)\nadd_test(c true)\n"
        "set_tests_properties(a PROPERTIES DEPENDS b)\n"
        "set_tests_properties(b PROPERTIES DEPENDS c)\n"
        "set_tests_properties(c PROPERTIES DEPENDS a)\n",
    )
    assert "'a' -> 'b' -> 'c' -> 'a'" in refused("circle")
    project.write("unbuilt/CTestTestfile.cmake", "add_test(a no-such-program)\n")
    ours, done = our_verdicts(project, "--ctest", "unbuilt")
    assert ours == {"a": "error"}
    assert "ctest finds no program for it; build it (cmake --build" in done.stdout


# What decides which tests run side by side, and in which order: each writes down its start and end.
SCHEDULE = """
function(u name)
  t(${name} "echo +${name} >>$ENV{LOG}; sleep 0.1; echo -${name} >>$ENV{LOG}" ${ARGN})
endfunction()
u(cheap COST 1)
u(dear COST 100)
u(dearer COST 200)
u(lock_a)
u(lock_b RESOURCE_LOCK db)
u(lock_c RESOURCE_LOCK net)
u(behind)
u(alone RUN_SERIAL ON)
u(wide PROCESSORS 2)
u(wider PROCESSORS 9)
u(plain_1)
u(plain_2)
set_property(TEST lock_a PROPERTY RESOURCE_LOCK db net)
set_property(TEST behind PROPERTY DEPENDS lock_c plain_1)
"""


def side_by_side(log):
    """The names in the order of their starts, and for each those that ran beside it. Of two workers
    one may be slow to write: a test is sure to stand behind only one of two that started first."""
    order, now, beside = [], set(), {}
    for line in log.read_text().split():
        name = line[1:]
        if line[0] == "-":
            now.remove(name)
            continue
        order.append(name)
        beside[name] = set(now)
        for other in now:
            beside[other].add(name)
        now.add(name)
    log.unlink()
    return order, beside


def check_schedule(log):
    order, beside = side_by_side(log)
    assert len(order) == 12
    assert beside["alone"] == beside["wide"] == beside["wider"] == set()
    assert not beside["lock_a"] & {"lock_b", "lock_c"}
    assert all(order.index("behind") > order.index(name) for name in ("lock_c", "plain_1"))
    assert not beside["behind"] & {"lock_c", "plain_1"}
    assert order.index("cheap") > min(order.index("dear"), order.index("dearer"))
    assert any(beside.values())


@needs.cmake
def test_the_schedule_is_that_of_ctest(project):
    log = project.path("log")
    build(project, SCHEDULE.replace("$ENV{LOG}", str(log)))
    subprocess.run(["ctest", "-j2"], cwd=project.path("build"), capture_output=True, check=True)
    check_schedule(log)
    done = project.rowlock("parallel", "-n", "2", "--ctest", "build")
    assert done.returncode == 0
    assert "the weight of 'wider', 9, is more than the 2 workers; it runs as 2" in done.stderr
    check_schedule(log)
    listed = json.loads(project.rowlock("list", "--json", "--ctest", "build").stdout)["tests"]
    facts = {t["id"]: (t["locks"], t["serial"], t["weight"], t["after"]) for t in listed}
    assert facts["lock_a"] == (["db", "net"], False, 1, [])
    assert facts["alone"] == ([], True, 1, [])
    assert facts["wide"] == ([], False, 2, [])
    assert facts["behind"] == ([], False, 1, ["lock_c", "plain_1"])


# Long ones last, so that no order but that of known durations begins with them.
WITHOUT_HISTORY = """
t("plain" true)
t("with space" true)
t("short" true)
t("named dearest" true COST 500)
t("long" true)
"""


def planned(project, *words):
    """The ids in the order in which their groups start."""
    done = project.rowlock("parallel", "-n", "2", "--dry-run", *words)
    assert done.returncode == 0
    return re.findall(r"^    t\d+ (.+)$", done.stdout, re.M)


def put_durations(path, pattern, seconds):
    """Changes what the tool itself has measured: "{}" in the pattern is a name."""
    text = path.read_text()
    for name, value in seconds.items():
        text, n = re.subn(pattern.format(name), rf"\g<1>{value}", text)
        assert n == 1, (name, text)
    path.write_text(text)


@needs.cmake
def test_what_ctest_remembers_orders_a_run_without_a_history(project):
    build(project, WITHOUT_HISTORY)
    assert planned(project, "--ctest", "build")[0] == "named dearest"
    subprocess.run(["ctest"], cwd=project.path("build"), capture_output=True, check=True)
    costs = project.path("build/Testing/Temporary/CTestCostData.txt")
    seconds = {"plain": 5, "with space": 70, "short": 1, "named dearest": 0, "long": 90}
    put_durations(costs, r"(?m)^({} 1 ).*$", seconds)
    by_costs = ["named dearest", "long", "with space", "plain", "short"]
    assert planned(project, "--ctest", "build") == by_costs
    # What a run of ours has shown goes before it, and before COST, whose unit is anything.
    assert project.rowlock("parallel", "--ctest", "build").returncode == 0
    history = sqlite3.connect(project.path(".rowlock/history.db"))
    with history:
        history.execute(
            "UPDATE result SET seconds = (SELECT 99 - length(name) FROM test WHERE id = test)"
        )
    history.close()
    by_history = ["long", "plain", "short", "with space", "named dearest"]
    assert planned(project, "--ctest", "build") == by_history
    # A file that says nothing, or is none, changes nothing.
    shutil.rmtree(project.path(".rowlock"))
    costs.write_bytes(b"long 1 nan\nlong 1 1e99\nlong 0 9\nlong\n \n\xff\x00 1 2\n---\nlong 1 5\n")
    assert planned(project, "--ctest", "build")[:2] == ["named dearest", "plain"]
    costs.unlink()
    os.mkfifo(costs)
    assert planned(project, "--ctest", "build")[:2] == ["named dearest", "plain"]


def test_a_tool_that_is_missing(project, tmp_path):
    project.write("build/CTestTestfile.cmake", "")
    (tmp_path / "bin").mkdir()
    make = shutil.which("make") or "make"
    (tmp_path / "bin" / "make").symlink_to(make)
    done = project.rowlock("parallel", "--ctest", "build", env={"PATH": str(tmp_path / "bin")})
    assert done.returncode == 4
    assert "ctest: no such program; install CMake" in done.stderr


MESON = """project('p')
sh = find_program('sh')
scripts = {
  'ok': 'exit 0', 'fails': 'exit 1', 'skips': 'exit 77', 'error': 'exit 99',
  'crash': 'kill -SEGV $$', 'slow': 'sleep 30',
}
foreach name, script : scripts
  foreach bad : [false, true]
    test(name + '_' + bad.to_string(), sh, args: ['-c', script], should_fail: bad, timeout: 1)
  endforeach
endforeach
taps = {
  'good': 'echo 1..1; echo ok 1', 'bad': 'echo 1..1; echo not ok 1',
  'bad_exit': 'echo 1..1; echo not ok 1; exit 1', 'good_exit': 'echo 1..1; echo ok 1; exit 1',
  'all_skipped': 'echo "1..0 # SKIP no"', 'todo': 'echo 1..1; echo "not ok 1 # TODO x"',
}
foreach name, script : taps
  foreach bad : [false, true]
    test('tap_' + name + '_' + bad.to_string(), sh, args: ['-c', script], should_fail: bad,
         protocol: 'tap')
  endforeach
endforeach
@POINTS@
test('gtest', sh, args: ['-c', 'exit 0'], protocol: 'gtest')
test('gtest_fails', sh, args: ['-c', 'exit 1'], protocol: 'gtest')
e = environment()
e.set('A', 'x y')
e.append('PATH', '/behind', separator: ':')
e.prepend('PATH', '/before')
test('env', sh, args: ['-c', 'case "$A:$PATH" in "x y:/before:"*":/behind") ls;; *) exit 1; esac'],
     env: e)
test('workdir', sh, args: ['-c', 'test "$PWD" = /etc'], workdir: '/etc')
test('in_build', sh, args: ['-c', 'test -d meson-info'])
test('perturb', sh, args: ['-c', 'test -n "$MALLOC_PERTURB_"'])
test('endless', sh, args: ['-c', 'exit 0'], timeout: 0)
test('twin', sh, args: ['-c', 'exit 0'], suite: 'fast', is_parallel: false)
test('twin', sh, args: ['-c', 'exit 0'], suite: ['fast', 'net'], priority: 5)
"""

AS_MESON = {
    "passed": {"OK"},
    "failed": {"FAIL", "UNEXPECTEDPASS"},
    "crashed": {"FAIL", "ERROR"},
    "error": {"ERROR"},
    "skipped": {"SKIP"},
    "timeout": {"TIMEOUT"},
    "xfailed": {"EXPECTEDFAIL"},
}


def setup_meson(project, text):
    project.write("meson.build", text)
    command = ["meson", "setup", project.path("build"), project.path(".")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return project.path("build")


@needs.meson
def test_verdicts_are_those_of_meson(project):
    where = setup_meson(project, MESON.replace("@POINTS@", meson_points.tests()))
    subprocess.run(["meson", "test"], cwd=where, capture_output=True, timeout=120)
    theirs = {}
    for line in (where / "meson-logs" / "testlog.json").read_text().splitlines():
        case = json.loads(line)
        theirs.setdefault(case["name"].split(":")[-1].split("/ ")[-1].strip(), case["result"])
    ours, done = our_verdicts(project, "--meson", "build")
    assert ours.pop("twin#2") == "passed"
    assert len(theirs) > 30 and set(ours) == set(theirs)
    wrong = {n: (o, theirs[n]) for n, o in ours.items() if theirs[n] not in AS_MESON[o]}
    assert wrong == {}
    assert ours["fails_true"] == "xfailed" and ours["ok_true"] == "failed"
    assert ours["env"] == "passed"
    assert done.stderr == ""
    chosen, done = our_verdicts(project, "--meson", "build", "-m", "net")
    assert set(chosen) == {"twin"} and done.returncode == 0


# A Meson of which the test says what it keeps of each test: other versions name it otherwise.
OTHER_MESON = """
class Env:
    def get_env(self, env):
        return {**env, "PL": env["PL"] + ":a"}

class Kept:
    def __init__(self, name, env=True, **facts):
        self.name = name
        self.__dict__.update(facts)
        if env:
            self.env = Env()
"""

# Name: the command, what Meson keeps, the outcome.
OTHER_TESTS = {
    "old": ("exit 1", {"should_fail": True}, "xfailed"),
    "new": ("exit 1", {"expected_fail": True, "expected_exitcode": None}, "xfailed"),
    "new_passes": ("exit 0", {"expected_fail": True, "expected_exitcode": None}, "failed"),
    "status": ("exit 3", {"expected_fail": False, "expected_exitcode": 3}, "passed"),
    "skip_status": ("exit 77", {"expected_fail": False, "expected_exitcode": 77}, "passed"),
    "skips": ("exit 77", {"expected_fail": False, "expected_exitcode": 3}, "skipped"),
    "no_status": ("exit 0", {"expected_fail": False, "expected_exitcode": 3}, "failed"),
    "status_fails": ("exit 3", {"expected_fail": True, "expected_exitcode": 3}, "failed"),
    "signal": ("kill -SEGV $$", {"expected_fail": False, "expected_exitcode": -11}, "passed"),
    "dies": ("kill -TERM $$", {"expected_fail": False, "expected_exitcode": -11}, "crashed"),
    "newest": ('test "$PL" = x:a', {}, "passed"),
    "no_env": ('test "$PL" = x', {"env": False, "expected_fail": False}, "passed"),
}


def test_what_other_versions_of_meson_keep(project):
    listed = [{"name": n, "cmd": ["sh", "-c", t[0]], "env": {}} for n, t in OTHER_TESTS.items()]
    script = f"#!{sys.executable}\nprint({json.dumps(json.dumps(listed))})\n"
    project.write("bin/meson", script).chmod(0o755)
    project.write("lib/mesonbuild/mtest.py", OTHER_MESON)
    project.write("build/meson-info/meson-info.json", "{}")
    data = project.write("build/meson-private/meson_test_setup.dat", "")
    facts = {name: facts for name, (_, facts, _) in OTHER_TESTS.items()}
    make = (
        "import pickle, mesonbuild.mtest as m\n"
        f"tests = [m.Kept(name, **facts) for name, facts in {facts!r}.items()]\n"
        f"pickle.dump(tests, open({str(data)!r}, 'wb'))\n"
    )
    env = {"PATH": f"{project.path('bin')}:{os.environ['PATH']}", "PL": "x"}
    env["PYTHONPATH"] = str(project.path("lib"))
    done = project.run([sys.executable, "-c", make], env=env)
    assert done.returncode == 0, done.stderr
    words = ["parallel", "--meson", "build", "--report-json", "report.json"]
    done = project.rowlock(*words, env=env)
    assert project.outcomes() == {name: outcome for name, (_, _, outcome) in OTHER_TESTS.items()}
    assert "exit status 0, where 3 was expected" in done.stdout
    notes = [line for line in done.stderr.splitlines() if "is judged without" in line]
    assert len(notes) == 2
    assert "the test newest is judged without its expected_fail" in notes[0]
    assert "the test no_env is judged without variables that are extended" in notes[1]


@needs.meson
def test_the_schedule_is_that_of_meson(project):
    log = project.path("log")
    lines = [
        f"test('{name}', sh, args: ['-c', 'echo +{name} >>{log}; sleep 0.1; echo -{name} >>{log}']"
        + f"{more})"
        for name, more in [
            ("last", ", priority: -5"),
            ("usual", ""),
            ("other", ""),
            ("first", ", priority: 9"),
            ("second", ", priority: 8"),
            ("alone", ", is_parallel: false"),
        ]
    ]
    where = setup_meson(project, "\n".join(["project('p')", "sh = find_program('sh')", *lines]))
    command = ["meson", "test", "--num-processes=2"]
    subprocess.run(command, cwd=where, capture_output=True, check=True)
    theirs = side_by_side(log)
    assert project.rowlock("parallel", "-n", "2", "--meson", "build").returncode == 0
    for order, beside in theirs, side_by_side(log):
        parallel = [name for name in order if name != "alone"]
        assert parallel[0] in ("first", "second") and parallel.index("last") >= 3
        assert beside["alone"] == set() and any(beside.values())


@needs.meson
def test_what_meson_has_logged_orders_a_run_without_a_history(project):
    setup_meson(
        project,
        "project('p')\nsh = find_program('sh')\n"
        "foreach name, suite : {'plain': '', 'a / b': [], 'long': ['x', 'y'], 'short': 'x'}\n"
        "  test(name, sh, args: ['-c', 'exit 0'], suite: suite)\n"
        "endforeach\n"
        "test('short', sh, args: ['-c', 'exit 1'], suite: 'z', should_fail: true)\n",
    )
    ran = subprocess.run(["meson", "test", "-C", "build"], cwd=project.root, capture_output=True)
    assert ran.returncode == 0, ran
    log = project.path("build/meson-logs/testlog.json")
    seconds = [5, 70, 90, 1, 80]
    names = ["p / plain", "a / b", r"p:x\+y / long", "p:x / short", "p:z / short"]
    put_durations(log, r'(?m)^(\{{"name": "{}".*"duration": )[0-9.e-]+', dict(zip(names, seconds)))
    assert planned(project, "--meson", "build") == ["long", "short#2", "a / b", "plain", "short"]
    log.write_text('{"name": "p / plain", "duration": "x"}\n[\n' + "[" * 5000 + "\n")
    assert planned(project, "--meson", "build")[0] == "plain"


@needs.meson
def test_build_folders_in_tests_json(project):
    # Suites and labels of build tools are not registered anywhere.
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers\n")
    setup_meson(project, "project('p')\ntest('a', find_program('true'))\n")
    if shutil.which("ctest"):
        label = "set_tests_properties(a PROPERTIES LABELS slow)\n"
        project.write("cm/CTestTestfile.cmake", f"add_test(a true)\n{label}")
    suites = [{"name": "m", "format": "meson", "build": "build"}]
    suites += [{"name": "c", "format": "ctest", "build": "cm"}] * bool(shutil.which("ctest"))
    project.write("tests.json", json.dumps({"rowlock": 1, "suites": suites}))
    ours, done = our_verdicts(project)
    assert set(ours) == {s["name"] + "/a" for s in suites}
    assert set(ours.values()) == {"passed"} and done.returncode == 0
    # A folder that the command line names, too, is read once.
    twice = our_verdicts(project, "--meson", "./build/")[0]
    assert set(twice) == {"a"} | set(ours) - {"m/a"}


@needs.meson
def test_a_folder_that_meson_cannot_read(project):
    where = setup_meson(project, "project('p')\ntest('a', find_program('true'))\n")
    (where / "meson-info" / "intro-tests.json").write_text("{")
    done = project.rowlock("parallel", "--meson", "build")
    assert done.returncode == 4 and done.stderr.count("\n") == 1
    assert "meson ended with exit code 2: json.decoder.JSONDecodeError: " in done.stderr


def test_a_folder_that_meson_has_not_made(project):
    project.write("empty/file", "")
    done = project.rowlock("parallel", "--meson", "empty")
    assert done.returncode == 4
    assert "no meson-info there; name a build folder that 'meson setup' has made" in done.stderr
