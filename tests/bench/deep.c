/* deep -- a queue of a million messages, made and asked through the queue's own verbs while no service runs.
 *
 *     deep fill DATA KEYRING COUNT AGO DOMAINS   copies the newest message COUNT times, for other customers
 *     deep defer DATA KEYRING COUNT AGO          claims COUNT messages and settles them as deferred for LATER_MS
 *     deep take DATA KEYRING COUNT AGO           claims COUNT messages, some at a time as a lane does, and settles them one
 *                                                by one as delivered; then as many again, which it measures: caches are full
 *
 * All happens at a time AGO seconds before now. Customers repeat after PERSONS; domains are dN.customers.example. Prints one
 * JSON line: count, seconds, and what a claim and a settle of one message took. */
#include "base/clock.h"
#include "queue/queue.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define SHOP "acme"
#define NODE "main"
#define PERSONS 200000
#define THREADS 4
#define AT_ONCE 8 /* as lane.c */
#define LEASE_MS 600000
#define LATER_MS 60000
#define DEFER_AT_ONCE 500

static int64_t some_time_ago(void *ago_ms)
{
    return clock_now_ms(clock_system()) - *(const int64_t *)ago_ms;
}

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "deep: %s: %s\n", what, e->text);
    exit(2);
}

static double seconds_since(int64_t began_ns)
{
    return (double)(clock_steady_ns() - began_ns) / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- filling --------------------------------------------------------------------------------------------- */

struct fill {
    struct queue *queue;
    const struct clock *clock;
    struct ids *ids;
    struct message_view like;
    long first, count, domains; /* this thread's share */
    pthread_t thread;
};

static void read_newest(struct queue *q, struct arena *a, struct message_view *out)
{
    const struct message_filter f = {.state = -1, .destination = "", .after_id = "", .max = 1};
    struct message_view *list;
    const char *go_on;
    size_t n;
    struct err e;

    if (!queue_list(q, SHOP, &f, a, &list, &n, &go_on, &e))
        die("list", &e);
    if (n == 0) {
        err_set(&e, ERR_MISSING, "there is no message to copy");
        die("list", &e);
    }
    if (!queue_show(q, SHOP, list[0].id, a, out, &e))
        die("show", &e);
}

static void fill_one(struct fill *f, long number, struct arena *a, struct submission *out)
{
    struct id *id = ARENA_NEW(a, struct id);
    char *domain = arena_printf(a, "d%ld.customers.example", number % f->domains);
    int64_t now_ms = clock_now_ms(f->clock);

    ids_new(f->ids, "msg_", id);
    *out = (struct submission){.storefront = SHOP,
        .id = id->s,
        .address = str_of(arena_printf(a, "deep%ld@%s", number % PERSONS, domain)),
        .stream = f->like.stream,
        .template_name = f->like.template_name,
        .locale = f->like.locale,
        .bundle = f->like.bundle,
        .destination = domain,
        .priority = f->like.priority,
        .date_ms = now_ms,
        .due_ms = now_ms,
        .expires_ms = now_ms + 86400000,
        .private_json = f->like.private_json,
        .order = {.order = STR(""), .parcel = STR(""), .event = "", .supersedes = ""},
        .state = MSG_QUEUED,
        .reason = "",
        .facts = STR("{}")};
}

static void filled(void *context)
{
    sem_post(context);
}

static void *fill_share(void *arg)
{
    struct fill *f = arg;
    struct arena *a = arena_open();
    struct err e;
    sem_t answered;

    sem_init(&answered, 0, 0);
    for (long done = 0; done < f->count;) {
        size_t n = f->count - done < QUEUE_BATCH ? (size_t)(f->count - done) : QUEUE_BATCH;
        struct submission *s = arena_array(a, n, sizeof *s);
        struct submit_outcome *out = arena_array(a, n, sizeof *out);

        for (size_t i = 0; i < n; i++)
            fill_one(f, f->first + done + (long)i, a, &s[i]);
        if (!queue_submit_batch_async(f->queue, s, n, out, filled, &answered, &e))
            die("submit", &e);
        while (sem_wait(&answered) != 0)
            continue;
        for (size_t i = 0; i < n; i++)
            if (!out[i].stored)
                die("submit", &out[i].e);
        done += (long)n;
        arena_clear(a);
    }
    arena_close(&a);
    sem_destroy(&answered);
    return NULL;
}

static void fill(struct queue *q, const struct clock *clock, long count, long domains)
{
    struct arena *a = arena_open();
    struct fill shares[THREADS];
    struct ids *ids = ids_open(clock);
    struct message_view like;
    int64_t began_ns = clock_steady_ns();

    read_newest(q, a, &like);
    for (long t = 0; t < THREADS; t++) {
        long from = count * t / THREADS, to = count * (t + 1) / THREADS;
        shares[t] = (struct fill){q, clock, ids, like, from, to - from, domains, 0};
        pthread_create(&shares[t].thread, NULL, fill_share, &shares[t]);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(shares[t].thread, NULL);
    printf("{\"count\":%ld,\"seconds\":%.3f}\n", count, seconds_since(began_ns));
    ids_close(&ids);
    arena_close(&a);
}

/* ---- taking ---------------------------------------------------------------------------------------------- */

struct took {
    double claim_s, settle_s;
    long n;
};

static struct settlement ended(const struct job *j, enum msg_state to, int64_t due_ms)
{
    return (struct settlement){.job = j,
        .to = to,
        .reason = to == MSG_DEFERRED ? "no-connection" : "",
        .due_ms = due_ms,
        .counts = true,
        .facts = STR("{}"),
        .reply = STR("250 2.0.0 Ok")};
}

/* One place's turn: claims some and settles each, as a lane does it. */
static void deliver_some(
    struct queue *q, const struct ready *place, struct arena *a, struct took *t)
{
    struct job *jobs;
    struct err e;
    size_t n;
    int64_t began_ns = clock_steady_ns();

    if (!queue_claim(q, place->storefront, place->destination, AT_ONCE, LEASE_MS, a, &jobs, &n, &e))
        die("claim", &e);
    t->claim_s += seconds_since(began_ns);
    began_ns = clock_steady_ns();
    for (size_t i = 0; i < n; i++) {
        const struct settlement s = ended(&jobs[i], MSG_DELIVERED, 0);

        if (!queue_settle(q, &s, &e))
            die("settle", &e);
    }
    t->settle_s += seconds_since(began_ns);
    t->n += (long)n;
}

static void defer_some(
    struct queue *q, const struct ready *place, int64_t due_ms, struct arena *a, struct took *t)
{
    struct settlement s[DEFER_AT_ONCE];
    struct job *jobs;
    struct err e;
    size_t n;

    if (!queue_claim(
            q, place->storefront, place->destination, DEFER_AT_ONCE, LEASE_MS, a, &jobs, &n, &e))
        die("claim", &e);
    for (size_t i = 0; i < n; i++)
        s[i] = ended(&jobs[i], MSG_DEFERRED, due_ms);
    if (n > 0 && !queue_settle_all(q, s, n, &e))
        die("settle", &e);
    t->n += (long)n;
}

static struct took take(struct queue *q, const struct clock *clock, long count, enum msg_state to)
{
    struct arena *a = arena_open();
    struct took t = {0};
    int64_t due_ms = clock_now_ms(clock) + LATER_MS, next_ms;
    struct err e;

    while (t.n < count) {
        struct ready *list;
        size_t n;

        if (!queue_ready(q, 64, a, &list, &n, &next_ms, &e))
            die("ready", &e);
        for (size_t i = 0; i < n && t.n < count; i++) {
            if (to == MSG_DEFERRED)
                defer_some(q, &list[i], due_ms, a, &t);
            else
                deliver_some(q, &list[i], a, &t);
        }
        arena_clear(a);
        if (n == 0) {
            err_set(&e, ERR_MISSING, "only %ld were due", t.n);
            die("take", &e);
        }
    }
    arena_close(&a);
    return t;
}

static void take_and_tell(struct queue *q, const struct clock *clock, long count, enum msg_state to)
{
    double cpu = cpu_seconds();
    int64_t began_ns = clock_steady_ns();
    struct took t = take(q, clock, count, to);

    printf(
        "{\"count\":%ld,\"seconds\":%.3f,\"claim_us\":%.1f,\"settle_us\":%.1f,\"cpu_us\":%.1f}\n",
        t.n, seconds_since(began_ns), t.claim_s * 1e6 / (double)t.n, t.settle_s * 1e6 / (double)t.n,
        (cpu_seconds() - cpu) * 1e6 / (double)t.n);
}

int main(int argc, char **argv)
{
    struct keyring *keys;
    struct queue *q;
    struct err e;

    if (argc < 6) {
        fputs("usage: deep fill|defer|take DATA KEYRING COUNT AGO [DOMAINS]\n", stderr);
        return 64;
    }
    if (!keyring_open(argv[3], &keys, &e))
        die("keyring", &e);
    int64_t ago_ms = atol(argv[5]) * 1000;
    const struct clock clock = {some_time_ago, &ago_ms};
    const struct queue_setup setup = {.dir = argv[2],
        .node = NODE,
        .role = QUEUE_SERVE,
        .keys = keys,
        .clock = &clock,
        .lanes = 1};
    if (!queue_open(&setup, &q, &e))
        die("open", &e);
    if (strcmp(argv[1], "fill") == 0) {
        fill(q, &clock, atol(argv[4]), argc > 6 ? atol(argv[6]) : 50);
    } else if (strcmp(argv[1], "defer") == 0) {
        take_and_tell(q, &clock, atol(argv[4]), MSG_DEFERRED);
    } else {
        (void)take(q, &clock, atol(argv[4]), MSG_DELIVERED);
        take_and_tell(q, &clock, atol(argv[4]), MSG_DELIVERED);
    }
    queue_close(&q);
    keyring_close(&keys);
    return 0;
}
