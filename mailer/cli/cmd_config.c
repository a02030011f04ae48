#include "base/log.h"
#include "mailer/cli/cli.h"

static int check(struct cli *c)
{
    int code;
    const struct conf *conf;
    if (!cli_conf(c, &conf, &code))
        return code;
    printf("%s: fine, %zu storefronts\n", cli_config_path(c), conf->storefronts_n);
    conf_close(&conf);
    return CLI_FINE;
}

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

static int document(void)
{
    AUTO(buf_close) struct buf text = {0};
    conf_document(&text);
    fputs(buf_text(&text), stdout);
    return CLI_FINE;
}

static int run(struct cli *c)
{
    struct str verb = str_of(c->operands_n == 1 ? c->operands[0] : "");
    if (str_is(verb, "check"))
        return check(c);
    if (str_is(verb, "print"))
        return print(c);
    if (str_is(verb, "document"))
        return document();
    return cli_usage(c, "say check, print or document");
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
