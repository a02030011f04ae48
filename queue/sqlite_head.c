#include "queue/sqlite_head.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#define VERSION 3007000u
#define INDEX_PAGE 32768  /* in which SQLite maps the index */
#define CHECKPOINT_LOCK 1 /* of the index's eight */
#define TRIES 16          /* writing it takes some nanoseconds */

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

volatile uint32_t *sqlite_head_at(struct sqlite3_file *f)
{
    void volatile *at = NULL;

    if (!f || f->pMethods->iVersion < 2 || !f->pMethods->xShmMap ||
        f->pMethods->xShmMap(f, 0, INDEX_PAGE, 0, &at) != SQLITE_OK)
        return NULL;
    return at;
}

/* Nobody makes the number more without the lock; a writer who begins the log anew sets it to 0 as well. */
bool sqlite_head_write_back_anew(struct sqlite3_file *f)
{
    volatile uint32_t *at = sqlite_head_at(f);
    struct sqlite_head now;

    if (!at || f->pMethods->xShmLock(
                   f, CHECKPOINT_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) != SQLITE_OK)
        return false;
    bool fine = sqlite_head_read(at, &now);
    if (fine)
        __atomic_store_n(&at[2 * SQLITE_HEAD_WORDS], 0, __ATOMIC_SEQ_CST);
    f->pMethods->xShmLock(f, CHECKPOINT_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    return fine;
}
