/* fetch -- one HTTPS GET with a limit on everything (all of libcurl stays in fetch.c).
 *
 * What a stranger's server can do to us is bounded: the whole time, the bytes of body and of headers, the number of
 * redirects, HTTP/1.1 and TLS 1.2 or later only, no proxy, no cookies, no credentials in URLs. No connection goes to
 * an address that is not public (public_ip.h): the final address is checked when its socket is made, so that neither
 * a name, nor a redirect, nor a second DNS answer leads inside.
 *
 * Names are looked up by `addresses_of` where it is given (each redirect's host too), else by the system.
 *
 * Units: *_ms milliseconds; max_bytes of the body as received (chunks taken off, never decompressed).
 * Ownership: everything in the answer lies in the arena.
 * Errors: none. Whatever happens is a value with one sentence; the body is there only with FETCH_OK.
 * Threads: any. The calling thread waits; the process must ignore SIGPIPE.
 * Source: RFC 9110, RFC 9525, RFC 6890. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include "base/arena.h"

#define FETCH_TIMEOUT_MS 60000
#define FETCH_MAX_BYTES 65536
#define FETCH_MAX_ADDRESSES 8

enum fetch_status {
    FETCH_OK,              /* 200 and the whole body                                           */
    FETCH_HTTP_STATUS,     /* an answer with another status: http_status says which            */
    FETCH_REDIRECTED,      /* 3xx where none (more) may be followed: `location` says whereto   */
    FETCH_BAD_URL,         /* not https, no host, with credentials, unreadable                 */
    FETCH_NO_ADDRESS,      /* the DNS says that the name has no address                        */
    FETCH_DNS_FAILED,      /* the DNS did not answer: no statement about the name              */
    FETCH_PRIVATE_ADDRESS, /* its address is not public                                        */
    FETCH_NO_CONNECTION,   /* refused, unreachable                                             */
    FETCH_WRONG_NAME,      /* the certificate is for another host                              */
    FETCH_BAD_CERTIFICATE, /* expired, self-signed, unknown authority: `why` says which        */
    FETCH_TLS_FAILED,      /* the handshake failed before any certificate was judged           */
    FETCH_TIMEOUT,         /* not done in time, whatever had arrived                           */
    FETCH_TOO_LARGE,       /* more than max_bytes, or headers without end                      */
    FETCH_BROKEN,          /* cut short, or no HTTP                                            */
};
const char *fetch_status_name(enum fetch_status s); /* "ok", "http-status", "redirected", ... */

/* The addresses of a host as text ("192.0.2.1", "2001:db8::1"), at most FETCH_MAX_ADDRESSES of them are tried; 0 =
 * none. *failed: the DNS did not answer. */
typedef size_t fetch_addresses(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed);

struct fetch_rules {
    int64_t timeout_ms; /* all of it, redirects included; 0 = FETCH_TIMEOUT_MS */
    size_t max_bytes;   /* 0 = FETCH_MAX_BYTES */
    int max_redirects;
    fetch_addresses *addresses_of; /* NULL = the system's resolver */
    void *addresses_state;
    const char *authority_file; /* PEM that replaces the system's authorities; NULL = those */
    bool allow_loopback;        /* for tests: 127.0.0.0/8 and ::1 count as public */
    bool allow_http;            /* for tests: http:// too */
    uint16_t port; /* for tests: connect to this one, whatever the URL says; 0 = the URL's */
};

struct fetch_answer {
    enum fetch_status status;
    const char *why;          /* one sentence, "" with FETCH_OK */
    int http_status;          /* 0 = no answer came */
    const char *content_type; /* as sent, "" = none */
    const char *url;          /* the last one asked */
    const char *location;     /* of FETCH_REDIRECTED, absolute; "" else */
    struct str body;
};

void fetch_get(
    const char *url, const struct fetch_rules *rules, struct arena *a, struct fetch_answer *out);

#endif
