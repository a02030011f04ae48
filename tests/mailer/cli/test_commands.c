/* Every command through its front door: exit codes are a contract with scripts (cli.h). */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "tests/base/expect.h"
#include "tests/mailer/cli/front.h"

#include <sys/stat.h>

#define ZONE                                                                                       \
    "$ORIGIN shop.example.\n@ 300 IN SOA ns hm 1 3600 600 86400 60\n"                              \
    "_dmarc 300 IN TXT \"v=DMARC1; p=reject\"\n@ 300 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"

static void write_mails(void)
{
    static const char text[] =
        "From: orders@shop.example\r\nTo: ada@example.com\r\n"
        "Subject: x\r\nDate: Sat, 21 Nov 2026 08:10:00 +0000\r\n\r\nHello\r\n";
    AUTO(buf_wipe) struct buf pem = {0};
    AUTO(buf_close) struct buf mail = {0}, zone = {0}, record = {0};
    AUTO(dkim_key_close) struct dkim_key *key = NULL;
    AUTO(dkim_close) struct dkim *dkim = NULL;
    struct err e = {0};

    assert_true(file_read("key", "s1.pem", 65536, &pem, &e));
    assert_true(dkim_key_open("shop.example", "s1", buf_str(&pem), &key, &e));
    assert_true(dkim_open(&(struct dkim_setup){0}, &dkim, &e));
    const struct dkim_key *keys[] = {key};
    assert_true(dkim_sign(dkim, keys, 1, str_of(text), &mail, &e));
    buf_add_text(&mail, text);
    room_write(&room, "signed.eml", buf_text(&mail), 0600);
    mail.p[mail.n - 4] = 'X';
    room_write(&room, "altered.eml", buf_text(&mail), 0600);
    room_write(&room, "plain.eml", text, 0600);
    dkim_key_record(key, &record);
    buf_addf(&zone, ZONE "s1._domainkey 300 IN TXT \"%s\"\n", buf_text(&record));
    room_write(&room, "shop.zone", buf_text(&zone), 0600);
    room_write(&room, "zoned.conf", "zone_files = {\"shop.zone\"}\nresolvers = {}\n", 0600);
    room_write(&room, "draft.zone",
        "$ORIGIN shop.example.\n@ 300 IN SOA ns hm 1 3600 600 86400 60\n"
        "@ 300 IN TXT \"v=spf1 -all\"\n",
        0600);
    room_write(&room, "lanes.conf", "lanes = none\n", 0600);
}

static int open_room(void **state)
{
    int failed = front_open(state);

    write_mails();
    return failed;
}

static void every_command_has_help_with_an_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_commands_n; i++) {
        const struct command *k = cli_commands[i];
        char line[64];

        snprintf(line, sizeof line, i % 2 ? "%s --help" : "help %s", k->name);
        assert_int_equal(program_run(line), CLI_FINE);
        expect_in(k->name, buf_str(&program_out), k->example);
        expect(k->name, k->options_n <= CLI_MAX_OPTIONS, "room for its options");
        for (size_t j = 0; j < k->options_n; j++)
            expect_in(k->name, buf_str(&program_out), k->options[j].name);
    }
}

static void the_overview_names_every_command_and_the_version(void **state)
{
    (void)state;
    assert_int_equal(program_run("--help"), CLI_FINE);
    for (size_t i = 0; i < cli_commands_n; i++)
        expect_in("overview", buf_str(&program_out), cli_commands[i]->name);
    expect_in("overview", buf_str(&program_out), "`parcelpost --version` the version");
}

static void verifying_tells_pass_fail_and_not_known_apart(void **state)
{
    static const struct run table[] = {
        {"signed", "dkim verify signed.eml --zone shop.zone --resolver none", CLI_FINE, "pass"},
        {"as JSON", "dkim verify signed.eml --zone shop.zone --resolver none --json", CLI_FINE,
            "\"result\":\"pass\""},
        {"altered", "dkim verify altered.eml --zone shop.zone --resolver none", CLI_FINDINGS,
            "fail"},
        {"unsigned", "dkim verify plain.eml --zone shop.zone --resolver none", CLI_FINDINGS,
            "no signature"},
        {"DNS that fails", "dkim verify signed.eml --resolver none", CLI_UNKNOWN, "temperror"},
        {"no such mail", "dkim verify absent.eml --resolver none", CLI_UNKNOWN, "absent.eml"},
        {"a folder", "dkim verify . --resolver none", CLI_UNKNOWN, "directory"},
        {"no such zone", "dkim verify signed.eml --zone absent.zone", CLI_UNKNOWN, "absent.zone"},
        {"no mail named", "dkim verify --resolver none", EX_USAGE, ""},
        {"a wrong resolver", "dkim verify signed.eml --resolver 1.2.3", EX_USAGE, "--resolver"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

static void dmarc_tells_pass_fail_and_not_known_apart(void **state)
{
    static const struct run table[] = {
        {"aligned", "dmarc --from shop.example --dkim shop.example=pass --zone shop.zone", CLI_FINE,
            "pass"},
        {"not aligned",
            "dmarc --from shop.example --dkim shop.example=fail --zone shop.zone --resolver none",
            CLI_FINDINGS, "fail"},
        {"DNS that fails", "dmarc --from other.example --resolver none", CLI_UNKNOWN, "temperror"},
        {"a final dot and any case",
            "dmarc --from Shop.EXAMPLE. --dkim SHOP.example.=pass --zone shop.zone", CLI_FINE,
            "pass"},
        {"to check-dns too", "check-dns SHOP.example. --zone shop.zone --resolver none",
            CLI_FINDINGS, "shop.example"},
        {"a dot too many for check-dns", "check-dns shop.example..", EX_USAGE, "empty label"},
        {"a dot too many", "dmarc --from shop.example.. --zone shop.zone", EX_USAGE, "empty label"},
        {"no From", "dmarc --resolver none", EX_USAGE, "--from"},
        {"no result", "dmarc --from shop.example --spf shop.example", EX_USAGE, "RESULT"},
        {"an unknown result", "dmarc --from shop.example --spf shop.example=good", EX_USAGE,
            "good"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

#define SPF "spf --helo mx.shop.example --mail-from a@shop.example --ip 192.0.2.1 "
#define DMARC "dmarc --from shop.example --dkim shop.example=pass "

static void the_settings_dns_answers_every_command_unless_an_option_names_another(void **state)
{
    static const struct run table[] = {
        {"a signature", "dkim verify signed.eml --config zoned.conf", CLI_FINE, "pass"},
        {"SPF", SPF "--config zoned.conf", CLI_FINE, "decided by   ip4:192.0.2.1"},
        {"DMARC", DMARC "--config zoned.conf", CLI_FINE, "_dmarc.shop.example"},
        {"a draft of the same zone", SPF "--config zoned.conf --zone draft.zone", CLI_FINDINGS,
            "decided by   -all"},
        {"two drafts", SPF "--config zoned.conf --zone draft.zone --zone shop.zone", CLI_UNKNOWN,
            "both the zone"},
        {"an audit", "check-dns shop.example --config zoned.conf", CLI_FINDINGS, "p=reject"},
        {"a signature, another", "dkim verify signed.eml --config zoned.conf --resolver none",
            CLI_UNKNOWN, "temperror"},
        {"SPF, another", SPF "--config zoned.conf --resolver none", CLI_UNKNOWN, "temperror"},
        {"DMARC, another", DMARC "--config zoned.conf --resolver none", CLI_UNKNOWN, "temperror"},
        {"then settings are not read", DMARC "--config lanes.conf --resolver none --zone shop.zone",
            CLI_FINE, "pass"},
        {"faulty settings", DMARC "--config lanes.conf", EX_CONFIG, "lanes.conf:1"},
        {"lost settings", SPF "--config absent.conf", CLI_UNKNOWN, "absent.conf"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

static void keys_are_made_once_and_privately(void **state)
{
    static const struct run table[] = {
        {"new", "dkim new --domain shop.example --selector e1 --algorithm ed25519 --out e1.pem",
            CLI_FINE, "e1._domainkey.shop.example. 300 IN TXT"},
        {"again", "dkim new --domain shop.example --selector e1 --algorithm ed25519 --out e1.pem",
            EX_CANTCREAT, "exists already"},
        {"no folder", "dkim new --domain shop.example --selector e1 --out absent/e1.pem",
            EX_CANTCREAT, "absent"},
        {"too short", "dkim new --domain shop.example --selector e1 --bits 1024 --out x.pem",
            EX_USAGE, "2048"},
        {"a wrong domain", "dkim new --domain shop --selector a.. --out x.pem", EX_DATAERR,
            "selector"},
        {"a new one in the place of none", "dkim rotate start --storefront acme --selector pp1",
            EX_USAGE, "storefront acme has no dkim \"pp1\"; it has: \"s1\""},
        {"list", "dkim list", CLI_FINE, "s1._domainkey.bold.example"},
        {"a zone of which", "dkim zone", EX_USAGE, "--storefront"},
        {"a zone", "dkim zone --storefront bold", CLI_FINE, "$ORIGIN bold.example."},
        {"nobody's zone", "dkim zone --storefront none", EX_USAGE, "none"},
    };
    struct stat st;
    (void)state;

    EACH(row, table)
    expect_run(row);
    assert_int_equal(stat("e1.pem", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

#define SHIP(data) "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":" data "}"

static void sending_tells_faults_and_lost_files_apart(void **state)
{
    static const struct run table[] = {
        {"accepted", "send ok.json --storefront acme", CLI_FINE, "\"state\":\"queued\""},
        {"with a key", "send ok.json --storefront acme --idempotency-key k1", CLI_FINE, "msg_"},
        {"repeated", "send ok.json --storefront acme --idempotency-key k1", CLI_FINE, "repeated"},
        {"another under that key", "send other.json --storefront acme --idempotency-key k1",
            CLI_FINDINGS, "another request; use a new key for a new mail\n"},
        {"faults", "send faulty.json --storefront acme", CLI_FINDINGS, "/data/number"},
        {"no JSON", "send s1.pem --storefront acme", CLI_FINDINGS, "invalid token"},
        {"the whole", "send s1.pem --storefront acme", CLI_FINDINGS, "\"\": line 1 column "},
        {"no such file", "send absent.json --storefront acme", CLI_UNKNOWN, "absent.json"},
        {"of which storefront", "send ok.json", EX_USAGE, "--storefront"},
        {"nothing", "send --storefront acme", EX_USAGE, ""},
        {"listed", "queue list --storefront acme --json", CLI_FINE, "\"template\":\"note\""},
        {"not there", "queue show msg_00000000000000000000000000 --storefront acme", CLI_FINDINGS,
            ""},
        {"not there to cancel", "queue cancel msg_00000000000000000000000000 --storefront acme",
            CLI_FINDINGS, "is not there"},
        {"an unknown state", "queue list --storefront acme --state lost", EX_USAGE, "lost"},
        {"too many rows", "queue list --storefront acme --max 1001", EX_USAGE, "1000"},
        {"no verb", "queue", EX_USAGE, "list|show"},
        {"no ID", "queue show --storefront acme", EX_USAGE, "show takes a message's ID\n"},
        {"two IDs", "queue hold a b --storefront acme", EX_USAGE,
            "hold takes a message's ID and nothing more, not 'b'"},
        {"no code", "queue release-all --storefront acme", EX_USAGE, "takes the code of a hold"},
        {"an ID to list", "queue list a --storefront acme", EX_USAGE,
            "list takes no more than options, not 'a'"},
        {"no key", "key revoke --storefront acme", EX_USAGE, "revoke takes a key's ID"},
        {"no address", "suppressions add --storefront acme", EX_USAGE, "add takes an address"},
        {"counts", "queue stats --storefront acme --json", CLI_FINE, "\"queued\":2"},
        {"one chain", "journal verify --storefront acme", CLI_FINE, "\n1 chain verified\n"},
    };
    (void)state;

    room_write(&room, "ok.json", SHIP("{\"name\":\"Ada\",\"number\":\"1\"}"), 0600);
    room_write(&room, "other.json", SHIP("{\"name\":\"Ada\",\"number\":\"2\"}"), 0600);
    room_write(&room, "faulty.json", SHIP("{\"name\":\"Ada\"}"), 0600);
    EACH(row, table)
    expect_run(row);
}

/* Runs behind the sending: two messages wait. */
static void a_copy_goes_out_and_comes_back_held(void **state)
{
    static const struct run table[] = {
        {"no folder", "backup", EX_USAGE, "--keys"},
        {"copied", "backup copy1 --keys copy2", CLI_FINE, "copy2: keys.db as of"},
        {"told what was checked", "backup copy0 --keys copy6", CLI_FINE,
            "structure checked\nwhat its rows say is checked by restore"},
        {"as JSON", "backup copy3 --json", CLI_FINE, "\"checked\":\"structure\""},
        {"keys alone", "backup --keys copy4", CLI_FINE, "keys.db"},
        {"told where the keys are", "backup copy5", CLI_FINE, "keys are not in it"},
        {"exists already", "backup copy1", EX_CANTCREAT, "exists already"},
        {"no folder above", "backup absent/copy", EX_IOERR,
            "absent does not exist: make it first\n"},
        {"nothing named", "restore", EX_USAGE, "backup"},
        {"no copy", "restore absent", EX_CANTCREAT, "--force"},
        {"no copy, with force", "restore absent --force", EX_NOINPUT, "absent/manifest.json"},
        {"in use", "restore copy1", EX_CANTCREAT, "--force"},
        {"a copy of the keys", "restore copy2 --force", EX_DATAERR, "not about a copy of queue.db"},
        {"restored", "restore copy1 --force", CLI_FINE,
            "2 messages wait. Those that were delivered after the copy was taken would be sent a "
            "second time;\nall of them are marked `unsure`, and 2 are HELD as `restored`"},
        {"one chain, two messages", "restore copy1 --keys copy2 --force", CLI_FINE,
            "journal: 1 chain, 0 broken\n"},
        {"what is lost is said", "restore copy1 --keys copy2 --force", CLI_FINE, "LOST"},
        {"released", "queue release-all restored --storefront acme", CLI_FINE, "2 messages"},
        {"none left", "queue release-all restored --storefront acme", CLI_FINDINGS,
            "0 messages held as restored released; `parcelpost queue stats` shows"},
        {"not held", "restore copy1 --force --release", CLI_FINE, "would be sent a second time"},
        {"whole chains", "journal verify --storefront acme", CLI_FINE, "verified"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

/* Runs behind the restores: the queue has its files. */
static void a_backup_as_json_is_one_value(void **state)
{
    static const struct {
        const char *name, *line;
        int code;
        const char *file, *keys;
    } table[] = {
        {"the queue", "backup j1 --json", CLI_FINE, "queue.db", ""},
        {"the keys", "backup --keys j2 --json", CLI_FINE, "keys.db", ""},
        {"both", "backup j3 --keys j4 --json", CLI_FINE, "queue.db", "keys.db"},
        {"the second fails", "backup j5 --keys j4 --json", EX_CANTCREAT, "queue.db", ""},
    };
    (void)state;

    EACH(row, table)
    {
        AUTO(js_close) struct js *o = NULL;
        struct err e = {0};
        expect_int(row->name, program_run(row->line), row->code);
        expect(row->name, js_parse(buf_str(&program_out), &o, &e), e.text);
        expect_str(row->name, js_get_text(o, "file"), str_of(row->file));
        expect_str(row->name, js_get_text(js_get(o, "keys"), "file"), str_of(row->keys));
    }
}

static void keys_and_suppressions_answer_with_a_verdict(void **state)
{
    static const struct run table[] = {
        {"a key", "key create --storefront acme --label shop", CLI_FINE, "shown this once"},
        {"listed", "key list --storefront acme", CLI_FINE, "send,read"},
        {"an unknown role", "key create --storefront acme --roles king", EX_USAGE, "--roles"},
        {"no such key", "key revoke key_none --storefront acme", CLI_FINDINGS, "no key"},
        {"suppressed", "suppressions add eve@example.com --storefront acme", CLI_FINE,
            "suppressed"},
        {"before", "suppressions add eve@example.com --storefront acme", CLI_FINE, "before"},
        {"exported", "suppressions export --storefront acme --with-addresses", CLI_FINE,
            "eve@example.com"},
        {"lifted without a reason", "suppressions lift eve@example.com --storefront acme", EX_USAGE,
            "--note"},
        {"lifted", "suppressions lift eve@example.com --note asked --storefront acme", CLI_FINE,
            "1 lifted"},
        {"nothing to lift", "suppressions lift eve@example.com --note asked --storefront acme",
            CLI_FINDINGS, "0 lifted"},
        {"no address", "suppressions add eve --storefront acme", EX_DATAERR, "@"},
        {"a wrong time", "suppressions list --storefront acme --since yesterday", EX_USAGE,
            "--since"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

/* Passed over, they would let something else happen than was asked for. */
static void an_option_that_a_verb_does_not_heed_is_refused(void **state)
{
    static const struct run table[] = {
        {"a filter of a list", "suppressions add a@x.example --storefront acme --since x", EX_USAGE,
            "add takes no --since"},
        {"a format", "suppressions list --storefront acme --format jsonl", EX_USAGE, "--format"},
        {"JSON of a change", "queue hold msg_x --storefront acme --json", EX_USAGE, "--json"},
        {"a filter of counts", "queue stats --storefront acme --state held", EX_USAGE, "--state"},
        {"roles of a list", "key list --storefront acme --roles send", EX_USAGE, "--roles"},
        {"a list of keys as JSON", "dkim list --json", EX_USAGE, "list takes no --json"},
        {"one storefront's keys", "dkim list --storefront acme", EX_USAGE, "--storefront"},
        {"a zone as JSON", "dkim zone --storefront acme --json", EX_USAGE, "zone takes no --json"},
        {"a new key as JSON", "dkim new --domain a.example --json", EX_USAGE, "--json"},
        {"a selector to verify", "dkim verify plain.eml --selector s1", EX_USAGE, "--selector"},
        {"a rotation that goes on, not begins", "dkim rotate --new-selector s2", EX_USAGE,
            "rotate takes no --new-selector"},
        {"an algorithm to go on", "dkim rotate --algorithm rsa", EX_USAGE, "--algorithm"},
        {"a beginning that waits", "dkim rotate start --storefront acme --wait 1", EX_USAGE,
            "rotate start takes no --wait"},
        {"an old key of what ends", "dkim rotate cancel --delete-old", EX_USAGE,
            "rotate cancel takes no --delete-old"},
        {"an old key of what goes back", "dkim rotate back --delete-old", EX_USAGE,
            "rotate back takes no --delete-old"},
        {"an old key to look at", "dkim rotate status --delete-old", EX_USAGE,
            "rotate status takes no --delete-old"},
        {"a draft to go on with", "dkim rotate --zone x", EX_USAGE,
            "--zone is for `dkim rotate status`"},
        {"another verb", "dkim rotate on", EX_USAGE, "rotate takes start, status, cancel, back"},
        {"records as JSON", "check-dns shop.example --fix --json --resolver none", EX_USAGE,
            "leave --json out"},
        {"two labels", "key create --storefront acme --label a --label b", EX_USAGE,
            "--label takes one value"},
        {"settings are taken by all", "dkim list --config settings.conf", CLI_FINE, "s1"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

static void rendering_tells_faults_and_lost_files_apart(void **state)
{
    static const struct run table[] = {
        {"a mail", "render note --data data.json --storefront acme --part text", CLI_FINE,
            "Dear Ada"},
        {"in German", "render note --data data.json --storefront acme --locale de", CLI_FINE,
            "Bestellung 1"},
        {"in no language", "render note --data data.json --storefront acme --locale xx__", EX_USAGE,
            "--locale 'xx__' must be a language tag"},
        {"in none that is there", "render note --data data.json --storefront acme --locale fr",
            CLI_FINE, "Dear Ada"},
        {"a whole request", "render note --data request.json --storefront acme", CLI_FINE,
            "Dear Ada"},
        {"told so", "render note --data request.json --storefront acme", CLI_FINE, "whole request"},
        {"the preheader", "render note --data data.json --storefront acme --part preheader",
            CLI_FINE, "1"},
        {"faults", "render note --data short.json --storefront acme", CLI_FINDINGS, "/number"},
        {"a file", "render --file hello.mustache --data data.json", CLI_FINE, "Hello &lt;Ada&gt;"},
        {"no such data", "render note --data absent.json --storefront acme", CLI_UNKNOWN,
            "absent.json"},
        {"no such file", "render --file absent.mustache --data data.json", CLI_UNKNOWN,
            "absent.mustache"},
        {"no such mail", "render none --data data.json --storefront acme", EX_NOINPUT, "none"},
        {"no JSON", "render note --data s1.pem --storefront acme", EX_DATAERR, "s1.pem"},
        {"a broken file", "render --file broken.mustache --data data.json", EX_DATAERR, "line 1"},
        {"both", "render note --file hello.mustache --data data.json", EX_USAGE, ""},
        {"no data", "render note --storefront acme", EX_USAGE, "--data"},
        {"no such part", "render note --data data.json --part body", EX_USAGE, "--part"},
    };
    (void)state;

    room_write(&room, "data.json", "{\"name\":\"Ada\",\"number\":\"1\"}", 0600);
    room_write(&room, "short.json", "{\"name\":\"Ada\"}", 0600);
    room_write(&room, "request.json",
        "{\"template\":\"note\",\"data\":{\"name\":\"Ada\",\"number\":\"1\"}}", 0600);
    room_write(&room, "hello.mustache", "Hello &lt;{{name}}&gt;", 0600);
    room_write(&room, "broken.mustache", "{{#a}}", 0600);
    EACH(row, table)
    expect_run(row);
}

static void which_storefront_is_told_by_their_names(void **state)
{
    static const struct run table[] = {
        {"one of several", "queue stats", EX_USAGE,
            "--storefront; the settings have: acme, bold\n"},
        {"another", "queue stats --storefront cold", EX_USAGE,
            "no storefront 'cold', but: acme, bold\n"},
        {"one of many", "queue stats --config many.conf", EX_USAGE, ", s18, s19 and 3 more\n"},
        {"one of none", "queue stats --config none.conf", EX_USAGE,
            "none.conf has no storefront: add a section storefront \"acme\" { ... }\n"},
        {"another than none", "queue stats --config none.conf --storefront acme", EX_USAGE,
            "none.conf has no storefront"},
        {"the domains of none", "check-dns --all --config none.conf --resolver none", EX_USAGE,
            "none.conf has no storefront"},
    };
    AUTO(buf_close) struct buf many = {0};
    (void)state;

    buf_add_text(&many, "public_url = https://post.example\n");
    room_write(&room, "none.conf", "data_dir = data\nkeyring_file = keyring\n", 0600);
    for (int i = 0; i < 23; i++)
        buf_addf(&many, "storefront s%d { from = a@b.example }\n", i);
    room_write(&room, "many.conf", buf_text(&many), 0600);
    EACH(row, table)
    expect_run(row);
}

/* Whoever runs it by cron would else see an exit code and nothing. */
static void a_watch_that_cannot_tell_names_what(void **state)
{
#define WATCH "check-dns shop.example --resolver none --watch check.watch"
#define SAYS                                                                                       \
    "parcelpost check-dns: the DNS leaves open whether there are errors in shop.example: the DNS " \
    "did not answer for shop.example (timeout)\n"
    static const struct run table[] = {
        {"the first look", WATCH, CLI_UNKNOWN, "no first look"},
        {"no news", WATCH, CLI_UNKNOWN, ""},
        {"as JSON", WATCH " --json", CLI_UNKNOWN, ""},
    };
    (void)state;

    EACH(row, table)
    {
        expect_run(row);
        expect_text(row->name, buf_text(&program_err), SAYS);
        expect(row->name, (program_out.n > 0) == (row->says[0] != 0), "its news on stdout");
    }
#undef WATCH
#undef SAYS
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_with_an_example),
        cmocka_unit_test(the_overview_names_every_command_and_the_version),
        cmocka_unit_test(verifying_tells_pass_fail_and_not_known_apart),
        cmocka_unit_test(dmarc_tells_pass_fail_and_not_known_apart),
        cmocka_unit_test(the_settings_dns_answers_every_command_unless_an_option_names_another),
        cmocka_unit_test(keys_are_made_once_and_privately),
        cmocka_unit_test(sending_tells_faults_and_lost_files_apart),
        cmocka_unit_test(a_copy_goes_out_and_comes_back_held),
        cmocka_unit_test(a_backup_as_json_is_one_value),
        cmocka_unit_test(keys_and_suppressions_answer_with_a_verdict),
        cmocka_unit_test(an_option_that_a_verb_does_not_heed_is_refused),
        cmocka_unit_test(which_storefront_is_told_by_their_names),
        cmocka_unit_test(rendering_tells_faults_and_lost_files_apart),
        cmocka_unit_test(a_watch_that_cannot_tell_names_what),
    };

    return cmocka_run_group_tests(tests, open_room, front_close);
}
