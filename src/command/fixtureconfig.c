/* __fixture: the stand-in for a configuration manager, kept in a folder, as each call is a process.
 *
 * FOLDER/values has a line for each thing that was set: "m" for a mapping or "s" for a setting, the name, the
 * value, with tabs between them and escapes in them (fixture_add_escaped). It is replaced as a whole, under
 * a lock on FOLDER/lock, so that processes may share it. Lists of mappings, printed and read, have
 * lines of a name and a value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "command/fixture.h"
#include "fixtures/mappings.h"

/* ---- Lists of mappings ------------------------------------------------------------------------ */

/* Sets kind to the first field if it is not NULL. False if the line has not as many fields. */
static bool split_line(char *line, const char **kind, const char **name, const char **value)
{
    char *rest = line;
    if (kind)
        *kind = fixture_next_field(&rest);
    *name = rest ? fixture_next_field(&rest) : NULL;
    *value = rest ? fixture_next_field(&rest) : NULL;
    return *name && *value && !rest;
}

static void add_lines(struct buf *b, const char *kind, const struct rowlock_mappings *m)
{
    for (size_t i = 0; i < m->n; i++) {
        buf_adds(b, kind);
        fixture_add_escaped(b, m->v[i].name);
        buf_addc(b, '\t');
        fixture_add_escaped(b, m->v[i].value);
        buf_addc(b, '\n');
    }
}

/* Frees m, which may be NULL. */
static int print_mappings(struct rowlock_mappings *m)
{
    struct buf b = BUF_INIT;
    if (!m)
        return FIXTURE_FAILED;
    add_lines(&b, "", m);
    fputs(buf_cstr(&b), stdout);
    buf_release(&b);
    rowlock_mappings_free(m);
    return FIXTURE_YES;
}

static struct rowlock_mappings *read_mappings(const char *path)
{
    struct rowlock_priv_map map = {NULL, 0, 0};
    struct buf b = BUF_INIT;
    bool ok = fixture_read(path, &b);
    char *rest = ok ? b.data : NULL, *line;
    for (size_t n = 1; ok && rest && (line = strsep(&rest, "\n")) != NULL; n++) {
        const char *name, *value;
        if (!*line && !rest)
            break;
        ok = split_line(line, NULL, &name, &value)
                 ? rowlock_priv_map_set(&map, name, value)
                 : rowlock_priv_fail("%s:%zu: needs a name, a tab and a value", path, n);
    }
    buf_release(&b);
    if (ok)
        return rowlock_priv_map_detach(&map);
    rowlock_priv_map_release(&map);
    return NULL;
}

/* ---- A configuration -------------------------------------------------------------------------- */

struct opened {
    struct rowlock_mock_config *config;
    const char *folder;
    int lock;
};

static void close_config(struct opened *o)
{
    rowlock_mock_config_free(o->config);
    if (o->lock >= 0)
        close(o->lock);
}

static bool read_values(struct opened *o)
{
    struct buf b = BUF_INIT;
    char *path = xasprintf("%s/values", o->folder);
    bool ok = fixture_read(path, &b);
    char *rest = ok ? b.data : NULL, *line;
    for (size_t n = 1; ok && rest && (line = strsep(&rest, "\n")) != NULL; n++) {
        const char *kind, *name, *value;
        if (!*line && !rest)
            break;
        if (!split_line(line, &kind, &name, &value))
            ok = rowlock_priv_fail("%s:%zu: has not three fields; call rowlock_mock_config_new "
                                   "again",
                                   path, n);
        else if (*kind == 'm')
            ok = rowlock_mock_config_set_mapping(o->config, name, value);
        else
            ok = rowlock_mock_config_set(o->config, name, value);
    }
    buf_release(&b);
    free(path);
    return ok;
}

/* Locks and reads it. close_config follows in either case. */
static bool open_config(struct opened *o, const char *folder)
{
    struct stat st;
    char *path = xasprintf("%s/values", folder), *lock = xasprintf("%s/lock", folder);
    *o = (struct opened){.folder = folder, .lock = -1};
    bool ok = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    if (!ok)
        rowlock_priv_fail("%s: is no configuration; hand over what rowlock_mock_config_new has "
                          "printed",
                          folder);
    else
        o->lock = rowlock_priv_lock_file(lock);
    free(lock);
    free(path);
    o->config = o->lock >= 0 ? rowlock_mock_config_new() : NULL;
    return o->config && read_values(o);
}

static bool write_values(const struct opened *o)
{
    struct rowlock_mappings *custom = rowlock_mock_config_load_custom_mappings(o->config);
    struct rowlock_mappings *settings = rowlock_priv_mock_config_load_settings(o->config);
    struct buf b = BUF_INIT;
    char *path = NULL;
    if (custom && settings) {
        add_lines(&b, "m\t", custom);
        add_lines(&b, "s\t", settings);
        path = rowlock_temp_file(o->folder, "values", b.data, b.len);
    }
    bool ok = path != NULL;
    free(path);
    buf_release(&b);
    rowlock_mappings_free(custom);
    rowlock_mappings_free(settings);
    return ok;
}

static int new_config(char **words, int n)
{
    (void)words, (void)n;
    char *folder = rowlock_temp_dir_new();
    char *path = folder ? rowlock_temp_file(folder, "values", NULL, 0) : NULL;
    if (!path) {
        rowlock_temp_dir_free(folder);
        folder = NULL;
    }
    free(path);
    return fixture_print(folder);
}

/* ---- What is asked of it: words[0] is its folder ---------------------------------------------- */

static int print_defaults(char **words, int n)
{
    (void)n;
    struct opened o;
    bool ok = open_config(&o, words[0]);
    int code = print_mappings(ok ? rowlock_mock_config_load_default_mappings(o.config) : NULL);
    close_config(&o);
    return code;
}

static int print_custom(char **words, int n)
{
    (void)n;
    struct opened o;
    bool ok = open_config(&o, words[0]);
    int code = print_mappings(ok ? rowlock_mock_config_load_custom_mappings(o.config) : NULL);
    close_config(&o);
    return code;
}

/* Files with lists follow. */
static int print_merged(char **words, int n)
{
    struct opened o;
    size_t files = (size_t)n - 1, got = 0;
    struct rowlock_mappings **lists = xcalloc(files + 1, sizeof *lists), *merged = NULL;
    bool ok = open_config(&o, words[0]);
    for (; ok && got < files; got++)
        if (!(lists[got] = read_mappings(words[got + 1])))
            ok = false;
    if (ok)
        merged = rowlock_mock_config_merge_mappings(
            o.config, (const struct rowlock_mappings *const *)lists, files);
    int code = print_mappings(merged);
    for (size_t i = 0; i < files; i++)
        rowlock_mappings_free(lists[i]);
    free(lists);
    close_config(&o);
    return code;
}

/* What is there, else the fallback in words[2], else nothing. */
static int print_one(char **words, int n, bool setting)
{
    struct opened o;
    const char *fallback = n > 2 ? words[2] : NULL;
    int code = FIXTURE_FAILED;
    if (open_config(&o, words[0])) {
        char *value = setting ? rowlock_mock_config_get(o.config, words[1], fallback)
                              : rowlock_mock_config_get_mapping(o.config, words[1], fallback);
        code = value ? fixture_print(value) : FIXTURE_NO;
    }
    close_config(&o);
    return code;
}

static int print_mapping(char **words, int n)
{
    return print_one(words, n, false);
}

static int print_setting(char **words, int n)
{
    return print_one(words, n, true);
}

static int has_mapping(char **words, int n)
{
    (void)n;
    struct opened o;
    int code = FIXTURE_FAILED;
    if (open_config(&o, words[0]))
        code = rowlock_mock_config_has_mapping(o.config, words[1]) ? FIXTURE_YES : FIXTURE_NO;
    close_config(&o);
    return code;
}

static int set_mapping(char **words, int n)
{
    (void)n;
    struct opened o;
    bool ok = open_config(&o, words[0]) &&
              rowlock_mock_config_set_mapping(o.config, words[1], words[2]) && write_values(&o);
    close_config(&o);
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

static int set_setting(char **words, int n)
{
    (void)n;
    struct opened o;
    bool ok = open_config(&o, words[0]) &&
              rowlock_mock_config_set(o.config, words[1], words[2]) && write_values(&o);
    close_config(&o);
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

static int reset(char **words, int n)
{
    (void)n;
    struct opened o;
    bool ok = open_config(&o, words[0]);
    if (ok) {
        rowlock_mock_config_reset(o.config);
        ok = write_values(&o);
    }
    close_config(&o);
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

/* words[0]: a file with a list. */
static int print_from_list(char **words, int n)
{
    (void)n;
    struct rowlock_mappings *m = read_mappings(words[0]);
    const char *value = m ? rowlock_mappings_get(m, words[1]) : NULL;
    int code = !m ? FIXTURE_FAILED : value ? fixture_print(xstrdup(value)) : FIXTURE_NO;
    rowlock_mappings_free(m);
    return code;
}

const struct fixture_row fixture_config_rows[] = {
    {"config-new", 0, 0, new_config},
    {"config-default-mappings", 1, 1, print_defaults},
    {"config-custom-mappings", 1, 1, print_custom},
    {"config-merge-mappings", 1, 1000, print_merged},
    {"config-get-mapping", 2, 3, print_mapping},
    {"config-has-mapping", 2, 2, has_mapping},
    {"config-set-mapping", 3, 3, set_mapping},
    {"config-get", 2, 3, print_setting},
    {"config-set", 3, 3, set_setting},
    {"config-reset", 1, 1, reset},
    {"mappings-get", 2, 2, print_from_list},
    {NULL, 0, 0, NULL},
};
