#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

bool fuzz_is_clean(const char *text, size_t len, const char *allowed)
{
    int32_t cp;
    for (size_t i = 0; i < len; i += text_char(text + i, len - i, &cp)) {
        text_char(text + i, len - i, &cp);
        bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
        if (control && (cp <= 0 || cp >= 0x7f || !strchr(allowed, (int)cp)))
            return false;
    }
    return true;
}

void fuzz_check_error(struct error *err, bool ok, size_t lines)
{
    if (ok) {
        CHECK(!err->msg && err->code == EXIT_OK);
        return;
    }
    CHECK(err->msg && err->msg[0]);
    CHECK(err->code >= EXIT_FAILED && err->code <= EXIT_NO_TESTS);
    size_t found = 1;
    for (const char *s = err->msg; *s; s++)
        found += *s == '\n';
    CHECK(found == lines);
    CHECK(fuzz_is_clean(err->msg, strlen(err->msg), "\n"));
    error_release(err);
}

void fuzz_add_shown(struct buf *b, const char *text)
{
    size_t len = strlen(text);
    int32_t cp;
    for (size_t i = 0, n; i < len; i += n) {
        n = text_char(text + i, len - i, &cp);
        if (cp < 0)
            buf_addf(b, "\\x%02x", (unsigned)(unsigned char)text[i]);
        else
            buf_add(b, text + i, n);
    }
}

static char folder[64];

static void remove_folder(void)
{
    file_remove_tree(AT_FDCWD, folder);
}

const char *fuzz_temp(void)
{
    /* The path of a run's temporary folder has to be short. */
    enum { LONGEST = 40 };
    const char *tmp = getenv("TMPDIR");
    if (tmp && *tmp && strlen(tmp) <= LONGEST)
        return tmp;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    snprintf(folder, sizeof folder, "%s/rl-fuzz-XXXXXX", fuzz_temp());
    CHECK(mkdtemp(folder));
    CHECK(atexit(remove_folder) == 0);
    return folder;
}

const char *fuzz_file(const void *data, size_t size)
{
    static char *path;
    static int fd = -1;
    if (fd < 0) {
        path = path_join(fuzz_folder(), "input");
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
    }
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(file_write_all(fd, data, size) == 0);
    return path;
}

void fuzz_pieces_init(struct fuzz_pieces *it, const uint8_t *data, size_t size)
{
    *it = (struct fuzz_pieces){data, size ? data + size : data, size > 0};
}

char *fuzz_next_piece(struct fuzz_pieces *it)
{
    if (!it->more)
        return NULL;
    size_t left = (size_t)(it->end - it->p);
    const uint8_t *nul = left ? memchr(it->p, '\0', left) : NULL;
    size_t n = nul ? (size_t)(nul - it->p) : left;
    char *piece = xmemdup0(it->p, n);
    it->more = nul != NULL;
    it->p += n + it->more;
    return piece;
}

unsigned fuzz_number(const char *piece, size_t i, unsigned n)
{
    return strlen(piece) > i ? (unsigned char)piece[i] % n : 0;
}
