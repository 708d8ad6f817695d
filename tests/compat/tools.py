"""The tools of native suites: how each builds a project and runs its tests, what it says of each
test, and how Rowlock is started on the same."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

from environments import Failure, clean_environment

LIMIT = 900  # seconds for one command

# What Rowlock calls a test, in the words of the comparison: passed, failed, skipped. An expected
# failure is what the project wants, whatever its name.
WORDS = {"xfailed": "passed", "xpassed": "failed"}
WORDS.update(dict.fromkeys(["crashed", "timeout", "error"], "failed"))


def run(command, folder, what, accept=(0,), env=None):
    """Its output. accept: exit codes that are no failure of the comparison itself; None: any."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=clean_environment(LC_ALL="C.UTF-8", **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{what}: {error}") from error
    text = done.stdout.decode(errors="replace")
    if accept is not None and done.returncode not in accept:
        last = [line for line in text.splitlines() if line.strip()][-1:] or ["no output"]
        raise Failure(f"{what}: exit code {done.returncode}: {last[0]}")
    return text


class CTest:
    name = "ctest"
    command = "ctest -j2"

    def build(self, folder, options, jobs):
        where = os.path.join(folder, "build-ctest")
        if not os.path.exists(os.path.join(where, "built")):
            run(["cmake", "-S", folder, "-B", where, *options], folder, "cmake")
            run(["cmake", "--build", where, "-j", jobs], folder, "cmake --build")
            open(os.path.join(where, "built"), "w").close()

    def verdicts(self, folder, _options):
        where = os.path.join(folder, "build-ctest")
        # Like Rowlock, it is not to know how long tests took before.
        shutil.rmtree(os.path.join(where, "Testing"), ignore_errors=True)
        log = run(["ctest", "-j2", "--output-junit", "junit.xml"], where, "ctest", None)
        failed = re.findall(r"(?m)^\s+\d+ - (.*) \(.*\)$", log.partition("tests FAILED:")[2])
        known = {}
        for case in ET.parse(os.path.join(where, "junit.xml")).getroot().iter("testcase"):
            name, ran = case.get("name"), case.get("status") == "run"
            known[name] = "failed" if name in failed else "passed" if ran else "skipped"
        return known

    def rowlock(self, _folder, _options):
        return ["--ctest", "build-ctest"], {}

    def own_name(self, test):
        return test


class Meson:
    name = "meson"
    command = "meson test --num-processes 2"
    words = {"OK": "passed", "SKIP": "skipped", "EXPECTEDFAIL": "passed"}

    def build(self, folder, options, jobs):
        where = os.path.join(folder, "build-meson")
        if not os.path.exists(os.path.join(where, "built")):
            run(["meson", "setup", where, *options], folder, "meson setup")
            run(["meson", "compile", "-C", where, "-j", jobs], folder, "meson compile")
            open(os.path.join(where, "built"), "w").close()

    def verdicts(self, folder, _options):
        where = os.path.join(folder, "build-meson")
        command = ["meson", "test", "-C", where, "--no-rebuild", "--num-processes", "2"]
        run(command, folder, "meson test", None)
        listed = run(["meson", "introspect", "--tests", where], folder, "meson introspect")
        names = sorted({t["name"] for t in json.loads(listed)}, key=len, reverse=True)
        known = {}
        with open(os.path.join(where, "meson-logs", "testlog.json"), encoding="utf-8") as log:
            for line in log:
                case = json.loads(line)
                name = next(n for n in names if case["name"].endswith(n))
                while name in known:  # Rowlock's names of tests that are called alike
                    base, _, number = name.partition("#")
                    name = f"{base}#{int(number or 1) + 1}"
                known[name] = self.words.get(case["result"], "failed")
        return known

    def rowlock(self, _folder, _options):
        return ["--meson", "build-meson"], {}

    def own_name(self, test):
        """Of a program with the protocol gtest, all tests are one to meson."""
        return test.partition("::")[0]


class Prove:
    name = "prove"
    command = "prove -l -j2"

    def build(self, _folder, _options, _jobs):
        """Modules of Perl alone need nothing built."""

    def verdicts(self, folder, _options):
        log = run(["prove", "-l", "-j2", "t"], folder, "prove", None)
        known = {}
        for script, said in re.findall(r"(?m)^(t/\S+\.t) \.+ ?(.*)$", log):
            word = "passed" if said == "ok" else "failed"
            known[script] = "skipped" if said.startswith("skipped") else word
        return known

    def rowlock(self, folder, _options):
        return ["--tap", "t"], {"PERL5LIB": os.path.join(folder, "lib")}

    def own_name(self, test):
        return "t/" + test.removeprefix("tap/").removeprefix("t/")


class GTest:
    """Programs that are built from one source file each, named by the options; the tool that they
    are run with is themselves."""

    name = "gtest"
    command = "each program by itself"

    def programs(self, options):
        return [os.path.splitext(os.path.basename(source))[0] for source in options]

    def build(self, folder, options, _jobs):
        where = os.path.join(folder, "build-gtest")
        os.makedirs(where, exist_ok=True)
        for source, program in zip(options, self.programs(options)):
            if os.path.exists(os.path.join(where, program)):
                continue
            top = os.path.join(folder, os.path.dirname(os.path.dirname(source)))
            command = ["g++", "-O0", f"-I{top}", f"-I{top}/include", "-o", f"{program}.new"]
            libraries = ["-lgtest", "-lgtest_main", "-pthread"]
            run([*command, os.path.join(folder, source), *libraries], where, "g++")
            os.replace(os.path.join(where, f"{program}.new"), os.path.join(where, program))

    def verdicts(self, folder, options):
        where = os.path.join(folder, "build-gtest")
        known = {}
        for program in self.programs(options):
            run([f"./{program}", "--gtest_output=json:own.json"], where, program, None)
            with open(os.path.join(where, "own.json"), encoding="utf-8") as file:
                suites = json.load(file)["testsuites"]
            for suite, test in ((s, t) for s in suites for t in s["testsuite"]):
                ran = "passed" if test["result"] == "COMPLETED" else "skipped"
                name = f"{program}::{suite['name']}.{test['name']}"
                known[name] = "failed" if test.get("failures") else ran
        return known

    def rowlock(self, folder, options):
        globs = [f"build-gtest/{program}" for program in self.programs(options)]
        suite = {"name": "own", "format": "gtest", "glob": globs}
        with open(os.path.join(folder, "tests.json"), "w", encoding="utf-8") as file:
            json.dump({"rowlock": 1, "suites": [suite]}, file)
        return [], {}

    def own_name(self, test):
        return test.removeprefix("own/")


TOOLS = {tool.name: tool for tool in (CTest(), Meson(), Prove(), GTest())}
