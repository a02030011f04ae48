/* SPF by RFC 7208: the verdicts of spf_cases.h; what a verdict tells; time. */
#include "dns/spf.h"
#include "tests/dns/fake_server.h"
#include "tests/dns/spf_cases.h"
#include "tests/dns/world.h"

static void begin(struct world *w, const char *zone)
{
    world_begin(w);
    world_zone(w, 0, arena_printf(w->arena, SPF_TOP "%s", zone));
    world_zone(w, 1, spf_reverse_4);
    world_zone(w, 2, spf_reverse_6);
    world_resolver(w, NULL, 1000);
}

static const char *given(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static struct spf_question question(struct world *w, const char *ip, const char *mail_from)
{
    struct spf_question q = {.helo = STR("mx.example"),
        .mail_from = str_of(given(mail_from, "a@shop.example")),
        .receiver = STR("recv.example"),
        .clock = &w->clock};
    assert_true(ip_parse(str_of(given(ip, "192.0.2.1")), &q.ip));
    return q;
}

/* "RESULT MECHANISM LOOKUPS/VOIDS EXPLANATION" */
static const char *describe(struct world *w, const struct spf_verdict *v)
{
    return arena_printf(w->arena, "%s %s %u/%u%s%s", spf_result_name(v->result), v->mechanism,
        v->lookups, v->void_lookups, v->explanation[0] ? " " : "", v->explanation);
}

static void verdicts_follow_the_standard(void **state)
{
    size_t wrong = 0;
    (void)state;
    EACH(c, spf_cases)
    {
        struct world w;
        struct spf_verdict v;
        begin(&w, c->zone);
        struct spf_question q = question(&w, c->ip, c->mail_from);
        q.helo = str_of(given(c->helo, "mx.example"));
        spf_check(w.resolver, &q, w.arena, &v);
        bool error = v.result == SPF_NONE || v.result == SPF_TEMPERROR || v.result == SPF_PERMERROR;
        const char *have = describe(&w, &v);
        if (strcmp(have, c->want) != 0 || (v.problem[0] != 0) != error ||
            (v.mechanism[0] == 0 && v.domain[0] == 0) != error) {
            print_error("%s:\n  have %s\n  want %s\n", c->name, have, c->want);
            wrong++;
        }
        world_end(&w);
    }
    expect_number("wrong verdicts", (int64_t)wrong, 0);
}

/* ---- what a verdict tells ------------------------------------------------------------------------ */

static const char *path_text(struct world *w, const struct spf_verdict *v)
{
    const char *out = "";
    for (size_t i = 0; i < v->path_n; i++)
        out = arena_printf(w->arena, "%s%s\n", out, v->path[i]);
    return out;
}

static void check(struct world *w, const char *mail_from, struct spf_verdict *out)
{
    struct spf_question q = question(w, NULL, mail_from);
    spf_check(w->resolver, &q, w->arena, out);
}

static void the_path_tells_how_it_came_about(void **state)
{
    struct world w;
    struct spf_verdict v;
    (void)state;
    begin(&w, "shop TXT \"v=spf1 ip4:192.0.2.7 a:%{l}..example mx include:b.example "
              "redirect=c.example\"\n"
              "b TXT \"v=spf1 ?all\"\n"
              "c TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n");
    check(&w, NULL, &v);
    expect_text("path", path_text(&w, &v),
        "shop.example has v=spf1 ip4:192.0.2.7 a:%{l}..example mx include:b.example "
        "redirect=c.example\n"
        "shop.example a:%{l}..example: no match (what it expands to is no domain name)\n"
        "shop.example mx: no match\n"
        "b.example has v=spf1 ?all\n"
        "b.example ?all: match\n"
        "shop.example include:b.example: no match\n"
        "shop.example redirect=c.example: goes on there\n"
        "c.example has v=spf1 ip4:192.0.2.0/24 -all\n"
        "c.example ip4:192.0.2.0/24: match\n");
    expect_text("domain", v.domain, "c.example");
    expect_text("identity", v.identity, "shop.example");
    expect_text("problem", v.problem, "");
    expect_number("ttl", v.ttl_s, 60); /* of the negative answers */
    world_end(&w);
}

static void problems_are_sentences(void **state)
{
    static const struct {
        const char *name, *zone, *mail_from, *want;
    } cases[] = {
        {"no_record", "", NULL, "shop.example has no SPF record"},
        {"no_domain", "", "a@shop", "\"shop\" is no domain that could have an SPF record"},
        {"hostile_domain", "", "a@\033[2J.example",
            "\"?[2J.example\" is no domain that could have an SPF record"},
        {"failure", "", "a@shop.test", "the DNS did not answer for shop.test (timeout)"},
        {"two_records", R(" a") R(" b"), NULL, "shop.example has more than one SPF record"},
        {"syntax", R(" a:b.example foo\\027 -all"), NULL,
            "the SPF record of shop.example breaks at \"foo?\" (byte 19): there is no such "
            "mechanism: all, include, a, mx, ptr, ip4, ip6 and exists exist"},
        {"include_of_none", R(" include:b.example"), NULL,
            "include:b.example of shop.example leads to no SPF record"},
        {"include_of_a_bad_name", R(" include:%{l}..example"), NULL,
            "include:%{l}..example of shop.example leads to no SPF record"},
        {"redirect_to_none", R(" redirect=b.example"), NULL,
            "redirect=b.example of shop.example leads to no SPF record"},
        {"fault_of_an_included_record", R(" include:b.example") "b TXT \"v=spf1 all:\"\n", NULL,
            "the SPF record of b.example breaks at \"all:\" (byte 10): all takes no value"},
        {"one_too_many_by_p", R(NINE " redirect=%{p}") ELSEWHERE, NULL,
            "more than 10 terms ask the DNS"},
        {"too_many_terms", R(" redirect=shop.example"), NULL, "more than 10 terms ask the DNS"},
        {"too_many_voids", R(" a mx a"), NULL, "more than 2 terms ask for what does not exist"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct spf_verdict v;
        begin(&w, c->zone);
        check(&w, c->mail_from, &v);
        expect_text(c->name, v.problem, c->want);
        expect_number(c->name, v.path_n > 0 || v.result == SPF_TEMPERROR, true);
        world_end(&w);
    }
}

static void nobody_is_unknown(void **state)
{
    struct world w;
    struct spf_verdict v;
    (void)state;
    begin(&w, R(" exp=e.example -all") "e TXT \"asked by %{r}\"\n");
    struct spf_question q = question(&w, NULL, NULL);
    q.receiver = STR("");
    spf_check(w.resolver, &q, w.arena, &v);
    expect_text("explanation", v.explanation, "asked by unknown");
    world_end(&w);
}

/* What a local part brings into an explanation must not reach a terminal either. */
static void explanations_are_printable(void **state)
{
    struct world w;
    struct spf_verdict v;
    (void)state;
    begin(&w, R(" exp=e.example -all") "e TXT \"not %{l}\"\n");
    check(&w, "\033[2J@shop.example", &v);
    expect_text("result", describe(&w, &v), "fail -all 0/0");
    world_end(&w);
}

static void a_failure_leaves_nothing_to_cache(void **state)
{
    struct world w;
    struct spf_verdict v;
    (void)state;
    begin(&w, R(" a:b.test -all"));
    check(&w, NULL, &v);
    expect_number("ttl", v.ttl_s, 0);
    world_end(&w);
}

/* ---- servers that do not answer as they should (s4.4) --------------------------------------------- */

static void each_kind_of_answer_has_its_result(void **state)
{
    static const struct {
        const char *name;
        enum act act;
        const char *want, *problem;
    } cases[] = {
        {"servfail", SERVFAIL, "temperror", "the DNS did not answer for shop.example (servfail)"},
        {"refused", REFUSED, "temperror", "the DNS did not answer for shop.example (servfail)"},
        {"silence", SILENT, "temperror", "the DNS did not answer for shop.example (timeout)"},
        {"garbage", GARBAGE, "temperror", "the DNS did not answer for shop.example (bad)"},
        {"nxdomain", NXDOMAIN_SOA, "none", "shop.example has no SPF record"},
        {"nodata", NODATA_SOA, "none", "shop.example has no SPF record"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct fake_server s;
        struct spf_verdict v;
        world_begin(&w);
        fake_start(&s, &c->act, 1);
        world_resolver(&w, (const char *const[]){s.address, NULL}, 200);
        check(&w, NULL, &v);
        expect_text(c->name, spf_result_name(v.result), c->want);
        expect_text(c->name, v.problem, c->problem);
        fake_stop(&s);
        world_end(&w);
    }
}

/* ---- time (s4.6.4) -------------------------------------------------------------------------------- */

/* A clock that is later each time that somebody looks. */
struct hasty {
    int64_t ms, step_ms;
};

static int64_t hasty_now_ms(void *state)
{
    struct hasty *h = state;
    return h->ms += h->step_ms;
}

/* At five seconds a look the evaluation reads its record and asks two questions more. */
static void time_ends_what_no_limit_ends(void **state)
{
    static const struct {
        const char *name, *zone;
        int64_t step_ms;
        const char *want;
    } cases[] = {
        {"in_time", R(NINE " -all") ELSEWHERE, 1000, "fail -all 9/0"},
        {"too_late", R(NINE " -all") ELSEWHERE, 5000, "temperror  3/0"},
        {"just_in_time", R(" a:0.w.example a:1.w.example -all") ELSEWHERE, 5000, "fail -all 2/0"},
        {"too_late_within_ptr", R(" ptr -all") "mail.shop A " HERE "\n", 5000, "temperror  1/0"},
        {"ptr_in_time", R(" ptr -all") "mail.shop A " HERE "\n", 3000, "pass ptr 1/0"},
        {"too_late_for_an_explanation",
            R(" a:0.w.example a:1.w.example exp=e.example -all") ELSEWHERE "e TXT \"no\"\n", 5000,
            "fail -all 2/0"},
        {"explanation_in_time",
            R(" a:0.w.example a:1.w.example exp=e.example -all") ELSEWHERE "e TXT \"no\"\n", 3000,
            "fail -all 2/0 no"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct spf_verdict v;
        struct hasty hasty = {.step_ms = c->step_ms};
        struct clock clock = {hasty_now_ms, &hasty};
        begin(&w, c->zone);
        struct spf_question q = question(&w, NULL, NULL);
        q.clock = &clock;
        spf_check(w.resolver, &q, w.arena, &v);
        expect_text(c->name, describe(&w, &v), c->want);
        if (v.result == SPF_TEMPERROR)
            expect_text(c->name, v.problem, "the evaluation took longer than 20 seconds");
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_standard),
        cmocka_unit_test(the_path_tells_how_it_came_about),
        cmocka_unit_test(problems_are_sentences),
        cmocka_unit_test(nobody_is_unknown),
        cmocka_unit_test(explanations_are_printable),
        cmocka_unit_test(a_failure_leaves_nothing_to_cache),
        cmocka_unit_test(each_kind_of_answer_has_its_result),
        cmocka_unit_test(time_ends_what_no_limit_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
