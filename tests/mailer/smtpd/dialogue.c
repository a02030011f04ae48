#include "tests/mailer/smtpd/dialogue.h"

static struct smtpd_reply see_mail(void *context, const struct smtpd_envelope *v)
{
    struct seen *seen = context;

    buf_addf(&seen->log, "mail " STR_FMT ";", STR_ARG(v->mail_from));
    return seen->on_mail;
}

static struct smtpd_reply see_rcpt(void *context, const struct smtpd_envelope *v, struct str to)
{
    struct seen *seen = context;

    (void)v;
    buf_addf(&seen->log, "rcpt " STR_FMT ";", STR_ARG(to));
    if (str_starts(to, STR("no")))
        return smtpd_reply(550, "5.1.1 no");
    if (str_starts(to, STR("gone")))
        return smtpd_reply(SMTPD_CLOSE, "");
    return seen->on_rcpt;
}

static struct smtpd_reply see_data(void *context, const struct smtpd_envelope *v)
{
    (void)v;
    return ((struct seen *)context)->on_data;
}

static struct smtpd_reply see_body(void *context, const struct smtpd_envelope *v, struct str m)
{
    struct seen *seen = context;

    buf_addf(&seen->log, "body %zu:", v->rcpt_n);
    buf_add(&seen->log, m);
    buf_add(&seen->log, STR(";"));
    return seen->on_body;
}

void seen_init(struct seen *seen)
{
    *seen = (struct seen){
        .on_mail = smtpd_reply(250, "2.1.0 Ok"),
        .on_rcpt = smtpd_reply(250, "2.1.5 Ok"),
        .on_data = smtpd_reply(354, "Go on"),
        .on_body = smtpd_reply(250, "2.0.0 Ok"),
    };
}

struct smtpd_setup setup_for(struct seen *seen)
{
    struct smtpd_setup s = {
        .hostname = "mx.there.example",
        .max_recipients = 3,
        .max_message_bytes = 100,
        .keep_bodies = true,
        .handler = {seen, see_mail, see_rcpt, see_data, see_body, NULL, NULL, NULL},
    };

    session_defaults(&s);
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void add_code(struct buf *out, struct str line)
{
    if (line.n < 4 || line.p[3] == '-')
        return;
    buf_add(out, str_slice(line, 0, 3));
    if (line.n > 8 && is_digit(line.p[4]) && line.p[5] == '.' && is_digit(line.p[6])) {
        buf_add_char(out, '/');
        buf_add(out, str_slice(line, 4, str_find_char(line, ' ', 4)));
    }
    buf_add_char(out, ' ');
}

void collect(struct session *s, struct buf *codes)
{
    struct str out = session_out(s), line;

    while (str_next(&out, '\n', &line)) {
        assert_true(str_ends(line, STR("\r")));
        add_code(codes, str_slice(line, 0, line.n - 1));
    }
    session_sent(s, session_out(s).n);
}

static const char *state_word(const struct session *s)
{
    static const char *const words[] = {"", "wait", "tls", "close", "drop"};

    return words[session_state(s)];
}

void talk(const struct smtpd_setup *setup, struct str script, size_t piece, struct buf *codes)
{
    struct session *s = session_open(setup, NULL, "192.0.2.1", 1);

    collect(s, codes);
    for (size_t at = 0; at < script.n; at += piece) {
        session_feed(s, str_slice(script, at, at + piece));
        while (session_state(s) == SESSION_WAIT)
            session_resume(s);
        collect(s, codes);
    }
    buf_add_text(codes, state_word(s));
    session_close(&s);
}

void expect_in_all_pieces(const char *name, const char *script, const char *codes, const char *log)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 1, 3};

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct seen seen;
        AUTO(buf_close) struct buf got = {0};
        seen_init(&seen);
        struct smtpd_setup setup = setup_for(&seen);
        talk(&setup, str_of(script), pieces[i], &got);
        if (!str_is(buf_str(&got), codes) || (log && !str_is(buf_str(&seen.log), log)))
            print_message("%s, piece %zu\n", name, pieces[i]);
        assert_string_equal(buf_text(&got), codes);
        if (log)
            assert_string_equal(buf_text(&seen.log), log);
        buf_close(&seen.log);
    }
}
