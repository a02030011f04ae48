/* workshop -- what `serve --sandbox` adds: the receiver on loopback and a DNS in which everybody's mail goes to it.
 * The settings stay the real ones; only DNS, port and smart hosts differ. Where the settings name no zone for a
 * From domain, one with the records to publish is written to data_dir/sandbox/.
 * Errors: folders or files that cannot be written, keys that do not load. One thread. */
#ifndef MAILER_CLI_WORKSHOP_H
#define MAILER_CLI_WORKSHOP_H

#include "base/conf.h"

struct workshop;

bool workshop_open(const struct conf *c, struct workshop **out, struct err *e);
const struct conf *workshop_conf(
    const struct workshop *w, const struct conf *c); /* a snapshot of its own */
void workshop_close(struct workshop **w);

#endif
