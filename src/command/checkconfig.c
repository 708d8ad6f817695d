/* validate: every file of the project that configures a run. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/validation.h"
#include "config/options.h"
#include "manifest/testsjson.h"

static const char remedy[] = "correct the file at that place";

/* A file's addopts have to be options. What only pytest knows is for pytest to judge. */
static bool check_addopts(const struct config *c, const char *file, struct error *err)
{
    struct options o;
    char *where = xasprintf("%s: addopts", file);
    options_init(&o);
    bool ok = options_parse(&o, (int)c->addopts.n, c->addopts.v, where, err);
    options_release(&o);
    free(where);
    return ok;
}

/* One more file; *shown are the names of those that are all right. */
static void check_file(struct validation *v, const char *cwd, const char *file, struct buf *shown)
{
    struct config c;
    struct error err = ERROR_INIT;
    bool ok = config_load(&c, cwd, file, v->python, &err);
    bool loaded = ok;
    ok = ok && check_addopts(&c, file, &err);
    if (ok)
        buf_addf(shown, "%s%s", shown->len ? ", " : "", file);
    else
        validation_add(v, CHECK_FAILED, "configuration", remedy, "%s", err.msg);
    if (loaded)
        config_release(&c);
    error_release(&err);
}

/* The file that counts for a run that is started here. */
static void check_chosen(struct validation *v, const char *cwd, struct buf *shown)
{
    struct error err = ERROR_INIT;
    v->config_ok = config_load(&v->config, cwd, v->config_file, v->python, &err);
    v->config_chosen =
        v->config_ok && !v->config_file ? config_parallel_file(&v->config, cwd) : NULL;
    if (v->config_chosen) {
        config_release(&v->config);
        v->config_ok = config_load(&v->config, cwd, v->config_chosen, v->python, &err);
    }
    bool loaded = v->config_ok;
    const char *name = loaded && v->config.path ? v->config.path : NULL;
    size_t n = strlen(cwd);
    if (name && strncmp(name, cwd, n) == 0 && name[n] == '/')
        name += n + 1;
    if (loaded && name)
        v->config_ok = check_addopts(&v->config, name, &err);
    if (!v->config_ok)
        validation_add(v, CHECK_FAILED, "configuration", remedy, "%s", err.msg);
    else if (name)
        buf_adds(shown, name);
    if (!loaded) { /* the defaults; /dev/null is no configuration */
        error_release(&err);
        config_load(&v->config, cwd, "/dev/null", NULL, &err);
    }
    v->wants_pytest = v->config.has_pytest;
    error_release(&err);
}

static void check_tests_json(struct validation *v, struct buf *shown)
{
    struct manifest m;
    struct testsjson t;
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    v->tests_json_ok = true;
    v->has_tests_json = access("tests.json", F_OK) == 0;
    if (!v->has_tests_json)
        return;
    memset(&t, 0, sizeof t);
    manifest_init(&m);
    v->tests_json_ok = file_read("tests.json", &text, &err) &&
                       testsjson_read(&m, &t, "tests.json", buf_cstr(&text), text.len, ".", &err);
    if (v->tests_json_ok)
        buf_addf(shown, "%stests.json", shown->len ? ", " : "");
    else
        validation_add(v, CHECK_FAILED, "configuration", remedy, "%s", err.msg);
    v->wants_pytest = v->tests_json_ok ? t.n_pytest > 0 : v->wants_pytest;
    for (size_t i = 0; i < t.n_builds; i++)
        strv_push(&v->builds, t.builds[i].name);
    testsjson_release(&t);
    manifest_release(&m);
    buf_release(&text);
    error_release(&err);
}

/* Are there files that pytest would take for tests? */
static bool looks_like_pytest(void)
{
    static const char *const patterns[] = {"test_*.py", "tests/test_*.py", "conftest.py",
                                           "tests/conftest.py"};
    bool found = false;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && !found; i++) {
        glob_t files;
        found = glob(patterns[i], GLOB_NOSORT, NULL, &files) == 0;
        if (found)
            globfree(&files);
    }
    return found;
}

void validate_config(struct validation *v)
{
    static const char *const names[] = {"pytest.toml", ".pytest.toml",   "pytest.ini",
                                        ".pytest.ini", "pyproject.toml", "tox.ini",
                                        "setup.cfg",   NULL};
    struct buf shown = BUF_INIT;
    struct strv files = STRV_INIT;
    glob_t more;
    char *cwd = path_absolute(".");
    validation_begins(v, "configuration");
    v->python = program_python(v->python_asked, NULL);
    size_t before = v->n;
    check_chosen(v, cwd, &shown);
    for (const char *const *name = names; *name; name++)
        if (access(*name, F_OK) == 0)
            strv_push(&files, *name);
    if (glob("pytest-*.ini", 0, NULL, &more) == 0) {
        strv_push_all(&files, more.gl_pathv);
        globfree(&more);
    }
    /* A file that the search has refused is one of these: it is named once. */
    bool searched = !v->config_ok && !v->config_file;
    for (size_t i = 0; i < files.n; i++) {
        char *path = path_join(cwd, files.v[i]);
        bool chosen = v->config.path && strcmp(path, v->config.path) == 0;
        bool told = searched && v->n > before && strstr(v->checks[before].detail, files.v[i]);
        if (!chosen && !told)
            check_file(v, cwd, files.v[i], &shown);
        free(path);
    }
    check_tests_json(v, &shown);
    if (!v->has_tests_json && !v->config.path)
        v->wants_pytest = looks_like_pytest();
    if (shown.len || v->n == before)
        validation_add(v, CHECK_OK, "configuration", "", "%s",
                       shown.len ? buf_cstr(&shown) : "no ini file, no tests.json; defaults apply");
    free(v->python);
    v->python = program_python(v->python_asked, v->config.python);
    strv_release(&files);
    buf_release(&shown);
    free(cwd);
}
