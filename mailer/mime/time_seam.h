/* time_seam -- the time that libopendkim writes into t=, which it asks of the C library. The program defines time() itself: while
 * a thread has a time on offer, it gets that one; every other call goes on to the system. It works in programs that
 * export their symbols (ENABLE_EXPORTS); in others t= is the system's time.
 * Units: seconds since the Unix epoch. Threads: an offer is the thread's own. docs/decisions/0104-faults-that-pass.md says why. */
#ifndef MAILER_MIME_TIME_SEAM_H
#define MAILER_MIME_TIME_SEAM_H

#include <stdint.h>

void time_seam_offer(int64_t seconds);
void time_seam_withdraw(void);

#endif
