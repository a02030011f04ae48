/* A mail from its parts. First every field is looked at, then the header is written in the order in
 * which people read it, then the body. */
#include "mailer/mime/compose.h"

#include <time.h>

#include "mailer/mime/body.h"
#include "mailer/mime/header.h"

#define MORE_MAX 50
#define PARTS_MAX 100
#define NAME_MAX_OCTETS 50      /* of a further header's name; leaves room for an encoded word */
#define IDENTIFIER_MAX 200      /* of Message-ID and Content-ID */
#define FILENAME_MAX_OCTETS 255 /* what file systems take */
#define URL_MAX 900             /* must fit one line */
#define YEAR_10000_MS 253402300800000

/* ---- checks ---------------------------------------------------------------------------------- */

static bool check_text(const char *field, struct str value, struct err *e)
{
    const char *fault = header_fault(value);

    return fault ? err_set(e, ERR_INPUT, "%s %s", field, fault) : true;
}

static bool check_address(const char *field, const struct address *a, struct err *e)
{
    const char *fault = header_fault(a->display);

    if (fault)
        return err_set(e, ERR_INPUT, "%s: the name %s", field, fault);
    fault = header_fault(a->spec);
    if (fault)
        return err_set(e, ERR_INPUT, "%s: the address %s", field, fault);
    if (!str_is_ascii(a->spec) || str_find_char(a->spec, '@', 0) == a->spec.n || a->spec.n > 320)
        return err_set(
            e, ERR_INPUT, "%s: the address is not of the form name@domain in ASCII", field);
    return true;
}

/* left@right as in msg-id and content-id, without anything that would need quotes. */
static bool is_identifier(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("<>()[]\\,;:\"", s.p[i]))
            return false;
    return s.n > 0 && s.n <= IDENTIFIER_MAX;
}

static bool is_message_id(struct str s)
{
    size_t at = str_find_char(s, '@', 0);

    return is_identifier(s) && at > 0 && at + 1 < s.n && str_find_char(s, '@', at + 1) == s.n;
}

/* Printable ASCII without spaces and angle brackets: nothing ends it early, nothing needs
 * encoding. */
static bool is_url_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '<' || s.p[i] == '>')
            return false;
    return s.n > 0 && s.n <= URL_MAX;
}

static bool check_unsubscribe(const struct message *m, struct err *e)
{
    struct str url = m->list_unsubscribe_url, mailto = m->list_unsubscribe_mailto;
    size_t query = str_find_char(mailto, '?', 0);

    if (url.n > 0 && (!is_url_text(url) ||
                         !(str_starts(url, STR("https://")) || str_starts(url, STR("http://")))))
        return err_set(e, ERR_INPUT,
            "list_unsubscribe_url must be an http or https URL in printable ASCII of at most %d "
            "octets",
            URL_MAX);
    if (mailto.n > 0 && (!is_url_text(mailto) || str_find_char(mailto, '@', 0) >= query))
        return err_set(e, ERR_INPUT,
            "list_unsubscribe_mailto must be name@domain or name@domain?subject=..., in printable "
            "ASCII");
    return true;
}

/* Fields that compose writes itself, that transport writes, or that would name other people. */
static bool name_is_reserved(struct str name)
{
    static const char *const reserved[] = {"From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date",
        "Message-ID", "MIME-Version", "List-Unsubscribe", "List-Unsubscribe-Post", "Return-Path",
        "Received", "DKIM-Signature", "Authentication-Results"};

    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_is_nocase(name, reserved[i]))
            return true;
    return str_starts_nocase(name, STR("Content-")) || str_starts_nocase(name, STR("Resent-")) ||
           str_starts_nocase(name, STR("ARC-"));
}

static bool check_more(const struct message *m, struct err *e)
{
    if (m->more_n > MORE_MAX)
        return err_set(e, ERR_INPUT, "more than %d further headers", MORE_MAX);
    for (size_t i = 0; i < m->more_n; i++) {
        struct str name = m->more[i].name;
        const char *fault = header_fault(m->more[i].value);

        if (name.n == 0 || name.n > NAME_MAX_OCTETS)
            return err_set(e, ERR_INPUT, "headers[%zu]: the name must have 1 to %d octets", i,
                NAME_MAX_OCTETS);
        for (size_t k = 0; k < name.n; k++)
            if (name.p[k] <= ' ' || name.p[k] >= 0x7f || name.p[k] == ':')
                return err_set(e, ERR_INPUT,
                    "headers[%zu]: the name may hold printable ASCII but no colon", i);
        if (name_is_reserved(name))
            return err_set(
                e, ERR_INPUT, "headers[%zu]: " STR_FMT " cannot be set here", i, STR_ARG(name));
        if (fault)
            return err_set(e, ERR_INPUT, "headers[%zu]: the value %s", i, fault);
        if (str_trim(m->more[i].value).n == 0)
            return err_set(e, ERR_INPUT, "headers[%zu]: the value is empty", i);
    }
    return true;
}

static bool check_parts(const struct message *m, struct err *e)
{
    if (m->parts_n > PARTS_MAX)
        return err_set(e, ERR_INPUT, "more than %d attachments", PARTS_MAX);
    for (size_t i = 0; i < m->parts_n; i++) {
        const struct mime_part *p = &m->parts[i];
        const char *fault = header_fault(p->filename);

        if (fault || p->filename.n > FILENAME_MAX_OCTETS)
            return err_set(e, ERR_INPUT, "attachments[%zu]: the filename %s", i,
                fault ? fault : "is too long");
        if (!body_type_is_fine(p->content_type))
            return err_set(e, ERR_INPUT,
                "attachments[%zu]: the content_type must look like image/png (no multipart, no "
                "message)",
                i);
        if (p->content_id.n > 0 && !is_identifier(p->content_id))
            return err_set(e, ERR_INPUT,
                "attachments[%zu]: the content_id may hold letters, digits and . - _ @ and the "
                "like, at most %d",
                i, IDENTIFIER_MAX);
    }
    return true;
}

static bool check_body(const struct message *m, struct err *e)
{
    if (m->text.n == 0 && m->html.n == 0)
        return err_set(e, ERR_INPUT, "text and html are both empty");
    if (!str_is_utf8(m->text))
        return err_set(e, ERR_INPUT, "text is not valid UTF-8");
    if (!str_is_utf8(m->html))
        return err_set(e, ERR_INPUT, "html is not valid UTF-8");
    if (m->seed.n == 0)
        return err_set(e, ERR_INPUT, "seed is empty");
    return true;
}

static bool check(const struct message *m, struct err *e)
{
    if (!check_address("from", &m->from, e) || !check_address("to", &m->to, e))
        return false;
    if (m->reply_to.spec.n > 0 && !check_address("reply_to", &m->reply_to, e))
        return false;
    if (!check_text("subject", m->subject, e))
        return false;
    if (m->date_ms < 0 || m->date_ms >= YEAR_10000_MS)
        return err_set(e, ERR_INPUT, "date_ms is not between 1970 and 9999");
    if (!is_message_id(m->message_id))
        return err_set(
            e, ERR_INPUT, "message_id is not of the form left@right, in printable ASCII");
    return check_unsubscribe(m, e) && check_more(m, e) && check_parts(m, e) && check_body(m, e);
}

/* ---- header ---------------------------------------------------------------------------------- */

static void add_mailbox(struct buf *out, struct str name, const struct address *a)
{
    struct field f = field_begin(out, name);

    field_mailbox(&f, a);
    field_end(&f);
}

static void add_text(struct buf *out, struct str name, struct str value)
{
    struct field f = field_begin(out, name);

    field_text(&f, value);
    field_end(&f);
}

/* Own tables: strftime would ask the locale. */
static void add_date(struct buf *out, int64_t ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = ms / 1000;
    struct tm t;

    gmtime_r(&seconds, &t);
    buf_addf(out, "Date: %.3s, %d %.3s %04d %02d:%02d:%02d +0000\r\n", days + 3 * t.tm_wday,
        t.tm_mday, months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static void add_bracketed(struct field *f, const char *scheme, struct str url, bool more_follow)
{
    AUTO(buf_close) struct buf token = {0};

    buf_addf(&token, "<%s" STR_FMT ">%s", scheme, STR_ARG(url), more_follow ? "," : "");
    field_token(f, buf_str(&token));
}

static void add_unsubscribe(const struct message *m, struct buf *out)
{
    bool url = m->list_unsubscribe_url.n > 0, mailto = m->list_unsubscribe_mailto.n > 0;
    struct field f;

    if (!url && !mailto)
        return;
    f = field_begin(out, STR("List-Unsubscribe"));
    if (url)
        add_bracketed(&f, "", m->list_unsubscribe_url, mailto);
    if (mailto)
        add_bracketed(&f, "mailto:", m->list_unsubscribe_mailto, false);
    field_end(&f);
    if (url)
        buf_add(out, STR("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
}

static void add_header(const struct message *m, struct buf *out)
{
    add_date(out, m->date_ms);
    add_mailbox(out, STR("From"), &m->from);
    if (m->reply_to.spec.n > 0)
        add_mailbox(out, STR("Reply-To"), &m->reply_to);
    add_mailbox(out, STR("To"), &m->to);
    add_text(out, STR("Subject"), m->subject);
    buf_addf(out, "Message-ID: <" STR_FMT ">\r\n", STR_ARG(m->message_id));
    add_unsubscribe(m, out);
    for (size_t i = 0; i < m->more_n; i++)
        add_text(out, m->more[i].name, str_trim(m->more[i].value));
    buf_add(out, STR("MIME-Version: 1.0\r\n"));
}

bool compose(const struct message *m, struct buf *out, struct err *e)
{
    size_t bytes = m->text.n + m->html.n;

    if (!check(m, e))
        return false;
    for (size_t i = 0; i < m->parts_n; i++)
        bytes += m->parts[i].bytes.n * 4 / 3;
    (void)buf_room(out, bytes + bytes / 8 + 4096); /* one allocation for most mails */
    add_header(m, out);
    body_add(m, out);
    return true;
}
