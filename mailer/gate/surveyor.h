/* surveyor -- audits for callers whose thread must not wait: a few workers, a bounded queue, and each
 * report kept for a minute.
 *
 * One audit of a storefront runs at a time, and none longer than audit_ms and its last page, since whoever owns a
 * domain's zone decides how slow its answers are. Who waits for a worker for wait_ms is told that there is none.
 * Questions of one storefront for one domain share a run. A report is what was true when its audit
 * ended ("checked_at"), with the settings of whoever asked first.
 * Units: *_ms since the epoch UTC, but for spans.
 * Ownership: what the setup points to outlives the surveyor; of a question nothing is kept.
 * Errors: none; too many questions are an answer.
 * Threads: any may ask. `done` runs once for each question, on the asking thread before
 * surveyor_ask returns, or on a worker; it must not ask again. */
#ifndef MAILER_GATE_SURVEYOR_H
#define MAILER_GATE_SURVEYOR_H

#include "base/metrics.h"
#include "mailer/gate/survey.h"

struct surveyor;

struct surveyor_setup {
    struct resolver *resolver;
    const struct web *web; /* NULL: no pages are fetched */
    const struct clock *clock;
    struct metrics *metrics; /* may be NULL */
    /* Adds the key rotations of a storefront, in the arena; called within surveyor_ask. NULL: none. */
    void (*rotations)(
        const struct conf *conf, const char *storefront, struct arena *a, struct audit_setup *out);
    unsigned workers; /* 0 = 2; each audit asks two dozen questions at once */
    size_t queue;     /* audits that wait for a worker, at most; 0 = 32 */
    int64_t fresh_ms; /* how long a report is kept; 0 = 60 s */
    int64_t audit_ms; /* an audit asks no further behind it; 0 = 20 s */
    int64_t wait_ms;  /* for a worker, then the answer is SURVEYOR_BUSY; 0 = 20 s */
};
bool surveyor_open(const struct surveyor_setup *s, struct surveyor **out, struct err *e);
/* Answers everybody who waits, and whoever asks later, with SURVEYOR_STOPPED; audits under way ask no further. */
void surveyor_stop(struct surveyor *s);
void surveyor_close(struct surveyor **s); /* waits for the audits under way */

enum surveyor_answer { SURVEYOR_REPORT, SURVEYOR_BUSY, SURVEYOR_STOPPED };
/* json: one object and a line feed, "" without a report; lent until the call ends. */
typedef void surveyor_done(void *context, enum surveyor_answer answer, struct str json);

struct surveyor_question {
    const char *storefront; /* whose settings count */
    const char *domain;     /* lower-case A-labels, one of its own */
    const struct conf *conf;
    const struct survey_keys *keys; /* asked within surveyor_ask */
};
void surveyor_ask(
    struct surveyor *s, const struct surveyor_question *q, surveyor_done *done, void *context);

#endif
