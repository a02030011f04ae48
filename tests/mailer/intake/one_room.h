/* one_room -- the room of a suite that has one for all its cases: set-up and tear-down of the group. */
#ifndef TESTS_MAILER_INTAKE_ONE_ROOM_H
#define TESTS_MAILER_INTAKE_ONE_ROOM_H

#include "tests/mailer/intake/room.h"

extern struct room room;

int one_room_open(void **state);
int one_room_close(void **state);

#endif
