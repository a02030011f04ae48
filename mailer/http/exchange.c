#include "mailer/http/exchange.h"

#include "mailer/http/form.h"

#define USUAL_BYTES 400 /* of an answer: it is not moved while it grows */

bool exchange_has_type(const struct exchange *x, const char *media_type)
{
    struct str value = exchange_header(x, "Content-Type");

    return str_is_nocase(str_trim(str_slice(value, 0, str_find_char(value, ';', 0))), media_type);
}

bool exchange_query(const struct exchange *x, const char *name, struct str *out)
{
    struct str rest = x->query, pair;

    while (str_next(&rest, '&', &pair)) {
        size_t equals = str_find_char(pair, '=', 0);
        if (!str_is(form_decode(x->arena, str_slice(pair, 0, equals)), name))
            continue;
        *out = form_decode(x->arena, str_slice(pair, equals + 1, pair.n));
        return true;
    }
    return false;
}

/* Dropped above the limit, which only a mistake in a resource reaches. */
void answer_header(struct exchange *x, const char *name, const char *value)
{
    if (x->headers_n < ANSWER_HEADERS_MAX)
        x->headers[x->headers_n++] = (struct answer_header){name, value};
}

void answer_text(struct exchange *x, unsigned status, const char *content_type, struct str body)
{
    x->status = status;
    x->content_type = content_type;
    buf_clear(&x->answer);
    buf_add(&x->answer, body);
}

void answer_json(struct exchange *x, unsigned status, const struct js *body)
{
    x->status = status;
    x->content_type = "application/json";
    buf_clear(&x->answer);
    buf_room(&x->answer, USUAL_BYTES);
    js_write(body, JS_COMPACT, &x->answer);
    buf_add_char(&x->answer, '\n');
}
