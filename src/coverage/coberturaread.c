/* Reading Cobertura XML with expat. Documents that define entities are refused (an entity of
 * entities of entities fills any memory), and nothing outside of the document is ever fetched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage/read.h"

bool cobertura_claims(const char *head, size_t len)
{
    const char *at = memmem(head, len, "<coverage", 9);
    return len && strchr("<\xef \t\r\n", head[0]) && at;
}

#ifndef ROWLOCK_EXPAT
bool cobertura_read(struct coverage *c, const char *path, const char *data, size_t len,
                    struct error *err)
{
    (void)c;
    (void)data;
    (void)len;
    return error_set(err, EXIT_INTERNAL,
                     "%s: this rowlock was built without expat; install it and build again", path);
}
#else

#include <expat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"

enum { DEEPEST = 64, MOST_SOURCE = 1 << 16, MOST_LOOKS = 1000000 };

struct reader {
    XML_Parser parser;
    struct coverage *c;
    const char *path;
    struct cov_file *file; /* of the class at hand */
    struct cov_function method;
    bool in_method, in_source, seen_root;
    struct buf source; /* the text of the source at hand */
    struct strv sources; /* folders that the names of files start at; each once */
    struct map seen;     /* of them */
    bool only_source;    /* there is but one, and it is here */
    size_t looks;        /* at files below sources, for all names */
    int depth;
    struct error *err;
};

static void fail(struct reader *r, const char *what)
{
    if (!r->err->msg)
        error_set(r->err, EXIT_USAGE, "%s:%lu: %s", r->path,
                  (unsigned long)XML_GetCurrentLineNumber(r->parser), what);
    XML_StopParser(r->parser, XML_FALSE);
}

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static bool whole_number(const char *s, int64_t *v)
{
    char *end;
    if (!s || !*s || !strchr("-0123456789", *s))
        return false;
    *v = strtoll(s, &end, 10);
    return *end == '\0' && end != s;
}

/* "50% (1/2)": ways of the line, the first of them taken. */
static bool read_conditions(struct reader *r, uint32_t line, const char *text, bool reached)
{
    const char *open = strchr(text, '(');
    unsigned taken, all;
    if (!open || sscanf(open, "(%u/%u)", &taken, &all) != 2 || taken > all || all > 100000)
        return false;
    for (uint32_t i = 0; i < all; i++) {
        struct cov_arm arm = {.line = line, .arm = i, .count = i < taken,
                              .flags = COV_ARM_NAMELESS | (reached ? 0 : COV_ARM_UNREACHED)};
        cov_add_arm(r->file, &arm);
    }
    r->file->has_branches = true;
    return true;
}

static void read_line(struct reader *r, const XML_Char **attributes)
{
    int64_t line, hits;
    const char *conditions = attribute(attributes, "condition-coverage");
    const char *branch = attribute(attributes, "branch");
    if (!whole_number(attribute(attributes, "number"), &line) || line < 0 || line > UINT32_MAX ||
        !whole_number(attribute(attributes, "hits"), &hits))
        return fail(r, "a line without its number and hits");
    if (r->in_method) {
        if (!r->method.start_line) {
            r->method.start_line = (uint32_t)line;
            r->method.count = hits > 0 ? hits : 0;
        }
        return;
    }
    cov_add_line(r->file, (uint32_t)line, hits > 0 ? hits : 0, 0);
    if (branch && strcmp(branch, "true") == 0 && conditions &&
        !read_conditions(r, (uint32_t)line, conditions, hits != 0))
        fail(r, "condition-coverage is not of the form 50% (1/2)");
}

static void XMLCALL start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = data;
    const char *filename;
    if (++r->depth > DEEPEST)
        return fail(r, "elements in elements, too deep");
    if (r->depth == 1 && strcmp(name, "coverage") != 0)
        return fail(r, "no Cobertura XML: the first element is not coverage");
    r->seen_root = true;
    if (strcmp(name, "source") == 0) {
        r->in_source = true;
        buf_clear(&r->source);
    } else if (strcmp(name, "class") == 0) {
        filename = attribute(attributes, "filename");
        if (!filename || !*filename)
            return fail(r, "a class without its filename");
        r->file = coverage_file(r->c, filename);
        r->file->language = cov_language_of(filename);
    } else if (strcmp(name, "method") == 0 && r->file) {
        const char *method = attribute(attributes, "name");
        r->method = (struct cov_function){.name = coverage_intern(r->c, method ? method : "?")};
        r->in_method = true;
    } else if (strcmp(name, "line") == 0) {
        if (!r->file)
            return fail(r, "a line outside of a class");
        read_line(r, attributes);
    }
}

static void XMLCALL text(void *data, const XML_Char *s, int len)
{
    struct reader *r = data;
    if (r->in_source && r->source.len + (size_t)len > MOST_SOURCE)
        return fail(r, "a source that is longer than any path");
    if (r->in_source)
        buf_add(&r->source, s, (size_t)len);
}

static void end_source(struct reader *r)
{
    const char *blanks = " \t\r\n";
    buf_trim(&r->source, blanks);
    const char *source = coverage_intern(r->c, buf_cstr(&r->source));
    source += strspn(source, blanks);
    r->in_source = false;
    if (!*source || map_get(&r->seen, source) != MAP_NONE)
        return;
    map_put(&r->seen, source, r->sources.n);
    strv_push(&r->sources, source);
}

static void XMLCALL end(void *data, const XML_Char *name)
{
    struct reader *r = data;
    r->depth--;
    if (strcmp(name, "source") == 0)
        end_source(r);
    if (strcmp(name, "class") == 0)
        r->file = NULL;
    if (strcmp(name, "method") == 0 && r->in_method) {
        if (r->file && r->method.start_line)
            cov_add_function(r->file, &r->method);
        r->in_method = false;
    }
}

static void XMLCALL entity(void *data, const XML_Char *name, int parameter, const XML_Char *value,
                           int length, const XML_Char *base, const XML_Char *system,
                           const XML_Char *public, const XML_Char *notation)
{
    (void)name, (void)parameter, (void)value, (void)length, (void)base;
    (void)system, (void)public, (void)notation;
    fail(data, "it defines entities, which no report needs; refused");
}

/* The first source that has the file; else, if there is but one and it is here, that. A report of
 * another machine keeps its names. */
static char *with_source(const char *name, void *arg)
{
    struct reader *r = arg;
    for (size_t i = 0; name[0] != '/' && i < r->sources.n && r->looks < MOST_LOOKS; i++) {
        char *joined = path_join(r->sources.v[i], name);
        r->looks++;
        if (r->only_source || access(joined, F_OK) == 0)
            return joined;
        free(joined);
    }
    return xstrdup(name);
}

bool cobertura_read(struct coverage *c, const char *path, const char *data, size_t len,
                    struct error *err)
{
    struct reader r = {.c = c, .path = path, .source = BUF_INIT, .seen = MAP_INIT, .err = err};
    enum { PIECE = 1 << 20 };
    r.parser = XML_ParserCreate(NULL);
    if (!r.parser)
        return error_set(err, EXIT_INTERNAL, "%s: no memory for reading XML", path);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, start, end);
    XML_SetCharacterDataHandler(r.parser, text);
    XML_SetEntityDeclHandler(r.parser, entity);
    enum XML_Status status = XML_STATUS_OK;
    while (status == XML_STATUS_OK) {
        size_t n = len < PIECE ? len : PIECE;
        status = XML_Parse(r.parser, data, (int)n, n == len);
        data += n;
        len -= n;
        if (!len)
            break;
    }
    if (status != XML_STATUS_OK && !err->msg)
        fail(&r, XML_ErrorString(XML_GetErrorCode(r.parser)));
    r.only_source = r.sources.n == 1 && access(r.sources.v[0], F_OK) == 0;
    if (status == XML_STATUS_OK)
        coverage_rename(c, with_source, &r);
    XML_ParserFree(r.parser);
    buf_release(&r.source);
    strv_release(&r.sources);
    map_release(&r.seen);
    return status == XML_STATUS_OK;
}
#endif
