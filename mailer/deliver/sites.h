/* sites -- the places that lanes serve now, and how many lanes are at each.
 *
 * A lane there is unclaimed until it has claimed, and silent until its server has decided a mail. Found by hash, so that a
 * thousand lanes cost no walk. Owns nothing of the desk's. Cannot fail. Threads: the desk's lock guards it. */
#ifndef MAILER_DELIVER_SITES_H
#define MAILER_DELIVER_SITES_H

#include "mailer/deliver/desk.h"

struct sites;

struct site {
    struct place place;
    size_t here, unclaimed, silent; /* lanes */
    struct site *next;              /* in its bucket, or of the free ones */
};

uint64_t place_hash(const struct place *p);
bool place_equal(const struct place *a, const struct place *b);

struct sites *sites_open(size_t lanes); /* as many sites as lanes */
void sites_close(struct sites **s);
const struct site *sites_find(
    const struct sites *s, const struct place *p); /* NULL: nobody is there */

/* A lane's stay. Where it is changes by these alone. */
struct stay {
    struct site *site; /* NULL: nowhere */
    bool unclaimed, silent;
};
void stay_begin(struct sites *s, struct stay *at, const struct place *p);
void stay_claimed(struct stay *at);
bool stay_answered(struct sites *s, struct stay *at); /* false: it was not silent any more */
void stay_end(struct sites *s, struct stay *at);

size_t sites_busy(const struct sites *s); /* lanes that are somewhere */
size_t sites_silent(const struct sites *s);

#endif
