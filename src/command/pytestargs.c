#include "command/pytestargs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "config/argfile.h"
#include "config/config.h"

bool pytestargs_environment(struct strv *words, struct error *err)
{
    const char *text = getenv("PYTEST_ADDOPTS");
    struct strv raw = STRV_INIT;
    bool ok = !text || config_split(text, "PYTEST_ADDOPTS", &raw, err);
    if (ok)
        argfile_expand(words, raw.v, raw.n);
    strv_release(&raw);
    return ok;
}

/* The value of the option at args->v[*i], which may be the next word; NULL if it is another one. */
static const char *value_at(const struct strv *args, size_t *i, char letter, const char *name)
{
    const char *word = args->v[*i], *rest = NULL;
    size_t len = strlen(name);
    if (word[0] == '-' && letter && word[1] == letter)
        rest = word + 2;
    else if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
             (!word[2 + len] || word[2 + len] == '='))
        rest = word + 2 + len;
    if (!rest)
        return NULL;
    if (!*rest)
        return *i + 1 < args->n ? args->v[++*i] : NULL;
    return rest + (*rest == '=');
}

const char *pytestargs_value(const struct strv *args, char letter, const char *name)
{
    const char *last = NULL;
    for (size_t i = 0; i < args->n; i++) {
        const char *value = value_at(args, &i, letter, name);
        last = value ? value : last;
    }
    return last;
}

const char *pytestargs_override(const struct strv *args, const char *key)
{
    const char *last = NULL;
    size_t len = strlen(key);
    for (size_t i = 0; i < args->n; i++) {
        const char *value = value_at(args, &i, 'o', "override-ini");
        if (value && strncmp(value, key, len) == 0 && value[len] == '=')
            last = value + len + 1;
    }
    return last;
}

bool pytestargs_stepwise(const struct strv *args)
{
    static const char *const names[] = {"--sw",       "--stepwise",       "--sw-skip",
                                        "--stepwise-skip", "--sw-reset", "--stepwise-reset",
                                        NULL};
    for (size_t i = 0; i < args->n; i++)
        for (const char *const *name = names; *name; name++)
            if (strcmp(args->v[i], *name) == 0)
                return true;
    return false;
}

/* The absolute path of what the word names, without the part behind "::", if it exists. */
static char *existing(const char *word)
{
    const char *end = strstr(word, "::");
    char *path = xmemdup0(word, end ? (size_t)(end - word) : strlen(word));
    char *absolute = path[0] && access(path, F_OK) == 0 ? path_absolute(path) : NULL;
    free(path);
    return absolute;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Shortens a to the folder that it has in common with b. */
static void keep_common(char *a, const char *b)
{
    size_t n = 0, slash = 0;
    while (a[n] && a[n] == b[n]) {
        if (a[n] == '/')
            slash = n;
        n++;
    }
    bool whole_a = !a[n] && (!b[n] || b[n] == '/');
    bool whole_b = !b[n] && a[n] == '/';
    if (!whole_a && !whole_b)
        n = slash;
    a[n ? n : 1] = '\0';
}

void pytestargs_folders(const struct strv *paths, struct strv *folders)
{
    struct strv all = STRV_INIT;
    char *common = NULL;
    for (size_t i = 0; i < paths->n; i++) {
        char *path = existing(paths->v[i]);
        if (!path)
            continue;
        char *folder = is_folder(path) ? xstrdup(path) : path_dirname(path);
        if (!common)
            common = xstrdup(folder);
        else
            keep_common(common, folder);
        strv_push_nodup(&all, folder);
        free(path);
    }
    strv_push_nodup(folders, common ? common : path_absolute("."));
    if (all.n > 1)
        strv_push_all(folders, all.v);
    strv_release(&all);
}

static bool is_native(const struct manifest *m, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < m->n; i++) {
        const struct test *t = &m->tests[i];
        bool inside = strncmp(t->id, word, len) == 0 && (!t->id[len] || t->id[len] == '/');
        if (inside || strcmp(t->suite, word) == 0)
            return true;
    }
    return false;
}

void pytestargs_settle(struct options *o, const struct manifest *m)
{
    struct strv kept = STRV_INIT;
    for (size_t i = 0; i < o->words.n; i++) {
        char *kind = &o->word_kinds.data[i];
        char *path = *kind == WORD_MAYBE ? existing(o->words.v[i]) : NULL;
        if (*kind == WORD_MAYBE && !path && !is_native(m, o->words.v[i]))
            *kind = WORD_OPTION;
        free(path);
        if (*kind == WORD_PATH || *kind == WORD_MAYBE)
            strv_push(&kept, o->words.v[i]);
    }
    strv_release(&o->test_paths);
    o->test_paths = kept;
}

void pytestargs_add(struct strv *argv, const struct options *o, const bool *is_pytest_path)
{
    size_t path = 0;
    for (size_t i = 0; i < o->words.n; i++) {
        char kind = o->word_kinds.data[i];
        bool wanted = true;
        if (kind == WORD_PATH || kind == WORD_MAYBE)
            wanted = !is_pytest_path || is_pytest_path[path++];
        if (wanted)
            strv_push(argv, o->words.v[i]);
    }
}
