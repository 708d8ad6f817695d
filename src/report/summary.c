/* What a run says beside its journal: how many tests were left out, and what pytest itself
 * printed at its end. Both are files of lines "key value", then an empty line, then text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "report/results.h"

static void add_junit(struct results *r, const char *key, const char *value)
{
    if (strcmp(key, "junit_suite_name") == 0)
        r->junit.suite_name = arena_strdup(&r->arena, value);
    else if (strcmp(key, "junit_logging") == 0)
        r->junit.logging = arena_strdup(&r->arena, value);
    else if (strcmp(key, "junit_family") == 0)
        r->junit.has_files = strcmp(value, "xunit1") == 0 || strcmp(value, "legacy") == 0;
    else if (strcmp(key, "junit_log_passing_tests") == 0)
        r->junit.passed_are_mute = strcmp(value, "0") == 0;
}

/* "2 passed" */
static void add_instead(struct results *r, const char *value)
{
    static const enum outcome outcomes[] = {OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_SKIPPED};
    char *word;
    size_t n = (size_t)strtoul(value, &word, 10);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (*word == ' ' && strcmp(word + 1, outcome_name(outcomes[i])) == 0)
            r->instead[outcomes[i]] += n;
}

static void add_line(struct results *r, const char *line, size_t len)
{
    char *text = xmemdup0(line, len), *value = strchr(text, ' ');
    if (value)
        *value++ = '\0';
    if (value && strcmp(text, "warnings") == 0)
        r->warnings = (size_t)strtoul(value, NULL, 10);
    else if (value && strcmp(text, "deselected") == 0)
        r->deselected = (size_t)strtoul(value, NULL, 10);
    else if (value && strcmp(text, "passes") == 0)
        r->summary_passes = (size_t)strtoul(value, NULL, 10);
    else if (value && strcmp(text, "covered") == 0)
        r->covered = strtoull(value, NULL, 10);
    else if (value && strcmp(text, "coverable") == 0)
        r->coverable = strtoull(value, NULL, 10);
    else if (value && strcmp(text, "count") == 0)
        strv_push(&r->others, value);
    else if (value && strcmp(text, "instead") == 0)
        add_instead(r, value);
    else if (value)
        add_junit(r, text, value);
    free(text);
}

static void read_words(struct results *r, const char *path)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    if (file_read(path, &b, &err)) {
        const char *p = buf_cstr(&b), *end = p + b.len;
        while (p < end && *p != '\n') {
            const char *newline = memchr(p, '\n', (size_t)(end - p));
            size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);
            add_line(r, p, len);
            p += len + (newline != NULL);
        }
        p += p < end;
        if (p < end) {
            r->summary.data = arena_memdup0(&r->arena, p, (size_t)(end - p));
            r->summary.len = (size_t)(end - p);
        }
    }
    error_release(&err);
    buf_release(&b);
}

void results_read_words(struct results *r, const char *rundir)
{
    static const char *const names[] = {"counts", "junit", "summary"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(rundir, names[i]);
        read_words(r, path);
        free(path);
    }
}

void results_read_covered(struct results *r, const char *rundir)
{
    char *path = path_join(rundir, "covered");
    read_words(r, path);
    free(path);
}
