/* conf_table -- what may stand in the settings file: every section, every setting, once.
 * Loading, printing and documenting walk these tables; a new setting is a row there and a member in
 * conf.h. Private to base/conf*.c. Everything is constant; any thread. */
#ifndef BASE_CONF_TABLE_H
#define BASE_CONF_TABLE_H

#include "base/conf.h"

enum conf_type {
    CONF_TEXT,   /* const char *                                        */
    CONF_PATH,   /* const char *, made absolute                         */
    CONF_CHOICE, /* const char *, one of `choices`                      */
    CONF_ENUM,   /* an enum whose values are the indexes of `choices`   */
    CONF_NUMBER, /* int64_t                                             */
    CONF_SPAN,   /* int64_t, milliseconds                               */
    CONF_SIZE,   /* int64_t, bytes                                      */
    CONF_SWITCH, /* bool                                                */
    CONF_TEXTS,  /* const char *const *, and a size_t at `count_at`     */
    CONF_PATHS,
};

struct conf_option {
    const char *name;
    enum conf_type type;
    size_t at, count_at;   /* where the value lives in its struct */
    const char *fallback;  /* as it would stand in the file; NULL = must be given */
    const char *otherwise; /* in words, where the default follows from something else */
    int64_t least, most;   /* of numbers, spans and sizes */
    const char *const *choices;
    const char *(*check)(struct str value); /* what would be right, or NULL when it is */
    const char *help;
    bool fixed; /* a running service keeps the value that it started with (conf_reload.h) */
};

struct conf_section {
    const char *name;
    const char *title; /* what its title is, NULL = it has none and stands once at most */
    const char *(*check_title)(struct str title);
    const struct conf_option *options;
    size_t options_n;
    const struct conf_section *sections;
    size_t sections_n;
    size_t at, count_at; /* in the enclosing struct: an array and its count, or the struct itself */
    size_t title_at, size;
    const char *help;
};

const struct conf_section *conf_root(void);

#endif
