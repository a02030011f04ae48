#include "queue/vault_pending.h"

#include <stdlib.h>

static size_t bucket_of(const struct digest *person)
{
    return person->b[0] % VAULT_PENDING_BUCKETS;
}

const struct vault_new *vault_pending_find(const struct vault_pending *set, const struct keyed *who)
{
    for (size_t i = 0; i < who->n; i++)
        for (const struct vault_new *p = set->buckets[bucket_of(&who->hash[i])]; p;
             p = p->next_in_bucket)
            if (digest_equal(&p->person, &who->hash[i]))
                return p;
    return NULL;
}

static void append(struct vault_pending *set, struct vault_new *p)
{
    struct vault_new **bucket = &set->buckets[bucket_of(&p->person)];

    p->next_in_bucket = *bucket;
    *bucket = p;
    p->next = NULL;
    *(set->last ? set->last : &set->first) = p;
    set->last = &p->next;
}

void vault_pending_add(struct vault_pending *set, const char *storefront, const struct keyed *who,
    const struct vault_key *key)
{
    size_t size = strlen(storefront) + 1;
    struct vault_new *p = calloc(1, sizeof *p + size);

    if (!p)
        err_out_of_memory();
    p->key = *key;
    p->person = who->hash[0];
    p->pepper = who->pepper[0];
    memcpy(p->storefront, storefront, size);
    append(set, p);
}

/* Takes the first off; the buckets are then good for nothing but being emptied. */
static struct vault_new *take(struct vault_pending *set)
{
    struct vault_new *p = set->first;

    if (p)
        set->first = p->next;
    return p;
}

void vault_pending_move(struct vault_pending *from, struct vault_pending *to)
{
    struct vault_new *p;

    while ((p = take(from)) != NULL)
        append(to, p);
    *from = (struct vault_pending){0};
}

void vault_pending_clear(struct vault_pending *set)
{
    struct vault_new *p;

    while ((p = take(set)) != NULL) {
        vault_key_wipe(&p->key);
        free(p);
    }
    *set = (struct vault_pending){0};
}
