#include "queue/vault_marks.h"

#include <inttypes.h>

static const enum key_use marked[] = {KEY_PEPPER, KEY_MASTER};

static void mark_of(
    const struct seal_key *key, enum key_use use, unsigned version, struct digest *out)
{
    AUTO(buf_close) struct buf text = {0};

    buf_addf(&text, "keyring mark/%s/%u", key_use_name(use), version);
    hash_hmac(str_bytes(key->b, sizeof key->b), buf_str(&text), out);
}

/* Every version that the data knows must be in the keyring, and be the same key. */
static bool check_use(
    struct sqlite *db, const struct keyring *keys, enum key_use use, struct err *e)
{
    struct sql *q =
        sqlite_sql(db, "SELECT version, mark FROM keyring_mark WHERE use = ?1 ORDER BY version");
    int64_t wrong = 0;
    bool is_missing = false;

    sql_text(q, 1, key_use_name(use));
    while (sql_row(q)) {
        int64_t version = sql_get_int(q, 0);
        const struct seal_key *key = keyring_version(keys, use, (unsigned)version);
        struct digest found, expected;

        if (!sql_get_digest(q, 1, &found))
            break;
        if (key)
            mark_of(key, use, (unsigned)version, &expected);
        if (wrong == 0 && (!key || !digest_equal(&found, &expected))) {
            wrong = version;
            is_missing = !key;
        }
    }
    if (!sql_done(q, e))
        return false;
    return wrong == 0 ||
           err_set(e, ERR_CORRUPT,
               "the keyring is not the one that this data was made with: %s %" PRId64
               " %s; restore it from its backup",
               key_use_name(use), wrong, is_missing ? "is missing" : "is another key");
}

static bool add_use(struct sqlite *db, const struct keyring *keys, enum key_use use, struct err *e)
{
    for (unsigned v = 1; v <= keyring_latest(keys, use); v++) {
        const struct seal_key *key = keyring_version(keys, use, v);
        struct sql *q;
        struct digest mark;

        if (!key)
            continue;
        mark_of(key, use, v, &mark);
        q = sqlite_sql(
            db, "INSERT OR IGNORE INTO keyring_mark(use, version, mark) VALUES (?1, ?2, ?3)");
        sql_text(q, 1, key_use_name(use));
        sql_int(q, 2, v);
        sql_digest(q, 3, &mark);
        if (!sql_run(q, e))
            return false;
    }
    return true;
}

bool vault_marks_check(struct sqlite *db, const struct keyring *keys, struct err *e)
{
    for (size_t i = 0; i < COUNT_OF(marked); i++)
        if (!check_use(db, keys, marked[i], e) || !add_use(db, keys, marked[i], e))
            return false;
    return true;
}
