/* form -- values out of a posted form: application/x-www-form-urlencoded or multipart/form-data (RFC 7578).
 * For small bodies: the whole is at hand. Results lie in the arena or in the body. Pure, any thread. */
#ifndef MAILER_HTTP_FORM_H
#define MAILER_HTTP_FORM_H

#include "base/arena.h"

/* The first field of that name; false = absent, or no form that can be read. */
bool form_value(
    struct str content_type, struct str body, const char *name, struct arena *a, struct str *out);
/* %XX and "+"; what is no escape stays as it is. */
struct str form_decode(struct arena *a, struct str s);

#endif
