/* Quoted-printable by runs: nearly all of a mail's text stands for itself, so sixteen octets are copied at a time, and as
 * many of them count as stand for themselves and fit. */
#include "mailer/mime/qp.h"

#include "base/encode.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define QP_LINE 76
#define QP_FULL (QP_LINE - 1) /* leaves room for the "=" of a soft break */
#define STEP 16               /* octets that are looked at together */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e && c != '=';
}

#ifdef __SSE2__
/* How many of the first STEP octets stand for themselves; as signed numbers, 0x80-0xff are below 0x20
 * too. */
static size_t plain_of_step(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    __m128i equals = _mm_cmpeq_epi8(v, _mm_set1_epi8('='));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    int mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, equals), del));

    return mask == 0 ? STEP : (size_t)__builtin_ctz((unsigned)mask);
}
#else
static size_t plain_of_step(const char *p)
{
    size_t n = 0;

    while (n < STEP && is_plain((unsigned char)p[n]))
        n++;
    return n;
}
#endif

struct writer {
    char *p;         /* where the next octet goes; the room was asked for before */
    size_t column;   /* of the line being written */
    const char *end; /* of all that may be read */
};

/* How many of the last STEP octets of a line, or of fewer, stand for themselves. */
static size_t plain_run(const struct writer *w, struct str rest)
{
    size_t run = 0;

    if (w->end - rest.p >= STEP) {
        run = plain_of_step(rest.p);
        return run < rest.n ? run : rest.n;
    }
    while (run < rest.n && is_plain((unsigned char)rest.p[run]))
        run++;
    return run;
}

static void soft_break(struct writer *w)
{
    memcpy(w->p, "=\r\n", 3);
    w->p += 3;
    w->column = 0;
}

static void put_hex(struct writer *w, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char u = (unsigned char)c;

    w->p[0] = '=';
    w->p[1] = hex[u >> 4];
    w->p[2] = hex[u & 15];
    w->p += 3;
    w->column += 3;
}

/* Copies a run of plain octets as far as `limit` columns go; returns how many went. */
static size_t put_run(struct writer *w, const char *p, size_t run, size_t limit)
{
    size_t n = run < limit - w->column ? run : limit - w->column;

    memcpy(w->p, p, n);
    w->p += n;
    w->column += n;
    return n;
}

/* At the beginning of a line: what servers and mailboxes treat as their own there. */
static bool needs_guard(struct str rest)
{
    return rest.p[0] == '.' || (rest.p[0] == 'F' && str_starts(rest, STR("From ")));
}

/* One octet, or one character outside ASCII, that cannot be copied as it is. */
static size_t put_special(struct writer *w, struct str rest)
{
    size_t n = (unsigned char)rest.p[0] >= 0xc0 ? str_utf8_length(rest) : 1;

    n = n > 0 ? n : 1;
    if (w->column + 3 * n > QP_FULL)
        soft_break(w);
    if (rest.p[0] == '\t' && rest.n > 1) {
        *w->p++ = '\t';
        w->column++;
        return 1;
    }
    for (size_t i = 0; i < n; i++)
        put_hex(w, rest.p[i]);
    return n;
}

static size_t copy_plain(struct writer *w, const char *p)
{
    memcpy(w->p, p, STEP);
    return plain_of_step(p);
}

static size_t advance(struct writer *w, size_t n)
{
    w->p += n;
    w->column += n;
    return n;
}

/* All but the last STEP octets of a line, or fewer: what ends a line, or ends at it, is not among them. */
static size_t put_steps(struct writer *w, struct str line)
{
    size_t at = 0;

    while (line.n - at > STEP) {
        struct str rest = str_slice(line, at, line.n);

        if (w->column == 0 && needs_guard(rest)) {
            at += put_special(w, rest);
            continue;
        }
        size_t plain = copy_plain(w, rest.p), room = QP_FULL - w->column;
        if (plain == STEP && room >= STEP) {
            at += advance(w, STEP);
            continue;
        }
        at += advance(w, plain < room ? plain : room);
        if (plain < room)
            at += put_special(w, str_slice(line, at, line.n));
        else if (line.n - at > 1) /* one more may fit where it is the last */
            soft_break(w);
    }
    return at;
}

static void put_end(struct writer *w, struct str rest)
{
    while (rest.n > 0) {
        bool guarded = w->column == 0 && needs_guard(rest);
        size_t run = guarded ? 0 : plain_run(w, rest), n;
        bool last;

        if (run == rest.n && rest.p[run - 1] == ' ')
            run--;
        last = run == rest.n && w->column + run <= QP_LINE;
        if (run > 0 && w->column >= QP_FULL && !last) {
            soft_break(w);
            continue;
        }
        n = run == 0 ? put_special(w, rest) : put_run(w, rest.p, run, last ? QP_LINE : QP_FULL);
        rest = str_slice(rest, n, rest.n);
    }
}

void qp_add(struct buf *out, struct str text)
{
    size_t at = 0;

    while (at < text.n) {
        size_t end = str_find_char(text, '\n', at);
        bool ended = end < text.n;
        struct str line = str_slice(text, at, end);
        struct writer w = {.end = text.p + text.n};

        if (ended && line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        w.p = buf_room(out, 3 * line.n + 3 * (3 * line.n / (QP_FULL - 12) + 1) + 2);
        put_end(&w, str_slice(line, put_steps(&w, line), line.n));
        if (ended) {
            memcpy(w.p, "\r\n", 2);
            w.p += 2;
        }
        out->n = (size_t)(w.p - out->p);
        at = end + 1;
    }
    if (out->p)
        out->p[out->n] = '\0';
}

void base64_lines_add(struct buf *out, struct str bytes)
{
    const size_t per_line = QP_LINE / 4 * 3;

    (void)buf_room(out, (bytes.n / 3 + 1) * 4 + (bytes.n / per_line + 1) * 2);
    for (size_t at = 0; at < bytes.n; at += per_line) {
        encode_base64(out, str_slice(bytes, at, at + per_line));
        buf_add(out, STR("\r\n"));
    }
}
