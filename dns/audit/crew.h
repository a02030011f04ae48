/* audit_crew -- a few threads that do a list of tasks and are done when the list is.
 * Each member has a resolver handle and an arena of its own; the arenas live until crew_close, so
 * that what tasks find may point into them. Where no thread can be started, the caller does the work
 * alone. One thread calls; tasks run on several. */
#ifndef DNS_AUDIT_CREW_H
#define DNS_AUDIT_CREW_H

#include "dns/resolver.h"

#define CREW_MEMBERS 24

struct crew_member {
    struct resolver
        *resolver; /* a leaning handle: dead servers cost little more than one time-out */
    struct arena *arena;
};

struct crew_task {
    void (*run)(struct crew_member *m, void *subject);
    void *subject;
};

struct crew;

/* until_steady_ns, over: as in resolver_bound, for all members. */
struct crew *crew_open(struct resolver *r, int64_t until_steady_ns, const _Atomic bool *over);
void crew_close(struct crew **c);
/* A handle for the caller between two runs. */
struct resolver *crew_resolver(const struct crew *c);
void crew_run(struct crew *c, const struct crew_task *tasks, size_t n);

#endif
