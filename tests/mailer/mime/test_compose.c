/* compose: foreign readers (Python's email package, GMime) see in each mail what was given; nothing that
 * is not a header gets into the header; the same input gives the same bytes. */
#include "base/encode.h"
#include "base/json.h"
#include "tests/mailer/mime/mails.h"
#include "tests/mailer/mime/peer.h"
#include "tests/support/scratch.h"

static void compose_or_fail(const struct mail_case *c, const struct message *m, struct buf *out)
{
    struct err e = {0};

    if (!compose(m, out, &e))
        fail_msg("%s: %s", c->name, e.text);
}

/* ---- Python ---------------------------------------------------------------------------------- */

static struct js *address_json(const struct address *a)
{
    struct js *v = js_object();

    js_set_text(v, "display", a->display);
    js_set_text(v, "spec", a->spec);
    return v;
}

static struct js *parts_json(const struct message *m)
{
    struct js *list = js_array();

    for (size_t i = 0; i < m->parts_n; i++) {
        AUTO(buf_close) struct buf hex = {0};
        const struct mime_part *p = &m->parts[i];
        struct js *v = js_object();

        encode_hex(&hex, p->bytes);
        js_set_text(v, "filename", p->filename);
        js_set_text(
            v, "type", str_slice(p->content_type, 0, str_find_char(p->content_type, ';', 0)));
        js_set_text(v, "id", p->content_id);
        js_set_text(v, "hex", buf_str(&hex));
        js_push(list, v);
    }
    return list;
}

static void write_expectation(const struct mail_case *c, const struct message *m, struct buf *out)
{
    AUTO(js_close) struct js *v = js_object();
    struct js *more = js_object();

    js_set_cstr(v, "structure", c->structure);
    js_set_text(v, "subject", m->subject);
    js_set_text(v, "plain", m->text);
    js_set_text(v, "html", m->html);
    js_set(v, "from", address_json(&m->from));
    js_set(v, "to", address_json(&m->to));
    js_set(v, "reply_to", address_json(&m->reply_to));
    js_set_int(v, "date", m->date_ms / 1000);
    js_set_text(v, "message_id", m->message_id);
    js_set_text(v, "url", m->list_unsubscribe_url);
    js_set_text(v, "mailto", m->list_unsubscribe_mailto);
    js_set_bool(v, "eight_bit", m->eight_bit);
    for (size_t i = 0; i < m->more_n; i++)
        js_set_text(more, m->more[i].name.p, m->more[i].value);
    js_set(v, "more", more);
    js_set(v, "parts", parts_json(m));
    js_write(v, JS_PRETTY, out);
}

static void python_reads(bool eight_bit)
{
    char folder[SCRATCH_SIZE], count[16], name[128];
    const char *argv[] = {
        "/usr/bin/python3", "tests/mailer/mime/check_mails.py", folder, count, NULL};
    int rc;

    scratch_folder("compose", folder);
    snprintf(count, sizeof count, "%zu", mail_cases_n);
    for (size_t i = 0; i < mail_cases_n; i++) {
        AUTO(buf_close) struct buf mail = {0};
        AUTO(buf_close) struct buf want = {0};
        struct message m = mail_case_message(i);

        m.eight_bit = eight_bit;
        compose_or_fail(&mail_cases[i], &m, &mail);
        write_expectation(&mail_cases[i], &m, &want);
        snprintf(name, sizeof name, "%s.eml", mail_cases[i].name);
        file_write(folder, name, buf_str(&mail));
        snprintf(name, sizeof name, "%s.json", mail_cases[i].name);
        file_write(folder, name, buf_str(&want));
    }
    rc = peer_run(argv);
    folder_remove(folder);
    expect_int("check_mails.py", rc, 0);
}

static void python_reads_what_was_given(void **state)
{
    (void)state;
    python_reads(false);
}

static void python_reads_what_was_given_as_8bit(void **state)
{
    (void)state;
    python_reads(true);
}

/* ---- 8bit ------------------------------------------------------------------------------------ */

static void eight_bit_is_used_where_it_can_be(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    struct message m = mail_case_message(0);

    (void)state;
    m.eight_bit = true;
    m.text = STR("Grüße\n");
    compose_or_fail(&mail_cases[0], &m, &out);
    expect_in("umlauts", buf_str(&out), "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n");
    buf_clear(&out);
    m.text = STR("a\0b\n");
    compose_or_fail(&mail_cases[0], &m, &out);
    expect_in("a NUL", buf_str(&out), "quoted-printable\r\n\r\na=00b\r\n");
}

/* ---- refusals -------------------------------------------------------------------------------- */

#define INJECTION "x\r\nBcc: thief@evil.example"

static const struct str injections[] = {STR(INJECTION), STR("a\nb"), STR("a\rb"), STR("a\0b"),
    STR("a\x1b"
        "b"),
    STR("a\x7f"),
    STR("a\xc2\x85"
        "b"),
    STR("a\xff"
        "b")};

static void no_field_injects_a_header(void **state)
{
    (void)state;
    EACH(value, injections)
    {
        struct mime_part part = {STR("a.txt"), STR("text/plain"), STR(""), STR("x")};
        struct header header = {STR("X-A"), STR("b")};
        struct message m = mail_case_message(0);
        struct {
            const char *name;
            struct str *field;
        } fields[] = {
            {"from.display", &m.from.display},
            {"from.spec", &m.from.spec},
            {"to.display", &m.to.display},
            {"to.spec", &m.to.spec},
            {"reply_to.display", &m.reply_to.display},
            {"reply_to.spec", &m.reply_to.spec},
            {"subject", &m.subject},
            {"message_id", &m.message_id},
            {"list_unsubscribe_url", &m.list_unsubscribe_url},
            {"list_unsubscribe_mailto", &m.list_unsubscribe_mailto},
            {"headers: name", &header.name},
            {"headers: value", &header.value},
            {"attachments: filename", &part.filename},
            {"attachments: content_type", &part.content_type},
            {"attachments: content_id", &part.content_id},
        };

        m.more = &header;
        m.more_n = 1;
        m.parts = &part;
        m.parts_n = 1;
        m.reply_to = m.from;
        EACH(field, fields)
        {
            AUTO(buf_close) struct buf out = {0};
            struct str good = *field->field;
            struct err e = {0};

            *field->field = *value;
            expect(field->name, !compose(&m, &out, &e), "a refusal");
            expect_int(field->name, e.code, ERR_INPUT);
            expect_int(field->name, (int64_t)out.n, 0);
            expect(field->name,
                str_starts(
                    str_of(e.text), str_slice(str_of(field->name), 0, strcspn(field->name, ".:"))),
                "its name in the refusal");
            *field->field = good;
        }
        {
            AUTO(buf_close) struct buf out = {0};

            compose_or_fail(&mail_cases[0], &m, &out); /* all was well but for that one field */
        }
    }
}

static void other_faults_are_named(void **state)
{
    static const struct mime_part multipart = {
        STR("a"), STR("multipart/mixed; boundary=x"), STR(""), STR("")};
    static const struct header reserved = {STR("bcc"), STR("x@y.example")};
    static const struct header content = {STR("Content-Type"), STR("text/html")};
    static const struct header empty = {STR("X-A"), STR("  ")};
    const struct message good = mail_case_message(0);
    struct message no_to = good, no_body = good, no_id = good, no_seed = good, bad_text = good,
                   bad_part = good, bad_name = good, bad_content = good, bad_value = good,
                   bad_url = good, bad_date = good, two_at = good;
    const struct {
        const char *name, *reason;
        const struct message *m;
    } cases[] = {
        {"no_recipient", "to:", &no_to},
        {"no_body", "empty", &no_body},
        {"no_message_id", "message_id", &no_id},
        {"two_at_in_the_message_id", "message_id", &two_at},
        {"no_seed", "seed", &no_seed},
        {"a_text_that_is_no_utf8", "text", &bad_text},
        {"a_multipart_as_attachment", "content_type", &bad_part},
        {"a_reserved_header", "bcc", &bad_name},
        {"a_content_header", "Content-Type", &bad_content},
        {"an_empty_header", "empty", &bad_value},
        {"a_url_of_another_scheme", "list_unsubscribe_url", &bad_url},
        {"a_date_before_1970", "date_ms", &bad_date},
    };

    (void)state;
    no_to.to.spec = STR("");
    no_body.text = STR("");
    no_id.message_id = STR("");
    two_at.message_id = STR("a@b@c");
    no_seed.seed = STR("");
    bad_text.text = STR("\xff");
    bad_part.parts = &multipart;
    bad_part.parts_n = 1;
    bad_name.more = &reserved;
    bad_content.more = &content;
    bad_value.more = &empty;
    bad_name.more_n = bad_content.more_n = bad_value.more_n = 1;
    bad_url.list_unsubscribe_url = STR("javascript:alert(1)");
    bad_date.date_ms = -1;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf out = {0};
        struct err e = {0};

        expect(c->name, !compose(c->m, &out, &e), "a refusal");
        expect_in(c->name, str_of(e.text), c->reason);
    }
}

/* ---- sameness -------------------------------------------------------------------------------- */

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < mail_cases_n; i++) {
        AUTO(buf_close) struct buf one = {0};
        AUTO(buf_close) struct buf two = {0};
        struct message m = mail_case_message(i);

        compose_or_fail(&mail_cases[i], &m, &one);
        compose_or_fail(&mail_cases[i], &m, &two);
        expect_str(mail_cases[i].name, buf_str(&two), buf_str(&one));
    }
}

static void another_seed_gives_other_boundaries(void **state)
{
    AUTO(buf_close) struct buf one = {0};
    AUTO(buf_close) struct buf two = {0};
    struct message m = mail_case_message(2);

    (void)state;
    compose_or_fail(&mail_cases[2], &m, &one);
    m.seed = STR("another");
    compose_or_fail(&mail_cases[2], &m, &two);
    expect("boundaries", !str_eq(buf_str(&one), buf_str(&two)), "a difference");
    expect_int("length", (int64_t)one.n, (int64_t)two.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_reads_what_was_given),
        cmocka_unit_test(python_reads_what_was_given_as_8bit),
        cmocka_unit_test(eight_bit_is_used_where_it_can_be),
        cmocka_unit_test(no_field_injects_a_header),
        cmocka_unit_test(other_faults_are_named),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(another_seed_gives_other_boundaries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
