/* Exercises gcov_json_add, which reads what `gcov --json-format` prints, with all that is done to other
 * reports, too. */
#include "coverage.h"
#include "coverage/gcovtool.h"
#include "support.h"

static const char *name_of(const struct gc_notes *n, const char *file, void *arg)
{
    CHECK(n->cwd);
    return file[0] == '<' ? NULL : coverage_intern(arg, file[0] ? file : "?");
}

static bool read_json(struct coverage *c, const char *path, const char *data, size_t len,
                      struct error *err)
{
    return gcov_json_add(c, data, len, name_of, c) ||
           error_set(err, EXIT_USAGE, "%s: is nothing of gcov", path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_coverage_reader(read_json, data, size);
    return 0;
}
