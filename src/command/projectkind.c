#include "command/projectkind.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "command/makefilelook.h"

enum {
    DEEPEST = 4,
    MOST_ENTRIES = 50000, /* a project with more is known by those */
    MOST_TEXT = 1 << 20   /* a file of a build system that is larger is not looked into */
};

struct walk {
    struct projectkind *k;
    unsigned entries;
    struct strv python; /* top folders with files of pytest; "." for the root */
    struct strv in_makefiles;
};

static void add_once(struct strv *v, const char *word)
{
    if (!strv_has(v, word))
        strv_push(v, word);
}

static bool has_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct stat st;
    bool found = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return found;
}

/* True if dir/name is a small text that holds word. */
static bool mentions(const char *dir, const char *name, const char *word)
{
    char *path = path_join(dir, name);
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    struct stat st;
    bool found = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MOST_TEXT &&
                 file_read(path, &text, &err) && strstr(buf_cstr(&text), word);
    error_release(&err);
    buf_release(&text);
    free(path);
    return found;
}

/* Folders whose tests are not the project's own. */
static bool is_foreign(const char *path, const char *name)
{
    static const char *const names[] = {"node_modules", "__pycache__", "venv", "env", "dist",
                                        "third_party", "vendor", "subprojects", "autom4te.cache",
                                        NULL};
    static const char *const marks[] = {"pyvenv.cfg", "CMakeCache.txt", "config.status",
                                        "meson-info/intro-tests.json", NULL};
    if (name[0] == '.' || strncmp(name, "build", 5) == 0)
        return true;
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (int i = 0; marks[i]; i++)
        if (has_file(path, marks[i]))
            return true;
    return false;
}

/* The folders that tests are looked for in by their names' endings: "tests", "tests/shell". */
static bool is_test_folder(const char *folder)
{
    static const char *const tops[] = {"tests", "test", "t", "testing", NULL};
    size_t len = strcspn(folder, "/");
    for (int i = 0; tops[i]; i++)
        if (strlen(tops[i]) == len && strncmp(folder, tops[i], len) == 0)
            return true;
    return false;
}

/* The glob "FOLDER/PATTERN". A folder whose name would be read as a pattern is passed over. */
static void add_glob(struct walk *w, struct strv *globs, const char *folder, const char *pattern)
{
    if (strpbrk(folder, "*?[]\\")) {
        strv_pushf(&w->k->notes, "scripts in a folder with one of *?[]\\ in its name: list them in "
                                 "tests.json yourself");
        return;
    }
    char *glob = strcmp(folder, ".") == 0 ? xstrdup(pattern) : path_join(folder, pattern);
    add_once(globs, glob);
    free(glob);
}

static bool matches(const char *name, const char *pattern)
{
    return fnmatch(pattern, name, 0) == 0;
}

static void look_at_file(struct walk *w, const char *folder, const char *path, const char *name)
{
    static const char *const shells[] = {"test_*.sh", "test-*.sh", "*_test.sh", "*-test.sh", NULL};
    if (matches(name, "test_*.py") || matches(name, "*_test.py")) {
        char *top = xmemdup0(folder, strcspn(folder, "/"));
        add_once(&w->python, top);
        free(top);
    }
    if (matches(name, "*.t") && is_test_folder(folder))
        add_glob(w, &w->k->tap, folder, "*.t");
    bool named = false;
    for (int i = 0; shells[i] && !named; i++)
        if (matches(name, shells[i]) && access(path, X_OK) == 0) {
            add_glob(w, &w->k->shell, folder, shells[i]);
            named = true;
        }
    if (strcmp(name, "Makefile.am") == 0)
        strv_push(&w->k->makefiles, path);
    if (strcmp(name, "Makefile.in") == 0)
        strv_push(&w->in_makefiles, path);
}

static void walk_folder(struct walk *w, const char *folder, int depth)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    struct strv names = STRV_INIT;
    while (d && (e = readdir(d)) && w->entries++ < MOST_ENTRIES)
        strv_push(&names, e->d_name);
    if (d)
        closedir(d);
    if (names.n)
        strv_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.v[i];
        char *path = strcmp(folder, ".") == 0 ? xstrdup(name) : path_join(folder, name);
        struct stat st;
        if (lstat(path, &st) == 0) {
            if (S_ISREG(st.st_mode))
                look_at_file(w, folder, path, name);
            else if (S_ISDIR(st.st_mode) && depth < DEEPEST && !is_foreign(path, name))
                walk_folder(w, path, depth + 1);
        }
        free(path);
    }
    strv_release(&names);
}

/* The first folder here that is a build folder; mark is the file that tells. NULL if there is none
 * whose name may stand in a Makefile. */
static char *build_folder(const char *mark)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    DIR *d = opendir(".");
    struct dirent *e;
    struct strv found = STRV_INIT;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.' && e->d_name[0] != '-' &&
            e->d_name[strspn(e->d_name, plain)] == '\0' && has_file(e->d_name, mark))
            strv_push(&found, e->d_name);
    if (d)
        closedir(d);
    if (found.n)
        strv_sort(&found);
    char *first = found.n ? xstrdup(found.v[0]) : NULL;
    strv_release(&found);
    return first;
}

/* The Makefile that ./configure will make has a target lint. */
static bool makefile_lints(void)
{
    struct makefilelook look = {0};
    makefilelook_add(&look, has_file(".", "Makefile.am") ? "Makefile.am" : "Makefile.in");
    bool lints = look.lint;
    makefilelook_release(&look);
    return lints;
}

/* One of CMake, Meson and Autotools: the one that has been built with, else in this order. */
static void choose_build(struct projectkind *k)
{
    bool cmake = has_file(".", "CMakeLists.txt"), meson = has_file(".", "meson.build");
    bool autotools = has_file(".", "configure.ac") || has_file(".", "configure.in");
    char *built_cmake = cmake ? build_folder("CMakeCache.txt") : NULL;
    char *built_meson = meson ? build_folder("meson-info/intro-tests.json") : NULL;
    k->meson = meson && (!cmake || (built_meson && !built_cmake));
    k->cmake = cmake && !k->meson;
    k->autotools = autotools && !k->cmake && !k->meson;
    k->automake = k->autotools && has_file(".", "Makefile.am");
    k->lint = k->autotools && makefile_lints();
    char *built = k->meson ? built_meson : built_cmake;
    if (k->cmake || k->meson)
        k->build = xstrdup(built ? built : "build");
    if (cmake + meson + autotools > 1)
        strv_pushf(&k->notes, "there is more than one build system; tests.json names that of %s",
                   k->meson ? "Meson" : "CMake");
    free(built_cmake);
    free(built_meson);
}

/* The build system runs pytest as one of its tests. */
static bool build_runs_pytest(const struct projectkind *k)
{
    static const char *const dirs[] = {".", "tests", "test", NULL};
    const char *name = k->cmake ? "CMakeLists.txt" : k->meson ? "meson.build" : "Makefile.am";
    if (!k->cmake && !k->meson && !k->autotools)
        return false;
    for (int i = 0; dirs[i]; i++)
        if (mentions(dirs[i], name, "pytest"))
            return true;
    return false;
}

static bool pytest_configured(void)
{
    return has_file(".", "pytest.ini") || has_file(".", ".pytest.ini") ||
           has_file(".", "pytest.toml") || has_file(".", ".pytest.toml") ||
           mentions(".", "pyproject.toml", "[tool.pytest") || mentions(".", "tox.ini", "[pytest]") ||
           mentions(".", "setup.cfg", "[tool:pytest]");
}

void projectkind_find(struct projectkind *k, const char *dir)
{
    struct walk w = {k, 0, STRV_INIT, STRV_INIT};
    memset(k, 0, sizeof *k);
    walk_folder(&w, dir, 0);
    choose_build(k);
    k->pytest = w.python.n || pytest_configured();
    if (k->pytest && build_runs_pytest(k)) {
        k->pytest = false;
        strv_pushf(&k->notes, "pytest is left to the build system, which runs it as a test");
    }
    if (w.python.n == 1 && strcmp(w.python.v[0], ".") != 0)
        k->testpath = xstrdup(w.python.v[0]);
    if (!k->makefiles.n)
        strv_push_all(&k->makefiles, w.in_makefiles.v);
    k->scripts = k->tap.n || k->shell.n;
    if (k->scripts && (k->cmake || k->meson || k->autotools)) {
        k->scripts = false;
        strv_pushf(&k->notes, "scripts are left to the build system; add a suite to tests.json for "
                              "those that it does not run");
    }
    strv_release(&w.python);
    strv_release(&w.in_makefiles);
}

void projectkind_release(struct projectkind *k)
{
    free(k->build);
    free(k->testpath);
    strv_release(&k->tap);
    strv_release(&k->shell);
    strv_release(&k->makefiles);
    strv_release(&k->notes);
    memset(k, 0, sizeof *k);
}

bool projectkind_is(const struct projectkind *k, const char *word)
{
    const struct {
        const char *name;
        bool is;
    } words[] = {{"pytest", k->pytest},       {"cmake", k->cmake},       {"meson", k->meson},
                 {"autotools", k->autotools}, {"automake", k->automake}, {"scripts", k->scripts},
                 {"build", k->cmake || k->meson || k->autotools},
                 {"lint", k->lint},
                 {"measured", k->cmake || k->meson || k->autotools || k->pytest}};
    bool wanted = word[0] != '!';
    word += !wanted;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].name, word) == 0)
            return words[i].is == wanted;
    return false;
}

char *projectkind_name(const struct projectkind *k)
{
    struct buf b = BUF_INIT;
    const char *const names[] = {k->pytest ? "pytest" : NULL,
                                 k->cmake ? "CMake" : NULL,
                                 k->meson ? "Meson" : NULL,
                                 k->automake    ? "Automake"
                                 : k->autotools ? "Autoconf"
                                                : NULL,
                                 k->scripts && k->tap.n ? "TAP scripts" : NULL,
                                 k->scripts && k->shell.n ? "shell scripts" : NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i])
            buf_addf(&b, "%s%s", b.len ? ", " : "", names[i]);
    return b.len ? buf_detach(&b) : NULL;
}
