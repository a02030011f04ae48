#include "tests/bench/pace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEAST_BATCH_S 1e-4 /* between two looks at the clock, which cost half a microsecond each */
#define SLICES 10          /* of a figure that is measured in turns with its limit */

struct run {
    const struct pace *pace;
    double seconds; /* of one slice */
    uint64_t done;  /* so far, in all slices */
    double used;    /* CPU seconds of them */
    size_t bytes;   /* of one result */
};

void pace_must(bool ok, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "bench: %s\n", e->text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *run_slice(void *argument)
{
    struct run *r = argument;
    AUTO(buf_close) struct buf out = {0};
    struct err e = {0};
    double begin = cpu_seconds(), before, now = begin;
    uint64_t batch = 1;

    do {
        before = now;
        for (uint64_t i = 0; i < batch; i++) {
            buf_clear(&out);
            pace_must(r->pace->work(r->pace->context, &out, &e), &e);
        }
        r->done += batch;
        now = cpu_seconds();
        if (now - before < LEAST_BATCH_S)
            batch *= 2;
    } while (now < begin + r->seconds);
    r->used += now - begin;
    r->bytes = out.n;
    return NULL;
}

static void run_threads(struct run *runs, int threads)
{
    pthread_t id[PACE_MAX_THREADS];

    for (int i = 0; i < threads; i++)
        if (pthread_create(&id[i], NULL, run_slice, &runs[i]) != 0)
            err_out_of_memory();
    for (int i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
}

static void prepare(struct run *runs, int threads, const struct pace *p, double seconds)
{
    for (int i = 0; i < threads; i++)
        runs[i] = (struct run){.pace = p, .seconds = seconds};
}

static void report(const struct run *runs, int threads)
{
    double sum = 0;

    for (int i = 0; i < threads; i++)
        sum += (double)runs[i].done / runs[i].used;
    printf("{\"what\":\"%s\",\"threads\":%d,\"per_second\":%.1f,\"bytes\":%zu}\n",
        runs[0].pace->what, threads, sum, runs[0].bytes);
    fflush(stdout);
}

void pace_alone(double seconds, int threads, const struct pace *p)
{
    struct run runs[PACE_MAX_THREADS];

    prepare(runs, threads, p, seconds);
    run_threads(runs, threads);
    report(runs, threads);
}

void pace_pair(double seconds, int threads, const struct pace *p, const struct pace *limit)
{
    struct run real[PACE_MAX_THREADS], bound[PACE_MAX_THREADS];

    prepare(real, threads, p, seconds / SLICES);
    prepare(bound, threads, limit, seconds / SLICES);
    for (int i = 0; i < SLICES; i++) {
        run_threads(real, threads);
        run_threads(bound, threads);
    }
    report(real, threads);
    report(bound, threads);
}
