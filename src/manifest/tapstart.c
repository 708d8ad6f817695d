#include "manifest/tapstart.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What prove reads of a file to tell what it is. */
enum { HEAD_BYTES = 512 };

/* The value that the suite gives the variable, or else our own environment. */
static const char *variable(const char *name, char *const *env)
{
    size_t n = strlen(name);
    for (; env && *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return getenv(name);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* "perl" in the line, at the beginning of a word; NULL if it is not there. */
static const char *find_perl(const char *line)
{
    for (const char *s = line; (s = strstr(s, "perl")) != NULL; s++)
        if (s == line || !is_word(s[-1]))
            return s;
    return NULL;
}

/* The taint switch behind perl, 0 if there is none: the last run of T and t in a word of switches. */
static char taint(const char *perl)
{
    char found = 0;
    for (const char *s = perl; *s; s++) {
        if (!isspace((unsigned char)*s) || s[1] != '-')
            continue;
        for (s += 2; is_word(*s); s++)
            if (*s == 'T' || *s == 't')
                found = *s;
        s--;
    }
    return found;
}

static void push_perl(const char *name, const char *line, char *const *env, struct strv *argv)
{
    const char *perl = variable("HARNESS_PERL", NULL), *at = find_perl(line);
    char t = at ? taint(at) : 0;
    strv_push(argv, perl && *perl ? perl : "perl");
    if (t) {
        strv_pushf(argv, "-%c", t);
        const char *libs = variable("PERL5LIB", env);
        while (libs && *libs) {
            size_t n = strcspn(libs, ":");
            if (n)
                strv_pushf(argv, "-I%.*s", (int)n, libs);
            libs += n + (libs[n] == ':');
        }
    }
    strv_push(argv, name);
}

/* "#!/bin/sh -e": the interpreter and the rest of the line as one word, as the kernel has it. */
static void push_interpreter(const char *line, struct strv *argv)
{
    const char *s = line + 2 + strspn(line + 2, " \t\r");
    size_t n = strcspn(s, " \t\r");
    strv_pushf(argv, "%.*s", (int)n, s);
    s += n;
    s += strspn(s, " \t\r");
    for (n = strlen(s); n && isspace((unsigned char)s[n - 1]);)
        n--;
    if (n)
        strv_pushf(argv, "%.*s", (int)n, s);
}

static size_t read_head(const char *path, char *head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? 0 : read(fd, head, HEAD_BYTES);
    if (fd >= 0)
        close(fd);
    head[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

void tapstart_command(const char *path, const char *name, char *const *env, struct strv *argv)
{
    char head[HEAD_BYTES + 1];
    size_t n = read_head(path, head), len = strlen(name);
    bool bytes = memchr(head, '\0', n) != NULL;
    head[strcspn(head, "\n")] = '\0';
    bool hashbang = head[0] == '#' && head[1] == '!';
    bool runs = access(path, X_OK) == 0;
    if (hashbang && find_perl(head)) {
        push_perl(name, head, env, argv);
    } else if (len > 4 && strcmp(name + len - 4, ".tap") == 0) {
        strv_push(argv, "cat");
        strv_push(argv, name);
    } else if (hashbang && head[2 + strspn(head + 2, " \t\r")]) {
        if (!runs)
            push_interpreter(head, argv);
        strv_push(argv, name);
    } else if (bytes || (!n && runs)) {
        strv_push(argv, name);
    } else {
        push_perl(name, "", env, argv);
    }
}
