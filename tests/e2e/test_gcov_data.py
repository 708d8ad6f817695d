"""`rowlock collect` on the data of GCC: every count is that of gcov of the same GCC."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import xml.etree.ElementTree

import pytest

from gcov_reference import (
    add_up,
    details,
    details_of_report,
    from_gcov,
    from_lcov,
    from_text,
    run_gcov,
    shown_names,
)
from random_c import Program
from support import is_configured


def demangles():
    """Was the program built with what makes names of C++ readable?"""
    return is_configured("-DROWLOCK_DEMANGLER")


def find_versions():
    """The endings of the names of all gcc, each version once."""
    found = {}
    for ending in ("", "-9", "-10", "-11", "-12", "-13", "-14", "-15", "-16"):
        if shutil.which(f"gcc{ending}") and shutil.which(f"gcov{ending}"):
            said = subprocess.run([f"gcc{ending}", "-dumpfullversion"], stdout=subprocess.PIPE)
            found.setdefault(said.stdout, ending)
    return list(found.values())


VERSIONS = find_versions()
compilers = pytest.mark.parametrize("version", VERSIONS)
pytestmark = pytest.mark.skipif(not VERSIONS, reason="no gcc with its gcov")

CPLUSPLUS = """
#include <map>
#include <stdexcept>
#include <string>
#include "part.h"
template<class T> T larger(T a, T b) { if (a > b) return a; return b; }
struct Counted { Counted(int v); ~Counted() { alive--; } static int alive; };
int Counted::alive = 0;
struct Base { int b = 1; };
struct Derived : virtual Base { Derived(int d) { b += d; } };  // has two constructors
struct Last : Derived { Last() : Derived(2) {} };
Counted::Counted(int v) { if (v == 3) throw std::runtime_error("three"); alive++; }
int main(int argc, char **argv) {
  std::map<std::string, int> m;
  for (int i = 0; i < 10; i++) m[std::to_string(i)] = larger(i, 4) + larger(2.0, 1.0 * i);
  for (int i = 0; i < 5; i++)
    try { Counted s(i); Counted t(4); } catch (std::exception &e) { argc++; }
  auto l = [&](int q) { return q > 2 ? q : -q; };
  Derived derived(argc);
  argc += Last().b + derived.b;
  return l(3) + l(1) + part(4) + sum<int>(2) + sum<long>(9) == 0;
}
"""
PART = """
inline int part(int x) { return x > 3 ? x : 0; }
template<class T> T sum(T x) {
   T s = 0;
   while (x > 0) { s += x; x--; }
   return s;
}
"""
LIBRARY = """
#include "../include/part.h"
int twice(int x);
int twice(int x)
{
    if (x > 100)
        return part(x);
    return 2 * part(x);
}
int never(void);
int never(void) { return 7; }
"""
MAIN = """
#include <stdlib.h>
#include "../include/part.h"
int twice(int x);
int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < n; i++)
        twice(part(i));
    return 0;
}
"""


def counted(project, *args):
    """The counts that collect reports; every file, by its absolute name."""
    done = project.rowlock(
        "collect", "-q", "--lcov", "ours.info", "--source-root", "/nowhere", "--include", "*", *args
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    return from_lcov(project.root / "ours.info")


def methods(path):
    """The names of functions in Cobertura XML."""
    return {method.get("name") for method in xml.etree.ElementTree.parse(path).iter("method")}


def build(project, version, *options):
    """A program of two sources and a header, built in a folder of its own."""
    project.write("include/part.h", PART.split("template")[0].replace("inline", "static inline"))
    project.write("src/main.c", MAIN)
    project.write("src/library.c", LIBRARY)
    (project.root / "build" / "sub").mkdir(parents=True)
    for source, target in (("main", "main"), ("library", "sub/library")):
        project.run(
            [
                f"gcc{version}",
                "--coverage",
                *options,
                "-c",
                f"../src/{source}.c",
                "-o",
                f"{target}.o",
            ],
            cwd=project.root / "build",
        )
    project.run(
        [f"gcc{version}", "--coverage", "main.o", "sub/library.o", "-o", "program"],
        cwd=project.root / "build",
    )
    return project.root / "build"


@compilers
def test_random_programs(project, version):
    plus = 4 if shutil.which(f"g++{version}") else 0
    for seed in range(8 + plus):
        folder = project.root / str(seed)
        driver, name = ("gcc", "t.c") if seed < 8 else ("g++", "t.cc")
        project.write(f"{seed}/{name}", Program(seed, seed >= 8).text())
        level = ("-O0", "-O0", "-O1", "-O2")[seed % 4]
        for words in (["-w", level, "-c", name], ["t.o", "-o", "t"]):
            built = project.run([f"{driver}{version}", "--coverage", *words], cwd=folder)
            assert built.returncode == 0, built
        project.run(["./t"], cwd=folder)
        ours = counted(project, "--json", "o.json", folder)
        units = run_gcov(f"gcov{version}", folder / "t.gcno", folder)
        assert ours.differences(add_up(units)) == []
        assert details_of_report(project.root / "o.json") == details(units[0])
        assert ours.lines and ours.branches and ours.functions


@compilers
def test_templates_exceptions_and_lambdas(project, version):
    if not shutil.which(f"g++{version}"):
        pytest.skip("no C++ compiler")
    project.write("main.cc", CPLUSPLUS)
    project.write("part.h", PART)
    for command in (
        [f"g++{version}", "--coverage", "-c", "main.cc"],
        [f"g++{version}", "--coverage", "main.o", "-o", "main"],
        ["./main"],
    ):
        assert project.run(command).returncode == 0
    reference = from_gcov(f"gcov{version}", [project.root / "main.gcno"], project.root)
    assert counted(project, ".").differences(reference) == []
    # People see demangled names, those of gcov; LCOV and what reads it want the mangled ones.
    units = run_gcov(f"gcov{version}", project.root / "main.gcno", project.root)
    names = shown_names(units, demangles())
    assert not demangles() or {"int larger<int>(int, int)", "Derived::Derived(int)"} < names
    done = project.rowlock(
        *("collect", "-q", "--source-root", "/nowhere", "--include", "*"),
        *("--xml", "o.xml", "--json", "o.json", "."),
    )
    assert done.returncode == 0, done
    assert methods(project.root / "o.xml") == names
    report = json.loads((project.root / "o.json").read_text())
    told = [name for file in report["files"].values() for name in file["functions"] if name]
    mangled = [name for name in told if name not in names]
    assert {name.partition("@")[0] for name in set(told) - set(mangled)} == names
    assert len(set(told)) == len(told)
    assert mangled == (["_ZN7DerivedC2Ei"] if demangles() else []), mangled


SAMPLES = sorted((pathlib.Path(__file__).parent / "gcov_samples").glob("*.json"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_compilers_that_are_not_here(project, sample):
    """Files of other versions of GCC, with what their gcov says (tests/compat/samples.py)."""
    for ours, theirs in ((".notes", ".gcno"), (".data", ".gcda")):
        project.write(f"t{theirs}", sample.with_suffix(ours).read_bytes())
    units = from_text(sample.read_text())
    reference = add_up(units)
    found = counted(project, "--xml", "o.xml", "--json", "o.json", ".")
    assert found.differences(reference) == []
    assert found.lines and found.branches and sum(found.functions.values())
    assert methods(project.root / "o.xml") == shown_names(units, demangles())
    assert details_of_report(project.root / "o.json") == details(units[0])


@compilers
def test_fragments_of_many_processes(project, version):
    """A tree of GCOV_PREFIX for each process adds up to what one tree has after all of them."""
    folder = build(project, version)
    for n in range(4):
        env = {"GCOV_PREFIX": str(project.root / f"fragments/{n}")}
        assert project.run(["./program", str(n)], cwd=folder, env=env).returncode == 0
        assert project.run(["./program", str(n)], cwd=folder).returncode == 0
    notes = [folder / "main.gcno", folder / "sub/library.gcno"]
    reference = from_gcov(f"gcov{version}", notes, folder)
    fragments = counted(project, "fragments")
    assert fragments.differences(reference) == []
    assert fragments.differences(counted(project, "build")) == []
    # Links to the notes, which other tools need beside each fragment, are no objects of their own.
    for data in project.root.glob("fragments/**/*.gcda"):
        data.with_suffix(".gcno").symlink_to(next(folder.glob(f"**/{data.stem}.gcno")))
    assert counted(project, "fragments").differences(reference) == []
    for link in project.root.glob("fragments/**/*.gcno"):
        link.unlink()
    # Moved elsewhere, the notes are found below --objects.
    folder.rename(project.root / "moved")
    for data in project.root.glob("moved/**/*.gcda"):
        data.unlink()
    assert counted(project, "--objects", "moved", "fragments").differences(reference) == []
    # Without any data nothing has run.
    unrun = counted(project, "moved")
    assert set(unrun.lines) == set(reference.lines)
    assert set(unrun.lines.values()) == {0}


@pytest.mark.skipif(not shutil.which("clang"), reason="no clang")
def test_what_clang_writes(project):
    """By default in the format of GCC 4.8, without the folder of the compiler; on demand in that of
    GCC 9, which gcov 11 reads, too. The counts are the same."""
    for seed in (0, 1, 3, 6):
        project.write(f"{seed}/old/src/t.c", Program(seed, False).text())
        project.write(f"{seed}/new/src/t.c", Program(seed, False).text())
        found = []
        for name, more in (("old", []), ("new", ["-Xclang", "-coverage-version=A93*"])):
            folder = project.root / str(seed) / name
            (folder / "obj").mkdir()
            words = ["clang", "--coverage", "-w", *more, "-O0"]
            for step in (["-c", "src/t.c", "-o", "obj/t.o"], ["obj/t.o", "-o", "t"]):
                built = project.run([*words, *step], cwd=folder)
                if built.returncode and "profile" in built.stderr:
                    pytest.skip("clang has no library for --coverage")
                assert built.returncode == 0, built
            project.run(["./t"], cwd=folder)
            words = ("collect", "-q", "--source-root", str(folder), "--lcov", "o.info")
            done = project.rowlock(*words, str(folder / "obj"))
            assert (done.returncode, done.stderr) == (0, ""), done
            found.append(from_lcov(project.root / "o.info"))
        old, new = found
        assert old.lines and old.branches and old.functions and old.differences(new) == []
        assert {name for name, _ in old.lines} == {"src/t.c"}
        if shutil.which("gcov-11"):
            units = run_gcov("gcov-11", folder / "obj" / "t.gcno", folder)
            for unit in units:
                unit["current_working_directory"] = ""
            assert new.differences(add_up(units)) == []


def test_trees_that_were_moved(project):
    """Sources are found from the notes on where the compiler's folder is gone."""
    folder = build(project, VERSIONS[0])
    assert project.run(["./program", "3"], cwd=folder).returncode == 0
    moved = project.root / "moved"
    moved.mkdir()
    for name in ("build", "include", "src"):
        (project.root / name).rename(moved / name)
    done = project.rowlock("collect", "-q", "--lcov", "o.info", "moved")
    assert (done.returncode, done.stderr) == (0, ""), done
    names = {name for name, _ in from_lcov(project.root / "o.info").lines}
    assert names == {f"moved/{n}" for n in ("include/part.h", "src/main.c", "src/library.c")}


def test_an_unknown_version_is_left_to_gcov(project):
    """Files that say to be of GCC 29; gcov-29 is this one, which takes them for its own."""
    folder = build(project, VERSIONS[-1])
    for n in (2, 3):
        env = {"GCOV_PREFIX": str(project.root / f"fragments/{n}")}
        assert project.run(["./program", str(n)], cwd=folder, env=env).returncode == 0
    reference = counted(project, "fragments")
    project.write("bin/gcov-29", f'#!/bin/sh\nexec gcov{VERSIONS[-1]} "$@"\n', executable=True)
    for path in [*project.root.glob("fragments/**/*.gcda"), *folder.glob("**/*.gcno")]:
        path.write_bytes(path.read_bytes()[:4] + b"*09C" + path.read_bytes()[8:])
    env = {"PATH": f"{project.root}/bin:{project.env['PATH']}"}
    words = ("collect", "-q", "--lcov", "o.info", "--source-root", "/nowhere", "--include", "*")
    done = project.rowlock(*words, "fragments", env=env)
    assert done.returncode == 0, done
    assert done.stderr.count("of GCC 29.0, which is not known here; gcov is asked") == 2, done
    assert from_lcov(project.root / "o.info").differences(reference) == []
    project.write("bin/gcov-29", "#!/bin/sh\nexit 1\n", executable=True)
    done = project.rowlock(*words, "fragments", env=env)
    assert (done.returncode, done.stderr.count("gcov-29 cannot read it")) == (1, 4), done


def test_what_is_torn_or_foreign_is_named_and_skipped(project):
    folder = build(project, VERSIONS[0])
    for n in range(6):
        env = {"GCOV_PREFIX": str(project.root / f"fragments/{n}")}
        assert project.run(["./program", "3"], cwd=folder, env=env).returncode == 0
    whole = [next(project.root.glob(f"fragments/{n}/**/library.gcda")) for n in range(6)]
    content = whole[0].read_bytes()
    whole[0].write_bytes(content[: len(content) // 2])
    whole[1].write_bytes(b"")
    stamp = struct.unpack_from("<I", content, 8)[0]
    whole[2].write_bytes(content[:8] + struct.pack("<I", stamp ^ 1) + content[12:])
    whole[3].write_bytes(content[:4] + b"*09A" + content[8:])
    wrong = bytearray(content)
    record = struct.pack("<I", 0x01000000)  # of a function; its length in words or bytes
    at = max(content.find(record + struct.pack("<I", length)) for length in (3, 12))
    wrong[at + 12] ^= 1  # the checksum of its lines
    whole[4].write_bytes(bytes(wrong))
    lost = project.root / "fragments/7/elsewhere/lost.gcda"
    lost.parent.mkdir(parents=True)
    lost.write_bytes(content)
    done = project.rowlock("collect", "-q", "--lcov", "ours.info", "fragments")
    assert done.returncode == 1, done
    said = dict(line.removeprefix("rowlock: ").split(": ", 1) for line in done.stderr.splitlines())
    assert set(said) == {str(p.resolve()) for p in [*whole[:5], lost]}, done
    for path, words in zip(
        [*whole[:5], lost],
        ("cut off", "cut off", "another build", "of GCC 9.0", "built otherwise", "--objects"),
    ):
        assert words in said[str(path.resolve())], done
    ours = from_lcov(project.root / "ours.info")
    assert ours.functions["src/library.c", 4, "twice"] == 3
    assert ours.functions["src/main.c", 5, "main"] == 6
    assert ours.functions["src/library.c", 11, "never"] == 0
    (project.root / "empty").mkdir()
    done = project.rowlock("collect", "-q", "--lcov", "ours.info", str(folder), "empty")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert "empty: no .gcda or .gcno files below it" in done.stderr, done


def test_a_source_that_has_changed_is_named(project):
    folder = build(project, VERSIONS[0])
    assert project.run(["./program", "3"], cwd=folder).returncode == 0
    words = ("collect", "-q", "--lcov", "ours.info", str(folder))
    done = project.rowlock(*words)
    assert (done.returncode, done.stderr) == (0, ""), done
    built = max(path.stat().st_mtime for path in folder.glob("**/*.gcno"))
    for name, said in (
        ("library.c", "library.c is newer than its .gcno file"),
        ("main.c", "library.c, and 1 more, are newer than their .gcno files"),
    ):
        (source,) = project.root.glob(f"**/src/{name}")
        os.utime(source, (built + 10, built + 10))
        done = project.rowlock(*words)
        assert done.returncode == 0, done
        assert done.stderr.count("\n") == 1 and said in done.stderr, done
