/* conf_reload -- new settings for a service that runs on old ones.
 *
 * Some settings are read once, at the start: where it listens, its folders, lanes, DNS servers (`fixed` in conf_table.c). A
 * snapshot that showed their new values would contradict what runs, so they keep the old ones until the restart.
 * Ownership: one reference, as conf_load gives. Cannot fail. Any thread. */
#ifndef BASE_CONF_RELOAD_H
#define BASE_CONF_RELOAD_H

#include "base/conf.h"

/* `next` with the fixed settings of `running`. The names of those that differ are appended to `kept`, a line each. */
const struct conf *conf_reload(
    const struct conf *next, const struct conf *running, struct buf *kept);

#endif
