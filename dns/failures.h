/* failures -- questions that failed a moment ago, so that a burst of mails does not ask them again
 * and again of servers that have trouble enough.
 *
 * Held for 1 s, then, as long as the question goes on failing, for 2, 4 and 5 s. A time-out holds
 * for who has no more time than was waited then. Answers, stale ones too, lie elsewhere (cache.h)
 * and are not touched.
 *
 * Units: now_ms is the caller's clock; *_ns are spans.
 * Threads: any.
 * Limits: 256 KiB, the least recently used go first.
 * Source: RFC 9520 (1 s at least, 5 min at most). */
#ifndef DNS_FAILURES_H
#define DNS_FAILURES_H

#include "dns/resolver.h"

struct failures;

struct failures *failures_open(void);
void failures_close(struct failures **f);

/* given_ns: how long the servers had. */
void failures_add(struct failures *f, const char *name, enum dns_type type, enum dns_status s,
    int64_t given_ns, int64_t now_ms);

/* True: asking for up to left_ns now would fail as *out says. */
bool failures_find(struct failures *f, const char *name, enum dns_type type, int64_t left_ns,
    int64_t now_ms, enum dns_status *out);

/* The question was answered: its next failure is a first one. */
void failures_end(struct failures *f, const char *name, enum dns_type type, int64_t now_ms);

/* All types of this name may be asked again; that they failed still counts for the next time. */
void failures_forget(struct failures *f, const char *name, int64_t now_ms);

#endif
