"""What reference.py says beside the program's own tables. Each dictionary is compared with what
the sources have: what is missing here, or is too much, is an error of `make lint`."""

# Keys of the [rowlock] section: (default, meaning).
SETTINGS = {
    "env_prefix": ("FQCN", "how the names of the variables of a worker begin"),
    "python": (
        "that of pytest",
        "the Python that runs the pytest suites; a path is relative to the ini file",
    ),
    "timeout": ("0", "seconds for a test that sets none"),
    "timeouts": ("none", "seconds for tests that have a marker; the first that fits counts"),
    "run_timeout": ("0", "seconds for the run as a whole"),
    "slow_warning": ("60", "seconds after which a test that runs is named"),
    "memory_floor": ("0", "with less memory free, no test starts beside others"),
    "reruns": ("0", "how often a test that fails runs again"),
    "grace": ("5", "seconds between SIGTERM and SIGKILL"),
    "output_limit": ("1M", "bytes kept of each stream of a test; the middle is left out"),
    "worker_start": ("auto", "how pytest workers start, as --worker-start"),
    "history_url": ("none", "what earlier runs have shown, on a web server, as --history-url"),
    "shard_times": ("none", "durations that all machines know, as --shard-times"),
    "parallel_collect": ("true", "whether workers collect side by side"),
}

# Keys of pytest's own section that Rowlock reads itself; all others are pytest's.
PYTEST_KEYS = {
    "addopts": "options that stand before those of the command line; those of pytest-xdist too",
    "testpaths": "where tests are looked for when no path is given",
    "markers": "the registered markers, one a line, `name(arguments): description`",
    "strict_markers": "a marker that is not registered is an error",
    "strict": "the same, and whatever else it means to pytest",
    "timeout": "as for pytest-timeout: seconds for a pytest test that sets none",
    "reruns": "as for pytest-rerunfailures",
    "log_file": "each worker gets a file of its own: tests.log becomes tests-gw0.log",
}

# Keys of tests.json, wherever they stand: (value, meaning).
JSON_KEYS = {
    "rowlock": ("1", "the version of the format"),
    "suites": ("array of objects", "tests that are found"),
    "tests": ("array of objects", "tests that are listed"),
    "id": ("string", "the name of the test, different from all others"),
    "name": ("string", "the name of the suite; its tests are called NAME/FILE"),
    "format": (
        "string",
        "how results are told: exec (the default of a test), tap, gtest; of a suite also "
        "pytest, ctest, meson",
    ),
    "command": (
        "array of strings",
        "the program and its arguments; no shell is involved. Of a suite of format gtest: one "
        "program instead of a glob",
    ),
    "glob": (
        "string or array",
        "the files of the suite; * and ? do not cross a slash, and there is no **",
    ),
    "paths": ("array of strings", "files, folders or ids for pytest"),
    "build": ("string", "the build folder"),
    "config": ("string", "the configuration of a build that has several (ctest)"),
    "interpreter": ("string or array", "what every file is started with, as prove --exec"),
    "markers": ("array of strings", "markers, with arguments where they have some"),
    "locks": ("array of strings", "never runs at the same time as another holder of one of them"),
    "weight": ("number from 1", "counts as so many tests when it is decided how many run"),
    "timeout": ("seconds", "the time limit of a test; 0 is no limit"),
    "reruns": ("number", "how often the test runs again when it fails"),
    "env": ("object of strings", "variables beside those of the run"),
    "cwd": ("string", "the folder it runs in, relative to that of tests.json"),
    "needs": ("array of strings", "files that Make brings up to date before the test"),
    "depends": ("array of strings", "ids of tests that must pass before"),
    "inputs": ("array of strings", "reserved"),
    "will_fail": ("true or false", "passed and failed change places"),
    "disabled": ("true or false", "the test is skipped"),
    "skip_code": ("number from 0 to 255", "the exit status that means skipped, instead of 77"),
    "pass_regex": (
        "string or array",
        "extended regular expressions on the output; one has to match, and the exit status does "
        "not count",
    ),
    "fail_regex": ("string or array", "the test fails if one of these matches"),
    "skip_regex": ("string or array", "the test is skipped if one of these matches"),
    "required_files": ("array of strings", "the test is an error where one of these is missing"),
}

# Variables that tests see. PREFIX stands for env_prefix, FQCN unless it is set.
TEST_VARIABLES = {
    "PREFIX_TEST_WORKER_ID": "gw0, gw1, …; master in a sequential run",
    "PREFIX_TEST_TEMP_DIR": "a temporary folder of this worker",
    "PREFIX_TEST_MODE": "parallel or sequential",
    "PREFIX_CONFIG_DIR": "a folder of this worker for configuration",
    "PREFIX_CACHE_DIR": "a folder of this worker for caches",
    "PYTEST_XDIST_WORKER": "gw0, gw1, …; not set in a sequential run",
    "PYTEST_XDIST_WORKER_COUNT": "how many workers there are",
    "PYTEST_XDIST_TESTRUNUID": "a name of the run, the same on all workers",
    "PYTEST_CURRENT_TEST": "of pytest tests, as pytest sets it",
    "ROWLOCK_SHARED_DIR": "a folder that all workers of the run share, removed at its end",
    "ROWLOCK_TEST_PREFIX": "the PREFIX of this table",
    "TMPDIR": "of native tests: an empty folder for this test alone",
}

# Variables of rowlock.mk; what they are unless they are set stands there.
MAKE_VARIABLES = {
    "ARGS": "further words for rowlock, behind those of the target",
    "ROWLOCK": "the program",
    "ROWLOCK_COVERAGE": "the percentage that has to be covered for quality-gate; empty or 0: "
    "nothing is measured, for projects of scripts",
    "ROWLOCK_LINT": "a command that quality-gate runs at its end",
    "ROWLOCK_PREFIX": "stands before the names of all targets, for projects that have targets of "
    "these names; set it before the include",
}

# What projects with Autoconf (m4/rowlock.m4) and CMake (templates/cmake) may use.
AUTOCONF = {
    "ROWLOCK_CHECK([VERSION], [IF-FOUND], [IF-NOT-FOUND])": "looks for rowlock, of that version or "
    "newer; sets and substitutes ROWLOCK and ROWLOCK_VERSION, both empty where there is none",
    "--with-rowlock=PROGRAM": "of the configure script: this program, or an error; "
    "--without-rowlock: none",
    "ROWLOCK=PROGRAM": "the same, as a variable",
}
CMAKE_FUNCTION = "rowlock_add_targets"
CMAKE_WORDS = {
    "PREFIX": "goes before the names of the targets",
    "DEPENDS": "targets that are built before tests run",
    "ARGS": "further words for rowlock",
    "COVERAGE": "the percentage that has to be covered for quality-gate, 80; 0: nothing is "
    "measured",
    "LINT": "a command that quality-gate runs at its end",
}
CMAKE_VARIABLES = {
    "ROWLOCK_EXECUTABLE": "the program, which find_package(rowlock) looks for unless it is set",
    "rowlock_FOUND": "whether there is one",
}

# Variables that Rowlock reads.
READ_VARIABLES = {
    "BUILD_NUMBER": "set: the run is one of a CI machine, as for pytest",
    "CI": "set: the run is one of a CI machine, as for pytest",
    "CI_PROJECT_DIR": "on GitLab: the repository, from which reports name files",
    "COLUMNS": "the width of what is printed where there is no terminal",
    "COVERAGE_RCFILE": "the configuration of coverage.py, as there",
    "FORCE_COLOR": "not empty: colours, wherever the output goes",
    "GITHUB_ACTIONS": "`true`: annotations and a step summary, as with `--report-github`",
    "GITHUB_STEP_SUMMARY": "the file to which the step summary is appended",
    "GITHUB_WORKSPACE": "on GitHub: the repository, from which reports name files",
    "HARNESS_PERL": "the perl that starts TAP scripts, as for prove",
    "MAKEFLAGS": "the jobserver of an outer make; under -n, -q and -t nothing runs",
    "NO_COLOR": "not empty: no colours",
    "PATH": "where pytest, make and the programs of tests are looked for",
    "PERL5LIB": "where TAP scripts find modules; under -T passed on as -I, as prove does",
    "PYTEST_ADDOPTS": "options that stand before those of the command line, as for pytest",
    "PYTEST_XDIST_AUTO_NUM_WORKERS": "what -n auto means, as for pytest-xdist",
    "PY_COLORS": "1: colours, 0: none, as for pytest",
    "ROWLOCK": "the program that the fixtures for shell scripts call, if it is not on PATH",
    "ROWLOCK_MAKE": "the GNU Make to use",
    "SOURCE_DATE_EPOCH": "the time that HTML reports of coverage show",
    "TERM": "dumb: no colours and no progress line",
    "TMPDIR": "where temporary folders of runs are made; /tmp if it is too long a path",
    "VIRTUAL_ENV": "the virtual environment whose Python is used",
}

# Read, too, but the program's own affair or set by it.
INTERNAL_VARIABLES = {
    "COVERAGE_FILE",
    "GCOV_ERROR_FILE",
    "GCOV_PREFIX",
    "GCOV_PREFIX_STRIP",
    "PYTEST_CURRENT_TEST",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_WORKER_COUNT",
    "ROWLOCK_HANDED_OVER",
    "ROWLOCK_PROBE_PATIENCE",
    "ROWLOCK_PROBE_PREFIX",
    "ROWLOCK_RUN",
    "ROWLOCK_SHARED_DIR",
    "ROWLOCK_SYS_PATH",
    "ROWLOCK_TEST_PREFIX",
    "ZSH_VERSION",
}

FILES = {
    "pytest.ini, pyproject.toml, tox.ini, setup.cfg": "the configuration, the file that pytest "
    "would take; -c FILE names another one",
    "pytest-parallel.ini": "the configuration of parallel, performance, generate and list, where "
    "it stands beside that file and no -c is given",
    "tests.json": "the manifest of tests that are not pytest's",
    ".rowlock/tests.mk": "the last run as a Makefile",
    ".rowlock/last": "the folder of the last run",
    ".rowlock/runs/ID": "one of the ten newest runs: plan, journal, logs",
    ".rowlock/history.db": "durations, verdicts and memory of each test (SQLite)",
    ".rowlock/coverage": "what coverage.py has said of sources",
    ".rowlock/compare": "the two reports, and coverage, that test-compare and quality-gate of "
    "rowlock.mk compare",
    "${TMPDIR:-/tmp}/rl-XXXXXX": "the folders of the workers while a run lasts",
    "/tmp/rowlock-UID/ports": "which test has which port of rowlock_port_new, of all runs of a "
    "user; beside it ports.lock",
    "${TMPDIR:-/tmp}/rowlock-UID/serial.lock": "the serial lock of tests outside of a run",
    "coverage-parallel.xml": "coverage as Cobertura XML; coverage-sequential.* of the command "
    "coverage",
    "coverage-parallel.json": "the same as the JSON of coverage.py",
    "coverage-parallel.info": "the same as an LCOV tracefile, with --cov-report lcov",
    "htmlcov/parallel": "the same for a browser; htmlcov/sequential of the command coverage",
}

# What init writes.
INIT_FILES = {
    "pytest.ini": "the configuration of pytest, where there is none",
    "pytest-parallel.ini": "the same for parallel runs, made from the configuration that there is",
    "tests.json": "the suites that are not pytest's alone",
    "rowlock.mk": "targets of Make, see rowlock.mk(7)",
    "Makefile": "includes rowlock.mk, where there is no Makefile",
    "GNUmakefile": "the same in a project with Autotools, whose Makefile configure writes",
    ".github/workflows/rowlock.yml": "the workflow of GitHub, with --github",
    ".gitlab-ci.yml": "the jobs of GitLab, with --gitlab",
}

VERDICTS = {
    "passed": "as it should be",
    "failed": "the test says so, or its exit status does",
    "skipped": "the test or its marker says so",
    "xfailed": "failed, as was expected",
    "xpassed": "passed, though a failure was expected",
    "error": "its set-up or teardown failed, or it cannot be run",
    "crashed": "a signal ended it, or its process vanished",
    "timeout": "it ran longer than its limit, or than the run's",
    "flaky": "it failed, and passed when it ran again",
}

EXIT_CODES = {
    0: "all passed",
    1: "some failed",
    2: "interrupted",
    3: "internal error: full disk, unwritable state folder",
    4: "usage error: an unknown option, a malformed file",
    5: "no tests",
}
