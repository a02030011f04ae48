/* What checks say about SPF records that work, and will hurt: terms that find nothing, networks of others, sizes,
 * old dialects, and the record of the HELO name. Source: RFC 7208 s2.3, s3.1, s3.4, s4.6.4, s11.4. */
#include "dns/audit/inside.h"
#include "dns/spf_ask.h"

#define TEXT_MAX 450 /* RFC 7208 s3.4: with its name it then fits 512 octets */
#define OWN_BITS4 16 /* a network of our own record; whole hosters have as much */
#define OWN_BITS6 32
#define ANY_BITS4 8 /* of anybody's record */
#define ANY_BITS6 19

static const struct audit_spf_node *readable(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = &c->spf[0];
    if (audit_is_failure(n->txt.answer.status))
        audit_skip_failed(c, k, n->domain, n->txt.answer.status);
    return n->records_n == 1 && n->record.valid ? n : NULL;
}

/* In our own record with the mended one; in another's there is nothing to publish. */
static struct audit_finding *add(struct audit_case *c, const struct audit_check *k,
    const struct audit_spf_node *n, const struct spf_term *t, struct said detail)
{
    bool flattened = false;
    struct audit_finding *f = audit_add(c, k, n->domain, detail);
    audit_evidence(c, f, n->record.text, STR(""));
    f->mark_at = t ? t->at : 0;
    f->mark_n = t ? t->text.n : 0;
    if (n == &c->spf[0])
        audit_publish(c, f, audit_place(&n->txt), "TXT", audit_wanted_spf(c, &flattened));
    return f;
}

/* ---- terms that ask -------------------------------------------------------------------------- */

/* Says where the DNS did not tell what the name of a term has. */
static void note_failure(
    struct audit_case *c, const struct audit_check *k, const struct audit_spf_host *h)
{
    if (h && audit_is_failure(h->first.answer.status))
        audit_skip_failed(c, k, h->name, h->first.answer.status);
    else if (h && !h->mx && audit_is_failure(h->second.answer.status))
        audit_skip_failed(c, k, h->name, h->second.answer.status);
}

bool audit_spf_has_too_many(const struct audit_spf_host *h)
{
    return h->mx && h->first.answer.n > SPF_NAMES_MAX;
}

void check_spf_mx_exceeded(struct audit_case *c, const struct audit_check *k)
{
    audit_spf_tree_is_known(c, k);
    for (size_t i = 0; i < c->spf_n; i++) {
        const struct audit_spf_node *n = &c->spf[i];
        for (size_t j = 0; n->records_n == 1 && j < n->record.n; j++) {
            const struct audit_spf_host *h = audit_spf_host_of(c, n, &n->record.terms[j]);
            if (h && h->mx)
                note_failure(c, k, h);
            if (h && audit_spf_has_too_many(h))
                add(c, k, n, &n->record.terms[j],
                    SAY(c->arena, "spf.mx_exceeded",
                        "{{host}} has {{count}} MX records, 10 may be: name the addresses that "
                        "send instead",
                        {"host", h->name},
                        {"count", arena_printf(c->arena, "%zu", h->first.answer.n)}));
        }
    }
}

void check_spf_term_void(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    for (size_t i = 0; n && i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        const struct audit_spf_host *h =
            audit_spf_counts(&n->record, t) ? audit_spf_host_of(c, n, t) : NULL;
        note_failure(c, k, h);
        if (h && audit_spf_host_is_void(h))
            add(c, k, n, t,
                h->mx ? SAY(c->arena, "spf.term_void_mx",
                            "{{host}} has no MX record; receivers allow two such terms",
                            {"host", h->name})
                      : SAY(c->arena, "spf.term_void",
                            "{{host}} has no address; receivers allow two such terms",
                            {"host", h->name}));
    }
}

/* ---- networks -------------------------------------------------------------------------------- */

static bool is_network(const struct spf_term *t)
{
    return (t->kind == SPF_IP4 || t->kind == SPF_IP6) && t->qualifier == '+';
}

static int bits_of(const struct spf_term *t)
{
    return t->kind == SPF_IP4 ? t->bits4 : t->bits6;
}

bool audit_spf_is_ours(const struct audit_case *c, const struct spf_term *t)
{
    for (size_t i = 0; is_network(t) && i < c->addresses_n; i++)
        if (spf_in_network(&c->addresses[i].ip, &t->network, bits_of(t)))
            return true;
    return false;
}

bool audit_spf_is_inside(const struct spf_term *t)
{
    return is_network(t) && ip_network_is_inside(&t->network, bits_of(t));
}

static bool is_large(const struct spf_term *t, bool own)
{
    bool v4 = t->kind == SPF_IP4;
    int least = own ? (v4 ? OWN_BITS4 : OWN_BITS6) : (v4 ? ANY_BITS4 + 1 : ANY_BITS6);
    return is_network(t) && bits_of(t) < least && !audit_spf_is_inside(t);
}

void check_spf_network_large(struct audit_case *c, const struct audit_check *k)
{
    audit_spf_tree_is_known(c, k);
    for (size_t i = 0; i < c->spf_n; i++) {
        const struct audit_spf_node *n = &c->spf[i];
        for (size_t j = 0; n->records_n == 1 && n->record.valid && j < n->record.n; j++) {
            const struct spf_term *t = &n->record.terms[j];
            if (is_large(t, i == 0) && audit_spf_counts(&n->record, t))
                add(c, k, n, t,
                    SAID("spf.network_large",
                        "strangers have addresses in it, too: name only those that send your mail"))
                    ->publish_n = 0;
        }
    }
}

void check_spf_network_private(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_spf_node *n = readable(c, k);
    for (size_t i = 0; n && i < n->record.n; i++) {
        const struct spf_term *t = &n->record.terms[i];
        if (audit_spf_is_inside(t) && audit_spf_counts(&n->record, t) && !audit_spf_is_ours(c, t))
            add(c, k, n, t,
                SAID("spf.network_private",
                    "no receiver outside sees an address of a private network"));
    }
}

/* ---- texts ----------------------------------------------------------------------------------- */

void check_spf_long(struct audit_case *c, const struct audit_check *k)
{
    audit_spf_tree_is_known(c, k);
    for (size_t i = 0; i < c->spf_n; i++) {
        const struct audit_spf_node *n = &c->spf[i];
        if (n->records_n != 1 || n->record.text.n <= TEXT_MAX)
            continue;
        struct audit_finding *f = add(c, k, n, NULL,
            SAY(c->arena, "spf.too_long",
                "the record has {{count}} octets, 450 are safe: move a part behind an include",
                {"count", arena_printf(c->arena, "%zu", n->record.text.n)}));
        if (f->publish_n > 0 && strlen(f->publish[0].value) > TEXT_MAX)
            f->publish_n = 0;
    }
}

static void check_dialect_at(
    struct audit_case *c, const struct audit_check *k, const struct audit_question *q)
{
    if (audit_is_failure(q->answer.status))
        audit_skip_failed(c, k, q->name, q->answer.status);
    for (size_t i = 0; i < q->answer.n; i++)
        if (str_starts_nocase(q->answer.records[i].data, STR("spf2.0/")))
            audit_evidence(c,
                audit_add(c, k, q->name,
                    SAID(
                        "spf.sender_id", "delete it: the trial of Sender ID ended without result")),
                q->answer.records[i].data, STR("spf2.0/"));
}

void check_spf_sender_id(struct audit_case *c, const struct audit_check *k)
{
    check_dialect_at(c, k, &c->txt);
    if (!c->mail_from_assumed)
        check_dialect_at(c, k, &c->back_txt);
}

/* ---- the HELO name --------------------------------------------------------------------------- */

void check_spf_helo(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        enum spf_result r = a->helo_spf.result;
        if (r == SPF_TEMPERROR)
            audit_skip_spf(c, k, c->setup->helo, &a->helo_spf);
        else if (r == SPF_FAIL || r == SPF_SOFTFAIL || r == SPF_PERMERROR)
            audit_add(c, k, c->setup->helo,
                SAY(c->arena, "spf.helo",
                    "its own SPF record gives {{result}} for {{address}}: let it say \"a\"",
                    {"result", spf_result_name(r)}, {"address", a->text}));
    }
}
