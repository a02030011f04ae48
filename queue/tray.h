/* tray -- what came in a moment ago, kept in memory beside its rows until it is claimed.
 *
 * A submission with a handover lies here as the job that the claim will hand out: whoever claims it in this process reads, unseals
 * and renders nothing. The rows alone count: whatever is not here, or does not fit its row, comes from the store,
 * and a loss of all that lies here changes no mail.
 * Bounded: TRAY_BYTES for all of it, from before the first copy, which is the handover, until whoever claimed it is done; less
 *   TRAY_LANE_BYTES for each lane, which needs memory of its own, and at least TRAY_LEAST_BYTES. When they are used up what comes in is not kept, and what lies
 *   here stays: it is older, so it is claimed sooner. What was not claimed for TRAY_KEPT_MS gives way. A message above TRAY_ITEM_BYTES is not kept: it would displace hundreds.
 * Secrets: the plain texts lie in the process as long, and are overwritten when they go.
 * Erasure: when somebody was erased since the last look all goes; it is rare, and nobody must be looked for.
 * Only what may come to lie here has room: no submission that is due later or suppressed.
 * Ownership: an item belongs to its maker, to the tray between tray_put and tray_take, then to the taker. The tray's
 *   memory lives as long as the last item.
 * Threads: any. Errors: none. */
#ifndef QUEUE_TRAY_H
#define QUEUE_TRAY_H

#include "queue/store.h"
#include "queue/vault.h"

#define TRAY_BYTES ((size_t)128 << 20)
#define TRAY_LANE_BYTES ((size_t)64 << 10)
#define TRAY_LEAST_BYTES ((size_t)64 << 20)
#define TRAY_ITEM_BYTES ((size_t)1 << 20)
#define TRAY_KEPT_MS 600000

struct tray_item;

struct tray *tray_open(size_t lanes, struct metrics *m_or_null);
void tray_close(struct tray **t);

/* Whatever is handed over with s. */
bool tray_has_room(struct tray *t, const struct submission *s, int64_t now_ms);
/* Memory for what is handed over with s (queue.h, queue_handover_new); NULL when it would not be kept. */
struct handover *tray_handover_new(
    struct tray *t, const struct submission *s, size_t bytes, int64_t now_ms);
/* A copy of all that the job needs; NULL when it is not to be kept. To be made before the person's key is asked for, so that
 * an erasure between the two is not missed. */
struct tray_item *tray_item_new(struct tray *t, const struct submission *s, int64_t now_ms);
void tray_item_close(struct tray_item **i);
/* The person's key goes with the job. It holds as long as nobody was erased: while the vault's count is `erasures`. */
struct job_key {
    struct vault_key key;
    int64_t erasures;
};
void tray_item_keep_key(struct tray_item *i, const struct vault_key *k);

/* The row is on disk: takes the item over. Before the submit is answered, and before any claim that follows it. */
void tray_put(struct tray *t, struct tray_item **i, const struct store_placed *row);
/* The item whose row was leased, NULL when there is none that fits it. */
struct tray_item *tray_take(
    struct tray *t, const char *storefront, const char *destination, const struct store_lease *l);
/* Fills in what the lease says; the rest of the job is the item's. */
const struct job *tray_item_job(
    struct tray_item *i, const struct store_lease *l, int64_t lease_until_ms);

/* Its row waits no more, or not as it was put. */
void tray_forget(struct tray *t, const char *storefront, const char *id);
void tray_sweep(struct tray *t, int64_t now_ms);
/* `n`: the vault's count, read after the rows were leased whose items are to be taken. */
void tray_mind_erasures(struct tray *t, int64_t n);

#endif
