/* command -- one line of a client taken apart: verb, argument, paths and their parameters.
 * Lines come without their CRLF. Everything returned is borrowed from the line. Pure, any thread.
 * Liberal in one place only: a space after "FROM:" or "TO:" is skipped, as most servers do.
 * Source: RFC 5321 s4.1.1, s4.1.2, s4.5.3.1; RFC 4954. */
#ifndef MAILER_SMTPD_COMMAND_H
#define MAILER_SMTPD_COMMAND_H

#include "base/str.h"

enum verb {
    VERB_UNKNOWN,
    VERB_HELO,
    VERB_EHLO,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_RSET,
    VERB_NOOP,
    VERB_QUIT,
    VERB_VRFY,
    VERB_HELP,
    VERB_STARTTLS,
    VERB_AUTH,
    VERB_NOT_OFFERED, /* SMTP, but not ours: EXPN, ETRN, TURN, BDAT... */
    VERB_FOREIGN,     /* another protocol's: a browser was sent here   */
};

struct command {
    enum verb verb;
    struct str argument; /* trimmed */
};
struct command command_read(struct str line);

struct mail_path {
    struct str address;    /* without <> and source route; "" for the null reverse-path */
    struct str parameters; /* "SIZE=100 BODY=8BITMIME" */
};
/* argument: "FROM:<user@host> SIZE=100" with keyword "FROM:". False: no path in it. */
bool command_path(struct str argument, const char *keyword, struct mail_path *out);

/* A mailbox as RFC 5321 writes it: ASCII, local part of 64 and all of 254 octets at most, domain or
 * address literal; only "postmaster" may stand without a domain. */
bool command_is_mailbox(struct str address);

/* The next "KEY" or "KEY=VALUE" of the parameters; false at their end. */
bool command_parameter(struct str *rest, struct str *key, struct str *value);

#endif
