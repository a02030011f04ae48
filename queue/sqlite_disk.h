/* sqlite_disk -- the default VFS under each connection, which calls a read that failed by its name.
 *
 * SQLite takes EIO and its like, met by a read, for a file system that is broken, and says that the database is corrupt. Whoever
 * believes that puts a copy back, and loses what came since, for a cable that was loose. So it becomes an I/O error; what
 * is corrupt is what was read and makes no sense.
 * Errors: none; where there is no VFS, opening says so. Threads: register once, before a database is opened. */
#ifndef QUEUE_SQLITE_DISK_H
#define QUEUE_SQLITE_DISK_H

void sqlite_disk_register(void);

#endif
