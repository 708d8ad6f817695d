#include "run/gtest.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define RUN "[ RUN      ] "
#define RULER "[==========] "
#define SUITE_FAILED ": SetUpTestSuite or TearDownTestSuite"

static const struct ending {
    const char *mark;
    enum outcome outcome;
} ENDINGS[] = {{"[       OK ] ", OUTCOME_PASSED},
               {"[  FAILED  ] ", OUTCOME_FAILED},
               {"[  SKIPPED ] ", OUTCOME_SKIPPED}};

enum { N_ENDINGS = sizeof ENDINGS / sizeof *ENDINGS, MARK = 13 };

void gtest_init(struct gtest *g, const char *const *names, size_t n)
{
    memset(g, 0, sizeof *g);
    g->names = names;
    g->n = n;
    g->current = GTEST_NONE;
    g->came_out = xcalloc(n, sizeof *g->came_out);
    for (size_t i = 0; i < n; i++)
        map_intern(&g->index, names[i], i);
}

void gtest_release(struct gtest *g)
{
    map_release(&g->index);
    buf_release(&g->line);
    buf_release(&g->reason);
    buf_release(&g->place);
    strv_release(&g->suites);
    free(g->came_out);
    g->came_out = NULL;
}

static void text(const struct gtest *g, const char *data, size_t len)
{
    if (len)
        g->on_text(g->ctx, data, len);
}

/* The test of that name, which is len bytes long; GTEST_NONE if it is none of ours. */
static size_t find(const struct gtest *g, const char *name, size_t len)
{
    char *key = xmemdup0(name, len);
    size_t i = strlen(key) == len ? map_get(&g->index, key) : MAP_NONE;
    free(key);
    return i == MAP_NONE ? GTEST_NONE : i;
}

/* Does the line tell of the end of a test of that name? All of it counts but a comment. */
static bool names_it(const char *s, size_t len, const char *name)
{
    static const char where[] = ", where ";
    size_t n = strlen(name);
    if (len < n || memcmp(s, name, n) != 0)
        return false;
    s += n;
    len -= n;
    if (len == 0 || (len >= sizeof where - 1 && memcmp(s, where, sizeof where - 1) == 0))
        return true;
    return len > 6 && memcmp(s, " (", 2) == 0 && memcmp(s + len - 4, " ms)", 4) == 0;
}

/* The outcome that the mark at s stands for; OUTCOME_NONE if there is none. */
static enum outcome outcome_of(const char *s, size_t len)
{
    for (size_t k = 0; len >= MARK && k < N_ENDINGS; k++)
        if (memcmp(s, ENDINGS[k].mark, MARK) == 0)
            return ENDINGS[k].outcome;
    return OUTCOME_NONE;
}

/* The test whose end a line that begins with a mark tells of; GTEST_NONE if it is none of ours. */
static size_t ended_one(const struct gtest *g, const char *s, size_t len)
{
    const char *comma = memmem(s, len, ", where ", 8);
    size_t name = comma ? (size_t)(comma - s) : len;
    if (!comma && len > 4 && memcmp(s + len - 4, " ms)", 4) == 0)
        for (name = len; name > 0 && memcmp(s + name - 1, " (", 2) != 0;)
            name--;
    return find(g, s, name && name < len && !comma ? name - 1 : name);
}

static bool has_time(const char *s, size_t len)
{
    return len > 4 && memcmp(s + len - 4, " ms)", 4) == 0;
}

static enum outcome worse(enum outcome a, enum outcome b)
{
    if (a == OUTCOME_FAILED || b == OUTCOME_FAILED)
        return OUTCOME_FAILED;
    return a == OUTCOME_SKIPPED || b == OUTCOME_SKIPPED ? OUTCOME_SKIPPED : OUTCOME_PASSED;
}

static void begin(struct gtest *g, size_t i)
{
    bool again = g->came_out[i] != OUTCOME_NONE;
    if (again && g->n > 1) {
        g->odd = true;
        return;
    }
    g->current = i;
    g->ended_all = false;
    buf_clear(&g->reason);
    buf_clear(&g->place);
    g->reading_reason = false;
    if (again)
        return;
    g->n_begun++;
    g->on_begin(g->ctx, i);
}

static void end(struct gtest *g, enum outcome o)
{
    size_t i = g->current;
    bool again = g->came_out[i] != OUTCOME_NONE;
    bool failed = g->came_out[i] == OUTCOME_FAILED;
    g->current = GTEST_NONE;
    g->came_out[i] = again ? worse(g->came_out[i], o) : o;
    g->n_ended += !again;
    g->n_failed += !failed && g->came_out[i] == OUTCOME_FAILED;
    g->on_end(g->ctx, i, g->came_out[i]);
}

/* "FILE:LINE: Failure", and what follows it up to an empty line; "FILE:LINE: Skipped" likewise. */
static void read_reason(struct gtest *g, const char *s, size_t len)
{
    static const char failure[] = ": Failure", skipped[] = ": Skipped";
    bool tells = len >= 9 && (memcmp(s + len - 9, failure, 9) == 0 ||
                              memcmp(s + len - 9, skipped, 9) == 0);
    if (tells && !g->place.len && !g->reason.len) {
        g->reading_reason = true;
        const char *colon = memrchr(s, ':', len - 9);
        if (len - 9 <= GTEST_PLACE_MAX && colon && colon[1] >= '0' && colon[1] <= '9')
            buf_add(&g->place, s, len - 9);
        return;
    }
    if (!g->reading_reason)
        return;
    while (len && (*s == ' ' || *s == '\t'))
        s++, len--;
    if (!len || tells || g->reason.len >= GTEST_REASON_MAX) {
        g->reading_reason = false;
        return;
    }
    if (g->reason.len)
        buf_addc(&g->reason, ' ');
    size_t room = GTEST_REASON_MAX - g->reason.len;
    buf_add(&g->reason, s, len < room ? len : room);
}

/* A line while a test runs. */
static void inside(struct gtest *g, const char *s, size_t len, size_t whole)
{
    const char *name = g->names[g->current], *at = s;
    for (; (at = memmem(at, len - (size_t)(at - s), "[  ", 3)) != NULL; at++) {
        size_t left = len - (size_t)(at - s);
        enum outcome o = outcome_of(at, left);
        if (o != OUTCOME_NONE && names_it(at + MARK, left - MARK, name)) {
            text(g, s, (size_t)(at - s));
            end(g, o);
            return;
        }
    }
    if (outcome_of(s, len) != OUTCOME_NONE && has_time(s, len))
        g->odd = g->odd || (g->n > 1 && ended_one(g, s + MARK, len - MARK) != GTEST_NONE);
    else if (len > MARK && memcmp(s, RUN, MARK) == 0)
        g->odd = g->odd || (g->n > 1 && find(g, s + MARK, len - MARK) != GTEST_NONE);
    read_reason(g, s, len);
    text(g, s, whole);
}

static const char *find_run(const char *s, size_t len)
{
    const char *at = NULL, *next = s;
    while ((next = memmem(next, len - (size_t)(next - s), RUN, MARK)) != NULL)
        at = next++;
    return at;
}

/* A test of the summary that failed though it was said to have come out otherwise. */
static bool contradicts(const struct gtest *g, const char *s, size_t len, enum outcome o)
{
    size_t i = ended_one(g, s + MARK, len - MARK);
    if (i == GTEST_NONE)
        return false;
    return !g->ended_all || has_time(s, len) ||
           (o == OUTCOME_FAILED && g->came_out[i] != OUTCOME_FAILED);
}

/* A line between tests, before the first, or behind the last. */
static void between(struct gtest *g, const char *s, size_t len, size_t whole)
{
    static const char failed[] = SUITE_FAILED;
    const char *run = find_run(s, len);
    size_t i = run ? find(g, run + MARK, len - (size_t)(run - s) - MARK) : GTEST_NONE;
    if (i != GTEST_NONE) {
        text(g, s, (size_t)(run - s));
        begin(g, i);
        return;
    }
    enum outcome o = outcome_of(s, len);
    if (o != OUTCOME_NONE && contradicts(g, s, len, o)) {
        g->odd = g->odd || g->n > 1;
        size_t at = ended_one(g, s + MARK, len - MARK);
        if (g->n == 1 && g->came_out[at] != OUTCOME_NONE) {
            g->current = at;
            end(g, o);
        }
    } else if (o == OUTCOME_FAILED && len >= MARK + sizeof failed &&
               memcmp(s + len - (sizeof failed - 1), failed, sizeof failed - 1) == 0) {
        if (g->suites.n < GTEST_SUITES_MAX)
            strv_pushf(&g->suites, "%.*s", (int)(len - MARK - (sizeof failed - 1)), s + MARK);
    } else if (len > MARK && memcmp(s, RULER, MARK) == 0 && memmem(s, len, " ran. (", 7)) {
        g->ended_all = true;
    }
    text(g, s, whole);
}

/* whole: with its newline. */
static void take_line(struct gtest *g, const char *s, size_t whole)
{
    size_t len = whole;
    while (len && (s[len - 1] == '\n' || s[len - 1] == '\r'))
        len--;
    if (g->odd)
        text(g, s, whole);
    else if (g->current != GTEST_NONE)
        inside(g, s, len, whole);
    else
        between(g, s, len, whole);
}

/* What came of a line that is too long. */
static void shorten(struct gtest *g)
{
    size_t half = GTEST_LINE_MAX / 2;
    text(g, g->line.data, half);
    memmove(g->line.data, g->line.data + half, g->line.len - half);
    g->line.len -= half;
    g->line.data[g->line.len] = '\0';
}

void gtest_feed(struct gtest *g, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        const char *newline = memchr(p, '\n', len);
        size_t n = newline ? (size_t)(newline - p) + 1 : len, room = GTEST_LINE_MAX - g->line.len;
        if (n > room)
            n = room;
        buf_add(&g->line, p, n);
        if (g->line.data[g->line.len - 1] == '\n') {
            take_line(g, g->line.data, g->line.len);
            buf_clear(&g->line);
        } else if (g->line.len == GTEST_LINE_MAX) {
            shorten(g);
        }
        p += n;
        len -= n;
    }
}

void gtest_finish(struct gtest *g)
{
    if (g->line.len)
        take_line(g, g->line.data, g->line.len);
    buf_clear(&g->line);
}
