/* command/slow: when a test that runs is named, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "command/slow.h"
#include "report_fixture.h"

#define SECOND 1000000000u

static void test_first(void **state)
{
    (void)state;
    static const struct {
        double limit;
        uint32_t usual_ms;
        double first;
    } cases[] = {
        {60, 0, 60},       /* nothing is known */
        {60, 5000, 25},    /* five times as long as ever */
        {60, 11900, 59.5}, {60, 12000, 60},  {60, 29000, 60},
        {60, 1, 10},       /* a short one has some time */
        {60, 31000, 62},   {60, 600000, 1200}, /* it is long anyway */
        {0.5, 0, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double first = slow_first(cases[i].limit, cases[i].usual_ms);
        assert_true(first > cases[i].first - 0.001 && first < cases[i].first + 0.001);
    }
}

static void expect(struct slow *s, const struct fixture *f, const struct state *state, double now,
                   const char *lines)
{
    struct buf b = BUF_INIT;
    slow_look(s, &f->map, state, now, &b);
    assert_string_equal(buf_cstr(&b), lines);
    buf_release(&b);
}

static void test_look(void **unused)
{
    (void)unused;
    struct fixture f;
    struct run_state run;
    struct slot_state slots[2];
    struct state state = {.run = &run, .slots = slots};
    struct slow s;
    fixture_open(&f, (const struct fixture_test[]){{.id = "a", .suite = ""}, {.id = "b\n\033", .suite = ""}}, 2, 0);
    memset(&run, 0, sizeof run);
    memset(slots, 0, sizeof slots);
    run.n_slots = 2;
    slow_init(&s, 2, 60);
    expect(&s, &f, &state, 1000, "");
    slots[1].test = 2;
    slots[1].since_ns = 100ull * SECOND;
    slots[0].test = 1;
    slots[0].since_ns = 130ull * SECOND;
    expect(&s, &f, &state, 159.9, "");
    expect(&s, &f, &state, 160.1, "still running after 1 m 00 s: b\\x0a\\x1b [gw1]\n");
    expect(&s, &f, &state, 161, "");
    expect(&s, &f, &state, 190.1, "still running after 1 m 00 s: a [gw0]\n");
    expect(&s, &f, &state, 220.1, "still running after 2 m 00 s: b\\x0a\\x1b [gw1]\n");
    /* Nobody looked for long: one line. */
    expect(&s, &f, &state, 1000,
           "still running after 8 m 00 s: a [gw0]\nstill running after 8 m 00 s: b\\x0a\\x1b [gw1]\n");
    /* Another attempt of the same test, and another test. */
    slots[1].since_ns = 1000ull * SECOND;
    slots[0].test = 0;
    expect(&s, &f, &state, 1030, "");
    expect(&s, &f, &state, 1060.1, "still running after 1 m 00 s: b\\x0a\\x1b [gw1]\n");
    slots[1].test = 77; /* what the plan does not have */
    expect(&s, &f, &state, 9999, "");
    slow_release(&s);
    slow_init(&s, 2, 0);
    slots[0].test = 1;
    expect(&s, &f, &state, 99999, "");
    slow_release(&s);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
