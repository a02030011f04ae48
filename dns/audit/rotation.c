/* What checks say while one DKIM key takes another's place. The facts of the rotation are handed in; what stands in
 * the DNS is asked through the resolver, as receivers ask: `dkim rotate` alone asks every server of the zone. */
#include "dns/audit/inside.h"

struct sight { /* of one record of a rotation */
    struct dns_answer answer;
    struct dkim_record record;
    bool ours, known;
};

static const char *name_of(struct audit_case *c, const struct audit_rotation *r, bool fresh)
{
    return arena_printf(
        c->arena, "%s._domainkey.%s", fresh ? r->new_selector : r->old_selector, r->domain);
}

/* False: the DNS did not say, which is put down. */
static bool look(struct audit_case *c, const struct audit_check *k, const struct audit_rotation *r,
    bool fresh, struct sight *out)
{
    struct dkim_record wanted;
    const char *name = name_of(c, r, fresh);
    *out = (struct sight){.ours = false};
    resolver_ask(c->resolver, name, DNS_TXT, c->arena, &out->answer);
    if (audit_is_failure(out->answer.status)) {
        audit_skip_failed(c, k, name, out->answer.status);
        return false;
    }
    dkim_record_parse(str_of(fresh ? r->new_record : r->old_record), c->arena, &wanted);
    if (out->answer.status == DNS_FOUND)
        dkim_record_take(&out->answer, c->arena, &out->record);
    out->ours =
        out->answer.status == DNS_FOUND && dkim_record_holds(&out->record, wanted.public_key);
    return true;
}

static const char *seconds(struct audit_case *c, int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_now_ms(c->setup->clock);
    return arena_printf(c->arena, "%lld", left_ms > 0 ? (long long)(left_ms + 999) / 1000 : 0);
}

static const char *ttl_of(struct audit_case *c, const struct sight *s)
{
    return arena_printf(c->arena, "%u", s->answer.ttl_s);
}

static struct audit_finding *add(struct audit_case *c, const struct audit_check *k,
    const char *name, const struct sight *s, struct said detail)
{
    struct audit_finding *f = audit_add(c, k, name, detail);
    if (s->answer.n > 0)
        audit_evidence(c, f, s->answer.records[0].data, STR(""));
    return f;
}

/* Without rotations there may be no list: nothing is added to NULL. */
#define EACH_ROTATION(c, r)                                                                        \
    for (const struct audit_rotation *r = (c)->setup->rotations,                                   \
                                     *r##_end = r ? r + (c)->setup->rotations_n : r;               \
         r < r##_end; r++)

void check_rotation_pending(struct audit_case *c, const struct audit_check *k)
{
    EACH_ROTATION(c, r)
    {
        struct sight s;
        if (r->step != AUDIT_ROTATION_PENDING || !look(c, k, r, true, &s) || s.ours)
            continue;
        audit_publish(c,
            add(c, k, name_of(c, r, true), &s,
                SAY(c->arena, "rotation.pending",
                    "{{old}} signs until every server of the zone shows the new key's record",
                    {"old", r->old_selector})),
            name_of(c, r, true), "TXT", r->new_record);
    }
}

void check_rotation_waiting(struct audit_case *c, const struct audit_check *k)
{
    EACH_ROTATION(c, r)
    {
        struct sight s;
        bool caches = r->step == AUDIT_ROTATION_PUBLISHED;
        if ((!caches && r->step != AUDIT_ROTATION_PENDING) || !look(c, k, r, true, &s) || !s.ours)
            continue;
        if (caches)
            add(c, k, name_of(c, r, true), &s,
                SAY(c->arena, "rotation.caches",
                    "caches forget what stood there before in {{seconds}} s; then `parcelpost dkim "
                    "rotate` lets it sign (TTL left {{ttl}} s)",
                    {"seconds", seconds(c, r->until_ms)}, {"ttl", ttl_of(c, &s)}));
        else
            add(c, k, name_of(c, r, true), &s,
                SAY(c->arena, "rotation.servers",
                    "the record is there (TTL left {{ttl}} s); `parcelpost dkim rotate` asks every "
                    "server of the zone and goes on",
                    {"ttl", ttl_of(c, &s)}));
    }
}

void check_rotation_retiring(struct audit_case *c, const struct audit_check *k)
{
    EACH_ROTATION(c, r)
    {
        struct sight s;
        if (r->step == AUDIT_ROTATION_RETIRING && look(c, k, r, false, &s) && s.ours)
            add(c, k, name_of(c, r, false), &s,
                r->until_ms > 0 ? SAY(c->arena, "rotation.retiring",
                                      "{{new}} signs; this record must stay for {{seconds}} s (TTL "
                                      "left {{ttl}} s)",
                                      {"new", r->new_selector},
                                      {"seconds", seconds(c, r->until_ms)}, {"ttl", ttl_of(c, &s)})
                                : SAY(c->arena, "rotation.active",
                                      "{{new}} signs; this record must stay until `parcelpost dkim "
                                      "rotate` says more",
                                      {"new", r->new_selector}));
    }
}

/* The record of the key that signed until now: the old one, or after going back the new one. */
void check_rotation_removed_early(struct audit_case *c, const struct audit_check *k)
{
    EACH_ROTATION(c, r)
    {
        struct sight s;
        bool fresh = r->step == AUDIT_ROTATION_BACK;
        bool runs = fresh ? r->until_ms > clock_now_ms(c->setup->clock)
                          : r->step == AUDIT_ROTATION_RETIRING;
        if (!runs || !look(c, k, r, fresh, &s) || s.ours)
            continue;
        audit_publish(c,
            add(c, k, name_of(c, r, fresh), &s,
                SAID("rotation.removed_early", "mails signed with this key are still under way, "
                                               "and receivers find it no more")),
            name_of(c, r, fresh), "TXT", fresh ? r->new_record : r->old_record);
    }
}

void check_rotation_retired(struct audit_case *c, const struct audit_check *k)
{
    EACH_ROTATION(c, r)
    {
        struct sight s;
        if (r->step == AUDIT_ROTATION_RETIRED && look(c, k, r, false, &s) && s.ours)
            audit_publish(c,
                add(c, k, name_of(c, r, false), &s,
                    SAY(c->arena, "rotation.retired",
                        "{{new}} signs, and no mail of the old key is under way: revoke it",
                        {"new", r->new_selector})),
                name_of(c, r, false), "TXT", "v=DKIM1; p=");
    }
}
