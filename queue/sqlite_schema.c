#include "queue/sqlite_schema.h"

/* Keys: every index that a question from outside goes through begins with the storefront. `n` is this back
 * end's own row number; it leaves it as store.h's person_mark alone.
 *
 * message is narrow because each claim and settle rewrites it; what is written once stands in payload. The
 * states are those of enum msg_state: 0 queued, 1 leased, 2 deferred, 3 held.
 *
 * destination holds, for each (storefront, destination, priority) with waiting messages, when the earliest
 * falls due. It is brought up to date at the end of each transaction, so that "who has work" is a range of an
 * index and not a walk over a million messages. tally counts messages by state for the same reason, held (from version
 * 2) those of each reason.
 *
 * idempotency_0 to _3 hold one day each, in turn: a random key is cheap in a small table, and a day goes by
 * emptying one. idempotency_day says which day stands where. */
static const char version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    "CREATE TABLE person(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, pepper INTEGER NOT NULL,"
    "  hash BLOB NOT NULL, address BLOB, created_ms INTEGER NOT NULL, erased_ms INTEGER NOT NULL "
    "DEFAULT 0);"
    "CREATE UNIQUE INDEX person_by_hash ON person(storefront, hash) WHERE erased_ms = 0;"

    "CREATE TABLE message(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, id TEXT NOT NULL,"
    "  person INTEGER NOT NULL, destination TEXT NOT NULL, state INTEGER NOT NULL, priority "
    "INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL DEFAULT 0, unsure INTEGER NOT NULL DEFAULT 0, reason TEXT NOT "
    "NULL,"
    "  owner TEXT NOT NULL DEFAULT '', owner_start INTEGER NOT NULL DEFAULT 0,"
    "  fence INTEGER NOT NULL DEFAULT 0, lease_until_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX message_by_id ON message(storefront, id);"
    "CREATE INDEX message_by_person ON message(storefront, person, id);"
    "CREATE INDEX message_due ON message(storefront, destination, priority, due_ms, id)"
    "  WHERE state IN (0, 2);"
    "CREATE INDEX message_expiry ON message(expires_ms) WHERE state IN (0, 2, 3);"
    "CREATE INDEX message_leased ON message(lease_until_ms) WHERE state = 1;"
    "CREATE INDEX message_held ON message(storefront, reason, id) WHERE state = 3;"

    "CREATE TABLE payload(n INTEGER PRIMARY KEY, stream TEXT NOT NULL, template TEXT NOT NULL,"
    "  locale TEXT NOT NULL, bundle BLOB NOT NULL, date_ms INTEGER NOT NULL, event TEXT NOT NULL,"
    "  seq INTEGER NOT NULL, occurred_ms INTEGER NOT NULL, sealed BLOB NOT NULL);"
    "CREATE TABLE attachment(n INTEGER PRIMARY KEY, message INTEGER NOT NULL, place INTEGER NOT "
    "NULL,"
    "  sealed BLOB NOT NULL);"
    "CREATE UNIQUE INDEX attachment_of ON attachment(message, place);"
    "CREATE TABLE order_event(storefront TEXT NOT NULL, order_ref BLOB NOT NULL, parcel_ref BLOB "
    "NOT NULL,"
    "  seq INTEGER NOT NULL, id TEXT NOT NULL, message INTEGER NOT NULL, event TEXT NOT NULL,"
    "  supersedes TEXT NOT NULL,"
    "  PRIMARY KEY(storefront, order_ref, parcel_ref, seq, id)) WITHOUT ROWID;"
    "CREATE INDEX order_event_of ON order_event(message);"

    "CREATE TABLE destination(storefront TEXT NOT NULL, destination TEXT NOT NULL,"
    "  priority INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(storefront, destination, priority)) WITHOUT ROWID;"
    "CREATE INDEX destination_due ON destination(priority, due_ms);"
    "CREATE TABLE tally(storefront TEXT NOT NULL, state INTEGER NOT NULL, messages INTEGER NOT "
    "NULL,"
    "  PRIMARY KEY(storefront, state)) WITHOUT ROWID;"

    "CREATE TABLE content(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, hash BLOB NOT NULL,"
    "  bytes BLOB NOT NULL);"
    "CREATE UNIQUE INDEX content_by_hash ON content(storefront, hash);"

    "CREATE TABLE suppression(n INTEGER PRIMARY KEY AUTOINCREMENT, storefront TEXT NOT NULL,"
    "  pepper INTEGER NOT NULL, person BLOB NOT NULL, scope TEXT NOT NULL, reason TEXT NOT NULL,"
    "  origin TEXT NOT NULL, evidence TEXT NOT NULL, actor TEXT NOT NULL, since_ms INTEGER NOT "
    "NULL,"
    "  expires_ms INTEGER NOT NULL, lifted_ms INTEGER NOT NULL DEFAULT 0,"
    "  lifted_by TEXT NOT NULL DEFAULT '', lifted_why TEXT NOT NULL DEFAULT '', note BLOB);"
    "CREATE UNIQUE INDEX suppression_stands ON suppression(storefront, person, scope, reason)"
    "  WHERE lifted_ms = 0;"
    "CREATE INDEX suppression_in_order ON suppression(storefront, n);"

    "CREATE TABLE journal(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, node TEXT NOT NULL,"
    "  seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT NULL, event TEXT NOT NULL,"
    "  actor TEXT NOT NULL, facts TEXT NOT NULL, commitment BLOB NOT NULL, hash BLOB NOT NULL,"
    "  person INTEGER, salt BLOB, sealed BLOB);"
    "CREATE UNIQUE INDEX journal_in_order ON journal(storefront, node, seq);"
    "CREATE INDEX journal_by_message ON journal(storefront, message_id) WHERE message_id <> '';"
    "CREATE INDEX journal_by_person ON journal(storefront, person) WHERE person IS NOT NULL;"
    "CREATE TRIGGER journal_keeps BEFORE DELETE ON journal BEGIN"
    "  SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER journal_stands BEFORE UPDATE OF"
    "  n, storefront, node, seq, at_ms, message_id, event, actor, facts, commitment, hash ON "
    "journal BEGIN"
    "  SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER journal_forgets BEFORE UPDATE OF person, salt, sealed ON journal"
    "  WHEN (new.person IS NOT NULL AND new.person IS NOT old.person)"
    "    OR (new.salt IS NOT NULL AND new.salt IS NOT old.salt)"
    "    OR (new.sealed IS NOT NULL AND new.sealed IS NOT old.sealed) BEGIN"
    "  SELECT RAISE(ABORT, 'the journal only forgets'); END;"
    "CREATE TABLE chain(storefront TEXT NOT NULL, node TEXT NOT NULL, seq INTEGER NOT NULL,"
    "  hash BLOB NOT NULL, PRIMARY KEY(storefront, node)) WITHOUT ROWID;"

    "CREATE TABLE api_key(storefront TEXT NOT NULL, id TEXT NOT NULL, secret BLOB NOT NULL, proof "
    "BLOB NOT NULL,"
    "  label TEXT NOT NULL, roles INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    "  revoked_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(storefront, id)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX api_key_by_secret ON api_key(secret);"

    "CREATE TABLE idempotency_day(place INTEGER PRIMARY KEY, day INTEGER NOT NULL);"
    "CREATE TABLE idempotency_0(storefront TEXT NOT NULL, key BLOB NOT NULL, request BLOB NOT NULL,"
    "  id TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  PRIMARY KEY(storefront, key)) WITHOUT ROWID;"
    "CREATE TABLE idempotency_1(storefront TEXT NOT NULL, key BLOB NOT NULL, request BLOB NOT NULL,"
    "  id TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  PRIMARY KEY(storefront, key)) WITHOUT ROWID;"
    "CREATE TABLE idempotency_2(storefront TEXT NOT NULL, key BLOB NOT NULL, request BLOB NOT NULL,"
    "  id TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  PRIMARY KEY(storefront, key)) WITHOUT ROWID;"
    "CREATE TABLE idempotency_3(storefront TEXT NOT NULL, key BLOB NOT NULL, request BLOB NOT NULL,"
    "  id TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  PRIMARY KEY(storefront, key)) WITHOUT ROWID;";

/* Messages that were never tried (0) and those that come again (2) have lines of their own, because each claim takes
 * from both. message_by_state leaves the leased ones out: they are few, and every message passes through that state. waits
 * counts deferrals without an attempt, bytes is about what a claim brings into memory (of old rows the attachments). */
static const char version_2[] =
    "ALTER TABLE message ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "UPDATE message SET bytes = (SELECT sum(length(sealed)) FROM attachment WHERE message = "
    "message.n)"
    "  WHERE n IN (SELECT message FROM attachment);"
    "CREATE INDEX message_by_state ON message(storefront, state, id) WHERE state <> 1;"

    "DROP INDEX message_due;"
    "CREATE INDEX message_due ON message(storefront, destination, priority, state, due_ms, id)"
    "  WHERE state IN (0, 2);"
    "DROP TABLE destination;"
    "CREATE TABLE destination(storefront TEXT NOT NULL, destination TEXT NOT NULL,"
    "  priority INTEGER NOT NULL, state INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(storefront, destination, priority, state)) WITHOUT ROWID;"
    "CREATE INDEX destination_due ON destination(priority, state, due_ms);"
    "INSERT INTO destination SELECT storefront, destination, priority, state, min(due_ms)"
    "  FROM message INDEXED BY message_due WHERE state IN (0, 2)"
    "  GROUP BY storefront, destination, priority, state;"

    "CREATE TABLE held(storefront TEXT NOT NULL, reason TEXT NOT NULL, messages INTEGER NOT NULL,"
    "  PRIMARY KEY(storefront, reason)) WITHOUT ROWID;"
    "INSERT INTO held SELECT storefront, reason, count(*) FROM message INDEXED BY message_held"
    "  WHERE state = 3 GROUP BY storefront, reason;";

/* How often a key was made or changed, by whomever: what is remembered of keys holds until it moves. */
#define KEYS_MOVED                                                                                 \
    " ON api_key BEGIN INSERT INTO meta VALUES ('key_changes', 1)"                                 \
    "  ON CONFLICT(name) DO UPDATE SET value = value + 1; END;"
static const char version_3[] = "CREATE TRIGGER api_key_made AFTER INSERT" KEYS_MOVED
                                "CREATE TRIGGER api_key_changed AFTER UPDATE" KEYS_MOVED
                                "CREATE TRIGGER api_key_gone AFTER DELETE" KEYS_MOVED;

/* What nobody asks costs nothing any more, and what is asked seldom little: persons are found through keys.db, attachments by
 * a number made of message and place (ATTACHMENT_N). A claim does not touch message_expiry. message_by_state leaves out what
 * every message passes through, so that one without trouble is never in it. */
static const char version_4[] =
    "DROP INDEX message_by_person;"
    "DROP INDEX journal_by_person;"
    "DROP INDEX message_expiry;"
    "CREATE INDEX message_expiry ON message(expires_ms) WHERE state IN (0, 1, 2, 3);"
    "DROP INDEX message_by_state;"
    "CREATE INDEX message_by_state ON message(storefront, state, id) WHERE state NOT IN (0, 1, 4);"
    "CREATE TABLE attachment_4(n INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
    "INSERT INTO attachment_4 SELECT message * 1024 + place, sealed FROM attachment ORDER BY 1;"
    "DROP TABLE attachment;"
    "ALTER TABLE attachment_4 RENAME TO attachment;";

static const char *const migrations[] = {version_1, version_2, version_3, version_4};

const struct sqlite_schema sqlite_queue_schema = {
    .what = "queue.db",
    .application = QUEUE_APPLICATION,
    .migrations = migrations,
    .n = COUNT_OF(migrations),
};
