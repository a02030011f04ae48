/* What the DNS and the running service show. */
#include "base/file.h"
#include "dns/dkim_record.h"
#include "mailer/cli/shift.h"

#define DAY_MS INT64_C(86400000)
#define RECEIVERS_MS (5 * DAY_MS) /* how long other servers keep trying: RFC 5321 s4.5.4.1 */
#define SIGNING_BYTES (1 << 20)

static enum rotation_spread spread_of(const struct dkim_spread *s, bool is_fresh)
{
    if (dkim_spread_is_everywhere(s))
        return ROTATION_EVERYWHERE;
    if (dkim_spread_is_nowhere(s))
        return ROTATION_NOWHERE;
    size_t contradict = s->other + (is_fresh ? s->absent + s->revoked : s->ours);
    return contradict > 0 ? ROTATION_PARTLY : ROTATION_UNKNOWN;
}

void shift_find_spread(struct shift *s, const char *domain, const char *selector,
    const char *record, struct dkim_spread *out)
{
    struct dkim_record parsed;
    dkim_record_parse(str_of(record), s->cli->arena, &parsed);
    dkim_spread_find(&s->authority, domain, selector, parsed.public_key, s->cli->arena, out);
}

/* What `serve` writes while it runs: see cmd_serve.c. */
static bool service_signs_with(struct shift *s, const struct rotation *r)
{
    AUTO(buf_close) struct buf text = {0};
    struct err e;
    const char *path = arena_printf(s->cli->arena, "%s/dkim-signing", s->conf->data_dir);
    const char *name = arena_printf(s->cli->arena, "%s._domainkey.%s", r->old_selector, r->domain);
    struct str line;
    if (!file_read("list of signing keys", path, SIGNING_BYTES, &text, &e))
        return e.code != ERR_MISSING;
    for (struct str rest = buf_str(&text); str_next(&rest, '\n', &line);)
        if (str_is(line, name))
            return true;
    return false;
}

int64_t shift_keep_ms(const struct shift *s, uint32_t ttl_s)
{
    int64_t queues =
        s->conf->expire_after_ms > RECEIVERS_MS ? s->conf->expire_after_ms : RECEIVERS_MS;
    return queues + s->conf->attempt_timeout_ms + (int64_t)ttl_s * 1000;
}

void shift_gather(struct shift *s, const struct rotation *r, struct dkim_spread *fresh,
    struct dkim_spread *old, struct rotation_facts *out)
{
    *out = (struct rotation_facts){.fresh = ROTATION_UNKNOWN, .old = ROTATION_UNKNOWN};
    *fresh = *old = (struct dkim_spread){.why = ""};
    if (r->step == ROTATION_DONE || r->step == ROTATION_BACK)
        return;
    if (r->step != ROTATION_RETIRED)
        shift_find_spread(s, r->domain, r->new_selector, r->new_record, fresh);
    if (r->step == ROTATION_RETIRED || r->step == ROTATION_ACTIVE)
        shift_find_spread(s, r->domain, r->old_selector, r->old_record, old);
    out->fresh = spread_of(fresh, true);
    out->old = spread_of(old, false);
    out->stale_ttl_s = fresh->stale_ttl_s;
    out->keep_ms = shift_keep_ms(s, old->ttl_s);
    out->old_signs = rotation_signs_new(r) && service_signs_with(s, r);
}
