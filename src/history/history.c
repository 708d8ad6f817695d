#include "history/history.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "history/database.h"

enum { VERSION = 1, PATIENCE_MS = 15000 /* for another run that writes */ };

/* How much the newest run counts in the mean. */
#define NEWEST "0.3"

const char history_schema[] =
    "CREATE TABLE IF NOT EXISTS machine (id INTEGER PRIMARY KEY, kind TEXT UNIQUE NOT NULL);"
    "CREATE TABLE IF NOT EXISTS test (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);"
    "CREATE TABLE IF NOT EXISTS result ("
    " test INTEGER NOT NULL REFERENCES test, machine INTEGER NOT NULL REFERENCES machine,"
    " runs INTEGER NOT NULL, seconds REAL NOT NULL, outcome TEXT NOT NULL,"
    " failed INTEGER NOT NULL, peak INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (test, machine)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

struct history {
    struct arena arena;
    struct map by_name;
    struct history_test *tests;
    size_t n, cap;
};

char *history_machine(void)
{
    struct utsname u;
    char line[256], model[128] = "";
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && !model[0] && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':'))
            snprintf(model, sizeof model, ", %.*s", (int)strcspn(strchr(line, ':') + 2, "\n"),
                     strchr(line, ':') + 2);
    if (f)
        fclose(f);
    return xasprintf("%s, %ld CPUs%s", uname(&u) == 0 ? u.machine : "unknown",
                     sysconf(_SC_NPROCESSORS_ONLN), model);
}

void history_bind(sqlite3_stmt *s, int i, const char *text)
{
    sqlite3_bind_text(s, i, text, (int)strlen(text), SQLITE_STATIC);
}

int history_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* The version of the file's tables: 0 for a new file, -1 if it cannot be read. */
static int version_of(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return version;
}

sqlite3 *history_open(const char *path, int flags, int *rc)
{
    sqlite3 *db = NULL;
    *rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (*rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, PATIENCE_MS);
        int version = version_of(db);
        if (version < 0)
            *rc = sqlite3_errcode(db) == SQLITE_OK ? SQLITE_CORRUPT : sqlite3_errcode(db);
        else if (version > VERSION)
            *rc = SQLITE_MISMATCH;
    }
    return db;
}

static bool is_damage(int rc)
{
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_MISMATCH ||
           rc == SQLITE_ERROR;
}

char *history_explain(const char *path, int rc)
{
    if (!is_damage(rc))
        return xasprintf("%s: %s; the run goes on without it", path, sqlite3_errstr(rc));
    char *aside = xasprintf("%s.damaged-%lld", path, (long long)time(NULL));
    const char *what = rc == SQLITE_MISMATCH ? "made by a later version" : "damaged";
    char *text = rename(path, aside) == 0
                     ? xasprintf("%s is %s; it was set aside as %s", path, what, aside)
                     : xasprintf("%s is %s and cannot be renamed (%s); remove it", path, what,
                                 strerror(errno));
    char *journal = xasprintf("%s-journal", path);
    unlink(journal);
    free(journal);
    free(aside);
    return text;
}

/* Adds or replaces what is known: rows of this machine come last. */
static void keep(struct history *h, const char *name, const struct history_test *t)
{
    size_t i = map_get(&h->by_name, name);
    if (i == MAP_NONE) {
        if (h->n == h->cap) {
            h->cap = h->cap ? h->cap * 2 : 256;
            h->tests = xreallocarray(h->tests, h->cap, sizeof *h->tests);
        }
        i = h->n++;
        map_put(&h->by_name, arena_strdup(&h->arena, name), i);
    }
    h->tests[i] = *t;
}

static int read_rows(struct history *h, sqlite3 *db)
{
    static const char sql[] =
        "SELECT test.name, result.seconds, result.outcome, result.failed, result.peak"
        " FROM result JOIN test ON test.id = result.test JOIN machine ON machine.id = "
        "result.machine ORDER BY machine.kind = ?1, result.at";
    sqlite3_stmt *s = NULL;
    char *kind = history_machine();
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK) {
        history_bind(s, 1, kind);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(s, 0);
            const char *outcome = (const char *)sqlite3_column_text(s, 2);
            double seconds = sqlite3_column_double(s, 1);
            struct history_test t = {.seconds = seconds >= 0 ? seconds : 0,
                                     .outcome = arena_strdup(&h->arena, outcome ? outcome : ""),
                                     .failed = sqlite3_column_int(s, 3) != 0,
                                     .peak_bytes = (uint64_t)sqlite3_column_int64(s, 4)};
            if (name)
                keep(h, name, &t);
        }
    }
    sqlite3_finalize(s);
    free(kind);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

struct history *history_read(const char *path, char **warning)
{
    struct history *h = xcalloc(1, sizeof *h);
    int rc = SQLITE_OK;
    *warning = NULL;
    if (access(path, F_OK) != 0)
        return h;
    sqlite3 *db = history_open(path, SQLITE_OPEN_READWRITE, &rc);
    if (rc == SQLITE_OK && version_of(db) == VERSION)
        rc = read_rows(h, db);
    sqlite3_close(db);
    if (rc != SQLITE_OK)
        *warning = history_explain(path, rc);
    return h;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    map_release(&h->by_name);
    arena_release(&h->arena);
    free(h->tests);
    free(h);
}

size_t history_size(const struct history *h)
{
    return h->n;
}

const struct history_test *history_find(const struct history *h, const char *name)
{
    size_t i = map_get(&h->by_name, name);
    return i == MAP_NONE ? NULL : &h->tests[i];
}

/* One number, or -1. */
static long long number(sqlite3 *db, const char *sql, const char *text)
{
    sqlite3_stmt *s = NULL;
    long long n = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        history_bind(s, 1, text);
        if (sqlite3_step(s) == SQLITE_ROW)
            n = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return n;
}

static int write_rows(sqlite3 *db, const struct history_result *results, size_t n,
                      long long machine)
{
    static const char find[] = "INSERT INTO test (name) VALUES (?1)"
                               " ON CONFLICT (name) DO UPDATE SET name = name RETURNING id";
    static const char put[] =
        "INSERT INTO result (test, machine, runs, seconds, outcome, failed, peak, at)"
        " VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (test, machine) DO UPDATE SET"
        " runs = runs + 1, seconds = seconds + (excluded.seconds - seconds) * " NEWEST ","
        " outcome = excluded.outcome, failed = excluded.failed,"
        " peak = max(peak, excluded.peak), at = excluded.at";
    sqlite3_stmt *f = NULL, *p = NULL;
    int rc = sqlite3_prepare_v2(db, find, -1, &f, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, put, -1, &p, NULL);
    long long now = (long long)time(NULL);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        history_bind(f, 1, results[i].name);
        if (sqlite3_step(f) != SQLITE_ROW) {
            rc = sqlite3_errcode(db);
            break;
        }
        sqlite3_bind_int64(p, 1, sqlite3_column_int64(f, 0));
        sqlite3_bind_int64(p, 2, machine);
        sqlite3_bind_double(p, 3, results[i].seconds);
        history_bind(p, 4, results[i].outcome);
        sqlite3_bind_int(p, 5, results[i].failed);
        sqlite3_bind_int64(p, 6, (sqlite3_int64)results[i].peak_bytes);
        sqlite3_bind_int64(p, 7, now);
        rc = sqlite3_step(p);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_reset(f);
        sqlite3_reset(p);
    }
    sqlite3_finalize(f);
    sqlite3_finalize(p);
    return rc;
}

int history_prune(sqlite3 *db)
{
    char *sql = xasprintf(
        "DELETE FROM result WHERE at < %lld; DELETE FROM test WHERE id NOT IN (SELECT test FROM "
        "result)",
        (long long)time(NULL) - HISTORY_DAYS * 24LL * 3600);
    int rc = history_sql(db, sql);
    free(sql);
    return rc;
}

/* In one transaction, which begins as a writer's: two runs that both read first and then write
 * would be refused. */
static int write_all(sqlite3 *db, const struct history_result *results, size_t n)
{
    int rc = history_sql(db, "BEGIN IMMEDIATE");
    if (rc != SQLITE_OK)
        return rc;
    char *kind = history_machine();
    rc = history_sql(db, history_schema);
    if (rc == SQLITE_OK) {
        long long machine = number(db,
                                   "INSERT INTO machine (kind) VALUES (?1) ON CONFLICT (kind) DO "
                                   "UPDATE SET kind = kind RETURNING id",
                                   kind);
        rc = machine < 0 ? sqlite3_errcode(db) : write_rows(db, results, n, machine);
    }
    if (rc == SQLITE_OK)
        rc = history_prune(db);
    if (rc == SQLITE_OK)
        rc = history_sql(db, "COMMIT");
    if (rc != SQLITE_OK)
        history_sql(db, "ROLLBACK");
    free(kind);
    return rc;
}

bool history_add(const char *path, const struct history_result *results, size_t n, char **warning)
{
    int rc;
    *warning = NULL;
    sqlite3 *db = history_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &rc);
    /* What is lost when the machine goes down is lost with the run's own files, too. */
    if (rc == SQLITE_OK)
        rc = history_sql(db, "PRAGMA synchronous = OFF");
    if (rc == SQLITE_OK)
        rc = write_all(db, results, n);
    sqlite3_close(db);
    if (rc != SQLITE_OK)
        *warning = history_explain(path, rc);
    return rc == SQLITE_OK;
}
