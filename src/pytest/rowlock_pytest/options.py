"""Options of pytest-xdist, pytest-cov and Rowlock that a project's addopts may hold.

Where the plugin that an option belongs to is not installed, the option is accepted and its
value kept, so that an ini file made for pytest-xdist serves unchanged. Acting on it is
Rowlock's business, not pytest's.
"""

import importlib.util

from rowlock_pytest import measuring, reruns, timeouts

MARKERS = (
    "parallel_safe: may run beside any other test",
    "serial: runs alone, after all parallel tests",
    "resource_intensive: takes two of the run's job slots",
    "slow: takes long",
    "unit: a unit test",
    "integration: an integration test",
    "performance: measures performance",
    "xdist_group(name): under --dist loadgroup, tests of one group run on one worker",
    "lock(*names): never runs at the same time as another test with one of these locks",
    "weight(n): takes n of the run's job slots",
    "timeout(seconds): ends the test after that time",
    "flaky(reruns): runs again up to so many times before it counts as failed",
)


def _workers(text):
    return int(text) if text.isdigit() else text


STORE = {"action": "store"}
FLAG = {"action": "store_true", "default": False}
NUMBER = {"action": "store", "type": int}
LIST = {"action": "append", "default": []}

# Options of plugins: the module that brings them, then (names, dest, attributes). They are
# added first of all, so that pytest's first look at its arguments takes their values for
# what they are, not for paths.
PLUGIN_OPTIONS = (
    ("xdist", ("-n", "--numprocesses"), "numprocesses", {"type": _workers}),
    ("xdist", ("--maxprocesses",), "maxprocesses", NUMBER),
    ("xdist", ("--max-worker-restart",), "maxworkerrestart", STORE),
    ("xdist", ("--dist",), "dist", {"default": "no"}),
    ("xdist", ("-d",), "distload", FLAG),
    ("xdist", ("--tx",), "tx", LIST),
    ("xdist", ("--px",), "px", LIST),
    ("xdist", ("--rsyncdir",), "rsyncdir", LIST),
    ("xdist", ("--rsyncignore",), "rsyncignore", LIST),
    ("xdist", ("--testrunuid",), "testrunuid", STORE),
    ("xdist", ("--maxschedchunk",), "maxschedchunk", NUMBER),
    (
        "xdist",
        ("--loadscope-reorder",),
        "loadscopereorder",
        {"action": "store_true", "default": True},
    ),
    ("xdist", ("--no-loadscope-reorder",), "loadscopereorder", {"action": "store_false"}),
    ("pytest_forked", ("--forked",), "forked", FLAG),
    (
        "pytest_cov",
        ("--cov",),
        "cov_source",
        {"action": "append", "default": [], "nargs": "?", "const": True},
    ),
    ("pytest_cov", ("--cov-report",), "cov_report", LIST),
    ("pytest_cov", ("--cov-config",), "cov_config", {"default": ".coveragerc"}),
    ("pytest_cov", ("--no-cov",), "no_cov", FLAG),
    ("pytest_cov", ("--no-cov-on-fail",), "no_cov_on_fail", FLAG),
    ("pytest_cov", ("--cov-fail-under",), "cov_fail_under", {"type": float}),
    ("pytest_cov", ("--cov-append",), "cov_append", FLAG),
    ("pytest_cov", ("--cov-branch",), "cov_branch", FLAG),
    ("pytest_cov", ("--cov-context",), "cov_context", STORE),
    ("pytest_cov", ("--cov-precision",), "cov_precision", NUMBER),
    (
        "pytest_cov",
        ("--cov-reset",),
        "cov_source",
        {"action": "store_const", "const": [], "default": []},
    ),
)

# Rowlock's own. A plugin or a conftest file may have options of the same names, so these
# are added last, and only where the name is free.
OWN_OPTIONS = (
    (("--workers",), {"type": _workers}),
    (("--distribution",), STORE),
    (("--coverage",), FLAG),
    (("--manifest",), STORE),
    (("--ctest",), LIST),
    (("--meson",), LIST),
    (("--tap",), LIST),
    (("--test-path",), LIST),
    (("--python",), STORE),
    (("--worker-start",), STORE),
    (("--timeout",), {"type": float}),
    (("--reruns",), NUMBER),
    (("--reruns-delay",), {"type": float}),
    (("--fail-on-flaky",), FLAG),
    (("--report-json",), STORE),
    (("--shard",), STORE),
    (("--shard-times",), STORE),
    (("--random-order",), {"nargs": "?", "const": True}),
    (("--dry-run",), FLAG),
    (("--count",), NUMBER),
    (("--until-fail",), FLAG),
    (("--resume",), FLAG),
    (("--run-timeout",), {"type": float}),
    (("--slow-warning",), {"type": float}),
    (("--memory-floor",), STORE),
    (("--history-url",), STORE),
    (("--parallel-collect",), FLAG),
    (("--no-parallel-collect",), FLAG),
)

DISTRIBUTION = ("numprocesses", "dist", "distload", "tx")

# Keys of pytest-xdist that an ini file may hold. They are about other machines, and about
# --looponfail, which is pytest-xdist's alone.
XDIST_INI = (
    ("rsyncdirs", "folders that pytest-xdist copies to other machines"),
    ("rsyncignore", "what pytest-xdist does not copy"),
    ("looponfailroots", "where pytest-xdist's --looponfail looks for changes"),
)


def is_installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _add(parser, known, names, dest, attributes):
    if known.isdisjoint(names):
        group = parser.getgroup("rowlock", "options that Rowlock takes over")
        group._addoption(*names, dest=dest, help="taken over by Rowlock", **attributes)


def known_options(parser):
    groups = list(parser._groups)
    if parser._anonymous not in groups:
        groups.append(parser._anonymous)
    return {name for group in groups for option in group.options for name in option.names()}


def add_early_options(parser):
    """Adds the options of those plugins that are not installed."""
    known = known_options(parser)
    installed = {module: is_installed(module) for module, _, _, _ in PLUGIN_OPTIONS}
    if measuring.current is not None:
        installed["pytest_cov"] = False  # standin.py has its place
    for module, names, dest, attributes in PLUGIN_OPTIONS:
        if not installed[module]:
            _add(parser, known, names, dest, attributes)


def add_late_options(parser):
    """Adds Rowlock's options, and those of plugins that are installed but not in use. What
    somebody else has defined by now stays his."""
    known = known_options(parser)
    for _, names, dest, attributes in PLUGIN_OPTIONS:
        _add(parser, known, names, dest, attributes)
    timeouts.add_ini(parser)
    reruns.add_ini(parser)
    for name, words in XDIST_INI:
        if name not in getattr(parser, "_inidict", ()):
            parser.addini(name, words, type="paths")
    for names, attributes in OWN_OPTIONS:
        _add(parser, known, names, "rowlock_" + names[0].lstrip("-").replace("-", "_"), attributes)


def stop_distribution(namespace):
    """Makes sure that pytest-xdist, or what imitates it, starts nothing. Returns what the
    options were."""
    asked = {name: getattr(namespace, name) for name in DISTRIBUTION if hasattr(namespace, name)}
    for name in asked:
        setattr(namespace, name, {"dist": "no", "distload": False, "tx": []}.get(name))
    return asked


def settle_distribution(option, asked, workers=0, dist="no"):
    """Leaves the options as pytest-xdist's controller does, with that many workers, and without
    any as it does in a run that it does not distribute. asked: what stop_distribution said."""
    number, tx = asked.get("numprocesses"), asked.get("tx") or []
    wanted = "load" if asked.get("distload") else asked.get("dist", "no")
    option.distload = bool(asked.get("distload"))
    option.looponfail = getattr(option, "looponfail", False)
    if not workers:
        stopped = number is not None or (wanted != "no" and tx)
        option.numprocesses = None if number is None else 0
        option.dist, option.tx = ("no", []) if stopped else (wanted, tx)
    elif number is None and tx:
        option.numprocesses, option.dist, option.tx = None, dist, tx
    else:
        option.numprocesses = number if isinstance(number, int) and number > 0 else workers
        option.dist, option.tx = dist, ["popen"] * workers


def add_markers(config):
    """Makes Rowlock's markers known; a project's own line for one of them comes first."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
