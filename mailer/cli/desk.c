/* What commands open before they work: settings, keyring, queue, resolver, files. */
#include "base/log.h"
#include "mailer/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_ZONES 16
#define MAX_SERVERS 3 /* as resolv.conf(5) */

const char *cli_config_path(const struct cli *c)
{
    const char *environment = getenv("PARCELPOST_CONFIG");
    return cli_value(
        c, "config", environment && *environment ? environment : "/etc/parcelpost/parcelpost.conf");
}

bool cli_conf(struct cli *c, const struct conf **out, int *exit_code)
{
    struct faults faults;
    struct err e = {0};
    faults_init(&faults, c->arena);
    if (conf_load(cli_config_path(c), &faults, out, &e))
        return true;
    for (const struct fault *f = faults.first; f; f = f->next)
        fprintf(stderr, "%s: %s\n", f->pointer, f->detail);
    *exit_code = cli_fail(c, &e);
    if (e.code == ERR_INPUT)
        *exit_code = EX_CONFIG;
    return false;
}

bool cli_keyring(const struct conf *conf, struct keyring **out, struct err *e)
{
    if (keyring_open(conf->keyring_file, out, e) || e->code != ERR_MISSING)
        return *out != NULL;
    AUTO(buf_close) struct buf queue_file = {0};
    buf_addf(&queue_file, "%s/queue.db", conf->data_dir);
    if (access(buf_text(&queue_file), F_OK) == 0)
        return err_set(e, ERR_MISSING,
            "%s is missing, but %s holds data sealed with it: restore it from its backup",
            conf->keyring_file, buf_text(&queue_file));
    if (!keyring_create(conf->keyring_file, e))
        return false;
    log_warning("keyring-created", KV("file", conf->keyring_file),
        KV("advice",
            "back it up apart from the data folder: without it nothing sealed can be read"));
    return keyring_open(conf->keyring_file, out, e);
}

static bool choose_storefront(struct cli *c, struct cli_desk *d, int *exit_code)
{
    const char *wanted = cli_value(c, "storefront", "");
    if (*wanted) {
        const struct conf_storefront *s = conf_storefront(d->conf, wanted);
        d->storefront = s ? s->name : NULL;
        if (!s)
            *exit_code = cli_usage(c, "the settings have no storefront '%s'", wanted);
    } else if (d->conf->storefronts_n == 1) {
        d->storefront = d->conf->storefronts[0].name;
    } else {
        *exit_code = cli_usage(c, "the settings have %zu storefronts: name one with --storefront",
            d->conf->storefronts_n);
    }
    return d->storefront != NULL;
}

static bool open_desk(struct cli *c, struct cli_desk *d, int *exit_code)
{
    struct err e = {0};
    log_set_level(LOG_WARNING);
    if (!cli_conf(c, &d->conf, exit_code) || !choose_storefront(c, d, exit_code))
        return false;
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
        if (c->operands_n != verbs[i].operands)
            return cli_usage(
                c, "%s takes %d more, not %d", verbs[i].name, verbs[i].operands, c->operands_n);
        return cli_desk_open(c, &desk, &code) ? verbs[i].run(c, &desk) : code;
    }
    return cli_usage(c, "say one of: %s", c->command->arguments);
}

/* The nameserver lines of resolv.conf(5). */
static size_t system_servers(struct arena *a, const char **out)
{
    struct err e;
    AUTO(buf_close) struct buf text = {0};
    size_t n = 0;
    if (!cli_read("/etc/resolv.conf", 65536, &text, &e))
        return 0;
    struct str rest = buf_str(&text), line, word;
    while (n < MAX_SERVERS && str_next(&rest, '\n', &line)) {
        line = str_trim(line);
        if (str_starts(line, STR("nameserver")) && str_next(&line, ' ', &word))
            out[n++] = arena_text(a, str_trim(line));
    }
    return n;
}

bool cli_resolver(struct cli *c, struct resolver **out, int *exit_code)
{
    struct err e = {0};
    const char *zones[MAX_ZONES], *servers[MAX_SERVERS];
    struct resolver_setup setup = {
        .zone_files = zones,
        .zone_files_n = cli_values(c, "zone", zones, MAX_ZONES),
        .servers = servers,
        .timeout_ms = 10000,
        .clock = clock_system(),
    };
    const char *given = cli_value(c, "resolver", NULL);
    if (given && strcmp(given, "none") != 0)
        servers[setup.servers_n++] = given;
    else if (!given)
        setup.servers_n = system_servers(c->arena, servers);
    if (resolver_open(&setup, out, &e))
        return true;
    *exit_code = cli_fail(c, &e);
    if (e.code == ERR_MISSING || e.code == ERR_IO || e.code == ERR_INPUT)
        *exit_code = CLI_UNKNOWN;
    return false;
}

static void close_fd(int *fd)
{
    if (*fd > STDIN_FILENO)
        close(*fd);
}

bool cli_read(const char *path, size_t max_bytes, struct buf *out, struct err *e)
{
    AUTO(close_fd)
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_MISSING : ERR_IO, "%s: %s", path, strerror(errno));
    for (;;) {
        ssize_t n = read(fd, buf_room(out, 65536), 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_system(e, "%s", path);
        if (n == 0)
            break;
        out->n += (size_t)n;
        if (out->n > max_bytes)
            return err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
    }
    buf_add(out, STR("")); /* terminates the text */
    return true;
}

void cli_print_json(const struct js *v)
{
    AUTO(buf_close) struct buf text = {0};
    js_write(v, isatty(STDOUT_FILENO) ? JS_PRETTY : JS_COMPACT, &text);
    printf("%s\n", buf_text(&text));
}

const char *cli_actor(struct cli *c)
{
    const struct passwd *user = getpwuid(getuid());
    return arena_printf(c->arena, "user:%s", user ? user->pw_name : "unknown");
}
