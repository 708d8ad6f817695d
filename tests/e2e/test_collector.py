"""`rowlock collect`: coverage data of any format in, reports out."""

import json
import os
import shutil
import subprocess

import pytest

import needs

TRACE = """SF:src/one.c
FN:1,main
FNDA:{calls},main
BRDA:2,0,0,{calls}
BRDA:2,0,1,0
DA:1,{calls}
DA:2,{calls}
DA:3,0
end_of_record
SF:lib/two.c
DA:1,0
end_of_record
"""


@pytest.fixture
def traces(project):
    for calls in (1, 2):
        project.write(f"{calls}.info", TRACE.format(calls=calls))
    return project


def test_tracefiles_add_up(traces):
    done = traces.rowlock("collect", "--lcov", "all.info", "--missing", "1.info", "2.info")
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == [
        "Name        Stmts   Miss Branch BrPart  Cover   Missing",
        "-------------------------------------------------------",
        "lib/two.c       1      1      0      0     0%   1",
        "src/one.c       3      1      2      1    67%   2 (1 of 2 branches), 3",
        "-------------------------------------------------------",
        "TOTAL           4      2      2      1    50%",
    ]
    text = (traces.root / "all.info").read_text()
    assert "DA:1,3\nDA:2,3\nDA:3,0\n" in text
    assert "FNDA:3,main\n" in text
    one = traces.rowlock("collect", "-q", "--omit=lib/*", "--lcov=one.info", "all.info")
    assert (one.returncode, one.stdout) == (0, "")
    assert "two.c" not in (traces.root / "one.info").read_text()


def test_values_that_an_option_does_not_take(traces):
    for words, said in (
        (["--sort", "size"], "--sort 'size': give COLUMN: by name, stmts, miss, "),
        (["--precision=10"], "--precision '10': give N: decimals of percentages, 0 to 9"),
        (["--xml"], "--xml: give FILE: write Cobertura XML"),
        (["--cov-fail-under=x"], "--cov-fail-under 'x': give PERCENT\n"),
        (["--missing=yes"], "--missing: takes no value; leave out the = and what follows"),
    ):
        done = traces.rowlock("collect", *words)
        assert (done.returncode, done.stdout) == (4, ""), done
        assert f"rowlock: {said}" in done.stderr, done


def test_devices_and_pipes_are_written_to_and_not_replaced(traces):
    for name, target in (("null", "/dev/null"), ("out", "/proc/self/fd/1")):
        (traces.root / name).symlink_to(target)
        done = traces.rowlock("collect", "-q", "--lcov", name, "1.info")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert (traces.root / name).is_symlink()
        assert ("FNDA:1,main\n" in done.stdout) == (name == "out")
    os.mkfifo(traces.root / "pipe")
    reader = os.open(traces.root / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert traces.rowlock("collect", "-q", "--lcov", "pipe", "1.info").returncode == 0
    assert b"FNDA:1,main\n" in os.read(reader, 9999)
    os.close(reader)
    # To a file that standard output leads to, after what stands there.
    done = traces.run(
        [
            "sh",
            "-c",
            'echo before >f; exec "$0" "$@" >>f',
            traces.program,
            *("collect", "-q", "--lcov", "/proc/self/fd/1", "1.info"),
        ]
    )
    assert done.returncode == 0, done
    text = (traces.root / "f").read_text()
    assert text.startswith("before\n") and "FNDA:1,main\n" in text


def test_what_cannot_be_read_is_named(traces):
    traces.write("torn.info", TRACE.format(calls=1)[:40])
    traces.write("notes.txt", "hello\n")
    done = traces.rowlock("collect", "torn.info", "1.info", "notes.txt", "none.info")
    assert done.returncode == 1, done
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "torn.info:4",
        "notes.txt",
        "none.info",
    ]
    assert "src/one.c" in done.stdout
    none = traces.rowlock("collect", "--lcov", "x.info", "torn.info")
    assert none.returncode == 1, none
    assert not (traces.root / "x.info").exists()
    traces.write("to\x1b[31m\nrn.info", "hello\n")
    odd = traces.rowlock("collect", "to\x1b[31m\nrn.info", "1.info")
    assert odd.returncode == 1 and odd.stderr.startswith("rowlock: to\\x1b[31m\\nrn.info: "), odd


def test_least_coverage_and_wrong_words(traces):
    assert traces.rowlock("collect", "--fail-under", "50", "1.info").returncode == 0
    less = traces.rowlock("collect", "--cov-fail-under", "50.1", "1.info")
    assert less.returncode == 1, less
    assert "50.00% is covered" in less.stderr
    for words in ([], ["--lcof", "x", "1.info"], ["--lcov"], ["--fail-under", "x"], ["-q=1"]):
        done = traces.rowlock("collect", *words)
        assert (done.returncode, done.stdout) == (4, ""), done
    assert "did you mean --lcov?" in traces.rowlock("collect", "--lcof", "x").stderr
    assert "--missing" in traces.rowlock("collect", "--help").stdout


PYTHON_JSON = {
    "meta": {"format": 3, "version": "7.6.1", "branch_coverage": True, "show_contexts": False},
    "files": {
        "pkg/a.py": {
            "executed_lines": [1, 2, 4],
            "missing_lines": [5, 8],
            "excluded_lines": [7],
            "executed_branches": [[2, 4]],
            "missing_branches": [[2, -1], [4, 5]],
            "functions": {
                "f": {"executed_lines": [4], "missing_lines": [5], "excluded_lines": []},
                "": {"executed_lines": [1, 2], "missing_lines": [8], "excluded_lines": [7]},
            },
        }
    },
}


def collect(project, *words, code=0):
    done = project.rowlock("collect", "-q", *words)
    assert done.returncode == code, done
    return done


def test_json_of_coverage_py(project):
    project.write("python.json", json.dumps(PYTHON_JSON))
    collect(
        project, "--json", "again.json", "--xml", "again.xml", "--lcov", "o.info", "python.json"
    )
    again = json.loads((project.root / "again.json").read_text())
    theirs, ours = PYTHON_JSON["files"]["pkg/a.py"], again["files"]["pkg/a.py"]
    for key in theirs:
        if key != "functions":
            assert ours[key] == theirs[key], key
    for name, lists in theirs["functions"].items():
        for key in lists:
            assert ours["functions"][name][key] == lists[key], (name, key)
    summary = {
        "covered_lines": 3,
        "num_statements": 5,
        "percent_covered": 50.0,
        "percent_covered_display": "50",
        "missing_lines": 2,
        "excluded_lines": 1,
        "num_branches": 3,
        "num_partial_branches": 2,
        "covered_branches": 1,
        "missing_branches": 2,
    }
    assert {key: ours["summary"][key] for key in summary} == summary
    assert again["totals"] == ours["summary"]
    assert ours["functions"]["f"]["start_line"] == 4
    xml = (project.root / "again.xml").read_text()
    assert '<package name="pkg" line-rate="0.6" branch-rate="0.3333" complexity="0">' in xml
    assert '<line number="2" hits="1" branch="true" condition-coverage="50% (1/2)"' in xml
    assert "BRDA:2,0,0,0\nBRDA:2,0,1,1\nBRDA:4,0,0,0\n" in (project.root / "o.info").read_text()


@needs.expat
def test_every_format_holds_what_it_can(traces):
    traces.write("odd.info", TRACE.format(calls=1).replace("src/one.c", 'a <"&\x01\udcff>.c'))
    for name in ("1.info", "odd.info"):
        collect(traces, "--json", "o.json", "--xml", "o.xml", name)
        for made in ("o.json", "o.xml"):
            collect(traces, "--lcov", f"{made}.info", made)
    same = traces.rowlock("collect", "--compare", "1.info", "1.info")
    assert (same.returncode, same.stderr) == (0, ""), same
    assert same.stdout == "no difference in 2 files with 4 lines, 2 branches and 1 function\n"
    traces.write("least.info", "SF:a.c\nDA:1,1\nBRDA:1,0,0,1\nend_of_record\n")
    same = traces.rowlock("collect", "--compare", "least.info", "least.info")
    assert same.stdout == "no difference in 1 file with 1 line, 1 branch and 0 functions\n"
    collect(traces, "--json", "o.json", "--xml", "o.xml", "1.info")
    for made in ("o.json", "o.xml"):
        done = traces.rowlock("collect", "--compare", "1.info", made)
        assert done.returncode == 0, done


@needs.expat
def test_compare_with_sums_of_branches(traces):
    """Cobertura XML does not tell which branches of a line were taken."""
    traces.write(
        "b.info", "SF:src/b.c\nDA:1,1\nBRDA:1,0,0,0\nBRDA:1,0,1,4\nBRDA:1,0,2,0\nend_of_record\n"
    )
    collect(traces, "--xml", "b.xml", "b.info")
    for pair in (["b.info", "b.xml"], ["b.xml", "b.info"]):
        done = traces.rowlock("collect", "--compare", *pair)
        assert done.returncode == 0, done
    text = (traces.root / "b.xml").read_text()
    for more, said in (
        ("67% (2/3)", "src/b.c:1: branches taken: 1 in b.info, 2 in c.xml\n1 difference\n"),
        ("50% (1/2)", "src/b.c:1: branches: 3 in b.info, 2 in c.xml\n1 difference\n"),
    ):
        traces.write("c.xml", text.replace("33% (1/3)", more))
        done = traces.rowlock("collect", "--compare", "--no-counts", "b.info", "c.xml")
        assert (done.returncode, done.stdout) == (1, said), done


def test_compare_names_every_difference(traces):
    traces.write("3.info", TRACE.format(calls=1).replace("DA:3,0\n", "DA:4,0\n"))
    done = traces.rowlock("collect", "--compare", "1.info", "2.info")
    assert done.returncode == 1, done
    assert done.stdout.splitlines() == [
        "src/one.c:1: 1 in 1.info, 2 in 2.info",
        "src/one.c:2: 1 in 1.info, 2 in 2.info",
        "src/one.c:2: branch 0: 1 in 1.info, 2 in 2.info",
        "src/one.c:1: function main: 1 in 1.info, 2 in 2.info",
        "4 differences",
    ]
    whether = ["collect", "--compare", "--no-counts", "--include", "src/*"]
    done = traces.rowlock(*whether, "1.info", "2.info")
    assert done.returncode == 0 and done.stdout.startswith("no difference"), done
    traces.write("5.info", TRACE.format(calls=1).replace("DA:3,0\n", "DA:3,7\n"))
    done = traces.rowlock(*whether, "1.info", "5.info")
    assert done.stdout.splitlines() == ["src/one.c:3: 0 in 1.info, 7 in 5.info", "1 difference"]
    nothing = traces.rowlock(*whether, "--omit", "*", "1.info", "2.info")
    assert nothing.returncode == 1 and "nothing is compared" in nothing.stderr, nothing
    assert traces.rowlock("collect", "--no-counts", "1.info").returncode == 4
    done = traces.rowlock("collect", "--compare", "1.info", "3.info", "--include", "src/*")
    assert done.stdout.splitlines() == [
        "src/one.c:3: 0 in 1.info, none in 3.info",
        "src/one.c:4: none in 1.info, 0 in 3.info",
        "2 differences",
    ]
    collect(traces, "--lcov", "4.info", "--omit", "lib/*", "1.info")
    done = traces.rowlock("collect", "--compare", "4.info", "1.info")
    assert done.stdout.splitlines() == ["lib/two.c: only in 1.info", "1 difference"]
    assert traces.rowlock("collect", "--compare", "1.info").returncode == 4
    assert traces.rowlock("collect", "--compare", "1.info", "none.info").returncode == 1


MARKED = """int a; /* LCOV_EXCL_LINE */
int b; /* LCOV_EXCL_BR_LINE */
int c; /* GCOVR_EXCL_START */
int d;
int e; /* GCOVR_EXCL_STOP */
int f; /* XLCOV_EXCL_EXCEPTION_BR_LINE, EXCL_LINE */
int g; /* LCOV_EXCL_BR_START */
int h; /* LCOV_EXCL_START */
"""


def test_markers_exclude(project):
    lines = "".join(
        f"FN:{n},f{n}\nBRDA:{n},0,0,1\nBRDA:{n},e0,1,1\nDA:{n},1\n" for n in range(1, 10)
    )
    project.write("m.c", MARKED)
    project.write("m.info", f"SF:m.c\n{lines}end_of_record\n")
    done = collect(project, "--lcov", "o.info", "--json", "o.json", "m.info")
    assert done.stderr == (
        "rowlock: warning: m.c:8: no STOP ends what is excluded from here on\n"
    ), done
    kept = (project.root / "o.info").read_text()
    kinds = ("DA:", "FN:", "BRDA:")
    found = {
        kind: [int(r.split(":")[1].split(",")[0]) for r in kept.splitlines() if r.startswith(kind)]
        for kind in kinds
    }
    assert found == {"DA:": [2, 6, 7, 9], "FN:": [2, 6, 7, 9], "BRDA:": [6, 9, 9]}
    file = json.loads((project.root / "o.json").read_text())["files"]["m.c"]
    assert file["excluded_lines"] == [1, 3, 4, 5, 8]
    collect(project, "--lcov", "all.info", "--no-markers", "m.info")
    assert (project.root / "all.info").read_text().count("\nDA:") == 9


UNREACHABLE = """a
b // LCOV_UNREACHABLE_LINE
/* GCOVR_UNREACHABLE_START */
c
d
/* GCOVR_UNREACHABLE_STOP */
e // LCOV_UNREACHABLE_LINE
f // COV_UNREACHABLE_LINE LCOVR_EXCL_LINE
"""


def test_what_was_run_is_not_unreachable(project):
    project.write("m.c", UNREACHABLE)
    counts = {1: 1, 2: 0, 4: 0, 5: 3, 7: 2, 8: 0}
    lines = "".join(f"BRDA:{n},0,0,{c}\nDA:{n},{c}\n" for n, c in counts.items())
    project.write("m.info", f"SF:m.c\n{lines}end_of_record\n")
    done = collect(project, "--lcov", "o.info", "m.info")
    said = "m.c:5: marked as unreachable and run, like others of the file; counted"
    assert done.stderr == f"rowlock: warning: {said}\n", done
    kept = (project.root / "o.info").read_text().splitlines()
    for kind in ("DA:", "BRDA:"):
        found = [int(r.split(":")[1].split(",")[0]) for r in kept if r.startswith(kind)]
        assert found == [1, 5, 7, 8], kept


# What Cobertura's coverage-04.dtd allows.
DTD = """<!ELEMENT coverage (sources?,packages)>
<!ATTLIST coverage line-rate CDATA #REQUIRED branch-rate CDATA #REQUIRED
  lines-covered CDATA #REQUIRED lines-valid CDATA #REQUIRED branches-covered CDATA #REQUIRED
  branches-valid CDATA #REQUIRED complexity CDATA #REQUIRED version CDATA #REQUIRED
  timestamp CDATA #REQUIRED>
<!ELEMENT sources (source*)>
<!ELEMENT source (#PCDATA)>
<!ELEMENT packages (package*)>
<!ELEMENT package (classes)>
<!ATTLIST package name CDATA #REQUIRED line-rate CDATA #REQUIRED branch-rate CDATA #REQUIRED
  complexity CDATA #REQUIRED>
<!ELEMENT classes (class*)>
<!ELEMENT class (methods,lines)>
<!ATTLIST class name CDATA #REQUIRED filename CDATA #REQUIRED line-rate CDATA #REQUIRED
  branch-rate CDATA #REQUIRED complexity CDATA #REQUIRED>
<!ELEMENT methods (method*)>
<!ELEMENT method (lines)>
<!ATTLIST method name CDATA #REQUIRED signature CDATA #REQUIRED line-rate CDATA #REQUIRED
  branch-rate CDATA #REQUIRED complexity CDATA #REQUIRED>
<!ELEMENT lines (line*)>
<!ELEMENT line (conditions*)>
<!ATTLIST line number CDATA #REQUIRED hits CDATA #REQUIRED branch CDATA "false"
  condition-coverage CDATA "100%">
<!ELEMENT conditions (condition*)>
<!ELEMENT condition EMPTY>
<!ATTLIST condition number CDATA #REQUIRED type CDATA #REQUIRED coverage CDATA #REQUIRED>
"""


@pytest.mark.skipif(not shutil.which("xmllint"), reason="no xmllint")
def test_xml_is_valid(traces):
    traces.write("cobertura.dtd", DTD)
    traces.write("odd.info", TRACE.format(calls=1).replace("src/one.c", 'a <"&\x01\udcff>.c'))
    collect(traces, "--xml", "o.xml", "1.info", "odd.info")
    done = subprocess.run(
        ["xmllint", "--noout", "--dtdvalid", "cobertura.dtd", "o.xml"],
        cwd=traces.root,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE coverage [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefgh", "bcdefghi"))
    + ']><coverage version="&i;"/>'
)


@needs.expat
def test_bad_xml_and_json_are_refused(project):
    bad = {
        "bomb.xml": (BOMB, "entities"),
        "file.xml": (
            '<!DOCTYPE c [<!ENTITY x SYSTEM "/etc/passwd">]><coverage>&x;</coverage>',
            "entities",
        ),
        "cut.xml": ("<coverage><packages>", "bad.xml:1: no element found"),
        "line.xml": (
            '<coverage><class filename="a"><line number="x" hits="1"/></class></coverage>',
            "number and hits",
        ),
        "cut.json": ('{"meta": {}, "files": {', "no JSON from byte 23"),
        "list.json": (
            '{"meta": {"format": 2}, "files": {"a": {"executed_lines": ["x"]}}}',
            "files: a: a line is no number",
        ),
        **{
            f"contexts-{n}.json": (
                f'{{"meta": {{}}, "files": {{"a": {{"contexts": {{{contexts}}}}}}}}}',
                "files: a: contexts: lines with lists of names are expected",
            )
            for n, contexts in enumerate(('"1": "a"', '"x": ["a"]', '"0": []', '"1": [["a"]]'))
        },
        "four.json": ('{"meta": {"format": 4}, "files": {}}', "format"),
    }
    for name, (text, words) in bad.items():
        project.write(name, text)
        done = collect(project, "--lcov", "o.info", name, code=1)
        said = done.stderr.splitlines()[0]
        assert words.replace("bad.xml", name) in said, (name, done)
        assert said.endswith("; write the report again"), (name, done)
        assert not (project.root / "o.info").exists()
    remote = '<?xml version="1.0"?>\n<!DOCTYPE coverage SYSTEM "http://cobertura.example/x.dtd">\n'
    project.write(
        "c.xml",
        remote + '<coverage><class filename="a"><lines><line number="1" '
        'hits="2"/></lines></class></coverage>',
    )
    collect(project, "--lcov", "o.info", "c.xml")
    assert "DA:1,2" in (project.root / "o.info").read_text()


def names(project, *words, code=0):
    """What `rowlock collect` calls the files."""
    done = collect(project, "--lcov", "n.info", *words, code=code)
    if code:
        return done.stderr
    return [s[3:] for s in (project.root / "n.info").read_text().splitlines() if s[:3] == "SF:"]


def test_files_are_named_from_the_root(project):
    """Absolute or not, in a report or in data: a file is there once. What is not here keeps the
    name that it has in the report."""
    here = project.root
    for name in ("src/a.c", "src/b/c.c", "d.c"):
        project.write(name, "\n")
    files = [f"{here}/src/a.c", "src/b/../b/c.c", "./src/a.c", "d.c", "/else/e.c", "gone.c"]
    text = "".join(f"SF:{name}\nDA:1,1\nend_of_record\n" for name in files)
    project.write("x.info", text)
    shown = ["/else/e.c", "d.c", "gone.c", "src/a.c", "src/b/c.c"]
    assert names(project, "x.info") == shown
    assert "SF:src/a.c\nDA:1,2\n" in (here / "n.info").read_text()
    for root in ("src", f"{here}/src/"):
        assert names(project, "--source-root", root, "x.info") == ["a.c", "b/c.c", "gone.c"]
    words = ("--source-root", "src", "--include", "*e.c")
    assert names(project, *words, "x.info") == ["/else/e.c", "gone.c"]
    project.write("y.info", text.replace("./src", str(here / "src")))
    done = project.rowlock("collect", "--compare", "x.info", "y.info")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert names(project, "--source-root", f"{here}/src/b", "y.info") == ["c.c", "gone.c"]


XML = """<coverage><packages><class filename="{name}"><lines><line number="1" hits="1"/></lines>
</class></packages><sources>{sources}</sources></coverage>"""


def test_globs_choose_sources(project):
    """Of names as reports show them, of whole paths, of folders and all below them."""
    files = ["a/b/one.c", "a/two.c", "three.c", "/elsewhere/four.c"]
    trace = "".join(f"SF:{name}\nDA:1,1\nend_of_record\n" for name in files)
    project.write("g.info", trace)
    here = project.root
    cases = [("a", 2), ("a/", 2), ("./a/b", 1), ("a/*", 2), ("*/b/*", 1), ("*.c", 4)]
    cases += [("*/four.c", 1), ("/elsewhere", 1), ("three.c", 1)]
    cases += [("./three.c", 1), (f"{here}/a", 2), (f"{here}/*", 3)]
    for glob, n in cases:
        assert len(names(project, "--include", glob, "g.info")) == n, glob
        if n < 4:
            assert len(names(project, "--omit", glob, "g.info")) == 4 - n, glob
    for option in ("--omit", "--include"):
        done = collect(project, "--include=*", f"{option}=b", "g.info")
        assert done.stderr == (
            f"rowlock: warning: {option} b: no source file matches; a glob is compared with the "
            "names in the table and with whole paths, and a folder stands for all in it\n"
        ), done


@needs.expat
def test_sources_of_cobertura(project):
    """The first source that has the file, wherever the report names it; else the only one, if it is
    here; else the name alone."""
    here = project.root
    project.write("pkg/a.py", "\n")
    project.write("lib/b.py", "\n")
    cases = [
        ("a.py", [f"{here}/pkg"], "pkg/a.py"),
        ("a.py", [f"\n  {here}/pkg/\n"], "pkg/a.py"),
        ("a.py", ["lib", "pkg", "/"], "pkg/a.py"),
        ("b.py", ["/none", "", ".", "pkg", "lib"], "lib/b.py"),
        ("gone.py", ["pkg"], "pkg/gone.py"),
        ("gone.py", ["pkg", "lib"], "gone.py"),
        ("pkg/a.py", ["/build/elsewhere"], "pkg/a.py"),
        ("../lib/b.py", ["pkg"], "lib/b.py"),
        (f"{here}/pkg/a.py", ["lib"], "pkg/a.py"),
        ("a.py", [f"/none/{i}" for i in range(20000)] + ["pkg"], "pkg/a.py"),
    ]
    for name, sources, shown in cases:
        text = "".join(f"<source>{source}</source>" for source in sources)
        project.write("s.xml", XML.format(name=name, sources=text))
        assert names(project, "s.xml") == [shown], (name, sources[:5])
    project.write("s.xml", XML.format(name="a", sources=f"<source>{'x' * 70000}</source>"))
    said = names(project, "s.xml", code=1)
    assert "s.xml:2: a source that is longer than any path" in said, said


def test_words_for_branches(project):
    """What coverage.py says of a branch is where it leads; other words are only counted."""
    ways = ["jump to line 3,1", "return from function 'f',0", "jump to line 11,-", "exit,-"]
    ways += ["exit the module,1", "exit class 'C',0", "x > 1,1", "jump to line 9x,0"]
    lines = [2, 2, 4, 4, 9, 12, 10, 10]
    arms = "".join(f"BRDA:{line},0,{way}\n" for line, way in zip(lines, ways))
    trace = "SF:a.py\nFN:1,8,f\nFNDA:1,f\nFN:2,6,g\nFNDA:0,g\n{}DA:2,1\nend_of_record\n"
    project.write("words.info", trace.format(arms))
    collect(project, "--json", "o.json", "words.info")
    entry = json.loads((project.root / "o.json").read_text())["files"]["a.py"]
    assert entry["executed_branches"] == [[2, 3], [9, -1]]
    assert entry["missing_branches"] == [[2, -2], [4, -2], [4, 11], [12, -1]]
    counted = "BRDA:10,0,0,0\nBRDA:10,0,1,1\n"
    project.write("numbers.info", trace.format(arms[: arms.index("BRDA:10")] + counted))
    done = project.rowlock("collect", "--compare", "words.info", "numbers.info")
    assert (done.returncode, done.stderr) == (0, ""), done
    none = "".join(s for s in trace.splitlines(True) if s[:2] != "FN").format(arms)
    project.write("none.info", none)
    done = project.rowlock("collect", "--compare", "words.info", "none.info")
    assert (done.returncode, done.stderr) == (0, ""), done
    # Functions may be told behind the branches; of those around a line the innermost is left, and
    # one that has ended is around none.
    ends = {1: 100, 10: 30, 12: 14, 16: 18, 40: 40, 50: 45}
    told = "".join(f"FNL:{start},{start},{end}\n" for start, end in ends.items())
    told += "".join(f"FNA:{start},1,f{start}\n" for start in reversed(ends))
    left = {11: 10, 13: 12, 15: 10, 17: 16, 30: 10, 31: 1, 40: 40, 45: 1, 50: 1, 101: 1}
    arms = "".join(f"BRDA:{line},0,exit,1\n" for line in reversed(left))
    project.write("behind.info", f"SF:a.py\n{arms}{told}DA:1,1\nend_of_record\n")
    collect(project, "--json", "o.json", "behind.info")
    entry = json.loads((project.root / "o.json").read_text())["files"]["a.py"]
    assert entry["executed_branches"] == [[line, -start] for line, start in left.items()]
