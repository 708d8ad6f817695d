#include "history/merge.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "history/database.h"

enum {
    LONGEST_NAME = 65536,
    LONGEST_KIND = 512,
    LONGEST_OUTCOME = 16,
    DAY = 24 * 3600,
    STEPS = 1000,      /* of SQLite's machine between two looks at the clock */
    LOOK_SECONDS = 10, /* a file that takes longer to check and read is refused */
    MOST_ROWS = 20 * 1000 * 1000
};

static int is_late(void *start)
{
    return time(NULL) - *(const time_t *)start > LOOK_SECONDS;
}

/* One text, or NULL. Caller frees. */
static char *text_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
        sqlite3_column_type(s, 0) == SQLITE_TEXT)
        text = xstrdup((const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return text;
}

/* All that the file declares, in one line. */
static char *declarations(sqlite3 *db)
{
    return text_of(db, "SELECT group_concat(d, char(10)) FROM (SELECT type || ' ' || name || ' ' ||"
                       " tbl_name || ' ' || ifnull(sql, '-') AS d FROM sqlite_master ORDER BY d)");
}

/* Has the database our tables and nothing else? A view or a trigger would run its author's SQL. */
static bool has_our_tables(sqlite3 *db)
{
    sqlite3 *own = NULL;
    bool same = false;
    if (sqlite3_open(":memory:", &own) == SQLITE_OK &&
        history_sql(own, history_schema) == SQLITE_OK) {
        char *a = declarations(own), *b = declarations(db);
        same = a && b && strcmp(a, b) == 0;
        free(a);
        free(b);
    }
    sqlite3_close(own);
    return same;
}

/* Opens what somebody else has written. NULL if it is none of ours. */
static sqlite3 *open_foreign(const char *path, time_t *start)
{
    int rc;
    sqlite3 *db = history_open(path, SQLITE_OPEN_READONLY, &rc);
    char *check = NULL;
    bool good = false;
    if (rc == SQLITE_OK) {
        sqlite3_progress_handler(db, STEPS, is_late, start);
        sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        history_sql(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                        " PRAGMA mmap_size = 0");
        good = has_our_tables(db) && (check = text_of(db, "PRAGMA integrity_check(1)")) != NULL &&
               strcmp(check, "ok") == 0;
    }
    free(check);
    if (good)
        return db;
    sqlite3_close(db);
    return NULL;
}

/* A row of a history. Texts are borrowed from the statement. */
struct row {
    const char *kind, *name, *outcome;
    long long runs, failed, peak, at;
    double seconds;
};

static const char READ[] =
    "SELECT machine.kind, test.name, runs, seconds, outcome, failed, peak, at FROM result"
    " JOIN test ON test.id = result.test JOIN machine ON machine.id = result.machine";

/* The text of a column if it has one of 1 (or least) to `most` bytes and no NUL; else NULL. */
static const char *column(sqlite3_stmt *s, int i, int least, int most)
{
    if (sqlite3_column_type(s, i) != SQLITE_TEXT)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(s, i);
    int n = sqlite3_column_bytes(s, i);
    return text && n >= least && n <= most && strlen(text) == (size_t)n ? text : NULL;
}

static bool is_word(const char *s)
{
    while (islower((unsigned char)*s))
        s++;
    return !*s;
}

/* The row that the statement stands at; false if it is not one that a run writes. */
static bool get_row(sqlite3_stmt *s, struct row *r, long long now)
{
    r->kind = column(s, 0, 1, LONGEST_KIND);
    r->name = column(s, 1, 0, LONGEST_NAME);
    r->runs = sqlite3_column_int64(s, 2);
    r->seconds = sqlite3_column_double(s, 3);
    r->outcome = column(s, 4, 1, LONGEST_OUTCOME);
    r->failed = sqlite3_column_int64(s, 5);
    r->peak = sqlite3_column_int64(s, 6);
    r->at = sqlite3_column_int64(s, 7);
    return r->kind && r->name && r->outcome && is_word(r->outcome) && r->runs >= 1 &&
           r->runs < INT32_MAX && isfinite(r->seconds) && r->seconds >= 0 && r->seconds < 1e9 &&
           (r->failed == 0 || r->failed == 1) && r->peak >= 0 && r->at <= now + DAY &&
           r->at >= now - HISTORY_DAYS * (long long)DAY;
}

struct merging {
    sqlite3 *to, *from;
    sqlite3_stmt *machine, *test, *put;
    long long now;
};

static int prepare(struct merging *m)
{
    static const char machine[] = "INSERT INTO machine (kind) VALUES (?1) ON CONFLICT (kind) DO"
                                  " UPDATE SET kind = kind RETURNING id";
    static const char test[] = "INSERT INTO test (name) VALUES (?1) ON CONFLICT (name) DO UPDATE"
                               " SET name = name RETURNING id";
    static const char put[] =
        "INSERT INTO result (test, machine, runs, seconds, outcome, failed, peak, at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (test, machine) DO UPDATE SET"
        " runs = excluded.runs, seconds = excluded.seconds, outcome = excluded.outcome,"
        " failed = excluded.failed, peak = excluded.peak, at = excluded.at"
        " WHERE excluded.at > at OR (excluded.at = at AND excluded.runs > runs)";
    int rc = history_sql(m->to, history_schema);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(m->to, machine, -1, &m->machine, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(m->to, test, -1, &m->test, NULL);
    return rc == SQLITE_OK ? sqlite3_prepare_v2(m->to, put, -1, &m->put, NULL) : rc;
}

/* The number that a statement of the above returns for a name. */
static int number_of(sqlite3_stmt *s, const char *name, long long *id)
{
    history_bind(s, 1, name);
    int rc = sqlite3_step(s);
    *id = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int put_row(struct merging *m, const struct row *r)
{
    long long machine, test;
    int rc = number_of(m->machine, r->kind, &machine);
    if (rc == SQLITE_OK)
        rc = number_of(m->test, r->name, &test);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(m->put, 1, test);
    sqlite3_bind_int64(m->put, 2, machine);
    sqlite3_bind_int64(m->put, 3, r->runs);
    sqlite3_bind_double(m->put, 4, r->seconds);
    history_bind(m->put, 5, r->outcome);
    sqlite3_bind_int64(m->put, 6, r->failed);
    sqlite3_bind_int64(m->put, 7, r->peak);
    sqlite3_bind_int64(m->put, 8, r->at);
    rc = sqlite3_step(m->put);
    sqlite3_reset(m->put);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Copies all good rows; *foreign_rc is what reading them ended with. */
static int put_rows(struct merging *m, int *foreign_rc)
{
    sqlite3_stmt *s = NULL;
    struct row r;
    int rc = SQLITE_OK;
    *foreign_rc = sqlite3_prepare_v2(m->from, READ, -1, &s, NULL);
    for (long n = 0; *foreign_rc == SQLITE_OK && rc == SQLITE_OK && n < MOST_ROWS; n++) {
        int step = sqlite3_step(s);
        if (step == SQLITE_ROW && get_row(s, &r, m->now))
            rc = put_row(m, &r);
        else if (step == SQLITE_DONE)
            break;
        else if (step != SQLITE_ROW)
            *foreign_rc = step;
    }
    sqlite3_finalize(s);
    return rc;
}

/* How many rows of ours the other file has not, or has older. */
static int count_behind(struct merging *m, size_t *behind)
{
    static const char look[] =
        "SELECT at, runs FROM result JOIN test ON test.id = result.test JOIN machine ON"
        " machine.id = result.machine WHERE machine.kind = ?1 AND test.name = ?2";
    sqlite3_stmt *own = NULL, *other = NULL;
    int rc = sqlite3_prepare_v2(m->to, READ, -1, &own, NULL), step = SQLITE_DONE;
    if (rc == SQLITE_OK && m->from)
        rc = sqlite3_prepare_v2(m->from, look, -1, &other, NULL);
    while (rc == SQLITE_OK && (step = sqlite3_step(own)) == SQLITE_ROW) {
        struct row r;
        if (!get_row(own, &r, m->now))
            continue;
        bool has = false;
        if (other) {
            history_bind(other, 1, r.kind);
            history_bind(other, 2, r.name);
            has = sqlite3_step(other) == SQLITE_ROW &&
                  (sqlite3_column_int64(other, 0) > r.at ||
                   (sqlite3_column_int64(other, 0) == r.at &&
                    sqlite3_column_int64(other, 1) >= r.runs));
            sqlite3_reset(other);
        }
        *behind += !has;
    }
    sqlite3_finalize(own);
    sqlite3_finalize(other);
    return rc == SQLITE_OK && step != SQLITE_DONE ? step : rc;
}

static int merge_all(struct merging *m, size_t *behind, int *foreign_rc)
{
    /* A writer's transaction: see history_add. */
    int rc = history_sql(m->to, "BEGIN IMMEDIATE");
    if (rc != SQLITE_OK)
        return rc;
    rc = prepare(m);
    if (rc == SQLITE_OK)
        rc = count_behind(m, behind);
    if (rc == SQLITE_OK)
        rc = put_rows(m, foreign_rc);
    if (rc == SQLITE_OK)
        rc = history_prune(m->to);
    sqlite3_finalize(m->machine);
    sqlite3_finalize(m->test);
    sqlite3_finalize(m->put);
    bool good = rc == SQLITE_OK && *foreign_rc == SQLITE_OK;
    if (good)
        rc = history_sql(m->to, "COMMIT");
    if (!good || rc != SQLITE_OK)
        history_sql(m->to, "ROLLBACK");
    return rc;
}

bool history_merge(const char *to, const char *from, size_t *behind, char **warning)
{
    time_t start = time(NULL);
    struct merging m = {.from = open_foreign(from, &start), .now = start};
    int rc, foreign_rc = SQLITE_OK;
    *warning = NULL;
    *behind = 0;
    if (!m.from) {
        *warning = xstrdup("what came is no history of Rowlock's, or a damaged one; remove it there, or "
                           "correct the URL");
        return false;
    }
    m.to = history_open(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &rc);
    if (rc == SQLITE_OK)
        rc = history_sql(m.to, "PRAGMA synchronous = OFF");
    if (rc == SQLITE_OK)
        rc = merge_all(&m, behind, &foreign_rc);
    sqlite3_close(m.to);
    sqlite3_close(m.from);
    if (rc != SQLITE_OK)
        *warning = history_explain(to, rc);
    else if (foreign_rc != SQLITE_OK)
        *warning = xasprintf("what came cannot be read: %s", sqlite3_errstr(foreign_rc));
    return !*warning;
}

bool history_count(const char *path, size_t *behind, char **warning)
{
    struct merging m = {.now = time(NULL)};
    int rc;
    *warning = NULL;
    *behind = 0;
    m.to = history_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &rc);
    if (rc == SQLITE_OK)
        rc = history_sql(m.to, history_schema);
    if (rc == SQLITE_OK)
        rc = count_behind(&m, behind);
    sqlite3_close(m.to);
    if (rc != SQLITE_OK)
        *warning = history_explain(path, rc);
    return rc == SQLITE_OK;
}

bool history_copy(const char *path, const char *copy, char **warning)
{
    int rc;
    sqlite3_stmt *s = NULL;
    sqlite3 *db = history_open(path, SQLITE_OPEN_READWRITE, &rc);
    *warning = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &s, NULL);
    if (rc == SQLITE_OK) {
        history_bind(s, 1, copy);
        rc = sqlite3_step(s);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (rc != SQLITE_OK)
        *warning = xasprintf("%s cannot be copied: %s", path, sqlite3_errstr(rc));
    return rc == SQLITE_OK;
}
