#include "mailer/deliver/trust.h"

#include "mailer/deliver/dial.h"

#include <openssl/err.h>

/* libesmtp sends no SNI, and hands its SSL objects to nobody before the handshake begins: here. */
static void name_server(const SSL *ssl, int where, int ret)
{
    const char *host = dial_current_host();
    struct ip ip;

    (void)ret;
    if (where != SSL_CB_HANDSHAKE_START || *host == 0 || ip_parse(str_of(host), &ip))
        return;
    /* The callback's const is older than this use of it; the object is libesmtp's own. */
    SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, host);
}

bool trust_open(const char *ca_file, SSL_CTX **out, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return err_set(e, ERR_LIBRARY, "OpenSSL: cannot make a TLS context");
    int loaded = *ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
                          : SSL_CTX_set_default_verify_paths(ctx);
    if (!loaded) {
        ERR_clear_error();
        SSL_CTX_free(ctx);
        return err_set(e, ERR_INPUT, "tls_ca_file %s: no certificates could be read from it",
            *ca_file ? ca_file : "(the system's)");
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION); /* so that a write never waits to read */
    SSL_CTX_set_info_callback(ctx, name_server);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* a connection that waits holds 34 KB less */
    *out = ctx;
    return true;
}
