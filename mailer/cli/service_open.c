/* The floors, opened in order and closed in reverse. */
#include "base/log.h"
#include "mailer/cli/dirs.h"
#include "mailer/cli/dkim_rotate.h"
#include "mailer/cli/service.h"
#include "mailer/cli/wiring.h"

#include <errno.h>
#include <pthread.h>
#include <sysexits.h>
#include <unistd.h>

#define GRACE_MS 15000
/* Steps of nice(): 2 give as much as 10, and cost least beside other programs. */
#define GIVE_WAY 2
#define PAGE_TIMEOUT_MS 5000 /* of an audit: the end of the service may have to wait for it */

/* What /v1/domains says of a domain's keys. */
static void add_rotations(
    const struct conf *conf, const char *storefront, struct arena *a, struct audit_setup *out)
{
    struct err e = {0};
    if (!rotations_for_audit(conf, storefront, a, out, &e))
        log_error("key-rotations-not-read", KV("error", e.text));
}

static bool open_queue(struct service *s, struct err *e)
{
    struct queue_setup setup = {
        .dir = s->conf->data_dir,
        .node = s->conf->node,
        .role = QUEUE_SERVE,
        .keys = s->keys,
        .clock = &s->clock,
        .steady = clock_since_boot(),
        .metrics = s->metrics,
        .lanes = (size_t)s->conf->lanes,
    };
    if (queue_open(&setup, &s->queue, e))
        return true;
    /* What does not fit together may be the keyring's fault, too, and its text says whose. */
    return e->code == ERR_CORRUPT || e->code == ERR_LIMIT ? false : err_prefix(e, "data_dir");
}

static bool open_dns(struct service *s, struct err *e)
{
    struct resolver_setup setup = {
        .servers = s->conf->resolvers,
        .servers_n = s->conf->resolvers_n,
        .zone_files = s->conf->zone_files,
        .zone_files_n = s->conf->zone_files_n,
        .timeout_ms = s->conf->dns_timeout_ms,
        .clock = &s->spans,
        .metrics = s->metrics,
    };
    if (!resolver_open(&setup, &s->resolver, e))
        return false;
    s->gate = gate_open(&(struct gate_setup){.resolver = s->resolver,
        .clock = &s->spans,
        .metrics = s->metrics,
        .only_warn = !s->conf->gate_hold});
    s->live = (struct web_live){.resolver = s->resolver, .timeout_ms = PAGE_TIMEOUT_MS};
    s->web = web_of_live(&s->live);
    return surveyor_open(&(struct surveyor_setup){.resolver = s->resolver,
                             .web = &s->web,
                             .clock = &s->clock,
                             .metrics = s->metrics,
                             .rotations = add_rotations},
        &s->surveyor, e);
}

static bool open_http(struct service *s, struct err *e)
{
    s->ids = ids_open(&s->clock);
    s->intake = wiring_intake(s->queue, s->ids, &s->clock, s->metrics);
    struct http_setup setup = {
        .snapshots = s->snapshots,
        .queue = s->queue,
        .ids = s->ids,
        .clock = &s->clock,
        .metrics = s->metrics,
        .keys = s->keys,
        .intake = &s->intake,
        .surveyor = s->surveyor,
    };
    if (!http_open(&setup, &s->http, e))
        return false;
    log_info("http-listening", KV("address", s->conf->listen_address),
        KV_INT("port", http_port(s->http)));
    return true;
}

static bool open_engine(struct service *s, struct err *e)
{
    struct engine_setup setup = {
        .queue = s->queue,
        .snapshots = s->snapshots,
        .resolver = s->resolver,
        .gate = s->gate,
        .keys = s->keys,
        .clock = &s->clock,
        .metrics = s->metrics,
    };
    return engine_open(&setup, &s->engine, e);
}

/* Whoever accepts or delivers waits for the committer in the end, and it for none of them: while they keep it from a
 * core they keep work from themselves. The threads that are made from here on give way to those of the queue (Linux
 * counts this by thread, and lowering it needs no right). */
static void let_the_queue_go_first(void)
{
    errno = 0;
    if (nice(GIVE_WAY) == -1 && errno != 0)
        log_warning("priority-not-lowered", KV("error", strerror(errno)));
}

/* Behind the look into the queue: a sandbox that is refused leaves nothing in a service's folder. */
static bool open_sandbox(struct service *s, struct err *e)
{
    bool is_sandbox = cli_flag(s->cli, "sandbox");
    if (!workshop_guard(s->conf, s->queue, is_sandbox, e))
        return false;
    if (!is_sandbox)
        return true;
    if (!workshop_open(s->conf, &s->workshop, e))
        return false;
    s->conf = service_conf(s, s->conf);
    return true;
}

/* Before anything is made: a sandbox that will find no place for its mails leaves no keyring, and no folder marked as its
 * own. */
static bool sandbox_has_a_place(struct service *s, struct err *e)
{
    return !cli_flag(s->cli, "sandbox") ||
           dirs_is_writable(s->conf->captured_dir, s->conf->data_dir, e) ||
           err_prefix(e, "captured_dir");
}

bool service_open(struct service *s, struct err *e)
{
    s->metrics = metrics_open();
    s->guard = clock_guard_open(clock_system(), clock_since_boot());
    s->clock = clock_of_guard(s->guard);
    s->spans = clock_of_opening(s->guard);
    if (!service_take_settings(s, e) || !sandbox_has_a_place(s, e) ||
        !cli_keyring(s->conf, &s->keys, e) || !open_queue(s, e))
        return false;
    let_the_queue_go_first();
    return open_sandbox(s, e) && open_dns(s, e) && service_open_snapshots(s, e) &&
           open_engine(s, e) && open_http(s, e);
}

/* A lane hangs in what is not ours, and may come back to whatever would be closed now. All that counts is on disk. */
static void leave(void)
{
    log_error("service-left", KV("now", "the next start settles what the lanes held"));
    _exit(EX_SOFTWARE);
}

/* NULL: a lane hangs. */
static void *stop_engine(void *engine)
{
    return engine_stop(engine, GRACE_MS) ? engine : NULL;
}

/* Requests and attempts under way share one grace: neither waits for the other. */
static void stop_work(struct service *s)
{
    void *stopped = s->engine;
    pthread_t aside;
    bool beside = s->engine && pthread_create(&aside, NULL, stop_engine, s->engine) == 0;

    if (s->http)
        http_stop(s->http, GRACE_MS);
    if (beside)
        pthread_join(aside, &stopped);
    else if (s->engine)
        stopped = stop_engine(s->engine);
    if (stopped != s->engine)
        leave();
}

void service_close(struct service *s)
{
    stop_work(s);
    http_close(&s->http);
    engine_close(&s->engine);
    service_close_snapshots(s);
    surveyor_close(&s->surveyor);
    gate_close(&s->gate);
    resolver_close(&s->resolver);
    queue_close(&s->queue);
    ids_close(&s->ids);
    keyring_close(&s->keys);
    workshop_close(&s->workshop);
    metrics_close(&s->metrics);
    clock_guard_close(&s->guard);
    conf_close(&s->conf);
    buf_close(&s->zone_faults);
    buf_close(&s->signers);
    buf_close(&s->rejected);
}
