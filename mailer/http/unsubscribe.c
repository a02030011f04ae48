#include "base/log.h"
#include "mailer/comply/comply.h"
#include "mailer/http/form.h"
#include "mailer/http/page.h"
#include "mailer/http/resources.h"

/* The page says the same for every token, known or not: it does not even look at it. */
void unsubscribe_get(struct exchange *x)
{
    page_answer(x, 200, PAGE_ASK);
}

/* False: the form says nothing that we know. A request that merely touches the link must not unsubscribe
 * anybody, so the body has to say it (RFC 8058 s3.2). */
static bool take_wish(struct exchange *x, enum unsubscribe_method *method, bool *all)
{
    struct str type = exchange_header(x, "Content-Type"), body = buf_str(&x->body), value;

    *all = false;
    *method = UNSUBSCRIBE_ONE_CLICK;
    if (form_value(type, body, "List-Unsubscribe", x->arena, &value))
        return str_is_nocase(value, "One-Click");
    *method = UNSUBSCRIBE_PAGE;
    if (!form_value(type, body, "confirm", x->arena, &value))
        return false;
    *all = str_is(value, "all");
    return *all || str_is(value, "stream");
}

void unsubscribe_post(struct exchange *x)
{
    enum unsubscribe_method method;
    enum unsubscribe_result result;
    struct err e;
    bool all;

    if (!take_wish(x, &method, &all)) {
        page_answer(x, 400, PAGE_UNCLEAR);
        return;
    }
    if (comply_unsubscribe(x->app->queue, x->app->keys, x->param, method, all, &result, &e)) {
        page_answer(x, 200, PAGE_DONE); /* whatever the result: no oracle for tokens */
        return;
    }
    log_error("unsubscribe-not-stored", KV("request", x->id.s), KV("why", e.text));
    answer_header(x, "Retry-After", "10");
    page_answer(x, 503, PAGE_FAILED);
}
