/* conf_read -- a settings text read through libconfuse into the structs that conf_table.c
 * describes. Private to base/conf*.c. libconfuse keeps its state in globals: a lock lets one thread
 * in at a time. */
#ifndef BASE_CONF_READ_H
#define BASE_CONF_READ_H

#include "base/conf_value.h"

struct conf_mistake {
    int line;
    const char *code; /* syntax, unknown-setting, duplicate, missing, bad-value, conflict */
    const char *detail;
    struct conf_mistake *next;
};

/* Everything lives in the reader's arena. */
struct conf_result {
    struct conf *conf;
    struct conf_mistake *first, *last;
    bool is_readable; /* false: a syntax error, conf is not filled */
    struct conf_line *lines;
};

void conf_read(struct conf_reader *r, struct str text, struct conf_result *out);

/* Adds a mistake; `where` is the setting's place, "" for the whole file. */
void conf_mistake(struct conf_reader *r, struct conf_result *to, int line, const char *code,
    const char *where, const char *format, ...) PRINTF(6, 7);

bool conf_is_given(const struct conf_result *result, const void *owner, const char *name);

/* The line where a member of a struct of ours was set, else the line of its section, else 1. */
int conf_line(const struct conf_result *result, const void *owner, const char *name);

#endif
