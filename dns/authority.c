#include "dns/authority.h"

#include "base/clock.h"
#include "dns/exchange.h"
#include "dns/mx.h"
#include "dns/name.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <unistd.h>

#define TIMEOUT_MS 3000
#define WHOLE_MS 30000
#define PORT 53
#define SOA_LEAST 22 /* two names and five numbers */

struct survey {
    const struct authority_setup *with;
    enum dns_type type;
    struct arena *arena;
    struct authority_server servers[AUTHORITY_MAX_SERVERS];
    size_t n;
    const char *names[AUTHORITY_MAX_NAMES];
    size_t names_n;
    const char *why;
    uint32_t negative_ttl_s;
    int64_t end_steady_ns;
};

static void give_up(struct survey *v, const char *why)
{
    if (!v->why[0])
        v->why = why;
}

/* Asked before each question, so that whoever names servers does not choose how many there are. */
static bool may_ask(struct survey *v, const char *name)
{
    if (v->n == AUTHORITY_MAX_SERVERS)
        give_up(v, arena_printf(v->arena, "%s has more than %d addresses of servers", name,
                       AUTHORITY_MAX_SERVERS));
    else if (clock_steady_ns() >= v->end_steady_ns)
        give_up(v, arena_printf(v->arena, "the servers of %s took too long together", name));
    else
        return true;
    return false;
}

static struct authority_server *add_server(
    struct survey *v, const char *name, const char *host, const char *address)
{
    if (!may_ask(v, name))
        return NULL;
    v->servers[v->n] = (struct authority_server){
        .host = host, .address = address, .name = name, .step = {.alias = ""}};
    return &v->servers[v->n++];
}

/* What an alias leads to is part of the answer, and has servers of its own. */
static void follow(struct survey *v, const struct dns_step *step)
{
    char name[NAME_SIZE];
    if (step->status != DNS_FOUND || !step->alias[0])
        return;
    if (!name_canonical(str_of(step->alias), name)) {
        give_up(v, arena_printf(v->arena, "the alias %s is no name", step->alias));
        return;
    }
    for (size_t i = 0; i < v->names_n; i++)
        if (strcmp(v->names[i], name) == 0)
            return;
    if (v->names_n == AUTHORITY_MAX_NAMES)
        give_up(v, arena_printf(v->arena, "more than %d aliases", AUTHORITY_MAX_NAMES - 1));
    else
        v->names[v->names_n++] = arena_text(v->arena, str_of(name));
}

/* ---- one server ------------------------------------------------------------------------------ */

/* Connecting a UDP socket sends nothing, and fails at once where there is no way. */
static bool has_route(const struct server *s)
{
    int fd = socket(s->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)&s->address, s->length) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void ask_server(struct survey *v, struct authority_server *out, struct servers *alone)
{
    int64_t timeout_ms = v->with->timeout_ms > 0 ? v->with->timeout_ms : TIMEOUT_MS;
    int64_t deadline_ns = clock_steady_ns() + timeout_ms * 1000000;
    const struct exchange_question question = {.name = out->name, .type = v->type};
    struct exchange_reply reply = {0};
    const struct exchange x = {.servers = alone,
        .clock = clock_system(),
        .deadline_steady_ns = deadline_ns < v->end_steady_ns ? deadline_ns : v->end_steady_ns,
        .direct = true};

    out->status = AUTHORITY_NO_ROUTE;
    if (!has_route(&alone->all[0]))
        return;
    enum dns_status status = exchange_ask(&x, &question, v->arena, &reply);
    out->status = status == DNS_SERVFAIL ? AUTHORITY_LAME : AUTHORITY_SILENT;
    if (status != DNS_FOUND)
        return;
    out->status = AUTHORITY_LAME;
    if (!wire_is_authoritative(reply.answer) ||
        !wire_step(reply.answer, out->name, v->arena, &out->step))
        return;
    out->status = out->step.status == DNS_BAD ? AUTHORITY_SILENT : AUTHORITY_ANSWERED;
    if (out->status == AUTHORITY_ANSWERED)
        follow(v, &out->step);
}

static void ask_address(struct survey *v, const char *name, const char *host, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    struct servers alone = {.n = 1};
    struct err e = {0};
    uint16_t port = v->with->port > 0 ? v->with->port : PORT;

    ip_text(ip, text);
    struct authority_server *out = add_server(v, name, host, arena_text(v->arena, str_of(text)));
    if (!out)
        return;
    if (!v->with->allow_private && !ip_is_public(ip)) {
        out->status = AUTHORITY_NOT_PUBLIC;
        return;
    }
    const char *whole = arena_printf(v->arena, ip->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
    if (server_parse(whole, &alone.all[0], &e))
        ask_server(v, out, &alone);
    else
        out->status = AUTHORITY_NO_ROUTE;
}

/* ---- the servers of one zone ----------------------------------------------------------------- */

static bool is_failure(enum dns_status s)
{
    return s != DNS_FOUND && s != DNS_NXDOMAIN && s != DNS_NODATA;
}

static size_t ask_addresses(struct survey *v, const char *name, const char *host, int family)
{
    struct dns_answer found;
    if (!may_ask(v, name))
        return 0;
    resolver_ask(v->with->resolver, host, family == 4 ? DNS_A : DNS_AAAA, v->arena, &found);
    if (is_failure(found.status))
        give_up(v, arena_printf(v->arena, "the DNS did not say which addresses %s has (%s)", host,
                       dns_status_name(found.status)));
    for (size_t i = 0; i < found.n && may_ask(v, name); i++) {
        struct ip ip = {.family = (uint8_t)family};
        if (found.records[i].data.n == (family == 4 ? 4u : 16u)) {
            memcpy(ip.b, found.records[i].data.p, found.records[i].data.n);
            ask_address(v, name, host, &ip);
        }
    }
    return found.n;
}

static void ask_host(struct survey *v, const char *name, const char *host)
{
    size_t n = ask_addresses(v, name, host, 4);
    if (n + ask_addresses(v, name, host, 6) > 0)
        return;
    struct authority_server *out = add_server(v, name, host, "");
    if (out)
        out->status = AUTHORITY_NO_ADDRESS;
}

/* The last four bytes of a SOA; together with its TTL they bound how long an absence is cached (RFC 2308 s5). The
 * TTL seen here may have run down in a cache, so that the minimum alone is taken: never too short. */
static uint32_t soa_minimum(struct str rdata)
{
    if (rdata.n < SOA_LEAST)
        return 0;
    const uint8_t *p = (const uint8_t *)rdata.p + rdata.n - 4;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The deepest name at or above `name` that has a SOA of its own; NULL: v->why says it. */
static const char *find_zone(struct survey *v, struct resolver *r, const char *name)
{
    for (const char *at = name;; at = name_parent(at)) {
        struct dns_answer soa;
        resolver_ask(r, at, DNS_SOA, v->arena, &soa);
        if (soa.status == DNS_FOUND && strcmp(soa.canonical, at) == 0) {
            uint32_t minimum = soa_minimum(soa.records[0].data);
            v->negative_ttl_s = minimum > v->negative_ttl_s ? minimum : v->negative_ttl_s;
            return at;
        }
        if (is_failure(soa.status) || !*at) {
            give_up(v, arena_printf(v->arena, "the DNS did not say in which zone %s lies (%s)",
                           name, dns_status_name(soa.status)));
            return NULL;
        }
    }
}

static void ask_zone(struct survey *v, const char *name)
{
    const char *zone = find_zone(v, v->with->resolver, name);
    struct dns_answer ns;
    if (!zone)
        return;
    resolver_ask(v->with->resolver, zone, DNS_NS, v->arena, &ns);
    if (ns.status != DNS_FOUND)
        give_up(v, arena_printf(v->arena, "the DNS did not say which servers %s has (%s)", zone,
                       dns_status_name(ns.status)));
    for (size_t i = 0; i < ns.n && may_ask(v, name); i++)
        ask_host(v, name, arena_text(v->arena, ns.records[i].data));
}

/* True: a zone file knows the name, and has answered. */
static bool ask_files(struct survey *v, const char *name)
{
    struct dns_answer found;
    if (!v->with->files)
        return false;
    resolver_ask(v->with->files, name, v->type, v->arena, &found);
    if (is_failure(found.status))
        return false;
    struct authority_server *out = add_server(v, name, "zone file", "");
    if (out)
        out->step = (struct dns_step){.status = found.status,
            .alias = "",
            .records = found.records,
            .n = found.n,
            .ttl_s = found.ttl_s};
    find_zone(v, v->with->files, name);
    return true;
}

void authority_ask(const struct authority_setup *s, const char *name, enum dns_type type,
    struct arena *a, struct authority *out)
{
    char canonical[NAME_SIZE];
    struct survey *v = ARENA_NEW(a, struct survey);
    int64_t whole_ms = s->whole_ms > 0 ? s->whole_ms : WHOLE_MS;
    *v = (struct survey){.with = s,
        .type = type,
        .arena = a,
        .why = "",
        .end_steady_ns = clock_steady_ns() + whole_ms * 1000000};

    if (name_canonical(str_of(name), canonical))
        v->names[v->names_n++] = arena_text(a, str_of(canonical));
    else
        give_up(v, arena_printf(a, "%s is no name", name));
    for (size_t i = 0; i < v->names_n; i++)
        if (!ask_files(v, v->names[i]))
            ask_zone(v, v->names[i]);
    *out = (struct authority){v->why, v->servers, v->n, v->negative_ttl_s};
}
