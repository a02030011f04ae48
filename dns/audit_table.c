/* Every check: its stable code, how bad it is, and its words in English, in the order of the report
 * within one severity. Documentation is printed from here; other languages translate by code. */
#include "dns/audit_inside.h"

#define E AUDIT_ERROR
#define W AUDIT_WARNING
#define N AUDIT_NOTE

static const char another_signs[] = "a warning where another key's signature passes";
static const char dkim_carries[] = "a warning where DKIM passes and aligns";
static const char spf_carries[] = "a warning where SPF passes and aligns";
static const char own_address[] = "a warning where the name itself has an address";

/* clang-format off */
const struct audit_check audit_checks[] = {
    {"DOMAIN-ABSENT", E, "", "The From domain does not exist",
        "Receivers refuse mail from a domain that nobody can answer to.", check_domain_absent},
    {"FROM-FREE-MAIL", E, "", "The From domain belongs to a mailbox provider",
        "Its DMARC policy, or its receivers, refuse mail in its name from other servers.", check_free_mail},

    {"DMARC-MISSING", E, "", "There is no DMARC record",
        "Gmail, Yahoo, Outlook.com, laposte.net and Orange demand one of senders; without it nothing can pass DMARC.",
        check_dmarc_missing},
    {"DMARC-SEVERAL", E, "", "Several DMARC records stand at one name",
        "Receivers discard all of them (RFC 9989 s4.10), as if there were none.", check_dmarc_several},
    {"DMARC-SYNTAX", E, "", "The DMARC record cannot be read",
        "Receivers ignore it, or treat it as p=none.", check_dmarc_syntax},
    {"DMARC-POLICY-NONE", W, "", "The DMARC policy is none",
        "Anybody may go on sending in your name, and some receivers trust such a domain less.", check_dmarc_none},
    {"DMARC-SUBDOMAIN-NONE", W, "", "The DMARC policy leaves subdomains open",
        "Forgers take a name below yours, which the policy does not protect.", check_dmarc_subdomain_none},
    {"DMARC-TEST-MODE", W, "", "The DMARC policy is being tested",
        "Receivers apply a weaker policy than the record names.", check_dmarc_test_mode},
    {"DMARC-NO-REPORTS", W, "", "The DMARC record asks for no reports",
        "Nobody tells you when your own mail begins to fail; laposte.net demands rua=.", check_dmarc_no_reports},
    {"DMARC-EXTERNAL-REPORT-UNAUTHORISED", W, "", "Reports go to a domain that has not agreed",
        "Receivers send no reports there (RFC 9990 s4).", check_dmarc_report_authorised},
    {"DMARC-ORG-RECORD-MISSING", W, "", "DMARC is published for a subdomain only",
        "Signatures and return paths of the domain above do not align (RFC 9989 s4.10).", check_dmarc_org_record},
    {"DMARC-VALUE-IGNORED", W, "", "A part of the DMARC record is ignored",
        "Receivers take a default instead of what you meant.", check_dmarc_ignored},
    {"DMARC-REMOVED-TAG", N, "", "The DMARC record has a tag that is gone",
        "RFC 9989 took pct, rf and ri away; receivers ignore them.", check_dmarc_removed},

    {"SPF-MISSING", E, "", "The return path has no SPF record",
        "Gmail, Yahoo and Outlook.com demand SPF of bulk senders, Orange of everybody.",
        check_spf_missing},
    {"SPF-SEVERAL", E, "", "There are several SPF records",
        "SPF then fails for every mail: permerror (RFC 7208 s4.5).", check_spf_several},
    {"SPF-SYNTAX", E, "", "The SPF record cannot be read",
        "One wrong term makes SPF fail for every mail: permerror (RFC 7208 s4.6).", check_spf_syntax},
    {"SPF-LOOKUPS-EXCEEDED", E, "", "The SPF record asks the DNS too often",
        "Receivers stop after ten terms that ask the DNS, and SPF fails: permerror (RFC 7208 s4.6.4).",
        check_spf_lookups},
    {"SPF-VOID-EXCEEDED", E, "", "The SPF record asks for names that are not there",
        "Receivers stop after two terms that find nothing, and SPF fails: permerror (RFC 7208 s4.6.4).",
        check_spf_voids},
    {"SPF-INCLUDE-DEAD", E, "", "An SPF include leads to no record",
        "SPF fails with permerror for whoever is not matched before it (RFC 7208 s5.2).", check_spf_include_dead},
    {"SPF-ADDRESS-NOT-COVERED", E, "", "A sending address is not in the SPF record",
        "Outlook.com, laposte.net and Orange refuse or junk what fails SPF.", check_spf_address},
    {"SPF-PERMISSIVE-ALL", E, "a warning for ?all", "The SPF record lets everybody send",
        "Forged mail passes SPF, and with it DMARC; under ?all it at least does not fail.", check_spf_permissive},
    {"SPF-NO-ALL", W, "", "The SPF record does not say what of others",
        "Forged mail is \"neutral\" instead of failing.", check_spf_no_all},
    {"SPF-PTR", W, "", "The SPF record uses ptr",
        "It is slow, unreliable and not to be used (RFC 7208 s5.5); some receivers skip it.", check_spf_ptr},
    {"SPF-DUPLICATE", W, "", "The SPF record has a term twice",
        "Each copy counts toward the ten terms that may ask the DNS.", check_spf_duplicate},
    {"SPF-TERM-IGNORED", W, "", "The SPF record has terms after all",
        "What they were to allow is not allowed.", check_spf_after_all},

    {"DKIM-UNSIGNED", E, spf_carries, "No DKIM key signs for this domain",
        "Gmail, Yahoo, Outlook.com and Orange demand DKIM of bulk senders; SPF alone breaks at every forwarder.",
        check_dkim_unsigned},
    {"DKIM-KEY-ABSENT", E, another_signs, "There is no key record at the selector",
        "Receivers cannot verify the signature.", check_key_absent},
    {"DKIM-KEY-MISMATCH", E, "", "The DNS has another key than ours",
        "Receivers will call every signature forged.", check_key_mismatch},
    {"DKIM-KEY-REVOKED", E, another_signs, "The key is revoked",
        "An empty p= tells receivers to trust no signature of this selector.", check_key_revoked},
    {"DKIM-KEY-SEVERAL", E, another_signs, "Several TXT records stand at the selector",
        "What receivers then take is undefined (RFC 6376 s3.6.2.2).", check_key_several},
    {"DKIM-KEY-SYNTAX", E, another_signs, "The key record cannot be read",
        "Receivers cannot verify the signature.", check_key_syntax},
    {"DKIM-KEY-SHORT", E, another_signs, "The key is too short to count",
        "Receivers must not accept RSA keys below 1024 bits (RFC 8301 s3.2).", check_key_short},
    {"DKIM-KEY-SHA1-ONLY", E, another_signs, "The key record forbids SHA-256",
        "SHA-1 signatures do not count (RFC 8301 s3.1), and others the record forbids.", check_key_sha1_only},
    {"DKIM-KEY-NOT-FOR-MAIL", E, another_signs, "The key record is not for e-mail",
        "Receivers must ignore a key whose s= leaves e-mail out (RFC 6376 s3.6.1).", check_key_not_for_mail},
    {"DKIM-UNALIGNED", E, spf_carries, "No signing domain aligns with the From domain",
        "DMARC counts only signatures of the From domain's own organization.", check_dkim_unaligned},
    {"DKIM-KEY-WEAK", W, "", "The key has less than 2048 bits",
        "Signers should use 2048 bits and more (RFC 8301 s3.2); Gmail advises it.", check_key_weak},
    {"DKIM-KEY-TESTING", W, "", "The key is marked as a test",
        "Receivers may treat mail with this signature as unsigned.", check_key_testing},
    {"DKIM-ED25519-ONLY", W, "", "Only Ed25519 keys sign",
        "Not every receiver verifies Ed25519; for those the mail is unsigned.", check_key_ed25519_only},

    {"MX-NULL", E, "", "A domain of the mail says that it takes no mail",
        "Receivers may refuse mail whose sender cannot be answered (RFC 7505 s4.2).", check_mx_null},
    {"MX-MISSING", E, own_address, "The From domain has no MX record",
        "Replies fail, and receivers that look whether they could arrive refuse the mail.", check_mx_missing},
    {"MX-NO-ADDRESS", E, "a warning where another MX host has one", "An MX host has no address",
        "Replies and bounces do not reach it.", check_mx_no_address},
    {"MX-CNAME", W, "", "An MX host is an alias",
        "RFC 2181 s10.3 forbids it, and some servers then do not deliver.", check_mx_cname},
    {"RETURN-PATH-NO-MX", E, own_address, "The return path takes no bounces",
        "Receivers that verify the sender's domain refuse the mail, and bounces are lost.", check_return_path_mx},
    {"RETURN-PATH-UNALIGNED", E, dkim_carries, "The return path does not align with the From domain",
        "SPF then never counts for DMARC.", check_return_path_unaligned},
    {"PTR-MISSING", E, "", "A sending address has no PTR record",
        "Gmail, laposte.net and Orange refuse mail from it.", check_ptr_missing},
    {"PTR-NOT-CONFIRMED", E, "", "The PTR record of a sending address is not confirmed",
        "Its name must lead back to the address: Gmail, laposte.net and Orange refuse mail otherwise.",
        check_ptr_not_confirmed},
    {"HELO-UNRESOLVED", E, "", "The HELO name has no address",
        "Orange refuses such a host, and so do many servers.", check_helo},
    {"CNAME-DANGLING", W, "", "An alias leads to a name that does not exist",
        "Whoever registers that name speaks for yours.", check_dangling},
    {"MTA-STS-MX-NOT-COVERED", E, "a warning in mode testing", "The MTA-STS policy leaves out an MX host",
        "Senders that honour the policy deliver no replies and bounces to it (RFC 8461 s4.2).", check_sts_mx},
    {"MTA-STS-SYNTAX", W, "", "The MTA-STS record cannot be read",
        "Senders act as if there were none, and replies may travel in clear.", check_sts_record},
    {"MTA-STS-POLICY-UNUSABLE", W, "", "The MTA-STS policy cannot be used",
        "Senders act as if there were none, and replies may travel in clear.", check_sts_policy},
    {"TLS-RPT-SYNTAX", W, "", "The TLS report record cannot be read",
        "Nobody tells you when replies cannot be delivered over TLS.", check_tls_rpt},
    {"TLS-RPT-MISSING", N, "", "Nobody hears when TLS to this domain fails",
        "With MTA-STS or DANE a fault in TLS keeps replies away; reports tell of it (RFC 8460).", check_tls_rpt_missing},
    {"DANE-UNUSABLE", W, "", "No TLSA record of an MX host can be used",
        "Senders with DANE demand TLS and verify nothing (RFC 7672 s2.2).", check_dane},
    {"BIMI-SYNTAX", W, "", "The BIMI record cannot be read", "No logo is shown.", check_bimi_record},
    {"BIMI-POLICY-TOO-WEAK", W, "", "The DMARC policy is too weak for a logo", "No logo is shown.", check_bimi_policy},
    {"BIMI-LOGO-UNUSABLE", W, "", "The BIMI logo cannot be used", "No logo is shown.", check_bimi_logo},
    {"BIMI-MARK-UNUSABLE", W, "", "The mark certificate of the logo has a fault",
        "Gmail and Apple show a logo only with a valid one.", check_bimi_mark},
    {"WILDCARD-FAKES-RECORD", W, "", "A wildcard TXT record answers for every name",
        "Selectors and policies seem to exist where nobody published them.", check_wildcard},
    {"TXT-TOO-LONG", W, "", "The TXT records of a name do not fit one UDP answer",
        "Receivers that cannot ask over TCP see no SPF record (RFC 7208 s3.4).", check_txt_size},
};
/* clang-format on */
const size_t audit_checks_n = COUNT_OF(audit_checks);

bool audit_code_at(size_t i, struct audit_code *out)
{
    if (i >= audit_checks_n)
        return false;
    const struct audit_check *k = &audit_checks[i];
    *out = (struct audit_code){k->code, k->severity, k->unless, k->title, k->why};
    return true;
}
