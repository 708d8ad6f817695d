/* The file that keeps the answers, all in native 32-bit integers and texts (covfacts.py describes
 * those and the rest):
 *
 *     MAGIC, text key (of all that the answers depend on but the sources), stamp of coverage.py (2),
 *     length of the head of the answer, the head, then for each file:
 *     hash of the source (2), 0 if there was none, and the record of covfacts.py */
#include "coverage/pyfacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/xalloc.h"
#include "coverage/pyanswer.h"

enum {
    MAGIC = 0x34667972, /* "ryf4", of this byte order */
    MOST_KEPT = 50000,  /* files */
    MOST_ANSWER = 1 << 30
};

extern char **environ;

/* ---- What the answers depend on --------------------------------------------------------------- */

#define FNV_START 1469598103934665603u

static uint64_t hash_more(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    return s ? hash_more(h, s, strlen(s) + 1) : hash_more(h, "\1", 1);
}

/* A file's content; a configuration may name any variable of the environment. */
static uint64_t hash_config(uint64_t h, const char *path, bool *variables)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    if (path && file_read(path, &b, &err)) {
        h = hash_more(h, b.data, b.len);
        *variables |= b.len && memchr(b.data, '$', b.len);
    }
    error_release(&err);
    buf_release(&b);
    return hash_text(h, path);
}

/* When and how long: another version has another stamp. */
static uint64_t stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 1;
    uint64_t words[] = {(uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec,
                        (uint64_t)st.st_size, (uint64_t)st.st_ino};
    return hash_more(FNV_START, words, sizeof words);
}

static uint64_t key_of(const struct py_how *how)
{
    static const char *const variables[] = {"PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "HOME"};
    static const char *const files[] = {".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini",
                                        "pyproject.toml"};
    uint64_t h = FNV_START, script = stamp_of(how->script);
    bool environment = false;
    char *here = path_absolute(".");
    h = hash_more(h, &script, sizeof script);
    h = hash_text(hash_text(hash_text(h, how->python), how->rcfile), here);
    free(here);
    for (size_t i = 0; how->sources && i < how->sources->n; i++)
        h = hash_text(h, how->sources->v[i]);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        h = hash_text(h, getenv(variables[i]));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        h = hash_config(h, files[i], &environment);
    h = hash_config(h, how->rcfile, &environment);
    h = hash_config(h, getenv("COVERAGE_RCFILE"), &environment);
    for (size_t i = 0; environment && environ[i]; i++)
        h = hash_text(h, environ[i]);
    return h;
}

/* 0 if there is none. */
static uint64_t hash_source(const char *path)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    uint64_t h = 0;
    if (path[0] && file_read(path, &b, &err)) {
        h = hash_more(FNV_START, b.data, b.len);
        h += !h;
    }
    error_release(&err);
    buf_release(&b);
    return h;
}

/* ---- What is kept ----------------------------------------------------------------------------- */

struct kept_record {
    struct py_source source;
    uint64_t hash;
    struct py_cursor bytes; /* of the record, for writing it again */
};
struct kept {
    struct kept_record *records;
    size_t n, cap;
    struct map by_path; /* as asked */
    struct py_cursor head; /* of the answer; empty: nothing is known */
    uint64_t key;
};

static uint64_t take_u64(struct py_cursor *c)
{
    uint64_t low = (uint32_t)py_take(c);
    return low | (uint64_t)(uint32_t)py_take(c) << 32;
}

static void keep(struct kept *k, const struct kept_record *record)
{
    size_t at = map_get(&k->by_path, record->source.asked);
    if (at == MAP_NONE) {
        if (k->n == k->cap) {
            k->cap = k->cap ? 2 * k->cap : 64;
            k->records = xreallocarray(k->records, k->cap, sizeof *k->records);
        }
        at = k->n++;
    }
    k->records[at] = *record;
    map_put(&k->by_path, k->records[at].source.asked, at);
}

/* Reads the kept answers into k; those of another key, and torn ones, are none. */
static void load(struct kept *k, struct py_facts *f, const char *path)
{
    struct error err = ERROR_INIT;
    bool there = path && file_read(path, &f->kept, &err);
    error_release(&err);
    if (!there)
        return;
    struct py_cursor c = {f->kept.data, f->kept.data + f->kept.len, false};
    const char *stamped;
    if (py_take(&c) != MAGIC || take_u64(&c) != k->key)
        return;
    uint64_t stamp = take_u64(&c);
    size_t n = py_take_length(&c, 1);
    struct py_cursor head = {c.at, c.at + n, c.torn};
    k->head = head;
    if (n % 4 || !py_take_config(&head, &f->arena, &f->config, &stamped) || stamp_of(stamped) != stamp) {
        memset(&k->head, 0, sizeof k->head);
        return;
    }
    c.at += n;
    while (c.at < c.end) {
        struct kept_record record;
        record.hash = take_u64(&c);
        if (!py_take_record(&c, &f->arena, &record.source, &record.bytes))
            break;
        keep(k, &record);
    }
}

static void put_u64(struct buf *b, uint64_t v)
{
    uint32_t words[] = {(uint32_t)v, (uint32_t)(v >> 32)};
    buf_add(b, words, sizeof words);
}

/* What cannot be kept is asked again. */
static void save(const struct kept *k, const char *path, const char *stamped)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    int32_t magic = MAGIC, n = (int32_t)(k->head.end - k->head.at);
    buf_add(&b, &magic, sizeof magic);
    put_u64(&b, k->key);
    put_u64(&b, stamp_of(stamped));
    buf_add(&b, &n, sizeof n);
    buf_add(&b, k->head.at, (size_t)n);
    for (size_t i = k->n > MOST_KEPT ? k->n - MOST_KEPT : 0; i < k->n; i++) {
        put_u64(&b, k->records[i].hash);
        buf_add(&b, k->records[i].bytes.at, (size_t)(k->records[i].bytes.end - k->records[i].bytes.at));
    }
    char *folder = path_dirname(path);
    if (file_mkdirs(folder, &err))
        file_write(path, b.data, b.len, &err);
    free(folder);
    error_release(&err);
    buf_release(&b);
}

/* ---- Asking ----------------------------------------------------------------------------------- */

/* Writes the names into a file whose name mkstemp makes of name. */
static bool write_names(char *name, const struct strv *names, struct error *err)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < names->n; i++)
        buf_add(&b, names->v[i], strlen(names->v[i]) + 1);
    int fd = mkstemp(name);
    bool ok = fd >= 0 && file_write_all(fd, b.data, b.len) == 0;
    if (!ok)
        error_errno(err, EXIT_INTERNAL, "%s", name);
    if (fd >= 0)
        close(fd);
    buf_release(&b);
    return ok;
}

/* Runs argv, which is released, with the file of names behind it. */
static bool run_script(struct strv *argv, const struct strv *names, struct buf *answer,
                       struct error *err)
{
    struct buf errors = BUF_INIT;
    const char *temp = getenv("TMPDIR");
    char *name = path_join(temp && temp[0] ? temp : "/tmp", "rowlock-paths.XXXXXX");
    bool ok = write_names(name, names, err);
    if (ok) {
        strv_push(argv, name);
        int code = subprocess_ask(argv->v, NULL, answer, &errors, MOST_ANSWER);
        ok = code == 0;
        buf_trim(&errors, "\n");
        const char *last = strrchr(buf_cstr(&errors), '\n');
        if (code == 127)
            error_set(err, EXIT_USAGE, "%s cannot be run; name the Python that has coverage.py with "
                      "--python", argv->v[0]);
        else if (!ok)
            error_set(err, EXIT_USAGE, "%s",
                      errors.len ? (last && code != 3 && code != 4 ? last + 1 : errors.data)
                                 : "covfacts.py ended without a word");
    }
    unlink(name);
    free(name);
    strv_release(argv);
    buf_release(&errors);
    return ok;
}

static bool ask_script(struct py_facts *f, const struct py_how *how, const struct strv *paths,
                       struct error *err)
{
    struct strv argv = STRV_INIT;
    strv_push(&argv, how->python);
    strv_push(&argv, how->script);
    if (how->rcfile) {
        strv_push(&argv, "--rcfile");
        strv_push(&argv, how->rcfile);
    }
    for (size_t i = 0; how->sources && i < how->sources->n; i++) {
        strv_push(&argv, "--source");
        strv_push(&argv, how->sources->v[i]);
    }
    return run_script(&argv, paths, &f->fresh, err);
}

/* Asks about the paths and keeps what is answered. */
static bool ask(struct py_facts *f, struct kept *k, const struct py_how *how,
                const struct strv *paths, struct error *err)
{
    const char *stamped = "";
    if (!ask_script(f, how, paths, err))
        return false;
    struct py_cursor c = {f->fresh.data, f->fresh.data + f->fresh.len, !f->fresh.len};
    k->head.at = c.at;
    bool ok = py_take_config(&c, &f->arena, &f->config, &stamped);
    k->head.end = c.at;
    for (size_t i = 0; ok && i < paths->n; i++) {
        struct kept_record record;
        ok = py_take_record(&c, &f->arena, &record.source, &record.bytes);
        record.hash = ok ? hash_source(record.source.path) : 0;
        if (ok)
            keep(k, &record);
    }
    if (ok && how->cache)
        save(k, how->cache, stamped);
    return ok || error_set(err, EXIT_INTERNAL, "%s: an answer that cannot be read", how->script);
}

/* The kept record of a file if it still holds. */
static const struct kept_record *known(const struct kept *k, const char *path)
{
    size_t at = k->head.at ? map_get(&k->by_path, path) : MAP_NONE;
    if (at == MAP_NONE)
        return NULL;
    const struct kept_record *record = &k->records[at];
    return hash_source(record->source.path) == record->hash ? record : NULL;
}

bool py_facts_get(struct py_facts *f, const struct py_data *d, const struct py_how *how,
                  struct error *err)
{
    struct kept k = {.by_path = MAP_INIT};
    struct strv unknown = STRV_INIT;
    memset(f, 0, sizeof *f);
    k.key = key_of(how);
    load(&k, f, how->cache);
    for (size_t i = 0; i < d->n_files; i++)
        if (!d->files[i].tracer && !known(&k, d->files[i].path))
            strv_push(&unknown, d->files[i].path);
    bool ok = (!unknown.n && k.head.at) || ask(f, &k, how, &unknown, err);
    f->n_sources = ok ? d->n_files : 0;
    f->sources = arena_alloc(&f->arena, (f->n_sources + 1) * sizeof *f->sources);
    for (size_t i = 0; i < f->n_sources; i++) {
        size_t at = map_get(&k.by_path, d->files[i].path);
        if (at != MAP_NONE)
            f->sources[i] = k.records[at].source;
    }
    strv_release(&unknown);
    map_release(&k.by_path);
    free(k.records);
    return ok;
}

bool py_facts_match(const struct py_data *d, const struct py_how *how, const char *const *patterns,
                    size_t n, bool *wanted, struct error *err)
{
    struct strv argv = STRV_INIT, names = STRV_INIT;
    struct buf answer = BUF_INIT;
    strv_push(&argv, how->python);
    strv_push(&argv, how->script);
    strv_push(&argv, "--match");
    strv_pushf(&argv, "%zu", n);
    for (size_t i = 0; i < n; i++)
        strv_push(&names, patterns[i]);
    for (size_t i = 0; i < d->n_contexts; i++)
        strv_push(&names, d->contexts[i]);
    bool ok = run_script(&argv, &names, &answer, err);
    if (ok && answer.len != d->n_contexts)
        ok = error_set(err, EXIT_INTERNAL, "%s: an answer that cannot be read", how->script);
    for (size_t i = 0; ok && i < d->n_contexts; i++)
        wanted[i] = answer.data[i] == 1;
    strv_release(&names);
    buf_release(&answer);
    return ok;
}

void py_facts_release(struct py_facts *f)
{
    arena_release(&f->arena);
    buf_release(&f->kept);
    buf_release(&f->fresh);
}
