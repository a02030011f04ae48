#include "mailer/deliver/watchdog.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

struct watchdog {
    pthread_t thread;
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards all below and the watches' fields */
    struct watch *first;
    int64_t next_ns; /* when the thread will look again by itself */
    bool ending;     /* every descriptor is to be shut down */
    bool stop;
};

struct watch {
    struct watchdog *dog;
    struct watch *next, **link;
    int fd;
    int64_t deadline_ns;
    bool bitten;
};

static void bite(struct watch *w)
{
    shutdown(w->fd, SHUT_RDWR);
    w->bitten = true;
}

static bool is_on_guard(const struct watch *w)
{
    return w->fd >= 0 && !w->bitten;
}

/* Bites what is due; the earliest deadline of the others. Under the lock. */
static int64_t look(struct watchdog *dog)
{
    int64_t now = clock_steady_ns(), next = WATCH_NO_DEADLINE;

    for (struct watch *w = dog->first; w; w = w->next) {
        if (!is_on_guard(w))
            continue;
        if (dog->ending || w->deadline_ns <= now)
            bite(w);
        else if (w->deadline_ns < next)
            next = w->deadline_ns;
    }
    return next;
}

static void wait_until(struct watchdog *dog, int64_t ns)
{
    if (ns == WATCH_NO_DEADLINE) {
        pthread_cond_wait(&dog->changed, &dog->lock);
    } else {
        struct timespec at = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
        pthread_cond_timedwait(&dog->changed, &dog->lock, &at);
    }
}

static void *run(void *arg)
{
    struct watchdog *dog = arg;

    pthread_setname_np(pthread_self(), "watchdog");
    pthread_mutex_lock(&dog->lock);
    while (!dog->stop) {
        dog->next_ns = look(dog);
        wait_until(dog, dog->next_ns);
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

bool watchdog_open(struct watchdog **out, struct err *e)
{
    struct watchdog *dog = calloc(1, sizeof *dog);
    pthread_condattr_t attr;

    if (!dog)
        err_out_of_memory();
    pthread_mutex_init(&dog->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->changed, &attr);
    pthread_condattr_destroy(&attr);
    dog->next_ns = WATCH_NO_DEADLINE;
    errno = pthread_create(&dog->thread, NULL, run, dog);
    if (errno != 0) {
        free(dog);
        return err_system(e, "watchdog: cannot start its thread");
    }
    *out = dog;
    return true;
}

void watchdog_close(struct watchdog **w)
{
    struct watchdog *dog = *w;

    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->stop = true;
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
    pthread_join(dog->thread, NULL);
    pthread_cond_destroy(&dog->changed);
    pthread_mutex_destroy(&dog->lock);
    free(dog);
    *w = NULL;
}

void watchdog_end_all(struct watchdog *dog)
{
    pthread_mutex_lock(&dog->lock);
    dog->ending = true;
    look(dog);
    pthread_mutex_unlock(&dog->lock);
}

struct watch *watch_open(struct watchdog *dog)
{
    struct watch *w = calloc(1, sizeof *w);

    if (!w)
        err_out_of_memory();
    w->dog = dog;
    w->fd = -1;
    w->deadline_ns = WATCH_NO_DEADLINE;
    pthread_mutex_lock(&dog->lock);
    w->next = dog->first;
    w->link = &dog->first;
    if (w->next)
        w->next->link = &w->next;
    dog->first = w;
    pthread_mutex_unlock(&dog->lock);
    return w;
}

void watch_close(struct watch **pw)
{
    struct watch *w = *pw;

    if (!w)
        return;
    watch_forget(w);
    pthread_mutex_lock(&w->dog->lock);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    pthread_mutex_unlock(&w->dog->lock);
    free(w);
    *pw = NULL;
}

/* Bites at once what is due, and wakes the thread when it would look too late. Under the lock. */
static void reconsider(struct watch *w)
{
    if (!is_on_guard(w))
        return;
    if (w->dog->ending || w->deadline_ns <= clock_steady_ns())
        bite(w);
    else if (w->deadline_ns < w->dog->next_ns)
        pthread_cond_signal(&w->dog->changed);
}

static void guard(struct watch *w, int mine)
{
    pthread_mutex_lock(&w->dog->lock);
    int old = w->fd;
    w->fd = mine;
    w->bitten = false;
    reconsider(w);
    pthread_mutex_unlock(&w->dog->lock);
    if (old >= 0)
        close(old);
}

bool watch_descriptor(struct watch *w, int fd)
{
    int mine = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (mine >= 0)
        guard(w, mine);
    return mine >= 0;
}

void watch_forget(struct watch *w)
{
    guard(w, -1);
}

void watch_until(struct watch *w, int64_t deadline_ns)
{
    pthread_mutex_lock(&w->dog->lock);
    w->deadline_ns = deadline_ns;
    reconsider(w);
    pthread_mutex_unlock(&w->dog->lock);
}

bool watch_has_bitten(struct watch *w)
{
    pthread_mutex_lock(&w->dog->lock);
    bool bitten = w->bitten;
    pthread_mutex_unlock(&w->dog->lock);
    return bitten;
}

bool watch_is_ending(struct watch *w)
{
    pthread_mutex_lock(&w->dog->lock);
    bool ending = w->dog->ending;
    pthread_mutex_unlock(&w->dog->lock);
    return ending;
}

int watch_socket(struct watch *w)
{
    return w->fd; /* written by this thread alone */
}
