/* validate: pytest with its plugins, the list of all tests with their markers, coverage tools. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/validation.h"
#include "coverage/gcbytes.h"

enum { PATIENCE = 120 };

/* Prints three lines: versions, the plugins that pytest loads by itself, coverage.py's version. The
 * current folder must not give us its pytest.py. */
static char ask_python[] =
    "import sys\n"
    "sys.path[:] = [p for p in sys.path if p not in ('', '.')]\n"
    "try:\n"
    "    import coverage; cov = coverage.__version__\n"
    "except Exception: cov = ''\n"
    "try:\n"
    "    import pytest\n"
    "except ImportError as e:\n"
    "    print('-', e, 'on Python', sys.version.split()[0]); print(); print(cov); sys.exit()\n"
    "print(pytest.__version__, 'on Python', sys.version.split()[0])\n"
    "found = set()\n"
    "try:\n"
    "    from importlib.metadata import distributions\n"
    "    for d in distributions():\n"
    "        if any(e.group == 'pytest11' for e in d.entry_points):\n"
    "            found.add('%s %s' % (d.metadata['Name'], d.version))\n"
    "except ImportError: pass\n"
    "print(', '.join(sorted(found))); print(cov)\n";

/* The nth line of text. Caller frees. */
static char *line_of(const char *text, int n)
{
    for (; n > 0 && *text; n--)
        text += strcspn(text, "\n") + (strchr(text, '\n') != NULL);
    return xmemdup0(text, strcspn(text, "\n"));
}

/* The names in what `pytest --markers` prints: "@pytest.mark.NAME(…): …". */
static void take_markers(struct validation *v, const char *text)
{
    static const char start[] = "@pytest.mark.";
    for (const char *at = text; (at = strstr(at, start)) != NULL;) {
        at += sizeof start - 1;
        char *name = xmemdup0(at, strcspn(at, ":( \n"));
        strv_push_nodup(&v->markers, name);
    }
}

/* The words of a command of ours, of one without a name if it is NULL, with what was asked for. */
static void begin_words(struct strv *argv, const struct validation *v, const char *command)
{
    const char *file = v->config_file ? v->config_file : v->config_chosen;
    strv_push(argv, v->program.rowlock);
    if (file) {
        strv_push(argv, "-c");
        strv_push(argv, file);
    }
    if (command)
        strv_push(argv, command);
    strv_push(argv, "--python");
    strv_push(argv, v->python);
}

/* Has pytest load its plugins and the project's conftest: required_plugins, minversion, options in
 * addopts that nobody knows. */
static void check_plugins(struct validation *v, const char *installed)
{
    struct strv argv = STRV_INIT;
    struct buf out = BUF_INIT, errors = BUF_INIT;
    static const char readable[] = "a configuration that can be read";
    validation_begins(v, "plugins");
    begin_words(&argv, v, NULL);
    if (v->wants_pytest || !v->has_tests_json)
        strv_push(&argv, "--fixtures"); /* --markers alone would be ours beside a tests.json */
    strv_push(&argv, "--markers");
    int code = validation_run(argv.v, PATIENCE, &out, &errors);
    if (code == 0) {
        take_markers(v, buf_cstr(&out));
        validation_add(v, CHECK_OK, "plugins", "", "%s", installed[0] ? installed : "none installed");
    } else if (v->config_ok) {
        const char *said = errors.len ? buf_cstr(&errors) : buf_cstr(&out);
        char *last = validation_last_line(said);
        validation_add(v, CHECK_FAILED, "plugins",
                       "install what is missing, or correct the configuration; 'rowlock --markers' "
                       "shows all that pytest says",
                       "pytest refuses to start here: %s\ninstalled: %s", last,
                       installed[0] ? installed : "none");
        free(last);
    } else {
        validation_add(v, CHECK_SKIPPED, "plugins", "", "needs %s", readable);
    }
    v->pytest_ok = code == 0;
    v->lacks = v->config_ok ? "a pytest that starts here" : readable;
    strv_release(&argv);
    buf_release(&out);
    buf_release(&errors);
}

static void add_coverage_py(struct validation *v, const char *version)
{
    bool asked = false;
    for (size_t i = 0; i < v->config.addopts.n; i++)
        asked = asked || strncmp(v->config.addopts.v[i], "--cov", 5) == 0;
    int major = atoi(version);
    static const char remedy[] = "install coverage 5 or newer for that Python";
    enum check_status missing = asked ? CHECK_FAILED : CHECK_SKIPPED;
    const char *who = asked ? ", which addopts asks for" : "";
    if (version[0] && major >= 5)
        validation_add(v, CHECK_OK, "coverage.py", "", "%s", version);
    else if (version[0])
        validation_add(v, missing, "coverage.py", remedy,
                       "%s has coverage %s, which is too old for --coverage of Python%s", v->python,
                       version, who);
    else
        validation_add(v, missing, "coverage.py", remedy,
                       "%s has none; needed for --coverage of Python%s", v->python, who);
}

void validate_pytest(struct validation *v)
{
    static const char remedy[] =
        "install pytest 7 or newer for that Python, or name another one with --python";
    struct buf out = BUF_INIT, errors = BUF_INIT;
    char *const argv[] = {v->python, "-c", ask_python, NULL};
    /* Native projects need no pytest. */
    enum check_status missing = v->wants_pytest || v->python_asked ? CHECK_FAILED : CHECK_SKIPPED;
    validation_begins(v, "pytest");
    v->lacks = "pytest";
    int code = validation_run(argv, PATIENCE, &out, &errors);
    char *version = line_of(buf_cstr(&out), 0), *plugins = line_of(buf_cstr(&out), 1);
    char *cov = line_of(buf_cstr(&out), 2);
    if (code != 0) {
        char *last = validation_last_line(buf_cstr(&errors));
        validation_add(v, missing, "pytest", remedy, "%s: %s", v->python,
                       code == 127 ? "cannot be started" : last);
        free(last);
    } else if (version[0] == '-') {
        validation_add(v, missing, "pytest", remedy, "%s:%s", v->python, version + 1);
    } else if (atoi(version) < 7) {
        validation_add(v, missing, "pytest", remedy, "pytest %s is too old", version);
    } else {
        validation_add(v, CHECK_OK, "pytest", "", "pytest %s", version);
        check_plugins(v, plugins);
    }
    if (code == 0)
        add_coverage_py(v, cov);
    free(version);
    free(plugins);
    free(cov);
    buf_release(&out);
    buf_release(&errors);
}

/* A marker that nobody declares. */
struct stray {
    const char *name, *test; /* the first that has it */
    size_t n;
};

static bool declared(const struct validation *v, const char *name)
{
    return config_marker(&v->config, name) || strv_has(&v->markers, name);
}

/* Labels of CMake and suites of Meson need not be declared. */
static bool is_imported(const struct validation *v, const cJSON *test)
{
    const char *suite = validation_string(test, "suite");
    return suite[0] && strv_has(&v->builds, suite);
}

static void add_strays(struct validation *v, const struct stray *strays, size_t n)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        const char *near = config_nearest_marker(&v->config, strays[i].name);
        buf_addf(&b, "%s%s is not declared: %s", i ? "\n" : "", strays[i].name, strays[i].test);
        if (strays[i].n > 1)
            buf_addf(&b, " and %zu more", strays[i].n - 1);
        if (near)
            buf_addf(&b, "; did you mean %s?", near);
    }
    validation_add(v, CHECK_FAILED, "markers",
                   "declare it under markers in the ini file, or correct the name", "%s",
                   buf_cstr(&b));
    buf_release(&b);
}

/* Those that the ini file declares and no test has. */
static void add_unused(const struct validation *v, const struct map *used, struct buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < v->config.n_own_markers; i++)
        if (map_get(used, v->config.markers[i].name) == MAP_NONE)
            buf_addf(b, "%s%s", n++ ? ", " : "\ndeclared, and on no test: ",
                     v->config.markers[i].name);
}

static void check_markers(struct validation *v, const cJSON *tests)
{
    struct map used = MAP_INIT, place = MAP_INIT;
    struct stray *strays = NULL;
    struct buf b = BUF_INIT;
    size_t n = 0;
    const cJSON *test, *marker;
    cJSON_ArrayForEach(test, tests)
    {
        cJSON_ArrayForEach(marker, cJSON_GetObjectItemCaseSensitive(test, "markers"))
        {
            const char *name = cJSON_IsString(marker) ? marker->valuestring : "";
            map_intern(&used, name, 0);
            if (is_imported(v, test) || declared(v, name))
                continue;
            size_t at = map_intern(&place, name, n);
            if (at == n) {
                strays = xreallocarray(strays, n + 1, sizeof *strays);
                strays[n++] = (struct stray){name, validation_string(test, "id"), 0};
            }
            strays[at].n++;
        }
    }
    if (n)
        add_strays(v, strays, n);
    buf_addf(&b, "%zu in use%s", used.n, n ? "" : ", all declared");
    add_unused(v, &used, &b);
    validation_add(v, CHECK_OK, "markers", "", "%s", buf_cstr(&b));
    buf_release(&b);
    free(strays);
    map_release(&used);
    map_release(&place);
}

static void add_uncollected(struct validation *v, const cJSON *errors)
{
    struct buf b = BUF_INIT;
    const cJSON *e;
    cJSON_ArrayForEach(e, errors)
    {
        buf_addf(&b, "%s%s cannot be collected: ", b.len ? "\n" : "", validation_string(e, "file"));
        buf_adds(&b, validation_string(e, "message"));
    }
    validation_add(v, CHECK_FAILED, "tests",
                   "correct the file; 'rowlock parallel' shows where it fails", "%s", buf_cstr(&b));
    buf_release(&b);
}

/* Of what pytest printed when it gave up, the lines that say why; all if there are none. */
static void add_refusal(struct validation *v, const char *said)
{
    struct buf b = BUF_INIT;
    for (const char *line = said; *line;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, "ERROR ", 6) == 0 || strncmp(line, "E  ", 3) == 0) {
            buf_adds(&b, b.len ? "\n" : "");
            buf_add(&b, line, len);
        }
        line += len + (line[len] == '\n');
    }
    validation_add(v, CHECK_FAILED, "tests", "'rowlock list' shows all of it", "%s",
                   b.len    ? buf_cstr(&b)
                   : *said ? said
                           : "cannot be listed");
    buf_release(&b);
}

void validate_tests(struct validation *v)
{
    enum { NO_TESTS = 5 };
    if (!v->config_ok || !v->tests_json_ok || !v->state_ok || !v->make ||
        (v->wants_pytest && !v->pytest_ok)) {
        validation_add(v, CHECK_SKIPPED, "tests", "", "cannot be listed before the rest is right");
        return;
    }
    struct strv argv = STRV_INIT;
    struct buf out = BUF_INIT, errors = BUF_INIT;
    validation_begins(v, "tests");
    begin_words(&argv, v, "list");
    strv_push(&argv, "--json");
    strv_push(&argv, "-m");
    strv_push(&argv, "");
    int code = validation_run(argv.v, 0, &out, &errors);
    cJSON *list = cJSON_Parse(buf_cstr(&out));
    const cJSON *tests = cJSON_GetObjectItemCaseSensitive(list, "tests");
    const cJSON *broken = cJSON_GetObjectItemCaseSensitive(list, "errors");
    if (cJSON_GetArraySize(broken))
        add_uncollected(v, broken);
    else if (code == NO_TESTS)
        validation_add(v, CHECK_SKIPPED, "tests", "", "there are none here");
    else if (code != 0)
        add_refusal(v, buf_cstr(&errors));
    else if (!cJSON_IsArray(tests)) /* it may be longer than what is read of it */
        validation_add(v, CHECK_WARNING, "tests",
                       "see whether 'rowlock list --json' prints whole JSON",
                       "the list cannot be read; markers are not checked");
    else
        validation_add(v, CHECK_OK, "tests", "", "%d can be run", cJSON_GetArraySize(tests));
    if (cJSON_GetArraySize(tests))
        check_markers(v, tests);
    cJSON_Delete(list);
    strv_release(&argv);
    buf_release(&out);
    buf_release(&errors);
}

/* The first number behind the last "(…)" or blank of a version line: "gcc (Debian …) 12.2.0". 0: none. */
static int major_of(const char *program, char *line, size_t size)
{
    char *const argv[] = {(char *)program, "--version", NULL};
    struct buf out = BUF_INIT, errors = BUF_INIT;
    int major = 0;
    line[0] = '\0';
    if (validation_run(argv, PATIENCE, &out, &errors) == 0) {
        snprintf(line, size, "%.*s", (int)strcspn(buf_cstr(&out), "\n"), buf_cstr(&out));
        const char *at = strrchr(line, ')');
        for (at = at ? at + 1 : line; *at && !major; at++)
            if (*at >= '0' && *at <= '9')
                major = atoi(at);
    }
    buf_release(&out);
    buf_release(&errors);
    return major;
}

/* Data of most versions of GCC are read without gcov; those of another one need its own. */
void validate_coverage(struct validation *v)
{
    _Static_assert(GC_OLDEST == 9 && GC_NEWEST == 16, "the remedy names them");
    char gcc[200], gcov[200], own[32];
    validation_begins(v, "gcov");
    int compiler = major_of("gcc", gcc, sizeof gcc), tool = major_of("gcov", gcov, sizeof gcov);
    bool native = compiler >= GC_OLDEST && compiler <= GC_NEWEST;
    snprintf(own, sizeof own, "gcov-%d", compiler);
    if (!compiler)
        validation_add(v, CHECK_SKIPPED, "gcov", "",
                       "gcc is not installed; needed for coverage of C and C++");
    else if (tool == compiler)
        validation_add(v, CHECK_OK, "gcov", "", "gcc %d and its gcov", compiler);
    else if (native)
        validation_add(v, tool ? CHECK_WARNING : CHECK_OK, "gcov",
                       "other tools need the gcov of that gcc",
                       tool ? "gcov is of GCC %2$d, gcc is %1$d; Rowlock reads its data by itself"
                            : "gcc %d; its data are read without gcov",
                       compiler, tool);
    else if (path_executable(own))
        validation_add(v, CHECK_OK, "gcov", "", "gcc %d and %s", compiler, own);
    else
        validation_add(v, CHECK_FAILED, "gcov", "install the gcov of that gcc, or a GCC from 9 to 16",
                       "data of gcc %d need its gcov; here is %s", compiler,
                       tool ? gcov : "none");
}
