/* program -- the command line run within the test: words in, exit code and both outputs out.
 * One at a time; what the last run printed stays until the next one. */
#ifndef TESTS_MAILER_CLI_PROGRAM_H
#define TESTS_MAILER_CLI_PROGRAM_H

#include "base/buf.h"

extern struct buf program_out, program_err;

/* `line` is cut at blanks; a quoted piece ('...') is one word. */
int program_run(const char *line);
void program_close(void);

/* One run; `says` stands in one of the two outputs. */
struct run {
    const char *name, *line;
    int code;
    const char *says;
};
void expect_run(const struct run *r);

#endif
