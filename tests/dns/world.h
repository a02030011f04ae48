/* world -- what the DNS suites share: zone files in a temporary folder, a clock that stands, one arena, a resolver
 * on them; and an answer as one line of text, so that tables can hold it. One thread, but the resolver. */
#ifndef TESTS_DNS_WORLD_H
#define TESTS_DNS_WORLD_H

#include "dns/resolver.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define WORLD_ZONES_MAX 4
#define EACH(c, table) for (__typeof__(&(table)[0]) c = (table); c < (table) + COUNT_OF(table); c++)

struct world {
    char folder[SCRATCH_SIZE];
    const char *paths[WORLD_ZONES_MAX];
    size_t zones_n;
    struct clock_fake fake;
    struct clock clock;
    struct arena *arena;
    struct resolver *resolver;
    struct metrics *metrics;
};

/* Starts at 2026-11-21T00:00:00Z with an empty folder and no resolver. */
void world_begin(struct world *w);
/* The same with a resolver on one zone, whose file is both texts, and on no server. */
void world_begin_on(struct world *w, const char *head, const char *rest);
void world_end(struct world *w);
/* The same for all cases of a group, whose state it is then; `zone`: on this one, or NULL. */
int world_of_group(void **state, const char *zone);
int world_of_group_ends(void **state);

/* Writes a zone file; its path is w->paths[i]. A newer version gets another inode, as editors and git make it. */
void world_zone(struct world *w, size_t i, const char *text);

/* A resolver on all zones written so far and these servers (NULL-terminated, or NULL), with this time-out. */
void world_resolver(struct world *w, const char *const *servers, int64_t timeout_ms);
void world_pass_ms(struct world *w, int64_t ms);

/* "found 192.0.2.1 192.0.2.2", "found 10:mx.shop.example", "found \"v=spf1 -all\"", "nodata", "nxdomain"; after an
 * alias " at the.canonical.name". Records are sorted, so that servers may shuffle. */
const char *world_ask(struct world *w, const char *name, enum dns_type type);
const char *world_describe(
    struct world *w, const char *name, enum dns_type type, const struct dns_answer *a);

/* assert_string_equal with the case's name in the message. */
void expect_text(const char *name, const char *have, const char *want);
void expect_number(const char *name, int64_t have, int64_t want);

#endif
