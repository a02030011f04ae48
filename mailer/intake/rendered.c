#include "mailer/intake/rendered.h"

#include <string.h>

static void wipe(struct handover *h)
{
    explicit_bzero(h, h->bytes);
}

/* NULL: there is no room. */
static struct rendered *new_block(const struct queue *q, const struct submission *s, size_t bytes)
{
    struct handover *h = queue_handover_new(q, s, bytes);
    struct rendered *r = (struct rendered *)h;

    if (!h)
        return NULL;
    h->close = wipe;
    memset(h + 1, 0, sizeof *r - sizeof *h);
    return r;
}

struct handover *rendered_new(const struct queue *q, const struct submission *s,
    const struct mail_parts *parts, struct str to_name, struct str reply_to)
{
    AUTO(buf_wipe) struct buf html = {0};

    if (!queue_has_room(q, s))
        return NULL; /* and nothing is packed */
    mail_pack_html(parts, &html);
    size_t bytes = sizeof(struct rendered) + to_name.n + reply_to.n + parts->subject.n +
                   parts->text.n + html.n;
    struct rendered *r = new_block(q, s, bytes);
    if (!r)
        return NULL;
    char *at = (char *)(r + 1);
    r->has_texts = true;
    r->to_name = str_put(to_name, &at);
    r->reply_to = str_put(reply_to, &at);
    r->subject = str_put(buf_str(&parts->subject), &at);
    r->text = str_put(buf_str(&parts->text), &at);
    r->html = str_put(buf_str(&html), &at);
    r->html_bytes = parts->html.n;
    return &r->handover;
}

struct handover *rendered_none(const struct queue *q, const struct submission *s)
{
    struct rendered *r = new_block(q, s, sizeof *r);

    return r ? &r->handover : NULL;
}

const struct rendered *rendered_of(const struct job *j)
{
    const struct handover *h = j->handover;

    return h && h->close == wipe ? (const struct rendered *)h : NULL;
}
