#include "mailer/deliver/smtp.h"

#include "base/clock.h"
#include "mailer/deliver/smtp_inside.h"
#include "mailer/deliver/trust.h"

#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define QUIT_NS INT64_C(5000000000) /* how long a good-bye may take */
/* Connecting, greeting, EHLO, STARTTLS, AUTH and the answer to MAIL: RFC 5321 would wait minutes for each, and a server that
 * drips its greeting would hold a lane for the whole attempt. */
#define OPENING_NS INT64_C(120000000000)
#define NO_NAME "address.invalid" /* the library splits host:port at the first colon */

struct smtp_shared {
    SSL_CTX *tls;
    struct pace_memory *paces;
};

/* ---- shared --------------------------------------------------------------------------------------------- */

/* The library reads a certificate and roots of "the user" from here. Set before main, because setenv is not for
 * programs that have threads already. */
__attribute__((constructor)) static void keep_out_of_home(void)
{
    setenv("XDG_CONFIG_DIR", "/nonexistent", 1);
}

bool smtp_shared_open(const char *ca_file, struct smtp_shared **out, struct err *e)
{
    SSL_CTX *tls;

    if (!dial_is_in_force())
        return err_set(e, ERR_LIBRARY,
            "the dial seam is not in force: build the program with its symbols exported");
    if (!trust_open(ca_file, &tls, e))
        return false;
    struct smtp_shared *s = calloc(1, sizeof *s);
    if (!s)
        err_out_of_memory();
    s->tls = tls;
    s->paces = pace_open();
    signal(SIGPIPE, SIG_IGN);
    smtp_cover_load();
    *out = s;
    return true;
}

void smtp_shared_close(struct smtp_shared **s)
{
    if (!*s)
        return;
    SSL_CTX_free((*s)->tls);
    pace_close(&(*s)->paces);
    free(*s);
    *s = NULL;
}

/* ---- putting mails in hand ------------------------------------------------------------------------------ */

void smtp_end_now(struct session *s, const char *trouble)
{
    if (*s->trouble == 0)
        s->trouble = trouble;
    s->last = true;
    dial_abort(s->call->dial);
}

static bool is_safe_address(struct str a)
{
    for (size_t i = 0; i < a.n; i++) {
        unsigned char c = (unsigned char)a.p[i];
        if (c < 0x20 || c >= 0x7f || c == '<' || c == '>')
            return false;
    }
    return a.n <= SMTP_ADDRESS_MAX;
}

static void report_done(struct session *s, const struct smtp_result *r)
{
    s->out->decided++;
    s->call->feed->done(s->call->feed->context, r, &s->out->cover);
}

static bool has_safe_addresses(const struct smtp_mail *m)
{
    return is_safe_address(m->reverse_path) && is_safe_address(m->recipient) && m->recipient.n > 0;
}

/* Such addresses must not reach the library. A reverse-path is our own fault, and said of nobody at RCPT. */
static void refuse_addresses(struct session *s, const struct smtp_mail *m)
{
    static const struct smtp_result bad_recipient = {.phase = AT_RCPT,
        .code = 553,
        .trouble = "",
        .text = "5.1.3 not an address that SMTP can carry"};
    static const struct smtp_result bad_reverse_path = {.phase = AT_MAIL,
        .code = 553,
        .trouble = "",
        .text = "5.1.7 not a reverse-path that SMTP can carry"};

    report_done(s, is_safe_address(m->reverse_path) ? &bad_recipient : &bad_reverse_path);
}

static void add_mail(struct session *s, const struct smtp_mail *m)
{
    char path[SMTP_ADDRESS_MAX + 1];
    struct source *from = calloc(1, sizeof *from);
    if (!from)
        err_out_of_memory();
    *from = (struct source){.session = s, .next = s->sources, .bytes = m->bytes};
    s->sources = from;
    s->message = smtp_add_message(s->lib);
    if (!s->message)
        err_out_of_memory();
    str_copy(m->reverse_path, path, sizeof path);
    smtp_set_reverse_path(s->message, path);
    str_copy(m->recipient, path, sizeof path);
    s->recipient = smtp_add_recipient(s->message, path);
    smtp_set_messagecb(s->message, smtp_body_give, from);
    smtp_size_set_estimate(s->message, (unsigned long)m->bytes.n);
    if (m->eight_bit)
        smtp_8bitmime_set_body(s->message, E8bitmime_8BITMIME);
    smtp_ahead_prepare(s, m->recipient);
    s->given++;
    s->deadline_ns = m->deadline_ns;
    int64_t opened_ns = clock_steady_ns() + OPENING_NS;
    bool is_opening = s->given == 1 && opened_ns < m->deadline_ns;
    watch_until(s->call->watch, is_opening ? opened_ns : m->deadline_ns);
}

/* The mail in hand is decided: nothing of it may be read again, and the hand is empty. */
static void decide(struct session *s)
{
    struct smtp_result r;

    smtp_judge(s, &r);
    smtp_ahead_learn(s, &r);
    s->sources->bytes = STR("");
    s->message = NULL;
    s->recipient = NULL;
    if (r.code == 421)
        s->last = true;
    /* What follows waits for nobody but our own disk. */
    watch_until(s->call->watch, WATCH_NO_DEADLINE);
    report_done(s, &r);
}

static bool put_next_in_hand(struct session *s)
{
    struct smtp_mail m;

    while (!s->last && s->given < s->call->max_messages &&
           s->call->feed->next(s->call->feed->context, &m)) {
        if (has_safe_addresses(&m)) {
            add_mail(s, &m);
            return true;
        }
        refuse_addresses(s, &m);
    }
    return false;
}

/* The mail in hand is decided; with another one the conversation goes on, else with QUIT. */
static void decide_and_go_on(struct session *s, bool may_feed)
{
    decide(s);
    if (!may_feed || !put_next_in_hand(s))
        watch_until(s->call->watch, clock_steady_ns() + QUIT_NS);
}

/* ---- what the library tells ----------------------------------------------------------------------------- */

static void check_cut(struct session *s, enum smtp_phase phase, const smtp_status_t *status)
{
    if (smtp_was_cut(s, status) && !s->cut) {
        s->cut = true;
        s->cut_at = phase;
        smtp_end_now(s, "a reply line was too long");
    }
}

static void on_mail(struct session *s, smtp_message_t m)
{
    if (m != s->message)
        return;
    const smtp_status_t *status = smtp_reverse_path_status(m);
    watch_until(s->call->watch, s->deadline_ns);
    check_cut(s, AT_MAIL, status);
    if (s->grouped && !smtp_is_success(status->code))
        smtp_end_now(s, ""); /* RCPT and DATA are out: what they are answered belongs to nothing */
    if (smtp_is_refusal(status->code))
        decide_and_go_on(s, true);
}

/* The library has DATA on its way already, and after its answer looks for the next mail before it tells us: so
 * the next one is put in hand here. */
static void on_rcpt(struct session *s, smtp_recipient_t r)
{
    if (r != s->recipient || s->cut)
        return;
    const smtp_status_t *status = smtp_recipient_status(r);
    check_cut(s, AT_RCPT, status);
    if (smtp_is_refusal(status->code))
        decide_and_go_on(s, true);
}

/* After a refused DATA the library has decided to quit when this comes: a next mail would be left untouched. */
static void on_sent(struct session *s, smtp_message_t m)
{
    if (m != s->message || s->cut)
        return;
    bool begun = s->sources->begun;
    check_cut(s, AT_BODY, smtp_message_transfer_status(m));
    decide_and_go_on(s, begun);
}

static void on_event(smtp_session_t lib, int event, void *arg, ...)
{
    struct session *s = arg;
    va_list args;

    (void)lib;
    va_start(args, arg);
    switch (event) {
    case SMTP_EV_MAILSTATUS:
        (void)va_arg(args, char *);
        on_mail(s, va_arg(args, smtp_message_t));
        break;
    case SMTP_EV_RCPTSTATUS:
        (void)va_arg(args, char *);
        on_rcpt(s, va_arg(args, smtp_recipient_t));
        break;
    case SMTP_EV_MESSAGESENT:
        on_sent(s, va_arg(args, smtp_message_t));
        break;
    case SMTP_EV_EXTNA_STARTTLS:
        s->trouble = "the server does not offer STARTTLS, which this hop requires";
        break;
    case SMTP_EV_EXTNA_8BITMIME:
        s->lacks_8bit = true;
        break;
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
    case SMTP_EV_NO_PEER_CERTIFICATE:
    case SMTP_EV_WEAK_CIPHER:
        smtp_cover_doubt(s, event, args);
        break;
    case SMTP_EV_STARTTLS_OK:
        s->ssl = va_arg(args, SSL *);
        dial_under_tls(s->call->dial, s->ssl);
        smtp_cover_on(s, s->ssl);
        break;
    default:
        break;
    }
    va_end(args);
}

/* What was read stands in the library's own buffer, which it parses after this: there it can be mended. */
static void on_traffic(const char *bytes, int n, int writing, void *arg)
{
    struct session *s = arg;
    size_t size = n > 0 ? (size_t)n : 0;
    bool go_on = writing == SMTP_CB_READING ? talk_hears(&s->talk, (char *)(uintptr_t)bytes, size)
                                            : smtp_ahead_says(s, str_bytes(bytes, size));

    if (!go_on)
        smtp_end_now(s, s->talk.trouble);
}

/* ---- one conversation ----------------------------------------------------------------------------------- */

static void set_server(struct session *s)
{
    char server[280];
    const struct smtp_call *call = s->call;
    bool literal = strchr(call->to.host, ':') != NULL;

    snprintf(server, sizeof server, "%s:%d", literal ? NO_NAME : call->to.host, call->to.port);
    smtp_set_server(s->lib, server);
    smtp_set_hostname(s->lib, call->hostname);
}

static void set_timeouts(struct session *s)
{
    static const int all[] = {
        Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA, Timeout_TRANSFER, Timeout_DATA2};
    int64_t ms = s->call->to.transfer_timeout_ms;

    /* The library's least is a second; the seam enforces shorter ones. */
    for (size_t i = 0; i < COUNT_OF(all); i++)
        smtp_set_timeout(
            s->lib, all[i] | Timeout_OVERRIDE_RFC2822_MINIMUM, ms < 1000 ? 1000 : (long)ms);
}

static void finish(struct session *s)
{
    if (s->message) {
        if (smtp_reverse_path_status(s->message)->code != 0 || s->sources->begun) {
            decide(s);
        } else {
            s->out->in_hand = true;
            smtp_explain(s);
            smtp_ahead_learn(s, &s->out->failure);
        }
    }
}

static void close_session(struct session *s)
{
    smtp_destroy_session(s->lib);
    if (s->auth)
        auth_destroy_context(s->auth);
    while (s->sources) {
        struct source *gone = s->sources;
        s->sources = gone->next;
        free(gone);
    }
    ERR_clear_error(); /* what OpenSSL noted here is no other user's business */
}

void smtp_converse(struct smtp_shared *shared, const struct smtp_call *call,
    const struct smtp_mail *first, struct smtp_report *out)
{
    struct session s = {.call = call, .out = out, .trouble = "", .lib = smtp_create_session()};

    if (!s.lib)
        err_out_of_memory();
    *out = (struct smtp_report){0};
    talk_begin(&s.talk, *call->user != 0);
    smtp_ahead_begin(&s, shared->paces);
    if (has_safe_addresses(first)) {
        add_mail(&s, first);
        set_server(&s);
        set_timeouts(&s);
        smtp_cover_set(&s, shared->tls);
        smtp_set_eventcb(s.lib, on_event, &s);
        smtp_set_monitorcb(s.lib, on_traffic, &s, 0);
        dial_begin(call->dial, &call->to);
        smtp_start_session(s.lib); /* its return value proves nothing */
        dial_left(call->dial);
        finish(&s);
        dial_end(call->dial);
    } else {
        refuse_addresses(&s, first);
    }
    watch_until(call->watch, WATCH_NO_DEADLINE);
    close_session(&s);
}
