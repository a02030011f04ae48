/* view -- a message and its timeline as the API shows them. Also rows of the journal for /v1/events.
 * Ownership: *out is the caller's to close. Errors: ERR_CORRUPT when stored JSON does not parse. */
#ifndef MAILER_HTTP_VIEW_H
#define MAILER_HTTP_VIEW_H

#include "base/json.h"
#include "queue/queue.h"

bool view_message(const struct message_view *m, const struct journal_row *rows, size_t n,
    struct js **out, struct err *e);
/* with_personal: the receiver's reply too, which may name the recipient. */
struct js *view_journal_row(const struct journal_row *row, bool with_personal);
void view_set_time(struct js *object, const char *key, int64_t ms); /* RFC 3339, null for 0 */

#endif
