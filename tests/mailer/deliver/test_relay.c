/* Tests mailer/deliver/engine.h with a smart host: verified TLS and AUTH, or nothing. */
#include "tests/mailer/deliver/house.h"
#include "tests/support/certs.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

static struct house house;

static struct house *open_with(const struct house_setup *s)
{
    house_open(&house, s);
    return &house;
}

struct relay {
    struct certs *certs;
    char folder[SCRATCH_SIZE], ca[96], cert[96], key[96], password[96], settings[700];
};

static void open_relay(struct relay *r, const char *name, const char *password)
{
    FILE *f;

    scratch_folder("relay", r->folder);
    snprintf(r->ca, sizeof r->ca, "%s/ca.pem", r->folder);
    snprintf(r->cert, sizeof r->cert, "%s/cert.pem", r->folder);
    snprintf(r->key, sizeof r->key, "%s/key.pem", r->folder);
    snprintf(r->password, sizeof r->password, "%s/password", r->folder);
    r->certs = certs_open();
    certs_write_authority(r->certs, r->ca);
    certs_write_server(r->certs, name, r->cert, r->key);
    f = fopen(r->password, "w");
    assert_true(f && fprintf(f, "%s\nanother line\n", password) > 0 && fclose(f) == 0);
}

static void close_relay(struct relay *r)
{
    certs_close(&r->certs);
    remove(r->ca);
    remove(r->cert);
    remove(r->key);
    remove(r->password);
    remove(r->folder);
}

/* The sink's port is known only when it listens, so the relay's section is written with the house's own. */
static struct house *open_with_relay(struct relay *r)
{
    snprintf(r->settings, sizeof r->settings,
        "tls_ca_file = \"%s\"\nretry_first_ms = 1h\nretry_max_ms = 1h\n"
        "smart_host \"hub\" {\n  host = \"mx.customer.example\"\n  port = @PORT@\n  user = "
        "\"shop\"\n"
        "  password_file = \"%s\"\n}\n",
        r->ca, r->password);
    return open_with(&(struct house_setup){.settings = r->settings,
        .storefront = "  smart_host = \"hub\"\n",
        .sink_certificate = r->cert,
        .sink_key = r->key,
        .auth_required = true});
}

static const char *submit_by_relay(struct house *h)
{
    return house_submit_mail(
        h, &(struct house_mail){.to = "ada@far.example.net", .destination = "relay:hub"});
}

/* ---- what is left of the password ---- */

/* Every free() of ours passes here (--wrap=free); the library's do not. */
#define LOGIN "AHNob3AAb3BlbiBzZXNhbWU=" /* shop, open sesame */

static _Atomic unsigned logins_left;

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    if (p && memmem(p, malloc_usable_size(p), LOGIN, strlen(LOGIN)))
        logins_left++;
    __real_free(p);
}

static void a_relay_takes_mail_with_verified_tls_and_auth(void **state)
{
    struct relay r;

    (void)state;
    open_relay(&r, "mx.customer.example", "open sesame");
    struct house *h = open_with_relay(&r);
    const char *id = submit_by_relay(h);
    house_await(h, id, MSG_DELIVERED);
    assert_true(h->mails[0].tls);
    AUTO(js_close) struct js *f = house_facts(h, id, "delivered");
    assert_true(js_bool(js_get(f, "tls_verified")));
    assert_true(str_is(js_get_text(f, "tls"), "TLSv1.3"));
    house_close(h);
    close_relay(&r);
    assert_int_equal(logins_left, 0);
}

struct relay_case {
    const char *name, *certificate, *password, *reason;
};

static void a_relay_that_cannot_be_trusted_gets_nothing(void **state)
{
    static const struct relay_case cases[] = {
        {"wrong_password", "mx.customer.example", "guess", "login-failed"},
        {"another_name", "mx.other.example", "open sesame", "tls-failed"},
        {"no_password", "mx.customer.example", "", "smart-host-password"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct relay r;
        open_relay(&r, cases[i].certificate, cases[i].password);
        struct house *h = open_with_relay(&r);
        const char *id = submit_by_relay(h);
        house_await(h, id, MSG_DEFERRED);
        assert_string_equal(house_show(h, id).reason, cases[i].reason);
        assert_int_equal(h->mails_n, 0);
        house_close(h);
        close_relay(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_takes_mail_with_verified_tls_and_auth),
        cmocka_unit_test(a_relay_that_cannot_be_trusted_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
