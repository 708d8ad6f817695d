#include "coverage/htmllines.h"

#include <string.h>

#include "coverage/htmltext.h"

enum {
    CHUNK = 200,          /* lines in a list: what a browser lays out at once */
    RULER_MARKS = 1000,   /* the ruler is no finer than that */
    LONGEST_LINE = 20000, /* bytes; more of it is cut */
};

enum html_state html_state_of(const struct cov_line *line, const struct cov_arm *arms, size_t n)
{
    if (!line)
        return HTML_NONE;
    if (!cov_line_counts(line))
        return HTML_EXCLUDED;
    if (!line->count)
        return HTML_MISSED;
    for (size_t i = 0; i < n; i++)
        if (!arms[i].count && !(arms[i].flags & (COV_ARM_EXTRA | COV_ARM_THROW)))
            return HTML_PARTIAL;
    return HTML_HIT;
}

/* ---- Counts ------------------------------------------------------------------------------------ */

void html_short_count(struct buf *b, int64_t count)
{
    static const char units[] = "kMGTPE";
    uint64_t v = count < 0 ? 0 - (uint64_t)count : (uint64_t)count, rest = 0;
    size_t unit = 0;
    if (count < 0)
        buf_addc(b, '-');
    if (v < 100000) {
        buf_addf(b, "%llu", (unsigned long long)v);
        return;
    }
    for (; v >= 1000; unit++) {
        rest = v % 1000;
        v /= 1000;
    }
    if (v >= 100)
        buf_addf(b, "%u", (unsigned)v);
    else
        buf_addf(b, v >= 10 ? "%u.%u" : "%u.%02u", (unsigned)v,
                 (unsigned)(v >= 10 ? rest / 100 : rest / 10));
    buf_addc(b, units[unit - 1]);
}

/* What stands in the margin: how often the line was run; where that is not counted, only that it
 * never was. */
static void add_count(struct buf *b, const struct cov_line *line, enum html_state state, bool counted)
{
    if (state == HTML_EXCLUDED)
        buf_adds(b, " data-c=excl");
    else if (state == HTML_MISSED)
        buf_adds(b, counted ? " data-c=0" : " data-c=no");
    else if (counted) {
        buf_adds(b, " data-c=");
        html_short_count(b, line->count);
        if (line->flags & COV_LINE_UNEXECUTED)
            buf_addc(b, '*');
        if (line->count >= 100000 || line->count <= -100000)
            buf_addf(b, " title=\"%lld times\"", (long long)line->count);
    }
}

/* In the place of counts: how many contexts have run the line; a script names them. */
static void add_who(struct buf *b, const struct html_who_line *who)
{
    buf_addf(b, " data-w=%u", who->set);
    if (who->named) {
        buf_adds(b, " data-c=");
        html_short_count(b, who->named);
    }
}

/* Does any count say more than yes or no? */
static bool has_counts(const struct cov_file *f)
{
    if (f->language != COV_PYTHON)
        return true;
    for (size_t i = 0; i < f->n_lines; i++)
        if (f->lines[i].count > 1)
            return true;
    return false;
}

/* ---- Lines ------------------------------------------------------------------------------------- */

struct render {
    struct html_lines *out;
    const struct cov_file *f;
    const struct html_who *who; /* NULL: is not shown */
    size_t line, arm; /* the next of the file's */
    size_t shown;     /* lines so far */
    bool counted;
};

static void add_text(struct buf *b, const char *s, size_t len)
{
    if (len && s[len - 1] == '\r')
        len--;
    if (len <= LONGEST_LINE) {
        html_text(b, s, len);
        return;
    }
    size_t cut = LONGEST_LINE;
    while (cut && ((unsigned char)s[cut] & 0xc0) == 0x80)
        cut--;
    html_text(b, s, cut);
    buf_adds(b, "<i class=cut>… ");
    html_number(b, len - cut);
    buf_adds(b, " more bytes</i>");
}

/* Appends line number. A style sheet shows the number, which is the element's id. */
static void add_line(struct render *r, uint32_t number, const char *s, size_t len)
{
    static const char *const class[] = {"", " class=h", " class=m", " class=p", " class=x"};
    struct buf *b = &r->out->list;
    const struct cov_line *line = NULL;
    const struct cov_arm *arms = r->f->n_arms ? r->f->arms + r->arm : NULL;
    size_t n = 0;
    if (r->line < r->f->n_lines && r->f->lines[r->line].line == number)
        line = &r->f->lines[r->line++];
    while (r->arm + n < r->f->n_arms && arms[n].line == number)
        n++;
    r->arm += n;
    enum html_state state = html_state_of(line, arms, n);
    r->out->state[state]++;
    if (r->shown % CHUNK == 0)
        buf_adds(b, r->shown ? "</ol><ol>\n" : "<ol>\n");
    r->shown++;
    buf_addf(b, "<li id=%u%s", number, class[state]);
    const struct html_who_line *who = NULL;
    if (r->who && (state == HTML_HIT || state == HTML_PARTIAL))
        who = html_who_find(r->who, number);
    if (who)
        add_who(b, who);
    else if (line)
        add_count(b, line, state, r->counted);
    buf_addc(b, '>');
    add_text(b, s, len);
    if (n)
        html_arms(b, r->f, line, arms, n);
    buf_adds(b, n ? "</li>\n" : "\n"); /* a line break inside of it would show behind arms */
    r->out->last = number;
}

/* The lines that the data tells of from here on. */
static void add_known(struct render *r)
{
    const struct cov_file *f = r->f;
    while (r->line < f->n_lines || r->arm < f->n_arms) {
        uint32_t number = r->line < f->n_lines ? f->lines[r->line].line : UINT32_MAX;
        if (r->arm < f->n_arms && f->arms[r->arm].line < number)
            number = f->arms[r->arm].line;
        add_line(r, number, "", 0);
    }
}

static void add_source(struct render *r, const struct buf *text)
{
    const char *s = buf_cstr(text), *end = s + text->len;
    if (text->len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
        s += 3;
    for (uint32_t number = 1; s < end; number++) {
        const char *eol = memchr(s, '\n', (size_t)(end - s));
        size_t len = (size_t)((eol ? eol : end) - s);
        add_line(r, number, s, len);
        s += len + 1;
    }
}

/* ---- The ruler --------------------------------------------------------------------------------- */

static void add_mark(struct html_lines *l, enum html_state state, uint32_t first, uint32_t end)
{
    if (state == HTML_MISSED || state == HTML_PARTIAL)
        buf_addf(&l->ruler, "<rect class=%c y=%u width=1 height=%u />", state == HTML_MISSED ? 'm' : 'p',
                 first - 1, end - first);
}

/* Marks of lines so near that they would not be told apart are one; what was never run wins. */
static void add_ruler(struct html_lines *l, const struct cov_file *f)
{
    uint32_t step = l->last / RULER_MARKS + 1, first = 1, end = 1;
    enum html_state open = HTML_NONE;
    for (size_t i = 0; i < f->n_lines && f->lines[i].line <= l->last; i++) {
        size_t n;
        const struct cov_arm *arms = cov_find_arms(f, f->lines[i].line, &n);
        enum html_state state = html_state_of(&f->lines[i], arms, n);
        if (state != HTML_MISSED && state != HTML_PARTIAL)
            continue;
        uint32_t at = (f->lines[i].line - 1) / step * step + 1;
        if (at < end && state == HTML_PARTIAL)
            continue;
        if (open == state && at <= end) {
            end = at + step;
            continue;
        }
        add_mark(l, open, first, at < end ? at : end);
        open = state;
        first = at;
        end = at + step;
    }
    add_mark(l, open, first, end);
}

void html_lines_render(struct html_lines *l, const struct cov_file *f, const struct buf *text,
                       const struct html_who *who)
{
    memset(l, 0, sizeof *l);
    struct render r = {.out = l, .f = f, .who = who, .counted = has_counts(f)};
    if (text)
        add_source(&r, text);
    if (text && (r.line < f->n_lines || r.arm < f->n_arms)) {
        l->beyond = r.line < f->n_lines ? f->lines[r.line].line : f->arms[r.arm].line;
    }
    add_known(&r);
    if (r.shown)
        buf_adds(&l->list, "</ol>\n");
    add_ruler(l, f);
}

void html_lines_release(struct html_lines *l)
{
    buf_release(&l->list);
    buf_release(&l->ruler);
}
