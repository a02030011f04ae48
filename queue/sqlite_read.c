/* sqlite_read -- questions about messages and content, on a connection of the pool. */
#include "queue/sqlite_inside.h"

/* ---- who has work ---- */

#define PRIORITY_MAX 9

static const enum msg_state waiting[] = {MSG_QUEUED, MSG_DEFERRED};

static bool ready_of_line(struct sqlite *db, int priority, enum msg_state state, int64_t now_ms,
    size_t max, struct arena *a, struct ready **out, size_t *n, struct err *e)
{
    struct sql *q = sqlite_sql(db,
        "SELECT l.storefront, l.destination, d.due_ms FROM destination d JOIN place l ON"
        " l.n = d.place WHERE d.priority = ?1 AND d.state = ?2 AND d.due_ms <= ?3"
        " ORDER BY d.due_ms LIMIT ?4");
    struct ready *list = NULL;
    size_t cap = 0;

    *n = 0;
    sql_int(q, 1, priority);
    sql_int(q, 2, state);
    sql_int(q, 3, now_ms);
    sql_int(q, 4, (int64_t)max);
    while (sql_row(q)) {
        GROW(a, list, *n, cap);
        list[(*n)++] = (struct ready){.storefront = sql_get_text(q, 0, a),
            .destination = sql_get_text(q, 1, a),
            .priority = priority,
            .oldest_due_ms = sql_get_int(q, 2)};
    }
    *out = list;
    return sql_done(q, e);
}

/* One of each kind in turn. A place that has both kinds stands here twice, which does no harm: whoever serves it claims
 * both. */
static bool ready_of_priority(struct sqlite *db, int priority, int64_t now_ms, size_t max,
    struct arena *a, struct ready *list, size_t *n, struct err *e)
{
    struct ready *kinds[COUNT_OF(waiting)];
    size_t found[COUNT_OF(waiting)];

    for (size_t k = 0; k < COUNT_OF(waiting); k++)
        if (!ready_of_line(db, priority, waiting[k], now_ms, max - *n, a, &kinds[k], &found[k], e))
            return false;
    for (size_t i = 0; i < found[0] || i < found[1]; i++)
        for (size_t k = 0; k < COUNT_OF(waiting); k++)
            if (i < found[k] && *n < max)
                list[(*n)++] = kinds[k][i];
    return true;
}

static bool next_due(struct sqlite *db, int priority, enum msg_state state, int64_t now_ms,
    int64_t *next_due_ms, struct err *e)
{
    struct sql *q = sqlite_sql(db, "SELECT due_ms FROM destination WHERE priority = ?1"
                                   " AND state = ?2 AND due_ms > ?3 ORDER BY due_ms LIMIT 1");

    sql_int(q, 1, priority);
    sql_int(q, 2, state);
    sql_int(q, 3, now_ms);
    if (sql_row(q) && sql_get_int(q, 0) < *next_due_ms)
        *next_due_ms = sql_get_int(q, 0);
    return sql_done(q, e);
}

bool read_ready(struct sqlite *db, int64_t now_ms, size_t max, struct arena *a, struct ready **out,
    size_t *n, int64_t *next_due_ms, struct err *e)
{
    *out = arena_array(a, max, sizeof **out);
    *n = 0;
    *next_due_ms = INT64_MAX;
    for (int p = 0; p <= PRIORITY_MAX; p++)
        if ((*n < max && !ready_of_priority(db, p, now_ms, max, a, *out, n, e)) ||
            !next_due(db, p, MSG_QUEUED, now_ms, next_due_ms, e) ||
            !next_due(db, p, MSG_DEFERRED, now_ms, next_due_ms, e))
            return false;
    return true;
}

bool read_ready_among(struct sqlite *db, int64_t now_ms, const struct ready *wanted,
    size_t wanted_n, struct arena *a, struct ready **out, size_t *n, struct err *e)
{
    *out = arena_array(a, wanted_n, sizeof **out);
    *n = 0;
    for (size_t i = 0; i < wanted_n; i++) {
        struct sql *q = sqlite_sql(db,
            "SELECT d.priority, d.due_ms FROM place l CROSS JOIN destination d ON d.place = l.n"
            " WHERE l.storefront = ?1 AND l.destination = ?2 AND d.due_ms <= ?3"
            " ORDER BY d.priority LIMIT 1");

        sql_text(q, 1, wanted[i].storefront);
        sql_text(q, 2, wanted[i].destination);
        sql_int(q, 3, now_ms);
        if (sql_row(q)) {
            (*out)[*n] = wanted[i];
            (*out)[*n].priority = (int)sql_get_int(q, 0);
            (*out)[(*n)++].oldest_due_ms = sql_get_int(q, 1);
        }
        if (!sql_done(q, e))
            return false;
    }
    return true;
}

/* ---- messages ---- */

#define VIEW_COLUMNS                                                                               \
    "SELECT m.storefront, m.id, p.stream, p.template, p.locale, l.destination, m.reason, "         \
    "p.event, m.state,"                                                                            \
    " m.priority, m.attempts, m.unsure, m.created_ms, m.due_ms, m.expires_ms, p.date_ms, p.seq, "  \
    "p.bundle,"                                                                                    \
    " m.fence, m.lease_until_ms, x.hash, x.address, m.n, x.pepper, m.waits"
#define VIEW_JOINS                                                                                 \
    " JOIN payload p ON p.n = m.n JOIN person x ON x.n = m.person JOIN place l ON l.n = m.place"
#define VIEW_FROM " FROM message m" VIEW_JOINS

static void read_view(struct sql *q, struct arena *a, struct store_message *out)
{
    struct message_view *v = &out->view;

    *v = (struct message_view){
        .storefront = sql_get_text(q, 0, a),
        .id = sql_get_text(q, 1, a),
        .stream = sql_get_text(q, 2, a),
        .template_name = sql_get_text(q, 3, a),
        .locale = sql_get_text(q, 4, a),
        .destination = sql_get_text(q, 5, a),
        .reason = sql_get_text(q, 6, a),
        .event = sql_get_text(q, 7, a),
        .state = (enum msg_state)sql_get_int(q, 8),
        .priority = (int)sql_get_int(q, 9),
        .attempts = (int)count_of(q, 10, COUNT_MOST),
        .unsure = sql_get_int(q, 11) != 0,
        .created_ms = sql_get_int(q, 12),
        .due_ms = sql_get_int(q, 13),
        .expires_ms = sql_get_int(q, 14),
        .date_ms = sql_get_int(q, 15),
        .seq = sql_get_int(q, 16),
        .address = STR(""),
        .private_json = STR(""),
    };
    sql_get_digest(q, 17, &v->bundle);
    out->fence = sql_get_int(q, 18);
    out->lease_until_ms = sql_get_int(q, 19);
    sql_get_digest(q, 20, &out->person);
    out->address = sql_get_copy(q, 21, a);
    out->pepper = (unsigned)sql_get_int(q, 23);
    out->waits = (int)count_of(q, 24, COUNT_MOST);
}

static bool read_attachments(
    struct sqlite *db, int64_t n, struct arena *a, struct store_message *out, struct err *e)
{
    struct sql *q =
        sqlite_sql(db, "SELECT sealed FROM attachment WHERE n BETWEEN ?1 AND ?2 ORDER BY n");
    struct str *list = NULL;
    size_t count = 0, cap = 0;

    sql_int(q, 1, ATTACHMENT_N(n, 0));
    sql_int(q, 2, ATTACHMENT_N(n, ATTACHMENTS_MAX - 1));
    while (sql_row(q)) {
        GROW(a, list, count, cap);
        list[count++] = sql_get_copy(q, 0, a);
    }
    out->attachments = list;
    out->attachments_n = count;
    return sql_done(q, e);
}

bool read_message(struct sqlite *db, const char *storefront, const char *id, bool with_attachments,
    struct arena *a, struct store_message *out, struct err *e)
{
    struct sql *q = sqlite_sql(
        db, VIEW_COLUMNS ", p.sealed" VIEW_FROM " WHERE m.storefront = ?1 AND m.id = ?2");
    int64_t n = 0;

    *out = (struct store_message){0};
    sql_text(q, 1, storefront);
    sql_text(q, 2, id);
    if (sql_row(q)) {
        read_view(q, a, out);
        n = sql_get_int(q, 22);
        out->private_json = sql_get_copy(q, 25, a);
    }
    if (!sql_done(q, e))
        return false;
    if (n == 0)
        return err_set(e, ERR_MISSING, "there is no message %.60s", id);
    return !with_attachments || read_attachments(db, n, a, out, e);
}

#define BEHIND_ALL_IDS "~" /* they are of letters, digits, - and _ */

/* An index for each rare state, so that its list is no walk. Leased messages are few, because lanes are. Queued ones are the
 * newest and delivered ones nearly all: walking from the newest meets them at once. */
static bool is_walked(int state)
{
    return state < 0 || state == MSG_QUEUED || state == MSG_DELIVERED;
}

static const char *list_text(int state)
{
    static const char all[] =
        VIEW_COLUMNS VIEW_FROM " WHERE m.storefront = ?1 AND m.id < ?2 ORDER BY m.id DESC";
    static const char leased[] = VIEW_COLUMNS " FROM message m INDEXED BY message_leased" VIEW_JOINS
                                              " WHERE m.storefront = ?1 AND m.id < ?2"
                                              " AND m.state = 1 ORDER BY m.id DESC";
    static const char others[] =
        VIEW_COLUMNS " FROM message m INDEXED BY message_by_state" VIEW_JOINS
                     " WHERE m.storefront = ?1 AND m.id < ?2 AND m.state = ?3"
                     " AND m.state <> 0 AND m.state <> 1 AND m.state <> 4 ORDER BY m.id DESC";

    return is_walked(state) ? all : state == MSG_LEASED ? leased : others;
}

bool read_list(struct sqlite *db, const char *storefront, const struct message_filter *f,
    struct arena *a, struct store_message **out, size_t *n, const char **go_on, struct err *e)
{
    struct sql *q = sqlite_sql(db, list_text(f->state));
    struct store_message *list = NULL;
    char last[ID_SIZE] = "";
    size_t cap = 0, looked = 0;

    *n = 0;
    sql_text(q, 1, storefront);
    sql_text(q, 2, f->after_id[0] ? f->after_id : BEHIND_ALL_IDS);
    if (!is_walked(f->state) && f->state != MSG_LEASED)
        sql_int(q, 3, f->state);
    while (*n < f->max && looked < f->look && sql_row(q)) {
        looked++;
        (void)str_copy(sql_get_str(q, 1), last, sizeof last);
        if ((f->destination[0] && !str_is(sql_get_str(q, 5), f->destination)) ||
            (f->state >= 0 && sql_get_int(q, 8) != f->state))
            continue;
        GROW(a, list, *n, cap);
        read_view(q, a, &list[(*n)++]);
    }
    *go_on = *n == f->max || looked == f->look ? arena_text(a, str_of(last)) : "";
    *out = list;
    return sql_done(q, e);
}

bool read_count(
    struct sqlite *db, const char *storefront_or_null, struct queue_counts *out, struct err *e)
{
    struct sql *q = sqlite_sql(db,
        "SELECT state, sum(messages) FROM tally WHERE ?1 = '' OR storefront = ?1 GROUP BY state");

    *out = (struct queue_counts){0};
    sql_text(q, 1, storefront_or_null ? storefront_or_null : "");
    while (sql_row(q)) {
        int64_t state = sql_get_int(q, 0);

        if (state >= 0 && state < MSG_STATES)
            out->by_state[state] = (uint64_t)sql_get_int(q, 1);
    }
    return sql_done(q, e);
}

bool read_held(
    struct sqlite *db, struct arena *a, struct held_group **out, size_t *n, struct err *e)
{
    struct sql *q = sqlite_sql(db,
        "SELECT h.storefront, h.reason, h.messages, (SELECT m.id FROM message m INDEXED BY "
        "message_held WHERE m.state = 3 AND m.storefront = h.storefront AND m.reason = h.reason"
        " ORDER BY m.id LIMIT 1) FROM held h");
    struct held_group *list = NULL;
    size_t cap = 0;

    *n = 0;
    while (sql_row(q)) {
        GROW(a, list, *n, cap);
        list[(*n)++] = (struct held_group){.storefront = sql_get_text(q, 0, a),
            .code = sql_get_text(q, 1, a),
            .n = (uint64_t)sql_get_int(q, 2),
            .sample_id = sql_get_text(q, 3, a)};
    }
    *out = list;
    return sql_done(q, e);
}

bool read_content(struct sqlite *db, const char *storefront, const struct digest *hash,
    struct arena *a, struct str *out, struct err *e)
{
    static const char exists[] = "SELECT 1 FROM content WHERE storefront = ?1 AND hash = ?2";
    static const char bytes[] = "SELECT bytes FROM content WHERE storefront = ?1 AND hash = ?2";
    struct sql *q = sqlite_sql(db, a ? bytes : exists);
    bool found;

    sql_text(q, 1, storefront);
    sql_digest(q, 2, hash);
    found = sql_row(q);
    if (found && a)
        *out = sql_get_copy(q, 0, a);
    if (!sql_done(q, e))
        return false;
    return found || err_set(e, ERR_MISSING, "there is no such content");
}
