/* The plan file: what plan_write_file writes is what rowlock-exec reads, and no file whatever
 * makes the reader crash. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "plan/planfile.h"
#include "plantest.h"

struct fixture {
    char *dir;
    struct manifest m;
    struct plan_settings s;
    char *huge;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->dir = plantest_enter();
    manifest_init(&f->m);
    f->s = plantest_settings();
    f->huge = xmalloc(65537);
    memset(f->huge, 'x', 65536);
    f->huge[65536] = '\0';
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    manifest_release(&f->m);
    plantest_leave(f->dir);
    free(f->huge);
    free(f);
    return 0;
}

static void write_plan(struct fixture *f, const size_t *selected, size_t n)
{
    struct plan p;
    struct error err = ERROR_INIT;
    if (!plan_make(&p, &f->m, selected, n, &f->s, &err) || !plan_write_file(&p, "plan", &err))
        fail_msg("%s", err.msg);
    plan_release(&p);
}

static void open_plan(struct plan_map *map)
{
    struct error err = ERROR_INIT;
    if (!plan_map_open(map, "plan", &err))
        fail_msg("%s", err.msg);
}

static void check_list(const struct plan_map *map, struct plan_list l, const char *const *want)
{
    uint64_t k = 0;
    for (; want[k]; k++)
        assert_string_equal(plan_map_list_str(map, l, k), want[k]);
    assert_null(plan_map_list_str(map, l, k));
    assert_int_equal(l.n, k);
}
#define LIST(map, l, ...) check_list(map, l, (const char *const[]){__VA_ARGS__, NULL})

static void make_example(struct fixture *f)
{
    static const struct marker_timeout timeouts[] = {{(char *)"net", 7}, {(char *)"slow", 9}};
    static char *env[] = {"A=b=c", "L=\n", NULL};
    static char *zygote[] = {"python3", "zygote.py", "", NULL};
    ADD(&f->m, "first", "command=./a", "command=", "command=$(x)\xff", "cwd=sub", "suite=s",
        "marker=m", "marker=slow", "timeout=1.5", "locks=b", "locks=a");
    f->m.tests[0].env = env;
    ADD(&f->m, "not selected", "tap");
    ADD(&f->m, f->huge, "tap", "serial", "weight=3", "depends=first", "depends=not selected");
    ADD(&f->m, "p.py::t", "scope=p.py", "group=g", "suite=py", "marker=slow", "marker=net");
    f->s.timeouts = timeouts;
    f->s.n_timeouts = 2;
    f->s.n_slots = 3;
    f->s.maxfail = 7;
    f->s.timeout = 60;
    f->s.run_timeout = 900;
    f->s.grace = 0.25;
    f->s.output_limit = 1234;
    f->s.forked = true;
    f->s.zygote = zygote;
    write_plan(f, (const size_t[]){0, 2, 3}, 3);
}

static void test_head(void **state)
{
    struct plan_map map;
    make_example(*state);
    open_plan(&map);
    const struct plan_head *h = map.head;
    assert_int_equal(h->n_tests, 3);
    assert_int_equal(h->n_groups, 3);
    assert_int_equal(h->n_members, 3);
    assert_int_equal(h->n_slots, 3);
    assert_int_equal(h->flags, PLAN_FORKED | PLAN_HEAVY);
    assert_int_equal(h->maxfail, 7);
    assert_int_equal(h->output_limit, 1234);
    assert_int_equal(h->grace_ms, 250);
    assert_int_equal(h->run_timeout_ms, 900000);
    assert_string_equal(plan_map_str(&map, h->run_id), "20240102-030405-67");
    assert_string_equal(plan_map_str(&map, h->root), "/nowhere");
    assert_string_equal(plan_map_str(&map, h->env_prefix), "FQCN");
    assert_string_equal(plan_map_str(&map, h->program), "/nowhere/rowlock");
    LIST(&map, h->zygote, "python3", "zygote.py", "");
    plan_map_close(&map);
}

static void test_tests(void **state)
{
    struct fixture *f = *state;
    struct plan_map map;
    make_example(f);
    open_plan(&map);
    const struct plan_test *t = plan_map_test(&map, 0);
    assert_string_equal(plan_map_str(&map, t->id), "first");
    assert_string_equal(plan_map_str(&map, t->suite), "s");
    assert_string_equal(plan_map_str(&map, t->cwd), "sub");
    LIST(&map, t->command, "./a", "", "$(x)\xff");
    LIST(&map, t->env, "A=b=c", "L=\n");
    LIST(&map, t->locks, "a", "b");
    LIST(&map, t->markers, "m", "slow");
    assert_int_equal(t->depends.n, 0);
    assert_int_equal(t->format, FORMAT_EXEC);
    assert_int_equal(t->flags, 0);
    assert_int_equal(t->timeout_ms, 1500);
    t = plan_map_test(&map, 1);
    assert_string_equal(plan_map_str(&map, t->id), f->huge);
    assert_string_equal(plan_map_str(&map, t->cwd), "");
    assert_int_equal(t->env.n, 0);
    assert_int_equal(t->depends.n, 1);
    assert_int_equal(plan_map_list_u32(&map, t->depends, 0), 0);
    assert_int_equal(plan_map_list_u32(&map, t->depends, 1), UINT32_MAX);
    assert_int_equal(t->format, FORMAT_TAP);
    assert_int_equal(t->flags, PLAN_SERIAL);
    assert_int_equal(t->weight, 3);
    assert_int_equal(t->timeout_ms, 60000);
    t = plan_map_test(&map, 2);
    assert_int_equal(t->format, FORMAT_PYTEST);
    assert_int_equal(t->command.n, 0);
    assert_int_equal(t->timeout_ms, 7000);
    LIST(&map, t->locks, "xdist_group:g");
    assert_null(plan_map_test(&map, 3));
    plan_map_close(&map);
}

static void test_groups(void **state)
{
    struct plan_map map;
    make_example(*state);
    open_plan(&map);
    for (uint32_t g = 0; g < 3; g++) {
        const struct plan_group *group = plan_map_group(&map, g);
        assert_int_equal(group->count, 1);
        uint32_t i = plan_map_member(&map, group, 0);
        const struct plan_test *t = plan_map_test(&map, i);
        assert_int_equal(t->group, g);
        assert_int_equal(t->format, group->format);
        assert_int_equal(t->flags, group->flags);
        assert_int_equal(t->weight, group->weight);
        assert_int_equal(group->phase, i == 1);
        assert_int_equal(plan_map_member(&map, group, 1), UINT32_MAX);
    }
    assert_null(plan_map_group(&map, 3));
    plan_map_close(&map);
}

static void test_what_lies_outside_is_empty(void **state)
{
    struct plan_map map;
    make_example(*state);
    open_plan(&map);
    struct plan_str id = plan_map_test(&map, 0)->id;
    assert_string_equal(plan_map_str(&map, id), "first");
    struct plan_str cut = {id.off, id.len - 1}, late = {map.size - 1, 1}, far = {UINT64_MAX, 2};
    struct plan_str whole = {0, map.size}, beyond = {map.size, 0};
    assert_string_equal(plan_map_str(&map, cut), "");
    assert_string_equal(plan_map_str(&map, late), "");
    assert_string_equal(plan_map_str(&map, far), "");
    assert_string_equal(plan_map_str(&map, whole), "");
    assert_string_equal(plan_map_str(&map, beyond), "");
    struct plan_list list = plan_map_test(&map, 0)->command;
    /* As many as make the size of the list wrap around to 0. */
    struct plan_list wrapped = {list.off, UINT64_C(1) << 60}, longer = {list.off, map.size};
    assert_null(plan_map_list_str(&map, wrapped, 0));
    assert_null(plan_map_list_str(&map, longer, 0));
    wrapped.n = UINT64_C(1) << 62;
    assert_int_equal(plan_map_list_u32(&map, wrapped, 0), UINT32_MAX);
    assert_int_equal(plan_map_list_u32(&map, longer, 0), UINT32_MAX);
    plan_map_close(&map);
}

static void test_an_empty_plan(void **state)
{
    struct fixture *f = *state;
    struct plan_map map;
    f->s.sequential = true;
    write_plan(f, NULL, 0);
    open_plan(&map);
    assert_int_equal(map.head->n_tests, 0);
    assert_int_equal(map.head->flags, PLAN_SEQUENTIAL);
    assert_null(plan_map_test(&map, 0));
    assert_null(plan_map_group(&map, 0));
    plan_map_close(&map);
}

/* Bytes that are read, so that no access is optimized away. */
static size_t touched;

static void touch_list(const struct plan_map *map, struct plan_list l)
{
    for (uint64_t k = 0; k < 4; k++) {
        const char *s = plan_map_list_str(map, l, k);
        touched += s ? strlen(s) : plan_map_list_u32(map, l, k) & 1;
    }
    touched += plan_map_list_u32(map, l, UINT64_MAX / 4) & 1;
}

/* Reads all there is to read. */
static void touch_all(const struct plan_map *map)
{
    touched += strlen(plan_map_str(map, map->head->root));
    touch_list(map, map->head->zygote);
    for (uint32_t i = 0; i < 8; i++) {
        const struct plan_test *t = plan_map_test(map, i);
        const struct plan_group *g = plan_map_group(map, i);
        if (t) {
            touched += strlen(plan_map_str(map, t->id)) + strlen(plan_map_str(map, t->cwd));
            touch_list(map, t->command);
            touch_list(map, t->depends);
        }
        for (uint32_t k = 0; g && k < 8; k++)
            touched += plan_map_member(map, g, k) & 1;
        if (g)
            touched += plan_map_member(map, g, UINT32_MAX - 1) & 1;
    }
}

/* Overwrites the file in place: some file systems wait for the disk when one is emptied or
 * replaced, and this is done thousands of times. */
static void put_file(const char *data, size_t len)
{
    int fd = open("damaged", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, data, len), 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(close(fd), 0);
}

static bool open_damaged(void)
{
    struct plan_map map;
    struct error err = ERROR_INIT;
    bool ok = plan_map_open(&map, "damaged", &err);
    if (ok) {
        touch_all(&map);
        plan_map_close(&map);
    } else {
        assert_int_equal(err.code, EXIT_INTERNAL);
        assert_non_null(strstr(err.msg, "damaged: "));
        error_release(&err);
    }
    return ok;
}

static void read_plan(struct buf *b)
{
    struct error err = ERROR_INIT;
    if (!file_read("plan", b, &err))
        fail_msg("%s", err.msg);
}

static void test_truncated_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct buf b = BUF_INIT;
    f->huge[300] = '\0';
    make_example(f);
    read_plan(&b);
    put_file(b.data, b.len);
    assert_true(open_damaged());
    for (size_t n = b.len; n-- > 0;) {
        assert_int_equal(truncate("damaged", (off_t)n), 0);
        assert_false(open_damaged());
    }
    buf_add(&b, "x", 1);
    put_file(b.data, b.len);
    assert_false(open_damaged());
    assert_int_equal(unlink("damaged"), 0);
    assert_false(open_damaged());
    struct error err = ERROR_INIT;
    struct plan_map map;
    assert_false(plan_map_open(&map, ".", &err));
    error_release(&err);
    buf_release(&b);
}

static void test_damaged_files_do_no_harm(void **state)
{
    struct fixture *f = *state;
    struct buf b = BUF_INIT;
    static const uint64_t values[] = {0, 1, 7, 0xffffffffu, UINT64_MAX, UINT64_MAX - 7, 1u << 20};
    uint64_t seed = 99;
    f->huge[300] = '\0';
    make_example(f);
    read_plan(&b);
    int opened = 0;
    for (int round = 0; round < 2000; round++) {
        char *copy = xmemdup0(b.data, b.len);
        size_t at = plantest_below(&seed, (uint32_t)(b.len / 8)) * 8;
        uint64_t v = plantest_below(&seed, 2) ? values[plantest_below(&seed, 7)]
                                              : plantest_below(&seed, (uint32_t)b.len + 16);
        memcpy(copy + at, &v, plantest_below(&seed, 2) ? 8 : 4);
        put_file(copy, b.len);
        opened += open_damaged();
        free(copy);
    }
    assert_in_range(opened, 500, 1999);
    buf_release(&b);
}

static void test_an_unwritable_folder_is_said(void **state)
{
    struct fixture *f = *state;
    struct plan p;
    struct error err = ERROR_INIT;
    plantest_plan(&p, &f->m, &f->s);
    assert_false(plan_write_file(&p, "no/such/folder/plan", &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_false(plan_write_makefile(&p, "no/such/folder/tests.mk", &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    error_release(&err);
    plan_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_lies_outside_is_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unwritable_folder_is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("planfile", tests, NULL, NULL);
}
