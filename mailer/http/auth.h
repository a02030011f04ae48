/* auth -- who calls: "Authorization: Bearer pp_..." (RFC 6750). False: answered with 401, 403 or 503. */
#ifndef MAILER_HTTP_AUTH_H
#define MAILER_HTTP_AUTH_H

#include "mailer/http/exchange.h"

bool auth_admit(struct exchange *x, unsigned roles);

#endif
