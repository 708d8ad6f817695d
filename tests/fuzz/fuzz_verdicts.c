/* Exercises verdicts_read with a report that somebody else has written, and the walk over two runs. */
#include "manifest/verdicts.h"

#include <string.h>

#include "support.h"

bool fuzz_seed(unsigned k, struct buf *b)
{
    static const char *const seeds[] = {
        "{\"summary\": {\"interrupted\": true}, \"tests\": [\n{\"id\": \"t/a\", \"outcome\": \"passed\","
        " \"message\": null},\n{\"id\": \"t/a\", \"outcome\": \"flaky\", \"message\": \"m\", \"points\": "
        "[{\"outcome\": \"failed\", \"description\": \"d\"}, {\"outcome\": \"\"}]}],\n"
        "\"not_run\": [\n\"t/b\"]}",
        "{\"tests\": []}", "{\"tests\": [{\"id\": 1}]}", "{\"tests\": [], \"not_run\": 1}", "[]", "{"};
    if (k >= sizeof seeds / sizeof *seeds)
        return false;
    buf_adds(b, seeds[k]);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct verdicts a, b;
    struct error err = ERROR_INIT;
    const struct verdict *va, *vb;
    size_t both = 0, alone = 0;
    verdicts_init(&a);
    verdicts_init(&b);
    bool ok = verdicts_read(&a, fuzz_file(data, size), &err);
    CHECK(ok || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    for (size_t i = 0; ok && i < a.n; i += 2)
        verdicts_add(&b, a.v[i].id, a.v[i].outcome, a.v[i].message);
    verdicts_sort(&b);
    struct verdict_walk w = {&a, &b, 0, 0};
    while (ok && verdicts_next(&w, &va, &vb)) {
        CHECK(!va || !vb || strcmp(va->id, vb->id) == 0);
        both += va && vb;
        alone += !vb;
        CHECK(va);
    }
    CHECK(!ok || (both == b.n && alone == a.n - b.n));
    verdicts_release(&a);
    verdicts_release(&b);
    return 0;
}
