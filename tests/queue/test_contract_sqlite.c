#include "tests/queue/contract.h"

#include <stdio.h>

int main(void)
{
    const struct contract *all[] = {&contract_messages, &contract_work, &contract_orders,
        &contract_people, &contract_journal, &contract_depth};
    int failed = 0;

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct CMUnitTest tests[64];

        if (all[i]->n > COUNT_OF(tests))
            return 1;
        for (size_t t = 0; t < all[i]->n; t++) {
            tests[t] = all[i]->tests[t];
            tests[t].initial_state = (void *)&backend_sqlite;
        }
        failed += _cmocka_run_group_tests(all[i]->name, tests, all[i]->n, NULL, NULL);
    }
    return failed == 0 ? 0 : 1;
}
