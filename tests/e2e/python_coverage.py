"""coverage.py for tests that compare with it: installed, or in the source tree's .tools/plugins,
where ./bootstrap --ci puts it for tests alone."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("ROWLOCK_SRCDIR") or HERE.parents[1]).resolve()
PLUGINS = SOURCE / ".tools" / "plugins"
SAMPLE = HERE.parent / "projects" / "fqcn-converter"


def prepare(project):
    """Makes coverage.py importable in the project, whose python3 is the one that runs the tests;
    skips the test where there is none."""
    project.env["PATH"] = f"{os.path.dirname(sys.executable)}:{project.env['PATH']}"
    if PLUGINS.is_dir():
        project.env["PYTHONPATH"] = str(PLUGINS)
    if coverage(project, "--version", check=False).returncode != 0:
        pytest.skip("needs coverage.py")


def copy_sample(project):
    shutil.copytree(SAMPLE, project.root, dirs_exist_ok=True)


def coverage(project, *args, check=True):
    """Runs coverage.py there."""
    done = subprocess.run(
        [sys.executable, "-m", "coverage", *args],
        cwd=project.root,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def table(text):
    """The lines of `coverage report`, whatever the widths that its version chooses."""
    lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and not set(line) <= {"-"}]


# Those that say when and by whom, and those that not every version of coverage.py has.
OPEN = {"timestamp", "version", "format"}
NEWER = re.compile(r"percent_(statements|branches)_covered(_display)?$|start_line$")


def differences(theirs, ours, place="", found=None):
    """What differs between two parsed JSON reports, as lines."""
    found = [] if found is None else found
    if isinstance(theirs, dict) and isinstance(ours, dict):
        theirs = only_statements(theirs, ours)
        for key in sorted(theirs.keys() | ours.keys()):
            if key in OPEN and place == "/meta":
                continue
            if key not in theirs and NEWER.match(key):
                continue
            if key not in theirs or key not in ours:
                found.append(f"{place}/{key}: only {'ours' if key in ours else 'theirs'}")
            else:
                differences(theirs[key], ours[key], f"{place}/{key}", found)
    elif "/contexts/" in place and sorted(theirs) == sorted(ours):
        pass  # names, in the order of a set
    elif theirs != ours:
        found.append(f"{place}: {str(theirs)[:200]}, ours {str(ours)[:200]}")
    return found


def only_statements(theirs, ours):
    """Versions before 7.16 list executed lines that are no statements (docstrings), which their own
    counts leave out."""
    listed, summary = theirs.get("executed_lines"), theirs.get("summary")
    if listed is None or len(listed) == summary["covered_lines"]:
        return theirs
    statements = {*ours.get("executed_lines", ()), *ours.get("missing_lines", ())}
    return {**theirs, "executed_lines": [line for line in listed if line in statements]}


def json_differences(theirs, ours):
    with open(theirs, encoding="utf-8") as a, open(ours, encoding="utf-8") as b:
        return differences(json.load(a), json.load(b))


def xml_differences(theirs, ours):
    a, b = (xml.etree.ElementTree.parse(path).getroot() for path in (theirs, ours))
    # Under relative_files, coverage.py takes the first slash from the names of files elsewhere,
    # but not from that of the first one: these would be two packages.
    if any(item.get("filename").startswith("/") for item in a.iter("class")):
        return differences(flat_classes(a), flat_classes(b))
    return differences(flat_xml(a), flat_xml(b))


def flat_classes(root):
    """{"file/line": attributes} of a Cobertura report whose packages say nothing."""
    out = {"": {key: value for key, value in root.attrib.items() if key not in OPEN}}
    for item in root.iter("class"):
        file = item.get("filename").lstrip("/")
        out[file] = {**item.attrib, "filename": file}
        for line in item.iter("line"):
            out[f"{file}/{line.get('number')}"] = dict(line.attrib)
    return out


def flat_xml(root):
    """{"package/file/line": attributes} of a Cobertura report; the order of packages is free."""
    out = {"": {key: value for key, value in root.attrib.items() if key not in OPEN}}
    out["sources"] = {"all": sorted(source.text or "" for source in root.iter("source"))}
    for package in root.iter("package"):
        name = package.get("name")
        out[name] = dict(package.attrib)
        for item in package.iter("class"):
            file = f"{name}/{item.get('filename')}"
            out[file] = dict(item.attrib)
            for line in item.iter("line"):
                out[f"{file}/{line.get('number')}"] = dict(line.attrib)
    return out
