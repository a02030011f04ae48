/* peer -- a scripted SMTP server for tests: it does what no proper server would.
 * A script is a C function that plays one connection with the words below; connections are played one after the
 * other on the peer's thread. Everything the client sent is kept. A script that hears what it does not expect
 * ends its connection, and the test sees it in what was heard.
 * Listens on 127.0.0.1 at a free port. Threads: words inside the script only; the rest from the test. */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include "base/buf.h"

#include <openssl/ssl.h>

struct peer;
struct line; /* one connection */

typedef void peer_script(struct line *c, void *context);

struct peer *peer_open(peer_script *script, void *context, SSL_CTX *tls_or_null);
/* At another loopback address and this port, beside a server that has the port at 127.0.0.1. */
struct peer *peer_open_at(
    const char *address, int port, peer_script *script, void *context, SSL_CTX *tls_or_null);
int peer_port(const struct peer *p);
/* Waits for the script under way, then no more connections. Safe to call once; peer_close does it too. */
void peer_stop(struct peer *p);
void peer_close(struct peer **p);
size_t peer_connections(const struct peer *p);      /* after peer_stop */
struct str peer_heard(const struct peer *p);        /* after peer_stop: all bytes, TLS taken off */
const char *peer_server_name(const struct peer *p); /* after peer_stop: the last SNI, "" = none */

/* ---- words of a script --------------------------------------------------------------------------- */

size_t line_number(const struct line *c); /* 0 = the first connection */
void say(struct line *c, const char *text);
void say_bytes(struct line *c, const char *p, size_t n);
bool hear(struct line *c, const char *verb);            /* the next line begins so */
bool hear_line(struct line *c, char *out, size_t size); /* any line, cut to fit */
bool hear_body(struct line *c);                         /* up to and with the dot */
void line_forget(struct line *c);                       /* what was read and not heard yet */
bool hear_bytes(struct line *c);                        /* whatever they are */
bool take_tls(struct line *c);                          /* the server's half of a handshake */
void stall(struct line *c);                 /* reads nothing until the client has gone */
void stall_for(struct line *c, int64_t ms); /* the same for so long, then goes on */
void reset(struct line *c);                 /* the connection ends with RST */

/* 220, EHLO answered with these keywords (a list ended by NULL), then the caller goes on. */
bool greet(struct line *c, const char *const *keywords);
/* STARTTLS taken, then the caller answers the EHLO that was heard. */
bool take_starttls(struct line *c);
/* The rest of a reply's line, behind so many blanks that we do not see it, but the library does. */
void say_behind_blanks(struct line *c, const char *word);
/* MAIL, RCPT and DATA taken with 250, 250, 354; the body is next. */
bool take_envelope(struct line *c);
bool take_mail(struct line *c); /* the same and the body with 250 */

#endif
