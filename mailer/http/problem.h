/* problem -- refusals as RFC 9457 problem details: {type, title, status, code, detail, request_id, errors}.
 * `code` is stable, `detail` says what would be right and never repeats a value of the request. */
#ifndef MAILER_HTTP_PROBLEM_H
#define MAILER_HTTP_PROBLEM_H

#include "mailer/http/exchange.h"

void problem(struct exchange *x, unsigned status, const char *code, const char *format, ...)
    PRINTF(4, 5);
/* 422 with one entry for each fault; 400 where the body is no JSON. */
void problem_of_faults(struct exchange *x, const struct faults *f);
/* Our own failure: 429 when busy, 503 when the store is in trouble, else 500. Logged here, once. */
void problem_of_err(struct exchange *x, const struct err *e);
/* The same as a value, for one of several requests in one body; without headers. */
struct js *problem_value_of_faults(struct exchange *x, const struct faults *f);
struct js *problem_value(struct exchange *x, unsigned status, const char *code, const char *detail);
struct js *problem_value_of_err(struct exchange *x, const struct err *e); /* logged here, once */

#endif
