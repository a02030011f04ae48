/* One compiled mail, rendered by eight threads at once. */
#include "tests/templates/shelf_case.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define THREADS 8
#define ROUNDS 40

struct work {
    const struct mail *mail;
    const struct js *data;
    const struct mails *shelf;
    struct str html, text, bundle;
    unsigned wrong;
};

static void *render_often(void *argument)
{
    struct work *w = argument;
    const struct mail_links links = {STR("")};
    struct brand brand = test_brand();
    for (unsigned i = 0; i < ROUNDS; i++) {
        AUTO(mail_parts_close) struct mail_parts parts = {0};
        AUTO(buf_close) struct buf bundle = {0};
        struct err e;
        bool same = mail_render(w->mail, w->data, &links, &parts, &e) &&
                    str_eq(buf_str(&parts.html), w->html) &&
                    str_eq(buf_str(&parts.text), w->text) &&
                    mails_bundle(w->shelf, "delay_apology", "de", &brand, &bundle, &e) &&
                    str_eq(buf_str(&bundle), w->bundle);
        w->wrong += !same;
    }
    return NULL;
}

static void eight_threads_share_one_mail(void **state)
{
    (void)state;
    AUTO(mails_close) struct mails *m = open_shelf();
    AUTO(mail_close) struct mail *mail = compile_mail(m, "delay_apology", "de");
    AUTO(js_close) struct js *data = read_data("delay_apology.json");
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    AUTO(buf_close) struct buf bundle = {0};
    struct brand brand = test_brand();
    struct err e;
    pthread_t threads[THREADS];
    struct work work[THREADS];
    /* another mail object renders what is expected, so that the shared one starts without formatters */
    AUTO(mail_close) struct mail *apart = compile_mail(m, "delay_apology", "de");
    render_mail(apart, data, NULL, &parts);
    assert_true(mails_bundle(m, "delay_apology", "de", &brand, &bundle, &e));
    for (size_t i = 0; i < THREADS; i++) {
        work[i] = (struct work){
            mail, data, m, buf_str(&parts.html), buf_str(&parts.text), buf_str(&bundle), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, render_often, &work[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(work[i].wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_share_one_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
