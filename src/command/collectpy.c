#include "command/collectpy.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
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
    collectpy_init(p);
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
    if (p->known) {
        p->show |= p->contexts & p->facts.config.flags;
        py_report(c, &p->data, &p->facts, p->show != 0, problems);
    }
    free(script);
    free(folder);
    free(python);
    program_release(&program);
    return p->known;
}
