/* journal -- how one row is bound to the row before it; pure functions, no storage.
 *
 * commitment = H(salt, person hash, personal text), all zero when the row concerns no person.
 * hash       = H(hash of the row before, storefront, node, seq, at_ms, message id, event, actor, facts,
 *                commitment), with H over parts as in base/hash.h and numbers as decimal text.
 * The first row follows journal_genesis. Erasing a person takes salt, person and personal text away; the
 * commitment stays, so the chain still verifies and nobody can try out addresses against it.
 * Owns nothing, cannot fail, any thread. */
#ifndef QUEUE_JOURNAL_H
#define QUEUE_JOURNAL_H

#include "queue/queue.h"

#define JOURNAL_SALT 16

struct personal {
    uint8_t salt[JOURNAL_SALT];
    struct str text;   /* plain JSON object, "" = none; never stored */
    struct str sealed; /* salt and text, sealed with the person's key; "" when text is "" */
};

/* What a change wants to say; the store adds node, seq, time and hashes. */
struct journal_draft {
    const char *event, *actor;
    const char *message_id; /* "" = not about one message */
    struct str facts;
    const struct personal *personal; /* NULL = none */
};

void journal_genesis(const char *storefront, const char *node, struct digest *out);
void journal_commit(
    struct str salt, const struct digest *person, struct str personal, struct digest *out);
/* Fills hash from the other members of row (personal and erased play no part). */
void journal_link(
    const struct digest *before, const struct digest *commitment, struct journal_row *row);

#endif
