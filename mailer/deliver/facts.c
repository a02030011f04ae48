/* As text at once: a tree of values, written, read by the queue, sorted and written again, was 25 us a mail. */
#include "mailer/deliver/facts.h"

#include "base/encode.h"

/* An object whose keys come in order, so that its text is canonical. */
struct object {
    struct buf *out;
    bool has_some;
};

static void add_key(struct object *o, const char *key)
{
    buf_add(o->out, o->has_some ? STR(",\"") : STR("{\""));
    buf_add_text(o->out, key);
    buf_add(o->out, STR("\":"));
    o->has_some = true;
}

static void set_text(struct object *o, const char *key, const char *text)
{
    add_key(o, key);
    js_write_text(str_of(text), o->out);
}

static void set_some_text(struct object *o, const char *key, const char *text)
{
    if (text && *text)
        set_text(o, key, text);
}

static void set_bool(struct object *o, const char *key, bool b)
{
    add_key(o, key);
    buf_add(o->out, b ? STR("true") : STR("false"));
}

static void set_int(struct object *o, const char *key, int64_t n)
{
    add_key(o, key);
    buf_addf(o->out, "%lld", (long long)n);
}

static void end(struct object *o)
{
    buf_add(o->out, o->has_some ? STR("}") : STR("{}"));
}

/* ---- members --------------------------------------------------------------------------------------------- */

static void add_comply(struct object *o, const struct attempt *t)
{
    AUTO(js_close) struct js *facts = t->asked_comply ? comply_facts(&t->allowed) : NULL;

    if (!facts)
        return;
    add_key(o, "comply");
    js_write(facts, JS_CANONICAL, o->out);
}

static void add_gate(struct object *o, const struct attempt *t)
{
    static const char *const names[] = {
        [GATE_SEND] = "send",
        [GATE_SEND_WITH_WARNING] = "warn",
        [GATE_HOLD] = "hold",
        [GATE_DEFER] = "defer",
    };
    const struct gate_verdict *g = &t->gate;
    struct object gate = {.out = o->out};

    if (!t->asked_gate)
        return;
    add_key(o, "gate");
    set_text(&gate, "answer", names[g->answer]);
    set_some_text(&gate, "code", g->code);
    set_bool(&gate, "dkim_aligned", g->dkim_aligned);
    set_some_text(&gate, "dmarc", g->dmarc);
    set_some_text(&gate, "policy", g->policy);
    set_some_text(&gate, "policy_domain", g->policy_domain);
    if (g->stale)
        set_bool(&gate, "stale", true);
    end(&gate);
}

static void add_bundle(struct object *o, const struct attempt *t)
{
    if (!t->hop)
        return;
    add_key(o, "bundle");
    buf_add_char(o->out, '"');
    encode_hex(o->out, digest_str(&t->job->bundle));
    buf_add_char(o->out, '"');
}

static void add_selectors(struct object *o, const struct attempt *t)
{
    if (!t->hop)
        return;
    add_key(o, "dkim");
    buf_add_char(o->out, '[');
    for (size_t i = 0; i < t->shop->keys_n; i++) {
        if (i > 0)
            buf_add_char(o->out, ',');
        js_write_text(str_of(dkim_key_selector(t->shop->keys[i])), o->out);
    }
    buf_add_char(o->out, ']');
}

static void add_server(struct object *o, const struct attempt *t)
{
    char ip[IP_TEXT_SIZE];

    if (!t->hop)
        return;
    ip_text(&t->hop->address, ip);
    set_text(o, "ip", ip);
    set_text(o, "mx", t->hop->host);
}

static void add_cover(struct object *o, const struct attempt *t)
{
    if (!t->hop)
        return;
    set_text(o, "tls", t->cover->version);
    set_some_text(o, "tls_doubt", t->cover->doubt);
    if (t->cover->tls)
        set_bool(o, "tls_verified", t->cover->verified);
}

static void add_verdict(struct object *o, const struct verdict *v, const char *else_reason)
{
    const char *reason = v->reason.name && *v->reason.name ? v->reason.name : else_reason;
    bool has_rule = v->reason.name && v->outcome != DELIVERED;

    set_some_text(o, "reason", reason);
    if (has_rule) {
        set_text(o, "rule", v->reason.rule);
        set_text(o, "rules", REASON_RULES_VERSION);
    }
    if (v->reason.name)
        set_some_text(o, "status", v->reason.status);
}

/* Keys in the order of their bytes. */
static void write_all(struct object *o, const struct attempt *t, const char *reason)
{
    add_bundle(o, t);
    if (t->result)
        set_int(o, "code", t->result->code);
    add_comply(o, t);
    add_selectors(o, t);
    if (t->verdict.reason.name && t->verdict.outcome != DELIVERED)
        set_text(o, "fault", fault_of_name(t->verdict.reason.fault));
    add_gate(o, t);
    add_server(o, t);
    if (t->result)
        set_text(o, "phase", smtp_phase_name(t->result->phase));
    add_verdict(o, &t->verdict, reason);
    add_cover(o, t);
    set_int(o, "took_ms", (clock_steady_ns() - t->begun_ns) / 1000000);
    if (t->result)
        set_some_text(o, "trouble", t->result->trouble);
    end(o);
}

struct str facts_write(const struct attempt *t, const char *reason, struct arena *a)
{
    AUTO(buf_close) struct buf text = {0};
    struct object o = {.out = &text};

    (void)buf_room(&text, 1000); /* one allocation, of one of malloc's quick sizes */
    write_all(&o, t, reason);
    return arena_str(a, buf_str(&text));
}
