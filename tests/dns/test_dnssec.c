/* The validator on zones that are signed when the test begins, asked from NSD, which is authoritative, and through
 * Unbound, which validates them itself: both and delv must come to the same. */
#include "tests/dns/signed_world.h"

#include "dns/dnssec.h"

#include <unistd.h>

#define DELV "/usr/bin/delv"

/* A peer says what we say, but where docs/oddities.md has the reason. */
#define SAME NULL

static const struct expectation {
    const char *name, *ask;
    enum dns_type type;
    const char *want;           /* "status answer at: reason" as far as it is given */
    const char *unbound, *delv; /* another status, or SAME */
} cases[] = {
    {"the_root_itself", ".", DNS_SOA, "secure found", SAME, SAME},
    {"a_record_under_two_delegations", "www.good.example", DNS_A, "secure found", SAME, SAME},
    {"a_record_at_the_apex", "good.example", DNS_MX, "secure found", SAME, SAME},
    {"a_text_of_two_strings", "www.good.example", DNS_TXT, "secure found", SAME, SAME},
    {"a_tlsa_record", "_25._tcp.www.good.example", DNS_TLSA, "secure found", SAME, SAME},
    {"a_ds_at_its_parent", "good.example", DNS_DS, "secure found", SAME, SAME},
    {"a_dnskey", "good.example", DNS_DNSKEY, "secure found", SAME, SAME},
    {"a_name_in_capitals", "WWW.Good.Example", DNS_A, "secure found", SAME, SAME},
    {"rsasha256_with_nsec3", "www.nsec3.example", DNS_A, "secure found", SAME, SAME},
    {"rsasha512", "www.sha512.example", DNS_A, "secure found", SAME, SAME},
    {"ecdsa_p384", "www.p384.example", DNS_A, "secure found", SAME, SAME},
    {"ed25519", "www.ed25519.example", DNS_A, "secure found", SAME, SAME},
    {"ed448", "www.ed448.example", DNS_A, "secure found", SAME, SAME},
    {"a_ds_of_sha1_alone", "www.sha1ds.example", DNS_A, "secure found", SAME, SAME},

    {"nxdomain_by_nsec", "no.good.example", DNS_A, "secure nxdomain", SAME, SAME},
    {"nxdomain_two_labels_down", "x.no.good.example", DNS_A, "secure nxdomain", SAME, SAME},
    {"nxdomain_by_nsec3", "no.nsec3.example", DNS_A, "secure nxdomain", SAME, SAME},
    {"nxdomain_two_labels_down_by_nsec3", "x.no.nsec3.example", DNS_A, "secure nxdomain", SAME,
        SAME},
    {"nxdomain_at_the_parent", "nobody.example", DNS_MX, "secure nxdomain", SAME, SAME},
    {"nxdomain_under_the_root", "nobody", DNS_A, "secure nxdomain", SAME, SAME},
    {"nodata_by_nsec", "www.good.example", DNS_MX, "secure nodata", SAME, SAME},
    {"nodata_by_nsec3", "www.nsec3.example", DNS_MX, "secure nodata", SAME, SAME},
    {"nodata_at_the_apex", "good.example", DNS_A, "secure nodata", SAME, SAME},
    {"an_empty_non_terminal_by_nsec", "ent.good.example", DNS_A, "secure nodata", SAME, SAME},
    {"an_empty_non_terminal_by_nsec3", "ent.nsec3.example", DNS_A, "secure nodata", SAME, SAME},
    {"no_ds_below_the_apex", "www.good.example", DNS_DS, "secure nodata", SAME, SAME},

    {"a_wildcard_by_nsec", "any.wild.good.example", DNS_A, "secure found", SAME, SAME},
    {"a_wildcard_two_labels_down", "x.any.wild.good.example", DNS_A, "secure found", SAME, SAME},
    {"a_wildcard_by_nsec3", "any.wild.nsec3.example", DNS_A, "secure found", SAME, SAME},
    {"the_wildcard_itself", "*.wild.good.example", DNS_A, "secure found", SAME, SAME},
    {"a_wildcard_without_the_type", "any.wild.good.example", DNS_MX, "secure nodata", SAME, SAME},
    {"a_wildcard_without_the_type_by_nsec3", "any.wild.nsec3.example", DNS_MX, "secure nodata",
        SAME, SAME},
    {"a_name_beside_the_wildcard", "there.wild.good.example", DNS_A, "secure nodata", SAME, SAME},

    {"an_alias", "alias.good.example", DNS_A, "secure found", SAME, SAME},
    {"an_alias_to_nothing", "dead.good.example", DNS_A, "secure nxdomain", SAME, SAME},
    {"an_alias_into_another_zone", "across.good.example", DNS_A, "secure found", SAME, SAME},
    {"an_alias_into_an_unsigned_zone", "away.good.example", DNS_A,
        "insecure found unsigned.example: unsigned.example is delegated without a DS", SAME, SAME},
    {"an_alias_into_a_broken_zone", "into.good.example", DNS_A,
        "bogus found expired.example: ", SAME, SAME},
    {"an_alias_to_the_root", "toroot.good.example", DNS_SOA, "secure found", SAME, SAME},
    {"an_alias_to_the_root_without_the_type", "toroot.good.example", DNS_MX, "secure nodata", SAME,
        SAME},
    {"a_dname_to_the_root", "nobody.top.good.example", DNS_A, "secure nxdomain", SAME, SAME},
    {"a_dname", "a.moved.good.example", DNS_A, "secure found", SAME, SAME},
    {"an_alias_out_of_an_unsigned_zone", "across.unsigned.example", DNS_A, "insecure found", SAME,
        SAME},

    {"an_unsigned_delegation_by_nsec", "www.unsigned.example", DNS_A,
        "insecure found unsigned.example: unsigned.example is delegated without a DS, which "
        "example proves",
        SAME, SAME},
    {"nothing_in_an_unsigned_zone", "no.unsigned.example", DNS_A, "insecure nxdomain", SAME, SAME},
    {"a_signed_zone_without_a_ds", "www.island.example", DNS_A,
        "insecure found island.example: ", SAME, SAME},
    {"an_unsigned_delegation_by_opt_out", "www.child.optout.example", DNS_A,
        "insecure found child.optout.example: optout.example leaves child.optout.example out of "
        "its signed names (NSEC3 opt-out)",
        SAME, SAME},
    {"a_signed_name_beside_it", "www.optout.example", DNS_A, "secure found", SAME, SAME},
    {"nxdomain_where_opt_out_covers", "no.optout.example", DNS_A, "insecure nxdomain", SAME,
        "secure"},
    {"a_wildcard_where_opt_out_covers", "any.wild.optout.example", DNS_A, "insecure found", SAME,
        SAME},
    {"an_algorithm_that_nobody_knows", "www.unknown.example", DNS_A,
        "insecure found unknown.example: the DS records of unknown.example name nothing that "
        "validators take (algorithm 200, digest 2)",
        SAME, SAME},
    {"rsasha1_counts_as_unsigned", "www.sha1.example", DNS_A,
        "insecure found sha1.example: the DS records of sha1.example name nothing that validators "
        "take (RSASHA1, digest 2)",
        "secure", "secure"},
    {"nsec3_with_160_iterations", "no.dear.example", DNS_A,
        "insecure nxdomain no.dear.example: the NSEC3 records of dear.example ask for more than "
        "100",
        SAME, SAME},
    {"nsec3_with_120_iterations", "no.costly.example", DNS_A,
        "insecure nxdomain no.costly.example: the NSEC3 records of costly.example ask for more "
        "than 100",
        "secure", "secure"},
    {"a_record_beside_dear_nsec3", "www.dear.example", DNS_A, "secure found", SAME, SAME},

    {"signatures_that_have_ended", "www.expired.example", DNS_A,
        "bogus found expired.example: signature of DNSKEY expired.example expired ", SAME, SAME},
    {"signatures_that_have_not_begun", "www.future.example", DNS_A,
        "bogus found future.example: signature of DNSKEY future.example begins only ", SAME, SAME},
    {"a_ds_of_another_key", "www.wrongds.example", DNS_A,
        "bogus found wrongds.example: no DNSKEY of wrongds.example matches its DS", SAME, SAME},
    {"a_ds_of_the_right_tag_with_another_digest", "www.digest.example", DNS_A,
        "bogus found digest.example: no DNSKEY of digest.example matches its DS", SAME, SAME},
    {"no_dnskey_behind_a_ds", "www.nokey.example", DNS_A,
        "bogus found nokey.example: nokey.example has no DNSKEY, though there is a DS", SAME, SAME},
    {"a_record_without_its_signature", "www.nosig.example", DNS_A,
        "bogus found www.nosig.example: A www.nosig.example has no signature", SAME, SAME},
    {"another_record_of_that_name", "www.nosig.example", DNS_TXT, "secure found", SAME, SAME},
    {"a_record_that_was_changed", "www.altered.example", DNS_A,
        "bogus found www.altered.example: signature of A www.altered.example by key ", SAME, SAME},
    {"nxdomain_without_proof", "no.nonsec.example", DNS_A,
        "bogus nxdomain no.nonsec.example: nothing proves that A no.nonsec.example is missing: the "
        "answer for no.nonsec.example has no NSEC",
        SAME, SAME},
    {"nodata_without_proof", "www.nonsec.example", DNS_MX,
        "bogus nodata www.nonsec.example: ", SAME, SAME},
    {"nxdomain_without_nsec3", "no.nonsec3.example", DNS_A, "bogus nxdomain", SAME, SAME},
    {"a_wildcard_without_proof", "any.wild.nonsec.example", DNS_A,
        "bogus found any.wild.nonsec.example: a wildcard answers for any.wild.nonsec.example, and "
        "nothing proves that it may",
        SAME, SAME},
    {"neither_ds_nor_proof", "www.stripped.example", DNS_A,
        "bogus found stripped.example: there is neither a DS of stripped.example nor a proof", SAME,
        SAME},
};

/* ---- the three --------------------------------------------------------------------------------- */

static const char *tell(struct arena *a, const struct dnssec_verdict *v)
{
    const char *why = v->reason.text;
    return arena_printf(a, "%s %s%s%s%s%s", dnssec_status_name(v->status),
        dns_status_name(v->answer), *v->at ? " " : "", v->at, *why ? ": " : "", why);
}

static const char *check(
    struct signed_world *s, struct resolver *r, const char *name, enum dns_type type)
{
    struct err e = {0};
    struct dnssec_verdict v;
    AUTO(dnssec_anchors_close) struct dnssec_anchors *anchors = NULL;
    if (!dnssec_anchors_parse(str_of(s->anchor), "anchor", &anchors, &e))
        fail_msg("%s", e.text);
    struct dnssec_setup setup = {
        .anchors = anchors, .source = dnssec_source_of(r), .clock = &s->clock};
    AUTO(dnssec_close) struct dnssec *d = dnssec_open(&setup);
    dnssec_check(d, name, type, s->w.arena, &v);
    return tell(s->w.arena, &v);
}

/* One run shows all that differ; how many there are is what the test asserts. */
static int differs(const char *who, const char *name, const char *have, const char *want)
{
    if (str_starts(str_of(have), str_of(want)))
        return 0;
    print_message("%s by %s:\n  have %s\n  want %s\n", name, who, have, want);
    return 1;
}

static const char *peer_want(struct arena *a, const struct expectation *c, const char *other)
{
    struct str want = str_of(c->want);
    return other ? other : arena_text(a, str_slice(want, 0, str_find_char(want, ' ', 0)));
}

/* The AD bit, and SERVFAIL for what is bogus. */
static const char *unbound_says(struct signed_world *s, const struct expectation *c)
{
    struct dns_answer a = {.status = DNS_NODATA};
    if (strcmp(c->ask, ".") == 0)
        a.secure = resolver_validates(s->at_unbound);
    else
        resolver_ask(s->at_unbound, c->ask, c->type, s->w.arena, &a);
    if (a.status == DNS_SERVFAIL)
        return "bogus";
    if (a.status != DNS_FOUND && a.status != DNS_NODATA && a.status != DNS_NXDOMAIN)
        return dns_status_name(a.status);
    return a.secure ? "secure" : "insecure";
}

static const char *delv_says(struct signed_world *s, const struct expectation *c)
{
    static const char *const types[] = {[DNS_A] = "A",
        [DNS_MX] = "MX",
        [DNS_TXT] = "TXT",
        [DNS_SOA] = "SOA",
        [DNS_TLSA] = "TLSA",
        [DNS_DS] = "DS",
        [DNS_DNSKEY] = "DNSKEY"};
    AUTO(buf_close) struct buf out = {0};
    const char *command =
        arena_printf(s->w.arena, DELV " -4 -a %s/anchors +root=. @127.0.0.1 -p %s '%s' %s 2>&1",
            s->w.folder, strchr(s->unbound.address, ':') + 1, c->ask, types[c->type]);
    FILE *f = popen(command, "re");
    assert_non_null(f);
    size_t n;
    while ((n = fread(buf_room(&out, 4096), 1, 4096, f)) > 0)
        out.n += n;
    pclose(f);
    struct str text = buf_str(&out);
    if (str_find(text, STR("resolution failed"), 0) < text.n &&
        str_find(text, STR("ncache"), 0) == text.n)
        return "bogus";
    if (str_find(text, STR("unsigned answer"), 0) < text.n)
        return "insecure";
    if (str_find(text, STR("fully validated"), 0) < text.n)
        return "secure";
    return arena_text(s->w.arena, text);
}

static void zones_are_judged_as_they_are(void **state)
{
    struct signed_world *s = signed_of(state);
    int wrong = 0;
    EACH(c, cases)
    {
        wrong += differs("us from NSD", c->name, check(s, s->at_nsd, c->ask, c->type), c->want);
        wrong +=
            differs("us from Unbound", c->name, check(s, s->at_unbound, c->ask, c->type), c->want);
    }
    assert_int_equal(wrong, 0);
}

static void unbound_comes_to_the_same(void **state)
{
    struct signed_world *s = signed_of(state);
    int wrong = 0;
    EACH(c, cases)
    wrong += differs("Unbound", c->name, unbound_says(s, c), peer_want(s->w.arena, c, c->unbound));
    assert_int_equal(wrong, 0);
}

/* ".\t3600\tIN\tDS\t4711 8 2 e06d..." in the words of BIND. */
static void write_anchors(const struct signed_world *s, const char *path)
{
    unsigned tag, algorithm, digest;
    char hex[129];
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(
        sscanf(s->anchor, ". %*u IN DS %u %u %u %128s", &tag, &algorithm, &digest, hex), 4);
    fprintf(f, "trust-anchors { . static-ds %u %u %u \"%s\"; };\n", tag, algorithm, digest, hex);
    assert_int_equal(fclose(f), 0);
}

static void delv_comes_to_the_same(void **state)
{
    struct signed_world *s = signed_of(state);
    int wrong = 0;
    if (server_is_missing(DELV, "bind9-dnsutils"))
        skip();
    const char *path = arena_printf(s->w.arena, "%s/anchors", s->w.folder);
    write_anchors(s, path);
    EACH(c, cases)
    wrong += differs("delv", c->name, delv_says(s, c), peer_want(s->w.arena, c, c->delv));
    unlink(path);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_judged_as_they_are),
        cmocka_unit_test(unbound_comes_to_the_same),
        cmocka_unit_test(delv_comes_to_the_same),
    };
    return cmocka_run_group_tests(tests, signed_open, signed_close);
}
