/* intake -- a send request from JSON to a submission: checked whole, rendered once on trial.
 *
 * The request (docs/http-api.md is for its readers):
 *   { "template": "shipping_notice", "to": "Ada <ada@example.com>" | {"email","name"}, "locale": "de",
 *     "data": {...}, "stream": "transactional", "reply_to": "...", "send_at": RFC 3339,
 *     "order": "1001", "parcel": "P1", "event": "shipped", "seq": 3, "occurred_at": RFC 3339,
 *     "metadata": {"k": "v"}, "attachments": [{"filename","content_type","content": base64}], "priority": 0-9,
 *     "idempotency_key": "..." }
 * Unknown fields are faults, so that a typo is told. All faults of a request are listed at once.
 *
 * What comply says is handed in as a function, since siblings do not call each other (architecture.md).
 * Ownership: the submission borrows from the arena and the snapshot. Any thread. */
#ifndef MAILER_INTAKE_INTAKE_H
#define MAILER_INTAKE_INTAKE_H

#include "mailer/intake/snapshot.h"

struct intake_permission {
    bool allowed;
    char reason[48];
    struct js *facts; /* taken over by intake */
};

struct intake_setup {
    struct queue *queue;
    struct ids *ids;
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
    bool (*ask)(void *context, const char *storefront, const char *stream, enum stream_class class,
        struct str address, struct intake_permission *out, struct err *e);
    void *context;
};

#define INTAKE_KEY_BYTES 256 /* of an idempotency key */

struct intake_call {
    const char *storefront;
    const char *actor;          /* API key id or "cli" */
    struct str idempotency_key; /* "" = none */
    struct str body;            /* JSON text; of intake_prepare only */
};

/* True: `out` is ready for queue_submit, or faults->n > 0 and nothing is to be sent. False: our own failure.
 * Text that is no JSON is the one fault "invalid-json"; its detail tells line and column. */
bool intake_prepare(const struct intake_setup *i, struct snapshot *s,
    const struct intake_call *call, struct arena *a, struct submission *out, struct faults *faults,
    struct err *e);

/* The two halves of intake_prepare, for several requests in one body. *out is the caller's, and NULL where a fault
 * was added. */
bool intake_parse(const struct intake_setup *i, struct str body, struct js **out,
    struct faults *faults, struct err *e);
bool intake_prepare_value(const struct intake_setup *i, struct snapshot *s,
    const struct intake_call *call, const struct js *request, struct arena *a,
    struct submission *out, struct faults *faults, struct err *e);

/* ---- the private part of a message ----------------------------------------------------------- */

/* What queue seals as private_json, written by intake and read by delivery. */
struct private_part {
    struct str to_name, reply_to;     /* reply_to as the request wrote it, address_parse reads it */
    struct str order, parcel;         /* the storefront's references */
    const struct js *data, *metadata; /* borrowed from root */
    struct js *root;
};
bool private_read(struct str json, struct private_part *out, struct err *e);
void private_close(struct private_part *p);

#endif
