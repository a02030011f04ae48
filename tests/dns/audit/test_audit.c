/* The audit: each code on a zone that has its fault, what it proposes to publish, and that this mends it. */
#include "tests/dns/audit/audit_faults.h"

static void apply(struct shop *s, const struct fault *f)
{
    switch (f->with) {
    case SELECTOR_ONLY:
        s->keys[0] = (struct audit_key){"shop.example", "s1", "", STR("")};
        s->setup.keys_are_all = false;
        break;
    case NO_KEYS:
        s->setup.keys_n = 0;
        break;
    case OTHER_DOMAIN_SIGNS:
        s->keys[0].domain = "other.example";
        break;
    case RETURN_PATH_ELSEWHERE:
        s->setup.mail_from = "other.example";
        break;
    case FREE_MAIL:
        s->setup.domain = "yahoo.co.uk";
        break;
    case SUBDOMAIN:
        s->setup.domain = "news.shop.example";
        break;
    case THREE_SELECTORS:
        s->keys[1] = (struct audit_key){"shop.example", "s2", "", STR("")};
        s->keys[2] = (struct audit_key){"shop.example", "s3", "", STR("")};
        s->setup.keys_n = 3;
        break;
    case LOCAL_HELO:
        s->setup.helo = "localhost";
        break;
    case AS_IS:
        break;
    }
    s->page = f->page ? f->page : "";
    shop_change(s, f->remove, f->add);
    if (strcmp(f->name, "another_key") == 0) {
        struct audit_record key = {
            "s1._domainkey.shop.example", "TXT", 300, "v=DKIM1; k=rsa; p=" RSA_2048_OTHER};
        shop_add(s, &key);
    }
}

static void every_fault_is_found(void **state)
{
    (void)state;
    EACH(f, faults)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        apply(&s, f);
        shop_audit(&s, &r);
        const struct audit_finding *found = shop_finding(&r, f->code);
        if (!found)
            fail_msg("%s: %s was not found", f->name, f->code);
        expect_text(
            f->name, audit_severity_name(found->severity), audit_severity_name(f->severity));
        expect_number(f->name, found->publish_n > 0, f->publishes == RECORDS);
        struct str mark =
            str_slice(str_of(found->evidence), found->mark_at, found->mark_at + found->mark_n);
        expect_text(f->name, arena_text(s.world.arena, mark), f->mark);
        assert_true(found->title[0] && found->why[0] && found->name[0] && found->detail.text[0]);
        shop_end(&s);
    }
}

/* Every finding of every faulty zone, not only the one that the case is about. */
static void every_proposal_clears_its_finding(void **state)
{
    size_t proposals = 0;
    (void)state;
    EACH(f, faults)
    {
        struct audit_report before, after;
        size_t findings = 1;
        for (size_t i = 0; i < findings; i++) {
            struct shop s;
            shop_begin(&s);
            apply(&s, f);
            shop_audit(&s, &before);
            findings = before.findings_n;
            const struct audit_finding *one = &before.findings[i];
            if (i < findings && one->publish_n > 0) {
                proposals++;
                shop_publish(&s, one);
                shop_audit(&s, &after);
                if (shop_same(&after, one))
                    fail_msg(
                        "%s: \"%s\" does not clear %s", f->name, one->publish[0].value, one->code);
            }
            shop_end(&s);
        }
    }
    assert_true(proposals > 40);
}

/* All at once, as `--fix` prints them. */
static void all_proposals_together_clear_what_each_clears(void **state)
{
    (void)state;
    EACH(f, faults)
    {
        struct shop s;
        struct audit_report before, after;
        shop_begin(&s);
        apply(&s, f);
        shop_audit(&s, &before);
        for (size_t i = 0; i < before.findings_n; i++)
            shop_publish(&s, &before.findings[i]);
        shop_audit(&s, &after);
        for (size_t i = 0; i < before.findings_n; i++)
            if (before.findings[i].publish_n > 0 && shop_same(&after, &before.findings[i]))
                fail_msg("%s: %s is still there", f->name, before.findings[i].code);
        shop_end(&s);
    }
}

static void a_healthy_shop_has_no_findings(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    shop_audit(&s, &r);
    for (size_t i = 0; i < r.findings_n; i++)
        fail_msg("%s: %s", r.findings[i].code, r.findings[i].detail.text);
    for (size_t i = 0; i < r.gaps_n; i++)
        fail_msg("not checked: %s", r.gaps[i].reason.text);
    expect_text("verdict", audit_verdict_name(r.verdict), "pass");
    shop_end(&s);
}

static void every_code_has_a_case(void **state)
{
    struct audit_code k;
    (void)state;
    for (size_t i = 0; audit_code_at(i, &k); i++) {
        static const char *const elsewhere[] = {/* in test_audit_report.c, _dnsbl.c, _probe.c */
            "TXT-TOO-LONG", "DANE-UNUSABLE", "DNSBL-LISTED", "MX-UNREACHABLE", "STARTTLS-MISSING",
            "STARTTLS-CERTIFICATE", "PORT25-BLOCKED",
            /* in test_audit_rotation.c */
            "DKIM-ROTATION-OLD-REMOVED-EARLY", "DKIM-ROTATION-PENDING", "DKIM-ROTATION-WAITING",
            "DKIM-ROTATION-RETIRING", "DKIM-ROTATION-RETIRED",
            /* in test_audit_dnssec.c */
            "DANE-NOT-SECURE", "DNSSEC-BOGUS", "DNSSEC-EXPIRING", "DNSSEC-ALGORITHM-OLD",
            "DNSSEC-UNSIGNED"};
        bool found = false;
        EACH(code, elsewhere)
        found = found || strcmp(k.code, *code) == 0;
        EACH(f, faults)
        found = found || strcmp(f->code, k.code) == 0;
        if (!found)
            fail_msg("%s has no case", k.code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_shop_has_no_findings),
        cmocka_unit_test(every_fault_is_found),
        cmocka_unit_test(every_code_has_a_case),
        cmocka_unit_test(every_proposal_clears_its_finding),
        cmocka_unit_test(all_proposals_together_clear_what_each_clears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
