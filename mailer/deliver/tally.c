#include "mailer/deliver/tally.h"

/* Labels must outlive the registry. */
static const char *const state_labels[MSG_STATES] = {
    [MSG_QUEUED] = "state=\"queued\"",
    [MSG_LEASED] = "state=\"leased\"",
    [MSG_DEFERRED] = "state=\"deferred\"",
    [MSG_HELD] = "state=\"held\"",
    [MSG_DELIVERED] = "state=\"delivered\"",
    [MSG_BOUNCED] = "state=\"bounced\"",
    [MSG_EXPIRED] = "state=\"expired\"",
    [MSG_CANCELLED] = "state=\"cancelled\"",
    [MSG_SUPPRESSED] = "state=\"suppressed\"",
};

void tally_open(struct metrics *given, struct tally *t)
{
    struct metrics *m = given;

    *t = (struct tally){0};
    if (!m)
        m = t->own = metrics_open();
    for (size_t i = 0; i < MSG_STATES; i++)
        t->ended[i] = metrics_counter(m, "parcelpost_attempts_ended_total",
            "Attempts by the state in which they left the message.", state_labels[i]);
    for (size_t i = 0; i < MSG_STATES; i++)
        t->messages[i] = metrics_gauge(
            m, "parcelpost_messages", "Messages in the store by their state.", state_labels[i]);
    t->unsure = metrics_counter(
        m, "parcelpost_unsure_total", "Bodies that went out and were not answered.", "");
    t->given_back = metrics_counter(m, "parcelpost_given_back_total",
        "Messages that were claimed and given back untouched.", "");
    t->suppressions = metrics_counter(m, "parcelpost_hard_bounces_total",
        "Recipients suppressed because their server said that they do not exist.", "");
    t->connections = metrics_counter(
        m, "parcelpost_smtp_connections_total", "Connections that were tried to mail servers.", "");
    t->settle_retries = metrics_counter(
        m, "parcelpost_settle_retries_total", "Outcomes that the store refused at first.", "");
    t->due_to_delivered = metrics_histogram(m, "parcelpost_due_to_delivered_seconds",
        "From the time a message fell due to its delivery on disk.", "");
    t->attempt = metrics_histogram(
        m, "parcelpost_attempt_seconds", "One attempt that reached a server, whole.", "");
    t->per_connection = metrics_size_histogram(
        m, "parcelpost_messages_per_connection", "Messages decided on one connection.", "");
    t->lanes_idle = metrics_gauge(m, "parcelpost_lanes_idle", "Lanes that wait for work.", "");
    t->lanes_lost =
        metrics_gauge(m, "parcelpost_lanes_lost", "Lanes that were replaced and hang still.", "");
    t->lanes_replaced = metrics_counter(
        m, "parcelpost_lanes_replaced_total", "Lanes that hung or ended and were replaced.", "");
    t->leases = metrics_gauge(m, "parcelpost_leases_held", "Messages in the lanes' hands.", "");
    t->oldest_lease_s = metrics_gauge(m, "parcelpost_oldest_lease_seconds",
        "For how long the oldest message has been in a lane's hands.", "");
    t->lanes_busy =
        metrics_gauge(m, "parcelpost_lanes_busy", "Lanes that serve a destination.", "");
    t->connections_open =
        metrics_gauge(m, "parcelpost_smtp_connections_open", "Connections to mail servers.", "");
    t->held = metrics_gauge(m, "parcelpost_messages_held", "Messages that wait for a reason.", "");
}

void tally_busy(struct tally *t, int more)
{
    gauge_add(t->lanes_busy, more);
    gauge_add(t->lanes_idle, -more);
}

void tally_close(struct tally *t)
{
    metrics_close(&t->own);
}
