#include "dns/audit/crew.h"

#include <pthread.h>
#include <stdlib.h>

/* A leaning handle must lean a little; a millisecond past its TTL no answer has changed. */
#define LEAN_MS 1

struct crew {
    struct crew_member members[CREW_MEMBERS];
    const struct crew_task *tasks;
    size_t n;
    _Atomic size_t next;
};

struct post { /* one member at work */
    struct crew *crew;
    struct crew_member *member;
    pthread_t thread;
};

struct crew *crew_open(struct resolver *r, int64_t until_steady_ns, const _Atomic bool *over)
{
    struct crew *c = calloc(1, sizeof *c);
    if (!c)
        err_out_of_memory();
    for (size_t i = 0; i < CREW_MEMBERS; i++) {
        c->members[i] = (struct crew_member){resolver_lean(r, LEAN_MS), arena_open()};
        resolver_bound(c->members[i].resolver, until_steady_ns, over);
    }
    return c;
}

void crew_close(struct crew **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < CREW_MEMBERS; i++) {
        resolver_close(&(*c)->members[i].resolver);
        arena_close(&(*c)->members[i].arena);
    }
    free(*c);
    *c = NULL;
}

struct resolver *crew_resolver(const struct crew *c)
{
    return c->members[0].resolver;
}

static void *work(void *post)
{
    const struct post *p = post;
    for (size_t i; (i = p->crew->next++) < p->crew->n;)
        p->crew->tasks[i].run(p->member, p->crew->tasks[i].subject);
    return NULL;
}

void crew_run(struct crew *c, const struct crew_task *tasks, size_t n)
{
    struct post posts[CREW_MEMBERS];
    size_t started = 1; /* the caller */
    c->tasks = tasks;
    c->n = n;
    c->next = 0;
    posts[0] = (struct post){.crew = c, .member = &c->members[0]};
    for (; started < CREW_MEMBERS && started < n; started++) {
        struct post *p = &posts[started];
        *p = (struct post){.crew = c, .member = &c->members[started]};
        if (pthread_create(&p->thread, NULL, work, p) != 0)
            break;
    }
    work(&posts[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(posts[i].thread, NULL);
}
