/* mails -- the post room's mails: their parts, variables, languages and brand, pinned by content.
 *
 * A *mail* is a folder: mail.json (its metadata), subject.mustache, preheader.mustache,
 * html.mustache, text.mustache. mail.json declares every variable with its type, so that a request
 * with a missing or wrong one is refused at submit, all of them at once, and so that
 * {{order.total}} is formatted for the locale:
 *
 *   { "stream": "transactional", "events": ["shipped"], "supersedes": ["delayed"],
 *     "variables": { "order.total": {"type": "money"}, "items": {"type": "list", "of": {...}} } }
 *
 *   types: text, url (https only), integer, money ({"amount": "12.50", "currency": "EUR"}: the
 *   amount is a string, never a JSON real), date ("2026-11-21" or RFC 3339), datetime, flag, list,
 *   object; "optional": true where it may be absent. variables.h says the rest.
 *
 * {{t.key}} is the catalog's text for the mail's locale, itself a template over the same data; a
 * catalog entry with plural forms names the variable that chooses (CLDR rules through ICU).
 * {{brand.*}} is the storefront's. Layouts and other partials shared by mails lie in
 * mails/partials/.
 *
 * A *bundle* is everything that renders one mail in one locale for one storefront, in one
 * deterministic piece of bytes: parts, partials, catalog entries, brand. Its SHA-256 pins it: a
 * message keeps the hash, the queue keeps the bytes, and every retry renders the same. Bundles hold
 * nothing personal.
 *
 * Ownership: mails_open reads the folders whole; mails_close frees. A struct mail is compiled from
 * a bundle's bytes and is immutable.
 * Threads: all of it may be read by many.
 * Sizes: a bundle up to 1 MiB. Source of plural, number and date forms: ICU 72 (CLDR 42). */
#ifndef TEMPLATES_MAILS_H
#define TEMPLATES_MAILS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/json.h"

/* ---- the shelf: what is on disk -------------------------------------------------------------- */

struct mails;

/* dirs: each holds mails/ and locales/ as templates/ of this tree does; looked at in order, the first
 * that has a mail, a partial or a catalog entry of that name wins. Every part and catalog is compiled,
 * every catalog key that a part uses must exist in every locale, every variable in mail.json and every
 * partial in mails/partials: a fault is ERR_INPUT naming the file. A folder that has neither, and no mails at
 * all, are ERR_MISSING. */
bool mails_open(const char *const *dirs, size_t n, struct mails **out, struct err *e);
void mails_close(struct mails **m);

struct mail_info {
    const char *name, *stream; /* stream as mail.json says: "transactional" or "marketing" */
    const char *events;        /* separated by spaces */
    const char *supersedes;
};
/* False: no such mail. */
bool mails_info(const struct mails *m, const char *name, struct mail_info *out);
size_t mails_count(const struct mails *m);
const char *mails_name(const struct mails *m, size_t i);

/* The locale that a mail is pinned to for a BCP 47 tag: its language by the nearest catalog ("de-AT" is served by
 * de.json), its dates, numbers and amounts as its own region writes them where ICU knows how ("de-AT"), else as the
 * catalog's does; else the same for `fallback`, else for "en". Lives as long as m; there are a few hundred at most. */
const char *mails_locale(const struct mails *m, struct str wanted, struct str fallback);

struct brand { /* "" where absent */
    const char *name, *url, *support_url, *postal_address, *colour;
    const char *from, *reply_to;   /* header values, pinned with the rest */
    const char *logo_content_type; /* "" = no logo */
    struct digest_hex {
        char s[65];
    } logo; /* content hash of the logo, "" = none */
};

/* Appends the bundle's bytes. The same inputs give the same bytes. `locale` is one of mails_locale's. */
bool mails_bundle(const struct mails *m, const char *name, const char *locale,
    const struct brand *b, struct buf *out, struct err *e);

/* ---- one mail, compiled from its bundle ------------------------------------------------------ */

struct mail;

bool mail_compile(struct str bundle, struct mail **out, struct err *e);
void mail_close(struct mail **m);

/* Checks the data against the declared variables; pointers begin with `at` (e.g. "/data"). Codes:
 * variable-missing, variable-type, variable-value, variable-unknown (a name that mail.json has not). */
void mail_check(const struct mail *m, const struct js *data, struct str at, struct faults *faults);

/* What only the sending knows; "" where it does not apply. */
struct mail_links {
    struct str unsubscribe_url;
};

struct mail_parts { /* owned; mail_parts_close */
    struct buf subject, preheader, html, text;
    struct buf literals; /* what of html stands in the mail itself, for mail_pack_html */
};
/* Strict: an absent variable is ERR_INPUT. On failure out is empty. Subject and preheader are one line
 * without line breaks and tabs. */
bool mail_render(const struct mail *m, const struct js *data, const struct mail_links *links,
    struct mail_parts *out, struct err *e);
void mail_parts_close(struct mail_parts *p);

/* The HTML in few bytes, for whoever has the mail too: it unpacks with one that was compiled from the same bundle. Both append. */
void mail_pack_html(const struct mail_parts *p, struct buf *out);
bool mail_unpack_html(const struct mail *m, struct str packed, struct buf *out, struct err *e);

const char *mail_locale(const struct mail *m); /* as mails_locale gave it */
const struct brand *mail_brand(const struct mail *m);

#endif
