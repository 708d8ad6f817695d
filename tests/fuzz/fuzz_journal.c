/* Exercises the journal's reader: journal_parse over damaged files, whole and as they grow, the
 * fields of each record, and results_add. A record that was read is written by journal_write
 * byte for byte as it stood; in a file without damage, a reader that follows it as it grows sees
 * the same records. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report/results.h"
#include "run/journal.h"
#include "plans.h"
#include "support.h"

enum { TESTS = 3 };

static const struct plan_map *plan(void)
{
    static struct plan_map map;
    if (map.base)
        return &map;
    static const char *const ids[TESTS] = {"a", "b/c", "d.py::e"};
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    for (size_t i = 0; i < TESTS; i++)
        CHECK(manifest_add(&m, ids[i], NULL, &err));
    fuzz_map_plan(&m, &map);
    manifest_release(&m);
    return &map;
}

/* The file that journal_write made of records. */
static void read_written(int fd, struct buf *b)
{
    off_t size = lseek(fd, 0, SEEK_END);
    CHECK(size >= 0);
    CHECK(pread(fd, buf_reserve(b, (size_t)size), (size_t)size, 0) == size);
    b->len += (size_t)size;
}

static int written_file(void)
{
    static int fd = -1;
    if (fd < 0) {
        struct error err = ERROR_INIT;
        char *path = path_join(fuzz_folder(), "journal");
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        free(path);
        fuzz_check_error(&err, fd >= 0, 0);
    }
    CHECK(ftruncate(fd, 0) == 0);
    return fd;
}

static void check_record(const struct record *r, const unsigned char *from, size_t len)
{
    struct error err = ERROR_INIT;
    struct buf again = BUF_INIT;
    int fd = written_file();
    CHECK(journal_write(fd, r, &err));
    read_written(fd, &again);
    CHECK(again.len == len && memcmp(again.data, from, len) == 0);
    buf_release(&again);
    struct field_iter it;
    uint32_t tag, n = 0;
    const unsigned char *data, *end = r->fields;
    size_t field_len;
    journal_fields(&it, r);
    while (journal_next_field(&it, &tag, &data, &field_len)) {
        CHECK(data == end + 8);
        end = data + field_len;
        n++;
    }
    CHECK(n == r->n_fields && end == r->fields + r->fields_len);
}

static void check_results(const struct results *r)
{
    size_t counted = 0, own = 0, points = 0;
    for (uint32_t i = 0; i < TESTS; i++) {
        const struct result *t = &r->tests[i];
        CHECK((int)t->outcome >= OUTCOME_NONE && t->outcome < OUTCOME_COUNT);
        CHECK(!t->message.len || !t->message.data[t->message.len]);
        own += result_counts_itself(t);
        points += t->n_points;
    }
    for (int o = 0; o < OUTCOME_COUNT; o++)
        counted += r->counts[o];
    CHECK(counted == own + points);
    enum exit_code code = results_exit_code(r);
    CHECK(code == EXIT_OK || code == EXIT_FAILED || code == EXIT_NO_TESTS);
}

/* Follows the journal as it grows by step bytes at a time; returns the number of records. */
static size_t follow(const uint8_t *data, size_t size, size_t step)
{
    size_t pos = 0, torn = 0, records = 0, len = 0;
    struct record r;
    do {
        len = size - len > step ? len + step : size;
        while (journal_parse(data, len, &pos, &r, len == size, &torn))
            records++;
        CHECK(pos <= len);
    } while (len < size);
    return records;
}

static void put_record(int fd, enum record_kind kind, uint32_t test, enum outcome o,
                       const struct buf *fields, uint32_t n)
{
    struct error err = ERROR_INIT;
    struct record r = {.test = test,
                       .kind = kind,
                       .outcome = o,
                       .attempt = 1,
                       .start_ns = 1700000000000000000,
                       .wall_ns = 2000000,
                       .n_fields = n,
                       .fields = (const unsigned char *)fields->data,
                       .fields_len = fields->len};
    CHECK(journal_write(fd, &r, &err));
}

/* 0: three good records; 1: the second one torn; 2: garbage before and between. */
bool fuzz_seed(unsigned k, struct buf *b)
{
    struct buf fields = BUF_INIT;
    int fd = written_file();
    if (k > 2)
        return false;
    if (k == 2)
        CHECK(file_write_all(fd, "RLJ1garbage", 11) == 0);
    put_record(fd, RECORD_RESULT, 0, OUTCOME_PASSED, &fields, 0);
    journal_add_field(&fields, FIELD_MESSAGE, "boom", 4);
    journal_add_field(&fields, FIELD_POINT, "\2point", 6);
    journal_add_field(&fields, FIELD_PROPERTY, "n\0v", 3);
    put_record(fd, RECORD_RESULT, 1, OUTCOME_FAILED, &fields, 3);
    if (k == 1)
        CHECK(ftruncate(fd, lseek(fd, 0, SEEK_END) - 5) == 0);
    put_record(fd, RECORD_AMEND, 1, OUTCOME_ERROR, &fields, 3);
    put_record(fd, RECORD_NOTE, UINT32_MAX, OUTCOME_NONE, &fields, 3);
    buf_release(&fields);
    read_written(fd, b);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct results results;
    struct record r;
    size_t pos = 0, before = 0, records = 0;
    results_init(&results, plan());
    while (journal_parse(data, size, &pos, &r, true, &results.torn)) {
        CHECK(r.fields - 68 >= data + before && pos <= size);
        size_t len = 68 + r.fields_len + 4;
        check_record(&r, data + pos - len, len);
        results_add(&results, &r);
        before = pos;
        records++;
    }
    size_t torn = results.torn;
    results_count(&results);
    check_results(&results);
    results_release(&results);
    for (size_t step = 1; size < 4096 && step < 200; step = step * 7 + 3) {
        size_t followed = follow(data, size, step);
        CHECK(followed == records || torn);
    }
    return 0;
}
