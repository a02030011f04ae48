/* exchange -- one request and its answer, as the resources see them; server.c carries it over the wire.
 *
 * A resource's function reads the request and gives the answer with answer_*, or waits: exchange_wait, then
 * exchange_go_on from any thread, after which `next` runs on a thread of the server. Everything of the exchange
 * stays where it is until the answer is sent.
 * Ownership: all text lies in the exchange's arena or is static. One thread at a time. */
#ifndef MAILER_HTTP_EXCHANGE_H
#define MAILER_HTTP_EXCHANGE_H

#include "base/json.h"
#include "mailer/gate/surveyor.h"
#include "mailer/http/http.h"

#include <stdatomic.h>

#define ANSWER_HEADERS_MAX 16

struct route;
struct exchange;
struct batch;
struct quota;
typedef void exchange_step(struct exchange *x);

struct answer_header {
    const char *name, *value;
};

/* What the log was told of refusals of one sort (problem.c), of all exchanges. */
struct told {
    atomic_int_least64_t logged_ms; /* 0 = never */
    atomic_size_t unlogged;         /* since then */
};

struct tellings {
    struct told busy, trouble;
};

struct exchange {
    const struct http_setup *app;
    struct snapshot *snapshot; /* the one that was current when the request came */
    struct arena *arena;
    struct id id; /* "req_...", also in the answer */

    const struct route *route; /* NULL: no such path or method */
    bool is_head;
    struct str path, query; /* as sent, not decoded: the API's own paths need no escapes */
    struct str param;       /* what stood for "{}" in the route's pattern */
    struct buf body;
    struct api_key key;  /* of the caller, where the route wants a role */
    struct quota *quota; /* what the keys have asked for (meter.h) */
    atomic_int *readiness;
    struct tellings *tellings;
    char rate[64]; /* how this key stands, "" before it was charged */

    unsigned status; /* 0 = not answered yet */
    const char *content_type;
    struct buf answer;
    struct answer_header headers[ANSWER_HEADERS_MAX];
    size_t headers_n;

    exchange_step *next;
    /* Of a send request that waits for the disk (messages.c). */
    struct submission submission;
    struct receipt receipt;
    struct err failure;
    bool failed;
    enum surveyor_answer surveyed; /* of a domain (domains.c); its report lies in `answer` */
    struct batch *batch;           /* of several (batch.c) */
    exchange_step *forget; /* NULL, or gives back what does not lie in the arena: at the end,
                                      however the exchange ends */
    size_t accepted;       /* messages that this answer says are on disk */

    struct carrier *carrier; /* server.c's */
};

/* ---- the request ---- */

struct str exchange_header(const struct exchange *x, const char *name); /* "" = absent or empty */
bool exchange_has_header(const struct exchange *x, const char *name);
bool exchange_has_type(const struct exchange *x, const char *media_type); /* parameters aside */
/* The first parameter of that name in the query, percent-decoded into the arena; false = absent. */
bool exchange_query(const struct exchange *x, const char *name, struct str *out);
/* True when whoever connected is on loopback or a trusted proxy and forwards for nobody. */
bool exchange_is_local(const struct exchange *x);

/* ---- the answer ---- */

void answer_header(struct exchange *x, const char *name, const char *value);
void answer_json(struct exchange *x, unsigned status, const struct js *body);
void answer_text(struct exchange *x, unsigned status, const char *content_type, struct str body);

/* ---- waiting ---- */

/* False, and nothing waits, when the server is about to stop. */
bool exchange_wait(struct exchange *x, exchange_step *next);
void exchange_go_on(struct exchange *x);

#endif
