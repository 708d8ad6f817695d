/* The configuration of a project: the ini file that pytest would take, what Rowlock needs of
 * it, and Rowlock's own [rowlock] section (in pyproject.toml: [tool.rowlock]). */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "config/values.h"

struct marker_def {
    char *name;        /* "xdist_group" */
    char *description; /* "xdist_group(name): …", the whole line as written */
};

struct config {
    char *root; /* absolute: the folder of the ini file, else the folder that was searched from */
    char *path; /* the ini file, absolute; NULL if there is none */
    struct strv addopts; /* split as a shell would */
    struct strv testpaths;
    struct marker_def *markers; /* the project's, then Rowlock's own */
    size_t n_markers;
    size_t n_own_markers; /* of these, the project's own */
    bool strict_markers; /* the ini's own setting; --strict-markers in addopts is an option */
    bool has_pytest;     /* the file has a pytest section (a bare pytest.ini counts) */
    /* [rowlock] */
    char *env_prefix;    /* "FQCN" */
    char *python;        /* NULL: not set; a relative path was made absolute, a name was not */
    double timeout;      /* seconds for a test, 0: none */
    struct marker_timeout *timeouts; /* of tests that have a marker: the first that fits counts */
    size_t n_timeouts;
    double run_timeout;  /* seconds for the run as a whole, 0: none */
    double slow_warning; /* seconds after which a test that runs is named, 60; 0: never */
    struct memory_floor memory; /* with less memory free no test starts beside others; none */
    int reruns;          /* how often a test that fails runs again, 0 */
    double grace;        /* seconds between SIGTERM and SIGKILL, 5 */
    size_t output_limit; /* bytes kept of each output stream of a test, 1 MiB */
    char *worker_start;  /* "auto" */
    char *history_url;   /* "": none; may hold a password, not checked */
    char *shard_times;   /* absolute; NULL: not set */
    bool parallel_collect; /* workers collect side by side where that is safe */
};

/* Finds and reads the configuration. explicit_file (-c; relative to dir) or NULL; dir is the
 * folder to start from (absolute). Without explicit_file it is the file that pytest would take
 * when started in dir; if there is none, the first of the same names, on the same way up, that
 * has a [rowlock] section. python is the interpreter that reads TOML files (it has tomllib),
 * may be NULL: then a pyproject.toml with a pytest or rowlock table is an error that says how to
 * name one.
 * EXIT_USAGE on failure: no such file, a malformed line, an unknown key or a bad value in
 * [rowlock]; the message names file, line and column. */
bool config_load(struct config *c, const char *dir, const char *explicit_file, const char *python,
                 struct error *err);
void config_release(struct config *c);
/* The file that parallel runs take in place of c's, unless -c says otherwise: pytest-parallel.ini beside
 * it, or in dir (absolute) where c is of no file. A path from dir or an absolute one, which the caller
 * frees; NULL if there is none. */
char *config_parallel_file(const struct config *c, const char *dir);
/* Splits text as a POSIX shell would (quotes, backslashes; no expansion), to be exact: as
 * Python's shlex.split does for pytest, appending to words. where is for messages. */
bool config_split(const char *text, const char *where, struct strv *words, struct error *err);
/* NULL if the marker is not registered. */
const struct marker_def *config_marker(const struct config *c, const char *name);
/* The registered marker whose name is nearest (edit distance at most 3 and less than half its
 * length), or NULL. */
const char *config_nearest_marker(const struct config *c, const char *name);

#endif
