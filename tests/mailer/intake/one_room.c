#include "tests/mailer/intake/one_room.h"

struct room room;

int one_room_open(void **state)
{
    (void)state;
    room_open(&room);
    return 0;
}

int one_room_close(void **state)
{
    (void)state;
    room_close(&room);
    return 0;
}
