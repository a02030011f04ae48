#include "mailer/deliver/smtp_inside.h"

#include <stdio.h>

bool smtp_is_success(int code)
{
    return code >= 200 && code <= 299;
}

bool smtp_is_refusal(int code)
{
    return code >= 400 && code <= 599;
}

/* The library cuts a reply line at 1,023 bytes and takes the rest for the next reply; such a text lacks its end of
 * line. The code that it has is good, nothing that follows is. A reply without text never shows its end. */
bool smtp_was_cut(const struct session *s, const smtp_status_t *status)
{
    struct str text = str_of(status->text);

    return status->code != 0 && (text.n > 0 ? !str_ends(text, STR("\n")) : s->talk.was_cut);
}

/* The reply with its enhanced code in front again, lines joined. */
static void copy_text(const smtp_status_t *s, char out[SMTP_TEXT_MAX])
{
    struct str text = str_trim(str_of(s->text));
    size_t n = 0;

    out[0] = 0;
    if (s->enh_class != 0 && s->enh_class == s->code / 100)
        n = (size_t)snprintf(out, 40, "%d.%d.%d ", s->enh_class, s->enh_subject, s->enh_detail);
    for (size_t i = 0; i < text.n && n + 1 < SMTP_TEXT_MAX; i++) {
        if (text.p[i] != '\r')
            out[n++] = text.p[i] == '\n' ? ' ' : text.p[i];
    }
    out[n] = 0;
}

/* Why nobody answered. */
static const char *silence(const struct session *s)
{
    if (*s->trouble)
        return s->trouble;
    if (*s->talk.trouble)
        return s->talk.trouble;
    if (watch_has_bitten(s->call->watch))
        return "the attempt's time was over";
    if (dial_has_timed_out(s->call->dial))
        return "the server did not answer in time";
    return "the server closed the connection, or did not speak SMTP";
}

static void answer(const struct session *s, struct smtp_result *r, enum smtp_phase phase,
    const smtp_status_t *status)
{
    r->phase = phase;
    r->code = status->code;
    copy_text(status, r->text);
    if (status->code == 0)
        r->trouble = silence(s);
}

/* Replies came before their commands, so nobody knows what they answer: the body was not asked for, or its dot was
 * held back. Only a refusal of the body may come before its end. */
static bool lost_step(const struct session *s, const smtp_status_t *data)
{
    return s->talk.out_of_step && !s->sources->ended &&
           !(s->sources->begun && smtp_is_refusal(data->code));
}

/* The mail in hand, by the rule that stands in the header. */
void smtp_judge(const struct session *s, struct smtp_result *r)
{
    static const smtp_status_t nothing;
    const smtp_status_t *mail = smtp_reverse_path_status(s->message);
    const smtp_status_t *rcpt =
        s->cut && s->cut_at < AT_RCPT ? &nothing : smtp_recipient_status(s->recipient);
    const smtp_status_t *data =
        s->cut && s->cut_at < AT_BODY ? &nothing : smtp_message_transfer_status(s->message);
    bool begun = s->sources->begun;

    *r = (struct smtp_result){.trouble = "", .lacks_8bit = s->lacks_8bit};
    if (lost_step(s, data)) {
        r->phase = begun ? AT_BODY : AT_DATA;
        r->trouble = s->talk.trouble;
        r->out_of_step = true;
        return;
    }
    r->delivered = smtp_recipient_check_complete(s->recipient) && smtp_is_success(rcpt->code) &&
                   smtp_is_success(data->code) && s->talk.body_answered &&
                   !dial_holds_words(s->call->dial);
    r->unsure =
        begun && !r->delivered && !smtp_is_refusal(rcpt->code) && !smtp_is_refusal(data->code);
    if (!smtp_is_success(mail->code))
        answer(s, r, AT_MAIL, mail);
    else if (!smtp_is_success(rcpt->code) && !r->unsure)
        answer(s, r, AT_RCPT, rcpt);
    else
        answer(s, r, begun ? AT_BODY : AT_DATA, data);
    if (r->unsure) {
        r->code = 0; /* 354, or an earlier chunk's: no answer to the whole */
        r->text[0] = 0;
        r->trouble = silence(s);
    }
}

void smtp_explain(struct session *s)
{
    struct smtp_result *f = &s->out->failure;
    struct str text = talk_text(&s->talk);

    *f = (struct smtp_result){.phase = s->talk.phase, .trouble = "", .lacks_8bit = s->lacks_8bit};
    if (!dial_has_connected(s->call->dial)) {
        int why = dial_connect_errno(s->call->dial);
        f->phase = AT_CONNECT;
        f->trouble = why == 0 ? "no connection was tried" : strerrordesc_np(why);
        return;
    }
    if (smtp_is_refusal(s->talk.code)) {
        f->code = s->talk.code;
        snprintf(f->text, sizeof f->text, STR_FMT, STR_ARG(text));
    }
    f->trouble = f->code == 0 || *s->trouble ? silence(s) : "";
    f->out_of_step = s->talk.out_of_step && f->code == 0;
    s->out->starttls_failed =
        s->call->tls == SMTP_TLS_OFFERED && f->phase == AT_STARTTLS && *s->talk.trouble == 0;
}
