/* err -- why something of ours failed, in words that a person can act on.
 * A function that can fail returns bool and takes `struct err *e` as its last argument, never NULL;
 * e is written only on failure. What the *mail* meets (a 550, an NXDOMAIN) is no err but a value.
 * Owns nothing; a struct err is a plain value, one per thread or call. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/lang.h"

enum err_code {
    ERR_NONE,
    ERR_INPUT,    /* the caller's data is wrong; the text says what would be right */
    ERR_LIMIT,    /* a size or count is above its limit                            */
    ERR_MISSING,  /* the named thing does not exist                                */
    ERR_CONFLICT, /* it exists already, or in another state                        */
    ERR_DENIED,   /* a key, role or permission is lacking                          */
    ERR_BUSY,     /* try again later; nothing was changed                          */
    ERR_FULL,     /* disk or quota full                                            */
    ERR_IO,       /* the system refused                                            */
    ERR_CORRUPT,  /* stored bytes are not what was written                         */
    ERR_NEWER,    /* written by a newer version of this program                    */
    ERR_LIBRARY,  /* a library failed where it should not                          */
};

struct err {
    enum err_code code;
    char text[320]; /* one line, no full stop at the end */
};

/* Fills e and returns false, so that a function can `return err_set(e, ...)`. */
bool err_set(struct err *e, enum err_code code, const char *format, ...) PRINTF(3, 4);

/* The same with ": " and the text of errno appended. ENOSPC and EDQUOT become ERR_FULL. */
bool err_system(struct err *e, const char *format, ...) PRINTF(2, 3);

/* Puts "words: " before the text that e has, keeps its code, returns false. */
bool err_prefix(struct err *e, const char *format, ...) PRINTF(2, 3);

const char *err_name(enum err_code code);

/* Out of memory: logs and exits with 71 (EX_OSERR). The queue is durable, nothing is lost. */
_Noreturn void err_out_of_memory(void);

#endif
