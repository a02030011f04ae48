/* fetching -- what the tests of base/fetch.h share: a server with a certificate that holds, a resolver that says what it is
 * told, and rules under which nothing is private but what a test says. */
#ifndef TESTS_BASE_FETCHING_H
#define TESTS_BASE_FETCHING_H

#include "base/fetch.h"

#include "tests/base/expect.h"
#include "tests/support/certs.h"
#include "tests/support/peer.h"
#include "tests/support/scratch.h"

#define HOST "pages.example"
#define URL "https://" HOST "/a/page.txt?x=1"
#define PLENTY_MS 20000 /* no test should get there */

/* An authority, its file, an arena. */
struct room {
    struct certs *certs;
    SSL_CTX *good;
    char authority[SCRATCH_SIZE];
    struct arena *arena;
};

/* Group set-up and -end: the state is a struct room. */
int fetching_enter(void **state);
int fetching_leave(void **state);

/* What the resolver says: the host itself as an address list, or none. */
struct names {
    const char *const *addresses;
    size_t n;
    bool failed;
    const char *asked; /* the last one */
};

extern const char *const fetching_here[1]; /* 127.0.0.1 */
extern struct names
    fetching_names; /* these, for every host: what the rules ask unless a test says other ones */

struct fetch_rules rules_for(const struct room *r, const struct peer *p); /* NULL: nobody listens */
void expect_status(const char *name, const struct fetch_answer *got, enum fetch_status want);

/* A whole answer: "hello world", in chunks. */
extern const char fetching_page[];

bool take_request(struct line *c);
peer_script fetching_answer; /* context: its text; the connection stays open */

#endif
