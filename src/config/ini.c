#include "config/ini.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"

/* A part of the text: the pointer is not NUL-terminated. */
struct span {
    const char *s;
    size_t len;
};

struct parser {
    struct ini *ini;
    const char *path;
    struct span line; /* the current line, without its end */
    unsigned number;  /* its number, from 1 */
    const char *section;
    bool takes_lines;  /* the last thing was a name: indented lines go on with its value */
    struct buf value;  /* of the last entry, so far */
    struct map seen;   /* sections and names, to the line where they stand */
    struct error late; /* the first mistake in what the lines mean: reported only if every
                          line can be read, which is iniconfig's order */
    struct error *err;
};

/* What Python's str.isspace takes for white space. */
static bool is_space(int32_t cp)
{
    return cp == ' ' || (cp >= 0x09 && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1f) || cp == 0x85 ||
           cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* What Python's str.splitlines takes for the end of a line. */
static bool is_line_end(int32_t cp)
{
    return (cp >= 0x0a && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1e) || cp == 0x85 || cp == 0x2028 ||
           cp == 0x2029;
}

static struct span strip_left(struct span t)
{
    int32_t cp;
    while (t.len) {
        size_t n = text_char(t.s, t.len, &cp);
        if (!is_space(cp))
            break;
        t.s += n;
        t.len -= n;
    }
    return t;
}

static struct span strip_right(struct span t)
{
    int32_t cp;
    while (t.len) {
        size_t n = 1;
        while (n < t.len && n < 4 && ((unsigned char)t.s[t.len - n] & 0xc0) == 0x80)
            n++;
        text_char(t.s + t.len - n, n, &cp);
        if (!is_space(cp))
            break;
        t.len -= n;
    }
    return t;
}

static struct span strip(struct span t)
{
    return strip_right(strip_left(t));
}

static unsigned column_of(const struct parser *p, const char *at)
{
    return (unsigned)text_count(p->line.s, (size_t)(at - p->line.s)) + 1;
}

/* A mistake at a place of the current line. Takes over what. */
static bool refuse(const struct parser *p, struct error *err, const char *at, char *what)
{
    struct buf path = BUF_INIT;
    text_escape(&path, p->path, strlen(p->path), SIZE_MAX);
    error_set(err, EXIT_USAGE, "%s:%u:%u: %s", path.data, p->number, column_of(p, at), what);
    buf_release(&path);
    free(what);
    return false;
}

/* As refuse, but the lines that follow are still read. Takes over what. */
static void refuse_late(struct parser *p, char *what)
{
    if (p->late.msg)
        free(what);
    else
        refuse(p, &p->late, p->line.s, what);
}

static void close_entry(struct parser *p)
{
    if (p->takes_lines)
        p->ini->entries[p->ini->n - 1].value =
            arena_memdup0(&p->ini->arena, buf_cstr(&p->value), p->value.len);
    p->takes_lines = false;
    buf_clear(&p->value);
}

static void add_line(struct parser *p, struct span data)
{
    struct ini_entry *e = &p->ini->entries[p->ini->n - 1];
    if (p->value.len) {
        buf_addc(&p->value, '\n');
    } else if (data.len) {
        e->value_line = p->number;
        e->value_column = column_of(p, data.s);
    }
    buf_add(&p->value, data.s, data.len);
}

/* The line on which key was seen before; if it was not, 0, and it counts as seen now. */
static unsigned seen_before(struct parser *p, const char *key)
{
    size_t before = map_intern(&p->seen, key, p->number);
    return before == p->number ? 0 : (unsigned)before;
}

static bool open_section(struct parser *p, struct span name)
{
    struct ini *ini = p->ini;
    if (!name.len)
        return refuse(p, p->err, p->line.s,
                      xstrdup("empty section name; write it between the brackets, as in [pytest]"));
    close_entry(p);
    p->section = arena_memdup0(&ini->arena, name.s, name.len);
    char *key = arena_alloc(&ini->arena, name.len + 2);
    key[0] = '[';
    memcpy(key + 1, name.s, name.len);
    unsigned before = seen_before(p, key);
    if (before) {
        char *quoted = text_quote(p->section);
        refuse_late(p, xasprintf("duplicate section %s; it began in line %u: move its lines there",
                                 quoted, before));
        free(quoted);
    }
    if (ini->n_sections == ini->cap_sections) {
        ini->cap_sections = ini->cap_sections ? ini->cap_sections * 2 : 8;
        ini->sections = xreallocarray(ini->sections, ini->cap_sections, sizeof *ini->sections);
    }
    ini->sections[ini->n_sections++] = (struct ini_section){p->section, p->number};
    return true;
}

static void add_entry(struct parser *p, struct span name, const char *name_end)
{
    struct ini *ini = p->ini;
    close_entry(p);
    if (ini->n == ini->cap) {
        ini->cap = ini->cap ? ini->cap * 2 : 32;
        ini->entries = xreallocarray(ini->entries, ini->cap, sizeof *ini->entries);
    }
    struct ini_entry *e = &ini->entries[ini->n++];
    e->section = p->section ? p->section : "";
    e->name = arena_memdup0(&ini->arena, name.s, name.len);
    e->value = "";
    e->line = e->value_line = p->number;
    e->value_column = column_of(p, name_end);
    p->takes_lines = true;
    if (!p->section) {
        refuse_late(p, xstrdup("no section header defined; put a line such as [pytest] above"));
        return;
    }
    /* "length]section name": no two pairs of section and name look alike */
    char *plain = xasprintf("%zu]%s%s", strlen(p->section), p->section, e->name);
    unsigned before = seen_before(p, arena_strdup(&ini->arena, plain));
    free(plain);
    if (before) {
        char *quoted = text_quote(e->name);
        refuse_late(p, xasprintf("duplicate name %s; it stands in line %u too: remove one of them",
                                 quoted, before));
        free(quoted);
    }
}

static bool continue_value(struct parser *p, struct span data)
{
    if (!p->takes_lines)
        return refuse(p, p->err, data.s,
                      xstrdup("unexpected value continuation; only a line below \"name = value\" "
                              "may be indented, and a section header ends with ]"));
    add_line(p, data);
    return true;
}

/* A line that starts with "[". What is no header goes on with the value above. */
static bool parse_header(struct parser *p, struct span line)
{
    struct span head = line;
    for (const char *c = "#;"; *c; c++) {
        const char *comment = memchr(head.s, *c, head.len);
        if (comment)
            head.len = (size_t)(comment - head.s);
        head = strip_right(head);
    }
    if (head.s[head.len - 1] != ']')
        return continue_value(p, line);
    return open_section(p, (struct span){head.s + 1, head.len - 2});
}

/* "name = value", or "name: value" if the colon comes first. */
static bool parse_entry(struct parser *p, struct span line)
{
    const char *mark = memchr(line.s, '=', line.len);
    const char *colon = memchr(line.s, ':', line.len);
    if (!mark || (colon && colon < mark))
        mark = colon;
    if (!mark) {
        char *text = xmemdup0(line.s, line.len);
        char *quoted = text_quote(text);
        char *what = xasprintf("unexpected line: %s; write \"name = value\", or indent the line "
                               "to go on with the value above",
                               quoted);
        free(quoted);
        free(text);
        return refuse(p, p->err, line.s, what);
    }
    add_entry(p, strip((struct span){line.s, (size_t)(mark - line.s)}), mark);
    add_line(p, strip((struct span){mark + 1, (size_t)(line.s + line.len - mark - 1)}));
    return true;
}

static bool parse_line(struct parser *p)
{
    struct span inner = strip_left(p->line);
    if (!inner.len || inner.s[0] == '#' || inner.s[0] == ';')
        return true;
    if (inner.s != p->line.s)
        return continue_value(p, strip_right(inner));
    inner = strip_right(inner);
    return inner.s[0] == '[' ? parse_header(p, inner) : parse_entry(p, inner);
}

/* Cuts the next line off rest. \r\n counts as one end. */
static struct span next_line(struct span *rest)
{
    struct span line = {rest->s, 0};
    while (line.len < rest->len) {
        int32_t cp;
        size_t n = text_char(line.s + line.len, rest->len - line.len, &cp);
        if (is_line_end(cp)) {
            size_t used = line.len + n;
            if (cp == '\r' && used < rest->len && rest->s[used] == '\n')
                used++;
            rest->s += used;
            rest->len -= used;
            return line;
        }
        line.len += n;
    }
    rest->s += rest->len;
    rest->len = 0;
    return line;
}

/* pytest reads the whole file as UTF-8 before it looks at any line. */
static bool check_bytes(struct parser *p, struct span rest)
{
    while (rest.len) {
        p->line = next_line(&rest);
        p->number++;
        size_t used = 0;
        while (used < p->line.len) {
            const char *at = p->line.s + used;
            int32_t cp;
            used += text_char(at, p->line.len - used, &cp);
            if (cp == 0)
                return refuse(p, p->err, at, xstrdup("a NUL byte; remove it"));
            if (cp < 0)
                return refuse(p, p->err, at,
                              xasprintf("the byte 0x%02x is not UTF-8; save the file as UTF-8",
                                        (unsigned)(unsigned char)*at));
        }
    }
    p->number = 0;
    return true;
}

bool ini_parse(struct ini *ini, const char *path, const char *text, size_t len, struct error *err)
{
    memset(ini, 0, sizeof *ini);
    struct parser p = {.ini = ini, .path = path, .err = err};
    struct span rest = {text, len};
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        rest = (struct span){text + 3, len - 3};
    bool ok = check_bytes(&p, rest);
    while (ok && rest.len) {
        p.line = next_line(&rest);
        p.number++;
        ok = parse_line(&p);
    }
    close_entry(&p);
    if (ok && p.late.msg)
        ok = error_set(err, p.late.code, "%s", p.late.msg);
    error_release(&p.late);
    map_release(&p.seen);
    buf_release(&p.value);
    if (!ok)
        ini_release(ini);
    return ok;
}

void ini_release(struct ini *ini)
{
    free(ini->entries);
    free(ini->sections);
    arena_release(&ini->arena);
    memset(ini, 0, sizeof *ini);
}

const struct ini_entry *ini_get(const struct ini *ini, const char *section, const char *name)
{
    for (size_t i = 0; i < ini->n; i++) {
        const struct ini_entry *e = &ini->entries[i];
        if (strcmp(e->name, name) == 0 && strcmp(e->section, section) == 0)
            return e;
    }
    return NULL;
}

const struct ini_section *ini_section(const struct ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->n_sections; i++)
        if (strcmp(ini->sections[i].name, section) == 0)
            return &ini->sections[i];
    return NULL;
}

bool ini_has_section(const struct ini *ini, const char *section)
{
    return ini_section(ini, section) != NULL;
}
