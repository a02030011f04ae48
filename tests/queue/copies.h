/* copies -- what the tests of copies and of restores do alike. The copy of queue.db that comes back is called "q". */
#ifndef TESTS_QUEUE_COPIES_H
#define TESTS_QUEUE_COPIES_H

#include "queue/backup.h"
#include "tests/queue/post.h"

const char *beside(struct post *p, const char *name); /* the data folder */
struct backup_copy take_copy(struct post *p, enum backup_part part, const char *name);
struct restore_setup setup_of(struct post *p);
/* The service stops, the copy comes back, the service starts. */
struct restore_report restore(struct post *p, const struct restore_setup *setup);
void restore_refuses(
    struct post *p, const struct restore_setup *setup, enum err_code code, const char *words);
size_t entries_of(const char *dir, const char *prefix);

#endif
