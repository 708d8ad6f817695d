/* The talk between rowlock-exec (or the driver) and the zygote, over a UNIX stream socket at
 * TEMP/zygote, TEMP being the run's temporary folder.
 *
 * A frame: u32 length of the payload, u8 type, payload. Integers are little-endian.
 *
 * The client sends one of
 *   'R' run    u32 slot, u32 milliseconds before a test runs again, u32 count, then per test:
 *              u32 index in the plan, u32 how often it may run again, u32 length, that many bytes
 *              of its id (as the zygote's own list gave it).
 *              The zygote hands the connection to the worker of that slot, which it starts
 *              first if there is none. The client may send 'R' only once per connection.
 *   'F' finish u64 milliseconds, or nothing. Every worker tears down and ends, then the session
 *              ends. A worker that takes longer than that is ended by SIGABRT. Answered by the
 *              'J' records of what failed in those teardowns, then by 'Q'.
 *   'P' ping   Answered by 'Q' at once.
 * and gets
 *   'W' wait   u32 1: the worker of that slot is a new interpreter that imports and collects
 *              first, or one that has none of these tests leaves and gets a successor; 0: that is
 *              done. The clock of the first test stands still between. What was torn down before
 *              is.
 *   'S' start  u32 index in the plan, u32 pid of the worker. The test starts now.
 *   'D' down   u32 index of an earlier test, u32 pid of the worker. What that test has left set
 *              up is torn down now, before the first test of the group.
 *   'J' record u32 index, u8 kind, u8 outcome, i64 start_ns, u64 wall_ns, u64 user_ns,
 *              u64 sys_ns, u64 peak_bytes, u32 n_fields, then the fields in the journal's form.
 *              A RESULT ends its test; an ATTEMPT does not: it runs again, begun by another 'S'.
 *              An AMEND may come at any time, for any earlier test that this worker ran.
 *   'E' end    u32 1 if tests of the group were left out because the run is to stop, else 0.
 *              The group is done, the connection is closed.
 *   'X' exit   i32 wait status, then text: what it was at (such as "in the set-up"), nothing if
 *              that is not known or was the test itself. The worker died; comes from the zygote
 *              itself, then it closes.
 *   'Q' quit   i32 exit status of the session, as pytest would return it.
 *
 * A client that closes its connection before 'E' (a timeout, Ctrl-C, its death) makes the
 * zygote end that worker: SIGINT, so that fixtures tear down, then SIGKILL after the grace;
 * the slot gets a new worker with its next 'R', never the old one. A worker's crash traceback
 * (faulthandler, all threads) is in TEMP/gwN.crash; on a timeout the client sends SIGABRT to
 * the pid of 'S' or 'D' first, which makes the worker write it. TEMP/gwN.out and gwN.err are
 * what the last test of a dead worker had printed.
 *
 * Under --forked the pid of 'S' is that of a child of the worker, in which the test runs. When
 * it dies, the worker sends a record with the outcome crashed and goes on.
 *
 * What tests print under -s goes to TEMP/gwN.live, a named pipe that the driver has made and
 * reads (src/command/live.h). What pytest prints at its end goes to RUNDIR/summary, and under
 * -v what it prints at its start to RUNDIR/header, if ROWLOCK_COLUMNS says how wide the
 * terminal is (ROWLOCK_COLOR: 1 if it is to be coloured) that the driver prints it on.
 *
 * Start: the zygote is started with
 *     PYTHON zygote.py --rowlock-temp TEMP --rowlock-run RUNDIR --rowlock-ready FD
 *            [--rowlock-start auto|fork|spawn] -- PYTEST_ARGS…
 * below a guard (run/guard.h), which ends it with everything that it started when the driver does.
 * It runs pytest's own start-up and collection, writes RUNDIR/pytest.json (the tests, form
 * below), listens on TEMP/zygote, and then writes one byte to FD and closes it. When pytest
 * itself ends first (a usage error, a collection error, no tests), it exits with pytest's
 * status, FD closes without a byte, and what pytest printed is in RUNDIR/zygote.log.
 *
 * Under spawn, and under auto where forks would differ from the workers of pytest-xdist, the
 * worker of a slot is a new interpreter that collects by itself. The zygote has then not
 * collected; it has the list of the first worker. A test that another worker does not find
 * gets an error record, as do all tests of a group whose worker does not start.
 *
 * pytest.json: {"pytest": "8.3.1", "python": "3.11.7", "rootdir": …, "inipath": … or null,
 *   "deselected": n, "markers": ["name", …],
 *   "workers": n                             only where pytest_xdist_auto_num_workers said so
 *   "dist": "loadfile"                       only where pytest_xdist_make_scheduler said so
 *   "notes": ["…", …]                        only where there is something to tell the user
 *   "repeats": bool                          a plugin has an option --count of its own
 *   "options": {…}                           what the zygote's pytest parsed, for the driver
 *   "worker_start": "fork" or "spawn", "worker_start_note": a line for people or null,
 *   "threads": ["name", …]                   beside the main one, where the list was made
 *   "errors": [{"id", "message", "detail"}]  of the collection; there are some only under
 *                                            --continue-on-collection-errors
 *   "tests": [{"id", "file", "scope", "group" (xdist_group or null), "markers": [{"name",
 *              "args": [], "kwargs": {}}], "keywords": [], "serial": bool, "locks": [],
 *              "weight": n, "timeout": s or null, "reruns": n or null,
 *              "line": n or null            where the driver wants it
 *              "params": {"session": "…"}   where fixtures of a "session", "package", "module" or
 *                                           "class" have parameters: which one it gets
 *              "timeout_is_weak": true      where that is the limit of all tests in the ini file
 *              "failed": bool               under --lf and --ff: pytest's cache says so
 *             }, …],
 *   "known_failures": n}                   how many the cache has, there
 * Strings that are not UTF-8 come with backslash escapes. A second test of the same node id
 * gets "@2" appended, and so on, so that ids are unique. */
#ifndef RUN_ZYGOTE_H
#define RUN_ZYGOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "run/journal.h"

struct frame {
    uint8_t type;
    uint32_t len;
    const unsigned char *payload; /* borrowed until the next read */
};

/* Connects to TEMP/zygote; the descriptor (O_CLOEXEC) or -1, err and errno. Works for any length of
 * TEMP up to PATH_MAX. */
int zygote_connect(const char *temp_dir, struct error *err);
/* Sends one frame; false with errno if the other side is gone. Never raises SIGPIPE. */
bool zygote_send(int fd, uint8_t type, const void *payload, size_t len);

/* Collects bytes from fd and yields frames. */
struct frame_reader {
    int fd;
    struct buf in;
    size_t used; /* bytes of in that were handed out */
};
void frame_reader_init(struct frame_reader *r, int fd);
void frame_reader_release(struct frame_reader *r);
/* Reads what is there (blocks only if nothing is buffered and fd is blocking).
 * 1: a frame; 0: the other side closed; -1: EAGAIN or an error, errno says. A frame above
 * 256 MiB is an error (EMSGSIZE). */
int frame_read(struct frame_reader *r, struct frame *f);
/* The record of a 'J' frame, a first attempt; its fields are borrowed from the frame. False if it is
 * none: of another kind than a result, an attempt, an amendment or a note, of no known outcome, or with
 * fields that are not whole. */
bool frame_record(const struct frame *f, struct record *r);

#endif
