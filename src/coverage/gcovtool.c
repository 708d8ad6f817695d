#include "coverage/gcovtool.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/xalloc.h"

enum { MOST_OUTPUT = 1 << 28 };

struct tool {
    struct coverage *c;
    const char *(*name)(const struct gc_notes *n, const char *file, void *arg);
    void *arg;
    struct gc_notes cwd; /* for name */
};

static int64_t number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    double v = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return v > -9e18 && v < 9e18 ? (int64_t)v : 0;
}

static uint32_t small(const cJSON *object, const char *key)
{
    int64_t v = number(object, key);
    return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static const char *string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Do several functions start where the one of that name does? */
static bool is_group(const cJSON *functions, const char *name)
{
    uint32_t line = 0;
    int n = 0;
    for (const cJSON *f = functions->child; f; f = f->next) {
        const char *own = string(f, "name");
        if (own && strcmp(own, name) == 0)
            line = small(f, "start_line");
    }
    for (const cJSON *f = functions->child; f; f = f->next)
        n += small(f, "start_line") == line;
    return n > 1;
}

static void add_line(struct tool *t, struct cov_file *f, const cJSON *functions, const cJSON *line)
{
    uint32_t at = small(line, "line_number");
    const char *owner = string(line, "function_name");
    const cJSON *branches = cJSON_GetObjectItemCaseSensitive(line, "branches");
    bool unexecuted =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "unexecuted_block"));
    cov_add_line(f, at, number(line, "count"), unexecuted ? COV_LINE_UNEXECUTED : 0);
    struct cov_arm arm = {.line = at};
    if (owner && branches && branches->child && is_group(functions, owner))
        arm.owner = coverage_intern(t->c, owner);
    for (const cJSON *b = branches ? branches->child : NULL; b; b = b->next) {
        arm.count = number(b, "count");
        arm.flags =
            (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(b, "throw")) ? COV_ARM_THROW : 0) |
            (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(b, "fallthrough"))
                 ? COV_ARM_FALLTHROUGH
                 : 0);
        cov_add_arm(f, &arm);
        arm.arm++;
    }
}

static void add_file(struct tool *t, const cJSON *file)
{
    const char *path = string(file, "file");
    const cJSON *functions = cJSON_GetObjectItemCaseSensitive(file, "functions");
    const cJSON *lines = cJSON_GetObjectItemCaseSensitive(file, "lines");
    const char *shown = path && functions && lines ? t->name(&t->cwd, path, t->arg) : NULL;
    if (!shown)
        return;
    struct cov_file *f = coverage_file(t->c, shown);
    f->language = COV_NATIVE;
    f->has_branches = true;
    for (const cJSON *item = functions->child; item; item = item->next) {
        const char *name = string(item, "name");
        struct cov_function fn = {.name = coverage_intern(t->c, name ? name : "?"),
                                  .start_line = small(item, "start_line"),
                                  .start_column = small(item, "start_column"),
                                  .end_line = small(item, "end_line"),
                                  .end_column = small(item, "end_column"),
                                  .count = number(item, "execution_count"),
                                  .blocks = small(item, "blocks"),
                                  .blocks_run = small(item, "blocks_executed")};
        cov_add_function(f, &fn);
    }
    for (const cJSON *line = lines->child; line; line = line->next)
        add_line(t, f, functions, line);
}

bool gcov_json_add(struct coverage *c, const char *text, size_t len,
                   const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                   void *arg)
{
    struct tool t = {.c = c, .name = name, .arg = arg};
    cJSON *root = cJSON_ParseWithLength(text, len);
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(root, "files");
    const char *cwd = string(root, "current_working_directory");
    t.cwd.cwd = cwd ? cwd : "";
    bool ok = cJSON_IsArray(files);
    for (const cJSON *file = ok ? files->child : NULL; file; file = file->next)
        add_file(&t, file);
    cJSON_Delete(root);
    return ok;
}

/* gcov wants notes and data side by side: links to them in a folder of their own. */
static bool run(const struct tool *t, const char *program, const char *notes, const char *data)
{
    const char *temp = getenv("TMPDIR");
    char *folder = xasprintf("%s/rowlock-gcov-XXXXXX", temp && *temp ? temp : "/tmp");
    bool ok = mkdtemp(folder) != NULL;
    if (ok) {
        char *argv[] = {(char *)program, "--json-format", "--stdout", "--branch-probabilities",
                        "object.gcno", NULL};
        char *link_notes = path_join(folder, "object.gcno");
        char *link_data = path_join(folder, "object.gcda");
        struct buf out = BUF_INIT, said = BUF_INIT;
        ok = symlink(notes, link_notes) == 0 && (!data || symlink(data, link_data) == 0) &&
             subprocess_ask(argv, folder, &out, &said, MOST_OUTPUT) == 0 &&
             gcov_json_add(t->c, buf_cstr(&out), out.len, t->name, t->arg);
        buf_release(&out);
        buf_release(&said);
        free(link_notes);
        free(link_data);
        file_remove_tree(AT_FDCWD, folder);
    }
    free(folder);
    return ok;
}

bool gcov_tool_add(struct coverage *c, const char *notes, const char *data, uint32_t version,
                   const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                   void *arg, struct strv *problems)
{
    struct tool t = {.c = c, .name = name, .arg = arg};
    char text[16];
    int major = atoi(gc_version_text(version, text));
    char *program = xasprintf("gcov-%d", major);
    if (!path_executable(program)) {
        free(program);
        program = xstrdup("gcov");
    }
    bool ok = run(&t, program, notes, data);
    if (!ok)
        strv_pushf(problems, "%s: of GCC %s, which is not known here, and %s cannot read it; "
                             "put the gcov of that GCC into a folder of PATH as gcov-%d",
                   data ? data : notes, text, program, major);
    free(program);
    return ok;
}
