#include "dns/dkim_spread.h"

#include "dns/dkim_record.h"

static const char *why_unanswered(const struct authority_server *s)
{
    static const char *const sentences[] = {
        [AUTHORITY_ANSWERED] = "",
        [AUTHORITY_SILENT] = "does not answer",
        [AUTHORITY_LAME] = "is listed as a server of the zone, but has no authoritative answer",
        [AUTHORITY_NO_ROUTE] = "cannot be reached from this machine",
        [AUTHORITY_NO_ADDRESS] = "has no address",
        [AUTHORITY_NOT_PUBLIC] = "has an address that is not public, and so is not asked: see "
                                 "allow_private_destinations",
    };
    return sentences[s->status];
}

static enum dkim_seen see(const struct dkim_record *r, struct str public_key, const char **why)
{
    *why = r->why.text;
    if (r->status == DKIM_RECORD_ABSENT)
        return DKIM_SEEN_ABSENT;
    if (r->status == DKIM_RECORD_REVOKED)
        return DKIM_SEEN_REVOKED;
    if (r->status != DKIM_RECORD_GOOD)
        return DKIM_SEEN_OTHER;
    if (!dkim_record_holds(r, public_key)) {
        *why = "shows another public key";
        return DKIM_SEEN_OTHER;
    }
    if (!r->sha256 || !r->email || r->testing) {
        *why = !r->sha256  ? "shows our key, but h= forbids sha256"
               : !r->email ? "shows our key, but s= leaves e-mail out"
                           : "shows our key, but marked as a test (t=y)";
        return DKIM_SEEN_OTHER;
    }
    *why = "";
    return DKIM_SEEN_OURS;
}

static struct dkim_sighting judge(
    const struct authority_server *s, struct str public_key, struct arena *a, uint32_t *ttl_s)
{
    struct dkim_sighting out = {s->host, s->address, DKIM_SEEN_UNKNOWN, why_unanswered(s)};
    struct dkim_record record;
    const struct dns_step *step = &s->step;

    *ttl_s = step->ttl_s;
    if (s->status != AUTHORITY_ANSWERED)
        return out;
    if (step->status != DNS_FOUND) {
        out.seen = DKIM_SEEN_ABSENT;
        out.why = "shows no record";
        return out;
    }
    struct dns_answer answer = {
        .status = DNS_FOUND, .records = step->records, .n = step->n, .ttl_s = step->ttl_s};
    dkim_record_take(&answer, a, &record);
    out.seen = see(&record, public_key, &out.why);
    return out;
}

/* A machine without IPv6 must not wait for ever for a server that it could ask over IPv4. */
static bool has_answered_elsewhere(const struct authority *all, const struct authority_server *s)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->servers[i].status == AUTHORITY_ANSWERED &&
            strcmp(all->servers[i].host, s->host) == 0 &&
            strcmp(all->servers[i].name, s->name) == 0)
            return true;
    return false;
}

static uint32_t longer(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void count(struct dkim_spread *out, const struct dkim_sighting *s, uint32_t ttl_s)
{
    switch (s->seen) {
    case DKIM_SEEN_OURS:
        out->ours++;
        out->ttl_s = longer(out->ttl_s, ttl_s);
        break;
    case DKIM_SEEN_ABSENT:
        out->absent++;
        break;
    case DKIM_SEEN_REVOKED:
        out->revoked++;
        out->stale_ttl_s = longer(out->stale_ttl_s, ttl_s);
        break;
    case DKIM_SEEN_OTHER:
        out->other++;
        out->stale_ttl_s = longer(out->stale_ttl_s, ttl_s);
        break;
    case DKIM_SEEN_UNKNOWN:
        out->unknown++;
        break;
    }
}

void dkim_spread_find(const struct authority_setup *s, const char *domain, const char *selector,
    struct str public_key, struct arena *a, struct dkim_spread *out)
{
    struct authority all;
    *out = (struct dkim_spread){.name = arena_printf(a, "%s._domainkey.%s", selector, domain)};
    authority_ask(s, out->name, DNS_TXT, a, &all);
    struct dkim_sighting *seen = arena_array(a, all.n, sizeof *seen);
    out->why = all.why;
    out->servers = seen;
    out->stale_ttl_s = all.negative_ttl_s;
    for (size_t i = 0; i < all.n; i++) {
        const struct authority_server *one = &all.servers[i];
        uint32_t ttl_s;
        if (one->status == AUTHORITY_NO_ROUTE && has_answered_elsewhere(&all, one))
            continue;
        /* The servers behind an alias say what the record is. */
        if (one->status == AUTHORITY_ANSWERED && one->step.alias[0])
            continue;
        seen[out->n] = judge(one, public_key, a, &ttl_s);
        count(out, &seen[out->n++], ttl_s);
    }
}

bool dkim_spread_is_everywhere(const struct dkim_spread *s)
{
    return !s->why[0] && s->n > 0 && s->ours == s->n;
}

bool dkim_spread_is_nowhere(const struct dkim_spread *s)
{
    return !s->why[0] && s->n > 0 && s->absent + s->revoked == s->n;
}
