/* attempt -- one message's way through a lane, from the claim to its settle.
 *
 * attempt_prepare asks everything that must be true before a byte goes out; attempt_conclude writes what became of
 * the mail. Between the two the lane carries it to a server (courier.h). However an attempt ends, it ends in
 * exactly one settle, which is posted and not waited for (settle.h): a message that was claimed is never dropped.
 * Ownership: an attempt borrows its job and the lane's bench for its time; nothing to close.
 * Threads: the lane's. Errors: none; failures of ours defer or hold the message and are logged once. */
#ifndef MAILER_DELIVER_ATTEMPT_H
#define MAILER_DELIVER_ATTEMPT_H

#include "mailer/comply/comply.h"
#include "mailer/deliver/letter.h"
#include "mailer/deliver/pulse.h"
#include "mailer/deliver/route.h"
#include "mailer/deliver/settle.h"
#include "mailer/deliver/verdict.h"
#include "mailer/gate/gate.h"

/* A lane's work place: what its attempts share. */
struct attempt_bench {
    struct queue *queue;
    struct gate *gate;
    const struct clock *clock;
    const struct letter_tools *letters;
    struct settler *settler;
    size_t lane;
    size_t slot;         /* of a body that has begun, else SLOT_NONE; it goes with the settle */
    struct pulse *pulse; /* the lane's; NULL in the roster's hands */
    struct snapshot *snapshot; /* of this turn */
    struct route *route;       /* of this turn's destination */
    bool seven_bit;            /* this destination's hosts take no 8-bit mail */
    struct letter letter;
    struct arena *arena; /* of this attempt, cleared when the next one begins */
};

struct attempt {
    struct attempt_bench *bench;
    const struct job *job;
    const struct shop *shop;
    int64_t begun_ns, deadline_ns; /* clock_steady_ns */
    bool eight_bit;
    /* What was found on the way, for the journal. */
    bool asked_comply, asked_gate;
    struct comply_answer allowed;
    struct gate_verdict gate;
    struct verdict verdict; /* reason.name NULL = none was made */
    const struct hop *hop;  /* NULL = no server was asked */
    const struct smtp_cover *cover;
    const struct smtp_result *result;
};

/* What the gate is asked before each attempt. The keeper asks the same before it releases what was held: were the two
 * to differ, mail would go to and fro between them. Borrows from the settings and the shop. */
struct gate_question attempt_question(
    const struct conf *c, const struct shop *shop, const char *from_domain);

/* True: the mail stands in bench->letter, ready to go. False: it was settled. */
bool attempt_prepare(struct attempt *t, struct attempt_bench *b, const struct job *job);
/* Writes the letter once more, for a server without 8BITMIME. False: it was settled. */
bool attempt_rewrite_7bit(struct attempt *t);

/* A server's word, or silence. */
void attempt_conclude(struct attempt *t, const struct smtp_result *r, const struct hop *hop,
    const struct smtp_cover *cover);
/* No host could be asked: the route says why. */
void attempt_conclude_unrouted(struct attempt *t);
/* Its lane was lost with it in hand; begun: the body may be out. Of the bench neither gate, letters nor route are used. */
void attempt_conclude_lost(struct attempt_bench *b, const struct job *job, bool begun);
/* Claimed and not begun: back to the queue, as if nothing had been. */
void attempt_give_back(struct attempt_bench *b, const struct job *job);
/* Whether the job's lease leaves enough time to begin. */
bool attempt_has_time(const struct attempt_bench *b, const struct job *job);

#endif
