#include "dns/bimi.h"

#include "dns/fields.h"
#include "dns/name.h"
#include "dns/tags.h"

struct parse {
    struct bimi_record *out;
    struct notes notes;
    bool have_l, have_a;
};

static bool broken(struct parse *p, struct said why)
{
    p->out->status = BIMI_BROKEN;
    p->out->why = why;
    return false;
}

/* One https URL with a host, or nothing; commas and semicolons are percent-encoded in it. */
static bool is_https_url(struct str s)
{
    char host[NAME_SIZE];
    if (!str_starts_nocase(s, STR("https://")))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"<>\\^`{|},", s.p[i]))
            return false;
    struct str rest = str_slice(s, strlen("https://"), s.n);
    size_t end = 0;
    while (end < rest.n && !strchr(":/?#", rest.p[end]))
        end++;
    return name_canonical(str_slice(rest, 0, end), host);
}

static bool take_url(struct parse *p, char letter, struct str value, bool *have, const char **out)
{
    if (*have) {
        notes_add(&p->notes, "%c= stands again: the first one counts", letter);
        return true;
    }
    *have = true;
    if (value.n > 0 && !is_https_url(value))
        return broken(p, SAY(p->notes.arena, "bimi.url", "{{tag}}= is no https URL: \"{{text}}\"",
                             {"tag", (char[]){letter, 0}},
                             {"text", arena_text(p->notes.arena, str_slice(value, 0, 120))}));
    *out = arena_text(p->notes.arena, value);
    return true;
}

/* Tag names are compared with case, as in DKIM; unknown ones are ignored. */
static bool take_tag(struct parse *p, const struct tag *t)
{
    if (!t->well_formed)
        return broken(p, SAY(p->notes.arena, "tag.no_value", "\"{{text}}\" is no tag=value",
                             {"text", arena_text(p->notes.arena, str_slice(t->whole, 0, 60))}));
    if (str_is(t->name, "l"))
        return take_url(p, 'l', t->value, &p->have_l, &p->out->logo);
    if (str_is(t->name, "a"))
        return take_url(p, 'a', t->value, &p->have_a, &p->out->evidence);
    if (!str_is(t->name, "avp") && !str_is(t->name, "lps"))
        notes_add(&p->notes, "the tag " STR_FMT " is unknown", STR_ARG(str_slice(t->name, 0, 40)));
    return true;
}

/* The version comes first, letter for letter, blanks around "=" allowed. */
static bool takes_version(struct str *rest)
{
    struct str piece;
    if (!str_next(rest, ';', &piece) || !str_starts(piece, STR("v")))
        return false;
    size_t equals = str_find_char(piece, '=', 0);
    return equals < piece.n && str_trim(str_slice(piece, 1, equals)).n == 0 &&
           str_is(str_trim(str_slice(piece, equals + 1, piece.n)), "BIMI1");
}

void bimi_parse(struct str text, struct arena *a, struct bimi_record *out)
{
    struct str rest = text;
    struct tag tag;
    *out = (struct bimi_record){
        .status = BIMI_GOOD, .why = SAID_NOTHING, .text = text, .logo = "", .evidence = ""};
    if (!takes_version(&rest)) {
        out->status = BIMI_ABSENT;
        out->why = SAID("bimi.version", "the TXT record does not begin with v=BIMI1");
        return;
    }
    struct parse p = {.out = out, .notes = notes_open(a, BIMI_MAX_NOTES)};
    bool good = true;
    while (good && tag_next(&rest, &tag))
        good = take_tag(&p, &tag);
    out->notes = p.notes.list;
    out->notes_n = p.notes.n;
    if (good && !p.have_l) {
        broken(&p, SAID("bimi.no_l", "l= is missing"));
    } else if (good && !out->logo[0] && out->evidence[0]) {
        broken(&p, SAID("bimi.mark_alone", "a= names a certificate, but l= names no logo"));
    } else if (good && !out->logo[0]) {
        out->status = BIMI_DECLINED;
        out->why = SAID("bimi.declined", "l= is empty: the domain asks for no logo");
    }
}

static void pick(
    const struct dns_answer *answer, const char *name, struct arena *a, struct bimi_record *out)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n; i++) {
        struct bimi_record one;
        bimi_parse(answer->records[i].data, a, &one);
        if (one.status != BIMI_ABSENT && n++ == 0)
            *out = one;
    }
    if (n == 0) {
        out->why =
            SAY(a, "bimi.none", "no TXT record at {{name}} begins with v=BIMI1", {"name", name});
    } else if (n > 1) {
        out->status = BIMI_SEVERAL;
        out->why = SAY(a, "bimi.several",
            "{{count}} records at {{name}} begin with v=BIMI1 where one may: receivers take none",
            {"count", arena_printf(a, "%zu", n)}, {"name", name});
    }
}

void bimi_find(struct resolver *r, const char *domain, const char *selector, struct arena *a,
    struct bimi_record *out)
{
    struct dns_answer answer;
    const char *name = arena_printf(a, "%s._bimi.%s", selector, domain);
    resolver_ask(r, name, DNS_TXT, a, &answer);
    *out = (struct bimi_record){.status = BIMI_ABSENT, .text = STR(""), .logo = "", .evidence = ""};
    if (answer.status == DNS_FOUND) {
        pick(&answer, name, a, out);
    } else if (answer.status == DNS_NXDOMAIN || answer.status == DNS_NODATA) {
        out->why = SAY(a, "txt.absent", "no TXT record at {{name}}", {"name", name});
    } else {
        out->status = BIMI_TEMPERROR;
        out->why = dns_no_answer(a, name, answer.status);
    }
    out->ttl_s = answer.ttl_s;
}
