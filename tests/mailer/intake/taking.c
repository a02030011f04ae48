#include "tests/mailer/intake/taking.h"

struct snapshot *snapshot;

int taking_enter(void **state)
{
    one_room_open(state);
    snapshot = room_snapshot(&room);
    return 0;
}

int taking_leave(void **state)
{
    snapshot_close(&snapshot);
    return one_room_close(state);
}

void close_taken(struct taken *t)
{
    arena_close(&t->arena);
}

void take_for(struct taken *t, const char *storefront, struct str key, struct str body)
{
    struct intake_setup setup = room_intake(&room);
    struct intake_call call = {storefront, "key_1", key, body};
    struct err e = {0};

    t->arena = arena_open();
    faults_init(&t->faults, t->arena);
    if (!intake_prepare(&setup, snapshot, &call, t->arena, &t->s, &t->faults, &e))
        fail_msg("intake failed: %s", e.text);
}

void take(struct taken *t, const char *body)
{
    take_for(t, "acme", STR(""), str_of(body));
}
