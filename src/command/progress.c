#include "command/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/terminal.h"
#include "report/report.h"
#include "run/journal.h"

enum { MOST_SLOT_LINES = 8 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool progress_init(struct progress *p, struct results *results, const struct state *state,
                   const char *journal_path, FILE *out, int verbose, bool color, struct error *err)
{
    *p = (struct progress){.results = results,
                           .plan = results->plan,
                           .state = state,
                           .out = out,
                           .live = terminal_live(out) && verbose >= 0,
                           .color = color,
                           .verbose = verbose,
                           .started = now()};
    p->said = p->started;
    p->journal_fd = open(journal_path, O_RDONLY | O_CLOEXEC);
    return p->journal_fd >= 0 || error_errno(err, EXIT_INTERNAL, "%s", journal_path);
}

void progress_release(struct progress *p)
{
    if (p->journal_fd >= 0)
        close(p->journal_fd);
    buf_release(&p->tail);
}

/* Appends at most columns columns of text, control bytes escaped; a character counts as one. */
static void add_cut(struct buf *b, const char *text, int columns)
{
    struct buf clean = BUF_INIT;
    report_plain(&clean, text, strlen(text), false);
    const char *s = buf_cstr(&clean);
    int n = 0;
    for (; *s && n < columns; n++)
        do
            buf_addc(b, *s++);
        while (((unsigned char)*s & 0xc0) == 0x80);
    if (*s && n > 0) { /* the last column says that there was more */
        while (b->len && ((unsigned char)b->data[b->len - 1] & 0xc0) == 0x80)
            b->len--;
        b->data[b->len - 1] = '~';
        b->data[b->len] = '\0';
    }
    buf_release(&clean);
}

/* Bytes that take the block off the screen. */
static void add_erase(struct progress *p, struct buf *b)
{
    if (!p->lines)
        return;
    if (p->lines > 1)
        buf_addf(b, "\033[%uA", p->lines - 1);
    buf_adds(b, "\r\033[J");
    p->lines = 0;
}

static void add_result_line(struct progress *p, struct buf *b, const struct record *rec)
{
    static const char *const colors[OUTCOME_COUNT] = {
        [OUTCOME_PASSED] = "32",  [OUTCOME_FAILED] = "31",  [OUTCOME_SKIPPED] = "33",
        [OUTCOME_XFAILED] = "33", [OUTCOME_XPASSED] = "33", [OUTCOME_ERROR] = "31",
        [OUTCOME_CRASHED] = "31", [OUTCOME_TIMEOUT] = "31", [OUTCOME_FLAKY] = "33"};
    const struct plan_test *t = plan_map_test(p->plan, rec->test);
    const char *name = outcome_name(rec->outcome);
    char took[32];
    if (!t)
        return;
    if (p->color && colors[rec->outcome])
        buf_addf(b, "\033[%sm", colors[rec->outcome]);
    for (; *name; name++)
        buf_addc(b, (char)(*name >= 'a' && *name <= 'z' ? *name - 32 : *name));
    if (p->color)
        buf_adds(b, "\033[0m");
    buf_addc(b, ' ');
    const char *id = plan_map_str(p->plan, t->id);
    report_plain(b, id, strnlen(id, 1000), false);
    report_seconds(took, sizeof took, (double)rec->wall_ns * 1e-9);
    if (rec->slot == JOURNAL_NO_SLOT || p->plan->head->flags & PLAN_SEQUENTIAL)
        buf_addf(b, " (%s)\n", took);
    else
        buf_addf(b, " [gw%u] (%s)\n", rec->slot, took);
}

/* Takes in what the journal has grown by; lines that stay go to b. */
static void read_journal(struct progress *p, struct buf *b, bool at_end)
{
    enum { CHUNK = 1 << 18 };
    for (;;) {
        ssize_t n = read(p->journal_fd, buf_reserve(&p->tail, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        p->tail.len += (size_t)n;
        size_t pos = 0, torn = 0;
        struct record rec;
        while (
            journal_parse((unsigned char *)p->tail.data, p->tail.len, &pos, &rec, false, &torn)) {
            results_add(p->results, &rec);
            bool failed = outcome_is_failure(rec.outcome);
            p->ended += rec.kind == RECORD_RESULT;
            p->failed += failed && rec.kind == RECORD_RESULT;
            if (rec.kind == RECORD_RESULT && p->verbose >= 0 && (failed || p->verbose > 0))
                add_result_line(p, b, &rec);
        }
        p->results->torn += torn;
        memmove(p->tail.data, p->tail.data + pos, p->tail.len - pos);
        p->tail.len -= pos;
    }
    if (at_end && p->tail.len)
        p->results->torn++;
}

static void add_status(const struct progress *p, struct buf *b)
{
    double passed = now() - p->started, rate = passed > 0 ? (double)p->ended / passed : 0;
    size_t all = p->plan->head->n_tests;
    char left[32];
    buf_addf(b, "%3zu%%  %zu/%zu", all ? p->ended * 100 / all : 100, p->ended, all);
    if (p->failed)
        buf_addf(b, p->color ? "  \033[31m%zu failed\033[0m" : "  %zu failed", p->failed);
    if (atomic_load(&p->state->run->stop)) {
        buf_adds(b, "  stopping");
    } else if (rate > 0 && p->ended < all) {
        double seconds = (double)(all - p->ended) / rate;
        report_seconds(left, sizeof left, seconds);
        buf_addf(b, "  %.*f/s  %s left", rate < 10 ? 1 : 0, rate, seconds < 1 ? "under 1 s" : left);
    }
}

static void add_slots(struct progress *p, struct buf *b, int width)
{
    double t = now();
    unsigned shown = 0;
    for (uint32_t i = 0; i < p->state->run->n_slots && shown < MOST_SLOT_LINES; i++) {
        const struct slot_state *slot = &p->state->slots[i];
        uint32_t test = atomic_load(&slot->test);
        const struct plan_test *pt = test ? plan_map_test(p->plan, test - 1) : NULL;
        double since = (double)atomic_load(&slot->since_ns) * 1e-9;
        char took[32], name[16];
        if (!pt || t - since < 0)
            continue;
        report_seconds(took, sizeof took, t - since);
        snprintf(name, sizeof name, p->plan->head->flags & PLAN_SEQUENTIAL ? "master" : "gw%u", i);
        buf_addf(b, "\n%s  ", name);
        add_cut(b, plan_map_str(p->plan, pt->id),
                width - (int)strlen(name) - (int)strlen(took) - 5);
        buf_addf(b, "  %s", took);
        shown++;
    }
    p->lines = 1 + shown;
}

/* Without a terminal: a line at each tenth, and at least one a minute. */
static void add_plain_line(struct progress *p, struct buf *b)
{
    size_t all = p->plan->head->n_tests;
    unsigned tenths = all ? (unsigned)(p->ended * 10 / all) : 10;
    double t = now();
    if (p->verbose != 0 || (tenths == p->tenths && t - p->said < 60))
        return;
    p->tenths = tenths;
    p->said = t;
    add_status(p, b);
    buf_addc(b, '\n');
}

static void show(struct progress *p, bool at_end)
{
    struct buf fresh = BUF_INIT, b = BUF_INIT;
    read_journal(p, &fresh, at_end);
    if (p->live) {
        add_erase(p, &b);
        buf_add(&b, buf_cstr(&fresh), fresh.len);
        if (!at_end) {
            int width = terminal_width(p->out);
            add_status(p, &b);
            add_slots(p, &b, width);
        }
    } else {
        buf_add(&b, buf_cstr(&fresh), fresh.len);
        add_plain_line(p, &b);
    }
    fwrite(buf_cstr(&b), 1, b.len, p->out);
    fflush(p->out);
    buf_release(&fresh);
    buf_release(&b);
}

void progress_tick(void *ctx)
{
    show(ctx, false);
}

void progress_end(struct progress *p)
{
    show(p, true);
}
