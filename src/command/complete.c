/* __complete: what a shell may offer for the last word of a command line. The files in completions/
 * ask for it; it comes from the tables that --help is made of, from the ini file (markers) and from the
 * last run (test ids), so no test code runs.
 *
 *     rowlock __complete -- WORD…          the words behind "rowlock", the last one unfinished
 *
 * prints a line for each whole word that fits, with a tab and an explanation behind it where there
 * is one, and ":files" or ":dirs" where names of files or folders fit, too. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "config/config.h"
#include "config/opttable.h"
#include "manifest/manifest.h"
#include "plan/planfile.h"

enum {
    MOST_NAMES = sizeof option_rows->names / sizeof *option_rows->names,
    MOST_IDS = 500,
    MOST_HELP = 60
};

/* The unfinished word, and what stands before its value: "" or "--name=". */
struct request {
    const char *word; /* the value's part of it */
    const char *before;
    const char *config_file; /* of -c; NULL: none */
};

/* No shell gets a word that a terminal or a line-wise reader would take for something else. */
static bool is_printable(const char *s)
{
    int32_t cp;
    for (size_t n, len = strlen(s); len; s += n, len -= n) {
        n = text_char(s, len, &cp);
        if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
            return false;
    }
    return true;
}

static bool offer(const struct request *q, const char *word, const char *help)
{
    if (strncmp(word, q->word, strlen(q->word)) != 0 || !is_printable(word))
        return false;
    printf("%s%s", q->before, word);
    if (help && *help)
        printf("\t%.*s%s", (int)strnlen(help, MOST_HELP), help,
               strlen(help) > MOST_HELP ? "..." : "");
    putchar('\n');
    return true;
}

static void offer_choices(const struct request *q, const char *choices)
{
    while (*choices) {
        size_t n = strcspn(choices, " ");
        char *one = xmemdup0(choices, n);
        offer(q, one, NULL);
        free(one);
        choices += n + (choices[n] == ' ');
    }
}

static void offer_markers(const struct request *q)
{
    struct config c;
    struct error err = ERROR_INIT;
    memset(&c, 0, sizeof c);
    if (config_load(&c, ".", q->config_file, NULL, &err))
        for (size_t i = 0; i < c.n_markers; i++) {
            const char *colon = strchr(c.markers[i].description, ':');
            offer(q, c.markers[i].name, colon ? colon + 1 + strspn(colon + 1, " ") : NULL);
        }
    config_release(&c);
    error_release(&err);
}

/* Of the last run. Those of pytest only when their file is named: before that, files fit. */
static void offer_ids(const struct request *q)
{
    struct plan_map map;
    struct error err = ERROR_INIT;
    size_t n = 0;
    bool in_file = strstr(q->word, "::");
    if (access(".rowlock/last/plan", R_OK) != 0 ||
        !plan_map_open(&map, ".rowlock/last/plan", &err)) {
        error_release(&err);
        return;
    }
    for (uint32_t i = 0; i < map.head->n_tests && n < MOST_IDS; i++) {
        const struct plan_test *pt = plan_map_test(&map, i);
        if (pt && (in_file || pt->format != FORMAT_PYTEST) && pt->copy < 2)
            n += offer(q, plan_map_str(&map, pt->id), NULL);
    }
    plan_map_close(&map);
}

/* By what --help calls it. */
static void offer_value(const struct request *q, const char *value, const char *choices)
{
    if (choices)
        offer_choices(q, choices);
    else if (strcmp(value, "[EXPR]") == 0)
        offer_markers(q);
    else if (strcmp(value, "ID") == 0)
        offer_ids(q);
    else if (strstr(value, "DIR"))
        puts(":dirs");
    else if (strstr(value, "FILE") || strstr(value, "PATH") || strstr(value, "EXE") ||
             strstr(value, "GLOB"))
        puts(":files");
}

/* ---- Options of a command that prints its own help ------------------------------------------- */

/* A line "  -n, --name VALUE  help" of the command's --help; of several names each by itself. */
struct own_option {
    char name[64];
    const char *value, *help; /* "" if there is none; into the text */
};

static bool next_own(char **text, struct own_option *o)
{
    for (char *line; (line = strsep(text, "\n")) != NULL;) {
        if (strncmp(line, "  -", 3) != 0)
            continue;
        char *p = line + 2 + strcspn(line + 2, " ,");
        snprintf(o->name, sizeof o->name, "%.*s", (int)(p - line - 2), line + 2);
        o->value = o->help = "";
        if (*p == ',' && p[1] == ' ') { /* the other names as a line of their own */
            if (*text)
                (*text)[-1] = '\n';
            p[0] = ' ';
            *text = p;
            return true;
        }
        if (*p == ' ' && isupper((unsigned char)p[1]) && isupper((unsigned char)p[2])) {
            o->value = ++p;
            p += strcspn(p, " ");
        }
        while (*p == ' ')
            *p++ = '\0';
        o->help = p;
        return true;
    }
    return false;
}

static char *own_help(const struct command *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = c && c->help ? open_memstream(&text, &len) : NULL;
    if (!out)
        return NULL;
    c->help(out);
    fclose(out);
    return text;
}

/* ---- Options --------------------------------------------------------------------------------- */

static void offer_options(const struct request *q, const struct command *c)
{
    bool all = !c || c->has_run_options;
    for (const struct option_row *row = option_rows; all && row->group; row++)
        for (size_t i = 0; i < MOST_NAMES; i++) {
            char name[80] = {'-', i ? 0 : row->letter, '\0'};
            if (!i && row->letter)
                offer(q, name, row->help);
            if (!row->names[i])
                break;
            snprintf(name, sizeof name, "--%s", row->names[i]);
            offer(q, name, row->help);
        }
    char *text = own_help(c), *rest = text;
    struct own_option o;
    while (rest && next_own(&rest, &o))
        offer(q, o.name, o.help);
    free(text);
    if (!c) {
        offer(q, "--version", "print the version");
        offer(q, "--shell-fixtures", "print the file that shell tests source");
    }
    if (!all)
        offer(q, "--help", "show this help");
}

static const struct option_row *find_row(const char *name)
{
    if (name[0] == '-' && name[1] == '-')
        return option_row_long(name + 2, strlen(name + 2));
    return name[0] == '-' && name[1] && !name[2] ? option_row_short(name[1]) : NULL;
}

/* Offers the value of the option of that name; false if it has none. */
static bool offer_value_of(const struct request *q, const struct command *c, const char *name)
{
    char *text = own_help(c), *rest = text;
    struct own_option o;
    bool found = false;
    const struct option_row *row = !c || c->has_run_options ? find_row(name) : NULL;
    if (strcmp(name, "-C") == 0) {
        puts(":dirs");
        found = true;
    } else if (strcmp(name, "-c") == 0 || strcmp(name, "--config-file") == 0) {
        puts(":files");
        found = true;
    } else if (row && row->value && row->value[strspn(row->value, "[")] != '=') {
        offer_value(q, row->value, row->choices);
        found = row->value[0] != '[' || !*q->word || strcmp(row->value, "[EXPR]") == 0;
    }
    while (!found && rest && next_own(&rest, &o))
        if (strcmp(o.name, name) == 0 && *o.value) {
            row = find_row(name);
            offer_value(q, o.value, row ? row->choices : NULL);
            found = true;
        }
    free(text);
    return found;
}

/* ---- The line -------------------------------------------------------------------------------- */

/* Takes -C and -c, and the command, which is the first other word; false if there is none yet. */
static bool take_words(struct request *q, const struct strv *words, size_t first,
                       const struct command **c)
{
    bool any = false;
    for (size_t i = first; i + 1 < words->n; i++) {
        const char *w = words->v[i];
        bool dir = strcmp(w, "-C") == 0;
        if ((dir || strcmp(w, "-c") == 0) && i + 2 < words->n) {
            i++;
            if (!dir)
                q->config_file = words->v[i];
            else if (chdir(words->v[i]) != 0)
                return any;
        } else if (!any && w[0] != '-') {
            *c = command_find(w);
            *c = *c && (*c)->summary ? *c : NULL;
            any = true;
        } else if (w[0] == '-') {
            any = true; /* a run without command, whose options have begun */
        }
    }
    return any;
}

static void complete(const struct strv *words, size_t first)
{
    struct request q = {.word = words->v[words->n - 1], .before = ""};
    const struct command *c = NULL, *row;
    bool begun = take_words(&q, words, first, &c);
    const char *previous = words->n - 1 > first ? words->v[words->n - 2] : "";
    const char *equal = q.word[0] == '-' && q.word[1] == '-' ? strchr(q.word, '=') : NULL;
    if (equal) {
        char *name = xmemdup0(q.word, (size_t)(equal - q.word));
        char *before = xasprintf("%s=", name);
        q.before = before;
        q.word = equal + 1;
        offer_value_of(&q, c, name);
        free(before);
        free(name);
        return;
    }
    if (previous[0] == '-' && q.word[0] != '-' && offer_value_of(&q, c, previous))
        return;
    if (q.word[0] == '-') {
        offer_options(&q, c);
        return;
    }
    for (size_t i = 0; !begun && (row = command_row(i)) != NULL; i++)
        if (row->summary)
            offer(&q, row->name, row->summary);
    if (!c || c->has_run_options)
        offer_ids(&q);
    if (!strstr(q.word, "::"))
        puts(":files");
}

int command_complete(const struct invocation *inv)
{
    size_t first = inv->args.n && strcmp(inv->args.v[0], "--") == 0;
    if (inv->args.n > first)
        complete(&inv->args, first);
    return EXIT_OK;
}
