/* dkim verifying: each signature is judged by itself, in the words of RFC 8601. Signatures that we would
 * never make (rsa-sha1, 512 bits, l=, x=) are made here with the library directly. */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "mailer/mime/opendkim.h"
#include "tests/base/expect.h"
#include "tests/mailer/mime/signing.h"

#define MAIL                                                                                       \
    "From: Shop <shop@shop.example>\r\nTo: anna@mail.example\r\nSubject: Your parcel\r\n"          \
    "Date: Sat, 21 Nov 2026 09:09:10 +0000\r\n\r\nIt is on its way.\r\n"

/* ---- signatures that we would never make ----------------------------------------------------- */

struct odd {
    dkim_alg_t algorithm;
    int bits;               /* 0 = Ed25519 */
    uint64_t made, expires; /* seconds; 0 = now, never */
    ssize_t length;         /* -1 = all of the body */
};

struct odd_key {
    char pem[8192];
    struct buf record;
};

static void make_odd_key(int bits, struct odd_key *out)
{
    EVP_PKEY *key = bits ? EVP_RSA_gen((unsigned)bits) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int n;

    if (!key || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        fail_msg("no key of %d bits", bits);
    n = BIO_read(bio, out->pem, sizeof out->pem - 1);
    out->pem[n] = '\0';
    n = i2d_PUBKEY(key, &der);
    out->record = (struct buf){0};
    buf_addf(&out->record, "v=DKIM1; k=%s; p=", bits ? "rsa" : "ed25519");
    encode_base64(&out->record, bits ? str_bytes(der, (size_t)n) : str_bytes(der + n - 32, 32));
    OPENSSL_free(der);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void sign_oddly(const struct odd *o, const char *pem, struct str mail, struct buf *out)
{
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    struct str header, body, field;
    unsigned least = 512;
    uint64_t life = o->expires - o->made;
    unsigned char *value;
    DKIM_STAT status;
    DKIM *message;
    size_t n;

    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &least, sizeof least);
    if (o->made)
        dkim_options(
            lib, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, (void *)(uintptr_t)&o->made, sizeof o->made);
    if (o->expires)
        dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNATURETTL, &life, sizeof life);
    message = opendkim_sign(lib, (const unsigned char *)"test", NULL, (dkim_sigkey_t)(uintptr_t)pem,
        (const unsigned char *)"odd", (const unsigned char *)"shop.example", DKIM_CANON_RELAXED,
        DKIM_CANON_SIMPLE, o->algorithm, o->length, &status);
    opendkim_split(mail, &header, &body);
    while (opendkim_next_field(&header, &field))
        dkim_header(message, (unsigned char *)(uintptr_t)field.p, field.n);
    dkim_eoh(message);
    dkim_body(message, (unsigned char *)(uintptr_t)body.p, body.n);
    if (dkim_eom(message, NULL) != DKIM_STAT_OK ||
        dkim_getsighdr_d(message, 16, &value, &n) != DKIM_STAT_OK)
        fail_msg("not signed: %s", dkim_geterror(message));
    buf_addf(out, "DKIM-Signature: %.*s\r\n", (int)n, (char *)value);
    buf_add(out, mail);
    dkim_free(message);
    opendkim_close(lib);
}

/* ---- one verification ------------------------------------------------------------------------ */

struct verdicts {
    struct arena *arena;
    struct dkim_result *results;
    size_t n;
};

static struct verdicts verify(struct zone *z, struct str mail)
{
    struct verdicts v = {.arena = arena_open()};
    struct dkim_source source = zone_source(z);
    struct dkim_setup setup = {.body_simple = false};
    struct dkim *d = NULL;
    struct err e = {0};

    if (!dkim_open(&setup, &d, &e) || !dkim_verify(d, mail, &source, v.arena, &v.results, &v.n, &e))
        fail_msg("verifying: %s", e.text);
    dkim_close(&d);
    return v;
}

static void close_verdicts(struct verdicts *v)
{
    arena_close(&v->arena);
}

static void expect_result(
    const char *name, const struct dkim_result *r, const char *result, const char *reason)
{
    if (strcmp(r->result, result) != 0 || !strstr(r->reason, reason))
        fail_msg("%s: got %s (%s), want %s (%s)", name, r->result, r->reason, result, reason);
    expect(name, (r->reason[0] == '\0') == (strcmp(result, "pass") == 0), "a reason if need be");
}

/* ---- suites ---------------------------------------------------------------------------------- */

static void odd_signatures_are_judged(void **state)
{
    static const struct {
        const char *name;
        struct odd odd;
        const char *extra_body, *result, *reason;
        int bits;
        size_t lookups;
    } cases[] = {
        {"rsa_of_1024_bits_passes", {DKIM_SIGN_RSASHA256, 1024, 0, 0, -1}, "", "pass", "", 1024, 1},
        {"rsa_of_512_bits_is_refused", {DKIM_SIGN_RSASHA256, 512, 0, 0, -1}, "", "policy",
            "fewer than 1024", 512, 1},
        {"rsa_of_768_bits_is_refused", {DKIM_SIGN_RSASHA256, 768, 0, 0, -1}, "", "policy",
            "fewer than 1024", 768, 1},
        {"rsa_sha1_is_refused_unasked", {DKIM_SIGN_RSASHA1, 2048, 0, 0, -1}, "", "policy",
            "rsa-sha1", 0, 0},
        {"an_expired_one_is_refused_unasked",
            {DKIM_SIGN_RSASHA256, 1024, 1600000000, 1600000100, -1}, "", "policy", "expired", 0, 0},
        {"one_that_expires_later_passes", {DKIM_SIGN_RSASHA256, 1024, 1600000000, 32503680000, -1},
            "", "pass", "", 1024, 1},
        {"one_of_the_future_is_refused", {DKIM_SIGN_RSASHA256, 1024, 32503680000, 0, -1}, "",
            "policy", "future", 0, 0},
        {"l_over_all_of_the_body_passes", {DKIM_SIGN_RSASHA256, 1024, 0, 0, 19}, "", "pass", "",
            1024, 1},
        {"l_that_leaves_text_is_refused", {DKIM_SIGN_RSASHA256, 1024, 0, 0, 19}, "P.S.\r\n",
            "policy", "l=", 1024, 1},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf mail = {0};
        AUTO(close_verdicts) struct verdicts v = {0};
        AUTO(zone_close) struct zone z = {.n = 0};
        struct odd_key key;

        make_odd_key(c->odd.bits, &key);
        zone_add(&z, "odd._domainkey.shop.example", DKIM_KEY_FOUND, buf_str(&key.record));
        sign_oddly(&c->odd, key.pem, STR(MAIL), &mail);
        buf_add_text(&mail, c->extra_body);
        v = verify(&z, buf_str(&mail));
        expect_int(c->name, (int64_t)v.n, 1);
        expect_result(c->name, &v.results[0], c->result, c->reason);
        expect_int(c->name, v.results[0].bits, c->bits);
        expect_int(c->name, (int64_t)z.lookups, (int64_t)c->lookups);
        buf_close(&key.record);
    }
}

static const struct odd ordinary = {DKIM_SIGN_RSASHA256, 1024, 0, 0, -1};

/* The good record with a piece of it replaced, or another record, or none. */
static void key_records_are_judged(void **state)
{
    enum { GOOD, OTHER, ED };
    static const struct {
        const char *name;
        enum dkim_lookup answer;
        const char *before; /* replaces "v=DKIM1; k=rsa; p=" */
        int key;
        const char *result, *reason;
    } cases[] = {
        {"the_right_one", DKIM_KEY_FOUND, "v=DKIM1; k=rsa; p=", GOOD, "pass", ""},
        {"without_version_and_type", DKIM_KEY_FOUND, "p=", GOOD, "pass", ""},
        {"in_testing_mode", DKIM_KEY_FOUND, "v=DKIM1; t=y; p=", GOOD, "pass", ""},
        {"none_at_all", DKIM_KEY_NONE, "p=", GOOD, "permerror", "no key record"},
        {"not_now", DKIM_KEY_TEMPERROR, "p=", GOOD, "temperror", "now"},
        {"revoked", DKIM_KEY_FOUND, "v=DKIM1; p=; n=", GOOD, "permerror", "revoked"},
        {"another_key", DKIM_KEY_FOUND, "v=DKIM1; k=rsa; p=", OTHER, "fail", "another key"},
        {"a_key_of_another_kind", DKIM_KEY_FOUND, "v=DKIM1; k=ed25519; p=", ED, "permerror",
            "does not suit"},
        {"another_version", DKIM_KEY_FOUND, "v=DKIM2; p=", GOOD, "permerror", "version"},
        {"another_type", DKIM_KEY_FOUND, "v=DKIM1; k=dsa; p=", GOOD, "permerror", "type"},
        {"only_for_sha1", DKIM_KEY_FOUND, "v=DKIM1; h=sha1; p=", GOOD, "permerror", "hash"},
        {"not_for_mail", DKIM_KEY_FOUND, "v=DKIM1; s=tlsrpt; p=", GOOD, "permerror", "mail"},
        {"damaged", DKIM_KEY_FOUND, "v=DKIM1; p=AAAA", GOOD, "permerror", "damaged"},
        {"no_tags", DKIM_KEY_FOUND, "hello ", GOOD, "permerror", "read"},
    };
    AUTO(buf_close) struct buf mail = {0};
    struct odd_key keys[3];

    (void)state;
    make_odd_key(1024, &keys[GOOD]);
    make_odd_key(1024, &keys[OTHER]);
    make_odd_key(0, &keys[ED]);
    sign_oddly(&ordinary, keys[GOOD].pem, STR(MAIL), &mail);
    EACH(c, cases)
    {
        AUTO(close_verdicts) struct verdicts v = {0};
        AUTO(zone_close) struct zone z = {.n = 0};
        AUTO(buf_close) struct buf record = {0};
        struct str whole = buf_str(&keys[c->key].record);

        buf_add_text(&record, c->before);
        buf_add(&record, str_slice(whole, str_find(whole, STR("p="), 0) + 2, whole.n));
        zone_add(&z, "odd._domainkey.shop.example", c->answer, buf_str(&record));
        v = verify(&z, buf_str(&mail));
        expect_int(c->name, (int64_t)v.n, 1);
        expect_result(c->name, &v.results[0], c->result, c->reason);
        expect_text(c->name, v.results[0].domain, "shop.example");
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        buf_close(&keys[i].record);
}

/* The source may have looked closer than the library does. */
static void an_unusable_key_is_told_in_the_words_of_its_source(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(close_verdicts) struct verdicts v = {0};
    AUTO(zone_close) struct zone z = {.n = 0};
    struct odd_key key;

    (void)state;
    make_odd_key(1024, &key);
    sign_oddly(&ordinary, key.pem, STR(MAIL), &mail);
    zone_add(&z, "odd._domainkey.shop.example", DKIM_KEY_UNUSABLE, STR("p= stands twice"));
    v = verify(&z, buf_str(&mail));
    expect_result("unusable", &v.results[0], "permerror", "p= stands twice");
    buf_close(&key.record);
}

/* 1,023 bits fill as many bytes as 1,024. */
static void the_bits_of_a_key_are_counted_one_by_one(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(close_verdicts) struct verdicts v = {0};
    AUTO(zone_close) struct zone z = {.n = 0};
    struct odd odd = {DKIM_SIGN_RSASHA256, 1023, 0, 0, -1};
    struct odd_key key;

    (void)state;
    make_odd_key(1023, &key);
    sign_oddly(&odd, key.pem, STR(MAIL), &mail);
    zone_add(&z, "odd._domainkey.shop.example", DKIM_KEY_FOUND, buf_str(&key.record));
    v = verify(&z, buf_str(&mail));
    expect_result("1023", &v.results[0], "policy", "fewer than 1024");
    expect_int("bits", v.results[0].bits, 1023);
    buf_close(&key.record);
}

static void a_record_too_long_or_with_a_nul_is_a_permanent_error(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(buf_close) struct buf record = {0};
    struct odd_key key;

    (void)state;
    make_odd_key(1024, &key);
    sign_oddly(&ordinary, key.pem, STR(MAIL), &mail);
    for (int i = 0; i < 2; i++) {
        AUTO(close_verdicts) struct verdicts v = {0};
        AUTO(zone_close) struct zone z = {.n = 0};

        buf_clear(&record);
        buf_add(&record, i == 0 ? STR("v=DKIM1;\0 n=") : STR("v=DKIM1; n="));
        for (int k = 0; k < 1100; k++)
            buf_add_char(&record, 'x');
        buf_add(&record, buf_str(&key.record));
        zone_add(&z, "odd._domainkey.shop.example", DKIM_KEY_FOUND, buf_str(&record));
        v = verify(&z, buf_str(&mail));
        expect_result("record", &v.results[0], "permerror", "too long");
    }
    buf_close(&key.record);
}

/* A temporary failure for one signature leaves the other its pass. */
static void signatures_do_not_hold_each_other_back(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(close_verdicts) struct verdicts v = {0};
    struct signing s;

    (void)state;
    signing_open(&s, false);
    signing_mail(&s, 0, &mail);
    s.zone.records[0].answer = DKIM_KEY_TEMPERROR;
    v = verify(&s.zone, buf_str(&mail));
    expect_int("signatures", (int64_t)v.n, 2);
    expect_result("rsa", &v.results[0], "temperror", "now");
    expect_result("ed25519", &v.results[1], "pass", "");
    signing_close(&s);
}

static const struct {
    const char *name;
    struct str field;
    const char *result;
} broken[] = {
    {"no_tags", STR("DKIM-Signature: hello"), "neutral"},
    {"nothing", STR("DKIM-Signature:"), "permerror"},
    {"a_space", STR("DKIM-Signature: "), "neutral"},
    {"only_a_version", STR("DKIM-Signature: v=1"), "permerror"},
    {"no_b", STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From; bh=AAAA"),
        "permerror"},
    {"no_bh", STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From; b=AAAA"),
        "permerror"},
    {"no_d", STR("DKIM-Signature: v=1; a=rsa-sha256; s=s; h=From; bh=AAAA; b=AAAA"), "permerror"},
    {"an_empty_d", STR("DKIM-Signature: v=1; a=rsa-sha256; d=; s=s; h=From; bh=AA; b=AA"),
        "neutral"},
    {"an_eighth_bit",
        STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From; bh=AA; b=AA; z=\xff"),
        "neutral"},
    {"a_nul", STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=From\0; bh=AA; b=AA"),
        "neutral"},
    {"an_unknown_algorithm",
        STR("DKIM-Signature: v=1; a=rsa-md5; d=x.example; s=s; h=From; bh=AA; b=AA"), "permerror"},
    {"an_unknown_canonicalisation",
        STR("DKIM-Signature: v=1; a=rsa-sha256; c=x/y; d=x.example; s=s; h=From; bh=A; b=A"),
        "neutral"},
    {"another_version",
        STR("DKIM-Signature: v=2; a=rsa-sha256; d=x.example; s=s; h=From; bh=AA; b=AA"),
        "permerror"},
    {"from_not_signed",
        STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=To; bh=AA; b=AA"), "permerror"},
    {"i_outside_d",
        STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; i=@y.example; s=s; h=From; "
            "bh=AA; b=AA"),
        "permerror"},
    {"a_bad_length",
        STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; l=-1; s=s; h=From; bh=AA; b=AA"),
        "neutral"},
    {"x_before_t",
        STR("DKIM-Signature: v=1; a=rsa-sha256; d=x.example; t=32503680000; x=32503670000; "
            "s=s; h=From; bh=AA; b=AA"),
        "permerror"},
};

static void broken_signatures_are_told_and_harm_no_other(void **state)
{
    struct signing s;

    (void)state;
    signing_open(&s, false);
    EACH(c, broken)
    {
        AUTO(buf_close) struct buf mail = {0};
        AUTO(close_verdicts) struct verdicts v = {0};

        signing_mail(&s, 0, &mail);
        buf_insert(&mail, 0, STR("\r\n"));
        buf_insert(&mail, 0, c->field);
        v = verify(&s.zone, buf_str(&mail));
        expect_int(c->name, (int64_t)v.n, 3);
        expect_result(c->name, &v.results[0], c->result, "");
        expect_result(c->name, &v.results[1], "pass", "");
        expect_result(c->name, &v.results[2], "pass", "");
    }
    signing_close(&s);
}

/* What the body looks like at its end, where the library is not told by the length what follows. */
static void bodies_end_in_many_ways(void **state)
{
    static const struct {
        const char *name;
        bool simple;
        const char *signed_as, *seen_as; /* NULL = the same */
        const char *result;
    } cases[] = {
        {"without_a_last_line_end_relaxed", false, "hello", NULL, "pass"},
        {"without_a_last_line_end_simple", true, "hello", NULL, "pass"},
        {"which_may_be_added_on_the_way", false, "hello", "hello\r\n", "pass"},
        {"empty", false, "", NULL, "pass"},
        {"empty_lines_only", true, "\r\n\r\n", "", "pass"},
        {"empty_lines_may_be_lost", false, "hello\r\n\r\n\r\n", "hello\r\n", "pass"},
        {"blanks_at_line_ends_may_be_lost", false, "a \t\r\nb", "a\r\nb", "pass"},
        {"but_not_when_simple", true, "a \r\nb", "a\r\nb", "fail"},
    };
    struct err e = {0};

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf mail = {0}, signatures = {0};
        AUTO(close_verdicts) struct verdicts v = {0};
        struct signing s;

        signing_open(&s, c->simple);
        const struct dkim_key *keys[] = {s.rsa};
        buf_addf(&mail, "From: a@shop.example\r\n\r\n%s%s", c->signed_as,
            c->signed_as[0] && !str_ends(str_of(c->signed_as), STR("\r\n")) ? "\r\n" : "");
        expect(c->name, dkim_sign(s.dkim, keys, 1, buf_str(&mail), &signatures, &e), e.text);
        buf_addf(
            &signatures, "From: a@shop.example\r\n\r\n%s", c->seen_as ? c->seen_as : c->signed_as);
        v = verify(&s.zone, buf_str(&signatures));
        expect_int(c->name, (int64_t)v.n, 1);
        expect_result(c->name, &v.results[0], c->result, "");
        signing_close(&s);
    }
}

static void three_hundred_signatures_cost_ten_lookups(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(close_verdicts) struct verdicts v = {0};
    AUTO(zone_close) struct zone z = {.n = 0};

    (void)state;
    for (int i = 0; i < 300; i++)
        buf_addf(&mail,
            "DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=From; bh=AAAA; b=AAAA\r\n",
            i);
    buf_add(&mail, STR(MAIL));
    v = verify(&z, buf_str(&mail));
    expect_int("signatures", (int64_t)v.n, DKIM_MAX_SIGNATURES);
    expect_int("lookups", (int64_t)z.lookups, DKIM_MAX_SIGNATURES);
    for (size_t i = 0; i < v.n; i++)
        expect_result("each", &v.results[i], "permerror", "no key record");
    expect_text("first", v.results[0].domain, "d0.example");
    expect_text("last", v.results[9].domain, "d9.example");
}

static void mails_without_signatures_have_no_results(void **state)
{
    static const struct {
        const char *name;
        struct str mail;
    } cases[] = {
        {"an_ordinary_mail", STR(MAIL)},
        {"nothing", STR("")},
        {"only_an_empty_line", STR("\r\n")},
        {"no_empty_line", STR("From: a@b.example\r\n")},
        {"no_header", STR("\r\nbody\r\n")},
        {"a_line_that_is_no_field", STR("hello\r\nFrom: a@b.example\r\n\r\nbody\r\n")},
        {"a_name_that_only_resembles", STR("X-DKIM-Signature: v=1\r\n\r\n")},
        {"a_continuation_first", STR(" DKIM-Signature: v=1\r\n\r\n")},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(close_verdicts) struct verdicts v = {0};
        AUTO(zone_close) struct zone z = {.n = 0};

        v = verify(&z, c->mail);
        expect_int(c->name, (int64_t)v.n, 0);
    }
}

static void a_file_with_unix_lines_is_read_as_it_was_sent(void **state)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(buf_close) struct buf lines = {0};
    AUTO(close_verdicts) struct verdicts v = {0};
    struct signing s;

    (void)state;
    signing_open(&s, true);
    signing_mail(&s, 7, &mail);
    for (size_t i = 0; i < mail.n; i++)
        if (mail.p[i] != '\r')
            buf_add_char(&lines, mail.p[i]);
    v = verify(&s.zone, buf_str(&lines));
    expect_int("signatures", (int64_t)v.n, 2);
    expect_result("rsa", &v.results[0], "pass", "");
    expect_result("ed25519", &v.results[1], "pass", "");
    signing_close(&s);
}

static void a_header_beyond_measure_is_refused(void **state)
{
    struct dkim_setup setup = {.body_simple = false};
    AUTO(zone_close) struct zone z = {.n = 0};
    struct dkim_source source = zone_source(&z);
    struct dkim *d = NULL;
    struct err e = {0};

    (void)state;
    if (!dkim_open(&setup, &d, &e))
        fail_msg("%s", e.text);
    for (int one_line = 0; one_line < 2; one_line++) {
        AUTO(buf_close) struct buf mail = {0};
        AUTO(arena_close) struct arena *a = arena_open();
        struct dkim_result *results;
        size_t n;

        for (int i = 0; i < 60000; i++)
            buf_add_text(&mail, one_line ? "X: aaaaaa" : "X: aa\r\n");
        buf_add(&mail, STR("\r\n\r\n"));
        expect(
            "header", !dkim_verify(d, buf_str(&mail), &source, a, &results, &n, &e), "a refusal");
        expect_int("code", e.code, ERR_LIMIT);
    }
    dkim_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_signatures_are_judged),
        cmocka_unit_test(key_records_are_judged),
        cmocka_unit_test(an_unusable_key_is_told_in_the_words_of_its_source),
        cmocka_unit_test(the_bits_of_a_key_are_counted_one_by_one),
        cmocka_unit_test(a_record_too_long_or_with_a_nul_is_a_permanent_error),
        cmocka_unit_test(signatures_do_not_hold_each_other_back),
        cmocka_unit_test(broken_signatures_are_told_and_harm_no_other),
        cmocka_unit_test(bodies_end_in_many_ways),
        cmocka_unit_test(three_hundred_signatures_cost_ten_lookups),
        cmocka_unit_test(mails_without_signatures_have_no_results),
        cmocka_unit_test(a_file_with_unix_lines_is_read_as_it_was_sent),
        cmocka_unit_test(a_header_beyond_measure_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
