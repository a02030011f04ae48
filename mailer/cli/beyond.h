/* beyond -- what check-dns asks of others than the domain's own DNS, and only when told to: lists of senders of
 * spam, and the mail hosts themselves.
 * Ownership: lies in the command's arena. One thread. */
#ifndef MAILER_CLI_BEYOND_H
#define MAILER_CLI_BEYOND_H

#include "base/conf.h"
#include "dns/audit/audit.h"
#include "mailer/cli/cli.h"

/* clang-format off */
#define BEYOND_OPTIONS                                                                             \
    {"dnsbl", NULL, "ask lists of senders of spam about addresses and domain"},                    \
    {"dnsbl-zone", "[names:]ZONE", "ask this list instead, of addresses or of names; may be repeated"}, \
    {"probe", NULL, "connect to the domain's mail hosts and look at their TLS; nothing is delivered"}
/* clang-format on */

/* conf: NULL where there are no settings. */
bool beyond_take(struct cli *c, const struct conf *conf, struct audit_setup *setup, int *exit_code);

#endif
