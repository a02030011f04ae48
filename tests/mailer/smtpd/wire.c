#include "tests/mailer/smtpd/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_S 20

struct wire wire_open(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct wire w = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(w.fd >= 0);
    setsockopt(w.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(w.fd, (struct sockaddr *)&a, sizeof a), 0);
    return w;
}

void wire_close(struct wire *w)
{
    SSL_free(w->ssl);
    SSL_CTX_free(w->context);
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct wire){.fd = -1};
}

bool wire_send_bytes(struct wire *w, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = w->ssl ? SSL_write(w->ssl, bytes.p, (int)bytes.n)
                           : send(w->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

void wire_send(struct wire *w, const char *text)
{
    wire_send_bytes(w, str_of(text));
}

static ssize_t receive(struct wire *w, char *c)
{
    return w->ssl ? SSL_read(w->ssl, c, 1) : recv(w->fd, c, 1, 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool add_code(struct buf *out, struct str line)
{
    if (line.n < 4 || line.p[3] == '-')
        return false;
    buf_add(out, str_slice(line, 0, 3));
    if (line.n > 8 && is_digit(line.p[4]) && line.p[5] == '.' && is_digit(line.p[6])) {
        buf_add_char(out, '/');
        buf_add(out, str_slice(line, 4, str_find_char(line, ' ', 4)));
    }
    buf_add_char(out, ' ');
    return true;
}

const char *wire_codes(struct wire *w, size_t replies, struct buf *out)
{
    AUTO(buf_close) struct buf line = {0};
    char c;

    buf_clear(out);
    while (replies > 0) {
        ssize_t n = receive(w, &c);
        if (n <= 0) {
            buf_add_text(out, n < 0 && errno == EAGAIN ? "silence " : n < 0 ? "reset " : "end ");
            break;
        }
        buf_add_char(&line, c);
        if (c != '\n')
            continue;
        if (add_code(out, str_slice(buf_str(&line), 0, line.n - 2)))
            replies--;
        buf_clear(&line);
    }
    return buf_text(out);
}

bool wire_start_tls(struct wire *w)
{
    w->context = SSL_CTX_new(TLS_client_method());
    w->ssl = SSL_new(w->context);
    SSL_set_fd(w->ssl, w->fd);
    return SSL_connect(w->ssl) == 1;
}

static void write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(certificate ? PEM_write_X509(f, certificate)
                                 : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL),
        1);
    fclose(f);
}

void wire_make_certificate(const char *folder, char certificate[200], char key[200])
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, pair);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"mx.there.example", -1, -1, 0);
    X509_set_issuer_name(x, name);
    assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
    snprintf(certificate, 200, "%s/certificate.pem", folder);
    snprintf(key, 200, "%s/key.pem", folder);
    write_pem(certificate, NULL, x);
    write_pem(key, pair, NULL);
    X509_free(x);
    EVP_PKEY_free(pair);
}
