/* run/affinity: which group a worker slot takes where several workers have collected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "run/affinity.h"
#include "sharedrun.h"

enum { SLOTS = 3, GROUPS = 600 };

/* Shared memory with a state, and room to count how often each group was taken. */
struct shared {
    struct run_state run;
    struct slot_state slots[SLOTS];
    _Atomic unsigned char taken[GROUPS];
    _Atomic uint32_t count[GROUPS];
};

/* A plan file with groups and nothing else. */
struct file {
    struct plan_head head;
    struct plan_group groups[GROUPS];
};

struct fixture {
    struct sharedrun run;
    struct shared *shared;
    struct file file;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    sharedrun_open(&f->run, sizeof *f->shared, SLOTS, &f->file.head, sizeof f->file);
    f->shared = f->run.memory;
    f->shared->run.n_tests = GROUPS;
    f->run.state.taken = f->shared->taken;
    f->file.head.off_groups = offsetof(struct file, groups);
    *state = f;
    return 0;
}

/* Adds a free group of phase 0. */
static void add(struct fixture *f, uint32_t collector, uint32_t ms, uint32_t unknown)
{
    f->file.groups[f->file.head.n_groups++] = (struct plan_group){.flags = PLAN_FREE,
                                                                  .collector = collector,
                                                                  .expected_ms = ms,
                                                                  .n_unknown = unknown};
    if (collector > f->file.head.n_collectors)
        f->file.head.n_collectors = collector;
}

static void expect(struct fixture *f, uint32_t slot, enum affinity want, uint32_t what)
{
    uint32_t group = UINT32_MAX, collector = UINT32_MAX;
    assert_int_equal(affinity_take(&f->run.state, &f->run.map, slot, 0, 0, &group, &collector), want);
    if (want == AFFINITY_TAKEN)
        assert_int_equal(group, what);
    else if (want == AFFINITY_ELSEWHERE)
        assert_int_equal(collector, what);
}

/* The time that has passed, as if so many tests had ended in it on all slots together. */
static void set_pace(struct fixture *f, uint32_t ms_per_test, uint32_t ended)
{
    uint64_t passed = (uint64_t)ms_per_test * ended / SLOTS;
    atomic_store(&f->shared->run.began_ns, 1);
    affinity_reset(&f->run.state);
    assert_int_equal(atomic_load(&f->shared->run.began_ns), 1);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    atomic_store(&f->shared->run.began_ns, ns - passed * 1000000);
    atomic_store(&f->shared->run.ended, ended);
}

static void test_own_groups_in_the_order_of_the_plan(void **state)
{
    struct fixture *f = *state;
    add(f, 2, 900, 0);
    add(f, 1, 800, 0);
    add(f, 0, 700, 0); /* any worker has it */
    add(f, 1, 600, 0);
    add(f, 1, 500, 0);
    f->file.groups[4].flags = 0; /* it is its recipe's own */
    add(f, 1, 400, 0);
    f->file.groups[5].phase = 1;
    affinity_reset(&f->run.state);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 0), 1);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 2), 1);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, SLOTS), 0);
    expect(f, 0, AFFINITY_TAKEN, 1);
    expect(f, 1, AFFINITY_TAKEN, 0);
    expect(f, 2, AFFINITY_TAKEN, 2);
    expect(f, 2, AFFINITY_TAKEN, 3);
    expect(f, 0, AFFINITY_NONE, 0);
    expect(f, SLOTS, AFFINITY_NONE, 0);
    uint32_t group, collector;
    assert_int_equal(affinity_take(&f->run.state, &f->run.map, 1, 1, 0, &group, &collector),
                     AFFINITY_TAKEN);
    assert_int_equal(group, 5);
    affinity_reset(&f->run.state);
    expect(f, 1, AFFINITY_TAKEN, 0);
}

static void test_where_one_process_has_collected_all_are_alike(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0, 1);
    add(f, 0, 0, 1);
    affinity_reset(&f->run.state);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 1), 0);
    affinity_follow(&f->run.state, &f->run.map, 1, 0);
    expect(f, 1, AFFINITY_TAKEN, 0);
    expect(f, 0, AFFINITY_TAKEN, 1);
    expect(f, 0, AFFINITY_NONE, 0);
}

static void test_a_worker_is_changed_if_that_gains_more_than_it_costs(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 100, 0);
    add(f, 2, 200, 0);
    add(f, 2, 300, 0);
    affinity_reset(&f->run.state);
    affinity_follow(&f->run.state, &f->run.map, 2, 2);
    affinity_follow(&f->run.state, &f->run.map, 0, 1);
    expect(f, 0, AFFINITY_TAKEN, 0);
    /* Two slots serve it: 500/2 - 500/3 is more than what a change costs ... */
    expect(f, 0, AFFINITY_TAKEN, 1);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 0), 2);
    affinity_reset(&f->run.state);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 0), 1);
    expect(f, 0, AFFINITY_TAKEN, 0);
    /* ... but not where fixtures have to be set up anew. */
    atomic_store(&f->shared->run.wide_ms, 200);
    expect(f, 0, AFFINITY_ELSEWHERE, 2);
    expect(f, 1, AFFINITY_TAKEN, 1);
    expect(f, 0, AFFINITY_ELSEWHERE, 2);
    expect(f, 1, AFFINITY_TAKEN, 2);
    expect(f, 0, AFFINITY_NONE, 0);
}

static void test_what_it_costs_to_collect_files_again_counts(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 100, 0);
    for (int i = 0; i < 3; i++)
        add(f, 2, 300, 0);
    affinity_reset(&f->run.state);
    atomic_store(&f->shared->run.share_ms, 400);
    affinity_follow(&f->run.state, &f->run.map, 2, 1);
    expect(f, 0, AFFINITY_TAKEN, 0);
    /* Of 900 ms a second slot would save 450. */
    expect(f, 0, AFFINITY_ELSEWHERE, 2);
    atomic_store(&f->shared->run.share_ms, 380);
    expect(f, 0, AFFINITY_TAKEN, 1);
}

static void test_times_that_are_not_known_are_guessed(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 0, 2);
    add(f, 2, 0, 10);
    set_pace(f, 20, 300);
    expect(f, 0, AFFINITY_TAKEN, 0);
    expect(f, 0, AFFINITY_ELSEWHERE, 2); /* about 200 ms */
    set_pace(f, 600, 15);
    expect(f, 0, AFFINITY_TAKEN, 0);
    expect(f, 0, AFFINITY_TAKEN, 1); /* about 6 s */
    /* As long as none has ended, all that is known is that they take longer. */
    set_pace(f, 0, 0);
    expect(f, 0, AFFINITY_TAKEN, 0);
    atomic_store(&f->shared->run.wide_ms, 1000);
    expect(f, 0, AFFINITY_ELSEWHERE, 2);
    atomic_fetch_sub(&f->shared->run.began_ns, (uint64_t)4000 * 1000000);
    expect(f, 0, AFFINITY_TAKEN, 1);
}

static void test_files_that_no_slot_serves_any_more_are_taken_in_any_case(void **state)
{
    struct fixture *f = *state;
    for (uint32_t collector = 1; collector <= 3; collector++)
        add(f, collector, 1, 0);
    affinity_reset(&f->run.state);
    affinity_follow(&f->run.state, &f->run.map, 1, 3);
    expect(f, 0, AFFINITY_TAKEN, 0);
    expect(f, 0, AFFINITY_TAKEN, 1);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 0), 2);
    expect(f, 0, AFFINITY_ELSEWHERE, 3);
}

/* What the history says of a test that hangs now, or waits for one of another file, is not true. */
static void test_patience_ends(void **state)
{
    struct fixture *f = *state;
    uint32_t group, collector;
    add(f, 1, 10, 0);
    add(f, 1, 10, 0);
    add(f, 2, 10, 0);
    atomic_store(&f->shared->run.wide_ms, 100);
    affinity_reset(&f->run.state);
    expect(f, 0, AFFINITY_TAKEN, 0);
    expect(f, 1, AFFINITY_TAKEN, 2);
    assert_int_equal(affinity_take(&f->run.state, &f->run.map, 1, 0, AFFINITY_PATIENCE_MS + 199,
                                   &group, &collector),
                     AFFINITY_ELSEWHERE);
    assert_int_equal(affinity_take(&f->run.state, &f->run.map, 1, 0, AFFINITY_PATIENCE_MS + 200,
                                   &group, &collector),
                     AFFINITY_TAKEN);
    assert_int_equal(group, 1);
    assert_int_equal(affinity_serves(&f->run.state, &f->run.map, 1), 1);
}

static void take_all(void *ctx, uint32_t slot)
{
    struct fixture *f = ctx;
    uint32_t group, collector;
    enum affinity found;
    while ((found = affinity_take(&f->run.state, &f->run.map, slot, 0, 0, &group, &collector)) !=
           AFFINITY_NONE)
        if (found == AFFINITY_TAKEN)
            atomic_fetch_add(&f->shared->count[group], 1);
}

static void test_each_group_is_taken_once(void **state)
{
    struct fixture *f = *state;
    for (uint32_t g = 0; g < GROUPS; g++)
        add(f, g % 4, g % 7 == 0 ? 1000 : 1, 0);
    affinity_reset(&f->run.state);
    sharedrun_fork(SLOTS, take_all, f);
    for (uint32_t g = 0; g < GROUPS; g++)
        assert_int_equal(f->shared->count[g], 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, sharedrun_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_own_groups_in_the_order_of_the_plan),
        CASE(test_where_one_process_has_collected_all_are_alike),
        CASE(test_a_worker_is_changed_if_that_gains_more_than_it_costs),
        CASE(test_what_it_costs_to_collect_files_again_counts),
        CASE(test_times_that_are_not_known_are_guessed),
        CASE(test_files_that_no_slot_serves_any_more_are_taken_in_any_case),
        CASE(test_patience_ends),
        CASE(test_each_group_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
