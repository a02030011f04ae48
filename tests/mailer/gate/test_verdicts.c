/* What the gate keeps of its verdicts and for how long, and its locks. */
#include "tests/dns/fake_server.h"
#include "tests/mailer/gate/gate_case.h"

#include <pthread.h>

static void verdicts_live_within_bounds(void **state)
{
    const struct key_set *k = *state;
    const struct {
        const char *name, *dmarc;
        bool published;
        int64_t lives_ms;
    } cases[] = {
        {"the_least_ttl", "_dmarc.shop 40 TXT \"v=DMARC1; p=none\"\n", true, 40000},
        {"five_seconds_at_least", "_dmarc.shop 1 TXT \"v=DMARC1; p=none\"\n", true, 5000},
        {"a_hold_half_a_minute_at_most", "_dmarc.shop 300 TXT \"v=DMARC1; p=none\"\n", false,
            30000},
        {"a_failure_five_seconds", "_dmarc.shop 300 CNAME elsewhere.test.\n", true, 5000},
    };
    EACH(c, cases)
    {
        struct world w;
        struct gate_verdict v;
        const struct dkim_key *keys[] = {k->ed};
        const struct gate_question q = question("", keys, 1, false);
        world_begin(&w);
        struct counter *cached = metrics_counter(
            w.metrics, "parcelpost_gate_cached_total", "Verdicts that the gate had at hand", "");
        world_zone(&w, 0,
            zone_text(&w, arena_printf(w.arena, "%s%s", c->dmarc,
                              c->published ? key_line(&w, k->ed, NULL) : "")));
        world_resolver(&w, NULL, 1000);
        struct gate *g = open_gate(&w, false);
        gate_ask(g, &q, &v);
        expect_number(c->name, v.valid_until_ms - w.fake.ms, c->lives_ms);
        world_pass_ms(&w, c->lives_ms - 1);
        gate_ask(g, &q, &v);
        expect_number(c->name, (int64_t)counter_value(cached), 1);
        world_pass_ms(&w, 1);
        gate_ask(g, &q, &v);
        expect_number(c->name, (int64_t)counter_value(cached), 1);
        gate_close(&g);
        world_end(&w);
    }
}

static void an_hour_is_the_most(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->ed};
    struct world w;
    struct gate_verdict v;
    world_begin(&w);
    const char *line = key_line(&w, k->ed, NULL);
    world_zone(&w, 0,
        arena_printf(w.arena,
            "$ORIGIN example.\n@ 86400 IN SOA ns host 1 2 3 4 86400\n"
            "_dmarc.shop 86400 TXT \"v=DMARC1; p=none\"\ned._domainkey.shop 86400 %s",
            strstr(line, "TXT")));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    const struct gate_question q = question("", keys, 1, false);
    gate_ask(g, &q, &v);
    expect_text("send", answer_text(&w, &v), "send ");
    expect_number("hour", v.valid_until_ms - w.fake.ms, 3600000);
    gate_close(&g);
    world_end(&w);
}

static void a_repair_releases_after_the_hold_or_when_told(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->ed};
    const struct gate_question q = question("", keys, 1, false);
    struct world w;
    struct gate_verdict v;
    world_begin(&w);
    world_zone(&w, 0, zone_text(&w, DMARC));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    gate_ask(g, &q, &v);
    expect_text("before", answer_text(&w, &v), "hold DKIM-KEY-ABSENT");
    world_zone(&w, 0, zone_text(&w, arena_printf(w.arena, DMARC "%s", key_line(&w, k->ed, NULL))));
    gate_ask(g, &q, &v);
    expect_text("still kept", answer_text(&w, &v), "hold DKIM-KEY-ABSENT");
    gate_forget(g, "other.example");
    gate_ask(g, &q, &v);
    expect_text("another domain was forgotten", answer_text(&w, &v), "hold DKIM-KEY-ABSENT");
    gate_forget(g, "SHOP.example");
    gate_ask(g, &q, &v);
    expect_text("forgotten", answer_text(&w, &v), "send ");
    gate_close(&g);
    world_end(&w);
}

static void each_question_has_a_verdict_of_its_own(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *right[] = {k->rsa}, *wrong[] = {k->other_rsa};
    static const char *const another_address[] = {"203.0.113.9"};
    struct world w;
    struct gate_verdict v;
    world_begin(&w);
    world_zone(&w, 0,
        zone_text(&w, arena_printf(w.arena, DMARC "%s%s", key_line(&w, k->rsa, NULL),
                          spf_line(&w, "shop.example", "pass"))));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    const struct gate_question signed_right = question("", right, 1, false),
                               signed_wrong = question("", wrong, 1, false),
                               by_spf = question("shop.example", NULL, 0, true);
    struct gate_question from_elsewhere = by_spf, by_nothing = by_spf;
    from_elsewhere.public_addresses = another_address;
    by_nothing.public_addresses_n = 0;
    for (int i = 0; i < 2; i++) {
        gate_ask(g, &signed_right, &v);
        expect_text("right key", answer_text(&w, &v), "send ");
        gate_ask(g, &signed_wrong, &v);
        expect_text("same selector, other key", answer_text(&w, &v), "hold DKIM-KEY-MISMATCH");
        gate_ask(g, &by_spf, &v);
        expect_text("spf pass", answer_text(&w, &v), "send ");
        gate_ask(g, &from_elsewhere, &v);
        expect_text("spf fail", answer_text(&w, &v), "hold DKIM-UNSIGNED");
        expect_text("its word", v.spf, "fail");
        gate_ask(g, &by_nothing, &v);
        expect_text("spf not checkable", answer_text(&w, &v), "hold DKIM-UNSIGNED");
    }
    gate_close(&g);
    world_end(&w);
}

static void every_address_must_pass(void **state)
{
    static const struct {
        const char *name, *addresses[3];
        size_t n;
        const char *spf, *want;
    } cases[] = {
        {"all_pass", {"198.51.100.7", "2001:db8::7"}, 2, "pass", "send "},
        {"the_last_fails", {"198.51.100.7", "2001:db8::7", "198.51.100.8"}, 3, "softfail",
            "hold DKIM-UNSIGNED"},
        {"the_first_fails", {"198.51.100.8", "198.51.100.7"}, 2, "softfail", "hold DKIM-UNSIGNED"},
        {"one_cannot_be_told", {"198.51.100.7", "198.51.100.200"}, 2, "temperror",
            "defer DNS-UNAVAILABLE"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct world w;
        struct gate_verdict v;
        world_begin(&w);
        world_zone(&w, 0,
            zone_text(&w, DMARC "bounce.shop 7 TXT \"v=spf1 ip4:198.51.100.7 ip6:2001:db8::7 "
                                "~ip4:198.51.100.8 a:elsewhere.test -all\"\n"));
        world_resolver(&w, NULL, 1000);
        struct gate *g = open_gate(&w, false);
        struct gate_question q = question("bounce.shop.example", NULL, 0, true);
        q.public_addresses = c->addresses;
        q.public_addresses_n = c->n;
        gate_ask(g, &q, &v);
        expect_text(c->name, answer_text(&w, &v), c->want);
        expect_text(c->name, v.spf, c->spf);
        expect_number(
            c->name, v.valid_until_ms - w.fake.ms, strcmp(c->spf, "temperror") == 0 ? 5000 : 7000);
        gate_close(&g);
        world_end(&w);
    }
}

/* A dead include beside a good key is the next audit's matter, not each mail's. */
static void spf_that_decides_nothing_shortens_nothing(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->ed};
    struct world w;
    struct gate_verdict v;
    world_begin(&w);
    world_zone(&w, 0,
        zone_text(&w, arena_printf(w.arena, DMARC "%s%s", key_line(&w, k->ed, NULL),
                          spf_line(&w, "bounce.shop.example", "temperror"))));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    const struct gate_question q = question("bounce.shop.example", keys, 1, true);
    gate_ask(g, &q, &v);
    expect_text("send", answer_text(&w, &v), "send ");
    expect_number("as long as the rest", v.valid_until_ms - w.fake.ms, 60000);
    gate_close(&g);
    world_end(&w);
}

static void a_repaired_spf_record_is_seen_when_told(void **state)
{
    struct world w;
    struct gate_verdict v;
    (void)state;
    world_begin(&w);
    world_zone(&w, 0, zone_text(&w, DMARC));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    const struct gate_question q = question("bounce.shop.example", NULL, 0, true);
    gate_ask(g, &q, &v);
    expect_text("before", answer_text(&w, &v), "hold DKIM-UNSIGNED");
    expect_text("spf", v.spf, "none");
    world_zone(&w, 0,
        zone_text(
            &w, arena_printf(w.arena, DMARC "%s", spf_line(&w, "bounce.shop.example", "pass"))));
    gate_forget(g, "shop.example");
    gate_ask(g, &q, &v);
    expect_text("after", answer_text(&w, &v), "send ");
    gate_close(&g);
    world_end(&w);
}

/* The server knows nothing of mail: its A records are no TXT, so everything is NODATA until it falls silent. */
static void the_last_known_good_carries_over_an_outage(void **state)
{
    static const enum act script[] = {NODATA_SOA, NODATA_SOA, NODATA_SOA, SILENT};
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->ed};
    const struct gate_question q = question("", keys, 1, false);
    struct world w;
    struct fake_server s;
    struct gate_verdict v;
    world_begin(&w);
    fake_start(&s, script, COUNT_OF(script));
    world_resolver(&w, (const char *const[]){s.address, NULL}, 150);
    struct gate *g = open_gate(&w, false);
    gate_ask(g, &q, &v);
    expect_text("fresh", answer_text(&w, &v), "warn DKIM-KEY-ABSENT");
    assert_false(v.stale);
    world_pass_ms(&w, 60000);
    gate_ask(g, &q, &v);
    expect_text("stale", answer_text(&w, &v), "warn DKIM-KEY-ABSENT");
    assert_true(v.stale);
    expect_number("stale stands", v.valid_until_ms - w.fake.ms, 30000);
    world_pass_ms(&w, 7 * 3600 * 1000);
    gate_ask(g, &q, &v);
    expect_text("too old", answer_text(&w, &v), "defer DNS-UNAVAILABLE");
    gate_close(&g);
    fake_stop(&s);
    world_end(&w);
}

static void more_questions_than_places_are_answered_right(void **state)
{
    const struct key_set *k = *state;
    const struct dkim_key *keys[] = {k->ed};
    struct world w;
    struct gate_verdict v;
    char path[32];
    world_begin(&w);
    world_zone(&w, 0, zone_text(&w, arena_printf(w.arena, DMARC "%s", key_line(&w, k->ed, NULL))));
    world_resolver(&w, NULL, 1000);
    struct gate *g = open_gate(&w, false);
    for (int i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "b%d.shop.example", i % 1500);
        const struct gate_question q = question(path, keys, 1, false);
        gate_ask(g, &q, &v);
        assert_int_equal(v.answer, GATE_SEND);
    }
    gate_close(&g);
    assert_null(g);
    gate_close(&g);
    world_end(&w);
}

#define THREADS 4
struct lane {
    struct gate *gate;
    const struct dkim_key *right, *wrong;
};

static void *ask_much(void *lane)
{
    const struct lane *l = lane;
    uintptr_t wrong = 0;
    for (int i = 0; i < 2000; i++) {
        struct gate_verdict v;
        const struct dkim_key *keys[] = {i % 2 ? l->right : l->wrong};
        const struct gate_question q = question("", keys, 1, false);
        gate_ask(l->gate, &q, &v);
        wrong += v.answer != (i % 2 ? GATE_SEND : GATE_HOLD);
        if (i % 200 == 0)
            gate_forget(l->gate, "shop.example");
    }
    return (void *)wrong;
}

static void lanes_ask_at_once(void **state)
{
    const struct key_set *k = *state;
    struct world w;
    pthread_t threads[THREADS];
    world_begin(&w);
    world_zone(&w, 0, zone_text(&w, arena_printf(w.arena, DMARC "%s", key_line(&w, k->rsa, NULL))));
    world_resolver(&w, NULL, 1000);
    struct lane lane = {open_gate(&w, false), k->rsa, k->other_rsa};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_much, &lane), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    gate_close(&lane.gate);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_live_within_bounds),
        cmocka_unit_test(an_hour_is_the_most),
        cmocka_unit_test(a_repair_releases_after_the_hold_or_when_told),
        cmocka_unit_test(each_question_has_a_verdict_of_its_own),
        cmocka_unit_test(every_address_must_pass),
        cmocka_unit_test(spf_that_decides_nothing_shortens_nothing),
        cmocka_unit_test(a_repaired_spf_record_is_seen_when_told),
        cmocka_unit_test(the_last_known_good_carries_over_an_outage),
        cmocka_unit_test(more_questions_than_places_are_answered_right),
        cmocka_unit_test(lanes_ask_at_once),
    };
    return cmocka_run_group_tests(tests, make_keys, close_keys);
}
