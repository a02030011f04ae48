#include "mailer/http/problem.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_MS 10000

static const char *title(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 431:
        return "Request Header Fields Too Large";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* Type about:blank: the title is the status' own, and `code` tells the problems apart (RFC 9457
 * s4.2.1). */
struct js *problem_value(struct exchange *x, unsigned status, const char *code, const char *detail)
{
    struct js *o = js_object();

    js_set_cstr(o, "type", "about:blank");
    js_set_cstr(o, "title", title(status));
    js_set_int(o, "status", status);
    js_set_cstr(o, "code", code);
    js_set_cstr(o, "detail", detail);
    js_set_cstr(o, "request_id", x->id.s);
    return o;
}

/* Takes the value over. */
static void answer_problem(struct exchange *x, struct js *o)
{
    answer_json(x, (unsigned)js_int(js_get(o, "status")), o);
    x->content_type = "application/problem+json";
    js_close(&o);
}

void problem(struct exchange *x, unsigned status, const char *code, const char *format, ...)
{
    char detail[512];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    answer_problem(x, problem_value(x, status, code, detail));
}

struct js *problem_value_of_faults(struct exchange *x, const struct faults *faults)
{
    const struct fault *first = faults->first;

    if (strcmp(first->code, "invalid-json") == 0)
        return problem_value(x, 400, "invalid-json",
            arena_printf(x->arena, "the body is no JSON: %s", first->detail));
    struct js *o = problem_value(x, 422, "invalid-request",
        arena_printf(x->arena, "%zu %s wrong; see errors", faults->n,
            faults->n == 1 ? "field is" : "things are"));
    struct js *errors = js_array();
    for (const struct fault *f = first; f; f = f->next) {
        struct js *one = js_object();
        js_set_cstr(one, "pointer", f->pointer);
        js_set_cstr(one, "code", f->code);
        js_set_cstr(one, "detail", f->detail);
        js_push(errors, one);
    }
    js_set(o, "errors", errors);
    return o;
}

void problem_of_faults(struct exchange *x, const struct faults *f)
{
    answer_problem(x, problem_value_of_faults(x, f));
}

/* Whoever posts too much, or posts on while the disk is full, would write our log as fast: a line each ten seconds says
 * how many there were. A clock that was set back counts as time gone by. */
static bool is_due(const struct exchange *x, struct told *t)
{
    int64_t now_ms = clock_now_ms(x->app->clock), last_ms = atomic_load(&t->logged_ms);
    bool due = last_ms == 0 || now_ms < last_ms || now_ms - last_ms >= LOG_MS;

    if (due && atomic_compare_exchange_strong(&t->logged_ms, &last_ms, now_ms))
        return true;
    atomic_fetch_add(&t->unlogged, 1);
    return false;
}

static void log_refusal(const struct exchange *x, const struct err *e, int64_t status)
{
    struct tellings *all = x->tellings;

    if (status == 429 && is_due(x, &all->busy))
        log_warning("http-busy", KV("request", x->id.s), KV("why", e->text),
            KV_INT("more_before", atomic_exchange(&all->busy.unlogged, 0)));
    if (status == 503 && is_due(x, &all->trouble))
        log_error("http-store-trouble", KV("request", x->id.s), KV("why", e->text),
            KV_INT("more_before", atomic_exchange(&all->trouble.unlogged, 0)));
    if (status == 500)
        log_error("http-failure", KV("request", x->id.s), KV("why", e->text));
}

static struct js *value_of_err(struct exchange *x, const struct err *e)
{
    switch (e->code) {
    case ERR_BUSY:
        return problem_value(
            x, 429, "busy", "more requests wait than can be written; try again in a second");
    case ERR_FULL:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_NEWER:
        return problem_value(x, 503, "store-unavailable",
            "nothing can be stored at the moment and nothing was; try again later");
    default:
        return problem_value(
            x, 500, "internal", "this request met a mistake of ours; nothing was stored");
    }
}

struct js *problem_value_of_err(struct exchange *x, const struct err *e)
{
    struct js *o = value_of_err(x, e);

    log_refusal(x, e, js_int(js_get(o, "status")));
    return o;
}

void problem_of_err(struct exchange *x, const struct err *e)
{
    struct js *o = problem_value_of_err(x, e);
    int64_t status = js_int(js_get(o, "status"));

    if (status != 500)
        answer_header(x, "Retry-After", status == 429 ? "1" : "10");
    answer_problem(x, o);
}
