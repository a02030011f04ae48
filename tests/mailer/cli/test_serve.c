/* What `config check` tells of settings, and what `serve` says where it does not start. */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "tests/base/expect.h"
#include "tests/mailer/cli/front.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_S 60 /* a service that does start would serve for ever */

/* What the settings of the room become, and what `config check` must say of it. */
static void a_check_tells_what_serve_would_refuse(void **state)
{
    static const struct {
        const char *name, *from, *to;
        int code;
        const char *says;
    } table[] = {
        {"as they are", "", "", CLI_FINE, "fine"},
        {"a wrong value", "listen_port = 0", "listen_port = 99999", CLI_FINDINGS, "bad.conf:"},
        {"no such key file", "\"s1.pem\"", "\"absent.pem\"", CLI_FINDINGS,
            "bad.conf:25: /storefront/acme/dkim/s1/key_file: private key"},
        {"no templates", "\"templates\"", "\"absent\"", CLI_FINDINGS, "/templates_dir"},
        {"a keyring that is none", "\"keyring\"", "\"s1.pem\"", CLI_FINDINGS, "/keyring_file"},
        {"a lost keyring", "\"keyring\"", "\"absent\"", CLI_FINDINGS, "restore it"},
        {"no such zone", "node = \"n1\"", "zone_files = {\"absent.zone\"}", CLI_FINDINGS,
            "/zone_files"},
        {"no DNS at all", "node = \"n1\"", "resolvers = {}", CLI_FINDINGS,
            "/resolvers: there are none"},
        {"zone files are a DNS", "node = \"n1\"", "resolvers = {}\nzone_files = {\"shop.zone\"}",
            CLI_FINE, "fine"},
        {"a data folder to be made", "\"data\"", "\"fresh\"", CLI_FINE, "fine"},
        {"nowhere to make it", "\"data\"", "\"absent/data\"", CLI_FINDINGS,
            "/absent: No such file"},
        {"a data folder that is none", "\"data\"", "\"s1.pem\"", CLI_FINDINGS,
            "s1.pem is not a folder"},
        {"a data folder in a file", "\"data\"", "\"s1.pem/data\"", CLI_FINDINGS,
            "/data_dir: folder"},
        {"slashes behind it", "\"data\"", "\"fresh//\"", CLI_FINE, "fine"},
        {"a data folder for nobody", "\"data\"", "\"/proc/sys/data\"", CLI_FINDINGS,
            "/data_dir: folder /proc/sys, for user"},
        {"nowhere for a keyring", "data_dir = \"data\"\nkeyring_file = \"keyring\"",
            "data_dir = \"fresh\"\nkeyring_file = \"absent/keyring\"", CLI_FINDINGS,
            "/keyring_file: folder"},
        {"captured by nobody", "node = \"n1\"", "captured_dir = \"/proc/sys/captured\"", CLI_FINE,
            "fine"},
        {"nowhere to capture", "node = \"n1\"", "captured_dir = \"absent/captured\"", CLI_FINDINGS,
            "/captured_dir: folder"},
        {"captured in a data folder to be made", "data_dir = \"data\"",
            "data_dir = \"fresh/\"\ncaptured_dir = \"fresh/captured\"", CLI_FINE, "fine"},
        {"captured below one that nobody makes", "data_dir = \"data\"",
            "data_dir = \"fresh\"\ncaptured_dir = \"fresh/mails/captured\"", CLI_FINDINGS,
            "/captured_dir: folder"},
        {"no such authorities", "node = \"n1\"", "tls_ca_file = \"absent.pem\"", CLI_FINDINGS,
            "/tls_ca_file"},
        {"no password", "host = \"relay.example\"",
            "host = relay.example\nuser = u\npassword_file = \"absent\"", CLI_FINDINGS,
            "/smart_host/relay/password_file"},
        {"an empty password", "host = \"relay.example\"",
            "host = relay.example\nuser = u\npassword_file = \"empty\"", CLI_FINDINGS,
            "its first line is empty"},
        {"a shop without https", "postal_address = ",
            "url = \"http://x.example\"\npostal_address = ", CLI_FINDINGS, "https"},
        {"a language without texts", "locale = \"de\"", "locale = \"fr-CA\"", CLI_FINE,
            "note: storefront bold: there are no texts for its locale fr-CA: its mails are "
            "written in en until locales/fr-CA.json"},
        {"a region of a language", "locale = \"de\"", "locale = \"DE-at\"", CLI_FINE,
            "bad.conf: fine, storefronts: "},
    };
    AUTO(buf_close) struct buf right = {0};
    struct err e = {0};
    (void)state;

    assert_true(file_read("settings", "settings.conf", 65536, &right, &e));
    room_write(&room, "empty", "\n", 0600);
    room_write(&room, "shop.zone",
        "$ORIGIN shop.example.\n@ 300 IN SOA ns hm 1 3600 600 86400 60\n", 0600);
    EACH(row, table)
    {
        AUTO(buf_close) struct buf text = {0};
        struct run run = {row->name, "config check --config bad.conf", row->code, row->says};
        size_t at = str_find(buf_str(&right), str_of(row->from), 0);
        expect(row->name, at < right.n, "the setting to change");
        buf_add(&text, str_slice(buf_str(&right), 0, at));
        buf_add_text(&text, row->to);
        buf_add(&text, str_slice(buf_str(&right), at + strlen(row->from), right.n));
        room_write(&room, "bad.conf", buf_text(&text), 0600);
        expect_run(&run);
        expect(row->name, !strstr(buf_text(&program_out), "note:") == !strstr(row->says, "note:"),
            "a note where one is due");
    }
}

static void settings_that_cannot_be_read_are_not_to_tell(void **state)
{
    static const struct run table[] = {
        {"check", "config check --config absent.conf", CLI_UNKNOWN, "absent.conf"},
        {"print", "config print --config absent.conf", CLI_UNKNOWN, "absent.conf"},
        {"another command", "queue stats --config absent.conf", CLI_UNKNOWN, "absent.conf"},
        {"faults in another command", "queue stats --config faulty.conf", EX_CONFIG, "nonsense"},
        {"printed", "config print", CLI_FINE, "storefront \"acme\""},
        {"documented", "config document", CLI_FINE, "# Settings"},
        {"neither", "config", EX_USAGE, "check|print"},
    };
    (void)state;

    room_write(&room, "faulty.conf", "nonsense = 1\n", 0600);
    EACH(row, table)
    expect_run(row);
}

static int count_of(const char *text)
{
    int n = 0;
    for (const char *p = buf_text(&program_err); (p = strstr(p, text)); p += strlen(text))
        n++;
    return n;
}

/* Whatever of its parts does not open, what was opened before is closed once and the reason is told. */
static void a_service_that_cannot_start_says_why(void **state)
{
    static const struct {
        const char *name, *settings, *line;
        int code;
        const char *says;
    } table[] = {
        {"no place for the keyring", "keyring_file = \"absent/keyring\"\ndata_dir = \"fresh\"\n",
            "serve --config serve.conf", EX_IOERR, "keyring_file: keyring "},
        {"no place for what the sandbox captures",
            "keyring_file = \"keyring\"\ndata_dir = \"fresh\"\ncaptured_dir = "
            "\"/proc/nope/captured\"\n",
            "serve --sandbox --config serve.conf", EX_IOERR, "captured_dir: folder /proc/nope"},
        {"no place for the queue", "keyring_file = \"keyring\"\ndata_dir = \"/proc/nope\"\n",
            "serve --config serve.conf", EX_IOERR,
            "data_dir: cannot make the data folder /proc/nope"},
        {"another keyring", "keyring_file = \"other\"\ndata_dir = \"data\"\n",
            "serve --config serve.conf", EX_IOERR, "serve: the keyring is not the one that"},
        {"a key that is not there",
            "keyring_file = \"keyring\"\ndata_dir = \"fresh\"\ntemplates_dir = \"templates\"\n"
            "public_url = \"https://post.shop.example\"\nlisten_port = 0\n"
            "storefront \"acme\" { from = orders@shop.example dkim s1 { key_file = absent.pem } "
            "}\n",
            "serve --config serve.conf", EX_CONFIG, "serve: the settings have faults: 1"},
        {"its place in the file",
            "keyring_file = \"keyring\"\ndata_dir = \"fresh\"\ntemplates_dir = \"templates\"\n"
            "public_url = \"https://post.shop.example\"\nlisten_port = 0\n"
            "storefront \"acme\" { from = orders@shop.example dkim s1 { key_file = absent.pem } "
            "}\n",
            "serve --config serve.conf", EX_CONFIG,
            "at=serve.conf:6 text=\"/storefront/acme/dkim/s1/key_file: private key "},
        {"no settings", "", "serve --config absent.conf", CLI_UNKNOWN, "absent.conf"},
        {"a fault", "nonsense = 1\n", "serve --config serve.conf", EX_CONFIG,
            "serve: the settings have faults: 1"},
    };
    struct err e = {0};
    sigset_t before;
    (void)state;

    assert_true(keyring_create("other", &e));
    pthread_sigmask(SIG_SETMASK, NULL, &before); /* serve waits for signals, and blocks them */
    alarm(LONG_S);
    EACH(row, table)
    {
        struct run run = {row->name, row->line, row->code, row->says};
        room_write(&room, "serve.conf", row->settings, 0600);
        expect_run(&run);
    }
    assert_int_equal(count_of("serve.conf:1"), 1); /* the fault is told once */
    alarm(0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void a_sandbox_without_a_place_for_mails_makes_nothing(void **state)
{
    static const struct run refused = {
        "the sandbox", "serve --sandbox --config serve.conf", EX_IOERR, "captured_dir: "};
    sigset_t before;
    (void)state;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    room_write(&room, "serve.conf",
        "keyring_file = \"new-keyring\"\ndata_dir = \"new\"\ncaptured_dir = \"absent/captured\"\n",
        0600);
    expect_run(&refused);
    expect("keyring", access("new-keyring", F_OK) != 0, "none");
    expect("data folder", access("new", F_OK) != 0, "none");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The look lets it pass, so what stops it is its zone file. */
static void a_sandbox_may_keep_mails_in_a_data_folder_to_be_made(void **state)
{
    static const struct run later = {
        "the sandbox", "serve --sandbox --config serve.conf", EX_IOERR, "zone file"};
    sigset_t before;
    (void)state;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    room_write(&room, "serve.conf",
        "keyring_file = \"later-keyring\"\ndata_dir = \"later\"\ncaptured_dir = "
        "\"later/captured\"\nzone_files = {\"absent.zone\"}\n",
        0600);
    expect_run(&later);
    expect("captured", access("later/captured", F_OK) == 0, "a folder");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The folder of a service with mail is as it was, and nothing has listened. */
static void a_sandbox_that_is_refused_leaves_nothing(void **state)
{
    static const struct run sent = {
        "a mail", "send mail.json --storefront acme", CLI_FINE, "\"state\":\"queued\""};
    static const struct run refused = {
        "the sandbox", "serve --sandbox", EX_DATAERR, "holds mail of a service"};
    sigset_t before;
    (void)state;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    front_write_mail();
    alarm(LONG_S);
    expect_run(&sent);
    expect_run(&refused);
    expect("the log", !strstr(buf_text(&program_err), "sandbox-listening"), "no receiver");
    expect("zones", access("data/sandbox", F_OK) != 0, "none");
    expect("captured", access("captured", F_OK) != 0, "none");
    alarm(0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The first key made as root, say: the service's user could read neither the keyring nor the queue. */
static void root_begins_nothing_in_the_folder_of_another(void **state)
{
    static const struct {
        const char *name;
        uid_t owner;
        const char *says;
    } table[] = {
        {"of a user with a name", 65534, "belongs to nobody, who could not read"},
        {"of one without", 64321, "belongs to #64321, who could not read"},
    };
    static const struct run own = {
        "root's own", "queue stats --config root.conf", CLI_FINE, "queued"};
    sigset_t before;
    (void)state;

    if (geteuid() != 0)
        skip();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    alarm(LONG_S);
    room_write(&room, "root.conf",
        "keyring_file = \"roots-keyring\"\ndata_dir = \"others\"\n"
        "public_url = \"https://post.shop.example\"\n"
        "storefront \"acme\" { from = orders@shop.example }\n",
        0600);
    assert_int_equal(mkdir("others", 0700), 0);
    EACH(row, table)
    {
        struct run key = {row->name, "key create --config root.conf", EX_NOPERM, row->says};
        struct run serve = {row->name, "serve --config root.conf", EX_NOPERM, row->says};
        assert_int_equal(chown("others", row->owner, (gid_t)-1), 0);
        expect_run(&key);
        expect_run(&serve);
        expect(row->name, access("roots-keyring", F_OK) != 0, "no keyring");
    }
    assert_int_equal(chown("others", 0, (gid_t)-1), 0);
    expect_run(&own);
    alarm(0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_tells_what_serve_would_refuse),
        cmocka_unit_test(settings_that_cannot_be_read_are_not_to_tell),
        cmocka_unit_test(a_service_that_cannot_start_says_why),
        cmocka_unit_test(a_sandbox_without_a_place_for_mails_makes_nothing),
        cmocka_unit_test(a_sandbox_may_keep_mails_in_a_data_folder_to_be_made),
        cmocka_unit_test(a_sandbox_that_is_refused_leaves_nothing),
        cmocka_unit_test(root_begins_nothing_in_the_folder_of_another),
    };

    return cmocka_run_group_tests(tests, front_open, front_close);
}
