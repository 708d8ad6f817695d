/* run/queue: the queues that workers share under --dist worksteal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/queue.h"

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
    struct shared *shared;
    struct state state;
    struct file file;
    struct plan_map map;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->shared = mmap(NULL, sizeof *f->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
    if (f->shared == MAP_FAILED)
        return -1;
    f->shared->run.n_slots = SLOTS;
    f->state = (struct state){.run = &f->shared->run, .slots = f->shared->slots};
    f->file.head.n_queued = GROUPS;
    f->file.head.queues = (struct plan_list){offsetof(struct file, bounds), SLOTS + 1};
    uint32_t bounds[] = {0, 100, 100, 1000, GROUPS};
    memcpy(f->file.bounds, bounds, sizeof bounds);
    f->map = (struct plan_map){(const unsigned char *)&f->file, sizeof f->file, &f->file.head};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    munmap(f->shared, sizeof *f->shared);
    free(f);
    return 0;
}

static void expect_next(struct fixture *f, uint32_t slot, uint32_t want_first, uint32_t want_n)
{
    uint32_t first, n;
    assert_true(queue_take(&f->state, slot, true, &first, &n));
    assert_int_equal(first, want_first);
    assert_int_equal(n, want_n);
}

static void test_own_queue_first(void **state)
{
    struct fixture *f = *state;
    queue_fill(&f->state, &f->map);
    assert_false(queue_empty(&f->state));
    expect_next(f, 0, 0, 12); /* 100 / 8 */
    expect_next(f, 0, 12, 11);
    expect_next(f, 3, 1000, 64); /* at most */
}

static void test_the_longest_queue_is_halved(void **state)
{
    struct fixture *f = *state;
    queue_fill(&f->state, &f->map);
    expect_next(f, 1, 3000, 64); /* of 1000 … 5000 */
    expect_next(f, 3, 1000, 64);
    expect_next(f, 1, 3064, 64);
}

static void test_without_stealing_a_queue_is_its_slots_own(void **state)
{
    struct fixture *f = *state;
    uint32_t first, n, sum = 0;
    queue_fill(&f->state, &f->map);
    assert_false(queue_take(&f->state, 1, false, &first, &n));
    while (queue_take(&f->state, 2, false, &first, &n))
        sum += n;
    assert_int_equal(sum, 900);
    assert_int_equal(queue_length(&f->state, 0), 100);
    assert_int_equal(queue_length(&f->state, 2), 0);
    assert_int_equal(queue_length(&f->state, 3), 4000);
}

static void test_the_last_group_is_taken(void **state)
{
    struct fixture *f = *state;
    uint32_t first, n;
    f->file.head.n_queued = 1;
    f->file.head.queues.n = 0;
    queue_fill(&f->state, &f->map);
    expect_next(f, 1, 0, 1);
    assert_false(queue_take(&f->state, 1, true, &first, &n));
    assert_true(queue_empty(&f->state));
    f->file.head.n_queued = 0;
    queue_fill(&f->state, &f->map);
    assert_true(queue_empty(&f->state));
}

/* A run by make alone may have another -jN than the plan. */
static void test_other_numbers_of_slots_get_equal_parts(void **state)
{
    struct fixture *f = *state;
    f->file.head.queues.n = 3;
    f->file.head.n_queued = 10;
    queue_fill(&f->state, &f->map);
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
    queue_fill(&f->state, &f->map);
    while (queue_take(&f->state, 2, true, &first, &n)) {
        assert_true(first + n <= GROUPS);
        sum += n;
    }
    assert_true(sum <= 2 * GROUPS);
    assert_false(queue_take(&f->state, SLOTS, true, &first, &n));
}

static void work(struct fixture *f, uint32_t slot)
{
    uint32_t first, n;
    while (queue_take(&f->state, slot, true, &first, &n)) {
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
        queue_fill(&f->state, &f->map);
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            if (fork() == 0) {
                work(f, slot);
                _exit(0);
            }
        int status;
        while (wait(&status) > 0)
            assert_int_equal(status, 0);
        for (uint32_t i = 0; i < GROUPS; i++)
            assert_int_equal(f->shared->taken[i], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_queue_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_longest_queue_is_halved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_stealing_a_queue_is_its_slots_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_group_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_numbers_of_slots_get_equal_parts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_of_a_torn_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_group_once_whoever_takes_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
