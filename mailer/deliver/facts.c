#include "mailer/deliver/facts.h"

#include "base/encode.h"

static void add_text(struct js *o, const char *key, const char *text)
{
    if (text && *text)
        js_set_cstr(o, key, text);
}

static struct js *gate_facts(const struct gate_verdict *g)
{
    static const char *const names[] = {
        [GATE_SEND] = "send",
        [GATE_SEND_WITH_WARNING] = "warn",
        [GATE_HOLD] = "hold",
        [GATE_DEFER] = "defer",
    };
    struct js *o = js_object();

    js_set_cstr(o, "answer", names[g->answer]);
    add_text(o, "code", g->code);
    add_text(o, "dmarc", g->dmarc);
    add_text(o, "policy", g->policy);
    add_text(o, "policy_domain", g->policy_domain);
    js_set_bool(o, "dkim_aligned", g->dkim_aligned);
    if (g->stale)
        js_set_bool(o, "stale", true);
    return o;
}

static void add_letter(struct js *o, const struct attempt *t)
{
    AUTO(buf_close) struct buf hex = {0};
    struct js *selectors = js_array();

    encode_hex(&hex, digest_str(&t->job->bundle));
    js_set_text(o, "bundle", buf_str(&hex));
    for (size_t i = 0; i < t->shop->keys_n; i++)
        js_push(selectors, js_new_text(str_of(dkim_key_selector(t->shop->keys[i]))));
    js_set(o, "dkim", selectors);
}

static void add_server(struct js *o, const struct attempt *t)
{
    char ip[IP_TEXT_SIZE];

    ip_text(&t->hop->address, ip);
    js_set_cstr(o, "mx", t->hop->host);
    js_set_cstr(o, "ip", ip);
    js_set_cstr(o, "tls", t->cover->version);
    if (t->cover->tls)
        js_set_bool(o, "tls_verified", t->cover->verified);
    add_text(o, "tls_doubt", t->cover->doubt);
}

static void add_verdict(struct js *o, const struct verdict *v)
{
    add_text(o, "reason", v->reason.name);
    add_text(o, "status", v->reason.status);
    if (v->outcome == DELIVERED)
        return;
    js_set_cstr(o, "fault", fault_of_name(v->reason.fault));
    js_set_cstr(o, "rule", v->reason.rule);
    js_set_cstr(o, "rules", REASON_RULES_VERSION);
}

struct str facts_write(const struct attempt *t, struct arena *a)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf text = {0};

    if (t->asked_comply)
        js_set(o, "comply", comply_facts(&t->allowed));
    if (t->asked_gate)
        js_set(o, "gate", gate_facts(&t->gate));
    if (t->hop) {
        add_letter(o, t);
        add_server(o, t);
    }
    if (t->result) {
        js_set_cstr(o, "phase", smtp_phase_name(t->result->phase));
        js_set_int(o, "code", t->result->code);
        add_text(o, "trouble", t->result->trouble);
    }
    if (t->verdict.reason.name)
        add_verdict(o, &t->verdict);
    js_set_int(o, "took_ms", (clock_steady_ns() - t->begun_ns) / 1000000);
    js_write(o, JS_COMPACT, &text);
    return arena_str(a, buf_str(&text));
}
