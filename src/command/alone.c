#include "command/alone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/pytestargs.h"

static const char *const interactive[] = {"--pdb", "--trace", NULL};
/* pytest prints something and ends; or, for pytest-xdist's -f, waits for changes of files and runs
 * again. --markers is Rowlock's own option, too: suite.c. */
static const char *const printing[] = {"--cache-show",  "--co",       "--collect-only",
                                       "--fixtures",    "--funcargs", "--fixtures-per-test",
                                       "--markers",     "--setup-only",
                                       "--setup-plan",  "--version",  "-V",
                                       "--looponfail",  "-f",         NULL};

static bool is_one_of(const char *const *list, const char *word)
{
    size_t len = strcspn(word, "=");
    for (; *list; list++)
        if (strncmp(*list, word, len) == 0 && !(*list)[len])
            return true;
    return false;
}

bool alone_is_interactive(const char *option)
{
    return is_one_of(interactive, option);
}

const char *alone_option(const struct strv *args)
{
    /* The debugger comes first: only it does not go together with workers. */
    for (size_t i = 0; i < args->n; i++)
        if (is_one_of(interactive, args->v[i]))
            return args->v[i];
    for (size_t i = 0; i < args->n; i++)
        if (is_one_of(printing, args->v[i]))
            return args->v[i];
    return NULL;
}

/* Python, the script beside the zygote's, and the words. */
static void build_argv(const struct suite *s, struct strv *argv)
{
    char *folder = path_dirname(s->program.zygote);
    strv_push_nodup(argv, program_python(s->options.python, s->config.python));
    strv_push_nodup(argv, path_join(folder, "alone.py"));
    if (s->config_file) {
        strv_push(argv, "-c");
        strv_push(argv, s->config_file);
    }
    if (s->options.list_markers)
        strv_push(argv, "--markers");
    pytestargs_add(argv, &s->options, NULL);
    for (size_t i = 0; !s->options.test_paths.n && i < s->json.n_pytest; i++)
        strv_push_all(argv, s->json.pytest[i].paths.v);
    free(folder);
}

int alone_run(struct suite *s, struct error *err)
{
    bool has_manifest;
    if (!suite_read_manifest(s, &has_manifest, err))
        return EXIT_USAGE;
    if (has_manifest && !s->json.n_pytest) {
        options_unknown(s->alone, err);
        return EXIT_USAGE;
    }
    if (s->manifest.n)
        fprintf(stderr, "rowlock: %s: pytest runs alone; the other tests are left out\n", s->alone);
    pytestargs_settle(&s->options, &s->manifest);
    struct strv argv = STRV_INIT;
    build_argv(s, &argv);
    fflush(stdout);
    execvp(argv.v[0], argv.v);
    error_set(err, EXIT_USAGE, "%s: %s; name the Python that has pytest with --python", argv.v[0],
              strerror(errno));
    strv_release(&argv);
    return EXIT_USAGE;
}
