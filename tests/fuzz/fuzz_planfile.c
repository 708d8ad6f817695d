/* Exercises the plan file's reader: plan_map_open and every accessor, over all indexes and past
 * them, of a damaged file. Whatever comes out lies within the map. The bytes are tried as they
 * are and once more with a head that fits their length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/report.h"
#include "plans.h"
#include "support.h"

enum { MOST_OF_A_LIST = 64 };

static void check_str(const struct plan_map *p, struct plan_str s)
{
    const char *text = plan_map_str(p, s);
    CHECK(text && (!text[0] || (text >= (const char *)p->base &&
                                text + strlen(text) < (const char *)p->base + p->size)));
    CHECK(strlen(text) <= s.len);
}

static void check_strings(const struct plan_map *p, struct plan_list l)
{
    for (uint64_t k = 0; k < l.n && k < MOST_OF_A_LIST; k++)
        plan_map_list_str(p, l, k);
    plan_map_list_str(p, l, l.n - 1);
    CHECK(!plan_map_list_str(p, l, l.n) && !plan_map_list_str(p, l, UINT64_MAX));
}

static void check_numbers(const struct plan_map *p, struct plan_list l)
{
    for (uint64_t k = 0; k < l.n && k < MOST_OF_A_LIST; k++)
        plan_map_list_u32(p, l, k);
    plan_map_list_u32(p, l, l.n - 1);
    CHECK(plan_map_list_u32(p, l, l.n) == UINT32_MAX);
    CHECK(plan_map_list_u32(p, l, UINT64_MAX) == UINT32_MAX);
}

static void check_test(const struct plan_map *p, const struct plan_test *t)
{
    check_str(p, t->id);
    check_str(p, t->suite);
    check_str(p, t->cwd);
    check_strings(p, t->command);
    check_strings(p, t->env);
    check_strings(p, t->locks);
    check_strings(p, t->markers);
    check_strings(p, t->pass_regex);
    check_strings(p, t->fail_regex);
    check_strings(p, t->skip_regex);
    check_strings(p, t->required_files);
    check_numbers(p, t->depends);
    check_strings(p, t->depends); /* a list of the wrong kind does no harm either */
    check_numbers(p, t->command);
}

static void check_group(const struct plan_map *p, const struct plan_group *g)
{
    for (uint32_t k = 0; k < g->count && k < p->head->n_members; k++) {
        uint32_t i = plan_map_member(p, g, k);
        CHECK(i == UINT32_MAX || plan_map_test(p, i));
    }
    plan_map_member(p, g, g->count - 1);
    CHECK(plan_map_member(p, g, g->count) == UINT32_MAX);
    CHECK(plan_map_member(p, g, UINT32_MAX) == UINT32_MAX);
}

/* The reports read such a map, too. */
static void check_reports(const struct plan_map *p)
{
    struct results r;
    struct report_style style = {.width = 80, .verbose = 1, .durations = 0};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out);
    results_init(&r, p);
    results_count(&r);
    report_terminal(out, &r, &style);
    CHECK(fclose(out) == 0);
    free(text);
    results_release(&r);
}

static void check_map(const struct plan_map *p)
{
    const struct plan_head *h = p->head;
    const struct plan_str names[] = {h->run_id, h->root, h->env_prefix, h->program};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_str(p, names[i]);
    check_strings(p, h->zygote);
    for (uint32_t i = 0; i < h->n_tests; i++)
        check_test(p, plan_map_test(p, i));
    for (uint32_t i = 0; i < h->n_groups; i++)
        check_group(p, plan_map_group(p, i));
    CHECK(!plan_map_test(p, h->n_tests) && !plan_map_test(p, UINT32_MAX));
    CHECK(!plan_map_group(p, h->n_groups) && !plan_map_group(p, UINT32_MAX));
    check_reports(p);
}

static void check_file(const void *data, size_t size)
{
    struct plan_map map;
    struct error err = ERROR_INIT;
    bool ok = plan_map_open(&map, fuzz_file(data, size), &err);
    CHECK(ok || (err.code == EXIT_INTERNAL && !map.base));
    fuzz_check_error(&err, ok, 1);
    if (!ok)
        return;
    CHECK(map.size == size);
    check_map(&map);
    plan_map_close(&map);
}

/* A plan file as plan_write_file makes it, of two tests. */
bool fuzz_seed(unsigned k, struct buf *b)
{
    static char *command[] = {(char *)"./run", (char *)"--all", NULL};
    static char *locks[] = {(char *)"db", NULL}, *depends[] = {(char *)"db/start", NULL};
    struct manifest m;
    struct plan_map map;
    struct error err = ERROR_INIT;
    if (k > 0)
        return false;
    manifest_init(&m);
    CHECK(manifest_add(&m, "db/start", NULL, &err));
    struct test *t = manifest_add(&m, "db/migrate", NULL, &err);
    CHECK(t);
    t->command = command;
    t->locks = locks;
    t->depends = depends;
    t->serial = true;
    test_add_marker(&m, t, "serial");
    fuzz_map_plan(&m, &map);
    buf_add(b, map.base, map.size);
    plan_map_close(&map);
    manifest_release(&m);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_file(data, size);
    struct plan_head head;
    if (size < sizeof head)
        return 0;
    struct buf fixed = BUF_INIT;
    buf_add(&fixed, data, size);
    memcpy(&head, data, sizeof head);
    memcpy(head.magic, PLAN_MAGIC, sizeof head.magic);
    head.size = size;
    memcpy(fixed.data, &head, sizeof head);
    check_file(fixed.data, size);
    buf_release(&fixed);
    return 0;
}
