/* sqlite_head -- the head of a write-ahead log's index, read in place: whether anybody has committed since.
 *
 * Every process that has the database open shares the index, and each commit, of whomever, writes its head (48 bytes, twice)
 * before it returns. So a head that is the same as before says that nobody has committed since, at the price of looking at
 * 96 bytes; a statement that asks the same takes and gives back locks of the system.
 * One number behind it is written here, too: how much of the log is in the database.
 * Errors: none. Any thread.
 * Source: SQLite, "WAL-mode File Format", section 2.1. */
#ifndef QUEUE_SQLITE_HEAD_H
#define QUEUE_SQLITE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#define SQLITE_HEAD_WORDS 12

struct sqlite_head {
    uint32_t word[SQLITE_HEAD_WORDS];
};

/* False: a commit is writing it just now, one died while it did, or it has a form that this file does not know. */
bool sqlite_head_read(const volatile uint32_t *at, struct sqlite_head *out);

/* Where it lies, of an open file; NULL where there is none. Mapped already where the connection has read of a database in WAL mode. */
struct sqlite3_file;
volatile uint32_t *sqlite_head_at(struct sqlite3_file *file_or_null);

/* Behind the two copies stands how many of the log's pages are written back. From now on it is none: the next checkpoint writes each
 * again, who begins to read takes them from the log, and the log does not begin anew before. Who reads the database alone
 * by now keeps his lock, which checkpoints respect. False as above, and while another checkpoint runs. */
bool sqlite_head_write_back_anew(struct sqlite3_file *file_or_null);

/* One more with each commit that wrote something, and with nothing else but a recovery, which begins anew. */
static inline uint32_t sqlite_head_commits(const struct sqlite_head *h)
{
    return h->word[2];
}

#endif
