/* pulse -- what a lane shows of itself to the roster: the messages in its hands, and until when it must be heard again.
 *
 * The watchdog ends a connection; it cannot end a thread that hangs elsewhere. Such a lane would keep its messages'
 * leases and its place, so the roster declares it lost and settles what it held. From then on every step of the lane
 * fails: one that wakes up after all begins no body, settles nothing and takes nothing.
 * A lane can be lost only while it has a deadline. It takes that away before it touches what others share (claim,
 * settle, desk, flight file), so no step is ever half done when it is declared lost.
 * Units: *_ns are clock_steady_ns. Ownership: the jobs are the lane's and stay until the roster has joined a lost one.
 * Threads: the functions that change something belong to the lane, pulse_look and pulse_give_up to the roster. */
#ifndef MAILER_DELIVER_PULSE_H
#define MAILER_DELIVER_PULSE_H

#include "mailer/deliver/watchdog.h"
#include "queue/queue.h"

#include <pthread.h>

struct pulse {
    pthread_mutex_t lock; /* guards all below */
    bool lost, ended, died;
    int64_t due_ns, claimed_ns; /* WATCH_NO_DEADLINE = it may take its time */
    const struct job *jobs;
    size_t n, at; /* jobs[at .. n) were not begun */
    bool in_hand; /* jobs[at - 1] */
    bool begun;   /* and its body may be out */
    size_t slot;  /* of the flight file, when begun */
};

void pulse_open(struct pulse *p);
void pulse_close(struct pulse *p);

/* Each of these is false, or NULL, once the lane is lost. */
bool pulse_step(struct pulse *p, int64_t due_ns);
bool pulse_claimed(struct pulse *p, const struct job *jobs, size_t n);
const struct job *pulse_take(
    struct pulse *p); /* NULL: there is none, too. Takes the deadline away */
bool pulse_has_more(struct pulse *p);
bool pulse_begun(struct pulse *p, size_t slot, int64_t due_ns);
bool pulse_settles(struct pulse *p); /* what was in hand; takes the deadline away */
void pulse_end(
    struct pulse *p, bool died); /* the thread is over; died: without having been told to end */

struct pulse_view {
    bool ended, died;
    size_t leases;
    int64_t claimed_ns; /* of the oldest lease */
    /* of a lost lane */
    const struct job *in_hand; /* NULL = none */
    bool begun;
    size_t slot; /* when begun */
    const struct job *rest;
    size_t rest_n;
};
void pulse_look(struct pulse *p, struct pulse_view *out);
/* Declares the lane lost if its thread has died or its deadline lies before late_ns. */
bool pulse_give_up(struct pulse *p, int64_t late_ns, struct pulse_view *out);

#endif
