/* sqlite_refs -- where things stand that are looked up by a keyed hash, which is a random key: persons, parcels and
 * idempotency keys.
 *
 * An index with random keys costs each message a page of its own. So the row that a hash belongs to is written at once, at the
 * end of its table, and its entry in the index later: entries gather here and go over together with their neighbours, one
 * piece of the index after the other, all within so many rows. Whoever asks for a hash first lets what waits of it be written
 * (refs_bring); from then on the index alone answers. A process that starts gathers anew from the rows behind those of which
 * the table meta says that all are in the index; one that sees that another wrote, from what it has not seen.
 *
 * Keys are the first eight bytes of the hash: the index finds candidates, the row is compared.
 * Threads: as sqlite_inside.h. */
#ifndef QUEUE_SQLITE_REFS_H
#define QUEUE_SQLITE_REFS_H

#include "queue/sqlite.h"

enum ref_kind { REF_PERSON, REF_PARCEL, REF_IDEMPOTENCY, REF_KINDS };

#define REF_KEY 8
struct ref_key {
    uint8_t b[REF_KEY];
};

struct ref {
    struct ref_key k;
    int64_t n;    /* of the row */
    int64_t more; /* parcel: its seq; idempotency: the place of its day */
};

struct refs;

struct refs *refs_open(struct sqlite *db);
void refs_close(struct refs **r);

/* Before the write lock is taken, when others wrote or nothing is known: reads what is committed, so that under the lock only
 * what came since is left to read. After a start, or a long rest, that is many rows, and all who write wait for the lock. */
bool refs_look_ahead(struct refs *r, enum ref_kind kind, struct err *e);
/* A transaction begins; others_wrote: another process did since the last one, or nothing is known. */
void refs_begin(struct refs *r, bool others_wrote);
/* It was rolled back, or did not begin: what waited before it waits again. */
void refs_undo(struct refs *r);
bool refs_end(struct refs *r, struct err *e);
void refs_committed(struct refs *r);

/* To be called before rows are inserted for which refs_add or refs_pass is called next. */
bool refs_ready(struct refs *r, struct err *e);
bool refs_bring(struct refs *r, enum ref_kind kind, const struct ref_key *k, struct err *e);
void refs_add(struct refs *r, enum ref_kind kind, const struct ref *ref);
void refs_pass(struct refs *r, enum ref_kind kind, int64_t n); /* row n has nothing of the kind */

struct ref_key ref_of(const struct digest *hash);
struct ref_key ref_of_parcel(const struct digest *order, const struct digest *parcel);
void ref_bind(struct sql *q, int column, const struct ref_key *k); /* borrowed until sql_done */

#endif
