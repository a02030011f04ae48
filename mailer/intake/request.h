/* request -- one send request on its way through the checks of intake, shared by intake_*.c only.
 *
 * Each check gets the value (NULL where the field is absent or null) and its JSON pointer, adds
 * what is wrong to r->faults and leaves what it found in r. Checks run in the order of the table in
 * intake.c: template and stream before what depends on them. Values of faulty fields stay zero.
 * Ownership: everything lies in r->a or belongs to the snapshot. One thread. */
#ifndef MAILER_INTAKE_REQUEST_H
#define MAILER_INTAKE_REQUEST_H

#include "base/json.h"
#include "mailer/intake/intake.h"

struct request {
    const struct intake_setup *setup;
    const struct intake_call *call;
    struct snapshot *snapshot;
    const struct shop *shop;
    const struct mails *mails;
    struct arena *a;
    struct faults *faults;
    int64_t now_ms;

    bool has_template; /* info is filled */
    struct mail_info info;
    const struct conf_stream *stream;
    const char *locale;
    const struct js *data, *metadata; /* borrowed from the parsed body */
    struct str key;                   /* of idempotency, "" = none */
    struct address to;
    struct str reply_to;
    struct js *nothing;      /* {}, the data of a request without data */
    struct mail_parts parts; /* of the trial, once it succeeded */
    struct submission *out;
};

/* intake_fields.c */
void request_check_template(struct request *r, const struct js *v, struct str at);
void request_check_stream(struct request *r, const struct js *v, struct str at);
void request_check_locale(struct request *r, const struct js *v, struct str at);
void request_check_data(struct request *r, const struct js *v, struct str at);
void request_check_send_at(struct request *r, const struct js *v, struct str at);
void request_check_priority(struct request *r, const struct js *v, struct str at);
void request_check_metadata(struct request *r, const struct js *v, struct str at);

/* intake_people.c */
void request_check_to(struct request *r, const struct js *v, struct str at);
void request_check_reply_to(struct request *r, const struct js *v, struct str at);

/* intake_order.c: order first, the others ask whether there is one */
void request_check_order(struct request *r, const struct js *v, struct str at);
void request_check_parcel(struct request *r, const struct js *v, struct str at);
void request_check_event(struct request *r, const struct js *v, struct str at);
void request_check_seq(struct request *r, const struct js *v, struct str at);
void request_check_occurred_at(struct request *r, const struct js *v, struct str at);

/* intake_attachments.c */
void request_check_attachments(struct request *r, const struct js *v, struct str at);

/* intake_values.c: what several checks need. Each is false where the value is absent or was found
 * faulty. */
bool request_text(
    struct request *r, const struct js *v, struct str at, size_t max_bytes, struct str *out);
bool request_token(
    struct request *r, const struct js *v, struct str at, size_t max_bytes, struct str *out);
bool request_integer(struct request *r, const struct js *v, struct str at, int64_t least,
    int64_t most, int64_t *out);
bool request_time(struct request *r, const struct js *v, struct str at, int64_t *out);
bool request_is_kind(struct request *r, const struct js *v, struct str at, enum js_kind kind);
/* True and a fault: text holds CR, LF or another control character. */
bool request_has_control(struct request *r, struct str text, struct str at);
void request_refuse_unknown(
    struct request *r, const struct js *object, struct str at, const char *const *known, size_t n);
void request_lacks(struct request *r, struct str at, const char *what);
size_t request_characters(struct str utf8);

/* intake_private.c */
struct str request_private(const struct request *r);

#endif
