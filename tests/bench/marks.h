/* marks -- a request that differs each time it is sent: in the text of a file each "@@" becomes the request's number, so
 * that recipients differ, and each "##" that number modulo MARKS_DOMAINS, so that they share domains.
 *
 * Owns the file's text. Errors: a file that cannot be read or has too many marks ends the program with 2. One thread. */
#ifndef TESTS_BENCH_MARKS_H
#define TESTS_BENCH_MARKS_H

#include "base/buf.h"

#define MARKS_DOMAINS 50
#define MARKS_MAX 32

struct marks {
    struct buf text;
    struct {
        struct str text;
        char mark; /* behind the text: '@', '#', or 0 at the end */
    } pieces[MARKS_MAX];
    size_t n;
};

void marks_open(struct marks *m, const char *path);
/* Appends the text for request `number`. */
void marks_write(const struct marks *m, long number, struct buf *out);
void marks_close(struct marks *m);

#endif
