/* Which name somebody would have to register to own another, and the addresses that mean nobody outside. */
#include "dns/mx.h"
#include "dns/suffix.h"
#include "tests/dns/world.h"

static void the_name_to_register_is_guessed(void **state)
{
    static const struct {
        const char *name, *registrable; /* "" = none */
        bool hosted;
    } cases[] = {
        {"shop.com", "shop.com", false},
        {"a.b.shop.com", "shop.com", false},
        {"spf.shop.co.uk", "shop.co.uk", false},
        {"co.uk", "", false},
        {"com", "", false},
        {"shop.example", "shop.example", false}, /* a top-level domain that no list knows */
        {"x.shop.github.io", "shop.github.io", true},
        {"github.io", "", false},
        {"_dmarc.shop.com", "shop.com", false},
    };
    (void)state;
    EACH(k, cases)
    {
        char out[NAME_SIZE] = "";
        expect_number(k->name, suffix_registrable(k->name, out), k->registrable[0] != 0);
        expect_text(k->name, out, k->registrable);
        expect_number(k->name, out[0] && suffix_is_hosted(out), k->hosted);
    }
}

static void addresses_of_every_network_are_inside(void **state)
{
    static const struct {
        const char *text;
        bool inside;
    } cases[] = {
        {"10.0.0.1", true},
        {"9.255.255.255", false},
        {"127.1.2.3", true},
        {"172.16.0.1", true},
        {"172.31.255.255", true},
        {"172.32.0.1", false},
        {"192.168.0.1", true},
        {"192.169.0.1", false},
        {"169.254.1.1", true},
        {"100.64.0.1", true},
        {"100.128.0.1", false},
        {"198.51.100.7", false},
        {"::1", true},
        {"fd12::1", true},
        {"fe80::1", true},
        {"fec0::1", false},
        {"2001:db8::1", false},
    };
    (void)state;
    EACH(k, cases)
    {
        struct ip ip;
        assert_true(ip_parse(str_of(k->text), &ip));
        expect_number(k->text, ip_is_inside(&ip), k->inside);
    }
}

static void networks_are_inside_as_a_whole(void **state)
{
    static const struct {
        const char *text;
        int bits;
        bool inside;
    } cases[] = {
        {"10.0.0.0", 8, true},
        {"10.0.0.0", 7, false},
        {"0.0.0.0", 0, false},
        {"172.16.0.0", 12, true},
        {"172.16.0.0", 11, false},
        {"192.168.5.0", 8, false},
        {"192.168.5.0", 16, true},
        {"::", 0, false},
        {"::1", 128, true},
        {"::1", 127, false},
        {"fc00::", 7, true},
        {"fc00::", 6, false},
        {"fe80::", 10, true},
        {"fe80::", 9, false},
    };
    (void)state;
    EACH(k, cases)
    {
        struct ip ip;
        assert_true(ip_parse(str_of(k->text), &ip));
        expect_number(k->text, ip_network_is_inside(&ip, k->bits), k->inside);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_to_register_is_guessed),
        cmocka_unit_test(networks_are_inside_as_a_whole),
        cmocka_unit_test(addresses_of_every_network_are_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
