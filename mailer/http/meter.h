/* meter -- charges a request to the API key that it came with, and tells the caller how the key stands, in the fields
 * RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11: one policy, "key").
 * Any thread; the exchange is the caller's. */
#ifndef MAILER_HTTP_METER_H
#define MAILER_HTTP_METER_H

#include "mailer/http/exchange.h"

/* False: answered with 429, and nothing was charged. */
bool meter_charge(struct exchange *x, size_t n);

#endif
