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
}

void screen_release(struct screen *s)
{
    buf_release(&s->b);
}

const char *screen_id(const struct screen *s, uint32_t i)
{
    const struct plan_test *pt = plan_map_test(s->r->plan, i);
    return pt ? plan_map_str(s->r->plan, pt->id) : "";
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

/* Appends " - message" as far as there is room for it behind used columns. */
static void add_message(struct screen *s, size_t used, const char *message, size_t len)
{
    static const char dots[] = "...";
    size_t separator = 3;
    const char *newline = len ? memchr(message, '\n', len) : NULL;
    if (newline)
        len = (size_t)(newline - message);
    if (len == 0 || used + separator + strlen(dots) > s->width)
        return;
    struct buf plain = BUF_INIT;
    show_text(&plain, message, len, false, COLORS_STRIP);
    size_t room = s->width - used - separator;
    buf_adds(&s->b, " - ");
    if (show_columns(buf_cstr(&plain), plain.len) <= room) {
        buf_add(&s->b, plain.data, plain.len);
    } else {
        buf_add(&s->b, plain.data, show_fit(plain.data, plain.len, room - strlen(dots)));
        buf_adds(&s->b, dots);
    }
    buf_release(&plain);
}

void screen_short(struct screen *s, enum outcome o, uint32_t test, const char *message, size_t len)
{
    const char *id = screen_id(s, test);
    struct buf plain = BUF_INIT;
    report_plain(&plain, id, strlen(id), false);
    color_on(s, words[o].sgr);
    buf_adds(&s->b, words[o].summary);
    color_off(s, words[o].sgr);
    buf_addf(&s->b, " %s", buf_cstr(&plain));
    size_t used = strlen(words[o].summary) + 1 + show_columns(buf_cstr(&plain), plain.len);
    buf_release(&plain);
    add_message(s, used, message, len);
    screen_line(s);
}

static bool interrupted(const struct screen *s)
{
    return s->style->interrupted || s->r->interrupted;
}

static const char *main_color(const struct screen *s)
{
    const size_t *n = s->r->counts;
    if (n[OUTCOME_FAILED] || n[OUTCOME_ERROR] || n[OUTCOME_CRASHED] || n[OUTCOME_TIMEOUT])
        return RED;
    if (n[OUTCOME_XPASSED] || n[OUTCOME_FLAKY] || n[OUTCOME_NONE] || !n[OUTCOME_PASSED] ||
        interrupted(s))
        return YELLOW;
    return GREEN;
}

/* Appends text to plain (for its width) and, in colour, to styled. */
static void add_part(struct screen *s, struct buf *plain, struct buf *styled, const char *sgr,
                     const char *text)
{
    buf_adds(plain, text);
    if (s->style->color && sgr)
        buf_addf(styled, "\033[%sm%s\033[0m", sgr, text);
    else
        buf_adds(styled, text);
}

static void add_counts(struct screen *s, struct buf *plain, struct buf *styled)
{
    static const enum outcome order[] = {
        OUTCOME_PASSED, OUTCOME_FAILED,  OUTCOME_ERROR,   OUTCOME_CRASHED, OUTCOME_TIMEOUT,
        OUTCOME_FLAKY,  OUTCOME_SKIPPED, OUTCOME_XFAILED, OUTCOME_XPASSED, OUTCOME_NONE,
    };
    bool any = false;
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        const struct word *w = &words[order[k]];
        size_t n = s->r->counts[order[k]];
        if (n == 0)
            continue;
        char text[64], sgr[8];
        snprintf(text, sizeof text, "%zu %s", n, n == 1 ? w->one : w->many);
        snprintf(sgr, sizeof sgr, strcmp(w->sgr, main_color(s)) == 0 ? "1;%s" : "%s", w->sgr);
        if (any)
            add_part(s, plain, styled, NULL, ", ");
        add_part(s, plain, styled, sgr, text);
        any = true;
    }
    if (!any)
        add_part(s, plain, styled, main_color(s), "no tests ran");
}

void screen_totals(struct screen *s)
{
    struct buf plain = BUF_INIT, styled = BUF_INIT;
    const char *color = main_color(s);
    double seconds = s->r->wall_seconds;
    char time[64];
    int n = snprintf(time, sizeof time, " in %.2fs", seconds);
    if (seconds >= 60) {
        unsigned long whole = (unsigned long)seconds;
        snprintf(time + n, sizeof time - (size_t)n, " (%lu:%02lu:%02lu)", whole / 3600,
                 whole / 60 % 60, whole % 60);
    }
    if (interrupted(s))
        add_part(s, &plain, &styled, color, "interrupted: ");
    add_counts(s, &plain, &styled);
    add_part(s, &plain, &styled, color, time);
    size_t left = 0, right = 0;
    rule_sides(s, show_columns(plain.data, plain.len), &left, &right);
    bool ruled = s->style->verbose >= 0;
    if (ruled) {
        color_on(s, color);
        fill_with(s, '=', left);
        color_off(s, color);
        buf_addc(&s->b, ' ');
    }
    buf_add(&s->b, styled.data, styled.len);
    if (ruled) {
        buf_addc(&s->b, ' ');
        color_on(s, color);
        fill_with(s, '=', right);
        color_off(s, color);
    }
    screen_line(s);
    buf_release(&plain);
    buf_release(&styled);
}
