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

/* An object whose data files are being read: by the thread that has taken it, and by those that find
 * no other object left. */
struct job {
    const struct gc_object *object;
    struct timespec built; /* when the notes were */
    struct gc_notes notes; /* nobody changes them meanwhile, but for the counters, under the lock */
    bool unknown;          /* of a GCC that is not known here: head.version is all there is */
    atomic_size_t next;    /* the data file that nobody has taken yet */
    unsigned readers;
    struct job *link; /* in work.jobs */
};

/* What all threads share. */
struct work {
    const struct cov_native *how;
    const struct gc_files *files;
    atomic_size_t next;   /* the object that nobody has taken yet */
    pthread_mutex_t lock; /* for all below, and the jobs' counters and readers */
    pthread_cond_t changed;
    struct job *jobs;
    unsigned taking; /* threads that may come with another job */
};

/* What each has for itself. */
struct worker {
    struct work *work;
    pthread_t thread;
    struct coverage coverage;
    struct strv problems, notes;
    struct strv newer; /* sources below the root that have changed since their notes were written */
    struct timespec built; /* when the notes of the current job were */
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

/* Where a source lies: from the compiler's folder on. If that is not told, or has no such file any more
 * because all was moved, from the nearest folder on above the notes that has it. Caller frees. */
static char *source_path(const struct gc_notes *n, const char *file)
{
    char *path = path_join(n->cwd, file), *folder = path_dirname(n->path ? n->path : "/");
    if (file[0] == '/' || !n->path || (n->cwd[0] && access(path, F_OK) == 0)) {
        free(folder);
        return path;
    }
    if (!n->cwd[0]) {
        free(path);
        path = path_join(folder, file);
    }
    for (bool more = true; more;) {
        char *there = path_join(folder, file), *above = path_dirname(folder);
        bool found = access(there, F_OK) == 0;
        more = !found && strcmp(above, folder) != 0;
        free(folder);
        free(found ? path : there);
        path = found ? there : path;
        folder = above;
    }
    free(folder);
    return path;
}

/* What the report calls a source file; NULL if it is not to be there. */
static const char *shown_name(const struct gc_notes *n, const char *file, void *arg)
{
    struct worker *w = arg;
    const struct cov_names *names = &w->work->how->names;
    if (file[0] == '<') /* "<built-in>" */
        return NULL;
    char *joined = source_path(n, file), *path = path_absolute(joined);
    const char *shown = cov_name_below(names, path);
    if (shown)
        note_newer(w, path, shown = coverage_intern(&w->coverage, shown));
    else if (cov_name_matches(names->include, NULL, path) || !names->root[1] ||
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

/* Has gcov read a data file, or (path is NULL) the notes alone. */
static void ask_gcov(struct worker *w, const struct job *job, const char *path)
{
    if (gcov_tool_add(&w->coverage, job->object->notes, path, job->notes.head.version, shown_name, w,
                      &w->problems) &&
        path)
        w->n_data++;
}

/* Takes data files of the job until there are none left and adds them to counters. Returns how many
 * were good. */
static unsigned add_data(struct worker *w, struct job *job, uint64_t *counters)
{
    const struct strv *data = &job->object->data;
    struct error err = ERROR_INIT;
    unsigned n = 0;
    size_t i;
    while ((i = atomic_fetch_add(&job->next, 1)) < data->n) {
        const char *path = data->v[i];
        if (job->unknown)
            ask_gcov(w, job, path);
        else if (load(w, path, &err) && gc_data_add(&job->notes, counters, path, w->data.data,
                                                    w->data.len, &err) == GC_OK)
            n++;
        else
            complain(w, &err);
    }
    w->n_data += n;
    return n;
}

/* Takes part in a job. Each thread has counters of its own, and their sums are added up: what comes out
 * does not depend on who reads what. Called with the lock, which is free in between. */
static void take_part(struct worker *w, struct job *job)
{
    struct work *work = w->work;
    struct gc_notes *notes = &job->notes;
    job->readers++;
    pthread_mutex_unlock(&work->lock);
    w->built = job->built;
    uint64_t *counters = xcalloc(notes->n_counters + 1, sizeof *counters);
    unsigned n = add_data(w, job, counters);
    pthread_mutex_lock(&work->lock);
    notes->n_data += n;
    for (size_t i = 0; i < notes->n_counters && n; i++)
        notes->counters[i] += counters[i];
    free(counters);
    job->readers--;
    pthread_cond_broadcast(&work->changed);
}

/* Reads the data files of a job, with the threads that have nothing else to do. */
static void read_data(struct worker *w, struct job *job)
{
    struct work *work = w->work;
    pthread_mutex_lock(&work->lock);
    job->link = work->jobs;
    work->jobs = job;
    pthread_cond_broadcast(&work->changed);
    take_part(w, job);
    struct job **at = &work->jobs;
    while (*at != job)
        at = &(*at)->link;
    *at = job->link;
    while (job->readers)
        pthread_cond_wait(&work->changed, &work->lock);
    pthread_mutex_unlock(&work->lock);
}

static void read_object(struct worker *w, const struct gc_object *o)
{
    struct job job = {.object = o};
    struct error err = ERROR_INIT;
    struct stat st;
    char version[16];
    if (!load(w, o->notes, &err))
        return complain(w, &err);
    if (stat(o->notes, &st) == 0)
        job.built = st.st_mtim;
    switch (gc_notes_read(&job.notes, o->notes, w->data.data, w->data.len, &err)) {
    case GC_OK:
        break;
    case GC_UNKNOWN:
        strv_pushf(&w->notes, "%s: of GCC %s, which is not known here; gcov is asked", o->notes,
                   gc_version_text(job.notes.head.version, version));
        job.unknown = true;
        break;
    case GC_BAD:
        return complain(w, &err);
    }
    read_data(w, &job);
    w->built = job.built;
    if (job.unknown) {
        if (!o->data.n)
            ask_gcov(w, &job, NULL);
        return;
    }
    size_t unsolved = gc_lines_add(&job.notes, &w->coverage, shown_name, w);
    if (unsolved)
        strv_pushf(&w->problems, "%s: the counts of %zu functions do not follow from their counters",
                   o->notes, unsolved);
    gc_notes_release(&job.notes);
}

/* A job with data files that nobody has taken yet; NULL if there is none. */
static struct job *find_job(const struct work *work)
{
    struct job *job = work->jobs;
    while (job && atomic_load(&job->next) >= job->object->data.n)
        job = job->link;
    return job;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct work *work = w->work;
    for (;;) {
        size_t i = atomic_fetch_add(&work->next, 1);
        if (i >= work->files->n_objects)
            break;
        read_object(w, &work->files->objects[i]);
    }
    pthread_mutex_lock(&work->lock);
    work->taking--;
    pthread_cond_broadcast(&work->changed);
    for (struct job *job; (job = find_job(work)) || work->taking;) {
        if (job)
            take_part(w, job);
        else
            pthread_cond_wait(&work->changed, &work->lock);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
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

/* More than there are files to read would have nothing to do. */
static unsigned count_threads(const struct cov_native *how, const struct gc_files *files)
{
    size_t most = how->threads < MOST_THREADS ? how->threads : MOST_THREADS, n = files->n_objects;
    for (size_t i = 0; i < files->n_objects && n < most; i++)
        n += files->objects[i].data.n;
    n = n < most ? n : most;
    return n ? (unsigned)n : 1;
}

/* Lets n workers, whose work is set, read all objects. */
static void run_all(struct work *work, struct worker *workers, unsigned n)
{
    unsigned started = 1; /* this thread is the first */
    work->taking = n;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->changed, NULL);
    while (started < n &&
           pthread_create(&workers[started].thread, NULL, run, &workers[started]) == 0)
        started++;
    /* What a thread that cannot be started would have taken is left to the others. */
    pthread_mutex_lock(&work->lock);
    work->taking -= n - started;
    pthread_mutex_unlock(&work->lock);
    run(&workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_cond_destroy(&work->changed);
    pthread_mutex_destroy(&work->lock);
}

size_t cov_native_read(struct coverage *c, char *const *inputs, size_t n_inputs,
                       const struct cov_native *how, struct strv *problems)
{
    struct gc_files files;
    struct strv own = STRV_INIT, newer = STRV_INIT;
    size_t n_data = 0;
    gc_files_find(&files, inputs, n_inputs, how->objects, &own);
    struct work work = {.how = how, .files = &files};
    unsigned n = count_threads(how, &files);
    struct worker *workers = xcalloc(n, sizeof *workers);
    for (unsigned i = 0; i < n; i++) {
        workers[i].work = &work;
        coverage_init(&workers[i].coverage);
    }
    run_all(&work, workers, n);
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
