/* dkim_source -- the key records that `dkim verify` asks the DNS for, judged by dns/dkim_record.
 * Where a selector has several records, verifiers may try each of them (RFC 6376 s6.1.2): verifying is repeated
 * with the next one until all pass, SOURCE_TRIES_MAX times at most.
 * Ownership: results lie in the arena. One thread. */
#ifndef MAILER_CLI_DKIM_SOURCE_H
#define MAILER_CLI_DKIM_SOURCE_H

#include "dns/resolver.h"
#include "mailer/mime/dkim.h"

#define SOURCE_TRIES_MAX 4

bool dkim_source_verify(struct dkim *d, struct resolver *r, struct str mail, struct arena *a,
    struct dkim_result **out, size_t *n, struct err *e);

#endif
