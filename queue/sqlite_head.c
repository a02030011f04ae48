#include "queue/sqlite_head.h"

#include <stddef.h>
#include <string.h>

#define VERSION 3007000u
#define TRIES 16 /* writing it takes some nanoseconds */

/* In the order in which SQLite reads: a commit writes the second copy, then the first. */
static bool read_once(const volatile uint32_t *at, struct sqlite_head *out)
{
    struct sqlite_head second;

    for (size_t i = 0; i < SQLITE_HEAD_WORDS; i++)
        out->word[i] = __atomic_load_n(&at[i], __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < SQLITE_HEAD_WORDS; i++)
        second.word[i] = __atomic_load_n(&at[SQLITE_HEAD_WORDS + i], __ATOMIC_ACQUIRE);
    return memcmp(out, &second, sizeof second) == 0;
}

/* The byte at 12 says whether the index is initialised at all. */
static bool is_known(const struct sqlite_head *h)
{
    unsigned char ready;

    memcpy(&ready, &h->word[3], 1);
    return h->word[0] == VERSION && ready == 1;
}

bool sqlite_head_read(const volatile uint32_t *at, struct sqlite_head *out)
{
    for (int i = 0; i < TRIES; i++)
        if (read_once(at, out))
            return is_known(out);
    return false;
}
