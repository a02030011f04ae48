/* render_case -- renders one template over JSON text with partials by name, for the engine's
 * tests. */
#ifndef TESTS_TEMPLATES_RENDER_CASE_H
#define TESTS_TEMPLATES_RENDER_CASE_H

#include "templates/template.h"

#define PARTIALS 6

struct named {
    const char *name, *text;
};

struct render_case {
    const char *name;
    const char *source, *data;
    const char *expected;
    struct named partials[PARTIALS];
};

/* Rendered as it is and flat, where it can be: the cmocka test fails when the two differ.
 * Appends the output, or returns false with e. strict and escape as in struct render; max_bytes 0 =
 * default. */
bool render_text_case(const struct render_case *c, enum escape escape, bool strict,
    size_t max_bytes, struct buf *out, struct err *e);

/* Fails the running cmocka test when a case of the table does not give what it should; HTML escape,
 * lenient. */
void check_cases(const struct render_case *cases, size_t n);

#endif
