/* The cycles among the blocks of one line. */
#ifndef COVERAGE_GCCYCLES_H
#define COVERAGE_GCCYCLES_H

#include <stdint.h>

#include "coverage/gcnotes.h"

struct gc_line_block {
    const struct gc_function *fn;
    uint32_t block; /* of fn */
};
enum gc_search_state { GC_FREE, GC_ON_PATH, GC_GIVEN_UP };

struct gc_line_blocks {
    const struct gc_notes *n;
    const struct gc_line_block *blocks; /* of one line; a block may stand there twice */
    uint32_t n_blocks;
    /* For each block of n: 0, or 1 + its first place in blocks. */
    const uint32_t *index;
    int64_t *left; /* room for a number for each arc of n */
    /* Of the search. */
    unsigned char *state; /* enum gc_search_state, by place in blocks */
    uint32_t *different;  /* places in blocks, each block once */
    uint32_t n_different;
};

/* How often the line began again by itself, modulo 2^64. All functions are solved. */
uint64_t gc_line_cycles(struct gc_line_blocks *l);

#endif
