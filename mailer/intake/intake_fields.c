#include "mailer/intake/request.h"

#define METADATA_MAX 20
#define METADATA_KEY_CHARS 64
#define METADATA_VALUE_CHARS 500
#define LOCALE_BYTES 35 /* RFC 5646 s4.4.1 */
#define PRIORITY_DEFAULT 4
#define DAY_MS (24 * 3600 * INT64_C(1000))
#define AHEAD_MS (30 * DAY_MS)

/* ---- template and stream --------------------------------------------------------------------- */

static void tell_templates(struct request *r, struct str at)
{
    AUTO(buf_close) struct buf names = {0};

    for (size_t i = 0; i < mails_count(r->mails) && names.n < 300; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", mails_name(r->mails, i));
    faults_add(r->faults, "unknown-template", at, "no such mail; there are: %s", buf_text(&names));
}

void request_check_template(struct request *r, const struct js *v, struct str at)
{
    struct str name;

    if (!v)
        request_lacks(r, at, "the name of the mail, e.g. \"shipping_notice\"");
    if (!request_text(r, v, at, 64, &name))
        return;
    r->has_template = mails_info(r->mails, name.p, &r->info);
    if (r->has_template)
        r->out->template_name = r->info.name;
    else
        tell_templates(r, at);
}

static void tell_streams(struct request *r, struct str at)
{
    AUTO(buf_close) struct buf names = {0};
    const struct conf_storefront *c = r->shop->conf;

    for (size_t i = 0; i < c->streams_n && names.n < 300; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", c->streams[i].name);
    faults_add(r->faults, "unknown-stream", at, "no such stream; this storefront has: %s",
        buf_text(&names));
}

/* A marketing mail in a transactional stream would pass the opt-outs by. */
static bool hides_marketing(struct request *r)
{
    const struct conf_stream *own = conf_stream(r->shop->conf, r->info.stream);

    return own && own->class == STREAM_MARKETING && r->stream->class != STREAM_MARKETING;
}

void request_check_stream(struct request *r, const struct js *v, struct str at)
{
    struct str name;

    if (v && !request_text(r, v, at, 63, &name))
        return;
    if (!v && !r->has_template)
        return;
    r->stream = conf_stream(r->shop->conf, v ? name.p : r->info.stream);
    if (!r->stream) {
        tell_streams(r, at);
        return;
    }
    r->out->stream = r->stream->name;
    if (r->has_template && hides_marketing(r))
        faults_add(r->faults, "class-mismatch", at,
            "the mail %s is marketing and goes only through a marketing stream", r->info.name);
    if (r->stream->class == STREAM_MARKETING && r->shop->brand.postal_address[0] == 0)
        faults_add(r->faults, "postal-address-missing", at,
            "marketing mail must show the sender's postal address; set postal_address in the "
            "brand section of storefront \"%s\"",
            r->shop->conf->name);
}

/* ---- language -------------------------------------------------------------------------------- */

static bool is_locale(struct str s)
{
    struct str rest = s, part;
    bool first = true;

    while (str_next(&rest, '-', &part)) {
        if (part.n < (first ? 2 : 1) || part.n > (first ? 3 : 8))
            return false;
        for (size_t i = 0; i < part.n; i++) {
            char c = part.p[i] | 0x20;
            bool letter = c >= 'a' && c <= 'z';
            if (!letter && (first || part.p[i] < '0' || part.p[i] > '9'))
                return false;
        }
        first = false;
    }
    return !first && s.p[s.n - 1] != '-';
}

void request_check_locale(struct request *r, const struct js *v, struct str at)
{
    struct str own = str_of(r->shop->conf->locale), wanted = own;

    if (v && request_text(r, v, at, LOCALE_BYTES, &wanted) && !is_locale(wanted)) {
        faults_add(r->faults, "invalid-locale", at,
            "must be a language tag as in BCP 47, e.g. \"de\" or \"pt-BR\" (with a hyphen)");
        wanted = own;
    }
    r->locale = mails_locale(r->mails, wanted, own);
    r->out->locale = r->locale;
}

/* ---- data: its shape; the mail checks what is inside ----------------------------------------- */

void request_check_data(struct request *r, const struct js *v, struct str at)
{
    if (!v || request_is_kind(r, v, at, JS_OBJECT))
        r->data = v ? v : r->nothing;
}

/* ---- time and rank --------------------------------------------------------------------------- */

void request_check_send_at(struct request *r, const struct js *v, struct str at)
{
    int64_t ms, now = r->now_ms;

    r->out->due_ms = now;
    if (request_time(r, v, at, &ms)) {
        if (ms > now + AHEAD_MS)
            faults_add(r->faults, "out-of-range", at, "lies more than 30 days ahead");
        else if (ms < now - DAY_MS)
            faults_add(r->faults, "out-of-range", at,
                "lies more than a day in the past; leave it out to send at once");
        else if (ms > now)
            r->out->due_ms = ms;
    }
    r->out->date_ms = r->out->due_ms;
    r->out->expires_ms = r->out->due_ms + snapshot_conf(r->snapshot)->expire_after_ms;
}

void request_check_priority(struct request *r, const struct js *v, struct str at)
{
    int64_t priority;

    r->out->priority = PRIORITY_DEFAULT;
    if (request_integer(r, v, at, 0, 9, &priority))
        r->out->priority = (int)priority;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static void check_pair(struct request *r, struct str key, const struct js *v, struct str at)
{
    struct str here = fault_pointer(r->a, at, str_slice(key, 0, METADATA_KEY_CHARS * 4));

    if (key.n == 0)
        faults_add(r->faults, "empty", here, "a key must not be empty");
    if (request_characters(key) > METADATA_KEY_CHARS)
        faults_add(r->faults, "too-long", here, "the key is longer than %d characters",
            METADATA_KEY_CHARS);
    request_has_control(r, key, here);
    if (!request_is_kind(r, v, here, JS_TEXT))
        return;
    if (request_characters(js_text(v)) > METADATA_VALUE_CHARS)
        faults_add(
            r->faults, "too-long", here, "is longer than %d characters", METADATA_VALUE_CHARS);
    request_has_control(r, js_text(v), here);
}

void request_check_metadata(struct request *r, const struct js *v, struct str at)
{
    struct js_iter it = {0};

    if (!request_is_kind(r, v, at, JS_OBJECT))
        return;
    if (js_count(v) > METADATA_MAX) {
        faults_add(r->faults, "too-many", at, "%zu entries; at most %d are allowed", js_count(v),
            METADATA_MAX);
        return;
    }
    while (js_next(v, &it))
        check_pair(r, it.key, it.value, at);
    r->metadata = v;
}
