#include "tests/support/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct certs {
    EVP_PKEY *key;
    X509 *cert;
};

static void require(int good)
{
    if (!good)
        abort();
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    require(x && X509_add_ext(cert, x, -1));
    X509_EXTENSION_free(x);
}

static X509 *new_cert(const char *name, EVP_PKEY *key)
{
    static long serial = 1;
    X509 *cert = X509_new();

    require(cert != NULL);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    return cert;
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    require(key != NULL);
    return key;
}

struct certs *certs_open(void)
{
    struct certs *c = calloc(1, sizeof *c);

    require(c != NULL);
    c->key = new_key();
    c->cert = new_cert("Test Authority", c->key);
    X509_set_issuer_name(c->cert, X509_get_subject_name(c->cert));
    add_extension(c->cert, c->cert, NID_basic_constraints, "critical,CA:TRUE");
    require(X509_sign(c->cert, c->key, EVP_sha256()) > 0);
    return c;
}

void certs_close(struct certs **c)
{
    if (!*c)
        return;
    EVP_PKEY_free((*c)->key);
    X509_free((*c)->cert);
    free(*c);
    *c = NULL;
}

static X509 *server_cert(struct certs *c, const char *name, int trusted, EVP_PKEY *key)
{
    char san[300];
    X509 *cert = new_cert(name, key);

    snprintf(san, sizeof san, "DNS:%s", name);
    X509_set_issuer_name(cert, X509_get_subject_name(trusted ? c->cert : cert));
    add_extension(cert, trusted ? c->cert : cert, NID_subject_alt_name, san);
    require(X509_sign(cert, trusted ? c->key : key, EVP_sha256()) > 0);
    return cert;
}

static SSL_CTX *server_context(X509 *cert, EVP_PKEY *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    require(ctx && SSL_CTX_use_certificate(ctx, cert) && SSL_CTX_use_PrivateKey(ctx, key));
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

SSL_CTX *certs_server(struct certs *c, const char *name, int trusted)
{
    EVP_PKEY *key = new_key();

    return server_context(server_cert(c, name, trusted, key), key);
}

SSL_CTX *certs_expired_server(struct certs *c, const char *name)
{
    EVP_PKEY *key = new_key();
    X509 *cert = server_cert(c, name, 1, key);

    X509_gmtime_adj(X509_getm_notAfter(cert), -60);
    require(X509_sign(cert, c->key, EVP_sha256()) > 0);
    return server_context(cert, key);
}

static void write_cert(const X509 *cert, const char *path)
{
    FILE *f = fopen(path, "w");

    require(f && PEM_write_X509(f, cert));
    require(fclose(f) == 0);
}

void certs_write_authority(struct certs *c, const char *path)
{
    write_cert(c->cert, path);
}

void certs_write_server(struct certs *c, const char *name, const char *certificate, const char *key)
{
    EVP_PKEY *k = new_key();
    X509 *cert = server_cert(c, name, 1, k);
    FILE *f = fopen(key, "w");

    require(f && PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL));
    require(fclose(f) == 0);
    write_cert(cert, certificate);
    X509_free(cert);
    EVP_PKEY_free(k);
}
