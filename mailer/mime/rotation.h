/* rotation -- one DKIM key that takes another's place: where it stands, and when it may go on.
 *
 *   step        signs   what is waited for
 *   pending     old     every server of the zone shows the new record
 *   published   old     caches that hold its absence, or another record, have run out
 *   active      new     the running service signs with the new key
 *   retiring    new     mails signed with the old key are verified: queues of relays and receivers
 *   retired     new     the old record is revoked, or gone
 *   done        new     nothing
 *   back        old     mails signed with the new key are verified; then `cancel`
 *
 * The state is one small JSON file without secrets beside the old key's file, named by what it is about:
 * "pp1._domainkey.shop.example.rotation"; the new key lies there, too: "pp2._domainkey.shop.example.pem". It is
 * replaced whole, so that a crash leaves the step before or the step after. Key and state are made in this order;
 * a crash between leaves a key that the next start takes.
 *
 * Shapes: domains are lower-case A-labels; *_ms milliseconds since the epoch UTC, 0 = not yet.
 * Limits: a state that is loaded names files, records and times: selectors are DNS labels, records as dkim_key_record
 * writes them, times before the year 10000, and the file has the name of what it is about; else ERR_CORRUPT.
 * Ownership: a rotation is a plain value. rotation_next is pure.
 * Errors: rotation_load ERR_MISSING (none), ERR_CORRUPT, ERR_NEWER, and those of file_read.
 * Threads: any; whoever changes a state holds the folder's lock (rotation_lock).
 * Source: RFC 6376 s3.1 (selectors), 2308 s5 (absences in caches), 5321 s4.5.4.1 (how long queues try). */
#ifndef MAILER_MIME_ROTATION_H
#define MAILER_MIME_ROTATION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define ROTATION_MAX_TTL_S INT64_C(2147483647) /* RFC 2181 s8 */

enum rotation_step {
    ROTATION_PENDING,
    ROTATION_PUBLISHED,
    ROTATION_ACTIVE,
    ROTATION_RETIRING,
    ROTATION_RETIRED,
    ROTATION_DONE,
    ROTATION_BACK,
};
const char *rotation_step_name(enum rotation_step s); /* "pending", ... */

struct rotation {
    char domain[256], old_selector[64], new_selector[64];
    char old_record[1024], new_record[1024]; /* "v=DKIM1; k=rsa; p=..." */
    char old_key_file[1024];
    enum rotation_step step;
    int64_t started_ms;
    int64_t stale_ttl_s;   /* the longest that the DNS allowed to keep what stood there before */
    int64_t seen_ms;       /* every server showed the new record for the first time */
    int64_t wait_until_ms; /* published: when caches have run out */
    int64_t active_ms;
    int64_t keep_until_ms; /* retiring, back: how long the other key's record must stay */
    int64_t ended_ms;      /* done */
};

bool rotation_signs_new(const struct rotation *r);
const char *rotation_signing_selector(const struct rotation *r);

/* ---- what happens next ----------------------------------------------------------------------- */

enum rotation_spread { /* of a key's record over the servers of its zone */
    ROTATION_EVERYWHERE,
    ROTATION_NOWHERE, /* absent or revoked at all of them */
    ROTATION_PARTLY,  /* some server shows something else */
    ROTATION_UNKNOWN, /* some server did not say, and none contradicts */
};

struct rotation_facts {
    enum rotation_spread fresh, old;
    int64_t stale_ttl_s; /* at the new selector */
    int64_t keep_ms;     /* how long mails that were signed may be under way */
    bool old_signs;      /* a running service still signs with the old key */
};

enum rotation_wait { /* why it does not go on */
    ROTATION_GOES_ON,
    ROTATION_WAITS_FOR_RECORD,  /* the new record is not shown by every server         */
    ROTATION_WAITS_FOR_CACHES,  /* until wait_until_ms                                 */
    ROTATION_WAITS_FOR_SERVICE, /* it signs with the old key                           */
    ROTATION_WAITS_FOR_MAIL,    /* until keep_until_ms                                 */
    ROTATION_WAITS_FOR_REVOKING,
    ROTATION_WAITS_FOR_PERSON, /* back: cancel                                         */
    ROTATION_CANNOT_TELL,      /* a server did not answer, so that nothing is decided  */
    ROTATION_IS_OVER,
};

/* One step at most; *r is changed in place, also where only what was learned of TTLs changed. */
enum rotation_wait rotation_next(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms);
/* What an operator may ask for; the error says why not. */
bool rotation_may_cancel(const struct rotation *r, int64_t now_ms, struct err *e);
bool rotation_go_back(struct rotation *r, int64_t now_ms, int64_t keep_ms, struct err *e);

/* ---- on disk --------------------------------------------------------------------------------- */

/* Where the state of this key's rotation lies, and the new key of that name. */
const char *rotation_file(
    const char *key_file, const char *selector, const char *domain, struct arena *a);
const char *rotation_key_file(
    const char *key_file, const char *selector, const char *domain, struct arena *a);
bool rotation_load(const char *path, struct rotation *out, struct err *e);
/* Owner and group as those of `like`, which the service can read. */
bool rotation_save(const char *path, const struct rotation *r, const char *like, struct err *e);

/* The folder's lock, for whoever changes states in it; ERR_BUSY where another process has it. Closing the
 * descriptor (file_close) gives it back. */
bool rotation_lock(const char *key_file, int *fd, struct err *e);

/* Takes away what a crash left of a file that was being written here: "FILE.XXXXXX". Under the lock. */
void rotation_sweep(const char *path);

/* Which key signs in place of the one of the settings. */
struct rotation_signer {
    const char *selector, *key_file;
    bool rotating; /* a state exists */
};
bool rotation_signer_find(const char *key_file, const char *selector, const char *domain,
    struct arena *a, struct rotation_signer *out, struct err *e);

#endif
