/* template -- a Mustache engine that compiles once and renders many times.
 *
 * The language is the Mustache specification with inheritance and dynamic names: interpolation,
 * sections, inverted sections, comments, set delimiters, partials with the standalone-line rules,
 * parents and blocks, dynamic names. No lambdas: data cannot carry code.
 * Shapes: a template is text plus a name for error messages. Escaping belongs to the part that is
 * rendered: ESCAPE_HTML escapes {{x}} (not {{{x}}} and {{&x}}), ESCAPE_NONE nothing.
 * Ownership: a compiled template keeps what it needs of the source; template_close frees it.
 * Errors: compile: name, line and what is wrong (ERR_INPUT; ERR_LIMIT above 4 MiB, or sections
 * nested above 100). Render: in strict mode a variable or partial that is absent is ERR_INPUT with
 * template, line and name; otherwise absent renders as nothing. Output above max_bytes, nesting
 * above 100 partials and more work than any honest template makes are ERR_LIMIT. False in a
 * section: absent, null, false, an empty list, an empty text. The number 0 is true.
 * Threads: a compiled template is immutable; render it from any number of threads.
 * Source: github.com/mustache/spec v1.4 (interpolation ... ~inheritance, ~dynamic-names). */
#ifndef TEMPLATES_TEMPLATE_H
#define TEMPLATES_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

struct template;

bool template_compile(const char *name, struct str source, struct template **out, struct err *e);
void template_close(struct template **t);

/* The names that a template uses, for checks before anything is rendered. A dynamic partial or
 * parent ({{>*name}}) is told as USES_VARIABLE with its name, and as USES_ANY_PARTIAL with the
 * empty one. */
enum use { USES_VARIABLE, USES_SECTION, USES_INVERTED, USES_PARTIAL, USES_ANY_PARTIAL };
enum look {
    LOOK_ON,
    LOOK_PAST,  /* of a section: it is never shown, so what it uses does not count */
    LOOK_WRONG, /* e is set */
};
typedef enum look template_see(
    void *context, enum use use, struct str name, size_t line, struct err *e);
bool template_uses(const struct template *t, template_see *see, void *context, struct err *e);
const char *template_name(const struct template *t);

enum escape { ESCAPE_HTML, ESCAPE_NONE };

/* The place where rendering stands: the contexts that names are looked up in. */
struct scope;

/* What a dotted name means there; NULL = absent. */
const struct js *template_find(const struct scope *at, struct str name);

enum formatted {
    FORMAT_LEFT,   /* not ours: print the JSON value */
    FORMAT_DONE,   /* written to out */
    FORMAT_FAILED, /* e is set */
};

struct render {
    enum escape escape;
    bool strict;
    size_t max_bytes;           /* 0 = 4 MiB */
    const struct js *behind[2]; /* looked up where the data has nothing of that name; may be NULL */
    /* Finds the compiled partial or parent called `name`; NULL = none (renders as nothing, strict:
     * an error). */
    const struct template *(*partial)(void *context, struct str name);
    /* May be NULL. The template that stands for a dotted name (a catalog text); it is rendered over
     * the same data at the same place. {{x}} escapes all of it, {{{x}}} only what its own tags
     * escape. NULL = none. */
    const struct template *(*phrase)(void *context, const struct scope *at, struct str name);
    /* May be NULL. Writes the text of a value that means more than its JSON (a date, an amount);
     * the text is escaped like any other. */
    enum formatted (*format)(
        void *context, struct str name, const struct js *value, struct buf *out, struct err *e);
    /* May be NULL. Told of each piece of a template's own text, of LITERAL_LEAST bytes and more (pack.h), that stands in out at
     * `at` as it is. */
    void (*literal)(
        void *context, const struct template *t, uint32_t node, struct str text, size_t at);
    void *context;
    const struct js *const
        *slots; /* of a flat template: the values beside the data; NULL in it = absent */
};

bool template_render(const struct template *t, const struct js *data, const struct render *r,
    struct buf *out, struct err *e);

/* ---- flattening: what is the same in every render, done once ---- */

/* What a name in a template is, as far as that is known before there is data. */
enum standing_kind {
    STANDS_IN_DATA,
    STANDS_FIXED,   /* `value`, always, where the data has nothing of that name; in `slot` too */
    STANDS_IN_SLOT, /* render.slots[slot], where the data has nothing of that name */
    STANDS_PHRASE,  /* `phrase`, whatever the data */
    STANDS_CHOSEN,  /* a phrase that render.phrase chooses by the data */
    STANDS_UNKNOWN, /* cannot be told: the template stays as it is */
};
struct standing {
    enum standing_kind kind;
    uint16_t slot;
    const struct js *value;
    const struct template *phrase;
};
typedef struct standing template_stand(void *context, struct str name);

/* A template that renders the same bytes over the same data with the same `how`, escape included, without partials,
 * parents and blocks: they stand in it, and so do phrases and fixed values; literals that come to stand side by side are
 * one. The data's own object must have none of the names that are fixed or in a slot; objects within it may.
 * False: it cannot be made (a partial by a variable's name, indentation that hangs on the data), or would have more than
 * FLAT_BYTES_MAX of text or FLAT_NODES_MAX nodes. *out borrows names from t, its partials and phrases: close it first. */
#define FLAT_BYTES_MAX (128u << 10)
#define FLAT_NODES_MAX 2048u
bool template_flatten(const struct template *t, const struct render *how, template_stand *stand,
    struct template **out);

#endif
