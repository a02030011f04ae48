/* audit_takeover -- names that do not exist, on which a domain's mail rests: can a stranger become their owner?
 * A name is open when the name that would have to be registered above it (suffix.h) does not exist either. Where
 * the DNS does not say, it is not known, never "safe". For audit*.c alone; threads as in inside.h. */
#ifndef DNS_AUDIT_TAKEOVER_H
#define DNS_AUDIT_TAKEOVER_H

#include "dns/audit/inside.h"

/* Collects the dead names that the facts show; each waits for audit_ask_estate, a task on one of them. */
void audit_list_estates(struct audit_case *c);
void audit_ask_estate(struct crew_member *m, void *subject);

/* The estate that a question without answer leads to; NULL: what it leads to exists, or cannot be registered. */
const struct audit_estate *audit_estate_of(
    const struct audit_case *c, const struct audit_question *q);
bool audit_estate_is_open(const struct audit_estate *e);

/* "gone.example does not exist, and anybody can register it" */
struct said audit_estate_words(struct audit_case *c, const struct audit_estate *e);

#endif
