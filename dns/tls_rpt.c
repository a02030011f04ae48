#include "dns/tls_rpt.h"

#include "dns/fields.h"
#include "dns/name.h"

#define VERSION "v=TLSRPTv1"

struct parse {
    struct tls_rpt_record *out;
    struct notes notes;
    struct tls_rpt_uri *uris;
    bool have_rua;
};

static bool broken(struct parse *p, struct said what, struct str value)
{
    p->out->status = TLS_RPT_BROKEN;
    p->out->why = SAY_AROUND(p->notes.arena, what, "found.text", "{{said}}: \"{{text}}\"",
        {"text", arena_text(p->notes.arena, str_slice(value, 0, 80))});
    return false;
}

static bool is_uri_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
    return true;
}

static const char *host_text(struct parse *p, struct str host)
{
    char canonical[NAME_SIZE];
    if (!name_canonical(host, canonical))
        return NULL;
    return arena_text(p->notes.arena, str_of(canonical));
}

/* mailto:box@host?headers (RFC 6068). */
static const char *mailto_host(struct parse *p, struct str rest)
{
    rest = str_slice(rest, 0, str_find_char(rest, '?', 0));
    size_t at = str_find_char(rest, '@', 0);
    return at > 0 ? host_text(p, str_slice(rest, at + 1, rest.n)) : NULL;
}

/* https://host:port/path */
static const char *https_host(struct parse *p, struct str rest)
{
    if (!str_starts(rest, STR("//")))
        return NULL;
    rest = str_slice(rest, 2, rest.n);
    size_t end = 0;
    while (end < rest.n && !strchr(":/?#", rest.p[end]))
        end++;
    return host_text(p, str_slice(rest, 0, end));
}

/* A scheme that nobody reports to is no mistake of syntax; a bad address is. */
static bool take_uri(struct parse *p, struct str uri)
{
    size_t colon = str_find_char(uri, ':', 0);
    struct str scheme = str_slice(uri, 0, colon), rest = str_slice(uri, colon + 1, uri.n);
    bool mailto = str_is_nocase(scheme, "mailto"), https = str_is_nocase(scheme, "https");
    if (colon == uri.n || colon == 0 || !is_uri_text(uri))
        return broken(p, SAID("tls_rpt.uri", "rua= has what is no URI"), uri);
    if (!mailto && !https) {
        notes_add(&p->notes, "rua= has a URI that is neither mailto nor https: \"" STR_FMT "\"",
            STR_ARG(str_slice(uri, 0, 80)));
        return true;
    }
    const char *host = mailto ? mailto_host(p, rest) : https_host(p, rest);
    if (!host)
        return broken(p, SAID("tls_rpt.host", "rua= has a URI without a host"), uri);
    if (p->out->uris_n == TLS_RPT_MAX_URIS)
        notes_add(&p->notes, "rua= has more than 16 URIs: the others are not looked at");
    else
        p->uris[p->out->uris_n++] =
            (struct tls_rpt_uri){.uri = uri, .mailto = mailto, .host = host};
    return true;
}

static bool take_rua(struct parse *p, struct str list)
{
    struct str uri;
    if (p->have_rua) {
        notes_add(&p->notes, "rua= stands again: the first one counts");
        return true;
    }
    p->have_rua = true;
    while (str_next(&list, ',', &uri))
        if (!take_uri(p, str_trim(uri)))
            return false;
    return true;
}

static bool take_field(struct parse *p, const struct field *f)
{
    if (str_is(f->name, "rua"))
        return take_rua(p, f->value);
    if (!f->well_formed)
        return broken(p, SAID("tls_rpt.field", "a field is no name=value"), f->whole);
    notes_add(
        &p->notes, "the field \"" STR_FMT "\" is unknown", STR_ARG(str_slice(f->whole, 0, 60)));
    return true;
}

void tls_rpt_parse(struct str text, struct arena *a, struct tls_rpt_record *out)
{
    *out = (struct tls_rpt_record){.status = TLS_RPT_GOOD, .why = SAID_NOTHING, .text = text};
    if (!fields_begin(text, VERSION)) {
        out->status = TLS_RPT_ABSENT;
        out->why = SAID("tls_rpt.version", "the TXT record does not begin with " VERSION ";");
        return;
    }
    struct parse p = {
        .out = out,
        .notes = notes_open(a, TLS_RPT_MAX_NOTES),
        .uris = arena_array(a, TLS_RPT_MAX_URIS, sizeof *p.uris),
    };
    struct str rest = str_slice(text, strlen(VERSION), text.n);
    struct field f;
    bool good = true;
    while (good && field_next(&rest, &f))
        good = take_field(&p, &f);
    if (good && out->uris_n == 0) {
        out->status = TLS_RPT_BROKEN;
        out->why = p.have_rua ? SAID("tls_rpt.nobody", "rua= names nobody who can be reported to")
                              : SAID("tls_rpt.no_rua", "rua= is missing");
    }
    out->uris = p.uris;
    out->notes = p.notes.list;
    out->notes_n = p.notes.n;
}

void tls_rpt_find(
    struct resolver *r, const char *domain, struct arena *a, struct tls_rpt_record *out)
{
    static const enum tls_rpt_status status_of[] = {
        [FIELDS_NONE] = TLS_RPT_ABSENT,
        [FIELDS_SEVERAL] = TLS_RPT_SEVERAL,
        [FIELDS_FAILED] = TLS_RPT_TEMPERROR,
    };
    struct str text;
    struct said why;
    uint32_t ttl_s;
    enum fields_found found =
        fields_find(r, arena_printf(a, "_smtp._tls.%s", domain), VERSION, a, &text, &why, &ttl_s);
    if (found == FIELDS_ONE)
        tls_rpt_parse(text, a, out);
    else
        *out = (struct tls_rpt_record){.status = status_of[found], .why = why, .text = text};
    out->ttl_s = ttl_s;
}
