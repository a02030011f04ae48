/* serve -- the running post room: signals waited for between the opening of every floor and its closing.
 * SIGTERM and SIGINT end it, SIGHUP reads settings, mails and keys anew. */
#include "base/log.h"
#include "mailer/cli/dns_log.h"
#include "mailer/cli/service.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* A block of this size goes back to the system when it is freed. Left alone, the allocator raises the bound with
 * each attachment that it meets, and then each thread that handled one keeps its memory. */
#define LARGE_BYTES (1024 * 1024)
/* What a heap keeps free at its end, or every few requests it would shrink and be faulted in again. */
#define KEPT_BYTES (2 * 1024 * 1024)
#define LOOK_S 10 /* how often zone files are asked for their faults */

/* Blocked before any thread starts, so that only the wait below sees them. */
static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a disk that refuses, not an end */
    return set;
}

static void tell_clock(struct service *s)
{
    struct clock_doubt now = clock_guard_doubt(s->guard);
    if (now.taken_ms != s->doubt.taken_ms)
        log_warning("clock-jump-followed", KV_INT("by_ms", now.taken_ms - s->doubt.taken_ms));
    else if (now.by_ms == 0 && s->doubt.by_ms != 0)
        log_info("clock-jump-taken-back");
    if (now.by_ms != 0 && s->doubt.by_ms == 0)
        log_warning("clock-jumped", KV_INT("by_ms", now.by_ms),
            KV("now", "time goes on from before for five minutes, then the clock is followed"));
    s->doubt = now;
}

static void wait_for_the_end(struct service *s, const sigset_t *set)
{
    const struct timespec look = {.tv_sec = LOOK_S};
    for (;;) {
        int number = sigtimedwait(set, NULL, &look);
        if (number == SIGHUP)
            service_reload(s);
        else if (number > 0)
            break;
        dns_log_zone_faults(s->resolver, &s->zone_faults);
        tell_clock(s);
        service_follow_rotations(s);
    }
}

/* A connection takes two descriptors, one of them for its watchdog; the usual soft limit of 1,024 is for programs that
 * use select. */
static void allow_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
}

static int run(struct cli *c)
{
    struct err e = {0};
    struct service s = {.cli = c};
    if (c->operands_n > 0)
        return cli_usage(c, "serve takes no operands");
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MXFAST,
        0); /* small pieces joined when they are freed, not all at once at each larger one */
    allow_descriptors();
    sigset_t signals = block_signals();
    bool ok = service_open(&s, &e);
    if (ok) {
        log_info("service-ready", KV("version", PARCELPOST_VERSION), KV("node", s.conf->node));
        if (!s.workshop)
            dns_log_silence(s.conf, s.resolver);
        wait_for_the_end(&s, &signals);
        log_info("service-stopping");
    }
    service_close(&s);
    if (!ok) {
        int code = cli_fail(c, &e);
        return s.settings_code ? s.settings_code : code;
    }
    log_info("service-stopped");
    return CLI_FINE;
}

static const struct cli_option options[] = {
    CLI_CONFIG_OPTION,
    {"sandbox", NULL, "deliver to a receiver on loopback that keeps each mail (captured_dir)"},
};

const struct command cmd_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "run the service; SIGTERM ends it, SIGHUP reads the settings again",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost serve --config /etc/parcelpost/parcelpost.conf\n"
               "  parcelpost serve --config parcelpost.conf --sandbox",
    .run = run,
};
