/* What counts as an answer to our question, and what an answer may say: packets made by hand, read by dns/wire.h. */
#include "dns/wire.h"
#include "tests/dns/world.h"

#include <stdlib.h>

#define ID 0x1234
#define HEADER 12
#define QUESTION_AT_END (HEADER + 12) /* "a.test", type and class */
#define STEPS_MAX 12

enum section { ANSWER, AUTHORITY, ADDITIONAL };

struct record {
    const char *owner; /* NULL: no record, the end of a list */
    int type;
    const char *data; /* a name, or for A its last byte as text */
    enum section section;
    int class; /* 0: IN */
};

static void put16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static void put_name(struct buf *b, const char *name)
{
    while (*name) {
        size_t n = strcspn(name, ".");
        buf_add_char(b, (char)n);
        buf_add(b, str_bytes(name, n));
        name += n + (name[n] == '.');
    }
    buf_add_char(b, 0);
}

static void put_record(struct buf *b, const struct record *r)
{
    b->p[7 + 2 * r->section]++;
    put_name(b, r->owner);
    put16(b, (unsigned)r->type);
    put16(b, r->class ? (unsigned)r->class : 1);
    put16(b, 0);
    put16(b, 300);
    size_t length_at = b->n;
    put16(b, 0);
    if (r->type == 1) {
        buf_add(b, STR("\xc0\0\2"));
        buf_add_char(b, (char)atoi(r->data));
    } else {
        put_name(b, r->data);
    }
    b->p[length_at + 1] = (char)(b->n - length_at - 2);
}

static void put_packet(struct buf *b, unsigned rcode, const struct record *records)
{
    put16(b, ID);
    put16(b, 0x8180 | rcode);
    put16(b, 1);
    for (int i = 0; i < 3; i++)
        put16(b, 0);
    put_name(b, "a.test");
    put16(b, 1);
    put16(b, 1);
    for (; records->owner; records++)
        put_record(b, records);
}

static const struct wire_question question = {
    .name = "a.test", .type = DNS_A, .id = ID, .edns = true};

static const char *kind_name(enum wire_kind k)
{
    static const char *const names[] = {
        "not ours", "folded", "truncated", "no edns", "servfail", "refused", "garbage", "answer"};
    return names[k];
}

/* A good answer of one address with a few bytes changed. */
static void packets_are_ours_or_not(void **state)
{
    static const struct {
        const char *name;
        struct {
            size_t at; /* 0: no more changes; the ID has cases of its own */
            uint8_t byte;
        } change[8];
        size_t cut; /* bytes left, 0: all */
        const char *want;
    } cases[] = {
        {"as_it_should_be", {{0}}, 0, "answer"},
        {"id_in_its_low_byte", {{1, 0x35}}, 0, "not ours"},
        {"a_question_of_its_own", {{2, 0x01}}, 0, "not ours"},
        {"a_notify", {{2, 0xa1}}, 0, "not ours"},
        {"an_update", {{2, 0xa9}}, 0, "not ours"},
        {"no_question", {{5, 0}}, 0, "not ours"},
        {"two_questions", {{5, 2}}, 0, "not ours"},
        {"sixty_thousand_questions", {{4, 0xff}}, 0, "not ours"},
        {"another_name", {{HEADER + 1, 'b'}}, 0, "not ours"},
        {"another_last_letter", {{HEADER + 6, 'u'}}, 0, "not ours"},
        {"another_type", {{QUESTION_AT_END - 3, 28}}, 0, "not ours"},
        {"another_class", {{QUESTION_AT_END - 1, 3}}, 0, "not ours"},
        {"dot_within_a_label", {{HEADER, 6}, {HEADER + 2, '.'}}, 0, "not ours"},
        {"a_shorter_name", {{HEADER + 2, 0}}, 0, "not ours"},
        {"name_that_points_at_itself", {{HEADER, 0xc0}, {HEADER + 1, HEADER}}, 0, "not ours"},
        {"name_that_points_behind", {{HEADER, 0xc0}, {HEADER + 1, 0xff}}, 0, "not ours"},
        {"a_label_of_a_kind_unknown", {{HEADER, 0x41}}, 0, "not ours"},
        {"in_another_case", {{HEADER + 1, 'A'}}, 0, "folded"},
        {"a_failure_in_another_case", {{HEADER + 3, 'T'}, {3, 0x82}}, 0, "folded"},
        {"nothing", {{0}}, 1, "not ours"},
        {"half_a_header", {{0}}, 7, "not ours"},
        {"a_header_alone", {{0}}, HEADER, "not ours"},
        {"half_a_name", {{0}}, HEADER + 4, "not ours"},
        {"half_a_question", {{0}}, QUESTION_AT_END - 1, "not ours"},
        {"servfail", {{3, 0x82}}, 0, "servfail"},
        {"refused", {{3, 0x85}}, 0, "refused"},
        {"an_rcode_that_nobody_gave_out", {{3, 0x8c}}, 0, "refused"},
        {"formerr", {{3, 0x81}}, 0, "no edns"},
        {"formerr_without_question", {{3, 0x81}, {5, 0}}, HEADER, "no edns"},
        {"notimp", {{3, 0x84}}, 0, "no edns"},
        {"servfail_to_another_question", {{3, 0x82}, {HEADER + 1, 'b'}}, 0, "not ours"},
        {"truncated", {{2, 0x83}}, 0, "truncated"},
        {"truncated_within_a_record", {{2, 0x83}}, QUESTION_AT_END + 9, "truncated"},
        {"truncated_in_another_case", {{2, 0x83}, {HEADER + 1, 'A'}}, 0, "folded"},
        {"cut_without_saying_so", {{0}}, QUESTION_AT_END + 9, "garbage"},
        {"fewer_records_than_counted", {{7, 2}}, 0, "garbage"},
        {"owner_that_points_at_itself", {{QUESTION_AT_END, 0xc0}, {25, 24}}, 0, "garbage"},
        {"owners_that_point_in_a_circle", {{24, 0xc0}, {25, 26}, {26, 0xc0}, {27, 24}}, 0,
            "garbage"},
        {"owner_that_points_outside", {{24, 0xff}, {25, 0xff}}, 0, "garbage"},
        {"owner_with_a_label_beyond_the_end", {{24, 63}}, 0, "garbage"},
        {"data_longer_than_the_packet", {{QUESTION_AT_END + 17, 5}}, 0, "garbage"},
        {"data_shorter_than_an_address", {{QUESTION_AT_END + 17, 3}}, 0, "garbage"},
    };
    static const struct record good[] = {{"a.test", 1, "7", ANSWER, 0}, {0}};
    (void)state;
    EACH(c, cases)
    {
        struct arena *a = arena_open();
        struct buf b = {0};
        const struct wire_answer *answer = NULL;
        put_packet(&b, 0, good);
        for (size_t i = 0; c->change[i].at; i++)
            b.p[c->change[i].at] = (char)c->change[i].byte;
        size_t n = c->cut ? c->cut : b.n;
        char *exact = malloc(n); /* so that AddressSanitizer sees what is read behind the end */
        assert_non_null(exact);
        memcpy(exact, b.p, n);
        expect_text(
            c->name, kind_name(wire_read(&question, str_bytes(exact, n), a, &answer)), c->want);
        free(exact);
        buf_close(&b);
        arena_close(&a);
    }
}

/* The way along the aliases as "b.test c.test found 7 8", at most STEPS_MAX of them. */
static const char *travel(const struct wire_answer *answer, struct arena *a)
{
    struct buf b = {0};
    const char *name = "a.test";
    for (int i = 0;; i++) {
        struct dns_step s;
        if (i == STEPS_MAX) {
            buf_add_text(&b, "and so on");
            break;
        }
        if (!wire_step(answer, name, a, &s)) {
            buf_add_text(&b, "ask");
            break;
        }
        if (s.alias[0]) {
            buf_addf(&b, "%s ", s.alias);
            name = s.alias;
            continue;
        }
        buf_add_text(&b, dns_status_name(s.status));
        for (size_t k = 0; k < s.n; k++)
            buf_addf(&b, " %d", s.records[k].data.p[3]);
        break;
    }
    const char *out = arena_text(a, buf_str(&b));
    buf_close(&b);
    return out;
}

static void an_answer_says_what_our_question_leads_to(void **state)
{
    enum { A = 1, CNAME = 5, DNAME = 39 };
    static const struct {
        const char *name;
        unsigned rcode;
        struct record records[8];
        const char *want;
    } cases[] = {
        {"an_address", 0, {{"a.test", A, "7", ANSWER, 0}}, "found 7"},
        {"owner_in_any_case", 0, {{"A.tEsT", A, "7", ANSWER, 0}}, "found 7"},
        {"nothing_at_all", 0, {{0}}, "nodata"},
        {"another_owner", 0, {{"b.test", A, "7", ANSWER, 0}}, "nodata"},
        {"a_name_below", 0, {{"a.a.test", A, "7", ANSWER, 0}}, "nodata"},
        {"another_class", 0, {{"a.test", A, "7", ANSWER, 3}}, "nodata"},
        {"another_type", 0, {{"a.test", 2, "ns.test", ANSWER, 0}}, "nodata"},
        {"one_of_two_owners", 0, {{"b.test", A, "6", ANSWER, 0}, {"a.test", A, "7", ANSWER, 0}},
            "found 7"},
        {"in_the_authority_section", 0, {{"a.test", A, "7", AUTHORITY, 0}}, "nodata"},
        {"in_the_additional_section", 0, {{"a.test", A, "7", ADDITIONAL, 0}}, "nodata"},
        {"an_alias_in_the_authority_section", 0, {{"a.test", CNAME, "evil.test", AUTHORITY, 0}},
            "nodata"},
        {"an_alias", 0, {{"a.test", CNAME, "b.test", ANSWER, 0}, {"b.test", A, "7", ANSWER, 0}},
            "b.test found 7"},
        {"an_alias_in_any_case", 0,
            {{"a.TEST", CNAME, "B.test", ANSWER, 0}, {"b.TesT", A, "7", ANSWER, 0}},
            "b.test found 7"},
        {"an_alias_behind_its_target", 0,
            {{"b.test", A, "7", ANSWER, 0}, {"a.test", CNAME, "b.test", ANSWER, 0}},
            "b.test found 7"},
        {"an_alias_of_another_class", 0,
            {{"a.test", CNAME, "b.test", ANSWER, 3}, {"b.test", A, "7", ANSWER, 0}}, "nodata"},
        {"an_alias_whose_target_is_left_to_ask", 0, {{"a.test", CNAME, "b.test", ANSWER, 0}},
            "b.test ask"},
        {"an_alias_to_nothing", 3, {{"a.test", CNAME, "b.test", ANSWER, 0}}, "b.test nxdomain"},
        {"an_alias_beside_an_address", 0,
            {{"a.test", A, "6", ANSWER, 0}, {"a.test", CNAME, "b.test", ANSWER, 0},
                {"b.test", A, "7", ANSWER, 0}},
            "b.test found 7"},
        {"two_aliases", 0,
            {{"a.test", CNAME, "b.test", ANSWER, 0}, {"a.test", CNAME, "c.test", ANSWER, 0},
                {"b.test", A, "7", ANSWER, 0}, {"c.test", A, "8", ANSWER, 0}},
            "b.test found 7"},
        {"somebody_elses_alias", 0,
            {{"b.test", CNAME, "c.test", ANSWER, 0}, {"c.test", A, "7", ANSWER, 0}}, "nodata"},
        {"an_alias_to_itself", 0, {{"a.test", CNAME, "a.test", ANSWER, 0}},
            "a.test a.test a.test a.test a.test a.test a.test a.test a.test a.test a.test a.test "
            "and so on"},
        {"a_circle_of_two", 0,
            {{"a.test", CNAME, "b.test", ANSWER, 0}, {"b.test", CNAME, "a.test", ANSWER, 0}},
            "b.test a.test b.test a.test b.test a.test b.test a.test b.test a.test b.test a.test "
            "and so on"},
        {"dname_with_the_alias_that_follows_from_it", 0,
            {{"test", DNAME, "other", ANSWER, 0}, {"a.test", CNAME, "a.other", ANSWER, 0},
                {"a.other", A, "7", ANSWER, 0}},
            "a.other found 7"},
        {"dname_alone_leads_nowhere", 0,
            {{"test", DNAME, "other", ANSWER, 0}, {"a.other", A, "7", ANSWER, 0}}, "nodata"},
        {"an_alias_to_the_root", 0, {{"a.test", CNAME, "", ANSWER, 0}}, "nodata"},
    };
    (void)state;
    EACH(c, cases)
    {
        struct arena *a = arena_open();
        struct buf b = {0};
        const struct wire_answer *answer = NULL;
        put_packet(&b, c->rcode, c->records);
        expect_text(c->name, kind_name(wire_read(&question, buf_str(&b), a, &answer)), "answer");
        expect_text(c->name, travel(answer, a), c->want);
        buf_close(&b);
        arena_close(&a);
    }
}

static void the_case_goes_out_as_mixed_and_must_come_back(void **state)
{
    struct arena *a = arena_open();
    uint8_t out[WIRE_QUESTION_MAX];
    const struct wire_answer *answer = NULL;
    struct wire_question q = question;
    (void)state;
    q.mix[0] = 0x01 | 0x08; /* "A.tEst" */
    q.name = "a.test";
    size_t n = wire_write(&q, out);
    assert_true(n > QUESTION_AT_END);
    assert_memory_equal(out + HEADER, "\1A\4tEst\0\0\1\0\1", 12);
    out[2] |= 0x80; /* an answer without records */
    struct str reply = str_bytes(out, n);
    expect_text("as sent", kind_name(wire_read(&q, reply, a, &answer)), "answer");
    out[HEADER + 1] = 'a';
    expect_text("folded", kind_name(wire_read(&q, reply, a, &answer)), "folded");
    q.any_case = true;
    expect_text("over TCP", kind_name(wire_read(&q, reply, a, &answer)), "answer");
    arena_close(&a);
}

/* A label may hold any byte: as text it is longer than on the wire, and a dot in it parts nothing. */
static void escaped_names_go_out_as_their_bytes(void **state)
{
    static const struct {
        const char *name, *asked;
        struct str wire;
    } cases[] = {
        {"a_blank", "a\\032b.test", STR("\3a b\4test\0")},
        {"a_dot_within_a_label", "a\\046b.test", STR("\3a.b\4test\0")},
        {"a_nul_and_a_backslash", "\\000\\092.test", STR("\2\0\\\4test\0")},
        {"above_ascii", "\\255x\\200.test", STR("\3\377x\310\4test\0")},
        {"thirteen_of_them", "\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001.a",
            STR("\15\1\1\1\1\1\1\1\1\1\1\1\1\1\1a\0")},
    };
    (void)state;
    EACH(c, cases)
    {
        struct arena *a = arena_open();
        uint8_t out[WIRE_QUESTION_MAX];
        const struct wire_answer *answer = NULL;
        struct wire_question q = question;
        size_t end = HEADER + c->wire.n;
        q.name = c->asked;
        memset(q.mix, 0xff, sizeof q.mix);
        size_t n = wire_write(&q, out);
        expect_number(c->name, (int64_t)n, (int64_t)end + 4 + 11);
        for (size_t i = 0; i < c->wire.n; i++) {
            uint8_t b = (uint8_t)c->wire.p[i];
            expect_number(c->name, out[HEADER + i], b >= 'a' && b <= 'z' ? b - 32 : b);
        }
        expect_number(c->name, memcmp(out + end, "\0\1\0\1\0\0\51", 7), 0);
        out[2] |= 0x80;
        struct str reply = str_bytes(out, n);
        expect_text(c->name, kind_name(wire_read(&q, reply, a, &answer)), "answer");
        out[HEADER + 1] ^= 0x40;
        expect_text(c->name, kind_name(wire_read(&q, reply, a, &answer)), "not ours");
        arena_close(&a);
    }
}

static void what_is_no_name_is_not_asked(void **state)
{
    uint8_t out[WIRE_QUESTION_MAX];
    struct wire_question q = question;
    (void)state;
    q.name = "a\\03";
    expect_number("an escape cut short", (int64_t)wire_write(&q, out), 0);
}

static void who_knows_no_signatures_cannot_say(void **state)
{
    static const struct {
        const char *name, *opt; /* the upper half of its flags; NULL: no OPT record */
        const char *plain, *signed_;
    } cases[] = {
        {"no_edns", NULL, "answer", "servfail"},
        {"edns_alone", "\0", "answer", "servfail"},
        {"signatures", "\x80", "answer", "answer"},
        {"another_flag", "\x40", "answer", "servfail"},
    };
    static const struct record good[] = {{"a.test", 1, "7", ANSWER, 0}, {0}};
    (void)state;
    EACH(c, cases)
    {
        struct arena *a = arena_open();
        struct buf b = {0};
        const struct wire_answer *answer = NULL;
        struct wire_question q = question;
        put_packet(&b, 0, good);
        if (c->opt) {
            b.p[11]++;
            buf_add(&b, STR("\0\0\x29\x04\xd0\0\0"));
            buf_add_char(&b, c->opt[0]);
            buf_add(&b, STR("\0\0\0"));
        }
        expect_text(c->name, kind_name(wire_read(&q, buf_str(&b), a, &answer)), c->plain);
        q.dnssec = true;
        expect_text(c->name, kind_name(wire_read(&q, buf_str(&b), a, &answer)), c->signed_);
        buf_close(&b);
        arena_close(&a);
    }
}

static void questions_ask_for_what_they_are_told(void **state)
{
    uint8_t out[WIRE_QUESTION_MAX];
    struct wire_question q = {.name = "", .type = DNS_NS, .id = ID};
    (void)state;
    size_t n = wire_write(&q, out);
    expect_number("the root without EDNS", (int64_t)n, HEADER + 5);
    q.edns = true;
    n = wire_write(&q, out);
    expect_number("with EDNS", (int64_t)n, HEADER + 5 + 11);
    expect_number("size", out[n - 8] << 8 | out[n - 7], WIRE_UDP_MAX);
    expect_number("no signatures", out[n - 4] & 0x80, 0);
    q.dnssec = true;
    n = wire_write(&q, out);
    expect_number("signatures", out[n - 4] & 0x80, 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_ours_or_not),
        cmocka_unit_test(an_answer_says_what_our_question_leads_to),
        cmocka_unit_test(the_case_goes_out_as_mixed_and_must_come_back),
        cmocka_unit_test(escaped_names_go_out_as_their_bytes),
        cmocka_unit_test(what_is_no_name_is_not_asked),
        cmocka_unit_test(who_knows_no_signatures_cannot_say),
        cmocka_unit_test(questions_ask_for_what_they_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
