/* Zones thrown together from good and bad pieces: no report says anything false about its own proposals, and none
 * breaks. The seed is fixed, so that a failure comes again. */
#include "tests/dns/audit/audit_world.h"

#define ZONES 60

static const char *const spf_terms[] = {"ip4:198.51.100.7", "ip6:2001:db8::/32", "a", "mx",
    "a:mx.shop.example", "include:x.shop.example", "include:y.shop.example",
    "redirect=x.shop.example", "ptr", "exists:%{i}.z.shop.example", "+all", "-all", "?all", "~all",
    "exp=e.shop.example", "ip4:300.1.1.1", "include:", "a:%{d", "foo=bar", "mx:gone.shop.example",
    "include:%{d2}.shop.example", "include:bounce.shop.example", "bogus", "ip4:0.0.0.0/0",
    "ip4:10.0.0.0/8", "ip4:60.0.0.0/8", "a:relay.gone.example", "include:gone.example",
    "mx:many.example"};
static const char *const dmarc_tags[] = {"p=none", "p=reject", "p=quarantin", "sp=none", "np=none",
    "t=y", "pct=5", "rua=mailto:a@shop.example",
    "rua=mailto:a@other.example!10m,https://x.other.example/y", "ruf=mailto:b@shop.example", "fo=1",
    "adkim=s", "aspf=s", "psd=y", "psd=n", "xyz=1", "p=", "=x", "rua=mailto:a@gone.example",
    "rua=mailto:a@shop.example!5m"};
static const char *const dkim_tags[] = {
    "k=rsa", "k=ed25519", "h=sha1", "s=tlsrpt", "t=y:s", "p=", "p=" RSA_512, "p=" ED25519, "p=%%"};
static const char *const versions[] = {"v=DMARC1; ", "v=DMARC1; ", " v=DMARC1; ", "v=dmarc1; "};
static const char *const heads[] = {
    "v=spf1 ", "v=spf1 ", "v=spf1 ", " v=spf1 ", "\"v=spf1 ", "v=spf1; "};
static const char many[] = "many.example. MX 1 a.h.example.\nmany.example. MX 2 "
                           "b.h.example.\nmany.example. MX 3 c.h.example.\n"
                           "many.example. MX 4 d.h.example.\nmany.example. MX 5 "
                           "e.h.example.\nmany.example. MX 6 f.h.example.\n"
                           "many.example. MX 7 g.h.example.\nmany.example. MX 8 "
                           "h.h.example.\nmany.example. MX 9 i.h.example.\n"
                           "many.example. MX 10 j.h.example.\nmany.example. MX 11 k.h.example.";
static const char *const exchangers[] = {"10 mx.shop.example.", "20 gone.shop.example.", "0 .",
    "10 al.shop.example.", "30 mx.shop.example.", "40 in.shop.example."};

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % below;
}

/* "head" and a few of the pieces, as one TXT record. */
static void add_text(struct shop *s, uint64_t *state, const char *name, const char *head,
    const char *const *pieces, size_t pieces_n, const char *separator)
{
    struct buf text = {0};
    buf_add_text(&text, head);
    for (uint64_t n = draw(state, 7); n > 0; n--)
        buf_addf(&text, "%s%s", pieces[draw(state, pieces_n)], separator);
    struct audit_record r = {name, "TXT", 300, buf_text(&text)};
    shop_add(s, &r);
    buf_close(&text);
}

/* Mostly one of a kind, sometimes none or two. */
static uint64_t how_many(uint64_t *state)
{
    static const uint64_t weights[] = {0, 1, 1, 1, 2};
    return weights[draw(state, COUNT_OF(weights))];
}

static void throw_together(struct shop *s, uint64_t seed)
{
    static const char *const senders[] = {
        "bounce.shop.example", "x.shop.example", "y.shop.example"};
    static const char *const domains[] = {"shop.example", "bounce.shop.example"};
    uint64_t state = seed;
    s->lines_n = 0;
    EACH(name, senders)
    for (uint64_t n = how_many(&state); n > 0; n--)
        add_text(s, &state, *name, heads[draw(&state, COUNT_OF(heads))], spf_terms,
            COUNT_OF(spf_terms), " ");
    for (uint64_t n = how_many(&state); n > 0; n--)
        add_text(s, &state, "_dmarc.shop.example", versions[draw(&state, COUNT_OF(versions))],
            dmarc_tags, COUNT_OF(dmarc_tags), "; ");
    for (uint64_t n = how_many(&state); n > 0; n--)
        add_text(s, &state, "s1._domainkey.shop.example", draw(&state, 2) ? "v=DKIM1; " : "",
            dkim_tags, COUNT_OF(dkim_tags), "; ");
    EACH(name, domains)
    for (uint64_t n = how_many(&state); n > 0; n--)
        shop_change(s, "",
            arena_printf(s->world.arena, "%s. MX %s", *name,
                exchangers[draw(&state, COUNT_OF(exchangers))]));
    shop_change(s, "", draw(&state, 5) ? "mx.shop.example. A 198.51.100.7" : "");
    shop_change(s, "", draw(&state, 2) ? "al.shop.example. CNAME mx.shop.example." : "");
    shop_change(s, "", draw(&state, 2) ? "7.100.51.198.in-addr.arpa. PTR mx.shop.example." : "");
    shop_change(s, "", draw(&state, 3) ? "in.shop.example. A 10.0.0.5" : "");
    shop_change(s, "", draw(&state, 2) ? many : "");
    shop_change(
        s, "", draw(&state, 5) ? "" : "7.100.51.198.in-addr.arpa. PTR h198-51-100-7.h.example.");
    shop_change(s, "", draw(&state, 6) ? "" : "_dmarc.shop.example. TXT \"verify=1\"");
    if (draw(&state, 2))
        s->keys[0] = (struct audit_key){"shop.example", "s1", "", STR("")};
}

static void check_report(uint64_t seed, const struct audit_report *r)
{
    const char *name = r->domain;
    for (size_t i = 0; i < r->findings_n; i++) {
        const struct audit_finding *f = &r->findings[i];
        if (i > 0)
            assert_true(r->findings[i - 1].severity <= f->severity);
        if (f->mark_at + f->mark_n > strlen(f->evidence))
            fail_msg("zone %llu of %s: the mark of %s is outside", (unsigned long long)seed, name,
                f->code);
    }
    for (size_t i = 0; i < r->gaps_n; i++)
        if (r->gaps[i].dns_failed)
            fail_msg("zone %llu: \"%s\", but everything answers", (unsigned long long)seed,
                r->gaps[i].reason.text);
}

static void random_zones_are_mended_by_what_is_proposed(void **state)
{
    size_t proposals = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= ZONES; seed++) {
        size_t findings = 1;
        for (size_t i = 0; i < findings; i++) {
            struct shop s;
            struct audit_report before, after;
            shop_begin(&s);
            throw_together(&s, seed);
            shop_audit(&s, &before);
            check_report(seed, &before);
            findings = before.findings_n;
            if (i < findings && before.findings[i].publish_n > 0) {
                proposals++;
                shop_publish(&s, &before.findings[i]);
                shop_audit(&s, &after);
                if (shop_same(&after, &before.findings[i]))
                    fail_msg("zone %llu: \"%s\" does not clear %s", (unsigned long long)seed,
                        before.findings[i].publish[0].value, before.findings[i].code);
            }
            shop_end(&s);
        }
    }
    assert_true(proposals > ZONES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_zones_are_mended_by_what_is_proposed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
