/* check-dns while DKIM keys change places: each step, what it says, and that what it asks to publish clears it. */
#include "tests/dns/audit/audit_world.h"

#define NEW "s2._domainkey.shop.example."
#define OLD "s1._domainkey.shop.example."
#define NOW_MS 1795219200000
#define NEW_RECORD "v=DKIM1; k=ed25519; p=" ED25519

static const struct rotation_case {
    const char *name;
    enum audit_rotation_step step;
    int64_t until_ms;
    const char *remove, *add;
    const char *code, *detail; /* code "" = no finding of a rotation */
    enum audit_severity severity;
    const char *after; /* what is published; the code that stands then, "" = none */
} cases[] = {
    {"the_new_record_is_not_there", AUDIT_ROTATION_PENDING, 0, "", "", "DKIM-ROTATION-PENDING",
        "s1 signs until every server", AUDIT_NOTE, "DKIM-ROTATION-WAITING"},
    {"another_key_stands_there", AUDIT_ROTATION_PENDING, 0, "",
        NEW " TXT \"v=DKIM1; p=" RSA_1024 "\"", "DKIM-ROTATION-PENDING", "s1 signs until",
        AUDIT_NOTE, "DKIM-ROTATION-WAITING"},
    {"the_new_record_is_seen", AUDIT_ROTATION_PENDING, 0, "", NEW " 120 TXT \"" NEW_RECORD "\"",
        "DKIM-ROTATION-WAITING", "TTL left 120 s", AUDIT_NOTE, NULL},
    {"caches_run_out", AUDIT_ROTATION_PUBLISHED, NOW_MS + 90500, "", NEW " TXT \"" NEW_RECORD "\"",
        "DKIM-ROTATION-WAITING", "in 91 s", AUDIT_NOTE, NULL},
    {"mails_are_under_way", AUDIT_ROTATION_RETIRING, NOW_MS + 86400000, "", "",
        "DKIM-ROTATION-RETIRING", "stay for 86400 s (TTL left 300 s)", AUDIT_NOTE, NULL},
    {"the_time_is_not_known_yet", AUDIT_ROTATION_RETIRING, 0, "", "", "DKIM-ROTATION-RETIRING",
        "until `parcelpost dkim rotate` says more", AUDIT_NOTE, NULL},
    {"the_old_record_vanished_early", AUDIT_ROTATION_RETIRING, NOW_MS + 86400000, OLD " TXT", "",
        "DKIM-ROTATION-OLD-REMOVED-EARLY", "still under way", AUDIT_WARNING,
        "DKIM-ROTATION-RETIRING"},
    {"the_old_record_may_go", AUDIT_ROTATION_RETIRED, 0, "", "", "DKIM-ROTATION-RETIRED",
        "revoke it", AUDIT_NOTE, ""},
    {"the_old_record_is_revoked", AUDIT_ROTATION_RETIRED, 0, OLD " TXT", OLD " TXT \"v=DKIM1; p=\"",
        "", "", AUDIT_NOTE, NULL},
    {"after_going_back_the_new_record_vanished", AUDIT_ROTATION_BACK, NOW_MS + 1000, "", "",
        "DKIM-ROTATION-OLD-REMOVED-EARLY", "still under way", AUDIT_WARNING, ""},
    {"after_going_back_the_time_is_over", AUDIT_ROTATION_BACK, NOW_MS, "", "", "", "", AUDIT_NOTE,
        NULL},
};

static const char *const codes[] = {"DKIM-ROTATION-OLD-REMOVED-EARLY", "DKIM-ROTATION-PENDING",
    "DKIM-ROTATION-WAITING", "DKIM-ROTATION-RETIRING", "DKIM-ROTATION-RETIRED"};

/* The one finding about the rotation; NULL: none. */
static const struct audit_finding *only(const char *name, const struct audit_report *r)
{
    const struct audit_finding *out = NULL;
    EACH(code, codes)
    {
        const struct audit_finding *f = shop_finding(r, *code);
        if (f && out)
            fail_msg("%s: %s and %s", name, out->code, f->code);
        out = f ? f : out;
    }
    return out;
}

static void each_step_is_told(void **state)
{
    (void)state;
    EACH(c, cases)
    {
        struct shop s;
        struct audit_report r;
        shop_begin(&s);
        const struct audit_rotation rotation = {"shop.example", "s1", "s2",
            "v=DKIM1; k=rsa; p=" RSA_2048, NEW_RECORD, c->step, c->until_ms};
        s.setup.rotations = &rotation;
        s.setup.rotations_n = 1;
        shop_change(&s, c->remove, c->add);
        shop_audit(&s, &r);
        const struct audit_finding *f = only(c->name, &r);
        expect_text(c->name, f ? f->code : "", c->code);
        if (f) {
            expect_number(c->name, f->severity, c->severity);
            if (!strstr(f->detail.text, c->detail))
                fail_msg("%s: %s", c->name, f->detail.text);
            expect_number(c->name, f->publish_n > 0, c->after != NULL);
        }
        if (f && c->after) {
            shop_publish(&s, f);
            shop_audit(&s, &r);
            f = only(c->name, &r);
            expect_text(c->name, f ? f->code : "", c->after);
        }
        shop_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
