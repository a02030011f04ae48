#include "dns/spf.h"

#include "dns/spf_host.h"

const char *spf_result_name(enum spf_result r)
{
    static const char *const names[] = {
        [SPF_NONE] = "none",
        [SPF_NEUTRAL] = "neutral",
        [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",
        [SPF_SOFTFAIL] = "softfail",
        [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror",
    };
    return names[r];
}

static struct str validated_name(void *state)
{
    struct spf_check *c = state;
    return spf_validated_name(&c->asker, c->names_for);
}

static struct ip without_mapping(struct ip ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(ip.b, mapped, sizeof mapped) != 0) /* behind an IPv4 address there are zeros */
        return ip;
    struct ip v4 = {.family = 4};
    memcpy(v4.b, ip.b + sizeof mapped, 4);
    return v4;
}

/* <sender>: what stands behind the last "@" is its domain; what lacks is filled in. */
static void set_sender(struct spf_values *v, const struct spf_question *q, struct arena *a)
{
    size_t at = q->mail_from.n;
    while (at > 0 && q->mail_from.p[at - 1] != '@')
        at--;
    v->local = at > 1 ? str_slice(q->mail_from, 0, at - 1) : STR("postmaster");
    v->sender_domain = str_slice(q->mail_from, at, q->mail_from.n);
    if (q->mail_from.n == 0)
        v->sender_domain = q->helo;
    AUTO(buf_close) struct buf sender = {0};
    buf_add(&sender, v->local);
    buf_add_char(&sender, '@');
    buf_add(&sender, v->sender_domain);
    v->sender = arena_str(a, buf_str(&sender));
}

static struct spf_values values_of(
    const struct spf_question *q, struct spf_check *c, int64_t now_ms)
{
    struct spf_values v = {
        .helo = q->helo,
        .receiver = q->receiver.n > 0 ? q->receiver : STR("unknown"),
        .ip = without_mapping(q->ip),
        .now_ms = now_ms,
        .validated_name = validated_name,
        .state = c,
    };
    set_sender(&v, q, c->asker.arena);
    return v;
}

void spf_check(
    struct resolver *r, const struct spf_question *q, struct arena *a, struct spf_verdict *out)
{
    int64_t now_ms = clock_now_ms(q->clock);
    struct spf_check c = {
        .asker = {.resolver = r,
            .arena = a,
            .clock = q->clock,
            .deadline_ms = now_ms + SPF_TIME_MAX_MS,
            .term_is_void = true, /* the first TXT question belongs to no term */
            .ttl_s = UINT32_MAX,
            .problem = ""},
        .path = arena_array(a, SPF_PATH_MAX, sizeof *c.path),
        .out = out,
    };
    *out = (struct spf_verdict){.domain = "", .mechanism = "", .explanation = "", .problem = ""};
    out->path = c.path;
    c.values = values_of(q, &c, now_ms);
    c.asker.ip = c.values.ip;
    out->identity = spf_printable(&c, c.values.sender_domain);
    out->result = spf_check_host(&c, c.values.sender_domain, false);
    if (out->result == SPF_NONE)
        out->problem = c.path[out->path_n - 1];
    out->lookups = c.asker.lookups;
    out->void_lookups = c.asker.voids;
    out->ttl_s = c.asker.ttl_s == UINT32_MAX ? 0 : c.asker.ttl_s;
}
