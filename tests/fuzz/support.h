/* What the fuzz targets share: checks, pieces of input, and files.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput, which clang's libFuzzer drives
 * (make fuzz) or standalone.c (make fuzz-smoke). Seeds are the files of seeds/NAME and what the
 * target's own fuzz_seed makes. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* The target: 0 always; a finding aborts the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Appends the k-th seed that is made rather than kept in a file; false if there is none. A
 * target need not have it. */
bool fuzz_seed(unsigned k, struct buf *b);

/* Aborts with the place unless the condition holds. Never compiled out. */
#define CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* True for valid UTF-8 without control characters other than those in allowed. */
bool fuzz_is_clean(const char *text, size_t len, const char *allowed);
/* Checks what a call that returned ok left in err (a message of so many lines if it failed) and
 * releases it. */
void fuzz_check_error(struct error *err, bool ok, size_t lines);

/* Appends the text as the reports show it: bytes that are not UTF-8 as \xNN. */
void fuzz_add_shown(struct buf *b, const char *text);

/* Where temporary folders go: $TMPDIR, else a file system in memory, as targets write thousands
 * of small files. */
const char *fuzz_temp(void);
/* A folder of this process, made at first use and removed at exit. */
const char *fuzz_folder(void);
/* The path of a file in it that holds just these bytes; always the same one. */
const char *fuzz_file(const void *data, size_t size);

/* Walks the pieces of an input, which NULs separate. */
struct fuzz_pieces {
    const uint8_t *p, *end;
    bool more;
};
void fuzz_pieces_init(struct fuzz_pieces *it, const uint8_t *data, size_t size);
/* The next piece, NUL-terminated and no byte longer than that; the caller frees. NULL at the
 * end. */
char *fuzz_next_piece(struct fuzz_pieces *it);
/* Byte i of a piece as a number from 0 to below n; 0 if the piece is shorter. */
unsigned fuzz_number(const char *piece, size_t i, unsigned n);
/* For seeds: n bytes of a string literal that holds NULs, without its own. */
#define FUZZ_PIECES(b, literal) buf_add(b, literal, sizeof literal - 1)

#endif
