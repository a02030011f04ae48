/* file -- small files read whole, and files that must outlive a power cut.
 * `what` says in errors what the file is to the reader: "keyring /etc/... does not exist".
 * Ownership: descriptors are the caller's; bytes are appended to the buf, which is cut back on failure.
 * Errors: ERR_MISSING (no such file), ERR_LIMIT (above max_bytes), ERR_CONFLICT (exists already),
 * ERR_FULL, ERR_IO. Any thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* To read. Never waits for the writer of a named pipe. */
bool file_open(const char *what, const char *path, int *fd, struct err *e);
void file_close(int *fd); /* for AUTO(): standard streams stay open, *fd becomes -1 */

/* Up to the end. A regular file goes into one piece of memory, so that no copy of a secret stays behind. */
bool file_read_open(
    int fd, const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e);

bool file_read(
    const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e);

/* A new file of mode 0600: there whole and on disk, its name too, or not at all. */
bool file_create(const char *what, const char *path, struct str bytes, struct err *e);

/* A file put in the place of what stands there: after a crash one of them is there, whole. Mode 0600; owner, group
 * and whether the group may read are those of the file `like` (NULL: as a new file), as far as the system lets us. */
bool file_replace(
    const char *what, const char *path, struct str bytes, const char *like, struct err *e);
/* Gives a file the owner, group and group-readability of another. */
bool file_be_like(const char *what, const char *path, const char *like, struct err *e);
/* Takes a name away, on disk too; one that is not there is no error. */
bool file_remove(const char *what, const char *path, struct err *e);

#endif
