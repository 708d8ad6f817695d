/* Exercises the reader of what covfacts.py answers (and of the file that keeps it), and py_report, which
 * believes it: each record is about a file of which some lines and arcs were run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "coverage.h"
#include "coverage/pyanswer.h"
#include "coverage/pyreport.h"
#include "support.h"

enum { LINES = 40, MOST_RECORDS = 20 };

static void check_numbers(const struct py_numbers *n, size_t each, const char *from, const char *to)
{
    CHECK(n->n % each == 0);
    CHECK(!n->n || ((const char *)n->v >= from && (const char *)(n->v + n->n) <= to));
}

static void check_source(const struct py_source *s, const struct py_cursor *bytes)
{
    CHECK(s->asked && s->path && s->name);
    check_numbers(&s->statements, 1, bytes->at, bytes->end);
    check_numbers(&s->excluded, 1, bytes->at, bytes->end);
    check_numbers(&s->firsts, 2, bytes->at, bytes->end);
    check_numbers(&s->better, 4, bytes->at, bytes->end);
    check_numbers(&s->jumps, 5, bytes->at, bytes->end);
    check_numbers(&s->arms, 3, bytes->at, bytes->end);
    for (size_t i = 0; i < s->n_regions; i++)
        check_numbers(&s->regions[i].ranges, 2, bytes->at, bytes->end);
}

/* A file, run in so many contexts. */
static void add_file(struct py_data *d, const char *path, uint32_t contexts)
{
    static const uint8_t bits[] = {0xfe, 0x5a, 0xff, 0x0f, 0x81};
    for (uint32_t k = 0; k < contexts; k++) {
        uint32_t context = py_data_context(d, k ? "tests/test_a.py::test|run" : "");
        struct py_run *r = py_file_run(d, py_data_file(d, path), context);
        if (!d->has_arcs)
            py_run_add_bits(r, bits, sizeof bits - k);
        for (int32_t i = 1; d->has_arcs && i < LINES; i++) {
            py_run_add_arc(r, i, i + 1);
            py_run_add_arc(r, i % 3 ? i : -i, (i + (int32_t)k) % 2 ? i - 2 : -i);
        }
    }
}

static void report(const struct py_data *d, const struct py_facts *facts)
{
    struct coverage c;
    struct strv problems = STRV_INIT;
    struct py_contexts contexts = {.show = (facts->config.flags & PY_JSON_CONTEXTS) != 0};
    coverage_init(&c);
    py_report(&c, d, facts, &contexts, &problems);
    coverage_finish(&c);
    fuzz_check_coverage(&c);
    CHECK(problems.n <= d->n_files);
    for (size_t i = 0; i < problems.n; i++)
        CHECK(fuzz_is_clean(problems.v[i], strlen(problems.v[i]), ""));
    strv_release(&problems);
    coverage_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct py_facts facts = {0};
    struct py_source sources[MOST_RECORDS];
    struct py_data d;
    const char *stamped;
    char *copy = xmalloc(size + 1); /* aligned, as a buffer is */
    memcpy(copy, data, size);
    struct py_cursor c = {copy, copy + size, false}, bytes;
    py_data_init(&d);
    facts.sources = sources;
    if (py_take_config(&c, &facts.arena, &facts.config, &stamped)) {
        CHECK(stamped && facts.config.version);
        d.has_arcs = (facts.config.flags & PY_BRANCH) != 0;
        d.has_lines = !d.has_arcs;
        while (facts.n_sources < MOST_RECORDS) {
            struct py_source *s = &sources[facts.n_sources];
            if (!py_take_record(&c, &facts.arena, s, &bytes))
                break;
            check_source(s, &bytes);
            char path[16];
            snprintf(path, sizeof path, "%zu.py", facts.n_sources++);
            add_file(&d, path, 1 + facts.n_sources % 2);
        }
    }
    py_data_finish(&d);
    report(&d, &facts);
    py_data_release(&d);
    arena_release(&facts.arena);
    free(copy);
    return 0;
}
