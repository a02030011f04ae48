#include "mailer/intake/request.h"

#include "base/encode.h"
#include "mailer/intake/rendered.h"
#include "mailer/mime/header.h"

#define SUBJECT_BYTES 500
#define BODY_BYTES (1024 * 1024) /* of HTML or text */

static void check_key(struct request *r, struct str key, struct str at)
{
    bool printable = key.n <= INTAKE_KEY_BYTES;

    for (size_t i = 0; i < key.n && printable; i++)
        printable = key.p[i] >= ' ' && key.p[i] <= '~';
    if (!printable)
        faults_add(r->faults, "invalid-idempotency-key", at,
            "the Idempotency-Key must have 1 to %d printable ASCII characters", INTAKE_KEY_BYTES);
}

/* In the body where the caller's way has no place for it, as for each message of a batch. */
static void check_idempotency_key(struct request *r, const struct js *v, struct str at)
{
    struct str outer = r->call->idempotency_key;

    r->key = outer;
    check_key(r, outer, STR(""));
    if (!request_text(r, v, at, INTAKE_KEY_BYTES, &r->key))
        return;
    check_key(r, r->key, at);
    if (outer.n > 0 && !str_eq(outer, r->key))
        faults_add(r->faults, "invalid-idempotency-key", at,
            "is not the key that the request came with; give it in one place");
}

/* The order is the order of the checks: what others depend on comes first. */
static const struct part {
    const char *pointer; /* its name stands behind the slash */
    void (*check)(struct request *r, const struct js *v, struct str at);
} fields[] = {
    {"/template", request_check_template},
    {"/stream", request_check_stream},
    {"/to", request_check_to},
    {"/locale", request_check_locale},
    {"/data", request_check_data},
    {"/reply_to", request_check_reply_to},
    {"/send_at", request_check_send_at},
    {"/order", request_check_order},
    {"/parcel", request_check_parcel},
    {"/event", request_check_event},
    {"/seq", request_check_seq},
    {"/occurred_at", request_check_occurred_at},
    {"/metadata", request_check_metadata},
    {"/attachments", request_check_attachments},
    {"/priority", request_check_priority},
    {"/idempotency_key", check_idempotency_key},
};

static void check_fields(struct request *r, const struct js *root)
{
    const char *known[COUNT_OF(fields)];

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *name = fields[i].pointer + 1;
        const struct js *v = js_get(root, name);
        /* Absent and null are the same: many clients write null for what they do not have. */
        fields[i].check(r, js_kind(v) == JS_NULL ? NULL : v, str_of(fields[i].pointer));
        known[i] = name;
    }
    request_refuse_unknown(r, root, STR(""), known, COUNT_OF(fields));
}

/* ---- the trial: would this mail render? ------------------------------------------------------ */

static void check_parts(struct request *r, const struct mail_parts *parts)
{
    struct str subject = buf_str(&parts->subject), at = STR("/data");

    if (subject.n == 0)
        faults_add(r->faults, "subject-empty", at, "with this data the subject is empty");
    if (subject.n > SUBJECT_BYTES)
        faults_add(r->faults, "subject-too-long", at,
            "with this data the subject has %zu bytes; at most %d are allowed", subject.n,
            SUBJECT_BYTES);
    /* By the letter's own rule: what it cannot write must not be accepted. */
    if (subject.n <= SUBJECT_BYTES && header_fault(subject))
        faults_add(r->faults, "control-character", at,
            "with this data the subject holds a line break or another control character "
            "(U+0000 to U+001F, U+007F to U+009F)");
    if (parts->html.n > BODY_BYTES || parts->text.n > BODY_BYTES)
        faults_add(r->faults, "mail-too-large", at,
            "with this data the mail has more than %d bytes; shorten its lists", BODY_BYTES);
}

static bool try_rendering(struct request *r, const struct mail *mail, struct err *e)
{
    struct mail_links links = {.unsubscribe_url = STR("")};
    struct err wrong;

    if (r->stream && r->stream->class == STREAM_MARKETING)
        links.unsubscribe_url = STR("https://trial.invalid/u/trial");
    if (mail_render(mail, r->data, &links, &r->parts, &wrong)) {
        check_parts(r, &r->parts);
        return true;
    }
    if (wrong.code != ERR_INPUT && wrong.code != ERR_LIMIT) {
        *e = wrong;
        return false;
    }
    faults_add(r->faults, "render-failed", STR("/data"), "%s", wrong.text);
    return true;
}

static bool check_mail(struct request *r, struct err *e)
{
    const struct mail *mail;

    if (!r->has_template || !r->data)
        return true;
    if (!snapshot_bundle(r->snapshot, r->shop, r->info.name, r->locale, &r->out->bundle, &mail, e))
        return false;
    size_t before = r->faults->n;
    mail_check(mail, r->data, STR("/data"), r->faults);
    return r->faults->n > before || try_rendering(r, mail, e);
}

/* ---- what follows from a request that is right ----------------------------------------------- */

static struct js *without(const struct js *root, const char *name, struct arena *a)
{
    struct js *o = js_object();
    struct js_iter it = {0};

    while (js_next(root, &it))
        if (!str_is(it.key, name))
            js_set(o, arena_text(a, it.key), js_ref(it.value));
    return o;
}

/* The key is not part of what it stands for: the same mail may bring it in a header or in its body. */
static void digest_request(struct request *r, const struct js *root)
{
    AUTO(js_close) struct js *rest = NULL;

    if (r->key.n == 0)
        return; /* nobody compares */
    if (js_get(root, "idempotency_key"))
        rest = without(root, "idempotency_key", r->a);
    js_digest(rest ? rest : root, JS_CANONICAL, &r->out->request);
}

static const char *destination(const struct request *r)
{
    const char *smart_host = r->shop->conf->smart_host;

    if (smart_host[0] != 0)
        return arena_printf(r->a, "relay:%s", smart_host);
    return arena_text(r->a, r->to.domain);
}

static struct str facts(struct request *r, struct js *permission)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf bundle = {0};
    AUTO(buf_close) struct buf text = {0};

    encode_hex(&bundle, digest_str(&r->out->bundle));
    js_set_cstr(o, "by", r->call->actor);
    js_set_cstr(o, "template", r->info.name);
    js_set_cstr(o, "locale", r->locale);
    js_set_cstr(o, "stream", r->stream->name);
    js_set_text(o, "bundle", buf_str(&bundle));
    if (permission)
        js_set(o, "comply", permission);
    js_write(o, JS_COMPACT, &text);
    return arena_str(r->a, buf_str(&text));
}

static bool ask_permission(struct request *r, struct err *e)
{
    struct intake_permission answer = {0};

    if (!r->setup->ask(r->setup->context, r->call->storefront, r->stream->name, r->stream->class,
            r->to.spec, &answer, e))
        return false;
    r->out->state = answer.allowed ? MSG_QUEUED : MSG_SUPPRESSED;
    r->out->reason = answer.allowed ? "" : arena_text(r->a, str_of(answer.reason));
    r->out->facts = facts(r, answer.facts);
    return true;
}

static void drop(void *handover)
{
    struct handover *h = handover;

    handover_drop(&h);
}

/* What is known of the message need not be read again, where it is sent soon; nor need the trial's texts be made again, but for a
 * mail with a link of its own. */
static void hand_over(struct request *r)
{
    const struct queue *q = r->setup->queue;
    struct handover *h;

    if (r->stream->class == STREAM_MARKETING)
        h = rendered_none(q, r->out);
    else
        h = rendered_new(q, r->out, &r->parts, r->to.display, r->reply_to);
    if (!h)
        return;
    arena_own(r->a, h, drop);
    r->out->handover = h;
}

static void complete(struct request *r, const struct js *root)
{
    struct submission *s = r->out;
    struct id id;

    ids_new(r->setup->ids, "msg_", &id);
    s->storefront = r->shop->conf->name;
    s->id = arena_text(r->a, str_of(id.s));
    s->idempotency_key = r->key;
    s->address = r->to.spec;
    s->destination = destination(r);
    s->private_json = request_private(r);
    digest_request(r, root);
}

static void count(const struct intake_setup *i, const char *labels)
{
    if (i->metrics)
        counter_add(metrics_counter(i->metrics, "parcelpost_intake_total",
                        "Send requests by what became of them at intake", labels),
            1);
}

static bool check_whole(struct request *r, const struct js *root, struct err *e)
{
    check_fields(r, root);
    if (!check_mail(r, e))
        return false;
    if (r->faults->n > 0) {
        count(r->setup, "outcome=\"refused\"");
        return true;
    }
    complete(r, root);
    if (!ask_permission(r, e))
        return false;
    hand_over(r);
    count(r->setup,
        r->out->state == MSG_SUPPRESSED ? "outcome=\"suppressed\"" : "outcome=\"accepted\"");
    return true;
}

/* The sender's mistake is a fault, our lack of memory is none. */
static bool refuse_body(
    const struct intake_setup *i, const struct err *why, struct faults *faults, struct err *e)
{
    if (why->code == ERR_FULL) {
        *e = *why;
        return false;
    }
    faults_add(
        faults, why->code == ERR_LIMIT ? "too-many" : "invalid-json", STR(""), "%s", why->text);
    count(i, "outcome=\"refused\"");
    return true;
}

bool intake_parse(const struct intake_setup *i, struct str body, struct js **out,
    struct faults *faults, struct err *e)
{
    struct err wrong;

    *out = NULL;
    return js_parse(body, out, &wrong) || refuse_body(i, &wrong, faults, e);
}

bool intake_prepare_value(const struct intake_setup *i, struct snapshot *s,
    const struct intake_call *call, const struct js *request, struct arena *a,
    struct submission *out, struct faults *faults, struct err *e)
{
    AUTO(js_close) struct js *nothing = js_object();
    const struct shop *shop = snapshot_shop(s, call->storefront);

    if (!shop)
        return err_set(e, ERR_MISSING, "no storefront \"%s\" in the settings", call->storefront);
    *out = (struct submission){
        .reason = "", .order = {STR(""), STR(""), .event = "", .supersedes = ""}};
    struct request r = {.setup = i,
        .call = call,
        .snapshot = s,
        .shop = shop,
        .mails = snapshot_shop_mails(s, shop),
        .a = a,
        .faults = faults,
        .now_ms = clock_now_ms(i->clock),
        .nothing = nothing,
        .reply_to = STR(""),
        .key = STR(""),
        .out = out};
    if (request_is_kind(&r, request, STR(""), JS_OBJECT)) {
        bool fine = check_whole(&r, request, e);
        mail_parts_close(&r.parts);
        return fine;
    }
    count(i, "outcome=\"refused\"");
    return true;
}

bool intake_prepare(const struct intake_setup *i, struct snapshot *s,
    const struct intake_call *call, struct arena *a, struct submission *out, struct faults *faults,
    struct err *e)
{
    AUTO(js_close) struct js *root = NULL;

    if (!intake_parse(i, call->body, &root, faults, e))
        return false;
    return !root || intake_prepare_value(i, s, call, root, a, out, faults, e);
}
