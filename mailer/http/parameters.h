/* parameters -- values out of the query, checked. Absent leaves *out as it is; false: answered with 400. */
#ifndef MAILER_HTTP_PARAMETERS_H
#define MAILER_HTTP_PARAMETERS_H

#include "mailer/http/exchange.h"

/* False: answered with 422, because a filter that is not heeded shows too much. */
bool parameters_are_known(struct exchange *x, const char *const *names, size_t n);
bool parameter_number(
    struct exchange *x, const char *name, int64_t least, int64_t most, int64_t *out);
bool parameter_time(struct exchange *x, const char *name, int64_t *out_ms);
bool parameter_flag(struct exchange *x, const char *name, bool *out);
bool parameter_text(struct exchange *x, const char *name, size_t max_bytes, const char **out);
/* Answers that this one must be `right`; false. */
bool parameter_refuse(struct exchange *x, const char *name, const char *right);

#endif
