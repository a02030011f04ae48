#include "mailer/mime/time_seam.h"

#include <stdbool.h>
#include <time.h>

static _Thread_local struct {
    bool stands;
    time_t seconds;
} offer;

void time_seam_offer(int64_t seconds)
{
    offer.stands = true;
    offer.seconds = (time_t)seconds;
}

void time_seam_withdraw(void)
{
    offer.stands = false;
}

/* The coarse clock is what the system's own time() reads. Exported whatever the visibility of the rest. */
__attribute__((visibility("default"))) time_t time(time_t *out)
{
    struct timespec now = {.tv_sec = offer.seconds};

    if (!offer.stands)
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
