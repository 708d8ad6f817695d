/* Writes the plan file; plan/planfile.h specifies it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "plan/plan.h"
#include "plan/planfile.h"

/* The part behind the members: lists and strings, addressed from the start of the file. */
struct tail {
    struct buf data;
    uint64_t base;    /* offset of data in the file */
    struct map known; /* strings that are there already → offset + 1 */
};

static struct plan_str put_str(struct tail *t, const char *s)
{
    struct plan_str at = {t->base + t->data.len, strlen(s)};
    size_t before = map_intern(&t->known, s, (size_t)at.off);
    if (before != at.off)
        at.off = before;
    else
        buf_add(&t->data, s, at.len + 1);
    return at;
}

/* Room for a list of n elements; returns where it lies in t->data. */
static size_t put_list(struct tail *t, size_t n, size_t size, struct plan_list *l)
{
    while ((t->base + t->data.len) % 8)
        buf_addc(&t->data, '\0');
    size_t at = t->data.len;
    *l = (struct plan_list){n ? t->base + at : 0, n};
    memset(buf_reserve(&t->data, n * size), 0, n * size);
    t->data.len += n * size;
    return at;
}

static struct plan_list put_strings(struct tail *t, char *const *v)
{
    struct plan_list l = {0, 0};
    size_t n = 0;
    while (v && v[n])
        n++;
    if (!n)
        return l;
    size_t at = put_list(t, n, sizeof(struct plan_str), &l);
    for (size_t i = 0; i < n; i++) {
        struct plan_str s = put_str(t, v[i]);
        memcpy(t->data.data + at + i * sizeof s, &s, sizeof s);
    }
    return l;
}

static struct plan_list put_markers(struct tail *t, const struct test *test)
{
    struct plan_list l = {0, 0};
    if (!test->n_markers)
        return l;
    size_t at = put_list(t, test->n_markers, sizeof(struct plan_str), &l);
    for (size_t i = 0; i < test->n_markers; i++) {
        struct plan_str s = put_str(t, test->markers[i].name);
        memcpy(t->data.data + at + i * sizeof s, &s, sizeof s);
    }
    return l;
}

/* The selected tests that the test depends on. index_of: manifest → plan, UINT32_MAX for none. */
static struct plan_list put_depends(struct tail *t, const struct plan *p, const struct test *test,
                                    const uint32_t *index_of)
{
    struct plan_list l = {0, 0};
    struct buf found = BUF_INIT;
    for (char **d = test->depends; d && *d; d++) {
        size_t i = map_get(&p->manifest->by_id, *d);
        if (i != MAP_NONE && index_of[i] != UINT32_MAX)
            buf_add(&found, &index_of[i], sizeof index_of[i]);
    }
    size_t n = found.len / sizeof(uint32_t);
    if (n) {
        size_t at = put_list(t, n, sizeof(uint32_t), &l);
        memcpy(t->data.data + at, found.data, found.len);
    }
    buf_release(&found);
    return l;
}

static uint64_t milliseconds(double seconds)
{
    if (!(seconds > 0 && seconds < 1e12))
        return 0;
    uint64_t ms = (uint64_t)(seconds * 1000);
    return ms ? ms : 1;
}

static void put_rules(struct tail *t, const struct test *from, struct plan_test *to)
{
    const struct verdict_rules *r = &from->rules;
    to->pass_regex = put_strings(t, r->pass_regex);
    to->fail_regex = put_strings(t, r->fail_regex);
    to->skip_regex = put_strings(t, r->skip_regex);
    to->required_files = put_strings(t, from->required_files);
    to->hindrance = put_str(t, from->hindrance ? from->hindrance : "");
    to->skip_code = r->skip_code;
    to->error_code = r->error_code;
    to->pass_code = r->pass_code;
    to->meson = r->meson;
    to->flags = (r->skip_code != AUTOMAKE_SKIP || r->error_code != AUTOMAKE_ERROR ? PLAN_OWN_CODES : 0) |
                (from->serial ? PLAN_SERIAL : 0) |
                (r->will_fail ? PLAN_WILL_FAIL : 0) |
                (r->should_fail ? PLAN_SHOULD_FAIL : 0) | (from->disabled ? PLAN_DISABLED : 0) |
                (from->fixtures ? PLAN_FIXTURES : 0) |
                (r->pass_regex || r->fail_regex || r->skip_regex ? PLAN_REGEX : 0);
}

static struct plan_test describe(const struct plan *p, struct tail *t, uint32_t i,
                                 const uint32_t *index_of)
{
    const struct test *from = &p->manifest->tests[p->tests[i]];
    struct plan_test to;
    memset(&to, 0, sizeof to);
    to.id = put_str(t, from->id);
    to.suite = put_str(t, from->suite);
    to.cwd = put_str(t, from->cwd ? from->cwd : "");
    to.command = put_strings(t, from->command);
    to.env = put_strings(t, from->env);
    to.locks = put_strings(t, p->locks[i]);
    to.markers = put_markers(t, from);
    to.depends = put_depends(t, p, from, index_of);
    to.format = from->format;
    put_rules(t, from, &to);
    to.weight = from->weight;
    to.timeout_ms = milliseconds(plan_timeout(p, from));
    to.copy = from->copy;
    to.suffix = from->suffix;
    to.usual_ms = (uint32_t)milliseconds(from->known < 1e6 ? from->known : 1e6);
    to.reruns = plan_reruns(p, from);
    return to;
}

/* One by one: all of them take more memory than the manifest. group_of: of each test. */
static void write_tests(FILE *f, const struct plan *p, struct tail *t, const uint32_t *group_of)
{
    uint32_t *index_of = xmalloc(p->manifest->n * sizeof *index_of);
    memset(index_of, 0xff, p->manifest->n * sizeof *index_of);
    for (uint32_t i = 0; i < p->n_selected; i++)
        index_of[p->tests[i]] = i;
    for (uint32_t i = 0; i < p->n_tests; i++) {
        struct plan_test to = describe(p, t, i, index_of);
        to.group = group_of[i];
        fwrite(&to, sizeof to, 1, f);
    }
    free(index_of);
}

static uint32_t count_collectors(const struct plan *p)
{
    uint32_t n = 0;
    for (uint32_t g = 0; g < p->n_units; g++)
        if (p->units[g].collector > n)
            n = p->units[g].collector;
    return n;
}

static void fill_expected(const struct plan *p, const struct plan_unit *u, struct plan_group *g)
{
    double ms = 0;
    for (uint32_t k = 0; k < u->n; k++) {
        double seconds = p->manifest->tests[p->tests[u->tests[k]]].expected;
        ms += seconds > 0 ? seconds * 1000 : 0;
        g->n_unknown += seconds < 0;
    }
    g->expected_ms = ms < 4e9 ? (uint32_t)ms : UINT32_MAX;
}

static void fill_groups(const struct plan *p, uint32_t *group_of, struct plan_group *groups,
                        uint32_t *members)
{
    uint32_t at = 0;
    for (uint32_t g = 0; g < p->n_units; g++) {
        const struct plan_unit *u = &p->units[g];
        groups[g] = (struct plan_group){.first = at,
                                        .count = u->n,
                                        .format = u->format,
                                        .flags = (u->serial ? PLAN_SERIAL : 0) |
                                                 (u->is_free ? PLAN_FREE : 0),
                                        .phase = u->phase,
                                        .weight = u->weight,
                                        .collector = u->collector};
        fill_expected(p, u, &groups[g]);
        for (uint32_t k = 0; k < u->n; k++) {
            members[at++] = u->tests[k];
            group_of[u->tests[k]] = g;
        }
    }
}

static uint64_t round_up(uint64_t n)
{
    return (n + 7) / 8 * 8;
}

static bool any_heavy(const struct plan *p)
{
    for (uint32_t g = 0; g < p->n_units; g++)
        if (p->units[g].weight > 1)
            return true;
    return false;
}

static void fill_head(const struct plan *p, struct plan_head *h, struct tail *t)
{
    const struct plan_settings *s = &p->settings;
    memcpy(h->magic, PLAN_MAGIC, sizeof h->magic);
    h->n_tests = p->n_tests;
    h->n_groups = p->n_units;
    h->n_members = p->n_tests;
    h->n_slots = s->n_slots ? s->n_slots : 1;
    h->flags = (s->sequential ? PLAN_SEQUENTIAL : 0) | (s->forked ? PLAN_FORKED : 0) |
               (s->dist == DIST_EACH ? PLAN_EACH : 0) | (any_heavy(p) ? PLAN_HEAVY : 0) |
               (s->fail_on_flaky ? PLAN_FAIL_ON_FLAKY : 0);
    h->n_collectors = count_collectors(p);
    h->maxfail = s->maxfail;
    h->off_tests = round_up(sizeof *h);
    h->off_groups = h->off_tests + (uint64_t)p->n_tests * sizeof(struct plan_test);
    h->off_members = h->off_groups + (uint64_t)p->n_units * sizeof(struct plan_group);
    h->output_limit = s->output_limit;
    h->memory_floor = s->memory.bytes;
    h->memory_share = s->memory.share;
    h->run_timeout_ms = milliseconds(s->run_timeout);
    h->grace_ms = milliseconds(s->grace);
    h->reruns_delay_ms = milliseconds(s->reruns_delay);
    t->base = round_up(h->off_members + (uint64_t)p->n_tests * sizeof(uint32_t));
    h->run_id = put_str(t, s->run_id);
    h->root = put_str(t, s->root);
    h->env_prefix = put_str(t, s->env_prefix);
    h->pytest_root = put_str(t, s->pytest_root ? s->pytest_root : "");
    h->program = put_str(t, s->program);
    h->zygote = put_strings(t, s->zygote);
    h->n_queued = p->n_queued;
    if (p->n_queued) {
        size_t n = (size_t)h->n_slots + 1;
        size_t at = put_list(t, n, sizeof(uint32_t), &h->queues);
        memcpy(t->data.data + at, p->queues, n * sizeof(uint32_t));
    }
}

_Static_assert(sizeof(struct plan_head) % 8 == 0, "the tests follow at once");
_Static_assert(sizeof(struct plan_test) % 8 == 0, "the groups follow at once");
_Static_assert(sizeof(struct plan_group) % 8 == 0, "the members follow at once");

bool plan_write_file(const struct plan *p, const char *path, struct error *err)
{
    struct plan_head head;
    struct tail tail = {.data = BUF_INIT};
    struct outfile out;
    memset(&head, 0, sizeof head);
    if (!outfile_open(&out, path, err))
        return false;
    fill_head(p, &head, &tail);
    uint32_t *group_of = xcalloc(p->n_tests, sizeof *group_of);
    struct plan_group *groups = xcalloc(p->n_units, sizeof *groups);
    /* One more, so that the padding before the tail can be written from here. */
    uint32_t *members = xcalloc(p->n_tests + 1u, sizeof *members);
    fill_groups(p, group_of, groups, members);
    fwrite(&head, sizeof head, 1, out.f);
    write_tests(out.f, p, &tail, group_of);
    fwrite(groups, sizeof *groups, p->n_units, out.f);
    fwrite(members, 1, (size_t)(tail.base - head.off_members), out.f);
    fwrite(tail.data.data, 1, tail.data.len, out.f);
    head.size = tail.base + tail.data.len; /* known only now */
    if (fseek(out.f, 0, SEEK_SET) == 0)
        fwrite(&head, sizeof head, 1, out.f);
    free(group_of);
    free(groups);
    free(members);
    buf_release(&tail.data);
    map_release(&tail.known);
    return outfile_commit(&out, err);
}
