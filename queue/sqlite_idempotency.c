/* sqlite_idempotency -- the keys of repeated requests, one table a day, four tables in turn. */
#include "queue/sqlite_inside.h"

#define DAY_MS INT64_C(86400000)
#define COLUMNS "SELECT request, id, state, reason FROM "
#define BY_KEY " WHERE storefront = ?1 AND key = ?2"
#define VALUES " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"

static const char *const find_in[IDEMPOTENCY_PLACES] = {COLUMNS "idempotency_0" BY_KEY,
    COLUMNS "idempotency_1" BY_KEY, COLUMNS "idempotency_2" BY_KEY, COLUMNS "idempotency_3" BY_KEY};
static const char *const add_to[IDEMPOTENCY_PLACES] = {"INSERT INTO idempotency_0" VALUES,
    "INSERT INTO idempotency_1" VALUES, "INSERT INTO idempotency_2" VALUES,
    "INSERT INTO idempotency_3" VALUES};
static const char *const empty[IDEMPOTENCY_PLACES] = {"DELETE FROM idempotency_0",
    "DELETE FROM idempotency_1", "DELETE FROM idempotency_2", "DELETE FROM idempotency_3"};

static int64_t today(const struct writer *w)
{
    return w->now_ms / DAY_MS;
}

static bool read_days(struct writer *w, struct err *e)
{
    struct sql *q;

    if (w->days_known)
        return true;
    for (int i = 0; i < IDEMPOTENCY_PLACES; i++)
        w->days[i] = -1;
    q = sqlite_sql(w->db, "SELECT place, day FROM idempotency_day WHERE place BETWEEN 0 AND 3");
    while (sql_row(q))
        w->days[sql_get_int(q, 0)] = sql_get_int(q, 1);
    w->days_known = true;
    return sql_done(q, e);
}

/* A clock that was set back must neither hide nor lose the keys of days that are now to come. */
static bool counts(const struct writer *w, int place)
{
    return w->days[place] >= 0 && w->days[place] >= today(w) - IDEMPOTENCY_DAYS;
}

static bool look(struct writer *w, const struct store_submit *s, int place,
    const struct digest *key, bool *found, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, find_in[place]);
    struct digest request;

    sql_text(q, 1, s->s->storefront);
    sql_digest(q, 2, key);
    *found = sql_row(q) && sql_get_digest(q, 0, &request);
    if (*found) {
        bool same = digest_equal(&request, &s->s->request);

        *s->out = (struct receipt){.result = same ? SUBMIT_REPEATED : SUBMIT_CONFLICT,
            .state = (enum msg_state)sql_get_int(q, 2)};
        (void)str_copy(sql_get_str(q, 1), s->out->id.s, sizeof s->out->id.s);
        (void)str_copy(sql_get_str(q, 3), s->out->reason, sizeof s->out->reason);
    }
    return sql_done(q, e);
}

bool idempotency_find(struct writer *w, const struct store_submit *s, bool *found, struct err *e)
{
    *found = false;
    if (s->idempotency.n == 0)
        return true;
    if (!read_days(w, e))
        return false;
    for (int place = 0; place < IDEMPOTENCY_PLACES; place++)
        for (size_t i = 0; counts(w, place) && i < s->idempotency.n; i++) {
            if (!look(w, s, place, &s->idempotency.hash[i], found, e))
                return false;
            if (*found)
                return true;
        }
    return true;
}

static bool set_day(struct writer *w, int place, int64_t day, struct err *e)
{
    struct sql *q = sqlite_sql(w->db, "INSERT OR REPLACE INTO idempotency_day VALUES (?1, ?2)");

    sql_int(q, 1, place);
    sql_int(q, 2, day);
    w->days[place] = day;
    return sql_run(sqlite_sql(w->db, empty[place]), e) && sql_run(q, e);
}

bool idempotency_add(struct writer *w, const struct store_submit *s, struct err *e)
{
    int place = (int)(today(w) % IDEMPOTENCY_PLACES);
    struct sql *q;

    if (s->idempotency.n == 0)
        return true;
    if (!read_days(w, e) || (w->days[place] != today(w) && !set_day(w, place, today(w), e)))
        return false;
    q = sqlite_sql(w->db, add_to[place]);
    sql_text(q, 1, s->s->storefront);
    sql_digest(q, 2, &s->idempotency.hash[0]);
    sql_digest(q, 3, &s->s->request);
    sql_text(q, 4, s->out->id.s);
    sql_int(q, 5, s->out->state);
    sql_text(q, 6, s->out->reason);
    return sql_run(q, e);
}

bool idempotency_sweep(struct writer *w, struct err *e)
{
    if (!read_days(w, e))
        return false;
    for (int place = 0; place < IDEMPOTENCY_PLACES; place++)
        if (w->days[place] >= 0 && !counts(w, place) && !set_day(w, place, -1, e))
            return false;
    return true;
}
