/* validate: runs a suite of its own whose tests (probe.c, and a test file for pytest) prove that each of N
 * workers has its own name, folders and environment, and that serial tests run alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "command/validation.h"

enum { LIMIT = 300, N_SERIAL = 2 };

/* Twice as many tests as workers, and two serial ones. */
static bool write_native(const struct validation *v, const char *dir, const char *seen,
                         struct error *err)
{
    cJSON *root = cJSON_CreateObject(), *tests = cJSON_AddArrayToObject(root, "tests");
    cJSON_AddNumberToObject(root, "rowlock", 1);
    char number[16];
    snprintf(number, sizeof number, "%u", v->workers);
    for (unsigned i = 0; i < 2 * v->workers + N_SERIAL; i++) {
        bool serial = i >= 2 * v->workers;
        char id[32];
        snprintf(id, sizeof id, "%s/%u", serial ? "serial" : "worker", i);
        cJSON *t = cJSON_CreateObject(), *command = cJSON_AddArrayToObject(t, "command");
        cJSON_AddStringToObject(t, "id", id);
        const char *const words[] = {v->program.rowlock, "__probe", serial ? "serial" : "worker",
                                     seen, number};
        for (int k = 0; k < (serial ? 4 : 5); k++)
            cJSON_AddItemToArray(command, cJSON_CreateString(words[k]));
        if (serial)
            cJSON_AddItemToArray(cJSON_AddArrayToObject(t, "markers"),
                                 cJSON_CreateString("serial"));
        cJSON_AddItemToArray(tests, t);
    }
    char *text = cJSON_PrintUnformatted(root), *path = path_join(dir, "tests.json");
    bool ok = file_write(path, text, strlen(text), err);
    free(path);
    free(text);
    cJSON_Delete(root);
    return ok;
}

/* The same for pytest. Each test's look at itself is the one of probe.c, in a process of its own below
 * the worker; what only the worker can know it asks itself. */
static const char test_file[] =
    "import os, subprocess, threading\n"
    "import pytest\n"
    "\n"
    "ROWLOCK, SEEN, WORKERS = %s\n"
    "\n"
    "def probe(*words):\n"
    "    done = subprocess.run([ROWLOCK, '__probe', *words], stdout=subprocess.PIPE)\n"
    "    assert done.returncode == 0, done.stdout.decode('utf-8', 'replace')\n"
    "\n"
    "@pytest.mark.parametrize('number', range(2 * WORKERS))\n"
    "def test_worker(number, worker_id, isolated_temp_dir):\n"
    "    assert worker_id == os.environ['FQCN_TEST_WORKER_ID'] == os.environ['PYTEST_XDIST_WORKER']\n"
    "    assert os.environ['PYTEST_XDIST_WORKER_COUNT'] == str(WORKERS)\n"
    "    os.environ['ROWLOCK_PROBE_SET'] = worker_id\n"
    "    (isolated_temp_dir / 'same name').write_text(worker_id)\n"
    "    probe('worker', SEEN, str(WORKERS))\n"
    "    assert os.environ['ROWLOCK_PROBE_SET'] == worker_id\n"
    "    assert (isolated_temp_dir / 'same name').read_text() == worker_id\n"
    "\n"
    "@pytest.mark.serial\n"
    "@pytest.mark.parametrize('number', range(2))\n"
    "def test_serial(number):\n"
    "    probe('serial', SEEN)\n";

static bool write_pytest(const struct validation *v, const char *dir, const char *seen,
                         struct error *err)
{
    static const char ini[] = "[pytest]\n";
    cJSON *values = cJSON_CreateArray(); /* three literals that Python reads, too */
    cJSON_AddItemToArray(values, cJSON_CreateString(v->program.rowlock));
    cJSON_AddItemToArray(values, cJSON_CreateString(seen));
    cJSON_AddItemToArray(values, cJSON_CreateNumber(v->workers));
    char *literals = cJSON_PrintUnformatted(values);
    struct buf text = BUF_INIT;
    buf_addf(&text, test_file, literals);
    char *path = path_join(dir, "test_workers.py"), *config = path_join(dir, "pytest.ini");
    bool ok = file_write(path, text.data, text.len, err) &&
              file_write(config, ini, sizeof ini - 1, err);
    free(config);
    free(path);
    free(literals);
    buf_release(&text);
    cJSON_Delete(values);
    return ok;
}

/* How many different lines the files of the workers hold, each of which names a folder. */
static size_t distinct_folders(const char *seen, unsigned workers)
{
    struct map folders = MAP_INIT;
    struct strv lines = STRV_INIT;
    for (unsigned i = 0; i < workers; i++) {
        struct buf text = BUF_INIT;
        struct error err = ERROR_INIT;
        char *path = xasprintf("%s/worker-gw%u", seen, i);
        file_read(path, &text, &err);
        error_release(&err);
        free(path);
        char *rest = text.data, *line; /* NULL where there is no such file */
        while ((line = strsep(&rest, "\n")) != NULL)
            if (*line)
                strv_push(&lines, line);
        buf_release(&text);
    }
    for (size_t i = 0; i < lines.n; i++)
        map_put(&folders, lines.v[i], i);
    size_t n = folders.n;
    map_release(&folders);
    strv_release(&lines);
    return n;
}

/* What became of the tests whose id has that word. */
struct tally {
    const char *word;
    size_t passed, others;
    char *why; /* of the first that did not pass */
};

static void read_report(const char *dir, struct tally tallies[2])
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    char *path = path_join(dir, "report.json");
    file_read(path, &text, &err);
    error_release(&err);
    free(path);
    cJSON *root = cJSON_Parse(buf_cstr(&text));
    const cJSON *test;
    cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(root, "tests"))
    {
        struct tally *t = &tallies[strstr(validation_string(test, "id"), tallies[1].word) != NULL];
        if (strcmp(validation_string(test, "outcome"), "passed") == 0) {
            t->passed++;
            continue;
        }
        if (!t->others++) {
            char *out = validation_last_line(validation_string(test, "stdout"));
            free(t->why);
            t->why = xasprintf("%s: %s%s%s", validation_string(test, "id"), validation_string(test, "message"),
                               out[0] ? "; " : "", out);
            free(out);
        }
    }
    cJSON_Delete(root);
    buf_release(&text);
}

static int run_suite(const struct validation *v, const char *dir, bool pytest, struct buf *out,
                     struct buf *errors)
{
    char number[16];
    char *report = path_join(dir, "report.json");
    snprintf(number, sizeof number, "%u", v->workers);
    char *const argv[] = {v->program.rowlock, "-C", (char *)dir, "-c",
                          pytest ? "pytest.ini" : "/dev/null", "parallel", "-n", number, "--dist",
                          "load", "--timeout", "60", "-q", "--report-json", report, "--python",
                          v->python, NULL};
    int code = validation_run(argv, LIMIT, out, errors);
    free(report);
    return code;
}

/* ended: a line if the suite ended in a way that its tests do not explain, else "". */
static void report_suite(struct validation *v, bool pytest, const struct tally tallies[2],
                         size_t folders, const char *ended, const char *said)
{
    static const char remedy[] = "see the messages; 'rowlock parallel -v' shows more";
    static const char *const names[2][2] = {{"isolation", "serial tests"},
                                            {"isolation, pytest", "serial, pytest"}};
    const struct tally *worker = &tallies[0], *serial = &tallies[1];
    bool apart = folders == 3 * (size_t)v->workers;
    bool ok = worker->passed == 2 * (size_t)v->workers && !worker->others && apart && !*ended;
    if (ok)
        validation_add(v, CHECK_OK, names[pytest][0], "",
                       "%u workers at once, %zu temp, config and cache folders of their own",
                       v->workers, folders);
    else
        validation_add(v, CHECK_FAILED, names[pytest][0], remedy,
                       "%u workers, %zu folders of their own\n%s%s", v->workers, folders, ended,
                       worker->why ? worker->why : said);
    ok = serial->passed == N_SERIAL && !serial->others;
    validation_add(v, ok ? CHECK_OK : CHECK_FAILED, names[pytest][1], remedy, "%s",
                   ok            ? "ran alone, one at a time"
                   : serial->why ? serial->why
                                 : said);
}

/* How the suite ended, where that is neither success nor a test that failed. Caller frees. */
static char *unexplained(int code, const struct tally tallies[2])
{
    bool failed = tallies[0].others || tallies[1].others;
    if (code == EXIT_OK || (code == EXIT_FAILED && failed))
        return xstrdup("");
    return xasprintf("the suite ended with exit code %d\n", code);
}

static void check_suite(struct validation *v, bool pytest)
{
    struct error err = ERROR_INIT;
    struct buf out = BUF_INIT, errors = BUF_INIT;
    char *dir = path_join(v->temp, pytest ? "py" : "native"), *seen = path_join(dir, "seen");
    int code = EXIT_INTERNAL;
    struct tally tallies[2] = {{.word = "worker"}, {.word = "serial"}};
    validation_begins(v, pytest ? "isolation, pytest" : "isolation");
    if (file_mkdirs(seen, &err) &&
        (pytest ? write_pytest(v, dir, seen, &err) : write_native(v, dir, seen, &err)))
        code = run_suite(v, dir, pytest, &out, &errors);
    read_report(dir, tallies);
    char *ended = unexplained(code, tallies);
    report_suite(v, pytest, tallies, distinct_folders(seen, v->workers), ended,
                 err.msg      ? err.msg
                 : errors.len ? buf_cstr(&errors)
                 : out.len    ? buf_cstr(&out)
                              : "the suite did not run");
    free(ended);
    free(tallies[0].why);
    free(tallies[1].why);
    error_release(&err);
    buf_release(&out);
    buf_release(&errors);
    free(seen);
    free(dir);
}

void validate_workers(struct validation *v)
{
    setenv("ROWLOCK_PROBE_PREFIX", "FQCN", 1);
    if (!v->temp || !v->make) {
        validation_add(v, CHECK_SKIPPED, "isolation", "", "needs %s",
                       v->make ? "a temporary folder" : "GNU Make");
        return;
    }
    check_suite(v, false);
    if (v->pytest_ok)
        check_suite(v, true);
    else
        validation_add(v, CHECK_SKIPPED, "isolation, pytest", "", "needs %s", v->lacks);
}
