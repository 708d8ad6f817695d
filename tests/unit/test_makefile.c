/* tests.mk under the real GNU Make, with a program in place of rowlock-exec that notes what it was
 * called with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "plantest.h"

#define ALONE "-f", ".rowlock/tests.mk"
#define ID    PLANTEST_ID

/* The log since the last call, "ID" left out: "start 4 t4\nend 4 t4\n". Caller frees. */
static char *take_log(void)
{
    char *log = plantest_read("log"), *to = log;
    for (char *from = log; *from;) {
        if (strncmp(from, " " ID, sizeof ID) == 0)
            from += sizeof ID;
        else
            *to++ = *from++;
    }
    *to = '\0';
    unlink("log");
    return log;
}

static void expect_log(const char *want)
{
    char *log = take_log();
    assert_string_equal(log, want);
    free(log);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Where in the log the line stands; it must be there once. */
static size_t place(const char *log, const char *what, const char *word)
{
    char *line = xasprintf("%s %s\n", what, word);
    const char *at = strstr(log, line);
    if (!at || strstr(at + 1, line))
        fail_msg("%s is not there once: %s", line, log);
    free(line);
    return (size_t)(at - log);
}

static bool ended_before(const char *log, const char *a, const char *b)
{
    return place(log, "end", a) < place(log, "start", b);
}

/* Which unit has the test of that id, as the word its recipe is called with. */
static const char *unit(const struct plantest_case *f, const char *id)
{
    static char words[8][16];
    static unsigned next;
    char *word = words[next++ % 8];
    size_t test = map_get(&f->m.by_id, id);
    for (uint32_t u = 0; u < f->p.n_units; u++)
        for (uint32_t k = 0; k < f->p.units[u].n; k++)
            if (f->p.tests[f->p.units[u].tests[k]] == test) {
                snprintf(word, sizeof words[0], "%u", u + 1);
                return word;
            }
    fail_msg("no unit has %s", id);
    return "";
}

/* ---- Full runs -------------------------------------------------------------------------- */

static void add_mixture(struct plantest_case *f)
{
    char id[16];
    ADD(&f->m, "serial 1", "serial");
    for (int i = 0; i < 12; i++) {
        snprintf(id, sizeof id, "p%d", i);
        ADD(&f->m, id, "expected=2");
    }
    ADD(&f->m, "lock a", "locks=a");
    ADD(&f->m, "lock ab", "locks=a", "locks=b");
    ADD(&f->m, "lock b", "locks=b");
    ADD(&f->m, "early", "serial");
    ADD(&f->m, "late", "depends=early");
    ADD(&f->m, "later", "depends=late");
    ADD(&f->m, "heavy", "weight=2");
    ADD(&f->m, "serial 2", "serial");
}

static void check_mixture(const struct plantest_case *f, const char *log)
{
    char word[16];
    for (uint32_t u = 0; u < f->p.n_units; u++) {
        snprintf(word, sizeof word, "%u", u + 1);
        assert_true(ended_before(log, "begin", word));
        assert_true(ended_before(log, word, "end"));
        for (uint32_t k = 0; k < u; k++) {
            char other[16];
            snprintf(other, sizeof other, "%u", k + 1);
            bool wait = f->p.units[k].phase < f->p.units[u].phase || f->p.units[u].serial;
            for (uint32_t a = 0; a < f->p.units[u].n_after; a++)
                wait = wait || f->p.units[u].after[a] == k;
            assert_true(!wait || ended_before(log, other, word));
        }
    }
    assert_true(ended_before(log, unit(f, "early"), unit(f, "late")));
    assert_true(ended_before(log, unit(f, "late"), unit(f, "later")));
    assert_true(ended_before(log, unit(f, "late"), unit(f, "serial 1")));
    assert_true(ended_before(log, unit(f, "lock a"), unit(f, "lock ab")));
    assert_true(ended_before(log, unit(f, "lock b"), unit(f, "lock ab")));
}

static void test_a_full_run(void **state)
{
    struct plantest_case *f = *state;
    char *out;
    add_mixture(f);
    plantest_case_install(f);
    static const char *const jobs[] = {"-j1", "-j2", "-j16"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(MAKE(&out, ALONE, jobs[i]), 0);
        assert_string_equal(out, "");
        free(out);
        char *log = take_log();
        check_mixture(f, log);
        free(log);
    }
    assert_false(exists("shell"));
    assert_false(exists("leaked"));
}

/* As the driver calls it. */
static void test_a_run_of_the_driver(void **state)
{
    struct plantest_case *f = *state;
    add_mixture(f);
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, "-krRs", "--no-print-directory", "-j3", ALONE, "all"), 0);
    char *log = take_log();
    check_mixture(f, log);
    free(log);
    assert_false(exists("shell"));
}

static void test_one_worker_starts_in_order(void **state)
{
    struct plantest_case *f = *state;
    ADD(&f->m, "a", "expected=1");
    ADD(&f->m, "b", "expected=3");
    ADD(&f->m, "c", "expected=2");
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, ALONE), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart 3\nend 3\n"
               "start end\nend end\n");
}

static void test_sequential_whatever_j(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    ADD(&f->m, "b", "scope=f");
    ADD(&f->m, "c", "tap");
    ADD(&f->m, "d", "scope=f");
    f->s.sequential = true;
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, ALONE, "-j8"), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart 3\nend 3\n"
               "start 4\nend 4\nstart end\nend end\n");
}

static void test_failing_groups_hold_up_nobody(void **state)
{
    struct plantest_case *f = *state;
    add_mixture(f);
    plantest_case_install(f);
    char *fail = xasprintf("fail-%s", unit(f, "lock a"));
    char *serial = xasprintf("fail-%s", unit(f, "early"));
    char *die = xasprintf("kill-%s", unit(f, "p3"));
    plantest_write(fail, "");
    plantest_write(serial, "");
    assert_int_equal(MAKE(NULL, ALONE, "-j4"), 0);
    char *log = take_log();
    check_mixture(f, log);
    free(log);
    plantest_write(die, "");
    assert_int_equal(MAKE(NULL, ALONE, "-k", "-j4"), 0);
    log = take_log();
    assert_true(place(log, "start", unit(f, "p3")) < place(log, "start", unit(f, "serial 2")));
    char *end = xasprintf("\nend %s\n", unit(f, "p3"));
    assert_null(strstr(log, end));
    place(log, "end", "end");
    free(end);
    free(log);
    free(fail);
    free(serial);
    free(die);
}

static void test_begin_and_end_fail_the_build(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    plantest_case_install(f);
    plantest_write("fail-begin", "");
    assert_int_equal(MAKE(NULL, ALONE, "-k", "-j4"), 2);
    expect_log("start begin\nend begin\n");
    assert_int_equal(MAKE(NULL, ALONE, "t1"), 2);
    expect_log("start begin t1\nend begin t1\n");
    unlink("fail-begin");
    plantest_write("fail-end", "");
    assert_int_equal(MAKE(NULL, ALONE), 2);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart end\nend end\n");
}

static void test_no_tests(void **state)
{
    struct plantest_case *f = *state;
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, ALONE, "-j2"), 0);
    expect_log("start begin\nend begin\nstart end\nend end\n");
}

static void test_files_named_as_targets(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    ADD(&f->m, "s", "serial");
    plantest_case_install(f);
    static const char *const names[] = {
        "all", "t1", "g1", "rowlock-all", "rowlock-begin", "rowlock-end", "rowlock-phase-0",
        "t1.c"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        plantest_write(names[i], "");
    assert_int_equal(MAKE(NULL, ALONE), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart end\nend end\n");
    assert_int_equal(MAKE(NULL, ALONE, "t1"), 0);
    expect_log("start begin t1\nend begin t1\nstart 1 t1\nend 1 t1\n");
}

static void test_dry_run_starts_nothing_but_heavy_groups(void **state)
{
    struct plantest_case *f = *state;
    char *out;
    ADD(&f->m, "a", "expected=3");
    ADD(&f->m, "h", "weight=2");
    plantest_case_install(f);
    assert_int_equal(MAKE(&out, ALONE, "-n"), 0);
    assert_string_equal(out, ".rowlock/rowlock-exec " ID " begin \n"
                             ".rowlock/rowlock-exec " ID " 1 \n"
                             ".rowlock/rowlock-exec " ID " 2 \n"
                             ".rowlock/rowlock-exec " ID " end\n");
    free(out);
    /* Make runs recipes with + all the same; they get the jobserver in exchange. */
    expect_log("start 2\nend 2\n");
}

/* ---- Named goals ------------------------------------------------------------------------ */

static void test_named_tests_run_alone(void **state)
{
    struct plantest_case *f = *state;
    add_mixture(f);
    plantest_case_install(f);
    size_t serial = map_get(&f->m.by_id, "serial 2") + 1;
    char *goal = xasprintf("t%zu", serial), *group = xstrdup(unit(f, "serial 2"));
    assert_int_equal(MAKE(NULL, ALONE, goal), 0);
    char *want = xasprintf("start begin %s\nend begin %s\nstart %s %s\nend %s %s\n", goal, goal,
                           group, goal, group, goal);
    expect_log(want);
    char *fail = xasprintf("fail-%s", group);
    plantest_write(fail, "");
    assert_int_equal(MAKE(NULL, ALONE, goal), 2);
    expect_log(want);
    assert_false(exists("shell"));
    free(want);
    free(fail);
    free(goal);
    free(group);
}

static void test_named_tests_and_groups(void **state)
{
    struct plantest_case *f = *state;
    ADD(&f->m, "a", "scope=f");
    ADD(&f->m, "b", "scope=f");
    ADD(&f->m, "c", "serial");
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, ALONE, "t2", "g2", "t2"), 0);
    expect_log("start begin g2 t2\nend begin g2 t2\nstart 1 g2 t2\nend 1 g2 t2\n"
               "start 2 g2 t2\nend 2 g2 t2\n");
    assert_int_equal(MAKE(NULL, ALONE, "t4"), 2);
    assert_int_equal(MAKE(NULL, ALONE, "g01"), 2);
    unlink("log");
    /* Among all tests a named one is nothing special. */
    assert_int_equal(MAKE(NULL, ALONE, "t3", "all"), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart end\nend end\n");
}

static void test_many_goals_go_into_a_file(void **state)
{
    struct plantest_case *f = *state;
    struct strv words = STRV_INIT;
    char id[16];
    f->s.n_slots = 1;
    for (int i = 0; i < 2100; i++) {
        snprintf(id, sizeof id, "%d", i);
        ADD(&f->m, id, "scope=f");
    }
    plantest_case_install(f);
    strv_push(&words, "-f");
    strv_push(&words, ".rowlock/tests.mk");
    for (int i = 0; i < 2000; i++)
        strv_pushf(&words, "t%d", i + 1);
    assert_int_equal(plantest_make(NULL, (const char *const *)(void *)words.v), 0);
    char *log = take_log();
    assert_non_null(strstr(log, "start 1 t1 t10 t100 t1000 t1001 "));
    free(log);
    strv_push(&words, "t2001");
    assert_int_equal(plantest_make(NULL, (const char *const *)(void *)words.v), 0);
    log = take_log();
    unsigned pid;
    char file[64];
    assert_int_equal(sscanf(log, "start begin @%63s\n", file), 1);
    assert_int_equal(sscanf(file, ".rowlock/runs/20240102-030405-67/goals-%u", &pid), 1);
    char *goals = plantest_read(file);
    assert_int_equal(strncmp(goals, "t1 t10 t100 ", 12), 0);
    assert_non_null(strstr(goals, " t2001 "));
    assert_int_equal(strlen(log) < 400, 1);
    free(goals);
    free(log);
    strv_release(&words);
}

/* ---- Where it is read ------------------------------------------------------------------- */

static void test_outside_of_the_root(void **state)
{
    struct plantest_case *f = *state;
    char *out;
    ADD0(&f->m, "a");
    plantest_case_install(f);
    assert_int_equal(mkdir("sub", 0777), 0);
    assert_int_equal(MAKE(&out, "-C", "sub", "-f", "../.rowlock/tests.mk"), 2);
    assert_non_null(strstr(out, ".rowlock/runs/" ID "/plan is not there; run make in the project's "
                                "root"));
    free(out);
    assert_false(exists("log"));
    assert_false(exists("sub/log"));
}

/* A project's makefile in which everything is different, and which must not notice tests.mk. */
#define PROJECT               \
    "SHELL := /bin/bash\n"    \
    ".SHELLFLAGS := -eu -c\n" \
    ".RECIPEPREFIX := >\n"    \
    ".SECONDEXPANSION:\n"     \
    "export\n"

static void test_included_first(void **state)
{
    struct plantest_case *f = *state;
    add_mixture(f);
    plantest_case_install(f);
    plantest_write("Makefile", PROJECT "include .rowlock/tests.mk\n"
                                       "first:\n"
                                       ">@set -o pipefail; echo \"first $(SHELL) $$0\" >> log\n"
                                       "all:\n"
                                       ">@echo all >> log\n"
                                       "t1-docs: rowlock-all\n"
                                       "check: rowlock-all ; @echo checked >> log\n");
    assert_int_equal(MAKE(NULL, "-j2"), 0);
    expect_log("first /bin/bash /bin/bash\n");
    assert_int_equal(MAKE(NULL, "all"), 0);
    expect_log("all\n");
    assert_int_equal(MAKE(NULL, "-j4", "check"), 0);
    char *log = take_log();
    check_mixture(f, log);
    assert_non_null(strstr(log, "end end\nchecked\n"));
    free(log);
    assert_int_equal(MAKE(NULL, "-j4", "t1-docs"), 0);
    log = take_log();
    check_mixture(f, log);
    free(log);
    assert_false(exists("shell"));
    assert_false(exists("leaked"));
}

static void test_included_last(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    plantest_case_install(f);
    plantest_write("Makefile", "first: ; @echo first >> log\n"
                               "include .rowlock/tests.mk\n"
                               "second: ; @echo second >> log\n");
    assert_int_equal(MAKE(NULL, "-j2"), 0);
    expect_log("first\n");
    assert_int_equal(MAKE(NULL, "t1"), 0);
    expect_log("start begin t1\nend begin t1\nstart 1 t1\nend 1 t1\n");
    assert_int_equal(MAKE(NULL, "all"), 2);
    assert_false(exists("shell"));
}

/* The control of all the tests that say no shell was used: here one is, and it is noticed. */
static void test_a_shell_is_noticed(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    plantest_case_install(f);
    plantest_write("Makefile", "x: ; @.rowlock/rowlock-exec x; true\n");
    assert_int_equal(MAKE(NULL, "x"), 0);
    assert_true(exists("shell"));
}

static void test_makefiles_from_the_environment(void **state)
{
    struct plantest_case *f = *state;
    ADD0(&f->m, "a");
    plantest_case_install(f);
    plantest_write("site.mk", "site: ; @echo site >> log\n");
    assert_int_equal(setenv("MAKEFILES", "site.mk", 1), 0);
    int code = MAKE(NULL, ALONE);
    assert_int_equal(unsetenv("MAKEFILES"), 0);
    assert_int_equal(code, 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart end\nend end\n");
    assert_int_equal(MAKE(NULL, "-f", "site.mk", ALONE), 0);
    expect_log("site\n");
}

/* ---- Needs ------------------------------------------------------------------------------ */

static void test_needs_are_made_first(void **state)
{
    struct plantest_case *f = *state;
    ADD(&f->m, "a", "needs=build/a b", "needs=x#y", "needs=c:d", "needs=per%cent", "needs=./dot",
        "needs=at@+,-_.\xc3\xa4\xff", "needs=build/a b");
    ADD0(&f->m, "b");
    f->s.n_slots = 1;
    plantest_case_install(f);
    plantest_write("Makefile", ".SECONDEXPANSION:\n"
                               "all: rowlock-all\n"
                               "include .rowlock/tests.mk\n"
                               "build/a\\ b: ; @echo '$@' >> log\n"
                               "x\\#y: ; @echo '$@' >> log\n"
                               "c\\:d: ; @echo '$@' >> log\n"
                               "per%: ; @echo '$@' >> log\n"
                               "dot: ; @echo '$@' >> log\n"
                               "at@+,-_.\xc3\xa4\xff: ; @echo '$@' >> log\n");
    assert_int_equal(MAKE(NULL, "t1"), 0);
    expect_log("start begin t1\nend begin t1\nbuild/a b\nx#y\nc:d\nper%cent\ndot\n"
               "at@+,-_.\xc3\xa4\xff\nstart 1 t1\nend 1 t1\n");
    /* By itself tests.mk makes nothing, and nothing has to be there. */
    assert_int_equal(MAKE(NULL, ALONE), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart end\nend end\n");
    /* Where a makefile reads it, what nobody can make is an error. */
    plantest_write("Makefile", "include .rowlock/tests.mk\n");
    char *out;
    assert_int_equal(MAKE(&out, "t1"), 2);
    assert_non_null(strstr(out, "No rule to make target"));
    free(out);
    assert_int_equal(MAKE(NULL, "t2"), 0);
}

static const char *const BAD_NEEDS[] = {"needs=$(shell touch pwned)",
                                        "needs=$$(shell touch pwned)",
                                        "needs=`touch pwned`",
                                        "needs=$(error x)",
                                        "needs=a;touch pwned",
                                        "needs=a\n\ttouch pwned",
                                        "needs=a=b",
                                        "needs=a:=$(shell touch pwned)",
                                        "needs=lib(member)",
                                        "needs=*",
                                        "needs=a?",
                                        "needs=[a]",
                                        "needs=~",
                                        "needs=~root/x",
                                        "needs=./~",
                                        "needs=back\\",
                                        "needs=a\tb",
                                        "needs=|",
                                        "needs=a|b",
                                        "needs=&",
                                        "needs=-lm",
                                        "needs=./-lm",
                                        "needs=.WAIT",
                                        "needs=.PHONY",
                                        "needs=t1",
                                        "needs=./g1",
                                        "needs=.//g2",
                                        "needs=all",
                                        "needs=rowlock-all",
                                        "needs=rowlock-begin",
                                        "needs= lead",
                                        "needs=trail ",
                                        "needs=./",
                                        "needs={a,b}",
                                        "needs='a'",
                                        "needs=\"a\"",
                                        "needs=a$b",
                                        "needs=$@",
                                        "needs=a(b",
                                        "needs=a)b",
                                        "needs=a^b",
                                        "needs=!x",
                                        "needs=<x>",
                                        "needs=\x01",
                                        NULL};

static void test_needs_that_make_cannot_hold(void **state)
{
    struct plantest_case *f = *state;
    plantest_add(&f->m, "a", BAD_NEEDS);
    f->s.n_slots = 1;
    plantest_case_install(f);
    plantest_write("Makefile", PROJECT "default: rowlock-all ; @:\n"
                                       "include .rowlock/tests.mk\n");
    assert_int_equal(MAKE(NULL, "-j2"), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart end\nend end\n");
    assert_false(exists("pwned"));
    char *mk = plantest_read(".rowlock/tests.mk");
    size_t n = 0;
    for (const char *s = mk; (s = strstr(s, "\n# g1 needs what cannot be a prerequisite: ")); s++)
        n++;
    assert_int_equal(n, sizeof BAD_NEEDS / sizeof *BAD_NEEDS - 1);
    assert_non_null(strstr(mk, ": %24%28shell%20touch%20pwned%29\n"));
    free(mk);
}

static void test_a_need_of_64_kib(void **state)
{
    struct plantest_case *f = *state;
    char *need = xmalloc(65542);
    memset(need, 'x', 65541);
    memcpy(need, "needs=", 6);
    need[65541] = '\0';
    ADD(&f->m, "a", need);
    plantest_case_install(f);
    plantest_write("Makefile", "include .rowlock/tests.mk\n");
    assert_int_equal(MAKE(NULL, "rowlock-all"), 0);
    free(need);
}

/* ---- Hostile ids ------------------------------------------------------------------------ */

static void test_hostile_ids(void **state)
{
    static const char *const ids[] = {"$(shell touch pwned)",
                                      "`touch pwned`",
                                      "a\n\ttouch pwned",
                                      "a\nt1: ; touch pwned\n",
                                      "\\",
                                      "ends in \\",
                                      "#%:;='\"",
                                      "endif",
                                      "\nendif\n$(error x)",
                                      "-f",
                                      "\xff\xfe\xc3",
                                      "$(error no)",
                                      "\t",
                                      "%s%n"};
    struct plantest_case *f = *state;
    char *huge = xmalloc(65537);
    memset(huge, '(', 65536);
    huge[65536] = '\0';
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        ADD(&f->m, ids[i], "locks=$(shell touch pwned)", "marker=$(shell touch pwned)",
            "command=$(shell touch pwned)", "cwd=$(shell touch pwned)");
    ADD0(&f->m, huge);
    /* Its comment would swallow the rule of its group. */
    ADD(&f->m, "the last of its group \\", "locks=own");
    f->s.n_slots = 1;
    plantest_case_install(f);
    assert_int_equal(MAKE(NULL, ALONE), 0);
    expect_log("start begin\nend begin\nstart 1\nend 1\nstart 2\nend 2\nstart 3\nend 3\n"
               "start end\nend end\n");
    assert_false(exists("pwned"));
    char *mk = plantest_read(".rowlock/tests.mk");
    assert_non_null(strstr(mk, "\n# t1 %24%28shell%20touch%20pwned%29\n"));
    assert_non_null(strstr(mk, "\n# t4 a%0At1:%20%3B%20touch%20pwned%0A\n"));
    assert_non_null(strstr(mk, "%28...\n"));
    assert_true(strlen(mk) < 10000);
    for (const char *s = mk; *s; s++)
        assert_true(*s == '\n' || (*s >= ' ' && *s < 0x7f));
    free(mk);
    free(huge);
}

static void test_lines_are_bounded(void **state)
{
    struct plantest_case *f = *state;
    char id[16];
    for (int i = 0; i < 6000; i++) {
        snprintf(id, sizeof id, "%d", i);
        ADD(&f->m, id, i < 3000 ? "scope=f" : "serial");
    }
    plantest_case_install(f);
    char *mk = plantest_read(".rowlock/tests.mk");
    for (const char *line = mk; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") < 16384);
    free(mk);
    char *out;
    assert_int_equal(MAKE(&out, ALONE, "-n"), 0);
    size_t lines = 0;
    for (const char *s = out; (s = strchr(s, '\n')); s++)
        lines++;
    assert_int_equal(lines, 3003);
    free(out);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, plantest_set_up, plantest_tear_down)

int main(int argc, char **argv)
{
    int other = plantest_main(argc, argv);
    if (other >= 0)
        return other;
    unsetenv("MAKEFILES");
    const struct CMUnitTest tests[] = {
        CASE(test_a_full_run),
        CASE(test_a_run_of_the_driver),
        CASE(test_one_worker_starts_in_order),
        CASE(test_sequential_whatever_j),
        CASE(test_failing_groups_hold_up_nobody),
        CASE(test_begin_and_end_fail_the_build),
        CASE(test_no_tests),
        CASE(test_files_named_as_targets),
        CASE(test_dry_run_starts_nothing_but_heavy_groups),
        CASE(test_named_tests_run_alone),
        CASE(test_named_tests_and_groups),
        CASE(test_many_goals_go_into_a_file),
        CASE(test_outside_of_the_root),
        CASE(test_included_first),
        CASE(test_included_last),
        CASE(test_a_shell_is_noticed),
        CASE(test_makefiles_from_the_environment),
        CASE(test_needs_are_made_first),
        CASE(test_needs_that_make_cannot_hold),
        CASE(test_a_need_of_64_kib),
        CASE(test_hostile_ids),
        CASE(test_lines_are_bounded),
    };
    return cmocka_run_group_tests_name("makefile", tests, NULL, NULL);
}
