/* run/journal: writing, and reading what survived. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "run/journal.h"

static char dir[4096], *path;

static int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/journal-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    path = path_join(dir, "journal");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(path);
    return file_remove_tree(AT_FDCWD, dir) ? 0 : -1;
}

static void write_record(int fd, uint32_t test, const void *text, size_t len)
{
    struct buf fields = BUF_INIT;
    struct error err = ERROR_INIT;
    journal_add_field(&fields, FIELD_STDOUT, text, len);
    journal_add_field(&fields, FIELD_MESSAGE, "", 0);
    struct record r = {.test = test,
                       .kind = RECORD_RESULT,
                       .outcome = OUTCOME_FAILED,
                       .slot = 0xabcd,
                       .attempt = 7,
                       .status = -5,
                       .start_ns = -1234567890123456789,
                       .wall_ns = 0x0123456789abcdef,
                       .user_ns = 2,
                       .sys_ns = 3,
                       .peak_bytes = UINT64_MAX,
                       .n_fields = 2,
                       .fields = (const unsigned char *)fields.data,
                       .fields_len = fields.len};
    assert_true(journal_write(fd, &r, &err));
    buf_release(&fields);
}

/* A journal of n records; test i's text is i bytes of 'a' + i. */
static char *make_journal(uint32_t n, size_t *len)
{
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    unlink(path);
    int fd = journal_open(path, &err);
    assert_true(fd >= 0);
    for (uint32_t i = 0; i < n; i++) {
        char text[64];
        memset(text, 'a' + (int)i, sizeof text);
        write_record(fd, i, text, i);
    }
    close(fd);
    assert_true(file_read(path, &b, &err));
    *len = b.len;
    return buf_detach(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    size_t len, pos = 0, torn = 0, n;
    char *data = make_journal(3, &len);
    struct record r;
    struct field_iter it;
    uint32_t tag;
    const unsigned char *text;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(journal_parse((unsigned char *)data, len, &pos, &r, true, &torn));
        assert_int_equal(r.test, i);
        assert_int_equal(r.kind, RECORD_RESULT);
        assert_int_equal(r.outcome, OUTCOME_FAILED);
        assert_int_equal(r.slot, 0xabcd);
        assert_int_equal(r.attempt, 7);
        assert_int_equal(r.status, -5);
        assert_true(r.start_ns == -1234567890123456789);
        assert_true(r.wall_ns == 0x0123456789abcdef);
        assert_true(r.user_ns == 2 && r.sys_ns == 3 && r.peak_bytes == UINT64_MAX);
        journal_fields(&it, &r);
        assert_true(journal_next_field(&it, &tag, &text, &n));
        assert_int_equal(tag, FIELD_STDOUT);
        assert_int_equal(n, i);
        assert_true(n == 0 || text[0] == 'a' + i);
        assert_true(journal_next_field(&it, &tag, &text, &n));
        assert_int_equal(tag, FIELD_MESSAGE);
        assert_int_equal(n, 0);
        assert_false(journal_next_field(&it, &tag, &text, &n));
    }
    assert_false(journal_parse((unsigned char *)data, len, &pos, &r, true, &torn));
    assert_int_equal(pos, len);
    assert_int_equal(torn, 0);
    free(data);
}

/* Reads all of it; bit i of the result: test i has a record. */
static unsigned read_all(const char *data, size_t len, bool at_end, size_t *torn)
{
    unsigned seen = 0;
    size_t pos = 0;
    struct record r;
    *torn = 0;
    while (journal_parse((const unsigned char *)data, len, &pos, &r, at_end, torn)) {
        assert_true(r.test < 32);
        assert_false(seen & 1u << r.test);
        seen |= 1u << r.test;
    }
    return seen;
}

/* Cut off anywhere: all whole records before are read, nothing else. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    size_t len, torn, ends[6], pos = 0, unused = 0;
    char *data = make_journal(5, &len);
    struct record r;
    ends[0] = 0;
    for (int i = 1; journal_parse((unsigned char *)data, len, &pos, &r, true, &unused); i++)
        ends[i] = pos;
    for (size_t cut = 0; cut <= len; cut++) {
        unsigned whole = 0;
        while (whole < 5 && ends[whole + 1] <= cut)
            whole++;
        char *copy = xmemdup0(data, cut);
        assert_int_equal(read_all(copy, cut, true, &torn), (1u << whole) - 1);
        assert_int_equal(torn, cut == ends[whole] ? 0 : 1);
        /* More may come: nothing is given up yet. */
        assert_int_equal(read_all(copy, cut, false, &torn), (1u << whole) - 1);
        assert_int_equal(torn, 0);
        free(copy);
    }
    free(data);
}

/* A record torn at any place, with whole ones behind it: only that one is lost. */
static void test_torn_anywhere(void **state)
{
    (void)state;
    size_t len, torn, pos = 0, unused = 0, second, third;
    char *data = make_journal(5, &len);
    struct record r;
    journal_parse((unsigned char *)data, len, &pos, &r, true, &unused);
    second = pos;
    journal_parse((unsigned char *)data, len, &pos, &r, true, &unused);
    third = pos;
    for (size_t cut = second + 1; cut < third; cut++) {
        size_t n = cut + (len - third);
        char *copy = xmalloc(n);
        memcpy(copy, data, cut);
        memcpy(copy + cut, data + third, len - third);
        assert_int_equal(read_all(copy, n, true, &torn), 0x1d);
        assert_int_equal(torn, 1);
        free(copy);
    }
    free(data);
}

/* Any byte changed: never a crash, never a record that was not written whole. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    size_t len, torn, pos = 0, unused = 0, starts[6] = {0};
    char *data = make_journal(5, &len);
    struct record r;
    for (int i = 1; journal_parse((unsigned char *)data, len, &pos, &r, true, &unused); i++)
        starts[i] = pos;
    for (size_t i = 0; i < len; i++) {
        unsigned hit = 0;
        while (starts[hit + 1] <= i)
            hit++;
        /* Not the test's number: read_all looks at that. */
        if (i >= starts[hit] + 8 && i < starts[hit] + 12)
            continue;
        data[i] ^= 0x55;
        unsigned seen = read_all(data, len, true, &torn);
        assert_int_equal(seen | 1u << hit, 0x1f);
        data[i] ^= 0x55;
    }
    free(data);
}

/* A test may print a journal's bytes: inside a whole record they are text. */
static void test_record_in_record(void **state)
{
    (void)state;
    size_t len, torn;
    char *inner = make_journal(3, &len);
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    unlink(path);
    int fd = journal_open(path, &err);
    write_record(fd, 20, inner, len);
    write_record(fd, 21, inner, len - 1);
    close(fd);
    assert_true(file_read(path, &b, &err));
    assert_int_equal(read_all(b.data, b.len, true, &torn), 1u << 20 | 1u << 21);
    assert_int_equal(torn, 0);
    buf_release(&b);
    free(inner);
}

static void test_growing(void **state)
{
    (void)state;
    size_t len, pos = 0, torn = 0;
    char *data = make_journal(4, &len);
    unsigned seen = 0;
    struct record r;
    for (size_t have = 0; have <= len; have++)
        while (journal_parse((unsigned char *)data, have, &pos, &r, have == len, &torn))
            seen |= 1u << r.test;
    assert_int_equal(seen, 0xf);
    assert_int_equal(torn, 0);
    free(data);
}

/* Records of several processes do not mix. */
static void test_concurrent(void **state)
{
    (void)state;
    enum { PROCESSES = 4, EACH = 100, SIZE = 70000 };
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    unlink(path);
    for (uint32_t p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            char *text = xmalloc(SIZE);
            memset(text, 'a' + (int)p, SIZE);
            int fd = journal_open(path, &err);
            for (uint32_t i = 0; i < EACH; i++)
                write_record(fd, p, text, SIZE - i);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    assert_true(file_read(path, &b, &err));
    size_t pos = 0, torn = 0, counts[PROCESSES] = {0};
    struct record r;
    while (journal_parse((unsigned char *)b.data, b.len, &pos, &r, true, &torn))
        counts[r.test]++;
    assert_int_equal(torn, 0);
    for (int p = 0; p < PROCESSES; p++)
        assert_int_equal(counts[p], EACH);
    buf_release(&b);
}

static void test_fields_valid(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_true(journal_fields_valid(NULL, 0, 0));
    assert_false(journal_fields_valid(NULL, 0, 1));
    journal_add_field(&b, FIELD_LOG, "abc", 3);
    const unsigned char *p = (const unsigned char *)b.data;
    assert_true(journal_fields_valid(p, b.len, 1));
    assert_false(journal_fields_valid(p, b.len, 0));
    assert_false(journal_fields_valid(p, b.len, 2));
    assert_false(journal_fields_valid(p, b.len - 1, 1));
    memset(b.data + 4, 0xff, 4);
    assert_false(journal_fields_valid(p, b.len, 1));
    buf_release(&b);
}

static void test_unwritable(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(journal_open("/no/such/folder/journal", &err), -1);
    assert_int_equal(err.code, EXIT_INTERNAL);
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct record r = {.kind = RECORD_RESULT};
    assert_false(journal_write(fd, &r, &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_non_null(strstr(err.msg, "No space left"));
    close(fd);
    error_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_torn_anywhere),    cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_record_in_record), cmocka_unit_test(test_growing),
        cmocka_unit_test(test_concurrent),       cmocka_unit_test(test_fields_valid),
        cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
