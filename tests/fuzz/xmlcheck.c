#include "xmlcheck.h"

#include <string.h>

#include "base/text.h"
#include "support.h"

enum { DEEPEST = 16 };

struct name {
    const char *p;
    size_t n;
};
struct xml {
    const char *p; /* NUL-terminated */
    struct name open[DEEPEST];
    size_t depth;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static void take(struct xml *x, const char *what)
{
    CHECK(strncmp(x->p, what, strlen(what)) == 0);
    x->p += strlen(what);
}

static struct name take_name(struct xml *x)
{
    struct name name = {x->p, 0};
    while (is_name_char(x->p[name.n]))
        name.n++;
    CHECK(name.n);
    x->p += name.n;
    return name;
}

static bool same(struct name a, struct name b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Character data up to end; what may not stand in it does not. */
static void skip_text(struct xml *x, char end)
{
    static const char *const entities[] = {"&amp;", "&lt;",  "&gt;", "&quot;",
                                           "&#9;",  "&#10;", "&#13;"};
    while (*x->p != end && *x->p) {
        CHECK(*x->p != '<' && strncmp(x->p, "]]>", 3) != 0);
        size_t n = 1;
        for (size_t i = 0; *x->p == '&' && i < sizeof entities / sizeof *entities; i++)
            if (strncmp(x->p, entities[i], strlen(entities[i])) == 0)
                n = strlen(entities[i]);
        CHECK(*x->p != '&' || n > 1);
        /* A parser would change these. */
        CHECK(*x->p != '\r' && (end != '"' || (*x->p != '\n' && *x->p != '\t')));
        x->p += n;
    }
}

static void skip_attributes(struct xml *x)
{
    struct name seen[DEEPEST];
    size_t n = 0;
    while (*x->p == ' ') {
        x->p++;
        struct name name = take_name(x);
        for (size_t i = 0; i < n; i++)
            CHECK(!same(seen[i], name));
        CHECK(n < DEEPEST);
        seen[n++] = name;
        take(x, "=\"");
        skip_text(x, '"');
        take(x, "\"");
    }
}

/* One tag; true if it opens an element of the given name. */
static bool skip_tag(struct xml *x, const char *count)
{
    take(x, "<");
    if (*x->p == '/') {
        x->p++;
        CHECK(x->depth && same(take_name(x), x->open[x->depth - 1]));
        x->depth--;
        take(x, ">");
        return false;
    }
    struct name name = take_name(x);
    skip_attributes(x);
    if (*x->p == '/') {
        take(x, "/>");
    } else {
        CHECK(x->depth < DEEPEST);
        x->open[x->depth++] = name;
        take(x, ">");
    }
    return same(name, (struct name){count, strlen(count)});
}

static void check_characters(const char *text, size_t len)
{
    int32_t cp;
    for (size_t i = 0; i < len;) {
        i += text_char(text + i, len - i, &cp);
        CHECK(cp == '\t' || cp == '\n' || cp == '\r' || (cp >= 0x20 && cp <= 0xd7ff) ||
              (cp >= 0xe000 && cp <= 0xfffd) || cp >= 0x10000);
    }
}

size_t xml_check(const char *text, size_t len, const char *count)
{
    struct xml x = {.p = text};
    size_t found = 0;
    CHECK(strlen(text) == len);
    check_characters(text, len);
    take(&x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    do {
        found += skip_tag(&x, count);
        if (x.depth)
            skip_text(&x, '<');
    } while (x.depth);
    CHECK(strcmp(x.p, "\n") == 0);
    return found;
}
