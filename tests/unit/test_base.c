/* src/base: what every step stands on (base/text has a program of its own). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/strv.h"
#include "base/xalloc.h"

static char *top; /* a fresh folder, which is the current one during a test */
static char *before;

static int enter_top(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *template = path_join(tmp && *tmp ? tmp : "/tmp", "rowlock-base-XXXXXX");
    bool made = mkdtemp(template) != NULL;
    top = realpath(template, NULL);
    free(template);
    before = getcwd(NULL, 0);
    return made && before && top && chdir(top) == 0 ? 0 : -1;
}

static int leave_top(void **state)
{
    (void)state;
    bool ok = chdir(before) == 0 && file_remove_tree(AT_FDCWD, top) && access(top, F_OK) != 0;
    free(before);
    free(top);
    return ok ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    struct error err = ERROR_INIT;
    if (!file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
}

static void make_dirs(const char *path)
{
    struct error err = ERROR_INIT;
    if (!file_mkdirs(path, &err))
        fail_msg("%s", err.msg);
}

static void assert_content(const char *path, const char *want)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    if (!file_read(path, &b, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

/* ---- buf ---- */

static void test_buf(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_string_equal(buf_cstr(&b), "");
    buf_clear(&b);
    buf_add(&b, NULL, 0);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_adds(&b, "one");
    buf_addc(&b, ' ');
    buf_addf(&b, "%d-%s", 2, "three");
    assert_string_equal(buf_cstr(&b), "one 2-three");
    buf_addc(&b, '\0');
    buf_adds(&b, "\r \n");
    buf_trim(&b, "\n");
    assert_int_equal(b.len, 14);
    buf_trim(&b, " \r\n");
    assert_string_equal(buf_cstr(&b), "one 2-three");
    assert_int_equal(b.len, 11);
    assert_int_equal(b.len, strlen("one 2-three"));
    buf_clear(&b);
    assert_string_equal(buf_cstr(&b), "");
    buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b\0", 4);
    char *s = buf_detach(&b);
    assert_string_equal(s, "a");
    assert_null(b.data);
    free(s);
    s = buf_detach(&b); /* of an empty one: still a string */
    assert_string_equal(s, "");
    free(s);
    buf_release(&b);
}

static void test_buf_grows(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (int i = 0; i < 5000; i++) {
        buf_addf(&b, "%d,", i);
        assert_int_equal(b.data[b.len], 0);
    }
    assert_memory_equal(b.data + b.len - 10, "4998,4999,", 10);
    size_t room = 100000;
    char *to = buf_reserve(&b, room);
    memset(to, 'x', room);
    b.len += room;
    b.data[b.len] = '\0'; /* the NUL has its place too */
    assert_int_equal(strlen(b.data), b.len);
    buf_release(&b);
    assert_null(b.data);
    /* a text that is longer than any guess */
    char *longest = xmalloc(70000);
    memset(longest, 'y', 69999);
    longest[69999] = '\0';
    buf_addf(&b, "<%s>", longest);
    assert_int_equal(b.len, 70001);
    free(longest);
    buf_release(&b);
}

static void test_buf_integers(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add_u32(&b, 0x01020304);
    buf_add_u64(&b, 0xf1f2f3f4f5f6f7f8u);
    assert_int_equal(b.len, 12);
    assert_memory_equal(b.data, "\x04\x03\x02\x01\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1", 12);
    buf_release(&b);
}

/* ---- strv ---- */

static void test_strv(void **state)
{
    (void)state;
    struct strv s = STRV_INIT;
    strv_sort(&s);
    strv_push_all(&s, NULL);
    assert_false(strv_has(&s, ""));
    char text[] = "mutable";
    strv_push(&s, text);
    text[0] = 'M';
    assert_string_equal(s.v[0], "mutable");
    strv_push_nodup(&s, xstrdup("given"));
    strv_pushf(&s, "%s=%d", "n", 7);
    strv_pushf(&s, "%s", "");
    char *more[] = {(char *)"b", (char *)"a", NULL};
    strv_push_all(&s, more);
    assert_int_equal(s.n, 6);
    assert_null(s.v[6]);
    assert_string_equal(s.v[2], "n=7");
    assert_true(strv_has(&s, "given") && strv_has(&s, ""));
    assert_false(strv_has(&s, "give"));
    strv_push_words(&s, " \n\t");
    assert_int_equal(s.n, 6);
    strv_push_words(&s, "one\ttwo\r\n three");
    assert_int_equal(s.n, 9);
    assert_string_equal(s.v[6], "one");
    assert_string_equal(s.v[8], "three");
    while (s.n > 6) {
        free(s.v[--s.n]);
        s.v[s.n] = NULL;
    }
    strv_sort(&s);
    static const char *const sorted[] = {"", "a", "b", "given", "mutable", "n=7"};
    for (size_t i = 0; i < s.n; i++)
        assert_string_equal(s.v[i], sorted[i]);
    strv_release(&s);
    assert_null(s.v);
    for (int i = 0; i < 1000; i++) {
        strv_pushf(&s, "%d", i);
        assert_null(s.v[s.n]);
    }
    assert_string_equal(s.v[999], "999");
    strv_release(&s);
}

/* ---- arena ---- */

static void test_arena(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    char *odd = arena_memdup0(&a, "abc", 3);
    long double *aligned = arena_alloc(&a, sizeof *aligned);
    assert_int_equal((uintptr_t)aligned % _Alignof(max_align_t), 0);
    *aligned = 1.5L;
    assert_string_equal(odd, "abc");
    assert_string_equal(arena_memdup0(&a, NULL, 0), "");
    assert_memory_equal(arena_memdup0(&a, "x\0y", 3), "x\0y\0", 4);
    char *v[] = {(char *)"one", (char *)"", (char *)"three"};
    char **copy = arena_strv(&a, v, 3);
    assert_string_equal(copy[0], "one");
    assert_string_equal(copy[1], "");
    assert_ptr_not_equal(copy[2], v[2]);
    assert_null(copy[3]);
    assert_null(arena_strv(&a, NULL, 0)[0]);
    arena_release(&a);
    assert_null(a.blocks);
}

/* Many pieces, some larger than a block: each keeps its content, fresh memory is zeroed. */
static void test_arena_many(void **state)
{
    (void)state;
    enum { PIECES = 3000 };
    struct arena a = ARENA_INIT;
    unsigned char **pieces = xcalloc(PIECES, sizeof *pieces);
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 500 == 0 ? 100000 : i % 97 + 1;
        pieces[i] = arena_alloc(&a, size);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 255) + 1, size);
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 500 == 0 ? 100000 : i % 97 + 1;
        assert_int_equal(pieces[i][0], i % 255 + 1);
        assert_int_equal(pieces[i][size - 1], i % 255 + 1);
    }
    free(pieces);
    arena_release(&a);
}

/* ---- map ---- */

static void test_map(void **state)
{
    (void)state;
    struct map m = MAP_INIT;
    assert_int_equal(map_get(&m, "a"), MAP_NONE);
    assert_int_equal(map_put(&m, "a", 1), MAP_NONE);
    assert_int_equal(map_put(&m, "a", 2), 1);
    assert_int_equal(map_get(&m, "a"), 2);
    assert_int_equal(map_intern(&m, "a", 3), 2);
    assert_int_equal(map_get(&m, "a"), 2);
    assert_int_equal(map_intern(&m, "", 4), 4);
    assert_int_equal(map_get(&m, ""), 4);
    assert_int_equal(m.n, 2);
    map_release(&m);
    assert_int_equal(map_get(&m, "a"), MAP_NONE);
    map_release(&m);
}

static void test_map_many(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    struct map m = MAP_INIT;
    struct strv keys = STRV_INIT;
    for (size_t i = 0; i < KEYS; i++)
        strv_pushf(&keys, "tests/test_%zu.py::test_%zu", i % 100, i);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(map_intern(&m, keys.v[i], i), i);
    assert_int_equal(m.n, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        char *same = xstrdup(keys.v[i]); /* found by content, not by address */
        assert_int_equal(map_get(&m, same), i);
        free(same);
    }
    assert_int_equal(map_get(&m, "tests/test_0.py::test_20000"), MAP_NONE);
    map_release(&m);
    strv_release(&keys);
}

/* ---- error ---- */

static void test_error(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_false(error_set(&err, EXIT_USAGE, "%s:%d", "x", 3));
    assert_string_equal(err.msg, "x:3");
    assert_int_equal(err.code, EXIT_USAGE);
    errno = ENOENT;
    assert_false(error_errno(&err, EXIT_USAGE, "%s", err.msg)); /* what it held may be used */
    assert_string_equal(err.msg, "x:3: No such file or directory");
    assert_int_equal(err.code, EXIT_USAGE);
    assert_int_equal(errno, ENOENT);
    errno = ENOSPC;
    assert_false(error_errno(&err, EXIT_USAGE, "f"));
    assert_int_equal(err.code, EXIT_INTERNAL);
    error_release(&err);
    assert_null(err.msg);
}

/* ---- paths ---- */

static void assert_path(char *got, const char *want)
{
    assert_string_equal(got, want);
    free(got);
}

static void test_paths(void **state)
{
    (void)state;
    assert_path(path_join("a", "b"), "a/b");
    assert_path(path_join("a/", "b"), "a/b");
    assert_path(path_join("a", "/b"), "/b");
    assert_path(path_join("", "b"), "b");
    assert_path(path_join("/", "b"), "/b");
    assert_path(path_join("a", ""), "a/");
    assert_path(path_dirname("a/b"), "a");
    assert_path(path_dirname("a"), ".");
    assert_path(path_dirname("/a"), "/");
    assert_path(path_dirname("/a/b"), "/a");
    assert_string_equal(path_basename("a/b"), "b");
    assert_string_equal(path_basename("b"), "b");
    assert_string_equal(path_basename("/"), "");
}

static void test_path_absolute(void **state)
{
    (void)state;
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"/", "/"},
        {"/.", "/"},
        {"/..", "/"},
        {"/../..", "/"},
        {"//", "/"},
        {"/a", "/a"},
        {"/a/", "/a"},
        {"//a///b//", "/a/b"},
        {"/a/./b", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a"},
        {"/a/b/../..", "/"},
        {"/a/../../b", "/b"},
        {"/a/.../b", "/a/.../b"},
        {"/a/..b/.c", "/a/..b/.c"},
        {"/a b/\n", "/a b/\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_path(path_absolute(cases[i].path), cases[i].want);
    char *want = path_join(top, "x/y");
    assert_path(path_absolute("x/./z/../y/"), want);
    free(want);
    assert_path(path_absolute(""), top);
    assert_path(path_absolute("."), top);
    char *up = path_dirname(top);
    assert_path(path_absolute(".."), up);
    free(up);
    /* links are not followed */
    assert_int_equal(symlink("/", "link"), 0);
    want = path_join(top, "link");
    assert_path(path_absolute("link/x/.."), want);
    free(want);
}

static void test_path_executable(void **state)
{
    (void)state;
    char *path = getenv("PATH") ? xstrdup(getenv("PATH")) : NULL;
    make_dirs("bin/tool");
    make_dirs("bin2");
    put("bin/plain", "");
    put("bin2/tool", "#!/bin/sh\n");
    put("here", "#!/bin/sh\n");
    assert_int_equal(chmod("bin2/tool", 0755), 0);
    assert_int_equal(chmod("here", 0755), 0);
    setenv("PATH", "bin:bin2", 1);
    assert_true(path_executable("tool")); /* not the folder of that name */
    assert_false(path_executable("plain"));
    assert_false(path_executable("here"));
    assert_true(path_executable("./here"));
    assert_false(path_executable("./plain") || path_executable("bin/tool"));
    assert_true(path_executable("bin2/tool"));
    setenv("PATH", "bin:", 1); /* an empty part is the current folder */
    assert_true(path_executable("here"));
    setenv("PATH", ":bin", 1);
    assert_true(path_executable("here"));
    setenv("PATH", "", 1);
    assert_false(path_executable("tool"));
    unsetenv("PATH");
    assert_true(path_executable("sh"));
    if (path)
        setenv("PATH", path, 1);
    free(path);
}

/* ---- files ---- */

static void test_file_read(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    put("a", "one\n");
    put("empty", "");
    buf_adds(&b, "before,");
    assert_true(file_read("a", &b, &err));
    assert_string_equal(b.data, "before,one\n");
    assert_true(file_read("empty", &b, &err));
    assert_int_equal(b.len, 11);
    buf_release(&b);
    assert_true(file_read("empty", &b, &err));
    assert_string_equal(buf_cstr(&b), "");
    /* a file whose size is not known beforehand */
    assert_true(file_read("/proc/self/status", &b, &err));
    assert_true(b.len > 10 && strlen(b.data) == b.len);
    assert_false(file_read("none", &b, &err));
    assert_string_equal(err.msg, "none: No such file or directory");
    assert_int_equal(err.code, EXIT_USAGE);
    assert_false(file_read(".", &b, &err));
    assert_string_equal(err.msg, ".: Is a directory");
    error_release(&err);
    buf_release(&b);
}

static size_t count_entries(void)
{
    FILE *p = popen("ls -A | wc -l", "r");
    size_t n = 0;
    assert_non_null(p);
    assert_int_equal(fscanf(p, "%zu", &n), 1);
    pclose(p);
    return n;
}

static void test_outfile(void **state)
{
    (void)state;
    struct outfile o;
    struct error err = ERROR_INIT;
    put("out", "old");
    assert_true(outfile_open(&o, "out", &err));
    fputs("new", o.f);
    fflush(o.f);
    assert_content("out", "old"); /* until it is committed */
    assert_true(outfile_commit(&o, &err));
    assert_null(o.f);
    assert_content("out", "new");
    outfile_drop(&o); /* nothing happens */
    assert_int_equal(count_entries(), 1);

    assert_true(outfile_open(&o, "out", &err));
    fputs("dropped", o.f);
    outfile_drop(&o);
    assert_content("out", "new");
    assert_int_equal(count_entries(), 1);

    mode_t mask = umask(027);
    put("masked", "");
    umask(mask);
    struct stat st;
    assert_int_equal(stat("masked", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(umask(mask), mask);

    /* bytes are written as they are */
    assert_true(file_write("bytes", "a\0\n\xff", 4, &err));
    assert_int_equal(stat("bytes", &st), 0);
    assert_int_equal(st.st_size, 4);
}

static void test_outfile_fails(void **state)
{
    (void)state;
    struct outfile o;
    struct error err = ERROR_INIT;
    assert_false(outfile_open(&o, "none/out", &err));
    assert_string_equal(err.msg, "none/out: cannot be written: No such file or directory");
    assert_int_equal(err.code, EXIT_INTERNAL);
    outfile_drop(&o);

    /* a folder stands where the file is to go */
    make_dirs("dir/x");
    assert_false(file_write("dir", "text", 4, &err));
    assert_string_equal(err.msg, "dir: cannot be written: Is a directory");
    assert_int_equal(count_entries(), 1);

    /* a write fails: what was there stays, the temporary file goes */
    put("out", "old");
    struct rlimit was, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char *big = xcalloc(1, 100000);
    bool ok = file_write("out", big, 100000, &err);
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, handler);
    free(big);
    assert_false(ok);
    assert_string_equal(err.msg, "out: cannot be written: File too large");
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_content("out", "old");
    assert_int_equal(count_entries(), 2);
    error_release(&err);
}

static void test_mkdirs(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct stat st;
    make_dirs("a/b//c/");
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    make_dirs("a/b/c");
    make_dirs("./a/../d");
    assert_int_equal(access("d", F_OK), 0);
    make_dirs("/");
    make_dirs("");
    char *absolute = path_join(top, "e/f");
    make_dirs(absolute);
    assert_int_equal(access("e/f", F_OK), 0);
    free(absolute);
    assert_int_equal(symlink("a", "link"), 0);
    make_dirs("link/g");
    assert_int_equal(access("a/g", F_OK), 0);

    put("file", "");
    assert_int_equal(symlink("nowhere", "broken"), 0);
    static const struct {
        const char *path, *message;
    } cases[] = {
        {"file", "file: cannot be created: Not a directory"},
        {"file/x", "file: cannot be created: Not a directory"},
        {"broken", "broken: cannot be created: Not a directory"},
        {"/proc/none/x", "/proc/none: cannot be created: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(file_mkdirs(cases[i].path, &err));
        assert_string_equal(err.msg, cases[i].message);
        assert_int_equal(err.code, EXIT_INTERNAL);
    }
    error_release(&err);
}

static void test_symlink(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char target[64];
    assert_true(file_symlink("one", "link", &err));
    assert_true(file_symlink("two", "link", &err));
    ssize_t n = readlink("link", target, sizeof target);
    assert_int_equal(n, 3);
    assert_memory_equal(target, "two", 3);
    put("file", "");
    assert_true(file_symlink("three", "file", &err));
    assert_int_equal(readlink("file", target, sizeof target), 5);
    assert_int_equal(count_entries(), 2);
    make_dirs("dir");
    assert_false(file_symlink("x", "dir", &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_int_equal(count_entries(), 3);
    error_release(&err);
}

static void test_remove_tree(void **state)
{
    (void)state;
    assert_true(file_remove_tree(AT_FDCWD, "none"));
    make_dirs("keep/in");
    put("keep/in/file", "kept");
    make_dirs("tree/a/b");
    make_dirs("tree/empty");
    put("tree/a/b/file", "");
    put("tree/a/\n$(touch pwned)", "");
    assert_int_equal(symlink("../../keep", "tree/a/link"), 0);
    assert_int_equal(symlink("nowhere", "tree/broken"), 0);
    assert_int_equal(mkfifo("tree/a/fifo", 0600), 0);
    for (int i = 0; i < 600; i++) { /* more than one read of the folder */
        char *name = xasprintf("tree/a/many-%d-with-a-name-of-some-length", i);
        put(name, "");
        free(name);
    }
    assert_true(file_remove_tree(AT_FDCWD, "tree"));
    assert_int_not_equal(access("tree", F_OK), 0);
    assert_content("keep/in/file", "kept"); /* links are not followed */

    put("file", "");
    assert_true(file_remove_tree(AT_FDCWD, "file"));
    assert_int_not_equal(access("file", F_OK), 0);
    assert_int_equal(symlink("keep", "link"), 0);
    assert_true(file_remove_tree(AT_FDCWD, "link"));
    assert_content("keep/in/file", "kept");

    int fd = open("keep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(file_remove_tree(fd, "in"));
    assert_int_not_equal(access("keep/in", F_OK), 0);
    close(fd);
    assert_int_equal(access("keep", F_OK), 0);
}

/* Deeper than descriptors, and than a path may be long; as a removal that was killed has left it. */
static void test_remove_deep_tree(void **state)
{
    (void)state;
    struct rlimit was, few;
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_dirs("tree/beside");
    make_dirs("tree/rowlock-deep-0");
    put("tree/rowlock-deep-1", "");
    assert_int_equal(chdir("tree/rowlock-deep-0"), 0);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdir("d", 0700), 0);
        if (i % 500 == 0)
            put("file", "");
        assert_int_equal(chdir("d"), 0);
    }
    assert_int_equal(chmod("..", 0500), 0);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool ok = file_remove_tree(AT_FDCWD, "tree");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_true(ok);
    assert_int_not_equal(access("tree", F_OK), 0);
}

static void test_remove_unwritable_tree(void **state)
{
    (void)state;
    make_dirs("tree/closed/inner");
    put("tree/closed/inner/file", "");
    put("tree/readonly", "");
    assert_int_equal(chmod("tree/readonly", 0), 0);
    assert_int_equal(chmod("tree/closed/inner", 0), 0);
    assert_int_equal(chmod("tree/closed", 0), 0);
    assert_int_equal(chmod("tree", 0500), 0);
    assert_true(file_remove_tree(AT_FDCWD, "tree"));
    assert_int_not_equal(access("tree", F_OK), 0);
}

static void test_write_all(void **state)
{
    (void)state;
    int fd = open("f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(file_write_all(fd, "abc", 3), 0);
    assert_int_equal(file_write_all(fd, "", 0), 0);
    close(fd);
    assert_content("f", "abc");
    assert_int_equal(file_write_all(fd, "abc", 3), -1);
    assert_int_equal(errno, EBADF);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, enter_top, leave_top)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_buf_grows),
        cmocka_unit_test(test_buf_integers),
        cmocka_unit_test(test_strv),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_many),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_map_many),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_paths),
        IN_FOLDER(test_path_absolute),
        IN_FOLDER(test_path_executable),
        IN_FOLDER(test_file_read),
        IN_FOLDER(test_outfile),
        IN_FOLDER(test_outfile_fails),
        IN_FOLDER(test_mkdirs),
        IN_FOLDER(test_symlink),
        IN_FOLDER(test_remove_tree),
        IN_FOLDER(test_remove_deep_tree),
        IN_FOLDER(test_remove_unwritable_tree),
        IN_FOLDER(test_write_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
