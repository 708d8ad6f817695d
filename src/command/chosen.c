#include "command/chosen.h"

#include <stdlib.h>

#include "base/text.h"
#include "manifest/durations.h"
#include "report/report.h"

/* Each machine remembers failures of its own: together they would not run what has failed. */
bool chosen_check(const struct suite *s, struct error *err)
{
    const struct options *o = &s->options;
    if (!o->shard || !(o->last_failed || s->stepwise))
        return true;
    return error_set(err, EXIT_USAGE,
                     "--shard and %s: each machine remembers what has failed there, so that the "
                     "shards would not be parts of the same tests; leave one of the two out",
                     o->last_failed ? "--lf" : "--stepwise");
}

bool chosen_read_times(struct suite *s, struct error *err)
{
    const char *path = s->options.shard_times ? s->options.shard_times : s->config.shard_times;
    return !s->options.shard || !path || durations_read(&s->manifest, path, err);
}

size_t chosen_natives(const struct suite *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->selection.n; i++)
        n += s->manifest.tests[s->selection.tests[i]].format != FORMAT_PYTEST;
    return n;
}

void chosen_warn(const struct suite *s)
{
    size_t natives = s->stepwise ? chosen_natives(s) : 0;
    if (natives)
        fprintf(stderr, "rowlock: --stepwise is for pytest tests; the %zu native tests all run\n",
                natives);
}

static void say_order(const struct suite *s, FILE *out)
{
    if (s->options.random_order)
        fprintf(out, "random order: --random-order=%llu repeats it\n",
                (unsigned long long)s->options.random_seed);
}

static void say_shard(const struct suite *s, FILE *out)
{
    const struct options *o = &s->options;
    const struct shard *h = &s->selection.shard;
    char own[16], all[16];
    if (!o->shard)
        return;
    fprintf(out, "shard %u/%u: %zu of %zu tests, ", o->shard, o->shards, h->n, h->all);
    if (h->all_us) {
        report_seconds(own, sizeof own, (double)h->us / 1e6);
        report_seconds(all, sizeof all, (double)h->all_us / 1e6);
        fprintf(out, "%s of %s, ", own, all);
    }
    fprintf(out, "partition %08x\n", h->partition);
    if (!h->longest)
        return;
    char *id = text_quote(h->longest);
    fprintf(out, "shard: %s and what stays with it would fill %.1f shards by themselves\n", id,
            h->longest_shares);
    free(id);
}

void chosen_say(const struct suite *s, FILE *out)
{
    say_order(s, out);
    say_shard(s, out);
}
