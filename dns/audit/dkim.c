/* What checks say about the keys that sign. Source: RFC 6376 s3.6.1, 8301 s3.2, 8463. */
#include "dns/audit/inside.h"

#define RSA_BITS_ADVISED 2048
#define RSA_BITS_LEAST 1024

static const struct said no_selector =
    SAID_INIT("gap.no_selector", "no selector is known, and no key stands at the well-known ones "
                                 "(default, google, selector1, s1, "
                                 "k1, ...): which says nothing, name yours with --selector");

/* Whether there are keys to look at; says why not. */
static bool has_keys(struct audit_case *c, const struct audit_check *k)
{
    if (c->keys_n > 0)
        return true;
    if (c->guesses_failure != DNS_FOUND)
        audit_skip_failed(c, k, c->guess_failed, c->guesses_failure);
    else if (c->guessed)
        audit_skip(c, k, no_selector);
    return false;
}

/* Whether the DNS said anything about this one. */
static bool is_known(
    struct audit_case *c, const struct audit_check *k, const struct audit_key_fact *f)
{
    if (f->record.status != DKIM_RECORD_TEMPERROR)
        return true;
    audit_skip_failed(c, k, f->name, f->txt.answer.status);
    return false;
}

static struct audit_finding *add(struct audit_case *c, const struct audit_check *k,
    const struct audit_key_fact *f, struct said detail, const char *mark)
{
    struct audit_finding *out = audit_add(c, k, f->name, detail);
    if (f->txt.answer.n > 0)
        audit_evidence(c, out, f->txt.answer.records[0].data, str_of(mark));
    audit_publish(c, out, audit_place(&f->txt), "TXT", audit_wanted_key(c, f));
    return out;
}

/* Mail goes on passing by another key that signs too. */
static void lower_where_another_signs(const struct audit_case *c, struct audit_finding *f)
{
    if (c->usable_keys > 0)
        f->severity = AUDIT_WARNING;
}

static void check_status(
    struct audit_case *c, const struct audit_check *k, enum dkim_record_status status)
{
    if (!has_keys(c, k))
        return;
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (is_known(c, k, f) && f->record.status == status)
            lower_where_another_signs(c, add(c, k, f, f->record.why, ""));
    }
}

void check_key_absent(struct audit_case *c, const struct audit_check *k)
{
    if (c->guessed && c->keys_n > 0)
        audit_skip(c, k, no_selector);
    else
        check_status(c, k, DKIM_RECORD_ABSENT);
}

void check_key_revoked(struct audit_case *c, const struct audit_check *k)
{
    check_status(c, k, DKIM_RECORD_REVOKED);
}

void check_key_several(struct audit_case *c, const struct audit_check *k)
{
    check_status(c, k, DKIM_RECORD_SEVERAL);
}

void check_key_syntax(struct audit_case *c, const struct audit_check *k)
{
    check_status(c, k, DKIM_RECORD_BROKEN);
}

void check_key_mismatch(struct audit_case *c, const struct audit_check *k)
{
    bool any_ours = false;
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        any_ours = any_ours || f->ours;
        if (f->ours && is_known(c, k, f) && f->record.status == DKIM_RECORD_GOOD &&
            !dkim_record_holds(&f->record, f->key->public_key))
            add(c, k, f,
                SAID("key.mismatch", "the public key there is not the one of our private key"), "");
    }
    if (!any_ours && !c->setup->keys_are_all)
        audit_skip(c, k,
            SAID("gap.no_private_keys",
                "our private keys are not known here: it takes the settings (--config)"));
}

/* ---- of keys that can be read ---------------------------------------------------------------- */

typedef bool is_bad(const struct audit_key_fact *f);

static void check_good(struct audit_case *c, const struct audit_check *k, is_bad *bad,
    struct said detail, const char *mark)
{
    if (!has_keys(c, k))
        return;
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (is_known(c, k, f) && f->record.status == DKIM_RECORD_GOOD && bad(f))
            lower_where_another_signs(c, add(c, k, f, detail, mark));
    }
}

static bool is_rsa(const struct audit_key_fact *f)
{
    return strcmp(f->record.key_type, "rsa") == 0;
}

static bool is_short(const struct audit_key_fact *f)
{
    return is_rsa(f) && f->record.bits < RSA_BITS_LEAST;
}

static bool is_weak(const struct audit_key_fact *f)
{
    return is_rsa(f) && !is_short(f) && f->record.bits < RSA_BITS_ADVISED;
}

static bool is_testing(const struct audit_key_fact *f)
{
    return f->record.testing;
}

static bool is_without_sha256(const struct audit_key_fact *f)
{
    return !f->record.sha256;
}

static bool is_not_for_mail(const struct audit_key_fact *f)
{
    return !f->record.email;
}

/* A longer key is a new pair: no record of this one can mend it. */
static void check_bits(struct audit_case *c, const struct audit_check *k, is_bad *bad)
{
    if (!has_keys(c, k))
        return;
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (!is_known(c, k, f) || f->record.status != DKIM_RECORD_GOOD || !bad(f))
            continue;
        struct audit_finding *out = audit_add(c, k, f->name,
            SAY(c->arena, "key.bits",
                "the key has {{bits}} bits: make a new one under another selector with `parcelpost "
                "dkim new`",
                {"bits", arena_printf(c->arena, "%d", f->record.bits)}));
        audit_evidence(c, out, f->record.text, STR(""));
        lower_where_another_signs(c, out);
    }
}

void check_key_short(struct audit_case *c, const struct audit_check *k)
{
    check_bits(c, k, is_short);
}

void check_key_weak(struct audit_case *c, const struct audit_check *k)
{
    check_bits(c, k, is_weak);
}

void check_key_testing(struct audit_case *c, const struct audit_check *k)
{
    check_good(c, k, is_testing,
        SAID("key.testing", "t=y declares that the domain is only testing DKIM"), "t=");
}

void check_key_sha1_only(struct audit_case *c, const struct audit_check *k)
{
    check_good(c, k, is_without_sha256,
        SAID("key.no_sha256", "h= does not list sha256, the only hash that counts"), "h=");
}

void check_key_not_for_mail(struct audit_case *c, const struct audit_check *k)
{
    check_good(
        c, k, is_not_for_mail, SAID("key.not_for_mail", "s= lists neither email nor *"), "s=");
}

void check_key_ed25519_only(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_key_fact *found = NULL;
    for (size_t i = 0; i < c->keys_n; i++) {
        const struct audit_key_fact *f = &c->keys[i];
        if (!is_known(c, k, f))
            return;
        if (f->usable && is_rsa(f))
            return;
        if (f->usable)
            found = f;
    }
    if (found && !c->guessed)
        audit_add(c, k, found->name,
            SAID("key.ed25519_only", "sign with an RSA key too: `parcelpost dkim new`"));
}

/* ---- all keys together ----------------------------------------------------------------------- */

void check_dkim_unsigned(struct audit_case *c, const struct audit_check *k)
{
    if (!c->setup->keys_are_all || c->keys_n > 0)
        return;
    struct audit_finding *f = audit_add(c, k, c->domain,
        SAID("key.none", "no key is set up for this From domain: `parcelpost dkim new` makes one"));
    if (c->dmarc_verdict.spf_aligned)
        f->severity = AUDIT_WARNING;
}

void check_dkim_unaligned(struct audit_case *c, const struct audit_check *k)
{
    if (c->keys_n == 0 || c->guessed)
        return;
    bool unsure = false;
    char mode = c->record ? c->record->record.adkim : 'r';
    for (size_t i = 0; i < c->keys_n; i++) {
        bool failed;
        if (audit_aligns(c, c->keys[i].key->domain, mode, &failed))
            return;
        unsure = unsure || failed;
    }
    if (unsure) {
        audit_skip_unanswered(c, k, audit_alignment_unknown(c, c->keys[0].key->domain));
        return;
    }
    struct audit_finding *f = audit_add(c, k, c->keys[0].name,
        SAY(c->arena, "key.unaligned",
            "d={{signer}} does not align with the From domain {{domain}}",
            {"signer", c->keys[0].key->domain}, {"domain", c->domain}));
    if (c->dmarc_verdict.spf_aligned)
        f->severity = AUDIT_WARNING;
}
