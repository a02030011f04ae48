/* queue -- opening and closing, health, housekeeping and waiting. */
#include "base/clock_guard.h"
#include "queue/folder.h"
#include "queue/inside.h"
#include "queue/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_BATCH 500  /* rows that one transaction of the sweep changes, of each kind */
#define SWEEP_BATCHES 20 /* so that a sweep ends even when much is due */

/* ---- opening ---- */

static bool node_is_fine(const char *node)
{
    size_t n = strlen(node);

    return n >= 1 && n <= 32 && strspn(node, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* Without its keys a queue's rows cannot be read, and new keys would hide that. */
static bool files_are_whole(const struct queue *q, struct arena *a, struct err *e)
{
    if (!folder_is_whole(q->dir, a, e))
        return false;
    if (!folder_has(q->dir, "queue.db", a) || folder_has(q->dir, "keys.db", a))
        return true;
    return err_set(e, ERR_CORRUPT,
        "%s holds queue.db without keys.db: restore keys.db from its backup", q->dir);
}

/* keys.db first, so that a crash between the two never looks like lost keys. */
static bool open_files(struct queue *q, struct arena *a, struct err *e)
{
    return files_are_whole(q, a, e) &&
           vault_open(folder_path(q->dir, "keys.db", a), q->keys, q->clock, &q->vault, e) &&
           store_sqlite_open(folder_path(q->dir, "queue.db", a), q->node, &q->store, e);
}

/* Takes our own old leases back, knowing whose body had begun; then the marks may go. */
static bool start_service(struct queue *q, size_t lanes, struct arena *a, struct err *e)
{
    const char *path = folder_path(q->dir, "flight", a);
    struct flight_past past;
    struct store_op op = {.kind = STORE_START, .start = {.owner = q->node, .past = &past}};

    if (!flight_read(path, q->node, a, &past, e) || !committer_run(q->committer, &op, e))
        return false;
    q->start = op.start.start;
    return flight_open(path, q->node, lanes, &q->flight, e);
}

static void left(void *context, const char *storefront, const char *id)
{
    tray_forget(context, storefront, id);
}

/* Before the committer runs: it tells what leaves the line. */
static bool open_tray(struct queue *q, const struct queue_setup *setup, struct err *e)
{
    int64_t erasures;

    if (!vault_erasures(q->vault, &erasures, e))
        return false;
    q->tray = tray_open(setup->lanes, setup->metrics);
    tray_mind_erasures(q->tray, erasures);
    q->store->verbs->watch(q->store, left, q->tray);
    return true;
}

static void bell_open(struct bell *b)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->rang, &attr);
    pthread_condattr_destroy(&attr);
}

static struct queue *new_queue(const struct queue_setup *setup)
{
    struct queue *q = calloc(1, sizeof *q);

    if (!q)
        err_out_of_memory();
    snprintf(q->dir, sizeof q->dir, "%s", setup->dir);
    snprintf(q->node, sizeof q->node, "%s", setup->node);
    q->role = setup->role;
    q->keys = setup->keys;
    q->clock = setup->clock;
    q->steady = setup->steady;
    pthread_mutex_init(&q->jump.lock, NULL);
    q->sight = sight_open();
    q->lock_fd = -1;
    q->ids = ids_open(setup->clock);
    q->key_cache = key_cache_open();
    bell_open(&q->bell);
    return q;
}

static bool lock_files(struct queue *q, struct arena *a, struct err *e)
{
    if (!folder_lock(q->dir, a, &q->lock_fd, e))
        return false;
    folder_drop(q->dir, FOLDER_STAGE, a); /* a killed restore's, with keys in it */
    return true;
}

static bool open_all(
    struct queue *q, const struct queue_setup *setup, struct arena *a, struct err *e)
{
    bool serves = q->role == QUEUE_SERVE;

    if (!folder_make(q->dir, e) || (serves && !lock_files(q, a, e)) || !open_files(q, a, e) ||
        (serves && !open_tray(q, setup, e)))
        return false;
    committer_open(&(struct committer_setup){.store = q->store,
                       .vault = q->vault,
                       .clock = q->clock,
                       .metrics = setup->metrics,
                       .bodies = serves ? setup->lanes : 0,
                       .worked = bell_ring,
                       .state = &q->bell},
        &q->committer);
    return !serves || start_service(q, setup->lanes, a, e);
}

bool queue_open(const struct queue_setup *setup, struct queue **out, struct err *e)
{
    AUTO(arena_close) struct arena *a = NULL;
    struct queue *q;

    if (!node_is_fine(setup->node))
        return err_set(e, ERR_INPUT, "a node's name is 1 to 32 of a-z, 0-9 and -");
    if (strlen(setup->dir) >= sizeof q->dir)
        return err_set(
            e, ERR_LIMIT, "the data folder's path is longer than %zu bytes", sizeof q->dir - 1);
    if (!keyed_tries_all(setup->keys))
        return err_set(
            e, ERR_LIMIT, "the keyring has more than %d versions of the pepper", KEYED_MAX);
    a = arena_open();
    q = new_queue(setup);
    if (open_all(q, setup, a, e)) {
        *out = q;
        return true;
    }
    queue_close(&q);
    return false;
}

void queue_close(struct queue **q)
{
    struct queue *old = *q;

    if (!old)
        return;
    committer_close(&old->committer);
    flight_close(&old->flight);
    tray_close(&old->tray);
    if (old->store)
        old->store->verbs->close(&old->store);
    vault_close(&old->vault);
    key_cache_close(&old->key_cache);
    ids_close(&old->ids);
    if (old->lock_fd >= 0)
        close(old->lock_fd);
    pthread_cond_destroy(&old->bell.rang);
    pthread_mutex_destroy(&old->bell.lock);
    pthread_mutex_destroy(&old->jump.lock);
    sight_close(&old->sight);
    free(old);
    *q = NULL;
}

/* ---- health ---- */

enum part { PART_KEYS, PART_COMMITS, PART_STORE, PART_READS, PARTS };

static bool part_is_well(const struct queue *q, enum part part, struct err *e)
{
    switch (part) {
    case PART_KEYS:
        return vault_is_well(q->vault, e);
    case PART_COMMITS:
        return committer_is_well(q->committer, e);
    case PART_STORE:
        return q->store->verbs->is_well(q->store, e);
    default:
        return sight_is_clear(q->sight, e);
    }
}

bool queue_is_sound(const struct queue *q, struct err *e)
{
    struct err trouble;

    for (enum part i = 0; i < PARTS; i++)
        if (!part_is_well(q, i, &trouble) && trouble.code == ERR_CORRUPT) {
            *e = trouble;
            return false;
        }
    return true;
}

bool queue_is_well(const struct queue *q, struct err *e)
{
    bool fine = queue_is_sound(q, e);

    for (enum part i = 0; i < PARTS && fine; i++)
        fine = part_is_well(q, i, e);
    return fine;
}

/* Whether commits work is told by them. */
bool queue_takes_in(struct queue *q, struct err *e)
{
    return queue_is_sound(q, e) && sight_is_clear(q->sight, e) && vault_is_well(q->vault, e) &&
           q->store->verbs->is_well(q->store, e);
}

static bool is_the_disks(const struct err *e)
{
    return e->code == ERR_IO || e->code == ERR_FULL;
}

bool queue_seen(struct queue *q, bool fine, const struct err *e)
{
    if (!fine && e->code == ERR_CORRUPT)
        committer_note_corrupt(q->committer, e);
    if (!fine && is_the_disks(e))
        sight_note(q->sight, "queue.db", e);
    return fine;
}

bool queue_seen_keys(struct queue *q, bool fine, const struct err *e)
{
    if (!fine && is_the_disks(e))
        sight_note(q->sight, "keys.db", e);
    return fine;
}

/* By a connection of its own, which has nothing in memory. */
static bool head_is_readable(const struct queue *q, const char *file)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(sqlite_close) struct sqlite *db = NULL;
    struct err ignored;

    if (!sqlite_open(folder_path(q->dir, file, a), SQLITE_FOR_READING, &db, &ignored))
        return false;
    sqlite_keep_log(db);
    return sql_run(sqlite_sql(db, "SELECT count(*) FROM sqlite_schema"), &ignored);
}

static void look_around(struct queue *q)
{
    struct err trouble;

    sight_look(q->sight, sight_is_clear(q->sight, &trouble) ||
                             (head_is_readable(q, "queue.db") && head_is_readable(q, "keys.db")));
}

/* ---- jumps of the clock ---- */

void jump_note_lease(struct queue *q, int64_t lease_ms)
{
    pthread_mutex_lock(&q->jump.lock);
    if (lease_ms > q->jump.longest_ms)
        q->jump.longest_ms = lease_ms;
    pthread_mutex_unlock(&q->jump.lock);
}

/* A lease from before a jump would seem to have run out while its holder still speaks with a server: by the time
 * that went by it has not. After one more lease's length none of those can be left. */
static int64_t look_for_jump(struct queue *q)
{
    struct jump *j = &q->jump;
    int64_t now_ms = queue_now_ms(q), steady_ms, ahead_ms;

    if (!q->steady)
        return 0;
    steady_ms = clock_now_ms(q->steady);
    pthread_mutex_lock(&j->lock);
    ahead_ms = j->begun ? (now_ms - j->now_ms) - (steady_ms - j->steady_ms) : 0;
    if (ahead_ms > CLOCK_JUMP_MS) {
        j->slack_ms += ahead_ms;
        j->until_steady_ms = steady_ms + j->longest_ms;
    } else if (ahead_ms < -CLOCK_JUMP_MS) {
        j->slack_ms = j->slack_ms > -ahead_ms ? j->slack_ms + ahead_ms : 0;
    }
    if (steady_ms > j->until_steady_ms)
        j->slack_ms = 0;
    j->begun = true;
    j->now_ms = now_ms;
    j->steady_ms = steady_ms;
    ahead_ms = j->slack_ms;
    pthread_mutex_unlock(&j->lock);
    return ahead_ms;
}

/* ---- housekeeping ---- */

bool queue_sweep(struct queue *q, struct err *e)
{
    struct err trouble;
    struct store_op op = {.kind = STORE_SWEEP, .sweep = {.max = SWEEP_BATCH, .more = true}};

    look_around(q);
    /* A queue that could not write is asked again here, also when nobody else writes. */
    op.sweep.probe = !queue_is_well(q, &trouble);
    if (op.sweep.probe) {
        vault_retry(q->vault);
        q->store->verbs->retry(q->store);
    }
    op.sweep.lease_slack_ms = look_for_jump(q);
    if (q->tray)
        tray_sweep(q->tray, queue_now_ms(q));
    for (int i = 0; i < SWEEP_BATCHES && op.sweep.more; i++)
        if (!committer_run(q->committer, &op, e))
            return false;
    return true;
}

/* ---- waiting ---- */

void bell_ring(void *state)
{
    struct bell *b = state;

    pthread_mutex_lock(&b->lock);
    b->work = true;
    pthread_cond_broadcast(&b->rang);
    pthread_mutex_unlock(&b->lock);
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

void queue_wait(struct queue *q, int64_t until_ms)
{
    struct bell *b = &q->bell;
    int64_t left_ms = until_ms - queue_now_ms(q);
    struct timespec until;

    if (left_ms <= 0)
        return;
    /* Other processes do not ring our bell, and what falls due later does not ring at all. */
    until = in_ms(left_ms < COMMITTER_SOON_MS ? left_ms : COMMITTER_SOON_MS);
    pthread_mutex_lock(&b->lock);
    while (!b->work && !b->ended)
        if (pthread_cond_timedwait(&b->rang, &b->lock, &until) == ETIMEDOUT)
            break;
    b->work = false;
    pthread_mutex_unlock(&b->lock);
}

void queue_wake(struct queue *q)
{
    pthread_mutex_lock(&q->bell.lock);
    q->bell.ended = true;
    pthread_cond_broadcast(&q->bell.rang);
    pthread_mutex_unlock(&q->bell.lock);
}
