/* The short test summary: which lines it has, and in which order, is said with -r. */
#include "report/shorts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"

void shorts_chars(const char *given, char *out)
{
    static const char known[] = "fEsxXpPw";
    size_t n = 0;
    for (const char *c = given ? given : "fE"; *c; c++) {
        char one = *c == 'F' ? 'f' : *c == 'S' ? 's' : *c;
        const char *all = one == 'a' ? "sxXEf" : one == 'A' ? "PpsxXEf" : one == 'N' ? "" : NULL;
        if (all) {
            n = strlen(all);
            memcpy(out, all, n);
        } else if (strchr(known, one) && !memchr(out, one, n)) {
            out[n++] = one;
        }
    }
    out[n] = '\0';
}

/* Whether a verdict gets a line where -r has this letter. */
static bool is_meant(char letter, enum outcome o)
{
    switch (letter) {
    case 'f':
        return o == OUTCOME_FAILED || o == OUTCOME_CRASHED || o == OUTCOME_TIMEOUT;
    case 'E':
        return o == OUTCOME_ERROR;
    case 's':
        return o == OUTCOME_SKIPPED;
    case 'x':
        return o == OUTCOME_XFAILED;
    case 'X':
        return o == OUTCOME_XPASSED;
    case 'p':
        return o == OUTCOME_PASSED;
    case 'R': /* ours: tests that passed at a later attempt */
        return o == OUTCOME_FLAKY;
    default:
        return false;
    }
}

static void head(struct screen *s, bool *begun)
{
    if (!*begun)
        screen_rule(s, '=', "short test summary info", "1;36");
    *begun = true;
}

static void show_points(struct screen *s, uint32_t i, char letter, bool *begun)
{
    enum { MOST = 10 };
    const struct result *t = &s->r->tests[i];
    enum outcome last = OUTCOME_FAILED;
    size_t shown = 0;
    for (size_t k = 0; k < t->n_points; k++) {
        const struct result_point *p = &t->points[k];
        if (!is_meant(letter, p->outcome) || shown++ >= MOST)
            continue;
        head(s, begun);
        struct buf text = BUF_INIT;
        last = p->outcome;
        buf_addf(&text, "%zu%s%s", k + 1, *p->description ? " - " : "", p->description);
        screen_short(s, p->outcome, i, text.data, text.len);
        buf_release(&text);
    }
    if (shown > MOST) {
        char text[64];
        snprintf(text, sizeof text, "... and %zu more of its points", shown - MOST);
        screen_short(s, last, i, text, strlen(text));
    }
}

/* The line of a failed teardown. */
static void show_torn_down(struct screen *s, uint32_t i)
{
    const struct result *t = &s->r->tests[i];
    const char *text = t->message.len ? t->message.data : "";
    for (size_t k = 0; k < t->n_sections; k++) {
        const char *message = result_section_teardown(&t->sections[k]);
        if (message) {
            text = message;
            break;
        }
    }
    screen_short(s, OUTCOME_ERROR, i, text, strlen(text));
}

static void show_test(struct screen *s, uint32_t i, char letter, bool *begun)
{
    const struct result *t = &s->r->tests[i];
    enum outcome itself = result_itself(t);
    if (!result_counts_itself(t))
        return;
    if (is_meant(letter, itself)) {
        head(s, begun);
        screen_short(s, itself, i, t->message.data, itself == OUTCOME_PASSED ? 0 : t->message.len);
    }
    if (itself != t->outcome && is_meant(letter, t->outcome)) {
        head(s, begun);
        show_torn_down(s, i);
    }
}

static void show_errors(struct screen *s, bool *begun)
{
    for (size_t k = 0; k < s->r->n_errors; k++) {
        const struct result_file *e = &s->r->errors[k];
        head(s, begun);
        buf_clear(&s->name);
        report_pytest_name(&s->name, s->r->plan, e->name);
        screen_short_named(s, OUTCOME_ERROR, buf_cstr(&s->name), e->message.data, e->message.len);
    }
}

/* Equal skips are one line: "SKIPPED [2] test_a.py:5: no network". */
struct fold {
    struct strv keys;
    size_t *counts;
    struct map seen;
};

static void fold_skip(struct fold *f, const char *where, const char *why)
{
    char *key = *why ? xasprintf("%s: %s", where, why) : xstrdup(where);
    size_t at = map_get(&f->seen, key);
    if (at == MAP_NONE) {
        at = f->keys.n;
        f->counts = xreallocarray(f->counts, at + 1, sizeof *f->counts);
        f->counts[at] = 0;
        strv_push_nodup(&f->keys, key);
        map_put(&f->seen, key, at);
    } else {
        free(key);
    }
    f->counts[at]++;
}

/* where: "file:line", the file as in ids of pytest. */
static void fold_pytest(struct screen *s, struct fold *f, const char *where,
                        const struct result_text *why)
{
    buf_clear(&s->name);
    report_pytest_name(&s->name, s->r->plan, where);
    fold_skip(f, buf_cstr(&s->name), why->len ? why->data : "");
}

static void fold_test(struct screen *s, uint32_t i, struct fold *f)
{
    const struct result *t = &s->r->tests[i];
    const char *id = screen_id(s, i);
    const struct result_text *where = t->place.len ? &t->place : &t->location;
    for (size_t k = 0; k < t->n_points; k++) /* each has its reason, or at least its name */
        if (t->points[k].outcome == OUTCOME_SKIPPED)
            fold_skip(f, id, t->points[k].description);
    if (!result_counts_itself(t) || result_itself(t) != OUTCOME_SKIPPED)
        return;
    if (where->len && plan_map_test(s->r->plan, i)->format == FORMAT_PYTEST)
        fold_pytest(s, f, where->data, &t->message);
    else
        fold_skip(f, where->len ? where->data : id, t->message.len ? t->message.data : "");
}

static void show_skips(struct screen *s, bool *begun)
{
    struct fold f = {STRV_INIT, NULL, MAP_INIT};
    for (size_t k = 0; k < s->r->n_skips; k++) {
        const struct result_file *file = &s->r->skips[k];
        fold_pytest(s, &f, file->detail.len ? file->detail.data : file->name, &file->message);
    }
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++)
        fold_test(s, i, &f);
    for (size_t k = 0; k < f.keys.n; k++) {
        char count[32];
        snprintf(count, sizeof count, "[%zu]", f.counts[k]);
        head(s, begun);
        screen_folded(s, OUTCOME_SKIPPED, count, f.keys.v[k]);
    }
    strv_release(&f.keys);
    map_release(&f.seen);
    free(f.counts);
}

void shorts_show(struct screen *s)
{
    char letters[SHORTS_SIZE];
    bool begun = false;
    shorts_chars(s->style->report_chars, letters);
    if (strpbrk(letters, "fsxXpE")) /* whoever wants to read of tests wants to read of these */
        memmove(letters + 1, letters, strlen(letters) + 1), letters[0] = 'R';
    for (const char *c = letters; *c; c++) {
        if (*c == 's') {
            show_skips(s, &begun);
            continue;
        }
        if (*c == 'E')
            show_errors(s, &begun);
        for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
            show_points(s, i, *c, &begun);
            show_test(s, i, *c, &begun);
        }
    }
}
