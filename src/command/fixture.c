/* __fixture: what the functions of src/fixtures/fixtures.sh call, so that scripts have the folders, the ports
 * and the lock of librowlock and not their own idea of them.
 *
 *     rowlock __fixture PID IDENTITY WHAT [WORD…]
 *
 * PID is the script's shell: what is made belongs to it and goes with it. IDENTITY is what "identity" has
 * printed when the script began ("" for that call itself), as librowlock reads the environment once, too:
 * the fields of struct rowlock_priv_identity with tabs between them. */
#include "command/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "fixtures/priv.h"

/* ---- Text ------------------------------------------------------------------------------------- */

int fixture_print(char *text)
{
    if (!text)
        return FIXTURE_FAILED;
    puts(text);
    free(text);
    return FIXTURE_YES;
}

void fixture_add_escaped(struct buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\\' || *s == '\t' || *s == '\n') {
            buf_addc(b, '\\');
            buf_addc(b, *s == '\t' ? 't' : *s == '\n' ? 'n' : '\\');
        } else {
            buf_addc(b, *s);
        }
    }
}

char *fixture_next_field(char **rest)
{
    char *field = *rest, *to = field, *from = field;
    for (; *from && *from != '\t'; from++) {
        if (*from == '\\' && from[1] && from[1] != '\t') {
            from++;
            *to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    *rest = *from ? from + 1 : NULL;
    *to = '\0';
    return field;
}

bool fixture_read(const char *path, struct buf *b)
{
    struct error err = ERROR_INIT;
    bool ok = file_read(path, b, &err);
    if (!ok)
        rowlock_priv_fail("%s", err.msg);
    else if (b->len && memchr(b->data, '\0', b->len))
        ok = rowlock_priv_fail("%s: holds a zero byte; remove it", path);
    error_release(&err);
    return ok;
}

/* ---- Who runs this test ----------------------------------------------------------------------- */

static int print_identity(char **words, int n)
{
    (void)words, (void)n;
    const struct rowlock_priv_identity *id = rowlock_priv_identity();
    const char *fields[] = {id->prefix,  id->worker_id,  id->is_parallel ? "1" : "", NULL,
                            id->run_uid, id->shared_dir, id->base,                   id->tmp};
    char count[16];
    struct buf b = BUF_INIT;
    snprintf(count, sizeof count, "%u", id->worker_count);
    fields[3] = count;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i)
            buf_addc(&b, '\t');
        fixture_add_escaped(&b, fields[i] ? fields[i] : "");
    }
    return fixture_print(buf_detach(&b));
}

/* The other way round; text is changed and has to stay. */
static bool read_identity(char *text, struct rowlock_priv_identity *id)
{
    char *fields[8] = {NULL}, *rest = text;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!rest)
            return rowlock_priv_fail("__fixture: the identity has %zu fields; source fixtures.sh "
                                     "again",
                                     i);
        char *field = fixture_next_field(&rest);
        fields[i] = field[0] ? field : NULL;
    }
    if (!fields[0] || !fields[1] || !fields[7])
        return rowlock_priv_fail("__fixture: the identity lacks a field; source fixtures.sh again");
    *id = (struct rowlock_priv_identity){.prefix = fields[0],
                                         .worker_id = fields[1],
                                         .is_parallel = fields[2] != NULL,
                                         .worker_count = fields[3] ? (unsigned)atoi(fields[3]) : 1,
                                         .run_uid = fields[4],
                                         .shared_dir = fields[5],
                                         .base = fields[6],
                                         .tmp = fields[7]};
    return true;
}

/* The member of struct rowlock_context that words[0] names, or env_prefix. */
static int print_member(char **words, int n)
{
    (void)n;
    const struct rowlock_priv_identity *id = rowlock_priv_identity();
    const char *name = words[0];
    struct timespec now;
    if (strcmp(name, "worker_id") == 0)
        return fixture_print(xstrdup(id->worker_id));
    if (strcmp(name, "env_prefix") == 0)
        return fixture_print(xstrdup(id->prefix));
    if (strcmp(name, "mode") == 0)
        return fixture_print(xstrdup(id->is_parallel ? "parallel" : "sequential"));
    if (strcmp(name, "worker_count") == 0)
        return fixture_print(xasprintf("%u", id->worker_count));
    if (strcmp(name, "testrun_uid") == 0)
        return fixture_print(xstrdup(id->run_uid ? id->run_uid : ""));
    if (strcmp(name, "start_time") == 0) {
        clock_gettime(CLOCK_REALTIME, &now);
        return fixture_print(xasprintf("%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000));
    }
    rowlock_priv_fail("'%s': is no member of a context; see rowlock-fixtures(3)", name);
    return FIXTURE_FAILED;
}

/* ---- Folders and files ------------------------------------------------------------------------ */

static int print_root(char **words, int n)
{
    (void)words, (void)n;
    return fixture_print(rowlock_priv_root());
}

static int new_dir(char **words, int n)
{
    (void)words, (void)n;
    return fixture_print(rowlock_temp_dir_new());
}

/* Is path a folder that temp-dir-new has made for this script? Otherwise a mistyped variable of a script
 * would cost a home folder. */
static bool is_ours(const char *path)
{
    char *root = rowlock_priv_root();
    size_t len = root ? strlen(root) : 0;
    if (!root)
        return false;
    bool ok = strncmp(path, root, len) == 0 && path[len] == '/' && path[len + 1] == 't' &&
              path[len + 2] && path[len + 2 + strspn(path + len + 2, "0123456789")] == '\0';
    free(root);
    return ok || rowlock_priv_fail("%s: is no folder of this script; hand over what "
                                   "rowlock_temp_dir_new has printed",
                                   path);
}

static int free_dir(char **words, int n)
{
    (void)n;
    if (!words[0][0])
        return FIXTURE_YES;
    if (!is_ours(words[0]))
        return FIXTURE_FAILED;
    char *saved = xasprintf("%s.env", words[0]); /* of fixtureenv.c */
    unlink(saved);
    free(saved);
    rowlock_temp_dir_free(xstrdup(words[0]));
    return FIXTURE_YES;
}

static bool read_stdin(struct buf *b)
{
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buf_reserve(b, 65536), 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rowlock_priv_fail_errno("standard input: cannot be read; give the text behind "
                                           "the name");
        if (n == 0)
            return true;
        b->len += (size_t)n;
    }
}

static int new_file(char **words, int n)
{
    struct buf b = BUF_INIT;
    char *path = NULL;
    if (n > 2)
        buf_adds(&b, words[2]);
    if (n > 2 || read_stdin(&b))
        path = rowlock_temp_file(words[0][0] ? words[0] : NULL, words[1], b.len ? b.data : NULL,
                                 b.len);
    buf_release(&b);
    return fixture_print(path);
}

static int clean_up(char **words, int n)
{
    (void)words, (void)n;
    char *root = rowlock_priv_root();
    bool ok = root && (rowlock_priv_remove_tree(AT_FDCWD, root) ||
                       rowlock_priv_fail_errno("%s: cannot be removed", root));
    free(root);
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

/* ---- The lock --------------------------------------------------------------------------------- */

/* The shell opens the file, so that the lock is free when the shell has ended. */
static int print_lock_file(char **words, int n)
{
    (void)words, (void)n;
    char *path = rowlock_priv_serial_path();
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (path && fd < 0) {
        rowlock_priv_fail_errno("%s: cannot be opened", path);
        free(path);
        path = NULL;
    }
    if (fd >= 0)
        close(fd);
    return fixture_print(path);
}

/* The descriptor that the shell has opened the file with and handed down; -1 if there is none. */
static int lock_fd(const char *word)
{
    int fd = word[0] >= '3' && word[0] <= '9' && !word[1] ? word[0] - '0' : -1;
    if (fd >= 0 && fcntl(fd, F_GETFD) >= 0)
        return fd;
    rowlock_priv_fail("descriptor %s is not open; leave it alone between rowlock_serial_lock and "
                      "rowlock_serial_unlock",
                      word);
    return -1;
}

static int take_lock(const char *word, int operation)
{
    int fd = lock_fd(word);
    char *path = fd >= 0 ? rowlock_priv_serial_path() : NULL;
    int code = path ? FIXTURE_YES : FIXTURE_FAILED;
    while (code == FIXTURE_YES && flock(fd, operation) != 0) {
        if (errno == EWOULDBLOCK)
            code = FIXTURE_NO;
        else if (errno != EINTR) {
            rowlock_priv_fail_errno("%s: cannot be locked", path);
            code = FIXTURE_FAILED;
        }
    }
    if (code == FIXTURE_YES && !rowlock_priv_is_file(fd, path))
        code = FIXTURE_AGAIN;
    free(path);
    return code;
}

static int lock(char **words, int n)
{
    (void)n;
    return take_lock(words[0], LOCK_EX);
}

static int try_lock(char **words, int n)
{
    (void)n;
    return take_lock(words[0], LOCK_EX | LOCK_NB);
}

/* Closing it is not enough where another process has a copy of the descriptor. */
static int unlock(char **words, int n)
{
    (void)n;
    int fd = lock_fd(words[0]);
    bool ok = fd >= 0 && (flock(fd, LOCK_UN) == 0 ||
                          rowlock_priv_fail_errno("the serial lock cannot be given back"));
    return ok ? FIXTURE_YES : FIXTURE_FAILED;
}

/* ---- Ports ------------------------------------------------------------------------------------ */

static int new_port(char **words, int n)
{
    (void)words, (void)n;
    int port = rowlock_port_new();
    return fixture_print(port > 0 ? xasprintf("%d", port) : NULL);
}

static int free_port(char **words, int n)
{
    (void)n;
    char *end;
    long port = strtol(words[0], &end, 10);
    if (end == words[0] || *end) {
        rowlock_priv_fail("'%s': a port is a number", words[0]);
        return FIXTURE_FAILED;
    }
    rowlock_port_free(port > 0 && port < 65536 ? (int)port : -1);
    return FIXTURE_YES;
}

/* ---- The command ------------------------------------------------------------------------------ */

static const struct fixture_row rows[] = {
    {"identity", 0, 0, print_identity},
    {"context", 1, 1, print_member},
    {"root", 0, 0, print_root},
    {"temp-dir-new", 0, 0, new_dir},
    {"temp-dir-free", 1, 1, free_dir},
    {"temp-file", 2, 3, new_file},
    {"cleanup", 0, 0, clean_up},
    {"lock-file", 0, 0, print_lock_file},
    {"lock", 1, 1, lock},
    {"trylock", 1, 1, try_lock},
    {"unlock", 1, 1, unlock},
    {"port-new", 0, 0, new_port},
    {"port-free", 1, 1, free_port},
    {NULL, 0, 0, NULL},
};

static const struct fixture_row *find_row(const char *name)
{
    const struct fixture_row *const tables[] = {rows, fixture_env_rows, fixture_config_rows};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct fixture_row *row = tables[i]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static int run(int argc, char **argv)
{
    static struct rowlock_priv_identity id;
    char *end;
    long pid = argc > 2 ? strtol(argv[0], &end, 10) : 0;
    const struct fixture_row *row = argc > 2 ? find_row(argv[2]) : NULL;
    if (pid <= 0 || pid > 0x7fffffff || *end || !row) {
        rowlock_priv_fail("__fixture: is for the functions of the file that rowlock "
                          "--shell-fixtures names");
        return FIXTURE_FAILED;
    }
    if (argc - 3 < row->min || argc - 3 > row->max) {
        rowlock_priv_fail("%s: wants %d to %d words, not %d; see rowlock-fixtures(3)", argv[2],
                          row->min, row->max, argc - 3);
        return FIXTURE_FAILED;
    }
    if (argv[1][0] && !read_identity(argv[1], &id))
        return FIXTURE_FAILED;
    rowlock_priv_act_for((pid_t)pid, argv[1][0] ? &id : NULL);
    return row->run(argv + 3, argc - 3);
}

int fixture_main(int argc, char **argv)
{
    int code = run(argc, argv);
    if (code == FIXTURE_FAILED)
        command_say(rowlock_error());
    return code;
}
