#include "run/expect.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static void compile(struct expect_any *a, const struct plan_map *plan, struct plan_list l)
{
    const char *s;
    for (uint64_t k = 0; (s = plan_map_list_str(plan, l, k)) != NULL; k++) {
        a->compiled = xreallocarray(a->compiled, a->n + 1, sizeof *a->compiled);
        a->source = xreallocarray(a->source, a->n + 1, sizeof *a->source);
        a->source[a->n] = s;
        if (regcomp(&a->compiled[a->n], s, REG_EXTENDED | REG_NOSUB) == 0)
            a->n++;
    }
}

static void release(struct expect_any *a)
{
    for (size_t i = 0; i < a->n; i++)
        regfree(&a->compiled[i]);
    free(a->compiled);
    free(a->source);
}

void expect_init(struct expect *e, const struct plan_map *plan, const struct plan_test *t)
{
    memset(e, 0, sizeof *e);
    compile(&e->skip, plan, t->skip_regex);
    compile(&e->fail, plan, t->fail_regex);
    compile(&e->pass, plan, t->pass_regex);
}

void expect_release(struct expect *e)
{
    release(&e->skip);
    release(&e->fail);
    release(&e->pass);
    buf_release(&e->text);
    memset(e, 0, sizeof *e);
}

static void look(const struct expect *e, struct expect_any *a, int flags)
{
    for (size_t i = 0; i < a->n && !a->found; i++)
        if (regexec(&a->compiled[i], buf_cstr(&e->text), 0, NULL, flags) == 0)
            a->found = a->source[i];
}

static void look_all(struct expect *e, bool last)
{
    int flags = (e->cut ? REG_NOTBOL : 0) | (last ? 0 : REG_NOTEOL);
    look(e, &e->skip, flags);
    look(e, &e->fail, flags);
    look(e, &e->pass, flags);
}

/* Without NULs: they would end the text for regexec. */
static void add_text(struct buf *b, const char *p, size_t len)
{
    while (len) {
        size_t n = strnlen(p, len);
        buf_add(b, p, n);
        if (n < len)
            n++;
        p += n;
        len -= n;
    }
}

void expect_feed(struct expect *e, const void *data, size_t len)
{
    if (!e->skip.n && !e->fail.n && !e->pass.n)
        return;
    add_text(&e->text, data, len);
    if (e->text.len < EXPECT_WINDOW)
        return;
    look_all(e, false);
    size_t gone = e->text.len - EXPECT_OVERLAP;
    memmove(e->text.data, e->text.data + gone, EXPECT_OVERLAP);
    e->text.len = EXPECT_OVERLAP;
    e->text.data[e->text.len] = '\0';
    e->cut = true;
}

void expect_finish(struct expect *e)
{
    look_all(e, true);
}
