/* conf_value -- one setting's text as the value in its struct, and back. Private to base/conf*.c.
 * Texts that a value points at live in the arena. One thread at a time. */
#ifndef BASE_CONF_VALUE_H
#define BASE_CONF_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf_table.h"

#define CONF_WRONG_SIZE 160

/* Where relative paths begin, and where texts are kept. */
struct conf_reader {
    struct arena *arena;
    const char *folder;          /* of the settings file, absolute */
    char wrong[CONF_WRONG_SIZE]; /* what the last refused value should have been */
};

bool conf_value_read(
    struct conf_reader *r, const struct conf_option *o, struct str text, void *place);

/* Reads one member of a list; *out is the text to keep. */
bool conf_value_read_item(
    struct conf_reader *r, const struct conf_option *o, struct str text, const char **out);

/* As it may stand in the file, quoted where needed. */
void conf_value_print(const struct conf_option *o, const void *owner, struct buf *out);
void conf_number_print(enum conf_type type, int64_t value, struct buf *out);
void conf_text_print(struct str text, struct buf *out);
const char *conf_type_name(const struct conf_option *o);

#endif
