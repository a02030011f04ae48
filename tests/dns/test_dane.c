/* TLSA records of a mail host (RFC 6698 s2.1, RFC 7672), and what the DNS around them makes of them. */
#include "base/encode.h"
#include "dns/dane.h"
#include "tests/dns/world.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define B16 "00112233445566778899aabbccddeeff"
#define B32 B16 B16
#define B64 B32 B32

static const char *const words[] = {"usable", "unusable", "absent", "insecure", "temperror"};

static struct str bytes_of(struct world *w, const char *hex)
{
    struct buf b = {0};
    assert_true(decode_hex(&b, str_of(hex)));
    struct str out = arena_str(w->arena, buf_str(&b));
    buf_close(&b);
    return out;
}

/* ---- one record -------------------------------------------------------------------------------------- */

static void records_are_judged(void **state)
{
    static const struct {
        const char *name, *hex, *why;
    } cases[] = {
        {"end_entity_key_sha256", "030101" B32, ""},
        {"end_entity_key_sha512", "030102" B64, ""},
        {"end_entity_certificate_sha256", "030001" B32, ""},
        {"trust_anchor_certificate_sha256", "020001" B32, ""},
        {"trust_anchor_key_sha512", "020102" B64, ""},
        {"pkix_ta", "000101" B32, "usage 0 is not for SMTP"},
        {"pkix_ee", "010101" B32, "usage 1 is not for SMTP"},
        {"unknown_usage", "040101" B32, "usage 4 does not exist"},
        {"private_usage", "ff0101" B32, "usage 255 does not exist"},
        {"unknown_selector", "030201" B32, "selector 2 does not exist"},
        {"unknown_matching", "030103" B32, "matching type 3 does not exist"},
        {"sha256_too_short", "030101" B16, "takes 32 bytes, not 16"},
        {"sha256_too_long", "030101" B64, "takes 32 bytes, not 64"},
        {"sha512_too_short", "030102" B32, "takes 64 bytes, not 32"},
        {"no_data", "030101", "takes 32 bytes, not 0"},
        {"whole_certificate_that_is_none", "030000" B32, "no certificate"},
        {"whole_key_that_is_none", "030100" B32, "no key"},
        {"whole_and_empty", "030100", "no key"},
    };
    struct world *w = *state;
    EACH(c, cases)
    {
        struct dane_record r;
        expect_number(c->name, dane_parse(bytes_of(w, c->hex), w->arena, &r), true);
        expect_number(c->name, r.usable, c->why[0] == 0);
        expect_number(c->name, (int64_t)ERR_peek_error(), 0);
        if (!strstr(r.why.text, c->why) || r.usable != (r.why.text[0] == 0))
            fail_msg("%s: why is \"%s\"", c->name, r.why.text);
    }
}

static void records_are_written_as_published(void **state)
{
    struct world *w = *state;
    struct dane_record r;
    assert_true(dane_parse(bytes_of(w, "030101" B32), w->arena, &r));
    expect_text(
        "text", r.text, "3 1 1 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF");
    assert_false(dane_parse(bytes_of(w, "0301"), w->arena, &r));
    assert_false(r.usable);
    assert_false(dane_parse(STR(""), w->arena, &r));
}

/* Matching type 0 carries key or certificate whole: a real one is usable, one with a tail is not. */
static void expect_whole(struct world *w, char selector, unsigned char *der, int n)
{
    struct dane_record r;
    struct buf b = {0};
    assert_true(n > 0);
    buf_add(&b, str_bytes("\3", 1));
    buf_add_char(&b, selector);
    buf_add_char(&b, 0);
    buf_add(&b, str_bytes(der, (size_t)n));
    assert_true(dane_parse(buf_str(&b), w->arena, &r));
    expect_number("whole", r.usable, true);
    buf_add_char(&b, 'x');
    assert_true(dane_parse(buf_str(&b), w->arena, &r));
    expect_number("with a tail", r.usable, false);
    expect_number("errors left to the thread", (int64_t)ERR_peek_error(), 0);
    buf_close(&b);
    OPENSSL_free(der);
}

static void whole_keys_and_certificates_are_read(void **state)
{
    unsigned char *der = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    ERR_clear_error();
    int n = i2d_PUBKEY(key, &der);
    expect_whole(*state, 1, der, n);
    X509_set_pubkey(x, key);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    der = NULL;
    n = i2d_X509(x, &der);
    expect_whole(*state, 0, der, n);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* ---- a server that validates some names and not others ------------------------------------------------ */

enum { A = 1, AAAA = 28, TLSA = 52 };

/* AD counts since the server is on loopback. A name or type that is not here does not exist. */
static const struct told {
    const char *name;
    int type;
    bool authentic, fails;
    const char *hex;
} told[] = {
    {"good.test", A, true, false, "c0000201"},
    {"_25._tcp.good.test", TLSA, true, false, "030101" B32},
    {"_25._tcp.good.test", TLSA, true, false, "000101" B32},
    {"both.test", A, true, false, "c0000201"},
    {"both.test", AAAA, true, false, "20010db8000000000000000000000001"},
    {"_25._tcp.both.test", TLSA, true, false, "020001" B32},
    {"half.test", A, true, false, "c0000201"},
    {"half.test", AAAA, false, false, "20010db8000000000000000000000001"},
    {"_25._tcp.half.test", TLSA, true, false, "030101" B32},
    {"plain.test", A, false, false, "c0000201"},
    {"_25._tcp.plain.test", TLSA, true, false, "030101" B32},
    {"unsigned.test", A, true, false, "c0000201"},
    {"_25._tcp.unsigned.test", TLSA, false, false, "030101" B32},
    {"none.test", A, true, false, "c0000201"},
    {"pkix.test", A, true, false, "c0000201"},
    {"_25._tcp.pkix.test", TLSA, true, false, "010101" B32},
    {"bogus.test", A, true, false, "c0000201"},
    {"_25._tcp.bogus.test", TLSA, true, true, ""},
    {"lost.test", A, true, true, ""},
    {"lost.test", AAAA, true, true, ""},
    {"_25._tcp.lost.test", TLSA, true, false, "030101" B32},
    {"lame.test", A, false, false, "c0000201"},
    {"_25._tcp.lame.test", TLSA, false, true, ""},
};

struct server {
    int fd;
    char address[32];
    _Atomic bool stop;
    pthread_t thread;
};

/* The question's name as text, and where the question ends. */
static size_t question_name(const uint8_t *q, size_t n, char out[256])
{
    size_t at = 12, o = 0;
    while (at < n && q[at] != 0 && at + q[at] < n && o + q[at] + 2 < 256) {
        if (o > 0)
            out[o++] = '.';
        for (int i = 0; i < q[at]; i++)
            out[o++] = (char)(q[at + 1 + (size_t)i] | 0x20);
        at += (size_t)q[at] + 1;
    }
    out[o] = 0;
    /* "_" has the bit of 0x20 clear and DEL is what it became. */
    for (char *c = out; *c; c++)
        *c = (char)(*c == 0x7f ? '_' : *c);
    return at + 5;
}

static void add_answer(struct buf *b, const struct told *t)
{
    struct buf data = {0};
    assert_true(decode_hex(&data, str_of(t->hex)));
    buf_add(b, str_bytes("\xc0\x0c\0", 3));
    buf_add_char(b, (char)t->type);
    buf_add(b, str_bytes("\0\1\0\0\1\x2c\0", 7));
    buf_add_char(b, (char)data.n);
    buf_add(b, buf_str(&data));
    b->p[7]++;
    b->p[3] = (char)(b->p[3] & ~0x0f);
    b->p[3] = (char)(b->p[3] | (t->authentic ? 0x20 : 0));
    buf_close(&data);
}

static void answer(struct server *s, const uint8_t *q, size_t n, const struct sockaddr_in *from)
{
    char name[256];
    size_t end = question_name(q, n, name);
    struct buf b = {0};
    buf_add(&b, str_bytes(q, 2));
    buf_add(&b, str_bytes("\x81\x83\0\1\0\0\0\0\0\0", 10)); /* NXDOMAIN unless something is told */
    buf_add(&b, str_bytes(q + 12, end - 12));
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        if (strcmp(told[i].name, name) != 0)
            continue;
        if (told[i].type != q[end - 3])
            b.p[3] = (char)(b.p[7] ? b.p[3] : b.p[3] & ~0x0f);
        else if (told[i].fails)
            b.p[3] = (char)0x82;
        else
            add_answer(&b, &told[i]);
    }
    sendto(s->fd, b.p, b.n, 0, (const struct sockaddr *)(const void *)from, sizeof *from);
    buf_close(&b);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    while (!s->stop) {
        struct pollfd one = {.fd = s->fd, .events = POLLIN};
        uint8_t q[600];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        if (poll(&one, 1, 20) <= 0)
            continue;
        ssize_t n = recvfrom(s->fd, q, sizeof q, 0, (struct sockaddr *)&from, &size);
        if (n > 12)
            answer(s, q, (size_t)n, &from);
    }
    return NULL;
}

static void server_start(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    s->stop = false;
    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &size), 0);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    s->stop = true;
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static void hosts_are_judged(void **state)
{
    static const struct {
        const char *host, *want, *why;
        size_t n, usable_n;
        bool secure, addresses_secure;
    } cases[] = {
        {"good.test", "usable", "", 2, 1, true, true},
        {"both.test", "usable", "", 1, 1, true, true},
        {"half.test", "insecure", "the address of half.test", 1, 1, true, false},
        {"plain.test", "insecure", "the address of plain.test", 1, 1, true, false},
        {"unsigned.test", "insecure", "the answer for _25._tcp.unsigned.test", 1, 1, false, true},
        {"none.test", "absent", "no TLSA record", 0, 0, false, true},
        {"pkix.test", "unusable", "usage 1 is not for SMTP", 1, 0, true, true},
        {"bogus.test", "temperror", "did not answer for _25._tcp.bogus.test", 0, 0, false, true},
        {"lost.test", "temperror", "did not answer for lost.test", 1, 1, true, false},
        {"lame.test", "insecure", "the address of lame.test", 0, 0, false, false},
    };
    struct world *w = *state;
    struct server s;
    server_start(&s);
    const char *servers[] = {s.address, NULL};
    world_resolver(w, servers, 2000);
    EACH(c, cases)
    {
        struct dane d;
        dane_find(w->resolver, c->host, w->arena, &d);
        expect_text(c->host, words[d.status], c->want);
        if (!strstr(d.why.text, c->why) || (d.status == DANE_USABLE) != (d.why.text[0] == 0))
            fail_msg("%s: why is \"%s\"", c->host, d.why.text);
        expect_number(c->host, (int64_t)d.n, (int64_t)c->n);
        expect_number(c->host, (int64_t)d.usable_n, (int64_t)c->usable_n);
        if (c->n > 0)
            expect_number(c->host, d.secure, c->secure);
        expect_number(c->host, d.addresses_secure, c->addresses_secure);
        expect_text(c->host, d.name, arena_printf(w->arena, "_25._tcp.%s", c->host));
    }
    server_stop(&s);
}

static void a_zone_file_is_never_secure(void **state)
{
    struct world *w = *state;
    struct dane d;
    world_zone(w, 0,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\nmx IN A 192.0.2.1\n"
        "_25._tcp.mx IN TLSA 3 1 1 " B32 "\n");
    world_resolver(w, NULL, 100);
    dane_find(w->resolver, "mx.example", w->arena, &d);
    expect_text("zone", words[d.status], "insecure");
    expect_number("records", (int64_t)d.usable_n, 1);
    dane_find(w->resolver, "mx.elsewhere", w->arena, &d);
    expect_text("no answer", words[d.status], "temperror");
}

static int begin(void **state)
{
    return world_of_group(state, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(records_are_written_as_published),
        cmocka_unit_test(whole_keys_and_certificates_are_read),
        cmocka_unit_test(hosts_are_judged),
        cmocka_unit_test(a_zone_file_is_never_secure),
    };
    return cmocka_run_group_tests(tests, begin, world_of_group_ends);
}
