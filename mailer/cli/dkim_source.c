#include "mailer/cli/dkim_source.h"

#include "dns/dkim_record.h"

struct record_source {
    struct resolver *resolver;
    struct arena *arena;
    size_t try;    /* which of several records is given, counted from 0 */
    bool has_more; /* some name has records beyond that */
};

static enum dkim_lookup give(const struct dkim_record *r, struct buf *out)
{
    const char *why = r->status != DKIM_RECORD_GOOD ? r->why.text
                      : !r->sha256                  ? "the key record does not allow sha256 (h=)"
                      : !r->email                   ? "the key is not meant for mail (s=)"
                                                    : NULL;
    if (!why && dkim_record_plain(r, out))
        return DKIM_KEY_FOUND;
    buf_add_text(out, why ? why : "the key cannot be written anew");
    return DKIM_KEY_UNUSABLE;
}

/* Good ones first, as long as there are any; else the first that means to be a key record tells what is wrong. */
static enum dkim_lookup choose(
    struct record_source *s, const struct dns_answer *answer, struct buf *out)
{
    struct dkim_record chosen, last_good = {0}, one;
    size_t good = 0;
    dkim_record_parse(answer->records[0].data, s->arena, &chosen);
    for (size_t i = 0; i < answer->n; i++) {
        dkim_record_parse(answer->records[i].data, s->arena, &one);
        if (chosen.status == DKIM_RECORD_ABSENT)
            chosen = one;
        if (one.status != DKIM_RECORD_GOOD)
            continue;
        if (good++ <= s->try)
            last_good = one;
    }
    s->has_more = s->has_more || good > s->try + 1;
    return give(good > 0 ? &last_good : &chosen, out);
}

static enum dkim_lookup find_record(void *context, const char *name, struct buf *out)
{
    struct record_source *s = context;
    struct dns_answer answer;
    resolver_ask(s->resolver, name, DNS_TXT, s->arena, &answer);
    if (answer.status == DNS_NXDOMAIN || answer.status == DNS_NODATA)
        return DKIM_KEY_NONE;
    if (answer.status != DNS_FOUND)
        return DKIM_KEY_TEMPERROR;
    return choose(s, &answer, out);
}

bool dkim_source_verify(struct dkim *d, struct resolver *r, struct str mail, struct arena *a,
    struct dkim_result **out, size_t *n, struct err *e)
{
    struct record_source records = {.resolver = r, .arena = a};
    struct dkim_source source = {.record = find_record, .context = &records};
    if (!dkim_verify(d, mail, &source, a, out, n, e))
        return false;
    while (records.has_more && ++records.try < SOURCE_TRIES_MAX) {
        struct dkim_result *again;
        size_t again_n;
        records.has_more = false;
        if (!dkim_verify(d, mail, &source, a, &again, &again_n, e))
            return false;
        for (size_t i = 0; i < *n && i < again_n; i++)
            if (strcmp(again[i].result, "pass") == 0)
                (*out)[i] = again[i];
    }
    return true;
}
