/* faulty_disk -- SQLite's default VFS with faults: the so-manyth read, write, sync, truncation or mapping of a file fails.
 * Everything else passes on to the VFS of the system, but that nothing waits for the disk. One fault at a time; it can be put at any call, so a test walks
 * through all of them until one is not met any more.
 * Threads: any. A failure of its own ends the program. */
#ifndef TESTS_SUPPORT_FAULTY_DISK_H
#define TESTS_SUPPORT_FAULTY_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_op { DISK_READ, DISK_WRITE, DISK_SYNC, DISK_TRUNCATE, DISK_MAP, DISK_OPS };

struct disk_fault {
    enum disk_op op;
    const char *file;   /* what its path holds: "queue.db" is its log and index, too */
    int code;           /* SQLITE_FULL, SQLITE_IOERR_... */
    unsigned from;      /* the first call that fails, from 1 */
    bool stays;         /* so do all that follow, until it is mended */
    bool half;          /* of a write: half of the bytes get there */
    bool only_database; /* neither its log nor its index */
};

/* Told of each call that may fail, `at` which byte where that says something, on the thread that makes it, before it is made; one at a time. */
typedef void disk_watcher(enum disk_op op, bool is_database, int64_t at, bool fine);

void faulty_disk_install(void); /* before a database is opened */
void faulty_disk_break(const struct disk_fault *f);
bool faulty_disk_was_met(void);
bool faulty_disk_mend(void); /* whether the fault was met */
void faulty_disk_watch(disk_watcher *watcher_or_null);

#endif
