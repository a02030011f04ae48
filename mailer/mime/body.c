/* The tree of parts, written from the outside in:
 *   mixed [ related [ alternative [ text, html ], inline parts ], attachments ]
 * where each multipart is there only when it has more than one child. */
#include "mailer/mime/body.h"

#include "base/encode.h"
#include "base/hash.h"
#include "mailer/mime/header.h"
#include "mailer/mime/qp.h"

#define LINE_MAX_8BIT 998 /* RFC 5322 s2.1.1 */
#define BOUNDARY 26
#define BOUNDARY_HASHED 15 /* octets of the hash: 24 digits */

enum level { MIXED, RELATED, ALTERNATIVE };

static const char *const subtypes[] = {"mixed", "related", "alternative"};

struct tree {
    const struct message *m;
    struct buf *out;
    bool eight_bit;                              /* some text goes out as it is, and is not ASCII */
    char boundary[COUNT_OF(subtypes)][BOUNDARY]; /* of those that have begun */
};

/* ---- multiparts ------------------------------------------------------------------------------ */

static void make_boundary(struct tree *t, enum level level)
{
    struct str parts[] = {STR("mime boundary"), str_of(subtypes[level]), t->m->seed};
    AUTO(buf_close) struct buf text = {0};
    struct digest d;

    hash_sha256_parts(parts, COUNT_OF(parts), &d);
    buf_add(&text, STR("=_"));
    encode_base32(&text, str_slice(digest_str(&d), 0, BOUNDARY_HASHED));
    memcpy(t->boundary[level], text.p, BOUNDARY);
}

static void add_boundary(const struct tree *t, enum level level)
{
    buf_add(t->out, str_bytes(t->boundary[level], BOUNDARY));
}

/* `root` is the type of the first part, which RFC 2387 wants to be told of a related one. */
static void multipart_begin(struct tree *t, enum level level, const char *root)
{
    make_boundary(t, level);
    buf_addf(t->out, "Content-Type: multipart/%s;", subtypes[level]);
    if (root)
        buf_addf(t->out, " type=\"%s\";", root);
    buf_add(t->out, STR("\r\n boundary=\""));
    add_boundary(t, level);
    buf_add(t->out, STR("\"\r\n"));
    if (t->eight_bit)
        buf_add(t->out, STR("Content-Transfer-Encoding: 8bit\r\n"));
}

static void part_begin(const struct tree *t, enum level level)
{
    buf_add(t->out, STR("\r\n--"));
    add_boundary(t, level);
    buf_add(t->out, STR("\r\n"));
}

static void multipart_end(const struct tree *t, enum level level)
{
    buf_add(t->out, STR("\r\n--"));
    add_boundary(t, level);
    buf_add(t->out, STR("--\r\n"));
}

/* ---- leaves ---------------------------------------------------------------------------------- */

/* May go out as it is: no line too long, no NUL, no CR that is not a line's end. */
static bool suits_8bit(struct str text)
{
    struct str rest = text, line;

    if (str_find_char(text, '\0', 0) != text.n)
        return false;
    while (str_next(&rest, '\n', &line)) {
        size_t cr = str_find_char(line, '\r', 0);

        if (line.n > LINE_MAX_8BIT || cr + 1 < line.n)
            return false;
    }
    return true;
}

static void add_crlf_lines(struct buf *out, struct str text)
{
    size_t at = 0;

    while (at < text.n) {
        size_t end = str_find_char(text, '\n', at);
        struct str line = str_slice(text, at, end);

        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        buf_add(out, line);
        if (end < text.n)
            buf_add(out, STR("\r\n"));
        at = end + 1;
    }
}

static void add_text(const struct tree *t, const char *type, struct str text)
{
    bool as_it_is = t->m->eight_bit && suits_8bit(text);

    buf_addf(t->out, "Content-Type: %s; charset=utf-8\r\n", type);
    buf_addf(
        t->out, "Content-Transfer-Encoding: %s\r\n\r\n", as_it_is ? "8bit" : "quoted-printable");
    if (as_it_is)
        add_crlf_lines(t->out, text);
    else
        qp_add(t->out, text);
}

static void add_part(const struct tree *t, const struct mime_part *p)
{
    bool is_inline = p->content_id.n > 0;
    struct field f = field_begin(t->out, STR("Content-Type"));

    field_token(&f, p->content_type);
    field_end(&f);
    buf_add(t->out, STR("Content-Transfer-Encoding: base64\r\n"));
    f = field_begin(t->out, STR("Content-Disposition"));
    field_token(&f, is_inline ? STR("inline") : STR("attachment"));
    if (p->filename.n > 0)
        field_parameter(&f, STR("filename"), p->filename);
    field_end(&f);
    if (is_inline)
        buf_addf(t->out, "Content-ID: <" STR_FMT ">\r\n", STR_ARG(p->content_id));
    buf_add(t->out, STR("\r\n"));
    base64_lines_add(t->out, p->bytes);
}

/* ---- the tree -------------------------------------------------------------------------------- */

static size_t count_parts(const struct message *m, bool inline_ones)
{
    size_t n = 0;

    for (size_t i = 0; i < m->parts_n; i++)
        n += (m->parts[i].content_id.n > 0) == inline_ones;
    return n;
}

static void add_parts(const struct tree *t, enum level level, bool inline_ones)
{
    for (size_t i = 0; i < t->m->parts_n; i++) {
        if ((t->m->parts[i].content_id.n > 0) != inline_ones)
            continue;
        part_begin(t, level);
        add_part(t, &t->m->parts[i]);
    }
}

static void add_alternative(struct tree *t)
{
    const struct message *m = t->m;

    if (m->text.n == 0 || m->html.n == 0) {
        add_text(t, m->html.n > 0 ? "text/html" : "text/plain", m->html.n > 0 ? m->html : m->text);
        return;
    }
    multipart_begin(t, ALTERNATIVE, NULL);
    part_begin(t, ALTERNATIVE);
    add_text(t, "text/plain", m->text);
    part_begin(t, ALTERNATIVE);
    add_text(t, "text/html", m->html);
    multipart_end(t, ALTERNATIVE);
}

static void add_related(struct tree *t)
{
    const struct message *m = t->m;
    const char *root = m->html.n == 0   ? "text/plain"
                       : m->text.n == 0 ? "text/html"
                                        : "multipart/alternative";

    if (count_parts(m, true) == 0) {
        add_alternative(t);
        return;
    }
    multipart_begin(t, RELATED, root);
    part_begin(t, RELATED);
    add_alternative(t);
    add_parts(t, RELATED, true);
    multipart_end(t, RELATED);
}

void body_add(const struct message *m, struct buf *out)
{
    struct tree t = {.m = m, .out = out};
    size_t n;

    t.eight_bit = m->eight_bit && ((suits_8bit(m->text) && !str_is_ascii(m->text)) ||
                                      (suits_8bit(m->html) && !str_is_ascii(m->html)));
    if (count_parts(m, false) == 0) {
        add_related(&t);
    } else {
        multipart_begin(&t, MIXED, NULL);
        part_begin(&t, MIXED);
        add_related(&t);
        add_parts(&t, MIXED, false);
        multipart_end(&t, MIXED);
    }
    n = out->n;
    if (n < 2 || out->p[n - 1] != '\n')
        buf_add(out, STR("\r\n"));
}

/* ---- content types --------------------------------------------------------------------------- */

/* RFC 2045 s5.1: anything printable but its specials. */
static size_t token_length(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] > ' ' && s.p[n] < 0x7f && !strchr("()<>@,;:\\\"/[]?=", s.p[n]))
        n++;
    return n;
}

/* ";" attribute "=" token or quoted string, spaces allowed before the attribute. */
static bool skip_parameter(struct str *rest)
{
    struct str s = str_trim(str_slice(*rest, 1, rest->n));
    size_t n = token_length(s), end;

    if (rest->p[0] != ';' || n == 0 || n == s.n || s.p[n] != '=')
        return false;
    s = str_slice(s, n + 1, s.n);
    if (s.n > 0 && s.p[0] == '"') {
        end = str_find_char(s, '"', 1);
        if (end == s.n || str_find_char(s, '\\', 0) < end)
            return false;
        end++;
    } else {
        end = token_length(s);
        if (end == 0)
            return false;
    }
    *rest = str_slice(s, end, s.n);
    return true;
}

bool body_type_is_fine(struct str content_type)
{
    size_t type = token_length(content_type), subtype;
    struct str rest = str_slice(content_type, type, content_type.n);

    if (type == 0 || rest.n == 0 || rest.p[0] != '/' || content_type.n > 200 ||
        !str_is_ascii(content_type))
        return false;
    if (str_starts_nocase(content_type, STR("multipart/")) ||
        str_starts_nocase(content_type, STR("message/")))
        return false;
    rest = str_slice(rest, 1, rest.n);
    subtype = token_length(rest);
    if (subtype == 0)
        return false;
    rest = str_slice(rest, subtype, rest.n);
    while (rest.n > 0)
        if (!skip_parameter(&rest))
            return false;
    return true;
}
