/* vault_news -- what is asked of keys.db for each message and seldom needs a read: whether anybody has erased a key, and who
 * is surely new.
 * An erasure counts from its commit on, in this process or another. A person is new when no key of his stood in the file as this
 * process read it, and it made none since; another process may have met him later, and then he gets a second key, as when
 * both meet him at the same moment.
 * Errors: as reads (sqlite.h). Threads: any; begun and ended belong to whoever holds the vault's write lock. */
#ifndef QUEUE_VAULT_NEWS_H
#define QUEUE_VAULT_NEWS_H

#include "queue/keyed.h"
#include "queue/sqlite.h"

struct vault_news;

struct vault_news *vault_news_open(struct sqlite_pool *readers); /* which it borrows */
void vault_news_close(struct vault_news **n);

/* How often keys were erased. */
bool vault_news_erasures(struct vault_news *n, int64_t *out, struct err *e);
bool vault_news_count(
    struct sqlite *db, int64_t *out, struct err *e); /* as this connection sees it */

bool vault_news_is_new(struct vault_news *n, const struct keyed *who, bool *out, struct err *e);
void vault_news_made(struct vault_news *n, const struct digest *person);

/* Around a transaction that erases nothing: so many erasures were counted in it. */
void vault_news_begun(struct vault_news *n, const struct sqlite *writer, struct sqlite_turn *out);
void vault_news_ended(struct vault_news *n, const struct sqlite_turn *t, int64_t erasures);

#endif
