/* What tests print under -s, and their live logs: each worker writes into a pipe of its own,
 * TEMP/gwN.live, and the driver prints whole lines of it. Nothing is kept: a worker that prints
 * faster than the terminal takes it waits, as it would on the terminal itself. */
#ifndef COMMAND_LIVE_H
#define COMMAND_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* A worker writes this behind the output of each test. What it writes behind it waits until the
 * test's record has been shown, so that a verdict stands below the output that belongs to it. A
 * test that prints the same gets its own output cut into lines there: no more than that. */
#define LIVE_MARK "\0\1rowlock: end of test\2"

struct live_pipe {
    char *path;
    int fd;
    struct buf in;   /* bytes that have been read and wait */
    unsigned held;   /* > 0: they wait for a record, so many ticks at most */
    struct buf line; /* of which the end has not come yet */
    bool after_cr;   /* a newline that comes next is part of the line end before */
    bool stale;      /* nothing has come since the last tick */
};
struct live {
    struct live_pipe *pipes; /* one per slot */
    int *fds;                /* theirs, for poll; -1 while one is held */
    size_t n;
    bool labels;  /* each line says whose it is */
    bool color;   /* colour sequences stay */
    bool hold;    /* output behind a mark waits */
    bool partial; /* the start of a line may be printed before its end is there */
    long open;    /* the slot whose unfinished line stands at the cursor; -1: none */
};

/* Makes the pipes of n_slots workers in temp. EXIT_INTERNAL on failure. */
bool live_open(struct live *l, const char *temp, unsigned n_slots, bool labels, bool color,
               struct error *err);
void live_close(struct live *l);
/* Takes what is in the pipes now. Here and below, what is to be printed is added to b. */
void live_read(struct live *l, struct buf *b);
/* As much time has passed as a reader's patience takes: also the starts of lines whose end does
 * not come, where they may be printed. */
void live_tick(struct live *l, struct buf *b);
/* The record of a test of that worker is shown next. */
void live_end_test(struct live *l, struct buf *b, unsigned slot);
/* Adds a block of output of a test that is no pytest test. */
void live_add_block(struct live *l, struct buf *b, unsigned slot, const char *text, size_t len);
/* Something else is printed next: an open line gets its newline. */
void live_end_line(struct live *l, struct buf *b);
/* No more tests run: nothing waits any more. */
void live_release(struct live *l);
/* The run is over: no line stays open. */
void live_end(struct live *l, struct buf *b);

#endif
