"""Writes docs/reference.md, and the lists in the manual pages that say the same.

    reference.py --tables PROGRAM --rowlock PROGRAM [--check]

What can be had from the tables of the program itself comes from there (tables.c, `--help`); what
is said beside them stands in reference_texts.py and is compared with the sources. --check writes
nothing and fails if a file would change.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import subprocess
import sys

import reference_texts as texts

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Stale(Exception):
    """Texts and sources do not agree; the message says what to do."""


def same_names(what, told, known):
    """Every name that the sources know is told of, and no other one."""
    for name in sorted(set(known) - set(told)):
        raise Stale(f"{what} {name} is not described; add it to tests/tools/reference_texts.py")
    for name in sorted(set(told) - set(known)):
        raise Stale(f"{what} {name} is described, but gone; see tests/tools/reference_texts.py")


# ---- What the program says -------------------------------------------------------------------


def own_options(rowlock, command):
    """What `rowlock COMMAND --help` lists of the command's own options: [(usage, text)]."""
    env = dict(os.environ, COLUMNS="4000")
    env.pop("MAKEFLAGS", None)
    text = subprocess.run(
        [rowlock, command, "--help"], env=env, check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    text = text.split("\nComparing:\n")[-1]  # what report has above is among those of a run
    found = []
    pending = None
    for line in text.splitlines():
        entry = re.match(r"  (-\S.*?)(?:  +(\S.*))?$", line)
        if entry and entry.group(2):
            found.append(entry.groups())
        elif entry:
            pending = entry.group(1)
        elif pending and line.startswith("   "):
            found.append((pending, line.strip()))
            pending = None
    return found


def variables_read():
    """The variables that the program asks for, C and Python."""
    names = set()
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix == ".c":
            pattern = r'(?:getenv|\bvariable)\("([A-Z_a-z0-9]+)"'
        elif path.suffix == ".sh":
            pattern = r"\$\{([A-Z_]+):?-"
        elif path.suffix == ".py":
            pattern = r'environ(?:\.get\(|\.pop\(|\[)\s*"([A-Z_0-9]+)"'
        else:
            continue
        names |= set(re.findall(pattern, path.read_text()))
    return names


def variables_of_tests():
    """Those in the table of the guide's section "Keep tests apart"."""
    guide = (ROOT / "docs" / "guide.md").read_text()
    section = guide.split("\n## Keep tests apart\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    names = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    return {re.sub(r"^FQCN_", "PREFIX_", name) for name in names}


def exit_codes():
    header = (ROOT / "src" / "base" / "error.h").read_text()
    return [int(n) for n in re.findall(r"\bEXIT_\w+ = (\d+)", header)]


def fixtures():
    """The fixtures of the plugin: {name: (scope, what the docstring says)}."""
    found = {}
    for path in sorted((ROOT / "src" / "pytest" / "rowlock_pytest").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                shown = ast.unparse(decorator)
                if shown.startswith("pytest.fixture") and ast.get_docstring(node):
                    scope = "session" if "session" in shown else "test"
                    said = " ".join(ast.get_docstring(node).split())
                    found[node.name] = (scope, said.rstrip("."))
    return found


def check_exec_page(program):
    """rowlock-exec(1) shows each way to call it that its --help shows."""
    text = subprocess.run([program, "--help"], check=True, stdout=subprocess.PIPE).stdout.decode()
    page = (ROOT / "docs" / "man" / "rowlock-exec.1").read_text()
    for call in re.findall(r"rowlock-exec (RUN \w+|--\w+)", text):
        last = call.split()[-1]
        macro = f"Fl -{last[2:]}" if last[0] == "-" else f"Cm {last}"
        macro = "Ar group" if last == "GROUP" else macro
        if macro not in page:
            raise Stale(f"docs/man/rowlock-exec.1 does not show 'rowlock-exec {call}'; add it")


def check_fixtures_page():
    """rowlock-fixtures(3) shows every function of C, and those that only the shell has."""
    page = (ROOT / "docs" / "man" / "rowlock-fixtures.3").read_text()
    folder = ROOT / "src" / "fixtures"
    header = (folder / "rowlock" / "fixtures.h").read_text()
    in_c = re.findall(r"\b(rowlock_\w+)\(", "".join(re.findall(r"ROWLOCK_API [^;]*;", header)))
    script = (folder / "fixtures.sh").read_text()
    in_shell = re.findall(r"^(rowlock_(?!priv_)\w+)\(\)", script, re.M)
    shown = set(re.findall(r"^(?:\.Fn )?(rowlock_[a-z_]+)", page, re.M))
    same_names("rowlock-fixtures(3): the function", shown, {*in_c, *in_shell})


def make_targets():
    """The targets of templates/rowlock.mk that have a text behind ##: {name: text}."""
    text = (ROOT / "templates" / "rowlock.mk").read_text()
    return dict(re.findall(r"^\$\(ROWLOCK_PREFIX\)([a-z][a-z-]*):[^=\n]*## (.*)$", text, re.M))


def make_variables():
    """The variables of templates/rowlock.mk that a project may set: {name: default}."""
    text = (ROOT / "templates" / "rowlock.mk").read_text()
    return dict(re.findall(r"^(\w+) \?=[ \t]*(.*)$", text, re.M))


def files_of_init():
    """The names of the files that init may write."""
    source = (ROOT / "src" / "command" / "init.c").read_text()
    names = set(re.findall(r'plan_file\(in, "([^"]+)"\)', source))
    for pair in re.findall(r'\bname = [^;"]*\? "([^"]+)" : "([^"]+)"', source):
        names.update(pair)
    return names


def markers(built_in):
    """Those of the program, and those that only the plugin registers, by a line of its own."""
    found = list(built_in)
    for path in sorted((ROOT / "src" / "pytest" / "rowlock_pytest").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and "addinivalue_line" in ast.unparse(node.func)):
                continue
            kind, line = node.args
            if isinstance(line, ast.Constant) and kind.value == "markers":
                found.append(line.value)
            elif ast.unparse(line) != "line":  # a loop over MARKERS, which are those of the program
                raise Stale(f"{path.name}: a marker that reference.py cannot read; write it there")
    return found


def check_cmake_and_autoconf():
    macros = re.findall(r"AC_DEFUN\(\[(\w+)\]", (ROOT / "m4" / "rowlock.m4").read_text())
    told = {name.split("(")[0] for name in texts.AUTOCONF if "(" in name}
    same_names("the macro", told, macros)
    text = (ROOT / "templates" / "cmake" / "rowlock-config.cmake").read_text()
    functions = re.findall(r"^function\(([a-z]\w*)", text, re.M)
    same_names("the function", {texts.CMAKE_FUNCTION}, functions)
    words = " ".join(re.findall(r"cmake_parse_arguments\((.*)\)", text))
    same_names("the word", texts.CMAKE_WORDS, re.findall(r"\b[A-Z]+\b", words.split(" arg ", 1)[1]))
    header = re.search(r"^# Sets (.*)", text, re.M).group(1)
    names = re.findall(r"(?<![-\w])\w+_(?:FOUND|EXECUTABLE)\b", header)
    same_names("the variable", texts.CMAKE_VARIABLES, names)


def gather(tables, rowlock):
    known = json.loads(subprocess.run([tables], check=True, stdout=subprocess.PIPE).stdout)
    known["own"] = {
        c["name"]: own_options(rowlock, c["name"])
        for c in known["commands"]
        if not c["run_options"]
    }
    known["fixtures"] = fixtures()
    known["targets"] = make_targets()
    known["make"] = make_variables()
    known["markers"] = markers(known["markers"])
    check_fixtures_page()
    check_exec_page(os.path.join(os.path.dirname(rowlock), "rowlock-exec"))
    check_cmake_and_autoconf()
    same_names("the variable of rowlock.mk", texts.MAKE_VARIABLES, known["make"])
    same_names("the file of init", texts.INIT_FILES, files_of_init())
    same_names("the ini key", texts.SETTINGS, [s["key"] for s in known["settings"]])
    keys = {key for key_set in known["keys"] for key in key_set["keys"]}
    same_names("the key of tests.json", texts.JSON_KEYS, keys)
    same_names(
        "the variable", set(texts.READ_VARIABLES) | texts.INTERNAL_VARIABLES, variables_read()
    )
    seen = variables_of_tests() | {"PYTEST_CURRENT_TEST"}
    same_names("the variable of tests", texts.TEST_VARIABLES, seen)
    same_names("the exit code", texts.EXIT_CODES, exit_codes())
    return known


# ---- Markdown --------------------------------------------------------------------------------


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell(c) for c in row) + " |"
    yield ""


def code(text):
    return f"`{text}`"


def usage_of(option):
    value = option["value"] or ""
    gap = "" if not value or value.startswith("[=") else " "
    return ", ".join(option["names"]) + gap + value


def described(head, rows):
    """A table of names and what they mean."""
    return table(head, [(code(name), text) for name, text in rows])


def markdown_commands(known):
    yield "## Commands"
    yield ""
    yield "`rowlock [-C DIR] [-c FILE] [COMMAND] [OPTION…] [PATH|ID…]`. Without a command it does"
    yield "what `pytest -c FILE …` would do, in parallel when the configuration or `-n` asks for"
    yield "workers."
    yield ""
    yield from table(
        ("command", "", "words"),
        [(code(c["name"]), c["summary"], code(c["usage"])) for c in known["commands"]],
    )
    yield from table(
        ("before the command", ""),
        [
            ("`-C DIR`", "change to DIR first"),
            ("`-c FILE`, `--config-file FILE`", "read this ini file instead of searching for one"),
            ("`--version`", "print the version"),
            ("`--shell-fixtures`", "print the file that shell tests source"),
        ],
    )


def markdown_options(known):
    yield "## Options of a run"
    yield ""
    running = [code(c["name"]) for c in known["commands"] if c["run_options"]]
    yield f"For {', '.join(running)} and runs without a command; `report` takes those of the last"
    yield "table."
    yield ""
    for group in dict.fromkeys(o["group"] for o in known["options"]):
        yield f"### {group}"
        yield ""
        yield from table(
            ("option", "", "takes"),
            [
                (code(usage_of(o)), o["help"], o["accepts"] or "")
                for o in known["options"]
                if o["group"] == group
            ],
        )
    yield "## Options of single commands"
    yield ""
    for command, options in known["own"].items():
        if options:
            yield f"### rowlock {command}"
            yield ""
            yield from described(("option", ""), options)


def markdown_settings(known):
    yield "## The [rowlock] section"
    yield ""
    yield "In `pyproject.toml`: `[tool.rowlock]`."
    yield ""
    accepts = {s["key"]: s["accepts"] for s in known["settings"]}
    yield from table(
        ("key", "", "takes", "default"),
        [(code(k), text, accepts[k], d) for k, (d, text) in texts.SETTINGS.items()],
    )
    yield "Of pytest's own section Rowlock reads these keys itself:"
    yield ""
    yield from described(("key", ""), texts.PYTEST_KEYS.items())


def markdown_tests(known):
    yield "## Markers"
    yield ""
    yield from described(("marker", ""), [m.split(": ", 1) for m in known["markers"]])
    yield "## Fixtures"
    yield ""
    yield from table(
        ("fixture", "scope", ""), [(code(n), s, t) for n, (s, t) in known["fixtures"].items()]
    )
    yield "## tests.json"
    yield ""
    yield from table(
        ("key", "of a", "value", ""),
        [
            (
                code(key),
                ", ".join(s["object"] for s in known["keys"] if key in s["keys"]),
                value,
                text,
            )
            for key, (value, text) in texts.JSON_KEYS.items()
        ],
    )


def markdown_build_systems(known):
    yield "## Targets of rowlock.mk"
    yield ""
    yield from described(("target", ""), known["targets"].items())
    yield from table(
        ("variable", "", "default"),
        [(code(k), v, known["make"][k] or "empty") for k, v in texts.MAKE_VARIABLES.items()],
    )
    yield "## Autoconf and CMake"
    yield ""
    yield from described(("in configure.ac, and of configure", ""), texts.AUTOCONF.items())
    yield from described((f"word of {texts.CMAKE_FUNCTION}", ""), texts.CMAKE_WORDS.items())
    yield from described(("variable of CMake", ""), texts.CMAKE_VARIABLES.items())


def markdown_surroundings():
    yield "## Variables that tests see"
    yield ""
    yield "PREFIX stands for `env_prefix`, `FQCN` unless the ini file says otherwise."
    yield ""
    yield from described(("variable", ""), texts.TEST_VARIABLES.items())
    yield "## Variables that Rowlock reads"
    yield ""
    yield from described(("variable", ""), texts.READ_VARIABLES.items())
    yield "## Files"
    yield ""
    yield from described(("file", ""), texts.FILES.items())
    yield "What `rowlock init` writes:"
    yield ""
    yield from described(("file", ""), texts.INIT_FILES.items())


def markdown_outcomes():
    yield "## Verdicts"
    yield ""
    yield from described(("verdict", ""), texts.VERDICTS.items())
    yield "## Exit codes"
    yield ""
    yield from table(("code", ""), [(str(k), v) for k, v in texts.EXIT_CODES.items()])


def markdown(known):
    yield "# Reference"
    yield ""
    yield "Written by `make reference` from the tables of the program. What it is all for stands in"
    yield "[guide.md](guide.md)."
    yield ""
    yield from markdown_commands(known)
    yield from markdown_options(known)
    yield from markdown_settings(known)
    yield from markdown_tests(known)
    yield from markdown_build_systems(known)
    yield from markdown_surroundings()
    yield from markdown_outcomes()


# ---- Manual pages (mdoc) ---------------------------------------------------------------------


def roff(text):
    """Text as mdoc takes it in a line of text."""
    text = text.replace("\\", "\\e").replace("…", "...")
    return "\\&" + text if text[:1] in (".", "'") else text


def word(text):
    """One argument of a macro."""
    text = roff(text).replace('"', '\\(dq')
    # Where it could be taken for a macro or for punctuation.
    if re.fullmatch(r"[A-Z][a-z]|[A-Z]?[A-Z]|[.,:;()|?!\[\]]", text):
        text = "\\&" + text
    return f'"{text}"' if " " in text else text


def prose(text):
    """A sentence or more as lines that begin with a capital and break behind full stops."""
    text = text[:1].upper() + text[1:]
    if not text.endswith("."):
        text += "."
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z])", text):
        line = ""
        for token in sentence.split():
            if line and len(line) + 1 + len(token) > 76:
                yield roff(line)
                line = token
            else:
                line = f"{line} {token}" if line else token
        yield roff(line)


def mdoc_names(names):
    return " , ".join("Fl " + word(n[1:]) for n in names)


def mdoc_value(value):
    if not value:
        return ""
    if value.startswith("[="):
        return f" Ns Oo = Ns Ar {word(value[2:-1])} Oc"
    if value.startswith("["):
        return f" Op Ar {word(value[1:-1])}"
    return f" Ar {word(value)}"


def mdoc_list(rows):
    """rows: (the arguments of .It, text)."""
    yield ".Bl -tag -width Ds"
    for head, text in rows:
        yield f".It {head}"
        yield from prose(text)
    yield ".El"


def mdoc_usage(usage):
    """ "--html-low PERCENT" or "-n, --workers N". """
    heads = []
    for part in usage.split(", "):
        name, _, value = part.partition(" ")
        heads.append("Fl " + word(name[1:]) + (f" Ar {word(value)}" if value else ""))
    return " , ".join(heads)


def mdoc_options(known):
    for group in dict.fromkeys(o["group"] for o in known["options"]):
        yield f".Ss {group}"
        yield from mdoc_list(
            (
                mdoc_names(o["names"]) + mdoc_value(o["value"]),
                o["help"],
            )
            for o in known["options"]
            if o["group"] == group
        )


def mdoc_own(known):
    for command, options in known["own"].items():
        if options:
            yield f".Ss Options of rowlock {command}"
            yield from mdoc_list((mdoc_usage(u), text) for u, text in options)


def mdoc_settings(known):
    accepts = {s["key"]: s["accepts"] for s in known["settings"]}
    return mdoc_list(
        (f"Cm {word(k)}", f"{text} ({accepts[k]}). Default: {d}")
        for k, (d, text) in texts.SETTINGS.items()
    )


def mdoc_keys(known):
    sets = {s["object"]: s["keys"] for s in known["keys"]}
    singles = [name for name in sets if not name.startswith("suite")]
    suites = [name for name in sets if name.startswith("suite")]
    for title, names in [
        ("The file", singles[:1]),
        ("A test", singles[1:]),
        ("A suite", suites),
    ]:
        yield f".Ss {title}"
        rows = []
        for key in dict.fromkeys(k for name in names for k in sets[name]):
            value, text = texts.JSON_KEYS[key]
            having = [name for name in names if key in sets[name]]
            some = "" if len(having) == len(names) else f" Of a {', '.join(having)}."
            rows.append((f"Cm {word(key)}", f"{text}; {value}.{some}"))
        yield from mdoc_list(rows)


def mdoc_make_variables(known):
    return mdoc_list(
        (f"Va {word(k)}", f"{text}. Default: {known['make'][k] or 'empty'}")
        for k, text in texts.MAKE_VARIABLES.items()
    )


def simple(macro, rows):
    return mdoc_list((f"{macro} {word(k)}", v) for k, v in rows)


SECTIONS = {
    "commands": lambda k: simple("Cm", [(c["name"], c["summary"]) for c in k["commands"]]),
    "options": mdoc_options,
    "own options": mdoc_own,
    "settings": mdoc_settings,
    "markers": lambda k: simple("Cm", [m.split(": ", 1) for m in k["markers"]]),
    "keys": mdoc_keys,
    "targets": lambda k: simple("Cm", k["targets"].items()),
    "test variables": lambda k: simple("Ev", texts.TEST_VARIABLES.items()),
    "variables": lambda k: simple("Ev", texts.READ_VARIABLES.items()),
    "make variables": mdoc_make_variables,
    "files": lambda k: simple("Pa", texts.FILES.items()),
    "files of init": lambda k: simple("Pa", texts.INIT_FILES.items()),
    "verdicts": lambda k: simple("Cm", texts.VERDICTS.items()),
    "exit codes": lambda k: simple("", [(str(c), v) for c, v in texts.EXIT_CODES.items()]),
}


def manual(path, known):
    """The page with the lists between its marks made anew."""

    def fill(match):
        name = match.group(1)
        if name not in SECTIONS:
            raise Stale(f"{path.name}: there is no list {name!r}; see SECTIONS in reference.py")
        lines = "\n".join(SECTIONS[name](known)).replace(".It  ", ".It ")
        return f'.\\" begin {name} (make reference)\n{lines}\n.\\" end {name}\n'

    pattern = r'\.\\" begin ([a-z ]+) \(make reference\)\n(?:.*\n)*?\.\\" end \1\n'
    return re.sub(pattern, fill, path.read_text())


# ---- Both ------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description="Write docs/reference.md and the manual pages.")
    parser.add_argument("--tables", required=True, help="the built tests/tools/tables")
    parser.add_argument("--rowlock", required=True, help="the built rowlock")
    parser.add_argument("--check", action="store_true", help="fail if a file would change")
    args = parser.parse_args()
    try:
        known = gather(os.path.abspath(args.tables), os.path.abspath(args.rowlock))
        pages = {ROOT / "docs" / "reference.md": "\n".join(markdown(known)).rstrip() + "\n"}
        for path in sorted((ROOT / "docs" / "man").glob("*.[1-8]")):
            pages[path] = manual(path, known)
    except Stale as error:
        print(f"reference: {error}", file=sys.stderr)
        return 1
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text() != text]
    for path in stale:
        name = path.relative_to(ROOT)
        if args.check:
            print(f"reference: {name} is not current; make reference", file=sys.stderr)
        else:
            path.write_text(pages[path])
            print(f"{name} written")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
