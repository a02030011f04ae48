/* checkup -- the audits of one run of check-dns: a few domains at a time, with progress on stderr.
 *
 * An interrupt (SIGINT, SIGTERM) takes the line of progress away and ends the process as that signal
 * does: nothing was printed or written until then. A single domain is audited in the caller's thread
 * and with the process's own signals.
 * Ownership: each domain has an arena of its own, in which its report lies.
 * Threads: CHECKUP_AT_ONCE of its own, which have ended when it returns. */
#ifndef MAILER_CLI_CHECKUP_H
#define MAILER_CLI_CHECKUP_H

#include "mailer/gate/survey.h"

#define CHECKUP_AT_ONCE 4 /* each asks two dozen questions at once */

struct checkup {
    struct arena *arena;
    struct survey *survey;
    struct audit_report report;
};

enum checkup_progress {
    CHECKUP_SILENT,
    CHECKUP_LINES,   /* one for each domain that is done */
    CHECKUP_REWRITE, /* one line, written over and gone at the end: for terminals */
};

void checkup_run(struct checkup *all, size_t n, enum checkup_progress progress);
/* The worst first: what will not pass, then errors, then what could not be told, then warnings. */
void checkup_sort(struct checkup *all, size_t n);
size_t checkup_count(const struct audit_report *r, enum audit_severity s);

#endif
