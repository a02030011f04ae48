#include "tests/mailer/deliver/house.h"
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void need(bool truth, const char *what, const char *why)
{
    if (truth)
        return;
    fprintf(stderr, "house: %s: %s\n", what, why);
    abort();
}

/* ---- files ----------------------------------------------------------------------------------------- */

const char *house_path(struct house *h, const char *name)
{
    return arena_printf(h->arena, "%s/%s", h->folder, name);
}

void house_write(struct house *h, const char *name, const char *text)
{
    char path[300], next[310];

    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    for (char *slash = path + strlen(h->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    snprintf(next, sizeof next, "%s.new", path);
    FILE *f = fopen(next, "w");
    need(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(next, 0600) == 0, path, "not written");
    need(rename(next, path) == 0, path, "not renamed");
}

static const char *const files[][2] = {
    {"templates/locales/en.json", "{\"greeting\": \"Dear\"}"},
    {"templates/mails/parcel/mail.json",
        "{\"stream\": \"transactional\", \"variables\": {\"name\": {\"type\": \"text\"}}}"},
    {"templates/mails/parcel/subject.mustache", "Your parcel, {{name}}"},
    {"templates/mails/parcel/preheader.mustache", "It is on its way"},
    {"templates/mails/parcel/html.mustache", "<p>{{t.greeting}} {{name}}, it is on its way.</p>"},
    {"templates/mails/parcel/text.mustache",
        "{{t.greeting}} {{name}},\n\nit is on its way.\n.\nBye\n"},
    {"templates/mails/offer/mail.json",
        "{\"stream\": \"marketing\", \"variables\": {\"name\": {\"type\": \"text\"}}}"},
    {"templates/mails/offer/subject.mustache", "An offer for {{name}}"},
    {"templates/mails/offer/preheader.mustache", "Today"},
    {"templates/mails/offer/html.mustache", "<a href=\"{{links.unsubscribe_url}}\">leave</a>"},
    {"templates/mails/offer/text.mustache", "Leave: {{links.unsubscribe_url}}\n"},
};

/* A setting that the test did not give itself; giving one twice is a fault. */
static void add_default(struct buf *out, const char *given, const char *name, const char *value)
{
    if (!strstr(given, name))
        buf_addf(out, "%s = %s\n", name, value);
}

static void write_settings(struct house *h, const struct house_setup *s, int port)
{
    AUTO(buf_close) struct buf text = {0};

    buf_addf(&text,
        "node = \"n1\"\ndata_dir = \"data\"\nkeyring_file = \"keyring\"\n"
        "templates_dir = \"templates\"\nlisten_port = 0\nzone_files = {\"house.zone\"}\n"
        "public_url = \"https://post.shop.example\"\nhostname = \"post.shop.example\"\n"
        "smtp_port = %d\n%s\n",
        port, s->settings);
    add_default(&text, s->settings, "lanes", "4");
    add_default(&text, s->settings, "allow_private_destinations", "true");
    add_default(&text, s->settings, "retry_first_ms", "\"100ms\"");
    add_default(&text, s->settings, "retry_max_ms", "\"1s\"");
    buf_addf(&text,
        "storefront \"acme\" {\n  from = \"Acme Shop <orders@shop.example>\"\n"
        "  return_path_domain = \"bounce.shop.example\"\n"
        "  brand {\n    postal_address = \"1 Road, 1000 Town\"\n  }\n"
        "  dkim \"s1\" {\n    key_file = \"s1.pem\"\n  }\n%s\n}\n",
        s->storefront);
    house_write(h, "settings.conf", buf_text(&text));
}

void house_write_zone(struct house *h, const char *dkim_record)
{
    AUTO(buf_close) struct buf text = {0};

    buf_addf(&text,
        "$ORIGIN example.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\n"
        "shop IN MX 10 mx.shop\nmx.shop IN A 127.0.0.1\n"
        "_dmarc.shop IN TXT \"v=DMARC1; p=reject\"\ns1._domainkey.shop IN TXT \"%s\"\n"
        "customer IN MX 10 mx.customer\nmx.customer IN A 127.0.0.1\n"
        "dead IN MX 10 mx.dead\nmx.dead IN A 127.0.0.9\n"
        "second IN MX 10 mx.dead\nsecond IN MX 20 mx.customer\n"
        "twofold IN MX 10 mx.twofold\nmx.twofold IN A 127.0.0.9\nmx.twofold IN A 127.0.0.1\n"
        "silent IN MX 0 .\nempty IN TXT \"nothing here\"\n%s",
        dkim_record ? dkim_record : h->dkim_record, h->zone_more);
    house_write(h, "house.zone", buf_text(&text));
}

static void write_key(struct house *h)
{
    AUTO(buf_close) struct buf pem = {0};
    AUTO(buf_close) struct buf record = {0};
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    struct err e = {0};

    need(dkim_key_new(DKIM_ED25519_SHA256, 0, &pem, &e), "DKIM key", e.text);
    house_write(h, "s1.pem", buf_text(&pem));
    need(dkim_key_open("shop.example", "s1", buf_str(&pem), &key, &e), "DKIM key", e.text);
    dkim_key_record(key, &record);
    h->dkim_record = arena_text(h->arena, buf_str(&record));
}

/* ---- the sink -------------------------------------------------------------------------------------- */

static bool is_for(struct str recipient, const char *local)
{
    return str_starts(recipient, str_of(local)) && recipient.n > strlen(local) &&
           recipient.p[strlen(local)] == '@';
}

static struct smtpd_reply on_rcpt(void *context, const struct smtpd_envelope *v, struct str to)
{
    struct house *h = context;

    (void)v;
    if (!is_for(to, "unknown") && !is_for(to, "full"))
        return smtpd_reply(250, "2.1.5 Ok");
    pthread_mutex_lock(&h->lock);
    h->refused_n++;
    pthread_mutex_unlock(&h->lock);
    return is_for(to, "unknown") ? smtpd_reply(550, "5.1.1 No such user here")
                                 : smtpd_reply(452, "4.2.2 Mailbox full");
}

static bool came_before(const struct house *h, struct str to)
{
    for (size_t i = 0; i < h->mails_n; i++)
        if (str_is(to, h->mails[i].recipient))
            return true;
    return false;
}

static struct smtpd_reply answer_body(const struct house *h, struct str to)
{
    bool again = came_before(h, to);

    if (is_for(to, "spam"))
        return smtpd_reply(550, "5.7.1 This looks like spam");
    if (is_for(to, "later") && !again)
        return smtpd_reply(451, "4.3.0 Try again later");
    if (is_for(to, "drop") && !again)
        return smtpd_reply(SMTPD_CLOSE, "");
    return smtpd_reply(250, "2.0.0 Ok");
}

/* queue/flight.h keeps the id in a shared mapping: reading the file shows what a killed service would leave. */
static bool stands_in_flight(const struct house *h, struct str message)
{
    char path[96], bytes[65536];
    size_t at = str_find(message, STR("Message-ID: <"), 0) + strlen("Message-ID: <");
    struct str id = str_slice(message, at, str_find_char(message, '@', at));

    snprintf(path, sizeof path, "%s/data/flight", h->folder);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        fclose(f);
    return id.n > 0 && str_find(str_bytes(bytes, n), id, 0) < n;
}

static struct smtpd_reply on_body(void *context, const struct smtpd_envelope *v, struct str message)
{
    struct house *h = context;

    pthread_mutex_lock(&h->lock);
    struct smtpd_reply r = answer_body(h, v->rcpt_to[0]);
    need(h->mails_n < HOUSE_MAILS, "sink", "too many mails");
    struct captured *m = &h->mails[h->mails_n++];
    str_copy(v->rcpt_to[0], m->recipient, sizeof m->recipient);
    str_copy(v->mail_from, m->mail_from, sizeof m->mail_from);
    buf_add(&m->bytes, message);
    m->connection = v->connection;
    m->tls = v->tls;
    m->accepted = r.code == 250;
    m->marked = stands_in_flight(h, message);
    pthread_mutex_unlock(&h->lock);
    return r;
}

static bool on_auth(void *context, struct str user, struct str password)
{
    (void)context;
    return str_is(user, "shop") && str_is(password, "open sesame");
}

static void open_sink(struct house *h, const struct house_setup *s)
{
    const struct smtpd_setup setup = {.address = "127.0.0.1",
        .hostname = "mx.customer.example",
        .certificate_file = s->sink_certificate,
        .key_file = s->sink_key,
        .auth_required = s->auth_required,
        .keep_bodies = true,
        .handler = {.context = h, .rcpt = on_rcpt, .body = on_body, .auth = on_auth}};
    struct err e = {0};

    need(smtpd_open(&setup, &h->sink, &e), "sink", e.text);
}

/* ---- the house ------------------------------------------------------------------------------------- */

static void open_queue(struct house *h, const struct conf *c)
{
    const struct queue_setup setup = {.dir = c->data_dir,
        .node = c->node,
        .role = QUEUE_SERVE,
        .keys = h->keys,
        .clock = h->clock,
        .metrics = h->metrics,
        .lanes = (size_t)c->lanes};
    struct err e = {0};

    need(queue_open(&setup, &h->queue, &e), "queue", e.text);
}

static void open_dns(struct house *h, const struct conf *c)
{
    const struct resolver_setup setup = {.servers = &h->dns_server,
        .servers_n = h->dns_server ? 1 : 0,
        .zone_files = c->zone_files,
        .zone_files_n = c->zone_files_n,
        .timeout_ms = h->dns_server ? 3000 : 1000,
        .clock = clock_system(),
        .metrics = h->metrics};
    struct err e = {0};

    need(resolver_open(&setup, &h->resolver, &e), "resolver", e.text);
    h->gate = gate_open(&(struct gate_setup){
        .resolver = h->resolver, .clock = clock_system(), .metrics = h->metrics});
}

static void open_snapshots(struct house *h, const struct conf *c)
{
    struct faults faults;
    struct snapshot *first = NULL;
    struct err e = {0};

    faults_init(&faults, h->arena);
    need(snapshot_open(c, h->queue, &faults, &first, &e), "snapshot",
        faults.first ? faults.first->detail : e.text);
    h->snapshots = snapshot_holder_open(first);
}

static void open_rooms(struct house *h)
{
    const struct conf *c = NULL;
    struct faults faults;
    struct err e = {0};

    faults_init(&faults, h->arena);
    need(conf_load(house_path(h, "settings.conf"), &faults, &c, &e), "settings", e.text);
    need(keyring_create(c->keyring_file, &e) && keyring_open(c->keyring_file, &h->keys, &e),
        "keyring", e.text);
    open_queue(h, c);
    open_dns(h, c);
    open_snapshots(h, c);
    conf_close(&c);
}

void house_start(struct house *h)
{
    const struct engine_setup setup = {.queue = h->queue,
        .snapshots = h->snapshots,
        .resolver = h->resolver,
        .gate = h->gate,
        .keys = h->keys,
        .clock = h->clock,
        .metrics = h->metrics,
        .lane_patience_ms = h->lane_patience_ms};
    struct err e = {0};

    need(engine_open(&setup, &h->engine, &e), "engine", e.text);
}

static const char *with_port(struct house *h, const char *settings)
{
    const char *at = strstr(settings, "@PORT@");

    return at ? arena_printf(h->arena, "%.*s%d%s", (int)(at - settings), settings,
                    smtpd_port(h->sink), at + strlen("@PORT@"))
              : settings;
}

void house_open(struct house *h, const struct house_setup *s)
{
    *h = (struct house){.zone_more = s->zone ? s->zone : "",
        .dns_server = s->resolver,
        .clock = s->clock ? s->clock : clock_system(),
        .lane_patience_ms = s->lane_patience_ms};
    scratch_folder("house", h->folder);
    pthread_mutex_init(&h->lock, NULL);
    h->arena = arena_open();
    h->metrics = metrics_open();
    h->ids = ids_open(clock_system());
    for (size_t i = 0; i < COUNT_OF(files); i++)
        house_write(h, files[i][0], files[i][1]);
    write_key(h);
    house_write_zone(h, s->dkim_record);
    open_sink(h, s);
    struct house_setup with = *s;
    with.settings = with_port(h, s->settings ? s->settings : "");
    with.storefront = s->storefront ? s->storefront : "";
    write_settings(h, &with, s->smtp_port ? s->smtp_port : smtpd_port(h->sink));
    open_rooms(h);
    if (!s->no_engine)
        house_start(h);
}

void house_restart(struct house *h)
{
    const struct conf *c = NULL;
    struct faults faults;
    struct err e = {0};

    engine_stop(h->engine, 2000);
    engine_close(&h->engine);
    snapshot_holder_close(&h->snapshots);
    queue_close(&h->queue);
    faults_init(&faults, h->arena);
    need(conf_load(house_path(h, "settings.conf"), &faults, &c, &e), "settings", e.text);
    open_queue(h, c);
    open_snapshots(h, c);
    conf_close(&c);
    house_start(h);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void house_close(struct house *h)
{
    if (h->engine)
        engine_stop(h->engine, 2000);
    engine_close(&h->engine);
    snapshot_holder_close(&h->snapshots);
    gate_close(&h->gate);
    resolver_close(&h->resolver);
    queue_close(&h->queue);
    smtpd_close(&h->sink);
    keyring_close(&h->keys);
    ids_close(&h->ids);
    metrics_close(&h->metrics);
    for (size_t i = 0; i < h->mails_n; i++)
        buf_close(&h->mails[i].bytes);
    arena_close(&h->arena);
    pthread_mutex_destroy(&h->lock);
    nftw(h->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- messages -------------------------------------------------------------------------------------- */

static struct digest bundle_of(struct house *h, const char *template_name)
{
    AUTO(snapshot_close) struct snapshot *s = snapshot_current(h->snapshots);
    const struct mail *mail;
    struct digest hash;
    struct err e = {0};

    need(snapshot_bundle(s, snapshot_shop(s, "acme"), template_name, "en", &hash, &mail, &e),
        "bundle", e.text);
    return hash;
}

static const char private_json[] = "{\"to_name\": \"Ada Łovelace\", \"data\": {\"name\": \"Ada\"}}";

const char *house_submit_mail(struct house *h, const struct house_mail *m)
{
    const char *name = m->template_name ? m->template_name : "parcel";
    const char *domain = strrchr(m->to, '@') + 1;
    int64_t now = clock_now_ms(h->clock);
    struct id id;
    struct receipt receipt;
    struct err e = {0};

    ids_new(h->ids, "msg_", &id);
    const struct submission s = {.storefront = "acme",
        .id = id.s,
        .address = str_of(m->to),
        .stream = m->stream ? m->stream : "transactional",
        .template_name = name,
        .locale = "en",
        .bundle = bundle_of(h, name),
        .destination = m->destination ? m->destination : domain,
        .priority = 5,
        .date_ms = now,
        .due_ms = now,
        .expires_ms = now + (m->expire_after_ms ? m->expire_after_ms : 86400000),
        .private_json = str_of(m->private_json ? m->private_json : private_json),
        .attachments = m->attachments,
        .attachments_n = m->attachments_n,
        .order = {.event = "", .supersedes = ""},
        .state = MSG_QUEUED,
        .reason = "",
        .facts = STR("{}")};
    need(queue_submit(h->queue, &s, &receipt, &e), "submit", e.text);
    return arena_text(h->arena, str_of(id.s));
}

const char *house_submit(struct house *h, const char *to)
{
    return house_submit_mail(h, &(struct house_mail){.to = to});
}

struct message_view house_show(struct house *h, const char *id)
{
    struct message_view v;
    struct err e = {0};

    need(queue_show(h->queue, "acme", id, h->arena, &v, &e), "show", e.text);
    return v;
}

enum msg_state house_state(struct house *h, const char *id)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct message_view v;
    struct err e = {0};

    need(queue_show(h->queue, "acme", id, a, &v, &e), "show", e.text);
    return v.state;
}

void house_await(struct house *h, const char *id, enum msg_state state)
{
    int64_t end = clock_steady_ns() + PATIENCE_MS * INT64_C(1000000);

    for (;;) {
        struct message_view v = house_show(h, id);

        if (v.state == state)
            return;
        if (clock_steady_ns() > end) {
            fprintf(stderr, "house: %s is %s (%s), not %s\n", id, msg_state_name(v.state), v.reason,
                msg_state_name(state));
            abort();
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void timeline(struct house *h, const char *id, struct journal_row **rows, size_t *n)
{
    struct err e = {0};

    need(queue_timeline(h->queue, "acme", id, h->arena, rows, n, &e), "timeline", e.text);
}

struct js *house_facts(struct house *h, const char *id, const char *event)
{
    struct journal_row *rows;
    size_t n;
    struct js *facts = NULL;
    struct err e = {0};

    timeline(h, id, &rows, &n);
    for (size_t i = n; i > 0 && !facts; i--)
        if (strcmp(rows[i - 1].event, event) == 0)
            need(js_parse(rows[i - 1].facts, &facts, &e), "facts", e.text);
    return facts;
}

size_t house_count_events(struct house *h, const char *id, const char *event)
{
    struct journal_row *rows;
    size_t n, count = 0;

    timeline(h, id, &rows, &n);
    for (size_t i = 0; i < n; i++)
        count += strcmp(rows[i].event, event) == 0;
    return count;
}
