#include "run/tap.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "run/journal.h"
#include "run/tapmeson.h"
#include "run/tapparts.h"

void tap_init(struct tap *t)
{
    memset(t, 0, sizeof *t);
    t->version = 12;
}

void tap_release(struct tap *t)
{
    buf_release(&t->line);
    buf_release(&t->held);
    buf_release(&t->points);
    buf_release(&t->detail);
    buf_release(&t->first_failed);
    buf_release(&t->error);
    buf_release(&t->reason);
    buf_release(&t->meson.indent);
}

bool tap_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool tap_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void skip(struct tap_piece *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

void tap_skip_space(struct tap_piece *s)
{
    while (s->n && tap_is_space(*s->p))
        skip(s, 1);
}

void tap_trim(struct tap_piece *s)
{
    tap_skip_space(s);
    while (s->n && tap_is_space(s->p[s->n - 1]))
        s->n--;
}

/* Takes text off the beginning, if it is there. */
bool tap_take(struct tap_piece *s, const char *text)
{
    size_t n = strlen(text);
    if (s->n < n || memcmp(s->p, text, n) != 0)
        return false;
    skip(s, n);
    return true;
}

/* Takes a word in any case, which must end there. */
static bool take_word(struct tap_piece *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n < n || strncasecmp(s->p, word, n) != 0 || (s->n > n && tap_is_word(s->p[n])))
        return false;
    skip(s, n);
    return true;
}

bool tap_take_number(struct tap_piece *s, uint64_t *v)
{
    size_t i = 0;
    for (*v = 0; i < s->n && isdigit((unsigned char)s->p[i]); i++)
        *v = *v > UINT64_MAX / 10 - 1 ? UINT64_MAX / 2 : *v * 10 + (uint64_t)(s->p[i] - '0');
    skip(s, i);
    return i > 0;
}

void tap_add_detail(struct tap *t, const char *p, size_t n)
{
    if (t->detail.len + n + 1 > TAP_DETAIL_BYTES)
        return;
    buf_add(&t->detail, p, n);
    buf_addc(&t->detail, '\n');
}

static void fault(struct tap *t, const struct buf *what)
{
    if (!t->error.len)
        buf_add(&t->error, what->data, what->len);
    tap_add_detail(t, what->data, what->len);
}

void tap_fault(struct tap *t, const char *what)
{
    struct buf b = BUF_INIT;
    buf_adds(&b, what);
    fault(t, &b);
    buf_release(&b);
}

/* "# SKIP reason" or "# TODO reason" behind a description; cuts it off there. Only the first
 * '#' without a backslash can begin one. */
static enum tap_directive take_directive(struct tap_piece *text, struct tap_piece *reason)
{
    size_t i = 0;
    while (i < text->n && text->p[i] != '#')
        i += text->p[i] == '\\' && i + 1 < text->n ? 2 : 1;
    if (i >= text->n)
        return DIRECTIVE_NONE;
    struct tap_piece s = {text->p + i + 1, text->n - i - 1};
    tap_skip_space(&s);
    enum tap_directive d = take_word(&s, "SKIP")   ? DIRECTIVE_SKIP
                           : take_word(&s, "TODO") ? DIRECTIVE_TODO
                                                   : DIRECTIVE_NONE;
    if (d == DIRECTIVE_NONE)
        return d;
    tap_trim(&s);
    *reason = s;
    text->n = i;
    return d;
}

static bool planned_todo(const struct tap *t, uint64_t number)
{
    for (size_t i = 0; i < t->n_plan_todo; i++)
        if (t->plan_todo[i] == number)
            return true;
    return false;
}

static void keep_point(struct tap *t, enum outcome o, struct tap_piece text, enum tap_directive d,
                       struct tap_piece reason)
{
    if (t->n_points >= (o == OUTCOME_FAILED ? TAP_FAILURES_MAX : TAP_POINTS_MAX))
        return;
    struct buf b = BUF_INIT;
    buf_addc(&b, (char)o);
    if (t->points.len < TAP_POINTS_BYTES) {
        buf_add(&b, text.p, text.n);
        if (d != DIRECTIVE_NONE && reason.n) {
            buf_adds(&b, d == DIRECTIVE_SKIP ? " # SKIP " : " # TODO ");
            buf_add(&b, reason.p, reason.n);
        }
    }
    journal_add_field(&t->points, FIELD_POINT, b.data, b.len);
    t->n_points++;
    buf_release(&b);
}

static void count_point(struct tap *t, enum outcome o, uint64_t number, struct tap_piece text)
{
    t->skipped += o == OUTCOME_SKIPPED;
    t->xfailed += o == OUTCOME_XFAILED;
    t->xpassed += o == OUTCOME_XPASSED;
    if (o != OUTCOME_FAILED)
        return;
    if (!t->failed++) {
        buf_addf(&t->first_failed, "%" PRIu64, number);
        if (text.n)
            buf_adds(&t->first_failed, " - ");
        buf_add(&t->first_failed, text.p, text.n < 200 ? text.n : 200);
    }
}

void tap_add_point(struct tap *t, enum outcome o, uint64_t number, struct tap_piece text,
                   enum tap_directive d, struct tap_piece reason, struct tap_piece line)
{
    keep_point(t, o, text, d, reason);
    count_point(t, o, number, text);
    t->explains_failure = o == OUTCOME_FAILED;
    if (t->explains_failure)
        tap_add_detail(t, line.p, line.n);
}

static bool point_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line;
    bool good = !tap_take(&s, "not ");
    if (!tap_take(&s, "ok") || (s.n && tap_is_word(*s.p)))
        return false;
    t->ran++;
    tap_skip_space(&s);
    uint64_t number;
    bool numbered = tap_take_number(&s, &number);
    if (!numbered)
        number = t->ran;
    struct tap_piece reason = {"", 0};
    enum tap_directive d = take_directive(&s, &reason);
    tap_trim(&s);
    if (tap_take(&s, "-"))
        tap_skip_space(&s);
    if (t->n_plan_todo && planned_todo(t, number))
        d = DIRECTIVE_TODO;
    if (numbered && number != t->ran) {
        struct buf b = BUF_INIT;
        buf_addf(&b, "point %" PRIu64 " came where %" PRIu64 " was due", number, t->ran);
        fault(t, &b);
        buf_release(&b);
    }
    if (t->plan_behind) {
        tap_fault(t, "the plan stands neither at the beginning nor at the end");
        t->plan_behind = false;
    }
    bool unplanned = t->has_plan && t->ran > t->planned;
    enum outcome o = unplanned             ? OUTCOME_FAILED
                     : d == DIRECTIVE_TODO ? (good ? OUTCOME_XPASSED : OUTCOME_XFAILED)
                     : !good               ? OUTCOME_FAILED
                     : d == DIRECTIVE_SKIP ? OUTCOME_SKIPPED
                                           : OUTCOME_PASSED;
    tap_add_point(t, o, number, s, d, reason, line);
    return true;
}

/* What stands behind "1..N" in version 12. False if that makes it no plan. */
static bool old_plan_tail(struct tap *t, struct tap_piece s, uint64_t n, struct tap_piece *reason,
                          bool *skips)
{
    *skips = n == 0;
    struct tap_piece at = s;
    uint64_t v;
    if (tap_take(&at, "todo") && at.n && tap_is_space(*at.p) &&
        (tap_skip_space(&at), tap_take_number(&at, &v))) {
        do {
            if (t->n_plan_todo < TAP_PLAN_TODO_MAX)
                t->plan_todo[t->n_plan_todo++] = v;
            tap_skip_space(&at);
        } while (tap_take_number(&at, &v));
        return true;
    }
    if (n)
        return !s.n;
    if (tap_take(&at, "#")) {
        tap_skip_space(&at);
        if (at.n >= 4 && strncasecmp(at.p, "SKIP", 4) == 0) {
            while (at.n && !tap_is_space(*at.p))
                skip(&at, 1);
            tap_trim(&at);
            *reason = at;
        }
    }
    return true;
}

/* The same in later ones, where "1..3 # SKIP reason" skips, too. */
static bool plan_tail(struct tap *t, struct tap_piece s, uint64_t n, struct tap_piece *reason,
                      bool *skips)
{
    tap_trim(&s);
    if (t->version < 13)
        return old_plan_tail(t, s, n, reason, skips);
    *skips = n == 0;
    if (!s.n || !tap_take(&s, "#"))
        return !s.n;
    tap_skip_space(&s);
    if (!take_word(&s, "SKIP"))
        return t->version >= 14;
    tap_trim(&s);
    *reason = s;
    *skips = true;
    return true;
}

static bool plan_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line, reason = {"", 0};
    uint64_t n;
    bool skips;
    if (!tap_take(&s, "1..") || !tap_take_number(&s, &n) || !plan_tail(t, s, n, &reason, &skips))
        return false;
    if (t->has_plan) {
        tap_fault(t, "more than one plan");
        return true;
    }
    t->has_plan = true;
    t->planned = n;
    t->plan_behind = t->ran > 0;
    t->skip_all = skips;
    if (skips)
        buf_add(&t->reason, reason.p, reason.n);
    return true;
}

static bool version_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line;
    uint64_t v;
    if (!take_word(&s, "TAP") || !s.n || !tap_is_space(*s.p))
        return false;
    tap_skip_space(&s);
    if (!take_word(&s, "version"))
        return false;
    tap_skip_space(&s);
    if (!tap_take_number(&s, &v) || (tap_trim(&s), s.n))
        return false;
    if (t->has_version || t->has_plan || t->ran) {
        tap_fault(t, "the TAP version is not in the first line");
    } else if (v < 13 || v > 14) {
        struct buf b = BUF_INIT;
        buf_addf(&b, "TAP version %" PRIu64 " is not known; 13 and 14 are, and 12 without a line",
                 v);
        fault(t, &b);
        buf_release(&b);
    } else {
        t->version = (unsigned)v;
    }
    t->has_version = true;
    return true;
}

static bool bail_line(struct tap *t, struct tap_piece line)
{
    tap_skip_space(&line);
    if (!tap_take(&line, "Bail out!"))
        return false;
    tap_trim(&line);
    t->bailed = true;
    buf_clear(&t->reason);
    buf_add(&t->reason, line.p, line.n);
    return true;
}

/* "pragma +strict, -ignore_exit" */
static bool pragma_line(struct tap *t, struct tap_piece line)
{
    struct tap_piece s = line;
    if (t->version < 13 || !tap_take(&s, "pragma") || !s.n || !tap_is_space(*s.p))
        return false;
    bool strict = t->strict, ignore_exit = t->ignore_exit;
    do {
        tap_skip_space(&s);
        bool on = s.n && *s.p == '+';
        if (!tap_take(&s, "+") && !tap_take(&s, "-"))
            return false;
        struct tap_piece name = s;
        while (s.n && tap_is_word(*s.p))
            skip(&s, 1);
        name.n -= s.n;
        if (!name.n)
            return false;
        if (name.n == 6 && memcmp(name.p, "strict", 6) == 0)
            strict = on;
        if (name.n == 11 && memcmp(name.p, "ignore_exit", 11) == 0)
            ignore_exit = on;
        tap_skip_space(&s);
    } while (tap_take(&s, ","));
    if (s.n)
        return false;
    t->strict = strict;
    t->ignore_exit = ignore_exit;
    return true;
}

static void unknown_line(struct tap *t, struct tap_piece line)
{
    if (!t->strict || (t->version >= 14 && (!line.n || tap_is_space(*line.p))))
        return;
    struct buf b = BUF_INIT;
    buf_adds(&b, "under pragma +strict a line that is no TAP: ");
    buf_add(&b, line.p, line.n < 200 ? line.n : 200);
    fault(t, &b);
    buf_release(&b);
}

static size_t indent_of(struct tap_piece line)
{
    size_t n = 0;
    while (n < line.n && tap_is_space(line.p[n]))
        n++;
    return n;
}

/* prove's reader of version 13 dies of a block that does not end, and with it the whole
 * reading. */
static void yaml_unfinished(struct tap *t)
{
    t->in_yaml = false;
    if (t->version != 13)
        return;
    tap_fault(t, "a YAML block without its end (...)");
    t->stopped = true;
}

/* A YAML block: indented "---", up to "..." with the same indent. Version 12 has none. */
static bool yaml_line(struct tap *t, struct tap_piece line)
{
    size_t indent = indent_of(line);
    struct tap_piece s = {line.p + indent, line.n - indent};
    if (!t->in_yaml) {
        if (t->version < 13 || !indent || !tap_take(&s, "---") || (s.n && !tap_is_space(*s.p)))
            return false;
        t->in_yaml = true;
        t->yaml_indent = indent;
    } else if (indent < t->yaml_indent && (s.n || t->version == 13)) {
        yaml_unfinished(t);
        return t->stopped;
    } else if (indent == t->yaml_indent && tap_take(&s, "...")) {
        t->in_yaml = false;
    }
    if (t->explains_failure)
        tap_add_detail(t, line.p, line.n);
    return true;
}

static void handle_whole(struct tap *t, const char *p, size_t n)
{
    if (n && p[n - 1] == '\r')
        n--;
    struct tap_piece line = {p, n};
    if (t->bailed || t->stopped || yaml_line(t, line))
        return;
    if (n && *p == '#') {
        if (t->explains_failure)
            tap_add_detail(t, p, n);
        return;
    }
    if (bail_line(t, line) || point_line(t, line))
        return;
    if (n && tap_is_space(*p) && t->explains_failure && t->version < 13)
        tap_add_detail(t, p, n); /* Test::More's older subtests, or a block of YAML */
    else if (!n || !tap_is_space(*p))
        t->explains_failure = false;
    if (!plan_line(t, line) && !version_line(t, line) && !pragma_line(t, line))
        unknown_line(t, line);
}

/* A line that is just "not" is continued by the next one, as in prove: VMS writes it so. */
static void handle_line(struct tap *t, const char *p, size_t n)
{
    if (t->meson.version) {
        tapmeson_line(t, p, n);
        return;
    }
    if (t->held.len) {
        struct buf joined = t->held;
        t->held = (struct buf)BUF_INIT;
        buf_add(&joined, p, n);
        handle_whole(t, joined.data, joined.len);
        buf_release(&joined);
        return;
    }
    struct tap_piece s = {p, n};
    if (n >= 3 && n < TAP_LINE_MAX && (tap_trim(&s), s.n == 3) && memcmp(s.p, "not", 3) == 0)
        buf_add(&t->held, p, n);
    else
        handle_whole(t, p, n);
}

static void keep(struct tap *t, const char *p, size_t n)
{
    size_t room = TAP_LINE_MAX - t->line.len;
    if (n > room) {
        n = room;
        t->line_cut = true;
    }
    buf_add(&t->line, p, n);
}

void tap_feed(struct tap *t, const void *data, size_t len)
{
    const char *p = data, *end = p + len;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);
        if (nl && !t->line.len && !t->line_cut && n <= TAP_LINE_MAX) {
            handle_line(t, p, n);
        } else {
            keep(t, p, n);
            if (nl) {
                handle_line(t, buf_cstr(&t->line), t->line.len);
                buf_clear(&t->line);
                t->line_cut = false;
            }
        }
        p += n + (nl != NULL);
    }
}

static void join(struct buf *message)
{
    if (message->len)
        buf_adds(message, "; ");
}

void tap_explain_bail(const struct tap *t, struct buf *m)
{
    buf_adds(m, t->reason.len ? "Bail out! " : "Bail out!");
    buf_add(m, buf_cstr(&t->reason), t->reason.len);
}

void tap_explain_failed(const struct tap *t, struct buf *m)
{
    buf_addf(m, "%" PRIu64 " of %" PRIu64 " points failed, the first: ", t->failed, t->ran);
    buf_add(m, buf_cstr(&t->first_failed), t->first_failed.len);
}

void tap_explain_planned(const struct tap *t, struct buf *m)
{
    buf_addf(m, "planned %" PRIu64 " points, ran %" PRIu64, t->planned, t->ran);
}

/* What is wrong, the gravest first; nothing if all is well. */
static void explain(const struct tap *t, int exit_status, struct buf *m)
{
    if (t->bailed) {
        tap_explain_bail(t, m);
        return;
    }
    if (t->failed)
        tap_explain_failed(t, m);
    if (!t->has_plan) {
        join(m);
        buf_adds(m, "no plan (1..N) in its output");
    } else if (t->ran != t->planned) {
        join(m);
        tap_explain_planned(t, m);
    }
    if (t->error.len) {
        join(m);
        buf_add(m, t->error.data, t->error.len);
    }
    if (exit_status && !t->ignore_exit) {
        join(m);
        buf_addf(m, "exit status %d", exit_status);
    }
}

enum outcome tap_finish(struct tap *t, int exit_status, struct buf *message)
{
    if (t->line.len) {
        handle_line(t, t->line.data, t->line.len);
        buf_clear(&t->line);
    }
    if (t->meson.version)
        return tapmeson_finish(t, exit_status, message);
    if (t->held.len)
        handle_line(t, "", 0);
    if (t->in_yaml)
        yaml_unfinished(t);
    size_t before = message->len;
    explain(t, exit_status, message);
    if (message->len > before)
        return OUTCOME_FAILED;
    if (!t->skip_all)
        return OUTCOME_PASSED;
    if (t->reason.len)
        buf_add(message, t->reason.data, t->reason.len);
    else
        buf_adds(message, "the script says no reason");
    return OUTCOME_SKIPPED;
}
