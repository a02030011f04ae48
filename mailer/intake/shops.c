#include "mailer/intake/shops.h"

#include "base/conf_check.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "mailer/mime/rotation.h"

#include <sys/stat.h>

#define KEY_FILE_BYTES (64 * 1024)
#define LOGO_FILE_BYTES (256 * 1024)

/* Where a fault is: "/storefront/NAME/SETTING". */
static struct str place(struct arena *a, const struct conf_storefront *s, const char *setting)
{
    return str_of(arena_printf(a, "/storefront/%s/%s", s->name, setting));
}

/* ---- DKIM keys ------------------------------------------------------------------------------- */

static bool read_key(const char *path, struct buf *out, struct err *e)
{
    AUTO(file_close) int fd = -1;
    struct stat st;

    if (!file_open("private key", path, &fd, e))
        return false;
    if (fstat(fd, &st) == 0 && st.st_mode & (S_IWGRP | S_IRWXO))
        log_warning("dkim-key-file-open-to-others", KV("file", path),
            KV("right", "mode 0600, or 0640 for a group"));
    return file_read_open(fd, "private key", path, KEY_FILE_BYTES, out, e);
}

/* A settings' key and the one that took its place may both stand in the settings: one signature is enough. */
static bool signs_already(const struct shop_room *room, const char *domain, const char *selector)
{
    for (size_t i = 0; i < room->shop.keys_n; i++)
        if (strcmp(dkim_key_domain(room->keys[i]), domain) == 0 &&
            strcmp(dkim_key_selector(room->keys[i]), selector) == 0)
            return true;
    return false;
}

static void load_key(struct shop_room *room, const struct conf_dkim *d, struct arena *a,
    struct faults *faults, const struct conf_storefront *s)
{
    AUTO(buf_wipe) struct buf pem = {0};
    const char *setting = arena_printf(a, "dkim/%s/key_file", d->selector);
    struct str domain = room->shop.from.domain;
    struct rotation_signer signer;
    struct err e;

    if (d->domain[0] != 0 && !address_domain(str_of(d->domain), a, &domain, &e)) {
        faults_add(faults, "invalid-domain",
            place(a, s, arena_printf(a, "dkim/%s/domain", d->selector)), "%s", e.text);
        return;
    }
    const char *name = arena_text(a, domain);
    if (!rotation_signer_find(d->key_file, d->selector, name, a, &signer, &e) ||
        !read_key(signer.key_file, &pem, &e)) {
        faults_add(faults, "unreadable", place(a, s, setting), "%s", e.text);
        return;
    }
    if (signs_already(room, name, signer.selector))
        return;
    struct dkim_key **slot = &room->keys[room->shop.keys_n];
    if (domain.n > 0 && !dkim_key_open(name, signer.selector, buf_str(&pem), slot, &e))
        faults_add(faults, "invalid-key", place(a, s, setting), "%s: %s", signer.key_file, e.text);
    else if (domain.n > 0)
        room->sections[room->shop.keys_n++] = d;
}

static void load_keys(struct shop_room *room, struct arena *a, struct faults *faults)
{
    const struct conf_storefront *s = room->shop.conf;

    room->keys = arena_array(a, s->dkim_n + 1, sizeof(struct dkim_key *));
    room->sections = arena_array(a, s->dkim_n + 1, sizeof(struct conf_dkim *));
    for (size_t i = 0; i < s->dkim_n; i++)
        load_key(room, &s->dkim[i], a, faults, s);
    room->shop.keys = (const struct dkim_key *const *)room->keys;
    room->shop.sections = room->sections;
    if (s->dkim_n == 0)
        faults_add(faults, "no-dkim-key", place(a, s, "dkim"),
            "no mail of this storefront could be signed; make a key with `parcelpost dkim new` and "
            "name it in a dkim section");
}

/* One line for a section: the name of the record that receivers ask for, or why it is not known. */
static void add_signer(
    const struct conf_storefront *s, const struct conf_dkim *d, struct arena *a, struct buf *out)
{
    struct str domain = conf_mailbox_domain(str_of(s->from)), canonical;
    struct rotation_signer signer;
    struct err e;

    if (d->domain[0] != 0)
        domain = str_of(d->domain);
    if (!address_domain(domain, a, &canonical, &e) ||
        !rotation_signer_find(d->key_file, d->selector, arena_text(a, canonical), a, &signer, &e))
        buf_addf(out, "? %s\n", e.text);
    else
        buf_addf(out, "%s._domainkey." STR_FMT "\n", signer.selector, STR_ARG(canonical));
}

void shops_signers(const struct conf *c, struct buf *out)
{
    AUTO(arena_close) struct arena *a = arena_open();

    for (size_t i = 0; i < c->storefronts_n; i++)
        for (size_t j = 0; j < c->storefronts[i].dkim_n; j++)
            add_signer(&c->storefronts[i], &c->storefronts[i].dkim[j], a, out);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void load_addresses(struct shop_room *room, struct arena *a, struct faults *faults)
{
    const struct conf_storefront *s = room->shop.conf;
    struct str domain = {0};
    struct err e;

    if (!address_parse(str_of(s->from), a, &room->shop.from, &e))
        faults_add(faults, "invalid-address", place(a, s, "from"), "%s", e.text);
    if (s->reply_to[0] != 0 && !address_parse(str_of(s->reply_to), a, &room->shop.reply_to, &e))
        faults_add(faults, "invalid-address", place(a, s, "reply_to"), "%s", e.text);
    if (s->return_path_domain[0] == 0)
        domain = room->shop.from.domain;
    else if (!address_domain(str_of(s->return_path_domain), a, &domain, &e))
        faults_add(faults, "invalid-domain", place(a, s, "return_path_domain"), "%s", e.text);
    room->shop.return_path_domain = arena_text(a, domain);
}

/* ---- brand ----------------------------------------------------------------------------------- */

static const char *logo_type(struct str bytes)
{
    if (str_starts(bytes, STR("\x89PNG\r\n\x1a\n")))
        return "image/png";
    return str_starts(bytes, STR("\xff\xd8\xff")) ? "image/jpeg" : NULL;
}

static bool keep_logo(struct shop_room *room, struct queue *q, struct err *e)
{
    AUTO(buf_close) struct buf hex = {0};
    struct digest hash;

    if (!q)
        hash_sha256(room->shop.logo, &hash);
    else if (!queue_content_put(q, room->shop.conf->name, room->shop.logo, &hash, e))
        return err_prefix(e, "logo of storefront %s", room->shop.conf->name);
    encode_hex(&hex, digest_str(&hash));
    return str_copy(buf_str(&hex), room->shop.brand.logo.s, sizeof room->shop.brand.logo.s);
}

static bool load_logo(
    struct shop_room *room, struct queue *q, struct arena *a, struct faults *faults, struct err *e)
{
    const struct conf_storefront *s = room->shop.conf;
    const char *path = s->brand.logo_file;
    AUTO(buf_close) struct buf bytes = {0};
    struct err wrong;

    room->shop.brand.logo_content_type = "";
    if (path[0] == 0)
        return true;
    struct str where = place(a, s, "brand/logo_file");
    if (!file_read("logo", path, LOGO_FILE_BYTES, &bytes, &wrong)) {
        if (wrong.code == ERR_LIMIT)
            faults_add(faults, "too-large", where, "%s, and each mail would carry it", wrong.text);
        else
            faults_add(faults, "unreadable", where, "%s", wrong.text);
        return true;
    }
    const char *type = logo_type(buf_str(&bytes));
    if (!type) {
        faults_add(faults, "wrong-type", where, "%s is neither PNG nor JPEG", path);
        return true;
    }
    room->shop.brand.logo_content_type = type;
    room->shop.logo = arena_str(a, buf_str(&bytes));
    return keep_logo(room, q, e);
}

static void load_brand(struct shop_room *room)
{
    const struct conf_storefront *s = room->shop.conf;

    room->shop.brand = (struct brand){
        .name = s->brand.name[0] != 0 ? s->brand.name : s->name,
        .url = s->brand.url,
        .support_url = s->brand.support_url,
        .postal_address = s->brand.postal_address,
        .colour = s->brand.colour,
        .from = s->from,
        .reply_to = s->reply_to,
        .logo_content_type = "",
    };
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void load_mails(
    struct shop_room *room, const struct conf *c, struct arena *a, struct faults *faults)
{
    const struct conf_storefront *s = room->shop.conf;
    const char *const dirs[] = {s->templates_dir, c->templates_dir};
    struct err e;

    if (s->templates_dir[0] != 0 && !mails_open(dirs, COUNT_OF(dirs), &room->own_mails, &e))
        faults_add(faults, "invalid-templates", place(a, s, "templates_dir"), "%s", e.text);
}

bool shop_room_fill(struct shop_room *room, const struct conf *c, const struct conf_storefront *s,
    struct queue *q, struct arena *a, struct faults *faults, struct err *e)
{
    room->shop.conf = s;
    load_addresses(room, a, faults);
    load_keys(room, a, faults);
    load_brand(room);
    load_mails(room, c, a, faults);
    if (s->smart_host[0] != 0 && !conf_smart_host(c, s->smart_host))
        faults_add(faults, "unknown-smart-host", place(a, s, "smart_host"),
            "no smart_host section has the title \"%s\"", s->smart_host);
    return load_logo(room, q, a, faults, e);
}

void shop_room_clear(struct shop_room *room)
{
    for (size_t i = 0; i < room->shop.keys_n; i++)
        dkim_key_close(&room->keys[i]);
    mails_close(&room->own_mails);
    *room = (struct shop_room){0};
}
