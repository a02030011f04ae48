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
} faults[] = {
    {"no_dmarc", DMARC " TXT", "", AS_IS, "DMARC-MISSING", AUDIT_ERROR, RECORDS, ""},
    {"two_dmarc_records", "", DMARC " TXT \"v=DMARC1; p=none\"", AS_IS, "DMARC-SEVERAL", AUDIT_ERROR, RECORDS, ""},
    {"dmarc_with_a_wrong_version", DMARC " TXT", DMARC " TXT \"v=dmarc1; p=reject; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-SYNTAX", AUDIT_ERROR, RECORDS, ""},
    {"dmarc_with_a_blank_before_it", DMARC " TXT", DMARC " TXT \" v=DMARC1; p=reject\"", AS_IS, "DMARC-SYNTAX",
        AUDIT_ERROR, RECORDS, ""},
    {"dmarc_with_a_policy_that_does_not_exist", DMARC " TXT",
        DMARC " TXT \"v=DMARC1; p=quarantin; rua=mailto:a@shop.example\"", AS_IS, "DMARC-SYNTAX", AUDIT_ERROR, RECORDS,
        "p=quarantin"},
    {"dmarc_with_a_bad_sp_only", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; sp=all\"", AS_IS, "DMARC-SYNTAX",
        AUDIT_ERROR, RECORDS, "sp=all"},
    {"dmarc_without_policy_and_reports", DMARC " TXT", DMARC " TXT \"v=DMARC1\"", AS_IS, "DMARC-SYNTAX", AUDIT_ERROR,
        RECORDS, ""},
    {"dmarc_none", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-POLICY-NONE", AUDIT_WARNING, RECORDS, "p=none"},
    {"dmarc_none_is_kept_while_mail_fails", DMARC " TXT," KEY " TXT," BACK " TXT",
        DMARC " TXT \"v=DMARC1; p=none; rua=mailto:a@shop.example\"", AS_IS, "DMARC-POLICY-NONE", AUDIT_WARNING,
        NOTHING, "p=none"},
    {"subdomains_left_open", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; sp=none; rua=mailto:a@shop.example\"",
        AS_IS, "DMARC-SUBDOMAIN-NONE", AUDIT_WARNING, RECORDS, "sp=none"},
    {"names_that_do_not_exist_left_open", DMARC " TXT",
        DMARC " TXT \"v=DMARC1; p=reject; np=none; rua=mailto:a@shop.example\"", AS_IS, "DMARC-SUBDOMAIN-NONE",
        AUDIT_WARNING, RECORDS, "np=none"},
    {"policy_in_test_mode", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; t=y; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-TEST-MODE", AUDIT_WARNING, RECORDS, "t=y"},
    {"no_reports", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject\"", AS_IS, "DMARC-NO-REPORTS", AUDIT_WARNING,
        RECORDS, ""},
    {"pct_is_gone", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; pct=50; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-REMOVED-TAG", AUDIT_NOTE, RECORDS, "pct=50"},
    {"a_repeated_tag", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; p=none; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-VALUE-IGNORED", AUDIT_WARNING, RECORDS, ""},
    {"an_unknown_tag", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; xyz=1; rua=mailto:a@shop.example\"", AS_IS,
        "DMARC-VALUE-IGNORED", AUDIT_WARNING, RECORDS, ""},
    {"reports_to_a_stranger", DMARC " TXT", DMARC " TXT \"v=DMARC1; p=reject; rua=mailto:a@other.example\"", AS_IS,
        "DMARC-EXTERNAL-REPORT-UNAUTHORISED", AUDIT_WARNING, RECORDS, "mailto:a@other.example"},
    {"dmarc_at_a_subdomain_only", DMARC " TXT",
        "_dmarc.news.shop.example. TXT \"v=DMARC1; p=reject; rua=mailto:a@news.shop.example\"", SUBDOMAIN,
        "DMARC-ORG-RECORD-MISSING", AUDIT_WARNING, RECORDS, ""},

    {"no_key", KEY " TXT", "", AS_IS, "DKIM-KEY-ABSENT", AUDIT_ERROR, RECORDS, ""},
    {"no_key_and_ours_not_known", KEY " TXT", "", SELECTOR_ONLY, "DKIM-KEY-ABSENT", AUDIT_ERROR, NOTHING, ""},
    {"another_key", KEY " TXT", "", AS_IS, "DKIM-KEY-MISMATCH", AUDIT_ERROR, RECORDS, ""},
    {"a_revoked_key", KEY " TXT", KEY " TXT \"v=DKIM1; p=\"", AS_IS, "DKIM-KEY-REVOKED", AUDIT_ERROR, RECORDS, ""},
    {"a_second_record_at_the_selector", "", KEY " TXT \"v=DKIM1; p=\"", AS_IS, "DKIM-KEY-SEVERAL", AUDIT_ERROR,
        RECORDS, ""},
    {"a_key_that_is_no_base64", KEY " TXT", KEY " TXT \"v=DKIM1; p=%%%\"", AS_IS, "DKIM-KEY-SYNTAX", AUDIT_ERROR,
        RECORDS, ""},
    {"a_key_of_512_bits", KEY " TXT", KEY " TXT \"v=DKIM1; p=" RSA_512 "\"", SELECTOR_ONLY, "DKIM-KEY-SHORT",
        AUDIT_ERROR, NOTHING, ""},
    {"a_key_of_1024_bits", KEY " TXT", KEY " TXT \"v=DKIM1; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-WEAK",
        AUDIT_WARNING, NOTHING, ""},
    {"a_key_in_test", KEY " TXT", KEY " TXT \"v=DKIM1; t=y; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-TESTING",
        AUDIT_WARNING, RECORDS, "t=y"},
    {"a_key_for_sha1", KEY " TXT", KEY " TXT \"v=DKIM1; h=sha1; p=" RSA_1024 "\"", SELECTOR_ONLY, "DKIM-KEY-SHA1-ONLY",
        AUDIT_ERROR, RECORDS, "h=sha1"},
    {"a_key_for_other_services", KEY " TXT", KEY " TXT \"v=DKIM1; s=tlsrpt; p=" RSA_1024 "\"", SELECTOR_ONLY,
        "DKIM-KEY-NOT-FOR-MAIL", AUDIT_ERROR, RECORDS, "s=tlsrpt"},
    {"only_an_ed25519_key", KEY " TXT", KEY " TXT \"v=DKIM1; k=ed25519; p=" ED25519 "\"", SELECTOR_ONLY,
        "DKIM-ED25519-ONLY", AUDIT_WARNING, NOTHING, ""},
    {"nothing_signs", "", "", NO_KEYS, "DKIM-UNSIGNED", AUDIT_WARNING, NOTHING, ""},
    {"nothing_signs_and_spf_fails", BACK " TXT", "", NO_KEYS, "DKIM-UNSIGNED", AUDIT_ERROR, NOTHING, ""},
    {"another_domain_signs_and_spf_fails", BACK " TXT", "", OTHER_DOMAIN_SIGNS, "DKIM-UNALIGNED", AUDIT_ERROR, NOTHING,
        ""},
    {"another_domain_signs", "", "", OTHER_DOMAIN_SIGNS, "DKIM-UNALIGNED", AUDIT_WARNING, NOTHING, ""},

    {"no_spf", BACK " TXT", "", AS_IS, "SPF-MISSING", AUDIT_ERROR, RECORDS, ""},
    {"two_spf_records", "", BACK " TXT \"v=spf1 a:mail.shop.example ~all\"", AS_IS, "SPF-SEVERAL", AUDIT_ERROR,
        RECORDS, ""},
    {"a_wrong_term", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ipv4:203.0.113.1 a:mail.shop.example -all\"",
        AS_IS, "SPF-SYNTAX", AUDIT_ERROR, RECORDS, "ipv4:203.0.113.1"},
    {"eleven_lookups", BACK " TXT",
        BACK " TXT \"v=spf1 include:many.example include:spf.esp.example -all\"\n"
             "many.example. TXT \"v=spf1 include:i1.example include:i2.example include:i3.example include:i4.example "
             "include:i5.example include:i6.example include:i7.example include:i8.example include:i9.example ~all\"\n"
             "i1.example. TXT \"v=spf1 ip4:203.0.113.1 -all\"\ni2.example. TXT \"v=spf1 ip4:203.0.113.2 -all\"\n"
             "i3.example. TXT \"v=spf1 ip4:203.0.113.3 -all\"\ni4.example. TXT \"v=spf1 ip4:203.0.113.4 -all\"\n"
             "i5.example. TXT \"v=spf1 ip4:203.0.113.5 -all\"\ni6.example. TXT \"v=spf1 ip4:203.0.113.6 -all\"\n"
             "i7.example. TXT \"v=spf1 ip4:203.0.113.7 -all\"\ni8.example. TXT \"v=spf1 ip4:203.0.113.8 -all\"\n"
             "i9.example. TXT \"v=spf1 ip4:203.0.113.9 -all\"",
        AS_IS, "SPF-LOOKUPS-EXCEEDED", AUDIT_ERROR, RECORDS, "include:many.example"},
    {"an_include_of_itself", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 include:bounce.shop.example -all\"",
        AS_IS, "SPF-LOOKUPS-EXCEEDED", AUDIT_ERROR, RECORDS, "include:bounce.shop.example"},
    {"three_terms_that_find_nothing", BACK " TXT",
        BACK " TXT \"v=spf1 a:no1.example mx:no2.example a:no3.example ip4:198.51.100.7 -all\"", AS_IS,
        "SPF-VOID-EXCEEDED", AUDIT_ERROR, RECORDS, "a:no1.example"},
    {"an_include_of_nothing", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 include:gone.example -all\"", AS_IS,
        "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "include:gone.example"},
    {"an_include_of_a_broken_record", BACK " TXT",
        BACK " TXT \"v=spf1 ip4:198.51.100.7 include:bad.example -all\"\nbad.example. TXT \"v=spf1 nonsense -all\"",
        AS_IS, "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "include:bad.example"},
    {"a_dead_include_of_others", "spf.esp.example. TXT", "spf.esp.example. TXT \"v=spf1 include:gone.example ~all\"",
        AS_IS, "SPF-INCLUDE-DEAD", AUDIT_ERROR, NOTHING, "include:gone.example"},
    {"a_redirect_to_nothing", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 redirect=gone.example\"", AS_IS,
        "SPF-INCLUDE-DEAD", AUDIT_ERROR, RECORDS, "redirect=gone.example"},
    {"our_address_fails", BACK " TXT", BACK " TXT \"v=spf1 include:spf.esp.example -all\"", AS_IS,
        "SPF-ADDRESS-NOT-COVERED", AUDIT_ERROR, RECORDS, "-all"},
    {"our_address_softfails", BACK " TXT", BACK " TXT \"v=spf1 a:mail.shop.example ~all\"", AS_IS,
        "SPF-ADDRESS-NOT-COVERED", AUDIT_ERROR, RECORDS, "~all"},
    {"everybody_passes", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 +all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, RECORDS, "+all"},
    {"all_without_a_qualifier", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, RECORDS, "all"},
    {"everybody_is_neutral", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ?all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_WARNING, RECORDS, "?all"},
    {"half_the_world_passes", BACK " TXT", BACK " TXT \"v=spf1 ip4:128.0.0.0/1 -all\"", AS_IS, "SPF-PERMISSIVE-ALL",
        AUDIT_ERROR, NOTHING, ""},
    {"no_all", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7\"", AS_IS, "SPF-NO-ALL", AUDIT_WARNING, RECORDS, ""},
    {"ptr", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 ptr -all\"", AS_IS, "SPF-PTR", AUDIT_WARNING, RECORDS,
        "ptr"},
    {"a_term_twice", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 a:mail.shop.example +a:MAIL.shop.example -all\"",
        AS_IS, "SPF-DUPLICATE", AUDIT_WARNING, RECORDS, "+a:MAIL.shop.example"},
    {"a_term_after_all", BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 -all ip4:198.51.100.8\"", AS_IS,
        "SPF-TERM-IGNORED", AUDIT_WARNING, RECORDS, "ip4:198.51.100.8"},

    {"no_mx", "shop.example. MX", "", AS_IS, "MX-MISSING", AUDIT_WARNING, RECORDS, ""},
    {"neither_mx_nor_address", "shop.example. MX,shop.example. A", "", AS_IS, "MX-MISSING", AUDIT_ERROR, NOTHING, ""},
    {"null_mx", "shop.example. MX", "shop.example. MX 0 .", AS_IS, "MX-NULL", AUDIT_ERROR, NOTHING, ""},
    {"null_mx_of_the_return_path", BACK " MX", BACK " MX 0 .", AS_IS, "MX-NULL", AUDIT_ERROR, RECORDS, ""},
    {"the_only_mx_has_no_address", "shop.example. MX", "shop.example. MX 10 gone.shop.example.", AS_IS,
        "MX-NO-ADDRESS", AUDIT_ERROR, NOTHING, "gone.shop.example"},
    {"one_mx_has_no_address", "", "shop.example. MX 20 gone.shop.example.", AS_IS, "MX-NO-ADDRESS", AUDIT_WARNING,
        RECORDS, "gone.shop.example"},
    {"an_mx_is_an_alias", "shop.example. MX",
        "shop.example. MX 10 alias.shop.example.\nalias.shop.example. CNAME mx.shop.example.", AS_IS, "MX-CNAME",
        AUDIT_WARNING, RECORDS, "alias.shop.example"},
    {"the_return_path_takes_no_mail", BACK " MX", "", AS_IS, "RETURN-PATH-NO-MX", AUDIT_ERROR, RECORDS, ""},
    {"the_return_path_is_elsewhere", "", "", RETURN_PATH_ELSEWHERE, "RETURN-PATH-UNALIGNED", AUDIT_WARNING, NOTHING,
        ""},
    {"no_ptr", "7.100.51.198.in-addr.arpa. PTR", "", AS_IS, "PTR-MISSING", AUDIT_ERROR, RECORDS, ""},
    {"a_ptr_that_leads_elsewhere", "7.100.51.198.in-addr.arpa. PTR",
        "7.100.51.198.in-addr.arpa. PTR mail.shop.example.", AS_IS, "PTR-NOT-CONFIRMED", AUDIT_ERROR, RECORDS,
        "mail.shop.example"},
    {"a_ptr_to_a_name_that_is_not_there", "7.100.51.198.in-addr.arpa. PTR",
        "7.100.51.198.in-addr.arpa. PTR host7.shop.example.", AS_IS, "PTR-NOT-CONFIRMED", AUDIT_ERROR, RECORDS,
        "host7.shop.example"},
    {"helo_has_no_address", "mx.shop.example. A", "", AS_IS, "HELO-UNRESOLVED", AUDIT_ERROR, RECORDS, ""},
    {"an_alias_to_nowhere", "mail.shop.example. A", "mail.shop.example. CNAME shop.hoster.example.", AS_IS,
        "CNAME-DANGLING", AUDIT_WARNING, NOTHING, "shop.hoster.example"},
    {"a_wildcard_text", "", "*._domainkey.shop.example. TXT \"hello\"", AS_IS, "WILDCARD-FAKES-RECORD", AUDIT_WARNING,
        NOTHING, ""},
    {"the_from_domain_is_a_mailbox_provider", "", "", FREE_MAIL, "FROM-FREE-MAIL", AUDIT_ERROR, NOTHING, ""},
    {"the_from_domain_does_not_exist", "", "", FREE_MAIL, "DOMAIN-ABSENT", AUDIT_ERROR, NOTHING, ""},
};

/* clang-format on */
#endif
