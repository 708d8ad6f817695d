/* Runs one fuzz target without libFuzzer: every seed, then a fixed number of mutations of seeds.
 *
 *     fuzz_NAME [-n RUNS] [-o FOLDER] [-w FOLDER] SEED...
 *
 * A SEED is a file or a folder of files. RUNS counts the mutations (default: $FUZZ_RUNS, else
 * 3000). An input that crashes, hangs or leaks is saved in FOLDER (-o, default "."), and
 * `fuzz_NAME -n 0 FILE` runs it again. With -w the seeds, made ones included, are written to a
 * folder, and nothing is run.
 *
 * Run i of a target has the same input everywhere: it depends on i and the seeds alone. The runs
 * happen in child processes, a block of them in each, so that whatever ends one of those leaves
 * us with its input, which lies in shared memory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "support.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKED() (__lsan_do_recoverable_leak_check() != 0)
#else
#define LEAKED() false
#endif

#pragma weak fuzz_seed

enum {
    RUNS = 3000,
    BLOCK = 500,          /* runs in one process */
    LONGEST = 256 * 1024, /* bytes of an input */
    LONGEST_RUN = 20,     /* seconds */
    MOST_CHANGES = 6,
    STATUS_LEAK = 42
};

struct shared {
    size_t run, len;
    unsigned char data[LONGEST];
};

struct program {
    const char *name;
    struct buf *seeds;
    size_t n_seeds;
    const char *out; /* where inputs are saved */
    struct shared *shared;
};

/* ---- Seeds --------------------------------------------------------------------------------- */

static void add_seed(struct program *p, const char *data, size_t len)
{
    p->seeds = xreallocarray(p->seeds, p->n_seeds + 1, sizeof *p->seeds);
    struct buf *b = &p->seeds[p->n_seeds++];
    buf_init(b);
    buf_add(b, data, len < LONGEST ? len : LONGEST);
}

static void add_file(struct program *p, const char *path)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    if (!file_read(path, &b, &err)) {
        fprintf(stderr, "%s: %s\n", p->name, err.msg);
        exit(2);
    }
    add_seed(p, buf_cstr(&b), b.len);
    buf_release(&b);
}

/* The files of a folder, by name; a missing one has none. */
static void add_folder(struct program *p, const char *path)
{
    struct strv names = STRV_INIT;
    struct dirent *e;
    DIR *d = opendir(path);
    while (d && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            strv_push_nodup(&names, path_join(path, e->d_name));
    if (d)
        closedir(d);
    strv_sort(&names);
    for (size_t i = 0; i < names.n; i++)
        add_file(p, names.v[i]);
    strv_release(&names);
}

static void add_made_seeds(struct program *p)
{
    for (unsigned k = 0; fuzz_seed; k++) {
        struct buf b = BUF_INIT;
        bool more = fuzz_seed(k, &b);
        if (more)
            add_seed(p, buf_cstr(&b), b.len);
        buf_release(&b);
        if (!more)
            return;
    }
}

static int write_seeds(const struct program *p, const char *folder)
{
    struct error err = ERROR_INIT;
    bool ok = file_mkdirs(folder, &err);
    for (size_t i = 0; i < p->n_seeds && ok; i++) {
        char *path = xasprintf("%s/%zu", folder, i);
        ok = file_write(path, p->seeds[i].data, p->seeds[i].len, &err);
        free(path);
    }
    if (!ok)
        fprintf(stderr, "%s: %s\n", p->name, err.msg);
    error_release(&err);
    return ok ? 0 : 2;
}

/* ---- Mutations ----------------------------------------------------------------------------- */

/* xorshift64* (Vigna), seeded by the number of the run. */
static uint64_t state;

static void random_start(size_t run)
{
    state = 0x9e3779b97f4a7c15u * (run + 1);
}

static size_t random_below(size_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return n ? (size_t)((state * 0x2545f4914f6cdd1du) >> 32) % n : 0;
}

static char odd_byte(void)
{
    static const char odd[] = "\0\1\t\n\r\x1b\x7f\x80\xff !\"#$%&'()*+,-./09:;<=>?@A[\\]^_`az{|}~";
    return random_below(4) ? odd[random_below(sizeof odd - 1)] : (char)random_below(256);
}

/* Replaces len bytes at `at` by n others. */
static void replace(struct buf *b, size_t at, size_t len, const char *data, size_t n)
{
    struct buf fresh = BUF_INIT;
    buf_add(&fresh, buf_cstr(b), at);
    buf_add(&fresh, data, n);
    if (b->len > at + len)
        buf_add(&fresh, b->data + at + len, b->len - at - len);
    buf_release(b);
    *b = fresh;
}

static void change(const struct program *p, struct buf *b)
{
    static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t at = random_below(b->len + 1);
    size_t len = random_below(b->len - at < 32 ? b->len - at + 1 : 32);
    const struct buf *other = &p->seeds[random_below(p->n_seeds)];
    size_t from = random_below(other->len + 1), n = random_below(other->len - from + 1);
    char byte = odd_byte();
    switch (random_below(8)) {
    case 0: /* flip a bit */
        if (at < b->len)
            b->data[at] = (char)(b->data[at] ^ 1 << random_below(8));
        break;
    case 1: /* a run of edge values: lengths and offsets */
        for (size_t i = at; i < b->len && i < at + 4; i++)
            b->data[i] = (char)edges[random_below(sizeof edges)];
        break;
    case 2:
        replace(b, at, len ? 1 : 0, &byte, 1);
        break;
    case 3:
        replace(b, at, 0, &byte, 1);
        break;
    case 4: /* leave a piece out */
        replace(b, at, len, "", 0);
        break;
    case 5: /* say a piece again */
        if (len) {
            char *piece = xmemdup0(b->data + at, len);
            for (size_t i = random_below(8) + 1; i > 0 && b->len < LONGEST / 2; i--)
                replace(b, at, 0, piece, len);
            free(piece);
        }
        break;
    default: /* put in, or go on with, a piece of another seed */
        replace(b, at, random_below(2) ? len : b->len - at, buf_cstr(other) + from, n);
    }
}

/* The input of a run, in shared memory. */
static void make_input(const struct program *p, size_t run)
{
    struct buf b = BUF_INIT;
    random_start(run);
    bool is_seed = run < p->n_seeds;
    const struct buf *seed = &p->seeds[is_seed ? run : random_below(p->n_seeds)];
    buf_add(&b, buf_cstr(seed), seed->len);
    for (size_t i = is_seed ? 0 : 1 + random_below(MOST_CHANGES); i > 0; i--)
        change(p, &b);
    p->shared->run = run;
    p->shared->len = b.len < LONGEST ? b.len : LONGEST;
    memcpy(p->shared->data, buf_cstr(&b), p->shared->len);
    buf_release(&b);
}

/* ---- Running ------------------------------------------------------------------------------- */

static void run_block(const struct program *p, size_t first, size_t last, bool check_each)
{
    for (size_t run = first; run < last; run++) {
        make_input(p, run);
        /* A copy that ends where the input ends: reading past it is found. */
        size_t len = p->shared->len;
        uint8_t *copy = xmalloc(len);
        memcpy(copy, p->shared->data, len);
        alarm(LONGEST_RUN);
        LLVMFuzzerTestOneInput(copy, len);
        alarm(0);
        free(copy);
        if (check_each && LEAKED())
            _exit(STATUS_LEAK);
    }
    _exit(LEAKED() ? STATUS_LEAK : 0);
}

/* Runs a block in a child and returns its wait status. */
static int try_block(const struct program *p, size_t first, size_t last, bool check_each)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_block(p, first, last, check_each);
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            pid = -1;
    if (pid < 0) {
        perror(p->name);
        exit(2);
    }
    return status;
}

static void save(const struct program *p, int status)
{
    bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    bool leak = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_LEAK;
    const char *what = hung ? "hang" : leak ? "leak" : "crash";
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s/%s-%s-%zu", p->out, what, p->name, p->shared->run);
    if (file_write(path, p->shared->data, p->shared->len, &err))
        printf("not ok %s: %s in run %zu; its input is saved in %s\n", p->name, what,
               p->shared->run, path);
    else
        printf("not ok %s: %s in run %zu; its input cannot be saved: %s\n", p->name, what,
               p->shared->run, err.msg);
    error_release(&err);
    free(path);
}

static int run_all(const struct program *p, size_t runs)
{
    size_t total = p->n_seeds + runs;
    for (size_t first = 0; first < total; first += BLOCK) {
        size_t last = total - first < BLOCK ? total : first + BLOCK;
        int status = try_block(p, first, last, false);
        if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_LEAK)
            status = try_block(p, first, last, true);
        if (status != 0) {
            save(p, status);
            return 1;
        }
    }
    printf("ok %s %zu\n", p->name, total);
    return 0;
}

/* What the targets leave behind when they are ended is removed with this folder. */
static char temp[64];

static void remove_temp(void)
{
    file_remove_tree(AT_FDCWD, temp);
}

static void read_seeds(struct program *p, char *const *paths)
{
    struct stat st;
    for (; *paths; paths++) {
        if (stat(*paths, &st) == 0 && S_ISREG(st.st_mode))
            add_file(p, *paths);
        else
            add_folder(p, *paths);
    }
}

static void prepare(struct program *p)
{
    p->shared =
        mmap(NULL, sizeof *p->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(temp, sizeof temp, "%s/rl-XXXXXX", fuzz_temp());
    if (p->shared == MAP_FAILED || !mkdtemp(temp) || atexit(remove_temp) != 0 ||
        setenv("TMPDIR", temp, 1) != 0) {
        perror(p->name);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const char *base = path_basename(argv[0]), *env = getenv("FUZZ_RUNS"), *made = NULL;
    struct program p = {.name = strncmp(base, "fuzz_", 5) == 0 ? base + 5 : base, .out = "."};
    size_t runs = env && *env ? (size_t)strtoul(env, NULL, 10) : RUNS;
    int c, status;
    while ((c = getopt(argc, argv, "n:o:w:")) != -1) {
        if (c == '?')
            return 2;
        if (c == 'n')
            runs = (size_t)strtoul(optarg, NULL, 10);
        else
            *(c == 'o' ? &p.out : &made) = optarg;
    }
    prepare(&p);
    read_seeds(&p, argv + optind);
    if (runs || made)
        add_made_seeds(&p);
    if (made) {
        status = write_seeds(&p, made);
    } else {
        add_seed(&p, "", 0);
        status = run_all(&p, runs);
    }
    for (size_t i = 0; i < p.n_seeds; i++)
        buf_release(&p.seeds[i]);
    free(p.seeds);
    return status;
}
