/* What the commands of the desk refuse, and what they say then: an empty answer, or another one than was asked for, would be
 * believed. */
#include "base/file.h"
#include "mailer/cli/cli.h"
#include "queue/sqlite.h"
#include "tests/base/expect.h"
#include "tests/mailer/cli/front.h"

#include <stdlib.h>
#include <unistd.h>

static int open_room(void **state)
{
    int failed = front_open(state);

    front_write_mail();
    return failed;
}

/* Runs before anything is sent. */
static void a_copy_without_mail_tells_of_none(void **state)
{
    static const struct run table[] = {
        {"a queue", "key create --storefront acme", CLI_FINE, "pp_"},
        {"copied", "backup quiet", CLI_FINE, "quiet: queue.db as of"},
        {"restored", "restore quiet --force", CLI_FINE, "\nNo message waits in the copy.\n"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
    assert_null(strstr(buf_text(&program_out), "sent a second time"));
}

/* A machine that has settings at the usual place cannot show it. */
static void where_no_settings_are_it_is_said_how_to_name_them(void **state)
{
    const char *before = getenv("PARCELPOST_CONFIG");
    AUTO(buf_close) struct buf path = {0};
    (void)state;

    if (access("/etc/parcelpost/parcelpost.conf", F_OK) == 0)
        skip();
    buf_add_text(&path, before ? before : "");
    unsetenv("PARCELPOST_CONFIG");
    expect_run(&(struct run){"none", "queue stats", CLI_UNKNOWN,
        "parcelpost.conf does not exist; name yours with --config FILE or in $PARCELPOST_CONFIG"});
    expect_run(&(struct run){"serve", "serve", CLI_UNKNOWN,
        "parcelpost.conf does not exist; name yours with --config FILE or in $PARCELPOST_CONFIG"});
    expect_run(&(struct run){
        "named", "queue stats --config absent.conf", CLI_UNKNOWN, "absent.conf does not exist\n"});
    if (before)
        setenv("PARCELPOST_CONFIG", buf_text(&path), 1);
}

/* The settings without the stream "service", of which suppressions stand. */
static void write_fewer_streams(void)
{
    AUTO(buf_close) struct buf text = {0};
    struct err e = {0};
    char *stream;

    assert_true(file_read("settings", "settings.conf", 65536, &text, &e));
    stream = strstr(buf_text(&text), "\"service\"");
    assert_non_null(stream);
    memcpy(stream, "\"another\"", strlen("\"another\""));
    room_write(&room, "fewer.conf", buf_text(&text), 0600);
}

#define S(verb) "suppressions " verb " --storefront acme "

static void a_filter_that_nothing_can_match_is_refused(void **state)
{
    static const struct run table[] = {
        {"a stream's", S("add") "ada@example.com --scope service", CLI_FINE, "for service"},
        {"another origin", S("list") "--origin recipent", EX_USAGE,
            "--origin must be recipient, receiver, staff, api or import; 'recipent' is not"},
        {"in an export", S("export") "--origin recipent", EX_USAGE, "'recipent' is not"},
        {"another scope", S("list") "--scope newsleter", EX_USAGE,
            "a stream of this storefront: newsletter, service, transactional, marketing; "
            "'newsleter' is not"},
        {"in an export", S("export") "--scope newsleter", EX_USAGE, "'newsleter' is not"},
        {"no reason", S("list") "--reason Complaint", EX_USAGE,
            "--reason must be 1 to 47 of a-z, 0-9 and \"-\"; 'Complaint' is not"},
        {"in an export", S("export") "--reason Complaint", EX_USAGE, "'Complaint' is not"},
        {"an origin", S("list") "--origin import", CLI_FINE, ""},
        {"a scope without rows", S("list") "--scope class:marketing", CLI_FINE, ""},
        {"a reason of one's own", S("list") "--reason own-1", CLI_FINE, ""},
        {"a stream that is gone", S("list") "--scope service --config fewer.conf", CLI_FINE,
            "ada@example.com"},
        {"one that never was", S("list") "--scope another", EX_USAGE, "'another' is not"},
        {"all are lifted", S("lift") "ada@example.com --scope service --note asked", CLI_FINE, ""},
        {"the lifted ones of a stream that is gone",
            S("list") "--scope service --with-lifted --config fewer.conf", CLI_FINE,
            "ada@example.com"},
        {"none stands", S("list") "--scope service --config fewer.conf", CLI_FINE, ""},
        {"no time", S("export") "--since foo", EX_USAGE,
            "--since takes a time such as 2026-11-21T00:00:00Z, not 'foo'"},
        {"the other one", S("list") "--since 2026-11-21T00:00:00Z --until bar", EX_USAGE,
            "--until takes a time such as 2026-11-21T00:00:00Z, not 'bar'"},
        {"an end before the beginning",
            S("list") "--since 2026-11-21T00:00:00Z --until 2026-11-20T00:00:00Z", EX_USAGE,
            "--until must be a time behind that of since; '2026-11-20T00:00:00Z' is not"},
        {"no time between", S("export") "--since 2026-11-21T00:00:00Z --until 2026-11-21T00:00:00Z",
            EX_USAGE, "--until must be"},
        {"a second", S("list") "--since 2026-11-21T00:00:00Z --until 2026-11-21T00:00:01Z",
            CLI_FINE, ""},
    };
    (void)state;

    write_fewer_streams();
    EACH(row, table)
    expect_run(row);
    expect_run(&(struct run){
        "too early", S("export") "--with-lifted --until 2020-01-01T00:00:00Z", CLI_FINE, "0 rows"});
}

/* The other side of an_option_that_a_verb_does_not_heed_is_refused, and of one that comes twice: whatever else is wrong, it is not
 * that. */
static void what_a_verb_heeds_it_takes(void **state)
{
    static const struct {
        const char *verb, *options;
    } table[] = {
        {"queue list --storefront acme", "--state=x --destination=x --after=x --max=x --json"},
        {"queue show msg_x --storefront acme", "--json"},
        {"queue hold msg_x --storefront acme", "--why=x"},
        {"queue release msg_x --storefront acme", "--why=x"},
        {"queue release-all x --storefront acme", "--why=x"},
        {"queue retry msg_x --storefront acme", "--why=x"},
        {"queue cancel msg_x --storefront acme", "--why=x"},
        {"queue stats --storefront acme", "--json"},
        {"key create --storefront acme", "--label=x --roles=x --quiet"},
        {"key revoke x --storefront acme", "--why=x"},
        {S("list"), "--scope=x --reason=x --origin=x --since=x --until=x --with-lifted"},
        {S("add") "x", "--scope=x --reason=x --note=x"},
        {S("lift") "x", "--scope=x --reason=x --note=x"},
        {S("export"),
            "--scope=x --reason=x --origin=x --since=x --until=x --with-lifted --format=x "
            "--with-addresses --note=x"},
        {"journal verify", "--storefront=acme"},
        {"dkim new", "--domain=x --selector=x --algorithm=x --bits=x --out=x"},
        {"dkim zone", "--storefront=x"},
        {"dkim verify mail.json", "--resolver=none --zone=x --json"},
        {"dkim rotate --resolver none",
            "--storefront=x --selector=x --delete-old --wait=x --dns-port=x --json"},
        {"dkim rotate start --resolver none",
            "--storefront=x --selector=x --algorithm=x --bits=x --new-selector=x --dns-port=x "
            "--json"},
        {"dkim rotate status --resolver none",
            "--storefront=x --selector=x --zone=x --wait=x --dns-port=x --json"},
        {"dkim rotate cancel --resolver none", "--storefront=x --selector=x --dns-port=x --json"},
        {"dkim rotate back --resolver none", "--storefront=x --selector=x --dns-port=x --json"},
        /* a second time */
        {"check-dns s.example --resolver none --selector=x --ip=192.0.2.1 --zone=x --dnsbl-zone=x",
            "--selector=y --ip=192.0.2.2 --zone=y --dnsbl-zone=y"},
        {"dmarc --from s.example --resolver none --dkim=x=pass --zone=x", "--dkim=y=pass --zone=y"},
        {"spf --ip 192.0.2.1 --helo x --resolver none --zone=x", "--zone=y"},
        {"dkim verify mail.json --resolver none --zone=x", "--zone=y"},
        {"dkim rotate status --resolver none --zone=x", "--zone=y"},
    };
    (void)state;

    EACH(row, table)
    {
        struct str rest = str_of(row->options), option;
        while (str_next(&rest, ' ', &option)) {
            char line[200];
            snprintf(line, sizeof line, "%s " STR_FMT, row->verb, STR_ARG(option));
            program_run(line);
            expect(line, !strstr(buf_text(&program_err), " takes no --"), "heeded");
            expect(line, !strstr(buf_text(&program_err), " takes one value"), "heeded");
        }
    }
}

/* Whoever lifts the wrong one of two believes that mail goes again. */
static void lifting_tells_what_still_stands(void **state)
{
    static const struct run table[] = {
        {"all mail", S("add") "kim@example.com", CLI_FINE, "for *"},
        {"marketing", S("add") "kim@example.com --scope class:marketing --reason unsubscribe",
            CLI_FINE, "for class:marketing"},
        {"one of two", S("lift") "kim@example.com --note n", CLI_FINE,
            "1 lifted for *\nstill suppressed for class:marketing (unsubscribe)\n"},
        {"another than stands", S("lift") "kim@example.com --note n", CLI_FINDINGS,
            "0 lifted for *\nstill suppressed for class:marketing (unsubscribe)\n"},
        {"another reason", S("lift") "kim@example.com --note n --reason manual", CLI_FINDINGS,
            "0 lifted for *, manual\nstill suppressed for class:marketing (unsubscribe)\n"},
        {"the last", S("lift") "kim@example.com --note n --scope class:marketing", CLI_FINE,
            "1 lifted for class:marketing\n"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
    assert_null(strstr(buf_text(&program_out), "still"));
}

/* The API's rule, so that one list holds both. */
static void a_reason_is_a_word_of_small_letters(void **state)
{
    static const struct run table[] = {
        {"two words", S("add") "bob@example.com --reason 'Foo Bar'", EX_USAGE,
            "--reason must be 1 to 47 of a-z, 0-9 and \"-\"; 'Foo Bar' is not"},
        {"none", S("add") "bob@example.com --reason ''", EX_USAGE, "--reason must be"},
        {"very long",
            S("add") "bob@example.com --reason a23456789-b23456789-c23456789-d23456789-e2345678",
            EX_USAGE, "--reason must be"},
        {"as long as can be",
            S("add") "bob@example.com --reason a23456789-b23456789-c23456789-d23456789-e234567",
            CLI_FINE, "e234567)"},
        {"lifted by another", S("lift") "bob@example.com --note n --reason 'Foo Bar'", EX_USAGE,
            "--reason must be 1 to 47 of a-z, 0-9 and \"-\"; 'Foo Bar' is not"},
        {"by one that nobody has", S("lift") "bob@example.com --note n --reason b", CLI_FINDINGS,
            "0 lifted"},
        {"lifted by any", S("lift") "bob@example.com --note n --reason ''", CLI_FINE, "1 lifted"},
    };
    (void)state;

    EACH(row, table)
    expect_run(row);
}

/* Two mails, the older one's ID into `older`. */
static void send_two(char older[ID_SIZE])
{
    AUTO(js_close) struct js *o = NULL;
    struct err e = {0};

    assert_int_equal(program_run("send mail.json --storefront acme"), CLI_FINE);
    assert_true(js_parse(buf_str(&program_out), &o, &e));
    snprintf(older, ID_SIZE, STR_FMT, STR_ARG(js_get_text(o, "id")));
    assert_int_equal(program_run("send mail.json --storefront acme"), CLI_FINE);
}

#define Q(verb) "queue " verb " --storefront acme "

static void a_cursor_that_names_no_message_is_refused(void **state)
{
    static const struct run table[] = {
        {"no ID", Q("list") "--after zzz", EX_USAGE, "--after takes a message's ID such as msg_"},
        {"it is named", Q("list") "--after zzz", EX_USAGE, "not 'zzz'"},
        {"nothing", Q("list") "--after ''", EX_USAGE, "--after takes"},
        {"one letter lost", Q("list") "--after msg_01jd8x6tq3w1m5yv9z0k2c4r7", EX_USAGE, "--after"},
        {"nobody's", Q("list") "--after msg_01jd8x6tq3w1m5yv9z0k2c4r7e", CLI_FINDINGS,
            "--after: there is no message msg_01jd8x6tq3w1m5yv9z0k2c4r7e"},
    };
    char older[ID_SIZE], line[160];
    (void)state;

    send_two(older);
    EACH(row, table)
    {
        expect_run(row);
        expect_int("nothing is listed", (int64_t)buf_str(&program_out).n, 0);
    }
    snprintf(line, sizeof line, Q("list") "--max 1 --json");
    expect_run(&(struct run){"the newest", line, CLI_FINE, "msg_"});
    expect("another one", !strstr(buf_text(&program_out), older), "the younger one first");
    snprintf(line, sizeof line, Q("list") "--after %s --json", older);
    expect_run(&(struct run){"behind the oldest", line, CLI_FINE, "[]"});
}

/* One mail, changed and changed again. */
static void a_change_that_comes_too_late_says_the_state(void **state)
{
    static const struct {
        const char *name, *verb;
        int code;
        const char *says;
    } table[] = {
        {"a queued one tried again", "retry", CLI_FINDINGS,
            " is queued; only one that is deferred can be tried again at once\n"},
        {"a queued one released", "release", CLI_FINDINGS,
            " is queued; only one that is held can be released\n"},
        {"held", "hold", CLI_FINE, " held\n"},
        {"a held one tried again", "retry", CLI_FINDINGS,
            " is held (operator); only one that is deferred"},
        {"released", "release", CLI_FINE, " released, due 20"},
        {"cancelled", "cancel", CLI_FINE, " cancelled\n"},
        {"cancelled again", "cancel", CLI_FINDINGS,
            " is cancelled; only one that is queued, deferred or held can be "
            "cancelled\n"},
        {"a cancelled one held", "hold", CLI_FINDINGS,
            "only one that is queued, deferred or held can be held\n"},
    };
    char id[ID_SIZE], line[160], says[200];
    (void)state;

    send_two(id);
    EACH(row, table)
    {
        struct run run = {row->name, line, row->code, says};
        snprintf(line, sizeof line, "queue %s %s --storefront acme", row->verb, id);
        snprintf(says, sizeof says, "%s%s", row->says[0] == ' ' ? id : "", row->says);
        expect_run(&run);
    }
}

static void a_timeline_says_which_person_did_it(void **state)
{
    char id[ID_SIZE], line[160], says[200];
    (void)state;

    send_two(id);
    snprintf(line, sizeof line, Q("hold") "%s --why 'looks odd'", id);
    expect_run(&(struct run){"held", line, CLI_FINE, " held"});
    snprintf(line, sizeof line, Q("show") "%s", id);
    snprintf(says, sizeof says, "{\"reason\":\"operator\",\"why\":\"looks odd\"} by user:");
    expect_run(&(struct run){"who", line, CLI_FINE, says});
}

static struct queue *serve(void)
{
    struct queue_setup setup = {.dir = room.conf->data_dir,
        .node = "n1",
        .role = QUEUE_SERVE,
        .keys = room.keys,
        .clock = clock_system(),
        .metrics = room.metrics,
        .lanes = 1};
    struct queue *q = NULL;
    struct err e = {0};

    if (!queue_open(&setup, &q, &e))
        fail_msg("%s", e.text);
    return q;
}

/* Beside a service, in whose lane the mail is. */
static void of_what_is_being_sent_that_is_said(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct err e = {0};
    struct job *jobs;
    char id[ID_SIZE], line[160], says[200];
    size_t n;
    (void)state;

    send_two(id);
    AUTO(queue_close) struct queue *q = serve();
    assert_true(queue_claim(q, "acme", "example.com", 100, 60000, a, &jobs, &n, &e));
    snprintf(line, sizeof line, Q("hold") "%s", id);
    snprintf(says, sizeof says, "%s is leased (being sent); only one that is queued", id);
    expect_run(&(struct run){"held", line, CLI_FINDINGS, says});
    queue_close(&q);
    q = serve(); /* takes its leases back */
}

static void what_is_held_and_why_stands_in_the_json_too(void **state)
{
    char id[ID_SIZE], line[160], says[200];
    (void)state;

    send_two(id);
    expect_run(&(struct run){"nothing", Q("stats") "--json", CLI_FINE, "\"held_for\":[]"});
    snprintf(line, sizeof line, Q("hold") "%s", id);
    snprintf(says, sizeof says,
        "\"held_for\":[{\"code\":\"operator\",\"messages\":1,\"example\":\"%s\"}]", id);
    expect_run(&(struct run){"held", line, CLI_FINE, "held"});
    expect_run(&(struct run){"one", Q("stats") "--json", CLI_FINE, says});
    snprintf(says, sizeof says, "held for operator: 1, e.g. %s\n", id);
    expect_run(&(struct run){"in words", Q("stats"), CLI_FINE, says});
    expect_run(&(struct run){"another's in words", "queue stats --storefront bold", CLI_FINE, ""});
    expect("bold", !strstr(buf_text(&program_out), "held for"), "nothing of acme");
    expect_run(&(struct run){"another's", "queue stats --json --storefront bold", CLI_FINE, ":[]"});
}

static void a_copy_that_cannot_be_made_whole_is_not_begun(void **state)
{
    static const struct run table[] = {
        {"two folders", "backup a b", EX_USAGE, "one folder, not 'b' too"},
        {"two to restore", "restore a b", EX_USAGE, "one folder comes back, not 'b' too"},
        {"one for both", "backup a --keys a", EX_USAGE, "not both into 'a'"},
        {"written otherwise", "backup a --keys ./a/", EX_USAGE, "not both into './a/'"},
        {"by another way", "backup a --keys data/../a", EX_USAGE, "not both into 'data/../a'"},
        {"nowhere", "backup absent/a --keys absent/a", EX_IOERR, "absent"},
    };
    (void)state;

    EACH(row, table)
    {
        expect_run(row);
        expect(row->name, access("a", F_OK) != 0, "nothing written");
    }
    expect_run(&(struct run){"beside each other", "backup a --keys data/a", CLI_FINE, "data/a"});
}

static void change_queue(const char *sql)
{
    struct sqlite *db;
    struct err e = {0};

    assert_true(sqlite_open("data/queue.db", SQLITE_FOR_WRITING, &db, &e));
    if (!sqlite_exec(db, sql, &e))
        fail_msg("%s", e.text);
    sqlite_close(&db);
}

/* Behind all others: the queue of the room is broken afterwards. */
static void a_broken_journal_comes_back_only_for_who_says_so(void **state)
{
    static const struct run table[] = {
        {"copied", "backup broken", CLI_FINE, "broken: queue.db"},
        {"refused", "restore broken --force", EX_IOERR, "broken: chain acme/n1, row 2: its hash"},
        {"as it was", S("list") "--with-lifted", CLI_FINE, "ada@example.com"},
        {"told so", "restore broken --force --broken-journal", CLI_FINDINGS,
            "The journal is BROKEN, as it was in the copy: chain acme/n1, row 2: its hash"},
        {"still so", "journal verify --storefront acme", CLI_FINDINGS, "BROKEN at row 2"},
    };
    (void)state;

    change_queue("DROP TRIGGER journal_stands; UPDATE journal SET actor = 'nobody' WHERE seq = 2");
    EACH(row, table)
    expect_run(row);
}

/* A new one begins. Where no mail waits it is whole (tests/queue/test_restore_journal.c), and nothing says afterwards what was
 * lost. */
static void of_a_journal_that_is_gone_the_restore_alone_tells(void **state)
{
    static const struct run table[] = {
        {"copied", "backup gone", CLI_FINE, "gone: queue.db"},
        {"refused", "restore gone --force", EX_IOERR,
            "broken: chain acme, row 1: there are messages, and no journal"},
        {"told so", "restore gone --force --broken-journal", CLI_FINDINGS,
            "chain acme, row 1: there are messages, and no journal.\nA new one begins"},
    };
    (void)state;

    change_queue("DROP TRIGGER IF EXISTS journal_keeps; DROP TRIGGER IF EXISTS journal_forgets;"
                 " DELETE FROM journal; DELETE FROM chain");
    EACH(row, table)
    expect_run(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_without_mail_tells_of_none),
        cmocka_unit_test(where_no_settings_are_it_is_said_how_to_name_them),
        cmocka_unit_test(a_filter_that_nothing_can_match_is_refused),
        cmocka_unit_test(lifting_tells_what_still_stands),
        cmocka_unit_test(what_a_verb_heeds_it_takes),
        cmocka_unit_test(a_reason_is_a_word_of_small_letters),
        cmocka_unit_test(a_cursor_that_names_no_message_is_refused),
        cmocka_unit_test(a_change_that_comes_too_late_says_the_state),
        cmocka_unit_test(of_what_is_being_sent_that_is_said),
        cmocka_unit_test(what_is_held_and_why_stands_in_the_json_too),
        cmocka_unit_test(a_timeline_says_which_person_did_it),
        cmocka_unit_test(a_copy_that_cannot_be_made_whole_is_not_begun),
        cmocka_unit_test(a_broken_journal_comes_back_only_for_who_says_so),
        cmocka_unit_test(of_a_journal_that_is_gone_the_restore_alone_tells),
    };

    return cmocka_run_group_tests(tests, open_room, front_close);
}
