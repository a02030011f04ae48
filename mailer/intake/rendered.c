#include "mailer/intake/rendered.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static void close_rendered(struct handover *h)
{
    explicit_bzero(h, h->bytes);
    free(h);
}

static struct str put(char **at, struct str s)
{
    struct str copy = {*at, s.n};

    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

struct handover *rendered_new(
    const struct mail_parts *parts, struct str link, struct str to_name, struct str reply_to)
{
    AUTO(buf_wipe) struct buf html = {0};

    mail_pack_html(parts, &html);
    size_t bytes = sizeof(struct rendered) + link.n + to_name.n + reply_to.n + parts->subject.n +
                   parts->text.n + html.n;
    struct rendered *r = malloc(bytes);

    if (!r)
        err_out_of_memory();
    char *at = (char *)(r + 1);
    *r = (struct rendered){
        .handover = {.bytes = bytes, .close = close_rendered},
        .link = put(&at, link),
        .to_name = put(&at, to_name),
        .reply_to = put(&at, reply_to),
        .subject = put(&at, buf_str(&parts->subject)),
        .text = put(&at, buf_str(&parts->text)),
        .html = put(&at, buf_str(&html)),
    };
    atomic_init(&r->handover.references, 1);
    return &r->handover;
}

const struct rendered *rendered_of(const struct job *j)
{
    const struct handover *h = j->handover;

    return h && h->close == close_rendered ? (const struct rendered *)h : NULL;
}
