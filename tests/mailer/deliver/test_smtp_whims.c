/* Tests mailer/deliver/smtp.h against servers that throw dice: at each word they say what is right, or something else, twice,
 * too early, in pieces, or nothing, and go when they like. Whatever that means for each mail, one that was heard to its dot is
 * not called surely undelivered, or it would be sent again without a word of it; and none is delivered that was not heard. */
#include "tests/mailer/deliver/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SERVERS 400
#define MAILS 4
#define TIMEOUT_MS 40

struct server {
    uint32_t dice;
    unsigned whims; /* of a hundred words */
    bool tls;
    size_t whole;  /* mails that were heard to the dot */
    bool has_lied; /* said something while a body came: what that answers nobody can know */
};

static unsigned roll(struct server *s, unsigned sides)
{
    s->dice = s->dice * 1664525u + 1013904223u;
    return (s->dice >> 8) % sides;
}

static bool has_whim(struct server *s)
{
    return roll(s, 100) < s->whims;
}

static const char *whim(struct server *s)
{
    static const char *const noise[] = {"what?\r\n", "250 2.0.0 ok\n", "250-no end\r\n", ""};
    static const char *const one[] = {"421 4.3.2 bye\r\n", "354 go on\r\n", "250\r\n",
        "250-one\r\n250-two\r\n250 three\r\n", "451 4.7.1 later\r\n", "550 5.1.1 no\r\n",
        "503 5.5.1 order\r\n", "252 2.0.0 perhaps\r\n"};
    static const char *const two[] = {"250 2.0.0 ok\r\n250 2.0.0 ok\r\n",
        "354 go on\r\n250 2.0.0 taken\r\n", "550 5.7.1 no\r\n250 2.0.0 ok\r\n"};

    switch (roll(s, 3)) {
    case 0:
        return noise[roll(s, COUNT_OF(noise))];
    case 1:
        return one[roll(s, COUNT_OF(one))];
    default:
        return two[roll(s, COUNT_OF(two))];
    }
}

static void speak(struct line *c, struct server *s, const char *text)
{
    size_t n = strlen(text), first = n > 1 && roll(s, 4) == 0 ? 1 + roll(s, (unsigned)n - 1) : n;

    say_bytes(c, text, first);
    if (first < n && roll(s, 2) == 0)
        stall_for(c, 1);
    say_bytes(c, text + first, n - first);
}

static bool goes_away(struct line *c, struct server *s, unsigned sides)
{
    bool goes = has_whim(s) && roll(s, sides) == 0;

    if (goes && roll(s, 2) == 0)
        reset(c);
    return goes;
}

/* A dot alone, as comes behind a refused RCPT where DATA is taken, is no mail. */
static bool hear_whole_body(struct line *c, struct server *s)
{
    char line[256];
    size_t lines = 0;

    do {
        if (has_whim(s) && roll(s, 8) == 0) {
            s->has_lied = true;
            speak(c, s, whim(s));
        }
        if (goes_away(c, s, 30) || !hear_line(c, line, sizeof line))
            return false;
        lines++;
    } while (strcmp(line, ".\r") != 0);
    s->whole += lines > 1;
    return true;
}

/* False: it has gone. */
static bool answer(struct line *c, struct server *s, const char *command)
{
    bool is_data = str_starts(str_of(command), STR("DATA"));
    bool is_last = str_starts(str_of(command), STR("QUIT"));
    const char *right = is_data ? "354 go on\r\n" : "250 2.0.0 ok\r\n";
    const char *words = has_whim(s) && (is_last || roll(s, 3) == 0) ? whim(s) : right;

    if (goes_away(c, s, 12))
        return false;
    speak(c, s, words);
    if (!is_data || !str_starts(str_of(words), STR("354")))
        return !is_last;
    if (!hear_whole_body(c, s) || goes_away(c, s, 4))
        return false;
    speak(c, s, has_whim(s) ? whim(s) : "250 2.0.0 taken\r\n");
    return true;
}

static bool open_line(struct line *c, struct server *s)
{
    static const char *const offer[] = {"STARTTLS", "CHUNKING", NULL}, *const clear[] = {"8BITMIME",
                                                                           "Chunking", NULL};

    if (!greet(c, s->tls ? offer : clear))
        return false;
    if (!s->tls)
        return true;
    if (!take_starttls(c))
        return false;
    say(c, roll(s, 2) ? "250-mx.test\r\n250 PIPELINING\r\n" : "250-mx.test\r\n250 CHUNKING\r\n");
    return true;
}

static void serve(struct line *c, void *context)
{
    struct server *s = context;
    char line[1024];

    if (open_line(c, s))
        while (hear_line(c, line, sizeof line) && answer(c, s, line))
            continue;
}

static bool may_have_arrived(const struct smtp_result *r)
{
    return r->delivered || r->unsure || (r->phase == AT_BODY && r->code >= 400 && r->code <= 599);
}

/* True: as the header promises. */
static bool try_one(struct bench *b, SSL_CTX *ctx, uint32_t seed)
{
    static const unsigned whims[] = {10, 40, 80};
    struct server s = {.dice = seed * 2654435761u};
    size_t delivered = 0, perhaps = 0;

    s.whims = whims[roll(&s, COUNT_OF(whims))];
    s.tls = roll(&s, 3) == 0;
    struct peer *p = peer_open(serve, &s, ctx);
    b->call.tls = s.tls ? SMTP_TLS_VERIFIED : SMTP_TLS_OFF;
    b->call.pipelining = roll(&s, 2);
    b->call.to.transfer_timeout_ms = TIMEOUT_MS;
    bench_send(b, peer_port(p), "mx.test", MAILS);
    peer_stop(p);
    peer_close(&p);
    for (size_t i = 0; i < b->results_n; i++) {
        delivered += b->results[i].delivered;
        perhaps += may_have_arrived(&b->results[i]);
    }
    bool right = s.whole <= perhaps && (s.has_lied || delivered <= s.whole);
    if (!right)
        print_error("server %u: %zu mails heard, %zu delivered, %zu may have arrived\n", seed,
            s.whole, delivered, perhaps);
    return right;
}

static void what_was_heard_is_never_surely_undelivered(void **state)
{
    struct bench *b = *state;
    SSL_CTX *ctx = certs_server(b->certs, "mx.test", 1);
    size_t wrong = 0;

    for (uint32_t seed = 1; seed <= SERVERS; seed++)
        wrong += !try_one(b, ctx, seed);
    SSL_CTX_free(ctx);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_heard_is_never_surely_undelivered, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
