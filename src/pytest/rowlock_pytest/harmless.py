"""Unique values that the project's code makes while it is imported, and that forked workers may
share: what its source says about that.

A function that compares the process id with one that was kept sees a fork, and so do those of its
class that it calls: they make new values then. A value among the parameters of one test function
is in one test only, so that no two workers use it.
"""

import ast
import functools
import inspect
import re

AWARE = re.compile(rb"getpid\(\)\s*[!=]=|[!=]=\s*(os\.)?getpid\(\)")
MOST_BYTES = 1 << 20
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_made_anew(code, line):
    """Whether what this code object has asked for in that line is made again after a fork."""
    source = _read(code.co_filename)
    return AWARE.search(source) is not None and _notices_forks(_tree(source), line)


def find_parametrized(code, line):
    """The name of the function at the top of the file in whose one parametrization the line is;
    or None."""
    if code.co_name != "<module>":
        return None
    source = _read(code.co_filename)
    if b"parametrize" not in source:
        return None
    for node in _tree(source).body:
        if isinstance(node, FUNCTIONS):
            marks = [d for d in node.decorator_list if _parametrizes(d)]
            if len(marks) == 1 and _holds(marks[0], line):
                return node.name
    return None


def has_each_value_once(items):
    """Whether no two of these, the tests of one function, have the same parameters. Those of other
    functions that go by that name (of a class, say) count as tests of it."""
    seen = set()
    for item in items:
        marks = list(item.iter_markers("parametrize"))
        names = _names(marks[0]) if len(marks) == 1 else []
        params = getattr(getattr(item, "callspec", None), "params", {})
        values = tuple(id(params[name]) for name in names if name in params)
        if not values or values in seen:
            return False
        seen.add(values)
    return True


def keys_of(item):
    """(file, name) of the function of a test: where pytest has found it, and where it was written,
    from where other files may import it."""
    keys = {(str(item.path), getattr(item, "originalname", None))}
    code = getattr(inspect.unwrap(getattr(item, "function", None)), "__code__", None)
    if code is not None:
        keys.add((code.co_filename, code.co_name))
    return keys


def _names(mark):
    """The parameters' names."""
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


@functools.lru_cache(maxsize=8)
def _read(path):
    try:
        with open(path, "rb") as f:
            source = f.read(MOST_BYTES + 1)
    except OSError:
        return b""
    return source if len(source) <= MOST_BYTES else b""


@functools.lru_cache(maxsize=2)
def _tree(source):
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])


def _holds(node, line):
    return node.lineno <= line <= node.end_lineno


def _notices_forks(tree, line):
    """Whether what is around that line, in a class or function at the top of the file, compares the
    process id, or is called by a function of the same class that does."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and _holds(node, line):
            functions = [n for n in ast.walk(node) if isinstance(n, FUNCTIONS)]
            makers = [f for f in functions if _holds(f, line)]
            aware = [f for f in functions if any(map(_compares_pid, ast.walk(f)))]
            called = {_name(n.func) for f in aware for n in ast.walk(f) if isinstance(n, ast.Call)}
            return any(f in aware or f.name in called for f in makers)
    return False


def _compares_pid(compare):
    if not isinstance(compare, ast.Compare):
        return False
    sides = [compare.left, *compare.comparators]
    known = isinstance(compare.ops[0], (ast.Eq, ast.NotEq))
    return known and any(isinstance(s, ast.Call) and _name(s.func) == "getpid" for s in sides)


def _name(function):
    """The last word of a dotted name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _parametrizes(decorator):
    return isinstance(decorator, ast.Call) and _name(decorator.func) == "parametrize"
