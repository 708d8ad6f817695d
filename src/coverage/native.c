#include "coverage/native.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "coverage/gcfiles.h"
#include "coverage/gcnotes.h"
#include "coverage/gcovtool.h"

enum { MOST_THREADS = 64 };

/* What all threads share. */
struct work {
    const struct cov_native *how;
    const struct gc_files *files;
    atomic_size_t next; /* the object that nobody has taken yet */
};

/* What each has for itself. */
struct worker {
    struct work *work;
    pthread_t thread;
    struct coverage coverage;
    struct strv problems, notes;
    struct strv newer; /* sources below the root that have changed since their notes were written */
    struct timespec built; /* when the notes of the current object were */
    struct buf data; /* of a file; its memory is kept */
    size_t n_data;
};

bool cov_native_claims(const char *path)
{
    struct stat st;
    size_t n = strlen(path);
    if (n > 5 && (strcmp(path + n - 5, ".gcda") == 0 || strcmp(path + n - 5, ".gcno") == 0))
        return true;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- Names -------------------------------------------------------------------------------------- */

static bool is_system(const char *path)
{
    static const char *const folders[] = {"/usr/include/", "/usr/lib/", "/usr/local/include/",
                                          "/usr/local/lib/", "/opt/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

/* Notes a source that is newer than the current object, as gcov does. */
static void note_newer(struct worker *w, const char *path, const char *shown)
{
    struct stat st;
    if (stat(path, &st) != 0 || st.st_mtim.tv_sec < w->built.tv_sec)
        return;
    if (st.st_mtim.tv_sec > w->built.tv_sec || st.st_mtim.tv_nsec > w->built.tv_nsec)
        strv_push(&w->newer, shown);
}

/* What the report calls a source file; NULL if it is not to be there. */
static const char *shown_name(const struct gc_notes *n, const char *file, void *arg)
{
    struct worker *w = arg;
    const struct cov_names *names = &w->work->how->names;
    if (file[0] == '<') /* "<built-in>" */
        return NULL;
    char *joined = path_join(n->cwd, file), *path = path_absolute(joined);
    const char *shown = cov_name_below(names, path);
    if (shown)
        note_newer(w, path, shown = coverage_intern(&w->coverage, shown));
    else if (cov_name_matches(names->include, path) || !names->root[1] ||
             (!names->only_root && !is_system(path)))
        shown = coverage_intern(&w->coverage, path);
    free(joined);
    free(path);
    return shown;
}

/* ---- Reading ------------------------------------------------------------------------------------ */

/* Reads a file into w->data. */
static bool load(struct worker *w, const char *path, struct error *err)
{
    buf_clear(&w->data);
    return file_read(path, &w->data, err);
}

static void complain(struct worker *w, struct error *err)
{
    strv_push(&w->problems, err->msg);
    error_release(err);
}

static void read_object(struct worker *w, const struct gc_object *o)
{
    struct gc_notes notes;
    struct error err = ERROR_INIT;
    struct stat st;
    char version[16];
    if (!load(w, o->notes, &err))
        return complain(w, &err);
    if (stat(o->notes, &st) == 0)
        w->built = st.st_mtim;
    switch (gc_notes_read(&notes, o->notes, w->data.data, w->data.len, &err)) {
    case GC_OK:
        break;
    case GC_UNKNOWN:
        strv_pushf(&w->notes, "%s: of GCC %s, which is not known here; gcov is asked", o->notes,
                   gc_version_text(notes.head.version, version));
        w->n_data += gcov_tool_add(&w->coverage, o, notes.head.version, shown_name, w,
                                   &w->problems);
        return;
    case GC_BAD:
        return complain(w, &err);
    }
    for (size_t i = 0; i < o->data.n; i++) {
        const char *path = o->data.v[i];
        if (load(w, path, &err) &&
            gc_data_add(&notes, path, w->data.data, w->data.len, &err) == GC_OK)
            w->n_data++;
        else
            complain(w, &err);
    }
    size_t unsolved = gc_lines_add(&notes, &w->coverage, shown_name, w);
    if (unsolved)
        strv_pushf(&w->problems, "%s: the counts of %zu functions do not follow from their counters",
                   o->notes, unsolved);
    gc_notes_release(&notes);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    const struct gc_files *files = w->work->files;
    for (;;) {
        size_t i = atomic_fetch_add(&w->work->next, 1);
        if (i >= files->n_objects)
            return NULL;
        read_object(w, &files->objects[i]);
    }
}

/* One note for all sources that are newer than what was built of them. */
static void tell_newer(struct strv *newer, struct strv *notes)
{
    size_t more = 0;
    strv_sort(newer);
    for (size_t i = 1; i < newer->n; i++)
        more += strcmp(newer->v[i], newer->v[i - 1]) != 0;
    if (!newer->n)
        return;
    if (more)
        strv_pushf(notes, "warning: %s, and %zu more, are newer than their .gcno files: lines "
                   "may be off; build and test again", newer->v[0], more);
    else
        strv_pushf(notes, "warning: %s is newer than its .gcno file: lines may be off; build and "
                   "test again", newer->v[0]);
}

static unsigned count_threads(const struct cov_native *how, size_t n_objects)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = how->threads ? how->threads : cores > 0 ? (size_t)cores : 1;
    n = n < MOST_THREADS ? n : MOST_THREADS;
    return (unsigned)(n < n_objects ? n : n_objects ? n_objects : 1);
}

size_t cov_native_read(struct coverage *c, char *const *inputs, size_t n_inputs,
                       const struct cov_native *how, struct strv *problems)
{
    struct gc_files files;
    struct strv own = STRV_INIT, newer = STRV_INIT;
    size_t n_data = 0;
    gc_files_find(&files, inputs, n_inputs, how->objects, &own);
    struct work work = {.how = how, .files = &files};
    unsigned n = count_threads(how, files.n_objects);
    struct worker *workers = xcalloc(n, sizeof *workers);
    for (unsigned i = 0; i < n; i++) {
        workers[i].work = &work;
        coverage_init(&workers[i].coverage);
    }
    /* A thread that cannot be started leaves its objects to the others; this one is the first. */
    unsigned started = 1;
    while (started < n &&
           pthread_create(&workers[started].thread, NULL, run, &workers[started]) == 0)
        started++;
    run(&workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < n; i++) {
        struct worker *w = &workers[i];
        coverage_merge(c, &w->coverage);
        coverage_release(&w->coverage);
        strv_push_all(&own, w->problems.v);
        if (how->notes)
            strv_push_all(how->notes, w->notes.v);
        strv_push_all(&newer, w->newer.v);
        strv_release(&w->problems);
        strv_release(&w->notes);
        strv_release(&w->newer);
        buf_release(&w->data);
        n_data += w->n_data;
    }
    free(workers);
    strv_sort(&own);
    if (how->notes) {
        strv_sort(how->notes);
        tell_newer(&newer, how->notes);
    }
    strv_release(&newer);
    strv_push_all(problems, own.v);
    strv_release(&own);
    gc_files_release(&files);
    return n_data;
}
