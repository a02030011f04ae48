/* sqlite_batch -- what one transaction gathers and writes once at its end: chain heads, tallies and the
 * earliest due times of destinations. A thousand submits of one storefront move its chain head once. */
#include "queue/sqlite_inside.h"

#include <stdlib.h>

#define SHOPS_KEPT 1024 /* heads are forgotten beyond that */

void batch_begin(struct writer *w, int64_t now_ms, bool others_wrote)
{
    w->now_ms = now_ms;
    w->days_known = false;
    w->person.n = 0;
    w->keys_changed = w->suppressed = false;
    if (others_wrote || w->shops_n > SHOPS_KEPT)
        batch_forget(w);
}

void batch_forget(struct writer *w)
{
    arena_clear(w->batch);
    arena_clear(w->shops_arena);
    w->shops = NULL;
    w->shops_n = w->shops_cap = 0;
    w->touched = NULL;
    w->held = NULL;
    memset(w->buckets, 0, sizeof w->buckets);
}

struct shop *batch_shop(struct writer *w, const char *storefront)
{
    for (size_t i = 0; i < w->shops_n; i++)
        if (strcmp(w->shops[i].name, storefront) == 0)
            return &w->shops[i];
    if (w->shops_n == w->shops_cap) {
        size_t cap = w->shops_cap ? w->shops_cap * 2 : 8;
        struct shop *more = arena_array(w->shops_arena, cap, sizeof *more);

        if (w->shops_n > 0)
            memcpy(more, w->shops, w->shops_n * sizeof *more);
        w->shops = more;
        w->shops_cap = cap;
    }
    w->shops[w->shops_n] = (struct shop){.name = arena_text(w->shops_arena, str_of(storefront))};
    return &w->shops[w->shops_n++];
}

void batch_tally(struct writer *w, const char *storefront, enum msg_state s, int64_t change)
{
    struct shop *shop = batch_shop(w, storefront);

    shop->tally[s] += change;
    shop->tally_moved = true;
}

/* FNV-1a: the set lives for one batch and its keys come from our own tables. */
static size_t bucket_of(
    const char *storefront, const char *destination, int64_t priority, enum msg_state s)
{
    uint64_t h = 14695981039346656037u;

    for (const char *p = storefront; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = destination; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return (size_t)(h ^ (h >> 32) ^ (uint64_t)(priority * MSG_STATES + s)) % TOUCHED_BUCKETS;
}

void batch_touch(struct writer *w, const char *storefront, const char *destination,
    int64_t priority, enum msg_state s)
{
    struct touched **bucket = &w->buckets[bucket_of(storefront, destination, priority, s)];
    struct touched *t;

    for (t = *bucket; t; t = t->next_in_bucket)
        if (t->priority == priority && t->state == s && strcmp(t->destination, destination) == 0 &&
            strcmp(t->storefront, storefront) == 0)
            return;
    t = ARENA_NEW(w->batch, struct touched);
    t->storefront = arena_text(w->batch, str_of(storefront));
    t->destination = arena_text(w->batch, str_of(destination));
    t->priority = priority;
    t->state = s;
    t->next_in_bucket = *bucket;
    t->next = w->touched;
    *bucket = w->touched = t;
}

static bool earliest(struct writer *w, const struct touched *t, const char *text, bool *found,
    int64_t *due_ms, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, text);

    sql_text(q, 1, t->storefront);
    sql_text(q, 2, t->destination);
    sql_int(q, 3, t->priority);
    sql_int(q, 4, t->state);
    *found = sql_row(q);
    if (*found)
        *due_ms = sql_get_int(q, 0);
    return sql_done(q, e);
}

static bool write_destination(struct writer *w, const struct touched *t, struct err *e)
{
    static const char waiting[] =
        "SELECT due_ms FROM message INDEXED BY message_due WHERE storefront = ?1 AND destination = "
        "?2"
        " AND priority = ?3 AND state = ?4 AND state IN (0, 2) ORDER BY due_ms LIMIT 1";
    static const char stored[] = "SELECT due_ms FROM destination WHERE storefront = ?1 AND "
                                 "destination = ?2 AND priority = ?3 AND state = ?4";
    static const char upsert[] = "INSERT OR REPLACE INTO destination VALUES (?1, ?2, ?3, ?4, ?5)";
    static const char drop[] = "DELETE FROM destination WHERE storefront = ?1 AND destination = ?2"
                               " AND priority = ?3 AND state = ?4";
    bool has, had;
    int64_t due_ms = 0, old_ms = 0;
    struct sql *q;

    if (!earliest(w, t, waiting, &has, &due_ms, e) || !earliest(w, t, stored, &had, &old_ms, e))
        return false;
    if (has == had && due_ms == old_ms)
        return true;
    q = sqlite_sql(w->db, has ? upsert : drop);
    sql_text(q, 1, t->storefront);
    sql_text(q, 2, t->destination);
    sql_int(q, 3, t->priority);
    sql_int(q, 4, t->state);
    if (has)
        sql_int(q, 5, due_ms);
    return sql_run(q, e);
}

void batch_held(struct writer *w, const char *storefront, const char *reason, int64_t change)
{
    struct held_change *h;

    for (h = w->held; h; h = h->next)
        if (strcmp(h->reason, reason) == 0 && strcmp(h->storefront, storefront) == 0)
            break;
    if (!h) {
        h = ARENA_NEW(w->batch, struct held_change);
        h->storefront = arena_text(w->batch, str_of(storefront));
        h->reason = arena_text(w->batch, str_of(reason));
        h->next = w->held;
        w->held = h;
    }
    h->change += change;
}

static bool write_held(struct writer *w, const struct held_change *h, struct err *e)
{
    struct sql *q;

    if (h->change == 0)
        return true;
    q = sqlite_sql(w->db, "INSERT INTO held VALUES (?1, ?2, ?3) ON CONFLICT(storefront, reason)"
                          " DO UPDATE SET messages = messages + excluded.messages");
    sql_text(q, 1, h->storefront);
    sql_text(q, 2, h->reason);
    sql_int(q, 3, h->change);
    if (!sql_run(q, e))
        return false;
    if (h->change > 0)
        return true;
    q = sqlite_sql(
        w->db, "DELETE FROM held WHERE storefront = ?1 AND reason = ?2 AND messages = 0");
    sql_text(q, 1, h->storefront);
    sql_text(q, 2, h->reason);
    return sql_run(q, e);
}

static bool write_tally(struct writer *w, struct shop *shop, struct err *e)
{
    for (int s = 0; s < MSG_STATES; s++) {
        struct sql *q;

        if (shop->tally[s] == 0)
            continue;
        q = sqlite_sql(w->db, "INSERT INTO tally VALUES (?1, ?2, ?3) ON CONFLICT(storefront, state)"
                              " DO UPDATE SET messages = messages + excluded.messages");
        sql_text(q, 1, shop->name);
        sql_int(q, 2, s);
        sql_int(q, 3, shop->tally[s]);
        if (!sql_run(q, e))
            return false;
        shop->tally[s] = 0;
    }
    shop->tally_moved = false;
    return true;
}

static bool write_head(struct writer *w, struct shop *shop, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "INSERT OR REPLACE INTO chain VALUES (?1, ?2, ?3, ?4)");

    sql_text(q, 1, shop->name);
    sql_text(q, 2, w->node);
    sql_int(q, 3, shop->seq);
    sql_digest(q, 4, &shop->head);
    shop->head_moved = false;
    return sql_run(q, e);
}

bool batch_end(struct writer *w, struct err *e)
{
    for (const struct touched *t = w->touched; t; t = t->next)
        if (!write_destination(w, t, e))
            return false;
    for (const struct held_change *h = w->held; h; h = h->next)
        if (!write_held(w, h, e))
            return false;
    w->touched = NULL;
    w->held = NULL;
    memset(w->buckets, 0, sizeof w->buckets);
    for (size_t i = 0; i < w->shops_n; i++)
        if ((w->shops[i].tally_moved && !write_tally(w, &w->shops[i], e)) ||
            (w->shops[i].head_moved && !write_head(w, &w->shops[i], e)))
            return false;
    arena_clear(w->batch);
    return true;
}
