/* dns_log -- what the log of `serve` says about where its DNS comes from.
 * Errors: none; what is wrong is what is logged. One thread, beside those that ask. */
#ifndef MAILER_CLI_DNS_LOG_H
#define MAILER_CLI_DNS_LOG_H

#include "base/conf.h"
#include "dns/resolver.h"

/* One warning when no resolver of the settings answers a first question: mail would wait, and nobody know why. Takes
 * up to 2 s. Call it for a service only: a sandbox has zone files for everything. */
void dns_log_silence(const struct conf *c, struct resolver *r);

/* A zone file that was changed and cannot be read goes on answering as it did: somebody must know. told is what was
 * said last, so that each fault is said once. */
void dns_log_zone_faults(const struct resolver *r, struct buf *told);

#endif
