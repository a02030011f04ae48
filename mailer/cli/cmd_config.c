/* config -- the settings checked, printed and documented. `check` tells all that `serve` would refuse,
 * and what would keep each mail from going out later, without changing anything. */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "mailer/cli/dirs.h"
#include "mailer/intake/snapshot.h"

#define SECRET_BYTES 4096
#define CA_BYTES (16u << 20)

/* ---- check ----------------------------------------------------------------------------------- */

struct check {
    const struct conf *conf;
    struct faults faults;
};

static void add(struct check *k, const char *setting, const struct err *e)
{
    faults_add(&k->faults, "unusable", str_of(setting), "%s", e->text);
}

static bool is_in_language(struct str tag, struct str other)
{
    return str_eq_nocase(str_slice(tag, 0, str_find_char(tag, '-', 0)),
        str_slice(other, 0, str_find_char(other, '-', 0)));
}

/* No fault, since `serve` takes it; but customers would be the first to notice. */
static void note_language(const struct snapshot *s, const struct conf_storefront *conf)
{
    const struct shop *shop = snapshot_shop(s, conf->name);
    struct str wanted = str_of(conf->locale);
    const char *texts = mails_locale(snapshot_shop_mails(s, shop), wanted, STR(""));
    if (!is_in_language(str_of(texts), wanted))
        printf("note: storefront %s: there are no texts for its locale %s: its mails are written "
               "in %s "
               "until locales/%s.json is in its templates_dir\n",
            conf->name, conf->locale, texts, conf->locale);
}

/* Templates, DKIM keys, logos and addresses of every storefront. */
static void check_storefronts(struct check *k)
{
    AUTO(snapshot_close) struct snapshot *s = NULL;
    struct err e = {0};
    size_t before = k->faults.n;
    if (!snapshot_open(k->conf, NULL, &k->faults, &s, &e) && k->faults.n == before)
        add(k, "storefront", &e);
    for (size_t i = 0; s && i < k->conf->storefronts_n; i++)
        note_language(s, &k->conf->storefronts[i]);
}

/* Folders that the service makes where they are not there, but not the folders above. */
static void check_folders(struct check *k)
{
    struct err e = {0};
    if (!dirs_is_writable(k->conf->data_dir, NULL, &e))
        add(k, "/data_dir", &e);
    /* Only a sandbox writes there, and a service need not be able to. */
    if (!dirs_is_there(k->conf->captured_dir, k->conf->data_dir, &e))
        add(k, "/captured_dir", &e);
}

/* Without a keyring there is no queue yet: the service makes one. */
static void check_keyring(struct check *k)
{
    AUTO(keyring_close) struct keyring *keys = NULL;
    struct err e = {0};
    if (!cli_keyring_find(k->conf, &keys, &e) ||
        (!keys && !dirs_is_writable(k->conf->keyring_file, NULL, &e)))
        add(k, "/keyring_file", &e);
}

static void check_dns(struct check *k)
{
    AUTO(resolver_close) struct resolver *r = NULL;
    struct err e = {0};
    struct resolver_setup setup = {
        .servers = k->conf->resolvers,
        .servers_n = k->conf->resolvers_n,
        .zone_files = k->conf->zone_files,
        .zone_files_n = k->conf->zone_files_n,
        .clock = clock_system(),
    };
    if (!resolver_open(&setup, &r, &e))
        add(k, "/zone_files", &e);
    if (setup.servers_n == 0 && setup.zone_files_n == 0)
        faults_add(&k->faults, "unusable", STR("/resolvers"),
            "there are none, and no zone_files: no host could be found, and no mail would go out");
}

static void check_password(struct check *k, const struct conf_smart_host *h)
{
    AUTO(buf_wipe) struct buf text = {0};
    struct err e = {0};
    struct str line = STR("");
    if (!h->password_file[0])
        return;
    bool ok = file_read("password file", h->password_file, SECRET_BYTES, &text, &e);
    struct str rest = buf_str(&text);
    if (ok && (!str_next(&rest, '\n', &line) || str_trim(line).n == 0))
        ok = err_set(&e, ERR_INPUT, "password file %s: its first line is empty", h->password_file);
    if (!ok)
        add(k, arena_printf(k->faults.arena, "/smart_host/%s/password_file", h->name), &e);
}

static void check_files(struct check *k)
{
    AUTO(buf_close) struct buf text = {0};
    struct err e = {0};
    const char *ca = k->conf->tls_ca_file;
    if (*ca && !file_read("tls_ca_file", ca, CA_BYTES, &text, &e))
        add(k, "/tls_ca_file", &e);
    for (size_t i = 0; i < k->conf->smart_hosts_n; i++)
        check_password(k, &k->conf->smart_hosts[i]);
}

static int check(struct cli *c)
{
    int code;
    struct check k = {0};
    if (!cli_conf(c, &k.conf, &code))
        return code == EX_CONFIG ? CLI_FINDINGS : code;
    faults_init(&k.faults, c->arena);
    check_storefronts(&k);
    check_folders(&k);
    check_keyring(&k);
    check_dns(&k);
    check_files(&k);
    size_t storefronts = k.conf->storefronts_n;
    cli_print_setting_faults(k.conf, &k.faults);
    conf_close(&k.conf);
    if (k.faults.n > 0) {
        fprintf(stderr, "parcelpost config: %s: faults: %zu\n", cli_config_path(c), k.faults.n);
        return CLI_FINDINGS;
    }
    printf("%s: fine, storefronts: %zu\n", cli_config_path(c), storefronts);
    return CLI_FINE;
}

/* ---- print, document ------------------------------------------------------------------------- */

static int print(struct cli *c)
{
    int code;
    const struct conf *conf;
    AUTO(buf_close) struct buf text = {0};
    if (!cli_conf(c, &conf, &code))
        return code;
    conf_print(conf, &text);
    fputs(buf_text(&text), stdout);
    conf_close(&conf);
    return CLI_FINE;
}

static int document(struct cli *c)
{
    AUTO(buf_close) struct buf text = {0};
    (void)c;
    conf_document(&text);
    fputs(buf_text(&text), stdout);
    return CLI_FINE;
}

static int run(struct cli *c)
{
    static const struct {
        const char *name;
        int (*run)(struct cli *c);
    } verbs[] = {{"check", check}, {"print", print}, {"document", document}};
    struct str verb = str_of(c->operands_n == 1 ? c->operands[0] : "");
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (str_is(verb, verbs[i].name))
            return verbs[i].run(c);
    return cli_usage(c, "say one of: %s", c->command->arguments);
}

static const struct cli_option options[] = {CLI_CONFIG_OPTION};

const struct command cmd_config = {
    .name = "config",
    .arguments = "check|print|document",
    .summary = "check the settings, print them with their defaults, or print their documentation",
    .options = options,
    .options_n = COUNT_OF(options),
    .example = "  parcelpost config check --config parcelpost.conf",
    .run = run,
};
