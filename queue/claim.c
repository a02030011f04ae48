/* claim -- who has work, and taking some of it: leased in one commit, then taken from the tray, or read and unsealed here. */
#include "queue/inside.h"

#define CLAIM_MAX 1000

bool queue_ready(struct queue *q, size_t max, struct arena *a, struct ready **out, size_t *n,
    int64_t *next_due_ms, struct err *e)
{
    struct err trouble;

    *n = 0;
    *next_due_ms = INT64_MAX;
    if (!queue_is_sound(q, &trouble))
        return true;
    return queue_seen(
        q, q->store->verbs->ready(q->store, queue_now_ms(q), max, a, out, n, next_due_ms, e), e);
}

bool queue_ready_among(struct queue *q, const struct ready *wanted, size_t wanted_n,
    struct arena *a, struct ready **out, size_t *n, struct err *e)
{
    struct err trouble;

    *n = 0;
    if (!queue_is_sound(q, &trouble))
        return true;
    return queue_seen(q,
        q->store->verbs->ready_among(q->store, queue_now_ms(q), wanted, wanted_n, a, out, n, e), e);
}

/* What was unsealed is in the arena already. */
static void fill_job(const struct store_message *m, const struct store_lease *l,
    int64_t lease_until_ms, struct arena *a, struct job *out)
{
    const struct message_view *v = &m->view;

    *out = (struct job){
        .storefront = arena_text(a, str_of(v->storefront)),
        .id = arena_text(a, str_of(v->id)),
        .destination = arena_text(a, str_of(v->destination)),
        .stream = arena_text(a, str_of(v->stream)),
        .template_name = arena_text(a, str_of(v->template_name)),
        .locale = arena_text(a, str_of(v->locale)),
        .fence = l->fence,
        .lease_until_ms = lease_until_ms,
        .attempts = v->attempts,
        .waits = m->waits,
        .unsure = v->unsure,
        .created_ms = v->created_ms,
        .date_ms = v->date_ms,
        .due_ms = v->due_ms,
        .expires_ms = v->expires_ms,
        .bundle = v->bundle,
        .person = m->person,
        .pepper_version = m->pepper,
        .address = v->address,
        .private_json = v->private_json,
        .attachments_n = m->attachments_n,
        .event = arena_text(a, str_of(v->event)),
    };
}

static struct str domain_of(struct str address)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    return str_slice(address, at, address.n);
}

/* The row outside the seals says whose mail it is and where it goes; whoever can write the database could change that.
 * Sealed with the message stands its address, and the two must fit. */
static bool fits_its_seal(struct queue *q, const struct store_message *m)
{
    struct keyed who;
    struct str destination = str_of(m->view.destination);

    if (!str_starts(destination, STR("relay:")) &&
        !str_eq_nocase(destination, domain_of(m->view.address)))
        return false;
    keyed_person(q->keys, m->view.storefront, m->view.address, &who);
    for (size_t i = 0; i < who.n; i++)
        if (digest_equal(&who.hash[i], &m->person))
            return true;
    return false;
}

/* The sealed bytes stay in `sealed`: a job lives for long, and in many lanes. */
static bool read_job(struct queue *q, const char *storefront, const struct store_lease *l,
    int64_t lease_until_ms, struct arena *a, struct job *out, bool *erased, struct err *e)
{
    AUTO(arena_close) struct arena *sealed = arena_open();
    struct store_message m;
    struct attachment *list;

    if (!queue_seen(
            q, q->store->verbs->message(q->store, storefront, l->id, true, sealed, &m, e), e) ||
        !unseal_view(q, &m, a, true, e))
        return false;
    if (!m.view.erased && !fits_its_seal(q, &m))
        return err_set(e, ERR_CORRUPT, "the row of %s is not what was sealed with it", l->id);
    fill_job(&m, l, lease_until_ms, a, out);
    *erased = m.view.erased;
    list = arena_array(a, m.attachments_n, sizeof *list);
    out->attachments = list;
    for (size_t i = 0; i < m.attachments_n && !*erased; i++)
        if (!unseal_attachment(q, &m, i, a, &list[i], erased, e))
            return false;
    return true;
}

static void close_item(void *item)
{
    struct tray_item *i = item;

    tray_item_close(&i);
}

/* Its address and content never left this process, so no seal must be compared: only whether the lease is that of
 * the row that was written for it. Whoever was erased meanwhile is found in the store, as such. */
static bool take_job(struct queue *q, const struct store_claim *c, const struct store_lease *l,
    struct arena *a, struct job *out)
{
    struct tray_item *item = tray_take(q->tray, c->storefront, c->destination, l);

    if (!item)
        return false;
    arena_own(a, item, close_item);
    *out = *tray_item_job(item, l, c->lease_until_ms);
    return true;
}

/* Ends a lease that nobody was given. That it was lost meanwhile is as good. */
static bool end_lease(struct queue *q, const char *storefront, const struct store_lease *l,
    enum msg_state to, const char *reason, struct str facts, struct err *e)
{
    struct job j = {.storefront = storefront, .id = l->id, .fence = l->fence};
    struct settlement s = {.job = &j, .to = to, .reason = reason, .due_ms = queue_now_ms(q)};
    struct store_settle one = {.s = &s, .facts = facts};
    struct store_op op = {.kind = STORE_SETTLE, .settle = {.list = &one, .n = 1}};

    return committer_run(q->committer, &op, e) || e->code == ERR_CONFLICT;
}

/* A message that cannot be sent for what was found in it ends (erased) or waits for a person (unreadable);
 * it must not stop the ones beside it. */
static bool set_aside(struct queue *q, const char *storefront, const struct store_lease *l,
    bool erased, const struct err *why, struct err *e)
{
    if (erased)
        return end_lease(
            q, storefront, l, MSG_CANCELLED, "erased", STR("{\"reason\":\"erased\"}"), e);
    if (why->code == ERR_CORRUPT || why->code == ERR_MISSING)
        return end_lease(
            q, storefront, l, MSG_HELD, "unreadable", STR("{\"reason\":\"unreadable\"}"), e);
    *e = *why;
    return false;
}

/* What the caller does not hear of may not stay leased: it would come back as unsure when the lease runs out. It still
 * does when the disk refuses this as well. */
static void give_back(
    struct queue *q, const char *storefront, const struct store_claim *c, size_t from)
{
    struct err ignored;

    for (size_t i = from; i < c->n; i++)
        (void)end_lease(q, storefront, &c->out[i], MSG_QUEUED, "", STR(""), &ignored);
}

/* Asked once for all that was leased, and after it. False: nobody can say, so the store is to tell of each. */
static bool mind_erasures(struct queue *q)
{
    struct err e;
    int64_t n;

    if (!q->tray || !vault_erasures(q->vault, &n, &e))
        return false;
    tray_mind_erasures(q->tray, n);
    return true;
}

bool queue_claim(struct queue *q, const char *storefront, const char *destination, size_t max,
    int64_t lease_ms, struct arena *a, struct job **out, size_t *n, struct err *e)
{
    struct store_op op = {.kind = STORE_CLAIM,
        .claim = {.storefront = storefront,
            .destination = destination,
            .max = max < CLAIM_MAX ? max : CLAIM_MAX,
            .max_bytes = QUEUE_CLAIM_BYTES,
            .lease_until_ms = queue_now_ms(q) + lease_ms,
            .owner = q->node,
            .start = q->start,
            .arena = a}};

    *n = 0;
    jump_note_lease(q, lease_ms);
    if (!queue_is_sound(q, e) || !committer_run(q->committer, &op, e))
        return false;
    *out = arena_array(a, op.claim.n, sizeof **out);
    bool in_memory = op.claim.n > 0 && mind_erasures(q);
    for (size_t i = 0; i < op.claim.n; i++) {
        const struct store_lease *l = &op.claim.out[i];
        struct job *job = &(*out)[*n];
        bool erased = false;
        struct err why;

        if ((in_memory && take_job(q, &op.claim, l, a, job)) ||
            (read_job(q, storefront, l, op.claim.lease_until_ms, a, job, &erased, &why) && !erased))
            (*n)++;
        else if (!set_aside(q, storefront, l, erased, &why, e)) {
            /* What was read may go; the rest comes back when the trouble is over. */
            give_back(q, storefront, &op.claim, i);
            return *n > 0;
        }
    }
    return true;
}

void queue_body_starts(struct queue *q, size_t lane, const struct job *j)
{
    if (q->flight)
        flight_begin(q->flight, lane, j->id, j->fence);
}
