#include "mailer/http/problem.h"
#include "mailer/http/router.h"
#include "mailer/http/server.h"

#include <microhttpd.h>

/* Headers that mean one thing: two of them are two meanings, and a proxy may take the other one. */
static const char *const single[] = {"Content-Length", "Transfer-Encoding", "Host", "Authorization",
    "Content-Type", "Idempotency-Key", "Expect"};

struct tally {
    size_t times[COUNT_OF(single)];
    bool malformed, torn;
    uintptr_t end; /* of the line before, without its CRLF */
};

/* RFC 9110 s5.6.2. "Content-Length : 3" is not a header that some ignore and others obey, it is none. */
static bool is_token(struct str s)
{
    static const bool parts[128] = {['('] = true,
        [')'] = true,
        ['<'] = true,
        ['>'] = true,
        ['@'] = true,
        [','] = true,
        [';'] = true,
        [':'] = true,
        ['\\'] = true,
        ['"'] = true,
        ['/'] = true,
        ['['] = true,
        [']'] = true,
        ['?'] = true,
        ['='] = true,
        ['{'] = true,
        ['}'] = true};

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || parts[(unsigned char)s.p[i]])
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

/* The library ends each text at its first NUL, and glues a folded line to the header's *name*, so that
 * "Content-Length:\r\n 35" is none ("Content-Length35") and a proxy that knows folding sees another end of the
 * body. Its texts stay where the client's bytes came to lie: a line that does not begin two bytes behind the one
 * before it was folded, held a NUL, or ended in a bare LF (RFC 9112 s2.2, s5.2: all may be refused). */
static void follow(struct tally *t, const char *name, const char *value)
{
    t->torn |= (uintptr_t)name != t->end + 2 || value <= name;
    t->end = (uintptr_t)value + strlen(value);
}

static enum MHD_Result count_header(
    void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct tally *t = context;

    (void)kind;
    value = value ? value : "";
    follow(t, name, value);
    t->malformed |= !is_token(str_of(name)) || !is_value(str_of(value));
    for (size_t i = 0; i < COUNT_OF(single); i++)
        t->times[i] += str_is_nocase(str_of(name), single[i]);
    return MHD_YES;
}

static bool refuse_as(struct exchange *x, unsigned status, const char *code, const char *detail)
{
    answer_header(x, "Connection", "close");
    problem(x, status, code, "%s", detail);
    return false;
}

static bool refuse(struct exchange *x, const char *code, const char *detail)
{
    return refuse_as(x, 400, code, detail);
}

static bool is_number(struct str s)
{
    uint64_t n;

    return str_to_u64(s, &n);
}

static size_t head_bytes(const struct carrier *c)
{
    return MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
        ->header_size;
}

/* Head, what the library notes of each header, cookie and parameter, its copy of the cookies, and the head of the answer
 * share one memory: where the last has no room the library closes without a word, whatever was done for the request. */
static bool leaves_room(struct carrier *c)
{
    int values = MHD_get_connection_values(
        c->connection, MHD_HEADER_KIND | MHD_COOKIE_KIND | MHD_GET_ARGUMENT_KIND, NULL, NULL);

    return head_bytes(c) + (size_t)values * HEAD_BYTES_A_VALUE +
               exchange_header(&c->x, "Cookie").n <=
           HEAD_BYTES - HEAD_BYTES_OF_ANSWER;
}

static bool has_sound_headers(struct carrier *c, const char *method, const char *version)
{
    struct tally t = {.end = (uintptr_t)version + strlen(version)};

    MHD_get_connection_values(c->connection, MHD_HEADER_KIND, count_header, &t);
    if (t.torn || t.end + 4 != (uintptr_t)method + head_bytes(c))
        return refuse(&c->x, "malformed-header",
            "a header is one line that ends in CRLF, is not folded and holds no NUL");
    if (t.malformed)
        return refuse(&c->x, "malformed-header",
            "a header's name must be a token and its value free of control characters");
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (t.times[i] > 1)
            return refuse(&c->x, "repeated-header",
                arena_printf(c->x.arena, "the header %s stands there twice", single[i]));
    struct str coding = exchange_header(&c->x, "Transfer-Encoding");
    if (t.times[0] > 0 && !is_number(exchange_header(&c->x, "Content-Length")))
        return refuse(&c->x, "malformed-header", "Content-Length must be a number, digits alone");
    if (t.times[1] > 0 && t.times[0] > 0)
        return refuse(&c->x, "two-lengths",
            "Content-Length and Transfer-Encoding exclude each other (RFC 9112 s6.1)");
    if (t.times[1] > 0 && !str_is_nocase(coding, "chunked"))
        return refuse(&c->x, "transfer-coding", "the only transfer coding known here is chunked");
    if (t.times[1] > 0 && strcmp(version, "HTTP/1.0") == 0)
        return refuse(&c->x, "transfer-coding",
            "HTTP/1.0 knows no Transfer-Encoding, so the end of the body is in doubt (RFC 9112 "
            "s6.1)");
    return true;
}

/* Method, target and version lie behind each other, one byte between them; a larger gap is what a NUL cut off. */
static bool was_cut(const struct peer_head *head, const char *method, const char *version)
{
    return (uintptr_t)method + strlen(method) + 1 != head->target_at ||
           head->target_at + head->target.n + 1 != (uintptr_t)version;
}

bool wire_is_sound(struct carrier *c, const char *method, const char *version)
{
    const struct peer_head *head = peer_head(c->peer);
    struct str uri = buf_str(&head->target);
    bool printable = !was_cut(head, method, version);

    for (size_t i = 0; i < uri.n && printable; i++)
        printable = uri.p[i] > ' ' && uri.p[i] <= '~';
    if (!printable)
        return refuse(&c->x, "malformed-target",
            "the path may hold printable ASCII only; escape the rest with %XX");
    if (!leaves_room(c))
        return refuse_as(&c->x, 431, "head-too-large",
            "the head may have 30 KiB, each header, cookie and parameter counted with 64 bytes "
            "more");
    return has_sound_headers(c, method, version);
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
