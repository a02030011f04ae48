/* What commands open before they work: settings, keyring, queue, files. */
#include "base/file.h"
#include "base/log.h"
#include "mailer/cli/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_SHOWN 20

const char *cli_config_path(const struct cli *c)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    return cli_value(
        c, "config", environment && *environment ? environment : "/etc/parcelpost/parcelpost.conf");
}

const char *cli_way_out(const struct cli *c, const struct err *e)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    bool named = cli_value(c, "config", NULL) || (environment && *environment);
    if (e->code == ERR_MISSING && !named)
        return "; name yours with --config FILE or in $PARCELPOST_CONFIG";
    if (e->code != ERR_MISSING && access(cli_config_path(c), R_OK) != 0 && errno == EACCES)
        return "; run this as the service's user, or name settings of your own with --config FILE";
    return "";
}

bool cli_conf(struct cli *c, const struct conf **out, int *exit_code)
{
    struct faults faults;
    struct err e = {0};
    faults_init(&faults, c->arena);
    if (conf_load(cli_config_path(c), &faults, out, &e))
        return true;
    if (e.code != ERR_INPUT) {
        fprintf(stderr, "parcelpost %s: %s%s\n", c->command->name, e.text, cli_way_out(c, &e));
        *exit_code = CLI_UNKNOWN;
        return false;
    }
    cli_print_faults(&faults);
    fprintf(stderr, "parcelpost %s: the settings have faults: %zu\n", c->command->name, faults.n);
    *exit_code = EX_CONFIG;
    return false;
}

bool cli_conf_in_use(struct cli *c, const struct conf **out, int *exit_code)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    bool named = cli_value(c, "config", NULL) || (environment && *environment);
    *out = NULL;
    return (!named && access(cli_config_path(c), R_OK) != 0) || cli_conf(c, out, exit_code);
}

int cli_no_storefront(const struct cli *c)
{
    return cli_usage(
        c, "%s has no storefront: add a section storefront \"acme\" { ... }", cli_config_path(c));
}

static const char *storefront_names(const struct cli *c, const struct conf *conf)
{
    AUTO(buf_close) struct buf names = {0};
    for (size_t i = 0; i < conf->storefronts_n && i < NAMES_SHOWN; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", conf->storefronts[i].name);
    if (conf->storefronts_n > NAMES_SHOWN)
        buf_addf(&names, " and %zu more", conf->storefronts_n - NAMES_SHOWN);
    return arena_text(c->arena, buf_str(&names));
}

const struct conf_storefront *cli_storefront(
    const struct cli *c, const struct conf *conf, int *exit_code)
{
    const char *wanted = cli_value(c, "storefront", "");
    const struct conf_storefront *s = conf_storefront(conf, wanted);
    if (s)
        return s;
    if (!*wanted && conf->storefronts_n == 1)
        return &conf->storefronts[0];
    if (conf->storefronts_n == 0)
        *exit_code = cli_no_storefront(c);
    else if (*wanted)
        *exit_code = cli_usage(
            c, "the settings have no storefront '%s', but: %s", wanted, storefront_names(c, conf));
    else
        *exit_code = cli_usage(c, "name one storefront with --storefront; the settings have: %s",
            storefront_names(c, conf));
    return NULL;
}

bool cli_keyring_find(const struct conf *conf, struct keyring **out, struct err *e)
{
    *out = NULL;
    if (keyring_open(conf->keyring_file, out, e))
        return true;
    if (e->code != ERR_MISSING)
        return false;
    AUTO(buf_close) struct buf queue_file = {0};
    buf_addf(&queue_file, "%s/queue.db", conf->data_dir);
    return access(buf_text(&queue_file), F_OK) != 0 ||
           err_set(e, ERR_MISSING,
               "keyring %s is missing, but %s holds data sealed with it: restore it from its "
               "backup",
               conf->keyring_file, buf_text(&queue_file));
}

/* What root makes in the folder of a service's user, that user could not read. */
static bool may_begin(const struct conf *conf, struct err *e)
{
    struct stat is;
    if (geteuid() != 0 || stat(conf->data_dir, &is) != 0 || is.st_uid == 0)
        return true;
    const struct passwd *owner = getpwuid(is.st_uid);
    char number[24];
    snprintf(number, sizeof number, "#%ju", (uintmax_t)is.st_uid);
    return err_set(e, ERR_DENIED,
        "data_dir %s belongs to %s, who could not read what root makes: run this as that user, "
        "with runuser or sudo -u",
        conf->data_dir, owner ? owner->pw_name : number);
}

bool cli_keyring(const struct conf *conf, struct keyring **out, struct err *e)
{
    if (!cli_keyring_find(conf, out, e))
        return false;
    if (*out)
        return true;
    if (!may_begin(conf, e))
        return false;
    if (!keyring_create(conf->keyring_file, e))
        return err_prefix(e, "keyring_file");
    log_warning("keyring-created", KV("file", conf->keyring_file),
        KV("advice",
            "back it up apart from the data folder: without it nothing sealed can be read"));
    return keyring_open(conf->keyring_file, out, e);
}

static bool open_desk(struct cli *c, struct cli_desk *d, int *exit_code)
{
    struct err e = {0};
    log_set_level(LOG_WARNING);
    if (!cli_conf(c, &d->conf, exit_code))
        return false;
    const struct conf_storefront *s = cli_storefront(c, d->conf, exit_code);
    if (!s)
        return false;
    d->storefront = s->name;
    d->metrics = metrics_open();
    struct queue_setup setup = {
        .dir = d->conf->data_dir,
        .node = d->conf->node,
        .role = QUEUE_TOOL,
        .clock = clock_system(),
        .metrics = d->metrics,
    };
    bool ok = cli_keyring(d->conf, &d->keys, &e);
    setup.keys = d->keys;
    ok = ok && queue_open(&setup, &d->queue, &e);
    if (!ok)
        *exit_code = cli_fail(c, &e);
    return ok;
}

bool cli_desk_open(struct cli *c, struct cli_desk *out, int *exit_code)
{
    *out = (struct cli_desk){0};
    if (open_desk(c, out, exit_code))
        return true;
    cli_desk_close(out);
    return false;
}

void cli_desk_close(struct cli_desk *d)
{
    queue_close(&d->queue);
    keyring_close(&d->keys);
    metrics_close(&d->metrics);
    conf_close(&d->conf);
}

static int wrong_operands(const struct cli *c, const struct cli_verb *v)
{
    if (v->takes && c->operands_n == 0)
        return cli_usage(c, "%s takes %s", v->name, v->takes);
    return cli_usage(c, "%s takes %s%s, not '%s'", v->name, v->takes ? v->takes : "",
        v->takes ? " and nothing more" : "no more than options", c->operands[v->takes != NULL]);
}

static bool is_among(const char *names, const char *name)
{
    struct str rest = str_of(names), one;
    while (str_next(&rest, ' ', &one))
        if (str_is(one, name))
            return true;
    return false;
}

bool cli_takes(const struct cli *c, const char *verb, const char *options, int *exit_code)
{
    for (size_t i = 0; i < c->given_n; i++)
        if (strcmp(c->given[i].name, "config") != 0 && !is_among(options, c->given[i].name)) {
            *exit_code = cli_usage(c, "%s takes no --%s", verb, c->given[i].name);
            return false;
        }
    return true;
}

int cli_run_verb(struct cli *c, const struct cli_verb *verbs, size_t n)
{
    struct str given = str_of(c->operands_n > 0 ? c->operands[0] : "");
    for (size_t i = 0; i < n; i++) {
        int code;
        AUTO(cli_desk_close) struct cli_desk desk = {0};
        if (!str_is(given, verbs[i].name))
            continue;
        c->operands++;
        c->operands_n--;
        if (c->operands_n != (verbs[i].takes != NULL))
            return wrong_operands(c, &verbs[i]);
        const char *heeded = arena_printf(c->arena, "storefront %s", verbs[i].options);
        if (!cli_takes(c, verbs[i].name, heeded, &code))
            return code;
        return cli_desk_open(c, &desk, &code) ? verbs[i].run(c, &desk) : code;
    }
    return cli_usage(c, "say one of: %s", c->command->arguments);
}

bool cli_read(const char *what, const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    if (strcmp(path, "-") == 0)
        return file_read_open(STDIN_FILENO, what, "on standard input", max_bytes, out, e);
    return file_read(what, path, max_bytes, out, e);
}

/* The code point at p, in UTF-8 of two or three bytes, if it gives orders to whoever shows it; 0 = it does not. */
static unsigned order_at(const unsigned char *p, size_t n)
{
    unsigned c = 0;
    if (n >= 2 && (p[0] & 0xe0) == 0xc0)
        c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    else if (n >= 3 && (p[0] & 0xf0) == 0xe0)
        c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    bool orders = (c >= 0x80 && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
                  (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    return orders ? c : 0;
}

void cli_write_json(const struct js *v, enum js_style style, struct buf *out)
{
    AUTO(buf_close) struct buf text = {0};
    size_t from = 0;
    js_write(v, style, &text);
    for (size_t i = 0; i < text.n; i++) {
        unsigned c = order_at((const unsigned char *)text.p + i, text.n - i);
        if (c == 0)
            continue;
        buf_add(out, str_slice(buf_str(&text), from, i));
        buf_addf(out, "\\u%04x", c);
        i += c < 0x800 ? 1 : 2;
        from = i + 1;
    }
    buf_add(out, str_slice(buf_str(&text), from, text.n));
}

void cli_print_json(const struct js *v)
{
    AUTO(buf_close) struct buf text = {0};
    cli_write_json(v, isatty(STDOUT_FILENO) ? JS_PRETTY : JS_COMPACT, &text);
    printf("%s\n", buf_text(&text));
}

const char *cli_count(struct cli *c, uint64_t n, const char *one, const char *many)
{
    return arena_printf(c->arena, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

const char *cli_actor(struct cli *c)
{
    const struct passwd *user = getpwuid(getuid());
    return arena_printf(c->arena, "user:%s", user ? user->pw_name : "unknown");
}
