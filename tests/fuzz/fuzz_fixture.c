/* Exercises the readers of `rowlock __fixture`: lists of mappings, values of a configuration, variables as
 * they were, and the identity that a script hands back. An input is a byte that says what is asked, a word, a
 * NUL, another word, a NUL, and the content of every file that may be read. What was set can be asked for. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/fixture.h"
#include "fixtures/priv.h"
#include "support.h"

static unsigned said;

/* In place of command.c's, which brings all commands with it. */
void command_say(const char *text)
{
    CHECK(text && text[0]);
    said++;
}

bool rowlock_priv_remove_tree(int dirfd, const char *path)
{
    return file_remove_tree(dirfd, path);
}

/* What is asked for with these words; what it prints is the caller's. */
static int ask(char *identity, const char *what, const char *const *words, char **printed)
{
    char pid[16], *argv[8] = {pid, identity, (char *)what};
    size_t len;
    int argc = 3;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    FILE *out = stdout;
    CHECK((stdout = open_memstream(printed, &len)) != NULL);
    said = 0;
    int code = fixture_main(argc, argv);
    fclose(stdout);
    stdout = out;
    CHECK(code >= FIXTURE_YES && code <= FIXTURE_FAILED);
    CHECK(said == (code == FIXTURE_FAILED));
    CHECK(code == FIXTURE_YES || !**printed);
    return code;
}

/* The identity is read, and would count if none did: the one that a process has first stays. */
static void ask_as(const char *identity, const char *member)
{
    const char *const words[] = {member, NULL};
    char *copy = xstrdup(identity), *printed;
    ask(copy, "context", words, &printed);
    free(printed);
    free(copy);
}

static void set_and_get(const char *folder, const char *name, const char *value, bool setting)
{
    const char *const set[] = {folder, name, value, NULL}, *const get[] = {folder, name, NULL};
    char *printed, *want = xasprintf("%s\n", value);
    int code = ask("", setting ? "config-set" : "config-set-mapping", set, &printed);
    free(printed);
    if (code == FIXTURE_YES) {
        CHECK(ask("", setting ? "config-get" : "config-get-mapping", get, &printed) == FIXTURE_YES);
        CHECK(strcmp(printed, want) == 0);
        free(printed);
    }
    free(want);
}

static void write_files(const char *folder, const void *data, size_t size)
{
    struct error err = ERROR_INIT;
    static const char *const names[] = {"/values", "/list", ".env"};
    CHECK(file_mkdirs(folder, &err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = xasprintf("%s%s", folder, names[i]);
        CHECK(file_write(path, data, size, &err));
        free(path);
    }
}

static void run(unsigned what, const char *folder, const char *word, const char *other)
{
    static const char *const plain[] = {"config-default-mappings", "config-custom-mappings",
                                        "config-reset", "environment-changed"};
    char *list = path_join(folder, "list"), *printed = NULL;
    const char *const one[] = {folder, NULL}, *const two[] = {folder, word, NULL};
    const char *const lists[] = {folder, list, list, NULL}, *const from[] = {list, word, NULL};
    switch (what % 11) {
    case 0:
    case 1:
        set_and_get(folder, word, other, what % 11);
        break;
    case 2:
        ask("", "config-merge-mappings", lists, &printed);
        break;
    case 3:
        ask("", "mappings-get", from, &printed);
        break;
    case 4:
        ask("", "environment-value", two, &printed);
        break;
    case 5:
        ask_as(other, word);
        break;
    case 6:
        ask("", "config-has-mapping", two, &printed);
        break;
    default:
        ask("", plain[what % 11 - 7], one, &printed);
    }
    free(printed);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *folder;
    struct fuzz_pieces it;
    if (!size)
        return 0;
    if (!folder) {
        folder = path_join(fuzz_folder(), "config");
        ask_as("", "mode");
    }
    fuzz_pieces_init(&it, data + 1, size - 1);
    char *word = fuzz_next_piece(&it), *other = fuzz_next_piece(&it);
    write_files(folder, it.more ? it.p : data, it.more ? (size_t)(it.end - it.p) : 0);
    run(data[0], folder, word ? word : "", other ? other : "");
    free(word);
    free(other);
    return 0;
}

bool fuzz_seed(unsigned k, struct buf *b)
{
    static const char values[] = "m\tname\tvalue\ns\ttabs\\tand\tback\\\\slash\\n\n";
    static const char list[] = "name\tvalue\nother\t\n";
    static const char variables[] = "HOME=/home/user\0NAME=one\ntwo\0TMPDIR=";
    static const char identity[] = "FQCN\tgw1\t1\t4\trun\t/tmp/shared\t/tmp/base\t/tmp";
    if (k >= 22)
        return false;
    buf_addc(b, (char)k);
    if (k % 11 == 5) {
        FUZZ_PIECES(b, "worker_id\0");
        buf_adds(b, identity);
        return true;
    }
    FUZZ_PIECES(b, "NAME\0a\tvalue\0");
    if (k % 11 == 4 || k % 11 == 10)
        FUZZ_PIECES(b, variables);
    else
        buf_adds(b, k < 11 ? values : list);
    return true;
}
