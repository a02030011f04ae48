#include "mailer/deliver/letter.h"

#include "base/encode.h"
#include "mailer/intake/rendered.h"
#include "mailer/mime/compose.h"
#include "mailer/mime/token.h"

#define SIGNATURE_ROOM 1024 /* RSA-2048 takes 700 */
#define LOGO_ID "logo"      /* the templates show it as cid:logo */

bool letter_tools_open(struct queue *q, const struct keyring *keys, const struct clock *clock,
    struct letter_tools *out, struct err *e)
{
    *out = (struct letter_tools){.queue = q, .keys = keys, .press = press_open(0)};
    if (dkim_open(&(struct dkim_setup){.body_simple = false, .clock = clock}, &out->relaxed, e) &&
        dkim_open(&(struct dkim_setup){.body_simple = true, .clock = clock}, &out->simple, e))
        return true;
    letter_tools_close(out);
    return false;
}

void letter_tools_close(struct letter_tools *t)
{
    dkim_close(&t->relaxed);
    dkim_close(&t->simple);
    press_close(&t->press);
}

void letter_close(struct letter *l)
{
    buf_close(&l->wire);
}

bool letter_may_succeed_later(const struct err *e)
{
    return e->code != ERR_INPUT && e->code != ERR_LIMIT && e->code != ERR_MISSING &&
           e->code != ERR_CORRUPT;
}

/* The bundle's From is the settings' own almost always: then it is parsed already. */
static bool find_sender(struct letter *l, const struct letter_task *t, struct err *e)
{
    const char *pinned = mail_brand(l->mail)->from;

    if (*pinned == 0 || strcmp(pinned, t->shop->conf->from) == 0) {
        l->from = t->shop->from;
        return true;
    }
    return address_parse(str_of(pinned), t->arena, &l->from, e);
}

bool letter_open(struct letter *l, const struct letter_task *t, struct err *e)
{
    AUTO(buf_close) struct buf token = {0};

    token_return_path(t->tools->keys, t->job->id, &token);
    l->reverse_path = str_of(arena_printf(
        t->arena, STR_FMT "@%s", STR_ARG(buf_str(&token)), t->shop->return_path_domain));
    return snapshot_mail(t->snapshot, t->job->storefront, &t->job->bundle, &l->mail, e) &&
           find_sender(l, t, e);
}

/* ---- what goes into it ---------------------------------------------------------------------------------- */

static struct str unsubscribe_url(const struct letter_task *t)
{
    const struct job *job = t->job;
    const struct conf_stream *stream = conf_stream(t->shop->conf, job->stream);
    struct unsubscribe_token token = {.person = job->person, .pepper_version = job->pepper_version};
    AUTO(buf_close) struct buf text = {0};

    if (!stream || stream->class != STREAM_MARKETING)
        return STR("");
    str_copy(str_of(job->storefront), token.storefront, sizeof token.storefront);
    str_copy(str_of(job->stream), token.stream, sizeof token.stream);
    str_copy(str_of(job->id), token.message_id, sizeof token.message_id);
    token_unsubscribe(t->tools->keys, &token, &text);
    return str_of(arena_printf(t->arena, "%s/u/" STR_FMT, snapshot_conf(t->snapshot)->public_url,
        STR_ARG(buf_str(&text))));
}

/* The envelope's address in its halves; the display name is the customer's. */
static struct address recipient(const struct job *job, struct str name)
{
    size_t at = job->address.n;

    while (at > 0 && job->address.p[at - 1] != '@')
        at--;
    return (struct address){.display = name,
        .local = str_slice(job->address, 0, at > 0 ? at - 1 : 0),
        .domain = str_slice(job->address, at, job->address.n),
        .spec = job->address};
}

static bool find_reply_to(const struct letter *l, const struct letter_task *t, struct str asked,
    struct address *out, struct err *e)
{
    const char *pinned = mail_brand(l->mail)->reply_to;

    *out = t->shop->reply_to;
    if (asked.n > 0)
        return address_parse(asked, t->arena, out, e);
    if (*pinned && strcmp(pinned, t->shop->conf->reply_to) != 0)
        return address_parse(str_of(pinned), t->arena, out, e);
    return true;
}

/* The bytes that the bundle's hash names: the settings' own logo almost always. */
static bool find_logo(
    const struct letter *l, const struct letter_task *t, struct str *out, struct err *e)
{
    const char *pinned = mail_brand(l->mail)->logo.s;
    AUTO(buf_close) struct buf hash = {0};
    struct digest digest;

    *out = STR("");
    if (*pinned == 0)
        return true;
    if (strcmp(pinned, t->shop->brand.logo.s) == 0) {
        *out = t->shop->logo;
        return true;
    }
    if (!decode_hex(&hash, str_of(pinned)) || hash.n != sizeof digest.b)
        return err_set(e, ERR_CORRUPT, "the bundle names a logo by something that is no hash");
    memcpy(digest.b, hash.p, sizeof digest.b);
    return queue_content_get(t->tools->queue, t->job->storefront, &digest, t->arena, out, e);
}

static bool add_parts(
    const struct letter *l, const struct letter_task *t, struct message *m, struct err *e)
{
    const struct job *job = t->job;
    struct mime_part *parts = arena_array(t->arena, job->attachments_n + 1, sizeof *parts);
    struct str logo;

    if (!find_logo(l, t, &logo, e))
        return false;
    if (logo.n > 0)
        parts[m->parts_n++] = (struct mime_part){.filename = STR(""),
            .content_type = str_of(mail_brand(l->mail)->logo_content_type),
            .content_id = STR(LOGO_ID),
            .bytes = logo};
    for (size_t i = 0; i < job->attachments_n; i++)
        parts[m->parts_n++] = (struct mime_part){.filename = str_of(job->attachments[i].filename),
            .content_type = str_of(job->attachments[i].content_type),
            .content_id = STR(""),
            .bytes = job->attachments[i].bytes};
    m->parts = parts;
    return true;
}

/* ---- the bytes ------------------------------------------------------------------------------------------ */

/* What the job's own data say, or what intake made of them already. */
struct content {
    struct private_part private;
    struct mail_parts parts;
    struct str to_name, reply_to, subject, text, html;
};

static void content_close(struct content *c)
{
    private_close(&c->private);
    mail_parts_close(&c->parts);
}

static bool render(const struct letter *l, const struct letter_task *t, struct str link,
    struct content *c, struct err *e)
{
    const struct mail_links links = {.unsubscribe_url = link};

    if (!private_read(t->job->private_json, &c->private, e) ||
        !mail_render(l->mail, c->private.data, &links, &c->parts, e))
        return false;
    c->to_name = c->private.to_name;
    c->reply_to = c->private.reply_to;
    c->subject = buf_str(&c->parts.subject);
    c->text = buf_str(&c->parts.text);
    c->html = buf_str(&c->parts.html);
    return true;
}

static bool find_content(const struct letter *l, const struct letter_task *t, struct str link,
    struct content *c, struct err *e)
{
    const struct rendered *r = rendered_of(t->job);

    if (!r || !r->has_texts || link.n > 0)
        return render(l, t, link, c, e);
    c->to_name = r->to_name;
    c->reply_to = r->reply_to;
    c->subject = r->subject;
    c->text = r->text;
    (void)buf_room(&c->parts.html, r->html_bytes); /* it does not have to grow */
    if (!mail_unpack_html(l->mail, r->html, &c->parts.html, e))
        return false;
    c->html = buf_str(&c->parts.html);
    return true;
}

static bool write_message(
    const struct letter *l, const struct letter_task *t, struct buf *out, struct err *e)
{
    const struct header automatic = {STR("Auto-Submitted"), STR("auto-generated")};
    const struct str link = unsubscribe_url(t);
    AUTO(content_close) struct content c = {0};

    if (!find_content(l, t, link, &c, e))
        return false;
    struct message m = {
        .from = l->from,
        .to = recipient(t->job, c.to_name),
        .subject = c.subject,
        .text = c.text,
        .html = c.html,
        .date_ms = t->job->date_ms,
        .message_id =
            str_of(arena_printf(t->arena, "%s@" STR_FMT, t->job->id, STR_ARG(l->from.domain))),
        .seed = str_of(t->job->id),
        .list_unsubscribe_url = link,
        .list_unsubscribe_mailto = STR(""),
        .more = &automatic,
        .more_n = 1,
        .eight_bit = t->eight_bit,
    };
    return find_reply_to(l, t, c.reply_to, &m.reply_to, e) && add_parts(l, t, &m, e) &&
           compose(&m, out, e);
}

static bool write_signed(
    struct letter *l, const struct letter_task *t, struct buf *message, struct err *e)
{
    struct str c = str_of(snapshot_conf(t->snapshot)->dkim_canonicalization);
    struct dkim *signer = str_is(c, "relaxed/simple") ? t->tools->simple : t->tools->relaxed;

    buf_clear(&l->wire);
    if (!write_message(l, t, message, e))
        return false;
    (void)buf_room(&l->wire, message->n + t->shop->keys_n * SIGNATURE_ROOM);
    if (!dkim_sign(signer, t->shop->keys, t->shop->keys_n, buf_str(message), &l->wire, e))
        return false;
    buf_add(&l->wire, buf_str(message));
    return true;
}

bool letter_write(struct letter *l, const struct letter_task *t, struct err *e)
{
    struct press_slot slot;

    press_enter(t->tools->press, &slot);
    bool fine = write_signed(l, t, slot.message, e);
    press_leave(t->tools->press, &slot);
    return fine;
}
