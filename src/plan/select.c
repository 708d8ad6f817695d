#include "plan/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/expr.h"
#include "plan/lastfailed.h"
#include "plan/shuffle.h"

/* What is looked for, by every word that could mean a test. */
struct words {
    struct strv words; /* as given */
    struct strv names; /* without "./" in front and slashes behind */
    struct strv paths; /* as absolute paths */
    struct map by_name, by_path;
    bool *used;
    size_t longest_name, longest_path;
};

static void words_add(struct words *w, const char *word)
{
    const char *s = word;
    while (s[0] == '.' && s[1] == '/')
        s += 2;
    size_t n = strlen(s);
    while (n > 1 && s[n - 1] == '/')
        n--;
    strv_push(&w->words, word);
    strv_push_nodup(&w->names, xmemdup0(s, n));
    strv_push_nodup(&w->paths, word[0] ? path_absolute(word) : xstrdup(""));
    if (n > w->longest_name)
        w->longest_name = n;
    if (strlen(w->paths.v[w->paths.n - 1]) > w->longest_path)
        w->longest_path = strlen(w->paths.v[w->paths.n - 1]);
}

/* Called when all words were added. */
static void words_index(struct words *w)
{
    w->used = xcalloc(w->names.n, sizeof *w->used);
    for (size_t i = 0; i < w->names.n; i++) {
        map_intern(&w->by_name, w->words.v[i], i);
        map_intern(&w->by_name, w->names.v[i], i);
        map_intern(&w->by_path, w->paths.v[i], i);
    }
}

static void words_release(struct words *w)
{
    map_release(&w->by_name);
    map_release(&w->by_path);
    strv_release(&w->words);
    strv_release(&w->names);
    strv_release(&w->paths);
    free(w->used);
}

static bool mark(struct words *w, size_t word)
{
    if (word == MAP_NONE)
        return false;
    w->used[word] = true;
    return true;
}

/* Is any folder that the path begins with among the words? None is longer than longest. */
static bool mark_folders(struct words *w, const struct map *map, const char *path, size_t longest)
{
    bool found = false;
    char *prefix = xmemdup0(path, strnlen(path, longest + 1));
    for (char *slash = strchr(prefix, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        found = (prefix[0] && mark(w, map_get(map, prefix))) || found;
        *slash = '/';
    }
    free(prefix);
    return found;
}

/* The path of the test's file or of what it starts; of a program that is looked up in PATH it says
 * no more than the folder it runs in. */
static char *command_path(const struct test *t)
{
    if (t->file && t->format != FORMAT_PYTEST)
        return path_absolute(t->file);
    const char *name = t->command && strchr(t->command[0], '/') ? t->command[0] : "./";
    char *path = path_join(t->cwd ? t->cwd : "", name), *absolute = path_absolute(path);
    free(path);
    return absolute;
}

/* The program of a Google Test, and the suite in it, by their ids. */
static bool mark_program(struct words *w, const struct test *t)
{
    if (t->format != FORMAT_GTEST)
        return false;
    const char *dot = strrchr(t->id, '.');
    char *suite = xmemdup0(t->id, dot ? (size_t)(dot - t->id) : strlen(t->id));
    bool found = mark(w, map_get(&w->by_name, t->scope));
    found = mark(w, map_get(&w->by_name, suite)) || found;
    free(suite);
    return found;
}

/* Is the test meant by one of the words? Notes which words meant something. */
static bool words_mean(struct words *w, const struct test *t)
{
    if (!w->names.n)
        return false;
    bool found = mark(w, map_get(&w->by_name, t->id));
    found = (t->suite[0] && mark(w, map_get(&w->by_name, t->suite))) || found;
    found = mark_folders(w, &w->by_name, t->id, w->longest_name) || found;
    found = mark_program(w, t) || found;
    char *path = command_path(t);
    found = mark(w, map_get(&w->by_path, path)) || found;
    found = mark_folders(w, &w->by_path, path, w->longest_path) || found;
    free(path);
    return found;
}

struct selecting {
    const struct manifest *m;
    struct expr *markers, *keyword; /* NULL: not given */
    struct words wanted, unwanted;
    bool restricted; /* paths or ids were given */
};

/* What -k looks at: the id, the suite, the markers. */
static bool match_keywords(const struct expr *e, const struct test *t)
{
    const char **names = xcalloc(t->n_markers + 3, sizeof *names);
    names[0] = t->id;
    names[1] = t->suite;
    for (size_t i = 0; i < t->n_markers; i++)
        names[2 + i] = t->markers[i].name;
    bool match = expr_match_keywords(e, names);
    free(names);
    return match;
}

static bool passes(struct selecting *s, const struct test *t)
{
    return (!s->markers || expr_match_markers(s->markers, t->markers, t->n_markers)) &&
           (!s->keyword || match_keywords(s->keyword, t)) && !words_mean(&s->unwanted, t);
}

static bool compile(struct selecting *s, const struct options *o, struct error *err)
{
    if (o->markers && o->markers[0] && !(s->markers = expr_compile("-m", o->markers, err)))
        return false;
    return !o->keyword || !o->keyword[0] || (s->keyword = expr_compile("-k", o->keyword, err));
}

static bool refuse_word(const struct manifest *m, const char *word, struct error *err)
{
    struct nearest near;
    const char *suite = NULL;
    nearest_init(&near, word);
    for (size_t i = 0; i < m->n; i++) {
        nearest_try(&near, m->tests[i].id);
        if (m->tests[i].suite != suite)
            nearest_try(&near, suite = m->tests[i].suite);
    }
    char *shown = text_quote(word), *best = near.best ? text_quote(near.best) : NULL;
    error_set(err, EXIT_USAGE, "%s is no test, suite, folder or file; %s%s%s", shown,
              best ? "did you mean " : "'rowlock list' prints the ids", best ? best : "",
              best ? "?" : "");
    free(shown);
    free(best);
    return false;
}

static bool has_pytest(const struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->tests[i].format == FORMAT_PYTEST)
            return true;
    return false;
}

/* Sorts the arguments: which ones are looked for among native tests. */
static void gather(struct selecting *s, const struct options *o, const bool *is_pytest_path)
{
    for (size_t i = 0; i < o->test_paths.n; i++)
        if (!is_pytest_path || !is_pytest_path[i])
            words_add(&s->wanted, o->test_paths.v[i]);
    for (size_t i = 0; i < o->deselect.n; i++)
        words_add(&s->unwanted, o->deselect.v[i]);
    s->restricted = o->test_paths.n > 0;
    words_index(&s->wanted);
    words_index(&s->unwanted);
}

/* Every word meant a test? Nobody has said which are pytest's if is_pytest_path is NULL. */
static bool check_words(const struct selecting *s, const bool *is_pytest_path, struct error *err)
{
    if (!is_pytest_path && has_pytest(s->m))
        return true;
    for (size_t i = 0; i < s->wanted.names.n; i++) {
        const struct words *w = &s->wanted;
        if (!w->used[map_get(&w->by_name, w->words.v[i])] &&
            !w->used[map_get(&w->by_name, w->names.v[i])] &&
            !w->used[map_get(&w->by_path, w->paths.v[i])])
            return refuse_word(s->m, w->words.v[i], err);
    }
    return true;
}

/* Adds what the chosen tests bring along, and what that brings. */
static void add_brought(const struct manifest *m, bool *chosen)
{
    size_t *todo = xmalloc((m->n + 1) * sizeof *todo), n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (chosen[i])
            todo[n++] = i;
    while (n) {
        char *const *id = m->tests[todo[--n]].brings;
        for (; id && *id; id++) {
            size_t at = map_get(&m->by_id, *id);
            if (at == MAP_NONE || chosen[at])
                continue;
            chosen[at] = true;
            todo[n++] = at;
        }
    }
    free(todo);
}

static void choose(struct selecting *s, const struct options *o, struct selection *out)
{
    const struct manifest *m = s->m;
    bool *chosen = xcalloc(m->n + 1, sizeof *chosen), *away = xcalloc(m->n + 1, sizeof *away);
    for (size_t i = 0; i < m->n; i++) {
        const struct test *t = &m->tests[i];
        bool native = t->format != FORMAT_PYTEST;
        if (native && s->restricted && !words_mean(&s->wanted, t))
            continue;
        chosen[i] = !native || passes(s, t);
        away[i] = !chosen[i];
    }
    lastfailed_narrow(m, o, chosen, away, &out->last_failed);
    add_brought(m, chosen);
    for (size_t i = 0; i < m->n; i++)
        out->deselected += away[i] && !chosen[i];
    if (o->shard)
        shard_narrow(m, o, chosen, &out->shard);
    out->tests = xmalloc(m->n * sizeof *out->tests);
    for (size_t i = 0; i < m->n; i++)
        if (chosen[i])
            out->tests[out->n++] = i;
    if (o->random_order)
        shuffle(m, o->random_seed, out->tests, out->n);
    lastfailed_sort(m, o, out->tests, out->n);
    free(chosen);
    free(away);
}

bool selection_make(struct selection *out, const struct manifest *m, const struct options *o,
                    const bool *is_pytest_path, struct error *err)
{
    struct selecting s = {.m = m};
    memset(out, 0, sizeof *out);
    bool ok = compile(&s, o, err);
    if (ok) {
        gather(&s, o, is_pytest_path);
        choose(&s, o, out);
        ok = check_words(&s, is_pytest_path, err);
    }
    expr_free(s.markers);
    expr_free(s.keyword);
    words_release(&s.wanted);
    words_release(&s.unwanted);
    if (!ok)
        selection_release(out);
    return ok;
}

void selection_release(struct selection *s)
{
    free(s->tests);
    free(s->last_failed);
    memset(s, 0, sizeof *s);
}
