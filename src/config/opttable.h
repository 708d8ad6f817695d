/* The table of options: for options.c and opthelp.c alone. */
#ifndef CONFIG_OPTTABLE_H
#define CONFIG_OPTTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/options.h"

struct option_row {
    const char *group;    /* its heading in --help */
    char letter;          /* 'n' for -n; 0: none */
    const char *names[3]; /* "numprocesses", "workers"; ends with NULL unless all are used */
    const char *value;    /* what --help calls the value, in [] if it may be left out, with "=" where
                             only a value behind one is meant; NULL: none */
    /* Stores value (NULL if there is none) in o, at offset where it applies. False: a bad value. */
    bool (*store)(struct options *o, const struct option_row *row, const char *value);
    size_t offset;
    const char *accepts; /* what a good value is, for the message about a bad one */
    const char *choices; /* the good values, or some of them, with spaces between; for completion */
    const char *help;
    const char *pytest;  /* what pytest calls it, with its dashes; "": its value is a path; NULL:
                            pytest does not get it */
    bool bare;           /* it gets it without a value, too */
};

/* All of them, grouped; ends with a row whose group is NULL. */
extern const struct option_row option_rows[];

/* NULL if Rowlock has no such option. name is without dashes and len bytes long. */
const struct option_row *option_row_long(const char *name, size_t len);
const struct option_row *option_row_short(char letter);

/* Whether an option of pytest, or of a plugin of it that is widely used, takes a value. */
enum pytest_option {
    PYTEST_UNKNOWN,
    PYTEST_FLAG,
    PYTEST_VALUE,
    PYTEST_MAYBE /* a value if the next word looks like one */
};
enum pytest_option pytest_option_long(const char *name, size_t len);
enum pytest_option pytest_option_short(char letter);

#endif
