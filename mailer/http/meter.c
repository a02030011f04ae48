#include "mailer/http/meter.h"

#include "base/log.h"
#include "mailer/http/problem.h"
#include "mailer/http/quota.h"

#include <inttypes.h>
#include <stdio.h>

/* A further charge of the same request only changes what the field says. */
static void tell(struct exchange *x, int64_t limit, const struct quota_level *level)
{
    bool first = x->rate[0] == 0;

    snprintf(
        x->rate, sizeof x->rate, "\"key\";r=%" PRId64 ";t=%" PRId64, level->left, level->full_s);
    if (!first)
        return;
    answer_header(x, "RateLimit-Policy",
        arena_printf(x->arena, "\"key\";q=%" PRId64 ";w=%d", limit, QUOTA_WINDOW_S));
    answer_header(x, "RateLimit", x->rate);
}

bool meter_charge(struct exchange *x, size_t n)
{
    int64_t limit = snapshot_conf(x->snapshot)->requests_per_minute;
    struct quota_level level =
        quota_take(x->quota, x->key.id, limit, (int64_t)n, clock_now_ms(x->app->clock));

    tell(x, limit, &level);
    if (level.granted)
        return true;
    log_debug("http-quota", KV("request", x->id.s), KV("key", x->key.id));
    answer_header(x, "Retry-After", arena_printf(x->arena, "%" PRId64, level.retry_s));
    problem(x, 429, "quota-exceeded",
        "this API key may ask for %" PRId64
        " a minute, of batches each message counted, and %zu are above that now;"
        " nothing was stored; try again in %" PRId64 " s",
        limit, n, level.retry_s);
    return false;
}
