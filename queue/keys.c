/* keys -- API keys: made, revoked, found by the secret that a request presents. */
#include "queue/inside.h"

#include "base/encode.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define LABEL_MAX 100
#define SECRET_PREFIX "pp_"
#define SECRET_SIZE (3 + 43)
#define ROLES_ALL (ROLE_SEND | ROLE_READ | ROLE_REVIEW | ROLE_ADMIN)

const struct key_role_name key_roles[KEY_ROLES] = {
    {ROLE_SEND, "send"}, {ROLE_READ, "read"}, {ROLE_REVIEW, "review"}, {ROLE_ADMIN, "admin"}};

/* ---- the cache: keys in force, each good while no key at all was changed since it was read ---- */

#define CACHE_PLACES 64

struct cached_key {
    bool filled;
    struct digest secret;
    int64_t changes; /* of all keys, as of then */
    char storefront[64], id[ID_SIZE], label[LABEL_MAX + 1];
    unsigned roles;
    int64_t created_ms;
};

struct key_cache {
    pthread_mutex_t lock; /* guards places */
    struct cached_key places[CACHE_PLACES];
};

struct key_cache *key_cache_open(void)
{
    struct key_cache *c = calloc(1, sizeof *c);

    if (!c)
        err_out_of_memory();
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void key_cache_close(struct key_cache **c)
{
    if (!*c)
        return;
    pthread_mutex_destroy(&(*c)->lock);
    free(*c);
    *c = NULL;
}

static struct cached_key *place_of(struct key_cache *c, const struct digest *secret)
{
    return &c->places[secret->b[0] % CACHE_PLACES];
}

static bool cache_get(struct key_cache *c, const struct digest *secret, int64_t changes,
    struct arena *a, struct api_key *out)
{
    struct cached_key *p = place_of(c, secret);
    bool found;

    pthread_mutex_lock(&c->lock);
    found = p->filled && p->changes == changes && digest_equal(&p->secret, secret);
    if (found)
        *out = (struct api_key){.storefront = arena_text(a, str_of(p->storefront)),
            .id = arena_text(a, str_of(p->id)),
            .label = arena_text(a, str_of(p->label)),
            .roles = p->roles,
            .created_ms = p->created_ms};
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void cache_put(
    struct key_cache *c, const struct digest *secret, int64_t changes, const struct api_key *k)
{
    struct cached_key *p = place_of(c, secret);

    pthread_mutex_lock(&c->lock);
    *p = (struct cached_key){
        .secret = *secret, .changes = changes, .roles = k->roles, .created_ms = k->created_ms};
    p->filled = str_copy(str_of(k->storefront), p->storefront, sizeof p->storefront) &&
                str_copy(str_of(k->id), p->id, sizeof p->id) &&
                str_copy(str_of(k->label), p->label, sizeof p->label);
    pthread_mutex_unlock(&c->lock);
}

/* ---- verbs ---- */

static void make_secret(struct arena *a, const char **secret, struct digest *hash)
{
    AUTO(buf_wipe) struct buf text = {0};
    uint8_t random[32];

    hash_random(random, sizeof random);
    buf_add_text(&text, SECRET_PREFIX);
    encode_base64url(&text, str_bytes(random, sizeof random));
    explicit_bzero(random, sizeof random);
    *secret = arena_text(a, buf_str(&text));
    /* 256 random bits need no salt and no slow hash. */
    hash_sha256(buf_str(&text), hash);
}

/* Whoever can write the database, but has not the keyring, cannot make a key of his own or give one more roles: the
 * proof is a keyed hash over what the row says, under each pepper version that there is. */
static void prove(
    const struct queue *q, const struct digest *secret, const struct api_key *k, struct keyed *out)
{
    AUTO(buf_close) struct buf text = {0};

    buf_add(&text, digest_str(secret));
    buf_addf(&text, "%s/%u", k->id, k->roles);
    keyed_hash(q->keys, "api-key", k->storefront, buf_str(&text), out);
}

static bool is_proven(const struct queue *q, const struct digest *secret, const struct api_key *k,
    const struct digest *proof)
{
    struct keyed good;

    prove(q, secret, k, &good);
    for (size_t i = 0; i < good.n; i++)
        if (digest_equal(&good.hash[i], proof))
            return true;
    return false;
}

static struct js *names_of(unsigned roles)
{
    struct js *names = js_array();

    for (size_t i = 0; i < KEY_ROLES; i++)
        if (roles & key_roles[i].role)
            js_push(names, js_new_text(str_of(key_roles[i].name)));
    return names;
}

static struct str facts_of(struct arena *a, const char *id, unsigned roles, const char *why)
{
    AUTO(js_close) struct js *o = js_object();
    AUTO(buf_close) struct buf text = {0};

    js_set_cstr(o, "key", id);
    if (roles != 0)
        js_set(o, "roles", names_of(roles));
    if (why && why[0])
        js_set_cstr(o, "why", why);
    js_write(o, JS_CANONICAL, &text);
    return arena_str(a, buf_str(&text));
}

bool queue_key_create(struct queue *q, const char *storefront, const char *label, unsigned roles,
    struct actor who, struct arena *a, struct api_key *out, const char **secret, struct err *e)
{
    struct store_op op = {.kind = STORE_KEY_NEW, .key_new = {.key = out, .actor = who.name}};
    struct keyed proof;
    struct id id;

    if (roles == 0 || (roles & ~(unsigned)ROLES_ALL) != 0)
        return err_set(
            e, ERR_INPUT, "a key has one or more of the roles send, read, review and admin");
    if (strlen(label) > LABEL_MAX)
        return err_set(e, ERR_LIMIT, "a key's label has at most %d bytes", LABEL_MAX);
    if (str_has_control(str_of(label)) || !str_is_utf8(str_of(label)))
        return err_set(e, ERR_INPUT, "a key's label is UTF-8 text without line breaks");
    ids_new(q->ids, "key_", &id);
    make_secret(a, secret, &op.key_new.secret);
    *out = (struct api_key){.storefront = arena_text(a, str_of(storefront)),
        .id = arena_text(a, str_of(id.s)),
        .label = arena_text(a, str_of(label)),
        .roles = roles,
        .created_ms = queue_now_ms(q)};
    prove(q, &op.key_new.secret, out, &proof);
    op.key_new.proof = proof.hash[0];
    op.key_new.facts = facts_of(a, id.s, roles, who.why);
    return committer_run(q->committer, &op, e);
}

bool queue_key_revoke(struct queue *q, const char *storefront, const char *id, struct actor who,
    enum change_result *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct store_op op = {.kind = STORE_KEY_REVOKE,
        .key_revoke = {.storefront = storefront, .id = id, .actor = who.name, .out = out}};

    op.key_revoke.facts = facts_of(a, id, 0, who.why);
    return committer_run(q->committer, &op, e);
}

bool queue_keys(struct queue *q, const char *storefront_or_null, struct arena *a,
    struct api_key **out, size_t *n, struct err *e)
{
    return queue_seen(q, q->store->verbs->keys(q->store, storefront_or_null, a, out, n, e), e);
}

static bool denied(struct err *e)
{
    return err_set(e, ERR_DENIED, "this key is unknown or revoked");
}

bool queue_key_find(
    struct queue *q, struct str secret, struct arena *a, struct api_key *out, struct err *e)
{
    struct digest hash, proof;
    int64_t changes;

    if (secret.n != SECRET_SIZE || !str_starts(secret, STR(SECRET_PREFIX)))
        return denied(e);
    hash_sha256(secret, &hash);
    /* Counted before the read, so a change between the two makes the entry old, not wrong. */
    if (!queue_seen(q, q->store->verbs->key_changes(q->store, &changes, e), e))
        return false;
    if (cache_get(q->key_cache, &hash, changes, a, out))
        return true;
    if (!queue_seen(q, q->store->verbs->key_of(q->store, &hash, a, out, &proof, e), e))
        return e->code == ERR_MISSING ? denied(e) : false;
    if (out->revoked_ms != 0 || !is_proven(q, &hash, out, &proof))
        return denied(e);
    cache_put(q->key_cache, &hash, changes, out);
    return true;
}
