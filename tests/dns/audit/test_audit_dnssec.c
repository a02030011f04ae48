/* What an audit says of DNSSEC: validated here, taken from a validating resolver, and where neither can be. */
#include "tests/dns/audit/audit_words.h"
#include "tests/dns/fake_server.h"
#include "tests/dns/signed_world.h"

#include "dns/audit/inside.h"

struct asked { /* one audit */
    struct signed_world *s;
    struct arena *arena;
    struct dnssec_anchors *anchors;
    struct audit_setup setup;
    struct audit_report report;
};

static void begin(struct asked *q, void **state, struct resolver *r, const char *domain)
{
    *q = (struct asked){.s = signed_of(state), .arena = arena_open()};
    q->setup = (struct audit_setup){.resolver = r,
        .clock = &q->s->clock,
        .domain = domain,
        .mail_from = "",
        .helo = "",
        .links = "",
        .keys_are_all = true};
}

static void validate(struct asked *q)
{
    struct err e = {0};
    if (!dnssec_anchors_parse(str_of(q->s->anchor), "anchor", &q->anchors, &e))
        fail_msg("%s", e.text);
    q->setup.anchors = q->anchors;
}

static void run(struct asked *q)
{
    audit_run(&q->setup, q->arena, &q->report);
    words_check(&q->report);
}

static void end(struct asked *q)
{
    dnssec_anchors_close(&q->anchors);
    arena_close(&q->arena);
}

static bool is_about_dnssec(const char *code)
{
    return str_starts(str_of(code), STR("DNSSEC-")) || strcmp(code, "DANE-NOT-SECURE") == 0;
}

/* "secure; DNSSEC-EXPIRING soon.example: the signature ..." */
static const char *told(const struct asked *q)
{
    AUTO(buf_close) struct buf out = {0};
    buf_add_text(&out, audit_dnssec_name(&q->report.dnssec));
    for (size_t i = 0; i < q->report.findings_n; i++) {
        const struct audit_finding *f = &q->report.findings[i];
        if (is_about_dnssec(f->code))
            buf_addf(&out, "; %s %s: %s", f->code, f->name, f->detail.text);
    }
    return arena_text(q->arena, buf_str(&out));
}

static const struct audit_gap *gap_of(const struct audit_report *r, const char *code)
{
    for (size_t i = 0; i < r->gaps_n; i++)
        for (size_t j = 0; j < r->gaps[i].codes_n; j++)
            if (strcmp(r->gaps[i].codes[j], code) == 0)
                return &r->gaps[i];
    return NULL;
}

static const struct expectation {
    const char *name, *domain;
    const char *validated; /* how it begins */
    const char *believed;  /* the same from a validating resolver */
} cases[] = {
    {"a_signed_domain_has_no_finding", "good.example", "secure", "secure"},
    {"an_unsigned_domain_is_noted_and_its_tlsa_records_help_nobody", "unsigned.example",
        "insecure; DANE-NOT-SECURE _25._tcp.www.unsigned.example: unsigned.example is delegated "
        "without a DS, which example proves; DNSSEC-UNSIGNED unsigned.example: unsigned.example is "
        "delegated without a DS",
        "insecure; DANE-NOT-SECURE _25._tcp.www.unsigned.example: the answer for "
        "_25._tcp.www.unsigned.example is not signed, says the resolver; DNSSEC-UNSIGNED "
        "unsigned.example: "},
    {"ended_signatures_are_an_error_told_once", "expired.example",
        "bogus; DNSSEC-BOGUS expired.example: signature of DNSKEY expired.example expired ",
        "bogus; DNSSEC-BOGUS _dmarc.expired.example: the resolver refuses to answer for "
        "_dmarc.expired.example, but not when it is asked not to validate; DNSSEC-BOGUS "
        "expired.example: "},
    {"one_changed_record_does_not_make_the_domain_bogus", "altered.example",
        "secure; DNSSEC-BOGUS www.altered.example: signature of A www.altered.example by key ",
        "secure; DNSSEC-BOGUS www.altered.example: the resolver refuses to answer"},
    {"a_signature_that_ends_in_two_days_of_a_month", "soon.example",
        "secure; DNSSEC-EXPIRING soon.example: the signature of ", "secure"},
    {"a_zone_that_is_signed_every_day", "daily.example", "secure", "secure"},
    {"a_digest_of_sha1_alone", "sha1ds.example",
        "secure; DNSSEC-ALGORITHM-OLD sha1ds.example: its DS record has a SHA-1 digest alone",
        "secure"},
    {"rsasha1", "sha1.example",
        "insecure; DANE-NOT-SECURE _25._tcp.www.sha1.example: the DS records of sha1.example name "
        "nothing that validators take (RSASHA1, digest 2), so that it counts as unsigned; "
        "DNSSEC-ALGORITHM-OLD sha1.example: the DS records of sha1.example name nothing",
        "secure"},
};

/* `want` without a finding is the whole of it. */
static int differs(const char *name, const char *have, const char *want)
{
    bool same =
        strchr(want, ';') ? str_starts(str_of(have), str_of(want)) : strcmp(have, want) == 0;
    if (!same)
        print_message("%s:\n  have %s\n  want %s\n", name, have, want);
    return !same;
}

static void domains_are_validated_here(void **state)
{
    int wrong = 0;
    EACH(c, cases)
    {
        struct asked q;
        begin(&q, state, signed_of(state)->at_nsd, c->domain);
        validate(&q);
        run(&q);
        wrong += differs(c->name, told(&q), c->validated);
        assert_non_null(q.report.dnssec.chain);
        expect_text(c->name, q.report.dnssec.chain[0].name, ".");
        end(&q);
    }
    assert_int_equal(wrong, 0);
}

static void a_validating_resolver_is_believed(void **state)
{
    int wrong = 0;
    EACH(c, cases)
    {
        struct asked q;
        begin(&q, state, signed_of(state)->at_unbound, c->domain);
        run(&q);
        wrong += differs(c->name, told(&q), c->believed);
        expect_number(c->name, (int64_t)q.report.dnssec.chain_n, 0);
        assert_non_null(gap_of(&q.report, "DNSSEC-EXPIRING"));
        end(&q);
    }
    assert_int_equal(wrong, 0);
}

enum sender { SENDS_FROM_KNOWN, SENDS_FROM_UNKNOWN, SMART_HOST, NO_SELECTOR };

static const struct outcome {
    const char *name, *domain, *signer;
    enum sender sender;
    enum audit_verdict want;
    const char *unreadable; /* the record in the verdict; NULL: none is */
} outcomes[] = {
    {"all_is_signed", "good.example", "good.example", SENDS_FROM_KNOWN, AUDIT_PASS, NULL},
    {"unsigned", "unsigned.example", "unsigned.example", SENDS_FROM_KNOWN, AUDIT_PASS, NULL},
    {"dmarc_is_bogus", "baddmarc.example", "baddmarc.example", SENDS_FROM_KNOWN, AUDIT_FAIL,
        "_dmarc.baddmarc.example"},
    {"dmarc_above_is_bogus", "shop.baddmarc.example", "shop.baddmarc.example", SENDS_FROM_KNOWN,
        AUDIT_FAIL, "_dmarc.baddmarc.example"},
    {"dmarc_is_bogus_and_no_selector_known", "baddmarc.example", "", NO_SELECTOR, AUDIT_FAIL,
        "_dmarc.baddmarc.example"},
    {"the_whole_zone_is_bogus", "expired.example", "expired.example", SENDS_FROM_KNOWN, AUDIT_FAIL,
        "_dmarc.expired.example"},
    {"key_is_bogus_and_spf_passes", "badkey.example", "badkey.example", SENDS_FROM_KNOWN,
        AUDIT_PASS, NULL},
    {"key_is_bogus_and_spf_may_pass", "badkey.example", "badkey.example", SENDS_FROM_UNKNOWN,
        AUDIT_UNKNOWN, "s1._domainkey.badkey.example"},
    {"key_is_bogus_behind_a_smart_host", "badkey.example", "badkey.example", SMART_HOST, AUDIT_FAIL,
        "s1._domainkey.badkey.example"},
    {"another_key_is_bogus", "good.example", "badkey.example", SENDS_FROM_KNOWN, AUDIT_PASS, NULL},
    {"another_key_is_bogus_and_spf_may_pass", "good.example", "badkey.example", SENDS_FROM_UNKNOWN,
        AUDIT_UNKNOWN, NULL},
    {"key_and_spf_are_bogus", "badboth.example", "badboth.example", SENDS_FROM_KNOWN, AUDIT_FAIL,
        "s1._domainkey.badboth.example"},
    {"key_and_spf_are_bogus_and_no_address_known", "badboth.example", "badboth.example",
        SENDS_FROM_UNKNOWN, AUDIT_FAIL, "s1._domainkey.badboth.example"},
    {"spf_is_bogus_and_no_selector_known", "badboth.example", "", NO_SELECTOR, AUDIT_UNKNOWN,
        "badboth.example"},
};

static int decides(const struct outcome *o, struct asked *q)
{
    struct audit_key key = {o->signer, "s1", "", STR("")};
    struct ip address = {4, {198, 51, 100, 7}};
    bool known = o->sender == SENDS_FROM_KNOWN || o->sender == NO_SELECTOR;
    q->setup.keys = &key;
    q->setup.keys_n = q->setup.keys_are_all = o->sender != NO_SELECTOR;
    q->setup.addresses = &address;
    q->setup.addresses_n = known;
    q->setup.smart_host = o->sender == SMART_HOST;
    run(q);
    const char *verdict = audit_verdict_name(q->report.verdict);
    const char *said = q->report.sentence.text, *begins = "receivers that validate DNSSEC cannot ";
    const char *want =
        o->unreadable ? arena_printf(q->arena, "%sread %s: ", begins, o->unreadable) : said;
    bool good = q->report.verdict == o->want && str_starts(str_of(said), str_of(want)) &&
                (o->unreadable || !str_starts(str_of(said), str_of(begins)));
    if (!good)
        print_message("%s: %s, %s\n", o->name, verdict, said);
    return !good;
}

/* Gmail's answer to "alignment" must not contradict the verdict. */
static enum audit_answer alignment_of(const struct audit_report *r)
{
    for (size_t i = 0; i < r->providers[0].rules_n; i++)
        if (strcmp(r->providers[0].rules[i].rule, "alignment") == 0)
            return r->providers[0].rules[i].answer;
    fail_msg("no alignment");
    return AUDIT_RULE_PASS;
}

static void what_validators_cannot_read_does_not_pass(void **state)
{
    static const enum audit_answer answers[] = {[AUDIT_PASS] = AUDIT_RULE_PASS,
        [AUDIT_FAIL] = AUDIT_RULE_FAIL,
        [AUDIT_UNKNOWN] = AUDIT_RULE_NOT_CHECKABLE};
    int wrong = 0;
    EACH(o, outcomes)
    {
        for (int believed = 0; believed < 2; believed++) {
            struct signed_world *s = signed_of(state);
            struct asked q;
            begin(&q, state, believed ? s->at_unbound : s->at_nsd, o->domain);
            if (!believed)
                validate(&q);
            wrong += decides(o, &q);
            expect_text(o->name, audit_answer_name(alignment_of(&q.report)),
                audit_answer_name(answers[o->want]));
            end(&q);
        }
    }
    assert_int_equal(wrong, 0);
}

/* The MX of a domain is asked for first: "MX: SERVFAIL, then with CD, then again". */
static void a_servfail_that_passes_is_not_bogus(void **state)
{
    static const struct {
        const char *name;
        enum act script[4];
        enum dnssec_status want;
        enum dns_status answer;
    } moments[] = {
        {"still_refused", {SERVFAIL, ANSWER_DO, SERVFAIL, ANSWER_AD}, DNSSEC_BOGUS, DNS_SERVFAIL},
        {"over_in_a_moment", {SERVFAIL, ANSWER_DO, ANSWER_AD, ANSWER_AD}, DNSSEC_SECURE,
            DNS_NODATA},
        {"over_and_not_signed", {SERVFAIL, ANSWER_DO, NODATA_SOA, ANSWER_AD}, DNSSEC_INSECURE,
            DNS_NODATA},
        {"refused_in_any_case", {SERVFAIL, SERVFAIL, ANSWER_AD, ANSWER_AD}, DNSSEC_INDETERMINATE,
            DNS_SERVFAIL},
        {"by_who_knows_no_dnssec", {SERVFAIL, ANSWER, ANSWER_AD, ANSWER_AD}, DNSSEC_INDETERMINATE,
            DNS_SERVFAIL},
    };
    (void)state;
    EACH(k, moments)
    {
        struct world w;
        struct fake_server s;
        world_begin(&w);
        fake_start(&s, k->script, COUNT_OF(k->script));
        world_resolver(&w, (const char *const[]){s.address, NULL}, 20000);
        struct crew_member m = {w.resolver, w.arena};
        struct audit_setup setup = {.clock = &w.clock};
        struct audit_case *c = ARENA_NEW(w.arena, struct audit_case);
        c->setup = &setup;
        c->domain = c->mail_from = "a.test";
        c->dmarc.name = "_dmarc.a.test";
        c->path.broke_at = "";
        c->mail_from_assumed = c->dnssec.resolver_validates = true;
        audit_find_dnssec(&m, c);
        expect_text(k->name, dnssec_status_name(c->dnssec.names[0].verdict.status),
            dnssec_status_name(k->want));
        expect_text(k->name, dns_status_name(c->dnssec.names[0].verdict.answer),
            dns_status_name(k->answer));
        fake_stop(&s);
        world_end(&w);
    }
}

/* Without the AD bit of a resolver, what was validated here makes a host without STARTTLS an error. */
static void a_probe_believes_what_was_validated_here(void **state)
{
    static const struct {
        const char *name;
        enum dane_status status;
        size_t usable;
        enum dnssec_status address;
        enum audit_severity want;
    } facts[] = {
        {"resolver_believed", DANE_USABLE, 1, DNSSEC_INDETERMINATE, AUDIT_ERROR},
        {"validated", DANE_INSECURE, 1, DNSSEC_SECURE, AUDIT_ERROR},
        {"address_not_secure", DANE_INSECURE, 1, DNSSEC_INSECURE, AUDIT_WARNING},
        {"address_not_known", DANE_INSECURE, 1, DNSSEC_INDETERMINATE, AUDIT_WARNING},
        {"no_usable_record", DANE_INSECURE, 0, DNSSEC_SECURE, AUDIT_WARNING},
    };
    (void)state;
    EACH(k, facts)
    {
        struct arena *a = arena_open();
        struct audit_case *c = ARENA_NEW(a, struct audit_case);
        struct audit_host host = {.name = "mx.test"};
        const struct audit_check check = {.code = "STARTTLS-MISSING", .title = "", .why = ""};
        c->arena = a;
        c->around.dane_n = c->probes_n = 1;
        c->around.dane[0] = (struct audit_dane_fact){"mx.test",
            {.status = k->status, .name = "_25._tcp.mx.test", .n = 1, .usable_n = k->usable}};
        c->dnssec.names_n = 3;
        c->dnssec.names[0] = (struct audit_dnssec_name){"_25._tcp.mx.test", DNS_TLSA, {0}};
        c->dnssec.names[1] = (struct audit_dnssec_name){"mx.test", DNS_A, {.status = k->address}};
        c->dnssec.names[2] =
            (struct audit_dnssec_name){"mx.test", DNS_AAAA, {.answer = DNS_NODATA}};
        c->probes[0] = (struct audit_probe){.host = &host, .probe.status = PROBE_ANSWERED};
        check_starttls(c, &check);
        expect_number(k->name, (int64_t)c->findings_n, 1);
        expect_text(
            k->name, audit_severity_name(c->findings[0].severity), audit_severity_name(k->want));
        arena_close(&a);
    }
}

/* NSD answers for all of this world, and never sets the AD bit. */
static void a_resolver_that_does_not_validate_leaves_a_gap(void **state)
{
    struct asked q;
    begin(&q, state, signed_of(state)->at_nsd, "unsigned.example");
    run(&q);
    expect_text("told", told(&q), "not-checked");
    assert_true(q.report.dnssec.reason.text[0]);
    const struct audit_gap *gap = gap_of(&q.report, "DNSSEC-BOGUS");
    assert_non_null(gap);
    assert_false(gap->dns_failed);
    end(&q);
}

static void silence_is_a_gap_that_may_hide_an_error(void **state)
{
    struct asked q;
    char address[32];
    const char *servers[] = {address};
    struct err e = {0};
    struct resolver *nobody = NULL;
    signed_of(state);
    dead_port(address);
    struct resolver_setup setup = {
        .servers = servers, .servers_n = 1, .timeout_ms = 200, .clock = &signed_of(state)->clock};
    assert_true(resolver_open(&setup, &nobody, &e));
    begin(&q, state, nobody, "good.example");
    validate(&q);
    run(&q);
    expect_text("told", told(&q), "indeterminate");
    assert_true(gap_of(&q.report, "DNSSEC-BOGUS")->dns_failed);
    assert_true(q.report.unsure);
    end(&q);
    resolver_close(&nobody);
}

static void a_zone_file_has_nothing_to_validate(void **state)
{
    struct asked q;
    struct world w;
    world_begin(&w);
    world_zone(&w, 0, "$ORIGIN good.example.\n@ 300 IN SOA ns h 1 2 3 4 5\n@ 300 IN MX 10 www\n");
    world_resolver(&w, NULL, 100);
    begin(&q, state, w.resolver, "good.example");
    validate(&q);
    run(&q);
    expect_text("told", told(&q), "not-checked");
    assert_null(gap_of(&q.report, "DNSSEC-BOGUS"));
    end(&q);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_validated_here),
        cmocka_unit_test(a_validating_resolver_is_believed),
        cmocka_unit_test(what_validators_cannot_read_does_not_pass),
        cmocka_unit_test(a_servfail_that_passes_is_not_bogus),
        cmocka_unit_test(a_probe_believes_what_was_validated_here),
        cmocka_unit_test(a_resolver_that_does_not_validate_leaves_a_gap),
        cmocka_unit_test(silence_is_a_gap_that_may_hide_an_error),
        cmocka_unit_test(a_zone_file_has_nothing_to_validate),
    };
    return cmocka_run_group_tests(tests, signed_open, signed_close);
}
