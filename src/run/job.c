#include "run/job.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "run/console.h"
#include "run/rundir.h"
#include "run/signals.h"
#include "run/verdict.h"

enum { SHOWN_OF_ID = 500 };

/* Adds the members of a group that are to run. */
static void add_tests(struct job *j, uint32_t number, const struct plan_group *group)
{
    uint32_t n = group->count < j->plan.head->n_members ? group->count : j->plan.head->n_members;
    uint32_t *members = xcalloc(n, sizeof *members);
    bool *wanted = xcalloc(n, sizeof *wanted);
    for (uint32_t k = 0; k < n; k++)
        members[k] = plan_map_member(&j->plan, group, k);
    goals_select(&j->goals, number, members, n, wanted);
    j->tests = xreallocarray(j->tests, (size_t)j->n_tests + n + 1, sizeof *j->tests);
    for (uint32_t k = 0; k < n; k++)
        if (wanted[k] && members[k] < j->state.run->n_tests && plan_map_test(&j->plan, members[k]))
            j->tests[j->n_tests++] = members[k];
    free(wanted);
    free(members);
}

bool job_choose(struct job *j, uint32_t number, uint32_t n, struct error *err)
{
    j->n_tests = 0;
    j->group_number = number;
    j->group = plan_map_group(&j->plan, number - 1);
    for (uint32_t i = number; i - number < n; i++) {
        const struct plan_group *group = i ? plan_map_group(&j->plan, i - 1) : NULL;
        if (!group)
            return error_set(err, EXIT_USAGE, "%s/plan: there is no group %u; start a new run",
                             j->dir, i);
        add_tests(j, i, group);
    }
    return true;
}

static bool open_files(struct job *j, struct error *err)
{
    char *plan = path_join(j->dir, "plan"), *state = path_join(j->dir, "state");
    j->journal_path = path_join(j->dir, "journal");
    bool ok = plan_map_open(&j->plan, plan, err) && state_open(&j->state, state, err) &&
              (j->journal = journal_open(j->journal_path, err)) >= 0;
    if (ok)
        verdict_know_oom_kills(j->state.run->oom_kills);
    free(plan);
    free(state);
    return ok;
}

bool job_open(struct job *j, const char *run, char *const *goals, struct error *err)
{
    memset(j, 0, sizeof *j);
    j->journal = j->slot.fd = j->tokens.in = j->tokens.out = j->driver = -1;
    j->dir = rundir_find(run, err);
    if (!j->dir || !open_files(j, err) || !goals_read(&j->goals, goals, err))
        return false;
    j->prints = j->state.run->standalone != 0;
    void *p =
        mmap(NULL, sizeof *j->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return error_errno(err, EXIT_INTERNAL, "memory");
    j->progress = p;
    return true;
}

void job_close(struct job *j)
{
    slot_release(&j->slot);
    tokens_release(&j->tokens);
    goals_release(&j->goals);
    state_close(&j->state);
    if (j->plan.base)
        plan_map_close(&j->plan);
    if (j->journal >= 0)
        close(j->journal);
    if (j->driver >= 0)
        close(j->driver);
    if (j->progress)
        munmap(j->progress, sizeof *j->progress);
    free(j->tests);
    free(j->journal_path);
    free(j->dir);
    memset(j, 0, sizeof *j);
    j->journal = j->slot.fd = j->driver = -1;
}

const struct plan_test *job_test(const struct job *j, uint32_t test)
{
    return plan_map_test(&j->plan, test);
}

bool job_start(struct job *j, uint32_t test, pid_t pid)
{
    if (!state_start(&j->state, test, j->slot.number, (uint32_t)pid))
        return false;
    atomic_store(&j->progress->start_ns, clock_realtime_ns());
    atomic_store(&j->progress->start_mono_ns, clock_monotonic_ns());
    atomic_store(&j->progress->stage, JOB_RUNNING);
    atomic_store(&j->progress->test, test + 1);
    return true;
}

void job_abandon(struct job *j, uint32_t test)
{
    state_abandon(&j->state, test, j->slot.number);
    atomic_store(&j->progress->test, 0);
}

/* An amendment changes a verdict only for the worse, and that of a test that has one. */
static void count(struct job *j, const struct record *r)
{
    if (r->kind == RECORD_AMEND &&
        (state_outcome(&j->state, r->test) == OUTCOME_NONE || !outcome_is_failure(r->outcome)))
        return;
    state_end(&j->state, r->test, j->slot.number, r->outcome);
}

void job_reconsider(const struct job *j, struct record *r)
{
    const struct plan_test *t = job_test(j, r->test);
    if (r->kind == RECORD_RESULT && t && outcome_is_failure(r->outcome) &&
        state_attempts(&j->state, r->test) < t->reruns &&
        atomic_load(&j->state.run->stop) == STOP_NO)
        r->kind = RECORD_ATTEMPT;
}

bool job_record(struct job *j, struct record *r, struct error *err)
{
    r->slot = j->plan.head->flags & PLAN_SEQUENTIAL ? JOURNAL_NO_SLOT : (uint16_t)j->slot.number;
    uint32_t before = state_attempts(&j->state, r->test);
    bool verdict = r->kind == RECORD_RESULT || r->kind == RECORD_ATTEMPT;
    if (verdict)
        r->attempt = before + 1;
    if (r->kind == RECORD_RESULT && r->outcome == OUTCOME_PASSED && before)
        r->outcome = OUTCOME_FLAKY;
    bool ends = verdict && atomic_load(&j->progress->test) == r->test + 1;
    if (ends)
        atomic_store(&j->progress->stage, JOB_RECORDING);
    if (!journal_write(j->journal, r, err)) {
        uint32_t no = STOP_NO;
        atomic_compare_exchange_strong(&j->state.run->stop, &no, STOP_BROKEN);
        char *msg = xasprintf("%s: %s; free some space and run again", j->journal_path, err->msg);
        free(err->msg);
        err->msg = msg;
        return false;
    }
    const struct plan_test *t = job_test(j, r->test);
    if (r->kind == RECORD_VOID) {
        state_void(&j->state, r->test);
    } else if (r->kind != RECORD_NOTE && t) {
        if (r->kind == RECORD_ATTEMPT)
            state_attempt(&j->state, r->test, j->slot.number);
        else
            count(j, r);
        if (j->prints)
            console_result(plan_map_str(&j->plan, t->id), j->worker, r);
    }
    if (ends)
        atomic_store(&j->progress->test, 0);
    return true;
}

static bool record_message(struct job *j, struct record *r, const char *message, struct error *err)
{
    struct buf fields = BUF_INIT;
    journal_add_field(&fields, FIELD_MESSAGE, message, strlen(message));
    r->attempt = 1;
    r->start_ns = clock_realtime_ns();
    r->n_fields = 1;
    r->fields = (const unsigned char *)fields.data;
    r->fields_len = fields.len;
    bool ok = job_record(j, r, err);
    buf_release(&fields);
    return ok;
}

bool job_verdict(struct job *j, uint32_t test, enum outcome o, const char *message,
                 struct error *err)
{
    struct record r = {.test = test, .kind = RECORD_RESULT, .outcome = o};
    return record_message(j, &r, message, err);
}

bool job_note(struct job *j, const char *message, struct error *err)
{
    struct record r = {.test = UINT32_MAX, .kind = RECORD_NOTE, .outcome = OUTCOME_NONE};
    return record_message(j, &r, message, err);
}

bool job_void(struct job *j, uint32_t test, struct error *err)
{
    struct record r = {.test = test,
                       .kind = RECORD_VOID,
                       .attempt = state_attempts(&j->state, test) + 1,
                       .start_ns = clock_realtime_ns()};
    return job_record(j, &r, err);
}

static bool counts_as_passed(enum outcome o)
{
    return o == OUTCOME_PASSED || o == OUTCOME_XPASSED || o == OUTCOME_FLAKY;
}

static const char *what_became(enum outcome o)
{
    static const char *const words[OUTCOME_COUNT] = {
        [OUTCOME_NONE] = "did not run",
        [OUTCOME_SKIPPED] = "was skipped",
        [OUTCOME_XFAILED] = "failed as expected",
        [OUTCOME_ERROR] = "had an error",
        [OUTCOME_CRASHED] = "crashed",
        [OUTCOME_TIMEOUT] = "timed out",
    };
    return words[o] ? words[o] : "failed";
}

int job_skip_dependent(struct job *j, uint32_t test, struct error *err)
{
    const struct plan_test *t = job_test(j, test);
    for (uint64_t k = 0; k < t->depends.n; k++) {
        uint32_t on = plan_map_list_u32(&j->plan, t->depends, k);
        const struct plan_test *other = job_test(j, on);
        if (!other)
            break;
        enum outcome o = state_outcome(&j->state, on);
        bool fixture = t->flags & PLAN_FIXTURES;
        if (fixture && o == OUTCOME_SKIPPED)
            continue;
        /* Named goals do not bring in what they depend on. */
        if (counts_as_passed(o) || (o == OUTCOME_NONE && goals_named(&j->goals)))
            continue;
        const char *id = plan_map_str(&j->plan, other->id);
        struct buf message = BUF_INIT;
        buf_adds(&message, "depends on ");
        text_escape(&message, id, strlen(id), SHOWN_OF_ID);
        buf_addf(&message, ", which %s", what_became(o));
        bool ok = job_verdict(j, test, fixture ? OUTCOME_ERROR : OUTCOME_SKIPPED, message.data, err);
        buf_release(&message);
        return ok ? 1 : -1;
    }
    return 0;
}

enum outcome job_journaled(const struct job *j, uint32_t test)
{
    int fd = open(j->journal_path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return OUTCOME_NONE;
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return OUTCOME_NONE;
    enum outcome found = OUTCOME_NONE;
    size_t pos = 0, torn = 0;
    struct record r;
    while (journal_parse(p, (size_t)st.st_size, &pos, &r, true, &torn))
        if (r.test == test && r.kind == RECORD_RESULT)
            found = r.outcome;
    munmap(p, (size_t)st.st_size);
    return found;
}
