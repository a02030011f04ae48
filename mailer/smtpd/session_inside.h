/* session_inside -- what session.c, session_mail.c and session_auth.c share: the session's fields
 * and how it answers. For these three files only. */
#ifndef MAILER_SMTPD_SESSION_INSIDE_H
#define MAILER_SMTPD_SESSION_INSIDE_H

#include "base/arena.h"
#include "mailer/smtpd/body.h"
#include "mailer/smtpd/command.h"
#include "mailer/smtpd/session.h"

enum expecting { A_COMMAND, A_BODY, A_PLAIN_RESPONSE, A_USER_NAME, A_PASSWORD };

struct session {
    const struct smtpd_setup *setup;
    struct body_room *room;
    enum session_state state;
    enum expecting expecting;
    bool skipping; /* the rest of a line that was too long */

    struct smtpd_envelope envelope; /* points into the fields below */
    bool welcomed;                  /* our greeting is out: 220, or the dialogue ends */
    bool greeted;                   /* EHLO or HELO was said */
    bool in_mail;                   /* MAIL was accepted */
    struct str *recipients;         /* max_recipients of them */
    struct arena *transaction;      /* sender and recipients, until the next mail */
    struct buf helo, user;
    struct body body;

    struct buf pending; /* input that could not be used yet: a part of a line, or what waits behind
                           a reply */
    struct buf out;
    struct smtpd_reply late; /* the reply being held */
    bool answers_message;    /* the reply being made is the one after the dot */

    unsigned errors, idle_commands;
    uint64_t messages, commands, body_bytes;
};

/* Gives a handler's reply, at once or after its delay. */
void session_answer(struct session *s, struct smtpd_reply r);
/* Gives one of ours. */
void session_say(struct session *s, int code, const char *text);
/* Gives one of ours for a client's mistake: too many of these end the connection. */
void session_complain(struct session *s, int code, const char *text);

/* session_mail.c: a transaction. */
void session_mail(struct session *s, struct str argument);
void session_rcpt(struct session *s, struct str argument);
void session_data(struct session *s, struct str argument);
size_t session_body(struct session *s, struct str in);
void session_forget_mail(struct session *s);

/* session_auth.c */
bool session_offers_auth(const struct session *s);
void session_auth(struct session *s, struct str argument);
void session_auth_line(struct session *s, struct str line);

#endif
