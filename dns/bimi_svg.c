#include "dns/bimi_svg.h"

#include "dns/xml.h"

#define SVG_NAMESPACE "http://www.w3.org/2000/svg"
#define PAGE_TIMEOUT_MS 30000
#define PAGE_REDIRECTS 3

/* One sentence for each fault that was found, by number of its bit. */
struct look {
    struct bimi_svg *out;
    struct arena *arena;
    struct said sentences[BIMI_SVG_FAULTS];
    bool in_title, in_style;
};

static void fault(struct look *l, enum bimi_svg_fault f, struct said sentence)
{
    if (l->out->faults & f)
        return;
    l->out->faults |= f;
    l->sentences[__builtin_ctz(f)] = sentence;
}

static bool is_one_of(struct str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(word, words[i]))
            return true;
    return false;
}

/* ---- content that a logo must not have --------------------------------------------------------------- */

static void judge_element(struct look *l, struct str local)
{
    static const char *const active[] = {"script", "handler", "listener", "foreignObject",
        "animate", "animateColor", "animateMotion", "animateTransform", "set", "discard", "iframe"};
    static const char *const media[] = {
        "image", "audio", "video", "animation", "prefetch", "feImage"};
    if (is_one_of(local, active, COUNT_OF(active)))
        fault(l, BIMI_SVG_SCRIPT,
            SAY(l->arena, "logo.active",
                "<{{element}}> may not stand in a logo: no scripts, no animation",
                {"element", arena_text(l->arena, local)}));
    if (is_one_of(local, media, COUNT_OF(media)))
        fault(l, BIMI_SVG_EXTERNAL,
            SAY(l->arena, "logo.media",
                "<{{element}}> may not stand in a logo: only shapes and text",
                {"element", arena_text(l->arena, local)}));
}

/* url(#id) stays inside; any other url() and @import lead out. */
static bool styles_lead_out(struct str s)
{
    if (str_find(s, STR("@import"), 0) < s.n)
        return true;
    for (size_t at = str_find(s, STR("url("), 0); at < s.n; at = str_find(s, STR("url("), at + 1)) {
        size_t i = at + 4;
        while (i < s.n && strchr(" '\"\t\r\n", s.p[i]) && s.p[i])
            i++;
        if (i == s.n || s.p[i] != '#')
            return true;
    }
    return false;
}

static void judge_attribute(struct look *l, struct str name, struct str value)
{
    struct str local = xml_local(name);
    struct str shown = str_slice(value, 0, 80);
    if (str_starts_nocase(local, STR("on")))
        fault(l, BIMI_SVG_SCRIPT,
            SAY(l->arena, "logo.script", "the attribute {{attribute}} runs a script",
                {"attribute", arena_text(l->arena, str_slice(name, 0, 40))}));
    bool is_reference = str_is(local, "href") || str_is(local, "src");
    if ((is_reference && !str_starts(value, STR("#"))) || styles_lead_out(value))
        fault(l, BIMI_SVG_EXTERNAL,
            SAY(l->arena, "logo.leads_out", "{{attribute}}=\"{{value}}\" leads out of the document",
                {"attribute", arena_text(l->arena, str_slice(name, 0, 40))},
                {"value", arena_text(l->arena, shown)}));
}

static void judge_attributes(struct look *l, struct str attributes)
{
    struct str name, value;
    while (xml_attribute(&attributes, &name, &value))
        judge_attribute(l, name, value);
}

/* ---- the root ---------------------------------------------------------------------------------------- */

static bool find_attribute(struct str attributes, const char *wanted, struct str *out)
{
    struct str name;
    *out = STR("");
    while (xml_attribute(&attributes, &name, out))
        if (str_is(name, wanted))
            return true;
    *out = STR("");
    return false;
}

/* Decimal without exponent: what drawing programs write in a viewBox, whatever the locale. */
static bool take_number(struct str *rest, double *out)
{
    double sign = 1, value = 0, weight = 1;
    size_t i = 0, digits = 0;
    while (i < rest->n && strchr(" ,\t\r\n", rest->p[i]) && rest->p[i])
        i++;
    if (i < rest->n && (rest->p[i] == '-' || rest->p[i] == '+'))
        sign = rest->p[i++] == '-' ? -1 : 1;
    for (bool fraction = false; i < rest->n; i++) {
        if (rest->p[i] == '.' && !fraction) {
            fraction = true;
        } else if (rest->p[i] >= '0' && rest->p[i] <= '9' && digits < 15) {
            value = value * 10 + (rest->p[i] - '0');
            weight = fraction ? weight * 10 : weight;
            digits++;
        } else {
            break;
        }
    }
    *rest = str_slice(*rest, i, rest->n);
    *out = sign * value / weight;
    return digits > 0;
}

static void judge_view_box(struct look *l, struct str value)
{
    double number[4];
    bool good = true;
    struct str rest = value;
    for (size_t i = 0; i < COUNT_OF(number) && good; i++)
        good = take_number(&rest, &number[i]);
    if (!good || str_trim(rest).n > 0 || number[2] <= 0 || number[3] <= 0)
        fault(
            l, BIMI_SVG_VIEW_BOX, SAID("logo.view_box", "the root has no viewBox of four numbers"));
    else if (number[2] < number[3] || number[2] > number[3])
        fault(l, BIMI_SVG_NOT_SQUARE,
            SAY(l->arena, "logo.not_square", "the viewBox \"{{value}}\" is not square",
                {"value", arena_text(l->arena, str_slice(value, 0, 60))}));
}

static bool is_svg_root(const struct xml_event *root)
{
    struct str space, local = xml_local(root->name);
    char name[64] = "xmlns";
    if (local.n < root->name.n) {
        struct str prefix = str_slice(root->name, 0, root->name.n - local.n - 1);
        memcpy(name + 5, ":", 2);
        if (!str_copy(prefix, name + 6, sizeof name - 6))
            return false;
    }
    return str_is(local, "svg") && find_attribute(root->attributes, name, &space) &&
           str_is(space, SVG_NAMESPACE);
}

static void judge_root(struct look *l, const struct xml_event *root)
{
    struct str value;
    if (!is_svg_root(root)) {
        fault(l, BIMI_SVG_NOT_SVG,
            SAID("logo.root", "the root is not <svg> in the namespace " SVG_NAMESPACE));
        return;
    }
    find_attribute(root->attributes, "baseProfile", &value);
    if (!str_is(value, "tiny-ps"))
        fault(l, BIMI_SVG_PROFILE,
            SAY(l->arena, "logo.profile", "baseProfile is \"{{value}}\", not \"tiny-ps\"",
                {"value", arena_text(l->arena, str_slice(value, 0, 40))}));
    find_attribute(root->attributes, "version", &value);
    if (!str_is(value, "1.2"))
        fault(l, BIMI_SVG_VERSION,
            SAY(l->arena, "logo.version", "version is \"{{value}}\", not \"1.2\"",
                {"value", arena_text(l->arena, str_slice(value, 0, 40))}));
    if (find_attribute(root->attributes, "x", &value) ||
        find_attribute(root->attributes, "y", &value))
        fault(
            l, BIMI_SVG_X_Y, SAID("logo.x_y", "the root has x= or y=, which the profile forbids"));
    find_attribute(root->attributes, "viewBox", &value);
    judge_view_box(l, value);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void take_open(struct look *l, const struct xml *x, const struct xml_event *e, bool is_root)
{
    struct str local = xml_local(e->name);
    if (is_root)
        judge_root(l, e);
    judge_element(l, local);
    judge_attributes(l, e->attributes);
    l->in_title = !e->empty && x->depth == 2 && str_is(local, "title");
    l->in_style = !e->empty && str_is(local, "style");
}

static void take_text(struct look *l, struct str text)
{
    if (l->in_title && l->out->title.n == 0)
        l->out->title = str_trim(text);
    if (l->in_style && styles_lead_out(text))
        fault(
            l, BIMI_SVG_EXTERNAL, SAID("logo.style", "its style sheet leads out of the document"));
}

static void take_event(struct look *l, const struct xml *x, const struct xml_event *e, bool is_root)
{
    switch (e->kind) {
    case XML_OPEN:
        take_open(l, x, e, is_root);
        break;
    case XML_CLOSE:
        l->in_title = l->in_style = false;
        break;
    case XML_TEXT:
        take_text(l, e->text);
        break;
    case XML_INSTRUCTION:
        if (str_is(e->name, "xml-stylesheet"))
            fault(l, BIMI_SVG_EXTERNAL,
                SAID("logo.style_sheet", "a style sheet is named that lies outside"));
        break;
    case XML_DOCTYPE:
        fault(l, BIMI_SVG_DOCTYPE,
            SAID("logo.doctype", "it has a DOCTYPE, which the profile forbids"));
        break;
    case XML_BROKEN:
        fault(l, BIMI_SVG_NOT_SVG, SAID("logo.xml", "it is no well-formed XML"));
        break;
    case XML_END:
        break;
    }
}

static void read_all(struct look *l, struct str bytes)
{
    struct xml x;
    struct xml_event e;
    xml_begin(&x, bytes);
    do {
        bool before_root = !x.had_root;
        xml_next(&x, &e);
        take_event(l, &x, &e, before_root);
    } while (e.kind != XML_END && e.kind != XML_BROKEN);
    if (!(l->out->faults & BIMI_SVG_NOT_SVG) && l->out->title.n == 0)
        fault(l, BIMI_SVG_TITLE,
            SAID("logo.title", "it has no <title>, which must name the company"));
}

static void sum_up(struct look *l)
{
    struct said *details = arena_array(l->arena, BIMI_SVG_FAULTS, sizeof *details);
    for (size_t i = 0; i < BIMI_SVG_FAULTS; i++)
        if (!said_is_nothing(&l->sentences[i]))
            details[l->out->details_n++] = l->sentences[i];
    l->out->details = details;
    l->out->status = l->out->faults ? BIMI_SVG_FAULTY : BIMI_SVG_GOOD;
    l->out->why = l->out->faults ? details[0] : SAID_NOTHING;
}

static void not_checked(struct bimi_svg *out, struct said why)
{
    out->status = BIMI_SVG_NOT_CHECKED;
    out->why = why;
}

void bimi_svg_check(struct str bytes, struct arena *a, struct bimi_svg *out)
{
    *out = (struct bimi_svg){.why = SAID_NOTHING, .bytes = bytes.n, .title = STR(""), .url = ""};
    struct look l = {.out = out, .arena = a};
    if (str_starts(bytes, STR("\x1f\x8b"))) {
        not_checked(
            out, SAID("logo.compressed", "it is compressed (.svgz), and is not looked into"));
        return;
    }
    if (bytes.n > BIMI_SVG_MAX_BYTES) {
        not_checked(out, SAID("logo.large", "it has more than 1 MiB, and is not looked into"));
        return;
    }
    if (bytes.n > BIMI_SVG_ADVISED_BYTES)
        fault(&l, BIMI_SVG_TOO_LARGE,
            SAY(a, "logo.bytes", "it has {{bytes}} bytes; mailbox providers take 32768",
                {"bytes", arena_printf(a, "%zu", bytes.n)}));
    read_all(&l, bytes);
    sum_up(&l);
}

void bimi_svg_fetch(const struct web *w, const char *url, struct arena *a, struct bimi_svg *out)
{
    static const struct web_limits limits = {.max_bytes = BIMI_SVG_MAX_BYTES,
        .max_redirects = PAGE_REDIRECTS,
        .timeout_ms = PAGE_TIMEOUT_MS};
    struct fetch_answer page;
    web_get(w, url, &limits, a, &page);
    if (page.status == FETCH_OK) {
        bimi_svg_check(page.body, a, out);
    } else {
        bool unknown = page.status == FETCH_DNS_FAILED || page.status == FETCH_TOO_LARGE;
        *out = (struct bimi_svg){.status = unknown ? BIMI_SVG_NOT_CHECKED : BIMI_SVG_UNREACHABLE,
            .why = web_why(&page, a),
            .title = STR("")};
    }
    out->url = url;
    out->page = page.status;
    out->http_status = page.http_status;
}
