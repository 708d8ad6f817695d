#include "run/pygroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "run/gate.h"
#include "run/lastwords.h"
#include "run/platform.h"
#include "run/signals.h"
#include "run/verdict.h"
#include "run/zygote.h"

#define SECOND ((int64_t)1000000000)

enum {
    ABORT_SECONDS = 5 /* for the worker's dying words */
};

/* How a connection to a worker ended. */
enum talk_end {
    TALK_ON,      /* it has not */
    TALK_DONE,    /* 'E' */
    TALK_LOST,    /* the worker died: 'X', or the connection broke */
    TALK_GARBAGE, /* what it sent makes no sense */
    TALK_TIMEOUT, /* we broke it off */
    TALK_STOPPED, /* we were asked to stop */
    TALK_SHUT,    /* the run has stopped before we began */
    TALK_NOBODY,  /* there is no zygote any more */
    TALK_BROKEN   /* our own failure; err is set */
};

struct talk {
    struct job *j;
    struct error *err;
    uint32_t *all;  /* what left points into */
    uint32_t *left; /* tests that have no result yet, in order */
    uint32_t n_left;
    int fd;
    pid_t zygote;
    struct frame_reader in;
    uint32_t running; /* index of the test that runs; UINT32_MAX: none */
    uint32_t tearing; /* index of the test behind which fixtures are torn down; UINT32_MAX: none */
    pid_t worker;     /* as 'S' or 'D' told; 0: not known */
    int pass;         /* of the gate, until a test has started; -1: none */
    bool aborting;    /* SIGABRT was sent */
    int64_t aborted;  /* when, on CLOCK_MONOTONIC */
    bool cut;         /* because the time of the whole run is over */
    bool starting;    /* 'W' told that a worker collects for us: the clock stands still */
    bool has_status;  /* 'X' told the worker's end */
    int status;
    struct buf doing; /* what the worker was at when it died, if it is known */
    unsigned n_started; /* tests that were started over this connection */
    int64_t started;    /* CLOCK_MONOTONIC of what the clock runs for */
    int64_t started_real;
    uint64_t timeout_ms; /* 0: none */
};

/* The place of a test among those that are left; n_left if it is none of them. */
static uint32_t find_left(const struct talk *k, uint32_t test)
{
    uint32_t i = 0;
    while (i < k->n_left && k->left[i] != test)
        i++;
    return i;
}

static void drop_left(struct talk *k, uint32_t test)
{
    uint32_t i = find_left(k, test);
    if (i == k->n_left)
        return;
    /* Nearly always the first: what is before moves up. */
    memmove(k->left + 1, k->left, i * sizeof *k->left);
    k->left++;
    k->n_left--;
}

/* Starts the clock: for the test that runs or, between tests, with the patience that the next
 * one has (its worker may be starting, or tearing down a wide fixture). */
static void start_clock(struct talk *k)
{
    uint32_t test = k->running != UINT32_MAX   ? k->running
                    : k->tearing != UINT32_MAX ? k->tearing
                    : k->n_left                ? k->left[0]
                                               : UINT32_MAX;
    const struct plan_test *t = job_test(k->j, test);
    k->started = clock_monotonic_ns();
    k->started_real = clock_realtime_ns();
    if (t)
        k->timeout_ms = t->timeout_ms;
}

static bool send_tests(struct talk *k)
{
    struct buf b = BUF_INIT;
    buf_add_u32(&b, k->j->slot.number);
    buf_add_u32(&b, (uint32_t)k->j->plan.head->reruns_delay_ms);
    buf_add_u32(&b, k->n_left);
    for (uint32_t i = 0; i < k->n_left; i++) {
        const struct plan_test *t = job_test(k->j, k->left[i]);
        const char *id = plan_map_str(&k->j->plan, t->id);
        size_t n = strlen(id);
        n -= t->suffix < n ? t->suffix : 0;
        uint32_t failed = state_attempts(&k->j->state, k->left[i]);
        buf_add_u32(&b, k->left[i]);
        buf_add_u32(&b, failed < t->reruns ? t->reruns - failed : 0);
        buf_add_u32(&b, (uint32_t)n);
        buf_add(&b, id, n);
    }
    bool ok = zygote_send(k->fd, 'R', b.data, b.len);
    buf_release(&b);
    return ok;
}

static void release_pass(struct talk *k)
{
    if (k->pass >= 0)
        close(k->pass);
    k->pass = -1;
}

static enum talk_end on_start(struct talk *k, const struct frame *f)
{
    if (k->aborting) /* it had ended just when its time was over */
        return TALK_TIMEOUT;
    if (f->len != 8 || k->running != UINT32_MAX)
        return TALK_GARBAGE;
    uint32_t test = get_u32(f->payload), pid = get_u32(f->payload + 4);
    k->starting = false;
    if (find_left(k, test) == k->n_left || pid < 2 || pid > INT_MAX)
        return TALK_GARBAGE;
    job_start(k->j, test, (pid_t)pid);
    release_pass(k);
    k->running = test;
    k->tearing = UINT32_MAX;
    k->worker = (pid_t)pid;
    k->n_started++;
    start_clock(k);
    return TALK_ON;
}

/* Before the first test of the group the worker tears down what an earlier one has left. */
static enum talk_end on_teardown(struct talk *k, const struct frame *f)
{
    if (f->len != 8 || k->running != UINT32_MAX)
        return TALK_GARBAGE;
    uint32_t test = get_u32(f->payload), pid = get_u32(f->payload + 4);
    if (!job_test(k->j, test) || pid < 2 || pid > INT_MAX)
        return TALK_GARBAGE;
    k->tearing = test;
    k->worker = (pid_t)pid;
    start_clock(k);
    return TALK_ON;
}

static void say_timeout(const struct talk *k, struct buf *b)
{
    if (k->cut)
        verdict_add_cut(b, k->j->plan.head->run_timeout_ms);
    else
        buf_addf(b, "timed out after %g s", (double)k->timeout_ms / 1000);
    if (k->doing.len)
        buf_addf(b, " %s", k->doing.data);
}

/* Marks a record of a test that only the end of the run's time has ended; how many fields it was. */
static uint32_t add_cut(const struct talk *k, struct buf *fields)
{
    if (k->cut)
        journal_add_field(fields, FIELD_CUT, NULL, 0);
    return k->cut;
}

/* Under --forked the worker outlives its test, and tells how the test's process ended. That we
 * have ended it, it does not know: the message is ours, all else stays. */
static void turn_into_timeout(struct talk *k, struct record *r, struct buf *fields)
{
    struct field_iter it;
    struct buf message = BUF_INIT;
    uint32_t tag, n = 1;
    const unsigned char *data;
    size_t len;
    buf_clear(&k->doing);
    journal_fields(&it, r);
    while (journal_next_field(&it, &tag, &data, &len)) {
        if (tag == FIELD_DOING) {
            buf_add(&k->doing, data, len);
        } else if (tag != FIELD_MESSAGE) {
            journal_add_field(fields, tag, data, len);
            n++;
        }
    }
    say_timeout(k, &message);
    journal_add_field(fields, FIELD_MESSAGE, message.data, message.len);
    n += add_cut(k, fields);
    buf_release(&message);
    r->outcome = OUTCOME_TIMEOUT;
    r->n_fields = n;
    r->fields = (const unsigned char *)fields->data;
    r->fields_len = fields->len;
    buf_clear(&k->doing);
    k->aborting = false;
}

static enum talk_end on_record(struct talk *k, const struct frame *f)
{
    struct record r;
    if (!frame_record(f, &r))
        return TALK_GARBAGE;
    bool attempt = r.kind == RECORD_ATTEMPT, result = r.kind == RECORD_RESULT || attempt;
    if ((attempt && !outcome_is_failure(r.outcome)) ||
        (r.kind != RECORD_NOTE && !job_test(k->j, r.test)) ||
        (result && (r.outcome == OUTCOME_NONE || find_left(k, r.test) == k->n_left ||
                    (k->running != UINT32_MAX && k->running != r.test))))
        return TALK_GARBAGE;
    if (r.kind == RECORD_NOTE)
        r.test = UINT32_MAX;
    struct buf fields = BUF_INIT;
    bool late = k->aborting && (r.test == k->running || r.test == k->tearing);
    if (late && !(result && k->j->plan.head->flags & PLAN_FORKED))
        return TALK_ON; /* it has timed out */
    if (late)
        turn_into_timeout(k, &r, &fields);
    bool ok = job_record(k->j, &r, k->err);
    buf_release(&fields);
    if (!ok)
        return TALK_BROKEN;
    if (result) {
        if (!attempt)
            drop_left(k, r.test);
        k->running = UINT32_MAX;
        start_clock(k);
    }
    return TALK_ON;
}

static enum talk_end on_frame(struct talk *k, const struct frame *f)
{
    switch (f->type) {
    case 'S':
        return on_start(k, f);
    case 'D':
        return on_teardown(k, f);
    case 'J':
        return on_record(k, f);
    case 'W':
        if (f->len != 4 || k->running != UINT32_MAX)
            return TALK_GARBAGE;
        k->starting = get_u32(f->payload);
        k->tearing = UINT32_MAX;
        start_clock(k);
        return TALK_ON;
    case 'E':
        if (f->len != 4 || k->running != UINT32_MAX)
            return TALK_GARBAGE;
        if (get_u32(f->payload))
            k->n_left = 0; /* the run is to stop */
        return TALK_DONE;
    case 'X':
        if (f->len < 4)
            return TALK_GARBAGE;
        k->status = (int)get_u32(f->payload);
        k->has_status = true;
        buf_add(&k->doing, f->payload + 4, f->len - 4);
        return TALK_LOST;
    default:
        return TALK_GARBAGE;
    }
}

static enum talk_end read_frames(struct talk *k)
{
    struct frame f;
    int rc;
    while ((rc = frame_read(&k->in, &f)) > 0) {
        enum talk_end end = on_frame(k, &f);
        if (end != TALK_ON)
            return end;
    }
    if (rc < 0 && errno == EAGAIN)
        return TALK_ON;
    return rc < 0 && errno == EMSGSIZE ? TALK_GARBAGE : TALK_LOST;
}

/* The time is over: first SIGABRT, which makes the worker write down where it hangs; then we
 * close the connection, which makes the zygote kill it. The pid comes from the worker, so it
 * is believed only if that is a process of the zygote's. */
static enum talk_end on_timeout(struct talk *k)
{
    if (k->aborting || !k->worker || !platform_is_below(k->worker, k->zygote))
        return TALK_TIMEOUT;
    kill(k->worker, SIGABRT);
    kill(k->worker, SIGCONT); /* it may have been stopped */
    k->aborting = true;
    k->aborted = clock_monotonic_ns();
    return TALK_ON;
}

static int64_t deadline(const struct talk *k)
{
    if (k->aborting)
        return k->aborted + ABORT_SECONDS * SECOND;
    if (!k->timeout_ms || k->starting)
        return -1;
    return k->started + (int64_t)k->timeout_ms * 1000000;
}

/* We are asked to stop. When the run's time is over, what runs has timed out. */
static enum talk_end on_stop(struct talk *k)
{
    /* What has ended by now counts. */
    enum talk_end end = read_frames(k);
    if (end != TALK_ON)
        return end == TALK_DONE ? TALK_STOPPED : end;
    bool busy = k->running != UINT32_MAX || k->tearing != UINT32_MAX;
    if (!busy || atomic_load(&k->j->state.run->stop) != STOP_TIMEOUT)
        return TALK_STOPPED;
    if (signals_now())
        return TALK_TIMEOUT;
    if (k->cut)
        return TALK_ON;
    k->cut = true;
    return k->aborting ? TALK_ON : on_timeout(k);
}

static enum talk_end listen_to_worker(struct talk *k)
{
    enum talk_end end = TALK_ON;
    while (end == TALK_ON) {
        int64_t until = deadline(k), now = clock_monotonic_ns();
        struct pollfd fd = {k->fd, POLLIN, 0};
        int ready = signals_poll(&fd, 1, until < 0 ? -1 : until > now ? until - now : 0);
        if (signals_stop())
            end = on_stop(k);
        if (end != TALK_ON)
            break;
        if (ready > 0)
            end = read_frames(k);
        else if (until >= 0 && clock_monotonic_ns() >= until)
            end = on_timeout(k);
    }
    return end == TALK_LOST && k->aborting ? TALK_TIMEOUT : end;
}

static void learn_zygote(struct talk *k)
{
#ifdef SO_PEERCRED
    struct ucred who;
    socklen_t n = sizeof who;
    if (getsockopt(k->fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
        k->zygote = who.pid;
#endif
}

/* One connection, from the request to its end. */
static enum talk_end talk(struct talk *k)
{
    k->running = k->tearing = UINT32_MAX;
    k->worker = k->zygote = 0;
    k->aborting = k->has_status = k->starting = false;
    k->n_started = 0;
    buf_clear(&k->doing);
    if (!gate_wait(k->j, &k->pass, k->err))
        return k->err->msg ? TALK_BROKEN : signals_stop() ? TALK_STOPPED : TALK_SHUT;
    k->fd = zygote_connect(k->j->state.run->temp_dir, k->err);
    if (k->fd < 0)
        return errno == ECONNREFUSED || errno == ENOENT ? TALK_NOBODY : TALK_BROKEN;
    learn_zygote(k);
    start_clock(k);
    frame_reader_init(&k->in, k->fd);
    enum talk_end end = TALK_LOST;
    if (send_tests(k)) {
        fcntl(k->fd, F_SETFL, O_NONBLOCK);
        end = listen_to_worker(k);
    }
    frame_reader_release(&k->in);
    close(k->fd);
    return end;
}

/* Records the test that ran, or the next one, as what became of its worker; of one that had
 * ended before, what came to light about it. */
static bool record_loss(struct talk *k, uint32_t test, enum outcome o, const char *message)
{
    struct buf fields = BUF_INIT;
    journal_add_field(&fields, FIELD_MESSAGE, message, strlen(message));
    uint32_t n_fields = 1 + add_cut(k, &fields);
    struct record r = {.test = test,
                       .kind = test == k->tearing ? RECORD_AMEND : RECORD_RESULT,
                       .outcome = o,
                       .attempt = 1,
                       .status = k->has_status ? k->status : 0,
                       .start_ns = k->started_real,
                       .wall_ns = (uint64_t)(clock_monotonic_ns() - k->started),
                       .n_fields = n_fields};
    lastwords_add(k->j->state.run->temp_dir, k->j->slot.number, &r, &fields);
    r.fields = (const unsigned char *)fields.data;
    r.fields_len = fields.len;
    job_reconsider(k->j, &r);
    bool ok = job_record(k->j, &r, k->err);
    buf_release(&fields);
    if (r.kind == RECORD_RESULT)
        drop_left(k, test);
    return ok;
}

static void explain_loss(const struct talk *k, enum talk_end end, struct buf *b)
{
    const char *when = k->running != UINT32_MAX ? k->doing.len ? k->doing.data
                                                               : "while it ran the test"
                       : k->n_left              ? "before it started the test"
                                                : "after the last test of its group";
    if (end == TALK_TIMEOUT) {
        if (k->running == UINT32_MAX && k->tearing == UINT32_MAX)
            buf_addf(b, "the worker hung %s: ", when);
        say_timeout(k, b);
        if (k->tearing != UINT32_MAX && !k->doing.len)
            buf_adds(b, " while fixtures were torn down behind it");
        return;
    }
    buf_addf(b, "the worker ended %s: ", when);
    if (end == TALK_GARBAGE)
        buf_adds(b, "it sent what is no message");
    else if (k->has_status)
        verdict_status(b, k->status);
    else
        buf_adds(b, "its connection broke; was the pytest process above all workers killed, by a "
                    "test or for want of memory? its output is in .rowlock/last/zygote.log");
}

/* The worker is gone before its time. Charges the test that ran. If none did, that need not
 * be the next one's fault (what ran before in the worker may have been): the first time it
 * is a note, and *innocent forbids another. */
static bool on_loss(struct talk *k, enum talk_end end, bool *innocent)
{
    bool ok = true;
    struct buf message = BUF_INIT;
    explain_loss(k, end, &message);
    bool ran = k->running != UINT32_MAX;
    uint32_t test = ran ? k->running : k->n_left ? k->left[0] : UINT32_MAX;
    if (k->tearing != UINT32_MAX) {
        /* None of the tests that are left is to blame. The zygote has told what it knows. */
        *innocent = false;
        if (end == TALK_TIMEOUT)
            ok = record_loss(k, k->tearing, OUTCOME_ERROR, message.data);
    } else if (!ran && (test == UINT32_MAX || (end != TALK_TIMEOUT && !*innocent))) {
        *innocent = true;
        ok = job_note(k->j, message.data, k->err);
    } else {
        *innocent = false;
        ok = record_loss(k, test, end == TALK_TIMEOUT ? OUTCOME_TIMEOUT : OUTCOME_CRASHED,
                         message.data);
    }
    buf_release(&message);
    return ok;
}

/* The worker said it is done and yet left tests out. */
static bool on_leftout(struct talk *k)
{
    char *message = xasprintf("gw%u: pytest left out %" PRIu32 " tests of group %u",
                              k->j->slot.number, k->n_left, k->j->group_number);
    bool ok = job_note(k->j, message, k->err);
    free(message);
    k->n_left = 0;
    return ok;
}

/* The tests that may run: not ended yet, and nothing that they depend on failed. */
static bool choose(struct talk *k)
{
    struct job *j = k->j;
    for (uint32_t i = 0; i < j->n_tests; i++) {
        if (state_outcome(&j->state, j->tests[i]) != OUTCOME_NONE)
            continue;
        int skipped = job_skip_dependent(j, j->tests[i], k->err);
        if (skipped < 0)
            return false;
        if (!skipped)
            k->left[k->n_left++] = j->tests[i];
    }
    return true;
}

/* There is no zygote to run the rest. The driver starts another one and runs it then; a make
 * on its own does not. */
static bool on_nobody(struct talk *k)
{
    static const char message[] = "it could not run: the pytest process was killed before; its "
                                  "output is in .rowlock/last/zygote.log";
    bool ok = true;
    error_release(k->err);
    while (ok && k->j->prints && k->n_left) {
        ok = job_verdict(k->j, k->left[0], OUTCOME_CRASHED, message, k->err);
        drop_left(k, k->left[0]);
    }
    return ok;
}

enum group_end pygroup_run(struct job *j, struct error *err)
{
    struct talk k = {.j = j, .err = err, .pass = -1, .running = UINT32_MAX, .tearing = UINT32_MAX};
    k.left = k.all = xcalloc(j->n_tests, sizeof *k.left);
    bool ok = choose(&k), innocent = false, stopped = false;
    while (ok && !stopped && k.n_left && atomic_load(&j->state.run->stop) == STOP_NO) {
        enum talk_end end = talk(&k);
        release_pass(&k);
        if (end == TALK_SHUT)
            break;
        if (end == TALK_NOBODY) {
            ok = on_nobody(&k);
            break;
        }
        if (end == TALK_STOPPED)
            stopped = true;
        else if (end == TALK_BROKEN)
            ok = false;
        else if (end != TALK_DONE)
            ok = on_loss(&k, end, &innocent);
        else if (k.n_left)
            ok = on_leftout(&k);
    }
    buf_release(&k.doing);
    free(k.all);
    return stopped ? GROUP_STOPPED : ok ? GROUP_DONE : GROUP_BROKEN;
}
