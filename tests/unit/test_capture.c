/* run/capture: head and tail of a stream in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "run/capture.h"

/* What capture_text must give for n bytes that count 'a'…'z' round. */
static void expect_text(struct buf *b, size_t n, size_t limit)
{
    size_t half = limit / 2;
    for (size_t i = 0; i < n; i++) {
        if (n > 2 * half && i == half) {
            buf_addf(b, "\n[... %zu bytes left out ...]\n", n - 2 * half);
            i = n - half;
            if (i == n)
                break;
        }
        buf_addc(b, (char)('a' + i % 26));
    }
}

/* Every length around the limits, in pieces of every size. */
static void test_all_lengths(void **state)
{
    (void)state;
    char text[100];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    for (size_t limit = 0; limit < 30; limit++) {
        for (size_t n = 0; n < sizeof text; n++) {
            for (size_t piece = 1; piece <= n + 1; piece += piece < 12 ? 1 : 17) {
                struct capture c;
                struct buf got = BUF_INIT, want = BUF_INIT;
                capture_init(&c, limit);
                for (size_t at = 0; at < n; at += piece)
                    capture_add(&c, text + at, n - at < piece ? n - at : piece);
                capture_text(&c, &got);
                expect_text(&want, n, limit);
                assert_int_equal(c.total, n);
                assert_string_equal(buf_cstr(&got), buf_cstr(&want));
                buf_release(&got);
                buf_release(&want);
                capture_release(&c);
            }
        }
    }
}

static void test_bounded(void **state)
{
    (void)state;
    enum { LIMIT = 100000, CHUNK = 65536 };
    static char chunk[CHUNK];
    struct capture c;
    struct buf got = BUF_INIT;
    capture_init(&c, LIMIT);
    capture_add(&c, "first", 5);
    for (int i = 0; i < 3000; i++)
        capture_add(&c, chunk, CHUNK);
    capture_add(&c, "last", 4);
    assert_true(c.head.cap + c.tail.cap <= 4 * LIMIT);
    capture_text(&c, &got);
    assert_memory_equal(got.data, "first", 5);
    assert_memory_equal(got.data + got.len - 4, "last", 4);
    char note[64];
    snprintf(note, sizeof note, "\n[... %lu bytes left out ...]\n", 3000ul * CHUNK + 9 - LIMIT);
    assert_int_equal(got.len, LIMIT + strlen(note));
    assert_memory_equal(got.data + LIMIT / 2, note, strlen(note));
    buf_release(&got);
    capture_release(&c);
}

static void assert_last_line(const char *text, size_t limit, const char *expected)
{
    struct capture c;
    struct buf b = BUF_INIT;
    capture_init(&c, limit);
    capture_add(&c, text, strlen(text));
    capture_last_line(&c, &b, 8);
    assert_string_equal(buf_cstr(&b), expected);
    buf_release(&b);
    capture_release(&c);
}

static void test_last_line(void **state)
{
    (void)state;
    assert_last_line("", 100, "");
    assert_last_line("\n \n\t\r\n", 100, "");
    assert_last_line("one\ntwo", 100, "two");
    assert_last_line("one\ntwo \r\n\n", 100, "two");
    assert_last_line("a line too long\n", 100, "a line t");
    assert_last_line("aaaa\nbbbb\nlast\n", 12, "last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_last_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
