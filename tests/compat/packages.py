"""The published packages whose own suites are run. Each differs from the others in kind."""

from typing import NamedTuple

# The last release of pytest 7 and of pytest 8, and the newest.
PYTESTS = ["7.4.4", "8.4.2", "9.2.0"]
XDIST = "3.8.0"


class Package(NamedTuple):
    """explained: [(regular expression for test ids, why Rowlock's verdict may differ there)]."""

    name: str
    version: str
    kind: str  # what is particular about its suite
    needs: list = []  # what its tests need besides pytest
    args: list = []  # arguments for pytest, each in one word
    dist: str = ""  # how it asks to be distributed
    refuses: dict = {}  # {"7": why it cannot be installed beside that pytest}
    explained: list = []
    coverage_args: list = []  # further ones for runs whose coverage is compared
    coverage_explained: dict = {}  # {regular expression for files: why other lines are run}

    def cannot_install(self, pytest):
        return self.refuses.get(pytest.split(".")[0])


PACKAGES = [
    Package(
        "itsdangerous",
        "2.2.0",
        "classes with inherited tests, class-scoped parametrization, warnings are errors",
        ["freezegun==1.5.5"],
    ),
    Package(
        "inflection",
        "0.5.1",
        "one module of parametrized tests, no configuration",
        args=["test_inflection.py"],
    ),
    Package(
        "markupsafe",
        "3.0.4",
        "a C extension, and every test once for it and once for Python",
    ),
    Package(
        "psutil",
        "7.2.2",
        "unittest classes with xdist_group, a C extension, subprocesses, sockets; in part",
        ["pytest-instafail", "setuptools"],
        [
            "--import-mode=append",
            "--override-ini=verbosity_subtests=0",
            "tests/test_connections.py",
            "tests/test_misc.py",
            "tests/test_testutils.py",
            "tests/test_unicode.py",
        ],
        dist="loadgroup",
        explained=[
            (
                r"test_connections\.py|test_unicode\.py.*net_connections|test_unix_socketpair",
                "the test wants its process to have no sockets but its own, and a worker has two"
                " UNIX sockets, over which it is told what to run",
            ),
        ],
        coverage_args=[
            "--deselect=tests/test_connections.py",
            "--deselect=tests/test_testutils.py::TestNetUtils::test_unix_socketpair",
            "-k",
            "not net_connections",
        ],
        coverage_explained={
            r"psutil/(__init__|_pslinux|_psposix)\.py$": "which lines run depends on what the"
            " processes of the machine are at, and a worker adopts those that its tests leave"
            " behind, so that waitpid() knows more of them than in a plain run",
        },
    ),
    Package(
        "pytest-mock",
        "3.17.0",
        "a plugin's own suite: pytester, in process and in subprocesses",
        ["pytest-asyncio"],
    ),
    Package(
        "simplejson",
        "4.3.0",
        "unittest classes inside the package, a C extension and its switch",
        args=["simplejson/tests"],
    ),
    Package(
        "flask",
        "3.1.3",
        "autouse and monkeypatch fixtures, modules imported from tmp_path, warnings are errors",
        ["asgiref==3.11.0", "greenlet", "python-dotenv"],
    ),
    Package(
        "toolz",
        "1.2.0",
        "plain functions inside the package, configured by pyproject.toml",
    ),
    Package(
        "pluggy",
        "1.7.0",
        "tests the plugin library that pytest itself runs on",
    ),
    Package(
        "jinja2",
        "3.1.6",
        "asynchronous tests with asyncio and trio, bytecode caches in tmp_path; in part",
        ["trio"],
        ["tests/test_api.py", "tests/test_async.py", "tests/test_async_filters.py"]
        + ["tests/test_bytecode_cache.py", "tests/test_loader.py"],
    ),
    Package(
        "boltons",
        "26.2.0",
        "doctests of all modules beside the tests",
        args=["--doctest-modules", "boltons", "tests"],
    ),
    Package(
        "multidict",
        "7.2.1",
        "a C extension, subprocesses, session fixtures, coverage in addopts; in part",
        ["objgraph", "pytest-codspeed==5.0.3", "pytest-cov==7.1.0", "psutil==7.2.2", "cffi"],
        [
            "tests/test_abc.py",
            "tests/test_circular_imports.py",
            "tests/test_copy.py",
            "tests/test_guard.py",
            "tests/test_istr.py",
            "tests/test_pickle.py",
            "tests/test_types.py",
        ],
    ),
    Package(
        "attrs",
        "26.1.0",
        "property-based tests with hypothesis, generated classes; in part",
        ["hypothesis==6.170.15", "cloudpickle==3.1.2"],
        ["tests/test_funcs.py", "tests/test_functional.py", "tests/test_validators.py"],
    ),
    Package(
        "anyio",
        "4.16.0",
        "asyncio, uvloop and trio; subprocesses, signals, session fixtures; in part",
        [
            "blockbuster",
            "hypothesis==6.170.15",
            "psutil==7.2.2",
            "pytest-mock==3.17.0",
            "pytest-timeout==2.4.0",
            "trustme",
            "truststore",
            "trio",
            "uvloop",
        ],
        [
            "tests/test_eventloop.py",
            "tests/test_fileio.py",
            "tests/test_signals.py",
            "tests/test_subprocesses.py",
            "tests/test_tempfile.py",
        ],
    ),
    Package(
        "click",
        "8.5.1",
        "parametrized tests that capture terminals, stress tests deselected by addopts; in part",
        args=["tests/test_options.py", "tests/test_termui.py", "tests/test_testing.py"],
    ),
    Package(
        "more-itertools",
        "11.2.1",
        "unittest classes with thousands of subtests; in part",
        args=["tests/test_recipes.py"],
    ),
    Package(
        "pytest-asyncio",
        "1.5.0",
        "a plugin's own suite: pytester, asynchronous fixtures of all scopes; in part",
        ["hypothesis==6.170.15"],
        [
            "tests/async_fixtures/test_async_fixtures.py",
            "tests/async_fixtures/test_nested.py",
            "tests/async_fixtures/test_shared_module_fixture.py",
            "tests/test_doctest.py",
            "tests/test_simple.py",
            "tests/test_skips.py",
        ],
        refuses={"7": "requires a newer pytest"},
    ),
    Package(
        "jsonschema",
        "4.26.0",
        "thousands of unittest methods that are made from data files; in part",
        ["jsonpath-ng"],
        # Two more files pass in the order of plain pytest only, which reloads modules on the way.
        [f"jsonschema/tests/test_{name}.py" for name in ["cli", "exceptions", "format"]]
        + [f"jsonschema/tests/test_{name}.py" for name in ["jsonschema_test_suite", "types"]],
    ),
]

# The one for CI: small, and still with fixtures, classes and a dependency.
CI = ["itsdangerous"]
