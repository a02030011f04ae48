/* Which rotations there are: the states beside the keys that the settings name. */
#include "base/file.h"
#include "mailer/cli/dkim_rotate.h"
#include "mailer/cli/zone.h"
#include "mailer/gate/survey.h"

#include <dirent.h>

#define MOST 64 /* in one folder, and of all settings */

struct search {
    const struct conf *conf;
    const char *selector; /* NULL: any */
    struct arena *arena;
    struct rotation_found *found;
    size_t n;
};

static void close_folder(DIR **d)
{
    if (*d)
        closedir(*d);
}

static bool has(const struct search *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->found[i].path, path) == 0)
            return true;
    return false;
}

static bool is_wanted(
    const struct search *s, const struct rotation *r, const char *domain, const struct conf_dkim *d)
{
    bool of_section =
        strcmp(r->domain, domain) == 0 &&
        (strcmp(r->old_selector, d->selector) == 0 || strcmp(r->new_selector, d->selector) == 0);
    return of_section && (!s->selector || strcmp(r->old_selector, s->selector) == 0 ||
                             strcmp(r->new_selector, s->selector) == 0);
}

static bool take_file(struct search *s, const struct conf_storefront *shop,
    const struct conf_dkim *d, const char *domain, const char *path, struct err *e)
{
    struct rotation_found *out = &s->found[s->n];
    if (has(s, path))
        return true;
    if (!rotation_load(path, &out->rotation, e))
        return e->code == ERR_MISSING; /* it has just gone */
    if (!is_wanted(s, &out->rotation, domain, d))
        return true;
    if (s->n == MOST)
        return err_set(e, ERR_LIMIT, "more than %d key rotations", MOST);
    out->path = path;
    out->storefront = shop->name;
    out->key_file = d->key_file;
    s->n++;
    return true;
}

/* The settings may name the old key or already the new one: so the folder is read, not a name guessed. */
static bool take_section(
    struct search *s, const struct conf_storefront *shop, const struct conf_dkim *d, struct err *e)
{
    const char *slash = strrchr(d->key_file, '/');
    struct str domain;
    if (!zone_key_domain(shop, d, s->arena, &domain, e))
        return false;
    const char *name = arena_text(s->arena, domain);
    const char *folder =
        slash ? arena_text(s->arena, str_bytes(d->key_file, (size_t)(slash - d->key_file) + 1))
              : "./";
    struct str end = str_of(arena_printf(s->arena, "._domainkey.%s.rotation", name));
    AUTO(close_folder) DIR *dir = opendir(folder);
    for (struct dirent *at; dir && (at = readdir(dir));)
        if (str_ends(str_of(at->d_name), end) &&
            !take_file(s, shop, d, name, arena_printf(s->arena, "%s%s", folder, at->d_name), e))
            return false;
    return true;
}

bool rotations_of(const struct conf *conf, const char *storefront, const char *selector,
    struct arena *a, struct rotation_found **out, size_t *n, struct err *e)
{
    struct search s = {.conf = conf, .selector = selector, .arena = a};
    s.found = arena_array(a, MOST + 1, sizeof *s.found);
    for (size_t i = 0; i < conf->storefronts_n; i++) {
        const struct conf_storefront *shop = &conf->storefronts[i];
        for (size_t j = 0; j < shop->dkim_n; j++)
            if ((!storefront || strcmp(shop->name, storefront) == 0) &&
                !take_section(&s, shop, &shop->dkim[j], e))
                return false;
    }
    *out = s.found;
    *n = s.n;
    return true;
}

/* ---- for an audit ---------------------------------------------------------------------------- */

static bool audit_step(const struct rotation *r, struct audit_rotation *out)
{
    switch (r->step) {
    case ROTATION_PENDING:
        out->step = AUDIT_ROTATION_PENDING;
        return true;
    case ROTATION_PUBLISHED:
        out->step = AUDIT_ROTATION_PUBLISHED;
        out->until_ms = r->wait_until_ms;
        return true;
    case ROTATION_ACTIVE:
    case ROTATION_RETIRING:
        out->step = AUDIT_ROTATION_RETIRING;
        out->until_ms = r->keep_until_ms;
        return true;
    case ROTATION_RETIRED:
        out->step = AUDIT_ROTATION_RETIRED;
        return true;
    case ROTATION_BACK:
        out->step = AUDIT_ROTATION_BACK;
        out->until_ms = r->keep_until_ms;
        return true;
    case ROTATION_DONE:
        break;
    }
    return false;
}

/* Of the domain's storefronts: keys that sign for it may have another d=. */
bool rotations_for_audit(const struct conf *conf, const char *storefront, struct arena *a,
    struct audit_setup *out, struct err *e)
{
    struct rotation_found *found;
    size_t n, kept = 0;
    if (!rotations_of(conf, storefront, NULL, a, &found, &n, e))
        return false;
    struct audit_rotation *all = arena_array(a, n + 1, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        const struct rotation *r = &found[i].rotation;
        const struct conf_storefront *shop = conf_storefront(conf, found[i].storefront);
        all[kept] = (struct audit_rotation){r->domain, r->old_selector, r->new_selector,
            r->old_record, r->new_record, AUDIT_ROTATION_PENDING, 0};
        if (shop && survey_sends_from(shop, out->domain, a) && audit_step(r, &all[kept]))
            kept++;
    }
    out->rotations = all;
    out->rotations_n = kept;
    return true;
}
