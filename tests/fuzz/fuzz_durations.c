/* Exercises durations_read with a file that another machine has written, or a person. */
#include "manifest/durations.h"

#include <string.h>

#include "support.h"

bool fuzz_seed(unsigned k, struct buf *b)
{
    static const char *const seeds[] = {
        "{\"t/a\": 0.5, \"t/\\\\xff\": 1e300, \"other\": 0}",
        "{\"tests\": [\n{\"id\": \"t/a\", \"duration\": 1.5, \"markers\": []},\n"
        "{\"id\": \"t/\\\\xff\", \"duration\": null}],\n\"errors\": [], \"deselected\": 0}",
        "{\"summary\": {\"passed\": 1}, \"tests\": [{\"duration\": 2, \"id\": \"t/a\"}]}",
        "{\"tests\": [{\"id\": 1}]}", "{\"t/a\": -1}", "[]", "{"};
    if (k >= sizeof seeds / sizeof *seeds)
        return false;
    buf_adds(b, seeds[k]);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ids[] = {"t/a", "t/\xff", "other"};
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        CHECK(manifest_add(&m, ids[i], NULL, &err));
    bool ok = durations_read(&m, fuzz_file(data, size), &err);
    CHECK(ok || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    for (size_t i = 0; ok && i < m.n; i++)
        CHECK(m.tests[i].shared == -1 || m.tests[i].shared >= 0);
    manifest_release(&m);
    return 0;
}
