#include "mailer/deliver/settle.h"

#include "base/log.h"

#include <time.h>

#define PATIENCE_FIRST_MS 50
#define PATIENCE_MAX_MS 2000

void settler_open(
    struct settler *s, struct queue *q, const struct clock *clock, struct tally *tally)
{
    pthread_condattr_t attr;

    *s = (struct settler){.queue = q, .clock = clock, .tally = tally};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stopped, &attr);
    pthread_condattr_destroy(&attr);
}

void settler_close(struct settler *s)
{
    pthread_cond_destroy(&s->stopped);
    pthread_mutex_destroy(&s->lock);
}

void settler_stop(struct settler *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->stopped);
    pthread_mutex_unlock(&s->lock);
}

/* False when the service stops. */
static bool rest(struct settler *s, int64_t ms)
{
    int64_t until = clock_steady_ns() + ms * 1000000;
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_mutex_lock(&s->lock);
    while (!s->stop && clock_steady_ns() < until)
        pthread_cond_timedwait(&s->stopped, &s->lock, &at);
    bool go_on = !s->stop;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void count(struct settler *s, const struct settlement *what)
{
    struct tally *t = s->tally;

    log_debug("settled", KV("id", what->job->id), KV("to", msg_state_name(what->to)),
        KV("reason", what->reason));
    if (what->to == MSG_QUEUED)
        counter_add(t->given_back, 1);
    else
        counter_add(t->ended[what->to], 1);
    if (what->unsure)
        counter_add(t->unsure, 1);
    if (what->suppress)
        counter_add(t->suppressions, 1);
    if (what->to == MSG_DELIVERED)
        histogram_add_ns(
            t->due_to_delivered, (clock_now_ms(s->clock) - what->job->due_ms) * 1000000);
}

/* The store is well and says no: the lease was lost, or the message has gone. Asking again changes nothing. */
static bool is_an_answer(const struct err *e)
{
    return e->code == ERR_CONFLICT || e->code == ERR_MISSING || e->code == ERR_INPUT;
}

void settle(struct settler *s, const struct settlement *what)
{
    int64_t ms = PATIENCE_FIRST_MS;
    struct err e;

    while (!queue_settle(s->queue, what, &e)) {
        if (is_an_answer(&e)) {
            log_warning("settle-refused", KV("id", what->job->id),
                KV("to", msg_state_name(what->to)), KV("error", e.text));
            return;
        }
        log_error("settle-failed", KV("id", what->job->id), KV("to", msg_state_name(what->to)),
            KV("error", e.text));
        counter_add(s->tally->settle_retries, 1);
        if (!rest(s, ms)) {
            log_error("settle-left-to-next-start", KV("id", what->job->id));
            return;
        }
        ms = ms * 2 < PATIENCE_MAX_MS ? ms * 2 : PATIENCE_MAX_MS;
    }
    count(s, what);
}
