/* post -- a queue in a folder of its own for one test: opened, reopened, looked into, removed.
 * Time stands at post->time.ms until the test moves it. Every helper fails the test by itself. */
#ifndef TESTS_QUEUE_POST_H
#define TESTS_QUEUE_POST_H

#include "queue/queue.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SHOP "acme"
#define OTHER_SHOP "zenith"
#define T0 INT64_C(1790000000000)
#define HOUR INT64_C(3600000)
#define FINE(call) fine((call), &p->e, #call)

struct backend {
    const char *name;
    bool (*open)(const struct queue_setup *setup, struct queue **out, struct err *e);
};
extern const struct backend backend_sqlite;

struct post {
    const struct backend *backend;
    char dir[SCRATCH_SIZE];
    char data[80]; /* the queue's folder, in dir */
    struct keyring *keys;
    struct clock_fake time;
    struct clock clock;
    struct clock_fake steady_time; /* for a queue that looks for jumps */
    struct clock steady;
    bool looks_for_jumps;
    struct ids *ids;
    struct arena *a;
    struct queue *q;
    size_t lanes;
    struct err e;
};

struct post *post_open(const struct backend *b);
void post_close(struct post **p); /* for AUTO: closes the queue, removes the folder */
struct queue *post_start(
    struct post *p, enum queue_role role, const char *node); /* one more handle */
void post_reopen(struct post *p);
void post_add_key(
    struct post *p, const char *line); /* "pepper 2 HEX" and reads the keyring again */
const char *post_file(struct post *p, const char *name);
/* What a hand that can write the file does to it. */
void post_change(struct post *p, const char *file, const char *sql);

void fine(bool answer, const struct err *e, const char *what);
void refused(bool answer, const struct err *e, enum err_code code);

/* A mail that is fine as it is: queued, due now, expires in a day. */
struct submission a_mail(struct post *p, const char *address);
const char *post_mail(struct post *p, const char *address); /* submits one; its id */
struct receipt post_submit(struct post *p, const struct submission *s);
struct job *claim_at(struct post *p, const char *destination, size_t max, size_t expected);
struct job *claim_one(struct post *p); /* of "example.com" */
void settle_as(struct post *p, const struct job *j, enum msg_state to, const char *reason);
struct message_view show(struct post *p, const char *id);
void expect_state(struct post *p, const char *id, enum msg_state state, const char *reason);
/* The events of a message's timeline, separated by spaces. */
const char *events_of(struct post *p, const char *id);
void expect_whole_chain(struct post *p, const char *storefront, const char *node);
bool in_any_file(struct post *p, const char *needle); /* of the data folder */
bool bytes_in_any_file(struct post *p, struct str needle);

static const struct actor test_actor = {"tester", "because"};

#endif
