/* The records that an audit proposes. For one name there is one proposal, which mends everything that
 * is wrong there, so that no two findings contradict each other. */
#include "base/encode.h"
#include "dns/audit/inside.h"
#include "dns/name.h"

#define STRING_MAX 255 /* octets of a character-string (RFC 1035 s3.3) */
#define STRING_FRAME 6 /* indent, quotes and the closing bracket */

const char *audit_place(const struct audit_question *q)
{
    return q->answer.canonical && q->answer.canonical[0] ? q->answer.canonical : q->name;
}

void audit_publish(struct audit_case *c, struct audit_finding *f, const char *name,
    const char *type, const char *value)
{
    struct audit_record *all = arena_array(c->arena, f->publish_n + 1, sizeof *all);
    if (!value[0])
        return;
    for (size_t i = 0; i < f->publish_n; i++)
        all[i] = f->publish[i];
    all[f->publish_n++] = (struct audit_record){
        arena_text(c->arena, str_of(name)), type, AUDIT_TTL, arena_text(c->arena, str_of(value))};
    f->publish = all;
}

/* ---- zone lines ------------------------------------------------------------------------------ */

static void add_string(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char byte = (unsigned char)s.p[i];
        if (byte == '"' || byte == '\\')
            buf_addf(out, "\\%c", byte);
        else if (byte < ' ' || byte >= 0x7f)
            buf_addf(out, "\\%03u", byte);
        else
            buf_add_char(out, s.p[i]);
    }
    buf_add_char(out, '"');
}

void audit_record_line(const struct audit_record *r, size_t width, struct buf *out)
{
    struct str text = str_of(r->value);
    size_t begin = out->n;
    buf_addf(out, "%s. %u IN %s ", r->name, r->ttl_s, r->type);
    size_t after_type = out->n;
    if (strcmp(r->type, "TXT") != 0) {
        buf_add(out, text);
        if (width > 0 && out->n - begin > width) {
            buf_cut(out, begin);
            buf_addf(out, "%s. (\n  %u IN %s %s )", r->name, r->ttl_s, r->type, r->value);
        }
        return;
    }
    add_string(out, text);
    if (text.n <= STRING_MAX && (width == 0 || out->n - begin <= width))
        return;
    size_t step = width == 0 || width > STRING_MAX ? STRING_MAX : width - STRING_FRAME;
    buf_cut(out, after_type);
    buf_add_char(out, '(');
    for (size_t at = 0; at < text.n; at += step) {
        buf_add_text(out, "\n  ");
        add_string(out, str_slice(text, at, at + step));
    }
    buf_add_text(out, " )");
}

/* ---- addresses ------------------------------------------------------------------------------- */

const char *audit_reverse_name(const struct ip *ip, struct arena *a)
{
    if (ip->family == 4)
        return arena_printf(a, "%d.%d.%d.%d.in-addr.arpa", ip->b[3], ip->b[2], ip->b[1], ip->b[0]);
    AUTO(buf_close) struct buf name = {0};
    for (size_t i = sizeof ip->b; i > 0; i--)
        buf_addf(&name, "%x.%x.", ip->b[i - 1] & 15, ip->b[i - 1] >> 4);
    buf_add_text(&name, "ip6.arpa");
    return arena_text(a, buf_str(&name));
}

/* ---- DMARC ----------------------------------------------------------------------------------- */

/* Stricter than none only where mail would pass: the advice must never make things worse. */
static enum dmarc_policy wanted_policy(const struct audit_case *c, const struct dmarc_record *r)
{
    if (r && r->p > DMARC_NONE)
        return r->p;
    return r && c->dmarc_verdict.result == DMARC_PASS ? DMARC_QUARANTINE : DMARC_NONE;
}

/* A text that wants to be a DMARC record, whatever is wrong with it. */
bool audit_is_meant_as_dmarc(struct str text)
{
    struct str start = str_trim(str_slice(text, 0, 24));
    for (size_t i = 0; i < start.n; i++)
        if (str_starts_nocase(str_slice(start, i, start.n), STR("dmarc")))
            return true;
    return false;
}

/* Where its own record cannot be read, the addresses for reports are still worth keeping. */
static struct str old_uris(struct audit_case *c, const char *tag)
{
    for (size_t i = 0; i < c->dmarc.answer.n; i++) {
        struct str text = c->dmarc.answer.records[i].data;
        size_t at = str_find(text, str_of(tag), 0);
        if (!audit_is_meant_as_dmarc(text) || at == text.n)
            continue;
        struct str value = str_slice(text, at + strlen(tag), text.n);
        struct dmarc_record probe;
        value = str_trim(str_slice(value, 0, str_find_char(value, ';', 0)));
        dmarc_parse(str_of(arena_printf(c->arena, "v=DMARC1; rua=" STR_FMT, STR_ARG(value))),
            c->arena, &probe);
        if (probe.has_valid_rua && probe.notes_n == 0)
            return value;
    }
    return STR("");
}

/* Without size limits (RFC 9989 has none), and without what is no URI. */
static void add_uris(struct audit_case *c, struct buf *out, const char *tag, struct str uris)
{
    struct str uri;
    bool first = true;
    while (str_next(&uris, ',', &uri)) {
        uri = str_trim(str_slice(uri, 0, str_find_char(uri, '!', 0)));
        struct dmarc_record one;
        dmarc_parse(
            str_of(arena_printf(c->arena, "v=DMARC1; rua=" STR_FMT, STR_ARG(uri))), c->arena, &one);
        if (!one.has_valid_rua || audit_uri_is_lost(c, uri))
            continue;
        buf_addf(out, "%s" STR_FMT, first ? tag : ",", STR_ARG(uri));
        first = false;
    }
}

const char *audit_wanted_dmarc(struct audit_case *c, const char *domain)
{
    AUTO(buf_close) struct buf out = {0};
    const struct dmarc_record *r =
        c->record && strcmp(c->record->domain, domain) == 0 ? &c->record->record : NULL;
    buf_addf(&out, "v=DMARC1; p=%s", dmarc_policy_name(wanted_policy(c, r)));
    if (r && r->sp > DMARC_NONE)
        buf_addf(&out, "; sp=%s", dmarc_policy_name(r->sp));
    if (r && r->np > DMARC_NONE)
        buf_addf(&out, "; np=%s", dmarc_policy_name(r->np));
    if (r && r->psd != 'u')
        buf_addf(&out, "; psd=%c", r->psd);
    if (r && r->adkim == 's')
        buf_add_text(&out, "; adkim=s");
    if (r && r->aspf == 's')
        buf_add_text(&out, "; aspf=s");
    size_t before = out.n;
    add_uris(c, &out, "; rua=", r ? r->rua : old_uris(c, "rua="));
    if (out.n == before)
        buf_addf(&out, "; rua=mailto:dmarc@%s", domain);
    before = out.n;
    add_uris(c, &out, "; ruf=", r ? r->ruf : STR(""));
    if (r && out.n > before && !str_is(r->fo, "0"))
        buf_addf(&out, "; fo=" STR_FMT, STR_ARG(r->fo));
    return arena_text(c->arena, buf_str(&out));
}

/* ---- DKIM ------------------------------------------------------------------------------------ */

const char *audit_wanted_key(struct audit_case *c, const struct audit_key_fact *k)
{
    AUTO(buf_close) struct buf out = {0};
    bool found = k->record.status == DKIM_RECORD_GOOD;
    if (!k->ours && !found)
        return "";
    buf_addf(&out, "v=DKIM1; k=%s; p=", k->ours ? k->key->type : k->record.key_type);
    encode_base64(&out, k->ours ? k->key->public_key : k->record.public_key);
    return arena_text(c->arena, buf_str(&out));
}
