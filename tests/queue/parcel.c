#include "tests/queue/parcel.h"

#include <stdlib.h>

/* ---- a handover that tells when it goes ---- */

struct parcel {
    struct handover handover;
    atomic_int *gone;
};

static void close_parcel(struct handover *h)
{
    atomic_fetch_add(((struct parcel *)h)->gone, 1);
    if (!h->tray)
        free(h);
}

void parcel_tells(struct handover *h, atomic_int *gone)
{
    h->close = close_parcel;
    ((struct parcel *)h)->gone = gone;
}

struct handover *parcel_new(atomic_int *gone, size_t bytes)
{
    struct parcel *one = calloc(1, sizeof *one);

    one->handover = (struct handover){.bytes = bytes};
    atomic_init(&one->handover.references, 1);
    parcel_tells(&one->handover, gone);
    return &one->handover;
}

/* ---- submits that wait for their answer, as queue_submit does, but may be kept ---- */

void parcel_answered(void *context, const struct receipt *r, const struct err *e_or_null)
{
    struct parcel_answer *a = context;

    a->fine = e_or_null == NULL;
    a->receipt = *r;
    sem_post(&a->came);
}

struct receipt parcel_submit(struct post *p, struct submission *s, atomic_int *gone, size_t bytes)
{
    struct parcel_answer a = {.fine = false};
    struct handover *h = parcel_new(gone, bytes);

    sem_init(&a.came, 0, 0);
    s->handover = h;
    FINE(queue_submit_async(p->q, s, parcel_answered, &a, &p->e));
    sem_wait(&a.came);
    sem_destroy(&a.came);
    assert_true(a.fine);
    handover_drop(&h); /* ours; the queue has its own */
    return a.receipt;
}

const char *parcel_to(struct post *p, const char *address, atomic_int *gone)
{
    struct submission s = a_mail(p, address);

    assert_int_equal(parcel_submit(p, &s, gone, 100).result, SUBMIT_NEW);
    return s.id;
}
