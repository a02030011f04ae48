#include "base/clock_guard.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct clock_guard {
    const struct clock *wall, *steady;
    int64_t first_ms;     /* wall less steady at the opening */
    pthread_mutex_t lock; /* guards all below */
    int64_t offset_ms;    /* wall less steady as it is believed */
    bool doubts;
    int64_t doubted_ms; /* wall less steady as it was found instead */
    int64_t since_ms;   /* steady */
    int64_t taken_ms;
};

static int64_t boot_now_ms(void *state)
{
    struct timespec t;

    (void)state;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const struct clock *clock_since_boot(void)
{
    static const struct clock boot = {.now_ms = boot_now_ms};

    return &boot;
}

static bool is_jump(int64_t from_ms, int64_t to_ms)
{
    return to_ms - from_ms > CLOCK_JUMP_MS || from_ms - to_ms > CLOCK_JUMP_MS;
}

/* Under the lock: what wall less steady shall be, given what it is. */
static int64_t judge(struct clock_guard *g, int64_t found_ms, int64_t steady_ms)
{
    if (!is_jump(g->offset_ms, found_ms)) {
        g->doubts = false;
        return g->offset_ms = found_ms;
    }
    if (!g->doubts || is_jump(g->doubted_ms, found_ms)) {
        g->doubts = true;
        g->doubted_ms = found_ms;
        g->since_ms = steady_ms;
    }
    if (steady_ms - g->since_ms < CLOCK_DOUBT_MS)
        return g->offset_ms;
    g->doubts = false;
    g->taken_ms += found_ms - g->offset_ms;
    return g->offset_ms = found_ms;
}

static int64_t guarded_now_ms(void *state)
{
    struct clock_guard *g = state;
    int64_t wall_ms = clock_now_ms(g->wall), steady_ms = clock_now_ms(g->steady);

    pthread_mutex_lock(&g->lock);
    int64_t offset_ms = judge(g, wall_ms - steady_ms, steady_ms);
    pthread_mutex_unlock(&g->lock);
    return steady_ms + offset_ms;
}

static int64_t opening_now_ms(void *state)
{
    struct clock_guard *g = state;

    return clock_now_ms(g->steady) + g->first_ms;
}

struct clock_guard *clock_guard_open(const struct clock *wall, const struct clock *steady)
{
    struct clock_guard *g = calloc(1, sizeof *g);

    if (!g)
        err_out_of_memory();
    g->wall = wall;
    g->steady = steady;
    g->offset_ms = g->first_ms = clock_now_ms(wall) - clock_now_ms(steady);
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void clock_guard_close(struct clock_guard **g)
{
    if (!*g)
        return;
    pthread_mutex_destroy(&(*g)->lock);
    free(*g);
    *g = NULL;
}

struct clock clock_of_guard(struct clock_guard *g)
{
    return (struct clock){.now_ms = guarded_now_ms, .state = g};
}

struct clock clock_of_opening(struct clock_guard *g)
{
    return (struct clock){.now_ms = opening_now_ms, .state = g};
}

struct clock_doubt clock_guard_doubt(struct clock_guard *g)
{
    pthread_mutex_lock(&g->lock);
    struct clock_doubt d = {
        .by_ms = g->doubts ? g->doubted_ms - g->offset_ms : 0, .taken_ms = g->taken_ms};
    pthread_mutex_unlock(&g->lock);
    return d;
}
