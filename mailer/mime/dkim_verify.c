/* Verifying: each signature is judged by itself and reported in the words of RFC 8601 s2.7.1. The
 * library processes all of them at the end of the message (DELAYSIGPROC), so that a key which
 * cannot be looked up now holds back its own signature only. */
#include <openssl/err.h>

#include <openssl/x509.h>

#include "base/encode.h"
#include "mailer/mime/dkim_signature.h"
#include "mailer/mime/opendkim.h"

#define HEADER_MAX (256 * 1024) /* octets of all fields together */
#define FIELDS_MAX 2000
#define LEAST_BITS 1024 /* RFC 8301 s3.2 */

/* What we know of one signature beside what the library knows. */
struct note {
    struct dkim_signature signature;
    bool broken;          /* the library cannot read its tags */
    bool temporary;       /* the look-up failed for now */
    bool too_long;        /* the key record does not fit the library's buffer */
    const char *unusable; /* why what was found is no key; NULL = it is one */
};

struct job {
    const struct dkim_source *source;
    struct arena *arena;
    int64_t now_s;
    struct str body; /* with CRLF, the last line too */
    struct note notes[DKIM_MAX_SIGNATURES];
    DKIM_SIGINFO **signatures; /* in the order of the header; the library's */
    size_t n;                  /* at most DKIM_MAX_SIGNATURES */
    size_t seen;               /* DKIM-Signature fields in all */
};

static unsigned char *bytes_of(struct str s)
{
    return (unsigned char *)(uintptr_t)s.p;
}

static const char *text_of(const unsigned char *s)
{
    return s ? (const char *)s : "";
}

/* A tag as the signature (or its key record) has it, "" when absent. Not from the library's own fields: a
 * signature that it gave up on says rsa-sha1 there, because that is its zero. */
static const char *tag(DKIM_SIGINFO *s, bool of_key, const char *name)
{
    return text_of(dkim_sig_gettagvalue(s, of_key, (unsigned char *)(uintptr_t)name));
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* Before any look-up: what will not be judged is not looked up either. */
DKIM_CBSTAT opendkim_screen(DKIM *message, DKIM_SIGINFO **signatures, int n)
{
    struct job *job = dkim_get_user_context(message);

    job->signatures = signatures;
    job->n = n < DKIM_MAX_SIGNATURES ? (size_t)n : DKIM_MAX_SIGNATURES;
    for (int i = 0; i < n; i++)
        if (i >= DKIM_MAX_SIGNATURES || job->notes[i].broken || job->notes[i].signature.result)
            dkim_sig_ignore(signatures[i]);
    return DKIM_CBSTAT_CONTINUE;
}

static struct note *note_of(struct job *job, const DKIM_SIGINFO *signature)
{
    size_t i = 0;

    while (i + 1 < job->n && job->signatures[i] != signature)
        i++;
    return &job->notes[i];
}

DKIM_CBSTAT opendkim_lookup_key(
    DKIM *message, DKIM_SIGINFO *signature, unsigned char *out, size_t size)
{
    AUTO(buf_close) struct buf record = {0};
    struct job *job = dkim_get_user_context(message);
    struct note *note = note_of(job, signature);
    const char *name = arena_printf(job->arena, "%s._domainkey.%s",
        text_of(dkim_sig_getselector(signature)), text_of(dkim_sig_getdomain(signature)));

    switch (job->source->record(job->source->context, name, &record)) {
    case DKIM_KEY_TEMPERROR:
        note->temporary = true;
        return DKIM_CBSTAT_TRYAGAIN;
    case DKIM_KEY_NONE:
        return DKIM_CBSTAT_NOTFOUND;
    case DKIM_KEY_UNUSABLE:
        note->unusable = arena_text(job->arena, buf_str(&record));
        return DKIM_CBSTAT_NOTFOUND;
    case DKIM_KEY_FOUND:
        break;
    }
    if (str_copy(buf_str(&record), (char *)out, size))
        return DKIM_CBSTAT_CONTINUE;
    note->too_long = true;
    return DKIM_CBSTAT_NOTFOUND;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* The library's findings that need no second look. Words of ours where its own say too little. */
static const struct finding {
    DKIM_SIGERROR error;
    const char *result, *reason;
} findings[] = {
    {DKIM_SIGERROR_VERSION, "permerror", "the signature has a version other than 1"},
    {DKIM_SIGERROR_DOMAIN, "permerror", "i= lies outside the domain in d="},
    {DKIM_SIGERROR_EXPIRED, "policy", "the signature has expired (x=)"},
    {DKIM_SIGERROR_FUTURE, "policy", "the signature was made in the future (t=)"},
    {DKIM_SIGERROR_INVALID_A, "permerror", "the algorithm in a= is not known"},
    {DKIM_SIGERROR_INVALID_H, "permerror", "From is not among the signed fields (h=)"},
    {DKIM_SIGERROR_NOKEY, "permerror", "there is no key record"},
    {DKIM_SIGERROR_DNSSYNTAX, "permerror", "the key record cannot be read"},
    {DKIM_SIGERROR_KEYFAIL, "temperror", "the key cannot be looked up now"},
    {DKIM_SIGERROR_BADSIG, "fail", "the signed fields were altered, or another key signed them"},
    {DKIM_SIGERROR_SUBDOMAIN, "permerror", "the key forbids subdomains in i= (t=s)"},
    {DKIM_SIGERROR_TOOLARGE_L, "fail", "the body is shorter than l= says"},
    {DKIM_SIGERROR_KEYVERSION, "permerror", "the key record has a version other than DKIM1"},
    {DKIM_SIGERROR_KEYUNKNOWNHASH, "permerror", "the key record allows no hash that is known"},
    {DKIM_SIGERROR_KEYHASHMISMATCH, "permerror", "the key record does not allow this hash"},
    {DKIM_SIGERROR_NOTEMAILKEY, "permerror", "the key is not meant for mail (s=)"},
    {DKIM_SIGERROR_KEYTYPEMISSING, "permerror", "the key record names no key type"},
    {DKIM_SIGERROR_KEYTYPEUNKNOWN, "permerror", "the key record names an unknown key type"},
    {DKIM_SIGERROR_KEYREVOKED, "permerror", "the key was revoked (empty p=)"},
    {DKIM_SIGERROR_KEYDECODE, "permerror", "the key does not suit the algorithm, or is damaged"},
    {DKIM_SIGERROR_KEYTOOSMALL, "policy", "the RSA key has fewer than 1024 bits (RFC 8301)"},
};

static void set_result(struct dkim_result *r, const char *result, const char *reason)
{
    r->result = result;
    r->reason = reason;
}

/* l= leaves text below the signed part that anyone may have added (RFC 6376 s8.2). */
static bool leaves_text_unsigned(const struct job *job, const struct dkim_signature *s)
{
    return s->has_length && s->length < dkim_body_length(job->body, s->body_relaxed);
}

static void judge_processed(
    const struct job *job, const struct note *note, DKIM_SIGINFO *s, struct dkim_result *r)
{
    bool matched = (dkim_sig_getflags(s) & DKIM_SIGFLAG_PASSED) != 0;
    DKIM_SIGERROR error = dkim_sig_geterror(s);

    if (matched && dkim_sig_getbh(s) == DKIM_SIGBH_MISMATCH) {
        set_result(r, "fail", "the body was altered after signing");
    } else if (matched && dkim_sig_getbh(s) == DKIM_SIGBH_MATCH && error == DKIM_SIGERROR_OK) {
        if (leaves_text_unsigned(job, &note->signature))
            set_result(r, "policy", "l= leaves a part of the body unsigned");
        else
            set_result(r, "pass", "");
    } else {
        const char *words = dkim_sig_geterrorstr(error);

        set_result(r, "neutral", words && error > DKIM_SIGERROR_OK ? words : "not processed");
        for (size_t i = 0; i < COUNT_OF(findings); i++)
            if (findings[i].error == error)
                set_result(r, findings[i].result, findings[i].reason);
    }
}

static void close_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

/* Of the modulus, which the library knows in whole bytes only. */
static int rsa_bits(struct str base64)
{
    AUTO(buf_close) struct buf der = {0};
    const unsigned char *at;
    if (!decode_base64(&der, base64))
        return 0;
    at = (const unsigned char *)der.p;
    AUTO(close_key) EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.n);
    return key && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;
}

static int bits_of(DKIM_SIGINFO *s)
{
    struct str key = str_of(tag(s, true, "p"));

    if ((dkim_sig_getflags(s) & DKIM_SIGFLAG_PROCESSED) == 0)
        return 0;
    if (str_is_nocase(str_of(tag(s, false, "a")), "ed25519-sha256"))
        return key.n > 0 ? 256 : 0;
    return rsa_bits(key);
}

static void judge(struct job *job, size_t i, struct dkim_result *r)
{
    DKIM_SIGINFO *s = job->signatures[i];
    const struct note *note = &job->notes[i];

    if (note->broken) {
        set_result(r, "neutral", "the signature cannot be read");
    } else if (note->temporary) {
        set_result(r, "temperror", "the key cannot be looked up now");
    } else if (note->too_long) {
        set_result(r, "permerror", "the key record is too long or holds a NUL");
    } else if (note->unusable) {
        set_result(r, "permerror", note->unusable);
    } else {
        r->bits = bits_of(s);
        judge_processed(job, note, s, r);
        if (strcmp(r->result, "pass") == 0 && r->bits < LEAST_BITS && r->bits != 256)
            set_result(r, "policy", "the RSA key has fewer than 1024 bits (RFC 8301)");
    }
}

/* Without the library's list (it gave up before) nothing is known but what the signatures say themselves. */
static void judge_all(struct job *job, struct arena *a, struct dkim_result **out, size_t *n)
{
    size_t count = job->seen < DKIM_MAX_SIGNATURES ? job->seen : DKIM_MAX_SIGNATURES;
    struct dkim_result *results = arena_array(a, count > 0 ? count : 1, sizeof *results);

    for (size_t i = 0; i < count; i++) {
        const struct dkim_signature *s = &job->notes[i].signature;

        results[i] = (struct dkim_result){.domain = arena_text(a, s->domain),
            .selector = arena_text(a, s->selector),
            .algorithm = arena_text(a, s->algorithm)};
        set_result(&results[i], "neutral", "the message cannot be processed");
        if (s->result)
            set_result(&results[i], s->result, s->reason);
        else if (i < job->n)
            judge(job, i, &results[i]);
    }
    *out = results;
    *n = count;
}

/* ---- feeding --------------------------------------------------------------------------------- */

static bool is_signature(struct str field)
{
    struct str name = str_slice(field, 0, str_find_char(field, ':', 0));

    return name.n < field.n && str_is_nocase(str_trim(name), DKIM_SIGNHEADER) && field.p[0] != ' ';
}

static bool feed_header(struct job *job, DKIM *message, struct str header, struct err *e)
{
    struct str field;
    size_t fields = 0;

    if (header.n > HEADER_MAX)
        return err_set(e, ERR_LIMIT, "the header is larger than %d octets", HEADER_MAX);
    while (opendkim_next_field(&header, &field)) {
        DKIM_STAT status;

        if (++fields > FIELDS_MAX)
            return err_set(e, ERR_LIMIT, "the header has more than %d fields", FIELDS_MAX);
        if (field.n == 0)
            continue;
        status = dkim_header(message, bytes_of(field), field.n);
        if (!is_signature(field))
            continue; /* a line that is no field is no part of any signature */
        if (job->seen < DKIM_MAX_SIGNATURES) {
            struct note *note = &job->notes[job->seen];

            note->broken = status != DKIM_STAT_OK;
            dkim_signature_read(str_slice(field, str_find_char(field, ':', 0) + 1, field.n),
                job->now_s, &note->signature);
        }
        job->seen++;
    }
    return true;
}

/* A file whose lines end in LF alone is read as what was sent: its first line tells. */
static struct str with_crlf(struct str message, struct arena *a)
{
    size_t first = str_find_char(message, '\n', 0), lines = 0, at = 0;
    char *copy;

    if (first == message.n || (first > 0 && message.p[first - 1] == '\r'))
        return message;
    for (size_t i = 0; i < message.n; i++)
        lines += message.p[i] == '\n';
    copy = arena_alloc(a, message.n + lines);
    for (size_t i = 0; i < message.n; i++) {
        if (message.p[i] == '\n' && (i == 0 || message.p[i - 1] != '\r'))
            copy[at++] = '\r';
        copy[at++] = message.p[i];
    }
    return str_bytes(copy, at);
}

/* A last line without CRLF gets one (RFC 6376 s3.4.3, s3.4.4), which the library wants to see. */
static struct str with_last_crlf(struct str body, struct arena *a)
{
    if (body.n == 0 || str_ends(body, STR("\r\n")))
        return body;
    char *copy = arena_alloc(a, body.n + 2);
    memcpy(copy, body.p, body.n);
    copy[body.n] = '\r';
    copy[body.n + 1] = '\n';
    return str_bytes(copy, body.n + 2);
}

bool dkim_verify(struct dkim *d, struct str message, const struct dkim_source *source,
    struct arena *a, struct dkim_result **out, size_t *n, struct err *e)
{
    AUTO(arena_close) struct arena *scratch = arena_open();
    AUTO(opendkim_free) DKIM *handle = NULL;
    struct job job = {.source = source, .arena = a, .now_s = clock_now_ms(d->clock) / 1000};
    DKIM_STAT status = DKIM_STAT_OK;
    struct str header, body;

    opendkim_split(with_crlf(message, scratch), &header, &body);
    job.body = with_last_crlf(body, scratch);
    handle = opendkim_verify(d->lib, (const unsigned char *)"parcelpost", scratch, &status);
    if (!handle)
        return err_set(e, ERR_LIBRARY, "dkim: no handle: %s", dkim_getresultstr(status));
    (void)dkim_set_user_context(handle, &job);
    if (!feed_header(&job, handle, header, e))
        return false;
    status = dkim_eoh(handle);
    if (status == DKIM_STAT_OK) {
        if (job.body.n > 0)
            status = dkim_body(handle, bytes_of(job.body), job.body.n);
        if (status == DKIM_STAT_OK)
            (void)dkim_eom(handle, NULL); /* the first signature's result; each is asked below */
    }
    judge_all(&job, a, out, n);
    ERR_clear_error();
    return true;
}
