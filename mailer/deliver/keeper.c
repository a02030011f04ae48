#include "mailer/deliver/keeper.h"

#include "base/log.h"
#include "mailer/deliver/attempt.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define WORK_MS 1000
#define NS_PER_MS INT64_C(1000000)
#define GATE_PREFIX "gate:"

struct keeper {
    struct keeper_setup with;
    pthread_t thread;
    pthread_cond_t stopped;
    pthread_mutex_t lock; /* guards stop */
    bool stop;
    /* the look at held mail; the thread's own */
    int64_t look_ms;    /* when the present one, or the last, began */
    enum err_code told; /* of the store's trouble, ERR_NONE = it was well */
    size_t look_at;     /* the group to go on with, 0 = none is under way */
};

static bool is_stopping(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool stop = k->stop;
    pthread_mutex_unlock(&k->lock);
    return stop;
}

/* ---- held mail ------------------------------------------------------------------------------------------- */

/* The From domain that the group's mails were pinned to; the settings' own when that cannot be read. */
static const char *from_domain(
    struct snapshot *s, const struct shop *shop, const struct message_view *m, struct arena *a)
{
    const struct mail *mail;
    struct address from = shop->from;
    struct err e;

    if (snapshot_mail(s, m->storefront, &m->bundle, &mail, &e) && *mail_brand(mail)->from)
        address_parse(str_of(mail_brand(mail)->from), a, &from, &e);
    return arena_text(a, from.domain);
}

static bool gate_is_good(const struct keeper_setup *k, struct snapshot *s,
    const struct held_group *g, struct arena *a, struct err *e)
{
    const struct shop *shop = snapshot_shop(s, g->storefront);
    struct message_view sample;
    struct gate_verdict verdict;

    if (!shop || !queue_show(k->queue, g->storefront, g->sample_id, a, &sample, e))
        return false;
    const struct gate_question q =
        attempt_question(snapshot_conf(s), shop, from_domain(s, shop, &sample, a));
    gate_forget(k->gate, q.from_domain);
    gate_ask(k->gate, &q, &verdict);
    return verdict.answer == GATE_SEND || verdict.answer == GATE_SEND_WITH_WARNING;
}

static void release(const struct keeper_setup *k, const struct held_group *g)
{
    const struct actor who = {.name = "parcelpost", .why = "the gate is good again"};
    uint64_t n = 0;
    struct err e;

    if (queue_release_group(k->queue, g->storefront, g->code, who, &n, &e))
        log_info("released", KV("storefront", g->storefront), KV("code", g->code),
            KV_INT("messages", n));
    else
        log_error("release-failed", KV("storefront", g->storefront), KV("error", e.text));
}

static bool look_is_due(struct keeper *k)
{
    int64_t now_ms = clock_now_ms(k->with.clock);

    if (k->look_at > 0)
        return true;
    if (now_ms >= k->look_ms && now_ms - k->look_ms < KEEPER_LOOK_MS)
        return false; /* a clock that was set back makes it due, not late by as much */
    k->look_ms = now_ms;
    return true;
}

/* Groups come and go between two seconds; one that is missed by that is met by the next look. */
static void look_at(struct keeper *k, struct snapshot *s, const struct held_group *groups, size_t n,
    struct arena *a)
{
    int64_t end_ns = clock_steady_ns() + KEEPER_SHARE_MS * NS_PER_MS;
    struct err e;

    for (; k->look_at < n; k->look_at++) {
        const struct held_group *g = &groups[k->look_at];
        if (is_stopping(k) || clock_steady_ns() > end_ns)
            return;
        if (str_starts(str_of(g->code), STR(GATE_PREFIX)) && gate_is_good(&k->with, s, g, a, &e))
            release(&k->with, g);
    }
    k->look_at = 0;
}

static void look_at_held(struct keeper *k, struct snapshot *s)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct held_group *groups;
    size_t n;
    uint64_t held = 0;
    struct err e;

    if (!queue_held(k->with.queue, a, &groups, &n, &e)) {
        log_error("held-unreadable", KV("error", e.text));
        return;
    }
    for (size_t i = 0; i < n; i++)
        held += groups[i].n;
    gauge_set(k->with.tally->held, (int64_t)held);
    if (look_is_due(k))
        look_at(k, s, groups, n, a);
}

static void count_messages(struct keeper *k)
{
    struct queue_counts counts;
    struct err e;

    if (!queue_count(k->with.queue, NULL, &counts, &e))
        return; /* the look at held mail says what is wrong */
    for (size_t i = 0; i < MSG_STATES; i++)
        gauge_set(k->with.tally->messages[i], (int64_t)counts.by_state[i]);
}

/* One line when the store falls ill, one when it is well again. */
static bool tell_health(struct keeper *k)
{
    struct err e = {0};
    bool well = queue_is_well(k->with.queue, &e);

    if (e.code != k->told && well)
        log_info("store-well", KV("now", "requests are taken and mail goes again"));
    else if (e.code != k->told)
        log_error(e.code == ERR_CORRUPT ? "store-corrupt" : "store-trouble", KV("error", e.text),
            KV("now", e.code == ERR_CORRUPT
                          ? "intake answers 503 and nothing is sent until the restart"
                          : "intake answers 503 until the store can be written and read, which is "
                            "tried each second"));
    k->told = e.code;
    return well;
}

static void work(struct keeper *k)
{
    AUTO(snapshot_close) struct snapshot *s = snapshot_current(k->with.snapshots);
    struct err e;

    (void)queue_sweep(k->with.queue, &e); /* what fails there makes the store unwell */
    count_messages(k);
    if (tell_health(k))
        look_at_held(k, s);
}

/* ---- the thread ------------------------------------------------------------------------------------------ */

/* False when it is to stop. */
static bool rest(struct keeper *k)
{
    int64_t until = clock_steady_ns() + WORK_MS * NS_PER_MS;
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_mutex_lock(&k->lock);
    while (!k->stop && clock_steady_ns() < until)
        pthread_cond_timedwait(&k->stopped, &k->lock, &at);
    bool go_on = !k->stop;
    pthread_mutex_unlock(&k->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct keeper *k = arg;

    pthread_setname_np(pthread_self(), "keeper");
    k->look_ms = clock_now_ms(k->with.clock);
    while (rest(k))
        work(k);
    return NULL;
}

bool keeper_open(const struct keeper_setup *s, struct keeper **out, struct err *e)
{
    struct keeper *k = calloc(1, sizeof *k);
    pthread_condattr_t attr;

    if (!k)
        err_out_of_memory();
    k->with = *s;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->stopped, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&k->thread, NULL, run, k) != 0) {
        free(k);
        return err_set(e, ERR_IO, "cannot start the keeper's thread");
    }
    *out = k;
    return true;
}

void keeper_close(struct keeper **pk)
{
    struct keeper *k = *pk;

    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->stopped);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->stopped);
    pthread_mutex_destroy(&k->lock);
    free(k);
    *pk = NULL;
}
