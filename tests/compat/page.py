"""What the comparison says, on the terminal and in docs/compatibility.md."""

import collections
import os
import platform

from cell import OUTCOMES

LINES_SHOWN = 20


def counts_text(verdicts):
    counts = collections.Counter(verdicts.values())
    return ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name]) or "none"


def print_cell(cell):
    """One cell on the terminal."""
    package = cell.package
    print(f"{package.name} {package.version}, pytest {cell.pytest}")
    if cell.broken:
        print(f"  not with this pytest: {cell.broken}", flush=True)
        return
    for name, run in cell.runs.items():
        said = run.failure or counts_text(run.verdicts)
        differences = len(cell.differences(name)) if name != "plain" else 0
        more = f"; {differences} differ" if differences else ""
        print(f"  {name:8} {run.seconds:6.1f} s  {said}{more}", flush=True)
    if "rowlock" in cell.runs:
        if cell.runs["rowlock"].collected:
            print(f"    collected by {cell.runs['rowlock'].collected}", flush=True)
        print_differences(cell)


def print_differences(cell):
    differences = cell.differences("rowlock")
    for test, before, after in differences[:LINES_SHOWN]:
        alone = f", alone {cell.alone[test]}" if test in cell.alone else ""
        unstable = ", plain runs disagree" if cell.is_unstable(test) else ""
        known = "  (explained)" if cell.explanation((test, before, after)) else ""
        print(f"    {test}: plain {before}, rowlock {after}{alone}{unstable}{known}")
    if len(differences) > LINES_SHOWN:
        print(f"    and {len(differences) - LINES_SHOWN} more", flush=True)


def number_of(cell, name):
    """A cell of the table: how many verdicts differ."""
    run = cell.runs[name]
    count = len(cell.differences(name))
    if run.failure and count == len(cell.runs["plain"].verdicts):
        return "all"
    return str(count) if count else "none"


def row(cell):
    title = f"{cell.package.name} {cell.package.version}"
    if cell.broken:
        return f"| {title} | {cell.pytest} | {cell.broken} | | | | | | |"
    plain, xdist, ours = (cell.runs[name] for name in ("plain", "xdist", "rowlock"))
    # Tests that fail early say nothing about speed.
    same = not cell.differences("xdist") and not cell.differences("rowlock")
    ratio = f"{ours.seconds / xdist.seconds:.2f}" if same and xdist.seconds else ""
    return (
        f"| {title} | {cell.pytest} | {len(plain.verdicts)} | {number_of(cell, 'xdist')} "
        f"| {number_of(cell, 'rowlock')} | {plain.seconds:.1f} | {xdist.seconds:.1f} "
        f"| {ours.seconds:.1f} | {ratio} |"
    )


def collected_lines(cells):
    """How each suite was collected, where it was run."""
    ways = {}
    for cell in cells:
        if not cell.broken and cell.runs["rowlock"].collected:
            way = ways.setdefault(cell.package.name, {})
            way.setdefault(cell.runs["rowlock"].collected, []).append(cell.pytest)
    lines = []
    for name, way in ways.items():
        said = [f"{text} (pytest {', '.join(v)})" for text, v in way.items()]
        lines.append(f"| {name} | {'; '.join(said) if len(way) > 1 else next(iter(way))} |")
    return lines


def short_list(tests):
    shown = ", ".join(f"`{test}`" for test in tests[:3])
    return shown + (f" and {len(tests) - 3} more" if len(tests) > 3 else "")


def group_differences(cells, name):
    """{(package, what is said of them): ({pytest: None}, {test: None})}"""
    groups = {}
    for cell in cells:
        if cell.broken:
            continue
        if cell.runs[name].failure:
            key = (cell.package.name, "", f"the run failed: {cell.runs[name].failure}")
            groups.setdefault(key, ({}, {}))[0][cell.pytest] = None
            continue
        for difference in cell.differences(name):
            test, before, after = difference
            text = cell.explanation(difference)
            if text is None and cell.is_unstable(test):
                text = "two runs of plain pytest disagree, too"
            if text is None:
                text = "not explained"
            key = (cell.package.name, f"{after} instead of {before}", text)
            versions, tests = groups.setdefault(key, ({}, {}))
            versions[cell.pytest] = None
            tests[test] = None
    return groups


def difference_lines(cells, name):
    lines = []
    for (package, change, text), (versions, tests) in group_differences(cells, name).items():
        which = f"{short_list(list(tests))} {change}: " if tests else ""
        lines.append(f"- {package}, pytest {', '.join(versions)}: {which}{text}.")
    return lines or ["None."]


HEAD = """\
# Compatibility with published suites

The test suites of these packages, as their source archives ship them (of some only a part, to
keep the time short), run with plain pytest, with `pytest -n {workers}` (pytest-xdist {xdist}) and
with `rowlock -n {workers}`, each from a fresh copy, with three versions of pytest. The verdict of
every single test is compared with that of plain pytest: "differs" counts the tests with another
verdict and those that are missing.

`make compat` does it all again and writes this page; where it was interrupted, it goes on. `make
compat ARGS="--only NAME --pytest 8"` looks at one of them. What is run stands in
`tests/compat/packages.py`.

Python {python}, {system}, {processors} processors. Times are of one run each, on a machine that
did other things as well; the last column is Rowlock's time divided by that of pytest-xdist.
"""


def write_page(path, cells, workers, xdist):
    kinds = {cell.package.name: cell.package for cell in cells}
    lines = HEAD.format(
        workers=workers,
        xdist=xdist,
        python=platform.python_version(),
        system=platform.system(),
        processors=os.cpu_count(),
    ).splitlines()
    lines += ["", "| package | what is particular about its suite |", "|---|---|"]
    lines += [f"| {p.name} {p.version} | {p.kind} |" for p in kinds.values()]
    lines += [
        "",
        "## Verdicts and times",
        "",
        "| package | pytest | tests | xdist differs | Rowlock differs | plain s | xdist s "
        "| Rowlock s | ratio |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *map(row, cells),
        "",
        "## Who collected",
        "",
        "With --parallel-collect: several workers, a share of the files each, or one process, and",
        "why. Without, one process collects what it has collected within a tenth of a second, too.",
        "",
        "| package | collected by |",
        "|---|---|",
        *collected_lines(cells),
        "",
        "## Where Rowlock differs from plain pytest",
        "",
        *difference_lines(cells, "rowlock"),
        "",
        "## Where pytest-xdist differs from plain pytest",
        "",
        *difference_lines(cells, "xdist"),
    ]
    rest = split_page(path, NATIVE)[1]
    write_file(path, "\n".join(lines) + "\n" + (f"\n{rest}" if rest else ""))


# What follows on the page is written by native.py, collector.py and pycoverage.py, each its own
# part.
NATIVE = "## Native suites"


def split_page(path, heading):
    """The page up to the heading, and from there on; the second is empty where it has none."""
    if not os.path.exists(path):
        return "", ""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    start = text.find(f"\n{heading}") + 1
    return (text[:start], text[start:]) if start else (text, "")


def replace_section(path, heading, section):
    """Puts the section in place of the one with that heading, or at the end of the page."""
    before, old = split_page(path, heading)
    end = old.find("\n## ") + 1
    after = f"\n{old[end:]}" if end else ""
    write_file(path, (before.rstrip("\n") + "\n\n" if before else "") + section + after)


def write_file(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    print(f"wrote {path}")
