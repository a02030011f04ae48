#include "tests/mailer/cli/front.h"

#include <stdlib.h>
#include <unistd.h>

int front_open(void **state)
{
    one_room_open(state);
    queue_close(&room.queue); /* the commands open it themselves */
    setenv("PARCELPOST_CONFIG", "settings.conf", 1);
    return chdir(room.folder);
}

int front_close(void **state)
{
    program_close();
    return chdir("/") == 0 ? one_room_close(state) : -1;
}

void front_write_mail(void)
{
    room_write(&room, "mail.json",
        "{\"template\":\"note\",\"to\":\"ada@example.com\",\"data\":{\"name\":\"Ada\","
        "\"number\":\"1\"}}",
        0600);
}
