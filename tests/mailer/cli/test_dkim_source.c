/* The keys that `dkim verify` finds in the DNS: a mail with one RSA signature, and the records at its selector. */
#include "mailer/cli/dkim_source.h"

#include "base/encode.h"
#include "tests/base/expect.h"
#include "tests/support/scratch.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAIL "From: Shop <shop@shop.example>\r\nSubject: Your parcel\r\n\r\nIt is on its way.\r\n"
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define NOTE100                                                                                    \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
    "nnnnnnnn"

/* One key for all cases: making one takes a while. */
struct signer {
    struct buf mail;
    struct buf spki, bare,
        other; /* base64 of its public key, of the bare RSAPublicKey, of another key */
};

static void make_public(const char *selector, struct dkim_key **key, struct buf *base64)
{
    AUTO(buf_wipe) struct buf pem = {0};
    struct err e = {0};
    if (!dkim_key_new(DKIM_RSA_SHA256, 2048, &pem, &e) ||
        !dkim_key_open("shop.example", selector, buf_str(&pem), key, &e))
        fail_msg("%s", e.text);
    encode_base64(base64, dkim_key_public(*key));
}

static void add_bare(const struct dkim_key *key, struct buf *base64)
{
    struct str spki = dkim_key_public(key);
    const unsigned char *at = (const unsigned char *)spki.p;
    unsigned char *der = NULL;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)spki.n);
    int n = i2d_PublicKey(public, &der);
    encode_base64(base64, str_bytes(der, (size_t)n));
    OPENSSL_free(der);
    EVP_PKEY_free(public);
}

static void signer_open(struct signer *s)
{
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    AUTO(dkim_key_close) struct dkim_key *other = NULL;
    AUTO(dkim_close) struct dkim *d = NULL;
    struct err e = {0};
    *s = (struct signer){0};
    make_public("k", &key, &s->spki);
    make_public("k", &other, &s->other);
    add_bare(key, &s->bare);
    const struct dkim_key *keys[] = {key};
    if (!dkim_open(&(struct dkim_setup){0}, &d, &e) ||
        !dkim_sign(d, keys, 1, STR(MAIL), &s->mail, &e))
        fail_msg("%s", e.text);
    buf_add(&s->mail, STR(MAIL));
}

static void signer_close(struct signer *s)
{
    buf_close(&s->mail);
    buf_close(&s->spki);
    buf_close(&s->bare);
    buf_close(&s->other);
}

/* "{spki}", "{bare}" and "{other}" in the record become keys; strings of TXT are cut at 200 characters. */
static void write_zone(const struct signer *s, const char *const *records, const char *path)
{
    static const char head[] = "$ORIGIN shop.example.\n@ 60 IN SOA ns host 1 2 3 4 5\n"
                               "other._domainkey 60 IN TXT \"v=DKIM1; k=ed25519; p=" ED25519 "\"\n";
    const struct {
        struct str name;
        const struct buf *key;
    } keys[] = {{STR("{spki}"), &s->spki}, {STR("{bare}"), &s->bare}, {STR("{other}"), &s->other}};
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(head, f);
    for (; *records; records++) {
        AUTO(buf_close) struct buf text = {0};
        buf_add_text(&text, *records);
        EACH(k, keys)
        {
            size_t at = str_find(buf_str(&text), k->name, 0);
            if (at == text.n)
                continue;
            AUTO(buf_close) struct buf tail = {0};
            buf_add(&tail, str_slice(buf_str(&text), at + k->name.n, text.n));
            buf_cut(&text, at);
            buf_add(&text, buf_str(k->key));
            buf_add(&text, buf_str(&tail));
        }
        if (strncmp(*records, "IN ", 3) == 0) {
            fprintf(f, "k._domainkey 60 %s\n", buf_text(&text));
            continue;
        }
        fprintf(f, "k._domainkey 60 IN TXT");
        for (size_t i = 0; i < text.n; i += 200)
            fprintf(f, " \"%.200s\"", text.p + i);
        fprintf(f, "\n");
    }
    assert_int_equal(fclose(f), 0);
}

static const struct {
    const char *name;
    const char *records[5];
    const char *result, *reason;
} cases[] = {
    {"as_we_publish_it", {"v=DKIM1; k=rsa; p={spki}"}, "pass", ""},
    {"3.6.1_p_alone", {"p={spki}"}, "pass", ""},
    {"3.6.1_a_bare_rsa_key", {"v=DKIM1; p={bare}"}, "pass", ""},
    {"3.6.1_unknown_tags", {"v=DKIM1; zz=1; g=; p={spki};"}, "pass", ""},
    {"3.6.1_a_note_longer_than_the_librarys_buffer",
        {"v=DKIM1; n=" NOTE100 NOTE100 NOTE100 NOTE100 NOTE100 NOTE100 NOTE100 NOTE100 NOTE100
                NOTE100 "; p={spki}"},
        "pass", ""},
    {"3.6.1_v_behind_another_tag", {"k=rsa; v=DKIM1; p={spki}"}, "permerror",
        "v= is not the first tag"},
    {"3.6.1_v_in_lower_case", {"v=dkim1; p={spki}"}, "permerror", "v= is not DKIM1"},
    {"3.2_p_twice", {"v=DKIM1; p={spki}; p={spki}"}, "permerror", "p= stands twice"},
    {"3.2_k_twice", {"v=DKIM1; k=rsa; k=rsa; p={spki}"}, "permerror", "k= stands twice"},
    {"3.6.1_p_empty", {"v=DKIM1; p="}, "permerror", "revoked"},
    {"3.6.1_p_missing", {"v=DKIM1; k=rsa"}, "permerror", "p= is missing"},
    {"3.6.1_p_damaged", {"v=DKIM1; p=AAAA"}, "permerror", "p= is not an RSA public key"},
    {"3.6.1_k_unknown", {"v=DKIM1; k=dsa; p={spki}"}, "permerror", "k=dsa is no key type"},
    {"3.6.1_h_without_sha256", {"v=DKIM1; h=sha1; p={spki}"}, "permerror", "does not allow sha256"},
    {"3.6.1_h_with_it", {"v=DKIM1; h=sha1 : sha256; p={spki}"}, "pass", ""},
    {"3.6.1_s_without_email", {"v=DKIM1; s=tlsrpt; p={spki}"}, "permerror", "not meant for mail"},
    {"3.6.1_s_with_a_star", {"v=DKIM1; s=tlsrpt:*; p={spki}"}, "pass", ""},
    {"8463_an_ed25519_key_that_does_not_say_so", {"v=DKIM1; p=" ED25519}, "permerror",
        "k=ed25519 is missing"},
    {"8463_an_ed25519_key_for_an_rsa_signature", {"v=DKIM1; k=ed25519; p=" ED25519}, "permerror",
        "does not suit"},
    {"another_key", {"v=DKIM1; p={other}"}, "fail", "another key"},
    {"some_other_text", {"hello world"}, "permerror", "no key record"},
    {"3.6.2.2_another_text_first", {"hello world", "v=DKIM1; p={spki}"}, "pass", ""},
    {"3.6.2.2_another_text_behind", {"v=DKIM1; p={spki}", "v=spf1 -all"}, "pass", ""},
    {"6.1.2_another_key_first", {"v=DKIM1; p={other}", "v=DKIM1; p={spki}"}, "pass", ""},
    {"6.1.2_another_type_first", {"v=DKIM1; k=ed25519; p=" ED25519, "v=DKIM1; p={spki}"}, "pass",
        ""},
    {"6.1.2_a_revoked_one_first", {"v=DKIM1; p=", "v=DKIM1; p={spki}"}, "pass", ""},
    {"6.1.2_the_fourth",
        {"p="
         "{other}",
            "v=DKIM1; p={other}", "k=ed25519; p=" ED25519, "p={spki}"},
        "pass", ""},
    {"several_of_which_none_is_good", {"v=DKIM1; p=", "v=DKIM2; p={spki}"}, "permerror",
        "p= is empty"},
    {"an_alias", {"IN CNAME other._domainkey"}, "permerror", "does not suit"},
    {"an_alias_to_nothing", {"IN CNAME gone"}, "permerror", "there is no key record"},
    {"an_alias_to_who_does_not_answer", {"IN CNAME k.elsewhere.test."}, "temperror", "now"},
    {"nothing", {NULL}, "permerror", "there is no key record"},
    {"no_text", {"IN A 192.0.2.1"}, "permerror", "there is no key record"},
};

static void keys_are_found_and_judged(void **state)
{
    struct signer s;
    char path[SCRATCH_SIZE];
    (void)state;
    signer_open(&s);
    close(scratch_file("dkim", path));
    EACH(c, cases)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(resolver_close) struct resolver *r = NULL;
        AUTO(dkim_close) struct dkim *d = NULL;
        const char *const paths[] = {path};
        struct resolver_setup setup = {
            .zone_files = paths, .zone_files_n = 1, .clock = clock_system()};
        struct dkim_result *results;
        struct err e = {0};
        size_t n = 0;
        write_zone(&s, c->records, path);
        if (!resolver_open(&setup, &r, &e) || !dkim_open(&(struct dkim_setup){0}, &d, &e) ||
            !dkim_source_verify(d, r, buf_str(&s.mail), a, &results, &n, &e))
            fail_msg("%s: %s", c->name, e.text);
        expect_int(c->name, (int64_t)n, 1);
        if (strcmp(results[0].result, c->result) != 0 || !strstr(results[0].reason, c->reason))
            fail_msg("%s: %s (%s)", c->name, results[0].result, results[0].reason);
    }
    unlink(path);
    signer_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_and_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
