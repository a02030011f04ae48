/* bundle -- the pinned form of a mail: canonical JSON, so that equal content has equal bytes.
 *
 *   {"bundle": 1, "name", "stream", "brand": {...}, "variables": {...},
 *    "locale": the catalog's ("en"), "format": that of dates, numbers and amounts ("en-GB"; absent: as the catalog's),
 *    "parts": {"subject", "preheader", "html", "text"}, "partials": {...}, "catalog": {...}}
 *
 * Only what the mail uses goes in, so that a change to another mail's texts leaves the hash alone.
 * A bundle of an older version stays readable for as long as messages may wait with it. */
#ifndef TEMPLATES_BUNDLE_H
#define TEMPLATES_BUNDLE_H

#include "base/arena.h"
#include "templates/mails.h"

#define BUNDLE_VERSION 1
#define BUNDLE_BYTES_MAX (1u << 20)

enum part { PART_SUBJECT, PART_PREHEADER, PART_HTML, PART_TEXT, PARTS };

extern const char *const part_names[PARTS];

/* A mail as it lies on the shelf. */
struct shelved {
    const char *name, *folder, *stream, *events, *supersedes;
    const struct js *variables;
    struct str parts[PARTS];
    struct js *used_partials; /* names as members: a set */
    struct js *used_keys;
};

/* Refuses a brand whose colour is not #rrggbb or whose links are not https. */
bool brand_check(const struct brand *b, struct err *e);

struct bundle_language {
    const char *locale, *format;
    const struct js *catalog;
};
bool bundle_write(const struct shelved *mail, const struct js *partials,
    const struct bundle_language *language, const struct brand *b, struct buf *out, struct err *e);

/* The brand of a bundle, its texts in the arena; and the same as templates see it, {"brand": {...}}. */
void brand_read(const struct js *bundle, struct arena *a, struct brand *out);
struct js *brand_for_templates(const struct brand *b);

#endif
