/* channel -- a non-blocking connected socket that speaks in clear or, after a handshake as the server, TLS.
 * OpenSSL's only user in this folder. TLS 1.2 and later, no renegotiation; the context is shared by all channels.
 * Ownership: a channel owns its SSL object and its descriptor. One thread per channel; SIGPIPE must be blocked.
 * Errors: channel_tls_open (files, key does not fit); afterwards a fault of the peer is CHANNEL_GONE. */
#ifndef MAILER_SMTPD_CHANNEL_H
#define MAILER_SMTPD_CHANNEL_H

#include "base/err.h"
#include "base/str.h"

struct channel_tls; /* certificate and key, for all channels of a server */
bool channel_tls_open(
    const char *certificate_file, const char *key_file, struct channel_tls **out, struct err *e);
void channel_tls_close(struct channel_tls **t);

struct channel {
    int fd;
    void *ssl; /* NULL in clear */
};

enum channel_result {
    CHANNEL_DONE,        /* *n bytes moved; for a handshake: finished      */
    CHANNEL_WANTS_READ,  /* again when the socket can be read              */
    CHANNEL_WANTS_WRITE, /* again when it can be written                   */
    CHANNEL_GONE,        /* closed by the peer, or broken: close ours too  */
};

enum channel_result channel_read(struct channel *c, void *out, size_t size, size_t *n);
enum channel_result channel_write(struct channel *c, struct str bytes, size_t *n);

void channel_start_tls(struct channel *c, struct channel_tls *t);
enum channel_result channel_handshake(struct channel *c);
void channel_say_goodbye(struct channel *c); /* close_notify, if nobody has to wait; then FIN */
void channel_close(struct channel *c);       /* frees the SSL object and closes the descriptor */

#endif
