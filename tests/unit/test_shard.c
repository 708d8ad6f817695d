/* --shard: all parts together are the selection, each test is in one of them, and the parts follow
 * from nothing that differs between machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/durations.h"
#include "plan/select.h"
#include "plantest.h"

/* What a random test is, whatever place it gets in the manifest. */
struct kind {
    char *id, *words[6];
    int n_words;
    bool gtest; /* its program's id stands before "::" */
    double seconds; /* < 0: not in the file */
};

static void say(struct kind *k, char *word)
{
    k->words[k->n_words++] = word;
}

static struct kind *random_kinds(uint64_t *seed, uint32_t n)
{
    struct kind *kinds = xcalloc(n, sizeof *kinds);
    for (uint32_t i = 0; i < n; i++) {
        struct kind *k = &kinds[i];
        uint32_t file = plantest_below(seed, 6), class = plantest_below(seed, 3);
        bool native = plantest_below(seed, 3) == 0;
        k->gtest = native && plantest_below(seed, 3) == 0;
        k->id = k->gtest ? xasprintf("p%u::S.t%u", file, i)
                : native ? xasprintf("n/%u", i)
                         : xasprintf("f%u.py::C%u::t%u", file, class, i);
        if (!native) {
            say(k, xasprintf("file=f%u.py", file));
            say(k, xasprintf("scope=f%u.py::C%u", file, class));
        }
        if (!native && plantest_below(seed, 10) == 0)
            say(k, xasprintf("group=g%u", plantest_below(seed, 3)));
        if (i && plantest_below(seed, 10) == 0)
            say(k, xasprintf("depends=%s", kinds[plantest_below(seed, i)].id));
        if (plantest_below(seed, 3) == 0)
            say(k, xstrdup("marker=slow"));
        k->seconds = plantest_below(seed, 8) ? plantest_below(seed, 1000) * 1e-3 : -1;
    }
    return kinds;
}

static void free_kinds(struct kind *kinds, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        for (int w = 0; w < kinds[i].n_words; w++)
            free(kinds[i].words[w]);
        free(kinds[i].id);
    }
    free(kinds);
}

/* The manifest of those kinds, backwards if asked, with what one machine alone knows. */
static void fill(struct manifest *m, const struct kind *kinds, uint32_t n, bool backwards,
                 bool timed, uint64_t *seed)
{
    manifest_init(m);
    for (uint32_t i = 0; i < n; i++) {
        const struct kind *k = &kinds[backwards ? n - 1 - i : i];
        struct test *t = plantest_add(m, k->id, (const char *const *)k->words);
        if (k->gtest) {
            t->format = FORMAT_GTEST;
            t->scope = arena_memdup0(&m->arena, k->id, strcspn(k->id, ":"));
        }
        t->shared = timed ? k->seconds : -1;
        t->expected = t->known = plantest_below(seed, 100);
        t->failed = plantest_below(seed, 2);
    }
}

/* Appends to parts the tests of part i of n as "ID\n"; returns how long they take in us. */
static uint64_t part(const struct manifest *m, struct options *o, uint32_t i, uint32_t n,
                     struct strv *ids, struct shard *shard)
{
    struct selection s;
    struct error err = ERROR_INIT;
    o->shard = i;
    o->shards = n;
    assert_true(selection_make(&s, m, o, NULL, &err));
    for (size_t k = 0; k < s.n; k++)
        strv_push(ids, m->tests[s.tests[k]].id);
    assert_int_equal(s.shard.n, s.n);
    *shard = s.shard;
    selection_release(&s);
    return shard->us;
}

static size_t part_of(const struct strv *parts, uint32_t n, const char *id)
{
    size_t found = n;
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].n; k++)
            if (strcmp(parts[i].v[k], id) == 0) {
                assert_int_equal(found, n); /* in no two parts */
                found = i;
            }
    return found;
}

/* What stays together is in the same part. */
static void check_together(const struct manifest *m, const struct strv *parts, uint32_t n,
                           enum dist dist)
{
    struct map first = MAP_INIT;
    struct strv keys = STRV_INIT;
    for (size_t i = 0; i < m->n; i++) {
        const struct test *t = &m->tests[i];
        size_t own = part_of(parts, n, t->id);
        if (own == n)
            continue;
        const char *of = t->group ? t->group : t->file && dist == DIST_LOADFILE ? t->file : t->scope;
        bool cut = t->format == FORMAT_GTEST ? dist != DIST_LOADFILE
                                             : dist == DIST_LOAD || dist == DIST_WORKSTEAL;
        if (of && (t->group || !cut)) {
            strv_pushf(&keys, "%d %s", t->group != NULL, of);
            assert_int_equal(map_intern(&first, keys.v[keys.n - 1], own), own);
        }
        for (char **d = t->depends; d && *d; d++) {
            size_t other = part_of(parts, n, *d);
            assert_true(other == own || other == n);
        }
    }
    map_release(&first);
    strv_release(&keys);
}

static void check_suite(uint64_t *seed, enum dist dist, bool timed, const char *markers)
{
    uint32_t n_tests = 1 + plantest_below(seed, 60), n = 1 + plantest_below(seed, 7);
    struct kind *kinds = random_kinds(seed, n_tests);
    struct strv *parts = xcalloc(n, sizeof *parts);
    struct manifest m;
    struct options o;
    struct shard shard = {0};
    uint64_t sum = 0, most = 0;
    size_t count = 0;
    options_init(&o);
    o.dist = dist;
    o.markers = markers ? xstrdup(markers) : NULL;
    fill(&m, kinds, n_tests, false, timed, seed);
    uint32_t partition = 0;
    for (uint32_t i = 1; i <= n; i++) {
        uint64_t us = part(&m, &o, i, n, &parts[i - 1], &shard);
        sum += us;
        most = us > most ? us : most;
        count += shard.n;
        assert_true(i == 1 || shard.partition == partition);
        partition = shard.partition;
        /* Another machine, which has collected in another order and seen other runs. */
        struct manifest other;
        struct strv there = STRV_INIT;
        fill(&other, kinds, n_tests, true, timed, seed);
        part(&other, &o, i, n, &there, &shard);
        assert_int_equal(shard.partition, partition);
        strv_sort(&there);
        strv_sort(&parts[i - 1]);
        assert_int_equal(there.n, parts[i - 1].n);
        for (size_t k = 0; k < there.n; k++)
            assert_string_equal(there.v[k], parts[i - 1].v[k]);
        strv_release(&there);
        manifest_release(&other);
    }
    assert_int_equal(count, shard.all);
    assert_int_equal(sum, shard.all_us);
    struct selection whole;
    struct error err = ERROR_INIT;
    o.shard = 0;
    assert_true(selection_make(&whole, &m, &o, NULL, &err));
    assert_int_equal(whole.n, count);
    for (size_t k = 0; k < whole.n; k++)
        assert_true(part_of(parts, n, m.tests[whole.tests[k]].id) < n);
    selection_release(&whole);
    check_together(&m, parts, n, dist);
    /* No part has more than its share and one cluster: what the last one found had less. */
    if (sum) {
        double longest = shard.longest_shares * (double)sum / n;
        assert_true((double)most <= (double)sum / n + longest + 1);
    }
    for (uint32_t i = 0; i < n; i++)
        strv_release(&parts[i]);
    free(parts);
    manifest_release(&m);
    options_release(&o);
    free_kinds(kinds, n_tests);
}

static void test_random_suites(void **state)
{
    (void)state;
    static const enum dist dists[] = {DIST_LOADSCOPE, DIST_LOADFILE, DIST_LOAD, DIST_WORKSTEAL,
                                      DIST_LOADGROUP};
    uint64_t seed = 20;
    for (int round = 0; round < 300; round++)
        check_suite(&seed, dists[round % 5], round % 2, round % 3 ? NULL : "not slow");
}

/* A suite that is cut. */
struct cut {
    struct manifest m;
    struct options o;
    struct shard shard; /* of the last part, */
    struct strv ids;    /* and its tests */
};

static void cut_open(struct cut *c)
{
    *c = (struct cut){.ids = STRV_INIT};
    manifest_init(&c->m);
    options_init(&c->o);
}

static void cut_close(struct cut *c)
{
    strv_release(&c->ids);
    options_release(&c->o);
    manifest_release(&c->m);
}

static void cut_part(struct cut *c, uint32_t i, uint32_t n)
{
    strv_release(&c->ids);
    part(&c->m, &c->o, i, n, &c->ids, &c->shard);
}

/* One file that is a suite by itself: whole under loadscope, in even parts under load. */
static void test_one_long_scope(void **state)
{
    (void)state;
    struct cut c;
    cut_open(&c);
    for (int i = 0; i < 1000; i++) {
        char *id = xasprintf("a.py::t[%03d]", i);
        ADD(&c.m, id, "file=a.py", "scope=a.py")->shared = 0.001 * (i % 10);
        free(id);
    }
    c.o.dist = DIST_LOADSCOPE;
    cut_part(&c, 1, 4);
    assert_int_equal(c.shard.n, 1000);
    assert_string_equal(c.shard.longest, "a.py::t[000]");
    assert_true(c.shard.longest_shares > 3.99 && c.shard.longest_shares < 4.01);
    c.o.dist = DIST_LOAD;
    for (uint32_t i = 1; i <= 4; i++) {
        cut_part(&c, i, 4);
        assert_null(c.shard.longest);
        assert_in_range(c.shard.us, 4500000 / 4 * 0.97, 4500000 / 4 * 1.03);
        size_t breaks = 0;
        for (size_t k = 1; k < c.ids.n; k++)
            breaks += atoi(c.ids.v[k] + 8) != atoi(c.ids.v[k - 1] + 8) + 1;
        assert_in_range(breaks, 1, 16); /* pieces of neighbours */
    }
    cut_close(&c);
}

/* Tests that take no time are spread, too; more parts than tests leave some empty. */
static void test_small_suites(void **state)
{
    (void)state;
    struct cut c;
    cut_open(&c);
    for (char letter = 'a'; letter < 'e'; letter++) {
        char id[] = {letter, '\0'};
        ADD(&c.m, id, "tap")->shared = 0;
    }
    for (uint32_t i = 1; i <= 6; i++) {
        cut_part(&c, i, 6);
        assert_int_equal(c.shard.n, i <= 4);
    }
    cut_part(&c, 65535, 65535);
    assert_int_equal(c.shard.n, 0);
    assert_int_equal(c.shard.all, 4);
    cut_close(&c);
}

static void expect_times(struct manifest *m, const char *text, double a, double b)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < m->n; i++)
        m->tests[i].shared = -1;
    assert_true(file_write("times.json", text, strlen(text), &err));
    assert_true(durations_read(m, "times.json", &err));
    assert_true(m->tests[0].shared == a && m->tests[1].shared == b);
}

static void test_files_of_durations(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]", "1", "{\"a\": \"1\"}", "{\"a\": -1}", "{\"tests\": [1]}",
                                      "{\"tests\": [{\"id\": 1}]}", "{\"tests\": 1}",
                                      "{\"tests\": [{\"id\": \"a\", \"duration\": true}]}", "{", ""};
    char *dir = plantest_enter();
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    ADD(&m, "a.py::test[\xff]\"", "file=a.py");
    ADD(&m, "n", "tap");
    expect_times(&m, "{\"a.py::test[\\\\xff]\\\"\": 1.5, \"n\": 2, \"gone\": 3}", 1.5, 2);
    expect_times(&m, "{\"tests\": [{\"id\": \"n\", \"duration\": null}, {\"x\": 1, \"id\":"
                     " \"a.py::test[\\\\xff]\\\"\", \"duration\": 0}], \"deselected\": 1}",
                 0, -1);
    expect_times(&m, "{\"tests\": [{\"id\": \"n\"}]}", -1, -1);
    expect_times(&m, "{}", -1, -1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(file_write("times.json", bad[i], strlen(bad[i]), &err));
        if (strcmp(bad[i], "{\"tests\": 1}") == 0) { /* a test of that name */
            assert_true(durations_read(&m, "times.json", &err));
            continue;
        }
        assert_false(durations_read(&m, "times.json", &err));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_int_equal(strncmp(err.msg, "times.json:1:", 13), 0);
        error_release(&err);
    }
    assert_false(durations_read(&m, "nothing.json", &err));
    assert_non_null(strstr(err.msg, "nothing.json: cannot be read (No such file or directory)"));
    error_release(&err);
    manifest_release(&m);
    plantest_leave(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_suites),
        cmocka_unit_test(test_one_long_scope),
        cmocka_unit_test(test_small_suites),
        cmocka_unit_test(test_files_of_durations),
    };
    return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
