/* Exercises the readers of .gcno and .gcda files, the flow solver and the counting of lines. An input
 * is two bytes, the length of the notes (low byte first), the notes, and the data. */
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "coverage/gcnotes.h"
#include "support.h"

static const char *name_of(const struct gc_notes *n, const char *file, void *arg)
{
    (void)n;
    return coverage_intern(arg, file[0] ? file : "?");
}

/* Data are added wholly or not at all. */
static void add_data(struct gc_notes *n, const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    size_t bytes = n->n_counters * sizeof *n->counters;
    uint64_t *before = malloc(bytes + 1);
    if (bytes)
        memcpy(before, n->counters, bytes);
    enum gc_result result = gc_data_add(n, n->counters, "input.gcda", data, size, &err);
    CHECK(result == GC_OK || (result == GC_BAD && err.msg));
    CHECK(result == GC_OK || !bytes || memcmp(before, n->counters, bytes) == 0);
    n->n_data += result == GC_OK;
    error_release(&err);
    free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gc_notes n;
    struct error err = ERROR_INIT;
    if (size < 2)
        return 0;
    size_t len = (size_t)data[0] | (size_t)data[1] << 8;
    data += 2;
    size -= 2;
    len = len < size ? len : size;
    enum gc_result result = gc_notes_read(&n, "input.gcno", data, len, &err);
    CHECK(result != GC_BAD || err.msg);
    if (result == GC_OK) {
        struct coverage c;
        coverage_init(&c);
        add_data(&n, data + len, size - len);
        add_data(&n, data + len, size - len);
        gc_lines_add(&n, &c, name_of, &c);
        coverage_finish(&c);
        fuzz_check_coverage(&c);
        coverage_release(&c);
        gc_notes_release(&n);
    }
    error_release(&err);
    return 0;
}
