/* LCOV tracefiles, read and written. geninfo(1) describes the records:
 *
 *     SF:path  FN:start[,end],name  FNDA:calls,name  FNL:index,start[,end]  FNA:index,calls,name
 *     BRDA:line,[e]block,branch,taken|-  DA:line,count[,checksum]  end_of_record
 *
 * FNL and FNA stand for FN and FNDA from version 2.2 on; "e" marks an exception's branch. The sums
 * (FNF, LH, …) follow from the rest and are not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "coverage/read.h"
#include "coverage/write.h"

/* A function of the section that is being read. */
struct function {
    const char *name; /* NULL: an FNL, whose names are functions of their own */
    uint32_t start, end;
    int64_t count;
};
/* Where a branch leads that leaves the function around its line, which may be told behind it. */
enum { OUT_OF_FUNCTION = INT32_MIN };
struct reader {
    struct coverage *c;
    const char *path; /* of the tracefile */
    size_t line;      /* in it, from 1 */
    struct cov_file *file; /* NULL between sections */
    struct function *functions;
    size_t n_functions, cap_functions;
    struct map by_name; /* the last function of that name */
    struct map by_index; /* the last FNL of that index */
    struct cov_arm *leaving; /* arms to OUT_OF_FUNCTION */
    size_t n_leaving, cap_leaving;
    struct error *err;
};

bool lcov_claims(const char *head, size_t len)
{
    static const char *const starts[] = {"TN:", "SF:", "VER:", "FN:", "FNL:", "DA:"};
    while (len) {
        const char *end = memchr(head, '\n', len);
        size_t n = end ? (size_t)(end - head) : len;
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
            if (n >= strlen(starts[i]) && memcmp(head, starts[i], strlen(starts[i])) == 0)
                return true;
        if (head[0] != '#' && strspn(head, " \t\r") < n)
            return false;
        len -= n + (end != NULL);
        head += n + (end != NULL);
    }
    return false;
}

static bool fail(struct reader *r, const char *what)
{
    return error_set(r->err, EXIT_USAGE, "%s:%zu: %s", r->path, r->line, what);
}

/* Reads a number up to `end`, which is skipped if it is no NUL. */
static bool take_number(char **s, char end, int64_t *v)
{
    char *stop;
    errno = 0;
    if (**s != '-' && (**s < '0' || **s > '9'))
        return false;
    *v = strtoll(*s, &stop, 10); /* out of range: the largest, which is near enough */
    if (stop == *s || *stop != end)
        return false;
    *s = stop + (end != '\0');
    return true;
}

static bool take_line(char **s, char end, uint32_t *line)
{
    int64_t v;
    char *at = *s;
    if (!take_number(&at, end, &v) || v < 0 || v > UINT32_MAX)
        return false;
    *line = (uint32_t)v;
    *s = at;
    return true;
}

static bool is_number(const char *s)
{
    return *s && !s[strspn(s, "0123456789")];
}

static struct function *add_function(struct reader *r, const char *name)
{
    r->functions = xgrow(r->functions, r->n_functions, &r->cap_functions, sizeof *r->functions);
    struct function *f = &r->functions[r->n_functions++];
    *f = (struct function){coverage_intern(r->c, name), 0, 0, 0};
    if (name)
        map_put(&r->by_name, f->name, r->n_functions - 1);
    return f;
}

/* An index as a key that lives as long as the coverage. */
static const char *index_key(struct reader *r, int64_t index)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)index);
    return coverage_intern(r->c, text);
}

/* start[,end],name; a name may begin with digits, but no name of C is a number and a comma. */
static bool read_fn(struct reader *r, char *s)
{
    uint32_t start, end = 0;
    if (!take_line(&s, ',', &start))
        return fail(r, "FN: a line and a name are expected");
    char *name = s;
    take_line(&s, ',', &end);
    if (!*s) { /* "7," is a name, if an odd one */
        s = name;
        end = 0;
    }
    if (!*s)
        return fail(r, "FN: the name is missing");
    size_t at = map_get(&r->by_name, s);
    struct function *f = at == MAP_NONE || r->functions[at].start ? add_function(r, s)
                                                                 : &r->functions[at];
    f->start = start;
    f->end = end;
    return true;
}

static bool read_fnda(struct reader *r, char *s)
{
    int64_t count;
    if (!take_number(&s, ',', &count) || !*s)
        return fail(r, "FNDA: a count and a name are expected");
    size_t at = map_get(&r->by_name, s);
    struct function *f = at == MAP_NONE ? add_function(r, s) : &r->functions[at];
    f->count += count > 0 && count <= INT64_MAX - f->count ? count : 0;
    return true;
}

static bool read_fnl(struct reader *r, char *s)
{
    int64_t index;
    uint32_t start, end = 0;
    if (!take_number(&s, ',', &index) || index < 0 ||
        !(take_line(&s, '\0', &start) || (take_line(&s, ',', &start) && take_line(&s, '\0', &end))))
        return fail(r, "FNL: an index and a line are expected");
    struct function *f = add_function(r, NULL);
    f->start = start;
    f->end = end;
    map_put(&r->by_index, index_key(r, index), r->n_functions - 1);
    return true;
}

/* One function may have several names (instances): each becomes a function. */
static bool read_fna(struct reader *r, char *s)
{
    int64_t index, count;
    if (!take_number(&s, ',', &index) || !take_number(&s, ',', &count) || !*s)
        return fail(r, "FNA: an index, a count and a name are expected");
    size_t at = map_get(&r->by_index, index_key(r, index));
    if (at == MAP_NONE)
        return fail(r, "FNA: no FNL has this index");
    struct function base = r->functions[at], *f = add_function(r, s);
    f->start = base.start;
    f->end = base.end;
    f->count = count > 0 ? count : 0;
    return true;
}

/* Where a branch leads by the words of coverage.py (arc_description in coverage/parser.py): to a
 * line, or, negative, out of what starts there. 0: these are other words. */
static int32_t destination(const char *words)
{
    static const char *const out[] = {"return from ", "exit", "jump to the function exit"};
    static const char jump[] = "jump to line ";
    if (strncmp(words, jump, sizeof jump - 1) == 0) {
        char *at = (char *)words + sizeof jump - 1;
        int64_t to;
        return take_number(&at, '\0', &to) && to >= -INT32_MAX && to <= INT32_MAX ? (int32_t)to : 0;
    }
    bool leaves = false;
    for (size_t i = 0; i < sizeof out / sizeof *out && !leaves; i++)
        leaves = strncmp(words, out[i], strlen(out[i])) == 0;
    return !leaves ? 0 : strcmp(words, "exit the module") == 0 ? -1 : OUT_OF_FUNCTION;
}

static bool read_brda(struct reader *r, char *s)
{
    struct cov_arm arm = {0};
    if (!take_line(&s, ',', &arm.line))
        return fail(r, "BRDA: a line is expected");
    if (*s == 'e') {
        arm.flags |= COV_ARM_THROW;
        s++;
    }
    char *taken = strrchr(s, ',');
    if (!take_line(&s, ',', &arm.block) || !taken || taken < s)
        return fail(r, "BRDA: line, block, branch and count are expected");
    *taken++ = '\0';
    char *branch = s;
    if (r->file->language == COV_PYTHON)
        arm.to = destination(s);
    if (!arm.to && (!is_number(branch) || !take_line(&branch, '\0', &arm.arm)))
        arm.name = coverage_intern(r->c, s);
    if (strcmp(taken, "-") == 0)
        arm.flags |= COV_ARM_UNREACHED;
    else if (!take_number(&taken, '\0', &arm.count))
        return fail(r, "BRDA: the count is neither a number nor -");
    if (arm.count < 0)
        arm.count = 0;
    r->file->has_branches = true;
    if (arm.to != OUT_OF_FUNCTION) {
        cov_add_arm(r->file, &arm);
        return true;
    }
    r->leaving = xgrow(r->leaving, r->n_leaving, &r->cap_leaving, sizeof *r->leaving);
    r->leaving[r->n_leaving++] = arm;
    return true;
}

static bool read_da(struct reader *r, char *s)
{
    uint32_t line;
    int64_t count;
    char *checksum = strchr(s, ',');
    checksum = checksum ? strchr(checksum + 1, ',') : NULL;
    if (checksum)
        *checksum = '\0';
    if (!take_line(&s, ',', &line) || !take_number(&s, '\0', &count))
        return fail(r, "DA: a line and a count are expected");
    cov_add_line(r->file, line, count > 0 ? count : 0, 0);
    return true;
}

static int compare_starts(const void *va, const void *vb)
{
    const struct function *a = va, *b = vb;
    return (a->start > b->start) - (a->start < b->start);
}

static int compare_arm_lines(const void *va, const void *vb)
{
    const struct cov_arm *a = va, *b = vb;
    return (a->line > b->line) - (a->line < b->line);
}

/* Adds the arms that leave the innermost function around their line, or, outside of all, the module,
 * which starts at 1. Line by line: of the functions that have started, those that have ended go, the
 * last one that is left is meant. */
static void add_leaving(struct reader *r)
{
    size_t next = 0, n_open = 0, *open = xcalloc(r->n_functions + 1, sizeof *open);
    if (r->n_functions)
        qsort(r->functions, r->n_functions, sizeof *r->functions, compare_starts);
    if (r->n_leaving)
        qsort(r->leaving, r->n_leaving, sizeof *r->leaving, compare_arm_lines);
    for (size_t i = 0; i < r->n_leaving; i++) {
        struct cov_arm *arm = &r->leaving[i];
        while (next < r->n_functions && r->functions[next].start <= arm->line)
            open[n_open++] = next++;
        while (n_open && r->functions[open[n_open - 1]].end < arm->line)
            n_open--;
        uint32_t start = n_open ? r->functions[open[n_open - 1]].start : 1;
        arm->to = start && start <= INT32_MAX ? -(int32_t)start : -1;
        cov_add_arm(r->file, arm);
    }
    r->n_leaving = 0;
    free(open);
}

static bool end_section(struct reader *r)
{
    if (r->n_leaving)
        add_leaving(r);
    for (size_t i = 0; i < r->n_functions; i++) {
        const struct function *f = &r->functions[i];
        struct cov_function fn = {.name = f->name, .start_line = f->start, .end_line = f->end,
                                  .count = f->count};
        if (f->name)
            cov_add_function(r->file, &fn);
    }
    r->n_functions = 0;
    map_release(&r->by_name);
    map_release(&r->by_index);
    r->file = NULL;
    return true;
}

static bool read_sf(struct reader *r, char *s)
{
    if (r->file)
        return fail(r, "SF: the section before it has no end_of_record");
    if (!*s)
        return fail(r, "SF: the name is missing");
    r->file = coverage_file(r->c, s);
    r->file->language = cov_language_of(s);
    return true;
}

static const struct record {
    const char *key;
    bool (*read)(struct reader *r, char *s);
} records[] = {{"FN:", read_fn},   {"FNDA:", read_fnda}, {"FNL:", read_fnl},
               {"FNA:", read_fna}, {"BRDA:", read_brda}, {"DA:", read_da}};

static bool read_record(struct reader *r, char *s)
{
    if (strncmp(s, "SF:", 3) == 0)
        return read_sf(r, s + 3);
    if (strcmp(s, "end_of_record") == 0)
        return r->file ? end_section(r) : fail(r, "end_of_record: no SF stands before it");
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        size_t n = strlen(records[i].key);
        if (strncmp(s, records[i].key, n) == 0)
            return r->file ? records[i].read(r, s + n) : fail(r, "no SF stands before this record");
    }
    return true; /* sums, and what later versions add */
}

/* Takes off the line's end and blanks before it, but not those that a name ends with. */
static void trim(struct buf *line)
{
    static const char *const named[] = {"SF:", "FN:", "FNDA:", "FNA:"};
    const char *blanks = "\r \t";
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strncmp(buf_cstr(line), named[i], strlen(named[i])) == 0)
            blanks = "\r";
    buf_trim(line, blanks);
}

bool lcov_read(struct coverage *c, const char *path, const char *data, size_t len,
               struct error *err)
{
    struct reader r = {.c = c, .path = path, .err = err};
    struct buf line = BUF_INIT;
    bool ok = true;
    while (ok && len) {
        const char *end = memchr(data, '\n', len);
        size_t n = end ? (size_t)(end - data) : len;
        r.line++;
        buf_clear(&line);
        buf_add(&line, data, n);
        trim(&line);
        ok = read_record(&r, line.data);
        data += n + (end != NULL);
        len -= n + (end != NULL);
    }
    if (ok && r.file)
        ok = fail(&r, "the file ends within a section");
    free(r.functions);
    free(r.leaving);
    map_release(&r.by_name);
    map_release(&r.by_index);
    buf_release(&line);
    return ok;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* A name has to stay on its line. */
static void put_name(FILE *out, const char *name)
{
    for (; *name; name++)
        putc((unsigned char)*name < 32 ? '?' : *name, out);
    putc('\n', out);
}

static int64_t at_least_0(int64_t count)
{
    return count > 0 ? count : 0;
}

/* Those that have a count, and of Python those with a statement that counts. */
static bool is_written(const struct cov_file *f, const struct cov_function *fn)
{
    bool counted = fn->count != -1;
    for (size_t i = 0; i < fn->n_lines && !counted; i++) {
        const struct cov_line *line = cov_find_line(f, fn->lines[i]);
        counted = line && cov_line_counts(line);
    }
    return counted && fn->kind == COV_FUNCTION && fn->name[0];
}

/* Python may have a name twice: from the second on "name@line", as coverage.py has it. */
static void put_function_name(FILE *out, const struct cov_file *f, const struct cov_function *fn,
                              struct map *seen)
{
    if (f->language != COV_PYTHON || map_put(seen, fn->name, 1) == MAP_NONE)
        return put_name(out, fn->name);
    char *name = xasprintf("%s@%u", fn->name, fn->start_line);
    put_name(out, name);
    free(name);
}

static void write_functions(const struct cov_file *f, FILE *out)
{
    size_t n = 0, hit = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct map seen = MAP_INIT;
        for (size_t i = 0; i < f->n_functions; i++) {
            const struct cov_function *fn = &f->functions[i];
            if (!is_written(f, fn) || (pass == 0 && !fn->start_line))
                continue;
            bool run = cov_function_hit(f, fn);
            if (pass == 0)
                fprintf(out, "FN:%u,", fn->start_line);
            else
                fprintf(out, "FNDA:%lld,", fn->count == -1 ? run : (long long)at_least_0(fn->count));
            put_function_name(out, f, fn, &seen);
            n += pass;
            hit += pass && run;
        }
        map_release(&seen);
    }
    if (n)
        fprintf(out, "FNF:%zu\nFNH:%zu\n", n, hit);
}

/* lcov 1 wants numbers: blocks are counted by line where owners tell them apart, arms where they
 * have lines or names. Those that a comment lets count are, as in coverage.py, in the sums alone. */
static void write_arms(const struct cov_file *f, FILE *out)
{
    const struct cov_arm *before = NULL;
    uint32_t block = 0, arm = 0;
    size_t n = 0, hit = 0;
    for (size_t i = 0; i < f->n_arms; i++) {
        const struct cov_arm *a = &f->arms[i];
        if (a->flags & COV_ARM_EXTRA)
            continue;
        n++;
        hit += cov_arm_taken(a);
        if (a->flags & COV_ARM_ASSUMED)
            continue;
        bool same_line = before && before->line == a->line;
        bool same = same_line && before->owner == a->owner && before->block == a->block;
        if (!same_line)
            block = a->block;
        else if (!same)
            block = a->block > block ? a->block : block + 1;
        if (!same)
            arm = a->arm;
        else
            arm = a->arm > arm ? a->arm : arm + 1;
        fprintf(out, "BRDA:%u,%u,%u,", a->line, block, arm);
        if (a->flags & COV_ARM_UNREACHED)
            fputs("-\n", out);
        else
            fprintf(out, "%lld\n", (long long)at_least_0(a->count));
        before = a;
    }
    if (f->has_branches)
        fprintf(out, "BRF:%zu\nBRH:%zu\n", n, hit);
}

static void write_file(const struct cov_file *f, FILE *out)
{
    struct cov_totals t = {0};
    cov_file_totals(f, &t);
    fputs("TN:\nSF:", out);
    put_name(out, f->name);
    write_functions(f, out);
    write_arms(f, out);
    for (size_t i = 0; i < f->n_lines; i++)
        if (cov_line_counts(&f->lines[i]))
            fprintf(out, "DA:%u,%lld\n", f->lines[i].line,
                    (long long)at_least_0(f->lines[i].count));
    fprintf(out, "LF:%llu\nLH:%llu\nend_of_record\n", (unsigned long long)t.lines,
            (unsigned long long)t.lines_hit);
}

bool lcov_write(const struct coverage *c, const char *path, struct error *err)
{
    struct outfile o;
    if (!outfile_open(&o, path, err))
        return false;
    for (size_t i = 0; i < c->n_files; i++)
        write_file(c->files[i], o.f);
    return outfile_commit(&o, err);
}
