/* Files as /proc and /sys show them, below a folder of their own. */
#ifndef TESTS_SYSFILES_H
#define TESTS_SYSFILES_H

struct sysfile {
    const char *path, *text; /* path is relative; NULL behind the last file */
};

/* Writes the files below a new folder and puts its name into root, a template of mkdtemp. Fails the
 * test where it cannot. */
void sysfiles_make(char *root, const struct sysfile *files);
/* Removes the folder. */
void sysfiles_remove(const char *root);

#endif
