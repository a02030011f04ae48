#include "mailer/cli/cli.h"

#include "tests/base/expect.h"

static void name_servers_are_read_as_the_c_library_reads_them(void **state)
{
    static const struct {
        const char *name, *text, *servers;
    } table[] = {
        {"none is the local machine", "", "127.0.0.1"},
        {"one", "nameserver 192.0.2.1\n", "192.0.2.1"},
        {"without a final line break", "nameserver 192.0.2.1", "192.0.2.1"},
        {"behind a tab", "nameserver\t192.0.2.1\n", "192.0.2.1"},
        {"with blanks around", "  nameserver   192.0.2.1  \r\n", "192.0.2.1"},
        {"IPv6", "nameserver 2001:db8::1\n", "2001:db8::1"},
        {"in order", "nameserver 192.0.2.2\nnameserver 192.0.2.1\n", "192.0.2.2 192.0.2.1"},
        {"three at most",
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
            "nameserver 192.0.2.4\n",
            "192.0.2.1 192.0.2.2 192.0.2.3"},
        {"other lines", "# nameserver 192.0.2.9\nsearch x.example\noptions edns0\n", "127.0.0.1"},
        {"another word", "nameservers 192.0.2.9\nnameserver192.0.2.9\n", "127.0.0.1"},
        {"a remark behind", "nameserver 192.0.2.1 # router\n", "192.0.2.1"},
        {"a scope is passed over", "nameserver fe80::1%eth0\nnameserver 192.0.2.1\n", "192.0.2.1"},
        {"a name is no address", "nameserver router\n", "127.0.0.1"},
        {"nothing behind the word", "nameserver\nnameserver \n", "127.0.0.1"},
    };
    (void)state;

    EACH(row, table)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf got = {0};
        const char *servers[CLI_NAME_SERVERS];
        size_t n = cli_name_servers(str_of(row->text), a, servers);
        for (size_t i = 0; i < n; i++)
            buf_addf(&got, "%s%s", i > 0 ? " " : "", servers[i]);
        expect_text(row->name, buf_text(&got), row->servers);
    }
}

static int ask(const char *resolver, const char *zone)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(resolver_close) struct resolver *r = NULL;
    static const struct command probe = {.name = "probe"};
    struct cli c = {.command = &probe, .arena = a};
    int code = CLI_FINE;

    if (resolver) {
        c.given[c.given_n].name = "resolver";
        c.given[c.given_n++].value = resolver;
    }
    if (zone) {
        c.given[c.given_n].name = "zone";
        c.given[c.given_n++].value = zone;
    }
    return cli_resolver(&c, &r, &code) == (r != NULL) ? code : -1;
}

static void a_wrong_resolver_is_wrong_usage_and_a_lost_zone_is_not_to_tell(void **state)
{
    static const struct {
        const char *name, *resolver, *zone;
        int code;
    } table[] = {
        {"none", "none", NULL, CLI_FINE},
        {"the machine's own", NULL, NULL, CLI_FINE},
        {"an address", "127.0.0.1", NULL, CLI_FINE},
        {"an address with a port", "127.0.0.1:5300", NULL, CLI_FINE},
        {"IPv6 with a port", "[::1]:5300", NULL, CLI_FINE},
        {"a host", "localhost", NULL, CLI_FINE},
        {"a host with a port", "localhost:5300", NULL, CLI_FINE},
        {"a host with a port too high", "localhost:65536", NULL, EX_USAGE},
        {"a port alone", ":53", NULL, EX_USAGE},
        {"no host at all", "", NULL, EX_USAGE},
        {"a host that cannot be", "no host", NULL, EX_USAGE},
        {"a zone file that is not there", "none", "/nonexistent.zone", CLI_UNKNOWN},
        {"a zone file that is none", "none", "/dev/null", CLI_UNKNOWN},
    };
    (void)state;

    EACH(row, table)
    expect_int(row->name, ask(row->resolver, row->zone), row->code);
}

static void settings_name_who_is_asked_unless_an_option_does(void **state)
{
    static const char *const servers[] = {"192.0.2.1", "192.0.2.2:5300"}, *const zones[] = {"z"};
    static const struct conf conf = {.resolvers = servers,
        .resolvers_n = COUNT_OF(servers),
        .zone_files = zones,
        .zone_files_n = COUNT_OF(zones),
        .dns_timeout_ms = 1234};
    static const struct {
        const char *name, *resolver, *zone, *from, *servers, *zones;
        int64_t timeout_ms;
    } table[] = {
        {"settings", NULL, NULL, "settings", "192.0.2.1 192.0.2.2:5300 ", "z ", 1234},
        {"a change to try comes first", NULL, "new", "settings", "192.0.2.1 192.0.2.2:5300 ",
            "new z ", 1234},
        {"an option", "192.0.2.9", NULL, "option", "192.0.2.9 ", "", 10000},
        {"nobody", "none", "new", "option", "", "new ", 10000},
    };
    static const struct command probe = {.name = "probe"};
    (void)state;

    EACH(row, table)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf asked = {0}, files = {0};
        struct cli c = {.command = &probe, .arena = a};
        struct cli_dns dns;
        int code;
        if (row->resolver)
            c.given[c.given_n].name = "resolver", c.given[c.given_n++].value = row->resolver;
        if (row->zone)
            c.given[c.given_n].name = "zone", c.given[c.given_n++].value = row->zone;
        expect(row->name, cli_dns(&c, &conf, &dns, &code), "an answer");
        for (size_t i = 0; i < dns.servers_n; i++)
            buf_addf(&asked, "%s ", dns.servers[i]);
        for (size_t i = 0; i < dns.zones_n; i++)
            buf_addf(&files, "%s ", dns.zones[i]);
        expect_text(row->name, dns.from, row->from);
        expect_text(row->name, buf_text(&asked), row->servers);
        expect_text(row->name, buf_text(&files), row->zones);
        expect_int(row->name, dns.timeout_ms, row->timeout_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_servers_are_read_as_the_c_library_reads_them),
        cmocka_unit_test(settings_name_who_is_asked_unless_an_option_does),
        cmocka_unit_test(a_wrong_resolver_is_wrong_usage_and_a_lost_zone_is_not_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
