#include "command/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !term[0] || strcmp(term, "dumb") == 0;
}

int terminal_width(FILE *f)
{
    struct winsize w;
    int n = 0;
    if (ioctl(fileno(f), TIOCGWINSZ, &w) == 0)
        n = w.ws_col;
    if (n <= 0 && getenv("COLUMNS"))
        n = atoi(getenv("COLUMNS"));
    if (n <= 0)
        n = 80;
    return n < 20 ? 20 : n;
}

bool terminal_live(FILE *f)
{
    return isatty(fileno(f)) && !is_dumb();
}

bool terminal_color(FILE *f, const char *choice)
{
    const char *py = getenv("PY_COLORS"), *no = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR");
    if (choice && strcmp(choice, "auto") != 0)
        return strcmp(choice, "yes") == 0;
    if (py && (strcmp(py, "1") == 0 || strcmp(py, "0") == 0))
        return py[0] == '1';
    if (no && no[0])
        return false;
    if (force && force[0])
        return true;
    return terminal_live(f);
}
