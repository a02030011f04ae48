/* zone_read -- one zone file, of one zone or several, as a sorted, immutable table of records. Counted, so that a reader
 * keeps the version it began with while a newer one takes its place. */
#ifndef DNS_ZONE_READ_H
#define DNS_ZONE_READ_H

#include "dns/rr.h"

#include <sys/stat.h>

struct zone_stamp { /* which version of the file */
    struct timespec modified;
    off_t size;
    ino_t inode;
};
struct zone_stamp zone_stamp_of(const struct stat *st);
bool zone_stamp_equal(const struct zone_stamp *a, const struct zone_stamp *b);

struct zone_apex { /* where a SOA stands */
    const char *name;
    struct str soa;
    uint32_t negative_ttl_s;
};

struct zone_content {
    struct zone_apex *apexes; /* one at least */
    size_t apexes_n;
    struct rr *rrs; /* by name_order of the owner, those of one owner in the file's order */
    size_t n;
    struct arena *arena;
    _Atomic size_t users;
};

/* The longest of its zones that holds the name; NULL: none. */
const struct zone_apex *zone_apex_of(const struct zone_content *c, const char *name);

/* Compares names from their ends, so that everything below a name follows it at once. */
int zone_name_order(const char *a, const char *b);

/* *stamp is set also when reading fails. */
bool zone_read(
    const char *path, struct zone_content **out, struct zone_stamp *stamp, struct err *e);
void zone_content_close(struct zone_content **c); /* drops one user */

#endif
