/* sqlite_news -- what seldom changes in queue.db and is asked for each message: API keys, and who is suppressed.
 * Answers are as of the moment of the question: whatever a queue committed before it counts, in this process or another.
 * A row of suppression that was made to name another person by hand, or put in under a number not above the last, counts
 * from the next start.
 * How: what is remembered holds while nobody has committed (sqlite_pool_stamp), and through commits of our own writer that
 * did not touch it.
 * Errors: as reads (sqlite.h). Threads: any; begun and ended belong to the one that applies. */
#ifndef QUEUE_SQLITE_NEWS_H
#define QUEUE_SQLITE_NEWS_H

#include "queue/keyed.h"
#include "queue/sqlite.h"

struct sqlite_news;

struct sqlite_news *sqlite_news_open(struct sqlite_pool *readers); /* which it borrows */
void sqlite_news_close(struct sqlite_news **n);

/* How often an API key was made or changed. */
bool sqlite_news_key_changes(struct sqlite_news *n, int64_t *out, struct err *e);
/* *out = false: nobody has ever suppressed this person; else the table must be asked. */
bool sqlite_news_may_be_suppressed(
    struct sqlite_news *n, const struct keyed *who, bool *out, struct err *e);

void sqlite_news_begun(struct sqlite_news *n, const struct sqlite *writer, struct sqlite_turn *out);
/* What the transaction added is told in any doubt. */
void sqlite_news_ended(
    struct sqlite_news *n, const struct sqlite_turn *t, bool keys_changed, bool suppressed);

#endif
