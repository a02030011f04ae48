#include "base/log.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"

void health_get(struct exchange *x)
{
    answer_text(x, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

/* Which part is not ready is told, why only to the log: the text may name folders and hosts. */
static void refuse(struct exchange *x, const char *part, const struct err *e)
{
    log_warning("not-ready", KV("part", part), KV("why", e->text));
    answer_header(x, "Retry-After", "10");
    problem(x, 503, "not-ready", "not ready: %s; the log says why", part);
}

void ready_get(struct exchange *x)
{
    struct err e;

    if (!queue_is_well(x->app->queue, &e))
        refuse(x, "the store", &e);
    else if (x->app->is_ready && !x->app->is_ready(x->app->context, &e))
        refuse(x, "the service", &e);
    else
        answer_text(x, 200, "text/plain; charset=utf-8", STR("ready\n"));
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
