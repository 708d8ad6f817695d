/* generate: a plan without a run. */
#include <stdio.h>
#include <stdlib.h>

#include "command/chosen.h"
#include "command/command.h"
#include "command/suite.h"

int command_generate(const struct invocation *inv)
{
    struct suite s;
    struct error err = ERROR_INIT;
    suite_init(&s);
    bool ok = suite_configure(&s, inv, SUITE_PARALLEL, &err) && suite_load(&s, &err) &&
              suite_plan(&s, &err) && suite_write(&s, &err);
    const char *makefile = ok && s.options.output ? s.options.output : ".rowlock/tests.mk";
    if (ok && s.options.output)
        ok = plan_write_makefile(&s.plan, makefile, &err);
    if (ok && s.options.verbose >= 0) {
        char *size = plan_size(&s.plan);
        printf("%s; run with: make -f %s -j%u\n", size, makefile, s.workers);
        free(size);
    }
    if (ok)
        chosen_say(&s, stdout);
    return suite_finish(&s, EXIT_OK, !ok, &err);
}
