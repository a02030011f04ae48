/* mails -- the mails that the compose suites share: one per structure and one per trap of a header. */
#ifndef TESTS_MAILER_MIME_MAILS_H
#define TESTS_MAILER_MIME_MAILS_H

#include "mailer/mime/compose.h"

struct mail_case {
    const char *name;
    const char *structure; /* as both checkers print it */
    struct message m;      /* what differs from the ordinary */
};

extern const struct mail_case mail_cases[];
extern const size_t mail_cases_n;

/* The case's mail, with what it leaves out filled in. */
struct message mail_case_message(size_t i);

#endif
