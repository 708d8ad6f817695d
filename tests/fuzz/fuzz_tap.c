/* Exercises the TAP readers, prove's and Meson's: the output of a test program, once in one piece and
 * once in pieces of odd sizes. Both give the same, all memory stays within its bounds, and the points
 * that it records are whole fields of the journal. */
#include <string.h>

#include "run/journal.h"
#include "run/tap.h"
#include "support.h"

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(buf_cstr(a), buf_cstr(b), a->len) == 0;
}

static void check_same(const struct tap *a, const struct tap *b)
{
    CHECK(a->ran == b->ran && a->failed == b->failed && a->skipped == b->skipped);
    CHECK(a->xfailed == b->xfailed && a->xpassed == b->xpassed && a->planned == b->planned);
    CHECK(a->bailed == b->bailed && a->skip_all == b->skip_all && a->version == b->version);
    CHECK(a->strict == b->strict && a->ignore_exit == b->ignore_exit && a->stopped == b->stopped);
    CHECK(a->n_points == b->n_points && same(&a->points, &b->points));
    CHECK(same(&a->detail, &b->detail) && same(&a->error, &b->error));
    CHECK(same(&a->reason, &b->reason) && same(&a->first_failed, &b->first_failed));
}

static void check_bounds(const struct tap *t)
{
    CHECK(t->held.len <= TAP_LINE_MAX && t->in_yaml + t->stopped < 2);
    CHECK(t->line.len <= TAP_LINE_MAX && t->detail.len <= TAP_DETAIL_BYTES);
    CHECK(t->n_points <= TAP_FAILURES_MAX && t->n_plan_todo <= TAP_PLAN_TODO_MAX);
    CHECK(t->points.len <= TAP_POINTS_BYTES + 2 * TAP_LINE_MAX + 9 * (size_t)TAP_FAILURES_MAX);
    CHECK(t->failed + t->skipped + t->xfailed + t->xpassed <= t->ran);
    CHECK(journal_fields_valid((const unsigned char *)t->points.data, t->points.len, t->n_points));
}

static enum outcome finish(struct tap *t, int status, struct buf *message)
{
    enum outcome o = tap_finish(t, status, message);
    check_bounds(t);
    CHECK(o == OUTCOME_PASSED || o == OUTCOME_FAILED || o == OUTCOME_SKIPPED ||
          (o == OUTCOME_ERROR && t->meson.version));
    bool bad = o == OUTCOME_FAILED || o == OUTCOME_ERROR;
    CHECK(bad || t->meson.version ||
          (!t->failed && !t->bailed && !t->stopped && t->ran == t->planned));
    CHECK(bad || (!t->failed && (!status || t->ignore_exit)));
    CHECK((o == OUTCOME_PASSED) == (message->len == 0));
    CHECK(!message->len || !memchr(message->data, '\n', message->len));
    return o;
}

/* version, rust: struct tap_meson. */
static void check(const uint8_t *data, size_t size, uint32_t version, bool rust)
{
    struct tap whole, pieces;
    struct buf message = BUF_INIT, message2 = BUF_INIT;
    int status = size % 3 == 2 ? 3 : 0;
    tap_init(&whole);
    tap_init(&pieces);
    whole.meson.version = pieces.meson.version = version;
    whole.meson.rust = pieces.meson.rust = rust;
    tap_feed(&whole, data, size);
    for (size_t at = 0, n; at < size; at += n) {
        n = 1 + at * 7 % 13;
        if (n > size - at)
            n = size - at;
        tap_feed(&pieces, data + at, n);
        CHECK(pieces.line.len <= TAP_LINE_MAX);
    }
    enum outcome o = finish(&whole, status, &message);
    CHECK(o == finish(&pieces, status, &message2));
    CHECK(same(&message, &message2));
    check_same(&whole, &pieces);
    buf_release(&message);
    buf_release(&message2);
    tap_release(&whole);
    tap_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, 0, false);
    check(data, size, 1000, false);
    check(data, size, 1012, false);
    check(data, size, 1012, true);
    return 0;
}
