/* probe_tls -- the TLS half of a probe: a handshake on a connection that has said STARTTLS, judged; then QUIT.
 * For probe*.c alone. As probe.h. */
#ifndef DNS_PROBE_TLS_H
#define DNS_PROBE_TLS_H

#include "dns/probe.h"

void probe_tls(int fd, int64_t until_ns, const struct probe_rules *rules, const char *host,
    struct arena *a, struct probe *out);

/* Until the descriptor is ready; false: not in time. */
bool probe_wait(int fd, short events, int64_t until_ns);

#endif
