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

void traceback_show(struct screen *s, const char *text, size_t len)
{
    const char *end = text + len;
    if (!s->style->color) {
        screen_block(s, text, len);
        return;
    }
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        add_line(s, text, (size_t)(stop - text));
        text = stop + 1;
    }
}
