/* audit_print -- the report of check-dns as people and programs read it.
 * Lines fit 80 columns but for names that do not. Colour only where stdout is a terminal and NO_COLOR
 * is not set. The reports given are told in the tongue given already, but not
 * the changes; zone lines and the table of codes are
 * English always. One thread. */
#ifndef MAILER_CLI_AUDIT_PRINT_H
#define MAILER_CLI_AUDIT_PRINT_H

#include "mailer/cli/checkup.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/tongue.h"
#include "mailer/cli/vigil.h"

/* dns: who was asked, which is said where it is not what everybody would take it to be. */
void audit_print_text(const struct checkup *c, const struct cli_dns *dns, struct tongue *t);
void audit_print_asked(
    const struct checkup *all, size_t n, const struct cli_dns *dns, struct tongue *t);
struct js *audit_resolver_json(const struct cli_dns *dns); /* {"from", "servers", "zone_files"} */

/* One line for each, in the order given. */
void audit_print_summary(
    const struct checkup *all, size_t n, const struct cli_dns *dns, struct tongue *t);
/* Zone lines alone: one record set for each name and type, in the order of findings. */
void audit_print_fixes(const struct checkup *all, size_t n);

/* A finding whole; `before` stands in front of its severity. */
void audit_print_finding(const char *before, const struct audit_finding *f, struct tongue *t);
/* path: of the watch, for a first look. */
void audit_print_changes(
    const struct vigil_change *all, size_t n, const char *path, struct tongue *t);
/* Without a tongue in English. */
struct js *audit_changes_json(const struct vigil_change *all, size_t n, const struct cli_dns *dns,
    struct tongue *tongue_or_null);

void audit_print_codes(void); /* the table of docs/deliverability.md */

#endif
