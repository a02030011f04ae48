/* BIMI: the record, the logo (SVG Tiny Portable/Secure), the fields of the mark certificate. */
#include "dns/bimi.h"
#include "dns/bimi_mark.h"
#include "dns/bimi_svg.h"
#include "dns/xml.h"
#include "tests/dns/world.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_MS ((int64_t)86400000)

/* ---- the record -------------------------------------------------------------------------------------- */

static const char *const words[] = {"good", "absent", "declined", "several", "broken", "temperror"};

static const char *describe(struct arena *a, const struct bimi_record *r)
{
    return r->status == BIMI_GOOD ? arena_printf(a, "good l=%s a=%s", r->logo, r->evidence)
                                  : words[r->status];
}

static void records_are_judged(void **state)
{
    static const struct {
        const char *name, *text, *want, *why, *note;
    } cases[] = {
        {"logo_alone", "v=BIMI1; l=https://a.example/logo.svg",
            "good l=https://a.example/logo.svg a=", "", ""},
        {"logo_and_certificate", "v=BIMI1; l=https://a.example/l.svg; a=https://a.example/m.pem;",
            "good l=https://a.example/l.svg a=https://a.example/m.pem", "", ""},
        {"empty_evidence",
            "v=BIMI1;l=https://a.example/l.svg;a=", "good l=https://a.example/l.svg a=", "", ""},
        {"blanks_around_equals", "v = BIMI1 ; l = https://a.example/l.svg",
            "good l=https://a.example/l.svg a=", "", ""},
        {"any_order_behind_the_version", "v=BIMI1; a=; l=https://a.example/l.svg",
            "good l=https://a.example/l.svg a=", "", ""},
        {"host_in_upper_case", "v=BIMI1; l=HTTPS://A.Example/l.svg",
            "good l=HTTPS://A.Example/l.svg a=", "", ""},
        {"later_tags", "v=BIMI1; l=https://a.example/l.svg; avp=brand; lps=x",
            "good l=https://a.example/l.svg a=", "", ""},
        {"unknown_tags_are_ignored", "v=BIMI1; l=https://a.example/l.svg; x=1",
            "good l=https://a.example/l.svg a=", "", "unknown"},
        {"twice_the_first_counts", "v=BIMI1; l=https://a.example/1; l=https://a.example/2",
            "good l=https://a.example/1 a=", "", "first one counts"},
        {"declined", "v=BIMI1; l=; a=;", "declined", "no logo", ""},
        {"declined_without_evidence", "v=BIMI1; l=", "declined", "no logo", ""},
        {"evidence_without_logo", "v=BIMI1; l=; a=https://a.example/m.pem", "broken", "no logo",
            ""},
        {"logo_missing", "v=BIMI1; a=https://a.example/m.pem", "broken", "l= is missing", ""},
        {"version_alone", "v=BIMI1", "broken", "l= is missing", ""},
        {"plain_http", "v=BIMI1; l=http://a.example/l.svg", "broken", "l= is no https URL", ""},
        {"no_host", "v=BIMI1; l=https:///l.svg", "broken", "l= is no https URL", ""},
        {"two_urls", "v=BIMI1; l=https://a.example/1,https://a.example/2", "broken",
            "l= is no https URL", ""},
        {"a_blank_in_the_url", "v=BIMI1; l=https://a.example/my logo.svg", "broken",
            "l= is no https URL", ""},
        {"evidence_by_http", "v=BIMI1; l=https://a.example/1; a=http://a.example/2", "broken",
            "a= is no https URL", ""},
        {"no_tag_list", "v=BIMI1; hello", "broken", "no tag=value", ""},
        {"tag_in_upper_case_is_another", "v=BIMI1; L=https://a.example/1", "broken",
            "l= is missing", "unknown"},
        {"version_in_lower_case", "v=bimi1; l=https://a.example/1", "absent", "v=BIMI1", ""},
        {"version_not_first", "l=https://a.example/1; v=BIMI1", "absent", "v=BIMI1", ""},
        {"another_record", "v=spf1 -all", "absent", "v=BIMI1", ""},
        {"empty", "", "absent", "v=BIMI1", ""},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct bimi_record r;
        bimi_parse(str_of(c->text), w->arena, &r);
        expect_text(c->name, describe(w->arena, &r), c->want);
        if (!strstr(r.why.text, c->why) || (r.status == BIMI_GOOD) != (r.why.text[0] == 0))
            fail_msg("%s: why is \"%s\"", c->name, r.why.text);
        expect_number(c->name, r.notes_n > 0, c->note[0] != 0);
        if (r.notes_n > 0 && !strstr(r.notes[0], c->note))
            fail_msg("%s: the note is \"%s\"", c->name, r.notes[0]);
    }
}

static void records_are_found(void **state)
{
    static const struct {
        const char *domain, *selector, *want;
    } cases[] = {
        {"good.example", "default", "good l=https://a.example/1 a="},
        {"good.example", "winter", "declined"},
        {"good.example", "summer", "absent"},
        {"two.example", "default", "several"},
        {"other.example", "default", "absent"},
        {"elsewhere.test", "default", "temperror"},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct bimi_record r;
        bimi_find(w->resolver, c->domain, c->selector, w->arena, &r);
        expect_text(c->domain, describe(w->arena, &r), c->want);
        expect_number(c->domain, r.status == BIMI_GOOD, r.why.text[0] == 0);
    }
}

/* ---- the logo ---------------------------------------------------------------------------------------- */

#define ROOT_WITH(attributes) "<svg xmlns=\"http://www.w3.org/2000/svg\" " attributes ">"
#define PROFILE "version=\"1.2\" baseProfile=\"tiny-ps\" "
#define ROOT ROOT_WITH(PROFILE "viewBox=\"0 0 64 64\"")
#define LOGO(inside) ROOT "<title>Shop</title>" inside "</svg>"

static void logos_are_judged(void **state)
{
    static const struct {
        const char *name, *text;
        unsigned want;
    } cases[] = {
        {"a_good_one", LOGO("<path d=\"M0 0h9v9z\" fill=\"#f00\"/>"), 0},
        {"with_declaration_and_comment",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x -->\n" LOGO(
                "<g><!-- <script/> --></g>") "\n<!-- end -->\n",
            0},
        {"with_byte_order_mark", "\xef\xbb\xbf" LOGO(""), 0},
        {"with_a_prefix",
            "<s:svg xmlns:s='http://www.w3.org/2000/svg' " PROFILE
            "viewBox='0 0 1 1'><s:title>Shop</s:title></s:svg>",
            0},
        {"references_inside",
            LOGO("<linearGradient id=\"g\"/><use xlink:href=\"#g\"/><rect fill=\"url(#g)\" "
                 "style=\"stroke:url( '#g' )\"/>"),
            0},
        {"view_box_with_commas_and_fractions",
            ROOT_WITH(PROFILE "viewBox=\" -1.5,0 , 64.50 64.5 \"") "<title>Shop</title></svg>", 0},
        {"no_svg", "<html><title>x</title></html>", BIMI_SVG_NOT_SVG},
        {"no_namespace", "<svg " PROFILE "viewBox=\"0 0 1 1\"><title>x</title></svg>",
            BIMI_SVG_NOT_SVG},
        {"another_namespace", "<svg xmlns=\"urn:x\" " PROFILE "><title>x</title></svg>",
            BIMI_SVG_NOT_SVG},
        {"no_xml", "\x89PNG\r\n", BIMI_SVG_NOT_SVG},
        {"empty", "", BIMI_SVG_NOT_SVG},
        {"not_closed", ROOT "<title>Shop</title>", BIMI_SVG_NOT_SVG},
        {"closed_crosswise", ROOT "<g><title>Shop</g></title></svg>", BIMI_SVG_NOT_SVG},
        {"two_roots", LOGO("") "<svg/>", BIMI_SVG_NOT_SVG},
        {"text_behind_the_root", LOGO("") "x", BIMI_SVG_NOT_SVG},
        {"attribute_without_quotes", ROOT "<title>Shop</title><g id=x/></svg>", BIMI_SVG_NOT_SVG},
        {"attributes_without_blank", LOGO("<g a=\"1\"b=\"2\"/>"), BIMI_SVG_NOT_SVG},
        {"comment_without_end", LOGO("<!-- "), BIMI_SVG_NOT_SVG},
        {"another_profile",
            ROOT_WITH("version=\"1.2\" baseProfile=\"tiny\" viewBox=\"0 0 1 1\"") "<title>Shop</"
                                                                                  "title></svg>",
            BIMI_SVG_PROFILE},
        {"profile_missing",
            ROOT_WITH("version=\"1.2\" viewBox=\"0 0 1 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_PROFILE},
        {"another_version",
            ROOT_WITH("version=\"1.1\" baseProfile=\"tiny-ps\" viewBox=\"0 0 1 1\"") "<title>Shop</"
                                                                                     "title></svg>",
            BIMI_SVG_VERSION},
        {"no_title", ROOT "<g/></svg>", BIMI_SVG_TITLE},
        {"an_empty_title", ROOT "<title> \n</title></svg>", BIMI_SVG_TITLE},
        {"a_title_that_ends_itself", ROOT "<title/></svg>", BIMI_SVG_TITLE},
        {"a_title_deeper_down", ROOT "<g><title>Shop</title></g></svg>", BIMI_SVG_TITLE},
        {"x_on_the_root",
            ROOT_WITH(PROFILE "x=\"0\" viewBox=\"0 0 1 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_X_Y},
        {"y_on_the_root",
            ROOT_WITH(PROFILE "y=\"0px\" viewBox=\"0 0 1 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_X_Y},
        {"x_elsewhere_is_fine", LOGO("<rect x=\"1\" y=\"1\"/>"), 0},
        {"no_view_box", ROOT_WITH(PROFILE) "<title>Shop</title></svg>", BIMI_SVG_VIEW_BOX},
        {"view_box_of_three", ROOT_WITH(PROFILE "viewBox=\"0 0 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_VIEW_BOX},
        {"view_box_of_five", ROOT_WITH(PROFILE "viewBox=\"0 0 1 1 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_VIEW_BOX},
        {"view_box_of_nothing",
            ROOT_WITH(PROFILE "viewBox=\"0 0 0 0\"") "<title>Shop</title></svg>",
            BIMI_SVG_VIEW_BOX},
        {"not_square", ROOT_WITH(PROFILE "viewBox=\"0 0 2 1\"") "<title>Shop</title></svg>",
            BIMI_SVG_NOT_SQUARE},
        {"a_script", LOGO("<script>alert(1)</script>"), BIMI_SVG_SCRIPT},
        {"a_script_with_prefix", LOGO("<svg:script/>"), BIMI_SVG_SCRIPT},
        {"an_event", LOGO("<g onclick=\"x()\"/>"), BIMI_SVG_SCRIPT},
        {"foreign_content", LOGO("<foreignObject/>"), BIMI_SVG_SCRIPT},
        {"animation", LOGO("<animate attributeName=\"x\"/>"), BIMI_SVG_SCRIPT},
        {"a_raster_image", LOGO("<image href=\"#a\"/>"), BIMI_SVG_EXTERNAL},
        {"a_link_outside", LOGO("<a xlink:href=\"https://a.example/\"><g/></a>"),
            BIMI_SVG_EXTERNAL},
        {"a_script_link", LOGO("<a href=\"javascript:x()\"><g/></a>"), BIMI_SVG_EXTERNAL},
        {"data_in_a_link", LOGO("<use href=\"data:image/svg+xml,x\"/>"), BIMI_SVG_EXTERNAL},
        {"a_colour_from_outside", LOGO("<g fill=\"url(https://a.example/#x)\"/>"),
            BIMI_SVG_EXTERNAL},
        {"a_second_colour_from_outside", LOGO("<g style=\"a:url(#x);b:url('x.svg')\"/>"),
            BIMI_SVG_EXTERNAL},
        {"a_style_sheet_from_outside", LOGO("<style>@import 'x.css';</style>"), BIMI_SVG_EXTERNAL},
        {"a_style_sheet_in_cdata", LOGO("<style><![CDATA[g{fill:url(x)}]]></style>"),
            BIMI_SVG_EXTERNAL},
        {"a_style_sheet_named_above", "<?xml-stylesheet href=\"x.css\"?>" LOGO(""),
            BIMI_SVG_EXTERNAL},
        {"a_doctype", "<!DOCTYPE svg>" LOGO(""), BIMI_SVG_DOCTYPE},
        {"a_doctype_with_entities", "<!DOCTYPE svg [<!ENTITY x \"y\">]>" LOGO(""),
            BIMI_SVG_DOCTYPE},
        {"several_faults", ROOT_WITH("viewBox=\"0 0 2 1\"") "<script/></svg>",
            BIMI_SVG_SCRIPT | BIMI_SVG_PROFILE | BIMI_SVG_VERSION | BIMI_SVG_TITLE |
                BIMI_SVG_NOT_SQUARE},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct bimi_svg svg;
        bimi_svg_check(str_of(c->text), w->arena, &svg);
        if (svg.faults != c->want)
            fail_msg("%s: have %#x (%s), want %#x", c->name, svg.faults, svg.why.text, c->want);
        expect_number(c->name, svg.status, c->want ? BIMI_SVG_FAULTY : BIMI_SVG_GOOD);
        expect_number(c->name, (int64_t)svg.details_n, __builtin_popcount(c->want));
        expect_text(c->name, svg.why.text, c->want ? svg.details[0].text : "");
        expect_number(c->name, (int64_t)svg.bytes, (int64_t)strlen(c->text));
        if (!c->want)
            expect_text(c->name, arena_text(w->arena, svg.title), "Shop");
    }
}

static void logos_have_a_size(void **state)
{
    struct world *w = *state;
    struct bimi_svg svg;
    struct buf b = {0};
    buf_add_text(&b, ROOT "<title>Shop</title></svg>");
    while (b.n < BIMI_SVG_ADVISED_BYTES)
        buf_add_char(&b, '\n');
    bimi_svg_check(buf_str(&b), w->arena, &svg);
    expect_number("32 KB", svg.faults, 0);
    buf_add_char(&b, '\n');
    bimi_svg_check(buf_str(&b), w->arena, &svg);
    expect_number("a byte more", svg.faults, BIMI_SVG_TOO_LARGE);
    while (b.n <= BIMI_SVG_MAX_BYTES)
        buf_add_char(&b, '\n');
    bimi_svg_check(buf_str(&b), w->arena, &svg);
    expect_number("above what is looked at", svg.status, BIMI_SVG_NOT_CHECKED);
    bimi_svg_check(STR("\x1f\x8b\x08 compressed"), w->arena, &svg);
    expect_number("compressed", svg.status, BIMI_SVG_NOT_CHECKED);
    buf_clear(&b);
    for (int i = 0; i < 200; i++)
        buf_add_text(&b, i == 0 ? ROOT : "<g>");
    bimi_svg_check(buf_str(&b), w->arena, &svg);
    expect_number("too deep", svg.faults & BIMI_SVG_NOT_SVG, BIMI_SVG_NOT_SVG);
    for (int i = 0; i < XML_MAX_DEPTH; i++)
        buf_add_text(&b, i < XML_MAX_DEPTH - 1 ? "</g>" : "</svg>");
    bimi_svg_check(buf_str(&b), w->arena, &svg);
    expect_number("closed as far as is kept", svg.faults & BIMI_SVG_NOT_SVG, BIMI_SVG_NOT_SVG);
    buf_close(&b);
}

/* ---- the certificate --------------------------------------------------------------------------------- */

struct mark {
    const char *san; /* "DNS:...", NULL = none */
    int64_t from_ms, to_ms;
    bool logotype, purpose;
};

static void add(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static void add_logotype(X509 *x)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.12", 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(data, (const unsigned char *)"\x30\x00", 2);
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(oid);
}

static struct str pem_of(struct arena *a, EVP_PKEY *key, const struct mark *m)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(m->from_ms / 1000));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(m->to_ms / 1000));
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(x), "O", MBSTRING_ASC, (const unsigned char *)"Shop\nLtd", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    if (m->san)
        add(x, NID_subject_alt_name, m->san);
    if (m->logotype)
        add_logotype(x);
    add(x, NID_ext_key_usage, m->purpose ? "1.3.6.1.5.5.7.3.31" : "serverAuth");
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x);
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    struct str out = arena_str(a, str_bytes(p, (size_t)n));
    BIO_free(bio);
    X509_free(x);
    return out;
}

static void certificates_are_judged(void **state)
{
    struct world *w = *state;
    int64_t now = clock_now_ms(&w->clock), then = now + 100 * DAY_MS, before = now - DAY_MS;
    const struct {
        const char *name;
        struct mark mark;
        unsigned want;
    } cases[] = {
        {"for_the_domain", {"DNS:news.shop.example", before, then, true, true}, 0},
        {"in_upper_case", {"DNS:NEWS.Shop.Example", before, then, true, true}, 0},
        {"for_the_organizational_domain", {"DNS:shop.example", before, then, true, true}, 0},
        {"for_the_selector", {"DNS:winter._bimi.shop.example", before, then, true, true}, 0},
        {"one_of_several", {"DNS:a.example,DNS:shop.example", before, then, true, true}, 0},
        {"for_another_selector", {"DNS:summer._bimi.shop.example", before, then, true, true},
            BIMI_MARK_WRONG_NAME},
        {"for_another_domain", {"DNS:shop.test", before, then, true, true}, BIMI_MARK_WRONG_NAME},
        {"for_a_name_below", {"DNS:a.news.shop.example", before, then, true, true},
            BIMI_MARK_WRONG_NAME},
        {"a_star_is_no_name_of_ours", {"DNS:*.shop.example", before, then, true, true},
            BIMI_MARK_WRONG_NAME},
        {"for_nobody", {NULL, before, then, true, true}, BIMI_MARK_WRONG_NAME},
        {"for_a_mail_address", {"email:a@shop.example", before, then, true, true},
            BIMI_MARK_WRONG_NAME},
        {"expired", {"DNS:shop.example", before, now - 1000, true, true}, BIMI_MARK_EXPIRED},
        {"its_last_second", {"DNS:shop.example", before, now, true, true}, BIMI_MARK_SOON},
        {"not_yet", {"DNS:shop.example", now + 1000, then, true, true}, BIMI_MARK_NOT_YET},
        {"its_first_second", {"DNS:shop.example", now, then, true, true}, 0},
        {"ends_soon", {"DNS:shop.example", before, now + 14 * DAY_MS - 1000, true, true},
            BIMI_MARK_SOON},
        {"ends_in_14_days", {"DNS:shop.example", before, now + 14 * DAY_MS, true, true}, 0},
        {"without_logo", {"DNS:shop.example", before, then, false, true}, BIMI_MARK_NO_LOGOTYPE},
        {"of_another_purpose", {"DNS:shop.example", before, then, true, false},
            BIMI_MARK_NO_PURPOSE},
        {"a_web_certificate", {"DNS:shop.example", before, then, false, false},
            BIMI_MARK_NO_LOGOTYPE | BIMI_MARK_NO_PURPOSE},
    };
    const struct bimi_mark_owner owner = {"news.shop.example", "shop.example", "winter"};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EACH(c, cases)
    {
        struct bimi_mark m;
        bimi_mark_check(pem_of(w->arena, key, &c->mark), &owner, now, w->arena, &m);
        if (m.faults != c->want)
            fail_msg("%s: have %#x (%s), want %#x", c->name, m.faults, m.why.text, c->want);
        expect_number(c->name, m.status,
            c->want & ~(unsigned)BIMI_MARK_SOON ? BIMI_MARK_FAULTY : BIMI_MARK_GOOD);
        expect_number(c->name, m.not_after_ms, c->mark.to_ms);
        expect_number(c->name, m.not_before_ms, c->mark.from_ms);
        expect_number(c->name, (int64_t)m.details_n, __builtin_popcount(c->want));
        expect_text(c->name, m.subject, "Shop?Ltd");
        expect_number(c->name, (int64_t)m.chain_n, 1);
    }
    EVP_PKEY_free(key);
}

static void files_without_certificate_are_said_so(void **state)
{
    struct world *w = *state;
    const struct bimi_mark_owner owner = {"shop.example", "", "default"};
    static const char *const cases[] = {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    EACH(c, cases)
    {
        struct bimi_mark m;
        bimi_mark_check(str_of(*c), &owner, 0, w->arena, &m);
        expect_number(*c, m.faults, BIMI_MARK_NOT_PEM);
        expect_number(*c, m.status, BIMI_MARK_FAULTY);
    }
}

/* ---- pages ------------------------------------------------------------------------------------------- */

static void take_page(void *state, const char *url, const struct web_limits *limits,
    struct arena *a, struct fetch_answer *out)
{
    (void)url;
    (void)limits;
    (void)a;
    *out = *(struct fetch_answer *)state;
}

static void pages_that_do_not_come_are_no_faults(void **state)
{
    static const struct {
        const char *name;
        enum fetch_status page;
        enum bimi_svg_status svg;
        enum bimi_mark_status mark;
    } cases[] = {
        {"not_found", FETCH_HTTP_STATUS, BIMI_SVG_UNREACHABLE, BIMI_MARK_UNREACHABLE},
        {"timeout", FETCH_TIMEOUT, BIMI_SVG_UNREACHABLE, BIMI_MARK_UNREACHABLE},
        {"dns_failed", FETCH_DNS_FAILED, BIMI_SVG_NOT_CHECKED, BIMI_MARK_NOT_CHECKED},
        {"too_large", FETCH_TOO_LARGE, BIMI_SVG_NOT_CHECKED, BIMI_MARK_NOT_CHECKED},
        {"a_page", FETCH_OK, BIMI_SVG_GOOD, BIMI_MARK_FAULTY},
    };
    struct world *w = *state;
    const struct bimi_mark_owner owner = {"shop.example", "", "default"};
    EACH(c, cases)
    {
        struct fetch_answer page = {.status = c->page,
            .why = c->page == FETCH_OK ? "" : "it is so",
            .content_type = "",
            .body = STR(LOGO(""))};
        struct web web = {.get = take_page, .state = &page};
        struct bimi_svg svg;
        struct bimi_mark mark;
        bimi_svg_fetch(&web, "https://a.example/1", w->arena, &svg);
        expect_number(c->name, svg.status, c->svg);
        expect_number(c->name, svg.page, c->page);
        expect_text(c->name, svg.why.text, page.why);
        bimi_mark_fetch(&web, "https://a.example/2", &owner, 0, w->arena, &mark);
        expect_number(c->name, mark.status, c->mark);
        expect_number(c->name, mark.page, c->page);
        expect_text(c->name, mark.url, "https://a.example/2");
    }
}

static int begin(void **state)
{
    return world_of_group(state,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "default._bimi.good IN TXT \"v=BIMI1; l=https:\" \"//a.example/1\"\n"
        "default._bimi.good IN TXT \"something else\"\n"
        "winter._bimi.good IN TXT \"v=BIMI1; l=; a=\"\n"
        "default._bimi.two IN TXT \"v=BIMI1; l=https://a.example/1\"\n"
        "default._bimi.two IN TXT \"v=BIMI1; l=\"\n"
        "default._bimi.other IN TXT \"v=spf1 -all\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(records_are_found),
        cmocka_unit_test(logos_are_judged),
        cmocka_unit_test(logos_have_a_size),
        cmocka_unit_test(certificates_are_judged),
        cmocka_unit_test(files_without_certificate_are_said_so),
        cmocka_unit_test(pages_that_do_not_come_are_no_faults),
    };
    return cmocka_run_group_tests(tests, begin, world_of_group_ends);
}
