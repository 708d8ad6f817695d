#include "run/jobserver.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies the next word of *p (words end at blanks; a backslash keeps the next byte) and moves *p
 * past it. False at the end. A word that does not fit is cut. */
static bool next_word(const char **p, char *word, size_t size)
{
    const char *s = *p;
    size_t n = 0;
    while (*s == ' ' || *s == '\t')
        s++;
    if (!*s)
        return false;
    for (; *s && *s != ' ' && *s != '\t'; s++) {
        if (*s == '\\' && s[1])
            s++;
        if (n + 1 < size)
            word[n++] = *s;
    }
    word[n] = '\0';
    *p = s;
    return true;
}

bool makeflags_dry(const char *makeflags)
{
    char word[256];
    const char *p = makeflags ? makeflags : "";
    for (bool first = true; next_word(&p, word, sizeof word); first = false) {
        if (strcmp(word, "--") == 0)
            return false;
        const char *letters = word;
        if (word[0] == '-' && word[1] != '-')
            letters = word + 1;
        else if (!first || word[0] == '-' || strchr(word, '='))
            continue;
        /* Letters that take an argument end the cluster: what follows them is that argument. */
        for (; *letters && !strchr("CfIjlWoOE", *letters); letters++)
            if (strchr("nqt", *letters))
                return true;
    }
    return false;
}

static bool is_fifo(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static enum jobserver_state probe(struct jobserver *j)
{
    struct stat st;
    if (strncmp(j->auth, "fifo:", 5) == 0)
        return stat(j->auth + 5, &st) == 0 && S_ISFIFO(st.st_mode) ? JOBSERVER_OPEN
                                                                   : JOBSERVER_CLOSED;
    if (sscanf(j->auth, "%d,%d", &j->fds[0], &j->fds[1]) != 2)
        return JOBSERVER_NONE;
    if (j->fds[0] < 0 || j->fds[1] < 0)
        return j->jobs > 1 ? JOBSERVER_CLOSED : JOBSERVER_NONE;
    return is_fifo(j->fds[0]) && is_fifo(j->fds[1]) ? JOBSERVER_OPEN : JOBSERVER_CLOSED;
}

void jobserver_read(struct jobserver *j, const char *makeflags)
{
    static const char *const names[] = {"--jobserver-auth=", "--jobserver-fds="};
    char word[4096];
    const char *p = makeflags ? makeflags : "";
    j->jobs = 0;
    j->fds[0] = j->fds[1] = -1;
    j->auth[0] = '\0';
    while (next_word(&p, word, sizeof word) && strcmp(word, "--") != 0) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            size_t n = strlen(names[i]);
            if (strncmp(word, names[i], n) == 0)
                memmove(j->auth, word + n, strlen(word + n) + 1);
        }
        if (strncmp(word, "-j", 2) == 0 && isdigit((unsigned char)word[2])) {
            long n = strtol(word + 2, NULL, 10);
            j->jobs = n > INT_MAX ? INT_MAX : (int)n;
        }
    }
    j->state = j->auth[0] ? probe(j) : JOBSERVER_NONE;
}
