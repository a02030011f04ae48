#include "mailer/http/view.h"

#include "mailer/intake/intake.h"

void view_set_time(struct js *object, const char *key, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];

    if (ms == 0) {
        js_set(object, key, js_new_null());
        return;
    }
    clock_rfc3339(ms, text);
    js_set_cstr(object, key, text);
}

/* Stored JSON that does not parse shows as null: a timeline with a hole still helps. */
static struct js *parse_or_null(struct str text)
{
    struct js *v;
    struct err e;

    return text.n > 0 && js_parse(text, &v, &e) ? v : js_new_null();
}

struct js *view_journal_row(const struct journal_row *row, bool with_personal)
{
    AUTO(js_close) struct js *personal = parse_or_null(row->personal);
    struct js *o = js_object();

    view_set_time(o, "at", row->at_ms);
    js_set_cstr(o, "event", row->event);
    js_set_cstr(o, "actor", row->actor);
    js_set(o, "facts", parse_or_null(row->facts));
    if (with_personal && js_kind(js_get(personal, "reply")) == JS_TEXT)
        js_set_text(o, "reply", js_get_text(personal, "reply"));
    if (row->erased)
        js_set_bool(o, "erased", true);
    return o;
}

static void set_text_or_null(struct js *o, const char *key, struct str text)
{
    js_set(o, key, text.n > 0 ? js_new_text(text) : js_new_null());
}

static struct js *order_of(const struct message_view *m, const struct private_part *p)
{
    struct js *o = js_object();

    set_text_or_null(o, "order", p->order);
    set_text_or_null(o, "parcel", p->parcel);
    set_text_or_null(o, "event", str_of(m->event));
    js_set(o, "seq", m->seq > 0 ? js_new_int(m->seq) : js_new_null());
    return o;
}

static void set_private(struct js *o, const struct message_view *m, const struct private_part *p)
{
    set_text_or_null(o, "recipient", m->address);
    set_text_or_null(o, "recipient_name", p->to_name);
    set_text_or_null(o, "reply_to", p->reply_to);
    js_set(o, "order", order_of(m, p));
    js_set(o, "metadata", p->metadata ? js_ref((struct js *)p->metadata) : js_object());
}

bool view_message(const struct message_view *m, const struct journal_row *rows, size_t n,
    struct js **out, struct err *e)
{
    AUTO(private_close) struct private_part p = {0};

    if (m->private_json.n > 0 && !private_read(m->private_json, &p, e))
        return false;
    struct js *o = js_object(), *timeline = js_array();
    js_set_cstr(o, "id", m->id);
    js_set_cstr(o, "state", msg_state_name(m->state));
    set_text_or_null(o, "reason", str_of(m->reason));
    set_private(o, m, &p);
    js_set_cstr(o, "template", m->template_name);
    js_set_cstr(o, "locale", m->locale);
    js_set_cstr(o, "stream", m->stream);
    js_set_int(o, "priority", m->priority);
    js_set_int(o, "attempts", m->attempts);
    js_set_bool(o, "unsure", m->unsure);
    js_set_bool(o, "erased", m->erased);
    js_set_bool(o, "unreadable", m->unreadable);
    view_set_time(o, "created_at", m->created_ms);
    view_set_time(o, "due_at", msg_state_is_final(m->state) ? 0 : m->due_ms);
    view_set_time(o, "expires_at", m->expires_ms);
    for (size_t i = 0; i < n; i++)
        js_push(timeline, view_journal_row(&rows[i], true));
    js_set(o, "timeline", timeline);
    *out = o;
    return true;
}
