#include "command/dryrun.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "report/report.h"

static void print_unit(FILE *out, const struct plan *p, uint32_t g)
{
    const struct plan_unit *u = &p->units[g];
    struct buf line = BUF_INIT;
    buf_addf(&line, "  g%u", g + 1);
    for (uint32_t k = 0; k < u->n_after; k++)
        buf_addf(&line, "%s g%u", k ? "," : " after", u->after[k] + 1);
    for (char **lock = u->locks; lock && *lock; lock++) {
        buf_adds(&line, lock == u->locks ? " locks " : ", ");
        report_plain(&line, *lock, strlen(*lock), false);
    }
    if (u->weight > 1)
        buf_addf(&line, " weight %u", u->weight);
    buf_addc(&line, '\n');
    for (uint32_t k = 0; k < u->n; k++) {
        const char *id = p->manifest->tests[p->tests[u->tests[k]]].id;
        buf_addf(&line, "    t%u ", u->tests[k] + 1);
        report_plain(&line, id, strlen(id), false);
        buf_addc(&line, '\n');
    }
    fwrite(buf_cstr(&line), 1, line.len, out);
    buf_release(&line);
}

void dryrun_print(FILE *out, const struct plan *p)
{
    char *size = plan_size(p);
    fprintf(out, "%s on %u worker%s; a free worker takes the next group\n", size,
            p->settings.n_slots, p->settings.n_slots == 1 ? "" : "s");
    free(size);
    for (uint32_t phase = 0; phase < p->n_phases; phase++) {
        bool named = false;
        for (uint32_t g = 0; g < p->n_units; g++) {
            if (p->units[g].phase != phase)
                continue;
            if (!named)
                fprintf(out, "phase %u: %s\n", phase + 1,
                        p->units[g].serial || p->settings.sequential ? "one group at a time"
                                                                     : "in parallel");
            named = true;
            print_unit(out, p, g);
        }
    }
}
