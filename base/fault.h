/* fault -- what is wrong with an input, one entry per place, all of them at once.
 * A fault names the place by JSON pointer (RFC 6901, "" is the whole), a stable code in kebab case
 * and one sentence that says what would be right. The HTTP API prints them as RFC 9457 "errors",
 * commands as lines. The list and its text live in the arena. One thread at a time. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/arena.h"

#define FAULTS_MAX 100 /* further ones are counted, not kept */

struct fault {
    const char *pointer;
    const char *code;
    const char *detail;
    struct fault *next;
};

struct faults {
    struct arena *arena;
    struct fault *first, *last;
    size_t n; /* all of them, also those not kept */
};

void faults_init(struct faults *f, struct arena *a);
void faults_add(struct faults *f, const char *code, struct str pointer, const char *format, ...)
    PRINTF(4, 5);

/* parent + "/" + key, the key escaped as RFC 6901 says; in the arena. */
struct str fault_pointer(struct arena *a, struct str parent, struct str key);

#endif
