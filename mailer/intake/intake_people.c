#include "mailer/intake/request.h"

#define MAILBOX_BYTES 1000 /* a display name, a local part and a domain */
#define NAME_BYTES 300

/* Several mailboxes in one text: a separator outside of quotes, and more than one @. */
static bool looks_like_several(struct str text)
{
    size_t ats = 0, separators = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        if (quoted && text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && text.p[i] == '@')
            ats++;
        else if (!quoted && (text.p[i] == ',' || text.p[i] == ';'))
            separators++;
    }
    return ats > 1 && separators > 0;
}

/* The local part lies before the last @, behind the last < or space before that. */
static bool has_foreign_local_part(struct str text)
{
    size_t at = text.n;

    while (at > 0 && text.p[at - 1] != '@')
        at--;
    for (size_t i = at; i > 1; i--) {
        char c = text.p[i - 2];
        if (c == '<' || c == ' ')
            return false;
        if ((unsigned char)c >= 0x80)
            return true;
    }
    return false;
}

/* Never repeats the value: an answer may be logged where the request is not. */
static bool take_mailbox(
    struct request *r, struct str text, struct str at, const char *one_only, struct address *out)
{
    struct err e;

    if (looks_like_several(text)) {
        faults_add(r->faults, "several-addresses", at, "%s", one_only);
        return false;
    }
    if (has_foreign_local_part(text)) {
        faults_add(r->faults, "non-ascii-local-part", at,
            "the part before the @ must be ASCII: mail servers are not yet reached by the "
            "extension that carries others (SMTPUTF8); the domain may be written in any script");
        return false;
    }
    if (address_parse(text, r->a, out, &e))
        return true;
    faults_add(r->faults, "invalid-address", at,
        "is not one mail address such as \"Ada <ada@example.com>\": %s", e.text);
    return false;
}

#define ONE_RECIPIENT                                                                              \
    "holds several recipients; send one request for each, so that each gets an answer of its own"

static void to_from_text(struct request *r, const struct js *v, struct str at)
{
    struct str text;

    if (request_text(r, v, at, MAILBOX_BYTES, &text))
        take_mailbox(r, text, at, ONE_RECIPIENT, &r->to);
}

static void to_from_object(struct request *r, const struct js *v, struct str at)
{
    static const char *const known[] = {"email", "name"};
    struct str at_email = fault_pointer(r->a, at, STR("email"));
    struct str at_name = fault_pointer(r->a, at, STR("name"));
    const struct js *email = js_get(v, "email"), *name = js_get(v, "name");
    struct address parsed = {0};
    struct str text, display = STR("");

    request_refuse_unknown(r, v, at, known, COUNT_OF(known));
    if (js_kind(name) != JS_ABSENT && js_kind(name) != JS_NULL &&
        (js_kind(name) != JS_TEXT || js_text(name).n > 0))
        request_text(r, name, at_name, NAME_BYTES, &display);
    if (js_kind(email) == JS_ABSENT)
        request_lacks(r, at_email, "the recipient's address");
    else if (request_text(r, email, at_email, MAILBOX_BYTES, &text) &&
             take_mailbox(r, text, at_email, ONE_RECIPIENT, &parsed)) {
        if (parsed.display.n > 0 || text.p[text.n - 1] == '>') {
            faults_add(r->faults, "invalid-address", at_email,
                "must be the bare address here; the name has its own field");
            return;
        }
        r->to = parsed;
        r->to.display = display;
    }
}

void request_check_to(struct request *r, const struct js *v, struct str at)
{
    switch (js_kind(v)) {
    case JS_ABSENT:
        request_lacks(r, at, "the recipient, \"Ada <ada@example.com>\" or {\"email\", \"name\"}");
        return;
    case JS_TEXT:
        to_from_text(r, v, at);
        return;
    case JS_OBJECT:
        to_from_object(r, v, at);
        return;
    case JS_ARRAY:
        faults_add(r->faults, "several-addresses", at, "is a list; %s",
            "send one request for each recipient, so that each gets an answer of its own");
        return;
    default:
        faults_add(r->faults, "wrong-type", at, "must be a string or an object, not %s",
            js_kind_name(js_kind(v)));
    }
}

void request_check_reply_to(struct request *r, const struct js *v, struct str at)
{
    struct address parsed;
    struct str text;

    if (request_text(r, v, at, MAILBOX_BYTES, &text) &&
        take_mailbox(r, text, at, "must be a single address", &parsed))
        r->reply_to = text;
}
