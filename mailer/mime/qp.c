/* Quoted-printable by runs: nearly all of a mail's text stands for itself, so the work is to find
 * how far that goes, 16 octets at a time, and to copy it in pieces of a line. */
#include "mailer/mime/qp.h"

#include "base/encode.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define QP_LINE 76
#define QP_FULL (QP_LINE - 1) /* leaves room for the "=" of a soft break */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e && c != '=';
}

#ifdef __SSE2__
/* How many of the first 16 octets stand for themselves; as signed numbers, 0x80-0xff are below 0x20
 * too. */
static size_t plain_of_16(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    __m128i equals = _mm_cmpeq_epi8(v, _mm_set1_epi8('='));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    int mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, equals), del));

    return mask == 0 ? 16 : (size_t)__builtin_ctz((unsigned)mask);
}
#else
static size_t plain_of_16(const char *p)
{
    size_t n = 0;

    while (n < 16 && is_plain((unsigned char)p[n]))
        n++;
    return n;
}
#endif

static size_t plain_run(const char *p, size_t n)
{
    size_t run = 0;

    while (n - run >= 16) {
        size_t found = plain_of_16(p + run);

        run += found;
        if (found < 16)
            return run;
    }
    while (run < n && is_plain((unsigned char)p[run]))
        run++;
    return run;
}

struct writer {
    char *p;       /* where the next octet goes; the room was asked for before */
    size_t column; /* of the line being written */
};

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
    return rest.p[0] == '.' || str_starts(rest, STR("From "));
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

static void put_line(struct writer *w, struct str line)
{
    size_t at = 0;

    w->column = 0;
    while (at < line.n) {
        struct str rest = str_slice(line, at, line.n);
        bool guarded = w->column == 0 && needs_guard(rest);
        size_t run = guarded ? 0 : plain_run(rest.p, rest.n);
        bool last;

        if (run == rest.n && rest.p[run - 1] == ' ')
            run--;
        if (run == 0) {
            at += put_special(w, rest);
            continue;
        }
        last = run == rest.n && w->column + run <= QP_LINE;
        if (w->column >= QP_FULL && !last) {
            soft_break(w);
            continue;
        }
        at += put_run(w, rest.p, run, last ? QP_LINE : QP_FULL);
    }
}

void qp_add(struct buf *out, struct str text)
{
    size_t at = 0;

    while (at < text.n) {
        size_t end = str_find_char(text, '\n', at);
        bool ended = end < text.n;
        struct str line = str_slice(text, at, end);
        struct writer w;

        if (ended && line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        w.p = buf_room(out, 3 * line.n + 3 * (3 * line.n / (QP_FULL - 12) + 1) + 2);
        put_line(&w, line);
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
