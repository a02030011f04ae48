/* The whole way of an MTA-STS policy: a zone file says where its host is, a TLS server on loopback has the page. */
#include "dns/mta_sts.h"
#include "tests/dns/world.h"
#include "tests/support/certs.h"
#include "tests/support/peer.h"

#include <signal.h>

static const char policy[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 59\r\n\r\n"
    "version: STSv1\nmode: enforce\nmx: *.shop.example\nmax_age: 86400";

static void serve(struct line *c, void *text)
{
    char line[1024];
    if (!take_tls(c))
        return;
    while (hear_line(c, line, sizeof line))
        if (str_trim(str_of(line)).n == 0) {
            say(c, text);
            stall_for(c, 5000);
            return;
        }
}

static void policies_come_through_our_resolver(void **state)
{
    static const struct {
        const char *domain;
        bool allow_loopback;
        enum mta_sts_policy_status want;
        enum fetch_status page;
    } cases[] = {
        {"shop.example", true, MTA_STS_POLICY_GOOD, FETCH_OK},
        {"shop.example", false, MTA_STS_POLICY_UNREACHABLE, FETCH_PRIVATE_ADDRESS},
        {"other.example", true, MTA_STS_POLICY_UNREACHABLE, FETCH_WRONG_NAME},
        {"inside.example", true, MTA_STS_POLICY_UNREACHABLE, FETCH_PRIVATE_ADDRESS},
        {"nobody.example", true, MTA_STS_POLICY_UNREACHABLE, FETCH_NO_ADDRESS},
        {"localhost.test", true, MTA_STS_POLICY_TEMPERROR, FETCH_DNS_FAILED},
    };
    struct world *w = *state;
    struct certs *certs = certs_open();
    SSL_CTX *tls = certs_server(certs, "mta-sts.shop.example", 1);
    const char *authority = arena_printf(w->arena, "%s/authority.pem", w->folder);
    certs_write_authority(certs, authority);
    EACH(c, cases)
    {
        struct peer *p = peer_open(serve, (void *)(uintptr_t)policy, tls);
        struct web_live live = {.resolver = w->resolver,
            .authority_file = authority,
            .timeout_ms = 5000,
            .allow_loopback = c->allow_loopback,
            .port = (uint16_t)peer_port(p)};
        struct web web = web_of_live(&live);
        struct mta_sts_policy got;
        mta_sts_fetch(&web, c->domain, w->arena, &got);
        if (got.status != c->want || got.page != c->page)
            fail_msg("%s: have %d, %s (%s)", c->domain, got.status, fetch_status_name(got.page),
                got.why);
        if (got.status == MTA_STS_POLICY_GOOD) {
            expect_number(c->domain, mta_sts_covers(&got, "mx.shop.example"), true);
            expect_number(c->domain, got.content_type_is_plain, true);
            expect_number(c->domain, got.http_status, 200);
        }
        peer_close(&p);
    }
    remove(authority);
    SSL_CTX_free(tls);
    certs_close(&certs);
}

static int begin(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    return world_of_group(state,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "mta-sts.shop IN CNAME pages\npages IN A 127.0.0.1\npages IN AAAA ::1\n"
        "mta-sts.other IN A 127.0.0.1\n"
        "mta-sts.inside IN A 10.0.0.1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(policies_come_through_our_resolver)};
    return cmocka_run_group_tests(tests, begin, world_of_group_ends);
}
