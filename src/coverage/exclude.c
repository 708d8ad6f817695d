#include "coverage/exclude.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/xalloc.h"

enum { LONGEST_SOURCE = 1 << 26 };
enum { ALL = 1, BRANCHES = 2, EXCEPTIONS = 4, UNREACHABLE = 8 /* all, if it was not run */ }; /* what goes */

/* What goes of each line. */
struct exclusions {
    unsigned char *what; /* by line, from 1 */
    size_t n;
};

/* The marker whose own part begins at s: what it takes out; *kind is 'L'INE, 'S'TART or 's'TOP. 0:
 * none. */
static int marker(const char *s, const char *end, char *kind)
{
    static const struct {
        const char *word;
        int what;
    } kinds[] = {{"EXCL_EXCEPTION_BR_", EXCEPTIONS},
                 {"EXCL_BR_", BRANCHES},
                 {"EXCL_", ALL},
                 {"UNREACHABLE_", UNREACHABLE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].word);
        if ((size_t)(end - s) < n || memcmp(s, kinds[i].word, n) != 0)
            continue;
        const char *rest = s + n;
        size_t left = (size_t)(end - rest);
        *kind = left >= 4 && memcmp(rest, "LINE", 4) == 0    ? 'L'
                : left >= 5 && memcmp(rest, "START", 5) == 0 ? 'S'
                : left >= 4 && memcmp(rest, "STOP", 4) == 0  ? 's'
                                                              : 0;
        if (*kind)
            return kinds[i].what;
    }
    return 0;
}

/* Where the own part of a marker begins whose LCOV_, GCOV_ or GCOVR_ has its "COV" at s; NULL: there
 * is none. */
static const char *behind_tool(const char *line, const char *s, const char *end)
{
    if (s == line || (s[-1] != 'L' && s[-1] != 'G'))
        return NULL;
    bool gcovr = s[-1] == 'G' && end - s > 3 && s[3] == 'R';
    s += gcovr ? 4 : 3;
    return s < end && *s == '_' ? s + 1 : NULL;
}

static void scan(struct exclusions *e, const char *name, const struct buf *source,
                 struct strv *warnings)
{
    const char *p = source->data, *stop = p + source->len;
    int open = 0; /* what regions take out */
    size_t opened = 0, line = 0;
    for (const char *end; p < stop; p = end + 1) {
        end = memchr(p, '\n', (size_t)(stop - p));
        end = end ? end : stop;
        int here = 0;
        char kind;
        line++;
        for (const char *s = p; (s = memmem(s, (size_t)(end - s), "COV", 3)) != NULL; s += 3) {
            const char *own = behind_tool(p, s, end);
            int what = own ? marker(own, end, &kind) : 0;
            if (!what)
                continue;
            here |= what;
            if (kind == 'S') {
                open |= what;
                opened = line;
            } else if (kind == 's') {
                open &= ~what;
            }
        }
        if (line < e->n)
            e->what[line] = (unsigned char)(here | open);
    }
    if (open)
        strv_pushf(warnings, "%s:%zu: no STOP ends what is excluded from here on", name, opened);
}

/* What nobody could reach goes as if excluded; lines that were run are kept, and told. */
static void settle_unreachable(struct exclusions *e, const struct cov_file *f, struct strv *warnings)
{
    size_t n = 0;
    uint32_t first = 0;
    for (size_t i = 0; i < f->n_lines; i++) {
        uint32_t line = f->lines[i].line;
        if (line >= e->n || !(e->what[line] & UNREACHABLE) || !f->lines[i].count)
            continue;
        e->what[line] &= (unsigned char)~UNREACHABLE;
        first = n++ ? first : line;
    }
    for (size_t i = 0; i < e->n; i++)
        e->what[i] |= e->what[i] & UNREACHABLE ? ALL : 0;
    if (n)
        strv_pushf(warnings, "%s:%u: marked as unreachable and run%s; counted", f->name, first,
                   n > 1 ? ", like others of the file" : "");
}

static int what_goes(const struct exclusions *e, uint32_t line)
{
    return line < e->n ? e->what[line] : 0;
}

static void apply(struct cov_file *f, const struct exclusions *e)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_lines; i++)
        if (what_goes(e, f->lines[i].line) & ALL) {
            f->lines[i].flags |= COV_LINE_EXCLUDED;
            f->lines[i].count = 0;
        }
    for (size_t i = 0; i < f->n_arms; i++) {
        int what = what_goes(e, f->arms[i].line);
        if (!(what & (ALL | BRANCHES)) &&
            !((what & EXCEPTIONS) && (f->arms[i].flags & COV_ARM_THROW)))
            f->arms[n++] = f->arms[i];
    }
    f->n_arms = f->sorted_arms = n;
    n = 0;
    for (size_t i = 0; i < f->n_functions; i++)
        if (!(what_goes(e, f->functions[i].start_line) & ALL))
            f->functions[n++] = f->functions[i];
    f->n_functions = f->sorted_functions = n;
}

static void exclude_file(struct cov_file *f, const char *root, struct strv *warnings)
{
    struct stat st;
    struct buf source = BUF_INIT;
    struct error err = ERROR_INIT;
    char *path = path_join(root, f->name);
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < LONGEST_SOURCE &&
        file_read(path, &source, &err) && source.len &&
        (memmem(source.data, source.len, "COV_", 4) || memmem(source.data, source.len, "COVR_", 5))) {
        size_t n = 2; /* one for each line of the source, and for 0 */
        for (size_t i = 0; i < source.len; i++)
            n += source.data[i] == '\n';
        struct exclusions e = {xcalloc(n, 1), n};
        scan(&e, f->name, &source, warnings);
        settle_unreachable(&e, f, warnings);
        apply(f, &e);
        free(e.what);
    }
    error_release(&err);
    buf_release(&source);
    free(path);
}

void cov_exclude(struct coverage *c, const char *root, struct strv *warnings)
{
    for (size_t i = 0; i < c->n_files; i++)
        if (c->files[i]->language != COV_PYTHON)
            exclude_file(c->files[i], root, warnings);
}
