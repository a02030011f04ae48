/* sum -- the SHA-256 of a whole file, read piece by piece, as sha256sum prints it.
 * Owns nothing. Errors: those of file.h. Any thread. */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include "base/err.h"
#include "base/hash.h"

/* `what` says in errors what the file is to the reader. */
bool sum_file(
    const char *what, const char *path, struct digest *out, uint64_t *bytes, struct err *e);

#endif
