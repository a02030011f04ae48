#include "tests/mailer/http/jam.h"

#include "tests/base/expect.h"

static void hold_the_writer(void *context, const struct receipt *r, const struct err *e_or_null)
{
    struct jam *j = context;

    (void)r;
    expect("jammed", e_or_null == NULL, "a submit");
    sem_post(&j->reached);
    sem_wait(&j->loosened);
}

void jam_hold(struct desk *d, struct jam *j)
{
    struct err e;

    sem_init(&j->reached, 0, 0);
    sem_init(&j->loosened, 0, 0);
    ids_new(d->room.ids, "msg_", &j->id);
    j->mail = (struct submission){.storefront = "acme",
        .id = j->id.s,
        .address = STR("jam@example.com"),
        .stream = "transactional",
        .template_name = "note",
        .locale = "en",
        .destination = "example.com",
        .expires_ms = ROOM_NOW_MS + 1000,
        .order = {.event = "", .supersedes = ""},
        .state = MSG_QUEUED,
        .reason = "",
        .facts = STR("{}")};
    expect("jam", queue_submit_async(d->room.queue, &j->mail, hold_the_writer, j, &e), "queued");
    sem_wait(&j->reached);
}

void jam_loosen(struct jam *j)
{
    sem_post(&j->loosened);
}

void jam_close(struct jam *j)
{
    sem_destroy(&j->reached);
    sem_destroy(&j->loosened);
}
