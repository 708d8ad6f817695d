#include "command/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"

#ifndef PKGLIBEXECDIR
#define PKGLIBEXECDIR "/usr/local/libexec/rowlock"
#endif
#ifndef PKGDATADIR
#define PKGDATADIR "/usr/local/share/rowlock"
#endif

/* The first of three paths that exists, or NULL. */
static char *first_of(const char *dir, const char *beside, const char *installed, const char *fixed)
{
    char *tries[3] = {path_join(dir, beside), path_join(dir, installed), xstrdup(fixed)};
    char *found = NULL;
    for (int i = 0; i < 3; i++) {
        if (!found && access(tries[i], R_OK) == 0)
            found = path_absolute(tries[i]);
        free(tries[i]);
    }
    return found;
}

/* The absolute path of this program, or NULL and err. Caller frees. */
static char *own_path(struct error *err)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0)
        return xmemdup0(path, (size_t)n);
    error_errno(err, EXIT_INTERNAL, "/proc/self/exe cannot be read; is /proc mounted?");
    return NULL;
}

bool program_find(struct program *p, struct error *err)
{
    memset(p, 0, sizeof *p);
    p->rowlock = own_path(err);
    if (!p->rowlock)
        return false;
    char *dir = path_dirname(p->rowlock);
    p->exec = first_of(dir, "rowlock-exec", "../libexec/rowlock/rowlock-exec",
                       PKGLIBEXECDIR "/rowlock-exec");
    p->zygote = first_of(dir, "share/pytest/zygote.py", "../share/rowlock/pytest/zygote.py",
                         PKGDATADIR "/pytest/zygote.py");
    if (!p->exec || !p->zygote)
        error_set(err, EXIT_INTERNAL,
                  "%s is neither in %s nor where it would be installed; run 'make' or 'make "
                  "install' again",
                  p->exec ? "share/pytest/zygote.py" : "rowlock-exec", dir);
    free(dir);
    return p->exec && p->zygote;
}

void program_release(struct program *p)
{
    free(p->rowlock);
    free(p->exec);
    free(p->zygote);
    memset(p, 0, sizeof *p);
}

/* A file that lies under one of three names, see first_of; NULL and err if it is missing. */
static char *find_data(const char *beside, const char *installed, const char *fixed,
                       struct error *err)
{
    char *path = own_path(err);
    if (!path)
        return NULL;
    char *dir = path_dirname(path);
    char *found = first_of(dir, beside, installed, fixed);
    if (!found)
        error_set(err, EXIT_INTERNAL,
                  "%s is neither in %s nor where it would be installed; run 'make' or 'make install' "
                  "again",
                  beside, dir);
    free(dir);
    free(path);
    return found;
}

char *program_templates(struct error *err)
{
    return find_data("share/templates/html", "../share/rowlock/templates/html",
                     PKGDATADIR "/templates/html", err);
}

char *program_shell_fixtures(struct error *err)
{
    return find_data("share/fixtures.sh", "../share/rowlock/fixtures.sh",
                     PKGDATADIR "/fixtures.sh", err);
}

/* The file that name means on PATH, or NULL. */
static char *on_path(const char *name)
{
    const char *p = getenv("PATH");
    char *found = NULL;
    while (p && *p && !found) {
        size_t n = strcspn(p, ":");
        char *dir = xmemdup0(p, n), *file = path_join(dir[0] ? dir : ".", name);
        if (path_executable(file))
            found = xstrdup(file);
        free(file);
        free(dir);
        p += n + (p[n] == ':');
    }
    return found;
}

/* The Python named in the first line of a script, or NULL. */
static char *interpreter_of(const char *script)
{
    char line[1024] = "";
    FILE *f = fopen(script, "re");
    char *got = f ? fgets(line, sizeof line, f) : NULL;
    if (f)
        fclose(f);
    if (!got || strncmp(line, "#!", 2) != 0)
        return NULL;
    char *word = line + 2 + strspn(line + 2, " \t");
    word[strcspn(word, " \t\r\n")] = '\0';
    bool python = strncmp(path_basename(word), "python", 6) == 0 ||
                  strncmp(path_basename(word), "pypy", 4) == 0;
    return python && path_executable(word) ? xstrdup(word) : NULL;
}

char *program_python(const char *option, const char *ini)
{
    const char *venv = getenv("VIRTUAL_ENV");
    if (option || ini)
        return xstrdup(option ? option : ini);
    if (venv && venv[0]) {
        char *python = path_join(venv, "bin/python");
        if (path_executable(python))
            return python;
        free(python);
    }
    char *pytest = on_path("pytest");
    char *python = pytest ? interpreter_of(pytest) : NULL;
    free(pytest);
    return python ? python : xstrdup("python3");
}
