/* The settings, mails and keys in force: those of the start, of each SIGHUP, and of a key that changed. */
#include "base/conf_reload.h"
#include "base/file.h"
#include "base/log.h"
#include "mailer/cli/service.h"
#include "mailer/intake/shops.h"

#include <sysexits.h>

/* Faults have been told, a line each: e only counts them. Exit codes as those of cli_conf. */
static bool sum_up(struct service *s, const struct faults *faults, struct err *e)
{
    if (faults->n == 0 || e->code != ERR_INPUT)
        return false;
    s->settings_code = EX_CONFIG;
    return err_set(e, ERR_INPUT, "the settings have faults: %zu", faults->n);
}

const struct conf *service_conf(struct service *s, const struct conf *file)
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
        const char *way_out = cli_way_out(s->cli, e);
        s->settings_code = CLI_UNKNOWN;
        if (*way_out)
            return err_set(e, e->code, "%.200s%s", arena_printf(arena, "%s", e->text), way_out);
        for (const struct fault *f = faults.first; f; f = f->next)
            log_error("settings-fault", KV("at", f->pointer), KV("text", f->detail));
        return sum_up(s, &faults, e);
    }
    *out = service_conf(s, file);
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
    for (const struct fault *f = faults.first; f; f = f->next)
        log_error("settings-fault", KV("at", conf_where(conf, f->pointer, arena)),
            KV("text", arena_printf(arena, "%s: %s", f->pointer, f->detail)));
    return sum_up(s, &faults, e);
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

bool service_take_settings(struct service *s, struct err *e)
{
    count_reload(s, DONE, 0); /* there from the start, so that a rise from nothing is seen */
    count_reload(s, REFUSED, 0);
    if (!load_conf(s, &s->conf, e))
        return false;
    use_log_level(s->conf);
    return true;
}

bool service_open_snapshots(struct service *s, struct err *e)
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

void service_close_snapshots(struct service *s)
{
    if (s->snapshots)
        untell_signers(s);
    snapshot_holder_close(&s->snapshots);
}

void service_reload(struct service *s)
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

void service_follow_rotations(struct service *s)
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
