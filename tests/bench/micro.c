/* micro -- how fast one core, and two, do the work on one mail: parse its request, render, compose, sign.
 *
 *     micro SECONDS        from the top of the tree; SECONDS for each figure, 0 for the first line alone
 *
 * Prints one JSON object a line: first {"attachment_bytes", "mail_bytes"}, the attachment that makes
 * docs/examples/shipping_notice.json a mail of WIRE_BYTES; then {"what", "threads", "per_second", "bytes"}. Rates are
 * per second of a thread's CPU time, as those of `openssl speed` are, so that other work on the machine disturbs them
 * little. Beside each render and compose stands the same output through one loop that looks at every byte ("... by
 * one loop"): what it would cost if there were nothing to decide. The limit of signatures is `openssl speed`, which
 * the caller runs. */
#include "base/encode.h"
#include "base/json.h"
#include "mailer/mime/compose.h"
#include "mailer/mime/dkim.h"
#include "templates/mails.h"
#include "tests/bench/pace.h"

#include <stdio.h>
#include <stdlib.h>

#define WIRE_BYTES 20480
#define SIGNATURE_BYTES 680   /* about what one RSA-2048 signature header adds */
#define PART_HEADER_BYTES 350 /* about what an attachment's headers and boundary take */

struct sample { /* one mail with its data; shared by the threads, never changed */
    struct js *request;
    struct mail *mail;
    char name[64];
};

struct bench {
    struct mails *mails;
    struct dkim *relaxed, *simple;
    struct dkim_key *rsa, *ed25519;
    struct sample shipping;
    struct mail_parts parts; /* of shipping */
    struct buf attachment;
    struct buf letter; /* composed, unsigned */
    double seconds;
};

/* The limit of a render or compose: every byte of a finished result looked at once and copied. */
static bool copy_looking(const void *context, struct buf *out, struct err *e)
{
    const struct buf *from = context;
    char *to = buf_room(out, from->n);

    (void)e;
    for (size_t i = 0; i < from->n; i++) {
        char c = from->p[i];
        /* Volatile, or the compiler makes a memcpy of it. */
        *(volatile char *)&to[i] = c == '<' || c == '&' || c == '=' ? '_' : c;
    }
    out->n += from->n;
    return true;
}

/* The loop goes over `bytes`. */
static void measure_with_loop(const struct bench *b, const char *what, pace_work *w,
    const void *context, const struct buf *bytes)
{
    char limit[96];

    snprintf(limit, sizeof limit, "%s by one loop", what);
    pace_pair(b->seconds, 1, &(struct pace){what, w, context},
        &(struct pace){limit, copy_looking, bytes});
}

/* ---- renders -------------------------------------------------------------------------------------------- */

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        perror(path);
        exit(1);
    }
    while (!feof(f) && !ferror(f))
        out->n += fread(buf_room(out, 65536), 1, 65536, f);
    fclose(f);
}

static void sample_open(const struct bench *b, const char *path, struct sample *s)
{
    static const struct brand brand = {.name = "Acme Outdoor",
        .url = "https://shop.example",
        .support_url = "https://shop.example/help",
        .postal_address = "Acme Outdoor GmbH, Lagerstrasse 7, 20357 Hamburg, Germany",
        .colour = "#2457a6",
        .from = "Acme Outdoor <orders@shop.example>",
        .reply_to = "service@shop.example",
        .logo_content_type = ""};
    AUTO(buf_close) struct buf text = {0}, bundle = {0};
    char name[32] = "";
    struct err e = {0};

    read_file(path, &text);
    pace_must(js_parse(buf_str(&text), &s->request, &e), &e);
    str_copy(js_get_text(s->request, "template"), name, sizeof name);
    const char *locale = mails_locale(b->mails, js_get_text(s->request, "locale"), STR("en"));
    pace_must(mails_bundle(b->mails, name, locale, &brand, &bundle, &e), &e);
    pace_must(mail_compile(buf_str(&bundle), &s->mail, &e), &e);
    snprintf(s->name, sizeof s->name, "render %s %s", name, locale);
}

static void sample_close(struct sample *s)
{
    mail_close(&s->mail);
    js_close(&s->request);
}

static bool render_parts(const struct sample *s, struct mail_parts *parts, struct err *e)
{
    const struct mail_links links = {STR("")};

    return mail_render(s->mail, js_get(s->request, "data"), &links, parts, e);
}

static bool render(const void *context, struct buf *out, struct err *e)
{
    AUTO(mail_parts_close) struct mail_parts parts = {0};

    if (!render_parts(context, &parts, e))
        return false;
    const struct buf *const all[] = {&parts.subject, &parts.preheader, &parts.html, &parts.text};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_add(out, buf_str(all[i]));
    return true;
}

static void measure_renders(const struct bench *b)
{
    static const char *const examples[] = {"docs/examples/shipping_notice.json",
        "docs/examples/delay_apology.bounce.json", "docs/examples/refund.de.json"};

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        AUTO(sample_close) struct sample s = {0};
        AUTO(buf_close) struct buf rendered = {0};
        struct err e = {0};
        sample_open(b, examples[i], &s);
        pace_must(render(&s, &rendered, &e), &e);
        measure_with_loop(b, s.name, render, &s, &rendered);
    }
}

/* ---- requests ------------------------------------------------------------------------------------------- */

static bool parse(const void *context, struct buf *out, struct err *e)
{
    const struct buf *text = context;
    AUTO(js_close) struct js *request = NULL;

    (void)out;
    return js_parse(buf_str(text), &request, e);
}

/* The example as a storefront posts it, bare and with the attachment that makes its mail 20 KB. */
static void measure_requests(const struct bench *b)
{
    AUTO(js_close) struct js *request = js_ref(b->shipping.request);
    AUTO(buf_close) struct buf bare = {0}, heavy = {0}, content = {0};
    struct js *files = js_array(), *file = js_object();

    js_write(request, JS_COMPACT, &bare);
    encode_base64(&content, buf_str(&b->attachment));
    js_set_cstr(file, "filename", "label.pdf");
    js_set_text(file, "content", buf_str(&content));
    js_push(files, file);
    js_set(request, "attachments", files);
    js_write(request, JS_COMPACT, &heavy);
    measure_with_loop(b, "parse request of 1 KB", parse, &bare, &bare);
    measure_with_loop(b, "parse request of 9 KB", parse, &heavy, &heavy);
}

/* ---- composing and signing ------------------------------------------------------------------------------ */

static bool compose_letter(const void *context, struct buf *out, struct err *e)
{
    static const struct header automatic = {STR("Auto-Submitted"), STR("auto-generated")};
    const struct bench *b = context;
    const struct mime_part label = {.filename = STR("label.pdf"),
        .content_type = STR("application/pdf"),
        .bytes = buf_str(&b->attachment)};
    const struct message m = {
        .from = {STR("Acme Outdoor"), STR("orders"), STR("shop.example"),
            STR("orders@shop.example")},
        .to = {STR("Ada Winters"), STR("ada.winters"), STR("customer.example"),
            STR("ada.winters@customer.example")},
        .reply_to = {STR(""), STR("service"), STR("shop.example"), STR("service@shop.example")},
        .subject = buf_str(&b->parts.subject),
        .text = buf_str(&b->parts.text),
        .html = buf_str(&b->parts.html),
        .date_ms = INT64_C(1795248600000),
        .message_id = STR("msg_01jd8x6tq3w1m5yv9z0k2c4r7e@shop.example"),
        .seed = STR("msg_01jd8x6tq3w1m5yv9z0k2c4r7e"),
        .list_unsubscribe_url = STR(""),
        .list_unsubscribe_mailto = STR(""),
        .more = &automatic,
        .more_n = 1,
        .parts = &label,
        .parts_n = b->attachment.n > 0,
    };

    return compose(&m, out, e);
}

/* A label as a printer sends it: bytes without a pattern, since base64 makes all alike. */
static void make_attachment(struct bench *b)
{
    AUTO(buf_close) struct buf bare = {0};
    struct err e = {0};
    uint32_t x = 2463534242;

    pace_must(compose_letter(b, &bare, &e), &e);
    size_t taken = bare.n + SIGNATURE_BYTES + PART_HEADER_BYTES;
    size_t n = taken < WIRE_BYTES ? (WIRE_BYTES - taken) * 57 / 78 : 0;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5; /* xorshift, Marsaglia 2003 */
        buf_add_char(&b->attachment, (char)x);
    }
}

struct signing {
    const struct bench *bench;
    struct dkim *dkim;
    const struct dkim_key *key;
};

static bool sign(const void *context, struct buf *out, struct err *e)
{
    const struct signing *s = context;

    return dkim_sign(s->dkim, &s->key, 1, buf_str(&s->bench->letter), out, e);
}

static void measure_signatures(const struct bench *b)
{
    const struct {
        const char *what;
        struct signing how;
        int threads;
    } cases[] = {
        {"sign rsa2048 relaxed/relaxed", {b, b->relaxed, b->rsa}, 1},
        {"sign rsa2048 relaxed/relaxed", {b, b->relaxed, b->rsa}, 2},
        {"sign rsa2048 relaxed/simple", {b, b->simple, b->rsa}, 1},
        {"sign ed25519 relaxed/relaxed", {b, b->relaxed, b->ed25519}, 1},
        {"sign ed25519 relaxed/relaxed", {b, b->relaxed, b->ed25519}, 2},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        pace_alone(
            b->seconds, cases[i].threads, &(struct pace){cases[i].what, sign, &cases[i].how});
}

/* ---- opening -------------------------------------------------------------------------------------------- */

static struct dkim_key *make_key(enum dkim_algorithm algorithm)
{
    AUTO(buf_wipe) struct buf pem = {0};
    struct dkim_key *key = NULL;
    struct err e = {0};

    pace_must(dkim_key_new(algorithm, 2048, &pem, &e) &&
                  dkim_key_open("shop.example", "bench", buf_str(&pem), &key, &e),
        &e);
    return key;
}

static void bench_open(struct bench *b)
{
    const char *templates = "templates";
    struct err e = {0};

    pace_must(mails_open(&templates, 1, &b->mails, &e), &e);
    pace_must(dkim_open(&(struct dkim_setup){.body_simple = false}, &b->relaxed, &e) &&
                  dkim_open(&(struct dkim_setup){.body_simple = true}, &b->simple, &e),
        &e);
    b->rsa = make_key(DKIM_RSA_SHA256);
    b->ed25519 = make_key(DKIM_ED25519_SHA256);
    sample_open(b, "docs/examples/shipping_notice.json", &b->shipping);
    pace_must(render_parts(&b->shipping, &b->parts, &e), &e);
    make_attachment(b);
    pace_must(compose_letter(b, &b->letter, &e), &e);
}

static void bench_close(struct bench *b)
{
    buf_close(&b->letter);
    buf_close(&b->attachment);
    mail_parts_close(&b->parts);
    sample_close(&b->shipping);
    dkim_key_close(&b->rsa);
    dkim_key_close(&b->ed25519);
    dkim_close(&b->relaxed);
    dkim_close(&b->simple);
    mails_close(&b->mails);
}

int main(int argc, char **argv)
{
    AUTO(bench_close) struct bench b = {.seconds = argc == 2 ? atof(argv[1]) : 0};

    if (argc != 2 || b.seconds < 0 || b.seconds > 60)
        return fputs("usage: micro SECONDS (0 to 60, for each figure)\n", stderr), 64;
    bench_open(&b);
    printf("{\"attachment_bytes\":%zu,\"mail_bytes\":%zu}\n", b.attachment.n,
        b.letter.n + SIGNATURE_BYTES);
    if (b.seconds == 0)
        return 0;
    measure_renders(&b);
    measure_with_loop(&b, "compose 20 KB", compose_letter, &b, &b.letter);
    measure_requests(&b);
    measure_signatures(&b);
    return 0;
}
