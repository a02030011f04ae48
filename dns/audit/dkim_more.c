/* What checks say about keys that work, and may not for everybody. Source: RFC 6376 s3.6.1, 8301 s3.2. */
#include "dns/audit/inside.h"

#define RSA_BITS_MOST 4096

static bool is_good(const struct audit_key_fact *f)
{
    return f->record.status == DKIM_RECORD_GOOD;
}

void check_key_long(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (is_good(f) && strcmp(f->record.key_type, "rsa") == 0 && f->record.bits > RSA_BITS_MOST)
            audit_evidence(c,
                audit_add(c, k, f->name,
                    SAY(c->arena, "dkim.long",
                        "the key has {{bits}} bits: make one of 2048 with `parcelpost dkim new`",
                        {"bits", arena_printf(c->arena, "%d", f->record.bits)})),
                f->record.text, STR(""));
    }
}

/* Our own signatures name no i=, which then is d= itself: others of the same key may. */
void check_key_strict(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (!is_good(f) || !f->record.strict || strcmp(f->key->domain, c->domain) == 0)
            continue;
        struct audit_finding *out = audit_add(c, k, f->name,
            SAY(c->arena, "dkim.strict", "t=s: a signature with i= below {{domain}} fails",
                {"domain", f->key->domain}));
        audit_evidence(c, out, f->record.text, STR("t="));
        audit_publish(c, out, audit_place(&f->txt), "TXT", audit_wanted_key(c, f));
    }
}

void check_key_shared(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->keys_n; i++)
        for (size_t j = 0; j < i; j++)
            if (is_good(&c->keys[i]) && is_good(&c->keys[j]) &&
                str_eq(c->keys[i].record.public_key, c->keys[j].record.public_key))
                audit_evidence(c,
                    audit_add(c, k, c->keys[i].name,
                        SAY(c->arena, "dkim.shared",
                            "{{other}} has the same key: whoever gets one signs as both",
                            {"other", c->keys[j].name})),
                    c->keys[i].record.text, STR(""));
}
