#include "plan/makename.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { COMMENT_LONGEST = 200 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Bytes that a prerequisite may hold: as they are, or (true in *escape) behind a backslash. $ is
 * none of them, although $$ would do: a makefile with .SECONDEXPANSION expands it once more. */
static bool is_safe(char c, bool *escape)
{
    *escape = c == ' ' || c == '#' || c == ':';
    return *escape || is_alnum(c) || (unsigned char)c >= 0x80 || strchr("._/+,@%-", c);
}

/* t17, g4, all and rowlock-…: a file of such a name would be taken for our target. */
static bool is_own_target(const char *name)
{
    size_t digits = strspn(name + (name[0] != '\0'), "0123456789");
    bool numbered = (name[0] == 't' || name[0] == 'g') && digits && !name[1 + digits];
    return numbered || strcmp(name, "all") == 0 || strncmp(name, "rowlock-", 8) == 0;
}

/* Make folds "./" away before it looks at a name. */
static const char *fold(const char *path)
{
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        while (path[0] == '/')
            path++;
    }
    return path;
}

/* Has the name a meaning of its own to Make? -lfoo is a library, .WAIT and others are commands. */
static bool is_special(const char *name)
{
    bool command = name[0] == '.' && name[1] >= 'A' && name[1] <= 'Z' && !strchr(name, '/');
    return !name[0] || name[0] == '-' || name[0] == ' ' || command;
}

bool makename_prerequisite(struct buf *b, const char *path)
{
    const char *name = fold(path);
    size_t n = strnlen(path, PATH_MAX), start = b->len;
    bool escape;
    if (n >= PATH_MAX || is_special(name) || is_own_target(name) || path[n - 1] == ' ')
        return false;
    for (const char *s = path; *s; s++) {
        if (!is_safe(*s, &escape)) {
            b->len = start;
            if (b->data)
                b->data[start] = '\0';
            return false;
        }
        if (escape)
            buf_addc(b, '\\');
        buf_addc(b, *s);
    }
    return true;
}

void makename_comment(struct buf *b, const char *text)
{
    size_t start = b->len;
    for (const char *s = text; *s; s++) {
        if (b->len - start >= COMMENT_LONGEST) {
            buf_adds(b, "...");
            return;
        }
        if (is_alnum(*s) || strchr("._/:[]-", *s))
            buf_addc(b, *s);
        else
            buf_addf(b, "%%%02X", (unsigned char)*s);
    }
}
