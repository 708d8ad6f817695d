#include "command/collectpy.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/program.h"
#include "coverage/pyreport.h"

void collectpy_init(struct collectpy *p)
{
    memset(p, 0, sizeof *p);
}

void collectpy_release(struct collectpy *p)
{
    py_data_release(&p->data);
    py_facts_release(&p->facts);
    strv_release(&p->patterns);
    collectpy_init(p);
}

/* Once the facts are known. */
static bool report(struct collectpy *p, struct coverage *c, const struct py_how *how,
                   struct strv *problems, struct error *err)
{
    const struct py_config *config = &p->facts.config;
    const char *const *patterns = config->contexts;
    size_t n = config->n_contexts;
    bool *wanted = NULL, ok = true;
    if (p->patterns.n) {
        patterns = (const char *const *)p->patterns.v;
        n = p->patterns.n;
    }
    if (n) {
        wanted = xcalloc(p->data.n_contexts + 1, sizeof *wanted);
        ok = py_facts_match(&p->data, how, patterns, n, wanted, err);
        p->no_match = ok;
        for (size_t i = 0; i < p->data.n_contexts; i++)
            p->no_match &= !wanted[i];
    }
    p->show |= p->contexts & config->flags;
    struct py_contexts contexts = {wanted, p->show != 0};
    if (ok)
        py_report(c, &p->data, &p->facts, &contexts, problems);
    free(wanted);
    return ok;
}

bool collectpy_finish(struct collectpy *p, struct coverage *c, struct strv *problems,
                      struct error *err)
{
    struct program program;
    if (!p->data.n_files)
        return true;
    if (!program_find(&program, err)) {
        program_release(&program);
        return false;
    }
    /* The helper must not measure itself. */
    unsetenv("COVERAGE_PROCESS_START");
    unsetenv("COVERAGE_PROCESS_CONFIG");
    char *python = program_python(p->python, NULL), *folder = path_dirname(program.zygote);
    char *script = path_join(folder, "covfacts.py");
    struct py_how how = {.python = python, .script = script, .rcfile = p->rcfile,
                         .sources = p->sources, .cache = ".rowlock/coverage/python.facts"};
    py_data_finish(&p->data);
    p->known = py_facts_get(&p->facts, &p->data, &how, err);
    bool ok = p->known && report(p, c, &how, problems, err);
    free(script);
    free(folder);
    free(python);
    program_release(&program);
    return ok;
}
