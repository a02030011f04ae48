#include "mailer/http/peers.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_NS (100 * INT64_C(1000000)) /* how late a deadline may be noticed */

struct peer {
    struct peer *next, *before;
    int fd;
    int64_t deadline_ns;
    struct peer_head head;
};

struct peers {
    pthread_mutex_t lock; /* guards first, its list and stopping */
    pthread_cond_t changed;
    struct peer *first;
    bool stopping;
    pthread_t thread;
};

static void shut_down_late_ones(struct peers *p)
{
    int64_t now = clock_steady_ns();

    for (struct peer *one = p->first; one; one = one->next)
        if (one->deadline_ns < now)
            shutdown(one->fd, SHUT_RDWR); /* the library sees the end and closes it */
}

static void *watch(void *argument)
{
    struct peers *p = argument;

    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        int64_t until = clock_steady_ns() + LOOK_NS;
        struct timespec t = {until / 1000000000, until % 1000000000};
        if (!p->first)
            pthread_cond_wait(&p->changed, &p->lock);
        else if (pthread_cond_timedwait(&p->changed, &p->lock, &t) == ETIMEDOUT)
            shut_down_late_ones(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

bool peers_open(struct peers **out, struct err *e)
{
    struct peers *p = calloc(1, sizeof *p);
    pthread_condattr_t steady;

    if (!p)
        err_out_of_memory();
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &steady);
    pthread_condattr_destroy(&steady);
    errno = pthread_create(&p->thread, NULL, watch, p);
    if (errno != 0) {
        free(p);
        return err_system(e, "thread that watches HTTP connections");
    }
    *out = p;
    return true;
}

void peers_close(struct peers **p)
{
    if (!*p)
        return;
    pthread_mutex_lock(&(*p)->lock);
    (*p)->stopping = true;
    pthread_cond_signal(&(*p)->changed);
    pthread_mutex_unlock(&(*p)->lock);
    pthread_join((*p)->thread, NULL);
    pthread_cond_destroy(&(*p)->changed);
    pthread_mutex_destroy(&(*p)->lock);
    free(*p);
    *p = NULL;
}

static int64_t deadline(int64_t span_ms)
{
    return clock_steady_ns() + span_ms * 1000000;
}

struct peer *peers_add(struct peers *p, int fd, int64_t span_ms)
{
    struct peer *one = calloc(1, sizeof *one);

    if (!one)
        err_out_of_memory();
    one->fd = fd;
    one->deadline_ns = deadline(span_ms);
    pthread_mutex_lock(&p->lock);
    one->next = p->first;
    if (one->next)
        one->next->before = one;
    else
        pthread_cond_signal(&p->changed); /* the watcher sleeps while nobody is there */
    p->first = one;
    pthread_mutex_unlock(&p->lock);
    return one;
}

void peers_give(struct peers *p, struct peer *one, int64_t span_ms)
{
    pthread_mutex_lock(&p->lock);
    one->deadline_ns = deadline(span_ms);
    pthread_mutex_unlock(&p->lock);
}

struct peer_head *peer_head(struct peer *one)
{
    return &one->head;
}

void peers_remove(struct peers *p, struct peer *one)
{
    pthread_mutex_lock(&p->lock);
    if (one->before)
        one->before->next = one->next;
    else
        p->first = one->next;
    if (one->next)
        one->next->before = one->before;
    pthread_mutex_unlock(&p->lock);
    buf_close(&one->head.target);
    free(one);
}
