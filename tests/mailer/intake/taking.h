/* taking -- what the tests of intake share: requests of one room's storefronts, taken without being stored.
 * Group set-up and -end are taking_enter and taking_leave; a failure that is no fault of the request fails the test. */
#ifndef TESTS_MAILER_INTAKE_TAKING_H
#define TESTS_MAILER_INTAKE_TAKING_H

#include "tests/base/expect.h"
#include "tests/mailer/intake/one_room.h"

/* Fields of a request that is right as {GOOD}. */
#define GOOD                                                                                       \
    "\"template\":\"note\",\"to\":\"Ada "                                                          \
    "<ada@example.com>\",\"data\":{\"name\":\"Ada\",\"number\":\"7\"}"
#define NO_TO "\"template\":\"note\",\"data\":{\"name\":\"Ada\",\"number\":\"7\"}"

extern struct snapshot *snapshot;

int taking_enter(void **state);
int taking_leave(void **state);

struct taken {
    struct arena *arena;
    struct submission s;
    struct faults faults;
};
void close_taken(struct taken *t);

void take_for(struct taken *t, const char *storefront, struct str key, struct str body);
void take(struct taken *t, const char *body); /* for acme, without a key */

#endif
