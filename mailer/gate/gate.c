#include "mailer/gate/gate.h"

#include "base/hash.h"
#include "mailer/gate/judge.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_STALE_DEFAULT_MS (6 * 60 * 60 * 1000LL)

/* How long a verdict stands: as long as its TTL, within these bounds. */
enum {
    LEAST_MS = 5 * 1000, /* deferrals too: the next mails need not wait for the DNS again */
    MOST_MS = 60 * 60 * 1000,
    HOLD_MOST_MS = 30 * 1000, /* a repair releases soon */
    STALE_MS = 30 * 1000,     /* RFC 8767 s5: ask again soon, but not for each mail */
};

/* The cache: a question may stand in the ways of one set only, so that it is bounded and needs no list. */
#define SHARDS 16
#define SETS 16
#define WAYS 4

/* `names` are the DNS names behind the verdict, each with its NUL, an empty one last; NULL: free slot. */
struct slot {
    struct digest key;
    char *names;
    struct gate_verdict verdict;
};

struct shard {
    pthread_rwlock_t lock; /* guards the slots */
    struct slot slots[SETS][WAYS];
};

struct gate {
    struct gate_setup setup;
    struct shard shards[SHARDS];
    struct { /* NULL without metrics */
        struct counter *cached, *answers[GATE_DEFER + 1];
    } count;
};

struct gate *gate_open(const struct gate_setup *s)
{
    static const char *const labels[] = {
        [GATE_SEND] = "answer=\"send\"",
        [GATE_SEND_WITH_WARNING] = "answer=\"warn\"",
        [GATE_HOLD] = "answer=\"hold\"",
        [GATE_DEFER] = "answer=\"defer\"",
    };
    struct gate *g = calloc(1, sizeof *g);
    if (!g)
        err_out_of_memory();
    g->setup = *s;
    if (g->setup.max_stale_ms <= 0)
        g->setup.max_stale_ms = MAX_STALE_DEFAULT_MS;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_rwlock_init(&g->shards[i].lock, NULL);
    if (!s->metrics)
        return g;
    g->count.cached = metrics_counter(
        s->metrics, "parcelpost_gate_cached_total", "Verdicts that the gate had at hand", "");
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        g->count.answers[i] = metrics_counter(s->metrics, "parcelpost_gate_judged_total",
            "Verdicts that the gate asked the DNS for", labels[i]);
    return g;
}

void gate_close(struct gate **owner)
{
    struct gate *g = *owner;
    if (!g)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (size_t j = 0; j < SETS * WAYS; j++)
            free(g->shards[i].slots[j / WAYS][j % WAYS].names);
        pthread_rwlock_destroy(&g->shards[i].lock);
    }
    free(g);
    *owner = NULL;
}

static void count(struct counter *c)
{
    if (c)
        counter_add(c, 1);
}

static void unlock(pthread_rwlock_t **lock)
{
    pthread_rwlock_unlock(*lock);
}

static pthread_rwlock_t *read_lock(struct shard *s)
{
    pthread_rwlock_rdlock(&s->lock);
    return &s->lock;
}

static pthread_rwlock_t *write_lock(struct shard *s)
{
    pthread_rwlock_wrlock(&s->lock);
    return &s->lock;
}

/* All that the verdict depends on, our public keys included: a new key under an old selector is another question. */
static void key_of(const struct gate_question *q, struct arena *a, struct digest *out)
{
    size_t n = 0;
    struct str *parts = arena_array(a, 4 + q->public_addresses_n + 3 * q->keys_n, sizeof *parts);
    parts[n++] = str_of(q->from_domain);
    parts[n++] = str_of(q->return_path_domain);
    parts[n++] = str_of(q->hostname);
    for (size_t i = 0; i < q->public_addresses_n; i++)
        parts[n++] = str_of(q->public_addresses[i]);
    parts[n++] = STR(""); /* no address is empty: the keys begin here */
    for (size_t i = 0; i < q->keys_n; i++) {
        parts[n++] = str_of(dkim_key_domain(q->keys[i]));
        parts[n++] = str_of(dkim_key_selector(q->keys[i]));
        parts[n++] = dkim_key_public(q->keys[i]);
    }
    hash_sha256_parts(parts, n, out);
}

static struct shard *shard_of(struct gate *g, const struct digest *key)
{
    return &g->shards[key->b[0] % SHARDS];
}

static struct slot *set_of(struct shard *s, const struct digest *key)
{
    return s->slots[key->b[1] % SETS];
}

static bool is_for(const struct slot *s, const struct digest *key)
{
    return s->names && memcmp(s->key.b, key->b, sizeof key->b) == 0;
}

static bool recall(
    struct gate *g, const struct digest *key, int64_t now_ms, struct gate_verdict *out)
{
    struct shard *shard = shard_of(g, key);
    AUTO(unlock) pthread_rwlock_t *held = read_lock(shard);
    const struct slot *set = set_of(shard, key);
    for (size_t i = 0; i < WAYS; i++)
        if (is_for(&set[i], key) && now_ms < set[i].verdict.valid_until_ms) {
            *out = set[i].verdict;
            return true;
        }
    return false;
}

/* The same question's slot, else a free one, else the one that ends first. */
static struct slot *slot_to_fill(struct slot *set, const struct digest *key)
{
    struct slot *best = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_for(&set[i], key))
            return &set[i];
        bool sooner = set[i].verdict.valid_until_ms < best->verdict.valid_until_ms;
        if (best->names && (!set[i].names || sooner))
            best = &set[i];
    }
    return best;
}

/* The From domain first: gate_forget knows a verdict by it. */
static char *names_of(const struct gate_question *q)
{
    AUTO(buf_close) struct buf b = {0};
    buf_add(&b, str_bytes(q->from_domain, strlen(q->from_domain) + 1));
    for (const char *at = q->from_domain; *at;) {
        buf_addf(&b, "_dmarc.%s", at);
        buf_add_char(&b, 0);
        const char *dot = strchr(at, '.');
        at = dot ? dot + 1 : "";
    }
    if (q->public_addresses_n > 0 && q->return_path_domain[0])
        buf_add(&b, str_bytes(q->return_path_domain, strlen(q->return_path_domain) + 1));
    for (size_t i = 0; i < q->keys_n; i++) {
        buf_addf(
            &b, "%s._domainkey.%s", dkim_key_selector(q->keys[i]), dkim_key_domain(q->keys[i]));
        buf_add_char(&b, 0);
    }
    buf_add_char(&b, 0);
    char *names = b.p;
    b = (struct buf){0};
    return names;
}

static void keep(struct gate *g, const struct digest *key, const struct gate_question *q,
    const struct gate_verdict *v)
{
    struct shard *shard = shard_of(g, key);
    char *names = names_of(q);
    AUTO(unlock) pthread_rwlock_t *held = write_lock(shard);
    struct slot *slot = slot_to_fill(set_of(shard, key), key);
    free(slot->names);
    *slot = (struct slot){*key, names, *v};
}

static int64_t lifetime_ms(const struct gate_verdict *v, uint32_t ttl_s)
{
    if (v->answer == GATE_DEFER)
        return LEAST_MS;
    if (v->stale)
        return STALE_MS;
    int64_t most = v->answer == GATE_HOLD ? HOLD_MOST_MS : MOST_MS, ms = 1000 * (int64_t)ttl_s;
    return ms < LEAST_MS ? LEAST_MS : ms > most ? most : ms;
}

static void look_anew(
    struct gate *g, const struct gate_question *q, struct arena *a, struct gate_verdict *out)
{
    uint32_t ttl_s;
    AUTO(resolver_close)
    struct resolver *lean = resolver_lean(g->setup.resolver, g->setup.max_stale_ms);
    judge(lean, g->setup.clock, q, a, out, &ttl_s);
    out->valid_until_ms = clock_now_ms(g->setup.clock) + lifetime_ms(out, ttl_s);
    count(g->count.answers[out->answer]);
    if (g->setup.only_warn && (out->answer == GATE_HOLD || out->answer == GATE_DEFER))
        out->answer = GATE_SEND_WITH_WARNING;
}

void gate_ask(struct gate *g, const struct gate_question *q, struct gate_verdict *out)
{
    struct digest key;
    AUTO(arena_close) struct arena *a = arena_open();
    key_of(q, a, &key);
    if (recall(g, &key, clock_now_ms(g->setup.clock), out)) {
        count(g->count.cached);
        return;
    }
    look_anew(g, q, a, out);
    keep(g, &key, q, out);
}

static void forget_slot(struct gate *g, struct slot *s, const char *from_domain)
{
    if (!s->names || !str_is_nocase(str_of(s->names), from_domain))
        return;
    for (const char *name = s->names; *name; name += strlen(name) + 1)
        resolver_forget(g->setup.resolver, name);
    free(s->names);
    *s = (struct slot){0};
}

void gate_forget(struct gate *g, const char *from_domain)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &g->shards[i];
        AUTO(unlock) pthread_rwlock_t *held = write_lock(shard);
        for (size_t j = 0; j < SETS * WAYS; j++)
            forget_slot(g, &shard->slots[j / WAYS][j % WAYS], from_domain);
    }
}
