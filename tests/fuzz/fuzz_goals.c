/* Exercises the words that GNU Make hands to rowlock-exec: goals_read and goals_select (the
 * goals, as words and as a file of them), and MAKEFLAGS (makeflags_dry, jobserver_read). A group
 * runs just those members that a goal names, or all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "base/xalloc.h"
#include "run/goals.h"
#include "run/jobserver.h"
#include "support.h"

enum { MEMBERS = 4, GROUP = 3 };
static const uint32_t members[MEMBERS] = {0, 4, 16, 999999998};

static bool has_word(const struct strv *words, const char *letter, uint32_t number)
{
    char word[16];
    snprintf(word, sizeof word, "%s%u", letter, number);
    return strv_has(words, word);
}

/* Numbers with zeros in front name the same test; those are left to the reader. */
static bool has_leading_zero(const struct strv *words)
{
    for (size_t i = 0; i < words->n; i++)
        if (words->v[i][0] && words->v[i][1] == '0')
            return true;
    return false;
}

static void check_selection(const struct goals *g)
{
    bool wanted[MEMBERS], named = false;
    goals_select(g, GROUP, members, MEMBERS, wanted);
    if (has_leading_zero(&g->words))
        return;
    for (size_t k = 0; k < MEMBERS; k++)
        named = named || has_word(&g->words, "t", members[k] + 1);
    bool all = !named || has_word(&g->words, "g", GROUP);
    for (size_t k = 0; k < MEMBERS; k++)
        CHECK(wanted[k] == (all || has_word(&g->words, "t", members[k] + 1)));
}

static void check_goals(char *const *words)
{
    struct goals g;
    struct error err = ERROR_INIT;
    CHECK(goals_read(&g, words, &err));
    for (size_t i = 0; i < g.words.n; i++)
        CHECK(g.words.v[i][0] && !strpbrk(g.words.v[i], " \t\r\n"));
    check_selection(&g);
    goals_release(&g);
}

static void check_makeflags(const char *flags)
{
    struct jobserver j;
    bool dry = makeflags_dry(flags);
    CHECK(dry == makeflags_dry(flags));
    jobserver_read(&j, flags);
    CHECK(j.jobs >= 0 && memchr(j.auth, '\0', sizeof j.auth));
    CHECK(j.state == JOBSERVER_NONE || j.auth[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0(data, size);
    char *file = xasprintf("@%s", fuzz_file(data, size));
    char *const from_file[] = {file, NULL};
    char *const from_word[] = {text, (char *)"g3", NULL};
    check_goals(from_file);
    if (text[0] != '@')
        check_goals(from_word);
    check_makeflags(text);
    free(file);
    free(text);
    return 0;
}
