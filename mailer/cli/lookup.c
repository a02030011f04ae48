/* The DNS that a command asks: --resolver, --zone, else the machine's own. */
#include "base/conf_check.h"
#include "base/file.h"
#include "mailer/cli/cli.h"

#include <netdb.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_BYTES 65536
#define TIMEOUT_MS 10000

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str word = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->n);
    return word;
}

size_t cli_name_servers(struct str text, struct arena *a, const char *out[CLI_NAME_SERVERS])
{
    size_t n = 0;
    struct str line;
    while (n < CLI_NAME_SERVERS && str_next(&text, '\n', &line)) {
        if (!str_is(next_word(&line), "nameserver"))
            continue;
        struct str address = next_word(&line);
        if (!conf_check_address(address))
            out[n++] = arena_text(a, address);
    }
    if (n == 0)
        out[n++] = "127.0.0.1"; /* resolv.conf(5): the name server on the local machine */
    return n;
}

static size_t system_servers(struct arena *a, const char *out[CLI_NAME_SERVERS])
{
    AUTO(buf_close) struct buf text = {0};
    struct err e;
    if (!file_read("list of name servers", RESOLV_CONF, RESOLV_CONF_BYTES, &text, &e))
        buf_clear(&text);
    return cli_name_servers(buf_str(&text), a, out);
}

/* "1.2.3" is no name, though getaddrinfo reads an address out of it. */
static bool is_name(struct str host)
{
    size_t n = 0;
    while (n < host.n && strchr("0123456789.", host.p[n]))
        n++;
    return n < host.n && !conf_check_domain(host);
}

/* "localhost:5300" -> "127.0.0.1:5300", because the resolver takes addresses only; NULL: neither. */
static const char *server_address(struct arena *a, const char *given)
{
    struct str text = str_of(given), host = str_slice(text, 0, str_find_char(text, ':', 0));
    struct str port = host.n < text.n ? str_slice(text, host.n + 1, text.n) : STR("53");
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
    char address[NI_MAXHOST];
    if (!conf_check_resolver(text))
        return given;
    if (!is_name(host) || getaddrinfo(arena_text(a, host), NULL, &hints, &found) != 0)
        return NULL;
    bool bracketed = found->ai_family == AF_INET6;
    bool named = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                     NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    const char *whole = arena_printf(a, "%s%s%s:" STR_FMT, bracketed ? "[" : "",
        named ? address : "", bracketed ? "]" : "", STR_ARG(port));
    return conf_check_resolver(str_of(whole)) ? NULL : whole;
}

bool cli_resolver(struct cli *c, struct resolver **out, int *exit_code)
{
    struct err e = {0};
    const char *zones[CLI_MAX_VALUES], *servers[CLI_NAME_SERVERS];
    const char *given = cli_value(c, "resolver", NULL);
    struct resolver_setup setup = {
        .zone_files = zones,
        .zone_files_n = cli_values(c, "zone", zones),
        .servers = servers,
        .timeout_ms = TIMEOUT_MS,
        .clock = clock_system(),
    };
    if (setup.zone_files_n > DNS_MAX_ZONES) {
        *exit_code = cli_usage(c, "--zone: at most %d", DNS_MAX_ZONES);
        return false;
    }
    if (!given) {
        setup.servers_n = system_servers(c->arena, servers);
    } else if (strcmp(given, "none") != 0) {
        servers[setup.servers_n++] = server_address(c->arena, given);
        if (!servers[0]) {
            *exit_code = cli_usage(c,
                "--resolver: '%s' is no host, none or address such as "
                "127.0.0.1, 127.0.0.1:5300 or [::1]:53",
                given);
            return false;
        }
    }
    if (resolver_open(&setup, out, &e))
        return true;
    *exit_code = cli_unreadable(c, &e);
    return false;
}
