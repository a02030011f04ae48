#include "mailer/smtpd/session_inside.h"

#define OVERRUN_MAX ((size_t)16 << 20) /* beyond the size limit: who sends on is cut off */

void session_forget_mail(struct session *s)
{
    s->in_mail = false;
    s->envelope.mail_from = STR("");
    s->envelope.rcpt_n = 0;
    arena_clear(s->transaction);
}

/* False when something in the parameters was answered already. */
static bool mail_parameters_are_fine(struct session *s, struct str parameters)
{
    struct str key, value;
    uint64_t size;

    while (command_parameter(&parameters, &key, &value)) {
        if (str_is_nocase(key, "SIZE") && str_to_u64(value, &size)) {
            if (size > s->setup->max_message_bytes) {
                session_say(s, 552, "5.3.4 Message is larger than we take");
                return false;
            }
        } else if (!(str_is_nocase(key, "BODY") &&
                       (str_is_nocase(value, "7BIT") || str_is_nocase(value, "8BITMIME"))) &&
                   !(str_is_nocase(key, "AUTH") && session_offers_auth(s) && value.n > 0)) {
            session_complain(s, 555, "5.5.4 Unknown parameter of MAIL, or a wrong value");
            return false;
        }
    }
    return true;
}

void session_mail(struct session *s, struct str argument)
{
    const struct smtpd_handler *h = &s->setup->handler;
    struct mail_path path;

    if (!s->greeted)
        session_complain(s, 503, "5.5.1 Say EHLO first");
    else if (s->setup->auth_required && !s->envelope.authenticated)
        session_complain(s, 530, "5.7.0 Authentication is required");
    else if (s->in_mail)
        session_complain(s, 503, "5.5.1 A mail is begun already");
    else if (!command_path(argument, "FROM:", &path))
        session_complain(s, 501, "5.5.4 Wanted: MAIL FROM:<address>");
    else if (path.address.n > 0 && !command_is_mailbox(path.address))
        session_complain(s, 501, "5.1.7 Sender is no valid address");
    else if (mail_parameters_are_fine(s, path.parameters)) {
        s->envelope.mail_from = arena_str(s->transaction, path.address);
        struct smtpd_reply r =
            h->mail ? h->mail(h->context, &s->envelope) : smtpd_reply(250, "2.1.0 Ok");
        s->in_mail = r.code / 100 == 2;
        if (!s->in_mail)
            session_forget_mail(s);
        session_answer(s, r);
    }
}

static void add_recipient(struct session *s, struct str address)
{
    const struct smtpd_handler *h = &s->setup->handler;
    struct str kept = arena_str(s->transaction, address);
    struct smtpd_reply r =
        h->rcpt ? h->rcpt(h->context, &s->envelope, kept) : smtpd_reply(250, "2.1.5 Ok");

    if (r.code / 100 == 2)
        s->recipients[s->envelope.rcpt_n++] = kept;
    session_answer(s, r);
}

void session_rcpt(struct session *s, struct str argument)
{
    struct mail_path path;

    if (!s->in_mail)
        session_complain(s, 503, "5.5.1 Say MAIL first");
    else if (!command_path(argument, "TO:", &path))
        session_complain(s, 501, "5.5.4 Wanted: RCPT TO:<address>");
    else if (!command_is_mailbox(path.address))
        session_complain(s, 501, "5.1.3 Recipient is no valid address");
    else if (path.parameters.n > 0)
        session_complain(s, 555, "5.5.4 RCPT takes no parameters here");
    else if (s->envelope.rcpt_n >= s->setup->max_recipients)
        session_say(s, 452, "4.5.3 Too many recipients");
    else
        add_recipient(s, path.address);
}

void session_data(struct session *s, struct str argument)
{
    const struct smtpd_handler *h = &s->setup->handler;

    if (!s->in_mail) {
        session_complain(s, 503, "5.5.1 Say MAIL first");
    } else if (argument.n > 0) {
        session_complain(s, 501, "5.5.4 DATA takes no argument");
    } else if (s->envelope.rcpt_n == 0) {
        /* No mistake of the client's: it pipelined DATA behind recipients that we refused. */
        session_say(s, 554, "5.5.1 No valid recipients");
    } else {
        struct smtpd_reply r = h->data ? h->data(h->context, &s->envelope)
                                       : smtpd_reply(354, "End data with <CR><LF>.<CR><LF>");
        if (r.code == 354) {
            s->expecting = A_BODY;
            body_begin(&s->body, s->setup->keep_bodies, s->setup->max_message_bytes, s->room);
        }
        session_answer(s, r);
    }
}

static void end_message(struct session *s)
{
    const struct smtpd_handler *h = &s->setup->handler;
    struct smtpd_reply r = smtpd_reply(250, "2.0.0 Ok");

    s->expecting = A_COMMAND;
    if (body_is_too_large(&s->body))
        r = smtpd_reply(552, "5.3.4 Message is larger than we take");
    else if (body_is_crowded(&s->body))
        r = smtpd_reply(452, "4.3.1 Too much mail is on its way, try again later");
    else if (h->body)
        r = h->body(h->context, &s->envelope, buf_str(&s->body.text));
    body_end(&s->body);
    s->answers_message = true;
    session_forget_mail(s);
    session_answer(s, r);
}

size_t session_body(struct session *s, struct str in)
{
    bool ended;
    size_t used = body_feed(&s->body, in, &ended);

    s->body_bytes += used;
    if (ended)
        end_message(s);
    else if (body_is_too_large(&s->body) && s->body.bytes - s->body.limit > OVERRUN_MAX)
        session_end(s, "4.3.4 Message is far larger than we take, closing");
    return used;
}
