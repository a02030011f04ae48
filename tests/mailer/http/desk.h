/* desk -- a running HTTP server over a room (see tests/mailer/intake/room.h), and a client of plain sockets.
 * The client speaks only what a test writes, so it can speak wrongly. A failure here ends the program. */
#ifndef TESTS_MAILER_HTTP_DESK_H
#define TESTS_MAILER_HTTP_DESK_H

#include "mailer/http/http.h"
#include "tests/mailer/intake/room.h"

struct desk {
    struct room room;
    struct snapshot_holder *snapshots;
    struct intake_setup intake;
    struct resolver *resolver; /* of shop.zone in the room's folder, and of nothing else */
    struct surveyor *surveyor;
    struct http *http;
    const char *key;   /* of acme: send, read, review, admin */
    const char *other; /* of bold: the same */
};

/* A span for tests of slow clients, instead of a minute. */
#define DESK_SPAN_MS 600

void desk_open(struct desk *d);
void desk_open_with(struct desk *d, struct http_limits limits);
void desk_close(struct desk *d);

/* The desk of a suite that has one for all its cases, and the set-up and tear-down of such a group. */
extern struct desk desk;
int one_desk_open(void **state);
int one_desk_close(void **state);

bool desk_ask(void *context, const char *storefront, const char *stream, enum stream_class class,
    struct str address, struct intake_permission *out,
    struct err *e); /* comply, as serve wires it */

/* ---- a client ---- */

struct reply {       /* owned; reply_close */
    unsigned status; /* 0: the connection ended without an answer */
    struct buf head, body;
};
void reply_close(struct reply *r);
struct str reply_header(const struct reply *r, const char *name); /* "" = absent */
struct js *reply_json(const struct reply *r); /* the caller's; ends the program if it is none */

int desk_connect(const struct desk *d);
bool wire_send(int fd, struct str bytes); /* false: the server closed */
/* Reads one answer; further bytes stay unread only if it has a Content-Length. */
void wire_read_answer(int fd, bool is_head, struct reply *out);
size_t wire_wait_any(
    const int *fds, size_t n); /* the place of one that can be read; below 0 are none */
bool wire_is_closed(int fd, int64_t within_ms); /* the server ends the connection in time */

/* Everything until the server ends the connection or is silent for a while. */
void wire_collect(int fd, struct buf *out, int64_t silence_ms);
size_t wire_times(struct str whole, const char *part); /* how often it stands there */

/* One request on a connection of its own. head: further header lines, each with CRLF. */
void desk_call(const struct desk *d, const char *method, const char *path, const char *head,
    struct str body, struct reply *out);
/* The same as JSON with the key of acme. */
void desk_post(const struct desk *d, const char *path, const char *body, struct reply *out);
void desk_get(const struct desk *d, const char *path, struct reply *out);

#endif
