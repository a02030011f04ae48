/* audit_print -- the report of check-dns as people and programs read it.
 * Lines fit 80 columns but for names that do not. Colour only where stdout is a terminal and NO_COLOR
 * is not set. One thread. */
#ifndef MAILER_CLI_AUDIT_PRINT_H
#define MAILER_CLI_AUDIT_PRINT_H

#include "dns/audit.h"
#include "mailer/cli/cli.h"

/* dns: who was asked, which is said where it is not what everybody would take it to be. */
void audit_print_text(const struct audit_report *r, const struct cli_dns *dns);
struct js *audit_resolver_json(const struct cli_dns *dns); /* {"from", "servers", "zone_files"} */
void audit_print_fixes(const struct audit_report *r);      /* zone lines alone */
void audit_print_codes(void);                              /* the table of docs/deliverability.md */

#endif
