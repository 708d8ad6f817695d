#include "report/screen.h"

#include <stdarg.h>
#include <string.h>

#include "report/show.h"

enum { WIDTH_UNKNOWN = 80 };

#define RED    "31"
#define GREEN  "32"
#define YELLOW "33"

struct word {
    const char *summary; /* in the short summary */
    const char *one;     /* in a sentence, and behind "1" */
    const char *many;    /* behind any other number */
    const char *sgr;
};

static const struct word words[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = {"NOT RUN", "did not run", "did not run", YELLOW},
    [OUTCOME_PASSED] = {"PASSED", "passed", "passed", GREEN},
    [OUTCOME_FAILED] = {"FAILED", "failed", "failed", RED},
    [OUTCOME_SKIPPED] = {"SKIPPED", "skipped", "skipped", YELLOW},
    [OUTCOME_XFAILED] = {"XFAIL", "xfailed", "xfailed", YELLOW},
    [OUTCOME_XPASSED] = {"XPASS", "xpassed", "xpassed", YELLOW},
    [OUTCOME_ERROR] = {"ERROR", "error", "errors", RED},
    [OUTCOME_CRASHED] = {"CRASHED", "crashed", "crashed", RED},
    [OUTCOME_TIMEOUT] = {"TIMEOUT", "timed out", "timed out", RED},
    [OUTCOME_FLAKY] = {"FLAKY", "flaky", "flaky", YELLOW},
};

void screen_init(struct screen *s, FILE *out, const struct results *r,
                 const struct report_style *style)
{
    s->out = out;
    s->r = r;
    s->style = style;
    s->width = style->width > 0 ? (size_t)style->width : WIDTH_UNKNOWN;
    buf_init(&s->b);
    buf_init(&s->name);
}

void screen_release(struct screen *s)
{
    buf_release(&s->b);
    buf_release(&s->name);
}

const char *screen_id(struct screen *s, uint32_t i)
{
    buf_clear(&s->name);
    report_test_name(&s->name, s->r->plan, plan_map_test(s->r->plan, i));
    return buf_cstr(&s->name);
}

const char *screen_short_word(enum outcome o)
{
    return words[o].summary;
}

const char *screen_outcome(enum outcome o)
{
    return words[o].one;
}

void screen_plain(struct screen *s, const char *text, size_t len)
{
    report_plain(&s->b, text, len, false);
}

static void flush(struct screen *s)
{
    if (s->b.len)
        fwrite(s->b.data, 1, s->b.len, s->out);
    buf_clear(&s->b);
}

void screen_line(struct screen *s)
{
    buf_addc(&s->b, '\n');
    flush(s);
}

void screen_linef(struct screen *s, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_adds(&s->b, text);
    screen_line(s);
}

void screen_block(struct screen *s, const char *text, size_t len)
{
    if (len == 0)
        return;
    show_text(&s->b, text, len, true, s->style->color ? COLORS_KEEP : COLORS_STRIP);
    if (text[len - 1] == '\n')
        flush(s);
    else
        screen_line(s);
}

static void color_on(struct screen *s, const char *sgr)
{
    if (s->style->color && sgr)
        buf_addf(&s->b, "\033[%sm", sgr);
}

static void color_off(struct screen *s, const char *sgr)
{
    if (s->style->color && sgr)
        buf_adds(&s->b, "\033[0m");
}

static void fill_with(struct screen *s, char fill, size_t n)
{
    memset(buf_reserve(&s->b, n), fill, n);
    s->b.len += n;
    s->b.data[s->b.len] = '\0';
}

/* How many fill characters stand left of a title, and how many right of it. */
static void rule_sides(const struct screen *s, size_t title_columns, size_t *left, size_t *right)
{
    size_t room = s->width > title_columns + 2 ? s->width - title_columns - 2 : 0;
    *left = room / 2 ? room / 2 : 1;
    *right = room > *left ? room - *left : 1;
}

void screen_rule(struct screen *s, char fill, const char *title, const char *sgr)
{
    size_t left, right;
    rule_sides(s, show_columns(title, strlen(title)), &left, &right);
    color_on(s, sgr);
    fill_with(s, fill, left);
    buf_addf(&s->b, " %s ", title);
    fill_with(s, fill, right);
    color_off(s, sgr);
    screen_line(s);
}

/* Appends " - message"; as far as there is room for it behind used columns, unless whole. */
static void add_message(struct screen *s, size_t used, const char *message, size_t len, bool whole)
{
    static const char dots[] = "...";
    size_t separator = 3;
    const char *newline = len ? memchr(message, '\n', len) : NULL;
    if (newline)
        len = (size_t)(newline - message);
    if (len == 0 || (!whole && used + separator + strlen(dots) > s->width))
        return;
    struct buf plain = BUF_INIT;
    show_text(&plain, message, len, false, COLORS_STRIP);
    size_t room = s->width - used - separator;
    buf_adds(&s->b, " - ");
    if (whole || show_columns(buf_cstr(&plain), plain.len) <= room) {
        buf_add(&s->b, plain.data, plain.len);
    } else {
        buf_add(&s->b, plain.data, show_fit(plain.data, plain.len, room - strlen(dots)));
        buf_adds(&s->b, dots);
    }
    buf_release(&plain);
}

static void add_word(struct screen *s, enum outcome o)
{
    color_on(s, words[o].sgr);
    buf_adds(&s->b, words[o].summary);
    color_off(s, words[o].sgr);
    buf_addc(&s->b, ' ');
}

void screen_short_named(struct screen *s, enum outcome o, const char *name, const char *message,
                        size_t len)
{
    struct buf plain = BUF_INIT;
    bool whole = s->style->whole_messages || o == OUTCOME_XFAILED || o == OUTCOME_XPASSED;
    report_plain(&plain, name, strlen(name), false);
    add_word(s, o);
    buf_adds(&s->b, buf_cstr(&plain));
    size_t used = strlen(words[o].summary) + 1 + show_columns(buf_cstr(&plain), plain.len);
    buf_release(&plain);
    add_message(s, used, message, len, whole);
    screen_line(s);
}

void screen_short(struct screen *s, enum outcome o, uint32_t test, const char *message, size_t len)
{
    screen_short_named(s, o, screen_id(s, test), message, len);
}

void screen_folded(struct screen *s, enum outcome o, const char *count, const char *text)
{
    add_word(s, o);
    buf_addf(&s->b, "%s ", count);
    show_text(&s->b, text, strcspn(text, "\n"), false, COLORS_STRIP);
    screen_line(s);
}

static bool interrupted(const struct screen *s)
{
    return s->style->interrupted || s->r->interrupted;
}

/* What the last line counts: a test whose teardown failed is an error and, beside that, what it
 * was itself, as in pytest. */
static void count_all(const struct screen *s, size_t *n)
{
    memcpy(n, s->r->counts, sizeof s->r->counts);
    n[OUTCOME_ERROR] += s->r->n_errors;
    n[OUTCOME_SKIPPED] += s->r->n_skips;
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
        const struct result *t = &s->r->tests[i];
        enum outcome itself = result_itself(t);
        if (itself != t->outcome && result_counts_itself(t))
            n[itself]++;
    }
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        n[o] -= s->r->instead[o] < n[o] ? s->r->instead[o] : n[o];
}

static const char *main_color(const struct screen *s, const size_t *n)
{
    if (n[OUTCOME_FAILED] || n[OUTCOME_ERROR] || n[OUTCOME_CRASHED] || n[OUTCOME_TIMEOUT])
        return RED;
    if (n[OUTCOME_XPASSED] || n[OUTCOME_FLAKY] || n[OUTCOME_NONE] || !n[OUTCOME_PASSED] ||
        s->r->warnings || s->r->others.n || interrupted(s))
        return YELLOW;
    return GREEN;
}

/* The last line as it grows: as it is, for its width, and with colours. */
struct last_line {
    struct screen *s;
    struct buf plain, styled;
    const char *color; /* of the line as a whole */
    bool any;
};

static void add_part(struct last_line *l, const char *sgr, const char *text)
{
    buf_adds(&l->plain, text);
    if (l->s->style->color && sgr)
        buf_addf(&l->styled, "\033[%sm%s\033[0m", sgr, text);
    else
        buf_adds(&l->styled, text);
}

static void add_count(struct last_line *l, const char *color, const char *text)
{
    char sgr[8];
    snprintf(sgr, sizeof sgr, strcmp(color, l->color) == 0 ? "1;%s" : "%s", color);
    if (l->any)
        add_part(l, NULL, ", ");
    add_part(l, sgr, text);
    l->any = true;
}

static void add_number(struct last_line *l, size_t n, const char *one, const char *many,
                       const char *color)
{
    char text[64];
    if (n == 0)
        return;
    snprintf(text, sizeof text, "%zu %s", n, n == 1 ? one : many);
    add_count(l, color, text);
}

static void add_outcome(struct last_line *l, const size_t *n, enum outcome o)
{
    add_number(l, n[o], words[o].one, words[o].many, words[o].sgr);
}

/* In pytest's order; what only Rowlock knows stands beside its next of kin. */
static void add_counts(struct last_line *l, const size_t *n)
{
    const struct results *r = l->s->r;
    add_outcome(l, n, OUTCOME_FAILED);
    add_outcome(l, n, OUTCOME_CRASHED);
    add_outcome(l, n, OUTCOME_TIMEOUT);
    add_outcome(l, n, OUTCOME_PASSED);
    add_outcome(l, n, OUTCOME_FLAKY);
    add_outcome(l, n, OUTCOME_SKIPPED);
    add_number(l, r->deselected, "deselected", "deselected", YELLOW);
    add_outcome(l, n, OUTCOME_XFAILED);
    add_outcome(l, n, OUTCOME_XPASSED);
    add_number(l, r->warnings, "warning", "warnings", YELLOW);
    add_outcome(l, n, OUTCOME_ERROR);
    for (size_t i = 0; i < r->others.n; i++) {
        struct buf text = BUF_INIT;
        report_plain(&text, r->others.v[i], strlen(r->others.v[i]), false);
        add_count(l, strstr(text.data, "passed") ? GREEN : YELLOW, text.data);
        buf_release(&text);
    }
    add_number(l, r->n_reruns, "rerun", "rerun", YELLOW);
    add_outcome(l, n, OUTCOME_NONE);
    if (!l->any)
        add_part(l, l->color, "no tests ran");
}

void screen_totals(struct screen *s)
{
    size_t n[OUTCOME_COUNT], left = 0, right = 0;
    count_all(s, n);
    struct last_line l = {s, BUF_INIT, BUF_INIT, main_color(s, n), false};
    double seconds = s->r->wall_seconds;
    char time[64];
    int len = snprintf(time, sizeof time, " in %.2fs", seconds);
    if (seconds >= 60) {
        unsigned long whole = (unsigned long)seconds;
        snprintf(time + len, sizeof time - (size_t)len, " (%lu:%02lu:%02lu)", whole / 3600,
                 whole / 60 % 60, whole % 60);
    }
    if (interrupted(s))
        add_part(&l, l.color, "interrupted: ");
    add_counts(&l, n);
    add_part(&l, l.color, time);
    rule_sides(s, show_columns(l.plain.data, l.plain.len), &left, &right);
    bool ruled = s->style->verbose >= 0;
    if (ruled) {
        color_on(s, l.color);
        fill_with(s, '=', left);
        color_off(s, l.color);
        buf_addc(&s->b, ' ');
    }
    buf_add(&s->b, l.styled.data, l.styled.len);
    if (ruled) {
        buf_addc(&s->b, ' ');
        color_on(s, l.color);
        fill_with(s, '=', right);
        color_off(s, l.color);
    }
    screen_line(s);
    buf_release(&l.plain);
    buf_release(&l.styled);
}
