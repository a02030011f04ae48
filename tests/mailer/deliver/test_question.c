/* What the gate is asked: our addresses count where receivers see them, and nowhere else. */
#include "mailer/deliver/attempt.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const addresses[] = {"198.51.100.7", "2001:db8::7"};
static const struct conf settings = {
    .hostname = "mx.shop.example", .public_addresses = addresses, .public_addresses_n = 2};

static struct gate_question ask(const char *smart_host)
{
    const struct conf_storefront storefront = {.smart_host = smart_host};
    const struct shop shop = {.conf = &storefront, .return_path_domain = "bounce.shop.example"};
    return attempt_question(&settings, &shop, "shop.example");
}

static void straight_to_the_receivers_they_count(void **state)
{
    const struct gate_question q = ask("");
    (void)state;
    assert_string_equal(q.from_domain, "shop.example");
    assert_string_equal(q.return_path_domain, "bounce.shop.example");
    assert_string_equal(q.hostname, "mx.shop.example");
    assert_ptr_equal(q.public_addresses, addresses);
    assert_int_equal(q.public_addresses_n, 2);
}

static void behind_a_smart_host_they_do_not(void **state)
{
    (void)state;
    assert_int_equal(ask("relay").public_addresses_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(straight_to_the_receivers_they_count),
        cmocka_unit_test(behind_a_smart_host_they_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
