/* validate: tries what parallel runs need, and says what to do where it fails. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/subprocess.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/program.h"
#include "command/terminal.h"
#include "config/config.h"
#include "run/cpus.h"
#include "run/driver.h"

struct check {
    char *name, *detail;
    const char *remedy; /* what to do if it failed */
    bool ok;
};
struct validation {
    struct check checks[32];
    size_t n;
    struct program program;
    struct config config;
    char *make;
    char *temp; /* scratch folder */
    unsigned workers;
};

static void add(struct validation *v, bool ok, const char *name, const char *remedy,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void add(struct validation *v, bool ok, const char *name, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;
    char *detail = NULL;
    va_start(ap, fmt);
    if (vasprintf(&detail, fmt, ap) < 0)
        detail = xstrdup(fmt);
    va_end(ap);
    if (v->n == sizeof v->checks / sizeof *v->checks)
        abort();
    v->checks[v->n++] = (struct check){xstrdup(name), detail, remedy, ok};
}

/* As subprocess_output, without the final newline. */
static int run_program(char *const argv[], struct buf *out)
{
    int code = subprocess_output(argv, out, 65536);
    if (out->len && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    return code;
}

static void check_make(struct validation *v)
{
    struct error err = ERROR_INIT;
    char *version = NULL;
    bool ok = driver_find_make(&v->make, &version, &err);
    add(v, ok, "GNU Make", "install GNU Make 4.0 or newer", "%s", ok ? version : err.msg);
    free(version);
    error_release(&err);
    if (!ok)
        return;
    static const char makefile[] = "all:\n\t+@\"$$ROWLOCK_PROBE\" __probe tokens\n";
    struct buf out = BUF_INIT;
    char *path = path_join(v->temp, "jobserver.mk");
    char *const argv[] = {v->make, "-s", "-j3", "-f", path, NULL};
    setenv("ROWLOCK_PROBE", v->program.rowlock, 1);
    int code =
        file_write(path, makefile, sizeof makefile - 1, &err) ? run_program(argv, &out) : 127;
    ok = code == 0 && strcmp(buf_cstr(&out), "2") == 0;
    add(v, ok, "jobserver", "look whether MAKEFLAGS or a wrapper around make disturbs it",
        ok ? "under make -j3 a recipe can take %s more tokens" : "expected 2 tokens, got: %s",
        buf_cstr(&out));
    error_release(&err);
    free(path);
    buf_release(&out);
}

static void check_config(struct validation *v, const char *file)
{
    struct error err = ERROR_INIT;
    char *cwd = path_absolute("."), *python = program_python(NULL, NULL);
    bool ok = config_load(&v->config, cwd, file, python, &err);
    add(v, ok, "configuration", "correct the file at that place", "%s",
        !ok              ? err.msg
        : v->config.path ? v->config.path
                         : "no ini file; defaults apply");
    error_release(&err);
    free(python);
    free(cwd);
}

static void check_pytest(struct validation *v)
{
    static char script[] =
        "import sys, pytest; print('pytest', pytest.__version__, 'on Python', "
        "sys.version.split()[0]); sys.exit(int(pytest.__version__.split('.')[0]) "
        "< 7)";
    char *python = program_python(NULL, v->config.python);
    char *const argv[] = {python, "-c", script, NULL};
    struct buf out = BUF_INIT;
    int code = run_program(argv, &out);
    const char *last = strrchr(buf_cstr(&out), '\n');
    /* Native projects need no pytest. */
    bool needed = v->config.has_pytest;
    add(v, code == 0 || !needed, "pytest",
        "install pytest 7 or newer for that Python, or name another one with --python",
        code == 0 ? "%s%s" : "%s: %s", code == 0 ? "" : python,
        code == 127 ? "cannot be started"
        : last      ? last + 1
                    : buf_cstr(&out));
    buf_release(&out);
    free(python);
}

/* Writes the built-in suite: twice as many probes as workers, and two serial ones. */
static bool write_suite(const struct validation *v, const char *seen, struct error *err)
{
    cJSON *root = cJSON_CreateObject(), *tests = cJSON_AddArrayToObject(root, "tests");
    cJSON_AddNumberToObject(root, "rowlock", 1);
    char number[16];
    snprintf(number, sizeof number, "%u", v->workers);
    for (unsigned i = 0; i < 2 * v->workers + 2; i++) {
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
    char *text = cJSON_PrintUnformatted(root), *path = path_join(v->temp, "tests.json");
    bool ok = file_write(path, text, strlen(text), err);
    free(path);
    free(text);
    cJSON_Delete(root);
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
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
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

static void check_workers(struct validation *v)
{
    struct error err = ERROR_INIT;
    struct buf out = BUF_INIT;
    char number[16], *seen = path_join(v->temp, "seen");
    snprintf(number, sizeof number, "%u", v->workers);
    char *const argv[] = {v->program.rowlock, "-C", v->temp, "parallel", "-n", number,
                          "--timeout",        "60", "-q",    NULL};
    setenv("ROWLOCK_PROBE_PREFIX", "FQCN", 1);
    int code =
        file_mkdirs(seen, &err) && write_suite(v, seen, &err) ? run_program(argv, &out) : 127;
    size_t folders = distinct_folders(seen, v->workers);
    bool apart = folders == 3 * (size_t)v->workers;
    add(v, code == 0 && apart, "isolation", "see the messages; 'rowlock parallel -v' shows more",
        code == 0 ? "%u workers at once, %zu temp, config and cache folders of their own"
                  : "%u workers, %zu folders of their own",
        v->workers, folders);
    add(v, code == 0, "serial tests", "see the messages; 'rowlock parallel -v' shows more", "%s",
        code == 0 ? "ran alone, one at a time"
        : err.msg ? err.msg
                  : buf_cstr(&out));
    error_release(&err);
    buf_release(&out);
    free(seen);
}

static void check_limits(struct validation *v)
{
    struct rlimit files, processes;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NPROC, &processes);
    rlim_t need = 64 + 16 * (rlim_t)v->workers;
    add(v, files.rlim_cur >= need, "open files", "raise it with 'ulimit -n'", "limit %llu",
        (unsigned long long)files.rlim_cur);
    if (processes.rlim_cur == RLIM_INFINITY)
        add(v, true, "processes", "", "no limit");
    else
        add(v, processes.rlim_cur >= need, "processes", "raise it with 'ulimit -u'", "limit %llu",
            (unsigned long long)processes.rlim_cur);
    const char *places[] = {".", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp"};
    for (int i = 0; i < 2; i++) {
        struct statvfs fs;
        bool known = statvfs(places[i], &fs) == 0;
        double mb = known ? (double)fs.f_bavail * (double)fs.f_frsize / 1e6 : 0;
        add(v, known && mb >= 100 && access(places[i], W_OK) == 0,
            i ? "temporary folder" : "state folder", "free some space, or set TMPDIR",
            "%s: %.0f MB free%s", places[i], mb,
            access(places[i], W_OK) == 0 ? "" : ", not writable");
    }
    add(v, true, "processors", "", "%d can be used (affinity and cgroup quota)", cpus_available(0));
}

static void print_json(const struct validation *v, bool ok)
{
    cJSON *root = cJSON_CreateObject(), *checks = cJSON_AddArrayToObject(root, "checks");
    for (size_t i = 0; i < v->n; i++) {
        cJSON *c = cJSON_CreateObject();
        cJSON_AddStringToObject(c, "name", v->checks[i].name);
        cJSON_AddBoolToObject(c, "ok", v->checks[i].ok);
        cJSON_AddStringToObject(c, "detail", v->checks[i].detail);
        if (!v->checks[i].ok)
            cJSON_AddStringToObject(c, "remedy", v->checks[i].remedy);
        cJSON_AddItemToArray(checks, c);
    }
    cJSON_AddBoolToObject(root, "ok", ok);
    char *text = cJSON_Print(root);
    puts(text);
    free(text);
    cJSON_Delete(root);
}

static void print_text(const struct validation *v)
{
    bool color = terminal_color(stdout, NULL);
    for (size_t i = 0; i < v->n; i++) {
        const struct check *c = &v->checks[i];
        const char *mark = c->ok ? "ok  " : "FAIL";
        printf("%s%s%s  %-17s %s\n", color ? c->ok ? "\033[32m" : "\033[31m" : "", mark,
               color ? "\033[0m" : "", c->name, c->detail);
        if (!c->ok)
            printf("      what to do: %s\n", c->remedy);
    }
}

/* Takes -n N and --json. */
static bool read_arguments(struct validation *v, const struct invocation *inv, bool *json,
                           struct error *err)
{
    v->workers = (unsigned)cpus_available(0);
    if (v->workers < 2)
        v->workers = 2;
    for (size_t i = 0; i < inv->args.n; i++) {
        const char *a = inv->args.v[i];
        if (strcmp(a, "--json") == 0) {
            *json = true;
            continue;
        }
        const char *value = strncmp(a, "-n", 2) != 0 ? NULL
                            : a[2]                   ? a + 2
                            : i + 1 < inv->args.n    ? inv->args.v[++i]
                                                     : "";
        int n = value ? atoi(value) : 0;
        if (n < 1 || n > 256)
            return error_set(err, EXIT_USAGE,
                             "%s: validate takes -n N (1 to 256) and --json, nothing else", a);
        v->workers = (unsigned)n;
    }
    return true;
}

int command_validate(const struct invocation *inv)
{
    struct validation v = {.n = 0};
    struct error err = ERROR_INIT;
    bool json = false, ok = true;
    if (!read_arguments(&v, inv, &json, &err) || !program_find(&v.program, &err))
        return command_fail(&err);
    v.temp = xstrdup("/tmp/rl-validate-XXXXXX");
    if (!mkdtemp(v.temp)) {
        error_errno(&err, EXIT_INTERNAL, "/tmp: no temporary folder can be made");
        return command_fail(&err);
    }
    check_make(&v);
    check_config(&v, inv->config_file);
    check_pytest(&v);
    check_workers(&v);
    check_limits(&v);
    for (size_t i = 0; i < v.n; i++)
        ok = ok && v.checks[i].ok;
    if (json)
        print_json(&v, ok);
    else
        print_text(&v);
    for (size_t i = 0; i < v.n; i++) {
        free(v.checks[i].name);
        free(v.checks[i].detail);
    }
    file_remove_tree(AT_FDCWD, v.temp);
    free(v.temp);
    free(v.make);
    config_release(&v.config);
    program_release(&v.program);
    return ok ? EXIT_OK : EXIT_FAILED;
}
