#include "base/encode.h"
#include "mailer/comply/comply.h"
#include "mailer/http/parameters.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"
#include "mailer/http/view.h"

#define PAGE_MAX 1000

/* ---- listing ---- */

static struct js *as_json(const struct suppression *s, bool with_address)
{
    AUTO(buf_close) struct buf person = {0};
    struct js *o = js_object();

    encode_hex(&person, digest_str(&s->person));
    js_set_text(o, "person", buf_str(&person));
    if (with_address)
        js_set(o, "address", s->address.n > 0 ? js_new_text(s->address) : js_new_null());
    js_set_cstr(o, "scope", s->scope);
    js_set_cstr(o, "reason", s->reason);
    js_set_cstr(o, "origin", s->origin);
    js_set_cstr(o, "evidence", s->evidence);
    js_set_cstr(o, "actor", s->actor);
    view_set_time(o, "since", s->since_ms);
    view_set_time(o, "expires_at", s->expires_ms);
    view_set_time(o, "lifted_at", s->lifted_ms);
    if (s->lifted_ms != 0) {
        js_set_cstr(o, "lifted_by", s->lifted_by);
        js_set_cstr(o, "lifted_why", s->lifted_why);
    }
    return o;
}

static bool take_filter(struct exchange *x, struct suppression_filter *f, bool *with_addresses)
{
    int64_t limit = 100;

    *f = (struct suppression_filter){.scope = "", .reason = "", .origin = ""};
    *with_addresses = false;
    if (!parameter_text(x, "scope", 79, &f->scope) ||
        !parameter_text(x, "reason", 47, &f->reason) ||
        !parameter_text(x, "origin", 47, &f->origin) || !parameter_time(x, "since", &f->since_ms) ||
        !parameter_time(x, "until", &f->until_ms) ||
        !parameter_flag(x, "lifted", &f->with_lifted) ||
        !parameter_flag(x, "addresses", with_addresses) ||
        !parameter_number(x, "after", 0, INT64_MAX, &f->after_row) ||
        !parameter_number(x, "limit", 1, PAGE_MAX, &limit))
        return false;
    f->max = (size_t)limit;
    return true;
}

/* False: answered. */
static bool filter_can_match(struct exchange *x, const struct suppression_filter *f)
{
    const struct shop *shop = snapshot_shop(x->snapshot, x->key.storefront);
    AUTO(buf_close) struct buf right = {0};
    const char *wrong;
    struct err e;

    if (!comply_check_filter(x->app->queue, shop->conf, f, &wrong, &right, &e)) {
        problem_of_err(x, &e);
        return false;
    }
    return !*wrong || parameter_refuse(x, wrong, buf_text(&right));
}

void suppressions_get(struct exchange *x)
{
    AUTO(js_close) struct js *o = NULL;
    static const char *const known[] = {
        "scope", "reason", "origin", "since", "until", "lifted", "addresses", "after", "limit"};
    struct suppression_filter f;
    struct suppression *rows;
    bool with_addresses;
    struct err e;
    size_t n;

    if (!parameters_are_known(x, known, COUNT_OF(known)) || !take_filter(x, &f, &with_addresses) ||
        !filter_can_match(x, &f))
        return;
    if (!queue_suppressions(x->app->queue, x->key.storefront, &f, x->arena, &rows, &n, &e)) {
        problem_of_err(x, &e);
        return;
    }
    o = js_object();
    struct js *data = js_array();
    for (size_t i = 0; i < n; i++)
        js_push(data, as_json(&rows[i], with_addresses));
    js_set(o, "data", data);
    js_set_int(o, "next", n > 0 ? rows[n - 1].row : f.after_row);
    answer_json(x, 200, o);
}

/* ---- adding and lifting: {address, scope, reason, why} ---- */

struct wish {
    struct address address;
    struct str scope, reason, why;
};

static bool take_text(struct js *body, const char *key, size_t max, struct arena *a,
    struct faults *f, struct str *out)
{
    struct js *v = js_get(body, key);
    struct str at = fault_pointer(a, STR(""), str_of(key));

    if (!v || js_kind(v) == JS_NULL)
        return true;
    if (js_kind(v) != JS_TEXT || js_text(v).n > max || str_has_control(js_text(v))) {
        faults_add(f, "invalid", at,
            "must be a string of at most %zu bytes without control characters", max);
        return false;
    }
    *out = arena_str(a, js_text(v));
    return true;
}

static void tell_scopes(const struct conf_storefront *c, struct faults *f)
{
    AUTO(buf_close) struct buf scopes = {0};

    comply_scopes(c, &scopes);
    faults_add(f, "unknown-scope", STR("/scope"), "must be %s", buf_text(&scopes));
}

static void take_address(struct exchange *x, struct js *body, struct faults *f, struct address *out)
{
    enum js_kind kind = js_kind(js_get(body, "address"));
    struct str text = STR("");
    struct err e;

    if (kind == JS_ABSENT || kind == JS_NULL)
        faults_add(f, "missing", STR("/address"), "is required: one mail address");
    else if (take_text(body, "address", 1000, x->arena, f, &text) &&
             !address_parse(text, x->arena, out, &e))
        faults_add(f, "invalid-address", STR("/address"), "is not one mail address: %s", e.text);
}

/* What lifts names a reason or none, which means all; what suppresses has one. */
static void check_wish(
    struct exchange *x, struct js *body, bool lifts, struct faults *f, struct wish *w)
{
    static const char *const known[] = {"address", "scope", "reason", "why"};
    const struct shop *shop = snapshot_shop(x->snapshot, x->key.storefront);
    struct js_iter it = {0};

    if (js_kind(body) != JS_OBJECT)
        faults_add(f, "wrong-type", STR(""), "must be an object");
    take_address(x, body, f, &w->address);
    if (take_text(body, "scope", 79, x->arena, f, &w->scope) &&
        !comply_scope_is_known(shop->conf, w->scope))
        tell_scopes(shop->conf, f);
    if (take_text(body, "reason", 47, x->arena, f, &w->reason) &&
        !comply_reason_is_valid(w->reason) && !(lifts && w->reason.n == 0))
        faults_add(f, "invalid-name", STR("/reason"), "must be " COMPLY_REASON_RULE);
    take_text(body, "why", 500, x->arena, f, &w->why);
    while (js_next(body, &it)) {
        bool found = false;
        for (size_t i = 0; i < COUNT_OF(known) && !found; i++)
            found = str_is(it.key, known[i]);
        if (!found)
            faults_add(f, "unknown-field", fault_pointer(x->arena, STR(""), it.key),
                "is unknown here; known are address, scope, reason, why");
    }
}

/* False: answered. */
static bool take_wish(struct exchange *x, bool lifts, struct wish *w)
{
    AUTO(js_close) struct js *body = NULL;
    struct faults f;
    struct err e;

    faults_init(&f, x->arena);
    if (js_parse(buf_str(&x->body), &body, &e)) {
        check_wish(x, body, lifts, &f, w);
    } else if (e.code == ERR_FULL) {
        problem_of_err(x, &e);
        return false;
    } else {
        faults_add(&f, "invalid-json", STR(""), "%s", e.text);
    }
    if (f.n > 0)
        problem_of_faults(x, &f);
    return f.n == 0;
}

void suppressions_post(struct exchange *x)
{
    AUTO(js_close) struct js *o = NULL;
    struct wish w = {.scope = STR("*"), .reason = STR("manual")};
    struct err e;
    bool added;

    if (!take_wish(x, false, &w))
        return;
    struct suppression_new s = {.scope = w.scope.p,
        .reason = w.reason.p,
        .origin = "api",
        .evidence = "",
        .actor = x->key.id,
        .note = w.why};
    if (!queue_suppress(x->app->queue, x->key.storefront, w.address.spec, &s, &added, &e)) {
        problem_of_err(x, &e);
        return;
    }
    o = js_object();
    js_set_bool(o, "added", added);
    js_set_text(o, "scope", w.scope);
    js_set_text(o, "reason", w.reason);
    answer_json(x, added ? 201 : 200, o);
}

void suppressions_lift(struct exchange *x)
{
    AUTO(js_close) struct js *o = NULL;
    struct wish w = {.scope = STR("*"), .reason = STR("")};
    uint64_t lifted;
    struct err e;

    if (!take_wish(x, true, &w))
        return;
    struct actor who = {x->key.id, arena_text(x->arena, w.why)};
    if (!queue_lift(x->app->queue, x->key.storefront, w.address.spec, w.scope.p, w.reason.p, who,
            &lifted, &e)) {
        problem_of_err(x, &e);
        return;
    }
    o = js_object();
    js_set_int(o, "lifted", (int64_t)lifted);
    answer_json(x, 200, o);
}
