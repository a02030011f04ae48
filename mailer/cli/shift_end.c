/* A rotation ends before its time, or goes back; and the old key at its end. */
#include "base/clock.h"
#include "base/file.h"
#include "mailer/cli/shift.h"
#include "mailer/cli/zone.h"

/* The one rotation that is meant. */
static bool find_one(struct shift *s, struct rotation_found *out, int *lock, struct err *e)
{
    struct rotation_found *found;
    size_t n;
    s->now_ms = clock_now_ms(clock_system());
    if (!rotations_of(s->conf, cli_value(s->cli, "storefront", NULL),
            cli_value(s->cli, "selector", NULL), s->cli->arena, &found, &n, e))
        return false;
    if (n != 1)
        return err_set(e, ERR_INPUT, "%zu rotations are under way%s", n,
            n > 1 ? ": say which with --storefront and --selector" : "");
    *out = found[0];
    return rotation_lock(out->key_file, lock, e) && rotation_load(out->path, &out->rotation, e);
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
        return fprintf(stderr, "parcelpost dkim: %s\n", e.text), CLI_FINDINGS;
    const char *key = rotation_key_file(f.path, r->new_selector, r->domain, s->cli->arena);
    if (!file_remove("private key", key, &e) || !file_remove("state of a key rotation", f.path, &e))
        return cli_fail(s->cli, &e);
    if (!s->json)
        printf("%s -> %s of %s: cancelled; %s signs. The record of %s may be deleted.\n",
            r->old_selector, r->new_selector, r->domain, r->old_selector, r->new_selector);
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
        printf("%s cannot sign again: not every server shows its record\n", r->old_selector);
        shift_print_servers(&old, DKIM_SEEN_OURS);
        shift_print_record(s, r->old_selector, r->domain, r->old_record);
        return CLI_FINDINGS;
    }
    if (!rotation_go_back(r, s->now_ms, shift_keep_ms(s, old.ttl_s), &e))
        return fprintf(stderr, "parcelpost dkim: %s\n", e.text), CLI_FINDINGS;
    if (!rotation_save(f.path, r, f.key_file, &e))
        return cli_fail(s->cli, &e);
    shift_say(s, &f, ROTATION_WAITS_FOR_MAIL, true, &old);
    return CLI_FINE;
}

bool shift_delete_old(struct shift *s, const struct rotation_found *f, struct err *e)
{
    const struct rotation *r = &f->rotation;
    if (r->step != ROTATION_RETIRED && r->step != ROTATION_DONE)
        return err_set(e, ERR_CONFLICT, "%s is not retired yet: its key stays", r->old_selector);
    for (size_t i = 0; i < s->conf->storefronts_n; i++)
        for (size_t j = 0; j < s->conf->storefronts[i].dkim_n; j++) {
            const struct conf_storefront *shop = &s->conf->storefronts[i];
            const struct conf_dkim *d = &shop->dkim[j];
            struct str domain;
            if (strcmp(d->key_file, r->old_key_file) == 0 &&
                (strcmp(d->selector, r->old_selector) != 0 ||
                    !zone_key_domain(shop, d, s->cli->arena, &domain, e) ||
                    !str_is(domain, r->domain)))
                return err_set(e, ERR_CONFLICT,
                    "%s is the key of %s in storefront %s, too: it stays", r->old_key_file,
                    d->selector, shop->name);
        }
    return file_remove("private key", r->old_key_file, e);
}
