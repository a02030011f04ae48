/* account -- what is counted of answered requests: how many, how long they took.
 * Metrics are looked up once for each route and status, not once a request. Owns its table, borrows the registry; without one
 * nothing is counted. Cannot fail. Any thread. */
#ifndef MAILER_HTTP_ACCOUNT_H
#define MAILER_HTTP_ACCOUNT_H

#include "mailer/http/exchange.h"

struct account;

struct account *account_open(struct metrics *m_or_null);
void account_close(struct account **a);

/* A request is over. The route's pattern stands for the path: tokens and ids stay out of logs and metrics. */
void account_request(struct account *a, const struct exchange *x, int64_t took_ns);
/* From the head of a send request to its answer that something is on disk. */
void account_accepted(struct account *a, const struct exchange *x, int64_t took_ns);

#endif
