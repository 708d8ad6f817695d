#include "manifest/toollog.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/xalloc.h"

/* Meson's log holds what the tests have printed, too: a longer one is not worth its time. */
enum { LONGEST_LOG = 64 << 20 };

/* So often " / " may stand in a name and part it. */
enum { MOST_PARTS = 8 };

static const double longest = 1e9; /* seconds */

static void add(struct toollog *log, const char *name, double seconds, bool replace)
{
    if (!name[0] || !(seconds >= 0) || seconds > longest)
        return;
    const char *key = arena_strdup(&log->arena, name);
    if (replace)
        map_put(&log->by_name, key, (size_t)(seconds * 1e6));
    else
        map_intern(&log->by_name, key, (size_t)(seconds * 1e6));
}

/* Calls each with every line of the text, until it returns false. */
static void each_line(struct toollog *log, const char *text, size_t len,
                      bool (*each)(struct toollog *log, char *line, size_t len))
{
    bool more = true;
    while (len && more) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        char *line = xmemdup0(text, n);
        more = each(log, line, n);
        free(line);
        n += end != NULL;
        text += n;
        len -= n;
    }
}

/* The number in the last word of the line, which is cut off; false if there is none. */
static bool take_number(char *line, double *number)
{
    char *space = strrchr(line, ' '), *end;
    if (!space)
        return false;
    *number = strtod(space + 1, &end);
    bool ok = end != space + 1 && *end == '\0';
    *space = '\0';
    return ok;
}

/* The name may have spaces in it. Without a run the seconds say nothing. */
static bool read_cost(struct toollog *log, char *line, size_t len)
{
    double seconds, runs;
    line[strcspn(line, "\r")] = '\0';
    if (strcmp(line, "---") == 0)
        return false;
    if (len && take_number(line, &seconds) && take_number(line, &runs) && runs >= 1)
        add(log, line, seconds, true);
    return true;
}

static bool read_entry(struct toollog *log, char *line, size_t len)
{
    cJSON *entry = cJSON_ParseWithLength(line, len);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name");
    const cJSON *duration = cJSON_GetObjectItemCaseSensitive(entry, "duration");
    if (cJSON_IsString(name) && cJSON_IsNumber(duration)) {
        double seconds = duration->valuedouble;
        add(log, name->valuestring, seconds, true);
        const char *s = name->valuestring;
        for (int i = 0; i < MOST_PARTS && (s = strstr(s, " / ")) != NULL; i++) {
            s += 3;
            add(log, s, seconds, false);
        }
    }
    cJSON_Delete(entry);
    return true;
}

void toollog_add_ctest(struct toollog *log, const char *text, size_t len)
{
    each_line(log, text, len, read_cost);
}

void toollog_add_meson(struct toollog *log, const char *text, size_t len)
{
    each_line(log, text, len, read_entry);
}

static void read_log(struct toollog *log, const char *dir, const char *name,
                     void (*add_text)(struct toollog *log, const char *text, size_t len))
{
    char *path = path_join(dir, name);
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LONGEST_LOG &&
        file_read(path, &text, &err))
        add_text(log, buf_cstr(&text), text.len);
    error_release(&err);
    buf_release(&text);
    free(path);
}

void toollog_read_ctest(struct toollog *log, const char *dir)
{
    read_log(log, dir, "Testing/Temporary/CTestCostData.txt", toollog_add_ctest);
}

void toollog_read_meson(struct toollog *log, const char *dir)
{
    read_log(log, dir, "meson-logs/testlog.json", toollog_add_meson);
}

double toollog_seconds(const struct toollog *log, const char *name)
{
    size_t us = log ? map_get(&log->by_name, name) : MAP_NONE;
    return us == MAP_NONE ? -1 : (double)us / 1e6;
}

void toollog_release(struct toollog *log)
{
    map_release(&log->by_name);
    arena_release(&log->arena);
}
