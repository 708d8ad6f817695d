"""Programs made with Google Test: what their tests come to, alone and together in one process,
compared with what the programs themselves say."""

import json
import shutil
import subprocess

import pytest

SUITE = r"""
#include <gtest/gtest.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

static bool is(const char *word)
{
    const char *mode = getenv("MODE");
    return mode && strcmp(mode, word) == 0;
}

static void say(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

TEST(Plain, Passes) { printf("no newline"); }
TEST(Plain, Fails) { fputs("to stderr\n", stderr); EXPECT_EQ(1, 2) << "not the same"; }
TEST(Plain, Skips) { GTEST_SKIP() << "no network"; }
TEST(Plain, DISABLED_Later) { FAIL(); }
TEST(Plain, Throws) { throw 3; }
TEST(Plain, Environment)
{
    EXPECT_EQ(getenv("GTEST_REPEAT"), nullptr);
    EXPECT_EQ(testing::TempDir(), std::string(getenv("TMPDIR")) + "/");
}

struct Numbers : testing::TestWithParam<int> {};
TEST_P(Numbers, AreOdd) { EXPECT_EQ(GetParam() % 2, 1); }
INSTANTIATE_TEST_SUITE_P(Some, Numbers, testing::Values(1, 2, 3));

template <class T> struct Typed : testing::Test {};
struct Names {
    template <class T> static std::string GetName(int i)
    {
        return "a-b::*?c d." + std::to_string(i);
    }
};
typedef testing::Types<int, double> Kinds;
TYPED_TEST_SUITE(Typed, Kinds, Names);
TYPED_TEST(Typed, Whole) { EXPECT_EQ((TypeParam)1 / 2, 0); }

struct SetUp : testing::Test { static void SetUpTestSuite() { FAIL() << "no database"; } };
TEST_F(SetUp, One) {}
TEST_F(SetUp, Two) {}
struct Down : testing::Test {
    static void TearDownTestSuite() { if (is("")) FAIL() << "still in use"; }
};
TEST_F(Down, One) {}
TEST_F(Down, Two) {}
struct Aborts : testing::Test { static void SetUpTestSuite() { if (is("")) abort(); } };
TEST_F(Aborts, One) {}
TEST_F(Aborts, Two) {}

struct Late : testing::Test {
    static void SetUpTestSuite() { if (is("stuck")) for (;;) pause(); }
    static void TearDownTestSuite() { if (is("stays")) for (;;) pause(); }
};
static bool late;
TEST_F(Late, One) {}
TEST_F(Late, Two) { late = true; }
struct Leaver {
    ~Leaver() { if (late && is("leaks")) _exit(23); if (late && is("falls")) abort(); }
} leaver;

TEST(Ends, Before) {}
TEST(Ends, Crashes) { if (is("")) { say("before the end\n"); raise(SIGSEGV); } }
TEST(Ends, Between) {}
TEST(Ends, Exits) { if (is("")) exit(0); }
TEST(Ends, Hangs) { if (is("")) for (say("hanging\n");;) pause(); }
TEST(Ends, Forks) { if (is("") && fork() == 0) { setsid(); sleep(300); _exit(0); } }
TEST(Ends, Closes) { close(1); }
TEST(EndsDeathTest, Dies) { EXPECT_DEATH({ fprintf(stderr, "oops\n"); abort(); }, "oops"); }

TEST(Forger, Before) {}
TEST(Forger, Forges)
{
#define OK "[       OK ] Forger.Forges (0 ms)\n"
#define GOOD "[ RUN      ] Forger.Good\n"
    if (is("bad")) say(OK GOOD "[  FAILED  ] Forger.Good (0 ms)\n");
    if (is("good")) { say(OK "[ RUN      ] Forger.Bad\n[       OK ] Forger.Bad (0 ms)\n"); FAIL(); }
    if (is("abort")) { say(OK GOOD); abort(); }
    if (is("exit")) {
        say(OK GOOD "[       OK ] Forger.Good (0 ms)\n[ RUN      ] Forger.Bad\n"
            "[       OK ] Forger.Bad (0 ms)\n[==========] 3 tests ran. (0 ms total)\n");
        _exit(0);
    }
    if (is("other")) say("[ RUN      ] No.Such\n[  FAILED  ] No.Such (0 ms)\n");
}
TEST(Forger, Good) {}
TEST(Forger, Bad) { FAIL() << "really"; }
"""

OWN_MAIN = r"""
#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (argc != 2 || strcmp(argv[1], "--own") != 0)
        return 9;
    printf("Own.\n");
    return RUN_ALL_TESTS() ? 3 : 0;
}
"""

# What each test comes to, in whatever company it runs.
EXPECTED = {
    "Plain.Passes": "passed",
    "Plain.Fails": "failed",
    "Plain.Skips": "skipped",
    "Plain.DISABLED_Later": "skipped",
    "Plain.Throws": "failed",
    "Plain.Environment": "passed",
    "Some/Numbers.AreOdd/0": "passed",
    "Some/Numbers.AreOdd/1": "failed",
    "Some/Numbers.AreOdd/2": "passed",
    "Typed/a-b::*?c d.0.Whole": "passed",
    "Typed/a-b::*?c d.1.Whole": "failed",
    "SetUp.One": "error",
    "SetUp.Two": "error",
    "Late.One": "passed",
    "Late.Two": "passed",
    "Ends.Before": "passed",
    "Ends.Between": "passed",
    "Ends.Closes": "passed",
    "EndsDeathTest.Dies": "passed",
    "Down.One": "passed",
    "Down.Two": "passed",
    "Aborts.One": "passed",
    "Aborts.Two": "passed",
    "Ends.Crashes": "passed",
    "Ends.Exits": "passed",
    "Ends.Hangs": "passed",
    "Ends.Forks": "passed",
    "Forger.Before": "passed",
    "Forger.Forges": "passed",
    "Forger.Good": "passed",
    "Forger.Bad": "failed",
}
# With an empty MODE.
HARSH = {
    "Ends.Crashes": "crashed",
    "Ends.Exits": "crashed",
    "Ends.Hangs": "timeout",
    "Aborts.One": "crashed",
    "Aborts.Two": "crashed",
    "Down.One": "error",
    "Down.Two": "error",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with the program, with gtest_main ("unit") and with a main of its own ("own")."""
    folder = tmp_path_factory.mktemp("gtest")
    if not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    probe = ["g++", "-fsyntax-only", "-include", "gtest/gtest.h", "-x", "c++", "/dev/null"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no libgtest-dev")
    for name, text in ("suite", SUITE), ("main", OWN_MAIN):
        (folder / f"{name}.cc").write_text(text)
        subprocess.run(["g++", "-O0", "-c", f"{name}.cc"], cwd=folder, check=True)
    for name, more in ("unit", "-lgtest_main"), ("own", "main.o"):
        link = ["g++", "-o", name, "suite.o", more, "-lgtest", "-pthread"]
        subprocess.run(link, cwd=folder, check=True)
    return folder


def describe(project, mode, *args, command=("unit",), **more):
    """Runs Rowlock on the program; its outcomes without the program's name."""
    suite = {"name": "u", "format": "gtest", "env": {"MODE": mode}, "timeout": 60, **more}
    suite["command"] = list(command)
    project.write("tests.json", json.dumps({"rowlock": 1, "suites": [suite]}))
    done = project.rowlock(*args, "--report-json", "report.json")
    return done, {test.removeprefix("u::"): o for test, o in project.outcomes().items()}


def say_themselves(program, env, *args):
    """The verdicts that the program's own report gives, whatever its process comes to."""
    report = program.parent / "own.json"
    subprocess.run(
        [program, *args, f"--gtest_output=json:{report}"], env=env, capture_output=True, timeout=60
    )
    said = {}
    for suite in json.loads(report.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            failed, ran = test.get("failures"), test["result"] == "COMPLETED"
            said[name] = "failed" if failed else "passed" if ran else "skipped"
    return said


def test_as_the_programs_say(project, programs):
    env = dict(project.env, MODE="calm")
    for name in "unit", "own":
        arguments = ["--own"] if name == "own" else []
        said = say_themselves(programs / name, env, *arguments)
        # Google Test skips these, and then its exit status says that they failed.
        said.update({"SetUp.One": "error", "SetUp.Two": "error"})
        assert said == EXPECTED
        foreign = {"GTEST_REPEAT": "2", "GTEST_FILTER": "-*", "GTEST_TOTAL_SHARDS": "2"}
        foreign.update(GTEST_OUTPUT="xml", GTEST_BRIEF="1", GTEST_SHARD_INDEX="0")
        project.env.update(foreign)
        command = [str(programs / name), *arguments, "--gtest_shuffle"]
        for args in ["sequential"], ["parallel", "-n", "2", "--dist", "worksteal"]:
            done, outcomes = describe(project, "calm", *args, command=command)
            assert done.returncode == 1 and outcomes == EXPECTED
        for key in foreign:
            del project.env[key]


def test_what_is_told_of_a_failure(project, programs):
    shutil.copy(programs / "unit", project.path("unit"))
    project.write(
        "tests.json",
        json.dumps(
            {
                "rowlock": 1,
                "suites": [
                    {"name": "u", "format": "gtest", "glob": "un*", "env": {"MODE": "calm"}}
                ],
            }
        ),
    )
    done = project.rowlock("parallel", "u/unit::Plain", "--report-json", "report.json")
    assert len(project.outcomes()) == 6
    assert "FAILED u/unit::Plain.Fails - Expected equality of these values: 1 2 not" in done.stdout
    tests = {test["id"]: test for test in project.report()["tests"]}
    fails = tests["u/unit::Plain.Fails"]
    assert fails["stdout"].startswith("to stderr\n") and "not the same" in fails["stdout"]
    assert tests["u/unit::Plain.Skips"]["message"] == "no network"
    done = project.rowlock("sequential", "u/unit::SetUp.Two", "u/unit::Some")
    assert "its SetUpTestSuite failed" in done.stdout and "no database" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("=") and "2 passed" in done.stdout
    assert project.rowlock("list", "u/unit", "-k", "DISABLED").stdout.count("\n") == 1


def test_ends_of_all_kinds(project, programs):
    command = [str(programs / "unit")]
    for args in ["sequential"], ["parallel", "-n", "2"]:
        done, outcomes = describe(project, "", *args, command=command, timeout=1)
        assert outcomes == {**EXPECTED, **HARSH}
        assert "before the end" in done.stdout and "hanging" in done.stdout
        assert "exit status 0 in the middle of the test" in done.stdout
    assert not project.processes()
    command.append("--gtest_filter=Down.*:Ends.F*")
    done, outcomes = describe(project, "", "sequential", command=command)
    assert outcomes == {"Down.One": "passed", "Down.Two": "error", "Ends.Forks": "passed"}
    assert "still in use" in done.stdout and "u::Ends.Forks left running" in done.stdout


def test_ends_outside_of_tests(project, programs):
    command = [str(programs / "unit"), "--gtest_filter=Late.*"]
    told = {
        "stuck": ("timeout", "timeout", "timed out after 0.3 s before the test began"),
        "stays": ("passed", "timeout", "timed out after 0.3 s behind the test"),
        "leaks": ("passed", "error", "exit status 23 behind the test, though no test failed"),
        "falls": ("passed", "crashed", "killed by SIGABRT behind the test"),
    }
    for mode, (one, two, text) in told.items():
        done, outcomes = describe(project, mode, "sequential", command=command, timeout=0.3)
        assert outcomes == {"Late.One": one, "Late.Two": two}, mode
        assert text in done.stdout and not project.processes()


def test_forged_lines_spoil_no_other_test(project, programs):
    command = [str(programs / "unit"), "--gtest_filter=Forger.*"]
    names = [name for name in EXPECTED if name.startswith("Forger.")]
    forger = {
        "bad": "passed",
        "good": "failed",
        "abort": "crashed",
        "exit": "crashed",
        "other": "passed",
    }
    for mode, own in forger.items():
        done, outcomes = describe(project, mode, "sequential", command=command)
        assert outcomes == {**{n: EXPECTED[n] for n in names}, "Forger.Forges": own}, mode
        total = sum(project.report()["summary"].get(o, 0) for o in ("passed", "failed", "crashed"))
        assert total == 4
        assert ("contradicts itself" in done.stdout) == (mode in ("bad", "good", "exit"))
    # What was taken back stays so when the run is read again.
    describe(project, "good", "sequential", "-x", command=command)
    done, outcomes = describe(project, "good", "sequential", "--resume", command=command)
    assert outcomes == {**{n: EXPECTED[n] for n in names}, "Forger.Forges": "failed"}
    assert "2 failed, 2 passed" in done.stdout


def test_reruns_and_a_first_failure(project, programs):
    command = [str(programs / "unit"), "--gtest_filter=Some/*:Plain.Fails:Ends.B*"]
    done, outcomes = describe(project, "calm", "sequential", "--reruns", "1", command=command)
    assert outcomes["Plain.Fails"] == "failed" and outcomes["Some/Numbers.AreOdd/2"] == "passed"
    assert done.stdout.count("RERUN") == 2 or "2 rerun" in done.stdout
    done, outcomes = describe(project, "calm", "sequential", "-x", command=command)
    assert list(outcomes.values()).count("failed") == 1
    assert "Some/Numbers.AreOdd/2" not in {k for k, v in outcomes.items() if v == "passed"}


def test_a_meson_project(project, programs):
    shutil.copy(programs / "unit", project.path("unit"))
    tests = "".join(
        f"test('{name}', unit, protocol: 'gtest', args: ['--gtest_filter={pattern}'], "
        f"env: ['MODE=calm'], should_fail: {'true' if name == 'inverse' else 'false'})\n"
        for name, pattern in {"good": "Ends.B*", "bad": "Plain.*", "inverse": "Plain.F*"}.items()
    )
    project.write("meson.build", f"project('p')\nunit = find_program('./unit')\n{tests}")
    assert project.run(["meson", "setup", "build"]).returncode == 0
    meson = project.run(["meson", "test", "-C", "build"]).stdout
    assert "bad FAIL" in " ".join(meson.split()) and "good OK" in " ".join(meson.split())
    project.rowlock("parallel", "--meson", "build", "--report-json", "report.json")
    outcomes = project.outcomes()
    assert outcomes.pop("inverse") == "xfailed"
    assert outcomes == {
        **{f"good::{name}": "passed" for name in ("Ends.Before", "Ends.Between")},
        **{f"bad::{name}": o for name, o in EXPECTED.items() if name.startswith("Plain.")},
    }


def test_a_program_that_lists_nothing(project):
    project.script("not-google", "exit 0")
    project.script("broken", "echo cannot open the display >&2; exit 3")
    tests = [
        {"id": "none", "format": "gtest", "command": ["./absent"]},
        {"id": "bad", "format": "gtest", "command": ["./broken"]},
    ]
    suite = {"name": "u", "format": "gtest", "glob": "not-*"}
    project.write("tests.json", json.dumps({"rowlock": 1, "suites": [suite], "tests": tests}))
    done = project.rowlock("parallel", "--report-json", "report.json")
    assert project.outcomes() == {"none": "error", "bad": "error", "u/not-google": "error"}
    assert "cannot open the display" in done.stdout and "is it made with Google Test" in done.stdout
    tests[0]["will_fail"] = True
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    done = project.rowlock("list")
    assert done.returncode == 4 and "will_fail" in done.stderr
