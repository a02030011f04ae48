/* What the large receivers demand of senders, rule by rule, and which of it the DNS can show.
 * What only mail itself, or the provider's own numbers, can show is "not checkable", never "pass".
 * Sources stand with each provider; they change, so each is named in the report. */
#include "dns/audit/inside.h"

#define COMPLAINTS_MOST_PERCENT 0.3

typedef enum audit_answer judge_rule(struct audit_case *c, struct said *detail);

static enum audit_answer say(enum audit_answer a, struct said *detail, struct said text)
{
    *detail = text;
    return a;
}

static const struct said failed = SAID_INIT("rule.dns_failed", "the DNS failed");

static struct said no_addresses(const struct audit_case *c)
{
    return c->setup->smart_host ? SAID("rule.smart_host", "mail leaves through a smart host")
                                : SAID("rule.no_addresses", "no sending address is known");
}

static enum audit_answer judge_spf(struct audit_case *c, struct said *detail)
{
    if (!c->spf_result[0])
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, no_addresses(c));
    if (strcmp(c->spf_result, "temperror") == 0)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, failed);
    if (strcmp(c->spf_result, "pass") == 0)
        return say(AUDIT_RULE_PASS, detail, SAID("rule.spf.pass", "every sending address passes"));
    return say(AUDIT_RULE_FAIL, detail,
        SAY(c->arena, "rule.spf.fail", "a sending address gets {{result}}",
            {"result", c->spf_result}));
}

/* SPF need not be there, but where it is it must not fail. */
static enum audit_answer judge_spf_no_fail(struct audit_case *c, struct said *detail)
{
    enum audit_answer a = judge_spf(c, detail);
    bool says_no = strcmp(c->spf_result, "fail") == 0 || strcmp(c->spf_result, "softfail") == 0 ||
                   strcmp(c->spf_result, "permerror") == 0;
    return a != AUDIT_RULE_FAIL || says_no
               ? a
               : say(AUDIT_RULE_PASS, detail,
                     SAID("rule.spf.no_fail", "SPF refuses no sending address"));
}

static enum audit_answer judge_dkim(struct audit_case *c, struct said *detail)
{
    if (c->guessed)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            c->keys_n > 0 ? SAY(c->arena, "rule.dkim.guessed",
                                "a key stands at {{name}}; whether mail is signed with it, the DNS "
                                "does not show",
                                {"name", c->keys[0].name})
                          : SAID("rule.dkim.no_selector", "no selector is known"));
    for (size_t i = 0; i < c->keys_n; i++)
        if (c->keys[i].usable && strcmp(c->keys[i].record.key_type, "rsa") == 0)
            return say(AUDIT_RULE_PASS, detail,
                SAID("rule.dkim.pass", "a key of 1024 bits or more stands at the selector"));
    if (c->usable_keys > 0)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            SAID("rule.dkim.ed25519",
                "an Ed25519 key alone stands there, and the page speaks of RSA keys"));
    for (size_t i = 0; i < c->keys_n; i++)
        if (c->keys[i].record.status == DKIM_RECORD_TEMPERROR)
            return say(AUDIT_RULE_NOT_CHECKABLE, detail, failed);
    return say(AUDIT_RULE_FAIL, detail, SAID("rule.dkim.fail", "no signature can pass"));
}

static enum audit_answer judge_dmarc(struct audit_case *c, struct said *detail)
{
    if (audit_dmarc_is_unknown(c))
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, failed);
    if (!c->record || c->dmarc_verdict.result == DMARC_NO_RECORD)
        return say(AUDIT_RULE_FAIL, detail, SAID("rule.dmarc.fail", "no DMARC record applies"));
    return say(AUDIT_RULE_PASS, detail,
        SAY(c->arena, "rule.dmarc.pass", "the record at _dmarc.{{domain}}",
            {"domain", c->record->domain}));
}

static enum audit_answer judge_reports(struct audit_case *c, struct said *detail)
{
    enum audit_answer record = judge_dmarc(c, detail);
    if (record != AUDIT_RULE_PASS)
        return record;
    return c->record->record.has_valid_rua
               ? say(AUDIT_RULE_PASS, detail, SAID("rule.reports.pass", "rua= is there"))
               : say(AUDIT_RULE_FAIL, detail, SAID("rule.reports.fail", "the record has no rua="));
}

static enum audit_answer judge_alignment(struct audit_case *c, struct said *detail)
{
    bool nothing_known = (c->guessed || c->keys_n == 0) && !c->spf_result[0];
    *detail = c->dmarc_verdict.why;
    enum audit_verdict validated = audit_after_validation(c, detail);
    if (validated != AUDIT_PASS)
        return validated == AUDIT_FAIL ? AUDIT_RULE_FAIL : AUDIT_RULE_NOT_CHECKABLE;
    if (c->dmarc_verdict.result == DMARC_PASS)
        return AUDIT_RULE_PASS;
    if (c->dmarc_verdict.result == DMARC_TEMPERROR)
        return AUDIT_RULE_NOT_CHECKABLE;
    if (c->dmarc_verdict.result == DMARC_FAIL && c->guessed)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            nothing_known ? SAID("rule.alignment.nothing_known",
                                "neither selector nor sending address is known")
                          : SAID("rule.alignment.no_selector",
                                "no selector is known, and SPF does not align"));
    if (c->dmarc_verdict.result == DMARC_FAIL && audit_spf_may_carry(c))
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            SAID("rule.alignment.no_address",
                "no signature passes, and no sending address is known to check SPF with"));
    return AUDIT_RULE_FAIL;
}

static enum audit_answer judge_ptr(struct audit_case *c, struct said *detail)
{
    if (c->addresses_n == 0)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, no_addresses(c));
    bool unsure = false;
    for (size_t i = 0; i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        if (a->confirmed)
            continue;
        if (!a->unsure && !audit_is_failure(a->ptr.answer.status))
            return say(AUDIT_RULE_FAIL, detail,
                SAY(c->arena, "rule.ptr.fail", "{{address}} has no confirmed PTR",
                    {"address", a->text}));
        unsure = true;
    }
    return unsure ? say(AUDIT_RULE_NOT_CHECKABLE, detail, failed)
                  : say(AUDIT_RULE_PASS, detail,
                        SAID("rule.ptr.pass", "every sending address has one"));
}

static enum audit_answer judge_helo(struct audit_case *c, struct said *detail)
{
    if (!c->setup->helo[0])
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            SAID("rule.helo.unknown", "the HELO name is not known"));
    if (audit_host_is_unsure(&c->helo))
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, failed);
    return audit_host_exists(&c->helo)
               ? say(AUDIT_RULE_PASS, detail, SAID("rule.helo.pass", "it has an address"))
               : say(AUDIT_RULE_FAIL, detail, SAID("rule.helo.fail", "it has no address"));
}

static enum audit_answer judge_tls(struct audit_case *c, struct said *detail)
{
    (void)c;
    return say(AUDIT_RULE_NOT_CHECKABLE, detail,
        SAID("rule.tls", "seen in transit only; Parcelpost takes TLS wherever it is offered"));
}

static enum audit_answer judge_one_click(struct audit_case *c, struct said *detail)
{
    (void)c;
    return say(AUDIT_RULE_NOT_CHECKABLE, detail,
        SAID("rule.one_click",
            "seen in mails only; Parcelpost sets and signs it on marketing streams"));
}

/* Outlook.com asks for a From or Reply-To that takes mail; ours is the From domain's. */
static enum audit_answer judge_replies(struct audit_case *c, struct said *detail)
{
    const struct dns_answer *mx = &c->from.mx.answer;
    bool null_mx = mx->n == 1 && mx->records[0].data.n == 0, any_unsure = false;
    if (audit_is_failure(mx->status) ||
        (audit_is_absent(mx->status) && audit_host_is_unsure(&c->from.self)))
        return say(AUDIT_RULE_NOT_CHECKABLE, detail, failed);
    bool reached = mx->status != DNS_FOUND && audit_host_exists(&c->from.self);
    for (size_t i = 0; i < c->from.hosts_n; i++) {
        reached = reached || audit_host_exists(&c->from.hosts[i]);
        any_unsure = any_unsure || audit_host_is_unsure(&c->from.hosts[i]);
    }
    if (reached && !null_mx)
        return say(
            AUDIT_RULE_PASS, detail, SAID("rule.replies.pass", "the From domain takes mail"));
    return any_unsure ? say(AUDIT_RULE_NOT_CHECKABLE, detail, failed)
                      : say(AUDIT_RULE_FAIL, detail,
                            SAID("rule.replies.fail", "the From domain takes no mail"));
}

/* Gmail, Yahoo and Orange name the same limit. A low rate of ours is no pass: they count by themselves. */
static enum audit_answer judge_complaints(struct audit_case *c, struct said *detail)
{
    const struct audit_complaints *n = &c->setup->complaints;
    if (!n->known || n->delivered <= 0)
        return say(AUDIT_RULE_NOT_CHECKABLE, detail,
            SAID("rule.complaints", "only the provider's own numbers tell"));
    double percent = 100.0 * (double)n->complaints / (double)n->delivered;
    *detail = SAY(c->arena, "rule.complaints.own",
        "{{complaints}} of {{delivered}} delivered in {{days}} days complained, {{percent}} %; the "
        "limit is 0.3 %, by the provider's own count",
        {"complaints", arena_printf(c->arena, "%lld", (long long)n->complaints)},
        {"delivered", arena_printf(c->arena, "%lld", (long long)n->delivered)},
        {"days", arena_printf(c->arena, "%d", n->days)},
        {"percent", arena_printf(c->arena, "%.2f", percent)});
    return percent >= COMPLAINTS_MOST_PERCENT ? AUDIT_RULE_FAIL : AUDIT_RULE_NOT_CHECKABLE;
}

enum rule {
    SPF,
    SPF_NO_FAIL,
    DKIM,
    DMARC,
    REPORTS,
    ALIGNMENT,
    PTR,
    HELO,
    REPLIES,
    TLS,
    ONE_CLICK,
    COMPLAINTS,
    RULES
};

static const struct {
    const char *name;
    judge_rule *judge;
} rules[RULES] = {
    [SPF] = {"spf", judge_spf},
    [SPF_NO_FAIL] = {"spf-no-fail", judge_spf_no_fail},
    [DKIM] = {"dkim", judge_dkim},
    [DMARC] = {"dmarc", judge_dmarc},
    [REPORTS] = {"dmarc-reports", judge_reports},
    [ALIGNMENT] = {"alignment", judge_alignment},
    [PTR] = {"ptr", judge_ptr},
    [HELO] = {"helo", judge_helo},
    [REPLIES] = {"replies", judge_replies},
    [TLS] = {"tls", judge_tls},
    [ONE_CLICK] = {"one-click", judge_one_click},
    [COMPLAINTS] = {"complaint-rate", judge_complaints},
};

#define HAS(rule) (1u << (rule))

static const struct {
    const char *key, *name, *source;
    unsigned demands;
} providers[] = {
    {"gmail", "Gmail", "https://support.google.com/a/answer/81126",
        HAS(SPF) | HAS(DKIM) | HAS(DMARC) | HAS(ALIGNMENT) | HAS(PTR) | HAS(TLS) | HAS(ONE_CLICK) |
            HAS(COMPLAINTS)},
    {"yahoo", "Yahoo", "https://senders.yahooinc.com/best-practices/",
        HAS(SPF) | HAS(DKIM) | HAS(DMARC) | HAS(ALIGNMENT) | HAS(PTR) | HAS(ONE_CLICK) |
            HAS(COMPLAINTS)},
    {"outlook", "Outlook.com", "https://sendersupport.olc.protection.outlook.com/pm/policies.aspx",
        HAS(SPF) | HAS(DKIM) | HAS(DMARC) | HAS(ALIGNMENT) | HAS(REPLIES)},
    {"apple", "Apple", "https://support.apple.com/102322",
        HAS(SPF) | HAS(DKIM) | HAS(DMARC) | HAS(PTR) | HAS(ONE_CLICK)},
    {"laposte", "laposte.net",
        "https://postmaster.laposte.net/contents/"
        "quelles-sont-les-specifications-techniques-a-respecter-pour-emettre-des-emails-vers-"
        "laposte-net?t=p",
        HAS(SPF_NO_FAIL) | HAS(DMARC) | HAS(REPORTS) | HAS(ALIGNMENT) | HAS(PTR)},
    /* Orange's own page (15 May 2026), restated where it can be read without a script. */
    {"orange", "Orange", "https://egressif.io/resources/sender-requirements/orange",
        HAS(SPF) | HAS(DKIM) | HAS(DMARC) | HAS(ALIGNMENT) | HAS(PTR) | HAS(HELO) |
            HAS(COMPLAINTS)},
};

void audit_judge_providers(struct audit_case *c, struct audit_report *out)
{
    struct audit_provider *all = arena_array(c->arena, COUNT_OF(providers), sizeof *all);
    for (size_t i = 0; i < COUNT_OF(providers); i++) {
        struct audit_rule *judged = arena_array(c->arena, RULES, sizeof *judged);
        size_t n = 0;
        for (enum rule r = 0; r < RULES; r++) {
            if (!(providers[i].demands & HAS(r)))
                continue;
            judged[n].rule = rules[r].name;
            judged[n].answer = rules[r].judge(c, &judged[n].detail);
            n++;
        }
        all[i] = (struct audit_provider){
            providers[i].key, providers[i].name, providers[i].source, judged, n};
    }
    out->providers = all;
    out->providers_n = COUNT_OF(providers);
}
