#include "base/log.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"

void health_get(struct exchange *x)
{
    answer_text(x, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

enum readiness { READY, NOT_READY };

/* Balancers ask every few seconds, so the log says what is new. */
static void tell(struct exchange *x, enum readiness r, const struct err *e)
{
    if (atomic_exchange(x->readiness, (int)r) == (int)r)
        return;
    if (r == READY)
        log_info("ready-again");
    else
        log_warning("not-ready", KV("part", "the store"), KV("why", e->text));
}

/* Why is told to the log only: the text may name folders and hosts. */
void ready_get(struct exchange *x)
{
    struct err e;
    enum readiness r = queue_is_well(x->app->queue, &e) ? READY : NOT_READY;

    tell(x, r, &e);
    if (r == READY) {
        answer_text(x, 200, "text/plain; charset=utf-8", STR("ready\n"));
        return;
    }
    answer_header(x, "Retry-After", "10");
    problem(x, 503, "not-ready", "not ready: the store; the log says why");
}

/* Numbers of the whole installation, so only for whoever runs it: asked for from this machine or from a
 * trusted proxy's, and not on behalf of somebody behind it. */
void metrics_get(struct exchange *x)
{
    AUTO(buf_close) struct buf text = {0};

    if (!exchange_is_local(x)) {
        problem(x, 403, "not-local",
            "metrics are given to loopback and to trusted_proxies only, and not through a proxy");
        return;
    }
    if (x->app->metrics)
        metrics_print(x->app->metrics, &text);
    answer_text(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
}
