/* The walk over the file only finds where things begin and end; whether they are JSON is for
 * json_parse() to see, which gets all that was read. */
#include "manifest/jsonlist.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW = 64 * 1024 };

struct walk {
    const struct json_list *list;
    int fd;
    struct buf in;         /* what is in memory of the file */
    size_t from, at;       /* in it: what is to be kept, what comes next */
    struct json_cut place; /* of in.data[from]; its at is not used */
    struct buf *rest;      /* the text without the elements; NULL: what lies before from is gone */
    bool ended;            /* nothing is left of the file */
    struct error *err;     /* has a message once something failed */
};

/* Gives up the bytes up to at. */
static void pass(struct walk *w)
{
    const char *p = w->in.data + w->from, *end = w->in.data + w->at;
    if (p == end)
        return;
    if (w->rest)
        buf_add(w->rest, p, (size_t)(end - p));
    for (const char *nl; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
        w->place.line++;
        w->place.column = 0;
    }
    for (; p < end; p++)
        w->place.column += ((unsigned char)*p & 0xc0) != 0x80; /* characters, not bytes */
    w->from = w->at;
}

/* Reads on. False at the end of the file, and where that fails. */
static bool refill(struct walk *w)
{
    if (w->ended)
        return false;
    if (w->rest)
        pass(w);
    if (w->from) {
        memmove(w->in.data, w->in.data + w->from, w->in.len - w->from);
        w->in.len -= w->from;
        w->at -= w->from;
        w->from = 0;
    }
    ssize_t n;
    do
        n = read(w->fd, buf_reserve(&w->in, WINDOW), WINDOW);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        error_errno(w->err, w->list->code, "%s", w->list->path);
    w->ended = n <= 0;
    w->in.len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The next byte, or -1 at the end. */
static int peek(struct walk *w)
{
    return w->at < w->in.len || refill(w) ? (unsigned char)w->in.data[w->at] : -1;
}

static void skip_space(struct walk *w)
{
    int c;
    while ((c = peek(w)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        w->at++;
}

/* From a '"' to behind the one that closes the string. */
static void skip_string(struct walk *w)
{
    int c;
    w->at++;
    while ((c = peek(w)) >= 0) {
        w->at++;
        if (c == '"')
            return;
        if (c == '\\' && peek(w) >= 0)
            w->at++;
    }
}

/* To what ends the value that begins here: a comma or a bracket outside of it, or the end. */
static void skip_value(struct walk *w)
{
    size_t depth = 0;
    for (int c; (c = peek(w)) >= 0;) {
        if (c == '"') {
            skip_string(w);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']' || c == '}'))
            return;
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        w->at++;
    }
}

/* Hands out what lies from `from` up to at. */
static bool hand_out(struct walk *w)
{
    const struct json_list *list = w->list;
    struct json j;
    bool ok = json_parse_piece(&j, list->path, w->in.data + w->from, w->at - w->from, &w->place,
                               list->code, true, w->err);
    if (!ok)
        return false;
    ok = list->take(list->ctx, &j, w->err);
    json_release(&j);
    return ok;
}

/* From behind the '[' to the ']', or to where that is missing. */
static bool read_elements(struct walk *w)
{
    for (bool first = true;; first = false) {
        skip_space(w);
        pass(w);
        if (peek(w) < 0 || (first && peek(w) == ']'))
            return !w->err->msg;
        skip_value(w);
        if (w->err->msg)
            return false;
        if (w->at == w->from)
            w->at++; /* a comma or a bracket in place of a value: json_parse() says so */
        if (!hand_out(w))
            return false;
        pass(w);
        if (peek(w) != ',')
            return !w->err->msg;
        w->at++;
    }
}

/* Behind a string of the outermost object that begins at start in rest: was it the key of the list, and
 * does an array follow? */
static bool at_list(struct walk *w, size_t start)
{
    pass(w);
    size_t n = strlen(w->list->key);
    const char *string = w->rest->data + start;
    if (w->rest->len - start != n + 2 || memcmp(string + 1, w->list->key, n) != 0)
        return false;
    skip_space(w);
    if (peek(w) != ':')
        return false;
    w->at++;
    skip_space(w);
    return peek(w) == '[';
}

/* Walks over all of the file. *cut: where the elements were. */
static bool walk(struct walk *w, struct json_cut *cut)
{
    struct buf *rest = w->rest;
    size_t depth = 0;
    bool found = false;
    for (int c; (c = peek(w)) >= 0;) {
        if (c != '"') {
            depth += c == '[' || c == '{';
            depth -= depth && (c == ']' || c == '}');
            w->at++;
            continue;
        }
        pass(w);
        size_t start = rest->len;
        skip_string(w);
        if (depth != 1 || found || !at_list(w, start))
            continue;
        found = true;
        depth++;
        w->at++;
        pass(w);
        w->rest = NULL;
        if (!read_elements(w))
            return false;
        w->rest = rest;
        *cut = w->place;
        cut->at = rest->len;
    }
    pass(w);
    return !w->err->msg;
}

bool json_list_read(const struct json_list *list, struct json *rest, struct buf *text,
                    struct error *err)
{
    struct json_cut cut = {0, 0, 0};
    struct walk w = {.list = list, .rest = text, .err = err};
    w.fd = open(list->path, O_RDONLY | O_CLOEXEC);
    if (w.fd < 0)
        return error_errno(err, list->code, "%s", list->path);
    buf_reserve(text, 0);
    bool ok = walk(&w, &cut) && json_parse_piece(rest, list->path, buf_cstr(text), text->len, &cut,
                                                 list->code, true, err);
    buf_release(&w.in);
    close(w.fd);
    if (!ok)
        buf_release(text);
    return ok;
}
