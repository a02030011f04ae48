#include "mailer/http/router.h"

#include "mailer/http/auth.h"
#include "mailer/http/meter.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"

#define SMALL ((size_t)4096)
#define MEDIUM ((size_t)65536)

static const struct route routes[] = {
    {"POST", "/v1/messages", ROLE_SEND, BODY_JSON, 0, messages_post},
    {"POST", "/v1/messages/batch", ROLE_SEND, BODY_JSON, 0, messages_post_batch},
    {"GET", "/v1/messages/{}", ROLE_READ, BODY_NONE, SMALL, messages_get},
    {"POST", "/v1/messages/{}/cancel", ROLE_SEND, BODY_NONE, SMALL, messages_cancel},
    {"GET", "/v1/suppressions", ROLE_REVIEW, BODY_NONE, SMALL, suppressions_get},
    {"POST", "/v1/suppressions", ROLE_ADMIN, BODY_JSON, MEDIUM, suppressions_post},
    {"POST", "/v1/suppressions/lift", ROLE_ADMIN, BODY_JSON, MEDIUM, suppressions_lift},
    {"GET", "/v1/events", ROLE_READ, BODY_NONE, SMALL, events_get},
    {"GET", "/v1/domains/{}", ROLE_READ, BODY_NONE, SMALL, domains_get},
    {"GET", "/u/{}", 0, BODY_NONE, SMALL, unsubscribe_get},
    {"POST", "/u/{}", 0, BODY_FORM, SMALL, unsubscribe_post},
    {"GET", "/healthz", 0, BODY_NONE, SMALL, health_get},
    {"GET", "/readyz", 0, BODY_NONE, SMALL, ready_get},
    {"GET", "/metrics", 0, BODY_NONE, SMALL, metrics_get},
};

_Static_assert(COUNT_OF(routes) < ROUTER_PLACES, "each route has a place of its own");

size_t router_place(const struct route *r_or_null)
{
    return r_or_null ? (size_t)(r_or_null - routes) + 1 : 0;
}

/* Segment by segment; {} takes one that is not empty. */
static bool matches(const char *pattern, struct str path, struct str *param)
{
    struct str wanted = str_of(pattern), want, have;

    *param = STR("");
    while (str_next(&wanted, '/', &want)) {
        if (!str_next(&path, '/', &have))
            return false;
        if (str_is(want, "{}") && have.n > 0)
            *param = have;
        else if (!str_eq(want, have))
            return false;
    }
    return path.n == 0;
}

static void refuse_method(struct exchange *x, const struct buf *allowed)
{
    answer_header(x, "Allow", arena_text(x->arena, buf_str(allowed)));
    problem(x, 405, "method-not-allowed", "this resource knows the methods %s", buf_text(allowed));
}

bool router_find(struct exchange *x, const char *method)
{
    AUTO(buf_close) struct buf allowed = {0};
    bool ends_in_slash = x->path.n > 0 && x->path.p[x->path.n - 1] == '/';

    x->is_head = strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < COUNT_OF(routes) && !ends_in_slash; i++) {
        const struct route *r = &routes[i];
        struct str param;
        if (!matches(r->pattern, x->path, &param))
            continue;
        bool reads = strcmp(r->method, "GET") == 0;
        if (strcmp(r->method, method) == 0 || (reads && x->is_head)) {
            x->route = r;
            x->param = param;
            return true;
        }
        buf_addf(&allowed, "%s%s", allowed.n > 0 ? ", " : "", reads ? "GET, HEAD" : r->method);
    }
    if (allowed.n > 0)
        refuse_method(x, &allowed);
    else
        problem(x, 404, "no-such-path", "there is nothing at this path");
    return false;
}

size_t router_max_bytes(const struct exchange *x)
{
    if (!x->route)
        return SMALL;
    return x->route->max_bytes > 0 ? x->route->max_bytes
                                   : (size_t)snapshot_conf(x->snapshot)->max_request_bytes;
}

bool router_admit(struct exchange *x)
{
    if (x->route->roles != 0 && (!auth_admit(x, x->route->roles) || !meter_charge(x, 1)))
        return false;
    if (exchange_header(x, "Content-Encoding").n > 0 && x->route->body != BODY_NONE) {
        problem(x, 415, "content-encoding", "send the body as it is, without Content-Encoding");
        return false;
    }
    if (x->route->body == BODY_JSON && !exchange_has_type(x, "application/json")) {
        answer_header(x, "Accept", "application/json");
        problem(x, 415, "content-type", "send JSON with \"Content-Type: application/json\"");
        return false;
    }
    return true;
}

bool router_has_body(struct exchange *x)
{
    if (x->route->body != BODY_JSON || str_trim(buf_str(&x->body)).n > 0)
        return true;
    problem(x, 400, "invalid-json", "the body is empty; send a JSON object");
    return false;
}
