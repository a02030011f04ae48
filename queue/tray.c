#include "queue/tray.h"

#include "queue/locker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096 /* a power of two */

struct tray_item {
    struct tray *tray;
    struct tray_item *next_in_bucket, *older, *newer; /* while it lies in the tray */
    size_t bytes; /* of all that it holds, but for a handover that lies in the tray itself */
    int64_t since_ms, erasures;
    int64_t person_mark;
    struct handover *handover;
    struct job_key key;
    struct job job;
    size_t text_n;
    char text[]; /* what the job points to */
};

struct tray {
    size_t max_bytes;
    struct counter *from_memory, *from_store; /* NULL: nobody counts */
    pthread_mutex_t lock;                     /* guards all below */
    struct gauge *held;                       /* NULL once closed */
    struct tray_item *buckets[BUCKETS];
    struct tray_item *oldest, *newest;
    struct locker *locker; /* all items, and the handovers that the tray has made */
    size_t bytes, items;   /* of all of them, wherever they are */
    int64_t erasures;      /* as of the last look */
    bool closed;
};

static void give_back(struct tray *t, void *piece, size_t piece_bytes, size_t bytes);

struct handover *handover_ref(struct handover *h)
{
    atomic_fetch_add_explicit(&h->references, 1, memory_order_relaxed);
    return h;
}

void handover_drop(struct handover **ph)
{
    struct handover *h = *ph;

    *ph = NULL;
    if (!h || atomic_fetch_sub_explicit(&h->references, 1, memory_order_acq_rel) != 1)
        return;
    struct tray *tray = h->tray;
    size_t bytes = h->bytes;
    h->close(h);
    if (tray)
        give_back(tray, h, bytes, locker_bytes(bytes));
}

static void wipe_key(void *key)
{
    vault_key_wipe(&((struct job_key *)key)->key);
}

const struct job_key *job_key_copy(const struct job_key *k, struct arena *a)
{
    struct job_key *copy = k ? ARENA_NEW(a, struct job_key) : NULL;

    if (!copy)
        return NULL;
    arena_own(a, copy, wipe_key);
    *copy = *k;
    return copy;
}

/* ---- the tray itself ---- */

static size_t bytes_beside(size_t lanes)
{
    size_t most = (TRAY_BYTES - TRAY_LEAST_BYTES) / TRAY_LANE_BYTES;

    return TRAY_BYTES - (lanes < most ? lanes : most) * TRAY_LANE_BYTES;
}

struct tray *tray_open(size_t lanes, struct metrics *m)
{
    struct tray *t = calloc(1, sizeof *t);

    if (!t)
        err_out_of_memory();
    pthread_mutex_init(&t->lock, NULL);
    t->erasures = -1;
    t->max_bytes = bytes_beside(lanes);
    t->locker = locker_open(t->max_bytes);
    if (!m)
        return t;
    t->held = metrics_gauge(m, "parcelpost_queue_memory_bytes",
        "Messages kept in memory beside their rows until they are sent.", "");
    t->from_memory = metrics_counter(m, "parcelpost_queue_claimed_total",
        "Messages claimed, by where their content came from.", "from=\"memory\"");
    t->from_store = metrics_counter(m, "parcelpost_queue_claimed_total",
        "Messages claimed, by where their content came from.", "from=\"store\"");
    return t;
}

static void free_tray(struct tray *t)
{
    pthread_mutex_destroy(&t->lock);
    locker_close(&t->locker);
    free(t);
}

/* ---- bytes ---- */

/* Under the lock. */
static void count_bytes(struct tray *t, int64_t change)
{
    t->bytes = (size_t)((int64_t)t->bytes + change);
    if (t->held)
        gauge_set(t->held, (int64_t)t->bytes);
}

static void give_back(struct tray *t, void *piece, size_t piece_bytes, size_t bytes)
{
    pthread_mutex_lock(&t->lock);
    locker_give(t->locker, piece, piece_bytes);
    count_bytes(t, -(int64_t)bytes);
    t->items--;
    bool last = t->closed && t->items == 0;
    pthread_mutex_unlock(&t->lock);
    if (last)
        free_tray(t);
}

void tray_item_close(struct tray_item **i)
{
    struct tray_item *old = *i;

    if (!old)
        return;
    *i = NULL;
    struct tray *t = old->tray;
    size_t bytes = old->bytes;
    handover_drop(&old->handover);
    vault_key_wipe(&old->key.key);
    explicit_bzero(old->text, old->text_n);
    give_back(t, old, sizeof *old + old->text_n, bytes);
}

/* ---- lists, all under the lock ---- */

/* FNV-1a over the part of an id that differs. */
static size_t bucket_of(const char *id)
{
    uint64_t h = 14695981039346656037u;

    for (const char *p = id; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return (size_t)(h ^ (h >> 32)) % BUCKETS;
}

static struct tray_item **find(struct tray *t, const char *storefront, const char *id)
{
    struct tray_item **link = &t->buckets[bucket_of(id)];

    while (*link &&
           (strcmp((*link)->job.id, id) != 0 || strcmp((*link)->job.storefront, storefront) != 0))
        link = &(*link)->next_in_bucket;
    return link;
}

static void take_out(struct tray *t, struct tray_item **link)
{
    struct tray_item *i = *link;

    *link = i->next_in_bucket;
    *(i->older ? &i->older->newer : &t->oldest) = i->newer;
    *(i->newer ? &i->newer->older : &t->newest) = i->older;
    i->next_in_bucket = i->older = i->newer = NULL;
}

/* Chains what it takes out by next_in_bucket, to be closed without the lock. */
static void take_out_since(struct tray *t, int64_t since_ms, struct tray_item **out)
{
    while (t->oldest && t->oldest->since_ms <= since_ms) {
        struct tray_item *i = t->oldest;

        take_out(t, find(t, i->job.storefront, i->job.id));
        i->next_in_bucket = *out;
        *out = i;
    }
}

static void close_chain(struct tray_item *i)
{
    while (i) {
        struct tray_item *next = i->next_in_bucket;

        tray_item_close(&i);
        i = next;
    }
}

void tray_close(struct tray **pt)
{
    struct tray *t = *pt;
    struct tray_item *gone = NULL;

    if (!t)
        return;
    *pt = NULL;
    pthread_mutex_lock(&t->lock);
    take_out_since(t, INT64_MAX, &gone);
    t->held = NULL;
    t->items++; /* ours, so that the last of them does not free what is still needed here */
    t->closed = true;
    pthread_mutex_unlock(&t->lock);
    close_chain(gone);
    pthread_mutex_lock(&t->lock);
    bool last = --t->items == 0;
    pthread_mutex_unlock(&t->lock);
    if (last)
        free_tray(t);
}

/* ---- an item ---- */

static size_t length_of(const char *text)
{
    return strlen(text) + 1;
}

static size_t bytes_of(const struct submission *s)
{
    size_t n = length_of(s->storefront) + length_of(s->id) + length_of(s->destination) +
               length_of(s->stream) + length_of(s->template_name) + length_of(s->locale) +
               length_of(s->order.event ? s->order.event : "") + s->address.n + s->private_json.n;

    n += s->attachments_n * sizeof *s->attachments + _Alignof(max_align_t);
    for (size_t i = 0; i < s->attachments_n; i++)
        n += length_of(s->attachments[i].filename) + length_of(s->attachments[i].content_type) +
             s->attachments[i].bytes.n;
    return n;
}

static const char *put_text(char **at, const char *text)
{
    return str_put(str_bytes(text, length_of(text)), at).p;
}

/* The list of attachments comes first, as it wants an alignment. */
static const struct attachment *put_attachments(char **at, const struct submission *s)
{
    size_t odd = (uintptr_t)*at % _Alignof(max_align_t);
    struct attachment *list = (struct attachment *)(*at + (odd ? _Alignof(max_align_t) - odd : 0));

    *at = (char *)(list + s->attachments_n);
    for (size_t i = 0; i < s->attachments_n; i++) {
        const struct attachment *a = &s->attachments[i];

        list[i].filename = put_text(at, a->filename);
        list[i].content_type = put_text(at, a->content_type);
        list[i].bytes = str_put(a->bytes, at);
    }
    return list;
}

static void fill(struct tray_item *i, const struct submission *s)
{
    char *at = i->text;

    i->job = (struct job){
        .attachments = put_attachments(&at, s),
        .attachments_n = s->attachments_n,
        .storefront = put_text(&at, s->storefront),
        .id = put_text(&at, s->id),
        .destination = put_text(&at, s->destination),
        .stream = put_text(&at, s->stream),
        .template_name = put_text(&at, s->template_name),
        .locale = put_text(&at, s->locale),
        .event = put_text(&at, s->order.event ? s->order.event : ""),
        .address = str_put(s->address, &at),
        .private_json = str_put(s->private_json, &at),
        .date_ms = s->date_ms,
        .bundle = s->bundle,
        .handover = s->handover,
    };
}

/* Whether it can come to lie here, with `bytes` handed over. */
static bool may_lie(const struct submission *s, size_t bytes, int64_t now_ms)
{
    return s->state == MSG_QUEUED && s->due_ms <= now_ms &&
           sizeof(struct tray_item) + bytes_of(s) + bytes <= TRAY_ITEM_BYTES;
}

bool tray_has_room(struct tray *t, const struct submission *s, int64_t now_ms)
{
    if (!may_lie(s, 0, now_ms))
        return false;
    pthread_mutex_lock(&t->lock);
    bool fits = t->bytes + TRAY_ITEM_BYTES <= t->max_bytes;
    pthread_mutex_unlock(&t->lock);
    return fits;
}

/* A piece of the tray's memory; NULL when there is no room for it and what lies beside it. */
static void *take_piece(
    struct tray *t, size_t piece_bytes, size_t bytes, int64_t now_ms, int64_t *erasures)
{
    struct tray_item *gone = NULL;
    void *piece = NULL;

    pthread_mutex_lock(&t->lock);
    if (t->bytes + bytes <= t->max_bytes)
        piece = locker_take(t->locker, piece_bytes);
    if (piece) {
        count_bytes(t, (int64_t)bytes);
        t->items++;
        *erasures = t->erasures;
    } else {
        take_out_since(t, now_ms - TRAY_KEPT_MS, &gone);
    }
    pthread_mutex_unlock(&t->lock);
    close_chain(gone);
    return piece;
}

struct handover *tray_handover_new(
    struct tray *t, const struct submission *s, size_t bytes, int64_t now_ms)
{
    int64_t erasures;
    struct handover *h = may_lie(s, bytes, now_ms)
                             ? take_piece(t, bytes, locker_bytes(bytes), now_ms, &erasures)
                             : NULL;

    if (!h)
        return NULL;
    *h = (struct handover){.bytes = bytes, .tray = t};
    atomic_init(&h->references, 1);
    return h;
}

struct tray_item *tray_item_new(struct tray *t, const struct submission *s, int64_t now_ms)
{
    if (!s->handover || !may_lie(s, s->handover->bytes, now_ms))
        return NULL;
    size_t text_n = bytes_of(s), piece_bytes = sizeof(struct tray_item) + text_n;
    size_t bytes = locker_bytes(piece_bytes) + (s->handover->tray ? 0 : s->handover->bytes);
    int64_t erasures;
    struct tray_item *i = take_piece(t, piece_bytes, bytes, now_ms, &erasures);
    if (!i)
        return NULL;
    *i = (struct tray_item){
        .tray = t,
        .bytes = bytes,
        .since_ms = now_ms,
        .erasures = erasures,
        .handover = handover_ref(s->handover),
        .text_n = text_n,
    };
    fill(i, s);
    return i;
}

void tray_item_keep_key(struct tray_item *i, const struct vault_key *k)
{
    i->key = (struct job_key){*k, i->erasures};
    i->job.key = &i->key;
}

/* ---- in and out ---- */

void tray_put(struct tray *t, struct tray_item **pi, const struct store_placed *row)
{
    struct tray_item *i = *pi;
    size_t bucket = bucket_of(i->job.id);

    *pi = NULL;
    i->person_mark = row->person_mark;
    i->job.person = row->person;
    i->job.pepper_version = row->pepper;
    i->job.created_ms = row->created_ms;
    pthread_mutex_lock(&t->lock);
    bool stands = i->erasures == t->erasures;
    if (stands) {
        i->next_in_bucket = t->buckets[bucket];
        t->buckets[bucket] = i;
        i->older = t->newest;
        *(t->newest ? &t->newest->newer : &t->oldest) = i;
        t->newest = i;
    }
    pthread_mutex_unlock(&t->lock);
    if (!stands)
        tray_item_close(&i);
}

/* What was tried already may have changed with it, and is to be what a restart would send. */
static bool fits(const struct tray_item *i, const char *destination, const struct store_lease *l)
{
    return i->person_mark == l->person_mark && strcmp(i->job.destination, destination) == 0 &&
           l->attempts == 0 && l->waits == 0 && !l->unsure;
}

struct tray_item *tray_take(
    struct tray *t, const char *storefront, const char *destination, const struct store_lease *l)
{
    pthread_mutex_lock(&t->lock);
    struct tray_item **link = find(t, storefront, l->id), *i = *link;
    if (i)
        take_out(t, link);
    pthread_mutex_unlock(&t->lock);
    if (i && !fits(i, destination, l))
        tray_item_close(&i);
    if (t->from_memory)
        counter_add(i ? t->from_memory : t->from_store, 1);
    return i;
}

const struct job *tray_item_job(
    struct tray_item *i, const struct store_lease *l, int64_t lease_until_ms)
{
    i->job.fence = l->fence;
    i->job.lease_until_ms = lease_until_ms;
    i->job.due_ms = l->due_ms;
    i->job.expires_ms = l->expires_ms;
    return &i->job;
}

void tray_forget(struct tray *t, const char *storefront, const char *id)
{
    pthread_mutex_lock(&t->lock);
    struct tray_item **link = find(t, storefront, id), *i = *link;
    if (i)
        take_out(t, link);
    pthread_mutex_unlock(&t->lock);
    tray_item_close(&i);
}

void tray_sweep(struct tray *t, int64_t now_ms)
{
    struct tray_item *gone = NULL;

    pthread_mutex_lock(&t->lock);
    take_out_since(t, now_ms - TRAY_KEPT_MS, &gone);
    locker_sweep(t->locker);
    pthread_mutex_unlock(&t->lock);
    close_chain(gone);
}

void tray_mind_erasures(struct tray *t, int64_t n)
{
    struct tray_item *gone = NULL;

    pthread_mutex_lock(&t->lock);
    if (n > t->erasures) {
        t->erasures = n;
        take_out_since(t, INT64_MAX, &gone);
    }
    pthread_mutex_unlock(&t->lock);
    close_chain(gone);
}
