"""Suites of TAP scripts: started as prove starts them, judged as prove judges them."""

import re
import shutil

import pytest

# name: (text, mode); the printf of a shell script writes what the text of a Perl script would.
SCRIPTS = {
    "perl.t": ("#!/usr/bin/perl -w\nprint qq(1..1\\n), $^W ? 'ok' : 'not ok', qq(\\n);\n", 0o644),
    "perl-runs.t": ("#!/no/such/perl\nprint qq(1..1\\nok\\n);\n", 0o755),
    "env.t": ("#!/usr/bin/env perl\nprint qq(1..1\\nok 1 - $0\\n);\n", 0o755),
    "taint.t": (
        "#!perl -wT\nprint qq(1..1\\n), ${^TAINT} == 1 ? 'ok' : 'not ok', qq(\\n);\n",
        0o644,
    ),
    "taint-warns.t": (
        "#! perl -t\nprint qq(1..1\\n), ${^TAINT} == -1 ? 'ok':'not ok', qq(\\n);\n",
        0o644,
    ),
    "lib.t": ("use Mine; print qq(1..1\\nok\\n);\n", 0o644),
    "taint-lib.t": ("#!perl -T\nuse Mine; print qq(1..1\\nok\\n);\n", 0o644),
    "more.t": ("use Test::More;\nok 1; subtest s => sub { ok 1; ok 1 }; done_testing;\n", 0o644),
    "more-fails.t": ("use Test::More tests => 2;\nok 1; ok 0, 'why';\n", 0o644),
    "more-skips.t": ("use Test::More skip_all => 'no net';\n", 0o644),
    "more-bails.t": ("use Test::More tests => 2;\nok 1; BAIL_OUT('no disk');\n", 0o644),
    "more-dies.t": ("use Test::More tests => 1;\nok 1; die 'after all';\n", 0o644),
    "more-subtest.t": ("use Test::More;\nsubtest s => sub { ok 0 }; done_testing;\n", 0o644),
    "sh.t": ("#!/bin/sh\necho 1..1; echo ok 1\n", 0o755),
    "sh-no-x.t": ("#!/bin/sh -e\necho 1..1; false; echo ok 1\n", 0o644),
    "sh name's.t": ("#! /bin/sh\nprintf '1..1\\nok 1 - %s\\n' \"$0\"\n", 0o644),
    "no-hashbang.t": ("print qq(1..1\\nok\\n);\n", 0o755),
    "signal.t": ("#!/bin/sh\necho 1..1; echo ok 1; kill -9 $$\n", 0o755),
    "status.t": ("#!/bin/sh\necho 1..1; echo ok 1; exit 99\n", 0o755),
    "stderr.t": ("#!/bin/sh\necho 1..1; echo not ok 1 >&2; echo ok 1\n", 0o755),
    "data.tap": ("1..2\nok 1\nnot ok 2 # TODO later\n", 0o644),
    "empty.t": ("", 0o644),
}


def prove(project, path, **env):
    """What the real one says: passed, failed or skipped."""
    done = project.run(["prove", "--norc", path], env=env)
    skipped = re.search(r"\.\. skipped: ", done.stdout)
    return (
        "skipped" if skipped and not done.returncode else "failed" if done.returncode else "passed"
    )


@pytest.mark.skipif(not shutil.which("prove"), reason="prove is missing (Debian: perl)")
def test_scripts_start_and_end_as_under_prove(project):
    project.write("lib/Mine.pm", "package Mine; 1;\n")
    for name, (text, mode) in SCRIPTS.items():
        project.write(f"t/{name}", text).chmod(mode)
    shutil.copy(shutil.which("true"), project.path("t/true.t"))
    env = {"PERL5LIB": str(project.path("lib"))}
    done = project.rowlock(
        "parallel", "--tap", "t", "--tap", "t/*.tap", "--report-json", "report.json", env=env
    )
    assert done.returncode == 1
    ours = {}
    for test in project.report()["tests"]:
        name, _, point = test["id"][len("tap/") :].partition("#")
        assert not point
        ours[name] = test["outcome"]
    assert set(ours) == set(SCRIPTS) | {"true.t"}
    assert ours.pop("signal.t") == "crashed"
    theirs = {name: prove(project, f"t/{name}", **env) for name in ours}
    assert ours == theirs


def test_interpreter_and_words_that_mean_files(project):
    project.write("t/a b.t", "echo 1..1; echo ok 1 - $0 $MODE\n")
    project.write("t/c.t", "echo 1..1; echo ok 1\n")
    suite = {"name": "shell", "format": "tap", "glob": "t/*.t", "env": {"MODE": "m"}}
    project.manifest(suites=[dict(suite, interpreter=["sh", "-e"])])
    done = project.rowlock("parallel", "--tap", "t", "t/a b.t", "-v")  # which is listed already
    assert done.returncode == 0 and "1 passed" in done.stdout, done
    assert "shell/a b.t" in done.stdout and "shell/c.t" not in done.stdout
    assert ": 1 test in 1 group, " in done.stdout
    project.manifest(suites=[dict(suite, interpreter=[])])
    done = project.rowlock("parallel")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1 and '"interpreter" names no program' in done.stderr


def test_tap_beside_the_manifest_and_what_matches_nothing(project):
    project.script("t/a.t", "echo 1..1; echo ok")
    project.manifest(
        {"id": "own", "command": ["true"]}, {"id": "hard", "command": ["sh", "-c", "exit 99"]}
    )
    done = project.rowlock("parallel", "--tap", "t/*.t", "--report-json", "report.json")
    assert done.returncode == 1
    assert project.outcomes() == {"own": "passed", "hard": "error", "tap/a.t": "passed"}
    assert "exit status 99, a hard error" in done.stdout
    for words, said in [
        (
            ["--tap", "t/*.x"],
            "--tap: the glob 't/*.x' matches no file; build the tests first, or correct it",
        ),
        (
            ["--tap", "lib"],
            "--tap: the glob 'lib' matches no file; build the tests first, or correct it",
        ),
        (
            ["--tap", "t/**/*.t"],
            "--tap: the glob 't/**/*.t' holds '**', which is not supported; "
            "name the folders one by one",
        ),
    ]:
        done = project.rowlock("parallel", *words)
        assert (done.returncode, done.stderr) == (4, f"rowlock: {said}\n")


def test_output_that_is_no_tap_or_far_too_much(project):
    flood = 'BEGIN { print "1..3000000"; for (i = 1; i <= 3000000; i++) print "ok " i " - point" }'
    project.script("t/flood.t", f"exec awk '{flood}'")
    project.script("t/none.t", "echo hello; printf '\\000\\377'")
    project.script("t/short.t", "echo 1..10000000; echo ok 1; printf 'ok 2'")
    project.script("t/bails.t", "echo 1..2; echo 'Bail out!  no disk'; echo ok 1; echo ok 2")
    done = project.rowlock("parallel", "--tap", "t", "--report-json", "report.json")
    assert done.returncode == 1
    tests = {t["id"]: (t["outcome"], t["message"]) for t in project.report()["tests"]}
    assert tests.pop("tap/flood.t")[0] == "passed"
    assert tests == {
        "tap/none.t": ("failed", "no plan (1..N) in its output"),
        "tap/short.t": ("failed", "planned 10000000 points, ran 2"),
        "tap/bails.t": ("failed", "Bail out! no disk"),
    }


def test_more_points_than_are_kept(project):
    """They are judged all the same, and the report says how many they were."""
    script = "seq 30000 | sed 's/^/ok /'; echo not ok 30001; echo 1..30001"
    project.manifest({"id": "many", "format": "tap", "command": ["sh", "-c", script]})
    done = project.rowlock("parallel", "--report-json", "report.json")
    assert done.returncode == 1, done
    assert "many: of its 30001 points, 10001 are listed and counted below; 1 failed" in done.stdout
    assert "1 failed, 10000 passed" in done.stdout
