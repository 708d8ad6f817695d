/* generate and list: a plan without a run. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "command/command.h"
#include "command/suite.h"
#include "report/report.h"

static int finish(struct suite *s, int code, bool keep, struct error *err)
{
    if (s->ended >= 0)
        code = s->ended;
    else if (err->msg)
        code = command_fail(err);
    error_release(err);
    suite_release(s, !keep);
    return code;
}

int command_generate(const struct invocation *inv)
{
    struct suite s;
    struct error err = ERROR_INIT;
    suite_init(&s);
    bool ok = suite_configure(&s, inv, SUITE_PARALLEL, &err) && suite_load(&s, inv, &err) &&
              suite_plan(&s, &err) && suite_write(&s, &err);
    const char *makefile = ok && s.options.output ? s.options.output : ".rowlock/tests.mk";
    if (ok && s.options.output)
        ok = plan_write_makefile(&s.plan, makefile, &err);
    if (ok && s.options.verbose >= 0)
        printf("%u tests in %u groups; run them with: make -f %s -j%u\n", s.plan.n_tests,
               s.plan.n_units, makefile, s.workers);
    if (ok)
        suite_say_order(&s, stdout);
    return finish(&s, EXIT_OK, ok, &err);
}

int command_list(const struct invocation *inv)
{
    struct suite s;
    struct error err = ERROR_INIT;
    suite_init(&s);
    if (suite_configure(&s, inv, SUITE_PARALLEL, &err) && suite_load(&s, inv, &err) &&
        suite_plan(&s, &err)) {
        struct buf line = BUF_INIT;
        suite_say_order(&s, stderr);
        for (uint32_t i = 0; i < s.plan.n_tests; i++) {
            const char *id = s.manifest.tests[s.plan.tests[i]].id;
            buf_clear(&line);
            report_plain(&line, id, strlen(id), false);
            puts(buf_cstr(&line));
        }
        buf_release(&line);
    }
    return finish(&s, EXIT_OK, false, &err);
}
