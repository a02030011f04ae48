/* render -- a named mail, strict and with everything that its bundle pins, or one Mustache file by
 * the specification (missing = empty), for those who write templates. */
#include "base/conf_check.h"
#include "mailer/cli/cli.h"
#include "mailer/intake/snapshot.h"
#include "templates/mails.h"
#include "templates/template.h"

#include <stdlib.h>
#include <unistd.h>

#define INSTALLED_TEMPLATES "/usr/share/parcelpost/templates"
#define MAX_FILE (1u << 20)
#define MAX_DATA (16u << 20)
#define MAX_PARTIALS 200

/* ---- one file -------------------------------------------------------------------------------- */

struct partials {
    const char *dir;
    struct {
        char *name;
        struct template *template;
    } loaded[MAX_PARTIALS];
    size_t n;
    struct arena *arena;
    struct err first_error; /* of a partial that does not compile */
};

static void partials_close(struct partials *p)
{
    for (size_t i = 0; i < p->n; i++)
        template_close(&p->loaded[i].template);
}

static struct template *load_partial(struct partials *p, const char *name)
{
    AUTO(buf_close) struct buf source = {0};
    struct err e = {0};
    struct template *t = NULL;
    const char *path = arena_printf(p->arena, "%s/%s.mustache", p->dir, name);
    if (access(path, F_OK) != 0)
        return NULL;
    if ((!cli_read("partial", path, MAX_FILE, &source, &e) ||
            !template_compile(name, buf_str(&source), &t, &e)) &&
        p->first_error.code == ERR_NONE)
        p->first_error = e;
    return t;
}

/* DIR/NAME.mustache; names cannot leave DIR. */
static const struct template *find_partial(void *context, struct str name)
{
    struct partials *p = context;
    for (size_t i = 0; i < p->n; i++)
        if (str_is(name, p->loaded[i].name))
            return p->loaded[i].template;
    if (!p->dir || name.n == 0 || name.n > 255 || str_has_control(name) || name.p[0] == '/' ||
        str_find(name, STR(".."), 0) < name.n || p->n == MAX_PARTIALS)
        return NULL;
    p->loaded[p->n].name = arena_text(p->arena, name);
    p->loaded[p->n].template = load_partial(p, p->loaded[p->n].name);
    return p->loaded[p->n++].template;
}

static int render_file(struct cli *c, const struct js *data, const char *path)
{
    AUTO(buf_close) struct buf source = {0}, out = {0};
    AUTO(template_close) struct template *t = NULL;
    AUTO(partials_close)
    struct partials partials = {.dir = cli_value(c, "partials", NULL), .arena = c->arena};
    struct err e = {0};
    struct str escape = str_of(cli_value(c, "escape", "html"));
    struct render r = {.partial = find_partial, .context = &partials};
    if (!str_is(escape, "html") && !str_is(escape, "none"))
        return cli_usage(c, "--escape takes html or none");
    r.escape = str_is(escape, "html") ? ESCAPE_HTML : ESCAPE_NONE;
    if (!cli_read("template", path, MAX_FILE, &source, &e))
        return cli_unreadable(c, &e);
    if (!template_compile(path, buf_str(&source), &t, &e) ||
        !template_render(t, data, &r, &out, &e))
        return cli_fail(c, &e);
    if (partials.first_error.code != ERR_NONE)
        return cli_fail(c, &partials.first_error);
    fwrite(out.p, 1, out.n, stdout);
    return CLI_FINE;
}

/* ---- a named mail ---------------------------------------------------------------------------- */

struct mail_source {
    const struct conf *conf; /* NULL: none needed */
    const char *templates[3], *locale;
    size_t templates_n;
    struct mails *mails;
    struct mail *mail;
};

static void mail_source_close(struct mail_source *s)
{
    mail_close(&s->mail);
    mails_close(&s->mails);
    if (s->conf)
        conf_close(&s->conf);
}

/* The storefront's brand from the settings, without its logo (that lies in the queue). */
static struct brand brand_of(const struct conf_storefront *s)
{
    return (struct brand){s->brand.name, s->brand.url, s->brand.support_url,
        s->brand.postal_address, s->brand.colour, s->from, s->reply_to, "", {""}};
}

/* As the settings describe the storefront. Whoever only writes templates needs no settings: then a shop
 * of no particular name, and the templates that were installed or built with the program. */
static bool choose_brand(struct cli *c, struct mail_source *s, struct brand *brand, int *code)
{
    const char *wanted = cli_value(c, "storefront", "");
    bool is_told = cli_value(c, "config", NULL) || getenv("PARCELPOST_CONFIG") || *wanted;
    const struct conf_storefront *shop = NULL;
    s->templates[s->templates_n++] = cli_value(c, "templates", NULL);
    if (!is_told && access(cli_config_path(c), F_OK) != 0) {
        *brand = (struct brand){
            "Your shop", "", "", "", "#2457a6", "Your shop <orders@shop.example>", "", "", {""}};
    } else {
        if (!cli_conf(c, &s->conf, code))
            return false;
        shop = cli_storefront(c, s->conf, code);
        if (!shop)
            return false;
        *brand = brand_of(shop);
        s->locale = shop->locale;
        if (shop->templates_dir[0])
            s->templates[s->templates_n++] = shop->templates_dir;
    }
    const char *shipped = s->conf ? s->conf->templates_dir : INSTALLED_TEMPLATES;
    s->templates[s->templates_n++] = access(shipped, F_OK) == 0 ? shipped : PARCELPOST_TEMPLATES;
    return true;
}

static bool open_mail(struct cli *c, const char *name, struct mail_source *s, int *code)
{
    struct err e = {0};
    struct brand brand;
    AUTO(buf_close) struct buf bundle = {0};
    if (!choose_brand(c, s, &brand, code))
        return false;
    bool is_given = s->templates[0] != NULL; /* --templates */
    bool ok = mails_open(s->templates + !is_given, s->templates_n - !is_given, &s->mails, &e);
    const char *locale =
        ok ? mails_locale(s->mails, str_of(cli_value(c, "locale", "")), str_of(s->locale)) : NULL;
    ok = ok && mails_bundle(s->mails, name, locale, &brand, &bundle, &e) &&
         mail_compile(buf_str(&bundle), &s->mail, &e);
    if (!ok)
        *code = cli_fail(c, &e);
    return ok;
}

static void print_parts(const struct mail_parts *p, struct str part)
{
    if (str_is(part, "subject"))
        printf("%s\n", buf_text(&p->subject));
    else if (str_is(part, "preheader"))
        printf("%s\n", buf_text(&p->preheader));
    else if (str_is(part, "html"))
        fputs(buf_text(&p->html), stdout);
    else if (str_is(part, "text"))
        fputs(buf_text(&p->text), stdout);
    else
        printf("Subject: %s\nPreheader: %s\n\n%s", buf_text(&p->subject), buf_text(&p->preheader),
            buf_text(&p->text));
}

static bool is_part(struct str part)
{
    return str_is(part, "subject") || str_is(part, "preheader") || str_is(part, "html") ||
           str_is(part, "text");
}

/* Whoever has a request at hand need not cut its data out. */
static const struct js *data_of_request(const struct js *given)
{
    const struct js *data = js_get(given, "data");
    if (js_kind(js_get(given, "template")) != JS_TEXT || js_kind(data) != JS_OBJECT)
        return given;
    fprintf(stderr, "parcelpost render: this is a whole request; its \"data\" is rendered\n");
    return data;
}

static int render_mail(struct cli *c, const struct js *given, const char *name)
{
    int code;
    struct err e = {0};
    struct faults faults;
    struct mail_info info = {0};
    struct mail_links links = {STR("")};
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    AUTO(mail_source_close) struct mail_source source = {.locale = "en"};
    struct str part = str_of(cli_value(c, "part", ""));
    if (part.n > 0 && !is_part(part))
        return cli_usage(c, "--part takes subject, preheader, html or text");
    const char *locale = cli_value(c, "locale", NULL);
    const char *wrong = locale ? conf_check_locale(str_of(locale)) : NULL;
    if (wrong)
        return cli_usage(c, "--locale '%s' %s", locale, wrong);
    if (!open_mail(c, name, &source, &code))
        return code;
    const struct js *data = data_of_request(given);
    faults_init(&faults, c->arena);
    mail_check(source.mail, data, STR(""), &faults);
    cli_print_faults(&faults);
    if (faults.n > 0)
        return CLI_FINDINGS;
    if (mails_info(source.mails, name, &info) && strcmp(info.stream, "marketing") == 0)
        links.unsubscribe_url = STR("https://shop.example/u/preview");
    if (!mail_render(source.mail, data, &links, &parts, &e))
        return cli_fail(c, &e);
    print_parts(&parts, part);
    return CLI_FINE;
}

static int run(struct cli *c)
{
    struct err e = {0};
    AUTO(buf_close) struct buf text = {0};
    AUTO(js_close) struct js *data = NULL;
    const char *file = cli_value(c, "file", NULL), *data_path = cli_value(c, "data", NULL);
    if ((file != NULL) == (c->operands_n == 1) || c->operands_n > 1)
        return cli_usage(c, "name a template, or a file with --file");
    if (!data_path)
        return cli_usage(c, "--data FILE is needed");
    if (!cli_read("data", data_path, MAX_DATA, &text, &e))
        return cli_unreadable(c, &e);
    if (!js_parse(buf_str(&text), &data, &e)) {
        err_prefix(&e, "%s", data_path);
        return cli_fail(c, &e);
    }
    return file ? render_file(c, data, file) : render_mail(c, data, c->operands[0]);
}

static const struct cli_option options[] = {
    {"file", "FILE", "render this Mustache file instead of a named mail"},
    {"data", "FILE", "JSON data, or a request that holds it; - for standard input"},
    {"templates", "DIR", "a folder with mails/ and locales/ to look at first"},
    {"locale", "TAG", "language, e.g. de or de-AT (default: the storefront's)"},
    {"partials", "DIR", "with --file: where partials lie, as NAME.mustache"},
    {"part", "PART", "subject, preheader, html or text alone"},
    {"escape", "HOW", "with --file: html (default) or none"},
    CLI_CONFIG_OPTION,
    CLI_STOREFRONT_OPTION,
};

const struct command cmd_render = {
    .name = "render",
    .arguments = "TEMPLATE|--file FILE",
    .summary = "render a mail, or a Mustache file, with data",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost render shipping_notice --data order.json --locale de --part text\n"
               "  parcelpost render --file hello.mustache --data hello.json --partials partials/",
    .run = run,
};
