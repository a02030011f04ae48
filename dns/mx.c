#include "dns/mx.h"

#include "dns/name.h"

#include <stdlib.h>

static bool is_failure(enum dns_status s)
{
    return s == DNS_SERVFAIL || s == DNS_TIMEOUT || s == DNS_BAD;
}

/* splitmix64: equal seeds give equal orders, which tests and retries rely on. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void shuffle(struct mx_host *h, size_t n, uint64_t seed)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(next_random(&seed) % i);
        struct mx_host kept = h[i - 1];
        h[i - 1] = h[j];
        h[j] = kept;
    }
}

/* Insertion keeps the shuffled order of equal preferences; the lists are short (DNS_MAX_RECORDS). */
static void sort_by_preference(struct mx_host *h, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct mx_host moving = h[i];
        size_t at = i;
        for (; at > 0 && h[at - 1].preference > moving.preference; at--)
            h[at] = h[at - 1];
        h[at] = moving;
    }
}

/* A host named twice is tried at its better preference only. */
static size_t drop_repeated(struct mx_host *h, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < kept && !seen; j++)
            seen = strcmp(h[j].name, h[i].name) == 0;
        if (!seen)
            h[kept++] = h[i];
    }
    return kept;
}

static size_t usable_hosts(const struct dns_answer *mx, struct mx_host *out)
{
    char name[NAME_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < mx->n; i++)
        if (name_canonical(mx->records[i].data, name))
            out[n++] = (struct mx_host){mx->records[i].data.p, mx->records[i].number, false};
    return n;
}

/* RFC 5321 s5.1: without MX records the domain is its own host, when it has an address. */
static enum mx_status implicit_host(
    struct resolver *r, const char *domain, struct arena *a, struct mx_host **out, size_t *n)
{
    struct dns_answer v6, v4;
    resolver_ask(r, domain, DNS_AAAA, a, &v6);
    resolver_ask(r, domain, DNS_A, a, &v4);
    if (v6.status == DNS_FOUND || v4.status == DNS_FOUND) {
        *out = ARENA_NEW(a, struct mx_host);
        **out = (struct mx_host){arena_text(a, str_of(domain)), 0, true};
        *n = 1;
        return MX_FOUND;
    }
    return is_failure(v6.status) || is_failure(v4.status) ? MX_TEMPERROR : MX_NO_HOST;
}

enum mx_status mx_hosts(struct resolver *r, const char *domain, uint64_t seed, struct arena *a,
    struct mx_host **out, size_t *n)
{
    struct dns_answer mx;
    char canonical[NAME_SIZE];
    *out = NULL;
    *n = 0;
    if (!name_canonical(str_of(domain), canonical))
        return MX_NO_DOMAIN;
    resolver_ask(r, canonical, DNS_MX, a, &mx);
    if (is_failure(mx.status))
        return MX_TEMPERROR;
    if (mx.status == DNS_NXDOMAIN)
        return MX_NO_DOMAIN;
    if (mx.status == DNS_NODATA)
        return implicit_host(r, canonical, a, out, n);
    if (mx.n == 1 && mx.records[0].data.n == 0)
        return MX_NULL;
    struct mx_host *hosts = arena_array(a, mx.n, sizeof *hosts);
    size_t usable = usable_hosts(&mx, hosts);
    shuffle(hosts, usable, seed);
    sort_by_preference(hosts, usable);
    usable = drop_repeated(hosts, usable);
    *out = hosts;
    *n = usable < MX_MAX_HOSTS ? usable : MX_MAX_HOSTS;
    return usable > 0 ? MX_FOUND : MX_NO_HOST;
}

static void put_address(
    struct ip *out, size_t *n, uint8_t family, const struct dns_answer *from, size_t i)
{
    if (i >= from->n || *n == MX_MAX_ADDRESSES)
        return;
    out[*n].family = family;
    memcpy(out[*n].b, from->records[i].data.p, from->records[i].data.n);
    (*n)++;
}

size_t mx_addresses(
    struct resolver *r, const char *host, struct arena *a, struct ip **out, bool *temperror)
{
    struct dns_answer v6, v4;
    resolver_ask(r, host, DNS_AAAA, a, &v6);
    resolver_ask(r, host, DNS_A, a, &v4);
    *temperror = is_failure(v6.status) || is_failure(v4.status);
    *out = arena_array(a, MX_MAX_ADDRESSES, sizeof **out);
    size_t n = 0;
    for (size_t i = 0; i < v6.n || i < v4.n; i++) {
        put_address(*out, &n, 6, &v6, i);
        put_address(*out, &n, 4, &v4, i);
    }
    return n;
}
