/* service -- what `serve` holds while it runs, and what its parts share: the settings, mails and keys in force
 * (service_settings.c), and the floors, opened in order and closed in reverse (service_open.c). Running is cmd_serve.c.
 * The service owns all that it points to but cli, and nobody but service_close gives anything of it back.
 * Errors: as those of the floors; a fault in the settings is logged by itself. One thread. */
#ifndef MAILER_CLI_SERVICE_H
#define MAILER_CLI_SERVICE_H

#include "base/clock_guard.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/workshop.h"
#include "mailer/deliver/engine.h"
#include "mailer/gate/surveyor.h"
#include "mailer/http/http.h"

struct service {
    struct cli *cli;
    const struct conf *conf;
    struct workshop *workshop; /* --sandbox only */
    struct keyring *keys;
    struct metrics *metrics;
    struct clock_guard *guard;
    struct clock clock;       /* wall time that doubts jumps */
    struct clock spans;       /* that never jumps: what is cached for a while lasts as long */
    struct clock_doubt doubt; /* as it was told last */
    struct queue *queue;
    struct resolver *resolver;
    struct gate *gate;
    struct web_live live;
    struct web web;
    struct surveyor *surveyor;
    struct snapshot_holder *snapshots;
    struct ids *ids;
    struct intake_setup intake;
    struct http *http;
    struct engine *engine;
    int64_t generation; /* of the snapshot: how often SIGHUP made a new one */
    int settings_code;  /* with which a start ends whose settings failed; 0: it is not for them */
    struct buf zone_faults; /* as they were told last */
    struct buf signers;     /* which keys the snapshot signs with */
    struct buf rejected;    /* those that were to sign, but could not be loaded */
};

/* ---- settings -------------------------------------------------------------------------------- */

/* Those of the start. */
bool service_take_settings(struct service *s, struct err *e);
/* In the sandbox, the settings with its DNS and port. Takes the file's. */
const struct conf *service_conf(struct service *s, const struct conf *file);
bool service_open_snapshots(struct service *s, struct err *e);
void service_close_snapshots(struct service *s);
/* A reload that fails changes nothing: the service goes on with what it has. */
void service_reload(struct service *s);
/* `dkim rotate` changed which key signs: the settings stay those in force, so that a file that somebody is writing
 * just now is not taken up by chance. What cannot be loaded is told once, and tried again after SIGHUP. */
void service_follow_rotations(struct service *s);

/* ---- opening and closing --------------------------------------------------------------------- */

/* What failed half-way is closed like the rest. */
bool service_open(struct service *s, struct err *e);
/* Takes no more in, lets what is under way finish, then closes what others stood on. Does not come back where a lane
 * hangs. */
void service_close(struct service *s);

#endif
