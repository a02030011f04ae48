/* dkim_rotate -- `dkim rotate`: a new key takes an old one's place, step by step (rotation.h).
 * Every run does what may be done now and says what is waited for, so that cron may call it.
 * Exit codes: 0 went on, or nothing to do; 1 not yet; 2 could not tell. */
#ifndef MAILER_CLI_DKIM_ROTATE_H
#define MAILER_CLI_DKIM_ROTATE_H

#include "dns/audit/audit.h"
#include "mailer/cli/cli.h"
#include "mailer/mime/rotation.h"

int dkim_rotate(struct cli *c); /* operands: none, start, status, cancel or back */

/* One rotation of the settings' keys. */
struct rotation_found {
    struct rotation rotation;
    const char *path;       /* of its state */
    const char *storefront; /* the first that names one of its keys */
    const char *key_file;   /* of that section */
};
/* All of them, or those of one storefront (NULL: all) and, where it is given, of one selector, old or new.
 * Those in the arena; a state that cannot be read is an error. */
bool rotations_of(const struct conf *conf, const char *storefront, const char *selector,
    struct arena *a, struct rotation_found **out, size_t *n, struct err *e);
/* Those that concern out->domain, for its audit; storefront: NULL: of all. */
bool rotations_for_audit(const struct conf *conf, const char *storefront, struct arena *a,
    struct audit_setup *out, struct err *e);

#endif
