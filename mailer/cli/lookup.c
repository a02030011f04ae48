/* The DNS that a command asks: --resolver, --zone, else the settings' or the machine's own. */
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

/* --zone first: of two zones of one name the first answers. */
static bool take_zones(struct cli *c, const struct conf *conf, struct cli_dns *out, int *exit_code)
{
    const char *given[CLI_MAX_VALUES];
    size_t n = cli_values(c, "zone", given), theirs = conf ? conf->zone_files_n : 0;
    if (n + theirs > DNS_MAX_ZONES) {
        *exit_code =
            cli_usage(c, "--zone: at most %d, those of the settings included", DNS_MAX_ZONES);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        out->zones[out->zones_n++] = given[i];
    out->drafts_n = n;
    for (size_t i = 0; i < theirs; i++)
        out->zones[out->zones_n++] = conf->zone_files[i];
    return true;
}

static bool take_server(struct cli *c, const char *given, struct cli_dns *out, int *exit_code)
{
    out->from = "option";
    if (strcmp(given, "none") == 0)
        return true;
    out->servers[0] = server_address(c->arena, given);
    out->servers_n = 1;
    if (out->servers[0])
        return true;
    *exit_code = cli_usage(c,
        "--resolver: '%s' is no host, none or address such as 127.0.0.1, 127.0.0.1:5300 or "
        "[::1]:53",
        given);
    return false;
}

static void take_settings(const struct conf *conf, struct cli_dns *out)
{
    out->from = "settings";
    out->timeout_ms = conf->dns_timeout_ms;
    for (size_t i = 0; i < conf->resolvers_n && i < DNS_MAX_SERVERS; i++)
        out->servers[out->servers_n++] = conf->resolvers[i];
}

bool cli_dns(struct cli *c, const struct conf *conf, struct cli_dns *out, int *exit_code)
{
    const char *given = cli_value(c, "resolver", NULL);
    *out = (struct cli_dns){.from = "system", .timeout_ms = TIMEOUT_MS};
    if (!take_zones(c, given ? NULL : conf, out, exit_code))
        return false;
    if (given)
        return take_server(c, given, out, exit_code);
    if (conf)
        take_settings(conf, out);
    else
        out->servers_n = system_servers(c->arena, out->servers);
    return true;
}

bool cli_resolver_of(struct cli *c, const struct cli_dns *d, struct resolver **out, int *exit_code)
{
    struct err e = {0};
    const struct resolver_setup setup = {
        .zone_files = d->zones,
        .zone_files_n = d->zones_n,
        .drafts_n = d->drafts_n,
        .servers = d->servers,
        .servers_n = d->servers_n,
        .timeout_ms = d->timeout_ms,
        .clock = clock_system(),
    };
    if (resolver_open(&setup, out, &e))
        return true;
    *exit_code = cli_unreadable(c, &e);
    return false;
}

bool cli_resolver(struct cli *c, struct resolver **out, int *exit_code)
{
    struct cli_dns dns;
    AUTO(conf_close) const struct conf *conf = NULL;
    return (cli_flag(c, "resolver") || cli_conf_in_use(c, &conf, exit_code)) &&
           cli_dns(c, conf, &dns, exit_code) && cli_resolver_of(c, &dns, out, exit_code);
}
