#include "base/conf_check.h"

#include <arpa/inet.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool only(struct str s, const char *allowed, size_t most)
{
    if (s.n == 0 || s.n > most)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == 0 || !strchr(allowed, s.p[i]))
            return false;
    return true;
}

const char *conf_check_node(struct str s)
{
    return only(s, LOWER DIGITS "-", 32) ? NULL : "must be 1 to 32 of a-z, 0-9 and -";
}

const char *conf_check_storefront(struct str s)
{
    return only(s, LOWER DIGITS "-", 63) ? NULL : "its name must be 1 to 63 of a-z, 0-9 and -";
}

const char *conf_check_word(struct str s)
{
    return only(s, LOWER DIGITS "-_", 63) ? NULL : "its name must be 1 to 63 of a-z, 0-9, - and _";
}

static bool is_label(struct str s, const char *allowed)
{
    return only(s, allowed, 63) && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

static bool is_domain(struct str s, const char *allowed)
{
    struct str label;

    if (s.n == 0 || s.n > 253 || s.p[s.n - 1] == '.')
        return false;
    while (str_next(&s, '.', &label))
        if (!is_label(label, allowed))
            return false;
    return true;
}

const char *conf_check_domain(struct str s)
{
    return is_domain(s, LOWER UPPER DIGITS "-")
               ? NULL
               : "must be a domain name such as shop.example (others than ASCII as xn--...)";
}

const char *conf_check_selector(struct str s)
{
    return is_domain(s, LOWER UPPER DIGITS "-_") ? NULL
                                                 : "the selector must be a DNS label such as s2026";
}

static bool is_ip(struct str s, int family)
{
    char text[INET6_ADDRSTRLEN], binary[sizeof(struct in6_addr)];

    return str_copy(s, text, sizeof text) && inet_pton(family, text, binary) == 1;
}

const char *conf_check_address(struct str s)
{
    return is_ip(s, AF_INET) || is_ip(s, AF_INET6) ? NULL
                                                   : "must be an IPv4 or IPv6 address in numbers";
}

const char *conf_check_host(struct str s)
{
    bool fine = !conf_check_address(s) || !conf_check_domain(s);

    return fine ? NULL : "must be a host name or an address";
}

static bool is_port(struct str s)
{
    uint64_t port;

    return str_to_u64(s, &port) && port >= 1 && port <= 65535;
}

const char *conf_check_resolver(struct str s)
{
    const char *right =
        "must be an address, with a port if it is not 53: 127.0.0.1, 127.0.0.1:5300 or "
        "[::1]:53";
    bool bracketed = s.n > 0 && s.p[0] == '[';
    size_t end = str_find_char(s, bracketed ? ']' : ':', 0);

    if (!conf_check_address(s))
        return NULL;
    if (!bracketed)
        return is_ip(str_slice(s, 0, end), AF_INET) && is_port(str_slice(s, end + 1, s.n)) ? NULL
                                                                                           : right;
    struct str behind = str_slice(s, end + 1, s.n);
    if (end == s.n || !is_ip(str_slice(s, 1, end), AF_INET6))
        return right;
    bool fine = behind.n == 0 || (behind.p[0] == ':' && is_port(str_slice(behind, 1, behind.n)));
    return fine ? NULL : right;
}

/* "Acme <orders@shop.example>" -> "orders@shop.example"; the whole text where there is no <. */
static struct str addr_spec(struct str s)
{
    size_t open = s.n;

    s = str_trim(s);
    if (s.n == 0 || s.p[s.n - 1] != '>')
        return s;
    for (open = s.n; open > 0 && s.p[open - 1] != '<'; open--)
        ;
    return open > 0 ? str_slice(s, open, s.n - 1) : (struct str){"", 0};
}

static size_t last_at(struct str s)
{
    size_t at = s.n;

    while (at > 0 && s.p[at - 1] != '@')
        at--;
    return at;
}

struct str conf_mailbox_domain(struct str mailbox)
{
    struct str spec = addr_spec(mailbox);
    size_t behind = last_at(spec);

    return behind > 0 ? str_slice(spec, behind, spec.n) : (struct str){"", 0};
}

const char *conf_check_mailbox(struct str s)
{
    struct str spec = addr_spec(s);
    size_t behind = last_at(spec);
    struct str local = str_slice(spec, 0, behind > 0 ? behind - 1 : 0);

    if (!only(local, LOWER UPPER DIGITS "!#$%&'*+-/=?^_`{|}~.", 64))
        return "must be a mailbox such as Acme Shop <orders@shop.example>";
    return conf_check_domain(str_slice(spec, behind, spec.n))
               ? "the address needs a domain behind its @, such as orders@shop.example"
               : NULL;
}

/* The host of "scheme://host[:port][/...]"; empty when the form is another one. */
static struct str url_host(struct str url)
{
    struct str rest = str_slice(url, str_find(url, STR("://"), 0) + 3, url.n);
    struct str authority = str_slice(rest, 0, str_find_char(rest, '/', 0));
    size_t end = authority.n > 0 && authority.p[0] == '[' ? str_find_char(authority, ']', 0) + 1
                                                          : str_find_char(authority, ':', 0);
    struct str port = str_slice(authority, end, authority.n);

    if (end > authority.n ||
        (port.n > 0 && (port.p[0] != ':' || !is_port(str_slice(port, 1, port.n)))))
        return (struct str){"", 0};
    return str_slice(authority, 0, end);
}

static bool is_url(struct str s, struct str scheme)
{
    struct str host = url_host(s);

    if (!str_starts(s, scheme) || str_find_char(s, ' ', 0) < s.n || !str_is_ascii(s))
        return false;
    if (host.n > 2 && host.p[0] == '[')
        return is_ip(str_slice(host, 1, host.n - 1), AF_INET6);
    return !conf_check_host(host);
}

static bool is_loopback(struct str host)
{
    return str_is(host, "localhost") || str_is(host, "[::1]") ||
           (str_starts(host, STR("127.")) && is_ip(host, AF_INET));
}

const char *conf_check_public_url(struct str s)
{
    if (s.n == 0)
        return NULL;
    if (str_find_char(s, '?', 0) < s.n || str_find_char(s, '#', 0) < s.n)
        return "must not hold ? or #";
    if (is_url(s, STR("https://")) || (is_url(s, STR("http://")) && is_loopback(url_host(s))))
        return NULL;
    return "must begin with https:// and a host (http:// for a loopback host only)";
}

const char *conf_check_site(struct str s)
{
    bool fine = s.n == 0 || is_url(s, STR("https://"));

    return fine ? NULL : "must be a web address with https, such as https://shop.example";
}

const char *conf_check_support(struct str s)
{
    struct str scheme = STR("mailto:");

    if (str_starts(s, scheme))
        return conf_check_mailbox(str_slice(s, scheme.n, s.n));
    return conf_check_site(s) ? "must be a web address with https, or mailto:help@shop.example"
                              : NULL;
}

const char *conf_check_colour(struct str s)
{
    bool fine = s.n == 7 && s.p[0] == '#' && only(str_slice(s, 1, 7), DIGITS "abcdefABCDEF", 6);

    return fine ? NULL : "must be a colour such as \"#2457a6\" (in quotes: # begins a comment)";
}

const char *conf_check_locale(struct str s)
{
    const char *right = "must be a language tag (BCP 47) such as en, de-AT or zh-Hant";
    struct str part, rest = s;

    if (!only(s, LOWER UPPER DIGITS "-", 35) || s.p[s.n - 1] == '-')
        return right;
    for (bool first = true; str_next(&rest, '-', &part); first = false)
        if (part.n > 8 || part.n < 1 || (first && !only(part, LOWER UPPER, 8)))
            return right;
    return NULL;
}

const char *conf_check_user(struct str s)
{
    return s.n <= 255 ? NULL : "must not be longer than 255 bytes";
}
