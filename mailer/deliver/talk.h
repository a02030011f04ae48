/* talk -- the SMTP conversation, overheard byte by byte: where it stands, and whether both sides keep step.
 *
 * libesmtp reports the replies to MAIL and after it, but those before only by its monitor, and it takes a reply that came
 * before its command for the command's answer. A talk listens at the monitor, from the greeting to the end:
 *   before MAIL it keeps phase and last reply, and says when the connection must end: no MAIL before a required AUTH
 *     succeeded, no bytes behind the STARTTLS reply (RFC 3207 s6: they would be read as if they had come under TLS);
 *   always it counts commands and replies. A reply that nothing asked for ends the connection; only a 421 may come at
 *     any time (RFC 5321 s3.8). An answer to a body is one that began after the body's end (talk_body_ends);
 *   it mends in place, before the library reads, what the library cannot read: "250<CRLF>", a reply without text, gets a
 *     blank behind its code; and CHUNKING is struck from the EHLO reply, because the monitor does not hear BDAT, as is
 *     PIPELINING where a server is to hear one command at a time.
 * What is written is looked at for its verb and its lines only, so no credential is kept.
 * Limits: the last reply's text TALK_TEXT_MAX bytes; replies TALK_READ_MAX, all before MAIL together, then between
 * two commands.
 * Owns nothing, cannot fail. Threads: one connection's. Source: RFC 5321 s4.2, RFC 2920, RFC 3207, RFC 4954. */
#ifndef MAILER_DELIVER_TALK_H
#define MAILER_DELIVER_TALK_H

#include "mailer/reason/reason.h"

#define TALK_TEXT_MAX 2048
#define TALK_READ_MAX 65536
#define TALK_LINE_MAX 1023 /* what the library reads as one line, its end included */

struct talk {
    bool must_authenticate;
    bool one_by_one; /* strike PIPELINING */
    bool authenticated;
    bool pipelining; /* the last EHLO reply offers it */
    bool opened;     /* MAIL was written, or QUIT: phase, code and text stay as they are */
    enum smtp_phase phase;
    int code;            /* of the last whole reply in this phase, 0 = none yet */
    const char *trouble; /* why the connection must end, "" = it need not */
    size_t read_n;
    char line[128]; /* the present line's beginning */
    size_t line_n;  /* its length, which may be more */
    bool in_reply;  /* between the lines of one reply */
    bool was_cut;   /* a line was longer than the library reads */
    size_t owed;    /* replies that were asked for and have not begun */
    bool unasked;   /* the present reply is none of them */
    bool out_of_step;
    bool body_ended, body_answered; /* since the last command: nothing was said behind the body */
    size_t text_n;
    char text[TALK_TEXT_MAX];
};

void talk_begin(struct talk *t, bool must_authenticate);

/* Both return false when the connection must end now; `trouble` then says why. talk_hears mends the bytes. */
bool talk_hears(struct talk *t, char *bytes, size_t n);
bool talk_says(struct talk *t, struct str bytes);
/* The body is out but for its final dot. came_early: bytes of the server wait already, so they do not answer it. Nor does
 * what was heard unasked since 354, be it a 421. */
bool talk_body_ends(struct talk *t, bool came_early);

/* The last reply without codes, lines joined by spaces. */
struct str talk_text(const struct talk *t);

#endif
