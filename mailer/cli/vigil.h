/* vigil -- what check-dns saw the last time, kept in a file, and what has changed since.
 *
 * A finding is known by its code and name; it has changed where its severity or evidence did. What could
 * not be checked this time stays as it was, with all of its kind (SPF-...) where the DNS is the reason: an
 * unanswered question is no news, but that the DNS stopped answering where an error might be found, and that it answers
 * again. A domain that the file does not have is looked at for the first time; where the DNS does
 * not answer then and nothing is found, that is told once and nothing else kept, so that what stood there all the time is not told as new later.
 * Shapes: the file is JSON, {"watch": 1, "domains": {"shop.example": {"verdict", "findings": [...], "unanswered", "silent"}}}.
 * Ownership: what a change points to lies in the arena, in the watch or in the reports.
 * Errors: ERR_INPUT with what to do where the file is damaged or of a newer version; those of file_read
 * (a file that is not there is an empty one) and of writing. One thread.
 * Limits: files up to 16 MiB. */
#ifndef MAILER_CLI_VIGIL_H
#define MAILER_CLI_VIGIL_H

#include "base/json.h"
#include "mailer/cli/checkup.h"

struct vigil;

bool vigil_open(const char *path, struct vigil **out, struct err *e);
void vigil_close(struct vigil **v);

struct vigil_pair {
    const struct audit_finding *now;                       /* NULL: gone */
    const char *code, *name, *severity, *title, *evidence; /* as they were; "" for a new one */
};

enum vigil_dns { DNS_AS_BEFORE, DNS_FELL_SILENT, DNS_ANSWERS_AGAIN };

struct vigil_change { /* of one domain */
    const char *domain;
    const struct checkup *checkup; /* NULL: the settings do not have the domain any more */
    bool first;                    /* nothing was known of it */
    bool unanswered;    /* nor is now: the DNS failed where an error might have been found */
    enum vigil_dns dns; /* where an error might be found */
    const char *verdict_before; /* "" = as it was */
    struct vigil_pair *fresh, *gone, *changed;
    size_t fresh_n, gone_n, changed_n;
};

/* The domains with changes, in the order given; `every`: these are all there are, and others are to be
 * forgotten. The watch now holds the new state. */
size_t vigil_compare(struct vigil *v, const struct checkup *all, size_t n, bool every,
    struct arena *a, struct vigil_change **out);
/* Something else was found than before; what the DNS alone does is none of it, nor a first look. */
bool vigil_has_found(const struct vigil_change *c);
/* Writes the file, whole or not at all. */
bool vigil_save(const struct vigil *v, struct err *e);

#endif
