#include "tests/dns/signed_world.h"

#include <ldns/ldns.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define ZONES_MAX 48
#define DAY 86400
#define LONG_MS 20000

enum denial { NSEC, NSEC3, OPT_OUT };
enum link { DS, DS_SHA1, DS_WRONG, DS_DIGEST, DS_UNKNOWN, NO_DS };

struct spec {
    const char *name;
    int algorithm; /* 0 = unsigned */
    enum denial denial;
    uint16_t iterations;
    enum link link;
    int from_days, to_days; /* of the signatures; 0, 0: from yesterday for a month */
    const char *drop[2];    /* lines that have both words in them are lost after signing */
    const char *from, *to;  /* text that is replaced after signing */
};

/* Of every zone below `example`. */
static const char body[] =
    "@ MX 10 www\n"
    "www A 192.0.2.1\n"
    "www TXT \"one\" \"two\"\n"
    "alias CNAME www\n"
    "dead CNAME nothing\n"
    "across CNAME www.nsec3.example.\n"
    "away CNAME www.unsigned.example.\n"
    "into CNAME www.expired.example.\n"
    "toroot CNAME .\n"
    "a.ent A 192.0.2.2\n"
    "*.wild A 192.0.2.3\n"
    "there.wild TXT \"here\"\n"
    "moved DNAME ent\n"
    "top DNAME .\n"
    "@ TXT \"v=spf1 ip4:198.51.100.7 -all\"\n"
    "_dmarc TXT \"v=DMARC1; p=reject\"\n"
    "s1._domainkey TXT \"v=DKIM1; k=ed25519; p=5VvyiQH7aCG2U6sqBIdk36JAk+pMKtBFi0W91uLho9I=\"\n"
    "_25._tcp.www TLSA 3 1 1 "
    "0000000000000000000000000000000000000000000000000000000000000000\n";

static const struct spec specs[] = {
    {.name = "good.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256},
    {.name = "nsec3.example", .algorithm = LDNS_SIGN_RSASHA256, .denial = NSEC3, .iterations = 5},
    {.name = "optout.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .denial = OPT_OUT},
    {.name = "child.optout.example"},
    {.name = "unsigned.example"},
    {.name = "sha512.example", .algorithm = LDNS_SIGN_RSASHA512},
    {.name = "p384.example", .algorithm = LDNS_SIGN_ECDSAP384SHA384},
    {.name = "ed25519.example", .algorithm = LDNS_SIGN_ED25519},
    {.name = "ed448.example", .algorithm = LDNS_SIGN_ED448},
    {.name = "sha1.example", .algorithm = LDNS_SIGN_RSASHA1},
    {.name = "sha1ds.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .link = DS_SHA1},
    {.name = "unknown.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .link = DS_UNKNOWN},
    {.name = "expired.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from_days = -30,
        .to_days = -2},
    {.name = "future.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from_days = 2,
        .to_days = 30},
    {.name = "soon.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from_days = -28,
        .to_days = 2},
    {.name = "daily.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from_days = -1,
        .to_days = 1},
    {.name = "wrongds.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .link = DS_WRONG},
    {.name = "digest.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .link = DS_DIGEST},
    {.name = "island.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .link = NO_DS},
    {.name = "nokey.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .drop = {"DNSKEY\t", ""}},
    {.name = "nosig.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .drop = {"www.nosig.example.", "RRSIG\tA "}},
    {.name = "altered.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from = "192.0.2.1",
        .to = "192.0.2.9"},
    {.name = "nonsec.example", .algorithm = LDNS_SIGN_ECDSAP256SHA256, .drop = {"NSEC", ""}},
    {.name = "nonsec3.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .denial = NSEC3,
        .drop = {"NSEC3", ""}},
    {.name = "dear.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .denial = NSEC3,
        .iterations = 160},
    {.name = "costly.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .denial = NSEC3,
        .iterations = 120},
    {.name = "baddmarc.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .from = "p=reject",
        .to = "p=none"},
    {.name = "badkey.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .drop = {"s1._domainkey.badkey.example.", "RRSIG\tTXT "}},
    {.name = "badboth.example",
        .algorithm = LDNS_SIGN_ECDSAP256SHA256,
        .drop = {"s1._domainkey.badboth.example.", "RRSIG\tTXT "},
        .from = "198.51.100.7",
        .to = "198.51.100.0/24"},
    {.name = "stripped.example"},
};

struct made { /* a zone on its way into NSD */
    const char *name, *path;
};

struct making {
    struct signed_world *s;
    struct made made[ZONES_MAX];
    size_t n;
    struct buf below_example, below_optout, below_root; /* their delegations */
    struct buf root_ds;
};

static const char *shown(const char *name)
{
    return *name ? name : ".";
}

/* ---- keys ------------------------------------------------------------------------------------ */

static ldns_key *make_key(const struct spec *z, int64_t now)
{
    bool rsa = z->algorithm == LDNS_SIGN_RSASHA1 || z->algorithm == LDNS_SIGN_RSASHA256 ||
               z->algorithm == LDNS_SIGN_RSASHA512;
    int from = z->to_days ? z->from_days : -1, to = z->to_days ? z->to_days : 30;
    ldns_key *k =
        ldns_key_new_frm_algorithm((ldns_signing_algorithm)z->algorithm, rsa ? 2048 : 256);
    assert_non_null(k);
    ldns_key_set_flags(k, 257);
    ldns_key_set_pubkey_owner(k, ldns_dname_new_frm_str(shown(z->name)));
    ldns_key_set_inception(k, (uint32_t)(now + from * DAY));
    ldns_key_set_expiration(k, (uint32_t)(now + to * DAY));
    ldns_rr *public = ldns_key2rr(k);
    ldns_key_set_keytag(k, ldns_calc_keytag(public));
    ldns_rr_free(public);
    return k;
}

static void add_ds(struct buf *out, const ldns_rr *key, ldns_hash hash)
{
    ldns_rr *ds = ldns_key_rr2ds(key, hash);
    char *text = ldns_rr2str(ds);
    buf_add_text(out, text);
    free(text);
    ldns_rr_free(ds);
}

static void add_link(struct buf *out, const struct spec *z, const ldns_key *k, int64_t now)
{
    static const char digest[] = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    ldns_rr *key = ldns_key2rr(k);
    if (z->link == DS || z->link == DS_SHA1)
        add_ds(out, key, z->link == DS ? LDNS_SHA256 : LDNS_SHA1);
    if (z->link == DS_DIGEST) /* the tag of the key, and the digest of another */
        buf_addf(out, "%s. DS %u %d 2 %s\n", z->name, ldns_calc_keytag(key), z->algorithm, digest);
    if (z->link == DS_UNKNOWN)
        buf_addf(out, "%s. DS 4711 200 2 %s\n", z->name, digest);
    ldns_rr_free(key);
    if (z->link != DS_WRONG)
        return;
    ldns_key *other = make_key(z, now);
    key = ldns_key2rr(other);
    add_ds(out, key, LDNS_SHA256);
    ldns_rr_free(key);
    ldns_key_deep_free(other);
}

/* ---- zones ----------------------------------------------------------------------------------- */

static ldns_dnssec_zone *parse(const char *name, struct str text)
{
    ldns_zone *plain = NULL;
    ldns_rdf *origin = ldns_dname_new_frm_str(shown(name));
    FILE *f = fmemopen((void *)(uintptr_t)text.p, text.n, "r");
    assert_int_equal(
        ldns_zone_new_frm_fp(&plain, f, origin, 300, LDNS_RR_CLASS_IN), LDNS_STATUS_OK);
    fclose(f);
    ldns_rdf_deep_free(origin);
    ldns_dnssec_zone *zone = ldns_dnssec_zone_new();
    ldns_dnssec_zone_add_rr(zone, ldns_zone_soa(plain));
    for (size_t i = 0; i < ldns_rr_list_rr_count(ldns_zone_rrs(plain)); i++)
        ldns_dnssec_zone_add_rr(zone, ldns_rr_list_rr(ldns_zone_rrs(plain), i));
    ldns_rr_list_free(ldns_zone_rrs(plain));
    free(plain);
    return zone;
}

static void sign(ldns_dnssec_zone *zone, const struct spec *z, ldns_key *k, ldns_rr_list *made)
{
    static uint8_t salt[] = {0xab, 0xcd};
    ldns_key_list *keys = ldns_key_list_new();
    ldns_key_list_push_key(keys, k);
    ldns_rr *public = ldns_key2rr(k);
    ldns_rr_set_ttl(public, 300);
    ldns_dnssec_zone_add_rr(zone, public);
    if (z->denial == NSEC)
        assert_int_equal(
            ldns_dnssec_zone_sign(zone, made, keys, ldns_dnssec_default_replace_signatures, NULL),
            LDNS_STATUS_OK);
    else
        assert_int_equal(
            ldns_dnssec_zone_sign_nsec3(zone, made, keys, ldns_dnssec_default_replace_signatures,
                NULL, LDNS_SHA1, z->denial == OPT_OUT, z->iterations, sizeof salt, salt),
            LDNS_STATUS_OK);
    free(keys->_keys);
    free(keys);
}

static bool holds(struct str line, const char *word)
{
    return !*word || str_find(line, str_of(word), 0) < line.n;
}

static bool is_lost(const struct spec *z, struct str line)
{
    return z->drop[0] && holds(line, z->drop[0]) && holds(line, z->drop[1]);
}

static void write_zone(
    const struct spec *z, FILE *from, const char *path, const char *unsigned_part)
{
    char line[8192];
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    while (fgets(line, sizeof line, from)) {
        struct str text = str_of(line);
        size_t at = z->from ? str_find(text, str_of(z->from), 0) : text.n;
        if (is_lost(z, text))
            continue;
        if (at < text.n)
            fprintf(f, "%.*s%s%s", (int)at, line, z->to, line + at + strlen(z->from));
        else
            fputs(line, f);
    }
    fputs(unsigned_part, f);
    assert_int_equal(fclose(f), 0);
}

/* The unsigned part comes behind the signatures: delegations that opt-out leaves out of the chain of NSEC3. */
static void make(struct making *m, const struct spec *z, const char *records,
    const char *unsigned_part, struct buf *link)
{
    int64_t now = atomic_load(&m->s->fake.ms) / 1000;
    struct arena *a = m->s->w.arena;
    const char *text = arena_printf(a,
        "$ORIGIN %s%s\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A "
        "127.0.0.1\n%s",
        z->name, ".", records);
    const char *path = arena_printf(a, "%s/%zu.zone", m->s->w.folder, m->n);
    ldns_dnssec_zone *zone = parse(z->name, str_of(text));
    ldns_rr_list *made = ldns_rr_list_new();
    ldns_key *k = z->algorithm ? make_key(z, now) : NULL;
    if (k) {
        sign(zone, z, k, made);
        add_link(link, z, k, now);
    }
    FILE *f = tmpfile();
    ldns_dnssec_zone_print(f, zone);
    rewind(f);
    write_zone(z, f, path, unsigned_part);
    fclose(f);
    ldns_dnssec_zone_deep_free(zone);
    ldns_rr_list_free(made);
    if (k)
        ldns_key_deep_free(k);
    m->made[m->n++] = (struct made){z->name, path};
}

static void make_all(struct making *m)
{
    const char *optout = "";
    for (size_t i = COUNT_OF(specs); i-- > 0;) {
        const struct spec *z = &specs[i];
        bool deeper = str_ends(str_of(z->name), STR(".optout.example"));
        struct buf *above = deeper ? &m->below_optout : &m->below_example;
        buf_addf(above, "%s. NS ns.%s.\nns.%s. A 127.0.0.1\n", z->name, z->name, z->name);
        optout = strcmp(z->name, "optout.example") == 0 ? buf_text(&m->below_optout) : "";
        make(m, z, body, optout, above);
    }
    buf_add_text(&m->below_root, "example. NS ns.example.\nns.example. A 127.0.0.1\n");
    make(m,
        &(struct spec){.name = "example",
            .algorithm = LDNS_SIGN_ECDSAP256SHA256,
            .drop = {"stripped.example.", "NSEC"}},
        buf_text(&m->below_example), "", &m->below_root);
    make(m, &(struct spec){.name = "", .algorithm = LDNS_SIGN_RSASHA256}, buf_text(&m->below_root),
        "", &m->root_ds);
}

/* ---- servers --------------------------------------------------------------------------------- */

static void start_servers(struct signed_world *s, const struct making *m)
{
    struct nsd_zone zones[ZONES_MAX];
    AUTO(buf_close) struct buf settings = {0};
    buf_addf(&settings, " trust-anchor-file: \"%s\"\n aggressive-nsec: no\n", s->anchor_path);
    for (size_t i = 0; i < m->n; i++)
        zones[i] = (struct nsd_zone){shown(m->made[i].name), m->made[i].path};
    nsd_start(&s->nsd, zones, m->n);
    for (size_t i = 0; i < m->n; i++)
        buf_addf(&settings, "stub-zone:\n name: \"%s\"\n stub-addr: %s\n", zones[i].name,
            s->nsd.address_at);
    unbound_start(&s->unbound, buf_text(&settings));
}

static struct resolver *resolver_at(struct signed_world *s, const char *address)
{
    struct resolver *r = NULL;
    struct err e = {0};
    struct resolver_setup setup = {.servers = &address,
        .servers_n = 1,
        .timeout_ms = LONG_MS,
        .clock = &s->clock,
        .cache_bytes = 1 << 20};
    if (!resolver_open(&setup, &r, &e))
        fail_msg("%s", e.text);
    return r;
}

void signed_begin(struct signed_world *s)
{
    *s = (struct signed_world){0};
    world_begin(&s->w);
    atomic_store(&s->fake.ms, (int64_t)time(NULL) * 1000);
    s->clock = clock_of_fake(&s->fake);
    struct making m = {.s = s};
    make_all(&m);
    s->anchor = arena_text(s->w.arena, buf_str(&m.root_ds));
    s->anchor_path = arena_printf(s->w.arena, "%s/anchor", s->w.folder);
    FILE *f = fopen(s->anchor_path, "we");
    fputs(s->anchor, f);
    fclose(f);
    start_servers(s, &m);
    for (size_t i = 0; i < m.n; i++)
        remove(m.made[i].path);
    s->at_nsd = resolver_at(s, s->nsd.address);
    s->at_unbound = resolver_at(s, s->unbound.address);
    buf_close(&m.below_example);
    buf_close(&m.below_optout);
    buf_close(&m.below_root);
    buf_close(&m.root_ds);
}

void signed_end(struct signed_world *s)
{
    resolver_close(&s->at_nsd);
    resolver_close(&s->at_unbound);
    server_stop(&s->unbound);
    server_stop(&s->nsd);
    remove(s->anchor_path);
    world_end(&s->w);
}

int signed_open(void **state)
{
    struct signed_world *s = NULL;
    if (!server_is_missing(UNBOUND_PROGRAM, "unbound") && !server_is_missing(NSD_PROGRAM, "nsd")) {
        s = calloc(1, sizeof *s);
        assert_non_null(s);
        signed_begin(s);
    }
    *state = s;
    return 0;
}

int signed_close(void **state)
{
    struct signed_world *s = *state;
    if (s)
        signed_end(s);
    free(s);
    return 0;
}

struct signed_world *signed_of(void **state)
{
    if (!*state)
        skip();
    return *state;
}
