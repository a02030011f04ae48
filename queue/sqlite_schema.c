#include "queue/sqlite_schema.h"

/* What the tables are now, and why, stands in sqlite_tables.c; here is how a file of each earlier version comes there. */
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

/* Lines for those that come again, counts of what is held. waits counts deferrals without an attempt, bytes is about what a
 * claim brings into memory (of old rows the attachments). */
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

/* Less for each message to write. In order_event stood what stands in payload now. */
#define MESSAGE_COLUMNS                                                                            \
    "n, storefront, id, person, place, state, priority, created_ms, due_ms, expires_ms,"           \
    " attempts, unsure, waits, reason, owner, owner_start, fence, lease_until_ms, bytes, last, "   \
    "over"
#define DAY_OF_KEYS(name)                                                                          \
    "ALTER TABLE " name " RENAME TO " name "_3;"                                                   \
    "CREATE TABLE " name "(n INTEGER PRIMARY KEY, key BLOB NOT NULL, request BLOB NOT NULL,"       \
    "  state INTEGER NOT NULL, reason TEXT NOT NULL);"                                             \
    "INSERT OR IGNORE INTO " name "(n, key, request, state, reason)"                               \
    "  SELECT m.n, i.key, i.request, i.state, i.reason FROM " name "_3 i CROSS JOIN message m"     \
    "  INDEXED BY message_by_id ON m.storefront = i.storefront AND m.id = i.id;"                   \
    "CREATE TABLE " name "_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n))"             \
    "  WITHOUT ROWID;"                                                                             \
    "INSERT INTO " name "_at SELECT substr(key, 1, 8), n FROM " name " ORDER BY 1, 2;"             \
    "DROP TABLE " name "_3;"
#define DAYS_OF_KEYS                                                                               \
    DAY_OF_KEYS("idempotency_0")                                                                   \
    DAY_OF_KEYS("idempotency_1")                                                                   \
    DAY_OF_KEYS("idempotency_2")                                                                   \
    DAY_OF_KEYS("idempotency_3")

/* What is sealed is most of the file. It goes over in the order in which it is found, never through a sort, and each table goes
 * away behind its copy, so that the next copy takes its pages. */
static const char version_4[] =
    "CREATE TABLE attachment_4(n INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
    "INSERT INTO attachment_4 SELECT message * 1024 + place, sealed"
    "  FROM attachment INDEXED BY attachment_of ORDER BY message, place;"
    "DROP TABLE attachment; ALTER TABLE attachment_4 RENAME TO attachment;"

    "CREATE TABLE payload_4(n INTEGER PRIMARY KEY, stream TEXT NOT NULL, template TEXT NOT NULL,"
    "  locale TEXT NOT NULL, bundle BLOB NOT NULL, date_ms INTEGER NOT NULL, event TEXT NOT NULL,"
    "  seq INTEGER NOT NULL, occurred_ms INTEGER NOT NULL, order_ref BLOB, parcel_ref BLOB,"
    "  supersedes TEXT NOT NULL, sealed BLOB NOT NULL);"
    "INSERT INTO payload_4 SELECT p.n, stream, template, locale, bundle, date_ms, p.event, p.seq,"
    "  occurred_ms, o.order_ref, o.parcel_ref, ifnull(o.supersedes, ''), sealed"
    "  FROM payload p LEFT JOIN order_event o ON o.message = p.n ORDER BY p.n;"
    "DROP TABLE payload; DROP TABLE order_event; ALTER TABLE payload_4 RENAME TO payload;"
    "CREATE TABLE parcel_at(k BLOB NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,"
    "  PRIMARY KEY(k, seq, n)) WITHOUT ROWID;"
    "INSERT INTO parcel_at SELECT CAST(substr(order_ref, 1, 4) || substr(parcel_ref, 1, 4) AS "
    "BLOB),"
    "  seq, n FROM payload WHERE order_ref IS NOT NULL ORDER BY 1, 2, 3;"

    "CREATE TABLE place(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, destination TEXT NOT "
    "NULL);"
    "CREATE UNIQUE INDEX place_by_name ON place(storefront, destination);"
    "INSERT INTO place(storefront, destination) SELECT DISTINCT storefront, destination FROM "
    "message;"

    "CREATE TABLE journal_4(n INTEGER PRIMARY KEY, previous INTEGER, storefront TEXT NOT NULL,"
    "  node TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT NULL,"
    "  event TEXT NOT NULL, actor TEXT NOT NULL, facts TEXT NOT NULL, commitment BLOB NOT NULL,"
    "  hash BLOB NOT NULL, person INTEGER, salt BLOB, sealed BLOB);"
    "INSERT INTO journal_4 SELECT n, CASE WHEN message_id <> '' AND EXISTS (SELECT 1 FROM message "
    "m INDEXED BY message_by_id"
    "   WHERE m.storefront = j.storefront AND m.id = j.message_id)"
    "  THEN ifnull((SELECT max(b.n) FROM journal b INDEXED BY journal_by_message WHERE "
    "b.storefront = j.storefront"
    "   AND b.message_id = j.message_id AND b.message_id <> '' AND b.n < j.n), 0) END,"
    "  storefront, node, seq, at_ms, message_id, event, actor, facts, commitment, hash, person, "
    "salt,"
    "  sealed FROM journal j ORDER BY n;"

    "CREATE TABLE message_4(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, id TEXT NOT NULL,"
    "  person INTEGER NOT NULL, place INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  priority INTEGER NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    "  unsure INTEGER NOT NULL DEFAULT 0, waits INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL,"
    "  owner TEXT NOT NULL DEFAULT '', owner_start INTEGER NOT NULL DEFAULT 0,"
    "  fence INTEGER NOT NULL DEFAULT 0, lease_until_ms INTEGER NOT NULL DEFAULT 0,"
    "  bytes INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL, over INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO message_4(" MESSAGE_COLUMNS ") SELECT m.n, m.storefront, m.id, m.person, l.n,"
    "  m.state, m.priority, m.created_ms, m.due_ms, m.expires_ms, m.attempts, m.unsure, m.waits,"
    "  m.reason, m.owner, m.owner_start, m.fence, m.lease_until_ms, m.bytes,"
    "  ifnull((SELECT max(j.n) FROM journal j INDEXED BY journal_by_message WHERE j.storefront = "
    "m.storefront"
    "   AND j.message_id = m.id AND j.message_id <> ''), 0), m.state > 3"
    "  FROM message m CROSS JOIN place l ON l.storefront = m.storefront"
    "  AND l.destination = m.destination ORDER BY m.n;"

    "CREATE TABLE person_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) WITHOUT ROWID;"
    "INSERT INTO person_at SELECT substr(hash, 1, 8), n FROM person ORDER BY 1, 2;"
    "ALTER TABLE suppression ADD COLUMN who INTEGER NOT NULL DEFAULT 0;"
    "UPDATE suppression SET who = ifnull((SELECT n FROM person p WHERE p.storefront ="
    "  suppression.storefront AND p.hash = suppression.person AND p.erased_ms = 0), 0);"
    "CREATE INDEX suppression_of_nobody ON suppression(storefront, person) WHERE who = 0;"
    "DROP INDEX person_by_hash;"

    DAYS_OF_KEYS "INSERT INTO meta SELECT 'indexed:person', ifnull(max(n), 0) FROM person;"
    "INSERT INTO meta SELECT 'indexed:parcel', ifnull(max(n), 0) FROM message;"
    "INSERT INTO meta SELECT 'indexed:idempotency', ifnull(max(n), 0) FROM message;"

    "DROP TABLE message; ALTER TABLE message_4 RENAME TO message;"
    "DROP TABLE journal; ALTER TABLE journal_4 RENAME TO journal;"
    "DROP TABLE destination;"

    "CREATE UNIQUE INDEX message_by_id ON message(storefront, id);"
    "CREATE INDEX message_due ON message(place, priority, state, due_ms) WHERE state IN (0, 2);"
    "CREATE INDEX message_expiry ON message(expires_ms) WHERE over = 0;"
    "CREATE INDEX message_leased ON message(lease_until_ms) WHERE state = 1;"
    "CREATE INDEX message_held ON message(storefront, reason, id) WHERE state = 3;"
    "CREATE INDEX message_by_state ON message(storefront, state, id)"
    "  WHERE state NOT IN (0, 1, 4);"

    "CREATE TABLE destination(place INTEGER NOT NULL, priority INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, due_ms INTEGER NOT NULL, PRIMARY KEY(place, priority, state))"
    "  WITHOUT ROWID;"
    "CREATE INDEX destination_due ON destination(priority, state, due_ms);"
    "INSERT INTO destination SELECT place, priority, state, min(due_ms)"
    "  FROM message INDEXED BY message_due WHERE state IN (0, 2)"
    "  GROUP BY place, priority, state;"

    "CREATE UNIQUE INDEX journal_in_order ON journal(storefront, node, seq);"
    "CREATE INDEX journal_apart ON journal(storefront, message_id)"
    "  WHERE previous IS NULL AND message_id <> '';"
    "CREATE TRIGGER journal_keeps BEFORE DELETE ON journal BEGIN"
    "  SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER journal_stands BEFORE UPDATE OF n, previous, storefront, node, seq, at_ms,"
    "  message_id, event, actor, facts, commitment, hash ON journal BEGIN"
    "  SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER journal_forgets BEFORE UPDATE OF person, salt, sealed ON journal"
    "  WHEN (new.person IS NOT NULL AND new.person IS NOT old.person)"
    "    OR (new.salt IS NOT NULL AND new.salt IS NOT old.salt)"
    "    OR (new.sealed IS NOT NULL AND new.sealed IS NOT old.sealed) BEGIN"
    "  SELECT RAISE(ABORT, 'the journal only forgets'); END;";

/* A list of three became a table of its own in each statement that changes a message. */
static const char version_5[] = "DROP INDEX message_by_state;"
                                "CREATE INDEX message_by_state ON message(storefront, state, id)"
                                "  WHERE state <> 0 AND state <> 1 AND state <> 4;";

static const char *const migrations[] = {version_1, version_2, version_3, version_4, version_5};

const struct sqlite_schema sqlite_queue_schema = {
    .what = "queue.db",
    .application = QUEUE_APPLICATION,
    .migrations = migrations,
    .n = COUNT_OF(migrations),
    .tables = sqlite_queue_tables,
};
