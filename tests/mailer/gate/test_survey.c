/* What an audit takes from the settings. */
#include "mailer/gate/survey.h"
#include "tests/base/expect.h"

static struct conf_dkim keys_of_acme[] = {
    {.selector = "s1", .domain = ""},
    {.selector = "s2", .domain = "mail.shop.example"},
};
static struct conf_dkim keys_of_outlet[] = {
    {.selector = "s1", .domain = ""},
    {.selector = "s3", .domain = ""},
};
static struct conf_storefront storefronts[] = {
    {.name = "acme",
        .from = "Acme <orders@Shop.example>",
        .return_path_domain = "bounce.shop.example",
        .smart_host = "",
        .dkim = keys_of_acme,
        .dkim_n = 2},
    {.name = "outlet",
        .from = "outlet@shop.example",
        .return_path_domain = "b2.shop.example",
        .smart_host = "",
        .dkim = keys_of_outlet,
        .dkim_n = 2},
    {.name = "far",
        .from = "hello@b\xc3\xbc"
                "cher.example",
        .return_path_domain = "",
        .smart_host = "relay",
        .dkim = NULL,
        .dkim_n = 0},
};
static const char *const addresses[] = {"198.51.100.7", "2001:db8::7"};
static const struct conf settings = {.hostname = "mx.shop.example",
    .public_url = "https://mail.shop.example:8443/u",
    .public_addresses = addresses,
    .public_addresses_n = COUNT_OF(addresses),
    .storefronts = storefronts,
    .storefronts_n = COUNT_OF(storefronts)};

/* Nobody here may read a private key. */
static const struct dkim_key *no_key(
    void *state, const struct conf_storefront *s, const struct conf_dkim *d)
{
    (void)state, (void)s, (void)d;
    return NULL;
}

static void a_domain_is_ours_by_its_from_or_its_return_path(void **state)
{
    static const struct {
        const char *name, *domain, *storefront;
        bool ours;
        const char *mail_from, *keys;
        size_t addresses;
        bool smart_host;
    } table[] = {
        {"two storefronts send from it", "shop.example", NULL, true, "bounce.shop.example",
            "s1.shop.example s2.mail.shop.example s3.shop.example ", 2, false},
        {"of one storefront alone", "shop.example", "outlet", true, "b2.shop.example",
            "s1.shop.example s3.shop.example ", 2, false},
        {"another storefront's", "b2.shop.example", "acme", false, "", "", 0, false},
        {"a return path alone", "b2.shop.example", NULL, true, "b2.shop.example",
            "s1.shop.example s3.shop.example ", 2, false},
        {"an IDN, behind a smart host", "xn--bcher-kva.example", NULL, true, "", "", 0, true},
        {"another's", "other.example", NULL, false, "", "", 0, false},
        {"a key's domain alone", "mail.shop.example", NULL, false, "", "", 0, false},
    };
    const struct survey_keys keys = {no_key, NULL};
    (void)state;
    EACH(t, table)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf names = {0};
        struct survey *v = ARENA_NEW(a, struct survey);
        survey_begin(v, t->domain);
        expect_int(t->name, survey_take_settings(v, &settings, t->storefront, &keys, a), t->ours);
        for (size_t i = 0; i < v->setup.keys_n; i++)
            buf_addf(&names, "%s.%s ", v->setup.keys[i].selector, v->setup.keys[i].domain);
        expect_text(t->name, buf_text(&names), t->keys);
        expect_text(t->name, v->setup.mail_from, t->mail_from);
        expect_int(t->name, (int64_t)v->setup.addresses_n, (int64_t)t->addresses);
        expect_int(t->name, v->setup.smart_host, t->smart_host);
        expect_int(t->name, v->setup.keys_are_all, t->ours);
        expect_text(t->name, v->setup.helo, t->ours ? "mx.shop.example" : "");
        expect_text(t->name, v->setup.links, t->ours ? "mail.shop.example" : "");
    }
}

static void every_domain_is_named_once_from_domains_first(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf names = {0};
    const char **all;
    size_t n = survey_domains(&settings, a, &all);
    (void)state;
    for (size_t i = 0; i < n; i++)
        buf_addf(&names, "%s ", all[i]);
    expect_text("domains", buf_text(&names),
        "shop.example xn--bcher-kva.example bounce.shop.example b2.shop.example ");
}

static void an_address_above_the_limit_is_left_out(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct survey *v = ARENA_NEW(a, struct survey);
    (void)state;
    survey_begin(v, "shop.example");
    survey_add_address(v, "no address");
    assert_int_equal(v->setup.addresses_n, 0);
    for (int i = 0; i < AUDIT_MAX_ADDRESSES + 3; i++)
        survey_add_address(v, "198.51.100.7");
    assert_int_equal(v->setup.addresses_n, AUDIT_MAX_ADDRESSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_is_ours_by_its_from_or_its_return_path),
        cmocka_unit_test(every_domain_is_named_once_from_domains_first),
        cmocka_unit_test(an_address_above_the_limit_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
