#include "mailer/http/problem.h"
#include "mailer/http/router.h"
#include "mailer/http/server.h"

#include <microhttpd.h>

/* Headers that mean one thing: two of them are two meanings, and a proxy may take the other one. */
static const char *const single[] = {"Content-Length", "Transfer-Encoding", "Host", "Authorization",
    "Content-Type", "Idempotency-Key", "Expect"};

struct tally {
    size_t times[COUNT_OF(single)];
    bool malformed;
};

/* RFC 9110 s5.6.2. "Content-Length : 3" is not a header that some ignore and others obey, it is none. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"/[]?={}", s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum MHD_Result count_header(
    void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct tally *t = context;

    (void)kind;
    t->malformed |= !is_token(str_of(name)) || !is_value(str_of(value));
    for (size_t i = 0; i < COUNT_OF(single); i++)
        t->times[i] += str_is_nocase(str_of(name), single[i]);
    return MHD_YES;
}

static bool refuse(struct exchange *x, const char *code, const char *detail)
{
    answer_header(x, "Connection", "close");
    problem(x, 400, code, "%s", detail);
    return false;
}

static bool has_sound_headers(struct carrier *c)
{
    struct tally t = {0};

    MHD_get_connection_values(c->connection, MHD_HEADER_KIND, count_header, &t);
    if (t.malformed)
        return refuse(&c->x, "malformed-header",
            "a header's name must be a token and its value free of control characters");
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (t.times[i] > 1)
            return refuse(&c->x, "repeated-header",
                arena_printf(c->x.arena, "the header %s stands there twice", single[i]));
    struct str coding = exchange_header(&c->x, "Transfer-Encoding");
    if (t.times[1] > 0 && t.times[0] > 0)
        return refuse(&c->x, "two-lengths",
            "Content-Length and Transfer-Encoding exclude each other (RFC 9112 s6.1)");
    if (t.times[1] > 0 && !str_is_nocase(coding, "chunked"))
        return refuse(&c->x, "transfer-coding", "the only transfer coding known here is chunked");
    return true;
}

/* The library ends the target at a NUL. Target and version lie in one buffer, one byte between them, so a
 * larger gap is what was cut off. */
static bool was_cut(const struct carrier *c, const char *version)
{
    uintptr_t gap = (uintptr_t)version - c->uri_at;

    return gap < 1024 * 1024 && gap != c->uri.n + 1;
}

bool wire_is_sound(struct carrier *c, const char *version)
{
    struct str uri = buf_str(&c->uri);
    bool printable = !was_cut(c, version);

    for (size_t i = 0; i < uri.n && printable; i++)
        printable = uri.p[i] > ' ' && uri.p[i] <= '~';
    if (!printable)
        return refuse(&c->x, "malformed-target",
            "the path may hold printable ASCII only; escape the rest with %XX");
    return has_sound_headers(c);
}

uint64_t wire_body_length(const struct carrier *c)
{
    uint64_t n = 0;

    str_to_u64(str_trim(exchange_header(&c->x, "Content-Length")), &n);
    return n;
}

void wire_refuse_size(struct exchange *x)
{
    problem(x, 413, "body-too-large", "the body is larger than %zu bytes", router_max_bytes(x));
}
