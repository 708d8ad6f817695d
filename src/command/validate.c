/* validate: tries what parallel runs need, and says what to do where it fails.
 *
 * The JSON of --json:
 *
 *   {"ok": bool,                 no check has failed
 *    "workers": n,               for so many
 *    "checks": [
 *     {"name",                   "jobserver"; a name may come more than once
 *      "status",                 "ok", "warning", "skipped" or "failed"
 *      "ok": bool,               it has not failed
 *      "detail",                 what was found
 *      "remedy"},                what to do about a warning or a failure; else null
 *     …]}
 *
 * in the order in which the checks ran. Strings are as in --report-json. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/terminal.h"
#include "command/validation.h"
#include "config/values.h"
#include "report/report.h"
#include "run/cpus.h"

enum { MOST_WORKERS = 256, MOST_OUTPUT = 64 << 20, DEFAULT_FREE = 100000000 };

static const struct {
    const char *mark, *word, *color;
} statuses[] = {
    [CHECK_OK] = {"ok  ", "ok", "\033[32m"},
    [CHECK_WARNING] = {"warn", "warning", "\033[33m"},
    [CHECK_SKIPPED] = {"skip", "skipped", "\033[33m"},
    [CHECK_FAILED] = {"FAIL", "failed", "\033[31m"},
};

static volatile sig_atomic_t interrupted;

void validation_add(struct validation *v, enum check_status status, const char *name,
                    const char *remedy, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *detail = xvasprintf(fmt, ap);
    va_end(ap);
    v->checks = xreallocarray(v->checks, v->n + 1, sizeof *v->checks);
    v->checks[v->n] = (struct check){status, xstrdup(name), detail, remedy};
    if (v->added)
        v->added(v->ctx, &v->checks[v->n]);
    v->n++;
}

void validation_begins(struct validation *v, const char *name)
{
    if (v->begins)
        v->begins(v->ctx, name);
}

int validation_run(char *const argv[], unsigned seconds, struct buf *out, struct buf *errors)
{
    static char *const without[] = {"PYTEST_ADDOPTS", "PYTEST_XDIST_AUTO_NUM_WORKERS", NULL};
    bool late;
    int code = subprocess_run(
        &(struct subprocess){.argv = argv, .env = without, .seconds = seconds}, out, errors,
        MOST_OUTPUT, &late);
    struct buf *both[] = {out, errors};
    for (int i = 0; i < 2; i++)
        if (both[i]->len && both[i]->data[both[i]->len - 1] == '\n')
            both[i]->data[--both[i]->len] = '\0';
    if (late)
        buf_addf(errors, "\nwas not done after %u s", seconds);
    return code;
}

const char *validation_string(const cJSON *object, const char *key)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(s) ? s->valuestring : "";
}

char *validation_last_line(const char *text)
{
    size_t end = strlen(text);
    while (end && strchr(" \t\r\n", text[end - 1]))
        end--;
    size_t start = end;
    while (start && text[start - 1] != '\n')
        start--;
    return xmemdup0(text + start, end - start);
}

/* How the points are printed. */
struct printer {
    bool json, color, live;
    int width;  /* columns; 0: lines are not broken */
    bool shown; /* a line of progress stands on the terminal */
};

static void hide_progress(struct printer *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

static void show_progress(void *ctx, const char *name)
{
    struct printer *p = ctx;
    hide_progress(p);
    if (p->live && !p->json) {
        fflush(stdout);
        fprintf(stderr, "      %s … ", name);
        p->shown = true;
    }
}

/* Words of one line, broken before the column width; the next lines start at column indent. */
static void print_words(const char *line, int at, int indent, int width)
{
    for (const char *word = line; *word;) {
        size_t len = strcspn(word, " ");
        int columns = (int)text_count(word, len);
        if (width && word != line && at + 1 + columns > width) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (word != line) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)len, word);
        at += columns;
        word += len + (word[len] == ' ');
    }
    putchar('\n');
}

/* Text of several lines, at column indent where the cursor is. */
static void print_block(const char *text, int indent, int width)
{
    do {
        size_t len = strcspn(text, "\n");
        struct buf line = BUF_INIT;
        text_escape(&line, text, len, 2000);
        print_words(buf_cstr(&line), indent, indent, width);
        buf_release(&line);
        text += len + (text[len] == '\n');
        if (*text)
            printf("%*s", indent, "");
    } while (*text);
}

static void print_check(void *ctx, const struct check *c)
{
    enum { NAME_AT = 6, NAME = 18, NARROW = 50 };
    struct printer *p = ctx;
    hide_progress(p);
    if (p->json)
        return;
    printf("%s%s%s  ", p->color ? statuses[c->status].color : "", statuses[c->status].mark,
           p->color ? "\033[0m" : "");
    bool narrow = p->width && p->width < NARROW;
    if (narrow)
        printf("%s\n%*s", c->name, NAME_AT, "");
    else
        printf("%-*s ", NAME, c->name);
    int longer = (int)strlen(c->name) > NAME ? (int)strlen(c->name) - NAME : 0;
    print_block(c->detail, narrow ? NAME_AT : NAME_AT + NAME + 1 + longer, p->width);
    if (c->remedy[0] && (c->status == CHECK_FAILED || c->status == CHECK_WARNING)) {
        printf("%*s", NAME_AT, "");
        char *text = xasprintf("what to do: %s", c->remedy);
        print_block(text, NAME_AT, p->width);
        free(text);
    }
    fflush(stdout);
}

static size_t count(const struct validation *v, enum check_status status)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += v->checks[i].status == status;
    return n;
}

static void print_json(const struct validation *v)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "{\"ok\": %s, \"workers\": %u,\n\"checks\": [",
             count(v, CHECK_FAILED) ? "false" : "true", v->workers);
    for (size_t i = 0; i < v->n; i++) {
        const struct check *c = &v->checks[i];
        bool bad = c->status == CHECK_FAILED || c->status == CHECK_WARNING;
        buf_adds(&b, i ? ",\n{\"name\": " : "\n{\"name\": ");
        report_json_string(&b, c->name, strlen(c->name));
        report_json_pair(&b, "status", statuses[c->status].word);
        buf_addf(&b, ", \"ok\": %s", c->status == CHECK_FAILED ? "false" : "true");
        report_json_pair(&b, "detail", c->detail);
        report_json_pair(&b, "remedy", bad && c->remedy[0] ? c->remedy : NULL);
        buf_addc(&b, '}');
    }
    buf_adds(&b, "]}\n");
    fwrite(b.data, 1, b.len, stdout);
    buf_release(&b);
}

static void print_sum(const struct validation *v)
{
    size_t failed = count(v, CHECK_FAILED), skipped = count(v, CHECK_SKIPPED);
    size_t warned = count(v, CHECK_WARNING);
    printf("%zu checks: %zu failed, %zu warning%s, %zu skipped\n", v->n, failed, warned,
           warned == 1 ? "" : "s", skipped);
}

/* The value of an option that is spelled "-nN", "-n N", "--name=N" or "--name N"; NULL if the word
 * is another one. */
static const char *value_of(const struct invocation *inv, size_t *i, const char *shortname,
                            const char *longname)
{
    const char *a = inv->args.v[*i];
    size_t n = strlen(longname);
    bool is_long = strncmp(a, longname, n) == 0 && (a[n] == '=' || !a[n]);
    bool is_short = shortname && a[0] == '-' && a[1] == shortname[1];
    if (!is_long && !is_short)
        return NULL;
    const char *rest = is_long ? a + n + (a[n] == '=') : a + 2 + (a[2] == '=');
    bool joined = is_long ? a[n] == '=' : a[2] != '\0';
    if (joined)
        return rest;
    return *i + 1 < inv->args.n ? inv->args.v[++*i] : "";
}

static bool read_workers(struct validation *v, const char *value, struct error *err)
{
    char *end;
    if (strcmp(value, "auto") == 0 || strcmp(value, "logical") == 0)
        return true;
    long n = strtol(value, &end, 10);
    if (n < 1 || n > MOST_WORKERS || *end || end == value) {
        char *quoted = text_quote(value);
        error_set(err, EXIT_USAGE, "-n %s: give a number of workers from 1 to %d, or auto", quoted,
                  MOST_WORKERS);
        free(quoted);
        return false;
    }
    v->workers = (unsigned)n;
    v->workers_given = true;
    return true;
}

static bool read_free(struct validation *v, const char *value, struct error *err)
{
    size_t bytes;
    if (value_bytes(value, &bytes)) {
        v->free_bytes = bytes;
        return true;
    }
    char *quoted = text_quote(value);
    error_set(err, EXIT_USAGE, "--free %s: give a number of bytes, such as 500M or 2G", quoted);
    free(quoted);
    return false;
}

static bool refuse(const char *word, struct error *err)
{
    char *quoted = text_quote(word);
    error_set(err, EXIT_USAGE,
              "%s: validate takes -n N, --python EXE, --free SIZE and --json, nothing else", quoted);
    free(quoted);
    return false;
}

static bool read_arguments(struct validation *v, const struct invocation *inv, bool *json,
                           struct error *err)
{
    v->workers = (unsigned)cpus_available(0);
    v->workers = v->workers < 2 ? 2 : v->workers > MOST_WORKERS ? MOST_WORKERS : v->workers;
    v->free_bytes = DEFAULT_FREE;
    bool ok = true;
    for (size_t i = 0; i < inv->args.n && ok; i++) {
        const char *value, *a = inv->args.v[i];
        if (strcmp(a, "--json") == 0)
            *json = true;
        else if ((value = value_of(inv, &i, "-n", "--numprocesses")) ||
                 (value = value_of(inv, &i, NULL, "--workers")))
            ok = read_workers(v, value, err);
        else if ((value = value_of(inv, &i, NULL, "--free")))
            ok = read_free(v, value, err);
        else if ((value = value_of(inv, &i, NULL, "--python")) && *value)
            v->python_asked = value;
        else
            ok = refuse(a, err);
    }
    return ok;
}

void command_validate_help(FILE *out)
{
    fputs("  -n, --workers N   check for so many workers, 1 to 256; one for each processor, at "
          "least 2\n"
          "  --python EXE      the Python that has pytest\n"
          "  --free SIZE       so much has to be free on the disks (100M)\n"
          "  --json            print JSON\n",
          out);
}

static void note_interrupt(int sig)
{
    interrupted = sig;
}

static void run_checks(struct validation *v)
{
    static void (*const checks[])(struct validation *) = {
        validate_make,  validate_disk,    validate_config,   validate_pytest,
        validate_tests, validate_workers, validate_coverage, validate_limits,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !interrupted; i++)
        checks[i](v);
    if (!interrupted)
        validate_quotas(v, "");
}

static void release(struct validation *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->checks[i].name);
        free(v->checks[i].detail);
    }
    free(v->checks);
    if (v->temp)
        file_remove_tree(AT_FDCWD, v->temp);
    free(v->temp);
    free(v->make);
    free(v->python);
    free(v->config_chosen);
    strv_release(&v->builds);
    strv_release(&v->markers);
    config_release(&v->config);
    program_release(&v->program);
}

int command_validate(const struct invocation *inv)
{
    struct printer p = {.color = terminal_color(stdout, NULL),
                        .live = terminal_live(stderr),
                        .width = isatty(1) ? terminal_width(stdout) : 0};
    struct validation v = {.added = print_check,
                           .begins = show_progress,
                           .ctx = &p,
                           .config_file = inv->config_file};
    struct error err = ERROR_INIT;
    if (!read_arguments(&v, inv, &p.json, &err) || !program_find(&v.program, &err))
        return command_fail(&err);
    struct sigaction act = {.sa_handler = note_interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    run_checks(&v);
    hide_progress(&p);
    int code = interrupted             ? EXIT_INTERRUPTED
               : count(&v, CHECK_FAILED) ? EXIT_FAILED
                                       : EXIT_OK;
    if (p.json && !interrupted)
        print_json(&v);
    else if (!interrupted)
        print_sum(&v);
    else
        fputs("rowlock: interrupted\n", stderr);
    release(&v);
    return code;
}
