#include "config/argfile.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

/* How deep files may name files: one that names itself has to end somewhere. */
enum { MOST_DEEP = 16 };

static void expand(struct strv *out, const char *word, int deep);

/* A line ends where Python's str.splitlines ends it, as far as ASCII goes. */
static void expand_lines(struct strv *out, char *text, int deep)
{
    while (*text) {
        size_t len = strcspn(text, "\n\r");
        size_t end = text[len] == '\r' && text[len + 1] == '\n' ? 2 : text[len] != '\0';
        char *next = text + len + end;
        text[len] = '\0';
        expand(out, text, deep);
        text = next;
    }
}

static void expand(struct strv *out, const char *word, int deep)
{
    struct buf text = BUF_INIT;
    struct error ignored = ERROR_INIT;
    struct stat st;
    bool is_file = word[0] == '@' && deep < MOST_DEEP && stat(word + 1, &st) == 0 &&
                   S_ISREG(st.st_mode) && file_read(word + 1, &text, &ignored);
    if (!is_file)
        strv_push(out, word);
    else if (text.len)
        expand_lines(out, text.data, deep + 1);
    error_release(&ignored);
    buf_release(&text);
}

void argfile_expand(struct strv *out, char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expand(out, words[i], 0);
}
