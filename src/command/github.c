#include "command/github.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "report/report.h"

static char token[33]; /* "" while the runner obeys */

bool github_wanted(const struct options *o)
{
    const char *actions = getenv("GITHUB_ACTIONS");
    if (o->no_report_github)
        return false;
    return o->report_github ||
           (actions && strcmp(actions, "true") == 0 && !getenv("PYTEST_XDIST_WORKER"));
}

void github_begin(const struct options *o)
{
    unsigned char bytes[(sizeof token - 1) / 2];
    if (token[0] || !github_wanted(o) ||
        getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    printf("::stop-commands::%s\n", token);
    fflush(stdout);
}

void github_begin_at(const struct options *o, const char *path)
{
    struct error err = ERROR_INIT;
    github_begin(o);
    if (token[0] && !file_write(path, token, strlen(token), &err)) {
        github_end();
        fprintf(stderr, "rowlock: %s\n", err.msg);
    }
    error_release(&err);
}

void github_resume_at(const char *path)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    if (access(path, F_OK) == 0 && file_read(path, &text, &err) && text.len < sizeof token)
        memcpy(token, buf_cstr(&text), text.len + 1);
    unlink(path);
    error_release(&err);
    buf_release(&text);
}

void github_end(void)
{
    if (!token[0])
        return;
    fflush(stderr);
    printf("::%s::\n", token); /* on a line of its own: the last of what came before may be open */
    fflush(stdout);
    token[0] = '\0';
}

bool github_report(const struct results *r, const struct options *o, struct error *err)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    github_end();
    if (!github_wanted(o))
        return true;
    report_github(stdout, r);
    fflush(stdout);
    if (!path || !*path || report_step_summary(path, r, err))
        return true;
    if (err->code != EXIT_OK)
        return false;
    fprintf(stderr, "rowlock: %s\n", err->msg);
    error_release(err);
    return true;
}
