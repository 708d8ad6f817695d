/* pytest-plugin: makes Rowlock known to a plain pytest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/program.h"
#include "config/options.h"

/* Runs install.py in the Python whose pytest is meant. Comes back only with an error. */
static void run_installer(const char *folder, const char *python, const char *what,
                          struct error *err)
{
    char *script = path_join(folder, "install.py");
    char *exe = program_python(python, NULL);
    char *argv[] = {exe, script, (char *)what, (char *)ROWLOCK_VERSION, NULL};
    fflush(stdout);
    execvp(exe, argv);
    error_set(err, EXIT_USAGE, "%s: %s; name the Python that has pytest with --python", exe,
              strerror(errno));
    free(exe);
    free(script);
}

int command_plugin(const struct invocation *inv)
{
    struct options o;
    struct program p;
    struct error err = ERROR_INIT;
    options_init(&o);
    memset(&p, 0, sizeof p);
    if (options_parse(&o, (int)inv->args.n, inv->args.v, "command line", &err) &&
        program_find(&p, &err)) {
        const char *what = o.test_paths.n == 1 ? o.test_paths.v[0] : "";
        char *folder = path_dirname(p.zygote);
        if (o.pytest_args.n)
            options_unknown(o.pytest_args.v[0], &err);
        else if (strcmp(what, "install") == 0 || strcmp(what, "uninstall") == 0)
            run_installer(folder, o.python, what, &err);
        else if (strcmp(what, "path") == 0)
            puts(folder);
        else
            error_set(&err, EXIT_USAGE, "pytest-plugin: give one of install, uninstall and path");
        free(folder);
    }
    int code = err.msg ? command_fail(&err) : EXIT_OK;
    program_release(&p);
    options_release(&o);
    return code;
}
