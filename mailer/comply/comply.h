/* comply -- may this mail go to this person now, and why? Asked at submit and again at the moment of sending.
 *
 * Today the answer rests on suppressions: (person, scope, reason). A mail is concerned by scope "*", by its
 * stream's name and by its stream's class ("class:marketing"). Rule 5 of the design decides what may be there;
 * here it is only asked. Consent joins through the same answer later.
 * Every answer carries the rule and its evidence for the journal (comply_facts).
 * Errors: the queue's; then nobody may send (the caller defers). Any thread. */
#ifndef MAILER_COMPLY_COMPLY_H
#define MAILER_COMPLY_COMPLY_H

#include "base/conf.h"
#include "base/json.h"
#include "mailer/mime/token.h"
#include "queue/queue.h"

#define COMPLY_RULES_VERSION "2026-11-21"

struct comply_answer {
    bool allowed;
    char reason[48]; /* of the suppression that forbids, e.g. "hard-bounce"; "" when allowed */
    char rule[32]; /* "no-suppression", "suppressed-all", "suppressed-class", "suppressed-stream" */
    char scope[80];
    char evidence[64]; /* message id or journal reference of the suppression, "" = none */
    int64_t since_ms;
};

bool comply_ask(struct queue *q, const char *storefront, const char *stream,
    enum stream_class class, struct str address, struct comply_answer *out, struct err *e);
/* For the journal's facts; nothing personal. */
struct js *comply_facts(const struct comply_answer *answer);

/* What a suppression may be for; anything else would stop nothing. */
bool comply_scope_is_known(const struct conf_storefront *s, struct str scope);
/* Them all, with the streams that the storefront has; of very many the first. For people. */
void comply_scopes(const struct conf_storefront *s, struct buf *out);
/* What a suppression's reason may be called, by whoever makes one. */
#define COMPLY_REASON_RULE "1 to 47 of a-z, 0-9 and \"-\""
bool comply_reason_is_valid(struct str reason);

/* What a filter asks for that no suppression has: an empty answer to it would read as "there are none". `*wrong` is the field,
 * "scope", "reason", "origin" or "until", and `right` says what it may be; "" = nothing is wrong. A scope or reason that nobody could
 * give today is right where some row has it. */
bool comply_check_filter(struct queue *q, const struct conf_storefront *s,
    const struct suppression_filter *f, const char **wrong, struct buf *right, struct err *e);

/* ---- unsubscribe ----------------------------------------------------------------------------- */

enum unsubscribe_method { UNSUBSCRIBE_ONE_CLICK, UNSUBSCRIBE_PAGE };
enum unsubscribe_result { UNSUBSCRIBED, UNSUBSCRIBED_BEFORE, UNSUBSCRIBE_UNKNOWN };

/* Suppresses the token's person for its stream (all: for "class:marketing"). Repeats and unknown
 * tokens are no errors: the caller answers all three alike (no oracle). */
bool comply_unsubscribe(struct queue *q, const struct keyring *k, struct str token,
    enum unsubscribe_method method, bool all, enum unsubscribe_result *out, struct err *e);

/* ---- exports --------------------------------------------------------------------------------- */

enum export_format { EXPORT_CSV, EXPORT_JSON_LINES };
struct export
{
    enum export_format format;
    bool with_addresses;              /* else the person's hash */
    struct suppression_filter filter; /* after_row and max are ignored: all rows that match */
    const char *actor, *why;
};
/* Calls write with pieces of the file (RFC 4180, UTF-8, CRLF; cells that a spreadsheet would run
 * are made text; or one JSON object a line), in row order, and notes the export in the journal with
 * filter and count. */
bool comply_export_suppressions(struct queue *q, const char *storefront, const struct export *x,
    bool (*write)(void *context, struct str piece, struct err *e), void *context, uint64_t *rows,
    struct err *e);
void comply_csv_cell(struct buf *out, struct str cell); /* quoted where needed and formula-safe */

#endif
