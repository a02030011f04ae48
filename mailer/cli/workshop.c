#include "mailer/cli/workshop.h"

#include "base/arena.h"
#include "base/log.h"
#include "mailer/cli/zone.h"
#include "mailer/smtpd/sandbox.h"
#include "queue/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct workshop {
    struct arena *arena;
    struct sandbox *sandbox;
    const char **zones;
    size_t zones_n;
};

static bool make_folder(const char *path, struct err *e)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST || err_system(e, "data_dir: %s", path);
}

static void close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

static bool write_zone(struct workshop *w, const char *path, struct str text, struct err *e)
{
    AUTO(close_file) FILE *f = fopen(path, "we");
    if (!f || fwrite(text.p, 1, text.n, f) != text.n || fflush(f) != 0)
        return err_system(e, "%s", path);
    w->zones[w->zones_n++] = path;
    return true;
}

/* The storefronts' own zones unless the settings bring zone files, and the rest of the world. */
static bool write_zones(struct workshop *w, const struct conf *c, const char *folder, struct err *e)
{
    AUTO(buf_close) struct buf text = {0};
    w->zones = arena_array(w->arena, c->storefronts_n + 1, sizeof *w->zones);
    for (size_t i = 0; c->zone_files_n == 0 && i < c->storefronts_n; i++) {
        if (zone_is_shared(c, i, w->arena))
            continue;
        buf_clear(&text);
        if (!zone_of_storefront(c, &c->storefronts[i], w->arena, &text, e) ||
            !write_zone(w, arena_printf(w->arena, "%s/%s.zone", folder, c->storefronts[i].name),
                buf_str(&text), e))
            return false;
    }
    buf_clear(&text);
    zone_of_the_world(&text);
    return write_zone(w, arena_printf(w->arena, "%s/world.zone", folder), buf_str(&text), e);
}

static bool open_workshop(struct workshop *w, const struct conf *c, struct err *e)
{
    const char *folder = arena_printf(w->arena, "%s/sandbox", c->data_dir);
    if (!make_folder(folder, e) || !write_zones(w, c, folder, e))
        return false;
    struct sandbox_setup setup = {.hostname = ZONE_RECEIVER, .folder = c->captured_dir};
    if (!sandbox_open(&setup, &w->sandbox, e))
        return err_prefix(e, "captured_dir");
    log_info("sandbox-listening", KV_INT("smtp_port", sandbox_port(w->sandbox)),
        KV("captured", c->captured_dir));
    return true;
}

bool workshop_open(const struct conf *c, struct workshop **out, struct err *e)
{
    struct workshop *w = calloc(1, sizeof *w);
    if (!w)
        err_out_of_memory();
    w->arena = arena_open();
    if (open_workshop(w, c, e)) {
        *out = w;
        return true;
    }
    workshop_close(&w);
    return false;
}

const struct conf *workshop_conf(const struct workshop *w, const struct conf *c)
{
    return conf_sandbox(c, ZONE_RECEIVER, sandbox_port(w->sandbox), w->zones, w->zones_n);
}

void workshop_close(struct workshop **w)
{
    if (!*w)
        return;
    sandbox_close(&(*w)->sandbox);
    arena_close(&(*w)->arena);
    free(*w);
    *w = NULL;
}

static bool holds_mail(struct queue *q, bool *out, struct err *e)
{
    struct queue_counts counts;
    uint64_t all = 0;
    if (!queue_count(q, NULL, &counts, e))
        return false;
    for (size_t i = 0; i < MSG_STATES; i++)
        all += counts.by_state[i];
    *out = all > 0;
    return true;
}

bool workshop_guard(const struct conf *c, struct queue *q, bool is_sandbox, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    bool has_mail;
    if (folder_is_sandbox(c->data_dir, a) == is_sandbox)
        return true;
    if (!holds_mail(q, &has_mail, e))
        return false;
    if (has_mail && is_sandbox)
        return err_set(e, ERR_INPUT,
            "%s holds mail of a service, and a sandbox would deliver it to nobody: give the "
            "sandbox a data_dir of "
            "its own",
            c->data_dir);
    if (has_mail)
        return err_set(e, ERR_INPUT,
            "%s holds mail of a sandbox, which would now go to real people: give the service a "
            "data_dir of its own",
            c->data_dir);
    return folder_mark_sandbox(c->data_dir, is_sandbox, a, e);
}
