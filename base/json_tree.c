/* json_tree -- values in regions; the contract stands in json_inside.h. */
#include "base/json_inside.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LEAST_BYTES 400 /* with what stands before it, malloc's quick sizes still serve it */
#define MOST_BYTES ((size_t)64 * 1024)
#define ALIGNMENT 8u
#define FEW 8 /* members that are looked through one by one */

struct chunk {
    struct chunk *next;
    size_t size, used;
    _Alignas(ALIGNMENT) char bytes[];
};

struct held {
    struct held *next;
    struct json_region *region;
};

struct json_region {
    struct json_region *merged; /* into that one; then the rest has no meaning */
    atomic_size_t holders;
    struct held *held;
    struct chunk *chunks; /* the one that is being filled first */
    size_t next_size;
};

/* ---- regions ---- */

static bool add_chunk(struct json_region *r, size_t size)
{
    struct chunk *c = size <= SIZE_MAX - sizeof *c ? json_allocate(sizeof *c + size) : NULL;

    if (!c)
        return false;
    *c = (struct chunk){.next = r->chunks, .size = size};
    r->chunks = c;
    return true;
}

/* The region stands in its first chunk. */
struct json_region *json_region_open(size_t bytes)
{
    struct json_region first = {.chunks = NULL}, *r;

    if (!add_chunk(&first, sizeof *r + (bytes < MOST_BYTES ? bytes : MOST_BYTES)))
        return NULL;
    r = (void *)first.chunks->bytes;
    first.chunks->used = sizeof *r;
    *r = (struct json_region){
        .chunks = first.chunks, .next_size = bytes > LEAST_BYTES ? bytes : LEAST_BYTES};
    atomic_init(&r->holders, 1);
    return r;
}

static struct json_region *whole(struct json_region *r)
{
    while (r->merged)
        r = r->merged;
    return r;
}

void json_region_hold(struct json_region *r)
{
    atomic_fetch_add_explicit(&whole(r)->holders, 1, memory_order_relaxed);
}

void json_region_drop(struct json_region *r)
{
    struct chunk *next;

    r = whole(r);
    if (atomic_fetch_sub_explicit(&r->holders, 1, memory_order_acq_rel) != 1)
        return;
    for (struct held *h = r->held; h; h = h->next)
        json_region_drop(h->region);
    for (struct chunk *c = r->chunks; c; c = next) {
        next = c->next;
        free(c);
    }
}

/* Something large gets a chunk of its own, behind the one at hand, whose rest is not lost. */
static void *take_alone(struct json_region *r, size_t bytes)
{
    struct chunk *at_hand = r->chunks, *own;

    if (!add_chunk(r, bytes))
        return NULL;
    own = r->chunks;
    own->next = at_hand->next;
    own->used = bytes;
    at_hand->next = own;
    r->chunks = at_hand;
    return own->bytes;
}

static void *take(struct json_region *r, size_t wanted)
{
    size_t bytes = (wanted + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

    if (bytes < wanted)
        return NULL;
    r = whole(r);
    if (r->chunks->size - r->chunks->used < bytes) {
        if (bytes > r->next_size / 4)
            return take_alone(r, bytes);
        if (!add_chunk(r, r->next_size))
            return NULL;
        if (r->next_size < MOST_BYTES)
            r->next_size *= 2;
    }
    void *p = r->chunks->bytes + r->chunks->used;
    r->chunks->used += bytes;
    return p;
}

/* ---- one region in another ---- */

static struct chunk *last_chunk(const struct json_region *r)
{
    struct chunk *c = r->chunks;

    while (c->next)
        c = c->next;
    return c;
}

/* `from` has no holder but the one who gives it away. What it held of `into` that one has itself: two that held each other would
 * stay for ever. */
static void merge(struct json_region *into, struct json_region *from)
{
    struct held *next;

    for (struct held *h = from->held; h; h = next) {
        next = h->next;
        if (whole(h->region) == into) {
            json_region_drop(into);
            continue;
        }
        h->next = into->held;
        into->held = h;
    }
    last_chunk(from)->next = into->chunks->next;
    into->chunks->next = from->chunks;
    from->merged = into;
}

bool json_adopt(struct js *into, struct js *value)
{
    struct json_region *to = whole(into->region), *from = whole(value->region);
    struct held *h;

    if (to == from) {
        json_region_drop(from); /* a region need not hold itself: the caller's place goes */
        return true;
    }
    if (atomic_load_explicit(&from->holders, memory_order_acquire) == 1) {
        merge(to, from);
        return true;
    }
    h = take(to, sizeof *h);
    if (!h)
        return false;
    *h = (struct held){to->held, from};
    to->held = h;
    return true;
}

/* ---- values ---- */

struct js *json_new(struct json_region *r, enum js_kind kind)
{
    struct js *v = take(r, sizeof *v);

    if (v)
        *v = (struct js){.region = r, .kind = kind};
    return v;
}

static bool copy(struct json_region *r, struct str s, struct str *out)
{
    char *p = s.n < SIZE_MAX ? take(r, s.n + 1) : NULL;

    if (!p)
        return false;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *out = str_bytes(p, s.n);
    return true;
}

bool json_fill_text(struct js *v, struct str s)
{
    return copy(v->region, s, &v->text);
}

/* More room for items or members; NULL also where a count would not fit. */
static void *widen(struct js *v, const void *old, size_t size)
{
    uint32_t room = v->room ? v->room * 2 : 4;
    void *p = room > v->room ? take(v->region, room * size) : NULL;

    if (!p)
        return NULL;
    if (v->n > 0)
        memcpy(p, old, v->n * size);
    v->room = room;
    return p;
}

bool json_append(struct js *array, struct js *value)
{
    if (array->n == array->room) {
        struct js **more = widen(array, array->items, sizeof *more);

        if (!more)
            return false;
        array->items = more;
    }
    array->items[array->n++] = value;
    return true;
}

/* ---- members: of a large object they are found by the hash of their keys (SipHash-1-3, Aumasson and Bernstein 2012), under a key
 * that nobody knows, so that no sender can choose keys that meet ---- */

static uint64_t secret[2];

static void draw_secret(void)
{
    hash_random(secret, sizeof secret);
}

static uint64_t turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = turn(v[1], 17) ^ v[2];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
}

static uint64_t hash(struct str s)
{
    static pthread_once_t drawn = PTHREAD_ONCE_INIT;

    pthread_once(&drawn, draw_secret);
    uint64_t last = (uint64_t)s.n << 56;
    uint64_t v[4] = {secret[0] ^ UINT64_C(0x736f6d6570736575),
        secret[1] ^ UINT64_C(0x646f72616e646f6d), secret[0] ^ UINT64_C(0x6c7967656e657261),
        secret[1] ^ UINT64_C(0x7465646279746573)};
    size_t i = 0;
    for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    for (int shift = 0; i < s.n; i++, shift += 8)
        last |= (uint64_t)(unsigned char)s.p[i] << shift;
    v[3] ^= last;
    mix(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Twice as many places as members have room: there is always an empty one. */
static uint32_t *place_of(const struct js *o, struct str key)
{
    size_t mask = (size_t)o->room * 2 - 1, at = hash(key) & mask;

    while (o->places[at] != 0 && !str_eq(o->members[o->places[at] - 1].key, key))
        at = (at + 1) & mask;
    return &o->places[at];
}

struct json_member *json_find(const struct js *o, struct str key)
{
    if (o->places) {
        uint32_t number = *place_of(o, key);
        return number == 0 ? NULL : &o->members[number - 1];
    }
    for (size_t i = 0; i < o->n; i++)
        if (str_eq(o->members[i].key, key))
            return &o->members[i];
    return NULL;
}

static bool widen_object(struct js *o)
{
    struct json_member *more = widen(o, o->members, sizeof *more);

    if (!more)
        return false;
    o->members = more;
    if (o->room <= FEW)
        return true;
    size_t bytes = (size_t)o->room * 2 * sizeof *o->places;
    o->places = take(o->region, bytes);
    if (!o->places)
        return false;
    memset(o->places, 0, bytes);
    for (size_t i = 0; i < o->n; i++)
        *place_of(o, o->members[i].key) = (uint32_t)i + 1;
    return true;
}

bool json_add(struct js *o, struct str key, struct js *value)
{
    struct json_member m = {.value = value};

    if ((o->n == o->room && !widen_object(o)) || !copy(o->region, key, &m.key))
        return false;
    o->members[o->n++] = m;
    if (o->places)
        *place_of(o, m.key) = (uint32_t)o->n;
    return true;
}
