/* MTA-STS (RFC 8461): the record, the policy, the pages, the names. */
#include "dns/mta_sts.h"
#include "tests/dns/world.h"

static const char *joined(struct arena *a, const char *const *list, size_t n)
{
    const char *out = "";
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%s%s%s", out, i > 0 ? " | " : "", list[i]);
    return out;
}

static void expect_part(const char *name, const char *have, const char *part)
{
    if (!strstr(have, part))
        fail_msg("%s: \"%s\" is not in \"%s\"", name, part, have);
}

/* ---- the record (s3.1) ------------------------------------------------------------------------------- */

static const char *const record_words[] = {"good", "absent", "several", "broken", "temperror"};

static void records_are_judged(void **state)
{
    static const struct {
        const char *name, *text, *want, *id, *why, *notes;
    } cases[] = {
        {"as_in_the_rfc", "v=STSv1; id=20160831085700Z;", "good", "20160831085700Z", "", ""},
        {"without_final_semicolon", "v=STSv1; id=1", "good", "1", "", ""},
        {"without_blanks", "v=STSv1;id=1;", "good", "1", "", ""},
        {"blanks_around_semicolons", "v=STSv1 \t; id=1 \t ; x=y ;", "good", "1", "", "x=y"},
        {"id_of_32", "v=STSv1; id=12345678901234567890123456789012;", "good",
            "12345678901234567890123456789012", "", ""},
        {"id_of_33", "v=STSv1; id=123456789012345678901234567890123;", "broken", "",
            "1 to 32 letters", ""},
        {"id_empty", "v=STSv1; id=;", "broken", "", "1 to 32 letters", ""},
        {"id_with_a_hyphen", "v=STSv1; id=2016-08-31;", "broken", "", "1 to 32 letters", ""},
        {"id_with_a_blank_before", "v=STSv1; id= 1;", "broken", "", "1 to 32 letters", ""},
        {"id_missing", "v=STSv1;", "broken", "", "id= is missing", ""},
        {"id_in_upper_case_is_another_field", "v=STSv1; ID=1;", "broken", "", "id= is missing",
            "unknown"},
        {"id_twice_the_first_counts", "v=STSv1; id=1; id=2;", "good", "1", "", "first one counts"},
        {"fields_in_any_order", "v=STSv1; x=1; id=2;", "good", "2", "", "unknown"},
        {"unknown_fields_are_ignored", "v=STSv1; id=1; a.b-c_d=1:2/3;", "good", "1", "", "a.b-c_d"},
        {"a_field_name_of_32", "v=STSv1; id=1; a2345678901234567890123456789012=1;", "good", "1",
            "", "unknown"},
        {"a_field_name_of_33", "v=STSv1; id=1; a23456789012345678901234567890123=1;", "broken", "",
            "no name=value", ""},
        {"a_field_without_equals", "v=STSv1; id=1; hello;", "broken", "", "no name=value", ""},
        {"an_unknown_field_with_a_blank", "v=STSv1; id=1; x=a b;", "broken", "", "no name=value",
            ""},
        {"a_field_name_that_begins_with_a_dot", "v=STSv1; id=1; .x=a;", "broken", "",
            "no name=value", ""},
        {"the_letters_and_digits_at_the_edges", "v=STSv1; id=azAZ09;", "good", "azAZ09", "", ""},
        {"what_stands_before_a", "v=STSv1; id=a`;", "broken", "", "1 to 32 letters", ""},
        {"what_stands_behind_z", "v=STSv1; id=a{;", "broken", "", "1 to 32 letters", ""},
        {"what_stands_behind_9", "v=STSv1; id=1:;", "broken", "", "1 to 32 letters", ""},
        {"the_first_of_two_faults", "v=STSv1; id=!; id=?;", "broken", "", "id=!", ""},
        {"a_broken_id_before_a_good_one", "v=STSv1; id=!; id=1;", "broken", "", "1 to 32 letters",
            ""},
        {"an_unknown_name_with_a_brace", "v=STSv1; id=1; a{=1;", "broken", "", "no name=value", ""},
        {"an_unknown_name_with_a_colon", "v=STSv1; id=1; a:=1;", "broken", "", "no name=value", ""},
        {"an_unknown_name_with_a_plus", "v=STSv1; id=1; a+=1;", "broken", "", "no name=value", ""},
        {"an_empty_name", "v=STSv1; id=1; =1;", "broken", "", "no name=value", ""},
        {"an_empty_value", "v=STSv1; id=1; x=;", "broken", "", "no name=value", ""},
        {"a_value_with_equals", "v=STSv1; id=1; x=a=b;", "broken", "", "no name=value", ""},
        {"a_value_with_a_delete", "v=STSv1; id=1; x=a\x7f;", "broken", "", "no name=value", ""},
        {"a_value_above_ascii", "v=STSv1; id=1; x=a\x80;", "broken", "", "no name=value", ""},
        {"version_alone_is_discarded", "v=STSv1", "absent", "", "v=STSv1;", ""},
        {"version_in_lower_case", "v=stsv1; id=1;", "absent", "", "v=STSv1;", ""},
        {"version_tag_in_upper_case", "V=STSv1; id=1;", "absent", "", "v=STSv1;", ""},
        {"a_later_version", "v=STSv11; id=1;", "absent", "", "v=STSv1;", ""},
        {"version_not_first", "id=1; v=STSv1;", "absent", "", "v=STSv1;", ""},
        {"blank_before_the_version", " v=STSv1; id=1;", "absent", "", "v=STSv1;", ""},
        {"another_record", "v=spf1 -all", "absent", "", "v=STSv1;", ""},
        {"empty", "", "absent", "", "v=STSv1;", ""},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct mta_sts_record r;
        mta_sts_parse_record(str_of(c->text), w->arena, &r);
        expect_text(c->name, record_words[r.status], c->want);
        if (r.status == MTA_STS_GOOD)
            expect_text(c->name, arena_text(w->arena, r.id), c->id);
        expect_number(c->name, r.status == MTA_STS_GOOD, r.why.text[0] == 0);
        expect_part(c->name, r.why.text, c->why);
        expect_part(c->name, joined(w->arena, r.notes, r.notes_n), c->notes);
        expect_number(c->name, r.notes_n > 0, c->notes[0] != 0);
    }
}

static void a_nul_is_part_of_no_name(void **state)
{
    struct world *w = *state;
    struct mta_sts_record r;
    struct mta_sts_policy p;
    mta_sts_parse_record(STR("v=STSv1; id=1; a\0b=1;"), w->arena, &r);
    expect_number("record", r.status, MTA_STS_BROKEN);
    mta_sts_parse_policy(STR("version: STSv1\nmode: none\nmax_age: 1\na\0b: c\n"), w->arena, &p);
    expect_number("policy", p.status, MTA_STS_POLICY_BROKEN);
}

static void a_flood_of_fields_is_bounded(void **state)
{
    struct world *w = *state;
    struct mta_sts_record r;
    AUTO(buf_close) struct buf text = {0};
    buf_add_text(&text, "v=STSv1; id=1;");
    for (int i = 0; i < 1000; i++)
        buf_add_text(&text, " x=1;");
    mta_sts_parse_record(buf_str(&text), w->arena, &r);
    expect_number("notes", (int64_t)r.notes_n, MTA_STS_MAX_NOTES);
}

/* In a world of its own: other records, two of ours, a name without TXT. */
static void what_is_missing_is_said(void **state)
{
    static const struct {
        const char *domain, *want;
    } cases[] = {
        {"other.example", "absent no TXT record at _mta-sts.other.example begins with v=STSv1;"},
        {"two.example",
            "several 2 records at _mta-sts.two.example begin with v=STSv1; where one may: senders "
            "use none"},
        {"bare.example", "absent no TXT record at _mta-sts.bare.example"},
        {"gone.example", "absent no TXT record at _mta-sts.gone.example"},
    };
    struct world w;
    (void)state;
    world_begin_on(&w,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n_mta-sts.other TXT x\n"
        "_mta-sts.two TXT \"v=STSv1; id=1\"\n_mta-sts.two TXT \"v=STSv1; id=2\"\n"
        "_mta-sts.bare A 192.0.2.1\n",
        "");
    EACH(c, cases)
    {
        struct mta_sts_record r;
        mta_sts_find(w.resolver, c->domain, w.arena, &r);
        expect_text(
            c->domain, arena_printf(w.arena, "%s %s", record_words[r.status], r.why.text), c->want);
    }
    world_end(&w);
}

static void records_are_found(void **state)
{
    static const struct {
        const char *domain, *want, *text;
    } cases[] = {
        {"good.example", "good", "v=STSv1; id=1;"},
        {"joined.example", "good", "v=STSv1; id=12;"},
        {"among.example", "good", "v=STSv1; id=1;"},
        {"alias.example", "good", "v=STSv1; id=1;"},
        {"two.example", "several", ""},
        {"broken.example", "broken", "v=STSv1; id=!;"},
        {"other.example", "absent", ""},
        {"nobody.example", "absent", ""},
        {"elsewhere.test", "temperror", ""},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct mta_sts_record r;
        mta_sts_find(w->resolver, c->domain, w->arena, &r);
        expect_text(c->domain, record_words[r.status], c->want);
        if (c->text[0])
            expect_text(c->domain, arena_text(w->arena, r.text), c->text);
        expect_number(c->domain, r.status == MTA_STS_GOOD, r.why.text[0] == 0);
        if (r.status == MTA_STS_GOOD)
            expect_number(c->domain, r.ttl_s, 300);
    }
}

/* ---- the policy (s3.2) ------------------------------------------------------------------------------- */

#define HEAD "version: STSv1\nmode: enforce\n"
#define GOOD HEAD "mx: mail.example.com\nmax_age: 604800\n"

static void policies_are_judged(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"as_in_the_rfc",
            "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n"
            "mx: backupmx.example.com\nmax_age: 604800\n",
            "enforce 604800 mail.example.com | *.example.net | backupmx.example.com"},
        {"crlf", "version: STSv1\r\nmode: testing\r\nmx: a.example\r\nmax_age: 1\r\n",
            "testing 1 a.example"},
        {"no_end_of_the_last_line", HEAD "mx: a.example\nmax_age: 86400",
            "enforce 86400 a.example"},
        {"any_order", "max_age: 5\nmx: a.example\nmode: enforce\nversion: STSv1\n",
            "enforce 5 a.example"},
        {"no_blank_behind_colons", "version:STSv1\nmode:none\nmax_age:0\n", "none 0 "},
        {"blanks_behind_colons_and_at_ends",
            "version: \t STSv1 \nmode:  enforce\t\nmx:  a.example  \nmax_age:\t7 \n",
            "enforce 7 a.example"},
        {"none_needs_no_mx", "version: STSv1\nmode: none\nmax_age: 86400\n", "none 86400 "},
        {"hosts_in_lower_case", HEAD "mx: MAIL.Example.COM\nmx: *.Example\nmax_age: 1\n",
            "enforce 1 mail.example.com | *.example"},
        {"the_longest_age", HEAD "mx: a.example\nmax_age: 31557600\n",
            "enforce 31557600 a.example"},
        {"unknown_keys_are_ignored", GOOD "x-note: any text, even \xc3\xa4: it is ours\n",
            "enforce 604800 mail.example.com (the key \"x-note\" is unknown)"},
        {"twice_the_first_counts", GOOD "mode: none\nmax_age: 1\nversion: STSv2\n",
            "enforce 604800 mail.example.com (mode: stands again: the first one counts | max_age: "
            "stands again: the first one counts | version: stands again: the first one counts)"},
        {"an_empty_line", GOOD "\n",
            "enforce 604800 mail.example.com (an empty line stands in the policy: strict readers "
            "refuse it)"},
        {"version_missing", "mode: enforce\nmx: a.example\nmax_age: 1\n", "version: is missing"},
        {"another_version", "version: STSv2\nmode: none\nmax_age: 1\n", "version: takes STSv1"},
        {"version_in_lower_case", "version: stsv1\nmode: none\nmax_age: 1\n",
            "version: takes STSv1"},
        {"key_in_upper_case", "Version: STSv1\nmode: none\nmax_age: 1\n", "version: is missing"},
        {"mode_missing", "version: STSv1\nmx: a.example\nmax_age: 1\n", "mode: is missing"},
        {"another_mode", "version: STSv1\nmode: report\nmax_age: 1\n", "mode: takes"},
        {"mode_in_upper_case", "version: STSv1\nmode: None\nmax_age: 1\n", "mode: takes"},
        {"max_age_missing", HEAD "mx: a.example\n", "max_age: is missing"},
        {"age_above_the_longest", HEAD "mx: a.example\nmax_age: 31557601\n", "max_age: takes"},
        {"age_of_11_digits", HEAD "mx: a.example\nmax_age: 00000000001\n", "max_age: takes"},
        {"age_below_zero", HEAD "mx: a.example\nmax_age: -1\n", "max_age: takes"},
        {"age_with_unit", HEAD "mx: a.example\nmax_age: 1d\n", "max_age: takes"},
        {"age_empty", HEAD "mx: a.example\nmax_age:\n", "max_age: takes"},
        {"enforce_without_mx", HEAD "max_age: 1\n", "mx: is missing"},
        {"testing_without_mx", "version: STSv1\nmode: testing\nmax_age: 1\n", "mx: is missing"},
        {"mx_empty", HEAD "mx:\nmax_age: 1\n", "mx: takes"},
        {"mx_with_final_dot", HEAD "mx: a.example.\nmax_age: 1\n", "mx: takes"},
        {"several_in_one_line", HEAD "mx: a.example, b.example\nmax_age: 1\n", "mx: takes"},
        {"a_star_alone", HEAD "mx: *\nmax_age: 1\n", "mx: takes"},
        {"a_star_with_nothing_behind", HEAD "mx: *.\nmax_age: 1\n", "mx: takes"},
        {"a_star_within", HEAD "mx: mx.*.example\nmax_age: 1\n", "mx: takes"},
        {"a_star_in_a_label", HEAD "mx: mx*.example\nmax_age: 1\n", "mx: takes"},
        {"labels_with_inner_hyphens", HEAD "mx: a-b.x--y.example\nmax_age: 1\n",
            "enforce 1 a-b.x--y.example"},
        {"the_letters_and_digits_at_the_edges", HEAD "mx: AZaz09.example\nmax_age: 1\n",
            "enforce 1 azaz09.example"},
        {"a_hyphen_before_a_dot", HEAD "mx: a-.example\nmax_age: 1\n", "mx: takes"},
        {"a_hyphen_behind_a_dot", HEAD "mx: a.-b.example\nmax_age: 1\n", "mx: takes"},
        {"a_hyphen_last", HEAD "mx: a.example-\nmax_age: 1\n", "mx: takes"},
        {"a_brace", HEAD "mx: a{.example\nmax_age: 1\n", "mx: takes"},
        {"age_of_10_digits", HEAD "mx: a.example\nmax_age: 0031557600\n",
            "enforce 31557600 a.example"},
        {"a_key_that_begins_with_a_hyphen", GOOD "-x: y\n", "key: value"},
        {"a_key_with_a_plus", GOOD "x+: y\n", "key: value"},
        {"an_empty_key", GOOD ": y\n", "key: value"},
        {"a_key_of_32", GOOD "a2345678901234567890123456789012: y\n",
            "enforce 604800 mail.example.com (the key \"a2345678901234567890123456789012\" is "
            "unknown)"},
        {"a_key_of_33", GOOD "a23456789012345678901234567890123: y\n", "key: value"},
        {"an_unknown_key_without_value", GOOD "x-note: \n", "no readable value"},
        {"an_unknown_key_with_no_utf_8", GOOD "x-note: \xff\n", "no readable value"},
        {"two_stars", HEAD "mx: *.*.example\nmax_age: 1\n", "mx: takes"},
        {"a_dot_first", HEAD "mx: .example\nmax_age: 1\n", "mx: takes"},
        {"a_hyphen_at_an_edge", HEAD "mx: -a.example\nmax_age: 1\n", "mx: takes"},
        {"an_underscore", HEAD "mx: a_b.example\nmax_age: 1\n", "mx: takes"},
        {"a_u_label", HEAD "mx: m\xc3\xa4il.example\nmax_age: 1\n", "mx: takes"},
        {"a_line_without_colon", GOOD "hello\n", "no \"key: value\""},
        {"a_blank_first", " version: STSv1\n", "no \"key: value\""},
        {"a_blank_before_the_colon", "version : STSv1\n", "no \"key: value\""},
        {"control_characters",
            GOOD "x: a\x01"
                 "b\n",
            "no readable value"},
        {"a_web_page", "<!DOCTYPE html>\n<html>\n", "no \"key: value\""},
        {"empty", "", "version: is missing"},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct mta_sts_policy p;
        mta_sts_parse_policy(str_of(c->text), w->arena, &p);
        const char *notes = joined(w->arena, p.notes, p.notes_n);
        if (p.status == MTA_STS_POLICY_GOOD) {
            expect_text(c->name,
                arena_printf(w->arena, "%s %u %s%s%s%s", mta_sts_mode_name(p.mode), p.max_age_s,
                    joined(w->arena, p.mx, p.mx_n), notes[0] ? " (" : "", notes,
                    notes[0] ? ")" : ""),
                c->want);
            expect_text(c->name, p.why.text, "");
        } else {
            expect_number(c->name, p.status, MTA_STS_POLICY_BROKEN);
            expect_part(c->name, p.why.text, c->want);
        }
    }
}

static void a_policy_has_a_limit_of_hosts(void **state)
{
    struct world *w = *state;
    struct mta_sts_policy p;
    struct buf text = {0};
    buf_add_text(&text, HEAD "max_age: 1\n");
    for (int i = 0; i < MTA_STS_MAX_MX; i++)
        buf_addf(&text, "mx: mx%d.example\n", i);
    mta_sts_parse_policy(buf_str(&text), w->arena, &p);
    expect_number("as many as may be", p.status, MTA_STS_POLICY_GOOD);
    expect_number("all of them", (int64_t)p.mx_n, MTA_STS_MAX_MX);
    buf_add_text(&text, "mx: more.example\n");
    mta_sts_parse_policy(buf_str(&text), w->arena, &p);
    expect_number("one more", p.status, MTA_STS_POLICY_BROKEN);
    buf_close(&text);
}

/* ---- names (s4.1) ------------------------------------------------------------------------------------ */

static void names_are_matched(void **state)
{
    static const struct {
        const char *name, *pattern, *host;
        bool want;
    } cases[] = {
        {"itself", "mail.example.com", "mail.example.com", true},
        {"case_does_not_matter", "mail.example.com", "MAIL.Example.Com", true},
        {"a_final_dot_does_not_matter", "mail.example.com", "mail.example.com.", true},
        {"another", "mail.example.com", "mx.example.com", false},
        {"below", "mail.example.com", "a.mail.example.com", false},
        {"a_dot_is_a_dot", "mail.example.com", "mailxexample.com", false},
        {"a_star_for_one_label", "*.example.com", "mail.example.com", true},
        {"a_star_not_for_two", "*.example.com", "foo.bar.example.com", false},
        {"a_star_not_for_none", "*.example.com", "example.com", false},
        {"a_star_not_for_a_part", "*.example.com", "mailexample.com", false},
        {"a_star_elsewhere", "*.example.com", "mail.example.net", false},
        {"a_host_of_one_label", "*.example.com", "mail", false},
        {"no_name", "*.example.com", "", false},
        {"an_empty_label", "*.example.com", ".example.com", false},
    };
    (void)state;
    EACH(c, cases)
    {
        const char *list[] = {"other.example", c->pattern};
        struct mta_sts_policy p = {.mx = list, .mx_n = 2};
        expect_number(c->name, mta_sts_covers(&p, c->host), c->want);
    }
    struct mta_sts_policy nothing = {0};
    expect_number("no pattern", mta_sts_covers(&nothing, "a.example"), false);
}

/* ---- pages (s3.3) ------------------------------------------------------------------------------------ */

struct shelf {
    struct fetch_answer answer;
    const char *asked;
    struct web_limits limits;
};

static void take_page(void *state, const char *url, const struct web_limits *limits,
    struct arena *a, struct fetch_answer *out)
{
    struct shelf *s = state;
    s->asked = arena_text(a, str_of(url));
    s->limits = *limits;
    *out = s->answer;
}

static void pages_are_judged(void **state)
{
    static const struct {
        const char *name;
        enum fetch_status page;
        const char *content_type, *body;
        enum mta_sts_policy_status want;
        bool plain;
    } cases[] = {
        {"a_policy", FETCH_OK, "text/plain", GOOD, MTA_STS_POLICY_GOOD, true},
        {"with_charset", FETCH_OK, "Text/Plain; charset=utf-8", GOOD, MTA_STS_POLICY_GOOD, true},
        {"of_another_type", FETCH_OK, "text/html", GOOD, MTA_STS_POLICY_GOOD, false},
        {"without_type", FETCH_OK, "", GOOD, MTA_STS_POLICY_GOOD, false},
        {"broken", FETCH_OK, "text/plain", "hello", MTA_STS_POLICY_BROKEN, true},
        {"not_found", FETCH_HTTP_STATUS, "text/plain", "", MTA_STS_POLICY_UNREACHABLE, false},
        {"redirected", FETCH_REDIRECTED, "", "", MTA_STS_POLICY_UNREACHABLE, false},
        {"wrong_name", FETCH_WRONG_NAME, "", "", MTA_STS_POLICY_UNREACHABLE, false},
        {"no_address", FETCH_NO_ADDRESS, "", "", MTA_STS_POLICY_UNREACHABLE, false},
        {"dns_failed", FETCH_DNS_FAILED, "", "", MTA_STS_POLICY_TEMPERROR, false},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct shelf shelf = {.answer = {.status = c->page,
                                  .why = c->page == FETCH_OK ? "" : "it is so",
                                  .http_status = 7,
                                  .content_type = c->content_type,
                                  .body = str_of(c->body)}};
        struct web web = {.get = take_page, .state = &shelf};
        struct mta_sts_policy p;
        mta_sts_fetch(&web, "shop.example", w->arena, &p);
        expect_number(c->name, p.status, c->want);
        expect_number(c->name, p.content_type_is_plain, c->plain);
        expect_number(c->name, p.page, c->page);
        expect_number(c->name, p.http_status, 7);
        expect_number(c->name, p.why.text[0] == 0, c->want == MTA_STS_POLICY_GOOD);
        expect_text(c->name, p.url, "https://mta-sts.shop.example/.well-known/mta-sts.txt");
        expect_text(c->name, shelf.asked, p.url);
        expect_number(c->name, shelf.limits.max_redirects, 0);
        expect_number(c->name, (int64_t)shelf.limits.max_bytes, 65536);
    }
}

static int begin(void **state)
{
    return world_of_group(state,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n"
        "_mta-sts.good IN TXT \"v=STSv1; id=1;\"\n"
        "_mta-sts.joined IN TXT \"v=STSv1; i\" \"d=1\" \"2;\"\n"
        "_mta-sts.among IN TXT \"site-verification=x\"\n_mta-sts.among IN TXT \"v=STSv1; id=1;\"\n"
        "_mta-sts.among IN TXT \"v=STSv1\"\n"
        "_mta-sts.alias IN CNAME _mta-sts.good\n"
        "_mta-sts.two IN TXT \"v=STSv1; id=1;\"\n_mta-sts.two IN TXT \"v=STSv1; id=2;\"\n"
        "_mta-sts.broken IN TXT \"v=STSv1; id=!;\"\n"
        "_mta-sts.other IN TXT \"v=spf1 -all\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(records_are_found),
        cmocka_unit_test(a_nul_is_part_of_no_name),
        cmocka_unit_test(a_flood_of_fields_is_bounded),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(policies_are_judged),
        cmocka_unit_test(a_policy_has_a_limit_of_hosts),
        cmocka_unit_test(names_are_matched),
        cmocka_unit_test(pages_are_judged),
    };
    return cmocka_run_group_tests(tests, begin, world_of_group_ends);
}
