#include "mailer/intake/request.h"

#include "base/encode.h"

#define ATTACHMENTS_MAX 10
#define FILENAME_BYTES 200
#define CONTENT_TYPE_BYTES 127 /* RFC 6838 s4.2 */

static bool is_path(struct str name)
{
    return str_find_char(name, '/', 0) < name.n || str_find_char(name, '\\', 0) < name.n ||
           str_is(name, ".") || str_is(name, "..");
}

static const char *take_filename(struct request *r, const struct js *v, struct str at)
{
    struct str name;

    if (js_kind(v) == JS_ABSENT)
        request_lacks(r, at, "the name that the recipient sees, e.g. \"invoice.pdf\"");
    if (!request_text(r, v, at, FILENAME_BYTES, &name))
        return "";
    if (is_path(name))
        faults_add(
            r->faults, "invalid-filename", at, "must be a name, not a path: no \"/\" or \"\\\"");
    return name.p;
}

/* token of RFC 2045 s5.1 */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("()<>@,;:\\\"/[]?=", s.p[i]))
            return false;
    return s.n > 0;
}

static const char *take_content_type(struct request *r, const struct js *v, struct str at)
{
    struct str text;

    if (js_kind(v) == JS_ABSENT)
        request_lacks(r, at, "e.g. \"application/pdf\"");
    if (!request_text(r, v, at, CONTENT_TYPE_BYTES, &text))
        return "";
    size_t slash = str_find_char(text, '/', 0);
    struct str type = str_slice(text, 0, slash), subtype = str_slice(text, slash + 1, text.n);
    if (!is_token(type) || !is_token(subtype))
        faults_add(r->faults, "invalid-content-type", at,
            "must be type/subtype without parameters, e.g. \"application/pdf\"");
    else if (str_is_nocase(type, "multipart") || str_is_nocase(type, "message"))
        faults_add(r->faults, "invalid-content-type", at,
            "a %s cannot be attached in base64 (RFC 2046); use application/octet-stream",
            str_is_nocase(type, "message") ? "message" : "multipart");
    return text.p;
}

/* Adds to *total, which counts decoded bytes of all attachments. */
static struct str take_content(
    struct request *r, const struct js *v, struct str at, size_t most, size_t *total)
{
    AUTO(buf_close) struct buf bytes = {0};

    if (js_kind(v) == JS_ABSENT)
        request_lacks(r, at, "the file in base64");
    if (!request_is_kind(r, v, at, JS_TEXT))
        return STR("");
    struct str text = js_text(v);
    size_t decoded = text.n / 4 * 3; /* two bytes too many at most, which padding tells */
    if (decoded > most + 2 || *total + decoded > most + 2) {
        *total += decoded;
        return STR("");
    }
    if (text.n == 0)
        faults_add(r->faults, "empty", at, "must not be empty");
    else if (!decode_base64(&bytes, text))
        faults_add(r->faults, "invalid-base64", at,
            "must be base64 as in RFC 4648, with padding and without line breaks");
    *total += bytes.n;
    return buf_give(&bytes, r->a);
}

static void check_attachment(struct request *r, const struct js *v, struct str at, size_t most,
    size_t *total, struct attachment *out)
{
    static const char *const known[] = {"filename", "content_type", "content"};

    if (!request_is_kind(r, v, at, JS_OBJECT))
        return;
    request_refuse_unknown(r, v, at, known, COUNT_OF(known));
    out->filename =
        take_filename(r, js_get(v, "filename"), fault_pointer(r->a, at, STR("filename")));
    out->content_type = take_content_type(
        r, js_get(v, "content_type"), fault_pointer(r->a, at, STR("content_type")));
    out->bytes =
        take_content(r, js_get(v, "content"), fault_pointer(r->a, at, STR("content")), most, total);
}

void request_check_attachments(struct request *r, const struct js *v, struct str at)
{
    size_t most = (size_t)snapshot_conf(r->snapshot)->max_attachment_bytes, total = 0;

    if (!request_is_kind(r, v, at, JS_ARRAY))
        return;
    size_t n = js_count(v);
    if (n > ATTACHMENTS_MAX) {
        faults_add(r->faults, "too-many", at, "%zu attachments; at most %d are allowed", n,
            ATTACHMENTS_MAX);
        return;
    }
    struct attachment *all = arena_array(r->a, n + 1, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        struct str index = str_of(arena_printf(r->a, "%zu", i));
        check_attachment(r, js_at(v, i), fault_pointer(r->a, at, index), most, &total, &all[i]);
    }
    if (total > most)
        faults_add(r->faults, "too-large", at,
            "the files have more than %zu bytes together, decoded; link to a download instead",
            most);
    r->out->attachments = all;
    r->out->attachments_n = n;
}
