#include "base/fetch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/public_ip.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#define MAX_HEADER_BYTES 65536 /* libcurl keeps all headers, and until 8.3 without a limit */
#define WHY_MAX 200            /* of what libcurl says: it may quote the server */

/* One hop: a URL that is asked, and what came of it. */
struct hop {
    const struct fetch_rules *rules;
    struct arena *arena;
    CURL *curl;
    CURLU *url;
    struct curl_slist *resolve;
    const char *host; /* as libcurl will look it up */
    int64_t deadline_ns;
    size_t max_bytes, header_bytes;
    struct buf body;
    bool too_large, refused_address, tried_address;
    char words[CURL_ERROR_SIZE];
};

static void close_hop(struct hop *h)
{
    curl_easy_cleanup(h->curl);
    curl_slist_free_all(h->resolve);
    curl_url_cleanup(h->url);
    buf_close(&h->body);
}

static void close_text(char **text)
{
    curl_free(*text);
}

static void set_up_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        err_out_of_memory();
}

static bool judged(struct fetch_answer *out, struct arena *a, enum fetch_status status,
    const char *format, ...) PRINTF(4, 5);

/* Fills in a verdict that ends the fetch; false, so that callers can return it. */
static bool judged(
    struct fetch_answer *out, struct arena *a, enum fetch_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    out->status = status;
    out->why = arena_text(a, str_of(text));
    return false;
}

/* ---- what libcurl asks us --------------------------------------------------------------------------- */

static bool is_allowed(const struct fetch_rules *rules, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const uint8_t *b =
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
        return public_ipv4(b) || (rules->allow_loopback && loopback_ipv4(b));
    }
    if (address->sa_family == AF_INET6) {
        const uint8_t *b =
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return public_ipv6(b) || (rules->allow_loopback && loopback_ipv6(b));
    }
    return false;
}

/* The last moment before a connection: what stands here is the address that it goes to. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct hop *h = user;
    if (purpose != CURLSOCKTYPE_IPCXN || !is_allowed(h->rules, &address->addr)) {
        h->refused_address = true;
        return CURL_SOCKET_BAD;
    }
    h->tried_address = true;
    /* sin_port and sin6_port lie in the same place. */
    if (h->rules->port > 0)
        ((struct sockaddr_in *)(void *)&address->addr)->sin_port = htons(h->rules->port);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_header(char *p, size_t size, size_t n, void *user)
{
    struct hop *h = user;
    (void)p;
    h->header_bytes += size * n;
    h->too_large = h->header_bytes > MAX_HEADER_BYTES;
    return h->too_large ? 0 : size * n;
}

/* Only the body of a 200 is wanted: any other ends here, so that nobody can make us wait for an error page. */
static size_t take_body(char *p, size_t size, size_t n, void *user)
{
    struct hop *h = user;
    long status = 0;
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return 0;
    h->too_large = size * n > h->max_bytes - h->body.n;
    if (h->too_large)
        return 0;
    buf_add(&h->body, str_bytes(p, size * n));
    return size * n;
}

/* ---- before: the URL and its host's addresses ------------------------------------------------------- */

static bool read_url(struct hop *h, struct fetch_answer *out)
{
    AUTO(close_text) char *scheme = NULL;
    AUTO(close_text) char *host = NULL;
    struct str shown = str_slice(str_of(out->url), 0, WHY_MAX);
    if (curl_url_set(h->url, CURLUPART_URL, out->url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(h->url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(h->url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return judged(
            out, h->arena, FETCH_BAD_URL, "\"" STR_FMT "\" is no URL of a page", STR_ARG(shown));
    if (strcmp(scheme, "https") != 0 && !(h->rules->allow_http && strcmp(scheme, "http") == 0))
        return judged(out, h->arena, FETCH_BAD_URL, "\"" STR_FMT "\" does not begin with https://",
            STR_ARG(shown));
    /* Lower case and no final dot: what CURLOPT_RESOLVE gets must be the very name that libcurl looks up. */
    struct str name = str_of(host);
    if (str_ends(name, STR(".")))
        name.n--;
    char *lower = arena_text(h->arena, name);
    for (char *c = lower; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    h->host = lower;
    if (!str_is_ascii(name) || curl_url_set(h->url, CURLUPART_HOST, lower, 0) != CURLUE_OK)
        return judged(out, h->arena, FETCH_BAD_URL, "\"" STR_FMT "\" is no host name in A-labels",
            STR_ARG(str_slice(name, 0, WHY_MAX)));
    return true;
}

static bool is_literal(const char *host)
{
    uint8_t b[4];
    return host[0] == '[' || inet_pton(AF_INET, host, b) == 1;
}

/* Asks the caller's resolver; libcurl then finds the name in its cache and asks nobody. */
static bool look_up(struct hop *h, struct fetch_answer *out)
{
    const char *const *addresses = NULL;
    bool failed = false;
    if (!h->rules->addresses_of || is_literal(h->host))
        return true;
    size_t n =
        h->rules->addresses_of(h->rules->addresses_state, h->host, h->arena, &addresses, &failed);
    if (n == 0 && failed)
        return judged(out, h->arena, FETCH_DNS_FAILED,
            "the DNS did not answer for the address of %s", h->host);
    if (n == 0)
        return judged(out, h->arena, FETCH_NO_ADDRESS, "%s has no address in the DNS", h->host);

    AUTO(close_text) char *port = NULL;
    AUTO(buf_close) struct buf line = {0};
    curl_url_get(h->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    buf_addf(&line, "%s:%s:", h->host, port ? port : "443");
    for (size_t i = 0; i < n && i < FETCH_MAX_ADDRESSES; i++)
        buf_addf(&line, "%s%s", i > 0 ? "," : "", addresses[i]);
    h->resolve = curl_slist_append(NULL, buf_text(&line));
    if (!h->resolve)
        err_out_of_memory();
    return true;
}

/* ---- the transfer ----------------------------------------------------------------------------------- */

static void set_limits(CURL *c, struct hop *h, long left_ms)
{
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)h->max_bytes);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L); /* each hop is looked up and judged anew */
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, h->rules->allow_http ? "https,http" : "https");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* the environment's neither */
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    if (h->rules->authority_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, h->rules->authority_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
}

static void set_callbacks(CURL *c, struct hop *h)
{
    curl_easy_setopt(c, CURLOPT_CURLU, h->url);
    curl_easy_setopt(c, CURLOPT_RESOLVE, h->resolve);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "parcelpost/" PARCELPOST_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->words);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
}

static bool judge_certificate(struct hop *h, struct fetch_answer *out)
{
    /* 1 is where libcurl begins; a chain that fails leaves its own X509_V_ERR number, a name none. */
    long verified = 0;
    curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    if (verified <= 1)
        return judged(out, h->arena, FETCH_WRONG_NAME, "the certificate is not for %s (%.*s)",
            h->host, WHY_MAX, h->words);
    return judged(out, h->arena, FETCH_BAD_CERTIFICATE, "the certificate of %s is not valid (%.*s)",
        h->host, WHY_MAX, h->words);
}

/* Why no whole answer came. */
static bool judge_failure(struct hop *h, CURLcode code, struct fetch_answer *out)
{
    const char *words = h->words[0] ? h->words : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return judged(out, h->arena, FETCH_DNS_FAILED, "the address of %s was not found", h->host);
    case CURLE_COULDNT_CONNECT:
        if (h->refused_address && !h->tried_address)
            return judged(out, h->arena, FETCH_PRIVATE_ADDRESS,
                "the address of %s is not a public one", h->host);
        return judged(out, h->arena, FETCH_NO_CONNECTION, "%s takes no connection (%.*s)", h->host,
            WHY_MAX, words);
    case CURLE_PEER_FAILED_VERIFICATION:
        return judge_certificate(h, out);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
        return judged(
            out, h->arena, FETCH_TLS_FAILED, "no TLS with %s (%.*s)", h->host, WHY_MAX, words);
    case CURLE_OPERATION_TIMEDOUT:
        return judged(out, h->arena, FETCH_TIMEOUT, "%s did not answer in time", h->host);
    case CURLE_FILESIZE_EXCEEDED:
        return judged(out, h->arena, FETCH_TOO_LARGE, "the answer of %s has more than %zu bytes",
            h->host, h->max_bytes);
    default:
        return judged(out, h->arena, FETCH_BROKEN, "the answer of %s cannot be read (%.*s)",
            h->host, WHY_MAX, words);
    }
}

/* What an answer means whose head arrived. True: go on to out->location. */
static bool judge_answer(struct hop *h, struct fetch_answer *out)
{
    char *to = NULL, *type = NULL;
    curl_easy_getinfo(h->curl, CURLINFO_CONTENT_TYPE, &type);
    out->content_type = arena_text(h->arena, str_of(type));
    curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &to);
    if (to) {
        out->location = arena_text(h->arena, str_of(to));
        judged(out, h->arena, FETCH_REDIRECTED, "%s answered %d and points to %.*s", h->host,
            out->http_status, WHY_MAX, to);
        return true;
    }
    if (out->http_status != 200)
        return judged(out, h->arena, FETCH_HTTP_STATUS, "%s answered with HTTP status %d", h->host,
            out->http_status);
    out->status = FETCH_OK;
    out->why = "";
    out->body = arena_str(h->arena, buf_str(&h->body));
    return false;
}

/* True: out is FETCH_REDIRECTED. */
static bool ask(struct hop *h, struct fetch_answer *out)
{
    int64_t left_ms = (h->deadline_ns - clock_steady_ns()) / 1000000;
    if (left_ms <= 0)
        return judge_failure(h, CURLE_OPERATION_TIMEDOUT, out);
    set_limits(h->curl, h, (long)left_ms);
    set_callbacks(h->curl, h);
    CURLcode code = curl_easy_perform(h->curl);

    long status = 0;
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    out->http_status = (int)status;
    if (h->too_large)
        return judge_failure(h, CURLE_FILESIZE_EXCEEDED, out);
    bool body_was_unwanted = code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED;
    if (code == CURLE_OK || (body_was_unwanted && status != 200))
        return judge_answer(h, out);
    return judge_failure(h, code, out);
}

static bool hop(
    const struct fetch_rules *rules, int64_t deadline_ns, struct arena *a, struct fetch_answer *out)
{
    AUTO(close_hop)
    struct hop h = {
        .rules = rules,
        .arena = a,
        .curl = curl_easy_init(),
        .url = curl_url(),
        .host = "",
        .deadline_ns = deadline_ns,
        .max_bytes = rules->max_bytes ? rules->max_bytes : FETCH_MAX_BYTES,
    };
    if (!h.curl || !h.url)
        err_out_of_memory();
    return read_url(&h, out) && look_up(&h, out) && ask(&h, out);
}

void fetch_get(
    const char *url, const struct fetch_rules *rules, struct arena *a, struct fetch_answer *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_library);
    int64_t timeout_ms = rules->timeout_ms > 0 ? rules->timeout_ms : FETCH_TIMEOUT_MS;
    int64_t deadline_ns = clock_steady_ns() + timeout_ms * 1000000;
    const char *next = url;
    for (int hops = 0; hops <= rules->max_redirects; hops++) {
        *out = (struct fetch_answer){.why = "",
            .content_type = "",
            .url = arena_text(a, str_of(next)),
            .location = "",
            .body = STR("")};
        if (!hop(rules, deadline_ns, a, out))
            return;
        next = out->location;
    }
}

const char *fetch_status_name(enum fetch_status s)
{
    static const char *const names[] = {"ok", "http-status", "redirected", "bad-url", "no-address",
        "dns-failed", "private-address", "no-connection", "wrong-name", "bad-certificate",
        "tls-failed", "timeout", "too-large", "broken"};
    return names[s];
}
