/* shelf -- what lies in the template folders, read whole; private to mails.c and needs.c.
 *
 *   DIR/mails/NAME/mail.json, subject.mustache, preheader.mustache, html.mustache, text.mustache
 *   DIR/mails/partials/NAME.mustache
 *   DIR/locales/TAG.json
 *
 * Of several folders the first that has a mail, a partial or a catalog entry wins. Names of files are those of
 * [A-Za-z0-9_.-] that begin with a letter or digit; others are passed over. */
#ifndef TEMPLATES_SHELF_H
#define TEMPLATES_SHELF_H

#include "templates/bundle.h"
#include "templates/mails.h"

struct shelved_locale {
    const char *tag, *file;     /* the first one */
    struct js *entries, *files; /* key -> what it says, and the file that says it */
    const char *full;           /* "en-Latn-US"; "" where the tag has no such form */
};

/* A locale that dates, numbers and amounts can be written in, of some catalog's language. */
struct written {
    const char *tag, *full; /* "en-GB", "en-Latn-GB" */
    struct written *next;
};

struct mails {
    struct arena *arena;
    struct shelved *mails; /* sorted by name */
    size_t n;
    struct js *partials;            /* name -> text */
    struct js *partial_files;       /* name -> path */
    struct shelved_locale *locales; /* sorted by tag */
    size_t locales_n;
    struct written *written;
    struct js *declarations; /* keeps the mails' variables */
};

/* Fills m from the folders. */
bool shelf_read(struct mails *m, const char *const *dirs, size_t n, struct err *e);

/* Compiles everything once, finds which partials and catalog keys each mail uses, and refuses names that exist in
 * no partial, in not every locale, or in no declaration. */
bool shelf_check(struct mails *m, struct err *e);

#endif
