#include "tests/bench/tally.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 65536 /* a power of two */

/* FNV-1a, 64 bits: among a million recipients two share a hash once in 40 million runs. Never 0. */
static uint64_t hash(struct str s)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 1099511628211u;
    return h ? h : 1;
}

/* False when it was there. */
static bool put(uint64_t *table, size_t cap, uint64_t h)
{
    size_t at = h & (cap - 1);

    while (table[at] != 0 && table[at] != h)
        at = (at + 1) & (cap - 1);
    bool is_new = table[at] == 0;
    table[at] = h;
    return is_new;
}

static void grow(struct tally *t)
{
    size_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
    uint64_t *table = calloc(cap, sizeof *table);

    if (!table)
        err_out_of_memory();
    for (size_t i = 0; i < t->cap; i++)
        if (t->seen[i])
            put(table, cap, t->seen[i]);
    free(t->seen);
    t->seen = table;
    t->cap = cap;
}

static bool is_signed(struct str mail)
{
    struct str line;

    while (str_next(&mail, '\n', &line) && str_trim(line).n > 0)
        if (str_starts_nocase(line, STR("dkim-signature:")))
            return true;
    return false;
}

static void keep_sample(struct tally *t, struct str mail)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%llu.eml", t->folder, (unsigned long long)t->sampled++);
    FILE *f = fopen(path, "we");

    if (!f || fwrite(mail.p, 1, mail.n, f) != mail.n || fclose(f) != 0) {
        perror(path);
        exit(2);
    }
}

void tally_take(struct tally *t, struct str recipient, struct str mail)
{
    t->bytes += mail.n;
    t->with_signature += is_signed(mail);
    if (t->recipients * 2 >= t->cap)
        grow(t);
    t->recipients += put(t->seen, t->cap, hash(recipient));
    if (t->sampled < t->samples)
        keep_sample(t, mail);
}

void tally_close(struct tally *t)
{
    free(t->seen);
    t->seen = NULL;
    t->cap = 0;
}
