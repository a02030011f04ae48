/* Which places base/fetch.h asks at all: no private address is ever connected to, whoever names it. */
#include "tests/base/fetching.h"

#include "base/public_ip.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- addresses --------------------------------------------------------------------------------------- */

static void private_addresses_are_never_connected_to(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *address;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.9.9.9", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"0.0.0.0", false},
        {"10.0.0.1", false},
        {"100.64.0.1", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.168.1.1", false},
        {"224.0.0.251", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"64:ff9b::a00:1", false},
        {"fc00::1", false},
        {"fd12::1", false},
        {"fe80::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"2001:db8::1", false},
        {"2002:7f00:1::", false},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct names names = {.addresses = &c->address, .n = 1};
        struct peer *p = peer_open(fetching_answer, (void *)(uintptr_t)fetching_page, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_state = &names;
        rules.allow_loopback = !c->is_loopback;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->address, &got, FETCH_PRIVATE_ADDRESS);
        peer_stop(p);
        expect_int(c->address, (int64_t)peer_connections(p), 0);
        peer_close(&p);
    }
}

static void addresses_in_urls_are_judged_too(void **state)
{
    struct room *r = *state;
    static const char *const cases[] = {"https://127.0.0.1/", "https://0x7f000001/",
        "https://2130706433/", "https://0177.1/", "https://127.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://0/",
        "https://10.1.2.3/", "https://[fe80::1%25lo]/", "https://localhost/"};
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(fetching_answer, (void *)(uintptr_t)fetching_page, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_of = NULL;
        rules.allow_loopback = false;
        fetch_get(*c, &rules, r->arena, &got);
        expect_status(*c, &got, FETCH_PRIVATE_ADDRESS);
        peer_stop(p);
        expect_int(*c, (int64_t)peer_connections(p), 0);
        peer_close(&p);
    }
}

static void names_are_looked_up_by_the_caller(void **state)
{
    struct room *r = *state;
    static const char *const dead_first[] = {"127.0.0.2", "10.0.0.1", "127.0.0.1"};
    static const char *const dead[] = {"127.0.0.2", "10.0.0.1"};
    static const struct {
        const char *name;
        struct names names;
        enum fetch_status want;
    } cases[] = {
        {"no_address", {NULL, 0, false, NULL}, FETCH_NO_ADDRESS},
        {"the_dns_fails", {NULL, 0, true, NULL}, FETCH_DNS_FAILED},
        {"half_the_dns_fails", {fetching_here, 1, true, NULL}, FETCH_OK},
        {"the_next_address_is_tried", {dead_first, 3, false, NULL}, FETCH_OK},
        {"nobody_listens", {dead, 2, false, NULL}, FETCH_NO_CONNECTION},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct names names = c->names;
        struct peer *p = peer_open(fetching_answer, (void *)(uintptr_t)fetching_page, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_state = &names;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        peer_close(&p);
    }
}

static void public_is_what_the_registries_say(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_public;
    } cases[] = {
        {"1.1.1.1", true},
        {"9.255.255.255", true},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"128.0.0.0", true},
        {"172.15.255.255", true},
        {"172.32.0.0", true},
        {"192.0.1.0", true},
        {"198.17.255.255", true},
        {"198.20.0.0", true},
        {"223.255.255.255", true},
        {"192.0.0.1", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"198.19.255.255", false},
        {"198.51.100.1", false},
        {"203.0.113.1", false},
        {"2606:4700::1111", true},
        {"2001:200::1", true},
        {"2001:1ff::1", false},
        {"3fff::1", false},
        {"4000::1", false},
        {"::ffff:1.1.1.1", true},
        {"64:ff9b::101:101", true},
    };
    EACH(c, cases)
    {
        uint8_t b[16];
        bool got = inet_pton(AF_INET, c->address, b) == 1    ? public_ipv4(b)
                   : inet_pton(AF_INET6, c->address, b) == 1 ? public_ipv6(b)
                                                             : !c->is_public;
        expect(c->address, got == c->is_public, c->is_public ? "public" : "not public");
    }
}

/* ---- URLs and redirects ------------------------------------------------------------------------------ */

static void only_https_urls_are_asked(void **state)
{
    struct room *r = *state;
    static const char *const cases[] = {"", "pages.example", "/a", "http://pages.example/",
        "ftp://pages.example/", "file:///etc/passwd", "https://",
        "https://me:secret@pages.example/", "https://me@pages.example/",
        "https://p\xc3\xa4ges.example/", "https://pages.example:99999/", "https://pages .example/",
        "https://pages.example\r\n/"};
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct fetch_rules rules = rules_for(r, NULL);
        fetch_get(*c, &rules, r->arena, &got);
        expect_status(*c, &got, FETCH_BAD_URL);
        expect(*c, str_find(str_of(got.why), STR("\n"), 0) == strlen(got.why), "one line");
    }
}

static void move(struct line *c, void *context)
{
    const char *const *places = context;
    if (take_tls(c) && take_request(c)) {
        char text[300];
        if (places[line_number(c)])
            snprintf(text, sizeof text,
                "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                places[line_number(c)]);
        else
            snprintf(text, sizeof text, "%s", fetching_page);
        say(c, text);
        stall_for(c, PLENTY_MS);
    }
}

/* The first host is here, any other inside. */
static size_t inside_addresses(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    static const char *const inside[] = {"10.0.0.1"};
    (void)state;
    (void)a;
    *out = strcmp(host, HOST) == 0 ? fetching_here : inside;
    *failed = false;
    return 1;
}

static void redirects_are_counted_and_judged(void **state)
{
    struct room *r = *state;
    static const struct {
        const char *name;
        const char *places[4];
        int max_redirects;
        enum fetch_status want;
        const char *url, *location;
    } cases[] = {
        {"none_may_be_followed", {"/b"}, 0, FETCH_REDIRECTED, URL, "https://" HOST "/b"},
        {"one_is_followed", {"/b"}, 1, FETCH_OK, "https://" HOST "/b", ""},
        {"two_where_one_may_be", {"/b", "/c"}, 1, FETCH_REDIRECTED, "https://" HOST "/b",
            "https://" HOST "/c"},
        {"to_http", {"http://" HOST "/b"}, 3, FETCH_BAD_URL, "http://" HOST "/b", ""},
        {"to_a_file", {"file:///etc/passwd"}, 3, FETCH_BAD_URL, "file:///etc/passwd", ""},
        {"to_a_name_inside", {"https://inside.example/"}, 3, FETCH_PRIVATE_ADDRESS,
            "https://inside.example/", ""},
        {"to_an_address_inside", {"https://169.254.169.254/"}, 3, FETCH_PRIVATE_ADDRESS,
            "https://169.254.169.254/", ""},
    };
    EACH(c, cases)
    {
        struct fetch_answer got;
        struct peer *p = peer_open(move, (void *)(uintptr_t)c->places, r->good);
        struct fetch_rules rules = rules_for(r, p);
        rules.addresses_of = inside_addresses;
        rules.max_redirects = c->max_redirects;
        fetch_get(URL, &rules, r->arena, &got);
        expect_status(c->name, &got, c->want);
        expect_text(c->name, got.url, c->url);
        expect_text(c->name, got.location, c->location);
        peer_close(&p);
    }
}

static void plain_http(struct line *c, void *text)
{
    if (take_request(c))
        say(c, text);
}

static void http_is_for_tests_that_say_so(void **state)
{
    struct room *r = *state;
    struct fetch_answer got;
    struct peer *p = peer_open(plain_http, (void *)(uintptr_t)fetching_page, NULL);
    struct fetch_rules rules = rules_for(r, p);
    rules.allow_http = true;
    fetch_get("http://" HOST "/", &rules, r->arena, &got);
    expect_status("http", &got, FETCH_OK);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_never_connected_to),
        cmocka_unit_test(addresses_in_urls_are_judged_too),
        cmocka_unit_test(names_are_looked_up_by_the_caller),
        cmocka_unit_test(public_is_what_the_registries_say),
        cmocka_unit_test(only_https_urls_are_asked),
        cmocka_unit_test(redirects_are_counted_and_judged),
        cmocka_unit_test(http_is_for_tests_that_say_so),
    };
    return cmocka_run_group_tests(tests, fetching_enter, fetching_leave);
}
