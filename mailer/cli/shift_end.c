/* A rotation ends before its time, or goes back; and the old key at its end. */
#include "base/clock.h"
#include "base/file.h"
#include "mailer/cli/shift.h"
#include "mailer/cli/zone.h"
#include "mailer/mime/dkim.h"

#include <errno.h>
#include <sys/stat.h>

#define KEY_BYTES 65536

/* How well a rotation fits what was asked for: that it is not over, and that the selector is its old one. */
static int fitness(const struct rotation *r, const char *selector)
{
    int from = selector && strcmp(r->old_selector, selector) == 0;
    return 2 * (r->step != ROTATION_DONE) + from;
}

/* The one rotation that is meant. */
static bool find_one(struct shift *s, struct rotation_found *out, int *lock, struct err *e)
{
    struct rotation_found *found;
    size_t n, same = 0;
    int best = -1;
    const char *selector = cli_value(s->cli, "selector", NULL);
    s->now_ms = clock_now_ms(clock_system());
    if (!rotations_of(
            s->conf, cli_value(s->cli, "storefront", NULL), selector, s->cli->arena, &found, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        int fits = fitness(&found[i].rotation, selector);
        same = fits > best ? 1 : same + (fits == best);
        *out = fits > best ? found[i] : *out;
        best = fits > best ? fits : best;
    }
    if (same == 0)
        return err_set(e, ERR_INPUT, "%s", shift_none);
    if (same > 1)
        return err_set(e, ERR_INPUT,
            "%zu rotations are under way: say which with --storefront and --selector", same);
    return rotation_lock(out->key_file, lock, e) && rotation_load(out->path, &out->rotation, e);
}

static int refuse(struct shift *s, const struct rotation_found *f, const struct dkim_spread *spread,
    const struct err *e)
{
    fprintf(stderr, "parcelpost dkim: %s\n", e->text);
    if (s->json)
        shift_add_json(s, f, rotation_step_name(f->rotation.step), ROTATION_GOES_ON, false, spread);
    return CLI_FINDINGS;
}

/* The key first: a crash between leaves a rotation that can be cancelled again, never a forgotten key. */
int shift_cancel(struct shift *s)
{
    struct err e = {0};
    struct rotation_found f;
    AUTO(file_close) int lock = -1;
    if (!find_one(s, &f, &lock, &e))
        return cli_fail(s->cli, &e);
    const struct rotation *r = &f.rotation;
    if (!rotation_may_cancel(r, s->now_ms, &e))
        return refuse(s, &f, &(struct dkim_spread){.why = ""}, &e);
    const char *key = rotation_key_file(f.path, r->new_selector, r->domain, s->cli->arena);
    if (!file_remove("private key", key, &e) || !file_remove("state of a key rotation", f.path, &e))
        return cli_fail(s->cli, &e);
    if (s->json) {
        shift_add_json(
            s, &f, "cancelled", ROTATION_IS_OVER, true, &(struct dkim_spread){.why = ""});
    } else {
        printf("%s -> %s of %s: cancelled; %s signs. The record of %s may be deleted.\n",
            r->old_selector, r->new_selector, r->domain, r->old_selector, r->new_selector);
    }
    return CLI_FINE;
}

/* An old record that is known to be gone is no way back; servers that do not answer are no reason to stay. */
int shift_back(struct shift *s)
{
    struct err e = {0};
    struct rotation_found f;
    struct dkim_spread old;
    AUTO(file_close) int lock = -1;
    if (!find_one(s, &f, &lock, &e))
        return cli_fail(s->cli, &e);
    struct rotation *r = &f.rotation;
    shift_find_spread(s, r->domain, r->old_selector, r->old_record, &old);
    if (r->step != ROTATION_BACK && old.absent + old.revoked + old.other > 0) {
        if (!s->json) {
            shift_print_servers(&old, DKIM_SEEN_OURS);
            shift_print_record(s, r->old_selector, r->domain, r->old_record);
        }
        err_set(&e, ERR_CONFLICT, "%s cannot sign again: not every server shows its record",
            r->old_selector);
        return refuse(s, &f, &old, &e);
    }
    if (!rotation_go_back(r, s->now_ms, shift_keep_ms(s, old.ttl_s), &e))
        return refuse(s, &f, &old, &e);
    if (!rotation_save(f.path, r, f.path, &e))
        return cli_fail(s->cli, &e);
    shift_say(s, &f, ROTATION_WAITS_FOR_MAIL, true, &old);
    return CLI_FINE;
}

/* ---- the old key ----------------------------------------------------------------------------- */

static bool holds_old_key(const struct rotation *r, const char *path, struct err *e)
{
    AUTO(buf_wipe) struct buf pem = {0};
    AUTO(buf_close) struct buf record = {0};
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    if (!file_read("private key", path, KEY_BYTES, &pem, e))
        return false;
    if (dkim_key_open(r->domain, r->old_selector, buf_str(&pem), &key, e))
        dkim_key_record(key, &record);
    return str_is(buf_str(&record), r->old_record)
               ? true
               : err_set(e, ERR_CONFLICT, "%s does not hold the key of the record of %s: it stays",
                     path, r->old_selector);
}

static bool is_free(const struct shift *s, const struct rotation *r, const char *path,
    const struct stat *file, struct err *e)
{
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        for (size_t j = 0; j < s->conf->storefronts[i].dkim_n; j++) {
            const struct conf_storefront *shop = &s->conf->storefronts[i];
            const struct conf_dkim *d = &shop->dkim[j];
            struct stat other;
            struct str domain;
            if (stat(d->key_file, &other) != 0 || other.st_dev != file->st_dev ||
                other.st_ino != file->st_ino)
                continue;
            if (strcmp(d->selector, r->old_selector) != 0 ||
                !zone_key_domain(shop, d, s->cli->arena, &domain, e) || !str_is(domain, r->domain))
                return err_set(e, ERR_CONFLICT,
                    "%s is the key of %s in storefront %s, too: it stays", path, d->selector,
                    shop->name);
        }
    return true;
}

/* The state is only a text: what is deleted lies beside it, and holds the key that it is about. */
bool shift_delete_old(struct shift *s, const struct rotation_found *f, struct err *e)
{
    const struct rotation *r = &f->rotation;
    const char *slash = strrchr(f->path, '/'), *name = strrchr(r->old_key_file, '/');
    struct stat file;
    const char *path = arena_printf(s->cli->arena, "%.*s%s", slash ? (int)(slash - f->path) + 1 : 0,
        f->path, name ? name + 1 : r->old_key_file);
    if (lstat(path, &file) != 0)
        return errno == ENOENT ? true : err_system(e, "private key %s", path);
    if (!S_ISREG(file.st_mode))
        return err_set(e, ERR_CONFLICT, "private key %s is no regular file: it stays", path);
    return holds_old_key(r, path, e) && is_free(s, r, path, &file, e) &&
           file_remove("private key", path, e);
}
