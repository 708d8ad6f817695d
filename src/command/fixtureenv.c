/* __fixture: variables of the environment for one test.
 *
 * What they were lies in FOLDER.env beside the folder, as the kernel keeps them: NAME=VALUE and a zero byte.
 * A shell cannot set them all back as the library does for its process; it is told the names of those that
 * have changed, and of each the value. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "command/fixture.h"
#include "fixtures/priv.h"

extern char **environ;

static bool save(const char *path, const char *const *variables)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    for (size_t i = 0; variables[i]; i++)
        buf_add(&b, variables[i], strlen(variables[i]) + 1);
    bool ok = file_write(path, b.len ? b.data : "", b.len, &err);
    if (!ok)
        rowlock_priv_fail("%s", err.msg);
    error_release(&err);
    buf_release(&b);
    return ok;
}

static int new_environment(char **words, int n)
{
    (void)words, (void)n;
    /* Not freed: the folder stays for the script. */
    static struct rowlock_environment *e;
    e = rowlock_environment_new();
    if (!e)
        return FIXTURE_FAILED;
    char *path = xasprintf("%s.env", e->temp_dir);
    bool ok = save(path, e->original);
    free(path);
    return ok ? fixture_print(xstrdup(e->temp_dir)) : FIXTURE_FAILED;
}

/* The variables as they were, strings into b. */
static bool load(const char *folder, struct buf *b, struct strv *variables)
{
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s.env", folder);
    bool ok = file_read(path, b, &err);
    if (!ok)
        rowlock_priv_fail("%s; call rowlock_environment_new first", err.msg);
    for (size_t at = 0; ok && at < b->len; at += strlen(b->data + at) + 1)
        strv_push(variables, b->data + at);
    error_release(&err);
    free(path);
    return ok;
}

/* The value of name (len bytes) in a list, or NULL. */
static const char *value_of(char *const *list, const char *name, size_t len)
{
    for (; list && *list; list++)
        if (strncmp(*list, name, len) == 0 && (*list)[len] == '=')
            return *list + len + 1;
    return NULL;
}

/* Can a script set it, and is it not the shell's own affair? */
static bool is_for_scripts(const char *name, size_t len)
{
    static const char *const shells[] = {"_",     "PWD",  "OLDPWD", "SHLVL", "SHELLOPTS", "BASHOPTS",
                                         "OPTIND", "PPID", "UID",    "EUID",  "LINENO"};
    if (!len || isdigit((unsigned char)name[0]) || strncmp(name, "rowlock_", 8) == 0)
        return false;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strlen(shells[i]) == len && strncmp(shells[i], name, len) == 0)
            return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

/* Names in from whose value in to is another one, or that to lacks. With only_lacking, the latter. */
static void print_changes(char *const *from, char *const *to, bool only_lacking)
{
    for (; from && *from; from++) {
        size_t len = strcspn(*from, "=");
        if (!(*from)[len] || !is_for_scripts(*from, len))
            continue;
        const char *other = value_of(to, *from, len);
        if (!other || (!only_lacking && strcmp(other, *from + len + 1) != 0))
            printf("%.*s\n", (int)len, *from);
    }
}

static int print_changed(char **words, int n)
{
    (void)n;
    struct buf b = BUF_INIT;
    struct strv was = STRV_INIT;
    bool ok = load(words[0], &b, &was);
    if (ok) {
        print_changes(was.v, environ, false);
        print_changes(environ, was.v, true);
    }
    strv_release(&was);
    buf_release(&b);
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

/* With an x behind it, as a shell drops newlines at the end of what it reads. */
static int print_value(char **words, int n)
{
    (void)n;
    struct buf b = BUF_INIT;
    struct strv was = STRV_INIT;
    int code = load(words[0], &b, &was) ? FIXTURE_YES : FIXTURE_FAILED;
    const char *value = value_of(was.v, words[1], strlen(words[1]));
    if (value)
        printf("%sx\n", value);
    else if (code == FIXTURE_YES)
        code = FIXTURE_NO;
    strv_release(&was);
    buf_release(&b);
    return code;
}

const struct fixture_row fixture_env_rows[] = {
    {"environment-new", 0, 0, new_environment},
    {"environment-changed", 1, 1, print_changed},
    {"environment-value", 2, 2, print_value},
    {NULL, 0, 0, NULL},
};
