#include "manifest/importer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { MOST_OUTPUT = 1 << 30, SHOWN_OF_ERRORS = 300 };

/* Where the last line that is not blank begins, if all of it is a traceback of Python's: only that
 * line says what it is about. Else 0. */
static size_t skip_traceback(const struct buf *said)
{
    size_t end = said->len;
    if (!memmem(buf_cstr(said), said->len, "Traceback (most recent call last)", 33))
        return 0;
    while (end && isspace((unsigned char)said->data[end - 1]))
        end--;
    while (end && said->data[end - 1] != '\n')
        end--;
    return end;
}

/* What the tool complained of, on one line. */
static void shorten(struct buf *b, const struct buf *said)
{
    bool space = false;
    struct buf line = BUF_INIT;
    for (size_t i = skip_traceback(said); i < said->len; i++) {
        bool blank = strchr(" \t\r\n", said->data[i]) != NULL && said->data[i];
        if (!blank && space && line.len)
            buf_addc(&line, ' ');
        if (!blank)
            buf_addc(&line, said->data[i]);
        space = blank;
    }
    text_escape(b, buf_cstr(&line), line.len, SHOWN_OF_ERRORS);
    buf_release(&line);
}

bool importer_ask(char *const argv[], const char *dir, const char *what_to_install,
                  struct buf *out, struct error *err)
{
    struct buf said = BUF_INIT, shown = BUF_INIT;
    if (!path_executable(argv[0]))
        return error_set(err, EXIT_USAGE, "%s: no such program; %s", argv[0], what_to_install);
    int code = subprocess_ask(argv, dir, out, &said, MOST_OUTPUT);
    if (code != 0) {
        shorten(&shown, said.len ? &said : out);
        error_set(err, EXIT_USAGE, "%s: %s ended with exit code %d: %s; correct what it complains of",
                  dir, argv[0], code, shown.len ? shown.data : "it said nothing");
    }
    buf_release(&said);
    buf_release(&shown);
    return code == 0;
}

/* Has the suite a test of that id, or of what begins with it? */
static bool is_taken(const struct manifest *m, const char *suite, const char *id,
                     const char *behind)
{
    char *whole = xasprintf("%s%s", id, behind);
    size_t at = map_get(&m->by_id, whole);
    free(whole);
    return at != MAP_NONE && strcmp(m->tests[at].suite, suite) == 0;
}

char *importer_id(const struct manifest *m, const char *suite, const char *prefix,
                  const char *name, const char *behind)
{
    char *id = prefix ? xasprintf("%s/%s", prefix, name) : xstrdup(name);
    for (unsigned n = 2; is_taken(m, suite, id, behind); n++) {
        free(id);
        id = prefix ? xasprintf("%s/%s#%u", prefix, name, n) : xasprintf("%s#%u", name, n);
    }
    return id;
}

struct test *importer_add(struct manifest *m, const char *suite, const char *prefix,
                          const char *name, const char *origin, struct error *err)
{
    char *id = importer_id(m, suite, prefix, name, "");
    struct test *t = manifest_add(m, id, origin, err);
    if (t)
        t->suite = suite;
    free(id);
    return t;
}

void importer_strings(const cJSON *value, struct strv *to)
{
    if (cJSON_IsString(value))
        strv_push(to, value->valuestring);
    for (const cJSON *c = cJSON_IsArray(value) ? value->child : NULL; c; c = c->next)
        if (cJSON_IsString(c))
            strv_push(to, c->valuestring);
}

char **importer_keep(struct manifest *m, const struct strv *s)
{
    return s->n ? arena_strv(&m->arena, s->v, s->n) : NULL;
}

void importer_ignore(struct importer_ignored *g, const char *what)
{
    size_t i = 0;
    while (i < g->what.n && strcmp(g->what.v[i], what) != 0)
        i++;
    if (i == g->what.n) {
        strv_push(&g->what, what);
        g->counts = xreallocarray(g->counts, g->what.n, sizeof *g->counts);
        g->counts[i] = 0;
    }
    g->counts[i]++;
}

void importer_note(struct importer_ignored *g, struct manifest *m, const char *dir)
{
    for (size_t i = 0; i < g->what.n; i++) {
        struct buf b = BUF_INIT;
        text_escape(&b, dir, strlen(dir), SHOWN_OF_ERRORS);
        buf_addf(&b, ": %zu test%s ", g->counts[i], g->counts[i] == 1 ? " has" : "s have");
        text_escape(&b, g->what.v[i], strlen(g->what.v[i]), SHOWN_OF_ERRORS);
        strv_push_nodup(&m->notes, buf_detach(&b));
    }
    strv_release(&g->what);
    free(g->counts);
    g->counts = NULL;
}
