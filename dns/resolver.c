#include "dns/resolver.h"

#include "dns/cache.h"
#include "dns/failures.h"
#include "dns/flight.h"
#include "dns/name.h"
#include "dns/zone.h"

#include <stdlib.h>

#define CACHE_BYTES_DEFAULT (8 * 1024 * 1024)
#define TIMEOUT_DEFAULT_MS 5000
#define ALIASES_MAX 8
#define TIRED_SHARE 4 /* a tired handle waits a quarter of the time */

/* What all handles share; immutable but for what locks itself. */
struct core {
    struct servers servers;
    struct zones *zones;
    struct cache *cache;
    struct failures *failures;
    struct flights *flights;
    const struct clock *clock;
    int64_t timeout_ms;
    struct { /* NULL without metrics */
        struct counter *zone, *cache, *stale, *server, *failed, *coalesced, *remembered;
        struct histogram *seconds;
    } count;
};

struct resolver {
    struct core *core;
    bool owns_core;
    int64_t lean_ms; /* 0: resolver_ask never leans */
    bool leaned;
    bool tired;               /* a leaning handle has waited in vain once */
    int64_t until_steady_ns;  /* no question goes out behind it; 0: no end */
    const _Atomic bool *over; /* or once it is true; NULL: never */
};

/* One question of a caller on its way along the aliases. */
struct journey {
    struct resolver *resolver;
    enum dns_type type;
    int64_t max_stale_ms;
    int64_t deadline_steady_ns;
    struct arena *arena;
    struct flight *flight; /* NULL, or landed with an answer, which may know the next names too */
};

const char *dns_status_name(enum dns_status s)
{
    static const char *const names[] = {
        [DNS_FOUND] = "found",
        [DNS_NXDOMAIN] = "nxdomain",
        [DNS_NODATA] = "nodata",
        [DNS_SERVFAIL] = "servfail",
        [DNS_TIMEOUT] = "timeout",
        [DNS_BAD] = "bad",
    };
    return names[s];
}

struct said dns_no_answer(struct arena *a, const char *name, enum dns_status s)
{
    return SAY(a, "dns.no_answer", "the DNS did not answer for {{name}} ({{how}})", {"name", name},
        {"how", dns_status_name(s)});
}

static struct counter *count_answers(struct metrics *m, const char *labels)
{
    return m ? metrics_counter(
                   m, "parcelpost_dns_steps_total", "DNS names looked up, by source", labels)
             : NULL;
}

static void count(struct counter *c)
{
    if (c)
        counter_add(c, 1);
}

static bool core_fill(struct core *c, const struct resolver_setup *s, struct err *e)
{
    if (s->servers_n > DNS_MAX_SERVERS || s->zone_files_n > DNS_MAX_ZONES)
        return err_set(e, ERR_LIMIT, "at most %d DNS servers and %d zone files", DNS_MAX_SERVERS,
            DNS_MAX_ZONES);
    for (; c->servers.n < s->servers_n; c->servers.n++)
        if (!server_parse(s->servers[c->servers.n], &c->servers.all[c->servers.n], e))
            return false;
    c->clock = s->clock;
    c->timeout_ms = s->timeout_ms > 0 ? s->timeout_ms : TIMEOUT_DEFAULT_MS;
    c->failures = failures_open();
    c->flights = flights_open();
    c->cache = cache_open(s->cache_bytes > 0 ? s->cache_bytes : CACHE_BYTES_DEFAULT);
    c->count.zone = count_answers(s->metrics, "from=\"zone\"");
    c->count.cache = count_answers(s->metrics, "from=\"cache\"");
    c->count.stale = count_answers(s->metrics, "from=\"stale\"");
    c->count.server = count_answers(s->metrics, "from=\"server\"");
    c->count.failed = count_answers(s->metrics, "from=\"nobody\"");
    if (s->metrics) {
        c->count.coalesced = metrics_counter(s->metrics, "parcelpost_dns_coalesced_total",
            "Questions to the DNS servers that waited for an equal one instead", "");
        c->count.remembered =
            metrics_counter(s->metrics, "parcelpost_dns_remembered_failures_total",
                "Questions to the DNS servers not sent because they had just failed", "");
        c->count.seconds = metrics_histogram(
            s->metrics, "parcelpost_dns_seconds", "Time of one question to the DNS servers", "");
    }
    return zones_open(s->zone_files, s->zone_files_n, s->drafts_n, &c->zones, e);
}

static void *zeroed(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p)
        err_out_of_memory();
    return p;
}

bool resolver_open(const struct resolver_setup *s, struct resolver **out, struct err *e)
{
    AUTO(resolver_close) struct resolver *r = zeroed(sizeof *r);
    r->owns_core = true;
    r->core = zeroed(sizeof *r->core);
    if (!core_fill(r->core, s, e))
        return false;
    *out = r;
    r = NULL;
    return true;
}

struct resolver *resolver_lean(struct resolver *r, int64_t max_stale_ms)
{
    struct resolver *lean = zeroed(sizeof *lean);
    lean->core = r->core;
    lean->lean_ms = max_stale_ms;
    return lean;
}

bool resolver_has_leaned(const struct resolver *r)
{
    return r->leaned;
}

void resolver_bound(struct resolver *lean, int64_t until_steady_ns, const _Atomic bool *over)
{
    lean->until_steady_ns = until_steady_ns;
    lean->over = over;
}

static bool is_over(const struct resolver *r)
{
    return (r->over && *r->over) ||
           (r->until_steady_ns > 0 && clock_steady_ns() >= r->until_steady_ns);
}

static int64_t deadline(const struct resolver *r, int64_t wait_ms)
{
    int64_t end = clock_steady_ns() + wait_ms * 1000000;
    return r->until_steady_ns > 0 && r->until_steady_ns < end ? r->until_steady_ns : end;
}

void resolver_close(struct resolver **owner)
{
    struct resolver *r = *owner;
    if (!r)
        return;
    if (r->owns_core) {
        zones_close(&r->core->zones);
        cache_close(&r->core->cache);
        failures_close(&r->core->failures);
        flights_close(&r->core->flights);
        free(r->core);
    }
    free(r);
    *owner = NULL;
}

/* What the answer says along its chain of aliases goes into the cache, a step an entry. Only names
 * that the chain from our own question reaches: the rest of a packet could say anything about
 * anybody. */
static void remember(const struct journey *j, const char *name, const struct exchange_reply *reply)
{
    struct core *c = j->resolver->core;
    struct dns_step step;
    int64_t now_ms = clock_now_ms(c->clock);
    for (int i = 0; i <= ALIASES_MAX && wire_step(reply->answer, name, j->arena, &step); i++) {
        char next[NAME_SIZE];
        step.secure = step.secure && reply->from_loopback;
        if (step.status == DNS_BAD) {
            failures_add(c->failures, name, j->type, DNS_BAD, 0, now_ms);
            return;
        }
        cache_put(c->cache, name, j->type, &step, now_ms);
        failures_end(c->failures, name, j->type, now_ms);
        if (!step.alias[0] || !name_canonical(str_of(step.alias), next))
            return;
        name = step.alias;
    }
}

static bool in_cache(struct journey *j, const char *name, struct dns_step *out)
{
    struct core *c = j->resolver->core;
    return cache_get(c->cache, name, j->type, 0, clock_now_ms(c->clock), j->arena, out);
}

static bool failed_lately(const struct journey *j, const char *name, enum dns_status *out)
{
    struct core *c = j->resolver->core;
    return failures_find(c->failures, name, j->type, j->deadline_steady_ns - clock_steady_ns(),
        clock_now_ms(c->clock), out);
}

/* Asks the servers, for all who wait for the same. */
static enum dns_status lead(
    struct journey *j, const struct exchange_question *q, struct flight *flight)
{
    struct core *c = j->resolver->core;
    const struct exchange x = {
        .servers = &c->servers, .clock = c->clock, .deadline_steady_ns = j->deadline_steady_ns};
    struct exchange_reply reply = {0};
    int64_t start = clock_steady_ns();
    enum dns_status s = exchange_ask(&x, q, flight_arena(flight), &reply);
    if (c->count.seconds)
        histogram_add_ns(c->count.seconds, clock_steady_ns() - start);
    if (s == DNS_FOUND)
        remember(j, q->name, &reply);
    else
        failures_add(c->failures, q->name, q->type, s, j->deadline_steady_ns - start,
            clock_now_ms(c->clock));
    flight_land(flight, s, &reply);
    return s;
}

/* One go at the servers, with others or alone. DNS_FOUND in *out: j->flight has their answer. False:
 * look at what is known and go again. */
static bool fly(struct journey *j, const char *name, enum dns_status *out)
{
    struct core *c = j->resolver->core;
    const struct exchange_question q = {.name = name, .type = j->type};
    struct dns_step known;
    bool leads;
    AUTO(flight_leave)
    struct flight *x = flights_board(c->flights, &q, j->deadline_steady_ns, &leads);

    *out = DNS_TIMEOUT;
    if (leads && (in_cache(j, name, &known) || failed_lately(j, name, out))) {
        /* the one before landed just now */
        flight_cancel(x);
        return false;
    }
    if (leads) {
        *out = lead(j, &q, x);
    } else {
        count(c->count.coalesced);
        enum flight_end end = flight_wait(x, j->deadline_steady_ns);
        if (end != FLIGHT_LANDED)
            return end == FLIGHT_LATE;
        *out = flight_status(x);
    }
    if (*out == DNS_FOUND) {
        j->flight = x;
        x = NULL;
    }
    return true;
}

/* What it says lies in the flight's arena, which need not live as long as the caller's. */
static bool in_answer(const struct journey *j, const char *name, struct dns_step *out)
{
    const struct exchange_reply *reply = j->flight ? flight_reply(j->flight) : NULL;
    struct dns_step step;
    if (!reply || !wire_step(reply->answer, name, j->arena, &step))
        return false;
    step_copy(&step, j->arena, out);
    out->secure = out->secure && reply->from_loopback;
    return true;
}

static void lean_on_cache(
    struct journey *j, const char *name, enum dns_status failure, struct dns_step *out)
{
    struct resolver *r = j->resolver;
    if (j->max_stale_ms > 0 && cache_get(r->core->cache, name, j->type, j->max_stale_ms,
                                   clock_now_ms(r->core->clock), j->arena, out)) {
        count(r->core->count.stale);
        return;
    }
    count(r->core->count.failed);
    *out = (struct dns_step){.status = failure, .alias = ""};
}

static bool from_what_is_known(struct journey *j, const char *name, struct dns_step *out)
{
    struct core *c = j->resolver->core;
    if (in_answer(j, name, out)) {
        count(c->count.server);
        return true;
    }
    /* What it says ends here: an NXDOMAIN is about the end of its own aliases. */
    flight_leave(&j->flight);
    if (!in_cache(j, name, out))
        return false;
    count(c->count.cache);
    return true;
}

static bool from_servers(struct journey *j, const char *name, struct dns_step *out)
{
    struct core *c = j->resolver->core;
    enum dns_status s = DNS_TIMEOUT;
    if (c->servers.n > 0 && failed_lately(j, name, &s)) {
        count(c->count.remembered);
        lean_on_cache(j, name, s, out);
        return true;
    }
    if (c->servers.n > 0 && !is_over(j->resolver) && !fly(j, name, &s))
        return false;
    if (j->resolver->lean_ms > 0 && s == DNS_TIMEOUT) /* only then is the handle one thread's own */
        j->resolver->tired = true;
    if (s == DNS_FOUND && in_answer(j, name, out) && out->status != DNS_BAD)
        count(c->count.server);
    else
        lean_on_cache(j, name, s == DNS_FOUND ? DNS_BAD : s, out);
    return true;
}

/* Zone files first, then what is known, then the servers. */
static void step(struct journey *j, const char *name, struct dns_step *out)
{
    struct core *c = j->resolver->core;
    if (zones_step(c->zones, name, j->type, j->arena, out)) {
        count(c->count.zone);
        flight_leave(&j->flight);
        return;
    }
    while (!from_what_is_known(j, name, out) && !from_servers(j, name, out))
        ; /* an equal question came to nothing that would do for this one */
}

static void finish(struct dns_answer *out, const struct dns_step *last)
{
    out->status = last->status;
    out->records = last->records;
    out->n = last->n;
}

static void travel(struct journey *j, const char *name, struct dns_answer *out)
{
    char at[NAME_SIZE];
    *out = (struct dns_answer){
        .status = DNS_BAD, .canonical = "", .ttl_s = UINT32_MAX, .secure = true};
    for (int aliases = 0; aliases <= ALIASES_MAX; aliases++) {
        struct dns_step s = {.alias = ""};
        if (!name_canonical(str_of(name), at))
            break;
        out->canonical = arena_text(j->arena, str_of(at));
        step(j, out->canonical, &s);
        out->ttl_s = s.ttl_s < out->ttl_s ? s.ttl_s : out->ttl_s;
        out->secure = out->secure && s.secure;
        out->stale = out->stale || s.stale;
        if (!s.alias[0]) {
            finish(out, &s);
            return;
        }
        name = s.alias;
    }
    out->ttl_s = 0; /* no name, or aliases without end */
    out->secure = false;
}

static void ask(struct resolver *r, const char *name, enum dns_type type, int64_t max_stale_ms,
    struct arena *a, struct dns_answer *out)
{
    int64_t wait_ms = r->tired ? r->core->timeout_ms / TIRED_SHARE : r->core->timeout_ms;
    struct journey j = {
        .resolver = r,
        .type = type,
        .max_stale_ms = max_stale_ms,
        .deadline_steady_ns = deadline(r, wait_ms),
        .arena = a,
    };
    travel(&j, name, out);
    flight_leave(&j.flight);
    if (out->stale && r->lean_ms > 0)
        r->leaned = true;
}

void resolver_ask(struct resolver *r, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out)
{
    ask(r, name, type, r->lean_ms, a, out);
}

void resolver_ask_stale(struct resolver *r, const char *name, enum dns_type type,
    int64_t max_stale_ms, struct arena *a, struct dns_answer *out)
{
    ask(r, name, type, max_stale_ms, a, out);
}

/* One question, past all that is known. */
static enum dns_status ask_afresh(struct resolver *r, const struct exchange_question *q,
    int64_t until_steady_ns, struct arena *a, struct exchange_reply *out)
{
    struct core *c = r->core;
    int64_t end = deadline(r, c->timeout_ms);
    const struct exchange x = {.servers = &c->servers,
        .clock = c->clock,
        .deadline_steady_ns = end < until_steady_ns ? end : until_steady_ns};
    return c->servers.n > 0 && !is_over(r) ? exchange_ask(&x, q, a, out) : DNS_TIMEOUT;
}

enum dns_status resolver_ask_signed(struct resolver *r, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet)
{
    const struct exchange_question q = {.name = name, .type = type, .dnssec = true};
    struct exchange_reply reply = {0};
    enum dns_status s = ask_afresh(r, &q, until_steady_ns, a, &reply);
    *packet = reply.packet;
    return s;
}

bool resolver_validates(struct resolver *r)
{
    const struct exchange_question q = {.name = "", .type = DNS_SOA};
    AUTO(arena_close) struct arena *a = arena_open();
    struct exchange_reply reply = {0};
    struct dns_step step;
    return ask_afresh(r, &q, INT64_MAX, a, &reply) == DNS_FOUND &&
           wire_step(reply.answer, "", a, &step) && step.secure && reply.from_loopback;
}

bool resolver_has_zone(struct resolver *r, const char *name)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dns_step step;
    char canonical[NAME_SIZE];
    return name_canonical(str_of(name), canonical) &&
           zones_step(r->core->zones, canonical, DNS_SOA, a, &step);
}

void resolver_forget(struct resolver *r, const char *name)
{
    char canonical[NAME_SIZE];
    if (!name_canonical(str_of(name), canonical))
        return;
    cache_expire(r->core->cache, canonical, clock_now_ms(r->core->clock));
    failures_forget(r->core->failures, canonical, clock_now_ms(r->core->clock));
}

bool resolver_zone_faults(const struct resolver *r, struct buf *out)
{
    return zones_faults(r->core->zones, out);
}
