/* dirs -- whether the folders that settings name are there, or could be made in the one above: looks, and changes nothing.
 * Paths are absolute, as those of the settings. Errors: ERR_IO or ERR_FULL as the system says, ERR_INPUT (no folder); the text of
 * a lacking permission names the user that it is about. Any thread. */
#ifndef MAILER_CLI_DIRS_H
#define MAILER_CLI_DIRS_H

#include "base/err.h"

/* made: a folder that is made first where it is not there, and may be the one above; or NULL. */
bool dirs_is_there(const char *path, const char *made, struct err *e);
bool dirs_is_writable(const char *path, const char *made, struct err *e);

#endif
