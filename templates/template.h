/* template -- a Mustache engine that compiles once and renders many times.
 *
 * The language is the Mustache specification with inheritance and dynamic names: interpolation, sections,
 * inverted sections, comments, set delimiters, partials with the standalone-line rules, parents and blocks,
 * dynamic names. No lambdas: data cannot carry code.
 * Shapes: a template is text plus a name for error messages. Escaping belongs to the part that is rendered:
 *   ESCAPE_HTML escapes {{x}} (not {{{x}}} and {{&x}}), ESCAPE_NONE nothing.
 * Ownership: a compiled template keeps what it needs of the source; template_close frees it.
 * Errors: compile: name, line and what is wrong (ERR_INPUT). Render: in strict mode a variable that is
 *   absent is ERR_INPUT with template, line and variable; otherwise absent renders as nothing. Output above
 *   max_bytes and nesting above 100 partials are ERR_LIMIT.
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

enum escape { ESCAPE_HTML, ESCAPE_NONE };

struct render {
    enum escape escape;
    bool strict;
    size_t max_bytes; /* 0 = 4 MiB */
    /* Finds the compiled partial or parent called `name`; NULL = none (renders as nothing, strict: an error). */
    const struct template *(*partial)(void *context, struct str name);
    /* Asked before the data when not NULL: writes the text of a dotted name that means more than its JSON
     * value (a date, an amount, a catalog text) and returns true, or returns false to leave it to the data.
     * `value` is what the data has under that name, may be NULL. Text is escaped like any other. */
    bool (*format)(void *context, struct str name, const struct js *value, struct buf *out, struct err *e);
    void *context;
};

bool template_render(const struct template *t, const struct js *data, const struct render *r, struct buf *out,
    struct err *e);

#endif
