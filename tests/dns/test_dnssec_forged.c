/* What no honest server sends: signatures, keys and proofs that are good in all but one thing, and more of them than
 * anybody should try. Beside each lie stands the truth that differs from it in that one thing alone. */
#include "tests/dns/forged_zone.h"

#define PROOF_TEXT "nothing proves that "

static const struct forgery {
    const char *name, *ask;
    enum dns_type type;
    const char *want; /* as it begins */
    enum forged_keys keys;
    bool nxdomain;
    const char *answer, *authority;
    struct forged_reply more;
} forgeries[] = {
    {"a_signature_of_the_zone", "www.z.test", DNS_A, "secure found", .answer = "www A 192.0.2.1"},
    {"a_signature_by_another_signer", "www.z.test", DNS_A,
        "bogus found www.z.test: A www.z.test is signed by other.test",
        .answer = "signer=other.test. www A 192.0.2.1"},
    {"a_signature_by_a_zone_below", "www.z.test", DNS_A,
        "bogus found www.z.test: A www.z.test is signed by www.z.test",
        .answer = "signer=www www A 192.0.2.1"},
    {"a_signature_of_a_longer_name", "www.z.test", DNS_A,
        "bogus found www.z.test: the signature of A www.z.test is for a longer name",
        .answer = "labels=4 www A 192.0.2.1"},
    {"a_foreign_signature_beside_it", "www.z.test", DNS_A, "secure found",
        .answer = "www A 192.0.2.1\nsigner=www y.other.test. A 192.0.2.1",
        .more = {"www.z.test", DNS_DS, .silent = true}},

    {"by_a_second_key", "www.z.test", DNS_A, "secure found", .keys = KEYS_SECOND,
        .answer = "key=odd www A 192.0.2.1"},
    {"by_a_revoked_key", "www.z.test", DNS_A, "bogus found www.z.test: ", .keys = KEYS_REVOKED,
        .answer = "key=odd www A 192.0.2.1"},
    {"by_a_key_of_no_zone", "www.z.test", DNS_A,
        "bogus found www.z.test: ", .keys = KEYS_OF_NO_ZONE, .answer = "key=odd www A 192.0.2.1"},
    {"by_a_key_of_another_protocol", "www.z.test", DNS_A, "bogus found www.z.test: ",
        .keys = KEYS_OTHER_PROTOCOL, .answer = "key=odd www A 192.0.2.1"},
    {"behind_three_keys_of_its_tag", "www.z.test", DNS_A, "secure found",
        .keys = KEYS_THREE_OF_A_TAG, .answer = "www A 192.0.2.1"},
    {"behind_four_keys_of_its_tag", "www.z.test", DNS_A, "bogus found ", .keys = KEYS_FOUR_OF_A_TAG,
        .answer = "www A 192.0.2.1"},

    {"a_ds_of_sha1_alone", "www.c.z.test", DNS_A, "secure found",
        .answer = "key=child www.c A 192.0.2.1",
        .more = {"c.z.test", DNS_DS, .answer = "ds:child:1"}},
    {"a_ds_of_sha1_beside_another", "www.c.z.test", DNS_A,
        "bogus found c.z.test: no DNSKEY of c.z.test matches its DS",
        .answer = "key=child www.c A 192.0.2.1",
        .more = {"c.z.test", DNS_DS, .answer = "ds:child:1 | ds:other:2"}},
    {"a_ds_that_the_parent_denies", "www.c.z.test", DNS_A,
        "insecure found c.z.test: ", .answer = "- www.c A 192.0.2.1",
        .more = {"c.z.test", DNS_DS, .authority = "c NSEC d NS RRSIG NSEC"}},
    {"a_ds_that_the_child_denies", "www.c.z.test", DNS_A,
        "bogus found c.z.test: there is neither a DS of c.z.test nor a proof that there is none: "
        "the proof for DS c.z.test comes from the zone itself",
        .answer = "- www.c A 192.0.2.1",
        .more = {"c.z.test", DNS_DS, .authority = "c NSEC d NS SOA RRSIG NSEC"}},
    {"a_ds_asked_for_is_judged_at_the_parent", "c.z.test", DNS_DS,
        "bogus nodata c.z.test: " PROOF_TEXT "DS c.z.test is missing: ", .authority = ""},

    {"nodata", "www.z.test", DNS_A, "secure nodata", .authority = "www NSEC zz TXT RRSIG NSEC"},
    {"nodata_though_it_is_there", "www.z.test", DNS_A, "bogus nodata www.z.test: " PROOF_TEXT,
        .authority = "www NSEC zz A RRSIG NSEC"},
    {"nodata_at_an_alias", "www.z.test", DNS_A, "bogus nodata www.z.test: " PROOF_TEXT,
        .authority = "www NSEC zz CNAME RRSIG NSEC"},
    {"nodata_by_the_parent_of_a_cut", "c.z.test", DNS_A,
        "bogus nodata c.z.test: " PROOF_TEXT "A c.z.test is missing: the proof for c.z.test comes "
        "from its parent",
        .authority = "c NSEC d NS DS RRSIG NSEC"},
    {"nodata_at_a_wildcard", "x.w.z.test", DNS_A, "secure nodata",
        .authority = "*.w NSEC zz TXT RRSIG NSEC"},
    {"nodata_at_a_wildcard_that_has_it", "x.w.z.test", DNS_A,
        "bogus nodata x.w.z.test: " PROOF_TEXT "A x.w.z.test is missing: a wildcard has the record",
        .authority = "*.w NSEC zz A RRSIG NSEC"},
    {"nodata_at_a_wildcard_that_is_an_alias", "x.w.z.test", DNS_A,
        "bogus nodata x.w.z.test: ", .authority = "*.w NSEC zz CNAME RRSIG NSEC"},
    {"nodata_by_a_wildcard's_nsec", "m.z.test", DNS_A,
        "bogus nodata m.z.test: ", .authority = "as=m * NSEC zz TXT RRSIG NSEC"},
    {"nodata_said_of_an_absent_name", "m.z.test", DNS_A,
        "bogus nodata m.z.test: m.z.test is said to have other records, but is proved not to exist",
        .authority = "@ NSEC zz SOA RRSIG NSEC"},

    {"nxdomain", "m.z.test", DNS_A, "secure nxdomain", .nxdomain = true,
        .authority = "@ NSEC zz SOA RRSIG NSEC"},
    {"nxdomain_though_a_wildcard_may_be_there", "m.z.test", DNS_A,
        "bogus nxdomain m.z.test: " PROOF_TEXT "A m.z.test is missing: no NSEC record shows that "
        "no wildcard",
        .nxdomain = true, .authority = "a NSEC zz TXT RRSIG NSEC"},
    {"nxdomain_said_of_a_name_that_is_there", "m.z.test", DNS_A,
        "bogus nxdomain m.z.test: m.z.test is said not to exist, but is proved to",
        .nxdomain = true, .authority = "m NSEC zz TXT RRSIG NSEC"},
    {"nxdomain_below_a_cut_by_the_parent", "x.c.z.test", DNS_A,
        "bogus nxdomain x.c.z.test: ", .nxdomain = true, .authority = "c NSEC d NS DS RRSIG NSEC"},
    {"nxdomain_below_a_dname", "x.c.z.test", DNS_A, "bogus nxdomain x.c.z.test: ", .nxdomain = true,
        .authority = "c NSEC d DNAME RRSIG NSEC"},

    {"a_wildcard", "x.w.z.test", DNS_A, "secure found", .answer = "as=x.w * A 192.0.2.1",
        .authority = "a NSEC zz TXT RRSIG NSEC"},
    {"a_wildcard_beyond_the_closest_name", "x.w.z.test", DNS_A,
        "bogus found x.w.z.test: a wildcard answers for x.w.z.test, and nothing proves",
        .answer = "as=x.w * A 192.0.2.1", .authority = "w NSEC zz TXT RRSIG NSEC"},
    {"a_wildcard_by_nsec3", "x.w.z.test", DNS_A, "secure found", .answer = "as=x.w * A 192.0.2.1",
        .authority = "cover:w A"},
    {"a_wildcard_beyond_the_closest_name_by_nsec3", "x.w.z.test", DNS_A,
        "bogus found x.w.z.test: a wildcard answers", .answer = "as=x.w * A 192.0.2.1",
        .authority = "cover:x.w A"},

    {"nsec3_nodata_at_an_alias", "www.z.test", DNS_A,
        "bogus nodata www.z.test: ", .authority = "match:www CNAME"},
    {"nsec3_nodata_at_a_wildcard", "x.w.z.test", DNS_A, "secure nodata",
        .authority = "match:w TXT\ncover:x.w TXT\nmatch:*.w TXT"},
    {"nsec3_nodata_at_a_wildcard_that_has_it", "x.w.z.test", DNS_A,
        "bogus nodata x.w.z.test: " PROOF_TEXT "A x.w.z.test is missing: a wildcard has the record",
        .authority = "match:w TXT\ncover:x.w TXT\nmatch:*.w A"},
    {"nsec3_nxdomain", "m.z.test", DNS_A, "secure nxdomain", .nxdomain = true,
        .authority = "match: SOA\ncover:m TXT\ncover:* TXT"},
    {"nsec3_nxdomain_though_a_wildcard_may_be_there", "m.z.test", DNS_A,
        "bogus nxdomain m.z.test: " PROOF_TEXT "A m.z.test is missing: no NSEC3 record shows that "
        "no wildcard",
        .nxdomain = true, .authority = "match: SOA\ncover:m TXT"},
    {"nsec3_nxdomain_below_a_cut_by_the_parent", "x.c.z.test", DNS_A,
        "bogus nxdomain x.c.z.test: " PROOF_TEXT "A x.c.z.test is missing: no NSEC3 record of its "
        "own zone",
        .nxdomain = true, .authority = "match:c NS\ncover:x.c TXT\ncover:*.c TXT"},
    {"nsec3_nxdomain_below_a_dname", "x.c.z.test", DNS_A, "bogus nxdomain x.c.z.test: ",
        .nxdomain = true, .authority = "match:c DNAME\ncover:x.c TXT\ncover:*.c TXT"},
    {"nsec3_of_unknown_flags", "m.z.test", DNS_A, "bogus nxdomain m.z.test: ", .nxdomain = true,
        .authority = "match: SOA\nflags=2 cover:m TXT\ncover:* TXT"},
    {"nsec3_of_another_salt", "m.z.test", DNS_A, "bogus nxdomain m.z.test: ", .nxdomain = true,
        .authority = "salt=AB match: SOA\ncover:m TXT\ncover:* TXT"},
    {"nsec3_of_other_iterations", "m.z.test", DNS_A, "bogus nxdomain m.z.test: ", .nxdomain = true,
        .authority = "iterations=1 match: SOA\ncover:m TXT\ncover:* TXT"},
};

static void lies_are_seen_through(void **state)
{
    int wrong = 0;
    (void)state;
    EACH(c, forgeries)
    {
        struct forger f;
        forger_begin(&f, c->keys);
        const struct forged_reply replies[] = {{c->ask, c->type, .nxdomain = c->nxdomain,
                                                   .answer = c->answer, .authority = c->authority},
            c->more, {0}};
        const char *have = forger_check(&f, replies, c->ask, c->type);
        if (!str_starts(str_of(have), str_of(c->want))) {
            print_message("%s:\n  have %s\n  want %s\n", c->name, have, c->want);
            wrong++;
        }
        forger_end(&f);
    }
    assert_int_equal(wrong, 0);
}

/* ---- more than anybody should try (KeyTrap) -------------------------------------------------- */

static void expect(struct forger *f, const struct forged_reply *replies, const char *want)
{
    const char *have = forger_check(f, replies, replies[0].name, replies[0].type);
    if (!str_starts(str_of(have), str_of(want)))
        fail_msg("have %s\nwant %s", have, want);
}

/* With three keys of its tag before its own, each signature costs four trials; one more is for the keys. */
static void no_more_signatures_are_computed_than_allowed(void **state)
{
    struct forger f;
    struct forged_reply replies[] = {{"a.z.test", DNS_A, .answer = "spoilt=7 a CNAME b"},
        {"b.z.test", DNS_A, .answer = "spoilt=7 b CNAME d"},
        {"d.z.test", DNS_A, .answer = "spoilt=6 d A 192.0.2.1"}, {0}};
    (void)state;
    forger_begin(&f, KEYS_THREE_OF_A_TAG);
    expect(&f, replies, "secure found");
    replies[2].answer = "spoilt=7 d A 192.0.2.1";
    expect(&f, replies, "bogus found d.z.test: more signatures had to be tried");
    forger_end(&f);
}

/* Each of twelve records is compared with the hash of each ancestor. */
static void no_more_hashes_are_computed_than_allowed(void **state)
{
    static const int labels[] = {30, 60};
    struct forger f;
    (void)state;
    forger_begin(&f, KEYS_ALONE);
    EACH(n, labels)
    {
        AUTO(buf_close) struct buf name = {0}, proof = {0};
        for (int i = 0; i < *n; i++)
            buf_add_text(&name, "x.");
        buf_add_text(&name, "z.test");
        buf_add_text(&proof, "match: SOA\ncover:x TXT\ncover:* TXT");
        for (int i = 0; i < 9; i++)
            buf_addf(&proof, "\nmatch:filler%d TXT", i);
        const struct forged_reply replies[] = {
            {buf_text(&name), DNS_A, .nxdomain = true, .authority = buf_text(&proof)}, {0}};
        expect(&f, replies, *n == 30 ? "secure nxdomain" : "bogus nxdomain ");
    }
    forger_end(&f);
}

static void no_more_denials_are_looked_at_than_allowed(void **state)
{
    static const char *const last[] = {"@ NSEC zz SOA RRSIG NSEC", "match:m TXT"};
    struct forger f;
    (void)state;
    forger_begin(&f, KEYS_ALONE);
    EACH(proof, last)
    {
        for (int fillers = 11; fillers <= 12; fillers++) {
            AUTO(buf_close) struct buf text = {0};
            for (int i = 0; i < fillers; i++)
                buf_addf(&text, (*proof)[0] == '@' ? "f%d NSEC f%d TXT\n" : "match:f%d TXT %.0d\n",
                    i, i);
            buf_add_text(&text, *proof);
            const struct forged_reply replies[] = {
                {"m.z.test", DNS_A, .nxdomain = (*proof)[0] == '@', .authority = buf_text(&text)},
                {0}};
            expect(&f, replies, fillers == 11 ? "secure " : "bogus ");
        }
    }
    forger_end(&f);
}

static void no_more_aliases_are_followed_than_allowed(void **state)
{
    struct forger f;
    (void)state;
    forger_begin(&f, KEYS_ALONE);
    for (int aliases = 8; aliases <= 9; aliases++) {
        struct forged_reply replies[11] = {{0}};
        for (int i = 0; i <= aliases; i++)
            replies[i] = (struct forged_reply){.name = arena_printf(f.arena, "n%d.z.test", i),
                .type = DNS_A,
                .answer = i < aliases ? arena_printf(f.arena, "n%d CNAME n%d", i, i + 1)
                                      : arena_printf(f.arena, "n%d A 192.0.2.1", i)};
        expect(&f, replies,
            aliases == 8 ? "secure found" : "indeterminate bad n8.z.test: an alias leads");
    }
    forger_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_are_seen_through),
        cmocka_unit_test(no_more_signatures_are_computed_than_allowed),
        cmocka_unit_test(no_more_hashes_are_computed_than_allowed),
        cmocka_unit_test(no_more_denials_are_looked_at_than_allowed),
        cmocka_unit_test(no_more_aliases_are_followed_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
