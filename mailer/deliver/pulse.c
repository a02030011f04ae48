#include "mailer/deliver/pulse.h"

#include "base/clock.h"

void pulse_open(struct pulse *p)
{
    *p = (struct pulse){.due_ns = WATCH_NO_DEADLINE};
    pthread_mutex_init(&p->lock, NULL);
}

void pulse_close(struct pulse *p)
{
    pthread_mutex_destroy(&p->lock);
}

bool pulse_step(struct pulse *p, int64_t due_ns)
{
    pthread_mutex_lock(&p->lock);
    bool goes_on = !p->lost;
    p->due_ns = due_ns;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

bool pulse_claimed(struct pulse *p, const struct job *jobs, size_t n)
{
    pthread_mutex_lock(&p->lock);
    bool goes_on = !p->lost;
    if (goes_on) {
        p->jobs = jobs;
        p->n = n;
        p->at = 0;
        p->claimed_ns = clock_steady_ns();
    }
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

const struct job *pulse_take(struct pulse *p)
{
    const struct job *job = NULL;

    pthread_mutex_lock(&p->lock);
    p->due_ns = WATCH_NO_DEADLINE;
    if (!p->lost && p->at < p->n) {
        job = &p->jobs[p->at++];
        p->in_hand = true;
    }
    pthread_mutex_unlock(&p->lock);
    return job;
}

bool pulse_has_more(struct pulse *p)
{
    pthread_mutex_lock(&p->lock);
    bool more = !p->lost && p->at < p->n;
    pthread_mutex_unlock(&p->lock);
    return more;
}

bool pulse_begun(struct pulse *p, size_t slot, int64_t due_ns)
{
    pthread_mutex_lock(&p->lock);
    bool goes_on = !p->lost;
    p->begun = true;
    p->slot = slot;
    p->due_ns = due_ns;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

bool pulse_settles(struct pulse *p)
{
    pthread_mutex_lock(&p->lock);
    bool goes_on = !p->lost;
    p->due_ns = WATCH_NO_DEADLINE;
    if (goes_on)
        p->in_hand = p->begun = false;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

void pulse_end(struct pulse *p, bool died)
{
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    p->died = died;
    pthread_mutex_unlock(&p->lock);
}

/* ---- the roster's --------------------------------------------------------------------------------------- */

static void view(const struct pulse *p, struct pulse_view *out)
{
    *out = (struct pulse_view){.ended = p->ended,
        .died = p->died,
        .leases = p->n - p->at + p->in_hand,
        .claimed_ns = p->claimed_ns,
        .in_hand = p->in_hand ? &p->jobs[p->at - 1] : NULL,
        .begun = p->begun,
        .slot = p->slot,
        .rest = p->jobs + p->at,
        .rest_n = p->n - p->at};
}

void pulse_look(struct pulse *p, struct pulse_view *out)
{
    pthread_mutex_lock(&p->lock);
    view(p, out);
    pthread_mutex_unlock(&p->lock);
}

bool pulse_give_up(struct pulse *p, int64_t late_ns, struct pulse_view *out)
{
    pthread_mutex_lock(&p->lock);
    bool lost = !p->lost && (p->died || p->due_ns < late_ns);
    if (lost) {
        p->lost = true;
        view(p, out);
    }
    pthread_mutex_unlock(&p->lock);
    return lost;
}
