/* Tests mailer/deliver/engine.h against a crowd of servers that do wrong, all at once: each deed at each stage of faults.h, and
 * lies in EHLO, once, with polite servers between them. Every mail ends as its row says; a receiver has two copies only of one that was
 * announced as unsure; and no lane is beyond its deadline, or the roster would replace it. */
#include "tests/mailer/deliver/faults.h"
#include "tests/mailer/deliver/house.h"
#include "tests/support/certs.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAILS 3          /* to each server; the first meets the fault */
#define ATTEMPT_S "5s"   /* what a stall costs; all of them at the same time */
#define PATIENCE_MS 5000 /* and a lane beyond its deadline by so much is replaced */

/* ---- what becomes of the mails -------------------------------------------------------------------------- */

enum fate {
    NEVER,   /* the deed means nothing at this stage */
    AT_ONCE, /* delivered, and nobody waited */
    CLEAR,   /* the same, without TLS */
    AGAIN,   /* one is deferred, and delivered afterwards */
    UNSURE,  /* the same, but its body may have arrived; the server did not read it to its end */
    TWICE,   /* the same, and it had */
    REFUSED, /* each of them bounced */
};
static const char *const fate_names[] = {
    "never", "at once", "in clear", "again", "unsure", "twice", "refused"};

/* How many of the mails ... */
struct sums {
    size_t delivered, bounced, deferrals, unsure, copies;
    size_t lying; /* further copies that may lie in the socket of a server that did not read on */
};
static const struct sums meaning[] = {
    [AT_ONCE] = {MAILS, 0, 0, 0, MAILS, 0},
    [CLEAR] = {MAILS, 0, 0, 0, MAILS, 0},
    [AGAIN] = {MAILS, 0, 1, 0, MAILS, 0},
    [UNSURE] = {MAILS, 0, 1, 1, MAILS, 1},
    [TWICE] = {MAILS, 0, 1, 1, MAILS + 1, 0},
    [REFUSED] = {0, MAILS, 0, 0, 0, 0},
};

/* The client's own table is in test_smtp_faults.c; this one is what its answers come to. */
static const enum fate fates[STAGES][DEEDS] = {
    /*               stalls  drips   resets  closes  babbles floods  dribbles parts  hurries */
    [BANNER] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [EHLO] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [STARTTLS] = {AGAIN, AGAIN, CLEAR, CLEAR, AGAIN, CLEAR, AT_ONCE, NEVER, NEVER},
    [HANDSHAKE] = {AGAIN, AGAIN, CLEAR, CLEAR, CLEAR, CLEAR, CLEAR, NEVER, NEVER},
    [EHLO_AGAIN] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [AUTH] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [MAIL] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [RCPT] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, NEVER, NEVER},
    [DATA] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AT_ONCE, AGAIN, AGAIN},
    [BODY] = {NEVER, NEVER, UNSURE, UNSURE, NEVER, NEVER, NEVER, NEVER, NEVER},
    [DOT] = {TWICE, TWICE, TWICE, TWICE, TWICE, TWICE, AT_ONCE, NEVER, NEVER},
    [QUIT] = {AT_ONCE, AT_ONCE, AT_ONCE, AT_ONCE, AT_ONCE, AT_ONCE, AT_ONCE, NEVER, NEVER},
};

struct lie {
    const char *name, *keyword; /* what it announces */
    const char *command;        /* and refuses, or does not do, at the first line that begins so */
    const char *instead;        /* its word then, "" = the line is lost */
    bool once;                  /* on its first connection only */
    enum fate fate;
};
static const struct lie lies[] = {
    {"starttls", "STARTTLS", "STARTTLS", "454 4.7.0 not now\r\n", true, CLEAR},
    {"size, at once", "SIZE 100000000", "MAIL", "552 5.3.4 too big\r\n", false, REFUSED},
    {"size, after the dot", "SIZE 100000000", ".", "552 5.3.4 too big\r\n", false, REFUSED},
    {"a size smaller than each mail", "SIZE 10", "\n", "", false, AT_ONCE},
    {"pipelining", "PIPELINING", "DATA", "", true, AGAIN},
    {"chunking", "CHUNKING", "BDAT", "502 5.5.1 what\r\n", false, AT_ONCE},
    {"8bitmime", "8BITMIME", "MAIL FROM:<> BODY", "555 5.5.4 what\r\n", false, AT_ONCE},
    {"auth", "AUTH PLAIN LOGIN", "AUTH", "502 5.5.1 what\r\n", false, AT_ONCE},
};

#define POLITE 6
#define SERVERS (STAGES * DEEDS + COUNT_OF(lies) + POLITE)

/* ---- the servers ---------------------------------------------------------------------------------------- */

struct server {
    char name[48], label[8], host[24]; /* label: its domain in example., and as a relay its name */
    enum fate fate;
    struct misdeed fault; /* DEEDS = it has none */
    const struct lie *lie;
    SSL_CTX *tls;
    struct peer *peer;
    const char *mails[MAILS];
};

/* Whoever failed with TLS is tried without it, and is polite then; a relay is not. */
static void play_row(struct line *c, void *context)
{
    const struct server *s = context;
    struct misdeed f = s->fault;

    if (line_number(c) >= f.times && !f.auth)
        f.tls = false;
    play_fault(c, &f);
}

static const char *answer_of(const struct lie *lie, struct line *c, const char *line)
{
    bool lies_now = !lie->once || line_number(c) == 0;

    if (lies_now && str_starts(str_of(line), str_of(lie->command)))
        return lie->instead;
    return str_starts(str_of(line), STR("DATA")) ? "354 go\r\n" : "250 ok\r\n";
}

static void play_lie(struct line *c, void *context)
{
    const struct lie *lie = ((struct server *)context)->lie;
    char line[512];

    say(c, "220 mx.test\r\n");
    if (!hear(c, "EHLO "))
        return;
    say(c, "250-mx.test\r\n250 ");
    say(c, lie->once && line_number(c) > 0 ? "HELP" : lie->keyword);
    say(c, "\r\n");
    while (hear_line(c, line, sizeof line) && !str_starts(str_of(line), STR("QUIT"))) {
        const char *answer = answer_of(lie, c, line);

        say(c, answer);
        if (str_starts(str_of(answer), STR("354")))
            say(c, hear_body(c) && *lie->command == '.' ? lie->instead : "250 taken\r\n");
    }
}

struct crowd {
    struct certs *certs;
    char folder[SCRATCH_SIZE], ca[96], password[96];
    struct server servers[SERVERS];
    size_t n;
    int port;
    struct buf zone, settings;
};

static struct crowd crowd;
static struct house house;

static struct server *add_server(struct crowd *w, const char *name, enum fate fate)
{
    struct server *s = &w->servers[w->n++];

    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->label, sizeof s->label, "f%zu", w->n);
    snprintf(s->host, sizeof s->host, "mx.f%zu.example", w->n);
    s->fate = fate;
    s->fault.deed = DEEDS;
    buf_addf(&w->zone, "%s IN MX 10 mx.%s\nmx.%s IN A 127.0.2.%zu\n", s->label, s->label, s->label,
        w->n);
    return s;
}

/* The first one finds a port, and the others take the same at their addresses. */
static void open_server(struct crowd *w, struct server *s, peer_script *script)
{
    char address[16];

    snprintf(address, sizeof address, "127.0.2.%zu", (size_t)(s - w->servers) + 1);
    s->peer = peer_open_at(address, w->port, script, s, s->tls);
    w->port = peer_port(s->peer);
}

static void add_relay(struct crowd *w, const struct server *s)
{
    buf_addf(&w->settings,
        "smart_host \"%s\" {\n  host = \"%s\"\n  port = %d\n  user = \"shop\"\n  password_file = "
        "\"%s\"\n}\n",
        s->label, s->host, w->port, w->password);
}

static void add_fault(struct crowd *w, enum stage stage, enum deed deed)
{
    char name[48];
    bool tls = stage == STARTTLS || stage == HANDSHAKE || stage == EHLO_AGAIN || stage == AUTH;

    if (fates[stage][deed] == NEVER)
        return;
    snprintf(name, sizeof name, "%s at %s", deed_names[deed], stage_names[stage]);
    struct server *s = add_server(w, name, fates[stage][deed]);
    s->fault = (struct misdeed){
        .stage = stage, .deed = deed, .tls = tls, .auth = stage == AUTH, .times = 1};
    s->tls = tls ? certs_server(w->certs, s->host, 1) : NULL;
    open_server(w, s, play_row);
    if (stage == AUTH)
        add_relay(w, s);
}

static void open_crowd(struct crowd *w)
{
    FILE *f;

    *w = (struct crowd){.certs = certs_open()};
    scratch_folder("crowd", w->folder);
    snprintf(w->ca, sizeof w->ca, "%s/ca.pem", w->folder);
    snprintf(w->password, sizeof w->password, "%s/password", w->folder);
    certs_write_authority(w->certs, w->ca);
    f = fopen(w->password, "w");
    assert_true(f && fputs("open sesame\n", f) >= 0 && fclose(f) == 0);
    for (enum stage stage = 0; stage < STAGES; stage++)
        for (enum deed deed = 0; deed < DEEDS; deed++)
            add_fault(w, stage, deed);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct server *s = add_server(w, lies[i].name, lies[i].fate);
        s->lie = &lies[i];
        open_server(w, s, play_lie);
    }
    for (size_t i = 0; i < POLITE; i++) {
        struct server *s = add_server(w, "polite", AT_ONCE);
        s->fault = (struct misdeed){.stage = STAGES};
        open_server(w, s, play_row);
    }
    buf_addf(&w->settings,
        "lanes = 64\nattempt_timeout_ms = " ATTEMPT_S "\nlease_ms = 10m\ntls_ca_file = \"%s\"\n",
        w->ca);
}

static void close_crowd(struct crowd *w)
{
    for (size_t i = 0; i < w->n; i++) {
        peer_close(&w->servers[i].peer);
        SSL_CTX_free(w->servers[i].tls);
    }
    certs_close(&w->certs);
    buf_close(&w->zone);
    buf_close(&w->settings);
    remove(w->ca);
    remove(w->password);
    remove(w->folder);
}

/* ---- the mails ------------------------------------------------------------------------------------------ */

static void submit_to(struct house *h, struct server *s)
{
    bool relayed = s->fault.auth;
    const char *to = arena_printf(h->arena, "ada@%s.example", s->label);
    const char *relay = arena_printf(h->arena, "relay:%s", s->label);

    for (size_t i = 0; i < MAILS; i++)
        s->mails[i] = house_submit_mail(
            h, &(struct house_mail){.to = to, .destination = relayed ? relay : NULL});
}

static void await_end(struct house *h, const struct server *s)
{
    for (size_t i = 0; i < MAILS; i++)
        house_await(h, s->mails[i], s->fate == REFUSED ? MSG_BOUNCED : MSG_DELIVERED);
}

/* Bodies that came up to their dot: one that was broken off is followed by the next connection's greeting. */
static size_t count_copies(struct str heard, const char *id)
{
    char header[80];
    size_t n = 0;

    snprintf(header, sizeof header, "Message-ID: <%s@", id);
    for (size_t at = 0; (at = str_find(heard, str_of(header), at)) < heard.n; at++)
        n += str_find(heard, STR("\r\n.\r\n"), at) < str_find(heard, STR("\r\nEHLO "), at);
    return n;
}

static void count_mail(struct house *h, struct str heard, const char *id, struct sums *to)
{
    enum msg_state state = house_show(h, id).state;
    size_t unsure = house_count_events(h, id, "unsure"), copies = count_copies(heard, id);

    to->delivered += state == MSG_DELIVERED;
    to->bounced += state == MSG_BOUNCED;
    to->deferrals += house_count_events(h, id, "deferred");
    to->unsure += unsure;
    to->copies += state == MSG_DELIVERED ? copies : 0;
    if (state == MSG_DELIVERED && (copies < 1 || copies > 1 + unsure))
        fail_msg("%s arrived %zu times, announced as unsure %zu times", id, copies, unsure);
}

static bool is_as_its_row_says(struct house *h, const struct server *s)
{
    struct sums found = {0};
    const struct sums *right = &meaning[s->fate];

    for (size_t i = 0; i < MAILS; i++)
        count_mail(h, peer_heard(s->peer), s->mails[i], &found);
    bool good = found.delivered == right->delivered && found.bounced == right->bounced &&
                found.deferrals == right->deferrals && found.unsure == right->unsure &&
                found.copies >= right->copies && found.copies <= right->copies + right->lying;
    if (!good)
        print_error("%s: not \"%s\": %zu delivered, %zu bounced, %zu deferrals, %zu unsure, %zu "
                    "copies\n",
            s->name, fate_names[s->fate], found.delivered, found.bounced, found.deferrals,
            found.unsure, found.copies);
    return good;
}

static uint64_t counted(struct house *h, const char *name)
{
    return counter_value(metrics_counter(h->metrics, name, "", ""));
}

static void nothing_is_lost_among_servers_that_do_wrong(void **state)
{
    struct crowd *w = &crowd;
    struct house *h = &house;
    size_t wrong = 0;

    (void)state;
    open_crowd(w);
    house_open(h, &(struct house_setup){.settings = buf_text(&w->settings),
                      .zone = buf_text(&w->zone),
                      .smtp_port = w->port,
                      .lane_patience_ms = PATIENCE_MS,
                      .no_engine = true});
    for (size_t i = 0; i < w->n; i++)
        submit_to(h, &w->servers[i]);
    house_start(h);
    for (size_t i = 0; i < w->n; i++)
        await_end(h, &w->servers[i]);
    assert_true(engine_stop(h->engine, 20000));
    for (size_t i = 0; i < w->n; i++)
        peer_stop(w->servers[i].peer);
    for (size_t i = 0; i < w->n; i++)
        wrong += !is_as_its_row_says(h, &w->servers[i]);
    assert_int_equal(wrong, 0);
    assert_int_equal(counted(h, "parcelpost_lanes_replaced_total"), 0);
    assert_int_equal(
        counted(h, "parcelpost_hard_bounces_total"), 0); /* none was the person's fault */
    house_close(h);
    close_crowd(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_among_servers_that_do_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
