/* What the files of this folder share: the tables of a history (history/history.h). */
#ifndef HISTORY_DATABASE_H
#define HISTORY_DATABASE_H

#include <sqlite3.h>

enum { HISTORY_DAYS = 90 }; /* what no run has seen for so long is forgotten */

/* Makes the tables where they are missing. */
extern const char history_schema[];

/* Opens with flags of sqlite3_open_v2, waiting some seconds for others; *rc is SQLITE_OK, or what is
 * wrong. Close what it returns in either case. */
sqlite3 *history_open(const char *path, int flags, int *rc);
/* Runs statements that yield nothing. */
int history_sql(sqlite3 *db, const char *sql);
/* Binds parameter i. Names are bytes; SQLite stores any in a TEXT column, as long as nobody
 * converts them. */
void history_bind(sqlite3_stmt *s, int i, const char *text);
/* Removes what is too old. */
int history_prune(sqlite3 *db);
/* What is wrong with the file, as a warning, which the caller frees. A damaged one is renamed, so
 * that the next run begins a new one. */
char *history_explain(const char *path, int rc);

#endif
