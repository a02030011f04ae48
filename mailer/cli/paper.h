/* paper -- how check-dns writes for people: 80 columns, and colour only where stdout is a terminal and
 * NO_COLOR is not set. One thread. */
#ifndef MAILER_CLI_PAPER_H
#define MAILER_CLI_PAPER_H

#include "dns/audit/audit.h"

#define PAPER_COLUMNS 80

bool paper_is_terminal(int fd); /* one that can move its cursor */
bool paper_takes_utf8(void);    /* by the locale in the environment */

const char *paper_colour(enum audit_severity s); /* "" where there is to be none */
const char *paper_plain(void);

/* What a stranger may have written: "?" stands for bytes that are no UTF-8 and for controls, so that
 * no record reaches into the reader's terminal. Returns its columns. */
int paper_put(struct str text);
int paper_width(struct str text);                 /* the columns alone */
void paper_padded(const char *text, int columns); /* and blanks up to there */
/* Breaks lines at blanks and between wide characters; what has neither and does not fit a line stands
 * alone. */
void paper_wrapped(struct str text, int indent);
/* A line of at most `room` columns. */
void paper_cut(const char *text, size_t room);
/* Lines of a zone file; without indent as long as they are. */
void paper_record(const struct audit_record *r, int indent);

#endif
