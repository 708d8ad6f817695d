#!/usr/bin/env python3
"""Writes expressions.tsv: marker and keyword expressions with pytest's own answers.

    make_expressions.py > expressions.tsv         (by hand, after a change to this file)
    make_expressions.py --check expressions.tsv   (exit 1 if the installed pytest disagrees)

test_expr.c compares Rowlock's answers with the file. Needs pytest 8.3 or later.

Lines, separated by tabs, every text as JSON:
    set   m|k  MARKERS|NAMES        a test that the expressions are matched against
    expr  m|k  TEXT  TFT...         one letter per set of its kind, in their order
    expr  m|k  TEXT  error  COLUMN  MESSAGE     "-" where pytest names no column
MARKERS is a list of [name, [[argument, type, value], ...]].
"""

import json
import random
import sys

from _pytest.mark import KeywordMatcher, MarkMatcher
from _pytest.mark.expression import Expression
from _pytest.mark.structures import Mark

try:
    from _pytest.mark.expression import ParseError
except ImportError:  # since pytest 9 it is Python's own SyntaxError
    ParseError = SyntaxError

MARKER_SETS = [
    [],
    [("slow", {})],
    [("unit", {}), ("parallel_safe", {})],
    [("unit", {}), ("slow", {}), ("serial", {})],
    [("xdist_group", {"name": "db"})],
    [("xdist_group", {"name": "db"}), ("xdist_group", {"name": "net", "size": 2})],
    [("weight", {"n": 2}), ("timeout", {"s": 60}), ("unit", {})],
    [("flaky", {"reruns": 3, "on": True, "off": False, "why": None})],
    [("flaky", {"reruns": 1, "on": 1, "off": 0, "ratio": 1.5, "text": "1"}), ("slow", {})],
    [("a.b", {}), ("x:y", {}), ("v+1", {}), ("c-d", {}), ("p[1]", {}), ("q/r", {}), ("s\\t", {})],
    [("größe", {"wert": "groß"}), ("日本", {}), ("_x", {}), ("1234", {}), ("nota", {})],
    [("lock", {"name": "x"}), ("lock", {"name": ""}), ("weight", {"n": -5}), ("True", {})],
    [("Slow", {}), ("UNIT", {}), ("order", {}), ("android", {}), ("not_slow", {}), ("None", {})],
]

NAME_SETS = [
    [],
    ["test_convert", "test_converter.py", "tests"],
    ["TestParser", "test_empty[1-2]", "test_parser.py", "unit"],
    ["test_network_slow", "slow", "integration"],
    ["db/migrate", "native", "serial", "lock"],
    ["db/Migrate-Down", "native"],
    ["größe", "ÄPFEL", "日本語"],
    ["a.b::c", "v+1", "x\\y", "p[a-b]"],
    ["And", "OR", "nothing", "None", "true"],
]

MARKER_WORDS = [
    "slow", "unit", "serial", "parallel_safe", "xdist_group", "weight", "timeout", "flaky",
    "lock", "a.b", "x:y", "v+1", "c-d", "p[1]", "q/r", "s\\t", "größe", "日本", "_x", "1234",
    "nota", "True", "None", "False", "Slow", "UNIT", "order", "android", "not_slow", "missing",
    "::", "-",
]  # fmt: skip
CALLS = [
    "xdist_group(name='db')", 'xdist_group(name="net")', "xdist_group(name='net', size=2)",
    "xdist_group(size=2,name='db')", "weight(n=2)", "weight(n=-5)", "weight( n = 2 )",
    "weight(n=02)", "timeout(s=60)", "flaky(reruns=3)", "flaky(on=True)", "flaky(on=1)",
    "flaky(off=False)", "flaky(off=0)", "flaky(why=None)", "flaky(reruns=1,on=True)",
    "flaky(text='1')", "flaky(text=1)", "flaky(ratio=1)", "flaky(missing=None)",
    "lock(name='')", 'lock(name="x")', "lock(name='y')", "größe(wert='groß')", "missing(a=1)",
    "flaky (reruns=3)", "flaky(reruns=True)",
]  # fmt: skip
NAME_WORDS = [
    "test", "convert", "TEST_", "parser", "slow", "SLOW", "unit", "db", "db/", "migrate",
    "MIGRATE", "down", "[1-2]", "1-2]", "größe", "GRÖSSE", "GRÖßE", "äpfel", "Äp", "日", "a.b",
    "::c", "v+1", "x\\", "p[a", "nothing", "none", "None", "True", "native", "lock", "py", "_",
    "missing", ".py",
]  # fmt: skip

# What the grammar allows and refuses, one idea each.
ODD = [
    "", " ", "\t", "  slow\t", "slow", "not slow", "not not slow", "not not not slow", "(slow)",
    "((slow))", "( slow )", "not(slow)", "not (slow)", "(not slow)", "slow and unit",
    "slow or unit", "slow and unit or serial", "slow or unit and serial",
    "(slow or unit) and serial", "not slow and unit", "not slow or unit", "not (slow and unit)",
    "not (slow or unit)", "slow and not unit", "slow or not unit", "slow and (not unit)",
    "slow and not (unit or serial)", "unit and not slow or serial and not unit",
    "not slow and not unit and not serial", "slow or slow or slow", "slow and slow and slow",
    "not slow or slow", "not slow and slow", "(", ")", "()", "(()", "())", "((", "slow)",
    "(slow", "(slow))", "slow (", "slow ()", "slow and", "slow or", "and", "or", "not",
    "and slow", "or slow", "slow not", "slow unit", "slow not unit", "slow and and unit",
    "slow or or unit", "slow and or unit", "not and slow", "not or", "not )", "(slow) unit",
    "(slow) not unit", "(slow)(unit)", "not", "not not", "(not)", "(and)", "()slow",
    "slow & unit", "slow | unit", "!slow", "slow == unit", "slow, unit", "slow,", ",", "=",
    "slow=1", "slow;unit", "slow*", "slow?", "~slow", "slow@unit", "slow#unit", "$slow",
    "slow%", "{slow}", "<slow>", "slow^unit", "`slow`", "slow\nunit", "slow\n", "\nslow",
    "slow\rand unit", "slow\x0band", "'slow'", '"slow"', "'slow", '"slow', "slow'", "slow '",
    "slow and 'unit'", "'", '"', "''", "'a\\b'", '"a\\b"', "lock(name='a\\b')", "lock(name='a",
    'lock(name="a', "lock(name='a\")", "lock(name='a\"b')", 'lock(name="a\'b")',
    "lock(name=''')", "lock(name=x)", "lock(name=)", "lock(name)", "lock(name,)", "lock(=1)",
    "lock(,)", "lock()", "lock( )", "lock(", "lock(name", "lock(name=", "lock(name='x'",
    "lock(name='x',", "lock(name='x',)", "lock(name='x' 'y')", "lock(name='x') unit",
    "lock(name='x')(name='y')", "(lock)(name='x')", "lock(name='x'))", "lock((name='x'))",
    "lock(name=(1))", "lock(name==1)", "lock(name='x';)", "lock('x')", "lock(1)",
    "lock(name='x', name='x')", "lock(a=1, b=2, b=3, a=4)", "lock(a=1, a=2) and (",
    "lock(b=1, a=1, a=2)", "lock(__debug__=1)", "lock(a=1, __debug__=2, a=3)",
    "lock(__debug__=1, __debug__=2)", "lock(and=1)", "lock(or=1)", "lock(not=1)",
    "lock(True=1)", "lock(None=1)", "lock(if=1)", "lock(lambda=1)", "lock(match=1)",
    "lock(print=1)", "lock(async=1)", "lock(1a=1)", "lock(a-b=1)", "lock(a.b=1)", "lock(a:b=1)",
    "lock(_=1)", "lock(__=1)", "lock(ä=1)", "lock([=1)", "lock(a\\b=1)", "weight(n=+2)",
    "weight(n=--2)", "weight(n=-)", "weight(n=2.0)", "weight(n=2a)", "weight(n=0x2)",
    "weight(n=1_0)", "weight(n=-0)", "weight(n=99999999999999999999)",
    "weight(n=-99999999999999999999)", "weight(n=9223372036854775807)", "weight(n=true)",
    "weight(n=TRUE)", "weight(n=none)", "weight(n=None)", "weight(n=and)", "weight(n=not)",
    "weight(n=[1])", "weight(n=n)", "weight(n=2 3)", "weight(n=2) and flaky(reruns=3)",
    "not weight(n=2)", "not weight(n=2) and not lock(name='x')",
    "(weight(n=2) or flaky(reruns=3)) and not slow", "weight(n=2)or slow", "weight(n=2)slow",
    "True", "False", "None", "not True", "not None", "true", "nota", "not_slow", "notslow",
    "android", "order", "andslow", "slowand unit", "slow andunit", "AND", "slow AND unit",
    "Not slow", "NOT", "a.b", "a .b", "a. b", "x:y", "x :y", "x::y", "::", ":", ".", "..", "/",
    "//", "\\", "\\\\", "[", "]", "[]", "][", "+", "-", "--", "->", "v+1", "v + 1", "c-d",
    "c - d", "-d", "p[1]", "p [1]", "p(1)", "q/r", "q / r", "s\\t", "1234", "0", "0x10", "1e5",
    "_", "_x", "__", "größe", "GRÖSSE", "日本", "日", "日本 or slow", "日本 slow",
    "größe(wert='groß')", "größe)", "größe(wert=groß)", "größe(", "'größe'", "größe !",
    "日本(a=1", "slow or 日本 and ! unit",
]  # fmt: skip


def make_marks(markers):
    return [Mark(name, (), kwargs, _ispytest=True) for name, kwargs in markers]


def make_matchers():
    return {
        "m": [MarkMatcher.from_markers(make_marks(s)) for s in MARKER_SETS],
        "k": [KeywordMatcher(frozenset(s)) for s in NAME_SETS],
    }


def answer(kind, text, matchers):
    """The last columns of an expression's line."""
    if kind == "k":
        text = text.lstrip()
        if not text:
            return ["T" * len(matchers["k"])]
    try:
        compiled = Expression.compile(text)
    except ParseError as error:
        if ParseError is SyntaxError:
            # Python's own compiler knows no text, and its column means nothing here
            column, message = (error.offset if error.text is not None else "-"), error.msg
        else:
            column, message = error.column, error.message
        return ["error", str(column), to_json(message)]
    return ["".join("T" if compiled.evaluate(m) else "F" for m in matchers[kind])]


def to_json(value):
    return json.dumps(value, ensure_ascii=False)


def type_name(value):
    names = {str: "str", bool: "bool", int: "int", type(None): "none"}
    return names.get(type(value), "other")


def build(rng, words, depth):
    """A random expression of the grammar."""
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(words)
    kind = rng.randrange(4)
    if kind == 0:
        return "not " + build(rng, words, depth - 1)
    if kind == 1:
        return "(" + build(rng, words, depth - 1) + ")"
    middle = " and " if kind == 2 else " or "
    return build(rng, words, depth - 1) + middle + build(rng, words, depth - 1)


def damage(rng, text):
    """The expression with one small mistake, which may leave it well-formed."""
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + rng.choice("()=,'\" !&|-ax1") + text[at:]
    return text[:at] + rng.choice([" and ", " or ", " not ", "(", ")"]) + text[at:]


def make_expressions():
    rng = random.Random(20)
    found = dict.fromkeys(("m", text) for text in ODD)
    for _ in range(260):
        found[("m", build(rng, MARKER_WORDS + CALLS, rng.randint(1, 5)))] = None
    for _ in range(160):
        text = build(rng, MARKER_WORDS[:12] + CALLS, rng.randint(1, 3))
        found[("m", damage(rng, text))] = None
    for _ in range(160):
        found[("k", build(rng, NAME_WORDS, rng.randint(0, 4)))] = None
    for text in ["", "  ", "\n", " \n slow", "\tslow ", "  ! slow", "slow !", "(slow", "and"]:
        found[("k", text)] = None
    return list(found)


def make_lines():
    lines = []
    for markers in MARKER_SETS:
        value = [
            [name, [[k, type_name(v), v] for k, v in kwargs.items()]] for name, kwargs in markers
        ]
        lines.append(["set", "m", to_json(value)])
    for names in NAME_SETS:
        lines.append(["set", "k", to_json(names)])
    matchers = make_matchers()
    for kind, text in make_expressions():
        lines.append(["expr", kind, to_json(text), *answer(kind, text, matchers)])
    return lines


def check(path):
    """Exit status: do the stored answers equal those of the installed pytest?"""
    matchers = make_matchers()
    sets = [line for line in make_lines() if line[0] == "set"]
    compared = different = 0
    stored_sets = []
    with open(path, encoding="utf-8", newline="\n") as stored:
        for number, line in enumerate(stored, 1):
            fields = line.rstrip("\n").split("\t")
            if fields[0] == "set":
                stored_sets.append(fields)
            if fields[0] != "expr":
                continue
            compared += 1
            text = json.loads(fields[2])
            now = answer(fields[1], text, matchers)
            if now != fields[3:]:
                different += 1
                print(f"{path}:{number}:1: {fields[2]}: stored {fields[3:]}, pytest says {now}")
    if stored_sets != sets:
        different += 1
        print(f"{path}:1:1: the sets are not those of this script; generate the file again")
    print(f"{compared} expressions compared, {different} differences")
    return 1 if different or not compared else 0


def main(args):
    if len(args) == 2 and args[0] == "--check":
        return check(args[1])
    if args:
        print("usage: make_expressions.py [--check FILE]", file=sys.stderr)
        return 4
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in make_lines():
        print("\t".join(line))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
