/* room -- a small post room in a temporary folder: settings with two storefronts, keys, mails, a queue.
 *
 * acme has a postal address and the streams "newsletter" (marketing) and "service" (transactional); bold has
 * neither address nor streams, and sends through the smart host "relay". Mails: note (transactional; events
 * shipped, late; needs name, number; takes lines, total) and offer (marketing; needs name), in en and de.
 * The clock stands at ROOM_NOW_MS until a test moves it. A failure here ends the program. One thread. */
#ifndef TESTS_MAILER_INTAKE_ROOM_H
#define TESTS_MAILER_INTAKE_ROOM_H

#include "base/conf.h"
#include "mailer/intake/intake.h"
#include "tests/support/scratch.h"

#define ROOM_NOW_MS INT64_C(1795248600000) /* 2026-11-21T08:10:00Z */

struct room {
    char folder[SCRATCH_SIZE];
    struct clock_fake time;
    struct clock clock;
    struct ids *ids;
    struct metrics *metrics;
    struct keyring *keys;
    struct queue *queue;
    const struct conf *conf;
    struct arena *arena;
};

void room_open(struct room *r);
void room_close(struct room *r); /* removes the folder */

void room_write(const struct room *r, const char *name, const char *text, unsigned mode);
const char *room_path(struct room *r, const char *name);
const struct conf *room_conf(
    struct room *r, const char *name); /* from a settings file in the folder */
struct snapshot *room_snapshot(struct room *r);
struct intake_setup room_intake(
    struct room *r); /* asks comply's question of the queue: "*" forbids */
const char *room_key(struct room *r, const char *storefront, unsigned roles);

#endif
