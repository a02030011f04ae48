#include "base/err.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_OUT_OF_MEMORY 71 /* EX_OSERR of sysexits.h */

/* Cut at the end of the text's room: an error too long still says how it begins. */
static void append(struct err *e, const char *more)
{
    size_t used = strlen(e->text), room = sizeof e->text - 1 - used, n = strlen(more);

    if (n > room)
        n = room;
    memcpy(e->text + used, more, n);
    e->text[used + n] = 0;
}

bool err_set(struct err *e, enum err_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    e->code = code;
    return false;
}

bool err_system(struct err *e, const char *format, ...)
{
    int cause = errno;
    char reason[96];
    va_list args;

    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    append(e, ": ");
    append(e, strerror_r(cause, reason, sizeof reason));
    e->code = cause == ENOSPC || cause == EDQUOT ? ERR_FULL : ERR_IO;
    return false;
}

bool err_prefix(struct err *e, const char *format, ...)
{
    struct err longer = {.code = e->code}; /* apart from e, whose text may be an argument */
    va_list args;

    va_start(args, format);
    vsnprintf(longer.text, sizeof longer.text, format, args);
    va_end(args);
    append(&longer, ": ");
    append(&longer, e->text);
    *e = longer;
    return false;
}

const char *err_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",
        [ERR_INPUT] = "input",
        [ERR_LIMIT] = "limit",
        [ERR_MISSING] = "missing",
        [ERR_CONFLICT] = "conflict",
        [ERR_DENIED] = "denied",
        [ERR_BUSY] = "busy",
        [ERR_FULL] = "full",
        [ERR_IO] = "io",
        [ERR_CORRUPT] = "corrupt",
        [ERR_NEWER] = "newer",
        [ERR_LIBRARY] = "library",
    };

    return (size_t)code < COUNT_OF(names) ? names[code] : "unknown";
}

void err_out_of_memory(void)
{
    log_error("out-of-memory");
    _exit(EXIT_OUT_OF_MEMORY);
}
