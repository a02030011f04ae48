/* smtp_inside -- what the files of smtp share: one session of libesmtp and the mail in its hand.
 * Only smtp.c, smtp_ahead.c, smtp_body.c, smtp_result.c and smtp_cover.c include it; they are libesmtp's only users. */
#ifndef MAILER_DELIVER_SMTP_INSIDE_H
#define MAILER_DELIVER_SMTP_INSIDE_H

#include "mailer/deliver/pace.h"
#include "mailer/deliver/smtp.h"
#include "mailer/deliver/talk.h"

#include <auth-client.h>
#include <openssl/ssl.h> /* before libesmtp.h, which looks for it */

#include <libesmtp.h>
#include <stdarg.h>

/* One mail as the library reads it. Lives as long as the session, which may come back to it after the mail was
 * decided (a refused RCPT with DATA behind it): then `bytes` is empty. */
struct source {
    struct session *session;
    struct source *next;
    struct str bytes;
    bool given; /* the library has the stub */
    bool begun;
    bool ended;  /* its dot may go out: whatever the server says later, it may have the mail */
    size_t said; /* of bytes */
    bool dot_is_doubled; /* of the line that comes next */
};

/* "RCPT TO:<address>", DATA. */
struct behind_mail {
    char bytes[SMTP_ADDRESS_MAX + 24];
    size_t n;
};

struct session {
    const struct smtp_call *call;
    struct smtp_report *out;
    smtp_session_t lib;
    auth_context_t auth;
    struct talk talk;
    SSL *ssl;               /* the library's, NULL in clear */
    const char *trouble;    /* set where the reason is known, else "" */
    smtp_message_t message; /* in hand, else NULL */
    smtp_recipient_t recipient;
    struct source *sources; /* the newest first */
    size_t given;
    int64_t deadline_ns; /* of the mail in hand */
    bool cut;            /* a reply was cut at cut_at: no later one is believed, see smtp_was_cut */
    enum smtp_phase cut_at;
    bool lacks_8bit;
    bool last; /* put no more in hand */
    struct pace_memory *paces;
    enum pace pace;
    struct behind_mail behind_mail; /* of the mail in hand */
    bool grouped;                   /* they went out with its MAIL */
    bool answers_groups;            /* the server has answered DATA on this connection */
    struct behind_mail
        ahead; /* the server has heard them, the library has said ahead_from bytes of them */
    size_t ahead_from;
};

/* smtp.c: the connection ends; "" = the reason is known or will be. */
void smtp_end_now(struct session *s, const char *trouble);

/* smtp_body.c: the library's callback for a mail, `arg` its source. */
const char *smtp_body_give(void **state, int *length, void *arg);

/* smtp_ahead.c: RCPT and DATA go out with MAIL where the server takes them together. The library says them again when
 * MAIL is answered, and nobody hears it. So the server hears the same bytes in the same order as without, earlier: where
 * the library would say anything else first, the connection ends, and no byte goes out behind what it has not said. */
void smtp_ahead_begin(struct session *s, struct pace_memory *paces);
void smtp_ahead_prepare(struct session *s, struct str recipient); /* of the mail in hand */
/* The library is about to write this; false: the connection must end. */
bool smtp_ahead_says(struct session *s, struct str bytes);
/* What the server has heard and the library has not said yet. */
struct str smtp_ahead_unsaid(const struct session *s);
/* What a result tells about the server's pace, and the pace about the result. */
void smtp_ahead_learn(struct session *s, struct smtp_result *r);

/* smtp_result.c: what the replies mean for the mail in hand (see the rule in smtp.h). */
bool smtp_is_success(int code);
bool smtp_is_refusal(int code);
/* A reply whose end is missing: what follows is not to be believed. */
bool smtp_was_cut(const struct session *s, const smtp_status_t *status);
void smtp_judge(const struct session *s, struct smtp_result *r);
/* Fills out->failure: what happened before the server answered a MAIL. */
void smtp_explain(struct session *s);

/* smtp_cover.c: TLS by the hop's policy, and credentials under it. */
/* The library's AUTH plugins, once, so that no lane has to on its small stack. */
void smtp_cover_load(void);
void smtp_cover_set(struct session *s, SSL_CTX *tls);
/* What is wrong with a certificate. */
void smtp_cover_doubt(struct session *s, int event, va_list args);
void smtp_cover_on(struct session *s, const SSL *ssl);

#endif
