/* compose again, read by GMime: a second opinion on encoded words, names, structure and content. */
#include <gmime/gmime.h>

#include "tests/base/expect.h"
#include "tests/mailer/mime/mails.h"

static void expect_gmime_text(const char *name, const char *got, struct str want)
{
    expect_str(name, str_of(got), want);
}

static void expect_mailbox(const char *name, InternetAddressList *list, const struct address *want)
{
    InternetAddress *one;

    expect_int(name, internet_address_list_length(list), want->spec.n > 0 ? 1 : 0);
    if (want->spec.n == 0)
        return;
    one = internet_address_list_get_address(list, 0);
    expect_gmime_text(name, internet_address_get_name(one), want->display);
    expect_gmime_text(
        name, internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(one)), want->spec);
}

static void add_structure(GMimeObject *part, struct buf *out)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);

    buf_addf(out, "%s/%s", g_mime_content_type_get_media_type(type),
        g_mime_content_type_get_media_subtype(type));
    if (!GMIME_IS_MULTIPART(part))
        return;
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(part)); i++) {
        buf_add_char(out, i == 0 ? '(' : ',');
        add_structure(g_mime_multipart_get_part(GMIME_MULTIPART(part), i), out);
    }
    buf_add_char(out, ')');
}

static void close_object(GObject **o)
{
    g_clear_object(o);
}

static void content_of(GMimePart *part, struct buf *out)
{
    AUTO(close_object) GObject *stream = G_OBJECT(g_mime_stream_mem_new());
    GByteArray *bytes;

    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(part), GMIME_STREAM(stream));
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    buf_add(out, str_bytes(bytes->data, bytes->len));
}

/* The text with CRLF, ended where the mail itself must end. */
static void add_crlf(struct buf *out, struct str text, bool ends_mail)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            buf_add_char(out, '\r');
        buf_add_char(out, text.p[i]);
    }
    if (ends_mail && !str_ends(text, STR("\n")))
        buf_add_text(out, "\r\n");
}

struct walk {
    const struct mail_case *c;
    struct message m;
    bool single; /* the mail is one part */
    size_t texts, files;
};

static const struct mime_part *find_part(const struct walk *w, const char *id, const char *file)
{
    for (size_t i = 0; i < w->m.parts_n; i++) {
        const struct mime_part *p = &w->m.parts[i];

        if (id ? str_is(p->content_id, id) : str_is(p->filename, file ? file : ""))
            return p;
    }
    fail_msg("%s: no part \"%s\" was given", w->c->name, file ? file : "");
    return NULL;
}

static void see_part(GMimeObject *parent, GMimeObject *object, gpointer data)
{
    AUTO(buf_close) struct buf got = {0};
    AUTO(buf_close) struct buf want = {0};
    struct walk *w = data;
    GMimePart *part;

    (void)parent;
    if (!GMIME_IS_PART(object))
        return;
    part = GMIME_PART(object);
    content_of(part, &got);
    if (g_mime_object_get_disposition(object)) {
        const struct mime_part *p =
            find_part(w, g_mime_object_get_content_id(object), g_mime_part_get_filename(part));

        expect_gmime_text(w->c->name, g_mime_part_get_filename(part), p->filename);
        expect_str(w->c->name, buf_str(&got), p->bytes);
        w->files++;
        return;
    }
    add_crlf(&want,
        g_mime_content_type_is_type(g_mime_object_get_content_type(object), "text", "html")
            ? w->m.html
            : w->m.text,
        w->single);
    expect_str(w->c->name, buf_str(&got), buf_str(&want));
    w->texts++;
}

static void check_mail(size_t index)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(buf_close) struct buf structure = {0};
    AUTO(close_object) GObject *stream = NULL, *parser = NULL, *message = NULL;
    struct walk w = {.c = &mail_cases[index], .m = mail_case_message(index)};
    struct err e = {0};
    GMimeMessage *got;
    GMimeObject *body;

    if (!compose(&w.m, &mail, &e))
        fail_msg("%s: %s", w.c->name, e.text);
    stream = G_OBJECT(g_mime_stream_mem_new_with_buffer(mail.p, mail.n));
    parser = G_OBJECT(g_mime_parser_new_with_stream(GMIME_STREAM(stream)));
    message = G_OBJECT(g_mime_parser_construct_message(GMIME_PARSER(parser), NULL));
    got = GMIME_MESSAGE(message);
    expect_gmime_text(w.c->name, g_mime_message_get_subject(got), w.m.subject);
    expect_gmime_text(w.c->name, g_mime_message_get_message_id(got), w.m.message_id);
    expect_mailbox(w.c->name, g_mime_message_get_from(got), &w.m.from);
    expect_mailbox(w.c->name, g_mime_message_get_to(got), &w.m.to);
    expect_mailbox(w.c->name, g_mime_message_get_reply_to(got), &w.m.reply_to);
    expect_int(w.c->name, g_date_time_to_unix(g_mime_message_get_date(got)), w.m.date_ms / 1000);
    body = g_mime_message_get_mime_part(got);
    w.single = !GMIME_IS_MULTIPART(body);
    add_structure(body, &structure);
    expect_str(w.c->name, buf_str(&structure), str_of(w.c->structure));
    g_mime_message_foreach(got, see_part, &w);
    expect_int(w.c->name, (int64_t)w.files, (int64_t)w.m.parts_n);
    expect_int(w.c->name, (int64_t)w.texts, (w.m.text.n > 0) + (w.m.html.n > 0));
}

static void gmime_reads_what_was_given(void **state)
{
    (void)state;
    g_mime_init();
    for (size_t i = 0; i < mail_cases_n; i++)
        check_mail(i);
    g_mime_shutdown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gmime_reads_what_was_given)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
