/* session -- one SMTP dialogue as a pure state machine: bytes in, replies out, no socket and no time.
 * Whoever runs it feeds what arrives, sends what stands in session_out (then session_sent), and does what
 * session_state says. Replies to pipelined commands gather in one output.
 * Owns its pending input, its output and the envelope; the setup must outlive it. One thread.
 * Limits: a command line of 2,048 octets, 20 errors, 100 commands without a mail, and those of the setup; the
 * caller bounds the pending input by not feeding unless the state is SESSION_READ.
 * Source: RFC 5321, 2920 (pipelining), 1870 (SIZE), 2034, 3207 (STARTTLS), 4954 (AUTH), 4616 (PLAIN). */
#ifndef MAILER_SMTPD_SESSION_H
#define MAILER_SMTPD_SESSION_H

#include "mailer/smtpd/smtpd.h"

struct session;
struct body_room;

enum session_state {
    SESSION_READ,  /* feed more                                                        */
    SESSION_WAIT,  /* a reply is held for session_wait_ms: then session_resume          */
    SESSION_TLS,   /* send the output, shake hands, then session_tls_started            */
    SESSION_CLOSE, /* send the output, then close                                      */
    SESSION_DROP,  /* send the output, then close without a word: a handler asked for it */
};

void session_defaults(struct smtpd_setup *s); /* fills in the limits that are 0 */

/* The greeting stands in the output afterwards. `peer` and `room` are borrowed for the session's life; the sessions of one
 * server share a room (NULL = no bound), beyond which a message is answered with 452. */
struct session *session_open(
    const struct smtpd_setup *setup, struct body_room *room, const char *peer, uint64_t connection);
void session_close(struct session **s);

void session_feed(struct session *s, struct str bytes);
struct str session_out(const struct session *s);
void session_sent(struct session *s, size_t n); /* drops n bytes from the output's front */
enum session_state session_state(const struct session *s);

int64_t session_wait_ms(const struct session *s);
void session_resume(struct session *s);
void session_tls_started(struct session *s);
/* Says 421 with this text and closes: idle too long, or the server stops. */
void session_end(struct session *s, const char *text);

uint64_t session_messages(const struct session *s); /* answered 2xx after the dot */
/* Grows with every command and every KiB of a body, not with single bytes: a dripping client is
 * idle. */
uint64_t session_progress(const struct session *s);

#endif
