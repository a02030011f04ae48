/* contract -- what every back end of the queue must do, as cmocka tests. The group state is a
 * `struct backend`; a suite for a back end runs each of these lists with its own. */
#ifndef TESTS_QUEUE_CONTRACT_H
#define TESTS_QUEUE_CONTRACT_H

#include "tests/queue/post.h"

struct contract {
    const char *name;
    const struct CMUnitTest *tests;
    size_t n;
};

extern const struct contract contract_messages, contract_work, contract_orders, contract_people,
    contract_journal, contract_depth;

#endif
