#include "mailer/deliver/courier.h"

#include "base/log.h"

static struct smtp_call make_call(
    struct courier *c, const struct conf *conf, const struct smtp_feed *feed)
{
    struct smtp_call call = {
        .dial = c->dial,
        .watch = c->watch,
        .to = {.host = c->hop.host,
            .address = c->hop.address,
            .port = c->hop.port,
            .connect_timeout_ms = conf->connect_timeout_ms,
            .transfer_timeout_ms = conf->transfer_timeout_ms},
        .tls = c->hop.tls,
        .why_off = "",
        .user = c->hop.user,
        .password = c->hop.password,
        .hostname = conf->hostname,
        .max_messages = (size_t)conf->messages_per_connection,
        .pipelining = conf->smtp_pipelining,
        .feed = feed,
    };

    if (*conf->source_address && !ip_parse(str_of(conf->source_address), &call.to.source))
        call.to.source = (struct ip){0};
    return call;
}

static void converse(
    struct courier *c, const struct smtp_call *call, const struct smtp_mail *in_hand)
{
    counter_add(c->tally->connections, 1);
    gauge_add(c->tally->connections_open, 1);
    smtp_converse(c->smtp, call, in_hand, &c->last);
    gauge_add(c->tally->connections_open, -1);
    histogram_add_size(c->tally->per_connection, c->last.decided);
}

static void visit(struct courier *c, const struct conf *conf, const struct smtp_feed *feed,
    const struct smtp_mail *in_hand)
{
    struct smtp_call call = make_call(c, conf, feed);

    converse(c, &call, in_hand);
    if (c->last.in_hand && c->last.starttls_failed) {
        log_warning("starttls-failed-going-clear", KV("mx", c->hop.host),
            KV("why", c->last.failure.trouble));
        call.tls = SMTP_TLS_OFF;
        call.why_off = "STARTTLS was offered and failed";
        converse(c, &call, in_hand);
    }
}

/* A server's word about itself tells more than another one's silence. */
static void remember(struct courier *c, struct hop *hop, bool first)
{
    if (first || c->report.failure.code == 0 || c->last.failure.code != 0) {
        c->report = c->last;
        *hop = c->hop;
    }
}

static bool has_time(const struct courier *c, const struct smtp_mail *in_hand)
{
    return clock_steady_ns() < in_hand->deadline_ns && !watch_is_ending(c->watch);
}

enum carried courier_carry(struct courier *c, const struct conf *conf, struct route *route,
    const struct smtp_feed *feed, const struct smtp_mail *in_hand)
{
    struct hop failed;
    bool any = false;

    route_rewind(route);
    while (has_time(c, in_hand) && route_next(route, &c->hop)) {
        visit(c, conf, feed, in_hand);
        if (!c->last.in_hand)
            return CARRIED;
        remember(c, &failed, !any);
        if (c->last.failure.lacks_8bit)
            return CARRY_NEED_7BIT;
        any = c->last.decided == 0;
        if (!any)
            route_rewind(route); /* another mail, and this hop was good a moment ago */
    }
    if (watch_is_ending(c->watch))
        return CARRY_STOPPED;
    if (!any)
        return CARRY_UNROUTED;
    c->hop = failed;
    return CARRY_FAILED;
}
