/* audit_faults -- one zone for each fault that the audit knows, as changes to the healthy shop of audit_world.h. */
#ifndef TESTS_DNS_AUDIT_FAULTS_H
#define TESTS_DNS_AUDIT_FAULTS_H

#include "tests/dns/audit_world.h"

/* clang-format off */
#define DMARC "_dmarc.shop.example."
#define KEY "s1._domainkey.shop.example."
#define BACK "bounce.shop.example."

enum publishes { NOTHING, RECORDS };
enum with { AS_IS, SELECTOR_ONLY, NO_KEYS, OTHER_DOMAIN_SIGNS, RETURN_PATH_ELSEWHERE, FREE_MAIL, SUBDOMAIN };

/* remove, add: see shop_change. mark: what the carets stand under, "" = nothing. */
static const struct fault {
    const char *name, *remove, *add;
    enum with with;
    const char *code;
    enum audit_severity severity;
    enum publishes publishes;
    const char *mark;
    const char *page; /* NULL = nobody answers */
} faults[] = {
    {"no_dmarc", DMARC " TXT", "", AS_IS, "DMARC-MISSING", AUDIT_ERROR, RECORDS, "", NULL},
    {"two_dmarc_records", "", DMARC " TXT \"v=DMARC1; p=none\"", AS_IS, "DMARC-SEVERAL", AUDIT_ERROR, RECORDS, "", NULL},
    {"dmarc_with_a_wrong_version", DMARC " TXT", DMARC " TXT \"v=dmarc1; p=reject; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-SYNTAX", AUDIT_ERROR, RECORDS, "", NULL},
    {"dmarc_with_a_blank_before_it", DMARC " TXT", DMARC " TXT \" v=DMARC1; p=reject\"", AS_IS, "DMARC-SYNTAX",
        AUDIT_ERROR, RECORDS, "", NULL},
    {"dmarc_with_a_policy_that_does_not_exist", DMARC " TXT",
        DMARC " TXT \"v=DMARC1; p=quarantin; rua=mailto:a@shop.example\"", AS_IS, "DMARC-SYNTAX", AUDIT_ERROR, RECORDS,
        "p=quarantin", NULL},
    {"dmarc_with_a_nul_before_a_bad_policy", DMARC " TXT",
        DMARC " TXT \"v=DMARC1; rua=mailto:a\\000b@shop.example; p=quarantin\"", AS_IS, "DMARC-SYNTAX", AUDIT_ERROR, RECORDS,
        "p=quarantin", NULL},
    {"dmarc_with_a_bad_sp_only", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; sp=all\"", AS_IS, "DMARC-SYNTAX",
        AUDIT_ERROR, RECORDS, "sp=all", NULL},
    {"dmarc_without_policy_and_reports", DMARC " TXT", DMARC " TXT \"v=DMARC1\"", AS_IS, "DMARC-SYNTAX", AUDIT_ERROR,
        RECORDS, "", NULL},
    {"dmarc_none", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-POLICY-NONE", AUDIT_WARNING, RECORDS, "p=none", NULL},
    {"dmarc_none_is_kept_while_mail_fails", DMARC " TXT," KEY " TXT," BACK " TXT",
        DMARC " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"", AS_IS, "DMARC-POLICY-NONE", AUDIT_WARNING,
        NOTHING, "p=none", NULL},
    {"subdomains_left_open", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; sp=none; rua=mailto:a@shop.example\"",
        AS_IS, "DMARC-SUBDOMAIN-NONE", AUDIT_WARNING, RECORDS, "sp=none", NULL},
    {"names_that_do_not_exist_left_open", DMARC " TXT",
        DMARC " TXT \"v=DMARC1; p=reject; np=none; rua=mailto:a@shop.example\"", AS_IS, "DMARC-SUBDOMAIN-NONE",
        AUDIT_WARNING, RECORDS, "np=none", NULL},
    {"policy_in_test_mode", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; t=y; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-TEST-MODE", AUDIT_WARNING, RECORDS, "t=y", NULL},
    {"no_reports", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject\"", AS_IS, "DMARC-NO-REPORTS", AUDIT_WARNING,
        RECORDS, "", NULL},
    {"pct_is_gone", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; pct=50; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-REMOVED-TAG", AUDIT_NOTE, RECORDS, "pct=50", NULL},
    {"a_repeated_tag", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; p=none; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-VALUE-IGNORED", AUDIT_WARNING, RECORDS, "", NULL},
    {"an_unknown_tag", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; xyz=1; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-VALUE-IGNORED", AUDIT_WARNING, RECORDS, "", NULL},
    {"reports_to_a_stranger", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; rua=mailto:a@other.example\"", AS_IS,
        "DMARC-EXTERNAL-REPORT-UNAUTHORISED", AUDIT_WARNING, RECORDS, "mailto:a@other.example", NULL},
    {"dmarc_at_a_subdomain_only", DMARC " TXT",
        "_dmarc.news.shop.example. TXT \"v=DMARC1; p=reject; rua=mailto:a@news.shop.example\"", SUBDOMAIN,
        "DMARC-ORG-RECORD-MISSING", AUDIT_WARNING, RECORDS, "", NULL},

    {"no_key", KEY " TXT", "", AS_IS, "DKIM-KEY-ABSENT", AUDIT_ERROR, RECORDS, "", NULL},
    {"no_key_and_ours_not_known", KEY " TXT", "", SELECTOR_ONLY, "DKIM-KEY-ABSENT", AUDIT_ERROR, NOTHING, "", NULL},
    {"another_key", KEY " TXT", "", AS_IS, "DKIM-KEY-MISMATCH", AUDIT_ERROR, RECORDS, "", NULL},
    {"a_revoked_key", KEY " TXT", KEY " TXT \"v=DKIM1; p=\"", AS_IS, "DKIM-KEY-REVOKED", AUDIT_ERROR, RECORDS, "", NULL},
    {"a_second_record_at_the_selector", "", KEY " TXT \"v=DKIM1; p=\"", AS_IS, "DKIM-KEY-SEVERAL", AUDIT_ERROR,
        RECORDS, "", NULL},
    {"a_key_that_is_no_base64", KEY " TXT", KEY " TXT \"v=DKIM1; p=%%%\"", AS_IS, "DKIM-KEY-SYNTAX", AUDIT_ERROR,
        RECORDS, "", NULL},
    {"a_key_of_512_bits", KEY " TXT", KEY " TXT \"v=DKIM1; p=" RSA_512 "\"", SELECTOR_ONLY, "DKIM-KEY-SHORT",
        AUDIT_ERROR, NOTHING, "", NULL},
    {"a_key_of_1024_bits", KEY " TXT", KEY " TXT \"v=DKIM1; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-WEAK",
        AUDIT_WARNING, NOTHING, "", NULL},
    {"a_key_in_test", KEY " TXT", KEY " TXT \"v=DKIM1; t=y; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-TESTING",
        AUDIT_WARNING, RECORDS, "t=y", NULL},
    {"a_key_for_sha1", KEY " TXT", KEY " TXT \"v=DKIM1; h=sha1; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-SHA1-ONLY",
        AUDIT_ERROR, RECORDS, "h=sha1", NULL},
    {"a_key_for_other_services", KEY " TXT", KEY " TXT \"v=DKIM1; s=tlsrpt; p=" RSA_1024 "\"", SELECTOR_ONLY,
        "DKIM-KEY-NOT-FOR-MAIL", AUDIT_ERROR, RECORDS, "s=tlsrpt", NULL},
    {"only_an_ed25519_key", KEY " TXT", KEY " TXT \"v=DKIM1; k=ed25519; p=" ED25519 "\"", SELECTOR_ONLY,
        "DKIM-ED25519-ONLY", AUDIT_WARNING, NOTHING, "", NULL},
    {"nothing_signs", "", "", NO_KEYS, "DKIM-UNSIGNED", AUDIT_WARNING, NOTHING, "", NULL},
    {"nothing_signs_and_spf_fails", BACK " TXT", "", NO_KEYS, "DKIM-UNSIGNED", AUDIT_ERROR, NOTHING, "", NULL},
    {"another_domain_signs_and_spf_fails", BACK " TXT", "", OTHER_DOMAIN_SIGNS, "DKIM-UNALIGNED", AUDIT_ERROR, NOTHING,
        "", NULL},
    {"another_domain_signs", "", "", OTHER_DOMAIN_SIGNS, "DKIM-UNALIGNED", AUDIT_WARNING, NOTHING, "", NULL},

    {"no_spf", BACK " TXT", "", AS_IS, "SPF-MISSING", AUDIT_ERROR, RECORDS, "", NULL},
    {"two_spf_records", "", BACK " TXT \"v=spf1 a:mail.shop.example ~all\"", AS_IS, "SPF-SEVERAL", AUDIT_ERROR,
        RECORDS, "", NULL},
    {"a_wrong_term", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ipv4:203.0.113.1 a:mail.shop.example -all\"",
        AS_IS, "SPF-SYNTAX", AUDIT_ERROR, RECORDS, "ipv4:203.0.113.1", NULL},
    {"eleven_lookups", BACK " TXT",
        BACK " TXT \"v=spf1 include:many.example include:spf.esp.example -all\"\n"
             "many.example. TXT \"v=spf1 include:i1.example include:i2.example include:i3.example include:i4.example "
             "include:i5.example include:i6.example include:i7.example include:i8.example include:i9.example ~all\"\n"
             "i1.example. TXT \"v=spf1 ip4:203.0.113.1 -all\"\ni2.example. TXT \"v=spf1 ip4:203.0.113.2 -all\"\n"
             "i3.example. TXT \"v=spf1 ip4:203.0.113.3 -all\"\ni4.example. TXT \"v=spf1 ip4:203.0.113.4 -all\"\n"
             "i5.example. TXT \"v=spf1 ip4:203.0.113.5 -all\"\ni6.example. TXT \"v=spf1 ip4:203.0.113.6 -all\"\n"
             "i7.example. TXT \"v=spf1 ip4:203.0.113.7 -all\"\ni8.example. TXT \"v=spf1 ip4:203.0.113.8 -all\"\n"
             "i9.example. TXT \"v=spf1 ip4:203.0.113.9 -all\"",
        AS_IS, "SPF-LOOKUPS-EXCEEDED", AUDIT_ERROR, RECORDS, "include:many.example", NULL},
    {"an_include_of_itself", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 include:bounce.shop.example -all\"",
        AS_IS, "SPF-LOOKUPS-EXCEEDED", AUDIT_ERROR, RECORDS, "include:bounce.shop.example", NULL},
    {"three_terms_that_find_nothing", BACK " TXT",
        BACK " TXT \"v=spf1 a:no1.example mx:no2.example a:no3.example ip4:198.51.100.7 -all\"", AS_IS,
        "SPF-VOID-EXCEEDED", AUDIT_ERROR, RECORDS, "a:no1.example", NULL},
    {"an_include_of_nothing", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 include:gone.example -all\"", AS_IS,
        "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "include:gone.example", NULL},
    {"an_include_of_a_broken_record", BACK " TXT",
        BACK " TXT \"v=spf1 ip4:198.51.100.7 include:bad.example -all\"\nbad.example. TXT \"v=spf1 nonsense -all\"",
        AS_IS, "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "include:bad.example", NULL},
    {"a_dead_include_of_others", "spf.esp.example. TXT", "spf.esp.example. TXT \"v=spf1 include:gone.example ~all\"",
        AS_IS, "SPF-INCLUDE-DEAD", AUDIT_ERROR, NOTHING, "include:gone.example", NULL},
    {"a_redirect_to_nothing", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 redirect=gone.example\"", AS_IS,
        "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "redirect=gone.example", NULL},
    {"our_address_fails", BACK " TXT", BACK " TXT \"v=spf1 include:spf.esp.example -all\"", AS_IS,
        "SPF-ADDRESS-NOT-COVERED", AUDIT_ERROR, RECORDS, "-all", NULL},
    {"our_address_softfails", BACK " TXT", BACK " TXT \"v=spf1 a:mail.shop.example ~all\"", AS_IS,
        "SPF-ADDRESS-NOT-COVERED", AUDIT_ERROR, RECORDS, "~all", NULL},
    {"everybody_passes", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 +all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, RECORDS, "+all", NULL},
    {"all_without_a_qualifier", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, RECORDS, "all", NULL},
    {"everybody_is_neutral", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ?all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_WARNING, RECORDS, "?all", NULL},
    {"half_the_world_passes", BACK " TXT", BACK " TXT \"v=spf1 ip4:128.0.0.0/1 -all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, NOTHING, "", NULL},
    {"no_all", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7\"", AS_IS, "SPF-NO-ALL", AUDIT_WARNING, RECORDS, "", NULL},
    {"ptr", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ptr -all\"", AS_IS, "SPF-PTR", AUDIT_WARNING, RECORDS,
        "ptr", NULL},
    {"a_term_twice", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 a:mail.shop.example +a:MAIL.shop.example -all\"",
        AS_IS, "SPF-DUPLICATE", AUDIT_WARNING, RECORDS, "+a:MAIL.shop.example", NULL},
    {"a_term_after_all", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 -all ip4:198.51.100.8\"", AS_IS,
        "SPF-TERM-IGNORED", AUDIT_WARNING, RECORDS, "ip4:198.51.100.8", NULL},

    {"no_mx", "shop.example. MX", "", AS_IS, "MX-MISSING", AUDIT_WARNING, RECORDS, "", NULL},
    {"neither_mx_nor_address", "shop.example. MX,shop.example. A", "", AS_IS, "MX-MISSING", AUDIT_ERROR, NOTHING, "", NULL},
    {"null_mx", "shop.example. MX", "shop.example. MX 0 .", AS_IS, "MX-NULL", AUDIT_ERROR, NOTHING, "", NULL},
    {"null_mx_of_the_return_path", BACK " MX", BACK " MX 0 .", AS_IS, "MX-NULL", AUDIT_ERROR, RECORDS, "", NULL},
    {"the_only_mx_has_no_address", "shop.example. MX", "shop.example. MX 10 gone.shop.example.", AS_IS,
        "MX-NO-ADDRESS", AUDIT_ERROR, NOTHING, "gone.shop.example", NULL},
    {"one_mx_has_no_address", "", "shop.example. MX 20 gone.shop.example.", AS_IS, "MX-NO-ADDRESS", AUDIT_WARNING,
        RECORDS, "gone.shop.example", NULL},
    {"an_mx_is_an_alias", "shop.example. MX",
        "shop.example. MX 10 alias.shop.example.\nalias.shop.example. CNAME mx.shop.example.", AS_IS, "MX-CNAME",
        AUDIT_WARNING, RECORDS, "alias.shop.example", NULL},
    {"the_return_path_takes_no_mail", BACK " MX", "", AS_IS, "RETURN-PATH-NO-MX", AUDIT_ERROR, RECORDS, "", NULL},
    {"the_return_path_is_elsewhere", "", "", RETURN_PATH_ELSEWHERE, "RETURN-PATH-UNALIGNED", AUDIT_WARNING, NOTHING,
        "", NULL},
    {"no_ptr", "7.100.51.198.in-addr.arpa. PTR", "", AS_IS, "PTR-MISSING", AUDIT_ERROR, RECORDS, "", NULL},
    {"a_ptr_that_leads_elsewhere", "7.100.51.198.in-addr.arpa. PTR",
        "7.100.51.198.in-addr.arpa. PTR mail.shop.example.", AS_IS, "PTR-NOT-CONFIRMED", AUDIT_ERROR, RECORDS,
        "mail.shop.example", NULL},
    {"a_ptr_to_a_name_that_is_not_there", "7.100.51.198.in-addr.arpa. PTR",
        "7.100.51.198.in-addr.arpa. PTR host7.shop.example.", AS_IS, "PTR-NOT-CONFIRMED", AUDIT_ERROR, RECORDS,
        "host7.shop.example", NULL},
    {"helo_has_no_address", "mx.shop.example. A", "", AS_IS, "HELO-UNRESOLVED", AUDIT_ERROR, RECORDS, "", NULL},
    {"an_alias_to_nowhere", "mail.shop.example. A", "mail.shop.example. CNAME shop.hoster.example.", AS_IS,
        "CNAME-DANGLING", AUDIT_WARNING, NOTHING, "shop.hoster.example", NULL},
    {"an_mta_sts_record_without_id", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=2026-11-21\"", AS_IS, "MTA-STS-SYNTAX", AUDIT_WARNING,
        RECORDS, "", NULL},
    {"an_mta_sts_policy_that_is_not_there", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"", AS_IS,
        "MTA-STS-POLICY-UNUSABLE", AUDIT_WARNING, NOTHING, "", NULL},
    {"an_mta_sts_policy_without_mode", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"", AS_IS,
        "MTA-STS-POLICY-UNUSABLE", AUDIT_WARNING, NOTHING, "", "version: STSv1\nmax_age: 604800\nmx: mx.shop.example\n"},
    {"an_mx_that_the_policy_leaves_out", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"", AS_IS,
        "MTA-STS-MX-NOT-COVERED", AUDIT_ERROR, NOTHING, "",
        "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx2.shop.example\n"},
    {"an_mx_that_a_policy_on_trial_leaves_out", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"", AS_IS,
        "MTA-STS-MX-NOT-COVERED", AUDIT_WARNING, NOTHING, "",
        "version: STSv1\nmode: testing\nmax_age: 604800\nmx: *.mx.shop.example\n"},
    {"mta_sts_without_reports", "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"", AS_IS, "TLS-RPT-MISSING", AUDIT_NOTE,
        RECORDS, "", "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.shop.example\n"},
    {"a_tls_report_record_without_address", "", "_smtp._tls.shop.example. TXT \"v=TLSRPTv1; rua=ftp://x\"", AS_IS, "TLS-RPT-SYNTAX",
        AUDIT_WARNING, RECORDS, "", NULL},
    {"two_tls_report_records", "",
        "_smtp._tls.shop.example. TXT \"v=TLSRPTv1; rua=mailto:a@shop.example\"\n"
        "_smtp._tls.shop.example. TXT \"v=TLSRPTv1; rua=mailto:b@shop.example\"",
        AS_IS, "TLS-RPT-SYNTAX", AUDIT_WARNING, RECORDS, "", NULL},
    {"a_bimi_record_without_logo", "", "default._bimi.shop.example. TXT \"v=BIMI1; l=http://shop.example/l.svg\"", AS_IS, "BIMI-SYNTAX", AUDIT_WARNING,
        NOTHING, "", NULL},
    {"a_logo_that_is_no_svg", "", "default._bimi.shop.example. TXT \"v=BIMI1; l=https://shop.example/l.svg\"", AS_IS,
        "BIMI-LOGO-UNUSABLE", AUDIT_WARNING, NOTHING, "https://shop.example/l.svg", "<html></html>"},
    {"a_mark_that_is_no_certificate", "",
        "default._bimi.shop.example. TXT \"v=BIMI1; l=https://shop.example/l.svg; a=https://shop.example/m.pem\"", AS_IS,
        "BIMI-MARK-UNUSABLE", AUDIT_WARNING, NOTHING, "https://shop.example/m.pem", "hello"},
    {"a_logo_under_no_policy", DMARC " TXT",
        "default._bimi.shop.example. TXT \"v=BIMI1; l=https://shop.example/l.svg\"\n" DMARC
        " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"",
        AS_IS, "BIMI-POLICY-TOO-WEAK", AUDIT_WARNING, RECORDS, "p=none", NULL},
    {"a_wildcard_text", "", "*._domainkey.shop.example. TXT \"hello\"", AS_IS, "WILDCARD-FAKES-RECORD", AUDIT_WARNING,
        NOTHING, "", NULL},
    {"the_from_domain_is_a_mailbox_provider", "", "", FREE_MAIL, "FROM-FREE-MAIL", AUDIT_ERROR, NOTHING, "", NULL},
    {"the_from_domain_does_not_exist", "", "", FREE_MAIL, "DOMAIN-ABSENT", AUDIT_ERROR, NOTHING, "", NULL},
};

/* clang-format on */
#endif
