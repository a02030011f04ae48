#include "dns/spf_ask.h"

#include <stdlib.h>

static enum spf_match end(struct spf_asker *k, enum spf_match m, const char *problem)
{
    if (k->ended == SPF_NO_MATCH) {
        k->ended = m;
        k->problem = problem;
    }
    return m;
}

static enum spf_match count_lookup(struct spf_asker *k)
{
    if (k->uncounted || ++k->lookups <= SPF_LOOKUPS_MAX)
        return SPF_NO_MATCH;
    return end(k, SPF_MATCH_PERMERROR, "more than 10 terms ask the DNS");
}

enum spf_match spf_begin_term(struct spf_asker *k)
{
    k->term_is_void = k->term_has_names = false;
    return count_lookup(k);
}

/* RFC 7208 limits the number of *terms* for which a question found nothing: a term counts once. */
static enum spf_match count_void(struct spf_asker *k)
{
    if (k->uncounted || k->term_is_void)
        return SPF_NO_MATCH;
    k->term_is_void = true;
    if (++k->voids <= SPF_VOIDS_MAX)
        return SPF_NO_MATCH;
    return end(k, SPF_MATCH_PERMERROR, "more than 2 terms ask for what does not exist");
}

static bool is_failure(enum dns_status s)
{
    return s != DNS_FOUND && s != DNS_NXDOMAIN && s != DNS_NODATA;
}

/* The plain question: false when the DNS or the time failed, which is for the caller to judge. */
static bool ask(struct spf_asker *k, const char *name, enum dns_type type, struct dns_answer *out)
{
    *out = (struct dns_answer){.status = DNS_TIMEOUT};
    if (clock_now_ms(k->clock) < k->deadline_ms)
        resolver_ask(k->resolver, name, type, k->arena, out);
    if (is_failure(out->status)) {
        k->ttl_s = 0;
        return false;
    }
    if (out->ttl_s < k->ttl_s)
        k->ttl_s = out->ttl_s;
    return true;
}

static enum spf_match failed(struct spf_asker *k, const char *name, const struct dns_answer *answer)
{
    if (clock_now_ms(k->clock) >= k->deadline_ms)
        return end(k, SPF_MATCH_TEMPERROR, "the evaluation took longer than 20 seconds");
    return end(k, SPF_MATCH_TEMPERROR,
        arena_printf(
            k->arena, "the DNS did not answer for %s (%s)", name, dns_status_name(answer->status)));
}

enum spf_match spf_ask(
    struct spf_asker *k, const char *name, enum dns_type type, struct dns_answer *out)
{
    if (!ask(k, name, type, out))
        return failed(k, name, out);
    return out->n == 0 ? count_void(k) : SPF_NO_MATCH;
}

/* ---- addresses (s5.3, s5.4) ---------------------------------------------------------------------- */

bool spf_in_network(const struct ip *ip, const struct ip *network, int bits)
{
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    if (ip->family != network->family || memcmp(ip->b, network->b, whole) != 0)
        return false;
    return rest == 0 || ((ip->b[whole] ^ network->b[whole]) & mask) == 0;
}

static enum dns_type address_type(const struct spf_asker *k)
{
    return k->ip.family == 4 ? DNS_A : DNS_AAAA;
}

static bool holds_client(
    const struct spf_asker *k, const struct dns_answer *addresses, int bits4, int bits6)
{
    for (size_t i = 0; i < addresses->n; i++) {
        struct ip host = {.family = k->ip.family};
        memcpy(host.b, addresses->records[i].data.p, addresses->records[i].data.n);
        if (spf_in_network(&k->ip, &host, host.family == 4 ? bits4 : bits6))
            return true;
    }
    return false;
}

enum spf_match spf_match_hosts(struct spf_asker *k, const char *name, int bits4, int bits6)
{
    struct dns_answer answer;
    enum spf_match m = spf_ask(k, name, address_type(k), &answer);
    return holds_client(k, &answer, bits4, bits6) ? SPF_MATCH : m;
}

static int compare_preferences(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;
    return x->number - y->number;
}

enum spf_match spf_match_mx(struct spf_asker *k, const char *name, int bits4, int bits6)
{
    struct dns_answer mx;
    struct dns_record hosts[SPF_NAMES_MAX];
    enum spf_match m = spf_ask(k, name, DNS_MX, &mx);
    if (mx.n > SPF_NAMES_MAX)
        return end(
            k, SPF_MATCH_PERMERROR, arena_printf(k->arena, "%s has more than 10 MX names", name));
    if (mx.n > 0)
        memcpy(hosts, mx.records, mx.n * sizeof *hosts);
    qsort(hosts, mx.n, sizeof *hosts, compare_preferences);
    for (size_t i = 0; i < mx.n && m == SPF_NO_MATCH; i++) {
        char host[NAME_SIZE];
        if (name_canonical(hosts[i].data, host)) /* the null MX is none */
            m = spf_match_hosts(k, host, bits4, bits6);
    }
    return m;
}

/* ---- names of the address (s5.5, s7.3) ------------------------------------------------------------ */

/* 4.3.2.1.in-addr.arpa, or the nibbles in ip6.arpa. */
static const char *reverse_name(const struct spf_asker *k)
{
    AUTO(buf_close) struct buf name = {0};
    const uint8_t *b = k->ip.b;
    if (k->ip.family == 4)
        return arena_printf(k->arena, "%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0]);
    for (size_t i = sizeof k->ip.b; i > 0; i--)
        buf_addf(&name, "%x.%x.", b[i - 1] & 15, b[i - 1] >> 4);
    buf_add_text(&name, "ip6.arpa");
    return arena_text(k->arena, buf_str(&name));
}

/* Keeps the name if one of its addresses is the client's; what cannot be asked is passed over. */
static void validate(struct spf_asker *k, struct str ptr)
{
    struct dns_answer addresses;
    struct spf_names *v = &k->validated;
    char *name = v->names[v->n];
    if (!name_canonical(ptr, name) || !ask(k, name, address_type(k), &addresses))
        return;
    v->is_void = v->is_void || addresses.n == 0;
    if (holds_client(k, &addresses, 32, 128))
        v->n++;
}

static void find_names(struct spf_asker *k)
{
    struct dns_answer ptr;
    struct spf_names *v = &k->validated;
    v->known = true;
    v->failed = !ask(k, reverse_name(k), DNS_PTR, &ptr);
    v->is_void = !v->failed && ptr.n == 0;
    for (size_t i = 0; i < ptr.n && i < SPF_NAMES_MAX; i++)
        validate(k, ptr.records[i].data);
}

/* An error of the DNS means that there are no names, not a temperror; but the time limit is one. */
static enum spf_match know_names(struct spf_asker *k)
{
    if (!k->validated.known)
        find_names(k);
    if (clock_now_ms(k->clock) >= k->deadline_ms)
        return end(k, SPF_MATCH_TEMPERROR, "the evaluation took longer than 20 seconds");
    return k->validated.is_void ? count_void(k) : SPF_NO_MATCH;
}

enum spf_match spf_match_ptr(struct spf_asker *k, const char *name)
{
    enum spf_match m = know_names(k);
    for (size_t i = 0; i < k->validated.n && m == SPF_NO_MATCH; i++)
        if (name_is_at_or_below(k->validated.names[i], name))
            return SPF_MATCH;
    return m;
}

struct str spf_validated_name(struct spf_asker *k, const char *domain)
{
    const char *best = NULL;
    if (!k->term_has_names && count_lookup(k) != SPF_NO_MATCH)
        return STR("unknown");
    k->term_has_names = true;
    know_names(k);
    for (size_t i = 0; i < k->validated.n; i++) {
        const char *name = k->validated.names[i];
        if (strcmp(name, domain) == 0)
            return str_of(name);
        if (!best || name_is_at_or_below(name, domain))
            best = name;
    }
    return best ? str_of(best) : STR("unknown");
}
