/* state -- the names of the message states, as the API and the journal write them. */
#include "queue/queue.h"

/* The numbers stand in stored rows. */
_Static_assert(MSG_QUEUED == 0 && MSG_LEASED == 1 && MSG_DEFERRED == 2 && MSG_HELD == 3 &&
                   MSG_DELIVERED == 4 && MSG_BOUNCED == 5 && MSG_EXPIRED == 6 &&
                   MSG_CANCELLED == 7 && MSG_SUPPRESSED == 8 && MSG_STATES == 9,
    "stored states keep their numbers");

static const char *const names[] = {
    [MSG_QUEUED] = "queued",
    [MSG_LEASED] = "leased",
    [MSG_DEFERRED] = "deferred",
    [MSG_HELD] = "held",
    [MSG_DELIVERED] = "delivered",
    [MSG_BOUNCED] = "bounced",
    [MSG_EXPIRED] = "expired",
    [MSG_CANCELLED] = "cancelled",
    [MSG_SUPPRESSED] = "suppressed",
};

const char *msg_state_name(enum msg_state s)
{
    return (unsigned)s < MSG_STATES ? names[s] : "unknown";
}

bool msg_state_parse(struct str name, enum msg_state *out)
{
    for (unsigned s = 0; s < MSG_STATES; s++)
        if (str_is(name, names[s])) {
            *out = (enum msg_state)s;
            return true;
        }
    return false;
}

bool msg_state_is_final(enum msg_state s)
{
    return s >= MSG_DELIVERED && s < MSG_STATES;
}
