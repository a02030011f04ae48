/* dial -- the seam under libesmtp: which address it connects to, how, and for how long.
 *
 * libesmtp has no dial hook, but it reaches getaddrinfo, freeaddrinfo, connect, poll, write and SSL_write through the
 * dynamic linker. dial.c defines these six for the whole program; they act only for a thread that stands between
 * dial_begin and dial_end, and there only for that one connection (known by address record, descriptor and SSL).
 * Everything else goes on to the next definition (libc's, or a sanitizer's). What they add:
 *   getaddrinfo  answers the address that we chose; libesmtp keeps the host name for its certificate check
 *   connect      source address, TCP_NODELAY, TCP_USER_TIMEOUT, a bound in time, the descriptor for the watchdog
 *   poll         writes before it reads; a time-out ends the connection, so that no mail arrives with holes; a glance,
 *                which waits for nothing, sees nothing
 *   write        gathers libesmtp's 2 KB pieces and sends them before it waits for an answer
 *   SSL_write    gathers them too, so that records of TLS are few and large
 *   both         say what we want said behind the library's words or instead of them, or keep its words to themselves
 * The program must export its symbols (CMake ENABLE_EXPORTS); dial_is_in_force says whether the seam holds.
 * docs/decisions/0050-dial-seam.md tells why, 0103 what SSL_write is for.
 * Ownership: one dial per lane, for one connection after the other. Threads: that lane's. */
#ifndef MAILER_DELIVER_DIAL_H
#define MAILER_DELIVER_DIAL_H

#include "dns/mx.h"
#include "mailer/deliver/watchdog.h"

struct dial;
struct ssl_st; /* OpenSSL's SSL */

struct dial_to {
    const char *host; /* borrowed until dial_end: the name for SNI */
    struct ip address;
    int port;
    struct ip source; /* family 0 = the system chooses; ignored when it is of the other family */
    int64_t connect_timeout_ms;
    int64_t transfer_timeout_ms; /* one wait for reading or writing */
};

bool dial_is_in_force(void);

struct dial *dial_open(struct watch *watch); /* the watch must outlive it */
void dial_close(struct dial **d);

/* From here this thread's next getaddrinfo and the connect that follows it are d's. */
void dial_begin(struct dial *d, const struct dial_to *to);
/* The library has closed its descriptor, whose number may be another's from now on. */
void dial_left(struct dial *d);
void dial_end(struct dial *d);

/* From here the library writes through this, until it has closed. */
void dial_under_tls(struct dial *d, struct ssl_st *ssl);

/* For the library's next write, in the words that the server reads: these bytes follow it at once, or it is taken for
 * written and stays unsent. The bytes are borrowed until then. */
void dial_say_behind(struct dial *d, struct str bytes);
void dial_keep_silent(struct dial *d);

/* The library's next write must be `words`, all at once: the server reads in their place what `speak` gives, piece by piece
 * until one is empty. Any other words end the connection and stay unsent. Each piece is borrowed until the next is asked for. */
typedef struct str dial_speak(void *context);
void dial_say_instead(struct dial *d, struct str words, dial_speak *speak, void *context);

/* Ends the connection at once: what was written and not yet sent is thrown away. */
void dial_abort(struct dial *d);

/* What became of it; valid until the next dial_begin. */
bool dial_has_connected(const struct dial *d);
int dial_connect_errno(const struct dial *d); /* 0 = none */
bool dial_has_timed_out(const struct dial *d);
/* Words that the library takes for written have not left, or never will: what the server says does not answer them. */
bool dial_holds_words(const struct dial *d);

/* The host that this thread is connected to, "" outside a connection: for SNI. */
const char *dial_current_host(void);

/* Bytes of the server wait that the library has not read. */
bool dial_has_input(const struct dial *d);

#endif
