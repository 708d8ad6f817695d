"""RUNDIR/pytest.json: the tests that were collected, and what the driver has to know."""

import json
import os
import platform
import threading

import pytest
from rowlock_pytest import procfs, reruns, timeouts
from rowlock_pytest.settings import find_zygote

TEXT_LIMIT = 4096
WIDE = ("session", "package", "module", "class")


def clean(text):
    """Text for JSON that any reader takes: no lone surrogates, no NUL."""
    if type(text) is str and text.isascii() and "\0" not in text:
        return text  # the same object, as there may be many
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\x00") if "\0" in text else text


def unique_ids(items):
    """The items' node ids; a second test of the same id gets "@2" appended, and so on."""
    ids = []
    taken = set()
    for item in items:
        base = name = clean(item.nodeid)
        copy = 1
        while name in taken:
            copy += 1
            name = f"{base}@{copy}"
        taken.add(name)
        ids.append(name)
    return ids


def plain_value(value):
    """A marker's argument: what -m can compare stays, anything else is only named."""
    if isinstance(value, str):
        return clean(value[:TEXT_LIMIT])
    if value is None or isinstance(value, (bool, int, float)):
        if isinstance(value, float) and value - value != 0:
            return {"type": "float"}
        return value
    return {"type": clean(type(value).__name__)}


def plain_marker(mark):
    return {
        "name": clean(mark.name),
        # parametrize repeats its whole table for each of its tests
        "args": [] if mark.name == "parametrize" else [plain_value(a) for a in mark.args],
        "kwargs": {clean(str(k)): plain_value(v) for k, v in mark.kwargs.items()},
    }


def _argument(mark, name, default=None):
    return mark.args[0] if mark.args else mark.kwargs.get(name, default)


def xdist_group(marks):
    """The names of all xdist_group marks, sorted and joined as pytest-xdist does."""
    names = {str(_argument(m, "name", "default")) for m in marks if m.name == "xdist_group"}
    return clean("_".join(sorted(names))) if names else None


def locks(marks):
    names = set()
    for mark in marks:
        if mark.name == "lock":
            names.update(clean(str(name)) for name in mark.args)
            if "name" in mark.kwargs:
                names.add(clean(str(mark.kwargs["name"])))
    return sorted(names)


def weight(marks):
    """The closest weight(n); without one, 2 for what calls itself resource_intensive."""
    heavy = False
    for mark in marks:
        if mark.name == "weight":
            value = _argument(mark, "n", 1)
            if isinstance(value, int) and value >= 1:
                return int(value)
        heavy = heavy or mark.name == "resource_intensive"
    return 2 if heavy else 1


def line_of(item):
    """The line of its file that the test begins in, counted from 1; None where nobody knows."""
    try:
        line = item.location[1]
    except Exception:  # a plugin's own kind of item
        return None
    return line + 1 if isinstance(line, int) and line >= 0 else None


def wide_params(item):
    """Of fixtures wider than a test: which parameter each has for this one, by scope."""
    spec = getattr(item, "callspec", None)
    scopes = getattr(spec, "_arg2scope", {})
    indices = getattr(spec, "indices", {})
    found = {}
    for name, scope in scopes.items():
        wide = getattr(scope, "value", None)
        if wide in WIDE and name in indices:
            found.setdefault(wide, []).append(f"{clean(name)}={indices[name]}")
    return {scope: " ".join(sorted(names)) for scope, names in found.items()}


class Keywords:
    """What -k looks at, as pytest sees it. Neighbours share their parents' part."""

    def __init__(self):
        self.cache = {}

    def of_parents(self, node):
        if node is None or isinstance(node, pytest.Session):
            return frozenset()
        if node not in self.cache:
            names = {node.name} | node.extra_keyword_matches
            self.cache[node] = frozenset(names) | self.of_parents(node.parent)
        return self.cache[node]

    def of(self, item, marks):
        names = {item.name} | item.extra_keyword_matches
        names |= self.of_parents(item.parent)
        names.update(getattr(getattr(item, "function", None), "__dict__", ()))
        names.update(mark.name for mark in marks)
        return sorted({clean(str(name)) for name in names})


def known_failures(config):
    """The ids of the tests that pytest's cache says have failed; None where nobody asked."""
    plugin = config.pluginmanager.get_plugin("lfplugin")
    if not getattr(plugin, "active", False):
        return None
    return {str(name) for name in getattr(plugin, "lastfailed", ())}


class Describer:
    """Says what the driver is to know of tests."""

    def __init__(self, config):
        self.failures = known_failures(config)
        zygote = find_zygote(config)
        self.lines = zygote is not None and zygote.settings.lines
        self.keywords = Keywords()
        self.limits = timeouts.Limits(config)
        self.reruns = reruns.Limits(config)

    def describe(self, item, name):
        marks = list(item.iter_markers())
        described = {
            "id": name,
            "file": clean(item.nodeid.split("::", 1)[0]),
            "scope": clean(item.nodeid.rsplit("::", 1)[0]),
            "group": xdist_group(marks),
            "markers": [plain_marker(mark) for mark in marks],
            "keywords": self.keywords.of(item, marks),
            "serial": any(mark.name == "serial" for mark in marks),
            "locks": locks(marks),
            "weight": weight(marks),
            "timeout": self.limits.of(item, marks),
            "reruns": self.reruns.of(item, marks),
        }
        if self.lines:
            described["line"] = line_of(item)
        params = wide_params(item)
        if params:
            described["params"] = params
        if self.failures is not None:
            described["failed"] = item.nodeid in self.failures
        if described["timeout"] is not None and self.limits.is_weak(marks):
            described["timeout_is_weak"] = True
        return described


def marker_names(config):
    """The names of the registered markers, each once, in their order."""
    names = {}
    for line in config.getini("markers"):
        names[clean(line.split(":")[0].split("(")[0].strip())] = None
    return list(names)


def plain_options(config, asked):
    """What pytest parsed, as far as JSON can say it; asked: before we changed it."""
    values = dict(vars(config.option))
    values.update(asked)
    plain = {}
    for name, value in values.items():
        if isinstance(value, (list, tuple)):
            if all(isinstance(v, (str, int, float)) or v is None for v in value):
                plain[name] = [plain_value(v) for v in value]
        elif value is None or isinstance(value, (str, int, float)):
            plain[name] = plain_value(value)
    return plain


def thread_names():
    """The threads beside this one: a fork would lose them."""
    known = {os.getpid()}  # the main thread; Python may still have its id from before a fork
    names = []
    for thread in threading.enumerate():
        known.add(getattr(thread, "native_id", None))
        if thread is not threading.main_thread():
            names.append(clean(thread.name))
    return names + [clean(name) for name in procfs.native_threads(known)]


def describe_session(session, ids, asked, deselected):
    config = session.config
    describer = Describer(config)
    return {
        "pytest": pytest.__version__,
        "python": platform.python_version(),
        "rootdir": clean(str(config.rootpath)),
        "inipath": clean(str(config.inipath)) if config.inipath else None,
        "deselected": deselected,
        "markers": marker_names(config),
        "options": plain_options(config, asked),
        "threads": thread_names(),
        "known_failures": len(describer.failures or ()),
        "tests": [describer.describe(item, name) for item, name in zip(session.items, ids)],
    }


def write_json(path, data, tests=None):
    """Writes the file as a whole or not at all. tests: more of data["tests"], as JSON."""
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as f:
        if tests is None:
            f.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
        else:
            rest = {key: value for key, value in data.items() if key != "tests"}
            head = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
            f.write(head[:-1] + ',"tests":[' + tests.decode("ascii") + "]}")
        f.write("\n")
    os.rename(temporary, path)
