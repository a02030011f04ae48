#include "tests/mailer/intake/room.h"
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(bool truth, const char *what, const char *why)
{
    if (truth)
        return;
    fprintf(stderr, "room: %s: %s\n", what, why);
    abort();
}

const char *room_path(struct room *r, const char *name)
{
    return arena_printf(r->arena, "%s/%s", r->folder, name);
}

void room_write(const struct room *r, const char *name, const char *text, unsigned mode)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    for (char *slash = path + strlen(r->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    f = fopen(path, "w");
    need(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0, path, "not written");
}

static const char *const files[][2] = {
    {"templates/locales/en.json", "{\"subject\": \"Order\", \"greeting\": \"Dear\"}"},
    {"templates/locales/de.json", "{\"subject\": \"Bestellung\", \"greeting\": \"Liebe\"}"},
    {"templates/mails/note/mail.json",
        "{\"stream\": \"transactional\", \"events\": [\"shipped\", \"late\"],"
        " \"supersedes\": [\"delayed\"], \"variables\": {\"name\": {\"type\": \"text\"},"
        " \"number\": {\"type\": \"text\", \"max\": 1000},"
        " \"lines\": {\"type\": \"text\", \"optional\": true, \"lines\": true},"
        " \"total\": {\"type\": \"money\", \"optional\": true}}}"},
    {"templates/mails/note/subject.mustache", "{{t.subject}} {{number}}"},
    {"templates/mails/note/preheader.mustache", "{{number}}"},
    {"templates/mails/note/html.mustache", "<p>{{t.greeting}} {{name}}</p>"},
    {"templates/mails/note/text.mustache", "{{t.greeting}} {{name}}\n{{#lines}}{{.}}{{/lines}}\n"},
    {"templates/mails/offer/mail.json",
        "{\"stream\": \"marketing\", \"variables\": {\"name\": {\"type\": \"text\"}}}"},
    {"templates/mails/offer/subject.mustache", "{{t.greeting}} {{name}}"},
    {"templates/mails/offer/preheader.mustache", "{{name}}"},
    {"templates/mails/offer/html.mustache", "<a href=\"{{links.unsubscribe_url}}\">x</a>"},
    {"templates/mails/offer/text.mustache", "{{links.unsubscribe_url}}\n"},
    {"settings.conf",
        "node = \"n1\"\ndata_dir = \"data\"\nkeyring_file = \"keyring\"\n"
        "templates_dir = \"templates\"\nlisten_port = 0\nmax_request_bytes = 20MiB\n"
        "max_attachment_bytes = 1MiB\npublic_url = \"https://post.shop.example\"\n"
        "hostname = \"post.shop.example\"\n"
        "smart_host \"relay\" {\n  host = \"relay.example\"\n}\n"
        "storefront \"acme\" {\n  from = \"Acme Shop <orders@shop.example>\"\n"
        "  brand {\n    postal_address = \"1 Road, 1000 Town\"\n  }\n"
        "  stream \"newsletter\" {\n    class = \"marketing\"\n  }\n"
        "  stream \"service\" {\n    class = \"transactional\"\n  }\n"
        "  dkim \"s1\" {\n    key_file = \"s1.pem\"\n  }\n}\n"
        "storefront \"bold\" {\n  from = \"hello@bold.example\"\n  smart_host = \"relay\"\n"
        "  locale = \"de\"\n  dkim \"s1\" {\n    key_file = \"s1.pem\"\n  }\n}\n"},
};

static void write_key(struct room *r)
{
    AUTO(buf_close) struct buf pem = {0};
    struct err e = {0};

    need(dkim_key_new(DKIM_ED25519_SHA256, 0, &pem, &e), "DKIM key", e.text);
    room_write(r, "s1.pem", buf_text(&pem), 0600);
}

const struct conf *room_conf(struct room *r, const char *name)
{
    const struct conf *c = NULL;
    struct faults faults;
    struct err e = {0};

    faults_init(&faults, r->arena);
    need(conf_load(room_path(r, name), &faults, &c, &e), name, e.text);
    return c;
}

static void open_queue(struct room *r)
{
    struct queue_setup setup = {.dir = r->conf->data_dir,
        .node = "n1",
        .role = QUEUE_SERVE,
        .keys = r->keys,
        .clock = &r->clock,
        .metrics = r->metrics,
        .lanes = 1};
    struct err e = {0};

    need(queue_open(&setup, &r->queue, &e), "queue", e.text);
}

void room_open(struct room *r)
{
    struct err e = {0};

    *r = (struct room){.time = {.ms = ROOM_NOW_MS}};
    scratch_folder("room", r->folder);
    r->clock = clock_of_fake(&r->time);
    r->arena = arena_open();
    r->ids = ids_open(&r->clock);
    r->metrics = metrics_open();
    for (size_t i = 0; i < COUNT_OF(files); i++)
        room_write(r, files[i][0], files[i][1], 0600);
    write_key(r);
    r->conf = room_conf(r, "settings.conf");
    need(keyring_create(r->conf->keyring_file, &e), "keyring", e.text);
    need(keyring_open(r->conf->keyring_file, &r->keys, &e), "keyring", e.text);
    open_queue(r);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void room_close(struct room *r)
{
    queue_close(&r->queue);
    conf_close(&r->conf);
    keyring_close(&r->keys);
    metrics_close(&r->metrics);
    ids_close(&r->ids);
    nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_close(&r->arena);
}

struct snapshot *room_snapshot(struct room *r)
{
    struct snapshot *s = NULL;
    struct faults faults;
    struct err e = {0};

    faults_init(&faults, r->arena);
    need(snapshot_open(r->conf, r->queue, &faults, &s, &e), "snapshot", e.text);
    return s;
}

static bool ask(void *context, const char *storefront, const char *stream, enum stream_class class,
    struct str address, struct intake_permission *out, struct err *e)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct suppression *rows;
    size_t n;

    (void)stream, (void)class;
    if (!queue_suppressions_of(context, storefront, address, a, &rows, &n, e))
        return false;
    out->allowed = n == 0;
    str_copy(str_of(n > 0 ? rows[0].reason : ""), out->reason, sizeof out->reason);
    out->facts = js_object();
    js_set_bool(out->facts, "allowed", out->allowed);
    return true;
}

struct intake_setup room_intake(struct room *r)
{
    return (struct intake_setup){.queue = r->queue,
        .ids = r->ids,
        .clock = &r->clock,
        .metrics = r->metrics,
        .ask = ask,
        .context = r->queue};
}

const char *room_key(struct room *r, const char *storefront, unsigned roles)
{
    struct actor who = {"test", "a test"};
    const char *secret = NULL;
    struct api_key key;
    struct err e = {0};

    need(queue_key_create(r->queue, storefront, "test", roles, who, r->arena, &key, &secret, &e),
        "API key", e.text);
    return secret;
}
