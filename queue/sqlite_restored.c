/* sqlite_restored -- what waits in a copy that was put back: nobody knows what became of it since. */
#include "queue/backup.h"
#include "queue/sqlite_inside.h"

static bool waits_for_a_person(const struct message_row *m)
{
    return m->state == MSG_HELD && strncmp(m->reason, "gate:", 5) != 0;
}

static bool mark(struct writer *w, struct message_row *m, struct err *e)
{
    if (m->state == MSG_LEASED)
        return lease_take_back(w, m, true, BACKUP_CODE, e);
    m->unsure = true;
    return message_event(w, m, "unsure", "parcelpost", facts_reason(w, BACKUP_CODE), NULL, e) &&
           message_store(w, m, m->state, e);
}

static bool hold(struct writer *w, struct message_row *m, struct err *e)
{
    enum msg_state from = m->state;

    m->state = MSG_HELD;
    m->reason = BACKUP_CODE;
    return message_event(w, m, "held", "parcelpost", facts_reason(w, BACKUP_CODE), NULL, e) &&
           message_store(w, m, from, e);
}

bool sqlite_restored(struct writer *w, struct store_op *op, struct err *e)
{
    struct store_restored *r = &op->restored;
    struct sql *q =
        sqlite_sql(w->db, "SELECT " MESSAGE_COLUMNS " FROM message NOT INDEXED"
                          " WHERE n > ?1 AND state IN (0, 1, 2, 3) ORDER BY n LIMIT ?2");
    struct message_row *rows;
    size_t n;

    sql_int(q, 1, r->after);
    sql_int(q, 2, (int64_t)r->max);
    if (!message_read_all(w, q, r->max, &rows, &n, e))
        return false;
    r->marked = r->held = 0;
    r->more = n == r->max;
    for (size_t i = 0; i < n; i++) {
        if (!mark(w, &rows[i], e))
            return false;
        if (msg_state_is_final(rows[i].state)) /* superseded while it was leased */
            continue;
        r->marked++;
        if (r->hold && !waits_for_a_person(&rows[i])) {
            if (!hold(w, &rows[i], e))
                return false;
            r->held++;
        }
    }
    if (n > 0)
        r->after = rows[n - 1].n;
    return true;
}
