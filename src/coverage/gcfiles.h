/* Finding .gcda files and the .gcno files that belong to them. */
#ifndef COVERAGE_GCFILES_H
#define COVERAGE_GCFILES_H

#include <stddef.h>

#include "base/map.h"
#include "base/strv.h"

struct gc_object {
    const char *notes; /* absolute path of the .gcno; owned by gc_files */
    struct strv data;  /* absolute paths of its .gcda files, sorted */
};
struct gc_files {
    struct gc_object *objects; /* by the path of their notes */
    size_t n_objects, cap_objects;
    struct strv notes; /* all paths of notes that are known */
    struct map by_notes;
};

/* Looks below the inputs (folders, .gcda and .gcno files) and below objects (or NULL). Data without
 * notes is named in problems. */
void gc_files_find(struct gc_files *f, char *const *inputs, size_t n_inputs, const char *objects,
                   struct strv *problems);
void gc_files_release(struct gc_files *f);

#endif
