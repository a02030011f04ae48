/* The servers of a zone, each asked directly: fakes at 127.0.0.2, .3, ... on one port, which build their packets by
 * hand. The zone's SOA, NS and addresses come from a zone file, as a resolver would give them. */
#include "base/buf.h"
#include "base/encode.h"
#include "dns/dkim_spread.h"
#include "tests/dns/audit/audit_world.h"
#include "tests/dns/world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKES 4
#define HEADER 12
#define TTL 120

/* What one server does with the question. */
enum deed {
    OURS,
    OTHER,
    ABSENT,
    REVOKED,
    NO_MAIL, /* our key with s=other */
    TESTING, /* our key with t=y */
    SILENT,
    REFUSED,
    LAME, /* answers as a cache does: without AA */
    CUT,  /* truncated over UDP, our key over TCP */
    CUT_OTHER,
    ALIAS, /* to pp2.keys.example, whatever the question */
};

struct fake {
    _Atomic(enum deed) deed; /* set between two questions */
    int udp, tcp;
};

struct fakes {
    struct fake all[FAKES];
    uint16_t port;
    _Atomic int recursive; /* questions that desired recursion */
    _Atomic int heard;     /* datagrams */
    int stop[2];
    pthread_t thread;
};

/* ---- the fakes ------------------------------------------------------------------------------- */

static void put16(struct buf *b, unsigned v)
{
    buf_add_char(b, (char)(v >> 8));
    buf_add_char(b, (char)v);
}

static const char *text_of(enum deed d)
{
    switch (d) {
    case OTHER:
    case CUT_OTHER:
        return "v=DKIM1; k=rsa; p=" RSA_2048_OTHER;
    case REVOKED:
        return "v=DKIM1; p=";
    case TESTING:
        return "v=DKIM1; t=y; k=rsa; p=" RSA_2048;
    case NO_MAIL:
        return "v=DKIM1; s=other; k=rsa; p=" RSA_2048;
    default:
        return "v=DKIM1; k=rsa; p=" RSA_2048;
    }
}

static void put_alias(struct buf *out)
{
    static const char target[] = "\3pp2\4keys\7example"; /* and the NUL is the root */
    put16(out, 0xc00c);
    put16(out, 5);
    put16(out, 1);
    put16(out, 0);
    put16(out, TTL);
    put16(out, sizeof target);
    buf_add(out, str_bytes(target, sizeof target));
}

static void answer(const struct fake *f, struct str query, bool over_tcp, struct buf *out)
{
    size_t end = HEADER;
    while (end < query.n && query.p[end] != 0)
        end += (size_t)query.p[end] + 1;
    end += 5;
    bool cut = !over_tcp && (f->deed == CUT || f->deed == CUT_OTHER);
    bool shows = !cut && f->deed != ABSENT && f->deed != REFUSED;
    unsigned flags = f->deed == LAME ? 0x8180 : 0x8400;
    flags |= f->deed == REFUSED ? 5 : f->deed == ABSENT ? 3 : 0;
    buf_add(out, str_slice(query, 0, 2));
    put16(out, flags | (cut ? 0x0200 : 0));
    put16(out, 1);
    put16(out, shows);
    put16(out, 0);
    put16(out, 0);
    buf_add(out, str_slice(query, HEADER, end));
    if (!shows)
        return;
    if (f->deed == ALIAS) {
        put_alias(out);
        return;
    }
    struct str text = str_of(text_of(f->deed));
    size_t strings = (text.n + 254) / 255;
    put16(out, 0xc00c);
    put16(out, 16);
    put16(out, 1);
    put16(out, 0);
    put16(out, TTL);
    put16(out, (unsigned)(text.n + strings));
    for (size_t at = 0; at < text.n; at += 255) {
        struct str part = str_slice(text, at, at + 255);
        buf_add_char(out, (char)part.n);
        buf_add(out, part);
    }
}

static void serve_udp(struct fakes *fs, struct fake *f)
{
    char in[1500];
    struct sockaddr_in from;
    socklen_t from_n = sizeof from;
    struct buf out = {0};
    ssize_t n = recvfrom(f->udp, in, sizeof in, 0, (struct sockaddr *)&from, &from_n);
    fs->heard++;
    if (n < HEADER || f->deed == SILENT)
        return;
    fs->recursive += (in[2] & 1) != 0;
    answer(f, str_bytes(in, (size_t)n), false, &out);
    sendto(f->udp, out.p, out.n, 0, (struct sockaddr *)&from, from_n);
    buf_close(&out);
}

static void serve_tcp(struct fakes *fs, struct fake *f)
{
    char in[1500];
    struct buf body = {0}, out = {0};
    int fd = accept(f->tcp, NULL, NULL);
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n > HEADER + 2) {
        fs->recursive += (in[4] & 1) != 0;
        answer(f, str_bytes(in + 2, (size_t)n - 2), true, &body);
        put16(&out, (unsigned)body.n);
        buf_add(&out, buf_str(&body));
        assert_int_equal(send(fd, out.p, out.n, MSG_NOSIGNAL), out.n);
    }
    close(fd);
    buf_close(&body);
    buf_close(&out);
}

static void *serve(void *context)
{
    struct fakes *fs = context;
    for (;;) {
        struct pollfd fds[1 + 2 * FAKES] = {{.fd = fs->stop[0], .events = POLLIN}};
        for (int i = 0; i < FAKES; i++) {
            fds[1 + 2 * i] = (struct pollfd){.fd = fs->all[i].udp, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = fs->all[i].tcp, .events = POLLIN};
        }
        poll(fds, COUNT_OF(fds), -1);
        if (fds[0].revents)
            return NULL;
        for (int i = 0; i < FAKES; i++) {
            if (fds[1 + 2 * i].revents)
                serve_udp(fs, &fs->all[i]);
            if (fds[2 + 2 * i].revents)
                serve_tcp(fs, &fs->all[i]);
        }
    }
}

/* 127.0.0.(2 + i); port 0 takes a free one. */
static uint16_t bind_at(int fd, int i, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(0x7f000002 + (uint32_t)i)};
    socklen_t n = sizeof a;
    if (bind(fd, (struct sockaddr *)&a, n) != 0)
        return 0;
    getsockname(fd, (struct sockaddr *)&a, &n);
    return ntohs(a.sin_port);
}

static bool bind_all(struct fakes *fs)
{
    fs->port = 0;
    for (int i = 0; i < FAKES; i++) {
        struct fake *f = &fs->all[i];
        f->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        f->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint16_t port = bind_at(f->tcp, i, fs->port);
        if (port == 0 || bind_at(f->udp, i, port) == 0)
            return false;
        fs->port = port;
        listen(f->tcp, 8);
    }
    return true;
}

static void close_all(struct fakes *fs)
{
    for (int i = 0; i < FAKES; i++) {
        close(fs->all[i].udp);
        close(fs->all[i].tcp);
    }
}

static void fakes_start(struct fakes *fs)
{
    bool bound = false;
    *fs = (struct fakes){0};
    for (int i = 0; i < 20 && !bound; i++) {
        bound = bind_all(fs);
        if (!bound)
            close_all(fs);
    }
    assert_true(bound);
    assert_int_equal(pipe(fs->stop), 0);
    assert_int_equal(pthread_create(&fs->thread, NULL, serve, fs), 0);
}

static void fakes_stop(struct fakes *fs)
{
    assert_int_equal(write(fs->stop[1], "x", 1), 1);
    pthread_join(fs->thread, NULL);
    close_all(fs);
    close(fs->stop[0]);
    close(fs->stop[1]);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static const char zone_text[] = "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 "
                                "900\n@ NS ns1\n@ NS ns2\n@ NS ns3\n"
                                "ns1 A 127.0.0.2\nns2 A 127.0.0.3\nns3 A 127.0.0.4\n";
static const char nameless_zone[] =
    "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n@ NS ns1\n@ NS ns9\n"
    "ns1 A 127.0.0.2\n";
static const char two_addresses[] =
    "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n@ NS ns1\n"
    "ns1 A 127.0.0.2\nns1 A 127.0.0.3\n";
static const char without_route[] = /* a connect() to the broadcast address is refused at once */
    "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n@ NS ns1\n"
    "ns1 A 127.0.0.2\nns1 A 255.255.255.255\n";
static const char no_route_at_all[] =
    "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n@ NS ns1\n@ NS ns2\n"
    "ns1 A 127.0.0.2\nns2 A 255.255.255.255\n";

static const struct spread_case {
    const char *name, *zone;
    enum deed deeds[FAKES];
    /* servers ours absent revoked other unknown | everywhere nowhere | TTL of ours, of what is stale */
    const char *want;
} cases[] = {
    {"all_servers_agree", zone_text, {OURS, OURS, OURS}, "3: 3 0 0 0 0 everywhere 120 900"},
    {"one_server_lags", zone_text, {OURS, ABSENT, OURS}, "3: 2 1 0 0 0 - 120 900"},
    {"one_server_has_another_key", zone_text, {OURS, OURS, OTHER}, "3: 2 0 0 1 0 - 120 900"},
    {"one_server_is_silent", zone_text, {OURS, SILENT, OURS}, "3: 2 0 0 0 1 - 120 900"},
    {"one_server_refuses", zone_text, {REFUSED, OURS, OURS}, "3: 2 0 0 0 1 - 120 900"},
    {"an_answer_without_AA_does_not_count", zone_text, {LAME, OURS, OURS},
        "3: 2 0 0 0 1 - 120 900"},
    {"a_truncated_answer_is_had_over_tcp", zone_text, {CUT, OURS, OURS},
        "3: 3 0 0 0 0 everywhere 120 900"},
    {"another_key_is_seen_over_tcp_too", zone_text, {CUT_OTHER, OURS, OURS},
        "3: 2 0 0 1 0 - 120 900"},
    {"a_key_that_is_marked_as_a_test_does_not_count", zone_text, {TESTING, OURS, OURS},
        "3: 2 0 0 1 0 - 120 900"},
    {"a_key_that_is_not_for_mail_does_not_count", zone_text, {NO_MAIL, OURS, OURS},
        "3: 2 0 0 1 0 - 120 900"},
    {"nobody_has_it", zone_text, {ABSENT, ABSENT, ABSENT}, "3: 0 3 0 0 0 nowhere 0 900"},
    {"revoked_or_gone_is_nowhere", zone_text, {REVOKED, ABSENT, REVOKED},
        "3: 0 1 2 0 0 nowhere 0 900"},
    {"gone_at_all_but_a_silent_one_is_not_nowhere", zone_text, {ABSENT, ABSENT, SILENT},
        "3: 0 2 0 0 1 - 0 900"},
    {"a_server_without_address_is_unknown", nameless_zone, {OURS}, "2: 1 0 0 0 1 - 120 900"},
    {"each_address_of_a_server_is_asked", two_addresses, {OURS, ABSENT}, "2: 1 1 0 0 0 - 120 900"},
    {"an_address_without_route_yields_to_another_of_its_host", without_route, {OURS},
        "1: 1 0 0 0 0 everywhere 120 900"},
    {"a_host_without_any_route_is_unknown", no_route_at_all, {OURS}, "2: 1 0 0 0 1 - 120 900"},
};

static const char *describe(struct arena *a, const struct dkim_spread *s)
{
    return arena_printf(a, "%zu: %zu %zu %zu %zu %zu %s %u %u", s->n, s->ours, s->absent,
        s->revoked, s->other, s->unknown,
        dkim_spread_is_everywhere(s) ? "everywhere"
        : dkim_spread_is_nowhere(s)  ? "nowhere"
                                     : "-",
        s->ttl_s, s->stale_ttl_s);
}

static struct str our_key(struct world *w)
{
    struct buf bytes = {0};
    assert_true(decode_base64(&bytes, str_of(RSA_2048)));
    struct str out = arena_str(w->arena, buf_str(&bytes));
    buf_close(&bytes);
    return out;
}

static void every_server_is_asked(void **state)
{
    struct fakes fs;
    (void)state;
    fakes_start(&fs);
    EACH(c, cases)
    {
        struct world w;
        struct dkim_spread s;
        world_begin_on(&w, c->zone, "");
        for (int i = 0; i < FAKES; i++)
            fs.all[i].deed = c->deeds[i];
        struct authority_setup setup = {
            .resolver = w.resolver, .timeout_ms = 300, .port = fs.port, .allow_private = true};
        dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
        expect_text(c->name, describe(w.arena, &s), c->want);
        expect_text(c->name, s.why, "");
        world_end(&w);
    }
    assert_int_equal(fs.recursive, 0);
    fakes_stop(&fs);
}

/* The servers of shop.example are the first two fakes, that of keys.example the third. */
static void what_an_alias_leads_to_is_asked_at_its_own_servers(void **state)
{
    static const struct {
        const char *name;
        enum deed deeds[3];
        unsigned negative_s[2]; /* of each zone */
        const char *want;
    } aliased[] = {
        {"ours_behind_it", {ALIAS, ALIAS, OURS}, {60, 900}, "1: 1 0 0 0 0 everywhere 120 900"},
        {"the_longer_absence_counts", {ALIAS, ALIAS, OURS}, {900, 60},
            "1: 1 0 0 0 0 everywhere 120 900"},
        {"nothing_behind_it", {ALIAS, ALIAS, ABSENT}, {60, 60}, "1: 0 1 0 0 0 nowhere 0 60"},
        {"another_behind_it", {ALIAS, ALIAS, OTHER}, {60, 60}, "1: 0 0 0 1 0 - 0 120"},
        {"one_server_has_no_alias_yet", {ALIAS, ABSENT, OURS}, {60, 60}, "2: 1 1 0 0 0 - 120 60"},
    };
    struct fakes fs;
    (void)state;
    fakes_start(&fs);
    EACH(c, aliased)
    {
        struct world w;
        struct dkim_spread s;
        world_begin(&w);
        world_zone(&w, 0,
            arena_printf(w.arena,
                "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 %u\n@ NS ns1\n"
                "@ NS ns2\nns1 A 127.0.0.2\nns2 A 127.0.0.3\n",
                c->negative_s[0]));
        world_zone(&w, 1,
            arena_printf(w.arena,
                "$ORIGIN keys.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 %u\n@ NS ns1\n"
                "ns1 A 127.0.0.4\n",
                c->negative_s[1]));
        world_resolver(&w, NULL, 1000);
        for (int i = 0; i < 3; i++)
            fs.all[i].deed = c->deeds[i];
        struct authority_setup setup = {
            .resolver = w.resolver, .timeout_ms = 300, .port = fs.port, .allow_private = true};
        dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
        expect_text(c->name, describe(w.arena, &s), c->want);
        expect_text(c->name, s.why, "");
        world_end(&w);
    }
    fakes_stop(&fs);
}

static const struct unknown_case {
    const char *name, *zone, *why;
} unknown_cases[] = {
    {"no_zone_is_known",
        "$ORIGIN other.example.\n$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\n",
        "the DNS did not say in which zone pp2._domainkey.shop.example lies (timeout)"},
    {"an_unknown_address_of_a_server_is_no_missing_one",
        "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns.other.example.\n",
        "the DNS did not say which addresses ns.other.example has (timeout)"},
};

static void what_is_not_known_agrees_with_nothing(void **state)
{
    (void)state;
    EACH(c, unknown_cases)
    {
        struct world w;
        struct dkim_spread s;
        world_begin_on(&w, c->zone, "");
        struct authority_setup setup = {.resolver = w.resolver, .timeout_ms = 300};
        dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
        expect_text(c->name, s.why, c->why);
        assert_false(dkim_spread_is_everywhere(&s) || dkim_spread_is_nowhere(&s));
        world_end(&w);
    }
}

/* With a zone file the file is the zone's one server. */
static void a_zone_file_is_the_one_server(void **state)
{
    static const char text[] =
        "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\n"
        "pp2._domainkey TXT \"v=DKIM1; p=\"\n";
    struct world w;
    struct dkim_spread s;
    (void)state;
    world_begin_on(&w, text, "");
    struct authority_setup setup = {.resolver = w.resolver, .files = w.resolver};
    dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
    expect_text("revoked in the file", describe(w.arena, &s), "1: 0 0 1 0 0 nowhere 0 300");
    dkim_spread_find(&setup, "shop.example", "pp3", our_key(&w), w.arena, &s);
    expect_text("absent in the file", describe(w.arena, &s), "1: 0 1 0 0 0 nowhere 0 60");
    world_end(&w);
}

/* ---- who owns a zone names its servers ------------------------------------------------------- */

#define SILENT_ZONE                                                                                \
    "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n@ NS ns1\n@ NS ns2\n"      \
    "ns1 A 127.0.0.2\nns2 A 127.0.0.3\n"

static void an_address_that_is_not_public_is_not_asked(void **state)
{
    struct fakes fs;
    struct world w;
    struct dkim_spread s;
    (void)state;
    fakes_start(&fs);
    world_begin_on(&w, zone_text, "");
    struct authority_setup setup = {.resolver = w.resolver, .timeout_ms = 300, .port = fs.port};
    dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
    expect_text("counts", describe(w.arena, &s), "3: 0 0 0 0 3 - 0 900");
    expect_text("why", s.servers[0].why,
        "has an address that is not public, and so is not asked: see allow_private_destinations");
    assert_int_equal(fs.heard, 0);
    world_end(&w);
    fakes_stop(&fs);
}

/* The first one is waited for until the end of the whole time; the second would have answered. */
static void all_servers_together_have_one_time(void **state)
{
    struct fakes fs;
    struct world w;
    struct dkim_spread s;
    (void)state;
    fakes_start(&fs);
    world_begin_on(&w, SILENT_ZONE, "");
    fs.all[0].deed = SILENT;
    struct authority_setup setup = {.resolver = w.resolver,
        .timeout_ms = 60000,
        .whole_ms = 200,
        .port = fs.port,
        .allow_private = true};
    dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
    expect_text("why", s.why, "the servers of pp2._domainkey.shop.example took too long together");
    assert_int_equal(s.ours, 0);
    world_end(&w);
    fakes_stop(&fs);
}

/* Each name that a resolver is asked for is one that it may have to look for. */
static void no_host_beyond_the_limit_is_looked_for(void **state)
{
    struct world w;
    struct dkim_spread s;
    AUTO(buf_close) struct buf zone = {0};
    (void)state;
    world_begin(&w);
    buf_add_text(&zone, "$ORIGIN shop.example.\n$TTL 300\n@ SOA ns1 h 1 3600 600 86400 900\n");
    for (int i = 0; i < AUTHORITY_MAX_SERVERS; i++)
        buf_addf(&zone, "@ NS ns%d\nns%d A 127.0.0.9\n", i, i);
    buf_add_text(&zone, "@ NS zz.other.example.\n@ NS zzz.other.example.\n");
    world_zone(&w, 0, buf_text(&zone));
    world_resolver(&w, NULL, 1000);
    struct authority_setup setup = {.resolver = w.resolver};
    dkim_spread_find(&setup, "shop.example", "pp2", our_key(&w), w.arena, &s);
    expect_text("why", s.why, "pp2._domainkey.shop.example has more than 64 addresses of servers");
    assert_int_equal(s.n, AUTHORITY_MAX_SERVERS);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_is_asked),
        cmocka_unit_test(what_an_alias_leads_to_is_asked_at_its_own_servers),
        cmocka_unit_test(what_is_not_known_agrees_with_nothing),
        cmocka_unit_test(a_zone_file_is_the_one_server),
        cmocka_unit_test(an_address_that_is_not_public_is_not_asked),
        cmocka_unit_test(all_servers_together_have_one_time),
        cmocka_unit_test(no_host_beyond_the_limit_is_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
