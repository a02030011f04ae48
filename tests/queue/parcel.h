/* parcel -- a handover that tells when it goes, and submits that carry one: they wait for their answer, as queue_submit does, but
 * may be kept in memory.
 *
 * Every helper fails the test by itself, but for parcel_answered, which any thread may use. */
#ifndef TESTS_QUEUE_PARCEL_H
#define TESTS_QUEUE_PARCEL_H

#include "tests/queue/post.h"

#include <semaphore.h>

struct handover *parcel_new(atomic_int *gone, size_t bytes); /* counts in *gone when it goes */
void parcel_tells(struct handover *h,
    atomic_int *gone); /* the same of one that lies in a tray, 100 bytes or more */

/* For queue_submit_async. */
struct parcel_answer {
    sem_t came;
    struct receipt receipt;
    bool fine;
};
void parcel_answered(void *context, const struct receipt *r, const struct err *e_or_null);

struct receipt parcel_submit(struct post *p, struct submission *s, atomic_int *gone, size_t bytes);
const char *parcel_to(struct post *p, const char *address, atomic_int *gone); /* its id */

#endif
