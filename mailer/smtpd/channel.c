#include "mailer/smtpd/channel.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct channel_tls {
    SSL_CTX *context;
};

static bool library_error(struct err *e, const char *what, const char *file)
{
    unsigned long code = ERR_get_error();
    const char *why = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return err_set(e, ERR_INPUT, "%s %s: %s", what, file, why ? why : "not usable");
}

static bool load(
    SSL_CTX *context, const char *certificate_file, const char *key_file, struct err *e)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
        return library_error(e, "certificate", certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        return library_error(e, "private key", key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return library_error(e, "private key does not fit the certificate:", key_file);
    return true;
}

bool channel_tls_open(
    const char *certificate_file, const char *key_file, struct channel_tls **out, struct err *e)
{
    struct channel_tls *t = calloc(1, sizeof *t);

    if (!t)
        err_out_of_memory();
    t->context = SSL_CTX_new(TLS_server_method());
    if (!t->context)
        err_out_of_memory();
    SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        t->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
    if (!load(t->context, certificate_file, key_file, e)) {
        channel_tls_close(&t);
        return false;
    }
    *out = t;
    return true;
}

void channel_tls_close(struct channel_tls **t)
{
    if (!*t)
        return;
    SSL_CTX_free((*t)->context);
    free(*t);
    *t = NULL;
}

static enum channel_result tls_result(const struct channel *c, int returned)
{
    if (returned > 0)
        return CHANNEL_DONE;
    switch (SSL_get_error(c->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return CHANNEL_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return CHANNEL_WANTS_WRITE;
    default:
        return CHANNEL_GONE;
    }
}

static enum channel_result plain_result(
    ssize_t returned, enum channel_result when_blocked, size_t *n)
{
    if (returned > 0) {
        *n = (size_t)returned;
        return CHANNEL_DONE;
    }
    bool again = returned < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return again ? when_blocked : CHANNEL_GONE;
}

enum channel_result channel_read(struct channel *c, void *out, size_t size, size_t *n)
{
    if (!c->ssl)
        return plain_result(recv(c->fd, out, size, 0), CHANNEL_WANTS_READ, n);
    ERR_clear_error();
    return tls_result(c, SSL_read_ex(c->ssl, out, size, n));
}

enum channel_result channel_write(struct channel *c, struct str bytes, size_t *n)
{
    if (!c->ssl)
        return plain_result(send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL), CHANNEL_WANTS_WRITE, n);
    ERR_clear_error();
    return tls_result(c, SSL_write_ex(c->ssl, bytes.p, bytes.n, n));
}

void channel_start_tls(struct channel *c, struct channel_tls *t)
{
    c->ssl = SSL_new(t->context);
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
        err_out_of_memory();
    SSL_set_accept_state(c->ssl);
}

enum channel_result channel_handshake(struct channel *c)
{
    ERR_clear_error();
    return tls_result(c, SSL_do_handshake(c->ssl));
}

void channel_say_goodbye(struct channel *c)
{
    if (c->ssl && SSL_is_init_finished(c->ssl)) {
        ERR_clear_error();
        SSL_shutdown(c->ssl);
    }
    shutdown(c->fd, SHUT_WR);
}

void channel_close(struct channel *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
