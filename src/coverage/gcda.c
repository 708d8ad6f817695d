/* Reading .gcda files, in which libgcov leaves the counters of an object:
 *
 *     file      magic "gcda", version, stamp of the .gcno, [12 on: checksum], records, 0
 *     FUNCTION  ident, checksum of lines, checksum of the graph; empty where the linker took
 *               another object's copy of the function
 *     counters  of the FUNCTION before: 64 bits each. A length below 0 stands for so many zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "coverage/gcnotes.h"

/* A pass over the records: once to check, once to add. */
struct pass {
    const struct gc_notes *n;
    const char *path;
    uint64_t *counters; /* NULL: to check */
    size_t seen;  /* FUNCTION records */
    size_t guess; /* data files have the order of their notes, as a rule: the next function */
    struct error *err;
};

static const struct gc_function *find(struct pass *p, uint32_t ident)
{
    const struct gc_notes *n = p->n;
    size_t low = 0, high = n->n_idents;
    if (p->guess < n->n_functions && n->functions[p->guess].ident == ident)
        return &n->functions[p->guess];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct gc_function *fn = &n->functions[n->by_ident[middle]];
        if (fn->ident == ident)
            return fn;
        if (fn->ident < ident)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool foreign(const struct pass *p, const struct gc_function *fn)
{
    return error_set(p->err, EXIT_USAGE,
                     "%s: the function %s was built otherwise than its .gcno says; delete the file "
                     "and run the tests again",
                     p->path, fn->name);
}

static bool add_counters(const struct pass *p, const struct gc_function *fn,
                         const struct gc_bytes *part, size_t zeros)
{
    size_t n = zeros ? zeros : (size_t)(part->end - part->p) / 8;
    if (n != fn->n_counters)
        return foreign(p, fn);
    if (p->counters && !zeros)
        for (size_t i = 0; i < n; i++)
            p->counters[fn->counter + i] += gc_counter(part, part->p + i * 8);
    return true;
}

static bool walk(struct pass *p, struct gc_bytes b)
{
    const struct gc_function *fn = NULL;
    struct gc_bytes part;
    uint32_t tag;
    size_t zeros;
    bool ended;
    while (gc_record(&b, &tag, &part, &zeros, &ended)) {
        if (tag == GC_TAG_FUNCTION) {
            p->seen++;
            if (part.p == part.end)
                continue;
            fn = find(p, gc_word(&part));
            p->guess = fn ? (size_t)(fn - p->n->functions) + 1 : p->guess;
            if (fn && (gc_word(&part) != fn->lineno_checksum || gc_word(&part) != fn->cfg_checksum))
                return foreign(p, fn);
        } else if (tag == GC_TAG_ARC_COUNTERS && fn && !add_counters(p, fn, &part, zeros)) {
            return false;
        }
        if (part.failed)
            b.failed = true;
    }
    if (b.failed || (!ended && p->seen < p->n->n_functions))
        return error_set(p->err, EXIT_USAGE,
                         "%s: cut off, as when a process is killed while it writes; its counters are "
                         "lost",
                         p->path);
    return true;
}

enum gc_result gc_data_add(const struct gc_notes *n, uint64_t *counters, const char *path,
                           const void *data, size_t len, struct error *err)
{
    struct gc_bytes b;
    struct gc_head head;
    char text[16], notes_text[16];
    if (!gc_bytes_open(&b, data, len, GC_DATA_MAGIC, &head)) {
        error_set(err, EXIT_USAGE, "%s: no data of GCC, or cut off; its counters are lost", path);
        return GC_BAD;
    }
    if (head.version != n->head.version) {
        error_set(err, EXIT_USAGE, "%s: of GCC %s, its .gcno of %s; build and run again", path,
                  gc_version_text(head.version, text),
                  gc_version_text(n->head.version, notes_text));
        return GC_BAD;
    }
    if (head.stamp != n->head.stamp) {
        error_set(err, EXIT_USAGE,
                  "%s: from another build than its .gcno; delete the file and run the tests again",
                  path);
        return GC_BAD;
    }
    struct pass p = {.n = n, .path = path, .err = err};
    if (!walk(&p, b))
        return GC_BAD;
    p.counters = counters;
    p.seen = p.guess = 0;
    walk(&p, b);
    return GC_OK;
}
