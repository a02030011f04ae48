#include "tests/mailer/http/desk.h"

#include "mailer/comply/comply.h"
#include "mailer/gate/surveyor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void need(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "desk: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- the server ---- */

bool desk_ask(void *context, const char *storefront, const char *stream, enum stream_class class,
    struct str address, struct intake_permission *out, struct err *e)
{
    struct comply_answer answer;

    if (!comply_ask(context, storefront, stream, class, address, &answer, e))
        return false;
    out->allowed = answer.allowed;
    strcpy(out->reason, answer.reason);
    out->facts = comply_facts(&answer);
    return true;
}

#define SHOP_ZONE                                                                                  \
    "$ORIGIN shop.example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n@ IN MX 10 mx\n"                \
    "mx IN A 192.0.2.1\n_dmarc IN TXT \"v=DMARC1; p=reject\"\n"

static void open_surveyor(struct desk *d)
{
    struct err e = {0};

    room_write(&d->room, "shop.zone", SHOP_ZONE, 0600);
    const char *zones[] = {room_path(&d->room, "shop.zone")};
    need(resolver_open(&(struct resolver_setup){.zone_files = zones,
                           .zone_files_n = 1,
                           .timeout_ms = 1000,
                           .clock = &d->room.clock},
             &d->resolver, &e) &&
             surveyor_open(
                 &(struct surveyor_setup){
                     .resolver = d->resolver, .clock = &d->room.clock, .metrics = d->room.metrics},
                 &d->surveyor, &e),
        e.text);
}

void desk_open(struct desk *d)
{
    desk_open_with(d, (struct http_limits){0});
}

void desk_open_with(struct desk *d, struct http_limits limits)
{
    const unsigned all = ROLE_SEND | ROLE_READ | ROLE_REVIEW | ROLE_ADMIN;
    struct err e = {0};

    room_open(&d->room);
    d->key = room_key(&d->room, "acme", all);
    d->other = room_key(&d->room, "bold", all);
    d->snapshots = snapshot_holder_open(room_snapshot(&d->room));
    d->intake = room_intake(&d->room);
    d->intake.ask = desk_ask;
    open_surveyor(d);
    struct http_setup setup = {.snapshots = d->snapshots,
        .queue = d->room.queue,
        .ids = d->room.ids,
        .clock = &d->room.clock,
        .metrics = d->room.metrics,
        .keys = d->room.keys,
        .intake = &d->intake,
        .surveyor = d->surveyor,
        .limits = limits};
    if (!http_open(&setup, &d->http, &e)) {
        fprintf(stderr, "desk: %s\n", e.text);
        abort();
    }
}

void desk_close(struct desk *d)
{
    http_stop(d->http, 1000);
    http_close(&d->http);
    surveyor_close(&d->surveyor);
    resolver_close(&d->resolver);
    snapshot_holder_close(&d->snapshots);
    room_close(&d->room);
}

struct desk desk;

int one_desk_open(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* as the service does */
    desk_open(&desk);
    return 0;
}

int one_desk_close(void **state)
{
    (void)state;
    desk_close(&desk);
    return 0;
}

/* ---- the client ---- */

int desk_connect(const struct desk *d)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(d->http))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    return fd;
}

bool wire_send(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

/* False at the end of the connection or of patience. */
static bool read_more(int fd, struct buf *in, int64_t patience_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    if (poll(&one, 1, (int)patience_ms) <= 0)
        return false;
    ssize_t n = recv(fd, buf_room(in, 65536), 65536, 0);
    if (n > 0)
        in->n += (size_t)n;
    return n > 0;
}

size_t wire_wait_any(const int *fds, size_t n)
{
    struct pollfd all[64];

    need(n <= COUNT_OF(all), "fewer connections");
    for (size_t i = 0; i < n; i++)
        all[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    need(poll(all, n, 3 * PATIENCE_MS) > 0, "an answer");
    for (size_t i = 0; i < n; i++)
        if (all[i].revents != 0)
            return i;
    return n;
}

bool wire_is_closed(int fd, int64_t within_ms)
{
    AUTO(buf_close) struct buf in = {0};
    int64_t until = clock_steady_ns() + within_ms * 1000000;
    struct pollfd one = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t left = (until - clock_steady_ns()) / 1000000;
        if (left <= 0 || poll(&one, 1, (int)left) <= 0)
            return false;
        if (!read_more(fd, &in, 0))
            return true;
    }
}

void wire_collect(int fd, struct buf *out, int64_t silence_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    while (poll(&one, 1, (int)silence_ms) > 0) {
        ssize_t n = recv(fd, buf_room(out, 65536), 65536, 0);
        if (n <= 0)
            return;
        out->n += (size_t)n;
    }
}

size_t wire_times(struct str whole, const char *part)
{
    size_t n = 0;

    for (size_t at = 0; (at = str_find(whole, str_of(part), at)) < whole.n; at++)
        n++;
    return n;
}

struct str reply_header(const struct reply *r, const char *name)
{
    struct str rest = buf_str(&r->head), line;

    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_find_char(line, ':', 0);
        if (str_is_nocase(str_slice(line, 0, colon), name))
            return str_trim(str_slice(line, colon + 1, line.n));
    }
    return STR("");
}

/* Skips "100 Continue". */
static bool read_head(int fd, struct buf *in, struct reply *out)
{
    static const struct str end = {"\r\n\r\n", 4};

    for (;;) {
        size_t at = str_find(buf_str(in), end, 0);
        if (at == in->n) {
            if (!read_more(fd, in, PATIENCE_MS))
                return false;
            continue;
        }
        buf_clear(&out->head);
        buf_add(&out->head, str_slice(buf_str(in), 0, at + 2));
        AUTO(buf_close) struct buf rest = {0};
        buf_add(&rest, str_slice(buf_str(in), at + 4, in->n));
        buf_clear(in);
        buf_add(in, buf_str(&rest));
        need(sscanf(buf_text(&out->head), "HTTP/1.1 %u", &out->status) == 1, "status line");
        if (out->status != 100)
            return true;
    }
}

void wire_read_answer(int fd, bool is_head, struct reply *out)
{
    AUTO(buf_close) struct buf in = {0};
    uint64_t length = 0;

    reply_close(out);
    if (!read_head(fd, &in, out)) {
        out->status = 0;
        return;
    }
    need(str_to_u64(reply_header(out, "Content-Length"), &length), "Content-Length");
    while (!is_head && in.n < length && read_more(fd, &in, PATIENCE_MS))
        ;
    buf_add(&out->body, buf_str(&in));
}

void reply_close(struct reply *r)
{
    buf_close(&r->head);
    buf_close(&r->body);
    r->status = 0;
}

struct js *reply_json(const struct reply *r)
{
    struct js *v = NULL;
    struct err e = {0};

    if (!js_parse(buf_str(&r->body), &v, &e)) {
        fprintf(stderr, "desk: status %u, no JSON: %s\n", r->status, buf_text(&r->body));
        abort();
    }
    return v;
}

void desk_call(const struct desk *d, const char *method, const char *path, const char *head,
    struct str body, struct reply *out)
{
    AUTO(buf_close) struct buf request = {0};
    int fd = desk_connect(d);

    buf_addf(&request, "%s %s HTTP/1.1\r\nHost: post.shop.example\r\n%s", method, path, head);
    if (body.n > 0 || strcmp(method, "POST") == 0)
        buf_addf(&request, "Content-Length: %zu\r\n", body.n);
    buf_add_text(&request, "\r\n");
    buf_add(&request, body);
    wire_send(fd, buf_str(&request));
    wire_read_answer(fd, strcmp(method, "HEAD") == 0, out);
    close(fd);
}

void desk_post(const struct desk *d, const char *path, const char *body, struct reply *out)
{
    AUTO(buf_close) struct buf head = {0};

    buf_addf(&head, "Authorization: Bearer %s\r\nContent-Type: application/json\r\n", d->key);
    desk_call(d, "POST", path, buf_text(&head), str_of(body), out);
}

void desk_get(const struct desk *d, const char *path, struct reply *out)
{
    AUTO(buf_close) struct buf head = {0};

    buf_addf(&head, "Authorization: Bearer %s\r\n", d->key);
    desk_call(d, "GET", path, buf_text(&head), STR(""), out);
}
