/* workshop -- what `serve --sandbox` adds: the receiver on loopback and a DNS in which everybody's mail goes to it.
 * The settings stay the real ones; only DNS, port and smart hosts differ. Where the settings name no zone for a
 * From domain, one with the records to publish is written to data_dir/sandbox/.
 * The data folder is there, and workshop_guard let the sandbox have it: until then nothing is made in it.
 * Errors: folders or files that cannot be written, keys that do not load. One thread. */
#ifndef MAILER_CLI_WORKSHOP_H
#define MAILER_CLI_WORKSHOP_H

#include "base/conf.h"
#include "queue/queue.h"

struct workshop;

bool workshop_open(const struct conf *c, struct workshop **out, struct err *e);
/* A snapshot of its own. */
const struct conf *workshop_conf(const struct workshop *w, const struct conf *c);
void workshop_close(struct workshop **w);

/* A sandbox would take a service's mail and deliver it to nobody, and a service would deliver the sandbox's to real
 * people: a data folder belongs to the one that first had mail in it. ERR_INPUT otherwise, for no waiting helps. */
bool workshop_guard(const struct conf *c, struct queue *q, bool is_sandbox, struct err *e);

#endif
