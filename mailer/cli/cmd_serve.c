/* serve -- the running post room: every floor opened in order, signals waited for, everything closed in reverse.
 * SIGTERM and SIGINT end it, SIGHUP reads settings, mails and keys anew. */
#include "base/clock_guard.h"
#include "base/conf_reload.h"
#include "base/file.h"
#include "base/log.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/dkim_rotate.h"
#include "mailer/cli/dns_log.h"
#include "mailer/cli/wiring.h"
#include "mailer/cli/workshop.h"
#include "mailer/deliver/engine.h"
#include "mailer/gate/surveyor.h"
#include "mailer/http/http.h"
#include "mailer/intake/shops.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 15000
/* A block of this size goes back to the system when it is freed. Left alone, the allocator raises the bound with
 * each attachment that it meets, and then each thread that handled one keeps its memory. */
#define LARGE_BYTES (1024 * 1024)
/* What a heap keeps free at its end, or every few requests it would shrink and be faulted in again. */
#define KEPT_BYTES (2 * 1024 * 1024)
/* Steps of nice(): 2 give as much as 10, and cost least beside other programs. */
#define GIVE_WAY 2
#define PAGE_TIMEOUT_MS 5000 /* of an audit: the end of the service may have to wait for it */
#define LOOK_S 10            /* how often zone files are asked for their faults */

struct service {
    struct cli *cli;
    const struct conf *conf;
    struct workshop *workshop; /* --sandbox only */
    struct keyring *keys;
    struct metrics *metrics;
    struct clock_guard *guard;
    struct clock clock;       /* wall time that doubts jumps */
    struct clock spans;       /* that never jumps: what is cached for a while lasts as long */
    struct clock_doubt doubt; /* as it was told last */
    struct queue *queue;
    struct resolver *resolver;
    struct gate *gate;
    struct web_live live;
    struct web web;
    struct surveyor *surveyor;
    struct snapshot_holder *snapshots;
    struct ids *ids;
    struct intake_setup intake;
    struct http *http;
    struct engine *engine;
    int64_t generation; /* of the snapshot: how often SIGHUP made a new one */
    int settings_code;  /* with which a start ends whose settings failed; 0: it is not for them */
    struct buf zone_faults; /* as they were told last */
    struct buf signers;     /* which keys the snapshot signs with */
    struct buf rejected;    /* those that were to sign, but could not be loaded */
};

/* ---- settings -------------------------------------------------------------------------------- */

/* A line each; then e only counts them. Exit codes as those of cli_conf. */
static bool tell_faults(struct service *s, const struct faults *faults, struct err *e)
{
    for (const struct fault *f = faults->first; f; f = f->next)
        log_error("settings-fault", KV("at", f->pointer), KV("text", f->detail));
    if (faults->n == 0 || e->code != ERR_INPUT)
        return false;
    s->settings_code = EX_CONFIG;
    return err_set(e, ERR_INPUT, "the settings have faults: %zu", faults->n);
}

/* In the sandbox, the settings with its DNS and port. */
static const struct conf *take_file(struct service *s, const struct conf *file)
{
    if (!s->workshop)
        return file;
    const struct conf *out = workshop_conf(s->workshop, file);
    conf_close(&file);
    return out;
}

/* The settings as the service runs with them. out is set on success only, since it may be the service's own. */
static bool load_conf(struct service *s, const struct conf **out, struct err *e)
{
    AUTO(arena_close) struct arena *arena = arena_open();
    struct faults faults;
    const struct conf *file = NULL;
    faults_init(&faults, arena);
    if (!conf_load(cli_config_path(s->cli), &faults, &file, e)) {
        s->settings_code = CLI_UNKNOWN;
        return tell_faults(s, &faults, e);
    }
    *out = take_file(s, file);
    return true;
}

static bool load_snapshot(
    struct service *s, const struct conf *conf, struct snapshot **out, struct err *e)
{
    AUTO(arena_close) struct arena *arena = arena_open();
    struct faults faults;
    faults_init(&faults, arena);
    if (snapshot_open(conf, s->queue, &faults, out, e)) {
        snapshot_count(
            *out, metrics_gauge(s->metrics, "parcelpost_generations",
                      "Settings, mails and keys in memory: the present generation, and those "
                      "that somebody ends with.",
                      ""));
        return true;
    }
    return tell_faults(s, &faults, e);
}

/* Tells `dkim rotate` which keys sign, so that it retires none that still does. Beside the queue, since there is
 * one list for each service; only said where it cannot be written: the old list then holds rotations back. */
static void tell_signers(struct service *s)
{
    struct err e = {0};
    AUTO(buf_close) struct buf path = {0};
    buf_addf(&path, "%s/dkim-signing", s->conf->data_dir);
    if (!file_replace("list of signing keys", buf_text(&path), buf_str(&s->signers), NULL, &e))
        log_error("dkim-signing-not-written", KV("error", e.text));
}

/* No service, no signatures. */
static void untell_signers(struct service *s)
{
    struct err e = {0};
    AUTO(buf_close) struct buf path = {0};
    buf_addf(&path, "%s/dkim-signing", s->conf->data_dir);
    if (!file_remove("list of signing keys", buf_text(&path), &e))
        log_error("dkim-signing-not-removed", KV("error", e.text));
}

/* The list is taken before the keys are: what changes between makes it differ at the next look. */
static void take_signers(const struct conf *conf, struct buf *out)
{
    buf_clear(out);
    shops_signers(conf, out);
}

static void use_signers(struct service *s, const struct buf *signers)
{
    buf_clear(&s->signers);
    buf_add(&s->signers, buf_str(signers));
    buf_clear(&s->rejected);
    tell_signers(s);
}

static void use_log_level(const struct conf *c)
{
    enum log_level level;
    if (log_level_parse(str_of(c->log_level), &level))
        log_set_level(level);
}

/* New settings, but for those that the service took up once, at its start. */
static bool reload_conf(struct service *s, const struct conf **out, struct buf *kept, struct err *e)
{
    const struct conf *file = NULL;
    if (!load_conf(s, &file, e))
        return false;
    *out = conf_reload(file, s->conf, kept);
    conf_close(&file);
    return true;
}

static void tell_kept(const struct buf *kept)
{
    struct str rest = buf_str(kept), name;
    while (str_next(&rest, '\n', &name))
        log_warning("setting-needs-restart", KV_STR("setting", name),
            KV("now", "the value of the last start stays in force"));
}

#define DONE "outcome=\"done\""
#define REFUSED "outcome=\"refused\""

static void count_reload(struct service *s, const char *labels, uint64_t n)
{
    counter_add(metrics_counter(s->metrics, "parcelpost_reloads_total",
                    "Readings of settings, mails and keys after SIGHUP.", labels),
        n);
}

/* A reload that fails changes nothing: the service goes on with what it has. */
static void reload(struct service *s)
{
    struct err e = {0};
    const struct conf *conf = NULL;
    struct snapshot *next = NULL;
    AUTO(buf_close) struct buf signers = {0}, kept = {0};
    bool loaded = reload_conf(s, &conf, &kept, &e);
    if (loaded)
        take_signers(conf, &signers);
    if (loaded && load_snapshot(s, conf, &next, &e)) {
        snapshot_swap(s->snapshots, next);
        use_signers(s, &signers);
        use_log_level(conf);
        count_reload(s, DONE, 1);
        tell_kept(&kept);
        log_info("service-reloaded", KV_INT("generation", ++s->generation));
    } else {
        count_reload(s, REFUSED, 1);
        log_error("service-reload-failed", KV("error", e.text), KV_INT("generation", s->generation),
            KV("now", "the settings of before stay in force"));
    }
    conf_close(&conf);
}

/* `dkim rotate` changed which key signs: the settings stay those in force, so that a file that somebody is writing
 * just now is not taken up by chance. What cannot be loaded is told once, and tried again after SIGHUP. */
static void follow_rotations(struct service *s)
{
    struct err e = {0};
    struct snapshot *current = snapshot_current(s->snapshots), *next = NULL;
    AUTO(buf_close) struct buf signers = {0};
    take_signers(snapshot_conf(current), &signers);
    bool same = str_eq(buf_str(&signers), buf_str(&s->signers));
    bool told = str_eq(buf_str(&signers), buf_str(&s->rejected));
    if (!same && !told && load_snapshot(s, snapshot_conf(current), &next, &e)) {
        snapshot_swap(s->snapshots, next);
        use_signers(s, &signers);
        log_info("dkim-keys-changed");
    } else if (!same && !told) {
        buf_clear(&s->rejected);
        buf_add(&s->rejected, buf_str(&signers));
        log_error("dkim-keys-not-changed", KV("error", e.text),
            KV("now", "the keys of before go on signing; SIGHUP tries again"));
    }
    snapshot_close(&current);
}

/* What /v1/domains says of a domain's keys. */
static void add_rotations(
    const struct conf *conf, const char *storefront, struct arena *a, struct audit_setup *out)
{
    struct err e = {0};
    if (!rotations_for_audit(conf, storefront, a, out, &e))
        log_error("key-rotations-not-read", KV("error", e.text));
}

/* ---- opening and closing --------------------------------------------------------------------- */

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
    return queue_open(&setup, &s->queue, e) || err_prefix(e, "data_dir");
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

static bool open_snapshots(struct service *s, struct err *e)
{
    struct snapshot *first;
    AUTO(buf_close) struct buf signers = {0};
    take_signers(s->conf, &signers);
    if (!load_snapshot(s, s->conf, &first, e))
        return false;
    s->snapshots = snapshot_holder_open(first);
    use_signers(s, &signers);
    return true;
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
    s->conf = take_file(s, s->conf);
    return true;
}

static bool open_all(struct service *s, struct err *e)
{
    s->metrics = metrics_open();
    count_reload(s, DONE, 0); /* there from the start, so that a rise from nothing is seen */
    count_reload(s, REFUSED, 0);
    s->guard = clock_guard_open(clock_system(), clock_since_boot());
    s->clock = clock_of_guard(s->guard);
    s->spans = clock_of_opening(s->guard);
    if (!load_conf(s, &s->conf, e))
        return false;
    use_log_level(s->conf);
    if (!cli_keyring(s->conf, &s->keys, e) || !open_queue(s, e))
        return false;
    let_the_queue_go_first();
    return open_sandbox(s, e) && open_dns(s, e) && open_snapshots(s, e) && open_engine(s, e) &&
           open_http(s, e);
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

/* Takes no more in, lets what is under way finish, then closes what others stood on. */
static void close_all(struct service *s)
{
    stop_work(s);
    http_close(&s->http);
    engine_close(&s->engine);
    if (s->snapshots)
        untell_signers(s);
    snapshot_holder_close(&s->snapshots);
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

/* ---- running --------------------------------------------------------------------------------- */

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
            reload(s);
        else if (number > 0)
            break;
        dns_log_zone_faults(s->resolver, &s->zone_faults);
        tell_clock(s);
        follow_rotations(s);
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
    bool ok = open_all(&s, &e);
    if (ok) {
        log_info("service-ready", KV("version", PARCELPOST_VERSION), KV("node", s.conf->node));
        if (!s.workshop)
            dns_log_silence(s.conf, s.resolver);
        wait_for_the_end(&s, &signals);
        log_info("service-stopping");
    }
    close_all(&s);
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
