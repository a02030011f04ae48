/* What the validator does when time passes, when nobody answers, with other anchors, and with more than it should try. */
#include "tests/dns/fake_server.h"
#include "tests/dns/signed_world.h"

#include "dns/dnssec.h"

#include <ldns/ldns.h>
#include <stdatomic.h>
#include <stdlib.h>

#define DAY_MS 86400000LL

/* Counts the questions, and puts spoilt copies of each signature of an A record before the good one. */
struct meddler {
    struct dnssec_source honest;
    int questions;
    int copies;
    const char *unanswered; /* a zone: neither its DS nor its DNSKEY is answered; NULL: none */
    bool mute;              /* says nothing of absent addresses, not even in signed words */
};

static ldns_rr *spoilt(const ldns_rr *rr)
{
    ldns_rr *copy = ldns_rr_clone(rr);
    ldns_rdf *signature = ldns_rr_rdf(copy, 8);
    ldns_rdf_data(signature)[5] ^= 1;
    return copy;
}

static struct str with_copies(struct str packet, int copies, struct arena *a)
{
    ldns_pkt *p = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_int_equal(ldns_wire2pkt(&p, (const uint8_t *)packet.p, packet.n), LDNS_STATUS_OK);
    ldns_rr_list *old = ldns_pkt_answer(p), *fresh = ldns_rr_list_new();
    for (size_t i = 0; i < ldns_rr_list_rr_count(old); i++) {
        ldns_rr *rr = ldns_rr_list_rr(old, i);
        bool of_an_address = ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
                             ldns_rdf2rr_type(ldns_rr_rdf(rr, 0)) == LDNS_RR_TYPE_A;
        for (int k = 0; of_an_address && k < copies; k++)
            ldns_rr_list_push_rr(fresh, spoilt(rr));
        ldns_rr_list_push_rr(fresh, rr);
    }
    ldns_rr_list_free(old);
    ldns_pkt_set_answer(p, fresh);
    ldns_pkt_set_ancount(p, (uint16_t)ldns_rr_list_rr_count(fresh));
    assert_int_equal(ldns_pkt2wire(&bytes, p, &n), LDNS_STATUS_OK);
    struct str out = arena_str(a, str_bytes(bytes, n));
    free(bytes);
    ldns_pkt_free(p);
    return out;
}

/* Without authority and additional section. */
static struct str cut_short(struct str packet, struct arena *a)
{
    ldns_pkt *p = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_int_equal(ldns_wire2pkt(&p, (const uint8_t *)packet.p, packet.n), LDNS_STATUS_OK);
    ldns_rr_list_deep_free(ldns_pkt_authority(p));
    ldns_pkt_set_authority(p, ldns_rr_list_new());
    ldns_pkt_set_nscount(p, 0);
    assert_int_equal(ldns_pkt2wire(&bytes, p, &n), LDNS_STATUS_OK);
    struct str out = arena_str(a, str_bytes(bytes, n));
    free(bytes);
    ldns_pkt_free(p);
    return out;
}

static enum dns_status meddle(void *state, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet)
{
    struct meddler *m = state;
    if (m->unanswered && strcmp(m->unanswered, name) == 0 &&
        (type == DNS_DS || type == DNS_DNSKEY)) {
        m->questions++;
        return DNS_TIMEOUT;
    }
    enum dns_status s = m->honest.ask(m->honest.state, name, type, until_steady_ns, a, packet);
    m->questions++;
    if (s == DNS_FOUND && m->copies > 0)
        *packet = with_copies(*packet, m->copies, a);
    if (s == DNS_FOUND && m->mute && type == DNS_A)
        *packet = cut_short(*packet, a);
    return s;
}

struct bench {
    struct signed_world *s;
    int64_t now_ms;
    struct meddler meddler;
    struct dnssec_anchors *anchors;
    struct dnssec *dnssec;
};

static void trust(struct bench *b, const char *anchors)
{
    struct err e = {0};
    dnssec_close(&b->dnssec);
    dnssec_anchors_close(&b->anchors);
    if (!dnssec_anchors_parse(str_of(anchors), "anchor", &b->anchors, &e))
        fail_msg("%s", e.text);
    struct dnssec_setup setup = {
        .anchors = b->anchors, .source = {meddle, &b->meddler}, .clock = &b->s->clock};
    b->dnssec = dnssec_open(&setup);
    b->meddler = (struct meddler){.honest = dnssec_source_of(b->s->at_nsd)};
}

static void bench_begin(struct bench *b, void **state)
{
    *b = (struct bench){.s = signed_of(state)};
    b->now_ms = atomic_load(&b->s->fake.ms);
    trust(b, b->s->anchor);
}

static void bench_end(struct bench *b)
{
    dnssec_close(&b->dnssec);
    dnssec_anchors_close(&b->anchors);
    atomic_store(&b->s->fake.ms, b->now_ms);
}

static void expect(struct bench *b, const char *name, const char *want)
{
    struct dnssec_verdict v;
    dnssec_check(b->dnssec, name, DNS_A, b->s->w.arena, &v);

    const char *have = arena_printf(b->s->w.arena, "%s %s: %s", dnssec_status_name(v.status),
        dns_status_name(v.answer), v.reason.text);
    if (!str_starts(str_of(have), str_of(want)))
        fail_msg("%s:\n  have %s\n  want %s", name, have, want);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void a_second_check_of_a_zone_costs_one_question(void **state)
{
    struct bench b;
    bench_begin(&b, state);
    expect(&b, "www.good.example", "secure found");
    assert_int_equal(b.meddler.questions, 6); /* A; DNSKEY of three zones, DS of two */
    expect(&b, "a.ent.good.example", "secure found");
    assert_int_equal(b.meddler.questions, 7);
    expect(&b, "no.good.example", "secure nxdomain");
    assert_int_equal(b.meddler.questions, 8);
    bench_end(&b);
}

static void silence_is_not_remembered(void **state)
{
    static const char *const zones[] = {"", "example", "good.example"};
    EACH(zone, zones)
    {
        struct bench b;
        bench_begin(&b, state);
        for (int i = 0; i < 130; i++) { /* twice as many as a handle keeps zones */
            b.meddler.unanswered = *zone;
            expect(&b, "www.good.example", "indeterminate found: the DNS did not answer for ");
        }
        b.meddler.unanswered = NULL;
        expect(&b, "www.good.example", "secure found");
        expect(&b, "a.ent.good.example", "secure found");
        bench_end(&b);
    }
}

static void the_chain_is_told_from_the_root(void **state)
{
    struct bench b;
    struct dnssec_verdict v;
    bench_begin(&b, state);
    dnssec_check(b.dnssec, "www.good.example", DNS_A, b.s->w.arena, &v);
    assert_int_equal(v.chain_n, 3);
    expect_text("root", v.chain[0].name, ".");
    expect_text("root", v.chain[0].algorithms, "RSASHA256");
    expect_text("last", v.chain[2].name, "good.example");
    expect_text("last", v.chain[2].algorithms, "ECDSAP256SHA256");
    expect_number("last", v.chain[2].ends_ms, atomic_load(&b.s->fake.ms) + 30 * DAY_MS);
    expect_number("last", v.chain[2].starts_ms, atomic_load(&b.s->fake.ms) - DAY_MS);
    dnssec_check(b.dnssec, "www.unsigned.example", DNS_A, b.s->w.arena, &v);
    assert_int_equal(v.chain_n, 3);
    expect_number("unsigned", v.chain[2].status, DNSSEC_INSECURE);
    dnssec_check(b.dnssec, "www.sha1ds.example", DNS_A, b.s->w.arena, &v);
    assert_true(v.chain[2].old_algorithm);
    dnssec_check(b.dnssec, "www.sha1.example", DNS_A, b.s->w.arena, &v);
    assert_true(v.chain[2].old_algorithm);
    dnssec_check(b.dnssec, "www.unknown.example", DNS_A, b.s->w.arena, &v);
    assert_false(v.chain[2].old_algorithm);
    bench_end(&b);
}

static void signatures_end_as_time_passes(void **state)
{
    struct bench b;
    char day[CLOCK_RFC3339_SIZE];
    bench_begin(&b, state);
    atomic_fetch_add(&b.s->fake.ms, 30 * DAY_MS);
    clock_rfc3339(atomic_load(&b.s->fake.ms), day);
    expect(&b, "www.good.example", "secure found");
    trust(&b, b.s->anchor);
    atomic_fetch_add(&b.s->fake.ms, 1000);
    expect(&b, "www.good.example",
        arena_printf(b.s->w.arena, "bogus found: signature of DNSKEY . expired %.10s", day));
    bench_end(&b);
}

static void other_anchors_are_taken(void **state)
{
    static const char other[] =
        ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
    struct bench b;
    bench_begin(&b, state);
    trust(&b, other);
    expect(&b, "www.good.example", "bogus found: no DNSKEY of . matches its trust anchor");
    trust(&b, arena_printf(b.s->w.arena, "%s%s", other, b.s->anchor));
    expect(&b, "www.good.example", "secure found");
    trust(&b, "other.test. IN DS 20326 8 2 "
              "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
    expect(&b, "www.good.example",
        "indeterminate found: no trust anchor is known at or above this name");
    trust(&b, "unsigned.example. IN DS 20326 8 2 "
              "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
    expect(&b, "www.unsigned.example",
        "bogus found: unsigned.example has no DNSKEY, though there is a trust anchor");
    bench_end(&b);
}

static void a_zone_may_be_trusted_by_its_key(void **state)
{
    struct bench b;
    struct str packet;
    ldns_pkt *p = NULL;
    bench_begin(&b, state);
    assert_int_equal(resolver_ask_signed(b.s->at_nsd, "island.example", DNS_DNSKEY, INT64_MAX,
                         b.s->w.arena, &packet),
        DNS_FOUND);
    assert_int_equal(ldns_wire2pkt(&p, (const uint8_t *)packet.p, packet.n), LDNS_STATUS_OK);
    ldns_rr_list *keys = ldns_pkt_rr_list_by_type(p, LDNS_RR_TYPE_DNSKEY, LDNS_SECTION_ANSWER);
    char *text = ldns_rr2str(ldns_rr_list_rr(keys, 0));
    trust(&b, arena_printf(b.s->w.arena, "; two anchors\n%s%s", b.s->anchor, text));
    free(text);
    ldns_rr_list_deep_free(keys);
    ldns_pkt_free(p);
    expect(&b, "www.island.example", "secure found");
    expect(&b, "www.good.example", "secure found");
    bench_end(&b);
}

static void no_more_signatures_are_tried_than_allowed(void **state)
{
    struct bench b;
    bench_begin(&b, state);
    b.meddler.copies = 7;
    expect(&b, "www.good.example", "secure found");
    b.meddler.copies = 8;
    expect(&b, "www.good.example", "bogus found: signature of A www.good.example by key ");
    bench_end(&b);
}

static void no_more_questions_are_asked_than_allowed(void **state)
{
    struct bench b;
    AUTO(buf_close) struct buf name = {0};
    bench_begin(&b, state);
    for (int i = 0; i < 60; i++)
        buf_add_text(&name, "x.");
    buf_add_text(&name, "nonsec.example");
    b.meddler.mute = true;
    expect(&b, buf_text(&name), "indeterminate nxdomain: the check was given up at DS x.");
    assert_int_equal(b.meddler.questions, 48);
    bench_end(&b);
}

static void silence_is_no_verdict(void **state)
{
    struct bench b;
    char address[32];
    const char *servers[] = {address};
    struct err e = {0};
    struct resolver *nobody = NULL;
    bench_begin(&b, state);
    dead_port(address);
    struct resolver_setup setup = {
        .servers = servers, .servers_n = 1, .timeout_ms = 2000, .clock = &b.s->clock};
    assert_true(resolver_open(&setup, &nobody, &e));
    b.meddler.honest = dnssec_source_of(nobody);
    expect(&b, "www.good.example",
        "indeterminate timeout: the DNS did not answer for A www.good.example (timeout)");
    resolver_close(&nobody);
    bench_end(&b);
}

static void names_that_are_none_are_not_asked(void **state)
{
    struct bench b;
    bench_begin(&b, state);
    expect(&b, "two..dots", "indeterminate bad: ");
    assert_int_equal(b.meddler.questions, 0);
    bench_end(&b);
}

static void anchor_files_are_read_or_refused(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } files[] = {
        {"comments_and_blank_lines",
            "; a comment\n\n. IN DS 20326 8 2 "
            "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n",
            ""},
        {"with_a_ttl",
            ". 172800 IN DS 20326 8 2 "
            "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
            ""},
        {"nothing", "", "f: no DS or DNSKEY record in it"},
        {"only_comments", "; none\n", "f: no DS or DNSKEY record in it"},
        {"another_type", ". IN NS a.test.\n", "f line 1: not a DS or DNSKEY record such as"},
        {"rubbish", "trust-anchors { . };\n", "f line 1: not a DS or DNSKEY record such as"},
        {"a_revoked_key_alone",
            ". IN DNSKEY 385 3 15 "
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "f: no DS or DNSKEY record in it"},
        {"a_key_that_signs_no_zone",
            ". IN DNSKEY 1 3 15 "
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            "f line 1: not a DS or DNSKEY record such as"},
    };
    (void)state;
    EACH(f, files)
    {
        struct err e = {0};
        AUTO(dnssec_anchors_close) struct dnssec_anchors *t = NULL;
        bool good = dnssec_anchors_parse(str_of(f->text), "f", &t, &e);
        if (good != !f->want[0] || !str_starts(str_of(e.text), str_of(f->want)))
            fail_msg("%s: %s", f->name, e.text);
    }
}

/* Debian's package has the same keys, as DS and as DNSKEY. */
static void the_known_anchors_are_those_of_debian(void **state)
{
    char line[512];
    size_t n = 0;
    FILE *f = fopen("/usr/share/dns/root.ds", "re");
    struct err e = {0};
    AUTO(dnssec_anchors_close) struct dnssec_anchors *known = NULL;
    (void)state;
    assert_true(dnssec_anchors_parse(dnssec_anchors_known(), "known", &known, &e));
    if (!f)
        skip();
    for (; fgets(line, sizeof line, f); n++)
        assert_true(str_find(dnssec_anchors_known(), str_of(line), 0) < dnssec_anchors_known().n);
    fclose(f);
    assert_int_equal(n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_check_of_a_zone_costs_one_question),
        cmocka_unit_test(silence_is_not_remembered),
        cmocka_unit_test(the_chain_is_told_from_the_root),
        cmocka_unit_test(signatures_end_as_time_passes),
        cmocka_unit_test(other_anchors_are_taken),
        cmocka_unit_test(a_zone_may_be_trusted_by_its_key),
        cmocka_unit_test(no_more_signatures_are_tried_than_allowed),
        cmocka_unit_test(no_more_questions_are_asked_than_allowed),
        cmocka_unit_test(silence_is_no_verdict),
        cmocka_unit_test(names_that_are_none_are_not_asked),
        cmocka_unit_test(anchor_files_are_read_or_refused),
        cmocka_unit_test(the_known_anchors_are_those_of_debian),
    };
    return cmocka_run_group_tests(tests, signed_open, signed_close);
}
