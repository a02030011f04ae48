/* Texts as quoted-printable: GMime decodes each to what it was, and the lines are what RFC 2045 s6.7 and qp.h promise. One
 * text in EVERY, the first too, is repeated to 4 MB, which must not take longer than in proportion. Links: mime, base, GMime. */
#include "mailer/mime/qp.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <time.h>

#define LINE 76
#define LARGE ((size_t)4 << 20)
#define EVERY 4096
#define SECONDS_MAX 2 /* of a processor: ten times what the slowest text takes with sanitizers */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
    if (!holds)
        abort();
}

static bool is_allowed(char c)
{
    return (c >= ' ' && c <= '~') || c == '\t';
}

static void decode(struct str encoded, struct buf *out)
{
    GMimeEncoding state;

    g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *room = buf_room(out, g_mime_encoding_outlen(&state, encoded.n));
    out->n += g_mime_encoding_flush(&state, encoded.p, encoded.n, room);
}

/* What the encoder says it makes of line ends. */
static void add_crlf(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            buf_add_char(out, '\r');
        buf_add_char(out, text.p[i]);
    }
}

static void check_line(struct str line, bool is_utf8)
{
    AUTO(buf_close) struct buf plain = {0};

    need(line.n <= LINE);
    for (size_t i = 0; i < line.n; i++)
        need(is_allowed(line.p[i]));
    need(!str_starts(line, STR(".")) && !str_starts(line, STR("From ")));
    need(!str_ends(line, STR(" ")) && !str_ends(line, STR("\t")));
    if (!is_utf8)
        return;
    decode(str_ends(line, STR("=")) ? str_slice(line, 0, line.n - 1) : line, &plain);
    need(str_is_utf8(buf_str(&plain)));
}

static void check_lines(struct str encoded, bool is_utf8)
{
    size_t at = 0, end;

    need(str_find(encoded, STR("=_"), 0) == encoded.n);
    while ((end = str_find(encoded, STR("\r\n"), at)) < encoded.n) {
        check_line(str_slice(encoded, at, end), is_utf8);
        at = end + 2;
    }
    need(!str_ends(encoded, STR("=\r\n")));
    check_line(str_slice(encoded, at, encoded.n), is_utf8);
}

static void check(struct str text)
{
    AUTO(buf_close) struct buf encoded = {0}, decoded = {0}, want = {0};

    qp_add(&encoded, text);
    check_lines(buf_str(&encoded), str_is_utf8(text));
    decode(buf_str(&encoded), &decoded);
    add_crlf(&want, text);
    need(str_eq(buf_str(&decoded), buf_str(&want)));
}

static void check_cost(struct str text)
{
    AUTO(buf_close) struct buf large = {0}, encoded = {0};

    buf_add(&large, text);
    while (large.n < LARGE)
        buf_add(&large, buf_str(&large));
    clock_t began = clock();
    qp_add(&encoded, buf_str(&large));
    need(clock() - began < SECONDS_MAX * CLOCKS_PER_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned texts;
    struct str text = str_bytes(data, size);

    check(text);
    if (size > 0 && texts++ % EVERY == 0)
        check_cost(text);
    return 0;
}
