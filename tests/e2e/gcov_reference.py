"""What gcov says about compiled objects, added up over objects, to compare `rowlock collect` with;
and the same from an LCOV tracefile."""

import collections
import json
import os
import subprocess


class Counts:
    """lines[file, line], functions[file, line, name], branches[file, line] -> list."""

    def __init__(self):
        self.lines = {}
        self.functions = {}
        self.branches = {}

    def differences(self, other):
        """Lines for people: what self has and other has not, and the other way round."""
        found = []
        for kind in ("lines", "functions", "branches"):
            ours, theirs = getattr(self, kind), getattr(other, kind)
            for key in sorted(set(ours) | set(theirs)):
                if ours.get(key) != theirs.get(key):
                    found.append(f"{kind} {key}: {ours.get(key)} != {theirs.get(key)}")
        return found


def from_text(text):
    """What gcov printed: a line of JSON for each .gcno file."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def run_gcov(gcov, notes, folder):
    """The JSON that gcov prints for a .gcno file with its .gcda file beside it. gcov is a program,
    or the words that run one in the folder."""
    words = [gcov] if isinstance(gcov, str) else gcov
    notes = os.path.relpath(notes, folder)
    done = subprocess.run(
        [*words, "--json-format", "--stdout", "--branch-probabilities", notes],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=True,
    )
    return from_text(done.stdout)


def from_gcov(gcov, notes_files, folder):
    """The sum over the objects of what gcov says, files by their absolute names."""
    return add_up(unit for notes in notes_files for unit in run_gcov(gcov, notes, folder))


def add_up(units):
    total = Counts()
    arms = collections.defaultdict(lambda: collections.defaultdict(list))
    for unit in units:
        for file in unit["files"]:
            name = os.path.normpath(os.path.join(unit["current_working_directory"], file["file"]))
            add_file(total, arms, name, file)
    for key, owners in arms.items():
        total.branches[key] = [count for owner in sorted(owners) for count in owners[owner]]
    return total


def shown_names(units, demangled=True):
    """The names of all functions in what gcov printed, as it shows them to people or as they are in
    the object."""
    return {
        function["demangled_name" if demangled else "name"]
        for unit in units
        for file in unit["files"]
        for function in file["functions"]
    }


def add_file(total, arms, name, file):
    """One entry of gcov's "files". Instances of a template have their lines to themselves there;
    here they add up, and their branches follow those of no instance, by the instance's name."""
    starts = collections.Counter(function["start_line"] for function in file["functions"])
    groups = {f["name"] for f in file["functions"] if starts[f["start_line"]] > 1}
    for function in file["functions"]:
        key = (name, function["start_line"], function["name"])
        total.functions[key] = total.functions.get(key, 0) + function["execution_count"]
    for line in file["lines"]:
        key = (name, line["line_number"])
        total.lines[key] = total.lines.get(key, 0) + line["count"]
        owner = line.get("function_name", "")
        sums = arms[key][owner if owner in groups else ""] if line["branches"] else []
        for i, branch in enumerate(line["branches"]):
            if i == len(sums):
                sums.append(0)
            sums[i] += branch["count"]


def details(unit):
    """What else gcov says about one object: {file: (functions with columns and blocks, lines with a
    block that never ran, branches with what kind they are)}."""
    found = {}
    keys = ("name", "start_line", "start_column", "end_line", "end_column", "execution_count")
    for file in unit["files"]:
        name = os.path.normpath(os.path.join(unit["current_working_directory"], file["file"]))
        functions = [
            [*(f[key] for key in keys), f["blocks"], f["blocks_executed"]]
            for f in file["functions"]
        ]
        lines = {line["line_number"] for line in file["lines"] if line["unexecuted_block"]}
        branches = [
            (line["line_number"], b["throw"], b["fallthrough"], b["count"])
            for line in file["lines"]
            for b in line["branches"]
        ]
        found[name] = (sorted(functions), sorted(lines), sorted(branches))
    return found


def details_of_report(path):
    """The same from the JSON of collect, whose flags are those of src/coverage/model.h."""
    with open(path, encoding="utf-8") as file:
        files = json.load(file)["files"]
    return {
        name: (
            sorted(file["calls"]),
            file["unexecuted"],
            sorted((arm[0], bool(arm[5] & 1), bool(arm[5] & 2), arm[6]) for arm in file["arms"]),
        )
        for name, file in files.items()
    }


def from_lcov(path):
    """The counts of an LCOV tracefile. A "-" counts as 0."""
    total = Counts()
    starts, name = {}, None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for record in file:
            kind, _, rest = record.rstrip("\n").partition(":")
            if kind == "SF":
                name, starts = rest, collections.defaultdict(list)
            elif kind == "FN":
                line, function = rest.split(",", 1)
                starts[function].append(int(line))
            elif kind == "FNDA":
                count, function = rest.split(",", 1)
                key = (name, starts[function].pop(0), function)
                total.functions[key] = int(count)
            elif kind == "DA":
                line, count = rest.split(",")[:2]
                total.lines[name, int(line)] = int(count)
            elif kind == "BRDA":
                line, _block, _arm, taken = rest.split(",")
                arm = 0 if taken == "-" else int(taken)
                total.branches.setdefault((name, int(line)), []).append(arm)
    return total
