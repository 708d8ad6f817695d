/* run/queue: the queues that workers share under --dist worksteal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/queue.h"
#include "sharedrun.h"

enum { SLOTS = 4, GROUPS = 5000 };

/* Shared memory with a state of SLOTS slots, and room to count how often each group was taken. */
struct shared {
    struct run_state run;
    struct slot_state slots[SLOTS];
    _Atomic uint32_t taken[GROUPS];
    _Atomic uint32_t by[SLOTS];
};

/* A plan file with queues and nothing else. */
struct file {
    struct plan_head head;
    uint32_t bounds[SLOTS + 1];
};

struct fixture {
    struct sharedrun run;
    struct shared *shared;
    struct file file;
};

static int set_up(void **state)
{
    static const uint32_t bounds[] = {0, 100, 100, 1000, GROUPS};
    struct fixture *f = calloc(1, sizeof *f);
    sharedrun_open(&f->run, sizeof *f->shared, SLOTS, &f->file.head, sizeof f->file);
    f->shared = f->run.memory;
    f->file.head.n_queued = GROUPS;
    f->file.head.queues = (struct plan_list){offsetof(struct file, bounds), SLOTS + 1};
    memcpy(f->file.bounds, bounds, sizeof bounds);
    *state = f;
    return 0;
}

static void expect_next(struct fixture *f, uint32_t slot, uint32_t want_first, uint32_t want_n)
{
    uint32_t first, n;
    assert_true(queue_take(&f->run.state, slot, true, &first, &n));
    assert_int_equal(first, want_first);
    assert_int_equal(n, want_n);
}

static void test_own_queue_first(void **state)
{
    struct fixture *f = *state;
    queue_fill(&f->run.state, &f->run.map);
    assert_false(queue_empty(&f->run.state));
    expect_next(f, 0, 0, 12); /* 100 / 8 */
    expect_next(f, 0, 12, 11);
    expect_next(f, 3, 1000, 64); /* at most */
}

static void test_the_longest_queue_is_halved(void **state)
{
    struct fixture *f = *state;
    queue_fill(&f->run.state, &f->run.map);
    expect_next(f, 1, 3000, 64); /* of 1000 … 5000 */
    expect_next(f, 3, 1000, 64);
    expect_next(f, 1, 3064, 64);
}

static void test_without_stealing_a_queue_is_its_slots_own(void **state)
{
    struct fixture *f = *state;
    uint32_t first, n, sum = 0;
    queue_fill(&f->run.state, &f->run.map);
    assert_false(queue_take(&f->run.state, 1, false, &first, &n));
    while (queue_take(&f->run.state, 2, false, &first, &n))
        sum += n;
    assert_int_equal(sum, 900);
    assert_int_equal(queue_length(&f->run.state, 0), 100);
    assert_int_equal(queue_length(&f->run.state, 2), 0);
    assert_int_equal(queue_length(&f->run.state, 3), 4000);
}

static void test_the_last_group_is_taken(void **state)
{
    struct fixture *f = *state;
    uint32_t first, n;
    f->file.head.n_queued = 1;
    f->file.head.queues.n = 0;
    queue_fill(&f->run.state, &f->run.map);
    expect_next(f, 1, 0, 1);
    assert_false(queue_take(&f->run.state, 1, true, &first, &n));
    assert_true(queue_empty(&f->run.state));
    f->file.head.n_queued = 0;
    queue_fill(&f->run.state, &f->run.map);
    assert_true(queue_empty(&f->run.state));
}

/* A run by make alone may have another -jN than the plan. */
static void test_other_numbers_of_slots_get_equal_parts(void **state)
{
    struct fixture *f = *state;
    f->file.head.queues.n = 3;
    f->file.head.n_queued = 10;
    queue_fill(&f->run.state, &f->run.map);
    expect_next(f, 0, 0, 1);
    expect_next(f, 1, 2, 1);
    expect_next(f, 2, 5, 1);
    expect_next(f, 3, 7, 1);
}

static void test_numbers_of_a_torn_plan(void **state)
{
    struct fixture *f = *state;
    uint32_t bounds[] = {7, 3, UINT32_MAX, 0, UINT32_MAX}, first, n, sum = 0;
    memcpy(f->file.bounds, bounds, sizeof bounds);
    queue_fill(&f->run.state, &f->run.map);
    while (queue_take(&f->run.state, 2, true, &first, &n)) {
        assert_true(first + n <= GROUPS);
        sum += n;
    }
    assert_true(sum <= 2 * GROUPS);
    assert_false(queue_take(&f->run.state, SLOTS, true, &first, &n));
}

static void work(void *ctx, uint32_t slot)
{
    struct fixture *f = ctx;
    uint32_t first, n;
    while (queue_take(&f->run.state, slot, true, &first, &n)) {
        atomic_fetch_add(&f->shared->by[slot], n);
        for (uint32_t i = first; i < first + n; i++)
            atomic_fetch_add(&f->shared->taken[i], 1);
    }
}

static void test_every_group_once_whoever_takes_it(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 20; round++) {
        memset((void *)f->shared->taken, 0, sizeof f->shared->taken);
        queue_fill(&f->run.state, &f->run.map);
        sharedrun_fork(SLOTS, work, f);
        for (uint32_t i = 0; i < GROUPS; i++)
            assert_int_equal(f->shared->taken[i], 1);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, sharedrun_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_own_queue_first),
        CASE(test_the_longest_queue_is_halved),
        CASE(test_without_stealing_a_queue_is_its_slots_own),
        CASE(test_the_last_group_is_taken),
        CASE(test_other_numbers_of_slots_get_equal_parts),
        CASE(test_numbers_of_a_torn_plan),
        CASE(test_every_group_once_whoever_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
