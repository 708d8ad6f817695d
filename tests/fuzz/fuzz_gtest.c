/* Exercises what reads the output of programs made with Google Test: gtest_list_read, and gtest_feed
 * for the names that it finds (the first line that is a form feed parts the two), in one piece and
 * in pieces of odd sizes. Both tell the same, no test begins while another runs nor ends without
 * having begun, all text is handed on, and memory stays within its bounds. */
#include <stdlib.h>
#include <string.h>

#include "manifest/gtest.h"
#include "run/gtest.h"
#include "support.h"

struct told {
    const struct gtest *g;
    struct buf all;
    size_t running, text;
};

static void on_begin(void *ctx, size_t i)
{
    struct told *t = ctx;
    CHECK(i < t->g->n && t->g->current == i && !t->g->odd);
    CHECK(t->running == GTEST_NONE && t->g->came_out[i] == OUTCOME_NONE);
    t->running = i;
    buf_addf(&t->all, "<%zu", i);
}

static void on_end(void *ctx, size_t i, enum outcome o)
{
    struct told *t = ctx;
    CHECK(t->running == i || (t->g->n == 1 && i == 0));
    CHECK(t->g->current == GTEST_NONE && t->g->came_out[i] == o && !t->g->odd);
    CHECK(o == OUTCOME_PASSED || o == OUTCOME_FAILED || o == OUTCOME_SKIPPED);
    t->running = GTEST_NONE;
    buf_addf(&t->all, ">%zu%d", i, (int)o);
}

static void on_text(void *ctx, const void *data, size_t len)
{
    struct told *t = ctx;
    CHECK(len > 0);
    t->text += len;
    buf_add(&t->all, data, len);
}

static void start(struct gtest *g, struct told *t, const struct strv *names)
{
    memset(t, 0, sizeof *t);
    t->g = g;
    t->running = GTEST_NONE;
    gtest_init(g, (const char *const *)names->v, names->n);
    g->on_begin = on_begin;
    g->on_end = on_end;
    g->on_text = on_text;
    g->ctx = t;
}

static void finish(struct gtest *g, struct told *t, size_t size)
{
    gtest_finish(g);
    CHECK(t->text <= size && g->line.len == 0);
    CHECK(g->reason.len <= GTEST_REASON_MAX && g->place.len <= GTEST_PLACE_MAX);
    CHECK(!g->reason.len || !memchr(g->reason.data, '\n', g->reason.len));
    CHECK(g->n_ended <= g->n_begun && g->n_begun <= g->n && g->n_failed <= g->n_ended);
    CHECK(g->suites.n <= GTEST_SUITES_MAX);
}

static void read_output(const char *data, size_t size, const struct strv *names)
{
    struct gtest whole, pieces;
    struct told a, b;
    start(&whole, &a, names);
    start(&pieces, &b, names);
    gtest_feed(&whole, data, size);
    for (size_t at = 0, n; at < size; at += n) {
        n = 1 + at * 7 % 13;
        n = n > size - at ? size - at : n;
        gtest_feed(&pieces, data + at, n);
        CHECK(pieces.line.len <= GTEST_LINE_MAX);
    }
    finish(&whole, &a, size);
    finish(&pieces, &b, size);
    CHECK(a.all.len == b.all.len && memcmp(buf_cstr(&a.all), buf_cstr(&b.all), a.all.len) == 0);
    CHECK(whole.odd == pieces.odd && whole.current == pieces.current);
    buf_release(&a.all);
    buf_release(&b.all);
    gtest_release(&whole);
    gtest_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *page = size ? memchr(data, '\f', size) : NULL;
    size_t len = page ? (size_t)(page - text) : size;
    struct strv names = STRV_INIT;
    struct map seen = MAP_INIT;
    gtest_list_read(text, len, &names);
    for (size_t i = 0; i < names.n; i++) {
        CHECK(strchr(names.v[i], '.') && !strchr(names.v[i], '\n'));
        CHECK(map_put(&seen, names.v[i], i) == MAP_NONE);
    }
    if (names.n && page)
        read_output(page + 1, size - len - 1, &names);
    map_release(&seen);
    strv_release(&names);
    return 0;
}
