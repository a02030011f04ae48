#include "mailer/deliver/engine.h"

#include "base/log.h"
#include "mailer/deliver/keeper.h"
#include "mailer/deliver/lane.h"

#include <stdlib.h>
#include <time.h>

struct engine {
    struct engine_setup with;
    struct tally tally;
    struct settler settler;
    struct letter_tools letters;
    struct smtp_shared *smtp;
    struct watchdog *watchdog;
    struct desk *desk;
    struct keeper *keeper;
    struct lane **lanes;
    size_t lanes_n;
    bool stopped;
    /* the end of a stop's grace */
    pthread_t grace;
    pthread_cond_t lanes_ended;
    pthread_mutex_t lock; /* guards ended */
    bool ended;
    int64_t grace_until_ns;
};

static bool open_tools(struct engine *g, const struct conf *c, struct err *e)
{
    return letter_tools_open(g->with.queue, g->with.keys, &g->letters, e) &&
           smtp_shared_open(c->tls_ca_file, &g->smtp, e) && watchdog_open(&g->watchdog, e);
}

static bool open_lanes(struct engine *g, size_t n, struct err *e)
{
    struct lane_setup s = {.queue = g->with.queue,
        .snapshots = g->with.snapshots,
        .resolver = g->with.resolver,
        .gate = g->with.gate,
        .clock = g->with.clock,
        .letters = &g->letters,
        .settler = &g->settler,
        .smtp = g->smtp,
        .watchdog = g->watchdog,
        .tally = &g->tally,
        .desk = g->desk};

    g->lanes = calloc(n, sizeof *g->lanes);
    if (!g->lanes)
        err_out_of_memory();
    for (; g->lanes_n < n; g->lanes_n++) {
        s.number = g->lanes_n;
        if (!lane_open(&s, &g->lanes[g->lanes_n], e))
            return false;
    }
    return true;
}

static bool open_keeper(struct engine *g, struct err *e)
{
    const struct keeper_setup s = {.queue = g->with.queue,
        .snapshots = g->with.snapshots,
        .gate = g->with.gate,
        .clock = g->with.clock,
        .tally = &g->tally};

    return keeper_open(&s, &g->keeper, e);
}

static void open_grace(struct engine *g)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->lanes_ended, &attr);
    pthread_condattr_destroy(&attr);
}

bool engine_open(const struct engine_setup *s, struct engine **out, struct err *e)
{
    AUTO(engine_close) struct engine *g = calloc(1, sizeof *g);
    AUTO(snapshot_close) struct snapshot *snapshot = snapshot_current(s->snapshots);
    const struct conf *c = snapshot_conf(snapshot);

    if (!g)
        err_out_of_memory();
    g->with = *s;
    open_grace(g);
    tally_open(s->metrics, &g->tally);
    settler_open(&g->settler, s->queue, s->clock, &g->tally);
    g->desk = desk_open(s->queue, s->clock, (size_t)c->lanes);
    if (!open_tools(g, c, e) || !open_lanes(g, (size_t)c->lanes, e) || !open_keeper(g, e))
        return false;
    log_info("delivery-ready", KV_INT("lanes", c->lanes));
    *out = g;
    g = NULL;
    return true;
}

/* ---- stopping -------------------------------------------------------------------------------------------- */

/* Waits for the lanes or for the end of the grace, whichever comes first. */
static void *guard_grace(void *arg)
{
    struct engine *g = arg;
    struct timespec at = {
        .tv_sec = g->grace_until_ns / 1000000000, .tv_nsec = g->grace_until_ns % 1000000000};

    pthread_mutex_lock(&g->lock);
    while (!g->ended && clock_steady_ns() < g->grace_until_ns)
        pthread_cond_timedwait(&g->lanes_ended, &g->lock, &at);
    bool late = !g->ended;
    pthread_mutex_unlock(&g->lock);
    if (late && g->watchdog)
        watchdog_end_all(g->watchdog);
    settler_stop(&g->settler);
    return NULL;
}

static void join_lanes(struct engine *g)
{
    for (size_t i = 0; i < g->lanes_n; i++)
        lane_join(&g->lanes[i]);
    pthread_mutex_lock(&g->lock);
    g->ended = true;
    pthread_cond_signal(&g->lanes_ended);
    pthread_mutex_unlock(&g->lock);
}

void engine_stop(struct engine *g, int64_t grace_ms)
{
    if (g->stopped)
        return;
    g->stopped = true;
    g->grace_until_ns = clock_steady_ns() + grace_ms * 1000000;
    desk_stop(g->desk);
    bool guarded = pthread_create(&g->grace, NULL, guard_grace, g) == 0;
    if (!guarded)
        guard_grace(g); /* without a thread the grace cannot be waited for beside the lanes */
    keeper_close(&g->keeper);
    join_lanes(g);
    if (guarded)
        pthread_join(g->grace, NULL);
}

void engine_close(struct engine **pg)
{
    struct engine *g = *pg;

    if (!g)
        return;
    engine_stop(g, 0);
    desk_close(&g->desk);
    watchdog_close(&g->watchdog);
    smtp_shared_close(&g->smtp);
    letter_tools_close(&g->letters);
    settler_close(&g->settler);
    tally_close(&g->tally);
    pthread_cond_destroy(&g->lanes_ended);
    pthread_mutex_destroy(&g->lock);
    free(g->lanes);
    free(g);
    *pg = NULL;
}
