#include "coverage/pyanswer.h"

#include <stdlib.h>
#include <string.h>

int32_t py_take(struct py_cursor *c)
{
    int32_t v = 0;
    if (c->torn || c->end - c->at < (ptrdiff_t)sizeof v) {
        c->torn = true;
        return 0;
    }
    memcpy(&v, c->at, sizeof v);
    c->at += sizeof v;
    return v;
}

size_t py_take_length(struct py_cursor *c, size_t each)
{
    int32_t n = py_take(c);
    if (c->torn || n < 0 || (size_t)n > (size_t)(c->end - c->at) / each) {
        c->torn = true;
        return 0;
    }
    return (size_t)n;
}

/* A copy, or "" of a torn one. */
static const char *take_text(struct py_cursor *c, struct arena *arena)
{
    size_t n = py_take_length(c, 1), filled = (n + 3) & ~(size_t)3;
    if (c->torn || filled > (size_t)(c->end - c->at)) {
        c->torn = true;
        return "";
    }
    const char *text = arena_memdup0(arena, c->at, n);
    c->at += filled;
    return text;
}

/* Integers that come in groups of `each`; they stay where they are. */
static struct py_numbers take_numbers(struct py_cursor *c, size_t each)
{
    struct py_numbers n = {NULL, py_take_length(c, sizeof(int32_t))};
    if (n.n % each)
        c->torn = true;
    if (c->torn)
        return (struct py_numbers){NULL, 0};
    n.v = (const int32_t *)(const void *)c->at;
    c->at += n.n * sizeof(int32_t);
    return n;
}

/* A number of texts, and they. */
static const char **take_texts(struct py_cursor *c, struct arena *arena, size_t *n)
{
    *n = py_take_length(c, sizeof(int32_t));
    const char **texts = arena_alloc(arena, (*n + 1) * sizeof *texts);
    for (size_t i = 0; i < *n; i++)
        texts[i] = take_text(c, arena);
    return texts;
}

bool py_take_config(struct py_cursor *c, struct arena *arena, struct py_config *config,
                    const char **stamped)
{
    memset(config, 0, sizeof *config);
    config->version = take_text(c, arena);
    *stamped = take_text(c, arena);
    config->precision = py_take(c);
    config->flags = (unsigned)py_take(c);
    config->package_depth = py_take(c);
    config->fail_under = strtod(take_text(c, arena), NULL);
    config->sort = take_text(c, arena);
    config->format = take_text(c, arena);
    config->sources = take_texts(c, arena, &config->n_sources);
    config->contexts = take_texts(c, arena, &config->n_contexts);
    return !c->torn;
}

static void take_regions(struct py_cursor *c, struct arena *arena, struct py_source *s)
{
    s->n_regions = py_take_length(c, 4 * sizeof(int32_t));
    s->regions = arena_alloc(arena, (s->n_regions + 1) * sizeof *s->regions);
    for (size_t i = 0; i < s->n_regions; i++) {
        struct py_region *region = &s->regions[i];
        region->kind = py_take(c);
        region->name = take_text(c, arena);
        region->start = (uint32_t)py_take(c);
        region->ranges = take_numbers(c, 2);
    }
}

bool py_take_record(struct py_cursor *c, struct arena *arena, struct py_source *s,
                    struct py_cursor *bytes)
{
    *bytes = *c;
    memset(s, 0, sizeof *s);
    size_t n = py_take_length(c, 1);
    struct py_cursor in = {c->at, c->at + n, c->torn};
    s->asked = take_text(&in, arena);
    s->path = take_text(&in, arena);
    s->name = take_text(&in, arena);
    s->error = take_text(&in, arena);
    s->flags = (unsigned)py_take(&in);
    if (!s->error[0])
        s->error = NULL;
    if (!s->error && s->flags & PY_REPORTED) {
        s->n_lines = (uint32_t)py_take(&in);
        s->statements = take_numbers(&in, 1);
        s->excluded = take_numbers(&in, 1);
        s->firsts = take_numbers(&in, 2);
        s->better = take_numbers(&in, 4);
        s->jumps = take_numbers(&in, 5);
        s->arms = take_numbers(&in, 3);
        take_regions(&in, arena, s);
    }
    if (in.torn || in.at != in.end || n % 4)
        c->torn = true;
    if (!c->torn)
        c->at += n;
    bytes->end = c->at;
    return !c->torn;
}
