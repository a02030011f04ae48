#include "mailer/cli/dns_log.h"

#include "base/log.h"

#define PATIENCE_NS (INT64_C(2) * 1000 * 1000 * 1000) /* SIGTERM waits behind it */

/* The root's SOA, since every resolver can tell it and no zone file here does. */
void dns_log_silence(const struct conf *c, struct resolver *r)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf servers = {0};
    struct str packet;
    enum dns_status s =
        resolver_ask_signed(r, "", DNS_SOA, clock_steady_ns() + PATIENCE_NS, a, &packet);
    if (s == DNS_FOUND)
        return;
    for (size_t i = 0; i < c->resolvers_n; i++)
        buf_addf(&servers, "%s%s", i > 0 ? ", " : "", c->resolvers[i]);
    log_warning("dns-silent", KV("setting", "resolvers"), KV_STR("servers", buf_str(&servers)),
        KV("answer", dns_status_name(s)),
        KV("now",
            "mail waits as dns-unavailable until a resolver answers: start one there, or name "
            "another"));
}

void dns_log_zone_faults(const struct resolver *r, struct buf *told)
{
    AUTO(buf_close) struct buf now = {0};
    bool any = resolver_zone_faults(r, &now);
    if (str_eq(buf_str(&now), buf_str(told)))
        return;
    struct str rest = buf_str(&now), line;
    while (str_next(&rest, '\n', &line))
        log_error("zone-file-fault", KV_STR("fault", line),
            KV("now", "the zone's content of before goes on answering"));
    if (!any)
        log_info("zone-files-readable");
    buf_clear(told);
    buf_add(told, buf_str(&now));
}
