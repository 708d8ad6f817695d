#include "report/show.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/report.h"

static const char RESET[] = "\033[0m";

void show_hex(struct buf *b, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_addf(b, "\\x%02x", (unsigned char)bytes[i]);
}

/* Length of the complete colour sequence at p, 0 if there is none. */
static size_t color_length(const char *p, size_t left)
{
    enum { LONGEST = 64 };
    if (left < 3 || p[0] != '\033' || p[1] != '[')
        return 0;
    for (size_t i = 2; i < left && i < LONGEST; i++) {
        if (p[i] == 'm')
            return i + 1;
        if ((p[i] < '0' || p[i] > '9') && p[i] != ';' && p[i] != ':')
            return 0;
    }
    return 0;
}

static bool is_control(int32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f);
}

/* How many bytes at p are printable ASCII. */
static size_t printable(const char *p, size_t len)
{
    size_t n = 0;
    while (n < len && p[n] >= ' ' && p[n] <= '~')
        n++;
    return n;
}

void show_text(struct buf *b, const char *text, size_t len, bool multiline, enum show_colors colors)
{
    bool colored = false;
    for (size_t i = 0; i < len;) {
        size_t plain = printable(text + i, len - i); /* nearly all of it, so all at once */
        if (plain) {
            buf_add(b, text + i, plain);
            i += plain;
            continue;
        }
        size_t color = colors == COLORS_ESCAPE ? 0 : color_length(text + i, len - i);
        if (color) {
            if (colors == COLORS_KEEP) {
                buf_add(b, text + i, color);
                colored = true;
            }
            i += color;
            continue;
        }
        if (multiline && text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') {
            i++;
            continue;
        }
        int32_t cp;
        size_t n = text_char(text + i, len - i, &cp);
        bool layout = multiline && (text[i] == '\n' || text[i] == '\t');
        if (cp < 0 || (is_control(cp) && !layout))
            show_hex(b, text + i, n);
        else
            buf_add(b, text + i, n);
        i += n;
    }
    if (colored)
        buf_adds(b, RESET);
}

void report_plain(struct buf *b, const char *text, size_t len, bool multiline)
{
    show_text(b, text, len, multiline, COLORS_ESCAPE);
}

void report_output(struct buf *b, const char *text, size_t len, bool color)
{
    show_text(b, text, len, true, color ? COLORS_KEEP : COLORS_STRIP);
}

struct range {
    int32_t first, last;
};

static bool in_ranges(int32_t cp, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cp >= r[i].first && cp <= r[i].last)
            return true;
    return false;
}

/* Near enough for cutting a line: combining marks take no column, East Asian wide characters
 * and emoji two. The C library's wcwidth would need a locale that may not be there. */
static size_t columns_of(int32_t cp)
{
    static const struct range zero[] = {
        {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
        {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
    };
    static const struct range wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},
        {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
    };
    if (cp < 0x300)
        return 1;
    if (in_ranges(cp, zero, sizeof zero / sizeof *zero))
        return 0;
    return in_ranges(cp, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

/* Walks text until it ends or takes more than limit columns. */
static size_t measure(const char *text, size_t len, size_t limit, size_t *columns)
{
    size_t used = 0, i = 0;
    while (i < len) {
        int32_t cp;
        size_t n = text_char(text + i, len - i, &cp);
        size_t width = columns_of(cp);
        if (width > limit - used)
            break;
        used += width;
        i += n;
    }
    *columns = used;
    return i;
}

size_t show_columns(const char *text, size_t len)
{
    size_t columns;
    measure(text, len, SIZE_MAX, &columns);
    return columns;
}

size_t show_fit(const char *text, size_t len, size_t columns)
{
    size_t used;
    return measure(text, len, columns, &used);
}

void show_worker(char *out, size_t size, const struct results *r, const struct result *t)
{
    if (t->slot == JOURNAL_NO_SLOT || (r->plan->head->flags & PLAN_SEQUENTIAL))
        snprintf(out, size, "master");
    else
        snprintf(out, size, "gw%u", (unsigned)t->slot);
}

void report_seconds(char *out, size_t size, double seconds)
{
    if (!(seconds > 0))
        seconds = 0;
    if (seconds > 1e9)
        seconds = 1e9;
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (seconds < 0.00995)
        snprintf(out, size, "%.1f ms", seconds * 1e3);
    else if (seconds < 0.9995)
        snprintf(out, size, "%.0f ms", seconds * 1e3);
    else if (seconds < 59.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(out, size, "%lu m %02lu s", whole / 60, whole % 60);
    else
        snprintf(out, size, "%lu h %02lu m", whole / 3600, whole % 3600 / 60);
}

void report_bytes(char *out, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    if (!(bytes > 0))
        bytes = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    if (bytes >= 1e6)
        bytes = 1e6;
    snprintf(out, size, unit && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}
