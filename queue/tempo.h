/* tempo -- when the next group of changes begins.
 *
 * A commit costs some hundred microseconds whatever is in it: the calls of its sync, the last page of each table once more, a
 * thread that wakes up. While mails go out fast, most changes are outcomes, which nobody waits for, and the cores have other
 * work until the next commit. So a group that could begin at once waits for company, until TEMPO_GAP_NS after the one
 * before it began. It does not wait
 *   - while outcomes come more seldom than two in such a time: whoever posts or sends then waits for this commit alone;
 *   - when `enough.outcomes` stand in line: bodies may soon have to wait for their slots (mailer/deliver/slots.h);
 *   - when so many claims stand in line that their lanes would be missed: each waits for this commit. Where hardly any two
 *     mails go to the same domain, there are two claims for every outcome;
 *   - where the commits themselves take that long.
 * Pure: the committer brings the time, of clock_steady_ns, and holds its lock. */
#ifndef QUEUE_TEMPO_H
#define QUEUE_TEMPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPO_GAP_NS 4000000
#define TEMPO_WINDOW_NS 16000000 /* over at least so long it is counted how fast outcomes come */

/* What stands in line. */
struct tempo_line {
    size_t outcomes, claims;
};

struct tempo {
    struct tempo_line
        enough; /* of either; no outcomes (commands, a single lane): no group ever waits */
    int64_t began_ns, window_ns;
    size_t outcomes; /* of the groups since window_ns */
    bool is_brisk;
};

/* For so many bodies under way at once, or 0. */
struct tempo tempo_for(size_t lanes);
/* A group begins that has so many outcomes in it. */
void tempo_begin(struct tempo *t, size_t outcomes, int64_t now_ns);
/* When the next one is to begin: in the past, or later. */
int64_t tempo_due_ns(const struct tempo *t, struct tempo_line line);
/* Whether it waits no longer, however fast outcomes come. */
bool tempo_is_pressed(const struct tempo *t, struct tempo_line line);

#endif
