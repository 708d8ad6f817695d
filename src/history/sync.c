#include "history/sync.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "history/http.h"
#include "history/merge.h"

enum { PATIENCE_MS = 10000, MOST_ROUNDS = 5, LIMIT = 64 * 1024 * 1024 };

struct exchange {
    const struct history_sync *s;
    struct http http;
    char *got, *own; /* files in s->dir */
};

static void exchange_init(struct exchange *x, const struct history_sync *s)
{
    x->s = s;
    x->http = (struct http){s->url, clock_monotonic_ms() + PATIENCE_MS, LIMIT, s->stop};
    x->got = path_join(s->dir, "history.got");
    x->own = path_join(s->dir, "history.own");
}

static void exchange_release(struct exchange *x)
{
    unlink(x->got);
    unlink(x->own);
    free(x->got);
    free(x->own);
}

/* Makes a warning of why, which it frees. */
static bool warn(const struct exchange *x, bool fetches, char *why, char **warning)
{
    char *shown = http_shown(x->s->url);
    *warning = fetches ? xasprintf("history from %s: %s; the run goes on without it", shown, why)
                       : xasprintf("history to %s: %s; it stays without this run", shown, why);
    free(shown);
    free(why);
    return false;
}

bool history_fetch(const struct history_sync *s, char **warning)
{
    struct exchange x;
    char tag[HTTP_TAG_MAX], *why = NULL;
    size_t behind;
    bool ok = true;
    *warning = NULL;
    exchange_init(&x, s);
    enum http_end end = http_get(&x.http, x.got, tag, &why);
    if (end == HTTP_FAILED || (end == HTTP_DONE && !history_merge(s->path, x.got, &behind, &why)))
        ok = warn(&x, true, why, warning);
    exchange_release(&x);
    return ok;
}

/* One round: 1 when the server has all that is known here, 0 when it has to be looked at again, -1
 * with *why. What lies there and is no history is never replaced: the URL may be mistyped. */
static int publish_once(struct exchange *x, char **why)
{
    char tag[HTTP_TAG_MAX];
    size_t behind = 0;
    enum http_end end = http_get(&x->http, x->got, tag, why);
    if (end == HTTP_FAILED ||
        (end == HTTP_DONE && !history_merge(x->s->path, x->got, &behind, why)) ||
        (end == HTTP_NONE && !history_count(x->s->path, &behind, why)))
        return -1;
    if (!behind)
        return 1;
    unlink(x->own);
    if (!history_copy(x->s->path, x->own, why) ||
        http_put(&x->http, x->own, end == HTTP_NONE ? NULL : tag, why) == HTTP_FAILED)
        return -1;
    return 0;
}

bool history_publish(const struct history_sync *s, char **warning)
{
    struct exchange x;
    char *why = NULL;
    int rc = 0;
    *warning = NULL;
    exchange_init(&x, s);
    for (int round = 0; rc == 0 && round < MOST_ROUNDS; round++)
        rc = publish_once(&x, &why);
    if (rc == 0)
        why = xstrdup("others change it all the time");
    if (rc <= 0)
        warn(&x, false, why, warning);
    exchange_release(&x);
    return rc > 0;
}
