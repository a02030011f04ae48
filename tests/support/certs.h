/* certs -- a test's own certification authority and the server certificates that it signs (P-256, a day long).
 * Failures end the test program. */
#ifndef TESTS_SUPPORT_CERTS_H
#define TESTS_SUPPORT_CERTS_H

#include <openssl/ssl.h>

struct certs;

struct certs *certs_open(void);
void certs_close(struct certs **c);
/* A server's context with a certificate for `name`; trusted: signed by the authority, else by itself. */
SSL_CTX *certs_server(struct certs *c, const char *name, int trusted);
/* The same, signed by the authority, but past its last day. */
SSL_CTX *certs_expired_server(struct certs *c, const char *name);
/* The authority's certificate as a PEM file; server certificate and key, too. */
void certs_write_authority(struct certs *c, const char *path);
void certs_write_server(
    struct certs *c, const char *name, const char *certificate, const char *key);

#endif
