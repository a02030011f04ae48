#include "base/clock.h"
#include "base/log.h"
#include "mailer/deliver/smtp_inside.h"

#include <stdio.h>

void smtp_ahead_begin(struct session *s, struct pace_memory *paces)
{
    const struct dial_to *to = &s->call->to;

    s->paces = paces;
    s->pace = s->call->pipelining ? pace_of(paces, &to->address, to->port, clock_steady_ns())
                                  : PACE_ALONE;
    s->talk.one_by_one = s->pace == PACE_ALONE;
}

void smtp_ahead_prepare(struct session *s, struct str recipient)
{
    int n = snprintf(s->behind_mail.bytes, sizeof s->behind_mail.bytes,
        "RCPT TO:<" STR_FMT ">\r\nDATA\r\n", STR_ARG(recipient));

    s->behind_mail.n = (size_t)n;
    s->grouped = false;
}

static bool is_mail_alone(struct str bytes)
{
    return str_starts(bytes, STR("MAIL FROM:")) && str_ends(bytes, STR("\r\n")) &&
           str_find_char(bytes, '\n', 0) + 1 == bytes.n;
}

static void run_ahead(struct session *s)
{
    s->grouped = true;
    s->ahead = s->behind_mail;
    s->ahead_from = 0;
    talk_says(&s->talk, smtp_ahead_unsaid(s));
    dial_say_behind(s->call->dial, smtp_ahead_unsaid(s));
}

struct str smtp_ahead_unsaid(const struct session *s)
{
    return str_bytes(s->ahead.bytes + s->ahead_from, s->ahead.n - s->ahead_from);
}

/* The library says what the server has heard already. Anything else would be heard behind it: mostly a QUIT, because
 * something went wrong that has its own words. */
static bool repeat(struct session *s, struct str bytes)
{
    if (!str_starts(smtp_ahead_unsaid(s), bytes))
        return false;
    s->ahead_from += bytes.n;
    dial_keep_silent(s->call->dial);
    return true;
}

bool smtp_ahead_says(struct session *s, struct str bytes)
{
    if (smtp_ahead_unsaid(s).n > 0)
        return repeat(s, bytes);
    if (!talk_says(&s->talk, bytes))
        return false;
    if (s->message && s->pace == PACE_GROUP && s->talk.pipelining && is_mail_alone(bytes))
        run_ahead(s);
    return true;
}

/* ---- what it turned out to mean ------------------------------------------------------------------------- */

static void slow_down(struct session *s, enum pace most, const char *why)
{
    const struct dial_to *to = &s->call->to;

    if (pace_slow(s->paces, &to->address, to->port, most, clock_steady_ns()))
        log_info("smtp-slower", KV("mx", to->host),
            KV("hears", most == PACE_PAIR ? "MAIL alone" : "one command at a time"),
            KV("why", why));
}

/* "503 5.5.1 RCPT first": a server that lost count of our commands says so, and so may one that means the mail. */
static bool is_about_order(const struct smtp_result *r)
{
    return r->code == 503;
}

/* The commands that went out together, and no answer to them. A server that has answered such on this connection means its
 * offer: it ended for other reasons. */
static bool is_lost_on_the_server(const struct session *s, const struct smtp_result *r)
{
    bool together = s->grouped ? r->phase >= AT_MAIL : r->phase > AT_MAIL;

    return r->code == 0 && together && r->phase <= AT_DATA && !s->answers_groups &&
           !watch_is_ending(s->call->watch);
}

static bool is_answer_to_all(const struct smtp_result *r)
{
    return r->phase > AT_DATA || (r->phase == AT_DATA && r->code != 0);
}

void smtp_ahead_learn(struct session *s, struct smtp_result *r)
{
    if (!s->talk.pipelining)
        return;
    if (is_lost_on_the_server(s, r))
        slow_down(s, s->grouped ? PACE_PAIR : PACE_ALONE, r->trouble);
    if (is_answer_to_all(r))
        s->answers_groups = true;
    if (!s->grouped || r->code == 0)
        return;
    if (r->phase == AT_MAIL)
        slow_down(s, PACE_PAIR, "it refused MAIL");
    if ((r->phase == AT_RCPT || r->phase == AT_DATA) && is_about_order(r)) {
        slow_down(s, PACE_PAIR, "it answered 503 to what came with MAIL");
        s->last = true;
        r->out_of_step = true;
        r->code = 0;
        r->text[0] = 0;
        r->trouble = "the server lost the order of commands that it lets come together";
    }
}
