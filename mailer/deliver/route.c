#include "mailer/deliver/route.h"

#include <fcntl.h>
#include <unistd.h>

static enum smtp_tls policy(const struct conf_smart_host *s)
{
    if (*s->user || s->tls == CONF_TLS_VERIFIED)
        return SMTP_TLS_VERIFIED; /* a password goes to nobody who cannot prove the name */
    return s->tls == CONF_TLS_REQUIRED ? SMTP_TLS_REQUIRED : SMTP_TLS_OFFERED;
}

/* The first line of the file; false when there is none or it is longer than the library can take. */
static bool read_password(const char *path, char *out, size_t size)
{
    char line[2 * SMTP_CREDENTIAL_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line) : -1;

    if (fd >= 0)
        close(fd);
    struct str text = str_bytes(line, n > 0 ? (size_t)n : 0);
    text = str_slice(text, 0, str_find_char(text, '\n', 0));
    if (str_ends(text, STR("\r")))
        text.n--;
    bool good = n > 0 && text.n > 0 && str_copy(text, out, size);
    explicit_bzero(line, sizeof line);
    return good;
}

static void find_smart_host(struct route *r, const struct conf *c, const char *name)
{
    const struct conf_smart_host *s = conf_smart_host(c, name);

    if (!s) {
        r->status = ROUTE_NO_SMART_HOST;
        return;
    }
    r->plan = (struct hop){.host = s->host,
        .port = (int)s->port,
        .tls = policy(s),
        .user = s->user,
        .password = r->password};
    if (*s->user && (strlen(s->user) > SMTP_CREDENTIAL_MAX ||
                        !read_password(s->password_file, r->password, sizeof r->password))) {
        r->status = ROUTE_NO_PASSWORD;
        return;
    }
    r->only_public = false;
    r->hosts = ARENA_NEW(r->arena, struct mx_host);
    r->hosts[0].name = s->host;
    r->hosts_n = 1;
}

static void find_mx(struct route *r, const struct conf *c, const char *domain, uint64_t seed)
{
    static const enum route_status status_of[] = {
        [MX_FOUND] = ROUTE_FOUND,
        [MX_NULL] = ROUTE_NULL_MX,
        [MX_NO_DOMAIN] = ROUTE_NO_DOMAIN,
        [MX_NO_HOST] = ROUTE_NO_HOST,
        [MX_TEMPERROR] = ROUTE_TEMPERROR,
    };

    r->plan = (struct hop){
        .port = (int)c->smtp_port, .tls = SMTP_TLS_OFFERED, .user = "", .password = ""};
    r->status = status_of[mx_hosts(r->resolver, domain, seed, r->arena, &r->hosts, &r->hosts_n)];
}

void route_find(const struct conf *c, struct resolver *resolver, const char *destination,
    uint64_t seed, struct arena *a, struct route *r)
{
    *r = (struct route){.status = ROUTE_FOUND,
        .resolver = resolver,
        .arena = a,
        .only_public = !c->allow_private_destinations};
    if (str_starts(str_of(destination), STR(ROUTE_RELAY_PREFIX)))
        find_smart_host(r, c, destination + strlen(ROUTE_RELAY_PREFIX));
    else
        find_mx(r, c, destination, seed);
}

void route_close(struct route *r)
{
    explicit_bzero(r, sizeof *r);
}

void route_rewind(struct route *r)
{
    r->host = r->address = r->addresses_n = 0;
    r->temperror = r->hidden = r->walked = false;
}

/* An address itself, "localhost" (RFC 6761: no question for the DNS), or a name. */
static void find_addresses(struct route *r, const char *host)
{
    static const struct ip loopback = {4, {127, 0, 0, 1}};
    struct ip literal = loopback;
    bool temperror = false;

    r->address = 0;
    if (str_is_nocase(str_of(host), "localhost") || ip_parse(str_of(host), &literal)) {
        r->addresses = ARENA_NEW(r->arena, struct ip);
        r->addresses[0] = literal;
        r->addresses_n = 1;
    } else {
        r->addresses_n = mx_addresses(r->resolver, host, r->arena, &r->addresses, &temperror);
    }
    r->temperror = r->temperror || temperror;
}

static enum route_status why_none(const struct route *r)
{
    if (r->temperror)
        return ROUTE_TEMPERROR;
    return r->hidden ? ROUTE_NOT_PUBLIC : ROUTE_NO_ADDRESS;
}

static bool is_allowed(struct route *r, const struct ip *ip)
{
    bool allowed = !r->only_public || ip_is_public(ip);

    r->hidden = r->hidden || !allowed;
    return allowed;
}

bool route_next(struct route *r, struct hop *out)
{
    while (r->status == ROUTE_FOUND) {
        if (r->address < r->addresses_n) {
            const struct ip *ip = &r->addresses[r->address++];
            if (!is_allowed(r, ip))
                continue;
            *out = r->plan;
            out->host = r->hosts[r->host - 1].name;
            out->address = *ip;
            r->walked = true;
            return true;
        }
        if (r->host == r->hosts_n)
            break;
        find_addresses(r, r->hosts[r->host++].name);
    }
    if (r->status == ROUTE_FOUND && !r->walked)
        r->status = why_none(r);
    return false;
}
