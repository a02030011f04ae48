#include "mailer/deliver/engine.h"

#include "base/log.h"
#include "mailer/deliver/keeper.h"
#include "mailer/deliver/roster.h"

#include <stdlib.h>

#define PATIENCE_MS 30000 /* a lane that is not heard so long after its deadline hangs */

struct engine {
    struct engine_setup with;
    struct tally tally;
    struct settler *settler;
    struct letter_tools letters;
    struct smtp_shared *smtp;
    struct watchdog *watchdog;
    struct desk *desk;
    struct keeper *keeper;
    struct roster *roster;
    bool stopped;
};

static bool open_tools(struct engine *g, const struct conf *c, struct err *e)
{
    return settler_open(
               g->with.queue, g->with.clock, &g->tally, (size_t)c->lanes, &g->settler, e) &&
           letter_tools_open(g->with.queue, g->with.keys, g->with.clock, &g->letters, e) &&
           smtp_shared_open(c->tls_ca_file, &g->smtp, e) && watchdog_open(&g->watchdog, e);
}

static int64_t patience_ms(const struct engine *g)
{
    return g->with.lane_patience_ms > 0 ? g->with.lane_patience_ms : PATIENCE_MS;
}

static bool open_lanes(struct engine *g, size_t n, struct err *e)
{
    const struct roster_setup s = {.lanes = n,
        .patience_ms = patience_ms(g),
        .lane = {.queue = g->with.queue,
            .snapshots = g->with.snapshots,
            .resolver = g->with.resolver,
            .gate = g->with.gate,
            .clock = g->with.clock,
            .letters = &g->letters,
            .settler = g->settler,
            .smtp = g->smtp,
            .watchdog = g->watchdog,
            .tally = &g->tally,
            .desk = g->desk}};

    return roster_open(&s, &g->roster, e);
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

bool engine_open(const struct engine_setup *s, struct engine **out, struct err *e)
{
    AUTO(engine_close) struct engine *g = calloc(1, sizeof *g);
    AUTO(snapshot_close) struct snapshot *snapshot = snapshot_current(s->snapshots);
    const struct conf *c = snapshot_conf(snapshot);

    if (!g)
        err_out_of_memory();
    g->with = *s;
    tally_open(s->metrics, &g->tally);
    g->desk = desk_open(s->queue, s->clock, (size_t)c->lanes);
    if (!open_tools(g, c, e) || !open_lanes(g, (size_t)c->lanes, e) || !open_keeper(g, e))
        return false;
    log_info("delivery-ready", KV_INT("lanes", c->lanes));
    *out = g;
    g = NULL;
    return true;
}

/* ---- stopping -------------------------------------------------------------------------------------------- */

static int64_t in_ns(int64_t ms)
{
    return clock_steady_ns() + ms * 1000000;
}

bool engine_stop(struct engine *g, int64_t grace_ms)
{
    bool all = true;

    if (g->stopped)
        return true;
    g->stopped = true;
    desk_stop(g->desk);
    if (g->roster && !roster_wait(g->roster, in_ns(grace_ms))) {
        watchdog_end_all(g->watchdog);
        settler_stop(g->settler);
        all = roster_wait(g->roster, in_ns(patience_ms(g)));
    }
    if (g->settler)
        settler_stop(g->settler);
    keeper_close(&g->keeper);
    if (!all)
        log_error("lanes-hang", KV("now", "what they hold is left to the next start"));
    return all;
}

void engine_close(struct engine **pg)
{
    struct engine *g = *pg;

    *pg = NULL;
    if (!g)
        return;
    if (!engine_stop(g, 0) || (g->roster && !roster_wait(g->roster, in_ns(patience_ms(g)))) ||
        !roster_close(&g->roster))
        return;
    desk_close(&g->desk);
    watchdog_close(&g->watchdog);
    smtp_shared_close(&g->smtp);
    letter_tools_close(&g->letters);
    settler_close(&g->settler);
    tally_close(&g->tally);
    free(g);
}
