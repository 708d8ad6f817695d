#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void error_release(struct error *e)
{
    free(e->msg);
    e->msg = NULL;
    e->code = EXIT_OK;
}

bool error_set(struct error *e, enum exit_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *msg = xvasprintf(fmt, ap);
    va_end(ap);
    free(e->msg);
    e->msg = msg;
    e->code = code;
    return false;
}

bool error_errno(struct error *e, enum exit_code code, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    char *what = xvasprintf(fmt, ap);
    va_end(ap);
    free(e->msg);
    e->msg = xasprintf("%s: %s", what, strerror(saved));
    e->code = saved == ENOSPC || saved == EDQUOT ? EXIT_INTERNAL : code;
    free(what);
    errno = saved;
    return false;
}

bool error_advise(struct error *e, const char *what_to_do)
{
    char *msg = xasprintf("%s; %s", e->msg ? e->msg : "failed", what_to_do);
    free(e->msg);
    e->msg = msg;
    return false;
}
