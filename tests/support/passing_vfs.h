/* passing_vfs -- a VFS of SQLite over the default one, whose files pass every call on; a test's own VFS replaces some of them.
 * Its file begins with a struct passing_file, its methods with a copy of passing_methods.
 * Threads: any. A failure ends the program. */
#ifndef TESTS_SUPPORT_PASSING_VFS_H
#define TESTS_SUPPORT_PASSING_VFS_H

#include <sqlite3.h>
#include <stddef.h>

struct passing_file {
    sqlite3_file base;
    sqlite3_file *real;
};

typedef int passing_opener(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *given);

extern const sqlite3_io_methods passing_methods;

/* The default one from now on; before a database is opened, and once in a program. */
void passing_install(const char *name, size_t file_size, passing_opener *open);
/* What an opener ends with. */
int passing_open(
    const sqlite3_io_methods *methods, const char *path, sqlite3_file *out, int flags, int *given);
sqlite3_file *passing_real(sqlite3_file *f);

#endif
