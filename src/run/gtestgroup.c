#include "run/gtestgroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "run/gate.h"
#include "run/gtestprocess.h"
#include "run/signals.h"

/* FRUITLESS_MAX: so many processes in a row may end before a test of a suite begins, then the rest
 * of that suite does not run. */
enum { FILTER_MAX = 64 * 1024, FRUITLESS_MAX = 3, SHOWN_OF_NAME = 500 };

struct stretch {
    struct job *j;
    struct isolation *iso;
    int null;
    const uint32_t *tests;
    uint32_t n;
    bool *alone; /* of each: it is to have a process of its own */
    unsigned fruitless;
    uint32_t fruitless_at;
    struct error *err;
};

static bool same_list(const struct job *j, struct plan_list a, struct plan_list b, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++) {
        const char *s = plan_map_list_str(&j->plan, a, k), *t = plan_map_list_str(&j->plan, b, k);
        if (!s || !t || strcmp(s, t) != 0)
            return false;
    }
    return true;
}

/* Does the same start serve both? */
static bool same_program(const struct job *j, const struct plan_test *a, const struct plan_test *b)
{
    return a->format == b->format && a->command.n == b->command.n && a->command.n &&
           a->env.n == b->env.n &&
           strcmp(plan_map_str(&j->plan, a->cwd), plan_map_str(&j->plan, b->cwd)) == 0 &&
           same_list(j, a->command, b->command, a->command.n - 1) &&
           same_list(j, a->env, b->env, a->env.n);
}

uint32_t gtestgroup_length(const struct job *j, uint32_t k)
{
    const struct plan_test *t = job_test(j, j->tests[k]);
    uint32_t n = 1;
    if (t->format != FORMAT_GTEST || t->command.n < 2)
        return 0;
    while (n < j->n_tests - k && same_program(j, t, job_test(j, j->tests[k + n])))
        n++;
    return n;
}

static bool is_pending(const struct stretch *s, uint32_t k)
{
    return state_outcome(&s->j->state, s->tests[k]) == OUTCOME_NONE;
}

/* What the next process is to run, as indexes into the stretch; n is 0 when all have ended. */
static bool choose(struct stretch *s, uint32_t *chosen, uint32_t *n)
{
    struct job *j = s->j;
    size_t length = 0;
    *n = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        if (!is_pending(s, k))
            continue;
        int told = group_prevented(j, s->tests[k], s->err);
        if (told < 0)
            return false;
        if (told)
            continue;
        bool alone = s->alone[k] || state_attempts(&j->state, s->tests[k]);
        size_t len = strlen(gtest_name(j, s->tests[k])) + 1;
        /* Two copies of a test (--count) would be one test to the program. */
        bool other = *n && job_test(j, s->tests[k])->copy != job_test(j, s->tests[chosen[0]])->copy;
        if (*n && (alone || other || length + len > FILTER_MAX))
            continue;
        chosen[(*n)++] = k;
        length += len;
        if (alone)
            break;
    }
    return true;
}

static void init_process(struct stretch *s, struct gtest_process *p, const uint32_t *chosen,
                         uint32_t n)
{
    uint32_t *tests = xcalloc(n, sizeof *tests);
    for (uint32_t i = 0; i < n; i++)
        tests[i] = s->tests[chosen[i]];
    gtest_process_init(p, s->j, s->iso, s->null, tests, n, s->err);
    free(tests);
}

static size_t suite_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

/* A process ended before its first test, which is charged. Gives the rest of its suite up where
 * that goes on and on. */
static bool on_fruitless(struct stretch *s, struct gtest_process *p, const uint32_t *chosen)
{
    const char *name = p->names[0];
    size_t len = suite_length(name);
    const char *last = gtest_name(s->j, s->tests[s->fruitless_at]);
    bool same = s->fruitless && suite_length(last) == len && memcmp(last, name, len) == 0;
    s->fruitless = same ? s->fruitless + 1 : 1;
    s->fruitless_at = chosen[0];
    for (uint32_t k = 0; s->fruitless >= FRUITLESS_MAX && k < s->n; k++) {
        const char *other = gtest_name(s->j, s->tests[k]);
        if (!is_pending(s, k) || suite_length(other) != len || memcmp(other, name, len) != 0)
            continue;
        if (!job_verdict(s->j, s->tests[k], OUTCOME_ERROR,
                         "it did not run: its program ended several times before a test of this "
                         "suite began",
                         s->err))
            return false;
    }
    return true;
}

static bool void_result(struct stretch *s, uint32_t k)
{
    return state_outcome(&s->j->state, s->tests[k]) == OUTCOME_NONE ||
           job_void(s->j, s->tests[k], s->err);
}

/* Nothing that a process said counts. Each of its tests that began runs again, alone. */
static bool on_distrusted(struct stretch *s, const struct gtest_process *p, const uint32_t *chosen)
{
    uint32_t again = 0;
    bool ok = true;
    for (uint32_t i = 0; i < p->n && ok; i++) {
        bool begun = p->reader.came_out[i] != OUTCOME_NONE || p->reader.current == i;
        if (!begun)
            continue;
        if (p->reader.current == i || (p->holds && p->held.test == p->tests[i]))
            job_abandon(s->j, p->tests[i]);
        else
            ok = void_result(s, chosen[i]);
        s->alone[chosen[i]] = true;
        again++;
    }
    const char *program = plan_map_list_str(&s->j->plan, job_test(s->j, s->tests[0])->command, 0);
    struct buf note = BUF_INIT;
    text_escape(&note, program, strlen(program), SHOWN_OF_NAME);
    buf_addf(&note, ": its output contradicts itself, or it ended before Google Test did; %" PRIu32
                    " of its tests ran again, each alone", again);
    ok = ok && job_note(s->j, note.data, s->err);
    buf_release(&note);
    return ok;
}

static enum gtest_end run_alone(struct stretch *s, uint32_t k)
{
    struct gtest_process p;
    s->alone[k] = true;
    init_process(s, &p, &k, 1);
    enum gtest_end end = gtest_process_run(&p);
    gtest_process_release(&p);
    return end;
}

/* Runs those that ended before the crash again. *guilty: one of them fails now that did not. */
static enum gtest_end look_for_culprit(struct stretch *s, const struct gtest_process *p,
                                       const uint32_t *chosen, bool *guilty)
{
    enum gtest_end end = GTEST_SETTLED;
    for (uint32_t i = 0; i < p->n && end < GTEST_STOPPED && !*guilty; i++) {
        enum outcome before = p->reader.came_out[i];
        if (before == OUTCOME_NONE)
            continue;
        if (!void_result(s, chosen[i]))
            return GTEST_BROKEN;
        end = run_alone(s, chosen[i]);
        *guilty = outcome_is_failure(state_outcome(&s->j->state, p->tests[i])) &&
                  !outcome_is_failure(before);
    }
    return end;
}

/* A process ended while, as its output has it, a test ran that was not its first. That may be
 * forged: if the test does not crash alone, and one of those before it does, then it was that one. */
static enum gtest_end on_crash(struct stretch *s, struct gtest_process *p, const uint32_t *chosen)
{
    size_t at = p->reader.current;
    uint32_t k = chosen[at];
    bool guilty = false;
    job_abandon(s->j, p->tests[at]);
    enum gtest_end end = run_alone(s, k);
    enum outcome o = state_outcome(&s->j->state, p->tests[at]);
    if (end >= GTEST_STOPPED || o == OUTCOME_NONE || outcome_is_failure(o))
        return end;
    end = look_for_culprit(s, p, chosen, &guilty);
    if (guilty || end >= GTEST_STOPPED)
        return end;
    if (!void_result(s, k))
        return GTEST_BROKEN;
    p->crash.fields = (const unsigned char *)p->fields.data;
    p->crash.fields_len = p->fields.len;
    job_reconsider(s->j, &p->crash);
    return job_record(s->j, &p->crash, s->err) ? GTEST_SETTLED : GTEST_BROKEN;
}

static enum gtest_end run_process(struct stretch *s, const uint32_t *chosen, uint32_t n)
{
    struct gtest_process p;
    init_process(s, &p, chosen, n);
    enum gtest_end end = gtest_process_run(&p);
    bool ok = true;
    if (end == GTEST_FRUITLESS)
        ok = on_fruitless(s, &p, chosen);
    else if (p.reader.n_ended)
        s->fruitless = 0;
    if (end == GTEST_DISTRUSTED)
        ok = on_distrusted(s, &p, chosen);
    else if (end == GTEST_CRASHED)
        end = on_crash(s, &p, chosen);
    for (uint32_t i = 0; end == GTEST_LEFT_OUT && i < n; i++)
        s->alone[chosen[i]] = s->alone[chosen[i]] || p.reader.came_out[i] == OUTCOME_NONE;
    gtest_process_release(&p);
    return ok ? end : GTEST_BROKEN;
}

enum group_end gtestgroup_run(struct job *j, struct isolation *iso, int null,
                              const uint32_t *tests, uint32_t n, struct error *err)
{
    struct stretch s = {.j = j, .iso = iso, .null = null, .tests = tests, .n = n, .err = err};
    uint32_t *chosen = xcalloc(n, sizeof *chosen), count = 0;
    enum group_end end = GROUP_DONE;
    s.alone = xcalloc(n, sizeof *s.alone);
    while (end == GROUP_DONE && atomic_load(&j->state.run->stop) == STOP_NO) {
        if (!choose(&s, chosen, &count)) {
            end = GROUP_BROKEN;
            break;
        }
        if (!count)
            break;
        if (state_attempts(&j->state, tests[chosen[0]]))
            end = group_wait_for_rerun(j);
        if (end != GROUP_DONE)
            break;
        int pass;
        if (!gate_wait(j, &pass, err)) {
            end = err->msg ? GROUP_BROKEN : signals_stop() ? GROUP_STOPPED : GROUP_DONE;
            break;
        }
        if (pass >= 0) /* its first test begins at once */
            close(pass);
        enum gtest_end how = run_process(&s, chosen, count);
        signals_poll(NULL, 0, 0);
        end = how == GTEST_BROKEN ? GROUP_BROKEN : signals_stop() ? GROUP_STOPPED : GROUP_DONE;
    }
    free(s.alone);
    free(chosen);
    return end;
}
