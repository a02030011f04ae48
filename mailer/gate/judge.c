#include "mailer/gate/judge.h"

#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/spf.h"

#include <stdio.h>

/* What one signing key will be worth at receivers. */
enum key_state {
    KEY_OURS,
    KEY_UNKNOWN, /* the DNS failed */
    KEY_USELESS, /* no signature with it can pass: code and why say so */
    KEY_FOREIGN, /* the DNS has another key under our selector */
};

struct key_finding {
    enum key_state state;
    const char *code, *why;
};

/* Everything that the decision rests on. */
struct case_file {
    const struct gate_question *q;
    struct arena *arena;
    struct key_finding worst; /* of all keys; KEY_OURS and "" when there is nothing to say */
    const char *spf;          /* result word, "" = not checkable */
    struct dmarc_verdict dmarc;
    uint32_t ttl_s;
};

static struct key_finding useless(const char *code, const char *why)
{
    return (struct key_finding){KEY_USELESS, code, why};
}

static struct key_finding look_at_record(const struct dkim_record *record, struct str our_public)
{
    switch (record->status) {
    case DKIM_RECORD_TEMPERROR:
        return (struct key_finding){KEY_UNKNOWN, "DNS-UNAVAILABLE", record->why.text};
    case DKIM_RECORD_ABSENT:
        return useless("DKIM-KEY-ABSENT", record->why.text);
    case DKIM_RECORD_SEVERAL:
        return useless("DKIM-KEY-SEVERAL", record->why.text);
    case DKIM_RECORD_BROKEN:
        return useless("DKIM-KEY-SYNTAX", record->why.text);
    case DKIM_RECORD_REVOKED:
        return useless("DKIM-KEY-REVOKED", record->why.text);
    case DKIM_RECORD_GOOD:
        break;
    }
    if (!dkim_record_holds(record, our_public))
        return (struct key_finding){
            KEY_FOREIGN, "DKIM-KEY-MISMATCH", "the DNS has another public key than ours"};
    if (!record->sha256)
        return useless("DKIM-KEY-SHA1-ONLY", "the record forbids SHA-256 (h=)");
    if (!record->email)
        return useless("DKIM-KEY-NOT-FOR-MAIL", "the record is not for e-mail (s=)");
    return (struct key_finding){KEY_OURS, "", ""};
}

static struct key_finding look_at_key(
    struct case_file *f, struct resolver *r, const struct dkim_key *key)
{
    struct dkim_record record;
    const char *domain = dkim_key_domain(key), *selector = dkim_key_selector(key);
    dkim_record_find(r, domain, selector, f->arena, &record);
    f->ttl_s = record.ttl_s < f->ttl_s ? record.ttl_s : f->ttl_s;
    struct key_finding found = look_at_record(&record, dkim_key_public(key));
    if (found.state != KEY_OURS)
        found.why = arena_printf(f->arena, "DKIM key %s of %s: %s", selector, domain, found.why);
    return found;
}

/* The words that DMARC takes for identities. */
static const char *identity_result(enum key_state s)
{
    return s == KEY_OURS ? "pass" : s == KEY_UNKNOWN ? "temperror" : "permerror";
}

/* SPF of the return path for every address that receivers may see. The first that does not pass decides: with
 * one failure the mail cannot be sure, and after a failure of the DNS more questions only cost time. */
static void look_at_addresses(
    struct case_file *f, struct resolver *r, const struct clock *clock, uint32_t *ttl_s)
{
    const struct gate_question *q = f->q;
    f->spf = "";
    for (size_t i = 0; i < q->public_addresses_n && q->return_path_domain[0]; i++) {
        struct spf_verdict v;
        struct spf_question spf = {.helo = str_of(q->hostname),
            .mail_from = str_of(q->return_path_domain),
            .clock = clock};
        if (!ip_parse(str_of(q->public_addresses[i]), &spf.ip))
            continue; /* the settings refuse such a thing */
        spf_check(r, &spf, f->arena, &v);
        *ttl_s = v.ttl_s < *ttl_s ? v.ttl_s : *ttl_s;
        f->spf = spf_result_name(v.result);
        if (v.result != SPF_PASS)
            return;
    }
}

static void gather(struct case_file *f, struct resolver *r, const struct clock *clock)
{
    const struct gate_question *q = f->q;
    struct dmarc_identity *dkim = arena_array(f->arena, q->keys_n, sizeof *dkim);
    uint32_t spf_ttl_s = UINT32_MAX;

    f->worst = (struct key_finding){KEY_OURS, "", ""};
    for (size_t i = 0; i < q->keys_n; i++) {
        struct key_finding found = look_at_key(f, r, q->keys[i]);
        dkim[i] =
            (struct dmarc_identity){dkim_key_domain(q->keys[i]), identity_result(found.state)};
        if (found.state > f->worst.state)
            f->worst = found;
    }
    look_at_addresses(f, r, clock, &spf_ttl_s);
    struct dmarc_identity spf = {q->return_path_domain, f->spf};
    dmarc_check(r, q->from_domain, f->spf[0] ? &spf : NULL, dkim, q->keys_n, f->arena, &f->dmarc);
    f->ttl_s = f->dmarc.ttl_s < f->ttl_s ? f->dmarc.ttl_s : f->ttl_s;
    if (!f->dmarc.dkim_aligned && spf_ttl_s < f->ttl_s) /* else SPF decides nothing */
        f->ttl_s = spf_ttl_s;
}

static void answer(
    struct gate_verdict *out, enum gate_answer answer, const char *code, const char *why)
{
    out->answer = answer;
    snprintf(out->code, sizeof out->code, "%s", code);
    snprintf(out->why, sizeof out->why, "%s", why);
}

/* Why DMARC fails, named by what its owner has to repair. */
static void hold_for_dmarc(const struct case_file *f, struct gate_verdict *out)
{
    if (f->worst.state == KEY_USELESS)
        answer(out, GATE_HOLD, f->worst.code, f->worst.why);
    else if (f->q->keys_n == 0)
        answer(out, GATE_HOLD, "DKIM-UNSIGNED",
            arena_printf(f->arena,
                "no DKIM key signs for %s, and SPF does not pass in its place (%s)",
                f->q->from_domain, f->spf[0] ? f->spf : "not checkable"));
    else
        answer(out, GATE_HOLD, "DKIM-UNALIGNED", f->dmarc.why.text);
}

/* It may go: with what has to be said beside. */
static void let_go(
    const struct case_file *f, const char *code, const char *why, struct gate_verdict *out)
{
    if (f->worst.state != KEY_OURS)
        answer(out, GATE_SEND_WITH_WARNING, f->worst.code, f->worst.why);
    else
        answer(out, code[0] ? GATE_SEND_WITH_WARNING : GATE_SEND, code, why);
}

static const char *lack_code(enum dmarc_lack lack)
{
    static const char *const codes[] = {
        [DMARC_LACKS_RECORD] = "DMARC-MISSING",
        [DMARC_LACKS_SINGLE_RECORD] = "DMARC-SEVERAL",
        [DMARC_LACKS_POLICY] = "DMARC-SYNTAX",
    };
    return codes[lack];
}

/* Rule 4. */
static void decide(const struct case_file *f, struct gate_verdict *out)
{
    if (f->worst.state == KEY_FOREIGN) {
        answer(out, GATE_HOLD, f->worst.code, f->worst.why);
        return;
    }
    switch (f->dmarc.result) {
    case DMARC_PASS:
        let_go(f, "", "", out);
        break;
    case DMARC_NO_RECORD:
        if (f->worst.state == KEY_UNKNOWN)
            answer(out, GATE_DEFER, "DNS-UNAVAILABLE", f->worst.why);
        else
            let_go(f, lack_code(f->dmarc.lack), f->dmarc.why.text, out);
        break;
    case DMARC_FAIL:
        hold_for_dmarc(f, out);
        break;
    case DMARC_TEMPERROR:
        answer(out, GATE_DEFER, "DNS-UNAVAILABLE", f->dmarc.why.text);
        break;
    case DMARC_PERMERROR:
        answer(out, GATE_HOLD, "FROM-DOMAIN-BAD", f->dmarc.why.text);
        break;
    }
}

void judge(struct resolver *r, const struct clock *clock, const struct gate_question *q,
    struct arena *a, struct gate_verdict *out, uint32_t *ttl_s)
{
    struct case_file f = {.q = q, .arena = a, .ttl_s = UINT32_MAX};
    gather(&f, r, clock);
    *out = (struct gate_verdict){
        .dkim_aligned = f.dmarc.dkim_aligned,
        .spf_aligned = f.dmarc.spf_aligned,
        .stale = resolver_has_leaned(r),
    };
    snprintf(out->spf, sizeof out->spf, "%s", f.spf);
    snprintf(out->dmarc, sizeof out->dmarc, "%s", dmarc_result_name(f.dmarc.result));
    snprintf(out->policy, sizeof out->policy, "%s", dmarc_policy_name(f.dmarc.effective_policy));
    snprintf(out->policy_domain, sizeof out->policy_domain, "%s", f.dmarc.policy_domain);
    decide(&f, out);
    *ttl_s = f.ttl_s;
}
