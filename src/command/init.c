/* init: finds out what a project is, and writes what runs its tests with Rowlock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/automake.h"
#include "command/command.h"
#include "command/makefilelook.h"
#include "command/parallelini.h"
#include "command/program.h"
#include "command/projectkind.h"
#include "config/config.h"

/* The first words of what init writes and asks before it replaces: a Makefile without them is the
 * project's own and never touched. */
#define WRITTEN "# Written by rowlock init"

enum { MOST_FILES = 8 };

struct planned {
    const char *name; /* relative to the project */
    struct buf text;
};
struct init {
    bool force, dry_run, github, gitlab;
    const char *python;
    struct strv only; /* FILE arguments; empty: all */
    struct projectkind kind;
    struct config config;
    char *config_name; /* of the file that configures pytest here; NULL: none */
    char *templates;   /* the folder */
    const char *makefile; /* that Make reads here, or will */
    bool left_alone;      /* as it is the project's own */
    struct planned files[MOST_FILES];
    size_t n;
    unsigned written, kept, same;
};

static const struct option_row {
    const char *name, *help;
} option_rows[] = {
    {"--dry-run", "show what would be written, and write nothing"},
    {"--force", "replace files that exist and differ"},
    {"--github", "write .github/workflows/rowlock.yml, too"},
    {"--gitlab", "write .gitlab-ci.yml, too"},
    {"--python EXE", "the Python that reads pyproject.toml"},
};
enum { N_ROWS = sizeof option_rows / sizeof *option_rows };

void command_init_help(FILE *out)
{
    for (size_t i = 0; i < N_ROWS; i++)
        fprintf(out, "  %-16s %s\n", option_rows[i].name, option_rows[i].help);
    fputs("\nWrites pytest.ini and pytest-parallel.ini (for pytest), tests.json, rowlock.mk and, where there\n"
          "is none, a Makefile. With FILE it writes those only. What exists is kept.\n",
          out);
}

static bool unknown_option(const char *word, struct error *err)
{
    char *shown = text_quote(word);
    char *question = nearest_in_table(word, &option_rows[0].name, N_ROWS, sizeof option_rows[0]);
    error_set(err, EXIT_USAGE, "unknown option %s; %s'rowlock init --help' lists them all", shown,
              question);
    free(question);
    free(shown);
    return false;
}

static bool parse(struct init *in, const struct strv *args, struct error *err)
{
    for (size_t i = 0; i < args->n; i++) {
        const char *word = args->v[i];
        if (strcmp(word, "--dry-run") == 0)
            in->dry_run = true;
        else if (strcmp(word, "--force") == 0)
            in->force = true;
        else if (strcmp(word, "--github") == 0)
            in->github = true;
        else if (strcmp(word, "--gitlab") == 0)
            in->gitlab = true;
        else if (strncmp(word, "--python=", 9) == 0 && word[9])
            in->python = word + 9;
        else if (strcmp(word, "--python") == 0 && i + 1 < args->n)
            in->python = args->v[++i];
        else if (strcmp(word, "--python") == 0)
            return error_set(err, EXIT_USAGE, "--python: needs behind it an interpreter");
        else if (word[0] == '-')
            return unknown_option(word, err);
        else
            strv_push(&in->only, strncmp(word, "./", 2) == 0 ? word + 2 : word);
    }
    return true;
}

static struct planned *plan_file(struct init *in, const char *name)
{
    if (in->n == MOST_FILES)
        abort();
    struct planned *p = &in->files[in->n++];
    *p = (struct planned){name, BUF_INIT};
    return p;
}

/* The words with which the build system has programs leave coverage data. */
static const char *configure_args(const struct projectkind *k)
{
    return k->cmake   ? "-DCMAKE_C_FLAGS=--coverage -DCMAKE_CXX_FLAGS=--coverage"
           : k->meson ? "-Db_coverage=true"
                      : "CFLAGS='-g -O0 --coverage' CXXFLAGS='-g -O0 --coverage' LDFLAGS=--coverage";
}

/* The folder of pytest's files where it has a usual name; else all. */
static const char *test_paths(const struct projectkind *k)
{
    static const char *const known[] = {"tests", "test", "testing", NULL};
    for (int i = 0; known[i]; i++)
        if (k->testpath && strcmp(k->testpath, known[i]) == 0)
            return known[i];
    return ".";
}

/* Appends a line of a template; its @WORD@s are filled in, with text of ours or text that has no
 * character of a meaning anywhere. */
static void add_line(struct buf *out, const struct init *in, const char *line, size_t len)
{
    const struct {
        const char *word, *text;
    } words[] = {{"@BUILD@", in->kind.build ? in->kind.build : "build"},
                 {"@TESTPATHS@", test_paths(&in->kind)},
                 {"@CONFIGURE_ARGS@", configure_args(&in->kind)}};
    enum { N = sizeof words / sizeof *words };
    for (const char *end = line + len; line < end;) {
        size_t i = 0;
        while (i < N && strncmp(line, words[i].word, strlen(words[i].word)) != 0)
            i++;
        if (i == N) {
            buf_addc(out, *line++);
            continue;
        }
        buf_adds(out, words[i].text);
        line += strlen(words[i].word);
    }
    buf_addc(out, '\n');
}

/* Appends the template. A line "%WORD TEXT" is TEXT where projectkind_is says so of WORD, else
 * nothing. */
static bool add_template(struct buf *out, const struct init *in, const char *name, struct error *err)
{
    struct buf text = BUF_INIT;
    char *path = path_join(in->templates, name);
    bool ok = file_read(path, &text, err);
    if (!ok)
        err->code = EXIT_INTERNAL;
    for (const char *p = buf_cstr(&text); *p;) {
        size_t len = strcspn(p, "\n"), skip = 0;
        bool wanted = true;
        if (*p == '%') {
            size_t word = strcspn(p, " \n") - 1;
            char *name_of = xmemdup0(p + 1, word);
            wanted = projectkind_is(&in->kind, name_of);
            free(name_of);
            skip = 1 + word + (p[1 + word] == ' ');
        }
        if (wanted)
            add_line(out, in, p + skip, len - skip);
        p += len + (p[len] == '\n');
    }
    buf_release(&text);
    free(path);
    return ok;
}

static bool plan_inis(struct init *in, struct error *err)
{
    bool ours = !in->config_name || strcmp(in->config_name, "pytest.ini") == 0;
    struct planned *ini = ours ? plan_file(in, "pytest.ini") : NULL;
    bool ok = !ours || add_template(&ini->text, in, "init/pytest.ini", err);
    /* What is kept is what parallel runs have to go by. */
    bool from_template = ours && (!in->config_name || in->force);
    char *python = program_python(in->python, in->config.python);
    if (ok)
        ok = parallelini_make(&plan_file(in, "pytest-parallel.ini")->text,
                              in->config_name ? in->config_name : "pytest.ini",
                              from_template ? buf_cstr(&ini->text) : NULL, python, err);
    free(python);
    return ok;
}

static cJSON *add_suite(cJSON *suites, const char *name, const char *format)
{
    cJSON *suite = cJSON_CreateObject();
    cJSON_AddStringToObject(suite, "name", name);
    cJSON_AddStringToObject(suite, "format", format);
    cJSON_AddItemToArray(suites, suite);
    return suite;
}

static void add_globs(cJSON *suite, const struct strv *globs)
{
    cJSON *list = cJSON_AddArrayToObject(suite, "glob");
    for (size_t i = 0; i < globs->n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(globs->v[i]));
}

static void plan_manifest(struct init *in)
{
    const struct projectkind *k = &in->kind;
    cJSON *root = cJSON_CreateObject(), *tests = cJSON_CreateArray();
    cJSON_AddNumberToObject(root, "rowlock", 1);
    cJSON *suites = cJSON_AddArrayToObject(root, "suites");
    if (k->pytest)
        add_suite(suites, "py", "pytest");
    if (k->cmake)
        cJSON_AddStringToObject(add_suite(suites, "cmake", "ctest"), "build", k->build);
    if (k->meson)
        cJSON_AddStringToObject(add_suite(suites, "meson", "meson"), "build", k->build);
    if (k->scripts && k->tap.n)
        add_globs(add_suite(suites, "tap", "tap"), &k->tap);
    if (k->scripts && k->shell.n)
        add_globs(add_suite(suites, "shell", "exec"), &k->shell);
    for (size_t i = 0; k->autotools && i < k->makefiles.n; i++)
        automake_tests(k->makefiles.v[i], tests, &in->kind.notes);
    if (cJSON_GetArraySize(tests))
        cJSON_AddItemToObject(root, "tests", tests);
    else
        cJSON_Delete(tests);
    char *text = cJSON_Print(root);
    struct buf *out = &plan_file(in, "tests.json")->text;
    buf_adds(out, text);
    buf_addc(out, '\n');
    cJSON_free(text);
    cJSON_Delete(root);
}

/* True if the file is there and does not begin as ours do. */
static bool is_own(const char *name)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    bool own = access(name, F_OK) == 0 &&
               (!file_read(name, &text, &err) ||
                strncmp(buf_cstr(&text), WRITTEN, strlen(WRITTEN)) != 0);
    error_release(&err);
    buf_release(&text);
    return own;
}

/* The Makefile that Make reads here and that is the project's own; NULL: there is none. */
static const char *own_makefile(const struct init *in)
{
    bool alone = !in->kind.autotools; /* else ./configure makes it */
    return is_own("GNUmakefile")                    ? "GNUmakefile"
           : alone && access("makefile", F_OK) == 0 ? "makefile"
           : alone && is_own("Makefile")            ? "Makefile"
                                                    : NULL;
}

/* A Makefile that includes rowlock.mk, unless the project has one, whatever --force says. */
static bool plan_makefile(struct init *in, struct error *err)
{
    const char *own = own_makefile(in), *name = in->kind.autotools ? "GNUmakefile" : "Makefile";
    in->makefile = own ? own : name;
    in->left_alone = own != NULL;
    if (in->left_alone)
        return true;
    char *template = path_join("init", in->makefile);
    bool ok = add_template(&plan_file(in, in->makefile)->text, in, template, err);
    free(template);
    return ok;
}

static bool plan(struct init *in, struct error *err)
{
    if (in->kind.pytest && !plan_inis(in, err))
        return false;
    plan_manifest(in);
    if (!add_template(&plan_file(in, "rowlock.mk")->text, in, "rowlock.mk", err) ||
        !plan_makefile(in, err))
        return false;
    if (in->github && !add_template(&plan_file(in, ".github/workflows/rowlock.yml")->text, in,
                                    "init/github.yml", err))
        return false;
    return !in->gitlab ||
           add_template(&plan_file(in, ".gitlab-ci.yml")->text, in, "init/gitlab.yml", err);
}

/* Each FILE has to be one that would be written. */
static bool check_only(const struct init *in, struct error *err)
{
    for (size_t i = 0; i < in->only.n; i++) {
        struct buf names = BUF_INIT;
        bool found = false;
        for (size_t f = 0; f < in->n; f++) {
            found = found || strcmp(in->files[f].name, in->only.v[i]) == 0;
            buf_addf(&names, "%s%s", f ? ", " : "", in->files[f].name);
        }
        if (!found) {
            char *shown = text_quote(in->only.v[i]);
            error_set(err, EXIT_USAGE, "%s: init does not write it here; it would write %s", shown,
                      buf_cstr(&names));
            free(shown);
        }
        buf_release(&names);
        if (!found)
            return false;
    }
    return true;
}

static void say(const char *what, const char *name, const char *why)
{
    printf("  %-11s %s%s%s%s\n", what, name, why ? " (" : "", why ? why : "", why ? ")" : "");
}

static void show_text(const struct buf *text)
{
    for (const char *p = buf_cstr(text); *p;) {
        size_t len = strcspn(p, "\n");
        struct buf line = BUF_INIT;
        for (size_t at = 0; at < len;) {
            size_t tab = strcspn(p + at, "\t\n");
            text_escape(&line, p + at, tab < len - at ? tab : len - at, SIZE_MAX);
            at += tab;
            if (at < len && p[at] == '\t') {
                buf_addc(&line, '\t');
                at++;
            }
        }
        printf("      | %s\n", buf_cstr(&line));
        buf_release(&line);
        p += len + (p[len] == '\n');
    }
}

static bool write_file(struct init *in, const struct planned *f, struct error *err)
{
    struct buf old = BUF_INIT;
    struct stat st;
    bool exists = lstat(f->name, &st) == 0, ok = true;
    if (exists && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return error_set(err, EXIT_USAGE, "%s: is not a file; move it away", f->name);
    if (exists && access(f->name, F_OK) == 0 && !file_read(f->name, &old, err))
        return false;
    bool same = exists && old.len == f->text.len && memcmp(buf_cstr(&old), buf_cstr(&f->text), old.len) == 0;
    buf_release(&old);
    if (same) {
        in->same++;
        say("up to date", f->name, NULL);
    } else if (exists && !in->force) {
        in->kept++;
        say("kept", f->name, "it exists and differs; --force replaces it");
    } else {
        in->written++;
        if (!in->dry_run) {
            char *dir = path_dirname(f->name);
            ok = file_mkdirs(dir, err) && file_write(f->name, f->text.data, f->text.len, err);
            free(dir);
        }
        if (ok)
            say(in->dry_run ? exists ? "would replace" : "would write"
                : exists    ? "replaced"
                            : "wrote",
                f->name, NULL);
        if (ok && in->dry_run)
            show_text(&f->text);
    }
    return ok;
}

/* What a Makefile that is left alone lacks. */
static void say_makefile(const struct init *in)
{
    struct makefilelook look = {0};
    struct strv lines = STRV_INIT;
    makefilelook_add(&look, in->makefile);
    if (!look.sets_coverage && !projectkind_is(&in->kind, "measured"))
        strv_push(&lines, "ROWLOCK_COVERAGE = 0");
    if (!look.sets_lint && (look.lint || in->kind.lint))
        strv_push(&lines, "ROWLOCK_LINT = +$(MAKE) lint");
    if (!look.includes)
        strv_push(&lines, "include rowlock.mk");
    if (lines.n)
        printf("note: your %s is left alone; add to its end:\n", in->makefile);
    for (size_t i = 0; i < lines.n; i++)
        printf("    %s\n", lines.v[i]);
    if (!look.includes && !look.prefix)
        puts("  and before the include, where it has targets of these names:\n"
             "    ROWLOCK_PREFIX = rowlock-");
    strv_release(&lines);
    makefilelook_release(&look);
}

/* The commands that come next: those that work here. */
static void say_next(const struct init *in)
{
    const struct projectkind *k = &in->kind;
    const char *args = configure_args(k);
    struct makefilelook look = {0};
    puts("next:");
    if (k->cmake && access(k->build, F_OK) != 0)
        printf("  cmake -S . -B %s %s && cmake --build %s\n", k->build, args, k->build);
    if (k->meson && access(k->build, F_OK) != 0)
        printf("  meson setup %s %s && meson compile -C %s\n", k->build, args, k->build);
    if (k->autotools)
        printf("  %s./configure %s && make%s\n",
               access("configure", X_OK) == 0 ? "" : "autoreconf --install && ", args,
               k->automake ? " check TESTS=" : "");
    puts("  rowlock validate\n  rowlock parallel");
    makefilelook_add(&look, in->makefile);
    if (look.includes && access("rowlock.mk", F_OK) == 0) {
        struct buf prefix = BUF_INIT;
        if (look.prefix)
            text_escape(&prefix, look.prefix, strlen(look.prefix), SIZE_MAX);
        printf("  make %stest-parallel\n", buf_cstr(&prefix));
        buf_release(&prefix);
    }
    makefilelook_release(&look);
}

static void say_end(const struct init *in)
{
    const struct projectkind *k = &in->kind;
    for (size_t i = 0; i < k->notes.n; i++) {
        struct buf note = BUF_INIT;
        text_escape(&note, k->notes.v[i], strlen(k->notes.v[i]), SIZE_MAX);
        printf("note: %s\n", buf_cstr(&note));
        buf_release(&note);
    }
    if (in->left_alone)
        say_makefile(in);
    if (in->dry_run)
        puts("nothing was written (--dry-run)");
    else if (!in->written)
        puts(in->kept ? "nothing changed; some files differ from what init would write"
                      : "nothing to do: all is up to date");
    else
        say_next(in);
}

/* The configuration of pytest that the project has. */
static bool find_config(struct init *in, const struct invocation *inv, struct error *err)
{
    char *here = path_absolute("."), *python = program_python(in->python, NULL);
    bool ok = config_load(&in->config, here, inv->config_file, python, err);
    if (ok && in->kind.pytest && in->config.path && in->config.has_pytest) {
        char *dir = path_dirname(in->config.path);
        if (inv->config_file || strcmp(dir, here) == 0)
            in->config_name = xstrdup(inv->config_file ? in->config.path
                                                       : path_basename(in->config.path));
        else
            ok = error_set(err, EXIT_USAGE,
                           "pytest is configured in %s; run 'rowlock init' in that folder",
                           in->config.path);
        free(dir);
    }
    free(python);
    free(here);
    return ok;
}

static bool init_project(struct init *in, const struct invocation *inv, struct error *err)
{
    if (!parse(in, &inv->args, err))
        return false;
    projectkind_find(&in->kind, ".");
    char *name = projectkind_name(&in->kind);
    char *html = program_templates(err);
    bool ok = html != NULL;
    if (ok && !name)
        ok = error_set(err, EXIT_NO_TESTS,
                       "nothing here looks like a project with tests (pytest, CMake, Meson, Autotools, "
                       "*.t or test_*.sh); write a test first, or a tests.json");
    if (ok) {
        in->templates = path_dirname(html);
        ok = find_config(in, inv, err) && plan(in, err) && check_only(in, err);
    }
    if (ok)
        printf("this project: %s\n", name);
    if (ok && in->config_name && strcmp(in->config_name, "pytest.ini") != 0)
        say("as it is", in->config_name, "it configures pytest, so there is no pytest.ini");
    for (size_t i = 0; i < in->n && ok; i++)
        if (!in->only.n || strv_has(&in->only, in->files[i].name))
            ok = write_file(in, &in->files[i], err);
    if (ok)
        say_end(in);
    free(html);
    free(name);
    return ok;
}

int command_init(const struct invocation *inv)
{
    struct init in;
    struct error err = ERROR_INIT;
    memset(&in, 0, sizeof in);
    int code = init_project(&in, inv, &err) ? EXIT_OK : command_fail(&err);
    for (size_t i = 0; i < in.n; i++)
        buf_release(&in.files[i].text);
    strv_release(&in.only);
    projectkind_release(&in.kind);
    config_release(&in.config);
    free(in.config_name);
    free(in.templates);
    return code;
}
