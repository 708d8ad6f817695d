#include "command/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/live.h"
#include "command/terminal.h"
#include "report/report.h"
#include "run/gate.h"
#include "run/journal.h"

/* BETWEEN_ROUNDS: seconds between plain lines of later rounds of --until-fail. */
enum { MOST_SLOT_LINES = 8, BETWEEN_ROUNDS = 10 };

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
                           .started = clock_monotonic_seconds()};
    p->said = p->started;
    p->journal_fd = open(journal_path, O_RDONLY | O_CLOEXEC);
    return p->journal_fd >= 0 || error_errno(err, EXIT_INTERNAL, "%s", journal_path);
}

void progress_release(struct progress *p)
{
    if (p->journal_fd >= 0)
        close(p->journal_fd);
    buf_release(&p->tail);
    slow_release(&p->slow);
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

/* The reason of a skip or an expected failure, as pytest -v has it. */
static void add_reason(struct buf *b, const struct record *rec)
{
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    if (rec->outcome != OUTCOME_SKIPPED && rec->outcome != OUTCOME_XFAILED)
        return;
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len))
        if (tag == FIELD_MESSAGE && len) {
            buf_adds(b, " (");
            report_plain(b, (const char *)data, len, false);
            buf_addc(b, ')');
            return;
        }
}

/* "[gw0] [ 12%] PASSED tests/test_a.py::test_x", as under pytest-xdist. */
static void add_result_line(struct progress *p, struct buf *b, const struct record *rec)
{
    static const struct {
        const char *word, *sgr;
    } looks[OUTCOME_COUNT] = {
        [OUTCOME_NONE] = {"NONE", "33"},       [OUTCOME_PASSED] = {"PASSED", "32"},
        [OUTCOME_FAILED] = {"FAILED", "31"},   [OUTCOME_SKIPPED] = {"SKIPPED", "33"},
        [OUTCOME_XFAILED] = {"XFAIL", "33"},   [OUTCOME_XPASSED] = {"XPASS", "33"},
        [OUTCOME_ERROR] = {"ERROR", "31"},     [OUTCOME_CRASHED] = {"CRASHED", "31"},
        [OUTCOME_TIMEOUT] = {"TIMEOUT", "31"}, [OUTCOME_FLAKY] = {"FLAKY", "33"}};
    const struct plan_test *t = plan_map_test(p->plan, rec->test);
    size_t all = p->plan->head->n_tests, ended = p->ended < all ? p->ended : all;
    struct buf name;
    char took[32];
    if (!t)
        return;
    if (rec->slot != JOURNAL_NO_SLOT && !(p->plan->head->flags & PLAN_SEQUENTIAL))
        buf_addf(b, "[gw%u] ", rec->slot);
    buf_addf(b, "[%3zu%%] ", ended * 100 / all);
    bool again = rec->kind == RECORD_ATTEMPT;
    const char *word = again ? "RERUN" : looks[rec->outcome].word;
    const char *sgr = again ? "33" : looks[rec->outcome].sgr;
    buf_addf(b, p->color ? "\033[%s%s%s\033[0m " : "%s%s%s ", p->color ? sgr : "",
             p->color ? "m" : "", word);
    buf_init(&name);
    report_test_name(&name, p->plan, t);
    report_plain(b, buf_cstr(&name), name.len, false);
    buf_release(&name);
    if (p->verbose > 0)
        add_reason(b, rec);
    report_seconds(took, sizeof took, (double)rec->wall_ns * 1e-9);
    if (p->verbose > 1)
        buf_addf(b, " (%s)", took);
    buf_addc(b, '\n');
}

/* Under -s: what a test printed into a capture that is not pytest's. */
static void echo_output(struct progress *p, struct buf *b, const struct record *rec)
{
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, rec);
    while (journal_next_field(&it, &tag, &data, &len))
        if (tag == FIELD_STDOUT || tag == FIELD_STDERR)
            live_add_block(p->printed, b, rec->slot, (const char *)data, len);
}

static void show_record(struct progress *p, struct buf *b, const struct record *rec)
{
    bool again = rec->kind == RECORD_ATTEMPT, failed = outcome_is_failure(rec->outcome);
    unsigned slot = p->plan->head->flags & PLAN_SEQUENTIAL ? 0 : rec->slot;
    p->ended += !again;
    p->failed += failed && !again;
    if (p->printed)
        live_end_test(p->printed, b, slot);
    if (p->printed && p->echo)
        echo_output(p, b, rec);
    if (p->verbose >= 0 && (failed || p->verbose > 0)) {
        if (p->printed)
            live_end_line(p->printed, b);
        add_result_line(p, b, rec);
    }
}

/* What was said of the test does not hold: it runs again. */
static void forget_result(struct progress *p, uint32_t test)
{
    if (test >= p->plan->head->n_tests || p->results->tests[test].outcome == OUTCOME_NONE)
        return;
    p->ended -= p->ended > 0;
    p->failed -= p->failed && outcome_is_failure(p->results->tests[test].outcome);
}

/* Reads what the journal has grown by. */
static void read_journal(struct progress *p)
{
    enum { CHUNK = 1 << 18 };
    for (;;) {
        ssize_t n = read(p->journal_fd, buf_reserve(&p->tail, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        p->tail.len += (size_t)n;
    }
}

/* Takes in the records that have been read; lines that stay go to b. */
static void take_records(struct progress *p, struct buf *b, bool at_end)
{
    size_t pos = 0, torn = 0;
    struct record rec;
    while (p->tail.len &&
           journal_parse((unsigned char *)p->tail.data, p->tail.len, &pos, &rec, false, &torn)) {
        if (rec.kind == RECORD_VOID)
            forget_result(p, rec.test);
        results_add(p->results, &rec);
        if (rec.kind == RECORD_RESULT || rec.kind == RECORD_ATTEMPT)
            show_record(p, b, &rec);
    }
    p->results->torn += torn;
    if (pos)
        memmove(p->tail.data, p->tail.data + pos, p->tail.len - pos);
    p->tail.len -= pos;
    if (at_end && p->tail.len)
        p->results->torn++;
}

void progress_take_resumed(struct progress *p)
{
    size_t pos = 0, torn = 0;
    struct record rec;
    read_journal(p);
    while (p->tail.len &&
           journal_parse((unsigned char *)p->tail.data, p->tail.len, &pos, &rec, false, &torn)) {
        if (rec.kind == RECORD_VOID)
            forget_result(p, rec.test);
        results_add(p->results, &rec);
        p->ended += rec.kind == RECORD_RESULT;
        p->failed += rec.kind == RECORD_RESULT && outcome_is_failure(rec.outcome);
    }
    for (uint32_t i = 0; i < p->plan->head->n_tests; i++)
        p->results->tests[i].resumed = p->results->tests[i].outcome != OUTCOME_NONE;
    memmove(p->tail.data, p->tail.data + pos, p->tail.len - pos);
    p->tail.len -= pos;
    p->resumed = p->ended;
    p->tenths = p->plan->head->n_tests ? (unsigned)(p->ended * 10 / p->plan->head->n_tests) : 10;
}

void progress_next_round(struct progress *p)
{
    results_restart(p->results);
    lseek(p->journal_fd, 0, SEEK_SET);
    p->tail.len = 0;
    p->ended = p->failed = p->resumed = 0;
    p->started = clock_monotonic_seconds();
    p->round++;
}

/* Why workers do nothing. */
static void add_waiting(const struct progress *p, struct buf *b)
{
    struct platform_memory m;
    char free_bytes[32];
    buf_addf(b, "  %u worker%s for memory", p->waiting, p->waiting == 1 ? " waits" : "s wait");
    if (!platform_memory("", &m))
        return;
    report_bytes(free_bytes, sizeof free_bytes, (double)m.available);
    buf_addf(b, ": %s free", free_bytes);
    if (gate_judge(p->plan->head, &m) == GATE_PRESSURE)
        buf_addf(b, ", processes waited for it in %.0f%% of the last 10 s", m.pressure);
}

/* Counts the workers that wait for memory. True if there are some now and were none. */
static bool look_for_waiting(struct progress *p)
{
    unsigned before = p->waiting;
    p->waiting = 0;
    for (uint32_t i = 0; i < p->state->run->n_slots; i++)
        p->waiting += atomic_load(&p->state->slots[i].waits) != GATE_OPEN;
    return p->waiting && !before;
}

static void add_status(const struct progress *p, struct buf *b)
{
    double passed = clock_monotonic_seconds() - p->started;
    double rate = passed > 0 ? (double)(p->ended - p->resumed) / passed : 0;
    size_t all = p->plan->head->n_tests;
    char left[32];
    if (p->round)
        buf_addf(b, "round %u  ", p->round);
    buf_addf(b, "%3zu%%  %zu/%zu", all ? p->ended * 100 / all : 100, p->ended, all);
    if (p->failed)
        buf_addf(b, p->color ? "  \033[31m%zu failed\033[0m" : "  %zu failed", p->failed);
    if (atomic_load(&p->state->run->stop)) {
        buf_adds(b, "  stopping");
    } else if (p->waiting) {
        add_waiting(p, b);
    } else if (rate > 0 && p->ended < all) {
        double seconds = (double)(all - p->ended) / rate;
        report_seconds(left, sizeof left, seconds);
        buf_addf(b, "  %.*f/s  %s left", rate < 10 ? 1 : 0, rate, seconds < 1 ? "under 1 s" : left);
    }
}

static void add_slots(struct progress *p, struct buf *b, int width)
{
    double t = clock_monotonic_seconds();
    unsigned shown = 0;
    for (uint32_t i = 0; i < p->state->run->n_slots && shown < MOST_SLOT_LINES; i++) {
        const struct slot_state *slot = &p->state->slots[i];
        uint32_t test = atomic_load(&slot->test);
        const struct plan_test *pt = test ? plan_map_test(p->plan, test - 1) : NULL;
        double since = (double)atomic_load(&slot->since_ns) * 1e-9;
        struct buf id;
        char took[32], name[16];
        if (!pt || t - since < 0)
            continue;
        report_seconds(took, sizeof took, t - since);
        snprintf(name, sizeof name, p->plan->head->flags & PLAN_SEQUENTIAL ? "master" : "gw%u", i);
        buf_addf(b, "\n%s  ", name);
        buf_init(&id);
        report_test_name(&id, p->plan, pt);
        add_cut(b, buf_cstr(&id), width - (int)strlen(name) - (int)strlen(took) - 5);
        buf_release(&id);
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
    double t = clock_monotonic_seconds();
    bool waits = look_for_waiting(p) && !p->waiting_said;
    bool due = p->round > 1 ? t - p->said >= BETWEEN_ROUNDS : tenths != p->tenths;
    if (p->verbose != 0 || (!due && t - p->said < 60 && !waits))
        return;
    p->waiting_said = p->waiting_said || waits;
    p->tenths = tenths;
    p->said = t;
    if (p->printed)
        live_end_line(p->printed, b);
    add_status(p, b);
    buf_addc(b, '\n');
}

static void add_slow(struct progress *p, struct buf *b)
{
    struct buf lines = BUF_INIT;
    slow_look(&p->slow, p->plan, p->state, clock_monotonic_seconds(), &lines);
    if (lines.len && p->printed)
        live_end_line(p->printed, b);
    buf_add(b, buf_cstr(&lines), lines.len);
    buf_release(&lines);
}

static void write_out(struct progress *p, const struct buf *b)
{
    fwrite(buf_cstr(b), 1, b->len, p->out);
    fflush(p->out);
}

static void show(struct progress *p, bool at_end)
{
    struct buf fresh = BUF_INIT, b = BUF_INIT;
    /* In this order: what a test has printed was there before its record. */
    read_journal(p);
    if (p->printed) {
        live_read(p->printed, &fresh);
        live_tick(p->printed, &fresh);
    }
    take_records(p, &fresh, at_end);
    if (at_end && p->printed)
        live_end(p->printed, &fresh);
    if (!at_end && p->verbose >= 0)
        add_slow(p, &fresh);
    if (p->live) {
        add_erase(p, &b);
        buf_add(&b, buf_cstr(&fresh), fresh.len);
        if (!at_end) {
            int width = terminal_width(p->out);
            look_for_waiting(p);
            add_status(p, &b);
            add_slots(p, &b, width);
        }
    } else {
        buf_add(&b, buf_cstr(&fresh), fresh.len);
        add_plain_line(p, &b);
    }
    write_out(p, &b);
    buf_release(&fresh);
    buf_release(&b);
}

void progress_tick(void *ctx)
{
    show(ctx, false);
}

void progress_read_live(void *ctx)
{
    struct progress *p = ctx;
    struct buf fresh = BUF_INIT, b = BUF_INIT;
    read_journal(p);
    live_read(p->printed, &fresh);
    take_records(p, &fresh, false);
    if (fresh.len) {
        add_erase(p, &b);
        buf_add(&b, fresh.data, fresh.len);
        write_out(p, &b);
    }
    buf_release(&fresh);
    buf_release(&b);
}

void progress_end(struct progress *p)
{
    show(p, true);
}
