/* trust -- the TLS settings that all outgoing SMTP connections share: roots, least version, SNI.
 * Loading the roots costs some 50 ms, so there is one SSL_CTX per process. TLS 1.2 is the least. The certificate is
 * always looked at and never decides inside OpenSSL: smtp.c asks for the result and applies the hop's policy.
 * Errors: ERR_INPUT when the CA file cannot be read. Any thread. Source: RFC 3207, RFC 6066 s3, RFC 8996. */
#ifndef MAILER_DELIVER_TRUST_H
#define MAILER_DELIVER_TRUST_H

#include "base/err.h"

#include <openssl/ssl.h>

/* ca_file "" = the system's roots. Free with SSL_CTX_free. */
bool trust_open(const char *ca_file, SSL_CTX **out, struct err *e);

#endif
