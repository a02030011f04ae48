/* dkim: what we sign passes with dkimpy, Mail::DKIM and ourselves, and nothing that was altered does. */
#include <openssl/pem.h>

#include "mailer/mime/pem_seam.h"
#include "tests/mailer/mime/mails.h"
#include "tests/mailer/mime/peer.h"
#include "tests/mailer/mime/signing.h"
#include "tests/support/scratch.h"

/* ---- alterations ----------------------------------------------------------------------------- */

static void alter_last_byte(struct buf *mail)
{
    mail->p[mail->n - 3] ^= 1;
}

static void replace(struct buf *mail, struct str from, struct str to)
{
    AUTO(buf_close) struct buf tail = {0};
    size_t at = str_find(buf_str(mail), from, 0);

    if (at == mail->n)
        fail_msg("'" STR_FMT "' is not in the mail", STR_ARG(from));
    buf_add(&tail, str_slice(buf_str(mail), at + from.n, mail->n));
    buf_cut(mail, at);
    buf_add(mail, to);
    buf_add(mail, buf_str(&tail));
}

static void alter_subject(struct buf *mail)
{
    replace(mail, STR("\r\nSubject: Y"), STR("\r\nSubject: Z"));
}

static void add_from_above(struct buf *mail)
{
    buf_insert(mail, 0, STR("From: bank@bank.example\r\n"));
}

static void add_from_below(struct buf *mail)
{
    replace(mail, STR("\r\n\r\n"), STR("\r\nFrom: bank@bank.example\r\n\r\n"));
}

static void add_subject(struct buf *mail)
{
    buf_insert(mail, 0, STR("Subject: You won\r\n"));
}

static void add_reply_to(struct buf *mail)
{
    buf_insert(mail, 0, STR("Reply-To: thief@evil.example\r\n"));
}

static void add_list_unsubscribe(struct buf *mail)
{
    buf_insert(mail, 0, STR("List-Unsubscribe: <https://evil.example/>\r\n"));
}

static void remove_date(struct buf *mail)
{
    replace(mail, STR("\r\nDate: "), STR("\r\nX-Date: "));
}

static void append_to_body(struct buf *mail)
{
    buf_add(mail, STR("P.S.\r\n"));
}

static void leave_alone(struct buf *mail)
{
    (void)mail;
}

static const struct {
    const char *name;
    void (*alter)(struct buf *mail);
    bool passes;
} alterations[] = {
    {"as_it_was", leave_alone, true},
    {"a_byte_of_the_body", alter_last_byte, false},
    {"a_byte_of_the_subject", alter_subject, false},
    {"a_second_from_above", add_from_above, false},
    {"a_second_from_below", add_from_below, false},
    {"a_second_subject", add_subject, false},
    {"a_reply_to", add_reply_to, false},
    {"a_list_unsubscribe", add_list_unsubscribe, false},
    {"no_date", remove_date, false},
    {"more_body", append_to_body, false},
};

static void expect_results(struct signing *s, const char *name, struct str mail, bool passes)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dkim_result *results;
    struct err e = {0};
    size_t n;

    if (!dkim_verify(s->dkim, mail, &s->source, a, &results, &n, &e))
        fail_msg("%s: %s", name, e.text);
    expect_int(name, (int64_t)n, 2);
    for (size_t i = 0; i < n; i++) {
        expect_text(name, results[i].domain, "shop.example");
        expect_text(name, results[i].selector, i == 0 ? "rsa" : "ed");
        expect_text(name, results[i].algorithm,
            dkim_algorithm_name(i == 0 ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256));
        expect_int(name, results[i].bits, i == 0 ? 2048 : 256);
        expect_text(name, results[i].result, passes ? "pass" : "fail");
        expect_int(name, results[i].reason[0] == '\0', passes);
    }
}

/* ---- suites ---------------------------------------------------------------------------------- */

static void write_keys(const struct signing *s, const char *folder)
{
    AUTO(buf_close) struct buf keys = {0};

    for (size_t i = 0; i < s->zone.n; i++)
        buf_addf(&keys, "%s %s\n", s->zone.records[i].name, s->zone.records[i].text.p);
    file_write(folder, "keys", buf_str(&keys));
}

/* Every mail as it is, and the first one altered in every way, for us and for the others. */
static void all_verifiers_agree(bool body_simple)
{
    char folder[SCRATCH_SIZE], count[16], name[160];
    const char *python[] = {
        "/usr/bin/python3", "tests/mailer/mime/check_dkim.py", folder, count, NULL};
    const char *perl[] = {"/usr/bin/perl", "tests/mailer/mime/check_dkim.pl", folder, count, NULL};
    struct signing s;
    int by_python, by_perl;

    scratch_folder("dkim_sign", folder);
    signing_open(&s, body_simple);
    write_keys(&s, folder);
    for (size_t i = 1; i < mail_cases_n; i++) {
        AUTO(buf_close) struct buf mail = {0};

        signing_mail(&s, i, &mail);
        expect_results(&s, mail_cases[i].name, buf_str(&mail), true);
        snprintf(name, sizeof name, "%s.pass.eml", mail_cases[i].name);
        file_write(folder, name, buf_str(&mail));
    }
    EACH(c, alterations)
    {
        AUTO(buf_close) struct buf mail = {0};

        signing_mail(&s, 0, &mail);
        c->alter(&mail);
        expect_results(&s, c->name, buf_str(&mail), c->passes);
        snprintf(name, sizeof name, "%s.%s.eml", c->name, c->passes ? "pass" : "fail");
        file_write(folder, name, buf_str(&mail));
    }
    snprintf(count, sizeof count, "%zu", mail_cases_n - 1 + COUNT_OF(alterations));
    by_python = peer_run(python);
    by_perl = peer_run(perl);
    folder_remove(folder);
    signing_close(&s);
    expect_int("dkimpy", by_python, 0);
    expect_int("Mail::DKIM", by_perl, 0);
}

static void relaxed_bodies_pass_everywhere_until_altered(void **state)
{
    (void)state;
    all_verifiers_agree(false);
}

static void simple_bodies_pass_everywhere_until_altered(void **state)
{
    (void)state;
    all_verifiers_agree(true);
}

static void the_signature_says_how_it_was_made(void **state)
{
    static const char *const more[] = {"d=shop.example;", "s=rsa;", "s=ed;", "a=rsa-sha256;",
        "a=ed25519-sha256;", "List-Unsubscribe-Post"};

    (void)state;
    for (int simple = 0; simple < 2; simple++) {
        AUTO(buf_close) struct buf mail = {0};
        struct signing s;

        signing_open(&s, simple);
        signing_mail(&s, 0, &mail);
        expect_in("c=", buf_str(&mail), simple ? "c=relaxed/simple;" : "c=relaxed/relaxed;");
        for (size_t i = 0; i < COUNT_OF(more); i++)
            expect_in("tag", buf_str(&mail), more[i]);
        expect("l= and x=", str_find(buf_str(&mail), STR(" l="), 0) == mail.n, "no l=");
        expect("l= and x=", str_find(buf_str(&mail), STR(" x="), 0) == mail.n, "no x=");
        signing_close(&s);
    }
}

/* Fails when the program's own PEM_read_bio_PrivateKey is not the one that libopendkim calls. */
static void keys_are_not_decoded_again(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    struct signing s;
    uint64_t before = pem_seam_answers();

    (void)state;
    signing_open(&s, false);
    for (int i = 0; i < 5; i++)
        signing_mail(&s, 0, &mail);
    signing_close(&s);
    expect_int("answers", (int64_t)(pem_seam_answers() - before), 10);
}

static void what_cannot_be_signed_leaves_nothing_behind(void **state)
{
    static const struct str bad[] = {STR("no colon here\r\n\r\nbody\r\n"),
        STR(": no name\r\nno colon\r\n\r\n"), STR("\r\n\r\n")};
    AUTO(buf_close) struct buf out = {0};
    struct signing s;

    (void)state;
    signing_open(&s, false);
    buf_add(&out, STR("before"));
    EACH(message, bad)
    {
        const struct dkim_key *keys[] = {s.ed25519, s.rsa};
        struct err e = {0};

        expect("bad mail", !dkim_sign(s.dkim, keys, 2, *message, &out, &e), "a refusal");
        expect_int("code", e.code, ERR_LIBRARY);
        expect_str("out", buf_str(&out), STR("before"));
    }
    signing_close(&s);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void keys_are_shown_as_records(void **state)
{
    AUTO(buf_close) struct buf record = {0};
    struct signing s;

    (void)state;
    signing_open(&s, false);
    dkim_key_record(s.rsa, &record);
    expect("rsa", str_starts(buf_str(&record), STR("v=DKIM1; k=rsa; p=MIIBIjANBgkqh")), "SPKI");
    buf_clear(&record);
    dkim_key_record(s.ed25519, &record);
    expect("ed25519", str_starts(buf_str(&record), STR("v=DKIM1; k=ed25519; p=")), "its name");
    expect_int("ed25519", (int64_t)record.n, 22 + 44);
    expect_int("ed25519", (int64_t)dkim_key_public(s.ed25519).n, 32);
    expect_text("domain", dkim_key_domain(s.rsa), "shop.example");
    expect_text("selector", dkim_key_selector(s.rsa), "rsa");
    expect_int("bits", dkim_key_bits(s.rsa), 2048);
    expect_int("kind", dkim_key_algorithm(s.ed25519), DKIM_ED25519_SHA256);
    signing_close(&s);
}

static void unfit_keys_are_refused(void **state)
{
    static const struct {
        const char *name, *domain, *selector, *pem, *reason;
    } cases[] = {
        {"nothing", "shop.example", "s", "", "no private key"},
        {"no_pem", "shop.example", "s", "hello", "no private key"},
        {"an_encrypted_key", "shop.example", "s",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBpjBABgkqhkiG9w0BBQ0w\n"
            "-----END ENCRYPTED PRIVATE KEY-----\n",
            "no private key"},
        {"an_elliptic_curve_key", "shop.example", "s",
            "-----BEGIN PRIVATE KEY-----\n"
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
            "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
            "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
            "-----END PRIVATE KEY-----\n",
            "neither RSA nor Ed25519"},
        {"a_bad_domain", "shop example", "s", "", "DKIM domain"},
        {"an_empty_selector", "shop.example", "", "", "selector"},
        {"a_selector_with_a_space", "shop.example", "a b", "", "selector"},
        {"a_selector_with_a_line_break", "shop.example", "a\r\nb", "", "selector"},
        {"a_selector_with_two_dots", "shop.example", "a..b", "", "selector"},
    };

    (void)state;
    EACH(c, cases)
    {
        struct dkim_key *k = NULL;
        struct err e = {0};

        expect(
            c->name, !dkim_key_open(c->domain, c->selector, str_of(c->pem), &k, &e), "a refusal");
        expect_int(c->name, e.code, ERR_INPUT);
        expect_in(c->name, str_of(e.text), c->reason);
    }
}

static void a_short_rsa_key_does_not_open(void **state)
{
    EVP_PKEY *pkey = EVP_RSA_gen(1024);
    BIO *bio = BIO_new(BIO_s_mem());
    struct dkim_key *k = NULL;
    struct err e = {0};
    char *pem;
    long n;

    (void)state;
    if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        fail_msg("no key");
    n = BIO_get_mem_data(bio, &pem);
    expect("1024", !dkim_key_open("shop.example", "s", str_bytes(pem, (size_t)n), &k, &e),
        "a refusal");
    expect_in("1024", str_of(e.text), "1024 bits");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void short_rsa_keys_are_not_made(void **state)
{
    AUTO(buf_close) struct buf pem = {0};
    struct err e = {0};

    (void)state;
    expect("1024", !dkim_key_new(DKIM_RSA_SHA256, 1024, &pem, &e), "a refusal");
    expect("16384", !dkim_key_new(DKIM_RSA_SHA256, 16384, &pem, &e), "a refusal");
    expect_int("nothing written", (int64_t)pem.n, 0);
}

/* The machine's clock may be wrong, and then the house knows better (base/clock_guard.h): a t= that is to come is a
 * signature that does not count. */
static void the_signature_bears_the_time_of_the_houses_clock(void **state)
{
    static const int64_t times_s[] = {1000000000, 4000000000};
    struct err e = {0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(times_s); i++) {
        struct clock_fake time = {.ms = times_s[i] * 1000 + 999};
        struct clock clock = clock_of_fake(&time);
        AUTO(buf_close) struct buf out = {0}, tag = {0};
        AUTO(dkim_close) struct dkim *d = NULL;
        struct signing s;

        signing_open(&s, false);
        const struct dkim_key *keys[] = {s.rsa, s.ed25519};
        assert_true(dkim_open(&(struct dkim_setup){.clock = &clock}, &d, &e));
        assert_true(dkim_sign(
            d, keys, COUNT_OF(keys), STR("From: <a@shop.example>\r\n\r\nHello\r\n"), &out, &e));
        buf_addf(&tag, "t=%lld;", (long long)times_s[i]);
        size_t first = str_find(buf_str(&out), buf_str(&tag), 0);
        assert_true(first < out.n && str_find(buf_str(&out), buf_str(&tag), first + 1) < out.n);
        signing_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relaxed_bodies_pass_everywhere_until_altered),
        cmocka_unit_test(simple_bodies_pass_everywhere_until_altered),
        cmocka_unit_test(the_signature_says_how_it_was_made),
        cmocka_unit_test(keys_are_not_decoded_again),
        cmocka_unit_test(the_signature_bears_the_time_of_the_houses_clock),
        cmocka_unit_test(what_cannot_be_signed_leaves_nothing_behind),
        cmocka_unit_test(keys_are_shown_as_records),
        cmocka_unit_test(unfit_keys_are_refused),
        cmocka_unit_test(a_short_rsa_key_does_not_open),
        cmocka_unit_test(short_rsa_keys_are_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
