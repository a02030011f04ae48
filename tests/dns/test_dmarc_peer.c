/* DMARC by Debian's libopendmarc (1.4, RFC 7489 with a list of public suffixes): the same record, identities and
 * organizational domain must come to the same end as with us, unless the case says why they do not. It is given the
 * record that applies, so it asks no DNS. */
#include "dns/dmarc.h"
#include "tests/dns/world.h"
#include "tests/support/scratch.h"

#include <netinet/in.h>
#include <resolv.h>
#include <sys/types.h>

#include <opendmarc/dmarc.h>
#include <stdlib.h>
#include <unistd.h>

#define TOP                                                                                        \
    "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\nshop A 192.0.2.1\na.shop A "         \
    "192.0.2.1\n"

static const struct peer_case {
    const char *name;
    const char *record;     /* at _dmarc.shop.example, the organizational domain's */
    const char *from;       /* "shop.example" or below */
    const char *spf, *dkim; /* domains that pass; NULL = none */
    const char *want;
    const char *theirs, *why; /* what they say instead, and why; NULL: the same */
} cases[] = {
    {"reject", "v=DMARC1; p=reject", "shop.example", NULL, NULL, "fail reject", NULL, NULL},
    {"quarantine", "v=DMARC1; p=quarantine", "shop.example", NULL, NULL, "fail quarantine", NULL,
        NULL},
    {"none", "v=DMARC1; p=none", "shop.example", NULL, NULL, "fail none", NULL, NULL},
    {"values_in_any_case", "v=DMARC1; p=REJECT", "shop.example", NULL, NULL, "fail reject", NULL,
        NULL},
    {"blanks_around", "v = DMARC1 ;  p = reject ; ", "shop.example", NULL, NULL, "fail reject",
        NULL, NULL},
    {"sp_for_a_subdomain", "v=DMARC1; p=reject; sp=none", "a.shop.example", NULL, NULL, "fail none",
        NULL, NULL},
    {"p_for_a_subdomain_without_sp", "v=DMARC1; p=quarantine", "a.shop.example", NULL, NULL,
        "fail quarantine", NULL, NULL},
    {"sp_is_not_for_the_domain_itself", "v=DMARC1; p=reject; sp=none", "shop.example", NULL, NULL,
        "fail reject", NULL, NULL},
    {"spf_identical", "v=DMARC1; p=reject", "shop.example", "shop.example", NULL, "pass", NULL,
        NULL},
    {"spf_below", "v=DMARC1; p=reject", "shop.example", "bounce.shop.example", NULL, "pass", NULL,
        NULL},
    {"spf_below_strict", "v=DMARC1; p=reject; aspf=s", "shop.example", "bounce.shop.example", NULL,
        "fail reject", "pass", "aligns in strict mode what aligns in relaxed"},
    {"spf_foreign", "v=DMARC1; p=reject", "shop.example", "esp.example", NULL, "fail reject", NULL,
        NULL},
    {"dkim_identical", "v=DMARC1; p=reject", "shop.example", NULL, "shop.example", "pass", NULL,
        NULL},
    {"dkim_identical_strict", "v=DMARC1; p=reject; adkim=s", "shop.example", NULL, "shop.example",
        "pass", NULL, NULL},
    {"dkim_above", "v=DMARC1; p=reject", "a.shop.example", NULL, "shop.example", "pass", NULL,
        NULL},
    {"dkim_above_strict", "v=DMARC1; p=reject; adkim=s", "a.shop.example", NULL, "shop.example",
        "fail reject", "pass", "aligns in strict mode what aligns in relaxed"},
    {"dkim_beside", "v=DMARC1; p=reject", "a.shop.example", NULL, "b.shop.example", "pass", NULL,
        NULL},
    {"dkim_foreign", "v=DMARC1; p=reject", "shop.example", NULL, "esp.example", "fail reject", NULL,
        NULL},
    {"dkim_in_any_case", "v=DMARC1; p=reject", "shop.example", NULL, "SHOP.example", "pass", NULL,
        NULL},
    {"one_of_two", "v=DMARC1; p=reject", "shop.example", "esp.example", "shop.example", "pass",
        NULL, NULL},
    {"strict_for_one_only", "v=DMARC1; p=reject; adkim=s; aspf=r", "shop.example", "b.shop.example",
        "b.shop.example", "pass", NULL, NULL},
    {"an_unknown_tag", "v=DMARC1; p=reject; zz=1", "shop.example", NULL, NULL, "fail reject", NULL,
        NULL},
    {"another_version", "v=DMARC2; p=reject", "shop.example", NULL, NULL, "none", NULL, NULL},
    {"v_not_first", "p=reject; v=DMARC1", "shop.example", NULL, NULL, "none", "fail reject",
        "takes v= at any place"},
    {"no_p_and_no_reports", "v=DMARC1; adkim=s", "shop.example", NULL, NULL, "none", NULL, NULL},
    /* where RFC 9989 is not RFC 7489, or they are mistaken */
    {"no_p_with_reports", "v=DMARC1; rua=mailto:a@shop.example", "shop.example", NULL, NULL,
        "fail none", "none", "RFC 7489 with this rule left out"},
    {"a_bad_p_with_reports", "v=DMARC1; p=x; rua=mailto:a@shop.example", "shop.example", NULL, NULL,
        "fail none", "none", "RFC 7489 with this rule left out"},
    {"a_bad_sp", "v=DMARC1; p=reject; sp=x", "shop.example", NULL, NULL, "none", NULL, NULL},
    {"a_bad_adkim", "v=DMARC1; p=reject; adkim=x", "shop.example", NULL, NULL, "fail reject",
        "none", "ends at any bad value"},
    {"np_of_a_subdomain_that_does_not_exist", "v=DMARC1; p=none; np=reject", "gone.shop.example",
        NULL, NULL, "fail reject", "fail none", "knows no np="},
    {"t_y", "v=DMARC1; p=reject; t=y", "shop.example", NULL, NULL, "fail quarantine", "fail reject",
        "knows no t="},
    {"pct_0", "v=DMARC1; p=reject; pct=0", "shop.example", NULL, NULL, "fail reject", NULL, NULL},
    {"a_bad_pct", "v=DMARC1; p=reject; pct=many", "shop.example", NULL, NULL, "fail reject", NULL,
        NULL},
    {"psd_n_below_is_another_organization", "v=DMARC1; p=reject", "shop.example", NULL,
        "own.shop.example", "fail reject", "pass", "knows no psd=: the public suffixes decide"},
    {"a_top_level_domain_that_signs", "v=DMARC1; p=reject", "shop.example", NULL, "example",
        "fail reject", "pass", "takes any name above the From domain for aligned"},
    {"a_version_in_lower_case", "v=dmarc1; p=reject", "shop.example", NULL, NULL, "none",
        "fail reject", "compares the version without case"},
    {"a_blank_before_the_version", " v=DMARC1; p=reject", "shop.example", NULL, NULL, "none",
        "fail reject", "skips blanks first"},
    {"a_piece_that_is_no_tag", "v=DMARC1; hello; p=reject", "shop.example", NULL, NULL,
        "fail reject", NULL, NULL},
    {"p_twice", "v=DMARC1; p=none; p=reject", "shop.example", NULL, NULL, "fail none",
        "fail reject", "takes the last one"},
};

static const char *ours(struct world *w, const struct peer_case *c)
{
    struct dmarc_verdict v;
    struct dmarc_identity spf = {c->spf, "pass"}, dkim = {c->dkim, "pass"};
    world_zone(w, 0,
        arena_printf(w->arena,
            TOP "_dmarc.shop TXT \"%s\"\n_dmarc.own.shop TXT \"v=DMARC1; psd=n\"\n", c->record));
    world_resolver(w, NULL, 1000);
    dmarc_check(w->resolver, c->from, c->spf ? &spf : NULL, &dkim, c->dkim ? 1 : 0, w->arena, &v);
    if (v.result != DMARC_FAIL)
        return dmarc_result_name(v.result);
    return arena_printf(w->arena, "fail %s", dmarc_policy_name(v.effective_policy));
}

static unsigned char *bytes(struct world *w, const char *text)
{
    return (unsigned char *)arena_text(w->arena, str_of(text));
}

static const char *theirs(struct world *w, const struct peer_case *c)
{
    DMARC_POLICY_T *p =
        opendmarc_policy_connect_init(bytes(w, "192.0.2.1"), DMARC_POLICY_IP_TYPE_IPV4);
    bool is_org = strcmp(c->from, "shop.example") == 0;
    const char *out = "none";
    assert_non_null(p);
    opendmarc_policy_store_from_domain(p, bytes(w, c->from));
    int parsed = opendmarc_policy_store_dmarc(
        p, bytes(w, c->record), bytes(w, c->from), is_org ? NULL : bytes(w, "shop.example"));
    if (c->spf)
        opendmarc_policy_store_spf(p, bytes(w, c->spf), DMARC_POLICY_SPF_OUTCOME_PASS,
            DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
    if (c->dkim)
        opendmarc_policy_store_dkim(
            p, bytes(w, c->dkim), NULL, DMARC_POLICY_DKIM_OUTCOME_PASS, NULL);
    if (parsed == DMARC_PARSE_OKAY)
        switch (opendmarc_get_policy_to_enforce(p)) {
        case DMARC_POLICY_PASS:
            out = "pass";
            break;
        case DMARC_POLICY_REJECT:
            out = "fail reject";
            break;
        case DMARC_POLICY_QUARANTINE:
            out = "fail quarantine";
            break;
        case DMARC_POLICY_NONE:
            out = "fail none";
            break;
        }
    opendmarc_policy_connect_shutdown(p);
    return out;
}

static void opendmarc_says_the_same(void **state)
{
    OPENDMARC_LIB_T lib = {.tld_type = OPENDMARC_TLD_TYPE_MOZILLA};
    char path[SCRATCH_SIZE];
    size_t wrong = 0;
    (void)state;
    int fd = scratch_file("suffixes", path);
    assert_int_equal(write(fd, "example\n", 8), 8);
    close(fd);
    snprintf((char *)lib.tld_source_file, sizeof lib.tld_source_file, "%s", path);
    assert_int_equal(opendmarc_policy_library_init(&lib), DMARC_PARSE_OKAY);
    EACH(c, cases)
    {
        struct world w;
        world_begin(&w);
        const char *mine = ours(&w, c), *other = theirs(&w, c);
        expect_text(c->name, mine, c->want);
        if (strcmp(other, c->theirs ? c->theirs : c->want) != 0) {
            print_error("%s: opendmarc says \"%s\"%s%s\n", c->name, other,
                c->why ? ", although it " : "", c->why ? c->why : "");
            wrong++;
        }
        world_end(&w);
    }
    opendmarc_policy_library_shutdown(&lib);
    unlink(path);
    expect_number("differences", (int64_t)wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opendmarc_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
