/* Every command of the program, in the order in which help shows them. */
#include "mailer/cli/cli.h"

extern const struct command cmd_serve, cmd_send, cmd_render, cmd_check_dns, cmd_spf, cmd_dmarc,
    cmd_dkim, cmd_queue, cmd_suppressions, cmd_key, cmd_journal, cmd_config, cmd_backup,
    cmd_restore;

const struct command *const cli_commands[] = {
    &cmd_serve,
    &cmd_send,
    &cmd_render,
    &cmd_queue,
    &cmd_suppressions,
    &cmd_journal,
    &cmd_key,
    &cmd_backup,
    &cmd_restore,
    &cmd_check_dns,
    &cmd_dkim,
    &cmd_spf,
    &cmd_dmarc,
    &cmd_config,
};
const size_t cli_commands_n = COUNT_OF(cli_commands);
