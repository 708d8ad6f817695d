#include "sysfiles.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

void sysfiles_make(char *root, const struct sysfile *files)
{
    struct error err = ERROR_INIT;
    assert_non_null(mkdtemp(root));
    for (; files->path; files++) {
        char *path = path_join(root, files->path), *dir = path_dirname(path);
        assert_true(file_mkdirs(dir, &err));
        assert_true(file_write(path, files->text, strlen(files->text), &err));
        free(dir);
        free(path);
    }
}

void sysfiles_remove(const char *root)
{
    assert_true(file_remove_tree(AT_FDCWD, root));
}
