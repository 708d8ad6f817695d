/* config/config: which file is found, what is taken from it, and what is refused in which words. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"

static const char python[] = "python3";
static char *top; /* a fresh folder for each test */

static int make_top(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *template = path_join(tmp && *tmp ? tmp : "/tmp", "rowlock-config-XXXXXX");
    if (!mkdtemp(template))
        return -1;
    top = path_absolute(template);
    free(template);
    return 0;
}

static int remove_top(void **state)
{
    (void)state;
    bool gone = file_remove_tree(AT_FDCWD, top);
    free(top);
    return gone ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    struct error err = ERROR_INIT;
    char *path = path_join(top, name), *dir = path_dirname(path);
    if (!file_mkdirs(dir, &err) || !file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(dir);
    free(path);
}

/* Loads from the folder (below top), file being what -c names. */
static bool load(struct config *c, const char *folder, const char *file, struct error *err)
{
    char *dir = path_join(top, folder);
    bool ok = config_load(c, dir, file, python, err);
    free(dir);
    return ok;
}

static void load_good(struct config *c, const char *folder, const char *file)
{
    struct error err = ERROR_INIT;
    if (!load(c, folder, file, &err))
        fail_msg("%s", err.msg);
}

/* The path of the file that was taken, below top; " " if there is none. */
static const char *taken(const struct config *c)
{
    size_t len = strlen(top);
    if (!c->path)
        return " ";
    return strncmp(c->path, top, len) == 0 && c->path[len] == '/' ? c->path + len + 1 : c->path;
}

static void assert_refused(const char *folder, const char *file, const char *want)
{
    struct config c;
    struct error err = ERROR_INIT;
    if (load(&c, folder, file, &err))
        fail_msg("accepted; expected: %s", want);
    assert_int_equal(err.code, EXIT_USAGE);
    const char *got = err.msg; /* from the path below top on */
    size_t len = strlen(top);
    if (strncmp(got, top, len) == 0)
        got += len + 1;
    assert_string_equal(got, want);
    error_release(&err);
}

static void assert_words(const struct strv *s, const char *want)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->n; i++)
        buf_addf(&b, "%s%s", i ? "|" : "", s->v[i]);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

static bool has_tomllib(void)
{
    return system("python3 -c 'import tomllib' 2>/dev/null || "
                  "python3 -c 'import tomli' 2>/dev/null") == 0;
}

/* Each file is written, in this order, over those that stay; the last one wins. */
static void test_order_in_a_folder(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } files[] = {
        {"setup.cfg", "[tool:pytest]\naddopts = setup.cfg\n"},
        {"tox.ini", "[pytest]\naddopts = tox.ini\n"},
        {"pyproject.toml", "[tool.pytest.ini_options]\naddopts = \"pyproject.toml\"\n"},
        {".pytest.ini", "[pytest]\naddopts = .pytest.ini\n"},
        {"pytest.ini", "[pytest]\naddopts = pytest.ini\n"},
        {".pytest.toml", "[pytest]\naddopts = [\".pytest.toml\"]\n"},
        {"pytest.toml", "[pytest]\naddopts = [\"pytest.toml\"]\n"},
    };
    bool toml = has_tomllib();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct config c;
        if (!toml && strstr(files[i].name, ".toml"))
            continue;
        put(files[i].name, files[i].text);
        load_good(&c, ".", NULL);
        assert_string_equal(taken(&c), files[i].name);
        assert_string_equal(c.root, top);
        assert_words(&c.addopts, files[i].name);
        assert_true(c.has_pytest);
        config_release(&c);
    }
}

static void test_walks_up(void **state)
{
    (void)state;
    struct config c;
    put("pytest.ini", " ");
    put("a/tox.ini", "[testenv]\ncommands = pytest\n");
    put("a/b/setup.cfg", "[metadata]\nname = x\n");
    put("a/b/pyproject.toml", "[project]\nname = \"pytest-thing\"\n");
    put("a/b/c/file", " ");
    load_good(&c, "a/b/c", NULL);
    assert_string_equal(taken(&c), "pytest.ini");
    assert_string_equal(c.root, top);
    assert_true(c.has_pytest);
    config_release(&c);

    put("a/tox.ini", "[testenv]\ncommands = pytest\n[pytest]\n");
    load_good(&c, "a/b/c", NULL);
    assert_string_equal(taken(&c), "a/tox.ini");
    config_release(&c);

    /* an empty pytest.ini nearer by counts, whatever stands further up */
    put("a/b/pytest.ini", "# nothing\n");
    load_good(&c, "a/b/c", NULL);
    assert_string_equal(taken(&c), "a/b/pytest.ini");
    config_release(&c);
    /* a folder of that name does not */
    put("a/b/c/pytest.ini/file", " ");
    load_good(&c, "a/b/c", NULL);
    assert_string_equal(taken(&c), "a/b/pytest.ini");
    config_release(&c);
}

/* A [rowlock] section makes a file count if no file has one for pytest. */
static void test_rowlock_section_alone(void **state)
{
    (void)state;
    struct config c;
    put("a/setup.cfg", "[rowlock]\ntimeout = 3\n");
    put("a/b/tox.ini", "[rowlock]\ntimeout = 2\n");
    put("a/b/setup.cfg", "[rowlock]\ntimeout = 1\n");
    load_good(&c, "a/b", NULL);
    if (!c.has_pytest) { /* unless a pytest.ini lies above the temporary folder */
        assert_string_equal(taken(&c), "a/b/tox.ini");
        assert_true(c.timeout == 2);
    }
    config_release(&c);
    put("pytest.ini", "[rowlock]\ntimeout = 4\n");
    load_good(&c, "a/b", NULL);
    assert_string_equal(taken(&c), "pytest.ini");
    assert_true(c.timeout == 4 && c.has_pytest);
    config_release(&c);
}

static void test_nothing_found(void **state)
{
    (void)state;
    struct config c;
    load_good(&c, ".", NULL);
    if (!c.path) /* likewise */
        assert_string_equal(c.root, top);
    assert_string_equal(c.env_prefix, "FQCN");
    assert_string_equal(c.worker_start, "auto");
    config_release(&c);
}

static void test_explicit_file(void **state)
{
    (void)state;
    struct config c;
    put("pytest.ini", "[pytest]\naddopts = -v\n");
    put("conf/par.ini", "[pytest]\naddopts = -n auto\ntestpaths = tests 'more tests'\n");
    put("conf/par.cfg", "[tool:pytest]\naddopts = -x\n");
    put("conf/bare.ini", "[rowlock]\ngrace = 1\n");
    load_good(&c, ".", "conf/par.ini");
    assert_string_equal(taken(&c), "conf/par.ini");
    assert_string_equal(c.root + strlen(top), "/conf");
    assert_words(&c.addopts, "-n|auto");
    assert_words(&c.testpaths, "tests|more tests");
    config_release(&c);

    char *absolute = path_join(top, "conf/../conf/par.cfg");
    load_good(&c, "conf", absolute);
    assert_string_equal(taken(&c), "conf/par.cfg");
    assert_words(&c.addopts, "-x");
    free(absolute);
    config_release(&c);

    load_good(&c, "conf", "bare.ini");
    assert_false(c.has_pytest);
    assert_int_equal(c.addopts.n, 0);
    assert_true(c.grace == 1);
    config_release(&c);

    load_good(&c, ".", "/dev/null");
    assert_null(c.path);
    assert_string_equal(c.root, top);
    assert_false(c.has_pytest);
    config_release(&c);

    put("notes.txt", " ");
    put(".ini", " ");
    assert_refused(".", "none.ini",
                   "-c: 'none.ini': No such file or directory; name an existing "
                   "file");
    assert_refused(".", "conf", "-c: 'conf': is a folder; name a file in it");
    assert_refused(".", "notes.txt",
                   "-c: 'notes.txt': has an unsupported format; name a file that "
                   "ends with .ini, .cfg or .toml");
    assert_refused(".", ".ini",
                   "-c: '.ini': has an unsupported format; name a file that ends with "
                   ".ini, .cfg or .toml");
}

static void test_everything_of_an_ini(void **state)
{
    (void)state;
    struct config c;
    put("pytest.ini", "[pytest]\n"
                      "addopts =\n    -v\n    -m \"not slow\"\n"
                      "testpaths = tests\n"
                      "strict_markers = True\n"
                      "markers =\n"
                      "    slow: my own words\n"
                      "    net (host) : needs the network\n"
                      "    plain\n"
                      "[rowlock]\n"
                      "env_prefix = APP_2\n"
                      "python = .venv/bin/python\n"
                      "timeout = 2.5\n"
                      "timeouts = slow : 300, py:unit:0.5,,\n   net: 0\n"
                      "run_timeout = 1e3\n"
                      "grace = 0\n"
                      "output_limit = 64K\n"
                      "worker_start = spawn\n");
    load_good(&c, ".", NULL);
    assert_words(&c.addopts, "-v|-m|not slow");
    assert_words(&c.testpaths, "tests");
    assert_true(c.strict_markers);
    assert_string_equal(c.env_prefix, "APP_2");
    assert_string_equal(c.python + strlen(top), "/.venv/bin/python");
    assert_true(c.timeout == 2.5 && c.run_timeout == 1000);
    assert_int_equal(c.n_timeouts, 3);
    assert_string_equal(c.timeouts[0].marker, "slow");
    assert_string_equal(c.timeouts[1].marker, "py:unit");
    assert_string_equal(c.timeouts[2].marker, "net");
    assert_true(c.timeouts[0].seconds == 300 && c.timeouts[1].seconds == 0.5 &&
                c.timeouts[2].seconds == 0);
    assert_true(c.grace == 0);
    assert_int_equal(c.output_limit, 65536);
    assert_string_equal(c.worker_start, "spawn");

    assert_string_equal(c.markers[0].name, "slow");
    assert_string_equal(c.markers[0].description, "slow: my own words");
    assert_string_equal(c.markers[1].name, "net");
    assert_string_equal(c.markers[1].description, "net (host) : needs the network");
    assert_string_equal(c.markers[2].name, "plain");
    static const char *const own[] = {"parallel_safe", "serial",      "resource_intensive",
                                      "unit",          "integration", "performance",
                                      "xdist_group",   "lock",        "weight",
                                      "timeout",       "flaky"};
    assert_int_equal(c.n_markers, 3 + sizeof own / sizeof *own); /* "slow" is there once */
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const struct marker_def *m = config_marker(&c, own[i]);
        assert_non_null(m);
        assert_non_null(strstr(m->description, ": "));
    }
    assert_null(config_marker(&c, "Slow"));
    config_release(&c);

    put("pytest.ini", "[pytest]\nstrict = yes\n[rowlock]\npython = python3.11\n");
    load_good(&c, ".", NULL);
    assert_true(c.strict_markers);
    assert_string_equal(c.python, "python3.11");
    assert_true(c.timeout == 0 && c.grace == 5 && c.output_limit == 1024 * 1024);
    config_release(&c);
}

static void test_nearest_marker(void **state)
{
    (void)state;
    struct config c;
    put("pytest.ini", "[pytest]\nmarkers =\n    database: x\n    gui\n");
    load_good(&c, ".", NULL);
    static const struct {
        const char *word, *near;
    } cases[] = {
        {"slwo", "slow"},
        {"srial", "serial"},
        {"databse", "database"},
        {"intergation", "integration"},
        {"paralel_safe", "parallel_safe"},
        {"guy", "gui"},
        {"gu", NULL},
        {"g", NULL},
        {"", NULL},
        {"abcd", NULL},
        {"network", NULL},
        {"performing", "performance"},
        {"xdist_groups", "xdist_group"},
        {"database", "database"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = config_nearest_marker(&c, cases[i].word);
        if (!near || !cases[i].near)
            assert_ptr_equal(near, cases[i].near);
        else
            assert_string_equal(near, cases[i].near);
    }
    config_release(&c);
}

static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[pytest]\n[rowlock]\ntimout = 3\n",
         "pytest.ini:3:1: unknown key 'timout' in the rowlock section; did you mean timeout?"},
        {"[rowlock]\nzebra = 3\n",
         "pytest.ini:2:1: unknown key 'zebra' in the rowlock section; the keys are env_prefix, "
         "python, timeout, timeouts, run_timeout, slow_warning, memory_floor, reruns, "
         "grace, output_limit, worker_start, history_url, shard_times, "
         "parallel_collect"},
        {"[rowlock]\ntimeout =  soon\n",
         "pytest.ini:2:12: timeout: 'soon' is not accepted; give seconds, such as 2.5; 0 is no "
         "limit"},
        {"[rowlock]\ntimeouts = slow: 3, unit\n",
         "pytest.ini:2:12: timeouts: 'slow: 3, unit' is not accepted; give markers with seconds, "
         "such as slow: 300, unit: 5"},
        {"[rowlock]\ntimeouts = :3\n",
         "pytest.ini:2:12: timeouts: ':3' is not accepted; give markers with seconds, such as "
         "slow: 300, unit: 5"},
        {"[rowlock]\ngrace = -1\n",
         "pytest.ini:2:9: grace: '-1' is not accepted; give seconds, such as 2.5"},
        {"[rowlock]\noutput_limit =\n   10X\n",
         "pytest.ini:3:4: output_limit: '10X' is not accepted; give a number of bytes, such as "
         "65536, 64K, 1M or 1G"},
        {"[rowlock]\nworker_start = forks\n",
         "pytest.ini:2:16: worker_start: 'forks' is not accepted; give auto, fork or spawn"},
        {"[rowlock]\nenv_prefix = 1A\n",
         "pytest.ini:2:14: env_prefix: '1A' is not accepted; give the start of a variable's name, "
         "such as FQCN"},
        {"[rowlock]\nenv_prefix = A$(touch pwned)\n",
         "pytest.ini:2:14: env_prefix: 'A$(touch pwned)' is not accepted; give the start of a "
         "variable's name, such as FQCN"},
        {"[rowlock]\npython =\n",
         "pytest.ini:2:8: python: '' is not accepted; give the path or name of a Python"},
        {"[pytest]\nstrict_markers = maybe\n",
         "pytest.ini:2:18: strict_markers: 'maybe' is not accepted; give true or false"},
        {"[pytest]\naddopts = -m 'not slow\n",
         "pytest.ini:2:11: addopts: no closing quotation for the ' at character 4; close it, or "
         "put a backslash before it"},
        {"[pytest]\nbad line\n",
         "pytest.ini:2:1: unexpected line: 'bad line'; write \"name = value\", or indent the line "
         "to go on with the value above"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("pytest.ini", cases[i].text);
        assert_refused(".", NULL, cases[i].message);
    }
    put("pytest.ini", " ");
    put("sub/setup.cfg", "[metadata]\n\n[pytest]\naddopts = -v\n");
    assert_refused("sub", NULL,
                   "sub/setup.cfg:3:1: a [pytest] section in a .cfg file is not "
                   "supported by pytest; change it to [tool:pytest]");
}

static void test_pyproject(void **state)
{
    (void)state;
    struct config c;
    if (!has_tomllib())
        skip();
    put("pytest.ini", " ");
    put("a/pyproject.toml",
        "[project]\nname = \"x\"\n"
        "[tool.pytest.ini_options]\n"
        "addopts = \"-v -m 'not slow'\"\n"
        "testpaths = [\"tests\", \"more tests\"]\n"
        "markers = \"\"\"\n   net: network\n\n   gui\"\"\"\n"
        "strict_markers = true\n"
        "minversion = 7.0\nwhen = 2020-01-01\n"
        "[tool.rowlock]\n"
        "timeout = 2.5\noutput_limit = 2048\nenv_prefix = \"APP\"\ngrace = 1\n");
    load_good(&c, "a", NULL);
    assert_string_equal(taken(&c), "a/pyproject.toml");
    assert_words(&c.addopts, "-v|-m|not slow");
    assert_words(&c.testpaths, "tests|more tests");
    assert_string_equal(c.markers[0].description, "net: network");
    assert_string_equal(c.markers[1].name, "gui");
    assert_true(c.strict_markers);
    assert_true(c.timeout == 2.5 && c.grace == 1);
    assert_int_equal(c.output_limit, 2048);
    assert_string_equal(c.env_prefix, "APP");
    config_release(&c);

    /* native types, and a header with blanks and quotes in it */
    put("a/pyproject.toml",
        "[ tool . \"pytest\" ]\r\naddopts = ['-k', 'a b']\r\nstrict = true\r\n");
    load_good(&c, "a", NULL);
    assert_words(&c.addopts, "-k|a b");
    assert_true(c.strict_markers);
    config_release(&c);

    put("a/pyproject.toml", "[tool]\npytest.ini_options.addopts = '-q'\n");
    load_good(&c, "a", NULL);
    assert_words(&c.addopts, "-q");
    config_release(&c);

    /* a table in a text is no table */
    put("a/pyproject.toml", "[project]\nreadme = \"\"\"\n[tool.pytest.ini_options]\n\"\"\"\n");
    load_good(&c, "a", NULL);
    assert_string_equal(taken(&c), "pytest.ini");
    config_release(&c);
}

/* Cut at n bytes, what is kept of a file is not believed; whole, it spares the start of Python. */
static void check_kept(const struct buf *kept, size_t n)
{
    struct config c;
    struct error err = ERROR_INIT;
    char *path = path_join(top, ".rowlock/toml.cache");
    if (!file_write(path, kept->data, n, &err))
        fail_msg("%s", err.msg);
    bool ok = config_load(&c, top, NULL, "/no/such/python", &err);
    assert_int_equal(ok, n == kept->len);
    if (ok)
        assert_words(&c.addopts, "-q");
    else
        assert_non_null(strstr(err.msg, "/no/such/python: cannot be started"));
    if (ok)
        config_release(&c);
    error_release(&err);
    free(path);
}

static void test_kept_toml(void **state)
{
    (void)state;
    struct config c;
    struct error err = ERROR_INIT;
    struct buf kept = BUF_INIT;
    if (!has_tomllib())
        skip();
    char *before = path_absolute("."), *path = path_join(top, ".rowlock/toml.cache");
    assert_int_equal(chdir(top), 0);
    put("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-q'\n");
    load_good(&c, ".", NULL);
    config_release(&c);
    assert_int_not_equal(access(".rowlock", F_OK), 0); /* who only asks leaves nothing behind */

    put(".rowlock/.gitignore", "*\n");
    load_good(&c, ".", NULL);
    config_release(&c);
    assert_true(file_read(path, &kept, &err));
    for (size_t n = 0; n <= kept.len; n++)
        check_kept(&kept, n);

    /* another text of the same length */
    put("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-v'\n");
    load_good(&c, ".", NULL);
    assert_words(&c.addopts, "-v");
    config_release(&c);

    /* a mistake is nobody's answer */
    put("pyproject.toml", "[tool.pytest.ini_options]\naddopts = \n");
    for (int i = 0; i < 2; i++)
        assert_refused(".", NULL, "pyproject.toml:2:11: Invalid value; correct the TOML");
    assert_int_equal(chdir(before), 0);
    buf_release(&kept);
    free(before);
    free(path);
}

static void test_other_toml(void **state)
{
    (void)state;
    struct config c;
    if (!has_tomllib())
        skip();
    put("pytest.toml", " ");
    load_good(&c, ".", NULL);
    assert_string_equal(taken(&c), "pytest.toml");
    assert_true(c.has_pytest);
    config_release(&c);
    put("pytest.toml", "[pytest]\nmarkers = [\"net: x\"]\n[rowlock]\nworker_start = \"fork\"\n");
    load_good(&c, ".", NULL);
    assert_string_equal(c.markers[0].name, "net");
    assert_string_equal(c.worker_start, "fork");
    config_release(&c);
    put("own.toml", "[tool.pytest.ini_options]\naddopts = \"-v\"\n[tool.rowlock]\ntimeout = 9\n");
    load_good(&c, ".", "own.toml");
    assert_words(&c.addopts, "-v");
    assert_true(c.timeout == 9);
    config_release(&c);
    put("own.toml", "[pytest]\naddopts = [\"-q\"]\n[rowlock]\ntimeout = 8\n");
    load_good(&c, ".", "own.toml");
    assert_words(&c.addopts, "-q");
    assert_true(c.timeout == 8);
    config_release(&c);
}

static void test_bad_toml(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *message;
    } cases[] = {
        {"pyproject.toml", "[tool.pytest.ini_options]\naddopts = \n",
         "pyproject.toml:2:11: Invalid value; correct the TOML"},
        {"pyproject.toml", "[tool.pytest.ini_options]\na = 1\na = 2\n",
         "pyproject.toml:3:6: Cannot overwrite a value; correct the TOML"},
        {"pyproject.toml", "[tool.pytest.ini_options]\naddopts = [\"a\",\n  \"b",
         "pyproject.toml:3:5: Unterminated string; correct the TOML"},
        {"pyproject.toml", "[tool.pytest]\n# \xff\n",
         "pyproject.toml:2:3: not UTF-8; correct the TOML"},
        {"pyproject.toml", "[tool.pytest]\naddopts = \"-v\"\n",
         "pyproject.toml:2:1: addopts has to be a list of strings"},
        {"pyproject.toml", "[tool.pytest]\n  markers = [1]\n",
         "pyproject.toml:2:3: markers has to be a list of strings"},
        {"pyproject.toml", "[tool.pytest]\nstrict_markers = \"yes\"\n",
         "pyproject.toml:2:1: strict_markers has to be true or false"},
        {"pyproject.toml", "[tool.pytest]\na = []\n[tool.pytest.ini_options]\nb = 1\n",
         "pyproject.toml:1:1: both [tool.pytest] and [tool.pytest.ini_options] are used; keep one "
         "of them"},
        {"pyproject.toml", "[tool.pytest.ini_options]\n[tool.rowlock]\n\n timout = 1\n",
         "pyproject.toml:4:2: unknown key 'timout' in the rowlock section; did you mean timeout?"},
        {"pyproject.toml", "[tool.pytest.ini_options]\n[tool.rowlock]\ntimeout = [1]\n",
         "pyproject.toml:3:1: timeout: a list or table is not accepted; give seconds, such as 2.5; "
         "0 is no limit"},
        {"pyproject.toml", "[tool.pytest.ini_options]\naddopts = \"-m 'x\"\n",
         "pyproject.toml:2:1: addopts: no closing quotation for the ' at character 4; close it, or "
         "put a backslash before it"},
        {"own.toml", "addopts = []\n",
         "own.toml:1:1: 'addopts' stands outside of any table; pytest's values have to be in a "
         "[pytest] table"},
        {"own.toml", "[pytest]\n[tool.pytest]\na = []\n",
         "own.toml:1:1: both [pytest] and [tool.pytest] are used; keep one of them"},
    };
    if (!has_tomllib())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].file, cases[i].text);
        assert_refused(".", cases[i].file, cases[i].message);
    }
}

/* Python is started only for a TOML file that may have a table for us. */
static void test_without_python(void **state)
{
    (void)state;
    struct config c;
    struct error err = ERROR_INIT;
    put("pytest.ini", "[pytest]\naddopts = -v\n");
    put("a/pyproject.toml", "[project]\nname = \"pytest\"\ndependencies = [\"pytest>=7\"]\n"
                            "[tool.black]\nline-length = 100\n");
    char *dir = path_join(top, "a");
    if (!config_load(&c, dir, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    assert_words(&c.addopts, "-v");
    config_release(&c);

    put("a/pyproject.toml", "[tool.pytest.ini_options]\n");
    assert_false(config_load(&c, dir, NULL, NULL, &err));
    assert_non_null(strstr(err.msg,
                           "/a/pyproject.toml:1:1: is TOML, and no Python is there to read "
                           "it; name one with --python"));
    assert_false(config_load(&c, dir, NULL, "/nonexistent/python", &err));
    assert_non_null(strstr(err.msg, "/nonexistent/python: cannot be started (No such file or "
                                    "directory); name a Python that can read "));
    /* a program that is no Python at all, and one that says nothing */
    assert_false(config_load(&c, dir, NULL, "/bin/echo", &err));
    assert_non_null(strstr(err.msg, "/bin/echo: gave no answer about "));
    assert_false(config_load(&c, dir, NULL, "/bin/false", &err));
    assert_non_null(strstr(err.msg, "/bin/false: gave no answer about "));
    put("old-python", "#!/bin/sh\nexit 3\n");
    char *old = path_join(top, "old-python");
    assert_int_equal(chmod(old, 0755), 0);
    assert_false(config_load(&c, dir, NULL, old, &err));
    assert_non_null(strstr(err.msg, "this Python has no tomllib to read "));
    error_release(&err);
    free(old);
    free(dir);
}

/* Modules of the project do not get in the way of those that read the file. */
static void test_project_modules(void **state)
{
    (void)state;
    struct config c;
    if (!has_tomllib())
        skip();
    put("pyproject.toml", "[tool.pytest.ini_options]\naddopts = \"-v\"\n");
    put("json.py", "raise SystemExit(1)\n");
    put("tomllib.py", "raise SystemExit(1)\n");
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(top), 0);
    load_good(&c, ".", NULL);
    assert_int_equal(chdir(before), 0);
    assert_words(&c.addopts, "-v");
    config_release(&c);
    free(before);
}

static void test_hostile_paths(void **state)
{
    (void)state;
    struct config c;
    put("a\n$(touch pwned)`x`/pytest.ini", "[pytest]\nbad\n");
    struct error err = ERROR_INIT;
    assert_false(load(&c, "a\n$(touch pwned)`x`", NULL, &err));
    assert_non_null(strstr(err.msg, "/a\\n$(touch pwned)`x`/pytest.ini:2:1: unexpected line"));
    assert_null(strchr(err.msg, '\n'));
    error_release(&err);
    put("a\n$(touch pwned)`x`/pytest.ini", "[pytest]\naddopts = $(touch pwned) `x`\n");
    load_good(&c, "a\n$(touch pwned)`x`", NULL);
    assert_words(&c.addopts, "$(touch|pwned)|`x`");
    config_release(&c);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_top, remove_top)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_order_in_a_folder),
        IN_FOLDER(test_walks_up),
        IN_FOLDER(test_rowlock_section_alone),
        IN_FOLDER(test_nothing_found),
        IN_FOLDER(test_explicit_file),
        IN_FOLDER(test_everything_of_an_ini),
        IN_FOLDER(test_nearest_marker),
        IN_FOLDER(test_bad_values),
        IN_FOLDER(test_pyproject),
        IN_FOLDER(test_kept_toml),
        IN_FOLDER(test_other_toml),
        IN_FOLDER(test_bad_toml),
        IN_FOLDER(test_without_python),
        IN_FOLDER(test_project_modules),
        IN_FOLDER(test_hostile_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
