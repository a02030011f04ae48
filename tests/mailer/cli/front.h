/* front -- the front door of one room for a whole suite: it is the working folder, its settings are those of every
 * command, and nobody has its queue open. Set-up and tear-down of the group. */
#ifndef TESTS_MAILER_CLI_FRONT_H
#define TESTS_MAILER_CLI_FRONT_H

#include "tests/mailer/cli/program.h"
#include "tests/mailer/intake/one_room.h"

int front_open(void **state);
int front_close(void **state);

/* "mail.json": what `send` takes. */
void front_write_mail(void);

#endif
