#include "mailer/http/form.h"
#include "mailer/http/problem.h"
#include "mailer/http/resources.h"

#include "mailer/gate/surveyor.h"

/* The keys of this generation, which are those that sign. */
static const struct dkim_key *find_key(
    void *state, const struct conf_storefront *s, const struct conf_dkim *d)
{
    const struct shop *shop = state;

    (void)s;
    for (size_t i = 0; i < shop->keys_n; i++)
        if (strcmp(shop->sections[i]->selector, d->selector) == 0 &&
            strcmp(shop->sections[i]->domain, d->domain) == 0)
            return shop->keys[i];
    return NULL;
}

/* NULL: answered. Another storefront's domain is as unknown as one that never was. */
static const char *find_domain(struct exchange *x, const struct shop *shop)
{
    struct str domain;
    struct err e;

    if (address_domain_given(form_decode(x->arena, x->param), x->arena, &domain, &e)) {
        const char *text = arena_text(x->arena, domain);
        if (survey_sends_from(shop->conf, text, x->arena) ||
            survey_returns_to(shop->conf, text, x->arena))
            return text;
    }
    problem(x, 404, "no-such-domain",
        "this storefront neither sends from that domain nor has its return path there");
    return NULL;
}

static void refuse_stopped(struct exchange *x)
{
    answer_header(x, "Retry-After", "1");
    problem(x, 503, "not-ready", "not ready: the service is stopping");
}

static void answer_report(struct exchange *x)
{
    switch (x->surveyed) {
    case SURVEYOR_REPORT:
        x->status = 200;
        x->content_type = "application/json";
        return;
    case SURVEYOR_BUSY:
        answer_header(x, "Retry-After", "5");
        problem(x, 429, "busy", "more domains wait to be audited than can be; try again later");
        return;
    case SURVEYOR_STOPPED:
        refuse_stopped(x);
        return;
    }
}

/* On a worker's thread, or at once on this one. */
static void surveyed(void *context, enum surveyor_answer answer, struct str json)
{
    struct exchange *x = context;

    x->surveyed = answer;
    buf_add(&x->answer, json);
    exchange_go_on(x);
}

void domains_get(struct exchange *x)
{
    const struct shop *shop = snapshot_shop(x->snapshot, x->key.storefront);
    const char *domain = find_domain(x, shop);
    const struct survey_keys keys = {find_key, (void *)(uintptr_t)shop};

    if (!domain)
        return;
    if (!x->app->surveyor || !exchange_wait(x, answer_report)) {
        refuse_stopped(x);
        return;
    }
    const struct surveyor_question question = {
        x->key.storefront, domain, snapshot_conf(x->snapshot), &keys};
    surveyor_ask(x->app->surveyor, &question, surveyed, x); /* x may be gone by now */
}
