#include "command/automake.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { DEEPEST_VARIABLE = 8, MOST_WORDS = 10000 };

/* Joins lines that end in a backslash; takes comments and recipes out. Caller frees. */
static char *logical_lines(const char *text)
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

static void variable_words(const char *lines, const char *name, int depth, struct strv *words);

/* Appends a word; $(NAME), ${NAME} and @NAME@ alone stand for the variable's words. */
static void add_word(const char *lines, const char *word, size_t len, int depth, struct strv *words)
{
    bool make = len > 3 && word[0] == '$' && strchr("({", word[1]) && strchr(")}", word[len - 1]);
    char *name = make ? xmemdup0(word + 2, len - 3) : NULL;
    size_t before = words->n;
    if (make && depth < DEEPEST_VARIABLE && !strpbrk(name, "$(){}:, "))
        variable_words(lines, name, depth + 1, words);
    if (words->n == before && words->n < MOST_WORDS)
        strv_push_nodup(words, xmemdup0(word, len));
    free(name);
}

static void add_words(const char *lines, const char *p, const char *end, int depth,
                      struct strv *words)
{
    while (p < end && words->n < MOST_WORDS) {
        p += strspn(p, " \t\r");
        size_t len = strcspn(p, " \t\r\n");
        if (len)
            add_word(lines, p, len, depth, words);
        p += len + (len == 0);
    }
}

/* The words of all "NAME = …" and "NAME += …". */
static void variable_words(const char *lines, const char *name, int depth, struct strv *words)
{
    size_t n = strlen(name);
    for (const char *line = lines; *line && words->n < MOST_WORDS;) {
        const char *end = strchrnul(line, '\n');
        const char *p = line + strspn(line, " ");
        bool here = strncmp(p, name, n) == 0;
        p += here ? n + strspn(p + n, " \t") : 0;
        if (here && (*p == '+' || *p == ':'))
            p++;
        if (here && *p == '=')
            add_words(lines, p + 1, end, depth, words);
        line = *end ? end + 1 : end;
    }
}

static void add_test(const char *folder, const char *word, bool tap, bool fails, cJSON *tests)
{
    bool top = strcmp(folder, ".") == 0;
    char *id = top ? xstrdup(word) : path_join(folder, word);
    char *command = xasprintf("./%s", word);
    const cJSON *c;
    cJSON_ArrayForEach(c, tests)
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(c, "id")), id) == 0)
            break;
    if (!c) {
        cJSON *test = cJSON_CreateObject();
        cJSON_AddStringToObject(test, "id", id);
        cJSON_AddStringToObject(test, "format", tap ? "tap" : "exec");
        cJSON *argv = cJSON_AddArrayToObject(test, "command");
        cJSON_AddItemToArray(argv, cJSON_CreateString(command));
        if (!top)
            cJSON_AddStringToObject(test, "cwd", folder);
        if (fails)
            cJSON_AddTrueToObject(test, "will_fail");
        cJSON_AddItemToArray(tests, test);
    }
    free(command);
    free(id);
}

void automake_tests(const char *path, cJSON *tests, struct strv *notes)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    struct strv words = STRV_INIT, fails = STRV_INIT;
    if (!file_read(path, &text, &err)) {
        strv_push(notes, err.msg);
        error_release(&err);
        return;
    }
    char *lines = logical_lines(buf_cstr(&text)), *folder = path_dirname(path);
    bool tap = strstr(buf_cstr(&text), "tap-driver") != NULL;
    variable_words(lines, "TESTS", 0, &words);
    variable_words(lines, "XFAIL_TESTS", 0, &fails);
    for (size_t i = 0; i < words.n; i++) {
        struct buf quoted = BUF_INIT;
        size_t len = strlen(words.v[i]);
        int32_t cp;
        bool plain = !strpbrk(words.v[i], "$@%*?[]\"'`\\;&|<>");
        for (size_t at = 0; at < len && plain; at += text_char(words.v[i] + at, len - at, &cp))
            if (text_char(words.v[i] + at, len - at, &cp) && cp < ' ')
                plain = false;
        if (plain) {
            add_test(folder, words.v[i], tap, strv_has(&fails, words.v[i]), tests);
        } else {
            text_escape(&quoted, words.v[i], len, 60);
            strv_pushf(notes, "%s: TESTS has '%s', which only Make can tell; add it to tests.json",
                       path, buf_cstr(&quoted));
        }
        buf_release(&quoted);
    }
    free(folder);
    free(lines);
    strv_release(&words);
    strv_release(&fails);
    buf_release(&text);
}
