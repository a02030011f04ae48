/* sqlite_idempotency -- the keys of repeated requests, one table a day, four tables in turn. */
#include "queue/sqlite_inside.h"

#define DAY_MS INT64_C(86400000)
#define FIND_IN(table)                                                                             \
    "SELECT i.request, m.id, i.state, i.reason FROM " table "_at a CROSS JOIN " table              \
    " i ON i.n = a.n CROSS JOIN message m ON m.n = a.n WHERE a.k = ?1 AND i.key = ?2"              \
    " AND m.storefront = ?3"
#define VALUES "(n, key, request, state, reason) VALUES (?1, ?2, ?3, ?4, ?5)"

static const char *const find_in[IDEMPOTENCY_PLACES] = {FIND_IN("idempotency_0"),
    FIND_IN("idempotency_1"), FIND_IN("idempotency_2"), FIND_IN("idempotency_3")};
static const char *const add_to[IDEMPOTENCY_PLACES] = {"INSERT INTO idempotency_0" VALUES,
    "INSERT INTO idempotency_1" VALUES, "INSERT INTO idempotency_2" VALUES,
    "INSERT INTO idempotency_3" VALUES};
static const char *const empty[IDEMPOTENCY_PLACES] = {"DELETE FROM idempotency_0",
    "DELETE FROM idempotency_1", "DELETE FROM idempotency_2", "DELETE FROM idempotency_3"};
static const char *const empty_at[IDEMPOTENCY_PLACES] = {"DELETE FROM idempotency_0_at",
    "DELETE FROM idempotency_1_at", "DELETE FROM idempotency_2_at", "DELETE FROM idempotency_3_at"};

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
    struct ref_key k = ref_of(key);
    struct digest request;

    ref_bind(q, 1, &k);
    sql_digest(q, 2, key);
    sql_text(q, 3, s->s->storefront);
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
    for (size_t i = 0; i < s->idempotency.n; i++) {
        struct ref_key k = ref_of(&s->idempotency.hash[i]);

        if (!refs_bring(w->refs, REF_IDEMPOTENCY, &k, e))
            return false;
    }
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
    return sql_run(sqlite_sql(w->db, empty[place]), e) &&
           sql_run(sqlite_sql(w->db, empty_at[place]), e) && sql_run(q, e);
}

bool idempotency_add(struct writer *w, const struct store_submit *s, int64_t message, struct err *e)
{
    int place = (int)(today(w) % IDEMPOTENCY_PLACES);
    struct sql *q;

    if (s->idempotency.n == 0) {
        refs_pass(w->refs, REF_IDEMPOTENCY, message);
        return true;
    }
    if (!read_days(w, e) || (w->days[place] != today(w) && !set_day(w, place, today(w), e)))
        return false;
    q = sqlite_sql(w->db, add_to[place]);
    sql_int(q, 1, message);
    sql_digest(q, 2, &s->idempotency.hash[0]);
    sql_digest(q, 3, &s->s->request);
    sql_int(q, 4, s->out->state);
    sql_text(q, 5, s->out->reason);
    if (!sql_run(q, e))
        return false;
    refs_add(w->refs, REF_IDEMPOTENCY,
        &(struct ref){.k = ref_of(&s->idempotency.hash[0]), .n = message, .more = place});
    return true;
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
