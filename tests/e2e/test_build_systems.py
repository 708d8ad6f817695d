"""What Rowlock gives build systems: ROWLOCK_CHECK for Autoconf, rowlock_add_targets for CMake."""

import os
import pathlib
import re
import shutil

import needs

import pytest

pytestmark = pytest.mark.slow  # each configures whole projects

TOP = pathlib.Path(__file__).resolve().parents[2]


@needs.autoconf
def test_autoconf(project):
    """One configure for each use of the macro that differs; each is run in all ways."""
    version = project.rowlock("--version").stdout.split()[1]
    nothing = dict(project.env, PATH=os.defpath)
    shutil.copy(TOP / "m4" / "rowlock.m4", project.path("rowlock.m4"))
    project.write("out.in", "@ROWLOCK@|@ROWLOCK_VERSION@|@found@\n")

    def configure(check):
        project.write(
            "configure.ac",
            "AC_INIT([p], [1])\nm4_include([rowlock.m4])\nm4_pattern_forbid([^ROWLOCK_CHECK])\n"
            f"found=\n{check}\nAC_SUBST([found])\nAC_CONFIG_FILES([out])\nAC_OUTPUT\n",
        )
        made = project.run(["autoconf", "-f", "-Wall"])
        assert made.returncode == 0 and not made.stderr, made

    def run(*words, env=None):
        done = project.run(["./configure", *words], env=env)
        return done, project.path("out").read_text().strip().split("|")

    configure("ROWLOCK_CHECK([0.1], [found=yes], [found=no])")
    done, out = run()
    assert done.returncode == 0 and out == [project.program, version, "yes"], done
    assert run("--without-rowlock")[1] == ["", "", "no"]
    assert run(f"ROWLOCK={project.program}", env=nothing)[1] == [project.program, version, "yes"]
    assert run(f"--with-rowlock={project.program}", env=nothing)[1] == [
        project.program,
        version,
        "yes",
    ]
    assert run(env=nothing)[1] == ["", "", "no"]
    fake = project.script("fake", "echo rowing 3")
    assert run(f"--with-rowlock={fake}")[1] == ["", "", "no"]
    assert "--with-rowlock=PROGRAM" in run("--help")[0].stdout

    configure("ROWLOCK_CHECK([99.0])")
    done, out = run()
    assert done.returncode == 0 and out == ["", "", ""], done
    assert "99.0 or newer is needed" in done.stderr
    done, _ = run("--with-rowlock")
    assert done.returncode == 1 and "--with-rowlock was given, but" in done.stderr, done
    done, _ = run(env=nothing)
    assert "install it or give ROWLOCK=PROGRAM" in done.stderr, done


def target(project, name):
    return project.run(["cmake", "--build", "build", "--target", name])


@needs.cmake
def test_cmake(project):
    module = TOP / "templates" / "cmake" / "rowlock-config.cmake"
    project.write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.16)\nproject(p LANGUAGES NONE)\nenable_testing()\n"
        "find_package(rowlock REQUIRED CONFIG)\n"
        "add_custom_target(thing COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/thing)\n"
        "add_test(NAME one COMMAND ${CMAKE_COMMAND} -E cat ${CMAKE_BINARY_DIR}/thing)\n"
        "add_test(NAME two COMMAND false)\n"
        "set_tests_properties(one PROPERTIES LABELS unit)\n"
        "rowlock_add_targets(PREFIX r- DEPENDS thing ARGS -v --report-json 'a$b')\n",
    )
    configured = project.run(["cmake", "-S", ".", "-B", "build", f"-Drowlock_DIR={module.parent}"])
    assert configured.returncode == 0, configured
    unit = target(project, "r-test-unit-parallel")
    assert unit.returncode == 0 and re.search(r"\b1 passed\b", unit.stdout), unit
    assert project.outcomes("'a$b'") == {"one": "passed"}
    both = target(project, "r-test-parallel")
    assert both.returncode != 0 and "1 failed, 1 passed" in both.stdout, both

    missing = project.run(
        ["cmake", "-S", ".", "-B", "build", "-DROWLOCK_EXECUTABLE=ROWLOCK_EXECUTABLE-NOTFOUND"],
        env={"PATH": os.defpath},
    )
    assert missing.returncode != 0 and "-DROWLOCK_EXECUTABLE=FILE" in missing.stderr, missing
    text = project.path("CMakeLists.txt").read_text()
    project.write(
        "CMakeLists.txt",
        text.replace("find_package(rowlock REQUIRED CONFIG)", f"include({module})"),
    )
    included = project.run(["cmake", "-S", ".", "-B", "build"], env={"PATH": os.defpath})
    assert included.returncode == 0, included
    failed = target(project, "r-test-parallel")
    assert failed.returncode != 0 and "rowlock was not found" in failed.stdout, failed
    project.write("CMakeLists.txt", text.replace("PREFIX r-", "PREFX r-"))
    wrong = project.run(["cmake", "-S", ".", "-B", "build", f"-Drowlock_DIR={module.parent}"])
    assert wrong.returncode != 0 and "is none of PREFIX" in wrong.stderr, wrong


CHECKED = """#include <stdlib.h>
#include <string.h>
int main(void)
{
    const char *mode = getenv("FQCN_TEST_MODE");
    if (mode && strcmp(mode, getenv("DIFFER_IN") ? "parallel" : "") == 0)
        return getenv("FAIL") != 0;
    return 0;
}
"""


@needs.cmake
def test_cmake_compares(project):
    """test-compare and quality-gate of a C project that is built with coverage."""
    module = TOP / "templates" / "cmake" / "rowlock-config.cmake"
    project.write("main.c", CHECKED)
    project.write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.16)\nproject(p LANGUAGES C)\nenable_testing()\n"
        f'include("{module}")\nadd_executable(t main.c)\n'
        "target_compile_options(t PRIVATE --coverage -O0)\n"
        "target_link_options(t PRIVATE --coverage)\nadd_test(NAME one COMMAND t)\n"
        "rowlock_add_targets(DEPENDS t COVERAGE 60 LINT ${CMAKE_COMMAND} -E echo lin$ted)\n"
        "rowlock_add_targets(PREFIX cov- DEPENDS t COVERAGE 100\n"
        "  ARGS --coverage --cov-report=term)\n"
        "rowlock_add_targets(PREFIX none- DEPENDS t COVERAGE 0)\n",
    )
    configured = project.run(["cmake", "-S", ".", "-B", "build dir"])
    assert configured.returncode == 0, configured

    def run(name, **env):
        return project.run(["cmake", "--build", "build dir", "--target", name], env=env)

    same = run("test-compare")
    assert same.returncode == 0 and "the same verdicts in 1 test\n" in same.stdout, same
    differ = run("test-compare", DIFFER_IN="parallel", FAIL="1")
    assert differ.returncode != 0 and re.search(
        r"one: passed in .*/sequential\.json, failed in .*/parallel\.json", differ.stdout
    ), differ
    gate = run("quality-gate")
    assert gate.returncode == 0 and "no difference in 1 file with" in gate.stdout, gate
    assert "lin$ted" in gate.stdout and project.path("coverage-parallel.xml").exists()
    covered = run("cov-test-compare", DIFFER_IN="parallel")
    assert covered.returncode != 0 and "the same verdicts in 1 test\n" in covered.stdout, covered
    assert "main.c:7: 0 in" in covered.stdout, covered
    assert run("quality-gate", DIFFER_IN="parallel", FAIL="1").returncode != 0
    low = run("cov-quality-gate")
    assert low.returncode != 0 and "less than --fail-under 100" in low.stderr, low
    # Nothing is measured, and what the project has measured itself is left alone.
    kept = project.write("coverage-parallel.json", "kept")
    for name in ("none-test-compare", "none-quality-gate"):
        bare = run(name)
        assert bare.returncode == 0 and "the same verdicts in 1 test\n" in bare.stdout, bare
        assert "TOTAL" not in bare.stdout and kept.read_text() == "kept", bare
