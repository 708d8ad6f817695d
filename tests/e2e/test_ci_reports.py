"""--report-github, --report-markdown and --report-tap, read as by GitHub, by a renderer of Markdown
and other readers of TAP read them."""

import html.parser
import json
import re
import shutil
import subprocess

import hostile
import pytest

pytestmark = pytest.mark.integration

REGISTERED = {
    "error",
    "warning",
    "notice",
    "group",
    "endgroup",
    "add-mask",
    "set-output",
    "debug",
    "set-env",
    "add-path",
    "add-matcher",
    "save-state",
    "echo",
    "stop-commands",
}


def unescape(text, characters):
    for char in characters + "%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def obeyed(output):
    """The commands in a log that GitHub obeys, (name, properties, data) each. A line may be
    indented, and the old form "##[name]" may stand anywhere in it."""
    commands, token = [], None
    for line in re.split(r"\r\n|\n|\r", output):
        new = re.match(r"\s*::(\S+?)(?: ([^\n]*?))?::(.*)", line)
        old = re.search(r"##\[(\S+?)(?: (.*?))?\](.*)", line)
        for match in (new, old):
            if not match or match[1].lower() not in REGISTERED | {token}:
                continue
            if token:
                token = None if match[1] == token else token
            elif match[1] == "stop-commands":
                token = match[3]
            else:
                pairs = [p.split("=", 1) for p in (match[2] or "").split(",") if "=" in p]
                commands.append(
                    (
                        match[1],
                        {k: unescape(v, "\r\n:,") for k, v in pairs},
                        unescape(match[3], "\r\n"),
                    )
                )
            break
    return commands


def github(project, *args, workspace=None, summary="summary.md"):
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": workspace or project.root,
        "GITHUB_STEP_SUMMARY": project.path(summary),
    }
    return project.rowlock(*args, env=env)


EVIL = [
    "::error::evil",
    "  ::set-output name=a::evil",
    "x ##[set-env name=PATH]evil",
    "::stop-commands::evil",
    "\x1b[0m::warning::evil",
    "::endgroup::",
]


def evil_project(project):
    """One failure of each kind, with output that imitates commands, Markdown and TAP."""
    project.write(
        "tests/test_evil.py",
        f"""
import helper, pytest
EVIL = {EVIL!r}
@pytest.mark.parametrize("text", ["a|b`c", "<img src=x onerror=y>", "a,b:c%0A::error::", "@a #1"])
def test_evil(text):
    print("\\n".join(EVIL))
    print("```\\n</details><script>alert(1)</script>\\n@octocat\\nBail out!\\n  ...\\nnot ok 99")
    helper.check(text)
def test_fine():
    print("::error::evil")
@pytest.mark.skip(reason="no # db \\\\ here")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_known(): assert 0
""",
    )
    project.write(
        "tests/helper.py", 'def check(text):\n    raise ValueError(f"::error::{text}\\n")\n'
    )
    project.script(
        "t/points.t",
        "echo '1..3'; echo 'ok 1 - one \\# two'; echo 'not ok 2 - two'\n"
        "echo '#   at t/points.t line 3.'; echo 'ok 3 # SKIP no net'; exit 1",
    )
    project.script(
        "assert.sh",
        "echo 'note: t/points.t:1: hello' >&2\n"
        "echo 'prog: tests/helper.py:2: main: Assertion `0` failed.' >&2; kill -6 $$",
    )
    project.manifest(
        {"id": "assert", "format": "exec", "command": ["./assert.sh"]},
        suites=[
            {"name": "py", "format": "pytest", "paths": ["tests"]},
            {"name": "t", "format": "tap", "glob": "t/*.t"},
        ],
    )


def failing_project(project, texts):
    """A failure for each text, which is in its name and in what it prints."""
    project.script("fail.sh", 'printf "%s\\n" "$1"; printf "%s" "$1" >&2; exit 1')
    project.manifest(
        *[
            {"id": f"{i} {text}", "format": "exec", "command": ["./fail.sh", text]}
            for i, text in enumerate(texts)
        ]
    )


def test_annotations_at_file_and_line(project):
    evil_project(project)
    done = github(project, "parallel", "-n", "2", "-v", workspace=project.root.parent)
    assert done.returncode == 1
    commands = obeyed(done.stdout)
    assert {name for name, _, _ in commands} == {"error"}
    place = {p["title"]: (p["file"], p.get("line")) for _, p, _ in commands}
    here = project.root.name
    assert place.pop("CRASHED assert") == (f"{here}/tests/helper.py", "2")
    assert place.pop("FAILED t/points.t") == (f"{here}/t/points.t", "3")
    assert len(place) == 4 and set(place.values()) == {(f"{here}/tests/helper.py", "2")}
    assert "FAILED tests/test_evil.py::test_evil[a,b:c%0A::error::]" in place
    assert any(data.startswith("ValueError: ::error::a|b`c\n") for _, _, data in commands)
    # Without the guard it would have been obeyed: the reader above would see it.
    open_ = github(project, "parallel", "-n", "2", "-v", "--no-report-github")
    assert ("error", {}, "evil") in obeyed(open_.stdout)
    assert not re.search(r"::stop-commands::[0-9a-f]{32}", open_.stdout)
    assert project.path("summary.md").read_text().count("## Tests: ") == 1


def test_live_output_and_report_are_not_obeyed(project):
    evil_project(project)
    done = github(project, "parallel", "-n", "2", "-s", "tests/test_evil.py")
    assert "::error::evil" in done.stdout
    assert {p.get("title", "")[:7] for _, p, _ in obeyed(done.stdout)} == {"FAILED "}
    again = github(project, "report", summary="other.md")
    assert "::error::evil" not in again.stdout or obeyed(again.stdout) == []
    assert not project.path("other.md").exists()
    again = project.rowlock("report", "--report-github")
    assert len(obeyed(again.stdout)) == 4


def test_more_than_github_shows(project):
    project.manifest(*[{"id": f"t{i}", "format": "exec", "command": ["false"]} for i in range(13)])
    done = github(project, "parallel")
    kinds = [name for name, _, _ in obeyed(done.stdout)]
    assert kinds.count("error") == 10
    assert kinds.count("notice") == 1 and obeyed(done.stdout)[-1][2].startswith(
        "3 more tests failed"
    )
    # A run inside of a test is not the step's.
    project.env["PYTEST_XDIST_WORKER"] = "gw0"
    assert "::" not in github(project, "parallel", "-q").stdout


def test_summary_keeps_to_the_limit(project):
    project.script(
        "loud.sh",
        'i=0; while [ $i -lt 300 ]; do echo "$1 $i xxxxxxxxxxxxxxxxxxxx"; i=$((i+1)); done; exit 1',
    )
    project.manifest(
        *[{"id": f"t{i}", "format": "exec", "command": ["./loud.sh", str(i)]} for i in range(600)]
    )
    summary = project.path("summary.md")
    summary.write_text("## Before\n")
    assert github(project, "parallel", "-q", "--report-markdown", "all.md").returncode == 1
    text = summary.read_text()
    assert text.startswith("## Before\n") and text.count("## Tests: ") == 1
    assert 900 * 1024 < len(text.encode()) <= 1024 * 1024
    left = int(re.search(r"\n(\d+) more failures are left out", text)[1])
    assert text.count("<details>") + left == 600
    assert project.path("all.md").read_text().count("<details>") == 600
    assert "240 lines before" in text
    summary.write_text("x" * 1024 * 1024)
    full = github(project, "report", "-q", "--report-github")
    assert full.returncode == 1 and "no room" in full.stderr
    assert summary.stat().st_size == 1024 * 1024


class Rendered(html.parser.HTMLParser):
    """Tags of a page, and its text by whether it is code."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.code, self.text, self.depth = set(), "", "", 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.depth += tag == "code"

    def handle_endtag(self, tag):
        self.depth -= tag == "code"

    def handle_data(self, data):
        if self.depth:
            self.code += data
        else:
            self.text += data


@pytest.mark.skipif(not shutil.which("cmark-gfm"), reason="needs cmark-gfm")
def test_markdown_shows_text_as_text(project):
    """Names and outputs that would be markup, through GitHub's renderer."""
    texts = [t for n, t in hostile.TEXTS.items() if n not in ("64-KiB", "64-KiB-hostile")]
    texts += [
        "@octocat",
        "#1",
        "a\n\n# heading\n\n| a |\n|---|\n",
        "````\n",
        "</code></summary><b>",
        "[a](javascript:x)",
        "![a](b)",
        "www.example.com",
        "- [x] a",
        "<!--",
        "~~a~~",
        "&lt;",
    ]
    failing_project(project, texts)
    project.rowlock("parallel", "-q", "--report-markdown", "out/report.md")
    source = project.path("out/report.md").read_bytes()
    source.decode()
    page = subprocess.run(
        [
            "cmark-gfm",
            "--unsafe",
            "-e",
            "table",
            "-e",
            "strikethrough",
            "-e",
            "autolink",
            "-e",
            "tasklist",
        ],
        input=source,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    shown = Rendered(page)
    assert shown.tags <= {
        "h2",
        "h3",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "p",
        "em",
        "code",
        "pre",
        "details",
        "summary",
        "strong",
        "ul",
        "li",
    }
    for mark in ("octocat", "touch pwned", "heading", "javascript", "example", "1..1", "bogus"):
        assert mark in shown.code and mark not in shown.text, mark
    assert page.count("<details>") == page.count("</details>") == len(texts)


def tap_points(text):
    """What Perl's TAP::Parser makes of it. The one of Debian 12 knows versions up to 13."""
    program = r"""
use TAP::Parser; use JSON::PP; local $/; my $p = TAP::Parser->new({tap => <STDIN>}); my @points;
while (my $r = $p->next) { next unless $r->is_test;
    push @points, [$r->number, $r->is_ok ? 1 : 0, $r->is_actual_ok ? 1 : 0, $r->description,
                   $r->directive, $r->explanation]; }
print encode_json({points => \@points, errors => [$p->parse_errors], planned => $p->tests_planned});
"""
    done = subprocess.run(
        ["perl", "-e", program], input=text.encode(), stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(not shutil.which("prove"), reason="needs Perl's prove")
def test_tap_is_read_back(project):
    evil_project(project)
    done = project.rowlock("parallel", "--report-tap", "out.tap", "--report-json", "report.json")
    assert "reports: report.json, out.tap\n" in done.stdout
    text = project.path("out.tap").read_text()
    assert text.startswith("TAP version 14\n1..9\n")
    read = tap_points(text.replace("TAP version 14", "TAP version 13", 1))
    assert read["errors"] == [] and read["planned"] == 9
    by_id = {
        p[3].replace("- ", "", 1).replace("\\#", "#").replace("\\\\", "\\"): p
        for p in read["points"]
    }
    for name, outcome in project.outcomes().items():
        point = by_id[name]
        assert point[1] == (outcome in ("passed", "skipped", "xfailed")), name
        assert point[2] == (outcome in ("passed", "skipped")), name
        assert point[4] == {"skipped": "SKIP", "xfailed": "TODO"}.get(outcome, "")
    assert "ok 1 - one" in text and "    ok 3 # SKIP no net\n" in text
    assert "# SKIP no \\# db \\\\ here\n" in text
    assert '  file: "tests/helper.py"\n  line: 2\n' in text
    # Our own reader, and the run as a whole: what failed there fails here.
    other = project.other()
    shutil.copy(project.path("out.tap"), other.path("out.tap"))
    other.manifest({"id": "again", "format": "tap", "command": ["cat", "out.tap"]})
    other.rowlock("parallel", "--report-json", "report.json", "--report-tap", "second.tap")
    points = other.report()["tests"][0]["points"]
    assert [p["outcome"] in ("passed", "skipped", "xfailed") for p in points] == [
        bool(p[1]) for p in read["points"]
    ]
    assert "    1..9\n" in other.path("second.tap").read_text()


def test_tap_of_hostile_names(project):
    texts = list(hostile.TEXTS.values())
    failing_project(project, texts)
    project.rowlock("parallel", "-q", "--report-tap", "out.tap")
    text = project.path("out.tap").read_text()
    read = tap_points(text.replace("TAP version 14", "TAP version 13", 1))
    assert read["errors"] == []
    assert [p[0] for p in read["points"]] == list(range(1, len(texts) + 1))
    assert not any(p[1] for p in read["points"])
    assert [int(p[3].split()[1]) for p in read["points"]] == list(range(len(texts)))


def test_tap_fails_where_the_run_does(project):
    project.script("flaky.sh", "[ -e once ] || { touch once; exit 1; }")
    project.manifest({"id": "flaky", "format": "exec", "command": ["./flaky.sh"]})
    done = project.rowlock("parallel", "--reruns", "1", "--report-tap", "a.tap")
    assert done.returncode == 0 and "\nok 1 - flaky\n  ---\n" in project.path("a.tap").read_text()
    project.path("once").unlink()
    done = project.rowlock("parallel", "--reruns", "1", "--fail-on-flaky", "--report-tap", "a.tap")
    assert done.returncode == 1 and "\nnot ok 1 - flaky\n" in project.path("a.tap").read_text()
    project.manifest(*[{"id": f"t{i}", "format": "exec", "command": ["false"]} for i in range(3)])
    done = project.rowlock("sequential", "-x", "--report-tap", "a.tap", "--report-markdown", "a.md")
    text = project.path("a.tap").read_text()
    assert text.count("\nnot ok ") == 3 and text.count('outcome: "did not run"') == 2
    assert "### Did not run\n\n- `t1`\n- `t2`\n" in project.path("a.md").read_text()
    done = project.rowlock("report", "--report-tap", "plan/x/b.tap")
    assert project.path("plan/x/b.tap").read_text() == text
    project.write("file", "")
    done = project.rowlock("report", "--report-markdown", "file/b.md")
    assert done.returncode == 3 and "file" in done.stderr


def test_gitlab(project):
    """JUnit files, paths in Cobertura XML and the total, as GitLab wants them."""
    project.write(
        "sub/src/prog.c",
        "int main(int n, char **v)\n{\n    (void)v;\n    if (n > 1)\n"
        "        return 3;\n    return 0;\n}\n",
    )
    project.run(["gcc", "--coverage", "-o", "prog", "src/prog.c"], cwd=project.path("sub"))
    project.script("sub/t/a.t", "./prog; echo 1..1; echo ok 1")
    project.write(
        "sub/tests.json",
        '{"rowlock": 1, "suites": [{"name": "t", "format": "tap", "glob": "t/*.t"}]}',
    )
    done = project.rowlock(
        "-C",
        "sub",
        "parallel",
        "--coverage",
        "--junitxml",
        "junit.xml",
        "--report-markdown",
        "report.md",
        "--cov-report",
        "term",
        "--cov-report",
        "xml:cov.xml",
        env={"CI_PROJECT_DIR": project.root, "GITLAB_CI": "true"},
    )
    assert done.returncode == 0, done
    assert 'name="1" file="sub/t/a.t"' in project.path("sub/junit.xml").read_text()
    percent = re.search(r"^TOTAL.+?(\d+(?:\.\d+)?)%$", done.stdout, re.M)
    covered, total = re.search(
        r"Coverage: \*\*[\d.]+%\*\* \((\d+) of (\d+)\)", project.path("sub/report.md").read_text()
    ).groups()
    assert (covered, total) == ("3", "4") and percent[1] == "75"
    xml = project.path("sub/cov.xml").read_text()
    assert f"<source>{project.root}/sub</source>" in xml and 'filename="src/prog.c"' in xml


def test_a_make_without_driver(project):
    """What tests print is not obeyed there either; failures are told behind the last one."""
    evil_project(project)
    assert project.rowlock("generate", "-n", "2").returncode == 0
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": project.path("summary.md")}
    done = project.make("-f", ".rowlock/tests.mk", "-j2", env=env)
    assert done.returncode != 0 and "::error::evil" in done.stdout, done
    commands = obeyed(done.stdout)
    assert {name for name, _, _ in commands} == {"error"} and len(commands) == 6, commands
    assert ("error", {}, "evil") not in commands
    assert project.path("summary.md").read_text().count("## Tests: ") == 1
    assert not list(project.path(".rowlock/runs").glob("*/github"))
    # Nothing would say that it may obey again.
    named = project.make("-f", ".rowlock/tests.mk", "t1", env=env)
    assert "stop-commands" not in named.stdout.replace("::stop-commands::evil", ""), named
