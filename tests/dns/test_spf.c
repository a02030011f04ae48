/* SPF by RFC 7208: the verdicts of spf_cases.h; what a verdict tells; time. */
#include "dns/spf.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
