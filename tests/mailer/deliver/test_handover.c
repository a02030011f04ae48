/* What intake handed over and what the store gives come to the same bytes: each mail here goes out twice, the first time out of
 * memory and, as its server says "later", a second time after a restart. */
#include "mailer/intake/intake.h"
#include "queue/vault.h"
#include "tests/mailer/deliver/house.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct house house;

/* A server answers 451 to the first body of each recipient; each case has a domain of its own. */
#define ZONE(n) "c" #n " IN MX 10 mx.customer\n"
static const char zone[] =
    ZONE(0) ZONE(1) ZONE(2) ZONE(3) ZONE(4) ZONE(5) ZONE(6) ZONE(7) ZONE(8) ZONE(9);

struct request {
    const char *name;
    const char *body; /* begins with @: a file */
};

#define ATTACHED                                                                                   \
    "\"attachments\": [{\"filename\": \"Größe.pdf\", \"content_type\": \"application/pdf\","     \
    " \"content\": \"JVBERi0AAQID/w==\"}, {\"filename\": \"a.txt\", \"content_type\": "            \
    "\"text/plain\", \"content\": \"aGVsbG8K\"}]"

static const struct request requests[] = {
    {"english", "@docs/examples/shipping_notice.json"},
    {"german", "@docs/examples/refund.de.json"},
    {"american", "@docs/examples/delay_apology.bounce.json"},
    {"with attachments", "{\"template\": \"parcel\", \"data\": {\"name\": \"Ada\"}, " ATTACHED "}"},
    {"marketing", "{\"template\": \"offer\", \"stream\": \"marketing\", \"data\": {\"name\": \"Ada "
                  "& <Bob>\"}}"},
    {"marketing with attachments", "{\"template\": \"offer\", \"stream\": \"marketing\", \"data\": "
                                   "{\"name\": \"é\"}, " ATTACHED "}"},
    {"a stream of the shop's own", "{\"template\": \"parcel\", \"stream\": \"service\", \"data\": "
                                   "{\"name\": \"Zoë\\u2028.\"}}"},
    {"news of the shop's own", "{\"template\": \"parcel\", \"stream\": \"news\", \"data\": "
                               "{\"name\": \"Zoë\"}}"},
    {"its own reply-to", "{\"template\": \"parcel\", \"reply_to\": \"\\\"Help, desk\\\" "
                         "<help@shop.example>\", \"data\": {\"name\": \"x\"}, "
                         "\"metadata\": {\"k\": \"v\"}}"},
    {"nameless",
        "{\"template\": \"parcel\", \"data\": {\"name\": \"\\\"q\\\" \\\\ {{t.greeting}}\"}}"},
};

/* ---- settings ---- */

#define SETTINGS(public_url, from, support, service, news)                                         \
    "node = \"n1\"\ndata_dir = \"data\"\nkeyring_file = \"keyring\"\ntemplates_dir = \"%s\"\n"     \
    "listen_port = 0\nzone_files = {\"house.zone\"}\npublic_url = \"" public_url "\"\n"            \
    "hostname = \"post.shop.example\"\nsmtp_port = %d\nlanes = 4\n"                                \
    "allow_private_destinations = true\nretry_first_ms = \"1h\"\nretry_max_ms = \"1h\"\n"          \
    "storefront \"acme\" {\n  from = \"" from "\"\n  templates_dir = \"mine\"\n"                   \
    "  return_path_domain = \"bounce.shop.example\"\n  brand {\n    logo_file = \"logo.png\"\n"    \
    "    postal_address = \"1 Road, 1000 Town\"\n    support_url = \"" support "\"\n  }\n"         \
    "  stream \"service\" {\n    class = " service "\n  }\n  stream \"news\" {\n    class = " news \
    "\n  }\n"                                                                                      \
    "  dkim \"s1\" {\n    key_file = \"s1.pem\"\n  }\n}\n"

static const char first_settings[] = SETTINGS("https://post.shop.example",
    "Acme Shop <orders@shop.example>", "https://shop.example/help", "transactional", "marketing");
/* All that a letter looks at besides what was pinned. */
static const char other_settings[] = SETTINGS("https://other.shop.example",
    "Acme & Sons <hello@shop.example>", "mailto:help@shop.example", "marketing", "transactional");

/* The shop's own mails; the shipped ones stand behind them. */
static void write_mails(struct house *h, const char *subject)
{
    static const char *const files[][2] = {
        {"mine/mails/parcel/mail.json",
            "{\"stream\": \"transactional\", \"variables\": {\"name\": {\"type\": \"text\"}}}"},
        {"mine/mails/parcel/preheader.mustache", "It is on its way"},
        {"mine/mails/parcel/html.mustache",
            "<img src=\"cid:logo\"><h1>{{mail.subject}}</h1><p>{{name}}: "
            "{{brand.support_url}}</p>{{links.unsubscribe_url}}"},
        {"mine/mails/parcel/text.mustache", "{{name}},\n\nit is on its way.\n.\nBye\n"},
        {"mine/mails/offer/mail.json",
            "{\"stream\": \"marketing\", \"variables\": {\"name\": {\"type\": \"text\"}}}"},
        {"mine/mails/offer/subject.mustache", "An offer for {{name}}"},
        {"mine/mails/offer/preheader.mustache", "Today"},
        {"mine/mails/offer/html.mustache",
            "<a href=\"{{links.unsubscribe_url}}\">leave</a> {{name}}"},
        {"mine/mails/offer/text.mustache", "Leave: {{links.unsubscribe_url}}\n"},
    };

    for (size_t i = 0; i < COUNT_OF(files); i++)
        house_write(h, files[i][0], files[i][1]);
    house_write(h, "mine/mails/parcel/subject.mustache", subject);
}

static void load(struct house *h, const char *settings, const char *subject)
{
    char here[256], text[2000];
    const struct conf *c = NULL;
    struct snapshot *next = NULL;
    struct faults faults;
    struct err e = {0};

    assert_non_null(getcwd(here, sizeof here - 20));
    strcat(here, "/templates");
    snprintf(text, sizeof text, settings, here, smtpd_port(h->sink));
    house_write(h, "settings.conf", text);
    house_write(h, "logo.png", "\x89PNG\r\n\x1a\nrest");
    write_mails(h, subject);
    faults_init(&faults, h->arena);
    if (!conf_load(house_path(h, "settings.conf"), &faults, &c, &e) ||
        !snapshot_open(c, h->queue, &faults, &next, &e))
        fail_msg("%s %s", e.text, faults.first ? faults.first->detail : "");
    conf_close(&c);
    snapshot_swap(h->snapshots, next);
}

static struct house *open_house(void)
{
    struct house *h = &house;

    house_open(h, &(struct house_setup){.no_engine = true, .zone = zone});
    load(h, first_settings, "Your parcel, {{name}}");
    return h;
}

/* ---- sending as the API does ---- */

static bool allow(void *context, const char *storefront, const char *stream,
    enum stream_class class, struct str address, struct intake_permission *out, struct err *e)
{
    (void)context;
    (void)storefront;
    (void)stream;
    (void)class;
    (void)address;
    (void)e;
    out->allowed = true;
    return true;
}

static void note(void *context, const struct receipt *r, const struct err *e_or_null)
{
    (void)r;
    if (e_or_null)
        abort();
    sem_post(context);
}

static struct js *read_request(const struct request *r, size_t number)
{
    AUTO(buf_close) struct buf text = {0};
    struct js *root = NULL, *to = js_object();
    char address[40];
    struct err e;

    if (*r->body != '@') {
        buf_add_text(&text, r->body);
    } else {
        FILE *f = fopen(r->body + 1, "r");
        assert_non_null(f);
        text.n = fread(buf_room(&text, 8000), 1, 8000, f);
        fclose(f);
    }
    if (!js_parse(buf_str(&text), &root, &e))
        fail_msg("%s: %s", r->name, e.text);
    snprintf(address, sizeof address, "later@c%zu.example", number);
    js_set_cstr(to, "email", address);
    js_set_cstr(to, "name", strcmp(r->name, "nameless") == 0 ? "" : "Łukasz, \"L\" Nowak");
    js_set(root, "to", to);
    return root;
}

static const char *post(struct house *h, const struct request *r, size_t number)
{
    const struct intake_setup setup = {
        .queue = h->queue, .ids = h->ids, .clock = clock_system(), .ask = allow};
    const struct intake_call call = {
        .storefront = "acme", .actor = "key_1", .idempotency_key = STR("")};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(snapshot_close) struct snapshot *s = snapshot_current(h->snapshots);
    AUTO(js_close) struct js *root = read_request(r, number);
    struct submission out;
    struct faults faults;
    struct err e;
    sem_t answered;

    faults_init(&faults, a);
    if (!intake_prepare_value(&setup, s, &call, root, a, &out, &faults, &e))
        fail_msg("%s: %s", r->name, e.text);
    if (faults.first)
        fail_msg("%s: %s %s", r->name, faults.first->pointer, faults.first->detail);
    sem_init(&answered, 0, 0);
    if (!queue_submit_async(h->queue, &out, note, &answered, &e))
        fail_msg("%s: %s", r->name, e.text);
    sem_wait(&answered);
    sem_destroy(&answered);
    return arena_text(h->arena, str_of(out.id));
}

/* ---- what went out ---- */

/* Without the signatures at its head, which are of the moment. */
static struct str unsigned_bytes(const struct captured *m)
{
    struct str bytes = buf_str(&m->bytes);

    while (str_starts(bytes, STR("DKIM-Signature:"))) {
        size_t end = str_find(bytes, STR("\r\n"), 0);
        while (bytes.p[end + 2] == ' ' || bytes.p[end + 2] == '\t')
            end = str_find(bytes, STR("\r\n"), end + 2);
        bytes = str_slice(bytes, end + 2, bytes.n);
    }
    return bytes;
}

static struct str body_to(struct house *h, size_t number, size_t attempt)
{
    char address[40];

    snprintf(address, sizeof address, "later@c%zu.example", number);
    for (size_t i = 0; i < h->mails_n; i++)
        if (strcmp(h->mails[i].recipient, address) == 0 && attempt-- == 0)
            return unsigned_bytes(&h->mails[i]);
    return STR("");
}

static uint64_t claimed(struct house *h, const char *from)
{
    return counter_value(metrics_counter(h->metrics, "parcelpost_queue_claimed_total",
        "Messages claimed, by where their content came from.", from));
}

static void retry(struct house *h, const char *id)
{
    enum change_result result;
    struct err e;

    if (!queue_retry(h->queue, "acme", id, (struct actor){"test", "now"}, &result, &e))
        fail_msg("%s", e.text);
    assert_int_equal(result, CHANGE_DONE);
}

static void compare(struct house *h, const char *when)
{
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct str warm = body_to(h, i, 0), cold = body_to(h, i, 1);

        if (warm.n == 0 || !str_eq(warm, cold))
            fail_msg("%s, %s: not the same bytes:\n" STR_FMT "\n----\n" STR_FMT, requests[i].name,
                when, STR_ARG(warm), STR_ARG(cold));
    }
}

static bool says(struct house *h, size_t number, const char *what)
{
    struct str bytes = body_to(h, number, 0);

    return str_find(bytes, str_of(what), 0) < bytes.n;
}

/* Posts all, perhaps under other settings than they go out under, and sends each of them twice. */
static struct house *send_all_twice(const char *reload)
{
    struct house *h = open_house();
    const char *ids[COUNT_OF(requests)];

    for (size_t i = 0; i < COUNT_OF(requests); i++)
        ids[i] = post(h, &requests[i], i);
    if (reload)
        load(h, reload, "Changed since");
    house_start(h);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        house_await(h, ids[i], MSG_DEFERRED);
    assert_int_equal(claimed(h, "from=\"memory\""), COUNT_OF(requests));
    assert_int_equal(claimed(h, "from=\"store\""), 0);
    house_restart(h);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        retry(h, ids[i]);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        house_await(h, ids[i], MSG_DELIVERED);
    assert_int_equal(claimed(h, "from=\"store\""), COUNT_OF(requests));
    assert_int_equal(h->mails_n, 2 * COUNT_OF(requests));
    return h;
}

static void a_mail_out_of_memory_has_the_bytes_of_one_after_a_restart(void **state)
{
    struct house *h = send_all_twice(NULL);

    (void)state;
    compare(h, "under the same settings");
    assert_true(says(h, 0, "Content-ID: <logo>"));
    assert_true(says(h, 1, "Content-Language: de") || says(h, 1, "1.249,50"));
    assert_true(says(h, 4, "List-Unsubscribe: <https://post.shop.example/u/"));
    assert_false(says(h, 4, "trial.invalid"));
    assert_false(says(h, 6, "List-Unsubscribe"));
    assert_true(says(h, 7, "List-Unsubscribe"));
    house_close(h);
}

static void settings_that_changed_meanwhile_change_both_alike(void **state)
{
    struct house *h = send_all_twice(other_settings);

    (void)state;
    compare(h, "after a reload");
    assert_true(says(h, 4, "List-Unsubscribe: <https://other.shop.example/u/"));
    assert_true(says(h, 6, "List-Unsubscribe: <https://other.shop.example/u/"));
    assert_false(says(h, 7, "List-Unsubscribe"));
    assert_true(says(h, 0, "From: Acme Shop <orders@shop.example>")); /* pinned */
    house_close(h);
}

/* ---- the key that comes with a job ---- */

/* The linker puts this before the house's own (--wrap). */
static atomic_int keys_asked;
bool __real_vault_key_of(struct vault *v, const char *storefront, const struct keyed *who,
    bool make, struct vault_key *out, bool *found, struct err *e);
bool __wrap_vault_key_of(struct vault *v, const char *storefront, const struct keyed *who,
    bool make, struct vault_key *out, bool *found, struct err *e);

bool __wrap_vault_key_of(struct vault *v, const char *storefront, const struct keyed *who,
    bool make, struct vault_key *out, bool *found, struct err *e)
{
    keys_asked++;
    return __real_vault_key_of(v, storefront, who, make, out, found, e);
}

static size_t readable_replies(struct house *h, const char *id)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct journal_row *rows;
    size_t n, found = 0;
    struct err e;

    if (!queue_timeline(h->queue, "acme", id, a, &rows, &n, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < n; i++)
        found += str_starts(rows[i].personal, STR("{\"reply\":"));
    return found;
}

static void a_servers_reply_is_sealed_with_the_key_that_came_with_its_mail(void **state)
{
    struct house *h = open_house();
    const char *id = post(h, &requests[0], 0);

    (void)state;
    keys_asked = 0;
    house_start(h);
    house_await(h, id, MSG_DEFERRED);
    assert_int_equal(readable_replies(h, id), 1);
    assert_int_equal(keys_asked, 0);
    house_restart(h);
    retry(h, id);
    house_await(h, id, MSG_DELIVERED);
    assert_int_equal(readable_replies(h, id), 2);
    assert_int_equal(keys_asked, 1); /* out of the store it comes without */
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_out_of_memory_has_the_bytes_of_one_after_a_restart),
        cmocka_unit_test(a_servers_reply_is_sealed_with_the_key_that_came_with_its_mail),
        cmocka_unit_test(settings_that_changed_meanwhile_change_both_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
