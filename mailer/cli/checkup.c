#include "mailer/cli/checkup.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LINE_COLUMNS 79

struct shift {
    struct checkup *all;
    size_t n;
    atomic_size_t next;
    atomic_size_t done;
    _Atomic(const char *) last; /* the domain that was done last */
    int wake;                   /* eventfd: one more is done */
    enum checkup_progress progress;
};

/* ---- progress -------------------------------------------------------------------------------- */

static void take_line_away(const struct shift *s)
{
    if (s->progress == CHECKUP_REWRITE)
        fputs("\r\033[K", stderr);
    fflush(stderr);
}

static void tell(const struct shift *s, size_t done)
{
    char line[LINE_COLUMNS + 1];
    const char *last = atomic_load(&s->last);
    if (s->progress == CHECKUP_SILENT)
        return;
    snprintf(line, sizeof line, "%zu of %zu domains%s%s", done, s->n, last ? ": " : "",
        last ? last : "");
    if (s->progress == CHECKUP_REWRITE)
        fprintf(stderr, "\r%s\033[K", line);
    else if (done > 0)
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

/* ---- working --------------------------------------------------------------------------------- */

static void audit(struct checkup *c)
{
    survey_run(c->survey, c->arena, &c->report);
}

static void *work(void *context)
{
    struct shift *s = context;
    size_t i;
    while ((i = atomic_fetch_add(&s->next, 1)) < s->n) {
        audit(&s->all[i]);
        atomic_store(&s->last, s->all[i].report.domain);
        atomic_fetch_add(&s->done, 1);
        eventfd_write(s->wake, 1);
    }
    return NULL;
}

/* The audits under way cannot be called back, and nobody is to wait for their time-outs. */
static void end_by(const struct shift *s, int number)
{
    sigset_t set;
    take_line_away(s);
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void watch(struct shift *s, int signals)
{
    struct pollfd fds[] = {{.fd = s->wake, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    size_t told = 0;
    tell(s, 0);
    while (told < s->n) {
        struct signalfd_siginfo info;
        eventfd_t more;
        poll(fds, COUNT_OF(fds), -1);
        if (fds[1].revents && read(signals, &info, sizeof info) == (ssize_t)sizeof info)
            end_by(s, (int)info.ssi_signo);
        if (!fds[0].revents || eventfd_read(s->wake, &more) != 0)
            continue;
        told = atomic_load(&s->done);
        tell(s, told);
    }
    take_line_away(s);
}

static void run_shift(struct shift *s, int signals)
{
    pthread_t threads[CHECKUP_AT_ONCE];
    size_t n = 0;
    while (n < CHECKUP_AT_ONCE && n < s->n && pthread_create(&threads[n], NULL, work, s) == 0)
        n++;
    if (n == 0)
        work(s);
    watch(s, signals);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

void checkup_run(struct checkup *all, size_t n, enum checkup_progress progress)
{
    sigset_t ends, before;
    struct shift s = {.all = all, .n = n, .progress = progress};
    if (n == 1) {
        audit(&all[0]);
        return;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before); /* for the threads too: only the watch sees them */
    s.wake = eventfd(0, EFD_CLOEXEC);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    if (s.wake < 0 || signals < 0)
        err_out_of_memory();
    run_shift(&s, signals);
    close(signals);
    close(s.wake);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- order ----------------------------------------------------------------------------------- */

size_t checkup_count(const struct audit_report *r, enum audit_severity s)
{
    size_t n = 0;
    for (size_t i = 0; i < r->findings_n; i++)
        n += r->findings[i].severity == s;
    return n;
}

static int rank(const struct checkup *c)
{
    const struct audit_report *r = &c->report;
    if (r->verdict == AUDIT_FAIL)
        return 0;
    if (r->errors > 0)
        return 1;
    if (r->unsure || (r->verdict == AUDIT_UNKNOWN && !c->survey->returns_only))
        return 2;
    return checkup_count(r, AUDIT_WARNING) > 0 ? 3 : 4;
}

static int more_first(size_t a, size_t b)
{
    return a > b ? -1 : a < b;
}

static int compare(const void *a, const void *b)
{
    const struct audit_report *x = &((const struct checkup *)a)->report;
    const struct audit_report *y = &((const struct checkup *)b)->report;
    int by_rank = rank(a) - rank(b), by_errors = more_first(x->errors, y->errors);
    int by_warnings = more_first(checkup_count(x, AUDIT_WARNING), checkup_count(y, AUDIT_WARNING));
    if (by_rank != 0)
        return by_rank;
    if (by_errors != 0)
        return by_errors;
    return by_warnings != 0 ? by_warnings : strcmp(x->domain, y->domain);
}

void checkup_sort(struct checkup *all, size_t n)
{
    if (n > 0)
        qsort(all, n, sizeof *all, compare);
}
