#include "plan/shard.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "plan/heap.h"

/* Where nothing else keeps a scope together, it is cut into pieces of at most a part divided by
 * this. */
enum { PIECES = 16 };
/* 1,000,000 seconds: sums of as many tests as there can be fit into a double's 53 bits. */
#define LONGEST 1e6

/* Tests by their place in the order of their ids. All sums are whole numbers, so that they are the
 * same on every machine. */
struct parts {
    const struct manifest *m;
    size_t *tests; /* indexes into the manifest */
    size_t n;
    size_t *place;    /* of each test of the manifest; MAP_NONE for those that are not chosen */
    uint64_t *us;     /* of each test */
    size_t *parent;   /* the trees of clusters: each root is the first test of its cluster */
    uint64_t *sum;    /* of each root: what its cluster takes */
    uint32_t *number; /* of each root: its part */
    struct buf key;
    struct map by_key;
    uint64_t all_us;
    bool timed;
};

struct by_id {
    const char *id;
    size_t test;
};

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct by_id *)a)->id, ((const struct by_id *)b)->id);
}

static void list_tests(struct parts *p, const bool *chosen)
{
    struct by_id *all = xcalloc(p->m->n + 1, sizeof *all);
    for (size_t i = 0; i < p->m->n; i++)
        if (chosen[i])
            all[p->n++] = (struct by_id){p->m->tests[i].id, i};
    qsort(all, p->n, sizeof *all, compare_ids);
    p->tests = xcalloc(p->n + 1, sizeof *p->tests);
    p->place = xmalloc((p->m->n + 1) * sizeof *p->place);
    memset(p->place, 0xff, (p->m->n + 1) * sizeof *p->place);
    p->us = xcalloc(p->n + 1, sizeof *p->us);
    p->parent = xcalloc(p->n + 1, sizeof *p->parent);
    p->sum = xcalloc(p->n + 1, sizeof *p->sum);
    p->number = xcalloc(p->n + 1, sizeof *p->number);
    for (size_t i = 0; i < p->n; i++) {
        p->tests[i] = all[i].test;
        p->place[all[i].test] = p->parent[i] = i;
    }
    free(all);
}

static const struct test *test_at(const struct parts *p, size_t i)
{
    return &p->m->tests[p->tests[i]];
}

/* At least 1, so that the fastest tests are spread, too. */
static uint64_t microseconds(double seconds)
{
    uint64_t us = (uint64_t)((seconds < LONGEST ? seconds : LONGEST) * 1e6);
    return us ? us : 1;
}

struct mean {
    uint64_t sum, n;
};

/* What a test takes that the file does not know: as long as the others of its file, or all. */
static void guess(struct parts *p, struct mean *means, const size_t *file, const struct mean *all)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct mean *of = means[file[i]].n ? &means[file[i]] : all;
        if (test_at(p, i)->shared < 0)
            p->us[i] = of->sum / of->n;
    }
}

static void measure(struct parts *p)
{
    struct map files = MAP_INIT;
    struct mean *means = xcalloc(p->n + 2, sizeof *means), all = {0, 0};
    size_t *file = xcalloc(p->n + 1, sizeof *file);
    for (size_t i = 0; i < p->n; i++) {
        const struct test *t = test_at(p, i);
        file[i] = t->file ? map_intern(&files, t->file, files.n + 1) : 0;
        p->us[i] = 1;
        if (t->shared < 0)
            continue;
        p->us[i] = microseconds(t->shared);
        all.sum += p->us[i];
        all.n++;
        means[file[i]].sum += p->us[i];
        means[file[i]].n++;
    }
    p->timed = all.n > 0;
    if (p->timed)
        guess(p, means, file, &all);
    for (size_t i = 0; i < p->n; i++)
        p->all_us += p->us[i];
    map_release(&files);
    free(means);
    free(file);
}

static size_t root_of(struct parts *p, size_t i)
{
    while (p->parent[i] != i)
        i = p->parent[i] = p->parent[p->parent[i]];
    return i;
}

static void unite(struct parts *p, size_t a, size_t b)
{
    a = root_of(p, a);
    b = root_of(p, b);
    if (a < b)
        p->parent[b] = a;
    else
        p->parent[a] = b;
}

/* Unites the test with the others of this kind and name. */
static void unite_by(struct parts *p, size_t i, char kind, const char *name)
{
    buf_clear(&p->key);
    buf_addf(&p->key, "%c%s", kind, name);
    size_t first = map_get(&p->by_key, buf_cstr(&p->key));
    if (first == MAP_NONE)
        map_put(&p->by_key, xstrdup(buf_cstr(&p->key)), i);
    else
        unite(p, first, i);
}

static void unite_linked(struct parts *p, size_t i, char *const *ids)
{
    for (; ids && *ids; ids++) {
        size_t at = map_get(&p->m->by_id, *ids);
        if (at != MAP_NONE && p->place[at] != MAP_NONE)
            unite(p, i, p->place[at]);
    }
}

/* Is the test of a scope that may be cut? That of a Google Test is its program. */
static bool may_cut(const struct options *o, const struct test *t)
{
    if (!t->scope || t->group)
        return false;
    if (t->format == FORMAT_GTEST)
        return o->dist != DIST_LOADFILE;
    return t->format == FORMAT_PYTEST && (o->dist == DIST_LOAD || o->dist == DIST_WORKSTEAL);
}

/* What keeps such tests together, whatever their number. */
static const char *whole_scope(const struct options *o, const struct test *t)
{
    if (may_cut(o, t) || (t->format != FORMAT_PYTEST && t->format != FORMAT_GTEST))
        return NULL;
    return t->format == FORMAT_PYTEST && o->dist == DIST_LOADFILE && t->file ? t->file : t->scope;
}

/* The tests of a scope that is too long, as they come, in pieces of the same length. */
static void unite_pieces(struct parts *p, const struct options *o)
{
    struct map firsts = MAP_INIT; /* the first test of each scope, whose sum is that of the scope */
    uint64_t most = p->all_us / ((uint64_t)o->shards * PIECES) + 1;
    /* Of the first test of each scope: what went into pieces, the number of the last piece, and
     * where that begins. */
    uint64_t *passed = xcalloc(p->n + 1, sizeof *passed);
    uint64_t *number = xcalloc(p->n + 1, sizeof *number);
    size_t *piece = xcalloc(p->n + 1, sizeof *piece);
    for (size_t i = 0; i < p->n; i++)
        if (may_cut(o, test_at(p, i)))
            p->sum[map_intern(&firsts, test_at(p, i)->scope, piece[i] = i)] += p->us[i];
    for (size_t i = 0; i < p->n; i++) {
        if (!may_cut(o, test_at(p, i)))
            continue;
        size_t first = map_get(&firsts, test_at(p, i)->scope);
        uint64_t count = (p->sum[first] + most - 1) / most, length = p->sum[first] / count;
        if (passed[first] / length != number[first]) {
            number[first] = passed[first] / length;
            piece[first] = i;
        }
        unite(p, piece[first], i);
        passed[first] += p->us[i];
    }
    map_release(&firsts);
    free(passed);
    free(number);
    free(piece);
}

static void unite_all(struct parts *p, const struct options *o)
{
    unite_pieces(p, o);
    for (size_t i = 0; i < p->n; i++) {
        const struct test *t = test_at(p, i);
        const char *scope = whole_scope(o, t);
        if (t->group)
            unite_by(p, i, 'g', t->group);
        else if (scope)
            unite_by(p, i, 's', scope);
        unite_linked(p, i, t->depends);
        unite_linked(p, i, t->after);
        unite_linked(p, i, t->brings);
    }
}

struct cluster {
    uint64_t sum;
    size_t root;
};

/* The longest first. */
static int compare_clusters(const void *a, const void *b)
{
    const struct cluster *x = a, *y = b;
    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    return x->root < y->root ? -1 : x->root > y->root;
}

static void spread(struct parts *p, uint32_t parts, struct shard *shard)
{
    struct cluster *clusters = xcalloc(p->n + 1, sizeof *clusters);
    struct heap least = HEAP_INIT;
    size_t n = 0;
    memset(p->sum, 0, p->n * sizeof *p->sum);
    for (size_t i = 0; i < p->n; i++)
        p->sum[root_of(p, i)] += p->us[i];
    for (size_t i = 0; i < p->n; i++)
        if (p->parent[i] == i)
            clusters[n++] = (struct cluster){p->sum[i], i};
    qsort(clusters, n, sizeof *clusters, compare_clusters);
    for (uint32_t k = 1; k <= parts; k++)
        heap_push(&least, (struct heap_entry){0, k, k});
    for (size_t k = 0; k < n; k++) {
        struct heap_entry e = heap_pop(&least);
        p->number[clusters[k].root] = e.item;
        e.key += (double)clusters[k].sum;
        heap_push(&least, e);
    }
    if (n && p->all_us) {
        shard->longest_shares = (double)clusters[0].sum * parts / (double)p->all_us;
        if (shard->longest_shares > 1 && clusters[0].sum > p->us[clusters[0].root])
            shard->longest = test_at(p, clusters[0].root)->id;
    }
    heap_release(&least);
    free(clusters);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return h;
}

static void take(struct parts *p, uint32_t mine, bool *chosen, struct shard *shard)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < p->n; i++) {
        const char *id = test_at(p, i)->id;
        uint32_t number = p->number[root_of(p, i)];
        unsigned char bytes[] = {(unsigned char)number, (unsigned char)(number >> 8)};
        h = hash(hash(h, id, strlen(id) + 1), bytes, sizeof bytes);
        chosen[p->tests[i]] = number == mine;
        shard->n += number == mine;
        shard->us += number == mine ? p->us[i] : 0;
    }
    shard->all = p->n;
    shard->all_us = p->all_us;
    if (!p->timed)
        shard->us = shard->all_us = 0;
    shard->partition = (uint32_t)(h ^ (h >> 32));
}

void shard_narrow(const struct manifest *m, const struct options *o, bool *chosen,
                  struct shard *shard)
{
    struct parts p = {.m = m};
    memset(shard, 0, sizeof *shard);
    list_tests(&p, chosen);
    measure(&p);
    unite_all(&p, o);
    spread(&p, o->shards, shard);
    take(&p, o->shard, chosen, shard);
    for (size_t i = 0; i < p.by_key.cap; i++)
        free((char *)p.by_key.entries[i].key);
    map_release(&p.by_key);
    buf_release(&p.key);
    free(p.tests);
    free(p.place);
    free(p.us);
    free(p.parent);
    free(p.sum);
    free(p.number);
}
