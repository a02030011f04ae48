/* router -- which function answers which method and path: one table (router.c).
 * Pure, any thread. */
#ifndef MAILER_HTTP_ROUTER_H
#define MAILER_HTTP_ROUTER_H

#include "mailer/http/exchange.h"

enum body_kind {
    BODY_NONE, /* read and ignored up to its limit */
    BODY_JSON, /* application/json or 415 */
    BODY_FORM, /* the resource looks itself */
};

#define ROUTER_PLACES 16

struct route {
    const char *method;
    const char *pattern; /* "/v1/messages/{}/cancel": {} is one segment */
    unsigned roles;      /* any of these, 0 = open to all */
    enum body_kind body;
    size_t max_bytes; /* of the body; 0 = the settings' max_request_bytes */
    exchange_step *handle;
};

size_t router_place(
    const struct route *r_or_null); /* below ROUTER_PLACES, each route's own; 0 for none */

/* Finds x->route from method and path, filling x->param; on failure answers 404 or 405 and is false. */
bool router_find(struct exchange *x, const char *method);
/* Everything that can be said before the body is read: the caller's key and role, the body's type.
 * False: answered. */
bool router_admit(struct exchange *x);
/* And after it was read: that there is one where JSON is wanted. False: answered. */
bool router_has_body(struct exchange *x);
size_t router_max_bytes(const struct exchange *x);

#endif
