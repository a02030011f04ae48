/* jam -- stops the writer of a desk's queue between two commits: what is posted meanwhile waits for the disk.
 * It is a mail of its own to acme. Loosen it before the desk is closed. */
#ifndef TESTS_MAILER_HTTP_JAM_H
#define TESTS_MAILER_HTTP_JAM_H

#include "tests/mailer/http/desk.h"

#include <semaphore.h>

struct jam {
    struct id id;
    struct submission mail;
    sem_t reached, loosened;
};

void jam_hold(struct desk *d, struct jam *j); /* returns when the writer stands still */
void jam_loosen(struct jam *j);
void jam_close(struct jam *j); /* after the desk is closed */

#endif
