/* What the audit says of SPF records: the mended record behind trees that strangers shape, and networks. */
#include "tests/dns/audit/audit_world.h"

#define BACK "bounce.shop.example."
#define LAYERS 9
#define WIDTH 7

/* Each record of a layer includes all of the next one: 40 million ways through 63 records, which must be looked at once
 * each. Were they walked, the time-out of the suite would end this. */
static void a_tree_of_includes_is_walked_once(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    shop_change(&s, BACK " TXT", "");
    for (int layer = 0; layer <= LAYERS; layer++)
        for (int i = 0; i < (layer == 0 ? 1 : WIDTH); i++) {
            struct buf b = {0};
            if (layer == 0)
                buf_add_text(&b, BACK " TXT \"v=spf1");
            else
                buf_addf(&b, "l%dn%d.example. TXT \"v=spf1", layer, i);
            for (int k = 0; layer < LAYERS && k < WIDTH; k++)
                buf_addf(&b, " include:l%dn%d.example", layer + 1, k);
            buf_addf(&b, " ip4:203.0.113.%d -all\"", layer * WIDTH + i);
            shop_change(&s, "", buf_text(&b));
            buf_close(&b);
        }
    shop_audit(&s, &r);
    const struct audit_finding *f = shop_finding(&r, "SPF-LOOKUPS-EXCEEDED");
    assert_non_null(f);
    expect_number("flattened to all 63 addresses, too long to publish", (int64_t)f->publish_n, 0);
    shop_end(&s);
}

/* Eleven plain records one behind the other are as good as one. */
static void a_deep_chain_of_includes_is_flattened(void **state)
{
    struct shop s;
    struct audit_report r;
    (void)state;
    shop_begin(&s);
    shop_change(&s, BACK " TXT", BACK " TXT \"v=spf1 ip4:198.51.100.7 include:n1.example -all\"");
    for (int i = 1; i <= 12; i++)
        shop_change(&s, "",
            i < 12 ? arena_printf(s.world.arena,
                         "n%d.example. TXT \"v=spf1 include:n%d.example -all\"", i, i + 1)
                   : "n12.example. TXT \"v=spf1 ip4:203.0.113.5 -all\"");
    shop_audit(&s, &r);
    const struct audit_finding *f = shop_finding(&r, "SPF-LOOKUPS-EXCEEDED");
    assert_true(f && f->publish_n == 1);
    expect_text("mended", f->publish[0].value, "v=spf1 ip4:198.51.100.7 ip4:203.0.113.5 -all");
    shop_end(&s);
}

/* A record whose only sender is a slip of the pen: without it, it would forbid all mail. */
static void nothing_that_forbids_all_is_offered_for_a_slip(void **state)
{
    static const struct {
        const char *name, *code, *records, *mended; /* "": nothing is offered */
    } cases[] = {
        {"cut address", "SPF-SYNTAX", BACK " TXT \"v=spf1 ip4:1.2.3 -all\"", ""},
        {"cut address, one more", "SPF-SYNTAX", BACK " TXT \"v=spf1 ip4:1.2.3 ip4:192.0.2.1 -all\"",
            "v=spf1 ip4:192.0.2.1 -all"},
        {"forbids all already", "SPF-SEVERAL",
            BACK " TXT \"v=spf1 -all\"\n" BACK " TXT \"v=spf1  -ALL exp=why.shop.example\"",
            "v=spf1 exp=why.shop.example -all"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        s.setup.addresses_n = 0;
        shop_change(&s, BACK " TXT", cases[i].records);
        shop_audit(&s, &r);
        const struct audit_finding *f = shop_finding(&r, cases[i].code);
        if (!f)
            fail_msg("%s: no %s", cases[i].name, cases[i].code);
        expect_text(cases[i].name, f->publish_n > 0 ? f->publish[0].value : "", cases[i].mended);
        shop_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_of_includes_is_walked_once),
        cmocka_unit_test(a_deep_chain_of_includes_is_flattened),
        cmocka_unit_test(nothing_that_forbids_all_is_offered_for_a_slip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
