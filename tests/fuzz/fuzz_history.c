/* Exercises what comes from --history-url: history_merge on damaged files, whose rows a run must
 * be able to use, and http_is_url and http_shown on texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "history/history.h"
#include "history/http.h"
#include "history/merge.h"
#include "support.h"

/* A history of two tests. */
bool fuzz_seed(unsigned k, struct buf *b)
{
    static const struct history_result results[] = {{"db/start", "passed", false, 0.5, 1000000},
                                                    {"db/\xffmigrate", "failed", true, 70, 0}};
    struct error err = ERROR_INIT;
    char *warning, *path = path_join(fuzz_folder(), "seed.db");
    if (k == 0) {
        CHECK(history_add(path, results, 2, &warning));
        CHECK(file_read(path, b, &err));
        unlink(path);
    }
    free(path);
    return k == 0;
}

/* What was merged can be read back, and is what a run could have written. */
static void check_merged(const char *path)
{
    char *warning;
    struct history *h = history_read(path, &warning);
    CHECK(!warning);
    const char *names[] = {"db/start", "db/\xffmigrate", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct history_test *t = history_find(h, names[i]);
        CHECK(!t || (isfinite(t->seconds) && t->seconds >= 0 && t->outcome[0] &&
                     !t->outcome[strspn(t->outcome, "abcdefghijklmnopqrstuvwxyz")]));
    }
    history_free(h);
}

static void check_file(const uint8_t *data, size_t size)
{
    char *warning, *own = path_join(fuzz_folder(), "own.db");
    size_t behind;
    const char *from = fuzz_file(data, size);
    /* Most are no history: those need no file of their own. */
    bool ok = history_merge(":memory:", from, &behind, &warning);
    CHECK(ok == !warning && behind == 0);
    free(warning);
    if (ok) {
        CHECK(history_merge(own, from, &behind, &warning));
        check_merged(own);
        /* Once more there is nothing new. */
        CHECK(history_merge(own, from, &behind, &warning) && behind == 0);
        unlink(own);
    }
    free(own);
}

static void check_url(const uint8_t *data, size_t size)
{
    char *url = xmemdup0((const char *)data, size), *shown = http_shown(url);
    if (http_is_url(url)) {
        CHECK(fuzz_is_clean(url, strlen(url), ""));
        CHECK(fuzz_is_clean(shown, strlen(shown), "") && strlen(shown) <= strlen(url));
        /* What stands before the host's @ or behind a ? is not shown. */
        size_t host = strcspn(shown, ":") + 3;
        CHECK(!memchr(shown + host, '@', strcspn(shown + host, "/")) && !strchr(shown, '?'));
    }
    free(shown);
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_file(data, size);
    check_url(data, size);
    return 0;
}
