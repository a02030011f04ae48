/* Signing: one handle of the library for each key, all fed with the same message. The library makes the signature; the
 * body's hash in it is ours where the seam is in force. */
#include <openssl/err.h>

#include "mailer/mime/body_hash.h"
#include "mailer/mime/dkim_key.h"
#include "mailer/mime/hash_seam.h"
#include "mailer/mime/opendkim.h"
#include "mailer/mime/pem_seam.h"
#include "mailer/mime/time_seam.h"

#define HANDLE_BYTES (24 * 1024) /* what the library takes for a mail with a dozen fields: 22 KB */

/* A foreign library's input pointers are not const, but it only reads. */
static unsigned char *bytes_of(struct str s)
{
    return (unsigned char *)(uintptr_t)s.p;
}

static bool refuse(DKIM *message, const char *step, DKIM_STAT status, struct err *e)
{
    const char *why = message ? dkim_geterror(message) : NULL;

    ERR_clear_error();
    return err_set(e, ERR_LIBRARY, "dkim: %s: %s", step, why ? why : dkim_getresultstr(status));
}

/* Without the body where its hash is known. */
static bool feed(DKIM *message, struct str text, bool hash_is_known, struct err *e)
{
    struct str header, body, field;
    DKIM_STAT status;

    opendkim_split(text, &header, &body);
    while (opendkim_next_field(&header, &field)) {
        status = field.n > 0 ? dkim_header(message, bytes_of(field), field.n) : DKIM_STAT_SYNTAX;
        if (status != DKIM_STAT_OK)
            return refuse(message, "a header field cannot be signed", status, e);
    }
    status = dkim_eoh(message);
    if (status != DKIM_STAT_OK)
        return refuse(message, "the header cannot be signed", status, e);
    status =
        body.n > 0 && !hash_is_known ? dkim_body(message, bytes_of(body), body.n) : DKIM_STAT_OK;
    if (status != DKIM_STAT_OK)
        return refuse(message, "the body cannot be signed", status, e);
    return true;
}

/* The library asks for the private key and ends the body's hash inside eom, so the offers stand just there. */
static DKIM_STAT finish(DKIM *message, const struct dkim_key *k, const struct digest *body)
{
    struct pem_offer offer = {
        .pem = buf_str(&k->pem),
        .key = k->pkey,
        .takes_reference = k->algorithm == DKIM_RSA_SHA256,
    };
    DKIM_STAT status;

    pem_seam_offer(&offer);
    hash_seam_offer(body);
    status = dkim_eom(message, NULL);
    bool taken = hash_seam_withdraw();
    pem_seam_withdraw();
    return status == DKIM_STAT_OK && body && !taken ? DKIM_STAT_INTERNAL : status;
}

/* body: its hash, or NULL for the library to make it. */
static bool sign_one(struct dkim *d, const struct dkim_key *k, struct str text,
    const struct digest *body, struct buf *out, struct err *e)
{
    AUTO(arena_close) struct arena *arena = arena_open_for(HANDLE_BYTES);
    AUTO(opendkim_free) DKIM *message = NULL;
    DKIM_STAT status = DKIM_STAT_OK;
    unsigned char *value = NULL;
    size_t n = 0;

    message =
        opendkim_sign(d->lib, (const unsigned char *)"parcelpost", arena, (dkim_sigkey_t)k->pem.p,
            (const unsigned char *)k->selector, (const unsigned char *)k->domain,
            DKIM_CANON_RELAXED, d->body_simple ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED,
            k->algorithm == DKIM_RSA_SHA256 ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1,
            &status);
    if (!message)
        return refuse(NULL, "no handle", status, e);
    if (!feed(message, text, body != NULL, e))
        return false;
    status = finish(message, k, body);
    if (status != DKIM_STAT_OK)
        return refuse(message, "no signature", status, e);
    status = dkim_getsighdr_d(message, sizeof DKIM_SIGNHEADER ": " - 1, &value, &n);
    if (status != DKIM_STAT_OK)
        return refuse(message, "no header", status, e);
    buf_add(out, STR(DKIM_SIGNHEADER ": "));
    buf_add(out, str_bytes(value, n));
    buf_add(out, STR("\r\n"));
    return true;
}

static bool hash_body(const struct dkim *d, struct str text, struct digest *out)
{
    struct str header, body;

    opendkim_split(text, &header, &body);
    return d->takes_hashes && body_hash(body, d->body_simple, out);
}

static bool sign_all(struct dkim *d, const struct dkim_key *const *keys, size_t n,
    struct str message, struct buf *out, struct err *e)
{
    size_t before = out->n;
    struct digest digest;
    const struct digest *body = hash_body(d, message, &digest) ? &digest : NULL;

    for (size_t i = 0; i < n; i++) {
        bool is_signed = body && sign_one(d, keys[i], message, body, out, e);

        if (!is_signed && !sign_one(d, keys[i], message, NULL, out, e)) {
            buf_cut(out, before);
            return false;
        }
    }
    return true;
}

bool dkim_sign(struct dkim *d, const struct dkim_key *const *keys, size_t n, struct str message,
    struct buf *out, struct err *e)
{
    time_seam_offer(clock_now_ms(d->clock) / 1000);
    bool all = sign_all(d, keys, n, message, out, e);
    time_seam_withdraw();
    return all;
}
