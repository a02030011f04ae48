/* The sandbox's answers by recipient, and what it leaves in its folder. */
#include "mailer/smtpd/sandbox.h"

#include "tests/mailer/smtpd/wire.h"
#include "tests/support/scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MESSAGE "From: Shop <a@shop.example>\r\nSubject: Hi\r\n\r\n..stuffed\r\nbare\nlf\r\n"
#define KEPT "From: Shop <a@shop.example>\r\nSubject: Hi\r\n\r\n.stuffed\r\nbare\nlf\r\n"

struct place {
    char folder[SCRATCH_SIZE];
    struct sandbox *sandbox;
};

static void open_place(struct place *p)
{
    struct err e;

    scratch_folder("sandbox", p->folder);
    struct sandbox_setup setup = {
        .hostname = "sandbox.example", .folder = p->folder, .slow_ms = 300};
    assert_true(sandbox_open(&setup, &p->sandbox, &e));
}

static void close_place(struct place *p)
{
    char path[400];
    const struct dirent *entry;

    sandbox_close(&p->sandbox);
    DIR *d = opendir(p->folder);
    while ((entry = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", p->folder, entry->d_name);
        unlink(path);
    }
    closedir(d);
    assert_int_equal(rmdir(p->folder), 0);
}

static const char *send_to(
    const struct place *p, const char *recipients, size_t n, struct buf *codes)
{
    AUTO(buf_close) struct buf script = {0};
    struct wire w = wire_open(sandbox_port(p->sandbox));
    struct str rest = str_of(recipients), one;

    buf_add_text(&script, "EHLO shop.example\r\nMAIL FROM:<b+token@shop.example>\r\n");
    while (str_next(&rest, ' ', &one))
        buf_addf(&script, "RCPT TO:<" STR_FMT ">\r\n", STR_ARG(one));
    buf_add_text(&script, "DATA\r\n");
    wire_send_bytes(&w, buf_str(&script));
    AUTO(buf_close) struct buf first = {0};
    wire_codes(&w, 4 + n, &first);
    if (str_ends(buf_str(&first), STR("354 "))) {
        wire_send(&w, MESSAGE ".\r\n");
        wire_codes(&w, 1, codes);
    } else {
        buf_clear(codes);
    }
    buf_insert(codes, 0, str_slice(buf_str(&first), strlen("220 250 250/2.1.0 "), first.n));
    wire_close(&w);
    return buf_text(codes);
}

static void answers_go_by_the_recipient(void **state)
{
    static const struct {
        const char *to;
        size_t n;
        const char *codes;
    } table[] = {
        {"anna@here.example", 1, "250/2.1.5 354 250/2.0.0 "},
        {"bounce@here.example", 1, "550/5.1.1 554/5.5.1 "},
        {"Bounce+1@here.example", 1, "550/5.1.1 554/5.5.1 "},
        {"bouncer@here.example", 1, "250/2.1.5 354 250/2.0.0 "},
        {"full@here.example", 1, "452/4.2.2 554/5.5.1 "},
        {"defer@here.example", 1, "451/4.7.1 554/5.5.1 "},
        {"defer+2@here.example", 1, "451/4.7.1 554/5.5.1 "},
        {"DEFER@here.example", 1, "451/4.7.1 554/5.5.1 "},
        {"defer@here.example", 1, "250/2.1.5 354 250/2.0.0 "},
        {"defer+2@here.example", 1, "451/4.7.1 554/5.5.1 "},
        {"drop@here.example", 1, "250/2.1.5 354 end "},
        {"drop@here.example", 1, "250/2.1.5 354 250/2.0.0 "},
        {"drop@other.example", 1, "250/2.1.5 354 end "},
        {"slow@here.example", 1, "250/2.1.5 354 250/2.0.0 "},
        {"anna@here.example bounce@here.example", 2, "250/2.1.5 550/5.1.1 354 250/2.0.0 "},
    };
    struct place p;

    (void)state;
    open_place(&p);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        AUTO(buf_close) struct buf codes = {0};
        const char *got = send_to(&p, table[i].to, table[i].n, &codes);
        if (strcmp(got, table[i].codes) != 0)
            print_message("row %zu: %s\n", i, table[i].to);
        assert_string_equal(got, table[i].codes);
    }
    assert_int_equal(sandbox_kept(p.sandbox), 6);
    close_place(&p);
}

static void read_file(const struct place *p, const char *name, struct buf *out)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is missing", path);
    out->n += fread(buf_room(out, 4096), 1, 4096, f);
    fclose(f);
}

static void mails_are_kept_as_received_and_numbered(void **state)
{
    struct place p;
    struct err e;
    AUTO(buf_close) struct buf codes = {0}, mail = {0}, index = {0};

    (void)state;
    open_place(&p);
    send_to(&p, "Anna.Schmidt@here.example \"../x\"@here.example", 2, &codes);
    send_to(&p, "\"../etc/x\"@here.example", 1, &codes);
    read_file(&p, "0001-anna.schmidt.eml", &mail);
    assert_true(str_is(buf_str(&mail), KEPT));

    sandbox_close(&p.sandbox);
    struct sandbox_setup again = {.folder = p.folder};
    assert_true(sandbox_open(&again, &p.sandbox, &e));
    send_to(&p, "bob@here.example", 1, &codes);
    buf_clear(&mail);
    read_file(&p, "0003-bob.eml", &mail);
    assert_true(str_is(buf_str(&mail), KEPT));

    read_file(&p, "index.tsv", &index);
    struct str rest = buf_str(&index), line;
    assert_true(str_next(&rest, '\n', &line));
    assert_true(str_starts(line, STR("1\t20")));
    assert_true(str_ends(line, STR("Z\t0001-anna.schmidt.eml\tclear\tb+token@shop.example\t"
                                   "Anna.Schmidt@here.example,\"../x\"@here.example")));
    assert_true(str_next(&rest, '\n', &line));
    assert_true(str_find(line, STR("\t0002--..-etc-x-.eml\t"), 0) < line.n);
    assert_true(str_next(&rest, '\n', &line));
    assert_true(str_starts(line, STR("3\t")));
    close_place(&p);
}

static void it_listens_on_loopback_only(void **state)
{
    struct sandbox *s = NULL;
    struct err e = {0};
    struct sandbox_setup setup = {.address = "0.0.0.0", .folder = "/tmp"};

    (void)state;
    assert_false(sandbox_open(&setup, &s, &e));
    assert_int_equal(e.code, ERR_INPUT);
    setup = (struct sandbox_setup){.folder = "/nonexistent/deeper"};
    assert_false(sandbox_open(&setup, &s, &e));
    assert_int_equal(e.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_go_by_the_recipient),
        cmocka_unit_test(mails_are_kept_as_received_and_numbered),
        cmocka_unit_test(it_listens_on_loopback_only),
    };

    return cmocka_run_group_tests_name("smtpd sandbox", tests, NULL, NULL);
}
