/* smtpd -- a small bounded SMTP server with callbacks: the sandbox, the test sink and later the bounce listener.
 *
 * Speaks SMTP (RFC 5321) with PIPELINING, 8BITMIME, SIZE, ENHANCEDSTATUSCODES, optional STARTTLS and, only after it,
 * AUTH PLAIN and LOGIN; one thread runs all connections with epoll. Replies may be delayed (slow receivers, round
 * trips) on a timer, without blocking others. Every limit is a setting: connections, recipients, bytes of message,
 * idle time; those of a dialogue stand in session.h.
 * A handler answers in the protocol's own terms; SMTPD_CLOSE ends the connection without a reply (a drop).
 * Ownership: what callbacks are given is borrowed for the call. The setup is copied; the handler's context must live
 * as long as the server. Callbacks run on the server's thread, and never after smtpd_close.
 * Errors: smtpd_open (address in use, TLS files, AUTH required without TLS or handler). */
#ifndef MAILER_SMTPD_SMTPD_H
#define MAILER_SMTPD_SMTPD_H

#include "base/buf.h"
#include "base/err.h"

struct smtpd;

struct smtpd_reply {
    int code;         /* 250, 452, 550..., or SMTPD_CLOSE */
    char text[200];   /* with an enhanced code, one line */
    int64_t delay_ms; /* sent after this span */
};
#define SMTPD_CLOSE 0
struct smtpd_reply smtpd_reply(int code, const char *text);

struct smtpd_envelope {
    struct str helo, mail_from;
    const struct str *rcpt_to;
    size_t rcpt_n;
    const char *peer; /* address text */
    bool tls, authenticated;
    struct str user;
    uint64_t connection; /* number of the connection since start */
};

struct smtpd_handler {
    void *context;
    /* Any may be NULL: then 250, or 354 and 250 for the body. data answers DATA itself, body the dot. */
    struct smtpd_reply (*mail)(void *context, const struct smtpd_envelope *v);
    struct smtpd_reply (*rcpt)(void *context, const struct smtpd_envelope *v, struct str recipient);
    struct smtpd_reply (*data)(void *context, const struct smtpd_envelope *v);
    struct smtpd_reply (*body)(void *context, const struct smtpd_envelope *v, struct str message);
    bool (*auth)(void *context, struct str user, struct str password);
    /* For faults: any answer but 2xx ends the connection, or refuses the EHLO; a 2xx gets our own text. */
    struct smtpd_reply (*connect)(void *context, const struct smtpd_envelope *v);
    struct smtpd_reply (*helo)(void *context, const struct smtpd_envelope *v);
};

struct smtpd_setup {
    const char *address; /* "127.0.0.1" */
    int port;            /* 0 = any free one: smtpd_port tells */
    const char *hostname;
    const char *certificate_file, *key_file; /* PEM; "" or NULL = no STARTTLS */
    bool auth_required;
    size_t max_connections, max_recipients, max_message_bytes; /* 0 = 1,000; 100; 30 MiB */
    size_t max_held_bytes;  /* of all messages on their way together: 0 = 256 MiB */
    int64_t idle_ms;        /* 0 = 300,000 */
    int64_t reply_delay_ms; /* before every reply: a round trip */
    bool keep_bodies;       /* false: body gets "" and only counts (a sink at full speed) */
    struct smtpd_handler handler;
};

/* Listens and runs. */
bool smtpd_open(const struct smtpd_setup *s, struct smtpd **out, struct err *e);
int smtpd_port(const struct smtpd *s);
uint64_t smtpd_messages(const struct smtpd *s);    /* accepted with 2xx so far */
uint64_t smtpd_connections(const struct smtpd *s); /* let in since the start */
void smtpd_close(struct smtpd **s);

#endif
