/* command/live.c: what of the workers' output is printed when, and how. */
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
#include "command/live.h"

struct stage {
    char dir[256];
    struct live live;
    struct buf out;
    int ends[2]; /* what the workers write to */
};

static void open_stage(struct stage *g, bool labels)
{
    struct error err = ERROR_INIT;
    const char *tmp = getenv("TMPDIR");
    memset(g, 0, sizeof *g);
    snprintf(g->dir, sizeof g->dir, "%s/live-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(g->dir));
    assert_true(live_open(&g->live, g->dir, 2, labels, false, &err));
    for (int i = 0; i < 2; i++) {
        g->ends[i] = open(g->live.pipes[i].path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        assert_true(g->ends[i] >= 0);
    }
}

static void close_stage(struct stage *g)
{
    live_close(&g->live);
    buf_release(&g->out);
    close(g->ends[0]);
    close(g->ends[1]);
    file_remove_tree(AT_FDCWD, g->dir);
}

static void say(struct stage *g, int slot, const char *text)
{
    assert_int_equal(write(g->ends[slot], text, strlen(text)), (ssize_t)strlen(text));
}

static void mark(struct stage *g, int slot)
{
    size_t n = sizeof LIVE_MARK - 1;
    assert_int_equal(write(g->ends[slot], LIVE_MARK, n), (ssize_t)n);
}

/* What has been printed since the last time. */
static void expect(struct stage *g, const char *text)
{
    assert_string_equal(buf_cstr(&g->out), text);
    buf_clear(&g->out);
}

static void test_lines_are_whole_and_labelled(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    say(&g, 0, "one\ntw");
    say(&g, 1, "other\n\n");
    live_read(&g.live, &g.out);
    expect(&g, "[gw0] one\n[gw1] other\n[gw1]\n");
    say(&g, 0, "o\nthree");
    live_read(&g.live, &g.out);
    expect(&g, "[gw0] two\n");
    live_end(&g.live, &g.out);
    expect(&g, "[gw0] three\n");
    close_stage(&g);
}

static void test_one_worker_writes_as_it_is(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, false);
    g.live.partial = true;
    say(&g, 0, "dots .");
    live_read(&g.live, &g.out);
    expect(&g, "dots .");
    say(&g, 0, ".\nnext");
    live_read(&g.live, &g.out);
    expect(&g, ".\nnext");
    live_end_line(&g.live, &g.out);
    expect(&g, "\n");
    say(&g, 0, "more\n");
    live_read(&g.live, &g.out);
    expect(&g, "more\n");
    close_stage(&g);
}

static void test_starts_of_lines_wait_for_two_ticks(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    g.live.partial = true;
    say(&g, 0, "are you sure? ");
    live_read(&g.live, &g.out);
    live_tick(&g.live, &g.out);
    expect(&g, "");
    live_tick(&g.live, &g.out);
    expect(&g, "[gw0] are you sure? ");
    say(&g, 0, "yes\n");
    live_read(&g.live, &g.out);
    expect(&g, "yes\n");
    say(&g, 0, "start");
    live_read(&g.live, &g.out);
    live_tick(&g.live, &g.out);
    live_tick(&g.live, &g.out);
    say(&g, 1, "between\n");
    say(&g, 0, "end\n");
    live_read(&g.live, &g.out);
    expect(&g, "[gw0] startend\n[gw1] between\n");
    close_stage(&g);
}

static void test_output_behind_a_mark_waits_for_the_record(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    say(&g, 0, "first");
    mark(&g, 0);
    say(&g, 0, "second\n");
    mark(&g, 0);
    say(&g, 0, "third\n");
    live_read(&g.live, &g.out);
    expect(&g, "[gw0] first\n");
    assert_int_equal(g.live.fds[0], -1);
    live_end_test(&g.live, &g.out, 0); /* the record of the first */
    expect(&g, "");
    live_end_test(&g.live, &g.out, 0); /* of the second */
    expect(&g, "[gw0] second\n");
    live_end_test(&g.live, &g.out, 0); /* the third has died without a mark */
    expect(&g, "[gw0] third\n");
    assert_true(g.live.fds[0] >= 0);
    live_end_test(&g.live, &g.out, 65535);
    close_stage(&g);
}

static void test_nothing_waits_for_ever(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    mark(&g, 0);
    say(&g, 0, "a\n");
    live_read(&g.live, &g.out);
    for (int i = 0; i < 1000; i++)
        live_tick(&g.live, &g.out);
    expect(&g, "[gw0] a\n");
    mark(&g, 0);
    say(&g, 0, "b\n");
    live_read(&g.live, &g.out);
    expect(&g, "");
    live_release(&g.live);
    live_read(&g.live, &g.out);
    mark(&g, 0);
    say(&g, 0, "c\n");
    live_end(&g.live, &g.out);
    expect(&g, "[gw0] b\n[gw0] c\n");
    close_stage(&g);
}

static void test_marks_in_pieces(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    for (size_t cut = 1; cut < sizeof LIVE_MARK - 1; cut++) {
        say(&g, 0, "x");
        assert_int_equal(write(g.ends[0], LIVE_MARK, cut), (ssize_t)cut);
        live_read(&g.live, &g.out);
        expect(&g, "");
        size_t rest = sizeof LIVE_MARK - 1 - cut;
        assert_int_equal(write(g.ends[0], LIVE_MARK + cut, rest), (ssize_t)rest);
        live_read(&g.live, &g.out);
        expect(&g, "[gw0] x\n");
        live_end_test(&g.live, &g.out, 0);
    }
    assert_int_equal(write(g.ends[0], LIVE_MARK "\n" LIVE_MARK, 4), 4); /* not one after all */
    live_read(&g.live, &g.out);
    say(&g, 0, "\n");
    live_read(&g.live, &g.out);
    expect(&g, "[gw0] \\x00\\x01ro\n");
    close_stage(&g);
}

static void test_carriage_returns_and_control_bytes(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, false);
    say(&g, 0, "\r10%\r20%\r\n\r\n\033[31mred\033[0m\033[2J\xff\n");
    live_read(&g.live, &g.out);
    expect(&g, "10%\n20%\n\nred\\x1b[2J\\xff\n");
    say(&g, 0, "a\r");
    live_read(&g.live, &g.out);
    say(&g, 0, "\nb\n");
    live_read(&g.live, &g.out);
    expect(&g, "a\nb\n");
    close_stage(&g);
}

static void test_endless_lines_are_broken(void **state)
{
    enum { N = 300000 };
    struct stage g;
    char *text = xmalloc(N + 1);
    size_t longest = 0, letters = 0, line = 0;
    (void)state;
    memset(text, 'z', N);
    text[N] = '\0';
    open_stage(&g, false);
    for (size_t done = 0; done < N;) {
        ssize_t n = write(g.ends[0], text + done, N - done);
        done += n > 0 ? (size_t)n : 0;
        live_read(&g.live, &g.out);
    }
    live_end(&g.live, &g.out);
    for (size_t i = 0; i < g.out.len; i++) {
        line = g.out.data[i] == '\n' ? 0 : line + 1;
        letters += g.out.data[i] == 'z';
        longest = line > longest ? line : longest;
    }
    assert_int_equal(letters, N);
    assert_true(longest < N / 2);
    free(text);
    close_stage(&g);
}

static void test_blocks(void **state)
{
    struct stage g;
    (void)state;
    open_stage(&g, true);
    live_add_block(&g.live, &g.out, 1, "a\n\nb", 4);
    live_add_block(&g.live, &g.out, 7, "c\n", 2);
    expect(&g, "[gw1] a\n[gw1]\n[gw1] b\n[gw7] c\n");
    close_stage(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_whole_and_labelled),
        cmocka_unit_test(test_one_worker_writes_as_it_is),
        cmocka_unit_test(test_starts_of_lines_wait_for_two_ticks),
        cmocka_unit_test(test_output_behind_a_mark_waits_for_the_record),
        cmocka_unit_test(test_nothing_waits_for_ever),
        cmocka_unit_test(test_marks_in_pieces),
        cmocka_unit_test(test_carriage_returns_and_control_bytes),
        cmocka_unit_test(test_endless_lines_are_broken),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
