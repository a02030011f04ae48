#include "mailer/smtpd/session.h"

#include "mailer/smtpd/session_inside.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_OCTETS 2048
#define ERRORS_MAX 20
#define IDLE_COMMANDS_MAX 100

struct smtpd_reply smtpd_reply(int code, const char *text)
{
    struct smtpd_reply r = {.code = code};

    snprintf(r.text, sizeof r.text, "%s", text);
    return r;
}

void session_defaults(struct smtpd_setup *s)
{
    if (s->max_connections == 0)
        s->max_connections = 1000;
    if (s->max_recipients == 0)
        s->max_recipients = 100;
    if (s->max_message_bytes == 0)
        s->max_message_bytes = (size_t)30 << 20;
    if (s->max_held_bytes == 0)
        s->max_held_bytes = (size_t)256 << 20;
    if (s->idle_ms == 0)
        s->idle_ms = 300000;
    if (!s->hostname || !s->hostname[0])
        s->hostname = "localhost";
}

/* ---- answering ------------------------------------------------------------------------------- */

static void add_line(struct buf *out, const char *text)
{
    size_t from = out->n;

    buf_add_text(out, text);
    for (size_t i = from; i < out->n; i++) /* a handler's text cannot begin a line of its own */
        if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
            out->p[i] = ' ';
    buf_add(out, STR("\r\n"));
}

static void give(struct session *s, const struct smtpd_reply *r)
{
    if (r->code == SMTPD_CLOSE) {
        s->state = SESSION_DROP;
        return;
    }
    buf_addf(&s->out, "%03d ", r->code);
    add_line(&s->out, r->text);
    if (r->code == 421 || (r->code != 220 && !s->welcomed))
        s->state = SESSION_CLOSE;
    s->welcomed = true;
    if (s->answers_message && r->code / 100 == 2) {
        s->messages++;
        s->idle_commands = 0;
    }
    s->answers_message = false;
}

void session_answer(struct session *s, struct smtpd_reply r)
{
    if (r.delay_ms <= 0) {
        give(s, &r);
        return;
    }
    s->late = r;
    s->state = SESSION_WAIT;
}

void session_say(struct session *s, int code, const char *text)
{
    struct smtpd_reply r = smtpd_reply(code, text);

    give(s, &r);
}

void session_complain(struct session *s, int code, const char *text)
{
    if (++s->errors < ERRORS_MAX)
        session_say(s, code, text);
    else
        session_end(s, "4.7.0 Too many errors, closing");
}

void session_end(struct session *s, const char *text)
{
    s->answers_message = false;
    session_say(s, 421, text);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void say_ehlo(struct session *s)
{
    struct buf *out = &s->out;

    buf_addf(out, "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n", s->setup->hostname);
    if (s->setup->certificate_file && s->setup->certificate_file[0] && !s->envelope.tls)
        buf_add(out, STR("250-STARTTLS\r\n"));
    if (session_offers_auth(s))
        buf_add(out, STR("250-AUTH PLAIN LOGIN\r\n"));
    buf_addf(out, "250-SIZE %zu\r\n250 ENHANCEDSTATUSCODES\r\n", s->setup->max_message_bytes);
}

static void do_helo(struct session *s, struct str name, bool extended)
{
    const struct smtpd_handler *h = &s->setup->handler;

    if (name.n == 0 || name.n > 255 || str_find_char(name, ' ', 0) < name.n) {
        session_complain(s, 501, "5.5.4 One host name or address literal is needed");
        return;
    }
    session_forget_mail(s);
    buf_clear(&s->helo);
    buf_add(&s->helo, name);
    s->envelope.helo = buf_str(&s->helo);
    struct smtpd_reply r = h->helo ? h->helo(h->context, &s->envelope) : smtpd_reply(250, "");
    s->greeted = r.code / 100 == 2;
    if (!s->greeted)
        session_answer(s, r);
    else if (extended)
        say_ehlo(s);
    else
        session_say(s, 250, s->setup->hostname);
}

static void do_starttls(struct session *s, struct str argument)
{
    if (!s->setup->certificate_file || !s->setup->certificate_file[0]) {
        session_complain(s, 502, "5.5.1 STARTTLS is not offered");
    } else if (s->envelope.tls) {
        session_complain(s, 503, "5.5.1 TLS is in use already");
    } else if (argument.n > 0) {
        session_complain(s, 501, "5.5.4 STARTTLS takes no argument");
    } else {
        session_say(s, 220, "2.0.0 Ready to start TLS");
        s->state = SESSION_TLS;
    }
}

/* Those that move no mail may be repeated, but not for ever. */
static void do_idle_command(struct session *s, enum verb verb)
{
    if (++s->idle_commands > IDLE_COMMANDS_MAX) {
        session_end(s, "4.7.0 Too many commands without a mail, closing");
        return;
    }
    switch (verb) {
    case VERB_RSET:
        session_forget_mail(s);
        session_say(s, 250, "2.0.0 Ok");
        break;
    case VERB_VRFY:
        session_say(s, 252, "2.5.0 Cannot verify, send some mail and see");
        break;
    case VERB_HELP:
        session_say(s, 214, "2.0.0 See RFC 5321");
        break;
    default:
        session_say(s, 250, "2.0.0 Ok");
    }
}

static void do_quit(struct session *s)
{
    session_say(s, 221, "2.0.0 Bye");
    s->state = SESSION_CLOSE;
}

static void do_command(struct session *s, struct str line)
{
    struct command c = command_read(line);

    switch (c.verb) {
    case VERB_HELO:
    case VERB_EHLO:
        s->idle_commands++;
        do_helo(s, c.argument, c.verb == VERB_EHLO);
        break;
    case VERB_MAIL:
        session_mail(s, c.argument);
        break;
    case VERB_RCPT:
        session_rcpt(s, c.argument);
        break;
    case VERB_DATA:
        session_data(s, c.argument);
        break;
    case VERB_STARTTLS:
        do_starttls(s, c.argument);
        break;
    case VERB_AUTH:
        session_auth(s, c.argument);
        break;
    case VERB_RSET:
    case VERB_NOOP:
    case VERB_VRFY:
    case VERB_HELP:
        do_idle_command(s, c.verb);
        break;
    case VERB_QUIT:
        do_quit(s);
        break;
    case VERB_NOT_OFFERED:
        session_complain(s, 502, "5.5.1 Command not implemented");
        break;
    case VERB_FOREIGN: /* a web page that posts here must not get a second line in */
        session_end(s, "4.7.0 This is a mail server, closing");
        break;
    case VERB_UNKNOWN:
        session_complain(s, 500, "5.5.2 Command not recognised");
        break;
    }
}

/* ---- input ----------------------------------------------------------------------------------- */

static void do_line(struct session *s, struct str line)
{
    s->commands++;
    if (str_has_control(line)) {
        s->expecting = A_COMMAND;
        session_complain(s, 500, "5.5.2 Control character in a command; lines end with CR LF");
    } else if (s->expecting != A_COMMAND) {
        session_auth_line(s, line);
    } else {
        do_command(s, line);
    }
}

static void complain_of_length(struct session *s)
{
    s->skipping = false;
    s->expecting = A_COMMAND;
    session_complain(s, 500, "5.5.2 Line too long");
}

/* Takes a line with its CRLF; 0 when it is not complete yet. What is too long is skipped up to its
 * CRLF. */
static size_t take_line(struct session *s, struct str in)
{
    size_t end = str_find(in, STR("\r\n"), 0);

    if (end < in.n) {
        if (s->skipping || end > LINE_MAX_OCTETS)
            complain_of_length(s);
        else
            do_line(s, str_slice(in, 0, end));
        return end + 2;
    }
    if (!s->skipping && in.n <= LINE_MAX_OCTETS + 1) /* the CR of its end may be among them */
        return 0;
    s->skipping = true;
    return in.n - (in.p[in.n - 1] == '\r' ? 1 : 0);
}

static size_t use(struct session *s, struct str in)
{
    size_t at = 0;

    while (s->state == SESSION_READ && at < in.n) {
        struct str rest = str_slice(in, at, in.n);
        size_t used = s->expecting == A_BODY ? session_body(s, rest) : take_line(s, rest);
        if (used == 0)
            break;
        at += used;
    }
    return at;
}

static void use_pending(struct session *s)
{
    size_t used = use(s, buf_str(&s->pending));
    size_t left = s->pending.n - used;

    if (used > 0)
        memmove(s->pending.p, s->pending.p + used, left);
    buf_cut(&s->pending, left);
}

/* Nothing that came before TLS may be heard after it (CVE-2011-0411); an ended dialogue hears
 * nothing. */
static void drop_pending_unless_needed(struct session *s)
{
    if (s->state != SESSION_READ && s->state != SESSION_WAIT)
        buf_wipe(&s->pending);
}

void session_feed(struct session *s, struct str bytes)
{
    if (s->pending.n > 0) {
        buf_add(&s->pending, bytes);
        use_pending(s);
    } else {
        size_t used = use(s, bytes);
        buf_add(&s->pending, str_slice(bytes, used, bytes.n));
    }
    drop_pending_unless_needed(s);
}

void session_resume(struct session *s)
{
    if (s->state != SESSION_WAIT)
        return;
    s->state = SESSION_READ;
    give(s, &s->late);
    use_pending(s);
    drop_pending_unless_needed(s);
}

void session_tls_started(struct session *s)
{
    session_forget_mail(s);
    s->greeted = false;
    buf_clear(&s->helo);
    s->envelope.helo = STR("");
    s->envelope.tls = true;
    s->state = SESSION_READ;
}

/* ---- its life -------------------------------------------------------------------------------- */

static void greet(struct session *s)
{
    const struct smtpd_handler *h = &s->setup->handler;
    struct smtpd_reply r = {.code = 220};

    if (h->connect)
        r = h->connect(h->context, &s->envelope);
    if (r.code / 100 == 2) {
        snprintf(r.text, sizeof r.text, "%.150s ESMTP", s->setup->hostname);
        r.code = 220;
    }
    session_answer(s, r);
}

struct session *session_open(
    const struct smtpd_setup *setup, struct body_room *room, const char *peer, uint64_t connection)
{
    struct session *s = calloc(1, sizeof *s);

    if (!s)
        err_out_of_memory();
    s->setup = setup;
    s->room = room;
    s->recipients = calloc(setup->max_recipients, sizeof *s->recipients);
    if (!s->recipients)
        err_out_of_memory();
    s->transaction = arena_open();
    s->envelope = (struct smtpd_envelope){
        .helo = STR(""),
        .mail_from = STR(""),
        .user = STR(""),
        .rcpt_to = s->recipients,
        .peer = peer,
        .connection = connection,
    };
    greet(s);
    return s;
}

void session_close(struct session **s)
{
    if (!*s)
        return;
    struct session *it = *s;
    arena_close(&it->transaction);
    body_close(&it->body);
    buf_wipe(&it->pending);
    buf_close(&it->helo);
    buf_close(&it->user);
    buf_close(&it->out);
    free(it->recipients);
    free(it);
    *s = NULL;
}

struct str session_out(const struct session *s)
{
    return buf_str(&s->out);
}

void session_sent(struct session *s, size_t n)
{
    size_t left = s->out.n - n;

    if (left > 0)
        memmove(s->out.p, s->out.p + n, left);
    buf_cut(&s->out, left);
}

enum session_state session_state(const struct session *s)
{
    return s->state;
}

int64_t session_wait_ms(const struct session *s)
{
    return s->late.delay_ms;
}

uint64_t session_messages(const struct session *s)
{
    return s->messages;
}

uint64_t session_progress(const struct session *s)
{
    return s->commands + s->body_bytes / 1024;
}
