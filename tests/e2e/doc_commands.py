"""The commands that README.md, docs/*.md and the manual pages show, for test_docs.py."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROGRAM = r"(?:rowlock|make|pytest|cmake|meson|gcc|\./(?:bootstrap|configure))"
VARIABLES = r"(?:[A-Z_0-9]+=(?:\$\([^)]*\)|\S+) )*"
COMMAND = re.compile(rf"(?:\$ )?({VARIABLES}{PROGRAM}(?:\s.*|$))")
INLINE = re.compile(rf"({VARIABLES}(?:rowlock|make|pytest|\./bootstrap|\./configure) .*)")

# In a recipe of Make, or in a step of a CI server.
EMBEDDED = re.compile(rf"(?:\t[+@-]*|\s*(?:- )?run: |\s*- )({VARIABLES}{PROGRAM}(?:\s.*|$))")

# What a block that holds no commands begins with.
DATA = [
    r'[{"]',  # JSON
    r"\[",  # ini, TOML
    r"(?:def|import|from|class|@)\b|@pytest",  # Python
    r"(?:- )?[a-z_-]+:(?: |$)",  # Makefile, YAML
    r"#include|/\*",  # C
    r"include rowlock\.mk$|ROWLOCK_CHECK\(|find_package\(",  # Make, Autoconf, CMake
    r'\. "\$\(rowlock --shell-fixtures\)"',  # test_shell_fixtures.py runs it
    r"\. completions/",  # for the shell one types in; test_completion.py does it
    r"(?:config ──►|\.rowlock/$|rowlock \(driver)",  # drawings and trees
]


class Command:
    def __init__(self, place, text, output):
        self.place = place  # "docs/guide.md:17"
        self.text = text
        self.output = output  # the lines below it in its block, if it stands behind "$ "


def blocks(text):
    """The blocks of code: (number of the first line, lines without their indentation)."""
    found = []
    block = None
    fence = None
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("```"):
            fence = None if fence is not None else number
            block = None
        elif fence is not None or (line.startswith("    ") and (block or not before.strip())):
            if block is None:
                block = []
                found.append((number, block))
            block.append(line if fence is not None else line[4:])
        elif line.strip() or block is None:
            block = None
        else:
            block.append("")
        before = line
    return found


def without_comment(text):
    return re.sub(r"\s{2,}#.*|\s# .*", "", text).strip()


def of_block(name, first, lines):
    """The commands of a block; None if nobody knows what it is."""
    found = []
    if any(re.match(data, lines[0]) for data in DATA):
        for number, line in enumerate(lines, first):
            match = EMBEDDED.match(line)
            if match:
                found.append(Command(f"{name}:{number}", match.group(1), None))
        return found
    for number, line in enumerate(lines, first):
        match = COMMAND.match(line)
        place = f"{name}:{number}"
        if match and (line.startswith("$ ") or not (found and found[-1].output is not None)):
            output = [] if line.startswith("$ ") else None
            found.append(Command(place, without_comment(match.group(1)), output))
        elif found and found[-1].output is not None:
            found[-1].output.append(line)
        elif not found or (line.strip() and not line.startswith(" ")):
            return None
    return found


def pages():
    named = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in named]


def manual_examples(page):
    """The examples of a manual page: (number of the first line, lines without their macros)."""
    found = []
    block = None
    inside = False
    for number, line in enumerate((ROOT / "docs" / "man" / page).read_text().splitlines(), 1):
        if line.startswith(".Sh "):
            inside = line == ".Sh EXAMPLES"
        elif inside and line.startswith(".Dl "):
            found.append((number, [line[4:].replace("\\e", "\\")]))
        elif inside and line.startswith(".Bd "):
            block = []
            found.append((number + 1, block))
        elif line.startswith(".Ed"):
            block = None
        elif block is not None:
            block.append(line.replace("\\e", "\\").replace("\\&", ""))
    return found


def manuals():
    """Those with examples; that of rowlock-fixtures(3) are programs: test_shell_fixtures.py."""
    names = [path.name for path in sorted((ROOT / "docs" / "man").glob("*.[1-8]"))]
    return [n for n in names if manual_examples(n) and n != "rowlock-fixtures.3"]


def commands():
    """All commands, and the places of blocks that nobody knows."""
    found = []
    unknown = []
    for name, text in pages():
        inside = set()
        for first, lines in blocks(text):
            inside.update(range(first, first + len(lines)))
            of_this = of_block(name, first, lines)
            if of_this is None:
                unknown.append(f"{name}:{first}: {lines[0]}")
            found += of_this or []
        prose = [
            "" if number in inside else line for number, line in enumerate(text.splitlines(), 1)
        ]
        # A span may go over the end of a line.
        whole = "\n".join(prose)
        for span in re.finditer(r"(?<!`)`([^`]+)`(?!`)", whole):
            match = INLINE.fullmatch(" ".join(span.group(1).split()).replace("\\|", "|"))
            if match:
                line = whole.count("\n", 0, span.start()) + 1
                found.append(Command(f"{name}:{line}", match.group(1), None))
    for name in manuals():
        for first, lines in manual_examples(name):
            # A recipe of Make keeps its "+", which stands for a run inside of another make.
            of_this = (
                [Command(f"{name}:{first}", lines[0], None)]
                if lines[0].startswith("+")
                else of_block(name, first, lines)
            )
            if of_this is None:
                unknown.append(f"{name}:{first}: {lines[0]}")
            found += of_this or []
    return found, unknown
