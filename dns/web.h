/* web -- how dns gets pages (an MTA-STS policy, a BIMI logo): injected like a clock, so that tests hand in pages of
 * their own. The live one asks our resolver for every host, zone files included, and fetches through base/fetch.
 * Results lie in the arena. Threads: web_of_live any, as long as its resolver handle allows it. */
#ifndef DNS_WEB_H
#define DNS_WEB_H

#include "base/fetch.h"
#include "dns/resolver.h"

struct web_limits {
    size_t max_bytes;
    int max_redirects;
    int64_t timeout_ms;
};

struct web {
    void (*get)(void *state, const char *url, const struct web_limits *limits, struct arena *a,
        struct fetch_answer *out);
    void *state;
};

static inline void web_get(const struct web *w, const char *url, const struct web_limits *limits,
    struct arena *a, struct fetch_answer *out)
{
    w->get(w->state, url, limits, a, out);
}

/* Why the page did not come; nothing with FETCH_OK. */
struct said web_why(const struct fetch_answer *page, struct arena *a);

struct web_live {
    struct resolver *resolver;
    const char *authority_file; /* NULL = the system's authorities */
    int64_t timeout_ms;         /* this or the limits' own, whichever is less; 0 = those */
    bool allow_loopback;        /* for tests, as in fetch.h */
    uint16_t port;              /* for tests, as in fetch.h */
};
struct web web_of_live(struct web_live *l); /* borrows l */

#endif
