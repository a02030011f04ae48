#include "dns/mta_sts.h"

#include "dns/fields.h"
#include "dns/name.h"

#define VERSION "v=STSv1"
#define ID_MAX 32
#define PAGE_TIMEOUT_MS 60000 /* RFC 8461 s3.3 */
#define PAGE_MAX_BYTES 65536

static void broken(struct mta_sts_record *out, struct said why)
{
    out->status = MTA_STS_BROKEN;
    out->why = why;
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char folded = (char)(s.p[i] | 0x20);
        if ((folded < 'a' || folded > 'z') && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    }
    return s.n > 0 && s.n <= ID_MAX;
}

/* False: the record is broken by this field. Order is free, of repeated fields the first counts. */
static bool take_field(
    const struct field *f, bool *have_id, struct notes *notes, struct mta_sts_record *out)
{
    struct str shown = str_slice(f->whole, 0, 60);
    bool is_known = str_is(f->name, "id");
    if (!is_known && !f->well_formed) {
        broken(out, SAY(notes->arena, "field.no_value", "\"{{text}}\" is no name=value",
                        {"text", arena_text(notes->arena, shown)}));
    } else if (!is_known) {
        notes_add(notes, "the field \"" STR_FMT "\" is unknown", STR_ARG(shown));
    } else if (*have_id) {
        notes_add(notes, "id= stands again: the first one counts");
    } else if (!is_id(f->value)) {
        broken(
            out, SAY(notes->arena, "sts.id", "id= has not 1 to 32 letters and digits: \"{{text}}\"",
                     {"text", arena_text(notes->arena, shown)}));
    } else {
        *have_id = true;
        out->id = f->value;
    }
    return out->status == MTA_STS_GOOD;
}

void mta_sts_parse_record(struct str text, struct arena *a, struct mta_sts_record *out)
{
    *out = (struct mta_sts_record){
        .status = MTA_STS_GOOD, .why = SAID_NOTHING, .text = text, .id = STR("")};
    if (!fields_begin(text, VERSION)) {
        out->status = MTA_STS_ABSENT;
        out->why = SAID("sts.version", "the TXT record does not begin with " VERSION ";");
        return;
    }
    struct notes notes = notes_open(a, MTA_STS_MAX_NOTES);
    struct str rest = str_slice(text, strlen(VERSION), text.n);
    struct field f;
    bool have_id = false, good = true;
    while (good && field_next(&rest, &f))
        good = take_field(&f, &have_id, &notes, out);
    if (good && !have_id)
        broken(out, SAID("sts.no_id", "id= is missing"));
    out->notes = notes.list;
    out->notes_n = notes.n;
}

void mta_sts_find(
    struct resolver *r, const char *domain, struct arena *a, struct mta_sts_record *out)
{
    static const enum mta_sts_status status_of[] = {
        [FIELDS_NONE] = MTA_STS_ABSENT,
        [FIELDS_SEVERAL] = MTA_STS_SEVERAL,
        [FIELDS_FAILED] = MTA_STS_TEMPERROR,
    };
    struct str text;
    struct said why;
    uint32_t ttl_s;
    enum fields_found found =
        fields_find(r, arena_printf(a, "_mta-sts.%s", domain), VERSION, a, &text, &why, &ttl_s);
    if (found == FIELDS_ONE)
        mta_sts_parse_record(text, a, out);
    else
        *out = (struct mta_sts_record){
            .status = status_of[found], .why = why, .text = text, .id = STR("")};
    out->ttl_s = ttl_s;
}

/* ---- fetching and matching --------------------------------------------------------------------------- */

/* RFC 8461 s3.2 wants text/plain; parameters such as a charset may follow. */
static bool is_plain(const char *content_type)
{
    struct str type = str_of(content_type);
    return str_is_nocase(str_trim(str_slice(type, 0, str_find_char(type, ';', 0))), "text/plain");
}

void mta_sts_fetch(
    const struct web *w, const char *domain, struct arena *a, struct mta_sts_policy *out)
{
    static const struct web_limits limits = {
        .max_bytes = PAGE_MAX_BYTES, .max_redirects = 0, .timeout_ms = PAGE_TIMEOUT_MS};
    const char *url = arena_printf(a, "https://mta-sts.%s/.well-known/mta-sts.txt", domain);
    struct fetch_answer page;
    web_get(w, url, &limits, a, &page);
    if (page.status == FETCH_OK) {
        mta_sts_parse_policy(page.body, a, out);
    } else {
        *out = (struct mta_sts_policy){.status = page.status == FETCH_DNS_FAILED
                                                     ? MTA_STS_POLICY_TEMPERROR
                                                     : MTA_STS_POLICY_UNREACHABLE,
            .why = web_why(&page, a),
            .text = STR("")};
    }
    out->url = url;
    out->page = page.status;
    out->http_status = page.http_status;
    out->content_type = page.content_type;
    out->content_type_is_plain = page.status == FETCH_OK && is_plain(page.content_type);
}

static bool pattern_matches(const char *pattern, const char *host)
{
    if (strncmp(pattern, "*.", 2) != 0)
        return strcmp(pattern, host) == 0;
    const char *dot = strchr(host, '.');
    return dot && strcmp(dot + 1, pattern + 2) == 0;
}

bool mta_sts_covers(const struct mta_sts_policy *p, const char *mx_host)
{
    char host[NAME_SIZE];
    if (!name_canonical(str_of(mx_host), host))
        return false;
    for (size_t i = 0; i < p->mx_n; i++)
        if (pattern_matches(p->mx[i], host))
            return true;
    return false;
}

const char *mta_sts_mode_name(enum mta_sts_mode m)
{
    static const char *const names[] = {"none", "testing", "enforce"};
    return names[m];
}
