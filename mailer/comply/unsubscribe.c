#include "base/log.h"
#include "mailer/comply/comply.h"

/* All that proves the wish, sealed with the suppression itself: one transaction keeps both. */
static void write_evidence(struct buf *out, const struct unsubscribe_token *t, unsigned key_version,
    const char *method, const char *scope)
{
    AUTO(js_close) struct js *o = js_object();

    js_set_cstr(o, "method", method);
    js_set_cstr(o, "scope", scope);
    js_set_int(o, "token_key", key_version);
    js_set_cstr(o, "stream", t->stream);
    js_write(o, JS_COMPACT, out);
}

bool comply_unsubscribe(struct queue *q, const struct keyring *k, struct str token,
    enum unsubscribe_method method, bool all, enum unsubscribe_result *out, struct err *e)
{
    AUTO(buf_close) struct buf evidence = {0};
    struct unsubscribe_token t;
    unsigned key_version;
    bool added;

    if (!token_unsubscribe_open(k, token, &t, &key_version)) {
        *out = UNSUBSCRIBE_UNKNOWN;
        return true;
    }
    const char *scope = all || t.stream[0] == 0 ? "class:marketing" : t.stream;
    write_evidence(
        &evidence, &t, key_version, method == UNSUBSCRIBE_ONE_CLICK ? "one-click" : "page", scope);
    struct suppression_new s = {.scope = scope,
        .reason = "unsubscribe",
        .origin = "recipient",
        .evidence = t.message_id,
        .actor = "recipient",
        .note = buf_str(&evidence)};
    if (!queue_suppress_person(q, t.storefront, &t.person, t.pepper_version, &s, &added, e))
        return false;
    *out = added ? UNSUBSCRIBED : UNSUBSCRIBED_BEFORE;
    /* Repeats write nothing, so that a link cannot be used to fill the journal. The person is
     * unsubscribed by now, whatever becomes of this row: a failure is ours to look at, not
     * theirs. */
    struct actor who = {"recipient", "followed the unsubscribe link"};
    if (added &&
        !queue_note(q, t.storefront, "unsubscribed", who, t.message_id, buf_str(&evidence), e))
        log_error("unsubscribed-note-failed", KV("message", t.message_id), KV("why", e->text));
    return true;
}
