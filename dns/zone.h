/* zone -- zone files as an authority: what `--zone FILE` answers.
 *
 * A zone answers at and below its SOA: wildcards by RFC 4592, an absent name NXDOMAIN, an empty
 * non-terminal NODATA, CNAMEs as aliases, a DNAME as an alias for each name below it. Names at or
 * below a delegation (NS records under the apex) are not this file's to answer, just as no server
 * of the zone would: they go to the resolver's servers, except the question for the NS themselves.
 * Of several zones, in one file or in several, the one with the longest name answers. The first
 * `drafts_n` files may hold a zone that a later file has too: then theirs answers.
 *
 * A file is looked at (one stat) at each question and read again when its time, size or inode
 * changed; when the new version cannot be read, the old content goes on answering and zones_faults
 * tells why.
 *
 * Errors: ERR_INPUT with file and line, ERR_IO.
 * Threads: any; no lock is held while a file is read.
 * Limits: regular files up to 64 MiB. Not supported and refused: $INCLUDE, $GENERATE, records
 * outside of the file's zones, a SOA at "@" where nothing says what that is. */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "dns/step.h"

struct zones;

bool zones_open(
    const char *const *paths, size_t n, size_t drafts_n, struct zones **out, struct err *e);
void zones_close(struct zones **z);

/* False: no zone here is authoritative for this name. */
bool zones_step(
    struct zones *z, const char *name, enum dns_type type, struct arena *a, struct dns_step *out);

bool zones_faults(struct zones *z, struct buf *out); /* see resolver_zone_faults */

#endif
