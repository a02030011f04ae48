/* dkim -- signing and verifying (libopendkim's only user, with dkim_*.c).
 *
 * Keys are decoded once, at dkim_key_open; signing finds the decoded key by its PEM text
 * (pem_seam.h). Signing puts one DKIM-Signature per key before the message; From, To, Subject,
 * Date, Reply-To, List-Unsubscribe and List-Unsubscribe-Post are oversigned; no l=. RSA keys below
 * 2048 bits are refused. Verifying judges each signature by itself; public keys come through the
 * caller's look-up.
 * Threads: a struct dkim is shared by all; a key is immutable.
 * Errors: ERR_INPUT for keys, ERR_LIBRARY.
 * Source: RFC 6376, 8301, 8463. */
#ifndef MAILER_MIME_DKIM_H
#define MAILER_MIME_DKIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

/* libopendkim has functions of these names too, so ours have another one in the linker. */
#define DKIM_LINK(name) __asm__("parcelpost_" name)

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
const char *dkim_algorithm_name(enum dkim_algorithm a); /* "rsa-sha256", "ed25519-sha256" */

/* ---- keys ------------------------------------------------------------------------------------ */

struct dkim_key; /* one private key with its domain and selector */

bool dkim_key_open(
    const char *domain, const char *selector, struct str pem, struct dkim_key **out, struct err *e);
void dkim_key_close(struct dkim_key **k);
/* A new private key as PEM (PKCS 8); bits only for RSA. */
bool dkim_key_new(enum dkim_algorithm algorithm, int bits, struct buf *pem, struct err *e);

const char *dkim_key_domain(const struct dkim_key *k);
const char *dkim_key_selector(const struct dkim_key *k);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
int dkim_key_bits(const struct dkim_key *k);
/* The public half as p= carries it, before base64: SubjectPublicKeyInfo for RSA, 32 raw bytes for
 * Ed25519. */
struct str dkim_key_public(const struct dkim_key *k);
void dkim_key_record(const struct dkim_key *k, struct buf *out); /* "v=DKIM1; k=rsa; p=..." */

/* ---- signing --------------------------------------------------------------------------------- */

struct dkim; /* the library's handle and its settings */

struct dkim_setup {
    bool body_simple;          /* c=relaxed/simple instead of relaxed/relaxed */
    const struct clock *clock; /* for t= when signing, x= when verifying; NULL = the system's */
};
bool dkim_open(const struct dkim_setup *s, struct dkim **out, struct err *e);
void dkim_close(struct dkim **d) DKIM_LINK("dkim_close");

/* message: headers, empty line, body, CRLF. Appends to `out` the DKIM-Signature headers (each with
 * CRLF) that go before it, in the order of keys. */
bool dkim_sign(struct dkim *d, const struct dkim_key *const *keys, size_t n, struct str message,
    struct buf *out, struct err *e) DKIM_LINK("dkim_sign");

/* ---- verifying ------------------------------------------------------------------------------- */

#define DKIM_MAX_SIGNATURES 10 /* further ones are ignored, in the order of the header */

enum dkim_lookup {
    DKIM_KEY_FOUND,
    DKIM_KEY_NONE,
    DKIM_KEY_UNUSABLE, /* what was found is no key for mail; out says why in a sentence */
    DKIM_KEY_TEMPERROR,
};
struct dkim_source {
    /* The TXT record at "selector._domainkey.domain", strings joined, RSA keys as SubjectPublicKeyInfo. */
    enum dkim_lookup (*record)(void *context, const char *name, struct buf *out);
    void *context;
};

struct dkim_result {
    const char *domain, *selector, *algorithm; /* as the signature says */
    int bits;                                  /* of the public key, 0 = unknown */
    const char *result; /* RFC 8601: pass fail neutral temperror permerror policy */
    const char *reason; /* one sentence, "" for pass */
};
bool dkim_verify(struct dkim *d, struct str message, const struct dkim_source *source,
    struct arena *a, struct dkim_result **out, size_t *n, struct err *e) DKIM_LINK("dkim_verify");

#endif
