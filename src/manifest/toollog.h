/* How long tests took under the build tool's own runner, as it remembers in its build folder: for the
 * order of a run that knows nothing else of them. What is not as expected is passed over.
 *
 * CTest, Testing/Temporary/CTestCostData.txt (cmCTestMultiProcessHandler::UpdateCostData): a line
 * "NAME RUNS SECONDS" for each test, a mean of its runs, up to the line "---".
 *
 * Meson, meson-logs/testlog.json: the last run, a JSON object in each line. Its "name" is
 * "PROJECT / NAME" or "PROJECT:SUITE+SUITE / NAME", its "duration" in seconds. */
#ifndef MANIFEST_TOOLLOG_H
#define MANIFEST_TOOLLOG_H

#include <stddef.h>

#include "base/arena.h"
#include "base/map.h"

struct toollog {
    struct arena arena;
    struct map by_name; /* microseconds */
};
#define TOOLLOG_INIT {ARENA_INIT, MAP_INIT}

/* Read what the build folder DIR has; no file, no entries. */
void toollog_read_ctest(struct toollog *log, const char *dir);
void toollog_read_meson(struct toollog *log, const char *dir);
/* The same for the text of such a file. */
void toollog_add_ctest(struct toollog *log, const char *text, size_t len);
void toollog_add_meson(struct toollog *log, const char *text, size_t len);
/* Seconds of a test, by CTest's name, Meson's whole one, or what stands behind " / " in that; -1 where
 * it is not known, or log is NULL. */
double toollog_seconds(const struct toollog *log, const char *name);
void toollog_release(struct toollog *log);

#endif
