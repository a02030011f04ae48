/* audit_words -- whether every sentence of a report can be told in another language: it has a key, and its
 * English has all of its values and no placeholder left over. */
#ifndef TESTS_DNS_AUDIT_WORDS_H
#define TESTS_DNS_AUDIT_WORDS_H

#include "dns/audit/audit.h"

/* Fails the running test at the first one that cannot. */
void words_check(const struct audit_report *r);

#endif
