/* rendered -- the trial's texts, handed over from intake to the lane that sends the mail (queue.h, struct handover).
 *
 * A mail's texts follow from its pinned bundle, its data and the unsubscribe link, and from nothing else: so a lane may
 * take these where bundle and data are the job's, which the queue sees to, and it has no link to give either. A mail with one is
 * rendered by its lane alone, as the link names the person and the message: then no texts are handed over, and the handover is
 * what keeps the job in memory.
 * Ownership: one block, overwritten when the last reference goes: it is personal. Any thread. */
#ifndef MAILER_INTAKE_RENDERED_H
#define MAILER_INTAKE_RENDERED_H

#include "queue/queue.h"
#include "templates/mails.h"

struct rendered {
    struct handover handover;
    bool has_texts;               /* of a mail without an unsubscribe link; else all below is "" */
    struct str to_name, reply_to; /* as of struct private_part */
    struct str subject, text;
    struct str html;   /* packed (mail_pack_html): most of it stands in the mail */
    size_t html_bytes; /* when it is unpacked */
};

/* Copies everything, once the queue has given room for it; one reference, the caller's. NULL: the queue would not keep it.
 * The submission is complete but for its handover. */
struct handover *rendered_new(const struct queue *q, const struct submission *s,
    const struct mail_parts *parts, struct str to_name, struct str reply_to);
struct handover *rendered_none(const struct queue *q, const struct submission *s);
/* NULL: the job came from the store. */
const struct rendered *rendered_of(const struct job *j);

#endif
