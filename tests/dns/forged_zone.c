#include "tests/dns/forged_zone.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define ORIGIN "z.test."
#define CHILD "c.z.test."
#define TTL 300
#define DAY_S 86400
#define TWINS_MAX 4
#define HASH_BYTES 20
#define USUAL_FLAGS 256
#define REVOKED_FLAG 128
#define FIELD_PROTOCOL 1
#define FIELD_KEY 3
#define FIELD_LABELS 2
#define FIELD_SIGNER 7
#define FIELD_SIGNATURE 8

struct manner { /* how one line is signed */
    ldns_key *key;
    bool bare;
    const char *signer, *as;
    int labels; /* -1: as many as it has */
    int spoilt;
    const char *flags, *iterations, *salt;
};

static ldns_rdf *name_of(const struct forger *f, const char *name)
{
    size_t n = strlen(name);
    bool whole = n > 0 && name[n - 1] == '.';
    const char *text = whole ? name : arena_printf(f->arena, "%s%s" ORIGIN, name, n ? "." : "");
    ldns_rdf *out = ldns_dname_new_frm_str(text);
    assert_non_null(out);
    return out;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* So that its words can change places (twin_of). */
static bool has_twins(const ldns_key *k)
{
    ldns_rr *rr = ldns_key2rr(k);
    const uint8_t *p = ldns_rdf_data(ldns_rr_rdf(rr, FIELD_KEY));
    bool good = true;
    for (size_t i = 0; i < TWINS_MAX; i++)
        good = good && memcmp(p + 4 * i, p + 4 * i + 2, 2) != 0;
    ldns_rr_free(rr);
    return good;
}

static ldns_key *make_key(struct forger *f, const char *owner)
{
    int64_t now = atomic_load(&f->fake.ms) / 1000;
    ldns_key *k = ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
    assert_non_null(k);
    ldns_key_set_flags(k, USUAL_FLAGS);
    ldns_key_set_pubkey_owner(k, ldns_dname_new_frm_str(owner));
    if (!has_twins(k)) { /* one in thousands */
        ldns_key_deep_free(k);
        return make_key(f, owner);
    }
    ldns_key_set_inception(k, (uint32_t)(now - DAY_S));
    ldns_key_set_expiration(k, (uint32_t)(now + DAY_S));
    ldns_rr *rr = ldns_key2rr(k);
    ldns_key_set_keytag(k, ldns_calc_keytag(rr));
    ldns_rr_free(rr);
    return k;
}

static void make_odd(struct forger *f)
{
    f->odd = make_key(f, ORIGIN);
    if (f->keys == KEYS_REVOKED)
        ldns_key_set_flags(f->odd, USUAL_FLAGS | REVOKED_FLAG);
    if (f->keys == KEYS_OF_NO_ZONE)
        ldns_key_set_flags(f->odd, 0);
    f->odd_record = ldns_key2rr(f->odd);
    if (f->keys == KEYS_OTHER_PROTOCOL)
        ldns_rdf_deep_free(ldns_rr_set_rdf(
            f->odd_record, ldns_native2rdf_int8(LDNS_RDF_TYPE_INT8, 4), FIELD_PROTOCOL));
    ldns_rr_set_ttl(f->odd_record, TTL);
    ldns_key_set_keytag(f->odd, ldns_calc_keytag(f->odd_record));
}

static ldns_rr *record_of(const ldns_key *k)
{
    ldns_rr *rr = ldns_key2rr(k);
    ldns_rr_set_ttl(rr, TTL);
    return rr;
}

/* A tag is a sum of 16-bit words, so that two of them may change places: that makes a key that is none. */
static ldns_rr *twin_of(const ldns_key *k, size_t i)
{
    ldns_rr *rr = record_of(k);
    uint8_t *p = ldns_rdf_data(ldns_rr_rdf(rr, FIELD_KEY)) + 4 * i, old[2] = {p[0], p[1]};
    memcpy(p, p + 2, 2);
    memcpy(p + 2, old, 2);
    assert_int_equal(ldns_calc_keytag(rr), ldns_key_keytag(k));
    return rr;
}

static ldns_rr_list *published(const struct forger *f)
{
    ldns_rr_list *all = ldns_rr_list_new();
    size_t twins = f->keys == KEYS_THREE_OF_A_TAG  ? 3
                   : f->keys == KEYS_FOUR_OF_A_TAG ? TWINS_MAX
                                                   : 0;
    for (size_t i = 0; i < twins; i++)
        ldns_rr_list_push_rr(all, twin_of(f->own, i));
    ldns_rr_list_push_rr(all, record_of(f->own));
    if (f->keys != KEYS_ALONE && twins == 0)
        ldns_rr_list_push_rr(all, ldns_rr_clone(f->odd_record));
    return all;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static void replace(ldns_rr *rr, ldns_rdf *f, size_t i)
{
    ldns_rdf_deep_free(ldns_rr_set_rdf(rr, f, i));
}

static ldns_rr *sign(const struct forger *f, const ldns_rr_list *set, const struct manner *m)
{
    ldns_rr *signature = ldns_create_empty_rrsig(set, m->key);
    ldns_rr_list *sorted = ldns_rr_list_clone(set);
    ldns_buffer *bytes = ldns_buffer_new(LDNS_MAX_PACKETLEN);
    if (m->signer)
        replace(signature, name_of(f, m->signer), FIELD_SIGNER);
    if (m->labels >= 0)
        replace(
            signature, ldns_native2rdf_int8(LDNS_RDF_TYPE_INT8, (uint8_t)m->labels), FIELD_LABELS);
    ldns_rr_list_sort(sorted);
    assert_int_equal(ldns_rrsig2buffer_wire(bytes, signature), LDNS_STATUS_OK);
    assert_int_equal(ldns_rr_list2buffer_wire(bytes, sorted), LDNS_STATUS_OK);
    ldns_rr_rrsig_set_sig(signature, ldns_sign_public_buffer(bytes, m->key));
    ldns_buffer_free(bytes);
    ldns_rr_list_deep_free(sorted);
    return signature;
}

static void push(struct forger *f, ldns_pkt *p, ldns_pkt_section section, ldns_rr_list *set,
    const struct manner *m)
{
    ldns_rr *signature = m->bare ? NULL : sign(f, set, m);
    for (size_t i = 0; i < ldns_rr_list_rr_count(set); i++) {
        ldns_rr *rr = ldns_rr_list_rr(set, i);
        if (m->as) {
            ldns_rdf_deep_free(ldns_rr_owner(rr));
            ldns_rr_set_owner(rr, name_of(f, m->as));
        }
        ldns_pkt_push_rr(p, section, rr);
    }
    if (signature && m->as) {
        ldns_rdf_deep_free(ldns_rr_owner(signature));
        ldns_rr_set_owner(signature, name_of(f, m->as));
    }
    for (int i = 0; signature && i < m->spoilt; i++) {
        ldns_rr *copy = ldns_rr_clone(signature);
        ldns_rdf_data(ldns_rr_rdf(copy, FIELD_SIGNATURE))[i] ^= 1;
        ldns_pkt_push_rr(p, section, copy);
    }
    if (signature)
        ldns_pkt_push_rr(p, section, signature);
    ldns_rr_list_free(set);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void shift(uint8_t h[HASH_BYTES], int by)
{
    for (size_t i = HASH_BYTES; i-- > 0;) {
        h[i] = (uint8_t)(h[i] + by);
        if (h[i] != (by > 0 ? 0 : 255))
            return;
    }
}

static ldns_rr *hashed(const struct forger *f, const char *text, const struct manner *m)
{
    bool cover = text[0] == 'c';
    uint8_t from[HASH_BYTES], to[HASH_BYTES];
    char owner[64], next[64], name[256];
    size_t n = strcspn(text, " ") - 6;
    assert_true(n < sizeof name);
    memcpy(name, text + 6, n);
    name[n] = 0;
    ldns_rdf *wire = name_of(f, name);
    ldns_sha1(ldns_rdf_data(wire), (unsigned)ldns_rdf_size(wire), from);
    ldns_rdf_deep_free(wire);
    memcpy(to, from, sizeof to);
    shift(to, 1);
    if (cover)
        shift(from, -1);
    ldns_b32_ntop_extended_hex(from, HASH_BYTES, owner, sizeof owner);
    ldns_b32_ntop_extended_hex(to, HASH_BYTES, next, sizeof next);
    ldns_rr *rr = NULL;
    const char *line = arena_printf(f->arena, "%s." ORIGIN " 300 IN NSEC3 1 %s %s %s %s %s", owner,
        m->flags, m->iterations, m->salt, next, text + 6 + n);
    assert_int_equal(ldns_rr_new_frm_str(&rr, line, TTL, NULL, NULL), LDNS_STATUS_OK);
    return rr;
}

static ldns_rr *delegation(const struct forger *f, const char *text)
{
    const ldns_key *k = text[3] == 'c' ? f->child : f->other;
    ldns_rr *key = record_of(k);
    ldns_rr *ds = ldns_key_rr2ds(key, text[strlen(text) - 1] == '1' ? LDNS_SHA1 : LDNS_SHA256);
    ldns_rr_free(key);
    return ds;
}

static ldns_rr *read_record(const struct forger *f, const char *text, const struct manner *m)
{
    ldns_rr *rr = NULL;
    ldns_rdf *origin = name_of(f, "");
    if (str_starts(str_of(text), STR("match:")) || str_starts(str_of(text), STR("cover:")))
        rr = hashed(f, text, m);
    else if (str_starts(str_of(text), STR("ds:")))
        rr = delegation(f, text);
    else if (ldns_rr_new_frm_str(&rr, text, TTL, origin, NULL) != LDNS_STATUS_OK)
        fail_msg("no record: %s", text);
    ldns_rdf_deep_free(origin);
    return rr;
}

static void take_word(const struct forger *f, const char *word, const char *value, struct manner *m)
{
    if (strcmp(word, "key") == 0)
        m->key = value[1] == 'd' ? f->odd : value[0] == 'c' ? f->child : f->own;
    else if (strcmp(word, "signer") == 0)
        m->signer = value;
    else if (strcmp(word, "as") == 0)
        m->as = value;
    else if (strcmp(word, "labels") == 0)
        m->labels = atoi(value);
    else if (strcmp(word, "spoilt") == 0)
        m->spoilt = atoi(value);
    else if (strcmp(word, "flags") == 0)
        m->flags = value;
    else if (strcmp(word, "iterations") == 0)
        m->iterations = value;
    else if (strcmp(word, "salt") == 0)
        m->salt = value;
    else
        fail_msg("no such word: %s", word);
}

/* The words before the records; returns where those begin. */
static char *take_manner(const struct forger *f, char *line, struct manner *m)
{
    *m = (struct manner){.key = f->own, .labels = -1, .flags = "0", .iterations = "0", .salt = "-"};
    for (;;) {
        size_t n = strcspn(line, " "), eq = strcspn(line, "=");
        bool bare = n == 1 && line[0] == '-';
        if (!bare && eq >= n)
            return line;
        m->bare = m->bare || bare;
        line[n] = 0;
        line[eq < n ? eq : n] = 0;
        if (!bare)
            take_word(f, line, line + eq + 1, m);
        line += n + 1;
    }
}

static void push_line(struct forger *f, ldns_pkt *p, ldns_pkt_section section, char *line)
{
    struct manner m;
    char *rest = take_manner(f, line, &m);
    ldns_rr_list *set = ldns_rr_list_new();
    while (rest) {
        char *bar = strstr(rest, " | ");
        if (bar)
            *bar = 0;
        ldns_rr_list_push_rr(set, read_record(f, rest, &m));
        rest = bar ? bar + 3 : NULL;
    }
    push(f, p, section, set, &m);
}

static void push_lines(struct forger *f, ldns_pkt *p, ldns_pkt_section section, const char *text)
{
    char *line = text ? arena_text(f->arena, str_of(text)) : NULL;
    while (line && *line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        push_line(f, p, section, line);
        line = end ? end + 1 : NULL;
    }
}

/* ---- the source ------------------------------------------------------------------------------ */

static const struct forged_reply *reply_to(
    const struct forger *f, const char *name, enum dns_type type)
{
    for (const struct forged_reply *r = f->replies; r->name; r++)
        if (strcmp(r->name, name) == 0 && r->type == type)
            return r;
    return NULL;
}

static void answer_by_default(struct forger *f, ldns_pkt *p, const char *name, enum dns_type type)
{
    struct manner m = {.key = f->own, .labels = -1};
    if (type == DNS_DNSKEY && strcmp(name, "z.test") == 0) {
        push(f, p, LDNS_SECTION_ANSWER, published(f), &m);
    } else if (type == DNS_DNSKEY && strcmp(name, "c.z.test") == 0) {
        ldns_rr_list *all = ldns_rr_list_new();
        ldns_rr_list_push_rr(all, record_of(f->child));
        m.key = f->child;
        push(f, p, LDNS_SECTION_ANSWER, all, &m);
    } else if (type == DNS_DS) {
        push_lines(f, p, LDNS_SECTION_AUTHORITY,
            arena_printf(f->arena, "%s. NSEC \\000.%s. TXT RRSIG NSEC", name, name));
    } else {
        fail_msg("nobody expected a question for %s", name);
    }
}

static enum dns_status ask(void *state, const char *name, enum dns_type type,
    int64_t until_steady_ns, struct arena *a, struct str *packet)
{
    struct forger *f = state;
    const struct forged_reply *r = reply_to(f, name, type);
    uint8_t *bytes = NULL;
    size_t n = 0;
    (void)until_steady_ns;
    if (r && r->silent)
        return DNS_TIMEOUT;
    ldns_pkt *p = ldns_pkt_new();
    ldns_pkt_set_qr(p, true);
    if (!r) {
        answer_by_default(f, p, name, type);
    } else {
        ldns_pkt_set_rcode(p, r->nxdomain ? LDNS_RCODE_NXDOMAIN : LDNS_RCODE_NOERROR);
        push_lines(f, p, LDNS_SECTION_ANSWER, r->answer);
        push_lines(f, p, LDNS_SECTION_AUTHORITY, r->authority);
    }
    assert_int_equal(ldns_pkt2wire(&bytes, p, &n), LDNS_STATUS_OK);
    *packet = arena_str(a, str_bytes(bytes, n));
    free(bytes);
    ldns_pkt_free(p);
    return DNS_FOUND;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void trust(struct forger *f)
{
    struct err e = {0};
    ldns_rr *rr = record_of(f->own);
    char *text = ldns_rr2str(rr);
    if (!dnssec_anchors_parse(str_of(text), "anchor", &f->anchors, &e))
        fail_msg("%s", e.text);
    free(text);
    ldns_rr_free(rr);
}

void forger_begin(struct forger *f, enum forged_keys keys)
{
    *f = (struct forger){.arena = arena_open(), .keys = keys};
    atomic_store(&f->fake.ms, (int64_t)time(NULL) * 1000); /* ldns looks at that clock, too */
    f->clock = clock_of_fake(&f->fake);
    f->own = make_key(f, ORIGIN);
    f->child = make_key(f, CHILD);
    f->other = make_key(f, CHILD);
    make_odd(f);
    trust(f);
}

void forger_end(struct forger *f)
{
    ldns_key_deep_free(f->own);
    ldns_key_deep_free(f->odd);
    ldns_key_deep_free(f->child);
    ldns_key_deep_free(f->other);
    ldns_rr_free(f->odd_record);
    dnssec_anchors_close(&f->anchors);
    arena_close(&f->arena);
}

const char *forger_check(
    struct forger *f, const struct forged_reply *replies, const char *name, enum dns_type type)
{
    struct dnssec_verdict v;
    struct dnssec_setup setup = {.anchors = f->anchors, .source = {ask, f}, .clock = &f->clock};
    AUTO(dnssec_close) struct dnssec *d = dnssec_open(&setup);
    f->replies = replies;
    dnssec_check(d, name, type, f->arena, &v);
    const char *status = dnssec_status_name(v.status), *answer = dns_status_name(v.answer);
    return v.at[0] ? arena_printf(f->arena, "%s %s %s: %s", status, answer, v.at, v.reason.text)
                   : arena_printf(f->arena, "%s %s", status, answer);
}
