/* Exercises options_parse with a command line of NUL-separated words. What it stores is in
 * range, and parsing the same words on top of that works again. Every option for pytest gets a
 * message of one line from options_unknown. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "config/options.h"
#include "support.h"

static void check_ranges(const struct options *o)
{
    CHECK(o->workers >= WORKERS_LOGICAL && o->workers <= 65534);
    CHECK((int)o->dist >= DIST_DEFAULT && o->dist <= DIST_NO);
    CHECK(o->dist == DIST_DEFAULT || dist_name(o->dist)[0]);
    CHECK(o->maxfail >= 0 && o->durations >= -1);
    CHECK(o->timeout == -1 || (o->timeout >= 0 && isfinite(o->timeout)));
    CHECK(strcmp(o->color, "yes") == 0 || strcmp(o->color, "no") == 0 ||
          strcmp(o->color, "auto") == 0);
    const char *const paths[] = {o->manifest, o->python, o->junitxml, o->report_json, o->output};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK(!paths[i] || paths[i][0]);
    for (size_t i = 0; i < o->deselect.n; i++)
        CHECK(o->deselect.v[i][0]);
}

bool fuzz_seed(unsigned k, struct buf *b)
{
    switch (k) {
    case 0:
        FUZZ_PIECES(b, "-n\0auto\0--dist=loadscope\0-m\0unit and not slow\0tests/test_a.py");
        return true;
    case 1:
        FUZZ_PIECES(b, "-xvs\0-k=a or b\0--tb=short\0-p\0no:cacheprovider\0--\0-x");
        return true;
    case 2:
        FUZZ_PIECES(b, "--verbosity=2147483647\0-v\0--verbosity=-2147483647\0-q\0-qq");
        return true;
    case 3:
        FUZZ_PIECES(b, "--maxfail=3\0--timeout=1e-3\0--durations\0000\0--color\0no\0--markers");
        return true;
    case 4:
        FUZZ_PIECES(b, "--makers\0-n65535\0--junitxml=\0-o\0a=b\0-1.5\0--deselect\0x::y\0--strict");
        return true;
    default:
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strv words = STRV_INIT;
    struct fuzz_pieces it;
    char *word;
    fuzz_pieces_init(&it, data, size);
    while ((word = fuzz_next_piece(&it)) != NULL)
        strv_push_nodup(&words, word);
    struct options o;
    struct error err = ERROR_INIT;
    options_init(&o);
    bool ok = options_parse(&o, (int)words.n, words.v, "command line", &err);
    CHECK(ok || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    check_ranges(&o);
    CHECK(o.test_paths.n + o.pytest_args.n + o.deselect.n <= size + 1);
    for (size_t i = 0; i < o.pytest_args.n; i++) {
        CHECK(!options_unknown(o.pytest_args.v[i], &err));
        fuzz_check_error(&err, false, 1);
    }
    if (ok)
        CHECK(options_parse(&o, (int)words.n, words.v, "command line", &err));
    check_ranges(&o);
    options_release(&o);
    strv_release(&words);
    return 0;
}
