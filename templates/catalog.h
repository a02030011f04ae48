/* catalog -- the texts of one locale, compiled.
 *
 *   {
 *     "footer.questions": "Questions? Write to {{brand.support_url}}.",
 *     "refund.days": {"plural": "refund.days", "one": "in {{refund.days}} day", "other": "in {{refund.days}} days"}
 *   }
 *
 * Every text is a template over the mail's data. An entry with "plural" has one text for each form
 * that CLDR tells apart in its locale; the named variable's number chooses.
 * Ownership: catalog_close frees.
 * Errors: ERR_INPUT naming file and key.
 * Threads: a compiled catalog is immutable. */
#ifndef TEMPLATES_CATALOG_H
#define TEMPLATES_CATALOG_H

#include "templates/format.h"
#include "templates/template.h"

struct catalog;

/* `entries` is the JSON object above. Messages name `file`, or of an entry what `files` has under its key, which may
 * be NULL. */
bool catalog_compile(const char *file, const struct js *files, const char *locale,
    const struct js *entries, struct catalog **out, struct err *e);
void catalog_close(struct catalog **c);

bool catalog_has(const struct catalog *c, struct str key);

/* The text of a key for the place where rendering stands; NULL = no such key. A plural variable that is no whole
 * number takes "other". */
const struct template *catalog_text(
    const struct catalog *c, const struct format *f, const struct scope *at, struct str key);

/* The text of a key that has one form; NULL = no such key, or the data chooses. */
const struct template *catalog_only_text(const struct catalog *c, struct str key);

/* Tells what the texts of one key use, the plural variable too. */
bool catalog_uses(
    const struct catalog *c, struct str key, template_see *see, void *context, struct err *e);

#endif
