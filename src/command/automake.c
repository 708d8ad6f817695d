#include "command/automake.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { DEEPEST_VARIABLE = 8, MOST_WORDS = 10000, MOST_LOOKS = 1000, MOST_NOTES = 10 };

char *automake_lines(const char *text)
{
    struct buf b = BUF_INIT;
    bool joined = false;
    while (*text) {
        size_t len = strcspn(text, "\n"), keep = len;
        bool skip = !joined && (text[0] == '\t' || text[0] == '#');
        bool more = len && text[len - 1] == '\\';
        const char *comment = memchr(text, '#', len);
        if (comment && !more)
            keep = (size_t)(comment - text);
        if (!skip)
            buf_add(&b, text, keep - (more ? 1 : 0));
        buf_addc(&b, more ? ' ' : '\n');
        joined = more;
        text += len + (text[len] == '\n');
    }
    return buf_detach(&b);
}

/* What is read of one file. */
struct reader {
    const char *lines;
    struct strv *words; /* what is found */
    struct strv open;   /* the variables that are being read: one that names itself has no words */
    size_t looks;       /* variables that were looked up; each costs a walk through the file */
};

static bool variable_words(struct reader *r, const char *name);

/* Appends a word; $(NAME) and ${NAME} alone stand for the words of a variable that the file sets. */
static void add_word(struct reader *r, const char *word, size_t len)
{
    bool make = len > 3 && word[0] == '$' && strchr("({", word[1]) && strchr(")}", word[len - 1]);
    char *name = make ? xmemdup0(word + 2, len - 3) : NULL;
    bool set = make && !strpbrk(name, "$(){}:, ") && variable_words(r, name);
    if (!set && r->words->n < MOST_WORDS)
        strv_push_nodup(r->words, xmemdup0(word, len));
    free(name);
}

static void add_words(struct reader *r, const char *p, const char *end)
{
    while (p < end && r->words->n < MOST_WORDS) {
        p += strspn(p, " \t\r");
        size_t len = strcspn(p, " \t\r\n");
        if (len)
            add_word(r, p, len);
        p += len + (len == 0);
    }
}

/* The words of all "NAME = …" and "NAME += …"; false if there is none. */
static bool variable_words(struct reader *r, const char *name)
{
    size_t n = strlen(name);
    bool set = false;
    if (r->open.n >= DEEPEST_VARIABLE || strv_has(&r->open, name) || ++r->looks > MOST_LOOKS)
        return false;
    strv_push(&r->open, name);
    for (const char *line = r->lines; *line && r->words->n < MOST_WORDS;) {
        const char *end = strchrnul(line, '\n');
        const char *p = line + strspn(line, " ");
        bool here = strncmp(p, name, n) == 0;
        p += here ? n + strspn(p + n, " \t") : 0;
        if (here && (*p == '+' || *p == ':'))
            p++;
        if (here && *p == '=') {
            set = true;
            add_words(r, p + 1, end);
        }
        line = *end ? end + 1 : end;
    }
    free(r->open.v[--r->open.n]);
    r->open.v[r->open.n] = NULL;
    return set;
}

/* Appends the variable's words, each once. */
static void read_words(const char *lines, const char *name, struct strv *words)
{
    struct strv all = STRV_INIT;
    struct reader r = {lines, &all, STRV_INIT, 0};
    struct map seen = MAP_INIT;
    variable_words(&r, name);
    for (size_t i = 0; i < all.n; i++)
        if (map_intern(&seen, all.v[i], i) == i)
            strv_push(words, all.v[i]);
    map_release(&seen);
    strv_release(&r.open);
    strv_release(&all);
}

/* Where the tests of one file go. */
struct target {
    const char *folder;
    bool tap;
    struct map failing; /* XFAIL_TESTS */
    struct map ids;     /* of all tests: the file of another folder may name one, too */
    cJSON *tests;
};

static void add_test(struct target *to, const char *word)
{
    bool top = strcmp(to->folder, ".") == 0;
    char *id = top ? xstrdup(word) : path_join(to->folder, word);
    char *command = xasprintf("%s%s", word[0] == '/' ? "" : "./", word);
    if (map_get(&to->ids, id) == MAP_NONE) {
        cJSON *test = cJSON_CreateObject();
        cJSON *kept = cJSON_AddStringToObject(test, "id", id);
        cJSON_AddStringToObject(test, "format", to->tap ? "tap" : "exec");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(test, "command"), cJSON_CreateString(command));
        if (!top)
            cJSON_AddStringToObject(test, "cwd", to->folder);
        if (map_get(&to->failing, word) != MAP_NONE)
            cJSON_AddTrueToObject(test, "will_fail");
        cJSON_AddItemToArray(to->tests, test);
        map_put(&to->ids, cJSON_GetStringValue(kept), 0);
    }
    free(command);
    free(id);
}

/* True for a word that means to Make and a shell what it says. */
static bool is_plain(const char *word)
{
    size_t len = strlen(word);
    int32_t cp;
    if (strpbrk(word, "$@%*?[]\"'`\\;&|<>"))
        return false;
    for (size_t at = 0; at < len; at += text_char(word + at, len - at, &cp))
        if (text_char(word + at, len - at, &cp) && cp < ' ')
            return false;
    return true;
}

/* Notes the words that are left; of many the first. */
static void note_words(const char *path, const struct strv *words, struct strv *notes)
{
    for (size_t i = 0; i < words->n && i < MOST_NOTES; i++) {
        struct buf quoted = BUF_INIT;
        text_escape(&quoted, words->v[i], strlen(words->v[i]), 60);
        strv_pushf(notes, "%s: TESTS has '%s', which only Make can tell; add it to tests.json",
                   path, buf_cstr(&quoted));
        buf_release(&quoted);
    }
    if (words->n > MOST_NOTES)
        strv_pushf(notes, "%s: and %zu more", path, words->n - MOST_NOTES);
}

void automake_tests(const char *path, cJSON *tests, struct strv *notes)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    struct strv words = STRV_INIT, fails = STRV_INIT, left = STRV_INIT;
    if (!file_read(path, &text, &err)) {
        strv_push(notes, err.msg);
        error_release(&err);
        return;
    }
    char *lines = automake_lines(buf_cstr(&text)), *folder = path_dirname(path);
    struct target to = {.folder = folder, .tests = tests};
    to.tap = strstr(buf_cstr(&text), "tap-driver") != NULL;
    for (const cJSON *c = tests->child; c; c = c->next)
        map_put(&to.ids, cJSON_GetStringValue(cJSON_GetObjectItem(c, "id")), 0);
    read_words(lines, "TESTS", &words);
    read_words(lines, "XFAIL_TESTS", &fails);
    for (size_t i = 0; i < fails.n; i++)
        map_put(&to.failing, fails.v[i], i);
    for (size_t i = 0; i < words.n; i++) {
        if (is_plain(words.v[i]))
            add_test(&to, words.v[i]);
        else
            strv_push(&left, words.v[i]);
    }
    note_words(path, &left, notes);
    free(folder);
    free(lines);
    map_release(&to.failing);
    map_release(&to.ids);
    strv_release(&words);
    strv_release(&fails);
    strv_release(&left);
    buf_release(&text);
}
