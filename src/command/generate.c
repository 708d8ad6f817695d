/* generate: a plan without a run. */
#include <stdio.h>

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
    if (ok && s.options.verbose >= 0)
        printf("%u test%s in %u group%s; run with: make -f %s -j%u\n", s.plan.n_tests,
               s.plan.n_tests == 1 ? "" : "s", s.plan.n_units, s.plan.n_units == 1 ? "" : "s",
               makefile, s.workers);
    if (ok)
        chosen_say(&s, stdout);
    return suite_finish(&s, EXIT_OK, !ok, &err);
}
