#include "mailer/comply/comply.h"

/* From the widest to the narrowest: where several suppressions forbid a mail, the widest is told,
 * because lifting a narrower one would change nothing. */
enum width { CONCERNS_NOT, STREAM_ONLY, WHOLE_CLASS, EVERYTHING };

static const char *const rules[] = {
    [CONCERNS_NOT] = "no-suppression",
    [STREAM_ONLY] = "suppressed-stream",
    [WHOLE_CLASS] = "suppressed-class",
    [EVERYTHING] = "suppressed-all",
};

static const char *class_scope(enum stream_class class)
{
    return class == STREAM_MARKETING ? "class:marketing" : "class:transactional";
}

static enum width width_of(const char *scope, const char *stream, enum stream_class class)
{
    if (strcmp(scope, "*") == 0)
        return EVERYTHING;
    if (strcmp(scope, class_scope(class)) == 0)
        return WHOLE_CLASS;
    return strcmp(scope, stream) == 0 ? STREAM_ONLY : CONCERNS_NOT;
}

/* Cut where it does not fit: what is cut here is shown in full by the export. */
static void copy(char *out, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);

    memcpy(out, text, n);
    out[n] = 0;
}

static void forbid(struct comply_answer *out, const struct suppression *s)
{
    out->allowed = false;
    copy(out->reason, sizeof out->reason, s->reason);
    copy(out->scope, sizeof out->scope, s->scope);
    copy(out->evidence, sizeof out->evidence, s->evidence);
    out->since_ms = s->since_ms;
}

bool comply_ask(struct queue *q, const char *storefront, const char *stream,
    enum stream_class class, struct str address, struct comply_answer *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct suppression *rows;
    enum width widest = CONCERNS_NOT;
    size_t n;

    if (!queue_suppressions_of(q, storefront, address, a, &rows, &n, e))
        return false;
    *out = (struct comply_answer){.allowed = true};
    for (size_t i = 0; i < n; i++) {
        enum width w = width_of(rows[i].scope, stream, class);
        bool earlier = w == widest && rows[i].since_ms < out->since_ms;
        if (w == CONCERNS_NOT || (w <= widest && !earlier))
            continue;
        forbid(out, &rows[i]);
        widest = w;
    }
    copy(out->rule, sizeof out->rule, rules[widest]);
    return true;
}

struct js *comply_facts(const struct comply_answer *answer)
{
    struct js *facts = js_object();
    char since[CLOCK_RFC3339_SIZE];

    js_set_cstr(facts, "rules", COMPLY_RULES_VERSION);
    js_set_bool(facts, "allowed", answer->allowed);
    js_set_cstr(facts, "rule", answer->rule);
    if (answer->allowed)
        return facts;
    clock_rfc3339(answer->since_ms, since);
    js_set_cstr(facts, "reason", answer->reason);
    js_set_cstr(facts, "scope", answer->scope);
    js_set_cstr(facts, "evidence", answer->evidence);
    js_set_cstr(facts, "since", since);
    return facts;
}

bool comply_scope_is_known(const struct conf_storefront *s, struct str scope)
{
    if (str_is(scope, "*") || str_is(scope, class_scope(STREAM_MARKETING)) ||
        str_is(scope, class_scope(STREAM_TRANSACTIONAL)))
        return true;
    for (size_t i = 0; i < s->streams_n; i++)
        if (str_is(scope, s->streams[i].name))
            return true;
    return false;
}

void comply_scopes(const struct conf_storefront *s, struct buf *out)
{
    size_t start = out->n, i;

    buf_addf(out,
        "\"*\", \"%s\", \"%s\" or a stream of this storefront: ", class_scope(STREAM_MARKETING),
        class_scope(STREAM_TRANSACTIONAL));
    for (i = 0; i < s->streams_n && out->n - start < 300; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", s->streams[i].name);
    if (i < s->streams_n)
        buf_add_text(out, ", ...");
}

bool comply_reason_is_valid(struct str reason)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    if (reason.n == 0 || reason.n > 47)
        return false;
    for (size_t i = 0; i < reason.n; i++)
        if (!memchr(letters, reason.p[i], sizeof letters - 1))
            return false;
    return true;
}

/* ---- what a filter may ask for ---- */

static bool origin_is_known(const char *origin)
{
    static const char *const origins[] = {"recipient", "receiver", "staff", "api", "import"};

    for (size_t i = 0; i < COUNT_OF(origins); i++)
        if (strcmp(origin, origins[i]) == 0)
            return true;
    return false;
}

/* Lifted ones too: a stream that the settings no longer have is still asked about. */
static bool some_row_has(struct queue *q, const char *storefront, const char *scope,
    const char *reason, bool *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const struct suppression_filter f = {
        .scope = scope, .reason = reason, .with_lifted = true, .max = 1};
    struct suppression *rows;
    size_t n = 0;

    if (!queue_suppressions(q, storefront, &f, a, &rows, &n, e))
        return false;
    *out = n > 0;
    return true;
}

bool comply_check_filter(struct queue *q, const struct conf_storefront *s,
    const struct suppression_filter *f, const char **wrong, struct buf *right, struct err *e)
{
    bool stands = true;

    *wrong = "";
    if (f->since_ms != 0 && f->until_ms != 0 && f->until_ms <= f->since_ms) {
        *wrong = "until";
        buf_add_text(right, "a time behind that of since");
        return true;
    }
    if (f->origin[0] && !origin_is_known(f->origin)) {
        *wrong = "origin";
        buf_add_text(right, "recipient, receiver, staff, api or import");
        return true;
    }
    if (f->scope[0] && !comply_scope_is_known(s, str_of(f->scope))) {
        if (!some_row_has(q, s->name, f->scope, "", &stands, e))
            return false;
        if (!stands) {
            *wrong = "scope";
            comply_scopes(s, right);
            return true;
        }
    }
    if (f->reason[0] && !comply_reason_is_valid(str_of(f->reason))) {
        if (!some_row_has(q, s->name, "", f->reason, &stands, e))
            return false;
        if (!stands) {
            *wrong = "reason";
            buf_add_text(right, COMPLY_REASON_RULE);
        }
    }
    return true;
}
