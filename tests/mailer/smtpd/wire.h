/* wire -- a client that says exactly what a test wants said, on a blocking socket with a bound.
 * Failures of the test's own machinery end the test. */
#ifndef TESTS_MAILER_SMTPD_WIRE_H
#define TESTS_MAILER_SMTPD_WIRE_H

#include "base/buf.h"

struct wire {
    int fd;
    void *context, *ssl;
};

struct wire wire_open(int port);
void wire_close(struct wire *w);
void wire_send(struct wire *w, const char *text);
bool wire_send_bytes(struct wire *w, struct str bytes); /* false: the other side takes no more */
/* Reads until `replies` whole replies (last lines) have come, or the end; gives "250/2.1.0 354 ",
 * and "end " or "reset " where the connection ended before. */
const char *wire_codes(struct wire *w, size_t replies, struct buf *out);
bool wire_start_tls(struct wire *w); /* the handshake alone */
/* A fresh self-signed certificate and key as PEM files in the folder. */
void wire_make_certificate(const char *folder, char certificate[200], char key[200]);

#endif
