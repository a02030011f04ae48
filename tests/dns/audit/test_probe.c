/* Probes of mail hosts: what a server does, what is then known, and that no mail ever leaves. */
#include "dns/probe.h"
#include "tests/dns/audit/audit_world.h"
#include "tests/support/certs.h"
#include "tests/support/peer.h"
#include "tests/support/scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "mx.shop.example"
#define SHORT_MS 300

static const char *const with_tls[] = {"PIPELINING", "STARTTLS", "8BITMIME", NULL};
static const char *const without_tls[] = {"PIPELINING", "STARTTLSX", NULL};

static void takes_tls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, with_tls) && hear(c, "STARTTLS")) {
        say(c, "220 go on\r\n");
        if (take_tls(c))
            hear(c, "QUIT");
    }
}

static void offers_no_tls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, without_tls) && hear(c, "QUIT"))
        say(c, "221 bye\r\n");
}

static void refuses_starttls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, with_tls) && hear(c, "STARTTLS"))
        say(c, "454 not now\r\n");
}

static void injects_before_tls(struct line *c, void *context)
{
    (void)context;
    if (greet(c, with_tls) && hear(c, "STARTTLS"))
        say(c, "220 go on\r\n250 and this, in clear\r\n");
    take_tls(c);
}

static void breaks_the_handshake(struct line *c, void *context)
{
    (void)context;
    if (greet(c, with_tls) && hear(c, "STARTTLS"))
        say(c, "220 go on\r\n"
               "this is no TLS at all, and never will be\r\n");
}

static void turns_away(struct line *c, void *context)
{
    (void)context;
    say(c, "554-no\r\n554 you are on a \x1b[31mlist\r\n");
}

static void refuses_ehlo(struct line *c, void *context)
{
    (void)context;
    say(c, "220 hello\r\n");
    if (hear(c, "EHLO"))
        say(c, "550 not you\r\n");
}

static void says_nothing(struct line *c, void *context)
{
    (void)context;
    stall(c);
}

static void hangs_up(struct line *c, void *context)
{
    (void)context;
    (void)c;
}

static void speaks_http(struct line *c, void *context)
{
    (void)context;
    say(c, "HTTP/1.0 400 Bad Request\r\n\r\n");
    stall(c);
}

static void never_ends(struct line *c, void *context)
{
    (void)context;
    for (int i = 0; i < 2000; i++)
        say(c, "220-more of this\r\n");
    say(c, "220 and here it ends after all\r\n");
    if (hear(c, "EHLO"))
        say(c, "250 mx\r\n");
}

static void stalls_in_the_handshake(struct line *c, void *context)
{
    (void)context;
    if (greet(c, with_tls) && hear(c, "STARTTLS"))
        say(c, "220 go on\r\n");
    stall(c);
}

enum certificate { GOOD, WILDCARD, HALF_A_WILDCARD, WRONG_NAME, EXPIRED, SELF_SIGNED };

static SSL_CTX *server_of(struct certs *c, enum certificate which)
{
    switch (which) {
    case WILDCARD:
        return certs_server(c, "*.shop.example", 1);
    case HALF_A_WILDCARD:
        return certs_server(c, "m*.shop.example", 1);
    case WRONG_NAME:
        return certs_server(c, "www.shop.example", 1);
    case EXPIRED:
        return certs_expired_server(c, HOST);
    case SELF_SIGNED:
        return certs_server(c, HOST, 0);
    default:
        return certs_server(c, HOST, 1);
    }
}

static struct ip loopback(void)
{
    return (struct ip){4, {127, 0, 0, 1}};
}

/* A peer with this script, and rules that lead there. */
struct stage {
    struct certs *certs;
    SSL_CTX *tls;
    struct peer *peer;
    struct probe_rules rules;
    char authority[SCRATCH_SIZE];
};

static void stage_begin(struct stage *s, peer_script *script, enum certificate which)
{
    *s = (struct stage){.certs = certs_open()};
    close(scratch_file("probe", s->authority));
    certs_write_authority(s->certs, s->authority);
    s->tls = server_of(s->certs, which);
    s->peer = peer_open(script, NULL, s->tls);
    s->rules = (struct probe_rules){.port = (uint16_t)peer_port(s->peer),
        .helo = "probe.shop.example",
        .authority_file = s->authority,
        .whole_ms = 5000,
        .allow_loopback = true};
}

static void stage_end(struct stage *s)
{
    peer_close(&s->peer);
    SSL_CTX_free(s->tls);
    certs_close(&s->certs);
    unlink(s->authority);
}

static void what_servers_do_is_told_apart(void **state)
{
    static const struct {
        const char *name;
        peer_script *script;
        enum certificate certificate;
        enum probe_status status;
        bool starttls, tls, trusted, named, waits;
        const char *why;
    } cases[] = {
        {"all_is_well", takes_tls, GOOD, PROBE_ANSWERED, true, true, true, true, false, ""},
        {"a_wildcard", takes_tls, WILDCARD, PROBE_ANSWERED, true, true, true, true, false, ""},
        {"half_a_wildcard", takes_tls, HALF_A_WILDCARD, PROBE_ANSWERED, true, true, true, false,
            false, ""},
        {"another_name", takes_tls, WRONG_NAME, PROBE_ANSWERED, true, true, true, false, false, ""},
        {"an_expired_certificate", takes_tls, EXPIRED, PROBE_ANSWERED, true, true, false, true,
            false, ""},
        {"a_self_signed_one", takes_tls, SELF_SIGNED, PROBE_ANSWERED, true, true, false, true,
            false, ""},
        {"no_starttls", offers_no_tls, GOOD, PROBE_ANSWERED, false, false, false, false, false, ""},
        {"starttls_refused", refuses_starttls, GOOD, PROBE_ANSWERED, true, false, false, false,
            false, "does not begin it"},
        {"bytes_in_clear_before_tls", injects_before_tls, GOOD, PROBE_ANSWERED, true, false, false,
            false, false, "does not begin it"},
        {"no_tls_after_all", breaks_the_handshake, GOOD, PROBE_ANSWERED, true, false, false, false,
            false, "does not begin it"},
        {"a_handshake_that_stalls", stalls_in_the_handshake, GOOD, PROBE_ANSWERED, true, false,
            false, false, true, "does not begin it"},
        {"turned_away", turns_away, GOOD, PROBE_UNWELCOME, false, false, false, false, false,
            "it answers \"554-no"},
        {"ehlo_refused", refuses_ehlo, GOOD, PROBE_UNWELCOME, false, false, false, false, false,
            "550 not you"},
        {"silence_after_connecting", says_nothing, GOOD, PROBE_BROKEN, false, false, false, false,
            true, "no SMTP reply"},
        {"closed_at_once", hangs_up, GOOD, PROBE_BROKEN, false, false, false, false, false,
            "no SMTP reply"},
        {"another_protocol", speaks_http, GOOD, PROBE_BROKEN, false, false, false, false, false,
            "no SMTP reply"},
        {"a_greeting_without_end", never_ends, GOOD, PROBE_BROKEN, false, false, false, false,
            false, "no SMTP reply"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct stage s;
        struct probe p;
        struct arena *a = arena_open();
        struct ip ip = loopback();
        stage_begin(&s, k->script, k->certificate);
        if (k->waits)
            s.rules.whole_ms = SHORT_MS;
        probe_host(&s.rules, HOST, &ip, 1, a, &p);
        peer_stop(s.peer);
        expect_number(k->name, p.status, k->status);
        expect_number(k->name, p.starttls, k->starttls);
        expect_number(k->name, p.tls, k->tls);
        expect_number(k->name, p.trusted, k->trusted);
        expect_number(k->name, p.named, k->named);
        expect_number(k->name, p.chain_n > 0, k->tls);
        if (!strstr(p.why.text, k->why) || strchr(p.why.text, '\x1b'))
            fail_msg("%s: \"%s\" lacks \"%s\"", k->name, p.why.text, k->why);
        struct str heard = peer_heard(s.peer);
        expect_number(k->name, str_find(heard, STR("MAIL"), 0) < heard.n, false);
        if (k->tls || k->script == offers_no_tls)
            expect_number(k->name, str_find(heard, STR("QUIT\r\n"), 0) < heard.n, true);
        if (k->tls)
            expect_text(k->name, peer_server_name(s.peer), HOST);
        stage_end(&s);
        arena_close(&a);
    }
}

static void a_closed_port_is_refused(void **state)
{
    struct stage s;
    struct probe p;
    struct arena *a = arena_open();
    struct ip ip = loopback();
    (void)state;
    stage_begin(&s, hangs_up, GOOD);
    peer_close(&s.peer);
    probe_host(&s.rules, HOST, &ip, 1, a, &p);
    expect_number("refused", p.status, PROBE_REFUSED);
    stage_end(&s);
    arena_close(&a);
}

/* A listener whose queue is full drops what comes, as a firewall does. */
static int deaf_listener(int fillers[8], uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fillers[i], (struct sockaddr *)&at, sizeof at) != 0)
            continue;
    }
    return fd;
}

static void a_connection_that_nobody_takes_is_silence(void **state)
{
    int fillers[8];
    uint16_t port;
    struct probe p;
    struct arena *a = arena_open();
    struct ip ip = loopback();
    (void)state;
    int fd = deaf_listener(fillers, &port);
    struct probe_rules rules = {.port = port, .connect_ms = SHORT_MS, .allow_loopback = true};
    probe_host(&rules, HOST, &ip, 1, a, &p);
    expect_number("silence", p.status, PROBE_SILENT);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
    arena_close(&a);
}

static void no_connection_goes_inside(void **state)
{
    static const char *const inside[] = {"10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1",
        "::1", "fd00::1", "::ffff:127.0.0.1", "0.0.0.0"};
    struct stage s;
    struct arena *a = arena_open();
    (void)state;
    stage_begin(&s, hangs_up, GOOD);
    s.rules.allow_loopback = false;
    EACH(text, inside)
    {
        struct ip ip;
        struct probe p;
        assert_true(ip_parse(str_of(*text), &ip));
        probe_host(&s.rules, HOST, &ip, 1, a, &p);
        expect_number(*text, p.status, PROBE_NOT_PUBLIC);
    }
    peer_stop(s.peer);
    expect_number("connections", (int64_t)peer_connections(s.peer), 0);
    stage_end(&s);
    arena_close(&a);
}

static void the_next_address_is_tried(void **state)
{
    struct stage s;
    struct probe p;
    struct arena *a = arena_open();
    struct ip ips[2] = {{4, {10, 0, 0, 1}}, loopback()};
    (void)state;
    stage_begin(&s, offers_no_tls, GOOD);
    probe_host(&s.rules, HOST, ips, 2, a, &p);
    expect_number("answered", p.status, PROBE_ANSWERED);
    expect_text("address", p.address, "127.0.0.1");
    stage_end(&s);
    arena_close(&a);
}

static void tlsa_records_are_compared(void **state)
{
    struct stage s;
    struct probe p;
    struct arena *a = arena_open();
    struct ip ip = loopback();
    unsigned char digest[SHA256_DIGEST_LENGTH], of_key[SHA512_DIGEST_LENGTH], *key = NULL;
    (void)state;
    stage_begin(&s, takes_tls, SELF_SIGNED);
    probe_host(&s.rules, HOST, &ip, 1, a, &p);
    assert_true(p.chain_n > 0);
    const unsigned char *der = (const unsigned char *)p.chain[0].p;
    X509 *x = d2i_X509(NULL, &der, (long)p.chain[0].n);
    int key_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    SHA256((const unsigned char *)p.chain[0].p, p.chain[0].n, digest);
    SHA512(key, (size_t)key_n, of_key);
    const struct {
        const char *name;
        struct dane_record record;
        bool same;
    } cases[] = {
        {"3_0_0", {3, 0, 0, p.chain[0], true, SAID_NOTHING, ""}, true},
        {"3_0_1", {3, 0, 1, str_bytes(digest, sizeof digest), true, SAID_NOTHING, ""}, true},
        {"3_1_2", {3, 1, 2, str_bytes(of_key, sizeof of_key), true, SAID_NOTHING, ""}, true},
        {"2_0_1", {2, 0, 1, str_bytes(digest, sizeof digest), true, SAID_NOTHING, ""}, true},
        {"another_selector", {3, 1, 1, str_bytes(digest, sizeof digest), true, SAID_NOTHING, ""},
            false},
        {"not_usable", {3, 0, 1, str_bytes(digest, sizeof digest), false, SAID_NOTHING, ""}, false},
        {"nothing", {3, 0, 1, STR(""), true, SAID_NOTHING, ""}, false},
    };
    EACH(k, cases)
    {
        struct dane d = {.records = &k->record, .n = 1};
        expect_number(k->name, probe_matches(&p, &d), k->same);
    }
    struct str chain[2] = {STR("own"), STR("above")};
    const struct probe two = {.chain = chain, .chain_n = 2};
    for (uint8_t usage = 2; usage <= 3; usage++) {
        struct dane_record above = {usage, 0, 0, chain[1], true, SAID_NOTHING, ""};
        struct dane d = {.records = &above, .n = 1};
        expect_number("one_above_the_host's_own", probe_matches(&two, &d), usage == 2);
    }
    OPENSSL_free(key);
    X509_free(x);
    stage_end(&s);
    arena_close(&a);
}

/* ---- in an audit ----------------------------------------------------------------------------- */

static const char policy[] =
    "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.shop.example\n";

static void an_audit_says_what_a_probe_saw(void **state)
{
    static const struct {
        const char *name;
        peer_script *script;
        enum certificate certificate;
        bool sts;
        const char *code, *severity, *detail;
    } cases[] = {
        {"no_starttls", offers_no_tls, GOOD, false, "STARTTLS-MISSING", "warning", "not offer"},
        {"no_starttls_under_a_policy", offers_no_tls, GOOD, true, "STARTTLS-MISSING", "error",
            "not offer"},
        {"another_name", takes_tls, WRONG_NAME, false, "STARTTLS-CERTIFICATE", "warning",
            "not for mx.shop.example"},
        {"self_signed_under_a_policy", takes_tls, SELF_SIGNED, true, "STARTTLS-CERTIFICATE",
            "error", "nobody vouches"},
        {"soon_over", takes_tls, GOOD, true, "STARTTLS-CERTIFICATE", "warning", "days"},
        {"turned_away", turns_away, GOOD, false, "MX-UNREACHABLE", "error", "554"},
        {"closed_at_once", hangs_up, GOOD, false, "MX-UNREACHABLE", "error", "no SMTP reply"},
    };
    (void)state;
    EACH(k, cases)
    {
        struct stage stage;
        struct shop s;
        struct audit_report r;
        stage_begin(&stage, k->script, k->certificate);
        shop_begin(&s);
        shop_change(&s, "mx.shop.example. A", "mx.shop.example. A 127.0.0.1");
        if (k->sts) {
            shop_change(&s, "", "_mta-sts.shop.example. TXT \"v=STSv1; id=1\"");
            s.page = policy;
        }
        s.setup.probe = &stage.rules;
        shop_audit(&s, &r);
        const struct audit_finding *f = shop_finding(&r, k->code);
        if (!f)
            fail_msg("%s: %s was not found", k->name, k->code);
        expect_text(k->name, audit_severity_name(f->severity), k->severity);
        if (!strstr(f->detail.text, k->detail))
            fail_msg("%s: \"%s\" lacks \"%s\"", k->name, f->detail.text, k->detail);
        shop_end(&s);
        stage_end(&stage);
    }
}

static void a_blocked_port_is_not_a_dead_host(void **state)
{
    int fillers[8];
    uint16_t port;
    struct shop s;
    struct audit_report r;
    (void)state;
    int fd = deaf_listener(fillers, &port);
    struct probe_rules rules = {.port = port, .connect_ms = SHORT_MS, .allow_loopback = true};
    shop_begin(&s);
    shop_change(&s, "mx.shop.example. A", "mx.shop.example. A 127.0.0.1");
    s.setup.probe = &rules;
    shop_audit(&s, &r);
    assert_non_null(shop_finding(&r, "PORT25-BLOCKED"));
    assert_null(shop_finding(&r, "MX-UNREACHABLE"));
    assert_non_null(shop_gap(&r, "STARTTLS-MISSING"));
    shop_end(&s);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

static void an_audit_probes_only_when_told_to(void **state)
{
    struct stage stage;
    struct shop s;
    struct audit_report r;
    (void)state;
    stage_begin(&stage, hangs_up, GOOD);
    shop_begin(&s);
    shop_change(&s, "mx.shop.example. A", "mx.shop.example. A 127.0.0.1");
    shop_audit(&s, &r);
    peer_stop(stage.peer);
    expect_number("connections", (int64_t)peer_connections(stage.peer), 0);
    assert_null(shop_gap(&r, "STARTTLS-MISSING"));
    shop_end(&s);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_servers_do_is_told_apart),
        cmocka_unit_test(a_closed_port_is_refused),
        cmocka_unit_test(a_connection_that_nobody_takes_is_silence),
        cmocka_unit_test(no_connection_goes_inside),
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(tlsa_records_are_compared),
        cmocka_unit_test(an_audit_says_what_a_probe_saw),
        cmocka_unit_test(a_blocked_port_is_not_a_dead_host),
        cmocka_unit_test(an_audit_probes_only_when_told_to),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
