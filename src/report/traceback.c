#include "report/traceback.h"

#include <string.h>

#include "report/show.h"

static const char RED[] = "\033[1;31m", END[] = "\033[0m";

/* The length of "path" in "path:12: Error" or "path:12: in function"; 0 for any other line. */
static size_t path_length(const char *line, size_t len)
{
    const char *end = line + len, *p = len ? memchr(line, ':', len) : NULL;
    if (!p || p == line || line[0] == ' ' || line[0] == '>' || line[0] == '\t')
        return 0;
    const char *digits = p + 1, *after = digits;
    while (after < end && *after >= '0' && *after <= '9')
        after++;
    return after > digits && after < end && *after == ':' ? (size_t)(p - line) : 0;
}

static void add_line(struct screen *s, const char *line, size_t len)
{
    size_t red = len > 1 && line[0] == 'E' && line[1] == ' ' ? len : path_length(line, len);
    if (red) {
        buf_adds(&s->b, RED);
        show_text(&s->b, line, red, true, COLORS_STRIP);
        buf_adds(&s->b, END);
    }
    show_text(&s->b, line + red, len - red, true, COLORS_KEEP);
    screen_line(s);
}

/* ---- Stacks of faulthandler, most recent call first -------------------------------------------- */

static size_t line_length(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return (size_t)((newline ? newline : end) - p);
}

static bool is_frame(const char *line, size_t len)
{
    static const char head[] = "  File \"";
    return len > sizeof head - 1 && memcmp(line, head, sizeof head - 1) == 0;
}

/* pytest's code and ours, which every test has below it. */
static bool is_machinery(const char *line, size_t len)
{
    static const char *const parts[] = {"/_pytest/", "/pluggy/", "/rowlock_pytest/",
                                        "/pytest/zygote.py\""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (memmem(line, len, parts[i], strlen(parts[i])))
            return true;
    return false;
}

/* Copies the text; of a stack that begins in other code, what stands below the last of that is
 * counted instead. */
static void leave_machinery_out(struct buf *to, const char *text, const char *end)
{
    enum { FEWEST = 3 }; /* frames that are worth a line */
    size_t n = 0, keep = 0; /* frames of machinery, and what stands before them */
    bool other = false;     /* the stack has a frame of something else */
    for (const char *p = text; p < end || n;) {
        size_t len = p < end ? line_length(p, end) : 0;
        bool frame = p < end && is_frame(p, len);
        if (frame && is_machinery(p, len)) {
            keep = n++ ? keep : to->len;
        } else {
            if (!frame && n >= FEWEST && other) {
                to->len = keep;
                buf_addf(to, "  … %zu more of pytest; -v shows them\n", n);
            }
            n = 0;
            other = frame;
        }
        if (p >= end)
            break;
        buf_add(to, p, len);
        buf_addc(to, '\n');
        p += len + 1;
    }
}

static void show_lines(struct screen *s, const char *text, size_t len)
{
    const char *end = text + len;
    if (!s->style->color) {
        screen_block(s, text, len);
        return;
    }
    while (text < end) {
        size_t n = line_length(text, end);
        add_line(s, text, n);
        text += n + 1;
    }
}

void traceback_show(struct screen *s, const char *text, size_t len)
{
    static const char stack[] = "(most recent call first):\n";
    struct buf shorter = BUF_INIT;
    if (s->style->verbose < 1 && memmem(text, len, stack, sizeof stack - 1)) {
        leave_machinery_out(&shorter, text, text + len);
        text = buf_cstr(&shorter);
        len = shorter.len;
    }
    show_lines(s, text, len);
    buf_release(&shorter);
}
