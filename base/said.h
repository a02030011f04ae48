/* said -- one sentence for people: which one it is, what stands in it, and how it reads in English.
 * The key is stable and belongs to one English pattern, so that a catalog of another language can hold a
 * pattern under it; the values go in where the pattern has {{name}}. Another sentence may stand inside,
 * where the pattern has {{said}}. No pattern is looked for in values; what is no printable ASCII in them
 * is put in as "?", since strangers may have written it and a terminal might obey.
 *
 * Shapes: a value to copy around, like struct str; nothing said is SAID_NOTHING, never NULL inside.
 * Ownership: borrows its parts; said_make copies what it is given into the arena but the key, a literal.
 * Pure, any thread. */
#ifndef BASE_SAID_H
#define BASE_SAID_H

#include "base/arena.h"
#include "base/buf.h"

struct said_value {
    const char *name, *text;
};

struct said {
    const char *key;  /* "mx.no_address"; "" = nothing is said */
    const char *text; /* the whole sentence: English as made, else as said_tell gave it */
    const struct said_value *values;
    size_t values_n;
    const struct said *inner; /* the sentence inside; NULL = none */
};

/* A sentence without values. As an initializer and as a value. */
#define SAID_INIT(its_key, its_english)                                                            \
    {                                                                                              \
        .key = "" its_key, .text = "" its_english                                                  \
    }
#define SAID(its_key, its_english) ((struct said)SAID_INIT(its_key, its_english))
#define SAID_NOTHING SAID("", "")

/* SAY(arena, "mx.no_address", "its MX host {{host}} has no address", {"host", name}) */
#define SAY(arena, key, english, ...)                                                              \
    said_make((arena), (key), (english), NULL, (const struct said_value[]){__VA_ARGS__, {"", ""}})
/* The same around a sentence, by value, for which {{said}} stands. */
#define SAY_AROUND(arena, sentence, key, english, ...)                                             \
    said_make((arena), (key), (english), &(sentence),                                              \
        (const struct said_value[]){__VA_ARGS__, {"", ""}})

/* Values end with one without a name; NULL = none. */
struct said said_make(struct arena *a, const char *key, const char *english,
    const struct said *inner, const struct said_value *values);

/* Of an English sentence: "?" stands in the copy for what is no printable ASCII. */
struct said said_copy(struct arena *a, struct said s);

/* Tells the pattern of a key in some language; NULL where it has none. */
typedef const char *said_look(void *context, const char *key);

/* The sentence as `look` has it, and the one inside too; in English where it has none. */
void said_tell(const struct said *s, said_look *look, void *context, struct buf *out);

/* Cuts the next placeholder's name off *rest, and the text before it; false where none is left, with all
 * that is left as text. */
bool said_next(struct str *rest, struct str *text, struct str *name);

static inline bool said_is_nothing(const struct said *s)
{
    return !s->text || !s->text[0];
}

#endif
