/* facts -- an attempt as the journal keeps it: why it was allowed, how it was signed, whom it reached, what was said.
 * A JSON object without anything personal: the server's own words, which may name the recipient, are not in it.
 *   {"comply": {...}, "gate": {"answer", "code", "dmarc", "policy", "policy_domain", "dkim_aligned", "stale"},
 *    "bundle": hex, "dkim": ["selector", ...], "mx": host, "ip": text, "tls": "TLSv1.3" or "", "tls_verified",
 *    "tls_doubt", "phase", "code", "status", "reason", "fault", "rule", "rules", "trouble", "took_ms"}
 * Members that do not apply are absent; `reason` is the verdict's, else the settlement's. Written as JS_CANONICAL is. The text lies in the arena. Any thread. */
#ifndef MAILER_DELIVER_FACTS_H
#define MAILER_DELIVER_FACTS_H

#include "mailer/deliver/attempt.h"

struct str facts_write(const struct attempt *t, const char *reason, struct arena *a);

#endif
