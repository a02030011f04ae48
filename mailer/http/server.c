#include "mailer/http/server.h"

#include "base/log.h"
#include "mailer/http/account.h"
#include "mailer/http/listen.h"
#include "mailer/http/problem.h"
#include "mailer/http/quota.h"
#include "mailer/http/router.h"

#include <malloc.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#define DRAIN_BYTES (64 * 1024 * 1024)
#define LARGE_BYTES ((size_t)1024 * 1024)
#define LAST_WORDS_MS 1000 /* at a stop, for answers that came only because of it to be written */
#define HELD_BYTES ((size_t)128 * 1024 * 1024)

/* ---- what the resources ask of the wire ---- */

struct str exchange_header(const struct exchange *x, const char *name)
{
    return str_of(MHD_lookup_connection_value(x->carrier->connection, MHD_HEADER_KIND, name));
}

bool exchange_has_header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->carrier->connection, MHD_HEADER_KIND, name) != NULL;
}

bool exchange_is_local(const struct exchange *x)
{
    static const char *const forwarding[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP"};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->carrier->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    for (size_t i = 0; i < COUNT_OF(forwarding); i++)
        if (exchange_has_header(x, forwarding[i]))
            return false;
    return info && listen_is_near(info->client_addr, snapshot_conf(x->snapshot));
}

bool exchange_wait(struct exchange *x, exchange_step *next)
{
    struct carrier *c = x->carrier;
    bool stopping;

    pthread_mutex_lock(&c->http->lock);
    stopping = c->http->stopping;
    c->http->suspended += !stopping;
    pthread_mutex_unlock(&c->http->lock);
    if (stopping)
        return false;
    x->next = next;
    c->waiting = true;
    MHD_suspend_connection(c->connection);
    return true;
}

/* After the resume the exchange may be gone: the http alone is touched. */
void exchange_go_on(struct exchange *x)
{
    struct http *h = x->carrier->http;

    MHD_resume_connection(x->carrier->connection);
    pthread_mutex_lock(&h->lock);
    h->suspended--;
    pthread_cond_broadcast(&h->quieter);
    pthread_mutex_unlock(&h->lock);
}

/* ---- one request's way ---- */

static struct peer *peer_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void give(struct carrier *c, int64_t span_ms)
{
    peers_give(c->http->peers, c->peer, span_ms);
}

/* Owns nothing: when the head is faulty or does not fit, the library ends the connection and calls neither
 * on_request nor on_completed. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http *h = context;
    struct peer *peer = peer_of(connection);
    struct peer_head *head = peer_head(peer);

    buf_clear(&head->target);
    buf_add_text(&head->target, uri ? uri : "");
    head->target_at = (uintptr_t)uri;
    head->began_ns = clock_steady_ns();
    peers_give(h->peers, peer, h->setup.limits.head_ms);
    return NULL;
}

static struct carrier *carrier_open(struct http *h, struct MHD_Connection *connection)
{
    struct carrier *c = calloc(1, sizeof *c);

    if (!c)
        err_out_of_memory();
    c->http = h;
    c->connection = connection;
    c->peer = peer_of(connection);
    pthread_mutex_lock(&h->lock);
    h->under_way++;
    pthread_mutex_unlock(&h->lock);
    return c;
}

static void forget_body(struct carrier *c)
{
    atomic_fetch_sub(&c->http->held, c->held);
    c->held = 0;
    buf_close(&c->x.body);
}

/* The answer takes the place of the body: while a client does not read it, it counts. */
static void hold_answer(struct carrier *c)
{
    forget_body(c);
    c->held = c->x.answer.n;
    c->was_large |= c->held > LARGE_BYTES;
    atomic_fetch_add(&c->http->held, c->held);
}

static int64_t took_ns(const struct carrier *c)
{
    return clock_steady_ns() - peer_head(c->peer)->began_ns;
}

static enum MHD_Result send_answer(struct carrier *c)
{
    static const struct answer_header always[] = {{"X-Content-Type-Options", "nosniff"},
        {"Cache-Control", "no-store"}, {"Referrer-Policy", "no-referrer"}};
    struct exchange *x = &c->x;
    struct MHD_Response *r =
        MHD_create_response_from_buffer(x->answer.n, x->answer.p, MHD_RESPMEM_PERSISTENT);

    if (!r)
        err_out_of_memory();
    hold_answer(c);
    if (x->accepted > 0)
        account_accepted(c->http->account, x, took_ns(c));
    MHD_add_response_header(r, "Content-Type", x->content_type);
    MHD_add_response_header(r, "X-Request-Id", x->id.s);
    for (size_t i = 0; i < COUNT_OF(always); i++)
        MHD_add_response_header(r, always[i].name, always[i].value);
    for (size_t i = 0; i < x->headers_n; i++)
        MHD_add_response_header(r, x->headers[i].name, x->headers[i].value);
    enum MHD_Result queued = MHD_queue_response(c->connection, x->status, r);
    MHD_destroy_response(r);
    return queued;
}

/* A client may send the target as it would to a proxy (RFC 9112 s3.2.2). */
static struct str origin_form(struct str target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < COUNT_OF(schemes); i++)
        if (str_starts_nocase(target, str_of(schemes[i])))
            return str_slice(target, str_find_char(target, '/', strlen(schemes[i])), target.n);
    return target;
}

static enum MHD_Result begin(struct carrier *c, const char *method, const char *version)
{
    struct exchange *x = &c->x;
    struct str uri = origin_form(buf_str(&peer_head(c->peer)->target));
    size_t question = str_find_char(uri, '?', 0);

    x->carrier = c;
    x->app = &c->http->setup;
    x->quota = c->http->quota;
    x->readiness = &c->http->readiness;
    x->tellings = &c->http->tellings;
    x->arena = arena_open();
    x->snapshot = snapshot_current(x->app->snapshots);
    ids_new(x->app->ids, "req_", &x->id);
    x->path = str_slice(uri, 0, question);
    x->query = str_slice(uri, question + 1, uri.n);
    give(c, c->http->setup.limits.body_ms);
    if (!wire_is_sound(c, method, version)) /* where the body ends is doubtful: it is not read */
        return send_answer(c);
    if (router_find(x, method))
        router_admit(x);
    uint64_t length = wire_body_length(c);
    if (x->status == 0 && length > router_max_bytes(x))
        wire_refuse_size(x);
    /* A client that asked is told at once; others are only listening once they have sent all. */
    if (x->status != 0 && (length > DRAIN_BYTES || exchange_header(x, "Expect").n > 0))
        return send_answer(c);
    return MHD_YES;
}

static size_t held_most(const struct carrier *c)
{
    size_t four = 4 * (size_t)snapshot_conf(c->x.snapshot)->max_request_bytes;

    if (c->http->setup.limits.held_bytes > 0)
        return c->http->setup.limits.held_bytes;
    return four > HELD_BYTES ? four : HELD_BYTES;
}

/* Bodies come from many connections at once, so their sum has a limit as well. */
static bool may_hold(struct carrier *c, size_t more)
{
    c->held += more;
    c->was_large |= c->held > LARGE_BYTES;
    return atomic_fetch_add(&c->http->held, more) + more <= held_most(c);
}

static void refuse_busy(struct carrier *c)
{
    struct err busy;

    err_set(&busy, ERR_BUSY, "the bodies and answers under way are above their limit");
    problem_of_err(&c->x, &busy);
    forget_body(c);
}

static void keep_body(struct carrier *c, struct str piece)
{
    if (c->received > router_max_bytes(&c->x)) {
        wire_refuse_size(&c->x);
        forget_body(c);
    } else if (!may_hold(c, piece.n)) {
        refuse_busy(c);
    } else {
        buf_add(&c->x.body, piece);
    }
}

/* What an answered request still sends is read and forgotten, within limits. */
static enum MHD_Result take_body(struct carrier *c, struct str piece)
{
    c->received += piece.n;
    if (c->x.status == 0)
        keep_body(c, piece);
    return c->received > DRAIN_BYTES ? MHD_NO : MHD_YES;
}

/* Answers that nobody reads keep further ones from being made; health and the public's page stay. */
static bool may_begin(struct carrier *c)
{
    if (c->x.route->roles == 0 || atomic_load(&c->http->held) <= held_most(c))
        return true;
    refuse_busy(c);
    return false;
}

static enum MHD_Result finish(struct carrier *c)
{
    struct exchange *x = &c->x;

    if (x->status == 0 && (x->next || (router_has_body(x) && may_begin(c)))) {
        exchange_step *step = x->next ? x->next : x->route->handle;
        give(c, c->http->setup.limits.answer_ms);
        x->next = NULL;
        c->waiting = false;
        step(x);
        if (c->waiting)
            return MHD_YES; /* the connection is suspended; this is called again afterwards */
    }
    return send_answer(c);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_n, void **state)
{
    struct carrier *c = *state;

    (void)url;
    if (!c) {
        *state = c = carrier_open(context, connection);
        return begin(c, method, version);
    }
    if (*upload_n == 0)
        return finish(c);
    struct str piece = str_bytes(upload, *upload_n);
    *upload_n = 0;
    return take_body(c, piece);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode how)
{
    struct http *h = context;
    struct carrier *c = *state;

    (void)connection, (void)how;
    if (!c)
        return;
    account_request(h->account, &c->x, took_ns(c));
    give(c, h->setup.limits.idle_ms);
    buf_close(&peer_head(c->peer)->target);
    forget_body(c);
    if (c->x.forget)
        c->x.forget(&c->x);
    buf_close(&c->x.answer);
    snapshot_close(&c->x.snapshot);
    arena_close(&c->x.arena);
    if (c->was_large)
        malloc_trim(0); /* or each thread that met such a body would keep its memory */
    free(c);
    *state = NULL;
    pthread_mutex_lock(&h->lock);
    h->under_way--;
    pthread_cond_broadcast(&h->quieter);
    pthread_mutex_unlock(&h->lock);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode what)
{
    struct http *h = context;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        peers_remove(h->peers, *socket_context);
        return;
    }
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *socket_context = peers_add(h->peers, fd, h->setup.limits.head_ms);
}

/* ---- start and stop ---- */

static struct http_limits with_defaults(struct http_limits l)
{
    return (struct http_limits){
        .idle_ms = l.idle_ms ? l.idle_ms : 75000,
        .head_ms = l.head_ms ? l.head_ms : 10000,
        .body_ms = l.body_ms ? l.body_ms : 60000,
        .answer_ms = l.answer_ms ? l.answer_ms : 60000,
        .connections = l.connections ? l.connections : 1000,
        .per_address = l.per_address ? l.per_address : 256,
        .threads = l.threads ? l.threads : 4,
        .held_bytes = l.held_bytes,
    };
}

/* Poll, not epoll: the library's epoll loop can hang when exactly 128 connections are ready at once. */
static bool start(struct http *h, const struct listening *l, struct err *e)
{
    const struct http_limits *limits = &h->setup.limits;
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

    h->daemon = MHD_start_daemon(flags | (l->is_ipv6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, on_request,
        h, MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_THREAD_POOL_SIZE, limits->threads,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
        limits->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        l->is_public ? limits->per_address : 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (h->daemon)
        return true;
    close(l->fd);
    return err_set(e, ERR_LIBRARY, "the HTTP server does not start");
}

bool http_open(const struct http_setup *s, struct http **out, struct err *e)
{
    AUTO(snapshot_close) struct snapshot *now = snapshot_current(s->snapshots);
    AUTO(http_close) struct http *h = calloc(1, sizeof *h);
    pthread_condattr_t steady;
    struct listening l;

    if (!h)
        err_out_of_memory();
    h->setup = *s;
    h->setup.limits = with_defaults(s->limits);
    h->quota = quota_open();
    h->account = account_open(s->metrics);
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&h->quieter, &steady);
    pthread_condattr_destroy(&steady);
    if (!peers_open(&h->peers, e) || !listen_open(snapshot_conf(now), &l, e) || !start(h, &l, e))
        return false;
    h->port = l.port;
    *out = h;
    h = NULL;
    return true;
}

unsigned http_port(const struct http *h)
{
    return h->port;
}

/* Until no request is under way, or the time is over. The lock is held. */
static void wait_for_requests(struct http *h, int64_t ms)
{
    int64_t until_ns = clock_steady_ns() + ms * 1000000;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    bool late = false;

    while (h->under_way > 0 && !late)
        late = pthread_cond_timedwait(&h->quieter, &h->lock, &until) != 0;
}

static void wait_until_quiet(struct http *h, int64_t grace_ms)
{
    pthread_mutex_lock(&h->lock);
    wait_for_requests(h, grace_ms);
    h->stopping = true;
    pthread_mutex_unlock(&h->lock);
    if (h->setup.surveyor)
        surveyor_stop(h->setup.surveyor);
    /* The library aborts when it is stopped with suspended connections, so no more of them. The queue
     * answers each submission, with a failure if need be, and the surveyor has, so this wait ends. */
    pthread_mutex_lock(&h->lock);
    while (h->suspended > 0)
        pthread_cond_wait(&h->quieter, &h->lock);
    wait_for_requests(h, LAST_WORDS_MS);
    pthread_mutex_unlock(&h->lock);
}

void http_stop(struct http *h, int64_t grace_ms)
{
    if (!h->daemon)
        return;
    MHD_socket listening = MHD_quiesce_daemon(h->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    wait_until_quiet(h, grace_ms);
    MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
}

void http_close(struct http **h)
{
    if (!*h)
        return;
    http_stop(*h, 0);
    peers_close(&(*h)->peers);
    account_close(&(*h)->account);
    quota_close(&(*h)->quota);
    pthread_cond_destroy(&(*h)->quieter);
    pthread_mutex_destroy(&(*h)->lock);
    free(*h);
    *h = NULL;
}
