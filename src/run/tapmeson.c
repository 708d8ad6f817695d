#include "run/tapmeson.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "run/tapparts.h"

/* Versions in which Meson has changed its mind. */
enum { COUNTS_NUMBERS = 1007, KEEPS_FAILURE = 1012 };

static void error(struct tap *t, const char *what)
{
    tap_fault(t, what);
    t->meson.last_bad = OUTCOME_ERROR;
}

static void add_point(struct tap *t, enum outcome o, uint64_t number, struct tap_piece text,
                      enum tap_directive d, struct tap_piece reason, struct tap_piece line)
{
    tap_add_point(t, o, number, text, d, reason, line);
    if (o == OUTCOME_FAILED || o == OUTCOME_XPASSED)
        t->meson.last_bad = OUTCOME_FAILED; /* Meson knows the last of them only */
}

/* "# SKIP reason", with any word that begins so, or "# TODO reason". */
static enum tap_directive directive(struct tap_piece s, struct tap_piece *reason)
{
    tap_skip_space(&s);
    if (!tap_take(&s, "#"))
        return DIRECTIVE_NONE;
    tap_skip_space(&s);
    struct tap_piece word = {s.p, 0};
    while (word.n < s.n && !tap_is_space(word.p[word.n]))
        word.n++;
    bool skip = word.n >= 4 && strncasecmp(word.p, "SKIP", 4) == 0;
    bool todo = word.n >= 4 && strncasecmp(word.p, "TODO", 4) == 0;
    if (!skip && (!todo || (word.n > 4 && tap_is_word(word.p[4]))))
        return DIRECTIVE_NONE;
    size_t used = skip ? word.n : 4;
    *reason = (struct tap_piece){s.p + used, s.n - used};
    tap_trim(reason);
    return skip ? DIRECTIVE_SKIP : DIRECTIVE_TODO;
}

static void check_number(struct tap *t, bool numbered, uint64_t number)
{
    struct tap_meson *m = &t->meson;
    if (m->version < COUNTS_NUMBERS) {
        m->last = numbered ? number : t->ran;
        if (m->last != t->ran)
            error(t, "points out of order");
        return;
    }
    m->last = numbered ? number : m->last + 1;
    if (m->last > m->highest)
        m->highest = m->last;
    if (t->has_plan && m->last > t->planned)
        error(t, "a point's number is beyond the plan");
}

static bool point_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line, reason = {"", 0};
    uint64_t number;
    bool good = !tap_take(&s, "not ");
    if (!tap_take(&s, "ok"))
        return false;
    tap_skip_space(&s);
    bool numbered = tap_take_number(&s, &number);
    const char *hash = memchr(s.p, '#', s.n);
    struct tap_piece text = {s.p, hash ? (size_t)(hash - s.p) : s.n};
    struct tap_piece tail = {s.p + text.n, s.n - text.n};
    enum tap_directive d = directive(tail, &reason);
    tap_trim(&text);
    if (tap_take(&text, "-"))
        tap_skip_space(&text);
    if (t->plan_behind) {
        error(t, "a point behind the plan, which stands behind another point");
        t->plan_behind = false;
    }
    t->ran++;
    check_number(t, numbered, number);
    enum outcome o = d == DIRECTIVE_TODO   ? (good ? OUTCOME_XPASSED : OUTCOME_XFAILED)
                     : !good               ? OUTCOME_FAILED
                     : d == DIRECTIVE_SKIP ? OUTCOME_SKIPPED
                                           : OUTCOME_PASSED;
    add_point(t, o, t->meson.last, text, d, reason, line);
    t->meson.behind_point = true;
    return true;
}

static bool plan_line(struct tap *t, struct tap_piece s)
{
    struct tap_piece reason = {"", 0};
    uint64_t n;
    if (!tap_take(&s, "1..") || !tap_take_number(&s, &n))
        return false;
    if (t->has_plan) {
        error(t, "more than one plan");
        return true;
    }
    enum tap_directive d = directive(s, &reason);
    if (d == DIRECTIVE_TODO || (d == DIRECTIVE_SKIP && n))
        error(t, "a plan with a directive that it cannot have");
    t->has_plan = true;
    t->planned = n;
    t->plan_behind = t->ran > 0;
    if (!t->bailed)
        buf_add(&t->reason, reason.p, reason.n);
    return true;
}

static bool bail_line(struct tap *t, struct tap_piece s)
{
    if (!tap_take(&s, "Bail out!"))
        return false;
    tap_trim(&s);
    t->bailed = true;
    t->meson.last_bad = OUTCOME_ERROR;
    buf_clear(&t->reason);
    buf_add(&t->reason, s.p, s.n);
    return true;
}

static void version_line(struct tap *t, struct tap_piece s)
{
    uint64_t v;
    if (!tap_take(&s, "TAP version ") || !tap_take_number(&s, &v))
        return;
    if (t->meson.lines != 1)
        error(t, "the TAP version is not in the first line");
    else if (v < 13)
        error(t, "a TAP version below 13");
    else
        t->version = v < 100 ? (unsigned)v : 100;
}

/* A block of YAML behind a point, as far as the line belongs to it. */
static bool yaml_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line;
    struct buf *indent = &t->meson.indent;
    tap_trim(&s);
    size_t n = s.n ? (size_t)(s.p - line.p) : line.n;
    if (t->in_yaml) {
        bool inside = line.n >= indent->len && memcmp(line.p, indent->data, indent->len) == 0;
        if (t->meson.version < KEEPS_FAILURE && !s.n)
            inside = false;
        t->in_yaml = !(n && s.n == 3 && memcmp(s.p, "...", 3) == 0);
        if (t->in_yaml && !inside) {
            t->in_yaml = false;
            error(t, "a YAML block without its end (...)");
            return false;
        }
    } else {
        bool starts = t->meson.behind_point && t->version >= 13 && n && tap_take(&s, "---");
        t->meson.behind_point = false;
        if (!starts)
            return false;
        t->in_yaml = true;
        buf_clear(indent);
        buf_add(indent, line.p, n);
    }
    if (t->explains_failure)
        tap_add_detail(t, line.p, line.n);
    return true;
}

/* "test NAME ... RESULT" */
static void rust_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line, none = {"", 0};
    size_t i;
    if (!tap_take(&s, "test ") || (s.n >= 6 && memcmp(s.p, "result", 6) == 0))
        return;
    for (i = s.n; i >= 5 && memcmp(s.p + i - 5, " ... ", 5) != 0;)
        i--;
    if (i < 5)
        return;
    struct tap_piece name = {s.p, i - 5}, result = {s.p + i, s.n - i};
    bool failed = result.n == 6 && memcmp(result.p, "FAILED", 6) == 0;
    bool passed = result.n == 2 && memcmp(result.p, "ok", 2) == 0;
    bool skipped = result.n >= 7 && memcmp(result.p, "ignored", 7) == 0;
    t->ran++;
    if (!failed && !passed && !skipped)
        error(t, "a test of another result than ok, ignored or FAILED");
    tap_add_point(t, passed ? OUTCOME_PASSED : skipped ? OUTCOME_SKIPPED : OUTCOME_FAILED, t->ran,
                  name, DIRECTIVE_NONE, none, line);
}

void tapmeson_line(struct tap *t, const char *p, size_t n)
{
    struct tap_piece line = {p, n};
    while (line.n && (line.p[line.n - 1] == '\r' ||
                      (t->meson.rust && tap_is_space(line.p[line.n - 1]))))
        line.n--;
    t->meson.lines += t->meson.lines < 2;
    if (t->meson.rust) {
        rust_line(t, line);
        return;
    }
    if (yaml_line(t, line))
        return;
    while (line.n && tap_is_space(line.p[line.n - 1]))
        line.n--;
    if (line.n && *line.p == '#' && t->explains_failure)
        tap_add_detail(t, line.p, line.n);
    if (!line.n || *line.p == '#' || point_line(t, line))
        return;
    t->explains_failure = false;
    if (!plan_line(t, line) && !bail_line(t, line))
        version_line(t, line);
}

/* Faults that only the end shows. */
static void check_end(struct tap *t)
{
    if (t->in_yaml)
        error(t, "a YAML block without its end (...)");
    if (t->bailed || t->meson.rust)
        return;
    if (t->has_plan && t->ran != t->planned) {
        struct buf b = BUF_INIT;
        tap_explain_planned(t, &b);
        error(t, buf_cstr(&b));
        buf_release(&b);
    } else if (t->meson.version >= COUNTS_NUMBERS && t->meson.highest != t->ran) {
        error(t, "numbers of points are missing, or there twice");
    }
}

static void explain_error(const struct tap *t, struct buf *m)
{
    if (t->bailed)
        tap_explain_bail(t, m);
    else
        buf_add(m, buf_cstr(&t->error), t->error.len);
}

static void explain_failure(const struct tap *t, struct buf *m)
{
    if (t->failed)
        tap_explain_failed(t, m);
    else
        buf_addf(m, "%" PRIu64 " of %" PRIu64 " points passed, though marked TODO", t->xpassed,
                 t->ran);
}

enum outcome tapmeson_finish(struct tap *t, int exit_status, struct buf *message)
{
    struct tap_meson *m = &t->meson;
    check_end(t);
    if (m->rust && m->last_bad == OUTCOME_NONE && t->failed)
        m->last_bad = OUTCOME_FAILED;
    enum outcome o = m->last_bad;
    if (t->skipped == t->ran && (o != OUTCOME_ERROR || m->version < COUNTS_NUMBERS))
        o = OUTCOME_SKIPPED;
    bool bad = o == OUTCOME_ERROR || o == OUTCOME_FAILED;
    if (exit_status && (!bad || (m->version < KEEPS_FAILURE && !m->rust))) {
        o = m->rust ? OUTCOME_FAILED : OUTCOME_ERROR;
        buf_addf(message, "exit status %d", exit_status);
        if (m->last_bad != OUTCOME_NONE)
            buf_adds(message, "; ");
    }
    if (m->last_bad == OUTCOME_ERROR && o != OUTCOME_SKIPPED)
        explain_error(t, message);
    else if (bad)
        explain_failure(t, message);
    else if (o == OUTCOME_SKIPPED && t->reason.len)
        buf_add(message, t->reason.data, t->reason.len);
    else if (o == OUTCOME_SKIPPED)
        buf_adds(message, t->ran ? "all its points are skipped" : "no points in its output");
    return o == OUTCOME_NONE ? OUTCOME_PASSED : o;
}

bool tapmeson_failed_first(const struct tap *t)
{
    return t->meson.rust ||
           (t->meson.version >= KEEPS_FAILURE && t->meson.last_bad == OUTCOME_FAILED);
}
