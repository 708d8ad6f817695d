#include "config/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

extern char **environ;

/* The exit status of the script below when its Python cannot read TOML. */
enum { STATUS_NO_TOML = 3 };

/* The current folder is taken from sys.path, so that no json.py of the project is imported. */
static const char script[] =
    "import sys\n"
    "sys.path = [p for p in sys.path if p]\n"
    "try:\n"
    "    import tomllib\n"
    "except ImportError:\n"
    "    try:\n"
    "        import tomli as tomllib\n"
    "    except ImportError:\n"
    "        sys.exit(3)\n"
    "import json, re\n"
    "def plain(v):\n"
    "    if isinstance(v, dict):\n"
    "        return {k: plain(x) for k, x in v.items()}\n"
    "    if isinstance(v, list):\n"
    "        return [plain(x) for x in v]\n"
    "    if isinstance(v, (bool, str)) or isinstance(v, int) and abs(v) < 2 ** 53:\n"
    "        return v\n"
    "    return str(v)\n"
    "def table(v, *names):\n"
    "    for name in names:\n"
    "        v = v.get(name) if isinstance(v, dict) else None\n"
    "    return plain(v) if isinstance(v, dict) else None\n"
    "def read(path):\n"
    "    line = column = 1\n"
    "    text = ''\n"
    "    try:\n"
    "        with open(path, encoding='utf-8') as f:\n"
    "            text = f.read()\n"
    "        doc = tomllib.loads(text)\n"
    "        return {'tool_pytest': table(doc, 'tool', 'pytest'), 'pytest': table(doc, 'pytest'),\n"
    "                'tool_rowlock': table(doc, 'tool', 'rowlock'),\n"
    "                'rowlock': table(doc, 'rowlock'),\n"
    "                'top': [k for k, v in doc.items() if not isinstance(v, dict)]}\n"
    "    except UnicodeDecodeError as e:\n"
    "        before = e.object[:e.start].split(b'\\n')\n"
    "        line, column, what = len(before), len(before[-1]) + 1, 'not UTF-8'\n"
    "    except tomllib.TOMLDecodeError as e:\n"
    "        at = ' [(]at (line ([0-9]+), column ([0-9]+)|end of document)[)]$'\n"
    "        place = re.search(at, str(e))\n"
    "        what = re.sub(at, '', str(e))\n"
    "        if place and place.group(2):\n"
    "            line, column = int(place.group(2)), int(place.group(3))\n"
    "        elif place:\n"
    "            lines = text.split('\\n')\n"
    "            line, column = len(lines), len(lines[-1]) + 1\n"
    "    except OSError as e:\n"
    "        what = e.strerror\n"
    "    except RecursionError:\n"
    "        what = 'nested too deeply'\n"
    "    return {'error': what, 'line': line, 'column': column}\n"
    "print(json.dumps(read(sys.argv[1])))\n";

/* Starts python on the script, standard output going to write_end; 0 or an errno. */
static int start(const char *python, const char *path, int write_end, pid_t *pid)
{
    char *argv[] = {(char *)python, (char *)"-c", (char *)script, (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, write_end, 1);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (!failed)
        failed = posix_spawnp(pid, python, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void read_all(int fd, struct buf *out)
{
    enum { CHUNK = 65536 };
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    out->data[out->len] = '\0';
}

/* What the script printed, in out; false and err if it did not get that far. shown is the path
 * for messages. */
static bool run(const char *python, const char *path, const char *shown, struct buf *out,
                struct error *err)
{
    int ends[2];
    pid_t pid = -1;
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(err, EXIT_INTERNAL, "pipe");
    int failed = start(python, path, ends[1], &pid);
    close(ends[1]);
    if (!failed)
        read_all(ends[0], out);
    close(ends[0]);
    while (!failed && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            failed = errno;
    if (failed)
        return error_set(err, EXIT_USAGE,
                         "%s: cannot be started (%s); name a Python that can read %s with --python",
                         python, strerror(failed), shown);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NO_TOML)
        return error_set(err, EXIT_USAGE,
                         "%s: this Python has no tomllib to read %s; use Python 3.11 or later, or "
                         "install tomli for it",
                         python, shown);
    return true;
}

static unsigned number_of(const cJSON *answer, const char *name)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(answer, name);
    return cJSON_IsNumber(n) && n->valuedouble >= 1 && n->valuedouble < 1e9
               ? (unsigned)n->valuedouble
               : 1;
}

/* False and err if the script found a mistake in the file, or did not do its work. */
static bool check_answer(const cJSON *answer, const char *python, const char *shown,
                         struct error *err)
{
    if (!cJSON_IsObject(answer))
        return error_set(err, EXIT_USAGE,
                         "%s: gave no answer about %s; name another Python with --python", python,
                         shown);
    const cJSON *what = cJSON_GetObjectItemCaseSensitive(answer, "error");
    if (!cJSON_IsString(what))
        return true;
    struct buf message = BUF_INIT;
    text_escape(&message, what->valuestring, strlen(what->valuestring), 200);
    error_set(err, EXIT_USAGE, "%s:%u:%u: %s; correct the TOML", shown, number_of(answer, "line"),
              number_of(answer, "column"), message.data);
    buf_release(&message);
    return false;
}

cJSON *toml_read(const char *python, const char *path, struct error *err)
{
    struct buf out = BUF_INIT, shown = BUF_INIT;
    cJSON *answer = NULL;
    text_escape(&shown, path, strlen(path), SIZE_MAX);
    if (run(python, path, buf_cstr(&shown), &out, err)) {
        answer = cJSON_Parse(out.data);
        if (!check_answer(answer, python, buf_cstr(&shown), err)) {
            cJSON_Delete(answer);
            answer = NULL;
        }
    }
    buf_release(&shown);
    buf_release(&out);
    return answer;
}

/* The start of a line without blanks and quotes, which TOML allows around the parts of a name. */
static void squeeze(const char *line, char *out, size_t size)
{
    size_t n = 0;
    for (; *line && *line != '\n' && n + 1 < size; line++)
        if (!strchr(" \t\r\"'", *line))
            out[n++] = *line;
    out[n] = '\0';
}

static bool starts_with(const char *s, const char *start)
{
    return strncmp(s, start, strlen(start)) == 0;
}

bool toml_may_concern_us(const char *text)
{
    static const char *const starts[] = {"[tool.pytest",  "tool.pytest",  "[tool]", "tool=",
                                         "[tool.rowlock", "tool.rowlock", "[tool#"};
    while (*text) {
        char line[16];
        squeeze(text, line, sizeof line);
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
            if (starts_with(line, starts[i]))
                return true;
        text = strchrnul(text, '\n');
        text += *text == '\n';
    }
    return false;
}

/* Is the line the header of the table, or of one in it? */
static bool opens_table(const char *line, const char *table)
{
    size_t len = strlen(table);
    line += *line == '[';
    if (starts_with(line, "tool."))
        line += strlen("tool.");
    return strncmp(line, table, len) == 0 && (line[len] == ']' || line[len] == '.');
}

void toml_place(const char *text, const char *table, const char *key, unsigned *line,
                unsigned *column)
{
    size_t len = strlen(key);
    bool inside = false;
    unsigned number = 0;
    *line = *column = 1;
    while (*text) {
        const char *end = strchrnul(text, '\n');
        char head[64];
        number++;
        squeeze(text, head, sizeof head);
        if (head[0] == '[')
            inside = opens_table(head, table);
        const char *start = text + strspn(text, " \t\"'");
        if (inside && strncmp(start, key, len) == 0 && start[len] &&
            strchr(" \t\"'=.", start[len])) {
            *line = number;
            *column = (unsigned)strspn(text, " \t") + 1;
            return;
        }
        text = *end ? end + 1 : end;
    }
}
