/* sqlite_batch -- what one transaction gathers and writes once at its end: chain heads, tallies, counts of what is held; with
 * sqlite_lines.c and sqlite_refs.c. A thousand submits of one storefront move its chain head once. */
#include "queue/sqlite_inside.h"

#include <stdlib.h>

#define SHOPS_KEPT 1024 /* heads are forgotten beyond that */

static void forget(struct writer *w)
{
    arena_clear(w->batch);
    arena_clear(w->shops_arena);
    w->shops = NULL;
    w->shops_n = w->shops_cap = 0;
    w->held = NULL;
    w->last_message = w->last_row = -1;
}

void batch_begin(struct writer *w, int64_t now_ms, bool others_wrote)
{
    w->now_ms = now_ms;
    w->days_known = false;
    w->person.n = 0;
    w->keys_changed = w->suppressed = false;
    if (others_wrote || w->shops_n > SHOPS_KEPT)
        forget(w);
    lines_begin(w->lines, others_wrote);
    refs_begin(w->refs, others_wrote);
}

void batch_undo(struct writer *w)
{
    forget(w);
    lines_forget(w->lines);
    refs_undo(w->refs);
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

/* ---- numbers ---- */

static bool last_of(struct writer *w, const char *text, int64_t *last, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, text);

    if (sql_row(q))
        *last = sql_get_int(q, 0);
    return sql_done(q, e);
}

bool batch_next_message(struct writer *w, int64_t *out, struct err *e)
{
    if (w->last_message < 0 &&
        !last_of(w, "SELECT ifnull(max(n), 0) FROM message", &w->last_message, e))
        return false;
    *out = ++w->last_message;
    return true;
}

bool batch_next_row(struct writer *w, int64_t *out, struct err *e)
{
    if (w->last_row < 0 && !last_of(w, "SELECT ifnull(max(n), 0) FROM journal", &w->last_row, e))
        return false;
    if (w->last_row == INT64_MAX)
        return err_set(e, ERR_CORRUPT, "database: the journal's last row has the last number");
    *out = ++w->last_row;
    return true;
}

bool batch_insert_numbered(struct sql *q, struct err *e)
{
    if (sql_run(q, e))
        return true;
    if (e->code == ERR_CONFLICT) {
        const struct err taken = *e;
        err_set(e, ERR_CORRUPT, "%s%s", taken.text, SQLITE_ADVICE);
    }
    return false;
}

/* ---- held ---- */

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
    if (!lines_end(w->lines, e) || !refs_end(w->refs, e))
        return false;
    for (const struct held_change *h = w->held; h; h = h->next)
        if (!write_held(w, h, e))
            return false;
    w->held = NULL;
    for (size_t i = 0; i < w->shops_n; i++)
        if ((w->shops[i].tally_moved && !write_tally(w, &w->shops[i], e)) ||
            (w->shops[i].head_moved && !write_head(w, &w->shops[i], e)))
            return false;
    arena_clear(w->batch);
    return true;
}
