/* DKIM key records (RFC 6376 s3.6.1, 8301, 8463), alone and as found in the DNS. */
#include "base/encode.h"
#include "dns/dkim_record.h"
#include "tests/dns/world.h"

/* One RSA key of 1024 bits in both shapes that the wild has, an Ed25519 key (RFC 8463 A.2), and an EC key. */
#define SPKI                                                                                       \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC1mbqJEDEneufB03iNr9qXdi7CtNtb7zNYIUpvNXGEgXtIvMc2iQZy" \
    "rtHP7iqLCH042urmeQo8EPEp+JLzmnIGW3Vgj2y9FAmaDKMuaxA2SK3dGs8ZqyULrMTK1wyEsxIYcsOp+SsgwwO3Bjp9" \
    "hux1MclOn+tp9VEINhdNT0FCTwIDAQAB"
#define BARE_RSA                                                                                   \
    "MIGJAoGBALWZuokQMSd658HTeI2v2pd2LsK021vvM1ghSm81cYSBe0i8xzaJBnKu0c/uKosIfTja6uZ5CjwQ8Sn4kvOa" \
    "cgZbdWCPbL0UCZoMoy5rEDZIrd0azxmrJQusxMrXDISzEhhyw6n5KyDDA7cGOn2G7HUxyU6f62n1UQg2F01PQUJPAgMB" \
    "AAE="
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define EC                                                                                         \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoqdO1SOkasXbeT2ZpD5sSpypZlMmfbUHaW1XlRz/ABqQXLjtXD4YtPlp" \
    "kWTzXo/y4w/BwaL3puuh18Wz4ADg5A=="

#define EXPONENT_1                                                                                 \
    "MIGdMA0GCSqGSIb3DQEBAQUAA4GLADCBhwKBgQDBC1Sd5i94wQpTnOUud8AJUpvkLXa/CFGa4yx1vgdQmeIrdL0GT5"   \
    "jhKnO8BU6X4ClyuwRNlt8ocboDTJXeJ3C5AkuU3SZvuAFKk9wlbrcASZLbJG22/0iR2iNstf5HkNkia7T9Ro/YIWqz"   \
    "/EWO1yBpsvtEjdYfaLH6Q4zVHmewkQIBAQ=="
#define EXPONENT_3                                                                                 \
    "MIGdMA0GCSqGSIb3DQEBAQUAA4GLADCBhwKBgQDBC1Sd5i94wQpTnOUud8AJUpvkLXa/CFGa4yx1vgdQmeIrdL0GT5"   \
    "jhKnO8BU6X4ClyuwRNlt8ocboDTJXeJ3C5AkuU3SZvuAFKk9wlbrcASZLbJG22/0iR2iNstf5HkNkia7T9Ro/YIWqz"   \
    "/EWO1yBpsvtEjdYfaLH6Q4zVHmewkQIBAw=="
#define EXPONENT_4                                                                                 \
    "MIGdMA0GCSqGSIb3DQEBAQUAA4GLADCBhwKBgQDBC1Sd5i94wQpTnOUud8AJUpvkLXa/CFGa4yx1vgdQmeIrdL0GT5"   \
    "jhKnO8BU6X4ClyuwRNlt8ocboDTJXeJ3C5AkuU3SZvuAFKk9wlbrcASZLbJG22/0iR2iNstf5HkNkia7T9Ro/YIWqz"   \
    "/EWO1yBpsvtEjdYfaLH6Q4zVHmewkQIBBA=="
#define CERTIFICATE                                                                                \
    "MIIBfDCCASOgAwIBAgIUP0AKDsQ3YE9ovaJAFcNLhsP0QCMwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYS5leGFtcG"   \
    "xlMB4XDTI2MTEyODE4NDAzMVoXDTI2MTEyOTE4NDAzMVowFDESMBAGA1UEAwwJYS5leGFtcGxlMFkwEwYHKoZIzj0C"   \
    "AQYIKoZIzj0DAQcDQgAEmqikRHWY9yKVGd2oM7u8kzI7GOaIOIbAEhrVmgPbsgMJYh3WBL24oz0IynhqzEbREhF9if"   \
    "QYtHzuezU7yUcwdKNTMFEwHQYDVR0OBBYEFKu7Jv0316OVyQNNIlTQDyOe7qPHMB8GA1UdIwQYMBaAFKu7Jv0316OV"   \
    "yQNNIlTQDyOe7qPHMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgA5SbyLxcI5F0cKfWP2jq5ObYEs"   \
    "higMNhpTs3h3yM39kCIBxNFcgi2iHg+ATD4E3zNPJ0/+9nFNjgO3RuT2g1dfxF"

static const char *const status_words[] = {
    "good", "absent", "several", "broken", "revoked", "temperror"};

static const char *describe(struct arena *a, const struct dkim_record *r)
{
    if (r->status != DKIM_RECORD_GOOD)
        return arena_printf(a, "%s", status_words[r->status]);
    return arena_printf(a, "good %s %d%s%s%s%s", r->key_type, r->bits, r->testing ? " testing" : "",
        r->strict ? " strict" : "", r->sha256 ? "" : " no-sha256", r->email ? "" : " no-email");
}

static void records_are_judged(void **state)
{
    static const struct {
        const char *name, *text, *want, *why;
    } cases[] = {
        {"rsa", "v=DKIM1; k=rsa; p=" SPKI, "good rsa 1024", ""},
        {"rsa_by_default", "v=DKIM1; p=" SPKI, "good rsa 1024", ""},
        {"version_is_optional", "p=" SPKI, "good rsa 1024", ""},
        {"bare_rsa_public_key", "v=DKIM1; p=" BARE_RSA, "good rsa 1024", ""},
        {"ed25519", "v=DKIM1; k=ed25519; p=" ED25519, "good ed25519 256", ""},
        {"final_semicolon_and_no_blanks", "v=DKIM1;k=ed25519;p=" ED25519 ";", "good ed25519 256",
            ""},
        {"blanks_within_the_key",
            "v=DKIM1; k = ed25519 ; p= 11qYAYKxCrfVS/7TyWQ HOg7hcvPapiMlrwIa\taPcHURo=",
            "good ed25519 256", ""},
        {"unknown_tags_are_ignored", "v=DKIM1; k=ed25519; x=1; note_2=y; p=" ED25519,
            "good ed25519 256", ""},
        {"testing_and_strict", "v=DKIM1; k=ed25519; t=y:s; p=" ED25519,
            "good ed25519 256 testing strict", ""},
        {"unknown_flags", "v=DKIM1; k=ed25519; t=z; p=" ED25519, "good ed25519 256", ""},
        {"hashes_with_sha256", "v=DKIM1; k=ed25519; h=sha1 : sha256; p=" ED25519,
            "good ed25519 256", ""},
        {"hashes_without_sha256", "v=DKIM1; k=ed25519; h=sha1; p=" ED25519,
            "good ed25519 256 no-sha256", ""},
        {"any_service", "v=DKIM1; k=ed25519; s=*; p=" ED25519, "good ed25519 256", ""},
        {"service_email", "v=DKIM1; k=ed25519; s=other:email; p=" ED25519, "good ed25519 256", ""},
        {"another_service", "v=DKIM1; k=ed25519; s=tlsrpt; p=" ED25519, "good ed25519 256 no-email",
            ""},
        {"revoked", "v=DKIM1; p=", "revoked", "revoked"},
        {"revoked_whatever_the_type", "v=DKIM1; k=ed25519; p=;", "revoked", "revoked"},
        {"without_key", "v=DKIM1; k=rsa", "broken", "p= is missing"},
        {"not_base64", "v=DKIM1; p=%%%", "broken", "not base64"},
        {"base64_cut_short", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR",
            "broken", "p="},
        {"rsa_bytes_that_are_no_key", "v=DKIM1; p=AAAA", "broken", "not an RSA public key"},
        {"rsa_key_with_a_tail", "v=DKIM1; p=" SPKI "AAAA", "broken", "not an RSA public key"},
        {"an_ec_key_as_rsa", "v=DKIM1; p=" EC, "broken", "not an RSA public key"},
        {"ed25519_as_rsa", "v=DKIM1; p=" ED25519, "broken", "k=ed25519 is missing"},
        {"rsa_as_ed25519", "v=DKIM1; k=ed25519; p=" SPKI, "broken", "k= says ed25519"},
        {"an_ed25519_key_cut_short", "v=DKIM1; k=ed25519; p=AAAA", "broken", "32 bytes"},
        {"lines_of_a_pem_file", "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" SPKI, "broken", "PEM"},
        {"quotes_within_the_key", "v=DKIM1; p=MIGf\" \"MA0G", "broken", "quotes within"},
        {"a_whole_certificate", "v=DKIM1; p=" CERTIFICATE, "broken", "whole certificate"},
        {"exponent_1", "v=DKIM1; p=" EXPONENT_1, "broken", "exponent"},
        {"exponent_4", "v=DKIM1; p=" EXPONENT_4, "broken", "exponent"},
        {"exponent_3", "v=DKIM1; p=" EXPONENT_3, "good rsa 1024", ""},
        {"unknown_key_type", "v=DKIM1; k=dsa; p=" SPKI, "broken", "k=dsa"},
        {"another_version", "v=DKIM2; p=" SPKI, "broken", "v= is not DKIM1"},
        {"version_in_lower_case", "v=dkim1; p=" SPKI, "broken", "v= is not DKIM1"},
        {"version_not_first", "p=" SPKI "; v=DKIM1", "broken", "not the first"},
        {"tag_twice", "v=DKIM1; p=; p=" SPKI, "broken", "p= stands twice"},
        {"no_tag_list", "v=DKIM1; hello; p=" SPKI, "broken", "no tag=value"},
        {"quotes_within_the_record", "\"v=DKIM1; p=" SPKI "\"", "broken", "tag=value"},
        {"a_longer_name_is_another_tag", "v=DKIM1; k=ed25519; p=" ED25519 "; pp=x; kk=y",
            "good ed25519 256", ""},
        {"a_name_that_is_not_v_with_its_value", "w=DKIM1; x=1", "absent", "no key record"},
        {"another_version_without_key", "v=DKIM2; p=", "broken", "v= is not DKIM1"},
        {"another_kind_of_record", "v=spf1 -all", "absent", "no key record"},
        {"a_site_verification", "some-site-verification=abc", "absent", "no key record"},
        {"tags_of_something_else", "a=1; b=2", "absent", "no key record"},
        {"empty", "", "absent", "no key record"},
    };
    struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        struct dkim_record r;
        dkim_record_parse(str_of(c->text), a, &r);
        expect_text(c->name, describe(a, &r), c->want);
        if (!strstr(r.why.text, c->why) || !r.why.text[0] != (r.status == DKIM_RECORD_GOOD))
            fail_msg("%s: why \"%s\"", c->name, r.why.text);
    }
    arena_close(&a);
}

static void records_are_found_or_not(void **state)
{
    static const struct {
        const char *name, *selector, *want;
        uint32_t ttl_s;
    } cases[] = {
        {"one", "one", "good ed25519 256", 120},
        {"split_into_strings", "split", "good ed25519 256", 300},
        {"behind_an_alias", "alias", "good ed25519 256", 120},
        {"two_keys", "two", "several", 300},
        {"a_key_and_another_text", "beside", "several", 300},
        {"only_other_texts", "other", "absent", 300},
        {"nodata", "nodata", "absent", 60},
        {"nxdomain", "gone", "absent", 60},
        {"the_dns_fails", "lost", "temperror", 0},
    };
    struct world w;
    (void)state;
    world_begin_on(&w,
        "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "one._domainkey 120 TXT \"v=DKIM1; k=ed25519; p=" ED25519 "\"\n"
        "split._domainkey TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQ\" "
        "\"HOg7hcvPapiMlrwIaaPcHURo=\"\n"
        "alias._domainkey CNAME one._domainkey\n"
        "two._domainkey TXT \"v=DKIM1; k=ed25519; p=" ED25519
        "\"\ntwo._domainkey TXT \"v=DKIM1; p=\"\n"
        "beside._domainkey TXT \"hello=world\"\nbeside._domainkey TXT \"v=DKIM1; k=ed25519; "
        "p=" ED25519 "\"\n"
        "other._domainkey TXT \"a=1\"\nother._domainkey TXT \"b=2\"\n"
        "nodata._domainkey A 192.0.2.1\nlost._domainkey CNAME key.elsewhere.test.\n",
        "");
    EACH(c, cases)
    {
        struct dkim_record r;
        dkim_record_find(w.resolver, "shop.example", c->selector, w.arena, &r);
        expect_text(c->name, describe(w.arena, &r), c->want);
        expect_number(c->name, r.ttl_s, c->ttl_s);
        if (strcmp(c->name, "two_keys") == 0)
            assert_true(str_starts(r.text, STR("v=DKIM1; k=ed25519")));
        if (strcmp(c->name, "only_other_texts") == 0)
            expect_text(c->name, r.why.text, "no TXT record there is a key record");
    }
    world_end(&w);
}

static void a_nul_is_no_white_space(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dkim_record r;
    (void)state;
    dkim_record_parse(
        STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7\0hcvPapiMlrwIaaPcHURo="), a, &r);
    expect_number("status", r.status, DKIM_RECORD_BROKEN);
}

static void plain_records_have_three_tags(void **state)
{
    static const struct {
        const char *name, *record, *want;
    } cases[] = {
        {"rsa", "p=" SPKI "; h=sha256; n=x", "v=DKIM1; k=rsa; p=" SPKI},
        {"bare_rsa_and_strict", "v=DKIM1; t=y:s; p=" BARE_RSA, "v=DKIM1; k=rsa; t=s; p=" SPKI},
        {"ed25519", "v=DKIM1; k=ed25519; s=email; p=" ED25519, "v=DKIM1; k=ed25519; p=" ED25519},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf out = {0};
        struct dkim_record r;
        dkim_record_parse(str_of(c->record), a, &r);
        assert_true(dkim_record_plain(&r, &out));
        expect_text(c->name, buf_text(&out), c->want);
    }
}

static bool holds(struct arena *a, const char *record, const char *key_base64)
{
    struct dkim_record r;
    struct buf key = {0};
    dkim_record_parse(str_of(record), a, &r);
    assert_true(decode_base64(&key, str_of(key_base64)));
    bool yes = dkim_record_holds(&r, buf_str(&key));
    buf_close(&key);
    return yes;
}

static void keys_are_compared_not_bytes(void **state)
{
    struct arena *a = arena_open();
    (void)state;
    assert_true(holds(a, "v=DKIM1; p=" SPKI, SPKI));
    assert_true(holds(a, "v=DKIM1; p=" BARE_RSA, SPKI));
    assert_true(holds(a, "v=DKIM1; k=ed25519; p=" ED25519, ED25519));
    assert_false(holds(a, "v=DKIM1; k=ed25519; p=" ED25519, SPKI));
    assert_false(holds(a, "v=DKIM1; p=" SPKI, ED25519));
    assert_false(holds(a, "v=DKIM1; p=", ED25519));
    assert_false(holds(a, "v=DKIM1; p=" SPKI, "AAAA"));
    assert_false(holds(a, "v=DKIM1; k=ed25519; p=" ED25519, "AAAA"));
    assert_false(holds(a, "v=DKIM1; p=", ""));
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(records_are_found_or_not),
        cmocka_unit_test(a_nul_is_no_white_space),
        cmocka_unit_test(plain_records_have_three_tags),
        cmocka_unit_test(keys_are_compared_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
