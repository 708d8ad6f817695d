"""LCOV as other tools write and read it: llvm-cov's export, lcov and genhtml."""

import collections
import json
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from gcov_reference import from_lcov
from needs import programs
from random_c import Program
from support import is_configured

SAMPLES = pathlib.Path(__file__).parent / "llvm_samples"
LLVM = ("export", "show", "totals")  # t.export and so on: what LLVM 14 said about t.cc
clang = programs("clang++", "llvm-cov", "llvm-profdata")
lcov = programs("lcov", "genhtml", "gcc", "c++filt")


def ask_llvm(folder):
    """Builds and runs the sample there; {"export": LCOV, "show": text, "totals": JSON}."""
    shutil.copy(SAMPLES / "t.cc", folder)
    for words in (
        ["clang++", "-fprofile-instr-generate", "-fcoverage-mapping", "t.cc", "-o", "t"],
        ["./t"],
        ["llvm-profdata", "merge", "default.profraw", "-o", "t.profdata"],
    ):
        subprocess.run(words, cwd=folder, check=True)

    def ask(command, *options):
        words = ["llvm-cov", command, *options, "-instr-profile", "t.profdata", "./t"]
        return subprocess.run(
            words, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    return {
        "export": ask("export", "-format=lcov"),
        "show": ask("show", "-show-branches=count", "-show-instantiations=0"),
        "totals": ask("export", "-format=text", "-summary-only"),
    }


@pytest.mark.parametrize("how", ["sample", pytest.param("clang", marks=clang)])
def test_what_llvm_cov_exports(project, how):
    """Lines and branches are those of `llvm-cov show`, sums those of its JSON."""
    if how == "clang":
        said = ask_llvm(project.root)
    else:
        said = {name: (SAMPLES / f"t.{name}").read_text() for name in LLVM}
    project.write("t.info", said["export"])
    words = ("--lcov", "o.info", "--xml", "o.xml", "--source-root", "/nowhere", "--include", "*")
    done = project.rowlock("collect", "-q", *words, "t.info")
    assert (done.returncode, done.stderr) == (0, ""), done
    ours = from_lcov(project.root / "o.info")
    lines = {
        int(n): int(count) for n, count in re.findall(r"(?m)^ *(\d+)\| *(\d+)\|", said["show"])
    }
    assert {line: count for (_, line), count in ours.lines.items()} == lines
    branches = collections.defaultdict(list)
    branch = r"Branch \((\d+):\d+\): \[True: (\d+), False: (\d+)\]"
    for line, yes, no in re.findall(branch, said["show"]):
        branches[int(line)] += [int(yes), int(no)]
    assert {line: counts for (_, line), counts in ours.branches.items()} == branches
    root = xml.etree.ElementTree.parse(project.root / "o.xml").getroot()
    totals = json.loads(said["totals"])["data"][0]["totals"]
    assert int(root.get("lines-valid")) == totals["lines"]["count"]
    assert int(root.get("lines-covered")) == totals["lines"]["covered"]
    arms = [count for counts in branches.values() for count in counts]  # in LLVM's sums, those of
    assert int(root.get("branches-valid")) == len(arms)  # instances of a template count once
    assert int(root.get("branches-covered")) == len(arms) - arms.count(0)
    # Each instance of a template is a function to us.
    called = [count for count in ours.functions.values() if count]
    assert len(ours.functions) == totals["instantiations"]["count"]
    assert len(called) == totals["instantiations"]["covered"]
    names = {method.get("name") for method in root.iter("method")}
    shown = {"classify(int)", "long larger<long>(long, long)", "main"}
    if not is_configured("-DROWLOCK_DEMANGLER"):
        shown = {"main", "_Z6largerIlET_S0_S0_"}
    assert shown < names


def figures(text):
    """{"lines": (19, 20)} from what lcov and genhtml say: "lines......: 95.0% (19 of 20 lines)"."""
    pattern = r"(lines|functions|branches)\.+: [\d.]+% \((\d+) of (\d+) \1\)"
    return {kind: (int(hit), int(of)) for kind, hit, of in re.findall(pattern, text)}


@lcov
def test_lcov_and_genhtml_read_what_is_written(project):
    """Of C, of C++ with names that have commas once they are readable, and of Python."""
    if "version 1." not in project.run(["lcov", "--version"]).stdout:
        pytest.skip("lcov is not of version 1")
    for name, plus in (("one", False), ("two", True)):
        ending = "cc" if plus and shutil.which("g++") else "c"
        project.write(f"{name}.{ending}", Program(5, ending == "cc").text())
        driver = "g++" if ending == "cc" else "gcc"
        project.run([driver, "-w", "--coverage", f"{name}.{ending}", "-o", name])
        project.run([f"./{name}"])
    project.write("three.py", "def f(x):\n    if x:\n        return 1\n")
    project.write(
        "python.info",
        "SF:three.py\nFN:1,3,f\nFNDA:1,f\nBRDA:2,0,jump to line 3,1\nBRDA:2,0,exit,0\n"
        "DA:1,1\nDA:2,1\nDA:3,0\nend_of_record\n",
    )
    done = project.rowlock("collect", "-q", "--lcov", "o.info", ".", "python.info")
    assert (done.returncode, done.stderr) == (0, ""), done
    ours = from_lcov(project.root / "o.info")
    assert {pathlib.Path(name).suffix for name, _ in ours.lines} >= {".c", ".py"}

    def summed(counts):
        values = [v for c in counts for v in (c if isinstance(c, list) else [c])]
        return sum(1 for v in values if v), len(values)

    kinds = ("lines", "functions", "branches")
    expected = {kind: summed(getattr(ours, kind).values()) for kind in kinds}
    branches = ("--rc", "lcov_branch_coverage=1")
    said = project.run(["lcov", *branches, "--summary", "o.info"])
    assert said.returncode == 0 and figures(said.stdout + said.stderr) == expected, said
    said = project.run(["lcov", *branches, "-a", "o.info", "-a", "o.info", "-o", "twice.info"])
    assert said.returncode == 0, said
    twice = from_lcov(project.root / "twice.info")
    assert twice.lines == {key: 2 * count for key, count in ours.lines.items()}
    said = project.run(["genhtml", "--branch-coverage", "--demangle-cpp", "-o", "html", "o.info"])
    assert said.returncode == 0 and figures(said.stdout + said.stderr) == expected, said
    assert (project.root / "html/index.html").exists()
