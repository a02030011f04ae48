#include "mailer/cli/beyond.h"

#include "dns/name.h"

static bool take_lists(struct cli *c, struct audit_setup *setup, int *exit_code)
{
    const char *given[CLI_MAX_VALUES];
    char zone[NAME_SIZE];
    size_t n = cli_values(c, "dnsbl-zone", given);
    struct dnsbl_list *lists = arena_array(c->arena, n + 1, sizeof *lists);
    for (size_t i = 0; i < n; i++) {
        struct str text = str_of(given[i]);
        bool names = str_starts(text, STR("names:"));
        if (!name_canonical(str_slice(text, names ? 6 : 0, text.n), zone) ||
            name_labels(zone) < 2) {
            *exit_code = cli_usage(c, "--dnsbl-zone '%s' is no domain name of a list", given[i]);
            return false;
        }
        lists[i] = (struct dnsbl_list){.zone = arena_text(c->arena, str_of(zone)),
            .names = names,
            .ipv6 = true,
            .must = "",
            .not = "",
            .source = ""};
    }
    setup->dnsbl = lists;
    setup->dnsbl_n = n;
    if (n == 0 && cli_flag(c, "dnsbl"))
        setup->dnsbl_n = dnsbl_usual(&setup->dnsbl);
    return true;
}

static const struct probe_rules *rules_of(struct arena *a, const struct conf *conf)
{
    struct probe_rules *rules = ARENA_NEW(a, struct probe_rules);
    *rules = (struct probe_rules){.helo = ""};
    if (!conf)
        return rules;
    rules->helo = arena_text(a, str_of(conf->hostname));
    rules->port = (uint16_t)conf->smtp_port;
    rules->allow_private = conf->allow_private_destinations;
    if (conf->tls_ca_file[0])
        rules->authority_file = arena_text(a, str_of(conf->tls_ca_file));
    return rules;
}

bool beyond_take(struct cli *c, const struct conf *conf, struct audit_setup *setup, int *exit_code)
{
    if (cli_flag(c, "probe"))
        setup->probe = rules_of(c->arena, conf);
    return take_lists(c, setup, exit_code);
}
