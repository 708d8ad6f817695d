#include "run/goals.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

bool goals_read(struct goals *g, char *const *words, struct error *err)
{
    strv_init(&g->words);
    for (; words && *words; words++) {
        if (**words != '@') {
            strv_push_words(&g->words, *words);
            continue;
        }
        struct buf b = BUF_INIT;
        bool ok = file_read(*words + 1, &b, err);
        strv_push_words(&g->words, buf_cstr(&b));
        buf_release(&b);
        if (!ok) {
            err->code = EXIT_INTERNAL;
            return false;
        }
    }
    return true;
}

void goals_release(struct goals *g)
{
    strv_release(&g->words);
}

bool goals_named(const struct goals *g)
{
    return g->words.n > 0;
}

/* The number in "t17"; 0 for any other word. */
static uint32_t number_of(const char *word, char letter)
{
    size_t digits = strspn(word + (word[0] == letter), "0123456789");
    if (word[0] != letter || !digits || digits > 9 || word[1 + digits])
        return 0;
    return (uint32_t)strtoul(word + 1, NULL, 10);
}

void goals_select(const struct goals *g, uint32_t group, const uint32_t *members, uint32_t n,
                  bool *wanted)
{
    bool named = false, all = false;
    for (uint32_t k = 0; k < n; k++)
        wanted[k] = false;
    for (size_t i = 0; i < g->words.n; i++) {
        uint32_t t = number_of(g->words.v[i], 't');
        all = all || number_of(g->words.v[i], 'g') == group;
        for (uint32_t k = 0; t && k < n; k++) {
            if (members[k] == t - 1)
                named = wanted[k] = true;
        }
    }
    for (uint32_t k = 0; k < n && (all || !named); k++)
        wanted[k] = true;
}
