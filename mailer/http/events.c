#include "mailer/http/parameters.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"
#include "mailer/http/view.h"

#define PAGE_MAX 1000

/* The journal without its personal part: whoever mirrors events needs no addresses for it. */
void events_get(struct exchange *x)
{
    static const char *const known[] = {"after", "limit", "node"};
    AUTO(js_close) struct js *o = NULL;
    const char *node = snapshot_conf(x->snapshot)->node;
    int64_t after = 0, limit = 100;
    struct journal_row *rows;
    struct err e;
    size_t n;

    if (!parameters_are_known(x, known, COUNT_OF(known)) ||
        !parameter_number(x, "after", 0, INT64_MAX, &after) ||
        !parameter_number(x, "limit", 1, PAGE_MAX, &limit) || !parameter_text(x, "node", 32, &node))
        return;
    if (!queue_journal(x->app->queue, x->key.storefront, node, after, (size_t)limit, x->arena,
            &rows, &n, &e)) {
        problem_of_err(x, &e);
        return;
    }
    o = js_object();
    struct js *data = js_array();
    for (size_t i = 0; i < n; i++) {
        struct js *one = view_journal_row(&rows[i], false);
        js_set_int(one, "seq", rows[i].seq);
        js_set_cstr(one, "message_id", rows[i].message_id);
        js_push(data, one);
    }
    js_set_cstr(o, "node", node);
    js_set(o, "data", data);
    js_set_int(o, "next", n > 0 ? rows[n - 1].seq : after);
    answer_json(x, 200, o);
}
