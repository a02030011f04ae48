#include "tests/templates/shelf_case.h"
#include "tests/support/scratch.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

struct mails *open_shelf(void)
{
    const char *const dirs[] = {"templates"};
    struct mails *m = NULL;
    struct err e;
    if (!mails_open(dirs, 1, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

struct brand test_brand(void)
{
    return (struct brand){
        .name = "Nordwind",
        .url = "https://nordwind.example",
        .support_url = "https://nordwind.example/help",
        .postal_address = "Nordwind GmbH, Hafenstraße 3, 20457 Hamburg",
        .colour = "#0f5c4d",
        .from = "Nordwind <service@mail.nordwind.example>",
        .reply_to = "help@nordwind.example",
        .logo_content_type = "",
    };
}

struct mail *compile_mail(const struct mails *m, const char *name, const char *locale)
{
    AUTO(buf_close) struct buf bundle = {0};
    struct brand brand = test_brand();
    struct mail *mail = NULL;
    struct err e;
    if (!mails_bundle(m, name, locale, &brand, &bundle, &e) ||
        !mail_compile(buf_str(&bundle), &mail, &e))
        fail_msg("%s in %s: %s", name, locale, e.text);
    return mail;
}

struct js *parse_json(const char *text)
{
    struct js *v = NULL;
    struct err e;
    if (!js_parse(str_of(text), &v, &e))
        fail_msg("%s", e.text);
    return v;
}

struct js *read_data(const char *file)
{
    char path[256], text[16384];
    snprintf(path, sizeof path, DATA_DIR "%s", file);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return parse_json(text);
}

void write_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void folder_open(struct folder *f)
{
    scratch_folder("shelf", f->path);
}

void folder_make(const struct folder *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void folder_remove(struct folder *f)
{
    if (f->path[0])
        nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void render_mail(const struct mail *m, const struct js *data, const struct mail_links *links,
    struct mail_parts *out)
{
    struct err e;
    const struct mail_links none = {STR("")};
    if (!mail_render(m, data, links ? links : &none, out, &e))
        fail_msg("%s", e.text);
}
