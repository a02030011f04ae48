/* sqlite_lines -- where messages go, and when the first of each line falls due. A place is a destination of a storefront, a
 * line those of its messages with one priority that were never tried, or that come again. What is known of both is kept
 * while nobody else writes. */
#include "queue/sqlite_inside.h"

#include <stdlib.h>

#define LINES_KEPT 20000 /* places and lines; all are forgotten beyond that */
#define LINE_BUCKETS 4096

struct place {
    const char *storefront, *destination;
    int64_t n;
    struct place *next_in_bucket;
};

struct line_row {
    int64_t place, priority;
    enum msg_state state;
    bool known; /* the two below are what the table has */
    bool has;
    int64_t due_ms;
    bool touched;      /* in this transaction: the rest is for its end */
    bool lost, gained; /* messages left it; came into it, the first of them due at: */
    int64_t gained_ms;
    struct line_row *next_in_bucket, *next_touched;
};

struct lines {
    struct sqlite *db;
    struct arena *arena;
    size_t n;
    struct place *places[LINE_BUCKETS];
    struct line_row *lines[LINE_BUCKETS], *touched;
};

struct lines *lines_open(struct sqlite *db)
{
    struct lines *l = calloc(1, sizeof *l);

    if (!l)
        err_out_of_memory();
    l->db = db;
    l->arena = arena_open();
    return l;
}

void lines_close(struct lines **l)
{
    if (!*l)
        return;
    arena_close(&(*l)->arena);
    free(*l);
    *l = NULL;
}

void lines_forget(struct lines *l)
{
    arena_clear(l->arena);
    memset(l->places, 0, sizeof l->places);
    memset(l->lines, 0, sizeof l->lines);
    l->touched = NULL;
    l->n = 0;
}

void lines_begin(struct lines *l, bool others_wrote)
{
    if (others_wrote || l->n > LINES_KEPT)
        lines_forget(l);
}

/* ---- places ---- */

/* FNV-1a: the keys come from our own tables, or are domains of mail that was accepted. */
static size_t bucket_of_name(const char *storefront, const char *destination)
{
    uint64_t h = 14695981039346656037u;

    for (const char *p = storefront; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = destination; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return (size_t)(h ^ (h >> 32)) % LINE_BUCKETS;
}

static bool find_place(
    struct lines *l, const char *storefront, const char *destination, int64_t *out, struct err *e)
{
    struct sql *q =
        sqlite_sql(l->db, "SELECT n FROM place WHERE storefront = ?1 AND destination = ?2");

    sql_text(q, 1, storefront);
    sql_text(q, 2, destination);
    *out = sql_row(q) ? sql_get_int(q, 0) : 0;
    return sql_done(q, e);
}

static bool add_place(
    struct lines *l, const char *storefront, const char *destination, int64_t *out, struct err *e)
{
    struct sql *q = sqlite_sql(l->db, "INSERT INTO place(storefront, destination) VALUES (?1, ?2)");

    sql_text(q, 1, storefront);
    sql_text(q, 2, destination);
    if (!sql_run(q, e))
        return false;
    *out = sqlite_last_row(l->db);
    return true;
}

bool place_of(struct lines *l, const char *storefront, const char *destination, bool make,
    int64_t *out, struct err *e)
{
    struct place **bucket = &l->places[bucket_of_name(storefront, destination)], *p;

    for (p = *bucket; p; p = p->next_in_bucket)
        if (strcmp(p->destination, destination) == 0 && strcmp(p->storefront, storefront) == 0) {
            *out = p->n;
            return true;
        }
    if (!find_place(l, storefront, destination, out, e) ||
        (*out == 0 && make && !add_place(l, storefront, destination, out, e)))
        return false;
    if (*out == 0)
        return true;
    p = ARENA_NEW(l->arena, struct place);
    *p = (struct place){arena_text(l->arena, str_of(storefront)),
        arena_text(l->arena, str_of(destination)), *out, *bucket};
    *bucket = p;
    l->n++;
    return true;
}

/* ---- lines ---- */

static struct line_row *line_of(
    struct lines *l, int64_t place, int64_t priority, enum msg_state state)
{
    uint64_t h = (uint64_t)place * 40 + (uint64_t)priority * 4 + (uint64_t)state;
    struct line_row **bucket = &l->lines[(h ^ h >> 12) % LINE_BUCKETS], *row;

    for (row = *bucket; row; row = row->next_in_bucket)
        if (row->place == place && row->priority == priority && row->state == state)
            return row;
    row = ARENA_NEW(l->arena, struct line_row);
    *row = (struct line_row){.place = place, .priority = priority, .state = state};
    row->next_in_bucket = *bucket;
    *bucket = row;
    l->n++;
    return row;
}

static struct line_row *touch(
    struct lines *l, int64_t place, int64_t priority, enum msg_state state)
{
    struct line_row *row = line_of(l, place, priority, state);

    if (!row->touched) {
        row->touched = true;
        row->lost = row->gained = false;
        row->next_touched = l->touched;
        l->touched = row;
    }
    return row;
}

void line_lost(struct lines *l, int64_t place, int64_t priority, enum msg_state state)
{
    touch(l, place, priority, state)->lost = true;
}

void line_gained(
    struct lines *l, int64_t place, int64_t priority, enum msg_state state, int64_t due_ms)
{
    struct line_row *row = touch(l, place, priority, state);

    if (!row->gained || due_ms < row->gained_ms)
        row->gained_ms = due_ms;
    row->gained = true;
}

/* ---- at the end of a transaction ---- */

static void bind_line(struct sql *q, const struct line_row *row)
{
    sql_int(q, 1, row->place);
    sql_int(q, 2, row->priority);
    sql_int(q, 3, row->state);
}

static bool earliest(struct lines *l, const struct line_row *row, const char *text, bool *found,
    int64_t *due_ms, struct err *e)
{
    struct sql *q = sqlite_sql(l->db, text);

    bind_line(q, row);
    *found = sql_row(q);
    if (*found)
        *due_ms = sql_get_int(q, 0);
    return sql_done(q, e);
}

static bool learn(struct lines *l, struct line_row *row, struct err *e)
{
    static const char stored[] =
        "SELECT due_ms FROM destination WHERE place = ?1 AND priority = ?2 AND state = ?3";

    if (!row->known && !earliest(l, row, stored, &row->has, &row->due_ms, e))
        return false;
    row->known = true;
    return true;
}

/* What came can only make a line's first earlier; what left may have been its first. */
static bool first_now(
    struct lines *l, const struct line_row *row, bool *has, int64_t *due_ms, struct err *e)
{
    static const char waiting[] =
        "SELECT due_ms FROM message INDEXED BY message_due WHERE place = ?1 AND priority = ?2"
        " AND state = ?3 AND state IN (0, 2) ORDER BY due_ms LIMIT 1";

    if (row->lost)
        return earliest(l, row, waiting, has, due_ms, e);
    *has = true;
    *due_ms = row->has && row->due_ms < row->gained_ms ? row->due_ms : row->gained_ms;
    return true;
}

static bool write_line(struct lines *l, struct line_row *row, struct err *e)
{
    static const char upsert[] = "INSERT OR REPLACE INTO destination(place, priority, state,"
                                 " due_ms) VALUES (?1, ?2, ?3, ?4)";
    static const char drop[] =
        "DELETE FROM destination WHERE place = ?1 AND priority = ?2 AND state = ?3";
    bool has;
    int64_t due_ms = 0;
    struct sql *q;

    if (!learn(l, row, e) || !first_now(l, row, &has, &due_ms, e))
        return false;
    if (has == row->has && (!has || due_ms == row->due_ms))
        return true;
    row->has = has;
    row->due_ms = due_ms;
    q = sqlite_sql(l->db, has ? upsert : drop);
    bind_line(q, row);
    if (has)
        sql_int(q, 4, due_ms);
    return sql_run(q, e);
}

bool lines_end(struct lines *l, struct err *e)
{
    for (struct line_row *row = l->touched; row; row = row->next_touched) {
        if (!write_line(l, row, e))
            return false;
        row->touched = false;
    }
    l->touched = NULL;
    return true;
}
