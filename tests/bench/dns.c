/* dns -- how fast one core, and two, judge a sender: SPF over zone files, and verdicts that the gate has at hand.
 *
 *     dns ZONE-FILE SECONDS        a path for the zone file, which the program writes; SECONDS for each figure
 *
 * Prints one JSON object a line (pace.h). Beside each evaluation of SPF stands resolver_ask of the same names in the
 * same order ("... by its questions"): what it would cost if records needed no parsing and terms no deciding. Beside
 * each cached verdict stands one SHA-256 over as many bytes as its question has ("... by its hash"). */
#include "base/hash.h"
#include "dns/spf.h"
#include "mailer/gate/gate.h"
#include "tests/bench/pace.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_QUESTIONS 8

/* Three includes of hosts that send for the shop, its own host and its MX; the sender is the MX, so that each term is
 * evaluated. */
static const char zone_head[] =
    "$ORIGIN shop.example.\n"
    "$TTL 3600\n"
    "@ IN SOA ns hostmaster 1 3600 600 86400 60\n"
    "@ IN MX 10 mx\n"
    "@ IN TXT \"v=spf1 include:_spf.esp.shop.example include:_spf.desk.shop.example "
    "include:_spf.crm.shop.example a:out.shop.example "
    "mx -all\"\n"
    "_spf.esp IN TXT \"v=spf1 ip4:192.0.2.0/26 ip4:192.0.2.128/26 ip6:2001:db8:1::/48 ~all\"\n"
    "_spf.desk IN TXT \"v=spf1 ip4:203.0.113.0/28 ip4:203.0.113.64/28 ip4:203.0.113.128/28 -all\"\n"
    "_spf.crm IN TXT \"v=spf1 ip4:203.0.113.240/29 ip6:2001:db8:2::/48 -all\"\n"
    "mx IN A 198.51.100.7\n"
    "out IN A 198.51.100.8\n"
    "bounce IN TXT \"v=spf1 ip4:198.51.100.7 -all\"\n"
    "_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@shop.example\"\n";

struct bench {
    struct resolver *resolver;
    struct metrics *metrics;
    struct gate *gate;
    struct dkim_key *key;
    struct gate_question question;
    size_t question_bytes;
    const char *zone;
    double seconds;
};

/* ---- SPF ------------------------------------------------------------------------------------------------ */

struct sender {
    const char *what, *domain;
    unsigned lookups; /* that its evaluation must count */
    struct {
        const char *name;
        enum dns_type type;
    } questions[MOST_QUESTIONS]; /* that it asks */
    size_t questions_n;
};

static const struct sender senders[] = {
    {"SPF, one ip4", "bounce.shop.example", 0, {{"bounce.shop.example", DNS_TXT}}, 1},
    {"SPF, three includes, a, mx", "shop.example", 5,
        {{"shop.example", DNS_TXT}, {"_spf.esp.shop.example", DNS_TXT},
            {"_spf.desk.shop.example", DNS_TXT}, {"_spf.crm.shop.example", DNS_TXT},
            {"out.shop.example", DNS_A}, {"shop.example", DNS_MX}, {"mx.shop.example", DNS_A}},
        7},
};

struct evaluation {
    const struct bench *bench;
    const struct sender *sender;
};

static bool evaluate(const void *context, struct buf *out, struct err *e)
{
    const struct evaluation *x = context;
    AUTO(arena_close) struct arena *a = arena_open();
    struct spf_verdict v;
    const struct spf_question q = {.ip = {4, {198, 51, 100, 7}},
        .helo = STR("mx.shop.example"),
        .mail_from = str_of(x->sender->domain),
        .clock = clock_system()};

    (void)out;
    spf_check(x->bench->resolver, &q, a, &v);
    if (v.result == SPF_PASS && v.lookups == x->sender->lookups)
        return true;
    return err_set(e, ERR_INPUT, "%s: %s with %u lookups", x->sender->what,
        spf_result_name(v.result), v.lookups);
}

static bool ask_the_same(const void *context, struct buf *out, struct err *e)
{
    const struct evaluation *x = context;
    AUTO(arena_close) struct arena *a = arena_open();

    (void)out;
    for (size_t i = 0; i < x->sender->questions_n; i++) {
        struct dns_answer answer;
        resolver_ask(x->bench->resolver, x->sender->questions[i].name, x->sender->questions[i].type,
            a, &answer);
        if (answer.status != DNS_FOUND)
            return err_set(e, ERR_INPUT, "%s is not there", x->sender->questions[i].name);
    }
    return true;
}

static uint64_t names_looked_up(const struct bench *b)
{
    return counter_value(
        metrics_counter(b->metrics, "parcelpost_dns_steps_total", "", "from=\"zone\""));
}

/* The limit is one only while it asks exactly what the evaluation asks. */
static void compare_questions(const struct evaluation *x)
{
    struct err e = {0};
    uint64_t begin = names_looked_up(x->bench);

    pace_must(evaluate(x, NULL, &e), &e);
    uint64_t asked = names_looked_up(x->bench) - begin;
    pace_must(asked == x->sender->questions_n ||
                  err_set(&e, ERR_INPUT, "%s asks %zu names, not %zu", x->sender->what,
                      (size_t)asked, x->sender->questions_n),
        &e);
}

static void measure_spf(const struct bench *b)
{
    for (size_t i = 0; i < COUNT_OF(senders); i++) {
        const struct evaluation x = {b, &senders[i]};
        char limit[96];
        compare_questions(&x);
        snprintf(limit, sizeof limit, "%s by its questions", senders[i].what);
        pace_pair(b->seconds, 1, &(struct pace){senders[i].what, evaluate, &x},
            &(struct pace){limit, ask_the_same, &x});
    }
}

/* ---- the gate ------------------------------------------------------------------------------------------- */

static bool ask_gate(const void *context, struct buf *out, struct err *e)
{
    const struct bench *b = context;
    struct gate_verdict v;

    (void)out;
    gate_ask(b->gate, &b->question, &v);
    return v.answer == GATE_SEND || err_set(e, ERR_INPUT, "the gate says %s: %s", v.code, v.why);
}

static bool hash_alone(const void *context, struct buf *out, struct err *e)
{
    const struct bench *b = context;
    struct digest d;

    (void)e;
    memset(buf_room(out, b->question_bytes), 'x', b->question_bytes);
    out->n = b->question_bytes;
    hash_sha256(buf_str(out), &d);
    return true;
}

static void measure_gate(const struct bench *b)
{
    static const int threads[] = {1, 2};
    const struct pace limit = {"gate, cached verdict by its hash", hash_alone, b};

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pace_pair(
            b->seconds, threads[i], &(struct pace){"gate, cached verdict", ask_gate, b}, &limit);
}

/* ---- opening -------------------------------------------------------------------------------------------- */

static void make_key(struct bench *b)
{
    AUTO(buf_wipe) struct buf pem = {0};
    struct err e = {0};

    pace_must(dkim_key_new(DKIM_RSA_SHA256, 2048, &pem, &e) &&
                  dkim_key_open("shop.example", "rsa", buf_str(&pem), &b->key, &e),
        &e);
}

static void write_zone(const struct bench *b)
{
    AUTO(buf_close) struct buf record = {0};
    FILE *f = fopen(b->zone, "we");

    if (!f) {
        perror(b->zone);
        exit(1);
    }
    dkim_key_record(b->key, &record);
    struct str text = buf_str(&record);
    int half = (int)text.n / 2; /* a string holds 255 octets */
    fprintf(f, "%srsa._domainkey IN TXT \"%.*s\" \"%.*s\"\n", zone_head, half, text.p,
        (int)text.n - half, text.p + half);
    fclose(f);
}

/* As attempt.c asks it: one storefront, one key, one public address. */
static void make_question(struct bench *b)
{
    static const char *const addresses[] = {"198.51.100.7"};

    b->question = (struct gate_question){.from_domain = "shop.example",
        .return_path_domain = "bounce.shop.example",
        .keys = (const struct dkim_key *const *)&b->key,
        .keys_n = 1,
        .hostname = "mx.shop.example",
        .public_addresses = addresses,
        .public_addresses_n = COUNT_OF(addresses)};
    const char *const texts[] = {b->question.from_domain, b->question.return_path_domain,
        b->question.hostname, addresses[0], dkim_key_domain(b->key), dkim_key_selector(b->key)};
    b->question_bytes = dkim_key_public(b->key).n;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        b->question_bytes += strlen(texts[i]);
}

static void bench_open(struct bench *b)
{
    struct err e = {0};

    make_key(b);
    write_zone(b);
    b->metrics = metrics_open();
    const struct resolver_setup setup = {
        .zone_files = &b->zone, .zone_files_n = 1, .clock = clock_system(), .metrics = b->metrics};
    pace_must(resolver_open(&setup, &b->resolver, &e), &e);
    b->gate = gate_open(&(struct gate_setup){
        .resolver = b->resolver, .clock = clock_system(), .metrics = b->metrics});
    make_question(b);
}

static void bench_close(struct bench *b)
{
    gate_close(&b->gate);
    resolver_close(&b->resolver);
    metrics_close(&b->metrics);
    dkim_key_close(&b->key);
}

int main(int argc, char **argv)
{
    AUTO(bench_close) struct bench b = {0};

    if (argc == 3) {
        b.zone = argv[1];
        b.seconds = atof(argv[2]);
    }
    if (b.seconds <= 0 || b.seconds > 60)
        return fputs("usage: dns ZONE-FILE SECONDS (above 0, to 60, for each figure)\n", stderr),
               64;
    bench_open(&b);
    measure_spf(&b);
    measure_gate(&b);
    return 0;
}
