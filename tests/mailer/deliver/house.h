/* house -- a whole post room in a temporary folder with an engine that delivers to a sink on loopback.
 *
 * The storefront acme sends as orders@shop.example with one Ed25519 key, published in house.zone beside a DMARC
 * record with p=reject; customer.example and others have MX records that lead to the sink's port. Mails: parcel
 * (transactional), offer (marketing); both take "name".
 * The sink answers by local part: unknown@ 550 at RCPT, full@ 452 at RCPT, spam@ 550 after the body, later@ 451 after
 * the body the first time, drop@ closes after the body the first time; anybody else gets 250. It keeps every body.
 * A failure here ends the program. Threads: the test's, and the engine's and sink's own. */
#ifndef TESTS_MAILER_DELIVER_HOUSE_H
#define TESTS_MAILER_DELIVER_HOUSE_H

#include "base/json.h"
#include "mailer/deliver/engine.h"
#include "mailer/smtpd/smtpd.h"
#include "tests/support/scratch.h"

#include <pthread.h>

#define HOUSE_MAILS 4096

struct house_setup {
    const char *settings;    /* further lines of the settings file, "" = none */
    const char *storefront;  /* further lines of the storefront's section */
    const char *zone;        /* further records */
    const char *dkim_record; /* instead of the right one; NULL = the right one */
    const char *resolver;    /* for names outside the zone, heard out for 3 s; NULL = none */
    int smtp_port;           /* 0 = the sink's */
    bool no_engine;          /* house_start starts it */
    const char *sink_certificate, *sink_key; /* with them the sink offers STARTTLS */
    const struct clock *clock;               /* the queue's and the engine's; NULL = the system's */
    int64_t lane_patience_ms;                /* as in engine_setup */
    bool auth_required; /* the sink wants AUTH: user "shop", password "open sesame" */
};

struct captured {
    char recipient[128], mail_from[128];
    struct buf bytes;
    uint64_t connection;
    bool tls, accepted;
    bool marked; /* the flight file named the message when its body was there */
};

struct house {
    char folder[SCRATCH_SIZE];
    struct arena *arena;
    const char *dkim_record, *zone_more, *dns_server;
    const struct clock *clock;
    int64_t lane_patience_ms;
    struct metrics *metrics;
    struct ids *ids;
    struct keyring *keys;
    struct queue *queue;
    struct resolver *resolver;
    struct gate *gate;
    struct snapshot_holder *snapshots;
    struct engine *engine;
    struct smtpd *sink;
    pthread_mutex_t lock; /* guards the captured mails */
    struct captured mails[HOUSE_MAILS];
    size_t mails_n, refused_n;
};

void house_open(struct house *h, const struct house_setup *s);
void house_start(struct house *h);
void house_restart(struct house *h); /* all but the sink, the metrics and the resolver */
void house_close(struct house *h);

/* A message to this address, by its id (in the house's arena). */
const char *house_submit(struct house *h, const char *to);
struct house_mail {
    const char *to, *template_name, *stream, *destination; /* NULL = acme's parcel to its domain */
    const struct attachment *attachments;
    size_t attachments_n;
    int64_t expire_after_ms;  /* 0 = a day */
    const char *private_json; /* NULL = what the mails need */
};
const char *house_submit_mail(struct house *h, const struct house_mail *m);

/* Waits until the message is in this state; aborts with what it is in otherwise. */
void house_await(struct house *h, const char *id, enum msg_state state);
struct message_view house_show(struct house *h, const char *id);
/* From any thread. */
enum msg_state house_state(struct house *h, const char *id);
/* The facts of the last journal row of this event; NULL = there is none. Close it. */
struct js *house_facts(struct house *h, const char *id, const char *event);
size_t house_count_events(struct house *h, const char *id, const char *event);
void house_write_zone(struct house *h, const char *dkim_record); /* NULL = the right one */
const char *house_path(struct house *h, const char *name);
void house_write(struct house *h, const char *name, const char *text);

#endif
