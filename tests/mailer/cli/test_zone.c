#include "mailer/cli/zone.h"

#include "dns/dkim_record.h"
#include "tests/base/expect.h"
#include "tests/mailer/intake/one_room.h"

#define SHOP(name, from, more)                                                                     \
    "storefront \"" name "\" {\n from = \"" from "\"\n" more " dkim \"s1\" { key_file = "          \
    "\"s1.pem\" }\n}\n"
#define HEAD                                                                                       \
    "data_dir = \"data\"\nkeyring_file = \"keyring\"\ntemplates_dir = \"templates\"\n"             \
    "public_url = \"https://post.shop.example\"\nhostname = \"post.shop.example\"\n"

/* The zone of the storefront number i of these settings, opened as the resolver reads it. */
static struct resolver *zone_of(const char *settings, size_t i, struct buf *text)
{
    AUTO(conf_close) const struct conf *c = NULL;
    struct resolver *r = NULL;
    struct err e = {0};

    room_write(&room, "zone.conf", settings, 0600);
    c = room_conf(&room, "zone.conf");
    if (!zone_of_storefront(c, &c->storefronts[i], room.arena, text, &e))
        fail_msg("no zone: %s", e.text);
    const char *name = arena_printf(room.arena, "%zu.zone", i);
    room_write(&room, name, buf_text(text), 0600);
    const char *const paths[] = {room_path(&room, name)};
    struct resolver_setup setup = {.zone_files = paths, .zone_files_n = 1, .clock = &room.clock};
    if (!resolver_open(&setup, &r, &e))
        fail_msg("%s in\n%s", e.text, buf_text(text));
    return r;
}

static void expect_found(struct resolver *r, const char *name, enum dns_type type, size_t n)
{
    struct dns_answer answer;

    resolver_ask(r, name, type, room.arena, &answer);
    expect_text(name, dns_status_name(answer.status), n > 0 ? "found" : "nxdomain");
    expect_int(name, (int64_t)answer.n, (int64_t)n);
}

static void a_zone_holds_all_that_a_storefront_must_publish(void **state)
{
    AUTO(buf_close) struct buf text = {0};
    AUTO(resolver_close)
    struct resolver *r = zone_of(HEAD
        "public_addresses = {\"192.0.2.25\", \"2001:db8::25\"}\n" SHOP("acme",
            "Acme <orders@shop.example>", " return_path_domain = \"Bounce.Shop.Example\"\n"),
        0, &text);
    struct dns_answer spf;
    (void)state;

    expect_found(r, "s1._domainkey.shop.example", DNS_TXT, 1);
    expect_found(r, "_dmarc.shop.example", DNS_TXT, 1);
    expect_found(r, "bounce.shop.example", DNS_MX, 1);
    expect_found(r, "other.shop.example", DNS_A, 0);
    resolver_ask(r, "bounce.shop.example", DNS_TXT, room.arena, &spf);
    assert_int_equal(spf.n, 1);
    expect_str("SPF", spf.records[0].data, STR("v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all"));
}

/* Its zone was once without it, because a storefront before had the same selector and file. */
static void a_key_that_two_domains_share_stands_in_both_zones(void **state)
{
    const char *settings =
        HEAD SHOP("acme", "orders@shop.example", "") SHOP("bold", "hello@bold.example", "");
    AUTO(buf_close) struct buf first = {0}, second = {0};
    AUTO(resolver_close) struct resolver *acme = zone_of(settings, 0, &first);
    AUTO(resolver_close) struct resolver *bold = zone_of(settings, 1, &second);
    (void)state;

    expect_found(acme, "s1._domainkey.shop.example", DNS_TXT, 1);
    expect_found(bold, "s1._domainkey.bold.example", DNS_TXT, 1);
}

static void storefronts_of_one_domain_share_one_zone(void **state)
{
    const char *settings =
        HEAD SHOP("acme", "orders@shop.example", "") SHOP("outlet", "sale@SHOP.example", "");
    AUTO(buf_close) struct buf text = {0};
    AUTO(resolver_close) struct resolver *r = zone_of(settings, 1, &text);
    AUTO(conf_close) const struct conf *c = room_conf(&room, "zone.conf");
    size_t once = str_find(buf_str(&text), STR("s1._domainkey"), 0);
    (void)state;

    assert_true(zone_is_shared(c, 1, room.arena));
    assert_false(zone_is_shared(c, 0, room.arena));
    assert_true(once < text.n);
    assert_int_equal(str_find(buf_str(&text), STR("s1._domainkey"), once + 1), text.n);
}

static void what_lies_in_another_zone_is_told_and_left_out(void **state)
{
    AUTO(buf_close) struct buf text = {0};
    AUTO(resolver_close)
    struct resolver *r =
        zone_of(HEAD "storefront \"acme\" {\n from = \"orders@shop.example\"\n"
                     " return_path_domain = \"notshop.example\"\n"
                     " dkim \"s1\" { key_file = \"s1.pem\"\n domain = \"signer.example\" }\n}\n",
            0, &text);
    (void)state;

    expect_in("key", buf_str(&text), "; the key s1 of signer.example lies in another zone");
    expect_in("path", buf_str(&text), "; the return path notshop.example lies in another zone");
    expect_found(r, "_dmarc.shop.example", DNS_TXT, 1);
}

/* Strings of a TXT record hold 255 octets; an RSA key needs two of them. */
static void a_long_key_is_cut_into_strings_and_read_whole(void **state)
{
    AUTO(buf_close) struct buf pem = {0}, text = {0};
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    AUTO(resolver_close) struct resolver *r = NULL;
    struct dkim_record record;
    struct err e = {0};
    (void)state;

    assert_true(dkim_key_new(DKIM_RSA_SHA256, 2048, &pem, &e));
    assert_true(dkim_key_open("shop.example", "r1", buf_str(&pem), &key, &e));
    buf_add_text(&text, "$ORIGIN shop.example.\n@ 300 IN SOA ns hm 1 3600 600 86400 60\n");
    zone_add_key(&text, key);
    room_write(&room, "rsa.zone", buf_text(&text), 0600);
    const char *const paths[] = {room_path(&room, "rsa.zone")};
    struct resolver_setup setup = {.zone_files = paths, .zone_files_n = 1, .clock = &room.clock};
    if (!resolver_open(&setup, &r, &e))
        fail_msg("%s", e.text);
    dkim_record_find(r, "shop.example", "r1", room.arena, &record);
    assert_true(dkim_record_holds(&record, dkim_key_public(key)));
}

static void the_rest_of_the_world_takes_mail_at_loopback(void **state)
{
    AUTO(buf_close) struct buf text = {0};
    AUTO(resolver_close) struct resolver *r = NULL;
    struct err e = {0};
    (void)state;

    zone_of_the_world(&text);
    room_write(&room, "world.zone", buf_text(&text), 0600);
    const char *const paths[] = {room_path(&room, "world.zone")};
    struct resolver_setup setup = {.zone_files = paths, .zone_files_n = 1, .clock = &room.clock};
    if (!resolver_open(&setup, &r, &e))
        fail_msg("%s", e.text);
    expect_found(r, "anywhere.example", DNS_MX, 1);
    expect_found(r, "mx.sandbox.invalid", DNS_A, 1);
}

static void a_text_cannot_end_its_string(void **state)
{
    AUTO(buf_close) struct buf text = {0};
    (void)state;

    zone_add_txt(&text, "a.example", STR("say \"yes\" \\ \x1b[2J\n\xc2\x9b end"));
    expect_text("escaped", buf_text(&text),
        "a.example. 300 IN TXT ( \"say \\\"yes\\\" \\\\ \\027[2J\\010\\194\\155 end\" )\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_cannot_end_its_string),
        cmocka_unit_test(a_zone_holds_all_that_a_storefront_must_publish),
        cmocka_unit_test(a_key_that_two_domains_share_stands_in_both_zones),
        cmocka_unit_test(storefronts_of_one_domain_share_one_zone),
        cmocka_unit_test(what_lies_in_another_zone_is_told_and_left_out),
        cmocka_unit_test(a_long_key_is_cut_into_strings_and_read_whole),
        cmocka_unit_test(the_rest_of_the_world_takes_mail_at_loopback),
    };

    return cmocka_run_group_tests(tests, one_room_open, one_room_close);
}
