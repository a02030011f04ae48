/* letter -- a job's mail as it goes over the wire: rendered from the pinned bundle, composed, signed.
 *
 * Everything comes from what was pinned at submit: bundle, locale, Date, Message-ID ("ID@from-domain") and the seed
 * of the boundaries (the id), so that each attempt sends the same bytes; only the signatures are of the moment.
 * Marketing streams get a one-click unsubscribe link. Two steps, because the gate asks in between: letter_open finds
 * mail and sender, letter_write makes the bytes, when the press (press.h) has room for it.
 * Ownership: a letter is a lane's and is used for one job after the other; its bytes are valid until the next
 * letter_write. What it borrows (snapshot, job) must live as long. Errors: ERR_INPUT, ERR_LIMIT, ERR_MISSING and
 * ERR_CORRUPT mean that this mail cannot be written however often one tries; any other, that it may later. */
#ifndef MAILER_DELIVER_LETTER_H
#define MAILER_DELIVER_LETTER_H

#include "mailer/deliver/press.h"
#include "mailer/intake/intake.h"

struct letter_tools { /* shared by all lanes */
    struct queue *queue;
    const struct keyring *keys;
    struct dkim *relaxed, *simple; /* body canonicalization; the settings choose */
    struct press *press;
};

bool letter_tools_open(struct queue *q, const struct keyring *keys, const struct clock *clock,
    struct letter_tools *out, struct err *e);
void letter_tools_close(struct letter_tools *t);

struct letter {
    const struct mail *mail;
    struct address from;
    struct str reverse_path; /* "b+TOKEN@return-path-domain" */
    struct buf wire;         /* with its signatures */
};
/* Gives back its memory; what it said is lost. */
void letter_close(struct letter *l);

/* One job's writing: everything is borrowed. */
struct letter_task {
    const struct letter_tools *tools;
    struct snapshot *snapshot;
    const struct shop *shop;
    const struct job *job;
    struct arena *arena;
    bool eight_bit;
};
bool letter_open(struct letter *l, const struct letter_task *t, struct err *e);
bool letter_write(struct letter *l, const struct letter_task *t, struct err *e);

/* Whether trying again could help. */
bool letter_may_succeed_later(const struct err *e);

#endif
