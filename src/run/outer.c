#include "run/outer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "run/affinity.h"
#include "run/console.h"
#include "run/group.h"
#include "run/isolation.h"
#include "run/job.h"
#include "run/jobserver.h"
#include "run/kernel_lock.h"
#include "run/platform.h"
#include "run/pygroup.h"
#include "run/queue.h"
#include "run/signals.h"
#include "run/supervise.h"
#include "run/verdict.h"

enum { FRUITLESS_MAX = 3 };

/* What an inner process exits with; anything else is a crash of ours. */
enum { INNER_DONE = 0, INNER_STOPPED = EXIT_INTERRUPTED, INNER_BROKEN = EXIT_INTERNAL };

static void inner(struct job *j, pid_t outer) __attribute__((noreturn));

static void inner(struct job *j, pid_t outer)
{
    struct error err = ERROR_INIT;
    signals_forget();
    platform_adopt_orphans();
    if (!platform_die_with_parent(SIGTERM, outer))
        _exit(INNER_STOPPED);
    enum group_end end =
        j->group->format == FORMAT_PYTEST ? pygroup_run(j, &err) : group_run(j, &err);
    /* The outer process is dead: what it held for us is ours to return. */
    if (getppid() != outer)
        tokens_return(&j->tokens);
    if (end == GROUP_BROKEN)
        console_error(err.msg ? err.msg : "unknown error");
    _exit(end == GROUP_DONE ? INNER_DONE : end == GROUP_STOPPED ? INNER_STOPPED : INNER_BROKEN);
}

/* Where tokens are an outer make's, make is not told when the driver is killed: GNU Make 4.4 would
 * keep one. Its recipes stop by themselves, and it ends in order. */
static void stop_with_driver(struct job *j)
{
    uint32_t no = STOP_NO;
    atomic_compare_exchange_strong(&j->state.run->stop, &no, STOP_INTERRUPTED);
    signals_stop_now();
}

static void watch_driver(struct job *j, pid_t make)
{
    pid_t driver = (pid_t)j->state.run->driver;
    if (driver <= 1)
        return;
    j->driver = platform_watch(driver);
    if (!platform_is_below(make, driver))
        stop_with_driver(j);
}

/* Waits for the inner process, passing on that we are asked to stop. */
static int wait_for(struct job *j, pid_t pid)
{
    int status;
    pid_t got;
    bool told = false, told_now = false;
    while ((got = waitpid(pid, &status, WNOHANG)) != pid) {
        if (got < 0 && errno != EINTR)
            return -1;
        struct pollfd driver = {j->driver, POLLIN, 0};
        signals_poll(&driver, 1, -1);
        if (driver.revents) {
            stop_with_driver(j);
            close(j->driver);
            j->driver = -1;
        }
        if (signals_stop() && !told) {
            kill(pid, SIGTERM);
            told = true;
        }
        if (signals_now() && !told_now) {
            kill(pid, SIGNAL_NOW);
            told_now = true;
        }
    }
    return status;
}

/* The inner process ended while a test ran: that one has crashed, unless its record was
 * written just before. */
static bool record_crash(struct job *j, uint32_t test, int status, struct error *err)
{
    enum outcome known = OUTCOME_NONE;
    if (atomic_load(&j->progress->stage) == JOB_RECORDING)
        known = job_journaled(j, test);
    if (known != OUTCOME_NONE) {
        state_end(&j->state, test, j->slot.number, known);
        return true;
    }
    struct buf message = BUF_INIT, fields = BUF_INIT;
    buf_adds(&message, "rowlock-exec itself was ended while the test ran: ");
    if (WIFEXITED(status) && WEXITSTATUS(status) == INNER_STOPPED)
        buf_adds(&message, "somebody told it to stop");
    else
        verdict_status(&message, status);
    journal_add_field(&fields, FIELD_MESSAGE, message.data, message.len);
    struct record r = {
        .test = test,
        .kind = RECORD_RESULT,
        .outcome = OUTCOME_CRASHED,
        .attempt = 1,
        .start_ns = atomic_load(&j->progress->start_ns),
        .wall_ns = (uint64_t)(clock_monotonic_ns() - atomic_load(&j->progress->start_mono_ns)),
        .n_fields = 1,
        .fields = (const unsigned char *)fields.data,
        .fields_len = fields.len,
    };
    job_reconsider(j, &r);
    bool ok = job_record(j, &r, err);
    buf_release(&message);
    buf_release(&fields);
    return ok;
}

/* Cleans up behind an inner process that ended too early, and charges the test that ran: it
 * may well have been the one that killed it. True if the group can go on. */
static bool recover(struct job *j, int status, int *fruitless, struct error *err)
{
    supervise_kill_children();
    uint32_t running = atomic_load(&j->progress->test);
    if (running) {
        *fruitless = 0;
        bool ok = record_crash(j, running - 1, status, err);
        atomic_store(&j->progress->test, 0);
        return ok;
    }
    if (++*fruitless < FRUITLESS_MAX)
        return true;
    return error_set(err, EXIT_INTERNAL, "group %u: its process dies again and again",
                     j->group_number);
}

/* The exit code of the group, or -1 if the inner process ended too early: by a signal, or
 * because somebody told it, and not us, to stop. (Were we killed, nobody does this, and the
 * test that ran stays marked as running: whoever settles the run records it as crashed.) */
static int judge_inner(struct job *j, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    signals_poll(NULL, 0, 0);
    if (code == INNER_STOPPED && !signals_stop())
        return -1;
    if (code != INNER_DONE && code != INNER_STOPPED && code != INNER_BROKEN)
        return -1;
    uint32_t running = atomic_load(&j->progress->test);
    if (running)
        job_abandon(j, running - 1);
    return code;
}

static int run_inner(struct job *j, struct error *err)
{
    int fruitless = 0;
    for (;;) {
        signals_poll(NULL, 0, 0);
        if (signals_stop())
            return EXIT_INTERRUPTED;
        pid_t outer = getpid(), pid = fork();
        if (pid == 0)
            inner(j, outer);
        if (pid < 0) {
            error_errno(err, EXIT_INTERNAL, "group %u cannot be started", j->group_number);
            return EXIT_INTERNAL;
        }
        int status = wait_for(j, pid);
        int code = judge_inner(j, status);
        if (code >= 0)
            return code;
        if (!recover(j, status, &fruitless, err))
            return EXIT_INTERNAL;
    }
}

/* A named goal has no edges in the Makefile to keep serial and locked tests apart. Taken
 * before the slot: who holds a slot never waits for a lock. */
static enum lock_result take_locks(const struct job *j, int *serial, struct lock_set *set,
                                   struct error *err)
{
    struct strv names = STRV_INIT;
    bool alone = false;
    for (uint32_t i = 0; i < j->n_tests; i++) {
        const struct plan_test *t = job_test(j, j->tests[i]);
        const char *name;
        alone = alone || (t->flags & PLAN_SERIAL);
        for (uint64_t k = 0; (name = plan_map_list_str(&j->plan, t->locks, k)) != NULL; k++)
            strv_push(&names, name);
    }
    char *path = path_join(j->dir, "serial"), *dir = path_join(j->dir, "locks");
    enum lock_result rc =
        kernel_lock_wait(path, alone ? LOCK_MODE_EXCLUSIVE : LOCK_MODE_SHARED, serial, err);
    if (rc == LOCK_TAKEN)
        rc = lock_set_take(set, dir, names.v, names.n, err);
    free(dir);
    free(path);
    strv_release(&names);
    return rc;
}

/* Is there anything to run? A run that goes on after an interruption meets groups whose tests
 * have all ended. */
static bool anything_left(const struct job *j)
{
    if (atomic_load(&j->state.run->stop) != STOP_NO)
        return false;
    for (uint32_t i = 0; i < j->n_tests; i++)
        if (state_outcome(&j->state, j->tests[i]) == OUTCOME_NONE)
            return true;
    return false;
}

/* Under named goals Make is to know that a test failed. */
static int named_result(const struct job *j)
{
    for (uint32_t i = 0; i < j->n_tests; i++)
        if (outcome_is_failure(state_outcome(&j->state, j->tests[i])))
            return EXIT_FAILED;
    return EXIT_OK;
}

/* A lock that every recipe of a run with heavy groups shares, from its start on. */
static enum lock_result show_alive(struct job *j, int *fd, struct error *err)
{
    char *path = path_join(j->dir, "alive");
    enum lock_result rc = LOCK_TAKEN;
    if (j->plan.head->flags & PLAN_HEAVY)
        rc = kernel_lock_wait(path, LOCK_MODE_SHARED, fd, err);
    free(path);
    return rc;
}

static bool others_alive(void *ctx)
{
    const struct job *j = ctx;
    struct error err = ERROR_INIT;
    int fd = -1;
    char *path = path_join(j->dir, "alive");
    bool alive = kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, &fd, &err) == LOCK_BUSY;
    if (fd >= 0)
        close(fd);
    free(path);
    error_release(&err);
    return alive;
}

/* While it waits, a heavy group does not count as alive: two of them would wait for each other. */
static enum lock_result take_tokens(struct job *j, struct error *err)
{
    struct jobserver server;
    jobserver_read(&server, getenv("MAKEFLAGS"));
    return tokens_take(&j->tokens, &server, j->group->weight, others_alive, j, err);
}

/* Takes what a full run needs besides the slot. */
static enum lock_result take_part(struct job *j, int *alive, struct error *err)
{
    enum lock_result rc = LOCK_TAKEN;
    if (j->group->weight > 1)
        rc = take_tokens(j, err);
    return rc == LOCK_TAKEN ? show_alive(j, alive, err) : rc;
}

struct search {
    const struct job *j;
    uint32_t collector;
};

static bool slot_serves(const void *ctx, uint32_t slot)
{
    const struct search *s = ctx;
    return affinity_serves(&s->j->state, &s->j->plan, slot) == s->collector;
}

/* Takes a free slot whose worker has the files of that collector. */
static enum lock_result try_serving(struct job *j, uint32_t collector, struct slot *slot,
                                    struct error *err)
{
    struct search s = {j, collector};
    return slot_try(slot, j->dir, j->state.run->n_slots, slot_serves, &s, err);
}

/* A slot for the job's group: by preference one whose worker has its file. */
static enum lock_result take_slot(struct job *j, bool is_free, struct error *err)
{
    uint32_t collector = is_free ? 0 : j->group->collector;
    enum lock_result rc = LOCK_BUSY;
    if (collector)
        rc = try_serving(j, collector, &j->slot, err);
    if (rc == LOCK_BUSY)
        rc = slot_take(&j->slot, j->dir, j->state.run->n_slots, err);
    if (rc == LOCK_TAKEN)
        affinity_follow(&j->state, &j->plan, j->slot.number, collector);
    return rc;
}

/* Chooses a free group of that phase, and changes to another slot where that is the one to run it.
 * LOCK_BUSY if there is none left. */
static enum lock_result take_group(struct job *j, uint32_t phase, uint32_t *group,
                                   struct error *err)
{
    long pause = 0;
    uint32_t collector;
    int64_t began = clock_monotonic_ns();
    enum affinity found;
    while ((found = affinity_take(&j->state, &j->plan, j->slot.number, phase,
                                  (double)(clock_monotonic_ns() - began) / 1e6, group,
                                  &collector)) == AFFINITY_ELSEWHERE) {
        struct slot other;
        enum lock_result rc = try_serving(j, collector, &other, err);
        if (rc == LOCK_TAKEN) {
            slot_release(&j->slot);
            j->slot = other;
        } else if (rc != LOCK_BUSY) {
            return rc;
        } else if (!kernel_lock_pause(&pause)) {
            return LOCK_STOPPED;
        }
    }
    return found == AFFINITY_TAKEN ? LOCK_TAKEN : LOCK_BUSY;
}

/* Runs a free group of that phase, by preference one whose file the worker has. *any: there was one. */
static int run_free(struct job *j, uint32_t phase, bool *any, struct error *err)
{
    uint32_t group;
    enum lock_result rc = take_group(j, phase, &group, err);
    *any = rc == LOCK_TAKEN;
    if (rc == LOCK_BUSY)
        return EXIT_OK;
    if (rc != LOCK_TAKEN)
        return rc == LOCK_STOPPED ? EXIT_INTERRUPTED : EXIT_INTERNAL;
    if (!job_choose(j, group + 1, 1, err))
        return (int)err->code;
    isolation_worker_name(j->worker, sizeof j->worker, j->slot.number, false);
    return anything_left(j) ? run_inner(j, err) : EXIT_OK;
}

static int run_job(struct job *j, struct error *err)
{
    int serial = -1, alive = -1, code;
    struct lock_set set = LOCK_SET_INIT;
    enum lock_result rc = LOCK_TAKEN;
    bool named = goals_named(&j->goals);
    bool is_free = !named && (j->group->flags & PLAN_FREE), any;
    if (!is_free && !anything_left(j))
        return named ? named_result(j) : EXIT_OK;
    if (named)
        rc = take_locks(j, &serial, &set, err);
    else
        rc = take_part(j, &alive, err);
    if (rc == LOCK_TAKEN)
        rc = take_slot(j, is_free, err);
    if (rc == LOCK_TAKEN) {
        isolation_worker_name(j->worker, sizeof j->worker, j->slot.number,
                              j->plan.head->flags & PLAN_SEQUENTIAL);
        code = is_free ? run_free(j, j->group->phase, &any, err) : run_inner(j, err);
        if (named && code == EXIT_OK)
            code = named_result(j);
    } else {
        code = rc == LOCK_STOPPED ? EXIT_INTERRUPTED : EXIT_INTERNAL;
    }
    lock_set_release(&set);
    if (serial >= 0)
        close(serial);
    if (alive >= 0)
        close(alive);
    return code;
}

static bool is_pytest_group(const struct job *j, uint32_t i)
{
    const struct plan_group *g = plan_map_group(&j->plan, i);
    return g && g->format == FORMAT_PYTEST;
}

/* Runs the groups from first up to end: neighbours of one kind together. */
static int run_stretch(struct job *j, uint32_t first, uint32_t end, struct error *err)
{
    int code = EXIT_OK;
    while (first < end && code == EXIT_OK) {
        uint32_t n = 1;
        while (first + n < end && is_pytest_group(j, first + n) == is_pytest_group(j, first))
            n++;
        if (!job_choose(j, first + 1, n, err))
            return (int)err->code;
        if (anything_left(j))
            code = run_inner(j, err);
        first += n;
    }
    return code;
}

/* Works the slot's queue off and, where they share, those of others. */
static int run_queue(struct job *j, struct error *err)
{
    bool steals = !(j->plan.head->flags & PLAN_EACH);
    uint32_t first, n;
    int code = EXIT_OK;
    while (code == EXIT_OK && atomic_load(&j->state.run->stop) == STOP_NO &&
           queue_take(&j->state, j->slot.number, steals, &first, &n))
        code = run_stretch(j, first, first + n, err);
    return code;
}

/* One slot's queue after the other, until none is left that nobody works at. */
static int run_queues(struct job *j, struct error *err)
{
    bool each = j->plan.head->flags & PLAN_EACH;
    int code = EXIT_OK, alive = -1;
    if (show_alive(j, &alive, err) != LOCK_TAKEN)
        return err->msg ? EXIT_INTERNAL : EXIT_INTERRUPTED;
    while (code == EXIT_OK && atomic_load(&j->state.run->stop) == STOP_NO &&
           !queue_empty(&j->state)) {
        enum lock_result rc = each ? slot_take_queued(&j->slot, j->dir, &j->state, err)
                                   : slot_take(&j->slot, j->dir, j->state.run->n_slots, err);
        if (rc == LOCK_BUSY)
            break;
        if (rc != LOCK_TAKEN) {
            code = rc == LOCK_STOPPED ? EXIT_INTERRUPTED : EXIT_INTERNAL;
            break;
        }
        isolation_worker_name(j->worker, sizeof j->worker, j->slot.number, false);
        code = run_queue(j, err);
        slot_release(&j->slot);
    }
    if (alive >= 0)
        close(alive);
    return code;
}

/* Takes free groups of the first phase, until none is left. */
static int run_takes(struct job *j, struct error *err)
{
    int code = EXIT_OK, alive = -1;
    bool any = true;
    if (show_alive(j, &alive, err) != LOCK_TAKEN)
        return err->msg ? EXIT_INTERNAL : EXIT_INTERRUPTED;
    enum lock_result rc = slot_take(&j->slot, j->dir, j->state.run->n_slots, err);
    if (rc != LOCK_TAKEN)
        code = rc == LOCK_STOPPED ? EXIT_INTERRUPTED : EXIT_INTERNAL;
    while (code == EXIT_OK && any && atomic_load(&j->state.run->stop) == STOP_NO)
        code = run_free(j, 0, &any, err);
    if (alive >= 0)
        close(alive);
    return code;
}

static int run_opened(struct job *j, uint32_t number, struct error *err)
{
    if (number == OUTER_QUEUES)
        return run_queues(j, err);
    if (number == OUTER_TAKES)
        return run_takes(j, err);
    return job_choose(j, number, 1, err) ? run_job(j, err) : (int)err->code;
}

int outer_run(const char *run, uint32_t number, char *const *goals, struct error *err)
{
    struct job j;
    int code = EXIT_INTERNAL;
    pid_t parent = getppid();
    platform_adopt_orphans();
    if (!platform_die_with_parent(SIGTERM, parent))
        return EXIT_INTERRUPTED;
    if (job_open(&j, run, goals, err)) {
        watch_driver(&j, parent);
        code = run_opened(&j, number, err);
    } else if (err->code != EXIT_OK) {
        code = (int)err->code;
    }
    job_close(&j);
    return code;
}
