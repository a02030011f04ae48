#include "base/encode.h"
#include "mailer/smtpd/session_inside.h"

bool session_offers_auth(const struct session *s)
{
    return s->setup->handler.auth && s->envelope.tls;
}

static void judge(struct session *s, struct str user, struct str password)
{
    const struct smtpd_handler *h = &s->setup->handler;

    if (user.n > 0 && h->auth(h->context, user, password)) {
        if (user.p != s->user.p) { /* LOGIN has put it there already */
            buf_clear(&s->user);
            buf_add(&s->user, user);
        }
        s->envelope.authenticated = true;
        s->envelope.user = buf_str(&s->user);
        session_say(s, 235, "2.7.0 Authenticated");
    } else {
        session_complain(s, 535, "5.7.8 User or password is wrong");
    }
}

/* authorisation identity NUL user NUL password; the first is not used. */
static void judge_plain(struct session *s, struct str response)
{
    size_t first = str_find_char(response, 0, 0);
    size_t second = str_find_char(response, 0, first + 1);

    if (second >= response.n)
        session_complain(s, 501, "5.5.2 PLAIN needs two NULs");
    else
        judge(
            s, str_slice(response, first + 1, second), str_slice(response, second + 1, response.n));
}

static void use_response(struct session *s, enum expecting what, struct str response)
{
    s->expecting = A_COMMAND;
    switch (what) {
    case A_PLAIN_RESPONSE:
        judge_plain(s, response);
        break;
    case A_USER_NAME:
        buf_clear(&s->user);
        buf_add(&s->user, response);
        s->expecting = A_PASSWORD;
        session_say(s, 334, "UGFzc3dvcmQ6"); /* "Password:" */
        break;
    default:
        judge(s, buf_str(&s->user), response);
    }
}

static void take_response(struct session *s, enum expecting what, struct str line)
{
    AUTO(buf_wipe) struct buf response = {0};

    if (str_is(line, "*")) {
        s->expecting = A_COMMAND;
        session_complain(s, 501, "5.7.0 Authentication is cancelled");
    } else if (!str_is(line, "=") && !decode_base64(&response, line)) {
        s->expecting = A_COMMAND;
        session_complain(s, 501, "5.5.2 No valid base64");
    } else {
        use_response(s, what, buf_str(&response));
    }
}

void session_auth_line(struct session *s, struct str line)
{
    take_response(s, s->expecting, line);
}

static void begin(struct session *s, enum expecting what, const char *challenge, struct str initial)
{
    s->expecting = what;
    if (initial.n > 0)
        take_response(s, what, initial);
    else
        session_say(s, 334, challenge);
}

void session_auth(struct session *s, struct str argument)
{
    struct str mechanism = str_slice(argument, 0, str_find_char(argument, ' ', 0));
    struct str initial = str_trim(str_slice(argument, mechanism.n, argument.n));

    if (!s->setup->handler.auth)
        session_complain(s, 502, "5.5.1 AUTH is not offered");
    else if (!s->envelope.tls)
        session_complain(s, 538, "5.7.11 AUTH needs TLS here");
    else if (!s->greeted || s->in_mail || s->envelope.authenticated)
        session_complain(s, 503, "5.5.1 AUTH has no place here");
    else if (str_is_nocase(mechanism, "PLAIN"))
        begin(s, A_PLAIN_RESPONSE, "", initial);
    else if (str_is_nocase(mechanism, "LOGIN"))
        begin(s, A_USER_NAME, "VXNlcm5hbWU6", initial); /* "Username:" */
    else
        session_complain(s, 504, "5.5.4 AUTH mechanisms here: PLAIN, LOGIN");
}
