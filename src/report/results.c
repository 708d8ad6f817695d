#include "report/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "report/place.h"

void results_init(struct results *r, const struct plan_map *plan)
{
    memset(r, 0, sizeof *r);
    r->plan = plan;
    r->fail_on_flaky = plan->head->flags & PLAN_FAIL_ON_FLAKY;
    r->tests = xcalloc(plan->head->n_tests, sizeof *r->tests);
    strv_init(&r->notes);
    strv_init(&r->others);
    r->files = project_files_new();
}

void results_restart(struct results *r)
{
    arena_release(&r->arena);
    memset(r->tests, 0, r->plan->head->n_tests * sizeof *r->tests);
    r->errors = r->skips = NULL;
    r->n_errors = r->n_skips = 0;
    r->junit = (struct junit_style){NULL, NULL, false, false};
}

void results_release(struct results *r)
{
    arena_release(&r->arena);
    free(r->tests);
    r->tests = NULL;
    strv_release(&r->notes);
    strv_release(&r->others);
    project_files_free(r->files);
    r->files = NULL;
}

/* Room doubles, so that a record of very many small fields costs no more than its length. */
static void append_text(struct arena *a, struct result_text *to, const void *data, size_t len,
                        const char *separator)
{
    if (len == 0)
        return;
    size_t gap = to->len ? strlen(separator) : 0;
    if (gap && separator[0] == '\n' && to->data[to->len - 1] == '\n')
        gap = 0;
    size_t need = to->len + gap + len + 1;
    char *text = (char *)to->data;
    if (need > to->room) {
        to->room = to->len ? need * 2 : need;
        text = arena_alloc(a, to->room);
        if (to->len)
            memcpy(text, to->data, to->len);
        to->data = text;
    }
    memcpy(text + to->len, separator, gap);
    memcpy(text + to->len + gap, data, len);
    to->len += gap + len;
    text[to->len] = '\0';
}

/* Makes room for extra more elements behind the n that are there. */
static void *grow(struct arena *a, const void *old, size_t n, size_t extra, size_t size)
{
    if (extra == 0)
        return (void *)old;
    void *fresh = arena_alloc(a, (n + extra) * size);
    if (n)
        memcpy(fresh, old, n * size);
    return fresh;
}

static enum outcome checked_outcome(unsigned value)
{
    return value > OUTCOME_NONE && value < OUTCOME_COUNT ? (enum outcome)value : OUTCOME_ERROR;
}

static bool is_text(uint32_t tag)
{
    return tag == FIELD_DETAIL || tag == FIELD_STDOUT || tag == FIELD_STDERR || tag == FIELD_LOG;
}

static void reserve_lists(struct arena *a, struct result *t, const struct record *rec)
{
    size_t points = 0, leftovers = 0, properties = 0, sections = 0;
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len)) {
        points += tag == FIELD_POINT;
        leftovers += tag == FIELD_LEFTOVER;
        properties += tag == FIELD_PROPERTY;
        sections += is_text(tag) && len;
    }
    t->sections = grow(a, t->sections, t->n_sections, sections, sizeof *t->sections);
    t->points = grow(a, t->points, t->n_points, points, sizeof *t->points);
    t->leftovers = grow(a, t->leftovers, t->n_leftovers, leftovers, sizeof *t->leftovers);
    t->properties = grow(a, t->properties, t->n_properties, properties, sizeof *t->properties);
}

static void add_property(struct arena *a, struct result *t, const unsigned char *data, size_t len)
{
    struct result_property *p = &t->properties[t->n_properties++];
    p->name = arena_memdup0(a, data, len);
    size_t name_len = strlen(p->name);
    p->value = name_len < len ? p->name + name_len + 1 : "";
}

/* A DETAIL, STDOUT, STDERR or LOG field; title may be NULL. */
static void add_section(struct arena *a, struct result *t, enum record_field tag,
                        const char *title, const void *data, size_t len)
{
    struct result_text *to = tag == FIELD_DETAIL   ? &t->detail
                             : tag == FIELD_STDOUT ? &t->out
                             : tag == FIELD_STDERR ? &t->err
                                                   : &t->log;
    bool apart = tag == FIELD_DETAIL && len && *(const char *)data == '\n';
    data = (const char *)data + apart;
    len -= apart;
    if (len == 0)
        return;
    append_text(a, to, data, len, "\n");
    t->sections[t->n_sections++] = (struct result_section){tag, title, to->len - len, len, apart};
}

static void add_field(struct arena *a, struct result *t, uint32_t tag, const unsigned char *data,
                      size_t len)
{
    switch (tag) {
    case FIELD_MESSAGE:
        append_text(a, &t->message, data, len, "; ");
        break;
    case FIELD_PLACE:
        if (t->place.len == 0)
            append_text(a, &t->place, data, len, "");
        break;
    case FIELD_LOCATION:
        if (t->location.len == 0)
            append_text(a, &t->location, data, len, "");
        break;
    case FIELD_POINT: {
        struct result_point *p = &t->points[t->n_points++];
        p->outcome = len ? checked_outcome(data[0]) : OUTCOME_ERROR;
        p->description = len > 1 ? arena_memdup0(a, data + 1, len - 1) : "";
        break;
    }
    case FIELD_LEFTOVER:
        t->leftovers[t->n_leftovers++] = arena_memdup0(a, data, len);
        break;
    case FIELD_PROPERTY:
        add_property(a, t, data, len);
        break;
    case FIELD_CALL:
        if (len)
            t->call_outcome = checked_outcome(data[0]);
        break;
    default: /* of a newer version: the verdict stands without it */
        break;
    }
}

static void add_fields(struct arena *a, struct result *t, const struct record *rec)
{
    reserve_lists(a, t, rec);
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    const char *title = NULL;
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len)) {
        if (is_text(tag))
            add_section(a, t, (enum record_field)tag, title, data, len);
        else
            add_field(a, t, tag, data, len);
        title = tag == FIELD_TITLE && len ? arena_memdup0(a, data, len) : NULL;
    }
}

static size_t failed_points(const struct result *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_points; i++)
        n += outcome_is_failure(t->points[i].outcome);
    return n;
}

/* Nobody should have to look up why a test failed. */
static void supply_message(struct arena *a, struct result *t)
{
    if (!outcome_is_failure(t->outcome) || t->message.len)
        return;
    char text[128];
    size_t points = failed_points(t);
    if (t->outcome == OUTCOME_TIMEOUT)
        snprintf(text, sizeof text, "timed out after %.1f s", (double)t->wall_ns / 1e9);
    else if (WIFSIGNALED(t->status))
        snprintf(text, sizeof text, "ended by signal %d (%s)", WTERMSIG(t->status),
                 strsignal(WTERMSIG(t->status)));
    else if (points)
        snprintf(text, sizeof text, "%zu of %zu test points failed", points, t->n_points);
    else if (WIFEXITED(t->status) && WEXITSTATUS(t->status) != 0)
        snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(t->status));
    else
        return;
    append_text(a, &t->message, text, strlen(text), "");
}

/* Keeps what was the verdict so far as an attempt of the test. */
static void keep_attempt(struct arena *a, struct result *t, const struct result *before)
{
    t->earlier = grow(a, before->earlier, before->n_earlier, 1, sizeof *t->earlier);
    t->earlier[before->n_earlier] = *before;
    t->earlier[before->n_earlier].earlier = NULL;
    t->earlier[before->n_earlier].n_earlier = 0;
    t->n_earlier = before->n_earlier + 1;
}

static void add_result(struct results *r, struct result *t, const struct record *rec)
{
    struct result before = *t;
    /* The driver saw no more than that the process vanished: a verdict got written before. */
    if (rec->outcome == OUTCOME_CRASHED && rec->slot == JOURNAL_NO_SLOT &&
        before.outcome != OUTCOME_NONE && rec->attempt <= before.attempts)
        return;
    memset(t, 0, sizeof *t);
    if (before.outcome != OUTCOME_NONE)
        keep_attempt(&r->arena, t, &before);
    t->outcome = t->call_outcome = checked_outcome(rec->outcome);
    t->slot = rec->slot;
    t->attempts = before.attempts + 1;
    if (rec->attempt > t->attempts)
        t->attempts = rec->attempt;
    t->status = rec->status;
    t->start_ns = rec->start_ns;
    t->wall_ns = rec->wall_ns;
    t->cpu_ns = rec->user_ns + rec->sys_ns;
    t->peak_bytes = rec->peak_bytes;
    add_fields(&r->arena, t, rec);
    if (t->outcome == OUTCOME_PASSED && outcome_is_failure(before.outcome))
        t->outcome = OUTCOME_FLAKY;
    if (t->outcome == OUTCOME_FLAKY && t->message.len == 0)
        t->message = before.message;
    supply_message(&r->arena, t);
}

/* The result is none. What earlier attempts were stays. */
static void void_result(struct result *t)
{
    struct result before;
    memset(&before, 0, sizeof before);
    if (t->n_earlier) {
        before = t->earlier[t->n_earlier - 1];
        before.earlier = t->earlier;
        before.n_earlier = t->n_earlier - 1;
    }
    *t = before;
}

static void amend_result(struct results *r, struct result *t, const struct record *rec)
{
    enum outcome said = t->call_outcome;
    if (t->outcome == OUTCOME_NONE) { /* the record that it amends was lost */
        t->slot = rec->slot;
        t->attempts = rec->attempt;
        t->start_ns = rec->start_ns;
    }
    t->wall_ns += rec->wall_ns;
    t->cpu_ns += rec->user_ns + rec->sys_ns;
    if (rec->peak_bytes > t->peak_bytes)
        t->peak_bytes = rec->peak_bytes;
    add_fields(&r->arena, t, rec);
    if (said != OUTCOME_NONE)
        t->call_outcome = said;
    /* A crash or a timeout says more than the error that follows from it. */
    if (outcome_is_failure(rec->outcome) && t->outcome != OUTCOME_CRASHED &&
        t->outcome != OUTCOME_TIMEOUT)
        t->outcome = rec->outcome == OUTCOME_FAILED ? OUTCOME_ERROR : rec->outcome;
    /* Of these, what follows a test is not counted beside it. */
    if (plan_map_test(r->plan, rec->test)->format == FORMAT_GTEST)
        t->call_outcome = t->outcome;
    supply_message(&r->arena, t);
}

static void add_note(struct results *r, const struct record *rec)
{
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len))
        if (tag == FIELD_MESSAGE && len)
            strv_push_nodup(&r->notes, xmemdup0(data, len));
}

static void add_file(struct results *r, const struct record *rec)
{
    struct arena *a = &r->arena;
    bool skip = rec->outcome == OUTCOME_SKIPPED;
    struct result_file **files = skip ? &r->skips : &r->errors, *e;
    size_t *n = skip ? &r->n_skips : &r->n_errors;
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    if ((*n & (*n - 1)) == 0) /* none, or as many as there is room for */
        *files = grow(a, *files, *n, *n + 1, sizeof **files);
    e = &(*files)[(*n)++];
    memset(e, 0, sizeof *e);
    e->name = "";
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len))
        if (tag == FIELD_TITLE)
            e->name = arena_memdup0(a, data, len);
        else if (tag == FIELD_MESSAGE || tag == FIELD_DETAIL)
            append_text(a, tag == FIELD_MESSAGE ? &e->message : &e->detail, data, len, "\n");
}

void results_add(struct results *r, const struct record *rec)
{
    if (rec->kind == RECORD_COLLECT)
        add_file(r, rec);
    else if (rec->kind == RECORD_NOTE)
        add_note(r, rec);
    else if (rec->test >= r->plan->head->n_tests)
        r->torn++;
    else if (rec->kind == RECORD_RESULT || rec->kind == RECORD_ATTEMPT)
        add_result(r, &r->tests[rec->test], rec);
    else if (rec->kind == RECORD_AMEND)
        amend_result(r, &r->tests[rec->test], rec);
    else if (rec->kind == RECORD_VOID)
        void_result(&r->tests[rec->test]);
}

bool results_read(struct results *r, const char *journal_path, struct error *err)
{
    int fd = open(journal_path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_errno(err, EXIT_INTERNAL, "%s", journal_path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (st.st_size == 0) {
        close(fd);
        return true;
    }
    size_t size = (size_t)st.st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int saved = errno;
    close(fd);
    if (data == MAP_FAILED) {
        errno = saved;
        return error_errno(err, EXIT_INTERNAL, "%s", journal_path);
    }
    size_t pos = 0;
    struct record rec;
    while (journal_parse(data, size, &pos, &rec, true, &r->torn))
        results_add(r, &rec);
    munmap(data, size);
    return true;
}

const char *result_section_teardown(const struct result_section *c)
{
    size_t n = sizeof FIELD_TITLE_TEARDOWN - 1;
    if (c->tag != FIELD_DETAIL || !c->title || strncmp(c->title, FIELD_TITLE_TEARDOWN, n) != 0)
        return NULL;
    return c->title + n;
}

enum outcome result_itself(const struct result *t)
{
    bool torn_down = t->outcome == OUTCOME_ERROR && t->call_outcome != OUTCOME_NONE;
    return torn_down ? t->call_outcome : t->outcome;
}

bool result_counts_itself(const struct result *t)
{
    if (t->n_points == 0 || t->outcome == OUTCOME_FLAKY)
        return true;
    if (!outcome_is_failure(t->outcome))
        return false;
    return t->outcome != OUTCOME_FAILED || failed_points(t) == 0;
}

void results_count(struct results *r)
{
    memset(r->counts, 0, sizeof r->counts);
    r->n_reruns = 0;
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        const struct result *t = &r->tests[i];
        r->n_reruns += t->n_earlier;
        if (result_counts_itself(t))
            r->counts[t->outcome]++;
        for (size_t k = 0; k < t->n_points; k++)
            r->counts[t->points[k].outcome]++;
    }
}

enum exit_code results_exit_code(const struct results *r)
{
    size_t bad = r->counts[OUTCOME_NONE] + r->n_errors;
    for (int o = OUTCOME_NONE; o < OUTCOME_COUNT; o++)
        if (outcome_is_failure((enum outcome)o))
            bad += r->counts[o];
    if (r->fail_on_flaky)
        bad += r->counts[OUTCOME_FLAKY];
    return bad ? EXIT_FAILED : EXIT_OK;
}

double results_span(const struct results *r)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        const struct result *t = &r->tests[i];
        if (t->outcome == OUTCOME_NONE || t->start_ns <= 0)
            continue;
        int64_t end = t->start_ns + (int64_t)t->wall_ns;
        first = t->start_ns < first ? t->start_ns : first;
        last = end > last ? end : last;
    }
    return last > first ? (double)(last - first) * 1e-9 : 0;
}
