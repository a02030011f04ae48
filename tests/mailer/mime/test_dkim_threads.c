/* dkim from several threads: one library handle and two keys shared by all, each mail verified after. */
#include <pthread.h>

#include "mailer/mime/pem_seam.h"
#include "tests/base/expect.h"
#include "tests/mailer/mime/mails.h"
#include "tests/mailer/mime/signing.h"

#define THREADS 4
#define MAILS 200

struct worker {
    struct signing *s;
    pthread_t thread;
    size_t passed, number;
};

static bool signs_and_verifies(struct worker *w, size_t i)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(buf_close) struct buf signed_mail = {0};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(zone_close) struct zone z = {.n = 0};
    const struct dkim_key *keys[] = {w->s->rsa, w->s->ed25519};
    struct message m = mail_case_message(i % mail_cases_n);
    struct dkim_source source = zone_source(&z);
    struct dkim_result *results;
    struct err e;
    size_t n;

    if (!compose(&m, &mail, &e) ||
        !dkim_sign(w->s->dkim, keys, 2, buf_str(&mail), &signed_mail, &e))
        return false;
    buf_add(&signed_mail, buf_str(&mail));
    if (i % 10 != 0)
        return true; /* verifying each would only take longer */
    for (size_t k = 0; k < w->s->zone.n; k++)
        zone_add(
            &z, w->s->zone.records[k].name, DKIM_KEY_FOUND, buf_str(&w->s->zone.records[k].text));
    return dkim_verify(w->s->dkim, buf_str(&signed_mail), &source, a, &results, &n, &e) && n == 2 &&
           strcmp(results[0].result, "pass") == 0 && strcmp(results[1].result, "pass") == 0;
}

static void *work(void *context)
{
    struct worker *w = context;

    for (size_t i = 0; i < MAILS; i++)
        w->passed += signs_and_verifies(w, i + w->number);
    return NULL;
}

static void threads_share_handle_and_keys(void **state)
{
    struct worker workers[THREADS];
    uint64_t before = pem_seam_answers();
    struct signing s;

    (void)state;
    signing_open(&s, false);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.s = &s, .number = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            fail_msg("no thread");
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    signing_close(&s);
    for (size_t i = 0; i < THREADS; i++)
        expect_int("passed", (int64_t)workers[i].passed, MAILS);
    expect_int("answers", (int64_t)(pem_seam_answers() - before), (int64_t)2 * THREADS * MAILS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_handle_and_keys)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
