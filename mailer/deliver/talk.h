/* talk -- the opening of an SMTP conversation, overheard: greeting, EHLO, STARTTLS, AUTH, up to the first MAIL.
 *
 * libesmtp reports the replies to MAIL and after it, but those before only by its monitor. A talk listens there,
 * keeps phase and last reply, and says when the connection must end: no MAIL before a required AUTH succeeded, no
 * bytes behind the STARTTLS reply (RFC 3207 s6: they would be read as if they had come under TLS), and a bound on
 * what a server may say. What is written is looked at for its verb only, so no credential is kept.
 * Limits: the last reply's text TALK_TEXT_MAX bytes, all replies together TALK_READ_MAX.
 * Owns nothing, cannot fail. Threads: one connection's. Source: RFC 5321 s4.2, RFC 3207, RFC 4954. */
#ifndef MAILER_DELIVER_TALK_H
#define MAILER_DELIVER_TALK_H

#include "mailer/reason/reason.h"

#define TALK_TEXT_MAX 2048
#define TALK_READ_MAX 65536

struct talk {
    bool must_authenticate;
    bool authenticated;
    bool finished; /* MAIL was written, or QUIT: nothing after counts */
    enum smtp_phase phase;
    int code;            /* of the last whole reply in this phase, 0 = none yet */
    const char *trouble; /* why the connection must end, "" = it need not */
    size_t read_n;
    char line[128]; /* the present line's beginning */
    size_t line_n;
    bool in_reply; /* between the lines of one reply */
    size_t text_n;
    char text[TALK_TEXT_MAX];
};

void talk_begin(struct talk *t, bool must_authenticate);

/* Both return false when the connection must end now; `trouble` then says why. */
bool talk_hears(struct talk *t, struct str bytes);
bool talk_says(struct talk *t, struct str bytes);

/* The last reply without codes, lines joined by spaces. */
struct str talk_text(const struct talk *t);

#endif
