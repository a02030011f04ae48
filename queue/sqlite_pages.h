/* sqlite_pages -- SQLite's own page cache, but that a commit does not search all of it.
 *
 * When a tree is balanced SQLite numbers two pages anew and parks one of them, for a moment, under the number of the page
 * at 1 GB. Its cache takes that for the largest number it ever held, and at the end of the transaction, where it drops what
 * lies behind the database's end, looks through all its pages for it: 280 us a commit with 8,000 of them. Here stands beside each
 * cache which numbers can be in it, and where nothing lies behind the end it is not asked.
 * Threads: as SQLite's: a cache belongs to one connection. */
#ifndef QUEUE_SQLITE_PAGES_H
#define QUEUE_SQLITE_PAGES_H

/* Before the library is in use; once it is, nothing changes. */
void sqlite_pages_register(void);

#endif
