#include "queue/flusher.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

struct flusher {
    struct vault *vault;
    pthread_t thread;
    sem_t asked,
        done; /* what is below belongs to the thread between the two, else to the committer */
    bool stop, fine;
    struct err e;
    bool is_busy; /* the committer's */
};

static void wait_for(sem_t *s)
{
    while (sem_wait(s) != 0)
        continue; /* EINTR */
}

static void *serve(void *arg)
{
    struct flusher *f = arg;

    for (;;) {
        wait_for(&f->asked);
        if (f->stop)
            return NULL;
        f->fine = vault_flush(f->vault, &f->e);
        sem_post(&f->done);
    }
}

void flusher_begin(struct flusher *f)
{
    f->fine = true;
    f->is_busy = vault_has_new(f->vault);
    if (f->is_busy)
        sem_post(&f->asked);
}

bool flusher_wait(struct flusher *f, struct err *e)
{
    if (f->is_busy)
        wait_for(&f->done);
    f->is_busy = false;
    if (!f->fine)
        *e = f->e;
    return f->fine;
}

void flusher_open(struct vault *vault, struct flusher **out)
{
    struct flusher *f = calloc(1, sizeof *f);

    if (!f)
        err_out_of_memory();
    f->vault = vault;
    sem_init(&f->asked, 0, 0);
    sem_init(&f->done, 0, 0);
    if (pthread_create(&f->thread, NULL, serve, f) != 0)
        err_out_of_memory();
    *out = f;
}

void flusher_close(struct flusher **f)
{
    if (!*f)
        return;
    (*f)->stop = true;
    sem_post(&(*f)->asked);
    pthread_join((*f)->thread, NULL);
    sem_destroy(&(*f)->asked);
    sem_destroy(&(*f)->done);
    free(*f);
    *f = NULL;
}
