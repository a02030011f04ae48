#include "tests/mailer/deliver/bench.h"
#include "tests/support/scratch.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void require(bool good)
{
    if (!good)
        abort();
}

static struct smtp_mail make_mail(struct bench *b)
{
    struct smtp_mail m = b->mail;

    b->fed++;
    m.deadline_ns = clock_steady_ns() + b->deadline_ms * 1000000;
    return m;
}

static bool next(void *context, struct smtp_mail *out)
{
    struct bench *b = context;

    if (b->fed == b->mails)
        return false;
    *out = make_mail(b);
    return true;
}

static bool body_starts(void *context)
{
    ((struct bench *)context)->bodies++;
    return true;
}

static void done(void *context, const struct smtp_result *r, const struct smtp_cover *cover)
{
    struct bench *b = context;

    require(b->results_n < BENCH_MAILS);
    b->covers[b->results_n] = *cover;
    b->results[b->results_n++] = *r;
}

int bench_open(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct err e;

    require(b != NULL);
    scratch_folder("bench", b->dir);
    snprintf(b->ca_file, sizeof b->ca_file, "%s/ca.pem", b->dir);
    b->certs = certs_open();
    certs_write_authority(b->certs, b->ca_file);
    require(smtp_shared_open(b->ca_file, &b->shared, &e));
    require(watchdog_open(&b->dog, &e));
    b->watch = watch_open(b->dog);
    b->dial = dial_open(b->watch);
    b->feed = (struct smtp_feed){b, next, body_starts, done};
    b->deadline_ms = 10000;
    b->mail = (struct smtp_mail){
        .reverse_path = STR("b+token@bounce.shop.example"),
        .recipient = STR("ada@example.com"),
        .bytes =
            STR("From: <orders@shop.example>\r\nTo: <ada@example.com>\r\nDate: Sat, 21 Nov 2026 "
                "08:00:00 +0000\r\nMessage-ID: <1@shop.example>\r\nSubject: parcel\r\n\r\n"
                "Hello\r\n.dot\r\n"),
    };
    b->call = (struct smtp_call){
        .dial = b->dial,
        .watch = b->watch,
        .to = {.address = {.family = 4, .b = {127, 0, 0, 1}},
            .connect_timeout_ms = 5000,
            .transfer_timeout_ms = 5000},
        .tls = SMTP_TLS_OFFERED,
        .why_off = "",
        .user = "",
        .password = "",
        .hostname = "post.shop.example",
        .max_messages = 100,
        .pipelining = true,
        .feed = &b->feed,
    };
    *state = b;
    return 0;
}

int bench_close(void **state)
{
    struct bench *b = *state;

    dial_close(&b->dial);
    watch_close(&b->watch);
    watchdog_close(&b->dog);
    smtp_shared_close(&b->shared);
    certs_close(&b->certs);
    unlink(b->ca_file);
    rmdir(b->dir);
    free(b);
    return 0;
}

void bench_send(struct bench *b, int port, const char *host, size_t mails)
{
    struct smtp_mail first;

    b->mails = mails;
    b->fed = b->results_n = b->bodies = 0;
    b->call.to.port = port;
    b->call.to.host = host;
    first = make_mail(b);
    smtp_converse(b->shared, &b->call, &first, &b->report);
}
