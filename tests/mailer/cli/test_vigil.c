/* What check-dns --watch calls a change, and what its file must be. */
#include "base/file.h"
#include "mailer/cli/vigil.h"
#include "tests/base/folder.h"

/* Settings have faults of another kind. */
#define fault zone_fault
#include "tests/dns/audit/audit_faults.h"
#undef fault

/* ---- what a change is ------------------------------------------------------------------------ */

struct look { /* one finding at most, one gap at most */
    const char *code, *name, *evidence;
    enum audit_severity severity;
    enum audit_verdict verdict;
    const char *gap;
    bool failed;
};

static void report_of(const struct look *l, struct arena *a, struct audit_report *out)
{
    struct audit_finding *f = ARENA_NEW(a, struct audit_finding);
    struct audit_gap *g = ARENA_NEW(a, struct audit_gap);
    const char **codes = arena_array(a, 1, sizeof *codes);
    *f = (struct audit_finding){.code = l->code,
        .name = l->name,
        .evidence = l->evidence,
        .severity = l->severity,
        .title = "A title",
        .why = "Why."};
    codes[0] = l->gap;
    *g = (struct audit_gap){.dns_failed = l->failed, .codes = codes, .codes_n = 1};
    *out = (struct audit_report){.domain = "shop.example",
        .verdict = l->verdict,
        .findings = f,
        .findings_n = l->code != NULL,
        .gaps = g,
        .gaps_n = l->gap != NULL};
}

static const char *describe(const struct vigil_change *c, size_t n, struct arena *a)
{
    if (n == 0)
        return "";
    return arena_printf(a, "%s%s%s%s%s%s", c->first ? "first " : "", c->checkup ? "" : "removed ",
        c->fresh_n > 0 ? "new " : "", c->changed_n > 0 ? "changed " : "",
        c->gone_n > 0 ? "gone " : "", c->verdict_before);
}

#define FOUND(evidence, severity)                                                                  \
    {                                                                                              \
        "DMARC-SYNTAX", "_dmarc", evidence, severity, AUDIT_FAIL, NULL, false                      \
    }
#define NOTHING_BUT(verdict, gap, failed)                                                          \
    {                                                                                              \
        NULL, NULL, NULL, 0, verdict, gap, failed                                                  \
    }

static void what_changed_is_told_and_nothing_else(void **state)
{
    static const struct {
        const char *name;
        struct look before, now;
        const char *change, *and_then; /* the second: when the first look comes again */
    } table[] = {
        {"the same", FOUND("a", AUDIT_ERROR), FOUND("a", AUDIT_ERROR), "", ""},
        {"another record", FOUND("a", AUDIT_ERROR), FOUND("b", AUDIT_ERROR), "changed ",
            "changed "},
        {"less bad", FOUND("a", AUDIT_ERROR), FOUND("a", AUDIT_WARNING), "changed ", "changed "},
        {"another of several", {"SPF-SEVERAL", "n", "a", 0, AUDIT_FAIL, NULL, false},
            {"SPF-SEVERAL", "n", "b", 0, AUDIT_FAIL, NULL, false}, "", ""},
        {"another name", FOUND("a", AUDIT_ERROR),
            {"DMARC-SYNTAX", "other", "a", 0, AUDIT_FAIL, NULL, false}, "new gone ", "new gone "},
        {"mended", FOUND("a", AUDIT_ERROR), NOTHING_BUT(AUDIT_FAIL, NULL, false), "gone ", "new "},
        {"and the verdict", FOUND("a", AUDIT_ERROR), NOTHING_BUT(AUDIT_PASS, NULL, false),
            "gone fail", "new pass"},
        {"not answered", FOUND("a", AUDIT_ERROR), NOTHING_BUT(AUDIT_UNKNOWN, "DMARC-SYNTAX", true),
            "", ""},
        {"one of its kind not answered", FOUND("a", AUDIT_ERROR),
            NOTHING_BUT(AUDIT_UNKNOWN, "DMARC-MISSING", true), "", ""},
        {"another kind not answered", FOUND("a", AUDIT_ERROR),
            NOTHING_BUT(AUDIT_UNKNOWN, "SPF-MISSING", true), "gone ", "new "},
        {"not asked", FOUND("a", AUDIT_ERROR), NOTHING_BUT(AUDIT_FAIL, "DMARC-SYNTAX", false), "",
            ""},
        {"one of its kind not asked", FOUND("a", AUDIT_ERROR),
            NOTHING_BUT(AUDIT_FAIL, "DMARC-MISSING", false), "gone ", "new "},
        {"a doubt that is not the DNS's", FOUND("a", AUDIT_ERROR),
            {"DMARC-SYNTAX", "_dmarc", "a", 0, AUDIT_UNKNOWN, NULL, false}, "fail", "unknown"},
    };
    struct folder folder;
    AUTO(buf_close) struct buf name = {0};
    (void)state;
    assert_int_equal(folder_open(&folder), 0);
    const char *path = folder_file(&folder, "w", &name);
    EACH(t, table)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        struct err e = {0};
        struct checkup one = {.arena = a};
        struct vigil_change *changes;
        const struct look *looks[] = {&t->before, &t->now, &t->before, &t->before};
        const char *want[] = {"first ", t->change, t->and_then, ""};
        unlink(path);
        for (size_t i = 0; i < COUNT_OF(looks); i++) { /* each run begins with the file */
            AUTO(vigil_close) struct vigil *v = NULL;
            assert_true(vigil_open(path, &v, &e));
            report_of(looks[i], a, &one.report);
            size_t n = vigil_compare(v, &one, 1, false, a, &changes);
            const char *have = describe(changes, n, a);
            if (i == 0)
                have = n == 1 && changes->first ? "first " : "";
            expect_text(t->name, have, want[i]);
            assert_true(vigil_save(v, &e));
        }
    }
    unlink(path);
    rmdir(folder.path);
}

/* What a dead DNS hid would be told as new by the first run that can see it. */
static void a_first_look_without_answers_is_not_kept(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(vigil_close) struct vigil *v = NULL;
    struct err e = {0};
    struct checkup one = {.arena = a};
    struct vigil_change *c;
    struct look found = FOUND("a", AUDIT_ERROR);
    (void)state;
    assert_true(vigil_open("/nonexistent/file", &v, &e));
    one.report = (struct audit_report){.domain = "shop.example", .unsure = true};
    assert_int_equal(vigil_compare(v, &one, 1, false, a, &c), 1);
    assert_true(c->first && c->unanswered);
    assert_int_equal(vigil_compare(v, &one, 1, false, a, &c), 0);
    report_of(&found, a, &one.report);
    assert_int_equal(vigil_compare(v, &one, 1, false, a, &c), 1);
    assert_true(c->first && !c->unanswered);
    assert_int_equal(c->fresh_n > 0, 1); /* as with any first look, told as counts */
    one.report.unsure = true;
    assert_int_equal(vigil_compare(v, &one, 1, false, a, &c), 0);
}

/* Cron mails each line: a resolver that is down for a day is two of them. */
static void a_silent_dns_is_told_when_it_begins_and_when_it_ends(void **state)
{
    static const struct look answered = FOUND("a", AUDIT_ERROR),
                             mended = NOTHING_BUT(AUDIT_PASS, NULL, false),
                             silent = NOTHING_BUT(AUDIT_UNKNOWN, "DMARC-SYNTAX", true);
    static const struct {
        const struct look *seen;
        size_t changes;
        enum vigil_dns dns;
        bool has_found;
    } runs[] = {
        {&answered, 1, DNS_AS_BEFORE, false}, /* the first look */
        {&silent, 1, DNS_FELL_SILENT, false},
        {&silent, 0, DNS_AS_BEFORE, false},
        {&answered, 1, DNS_ANSWERS_AGAIN, false},
        {&answered, 0, DNS_AS_BEFORE, false},
        {&silent, 1, DNS_FELL_SILENT, false},
        {&mended, 1, DNS_ANSWERS_AGAIN, true},
    };
    struct folder folder;
    AUTO(buf_close) struct buf name = {0};
    AUTO(arena_close) struct arena *a = arena_open();
    struct checkup one = {.arena = a};
    struct err e = {0};
    (void)state;
    assert_int_equal(folder_open(&folder), 0);
    const char *path = folder_file(&folder, "w", &name);
    EACH(run, runs)
    {
        AUTO(vigil_close) struct vigil *v = NULL;
        struct vigil_change *c;
        assert_true(vigil_open(path, &v, &e));
        report_of(run->seen, a, &one.report);
        one.report.unsure = run->seen == &silent;
        assert_int_equal(vigil_compare(v, &one, 1, false, a, &c), run->changes);
        if (run->changes > 0) {
            assert_int_equal(c->dns, run->dns);
            assert_int_equal(vigil_has_found(c), run->has_found);
        }
        assert_true(vigil_save(v, &e));
    }
    unlink(path);
    rmdir(folder.path);
}

static void a_domain_that_left_the_settings_is_told_once(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(vigil_close) struct vigil *v = NULL;
    struct err e = {0};
    struct checkup all[2] = {{.arena = a}, {.arena = a}};
    struct vigil_change *c;
    (void)state;
    all[0].report = (struct audit_report){.domain = "shop.example"};
    all[1].report = (struct audit_report){.domain = "two.example"};
    assert_true(vigil_open("/nonexistent/file", &v, &e));
    assert_int_equal(vigil_compare(v, all, 2, true, a, &c), 2);
    assert_int_equal(vigil_compare(v, all, 1, false, a, &c), 0);
    assert_int_equal(vigil_compare(v, all, 1, true, a, &c), 1);
    assert_string_equal(c->domain, "two.example");
    assert_null(c->checkup);
    assert_int_equal(vigil_compare(v, all, 1, true, a, &c), 0);
    assert_false(vigil_save(v, &e));
}

/* ---- DNS that fails -------------------------------------------------------------------------- */

/* The code beside another of a family may make no gap of its own; that of no family may vanish. */
static void no_finding_of_any_fault_is_gone_when_the_dns_fails(void **state)
{
    struct world silent;
    (void)state;
    world_begin(&silent);
    world_resolver(&silent, NULL, 1000);
    EACH(f, faults)
    {
        struct shop s;
        struct err e;
        struct vigil_change *c;
        AUTO(vigil_close) struct vigil *v = NULL;
        shop_begin(&s);
        s.page = f->page ? f->page : "";
        shop_change(&s, f->remove, f->add);
        struct checkup one = {.arena = s.world.arena};
        shop_audit(&s, &one.report);
        assert_true(vigil_open("/nonexistent/file", &v, &e));
        assert_int_equal(vigil_compare(v, &one, 1, true, s.world.arena, &c), 1);
        s.setup.resolver = silent.resolver;
        audit_run(&s.setup, s.world.arena, &one.report);
        if (vigil_compare(v, &one, 1, true, s.world.arena, &c) > 0 && vigil_has_found(c))
            fail_msg("%s: %s", f->name, c->gone_n > 0 ? c->gone[0].code : "something is new");
        shop_end(&s);
    }
    world_end(&silent);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void a_file_that_cannot_be_used_says_what_to_do(void **state)
{
    static const struct {
        const char *name, *text, *says;
    } table[] = {
        {"empty", "", "move it away"},
        {"cut off", "{\"watch\": 1, \"domains\": {", "move it away"},
        {"not JSON",
            "\x7f"
            "ELF",
            "move it away"},
        {"another's", "{\"a\": 1}", "not what check-dns writes"},
        {"a list", "[]", "not what check-dns writes"},
        {"without domains", "{\"watch\": 1}", "not what check-dns writes"},
        {"a finding without code",
            "{\"watch\":1,\"domains\":{\"a\":{\"verdict\":\"pass\",\"findings\":[{\"name\":\"x\"}]}"
            "}}",
            "not what check-dns writes"},
        {"of a newer program", "{\"watch\": 2, \"domains\": []}", "newer parcelpost"},
    };
    struct folder folder;
    AUTO(buf_close) struct buf name = {0};
    (void)state;
    assert_int_equal(folder_open(&folder), 0);
    const char *path = folder_file(&folder, "w", &name);
    EACH(t, table)
    {
        struct vigil *v = NULL;
        struct err e = {0};
        unlink(path);
        assert_true(file_create("test file", path, str_of(t->text), &e));
        if (vigil_open(path, &v, &e))
            fail_msg("%s: was taken", t->name);
        if (!strstr(e.text, t->says) || !strstr(e.text, path))
            fail_msg("%s: \"%s\" lacks \"%s\"", t->name, e.text, t->says);
    }
    unlink(path);
    rmdir(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changed_is_told_and_nothing_else),
        cmocka_unit_test(a_first_look_without_answers_is_not_kept),
        cmocka_unit_test(a_silent_dns_is_told_when_it_begins_and_when_it_ends),
        cmocka_unit_test(a_domain_that_left_the_settings_is_told_once),
        cmocka_unit_test(no_finding_of_any_fault_is_gone_when_the_dns_fails),
        cmocka_unit_test(a_file_that_cannot_be_used_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
