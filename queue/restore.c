/* restore -- a copy put back: verified, staged inside the data folder, marked, moved into place. */
#include "base/file.h"
#include "queue/backup.h"
#include "queue/folder.h"
#include "queue/inside.h"
#include "queue/restore_schema.h"
#include "queue/sqlite.h"
#include "queue/sqlite_schema.h"
#include "queue/vault_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 5000 /* messages that one transaction marks */

/* Where what was there before lies while files move; at the end it gets the time behind its name. */
#define BEFORE "before-restore"

struct work {
    const struct restore_setup *with;
    struct restore_report *report;
    struct arena *a;
    const char *stage, *before;
    int lock;
};

static const char *in_data(const struct work *w, const char *name)
{
    return folder_path(w->with->data_dir, name, w->a);
}

/* ---- before anything is touched ---- */

/* Files of root's would keep the service from starting. */
static bool may_write(const struct work *w, struct err *e)
{
    struct stat st;

    if (stat(w->with->data_dir, &st) != 0)
        return err_system(e, "%s", w->with->data_dir);
    return st.st_uid == geteuid() ||
           err_set(e, ERR_DENIED, "%s belongs to another user: run this as that one",
               w->with->data_dir);
}

static bool was_cut(const struct work *w)
{
    return access(in_data(w, FOLDER_RESTORING), F_OK) == 0;
}

static bool is_free(const struct work *w, struct err *e)
{
    if (w->with->force || (!was_cut(w) && !folder_has(w->with->data_dir, "queue.db", w->a) &&
                              !folder_has(w->with->data_dir, "keys.db", w->a)))
        return true;
    return err_set(e, ERR_CONFLICT, "%s %s: with --force, that is moved into a folder in there",
        w->with->data_dir,
        was_cut(w) ? "holds a restore that did not come to its end" : "is not empty");
}

/* What a restore that was cut had moved aside goes back over what it had moved in: its keys.db is the one that knows
 * every erasure. The mark stays. Backwards, so that keys.db is there before queue.db. */
static bool take_back(struct work *w, struct err *e)
{
    if (!was_cut(w))
        return true;
    for (size_t i = folder_ours_n; i-- > 0;) {
        const char *from = folder_path(w->before, folder_ours[i], w->a);
        if (rename(from, in_data(w, folder_ours[i])) != 0 && errno != ENOENT)
            return err_system(e, "cannot move %s back", from);
    }
    rmdir(w->before);
    return folder_sync(w->with->data_dir, e);
}

/* A folder of keys without manifest is what an earlier restore moved aside; its pages are checked in copying. */
static bool check_copies(struct work *w, struct err *e)
{
    const char *keys = w->with->keys_copy;

    if (!backup_check(w->with->queue_copy, BACKUP_QUEUE, &w->report->queue, e))
        return false;
    if (!keys && !folder_has(w->with->data_dir, "keys.db", w->a))
        return err_set(e, ERR_MISSING,
            "%s has no keys.db: say with --keys where the copy of the keys is", w->with->data_dir);
    return !keys || backup_check(keys, BACKUP_KEYS, &w->report->keys, e) ||
           (e->code == ERR_MISSING && folder_has(keys, "keys.db", w->a));
}

/* ---- the stage ---- */

static int64_t number(struct sqlite *db, const char *text, struct err *e)
{
    struct sql *q = sqlite_sql(db, text);
    int64_t n = -1;

    if (sql_row(q))
        n = sql_get_int(q, 0);
    return sql_done(q, e) ? n : -1;
}

/* Each blob begins with the id of its key (vault.h): those whose id keys.db never had cannot be opened. */
static bool count_unreadable(struct work *w, struct err *e)
{
    static const char persons[] =
        "SELECT count(*) FROM person p WHERE length(p.address) > 0 AND NOT EXISTS (SELECT 1 FROM"
        " k.person_key k WHERE k.storefront = p.storefront AND k.id = substr(p.address, 1, 12))";
    static const char messages[] =
        "SELECT count(*) FROM message m JOIN payload p ON p.n = m.n WHERE length(p.sealed) > 0"
        " AND NOT EXISTS (SELECT 1 FROM k.person_key k"
        " WHERE k.storefront = m.storefront AND k.id = substr(p.sealed, 1, 12))";
    AUTO(sqlite_close) struct sqlite *db = NULL;
    int64_t n, more;

    if (!sqlite_open(folder_path(w->stage, "queue.db", w->a), SQLITE_FOR_READING, &db, e))
        return false;
    struct sql *q = sqlite_sql(db, "ATTACH ?1 AS k");
    sql_text(q, 1, folder_path(w->stage, "keys.db", w->a));
    if (!sql_run(q, e) || (n = number(db, persons, e)) < 0 || (more = number(db, messages, e)) < 0)
        return false;
    w->report->unreadable = (uint64_t)(n + more);
    return n + more == 0 || w->with->missing_keys ||
           err_set(e, ERR_CORRUPT,
               "the keys are older than the queue: %lld messages and persons have none, and could "
               "never be read. Take a later copy of the keys, or give them up with --missing-keys",
               (long long)(n + more));
}

static bool stage_keys(struct work *w, struct err *e)
{
    const char *given = w->with->keys_copy, *to = folder_path(w->stage, "keys.db", w->a);
    int64_t version;

    if (sqlite_copy(
            folder_path(given ? given : w->with->data_dir, "keys.db", w->a), to, &version, e))
        return true;
    if (given || e->code != ERR_CORRUPT)
        return false;
    return err_set(e, ERR_CORRUPT,
        "%s/keys.db is damaged, too: say with --keys where a copy of the keys is",
        w->with->data_dir);
}

/* Before anything is changed in them. */
static bool schemas_are_ours(struct work *w, struct err *e)
{
    return restore_schema_is_ours(
               folder_path(w->stage, "queue.db", w->a), &sqlite_queue_schema, w->stage, e) &&
           restore_schema_is_ours(
               folder_path(w->stage, "keys.db", w->a), &vault_schema, w->stage, e);
}

static bool stage_files(struct work *w, struct err *e)
{
    int64_t version;

    return sqlite_copy(folder_path(w->with->queue_copy, "queue.db", w->a),
               folder_path(w->stage, "queue.db", w->a), &version, e) &&
           stage_keys(w, e) && count_unreadable(w, e) && schemas_are_ours(w, e);
}

static bool refuse_broken(const struct work *w, struct err *e)
{
    const struct broken_chain *b = &w->report->first_broken;
    const char *more = w->report->broken == 1 ? ""
                                              : arena_printf(w->a, " (of %llu)",
                                                    (unsigned long long)w->report->broken);

    return err_set(e, ERR_CORRUPT,
        "the journal of the copy is broken: chain %.60s%s%.32s%s, row %lld: %s. Take another copy, "
        "or put this one back as it is with --broken-journal",
        b->storefront, b->node[0] ? "/" : "", b->node, more, (long long)b->seq, b->why);
}

/* As the copy has it: where a journal was taken away, the row that a restore writes would be a new one, and whole. */
static bool verify_all(struct work *w, struct queue *q, struct err *e)
{
    struct restore_report *report = w->report;
    struct chain *chains;
    struct chain_report r;
    size_t n;

    if (!queue_chains(q, w->a, &chains, &n, e))
        return false;
    report->chains = n;
    for (size_t i = 0; i < n; i++) {
        if (!queue_verify(q, chains[i].storefront, chains[i].node, w->a, &r, e))
            return false;
        if (r.broken_seq != 0 && report->broken++ == 0)
            report->first_broken = (struct broken_chain){
                chains[i].storefront, chains[i].node, r.broken_seq, r.broken_why};
    }
    return report->broken == 0 || w->with->broken_journal || refuse_broken(w, e);
}

static bool mark_all(struct work *w, struct queue *q, struct err *e)
{
    struct store_op op = {.kind = STORE_RESTORED,
        .restored = {.hold = !w->with->release, .max = PIECE, .more = true}};

    while (op.restored.more) {
        if (!committer_run(q->committer, &op, e))
            return false;
        w->report->marked += op.restored.marked;
        w->report->held += op.restored.held;
    }
    return true;
}

/* One row in each storefront's journal: from here on its numbers are used a second time. */
static bool note_all(struct work *w, struct queue *q, struct err *e)
{
    struct chain *chains;
    size_t n;
    char taken[CLOCK_RFC3339_SIZE];
    const char *before = "";

    clock_rfc3339(w->report->queue.taken_ms, taken);
    if (!queue_chains(q, w->a, &chains, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool is_new = strcmp(chains[i].storefront, before) != 0;
        before = chains[i].storefront;
        if (is_new && !queue_note(q, before, BACKUP_CODE, (struct actor){w->with->actor, ""}, "",
                          str_of(arena_printf(w->a, "{\"taken_at\":\"%s\"}", taken)), e))
            return false;
    }
    return true;
}

/* Opened as a command would: migrations run, and the keyring must be the one that the data was made with. */
static bool prepare(struct work *w, struct err *e)
{
    struct queue_setup setup = {.dir = w->stage,
        .node = w->with->node,
        .role = QUEUE_TOOL,
        .keys = w->with->keys,
        .clock = w->with->clock};
    AUTO(queue_close) struct queue *q = NULL;

    return queue_open(&setup, &q, e) && verify_all(w, q, e) && mark_all(w, q, e) &&
           note_all(w, q, e);
}

/* The last connection that closes empties the log and takes it away. */
static bool is_closed(struct work *w, struct err *e)
{
    bool has_log =
        folder_has(w->stage, "queue.db-wal", w->a) || folder_has(w->stage, "keys.db-wal", w->a);

    return (!has_log || err_set(e, ERR_IO, "the staged databases did not close")) &&
           folder_sync(w->stage, e);
}

/* ---- moving ---- */

static bool set_mark(struct work *w, struct err *e)
{
    AUTO(file_close)
    int fd = open(in_data(w, FOLDER_RESTORING), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    return fd >= 0 ? folder_sync(w->with->data_dir, e)
                   : err_system(e, "cannot make %s", in_data(w, FOLDER_RESTORING));
}

static bool move_aside(struct work *w, struct err *e)
{
    bool any = false;

    for (size_t i = 0; i < folder_ours_n; i++) {
        const char *from = in_data(w, folder_ours[i]);
        if (access(from, F_OK) != 0)
            continue;
        if (!any && mkdir(w->before, 0700) != 0)
            return err_system(e, "cannot make %s", w->before);
        any = true;
        if (rename(from, folder_path(w->before, folder_ours[i], w->a)) != 0)
            return err_system(e, "cannot move %s to %s", from, w->before);
    }
    return !any || folder_sync(w->before, e);
}

static bool move_in(struct work *w, const char *name, struct err *e)
{
    return rename(folder_path(w->stage, name, w->a), in_data(w, name)) == 0 ||
           err_system(e, "cannot move %s into %s", name, w->with->data_dir);
}

/* Two restores may have had the same time, when the clock was set back. */
static bool name_before(struct work *w, struct err *e)
{
    char now[CLOCK_RFC3339_SIZE];
    const char *to;
    int n = 1;

    if (access(w->before, F_OK) != 0)
        return true;
    clock_rfc3339(clock_now_ms(w->with->clock), now);
    to = arena_printf(w->a, "%s-%s", w->before, now);
    while (access(to, F_OK) == 0)
        to = arena_printf(w->a, "%s-%s-%d", w->before, now, ++n);
    w->report->moved_to = to;
    return rename(w->before, to) == 0 || err_system(e, "cannot move %s to %s", w->before, to);
}

static bool take_mark(struct work *w, struct err *e)
{
    return unlink(in_data(w, FOLDER_RESTORING)) == 0 ||
           err_system(e, "cannot remove %s", in_data(w, FOLDER_RESTORING));
}

/* Before its mail is there: a service that starts on it would send a sandbox's mail to real people. */
static bool mark_origin(struct work *w, struct err *e)
{
    enum backup_origin origin = w->report->queue.origin;

    return origin == BACKUP_OF_UNKNOWN ||
           folder_mark_sandbox(w->with->data_dir, origin == BACKUP_OF_SANDBOX, w->a, e);
}

static bool swap(struct work *w, struct err *e)
{
    return set_mark(w, e) && move_aside(w, e) && mark_origin(w, e) && move_in(w, "keys.db", e) &&
           move_in(w, "queue.db", e) && folder_sync(w->with->data_dir, e) && name_before(w, e) &&
           take_mark(w, e) && folder_sync(w->with->data_dir, e);
}

static bool restore_locked(struct work *w, struct err *e)
{
    w->stage = in_data(w, FOLDER_STAGE);
    w->before = in_data(w, BEFORE);
    folder_drop(w->with->data_dir, FOLDER_STAGE, w->a);
    if (!is_free(w, e) || !take_back(w, e) || !check_copies(w, e))
        return false;
    if (mkdir(w->stage, 0700) != 0)
        return err_system(e, "cannot make %s", w->stage);
    bool done = stage_files(w, e) && prepare(w, e) && is_closed(w, e) && swap(w, e);
    folder_drop(w->with->data_dir, FOLDER_STAGE, w->a);
    return done;
}

bool backup_restore(
    const struct restore_setup *setup, struct arena *a, struct restore_report *out, struct err *e)
{
    struct work w = {.with = setup, .report = out, .a = a, .lock = -1};

    *out = (struct restore_report){.moved_to = ""};
    bool done = folder_make(setup->data_dir, e) && may_write(&w, e) &&
                folder_lock(setup->data_dir, a, &w.lock, e) && restore_locked(&w, e);
    file_close(&w.lock);
    return done;
}
