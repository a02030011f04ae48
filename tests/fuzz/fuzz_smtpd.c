/* fuzz_smtpd -- any bytes as a client; the first byte says how they are cut. The answers must not depend on the cuts,
 * and must be whole lines of printable text. After STARTTLS the same bytes come again, over TLS. */
#include "mailer/smtpd/session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct smtpd_reply answer_recipient(
    void *context, const struct smtpd_envelope *v, struct str recipient)
{
    (void)context;
    if (v->rcpt_n >= 4)
        abort();
    struct smtpd_reply r = smtpd_reply(250, "2.1.5 Ok");
    r.delay_ms = recipient.n % 2;
    return r;
}

static struct smtpd_reply answer_body(void *context, const struct smtpd_envelope *v, struct str m)
{
    (void)context;
    if (m.n > 500 || v->rcpt_n == 0)
        abort();
    return smtpd_reply(m.n % 3 == 2 ? SMTPD_CLOSE : 250, "2.0.0 Ok");
}

static bool know(void *context, struct str user, struct str password)
{
    (void)context;
    return user.n == password.n;
}

static void check_lines(struct str out)
{
    if (out.n > 0 && !str_ends(out, STR("\r\n")))
        abort();
    for (size_t i = 0; i < out.n; i++)
        if (((unsigned char)out.p[i] < 0x20 || out.p[i] == 0x7f) && out.p[i] != '\r' &&
            out.p[i] != '\n')
            abort();
}

/* Releases what waits and shakes hands at once; takes the output. */
static void attend(struct session *s, struct buf *all)
{
    while (session_state(s) == SESSION_WAIT)
        session_resume(s);
    check_lines(session_out(s));
    buf_add(all, session_out(s));
    session_sent(s, session_out(s).n);
}

static void talk(const struct smtpd_setup *setup, struct str in, size_t piece, struct buf *all)
{
    struct session *s = session_open(setup, NULL, "192.0.2.1", 1);

    attend(s, all);
    for (size_t at = 0; at < in.n; at += piece) {
        session_feed(s, str_slice(in, at, at + piece));
        attend(s, all);
    }
    if (session_state(s) ==
        SESSION_TLS) { /* what follows was heard before TLS, and must be forgotten */
        session_tls_started(s);
        for (size_t at = 0; at < in.n; at += piece) {
            session_feed(s, str_slice(in, at, at + piece));
            attend(s, all);
        }
    }
    session_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf_close) struct buf whole = {0}, cut = {0};
    struct smtpd_setup setup = {
        .certificate_file = "some",
        .max_recipients = 4,
        .max_message_bytes = 500,
        .keep_bodies = true,
        .handler = {.rcpt = answer_recipient, .body = answer_body, .auth = know},
    };

    if (size < 1)
        return 0;
    session_defaults(&setup);
    talk(&setup, str_bytes(data + 1, size - 1), size, &whole);
    talk(&setup, str_bytes(data + 1, size - 1), data[0] % 7 + 1, &cut);
    if (!str_eq(buf_str(&whole), buf_str(&cut)))
        abort();
    return 0;
}
