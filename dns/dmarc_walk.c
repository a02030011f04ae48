#include "dns/dmarc_walk.h"

#include "dns/name.h"

#define SKIP_TO_LABELS 7 /* from names of eight labels and more the walk goes straight here */

static const char *prefix(const char *name, struct arena *a)
{
    return arena_printf(a, "_dmarc.%s", name);
}

/* How many of the TXT records at one name begin with a valid version; *out is the first. Exactly one counts, several
 * cancel each other (RFC 9989 s4.10, steps 2 and 4). */
static size_t records_at(const struct dns_answer *answer, struct arena *a, struct dmarc_record *out)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n; i++) {
        struct dmarc_record one;
        dmarc_parse(answer->records[i].data, a, &one);
        if (one.valid && n++ == 0)
            *out = one;
    }
    return n;
}

static bool is_failure(enum dns_status s)
{
    return s != DNS_FOUND && s != DNS_NXDOMAIN && s != DNS_NODATA;
}

/* One name of the walk. False: the walk ends here. */
static bool visit(struct resolver *r, const char *name, struct arena *a, struct dmarc_path *out)
{
    struct dns_answer answer;
    const char *question = prefix(name, a);
    if (strlen(question) >= NAME_SIZE)
        return true; /* no such name can exist */
    out->queries[out->queries_n++] = question;
    resolver_ask(r, question, DNS_TXT, a, &answer);
    if (answer.ttl_s < out->ttl_s)
        out->ttl_s = answer.ttl_s;
    if (is_failure(answer.status)) {
        out->failure = answer.status;
        out->broke_at = name;
        return false;
    }
    struct dmarc_found *f = &out->found[out->found_n];
    size_t n = records_at(&answer, a, &f->record);
    if (n > 1 && !out->several_at[0])
        out->several_at = name;
    if (n != 1)
        return true;
    f->domain = name;
    out->found_n++;
    return f->record.psd == 'u';
}

static const char *next_name(const char *name)
{
    return name_labels(name) > SKIP_TO_LABELS ? name_last_labels(name, SKIP_TO_LABELS)
                                              : name_parent(name);
}

/* RFC 9989 s4.10.2. */
static const char *organization(const char *start, const struct dmarc_path *p)
{
    const char *fewest = start;
    for (size_t i = 0; i < p->found_n; i++) {
        const struct dmarc_found *f = &p->found[i];
        if (f->record.psd == 'y') /* at the start itself there is no label below: it is its own */
            return name_last_labels(start, name_labels(f->domain) + 1);
        fewest = f->domain; /* the walk goes from long names to short ones, and ends at psd=n */
    }
    return fewest;
}

bool dmarc_path_take(struct resolver *r, const char *start, struct arena *a, struct dmarc_path *out)
{
    char canonical[NAME_SIZE];
    *out = (struct dmarc_path){.broke_at = "", .several_at = "", .ttl_s = UINT32_MAX};
    if (!name_canonical(str_of(start), canonical)) {
        *out = (struct dmarc_path){.start = "",
            .org_domain = "",
            .broke_at = "",
            .several_at = "",
            .failure = DNS_BAD,
            .no_name = true};
        return false;
    }
    out->start = arena_text(a, str_of(canonical));
    for (const char *name = out->start; name[0]; name = next_name(name))
        if (!visit(r, name, a, out))
            break;
    out->org_domain = organization(out->start, out);
    return out->failure == DNS_FOUND;
}

static const struct dmarc_found *found_at(const struct dmarc_path *p, const char *domain)
{
    for (size_t i = 0; i < p->found_n; i++)
        if (strcmp(p->found[i].domain, domain) == 0)
            return &p->found[i];
    return NULL;
}

/* RFC 9989 s4.10.1: the author's own, else the organizational domain's, else the public suffix's. Records at names
 * between them do not apply. After a failure only the author's own is certain. */
const struct dmarc_found *dmarc_path_record(const struct dmarc_path *p)
{
    const struct dmarc_found *f = found_at(p, p->start);
    if (f || p->failure != DNS_FOUND)
        return f;
    f = found_at(p, p->org_domain);
    if (f || p->found_n == 0)
        return f;
    return &p->found[p->found_n - 1]; /* a psd=y: else the last one would be the organization's */
}

void dmarc_walk(struct resolver *r, const char *start, struct arena *a, struct dmarc_walk *out)
{
    struct dmarc_path *p = ARENA_NEW(a, struct dmarc_path);
    bool whole = dmarc_path_take(r, start, a, p);
    const struct dmarc_found *f = dmarc_path_record(p);

    *out = (struct dmarc_walk){
        .status = !whole           ? p->failure
                  : p->found_n > 0 ? DNS_FOUND
                                   : DNS_NODATA,
        .org_domain = p->org_domain,
        .record_domain = f ? f->domain : "",
        .queries = p->queries,
        .queries_n = p->queries_n,
        .ttl_s = p->ttl_s,
    };
    if (f)
        out->record = f->record;
    else
        dmarc_parse(STR(""), a, &out->record);
}
