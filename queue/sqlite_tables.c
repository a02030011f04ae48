#include "queue/sqlite_schema.h"

/* Keys: every index that a question from outside goes through begins with the storefront, or with a hash that covers it. `n`
 * is this back end's own row number; it leaves it as store.h's person_mark alone. The states are those of enum msg_state: 0
 * queued, 1 leased, 2 deferred, 3 held, 4 delivered.
 *
 * Each table that a message is written into costs a page a commit, and each random key a page a message. So what is looked up
 * by a keyed hash stands in the order of its coming, and its entry in an index (_at) comes later (sqlite_refs.h); what belongs
 * to one message is found by numbers: attachments (ATTACHMENT_N), and the rows of its timeline, each of which says which one
 * was before it, the last of them by message.last. What nobody asks has no index: persons are erased through keys.db.
 *
 * message is narrow because each claim and settle rewrites it; what is written once stands in payload. A claim leaves
 * message_expiry alone: that hangs on `over`, the state is final, because SQLite writes an index anew when a column of its
 * condition is set, be it to the same; message_by_state leaves out what every message passes through. A condition names no list
 * of more than two: SQLite makes a table of such a list, each time it asks. */
static const char messages[] =
    "CREATE TABLE message(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, id TEXT NOT NULL, "
    "  person INTEGER NOT NULL, place INTEGER NOT NULL, state INTEGER NOT NULL, priority "
    "  INTEGER NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, expires_ms "
    "  INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, unsure INTEGER NOT NULL DEFAULT "
    "  0, waits INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL, owner TEXT NOT NULL DEFAULT "
    "  '', owner_start INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, "
    "  lease_until_ms INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, last "
    "  INTEGER NOT NULL, over INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX message_by_id ON message(storefront, id);"
    "CREATE INDEX message_due ON message(place, priority, state, due_ms) WHERE state IN (0, "
    "  2);"
    "CREATE INDEX message_expiry ON message(expires_ms) WHERE over = 0;"
    "CREATE INDEX message_leased ON message(lease_until_ms) WHERE state = 1;"
    "CREATE INDEX message_held ON message(storefront, reason, id) WHERE state = 3;"
    "CREATE INDEX message_by_state ON message(storefront, state, id) WHERE state <> 0 AND "
    "  state <> 1 AND state <> 4;"
    "CREATE TABLE payload(n INTEGER PRIMARY KEY, stream TEXT NOT NULL, template TEXT NOT "
    "  NULL, locale TEXT NOT NULL, bundle BLOB NOT NULL, date_ms INTEGER NOT NULL, event TEXT "
    "  NOT NULL, seq INTEGER NOT NULL, occurred_ms INTEGER NOT NULL, order_ref BLOB, parcel_ref "
    "  BLOB, supersedes TEXT NOT NULL, sealed BLOB NOT NULL);"
    "CREATE TABLE attachment(n INTEGER PRIMARY KEY, sealed BLOB NOT NULL);";

/* place gives a destination of a storefront a short name. destination holds, for each (place, priority, state) with waiting
 * messages, when the earliest falls due: those that were never tried (0) and those that come again (2) have lines of their
 * own, because each claim takes from both. It is brought up to date at the end of each transaction, so that "who has work" is
 * a range of an index and not a walk over a million messages. tally counts messages by state for the same reason, held those
 * of each reason. */
static const char lines[] =
    "CREATE TABLE place(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, destination TEXT NOT "
    "  NULL);"
    "CREATE UNIQUE INDEX place_by_name ON place(storefront, destination);"
    "CREATE TABLE destination(place INTEGER NOT NULL, priority INTEGER NOT NULL, state "
    "  INTEGER NOT NULL, due_ms INTEGER NOT NULL, PRIMARY KEY(place, priority, state)) WITHOUT "
    "  ROWID;"
    "CREATE INDEX destination_due ON destination(priority, state, due_ms);"
    "CREATE TABLE tally(storefront TEXT NOT NULL, state INTEGER NOT NULL, messages INTEGER "
    "  NOT NULL, PRIMARY KEY(storefront, state)) WITHOUT ROWID;"
    "CREATE TABLE held(storefront TEXT NOT NULL, reason TEXT NOT NULL, messages INTEGER NOT "
    "  NULL, PRIMARY KEY(storefront, reason)) WITHOUT ROWID;";

static const char journal[] =
    "CREATE TABLE journal(n INTEGER PRIMARY KEY, previous INTEGER, storefront TEXT NOT NULL, "
    "  node TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT "
    "  NULL, event TEXT NOT NULL, actor TEXT NOT NULL, facts TEXT NOT NULL, commitment BLOB NOT "
    "  NULL, hash BLOB NOT NULL, person INTEGER, salt BLOB, sealed BLOB);"
    "CREATE UNIQUE INDEX journal_in_order ON journal(storefront, node, seq);"
    "CREATE INDEX journal_apart ON journal(storefront, message_id) WHERE previous IS NULL AND "
    "  message_id <> '';"
    "CREATE TRIGGER journal_keeps BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the "
    "  journal is append-only'); END;"
    "CREATE TRIGGER journal_stands BEFORE UPDATE OF n, previous, storefront, node, seq, "
    "  at_ms, message_id, event, actor, facts, commitment, hash ON journal BEGIN SELECT "
    "  RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER journal_forgets BEFORE UPDATE OF person, salt, sealed ON journal WHEN "
    "  (new.person IS NOT NULL AND new.person IS NOT old.person) OR (new.salt IS NOT NULL AND "
    "  new.salt IS NOT old.salt) OR (new.sealed IS NOT NULL AND new.sealed IS NOT old.sealed) "
    "  BEGIN SELECT RAISE(ABORT, 'the journal only forgets'); END;"
    "CREATE TABLE chain(storefront TEXT NOT NULL, node TEXT NOT NULL, seq INTEGER NOT NULL, "
    "  hash BLOB NOT NULL, PRIMARY KEY(storefront, node)) WITHOUT ROWID;";

/* Entries by the first bytes of a hash. Of idempotency keys each table holds one day, in turn: a day goes by emptying one.
 * idempotency_day says which day stands where. */
static const char people[] =
    "CREATE TABLE person(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, pepper INTEGER NOT "
    "  NULL, hash BLOB NOT NULL, address BLOB, created_ms INTEGER NOT NULL, erased_ms INTEGER "
    "  NOT NULL DEFAULT 0);"
    "CREATE TABLE person_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) WITHOUT "
    "  ROWID;"
    "CREATE TABLE parcel_at(k BLOB NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, "
    "  PRIMARY KEY(k, seq, n)) WITHOUT ROWID;"
    "CREATE TABLE suppression(n INTEGER PRIMARY KEY AUTOINCREMENT, storefront TEXT NOT NULL, "
    "  pepper INTEGER NOT NULL, person BLOB NOT NULL, scope TEXT NOT NULL, reason TEXT NOT "
    "  NULL, origin TEXT NOT NULL, evidence TEXT NOT NULL, actor TEXT NOT NULL, since_ms "
    "  INTEGER NOT NULL, expires_ms INTEGER NOT NULL, lifted_ms INTEGER NOT NULL DEFAULT 0, "
    "  lifted_by TEXT NOT NULL DEFAULT '', lifted_why TEXT NOT NULL DEFAULT '', note BLOB, who "
    "  INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX suppression_stands ON suppression(storefront, person, scope, reason) "
    "  WHERE lifted_ms = 0;"
    "CREATE INDEX suppression_in_order ON suppression(storefront, n);"
    "CREATE INDEX suppression_of_nobody ON suppression(storefront, person) WHERE who = 0;";
static const char days[] =
    "CREATE TABLE idempotency_day(place INTEGER PRIMARY KEY, day INTEGER NOT NULL);"
    "CREATE TABLE idempotency_0(n INTEGER PRIMARY KEY, key BLOB NOT NULL, request BLOB NOT "
    "  NULL, state INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE TABLE idempotency_0_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) "
    "  WITHOUT ROWID;"
    "CREATE TABLE idempotency_1(n INTEGER PRIMARY KEY, key BLOB NOT NULL, request BLOB NOT "
    "  NULL, state INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE TABLE idempotency_1_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) "
    "  WITHOUT ROWID;"
    "CREATE TABLE idempotency_2(n INTEGER PRIMARY KEY, key BLOB NOT NULL, request BLOB NOT "
    "  NULL, state INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE TABLE idempotency_2_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) "
    "  WITHOUT ROWID;"
    "CREATE TABLE idempotency_3(n INTEGER PRIMARY KEY, key BLOB NOT NULL, request BLOB NOT "
    "  NULL, state INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE TABLE idempotency_3_at(k BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) "
    "  WITHOUT ROWID;";

/* api_key: how often a key was made or changed, by whomever, is counted: what is remembered of keys holds until it moves. */
static const char rest[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE content(n INTEGER PRIMARY KEY, storefront TEXT NOT NULL, hash BLOB NOT "
    "  NULL, bytes BLOB NOT NULL);"
    "CREATE UNIQUE INDEX content_by_hash ON content(storefront, hash);"
    "CREATE TABLE api_key(storefront TEXT NOT NULL, id TEXT NOT NULL, secret BLOB NOT NULL, "
    "  proof BLOB NOT NULL, label TEXT NOT NULL, roles INTEGER NOT NULL, created_ms INTEGER NOT "
    "  NULL, revoked_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(storefront, id)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX api_key_by_secret ON api_key(secret);"
    "CREATE TRIGGER api_key_made AFTER INSERT ON api_key BEGIN INSERT INTO meta VALUES "
    "  ('key_changes', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1; END;"
    "CREATE TRIGGER api_key_changed AFTER UPDATE ON api_key BEGIN INSERT INTO meta VALUES "
    "  ('key_changes', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1; END;"
    "CREATE TRIGGER api_key_gone AFTER DELETE ON api_key BEGIN INSERT INTO meta VALUES "
    "  ('key_changes', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1; END;";

const char *const sqlite_queue_tables[] = {messages, lines, journal, people, days, rest, NULL};
